/* Operations element by element or by whole channels: activation, add, mul, concat, slice, dropout, drop path. The masks are defined in ref.h. */
#include "compute/ref_real.h"

#include "base/random.h"

#include <string.h>

static void activation_forward(const urs_ref_kernel *k)
{
    const real *x = k->args.in[0];
    real *y = k->args.out;
    const int64_t count = urs_tensor_elements(k->spec.out);
    for (int64_t i = 0; i < count; i++)
        y[i] = (real)urs_ref_activate(k->spec.attr.activation, (double)x[i]);
}

static void activation_backward(const urs_ref_kernel *k)
{
    const real *x = k->args.in[0], *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    const int64_t count = urs_tensor_elements(k->spec.out);
    for (int64_t i = 0; dx && i < count; i++)
        dx[i] = (real)((double)d_out[i] * urs_ref_activate_slope(k->spec.attr.activation, (double)x[i]));
}

static void add_forward(const urs_ref_kernel *k)
{
    const real *a = k->args.in[0], *b = k->args.in[1];
    real *y = k->args.out;
    const int64_t count = urs_tensor_elements(k->spec.out);
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

static void add_backward(const urs_ref_kernel *k)
{
    const size_t bytes = (size_t)urs_tensor_elements(k->spec.out) * sizeof(real);
    for (int input = 0; input < 2; input++)
        if (k->args.d_in[input])
            memcpy(k->args.d_in[input], k->args.d_out, bytes);
}

/* Elements of the first factor that share one element of the second. */
static int64_t mul_span(const urs_kernel_spec *spec)
{
    return spec->in[1].h == 1 && spec->in[1].w == 1 ? spec->in[0].h * spec->in[0].w : 1;
}

static void mul_forward(const urs_ref_kernel *k)
{
    const real *a = k->args.in[0], *b = k->args.in[1];
    real *y = k->args.out;
    const int64_t count = urs_tensor_elements(k->spec.out), span = mul_span(&k->spec);
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] * b[i / span];
}

static void mul_backward(const urs_ref_kernel *k)
{
    const real *a = k->args.in[0], *b = k->args.in[1], *d_out = k->args.d_out;
    real *da = k->args.d_in[0], *db = k->args.d_in[1];
    const int64_t count = urs_tensor_elements(k->spec.out), span = mul_span(&k->spec);
    for (int64_t j = 0; j < count / span; j++) {
        double sum = 0.0;
        for (int64_t i = j * span; i < (j + 1) * span; i++) {
            sum += (double)d_out[i] * (double)a[i];
            if (da)
                da[i] = d_out[i] * b[j];
        }
        if (db)
            db[j] = (real)sum;
    }
}

static void concat_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    real *y = k->args.out;
    for (int64_t n = 0; n < s.n; n++)
        for (int32_t i = 0; i < k->spec.n_in; i++) {
            const int64_t part = k->spec.in[i].c * s.h * s.w;
            memcpy(y, (const real *)k->args.in[i] + n * part, (size_t)part * sizeof(real));
            y += part;
        }
}

static void concat_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const real *d_out = k->args.d_out;
    for (int64_t n = 0; n < s.n; n++)
        for (int32_t i = 0; i < k->spec.n_in; i++) {
            const int64_t part = k->spec.in[i].c * s.h * s.w;
            if (k->args.d_in[i])
                memcpy((real *)k->args.d_in[i] + n * part, d_out, (size_t)part * sizeof(real));
            d_out += part;
        }
}

static void slice_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const int64_t hw = in.h * in.w, part = out.c * hw;
    for (int64_t n = 0; n < in.n; n++)
        memcpy((real *)k->args.out + n * part, (const real *)k->args.in[0] + (n * in.c + k->spec.attr.begin) * hw, (size_t)part * sizeof(real));
}

static void slice_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const int64_t hw = in.h * in.w, part = out.c * hw;
    real *dx = k->args.d_in[0];
    if (!dx)
        return;
    for (int64_t i = 0; i < urs_tensor_elements(in); i++)
        dx[i] = (real)0;
    for (int64_t n = 0; n < in.n; n++)
        memcpy(dx + (n * in.c + k->spec.attr.begin) * hw, (const real *)k->args.d_out + n * part, (size_t)part * sizeof(real));
}

/* Elements that share one draw. */
static int64_t drop_span(const urs_kernel_spec *spec)
{
    return spec->op == URS_OP_DROP_PATH ? spec->out.c * spec->out.h * spec->out.w : 1;
}

static size_t drop_saved(const urs_kernel_spec *spec)
{
    return (size_t)(urs_tensor_elements(spec->out) / drop_span(spec));
}

static void drop_apply(const urs_ref_kernel *k, const real *x, real *y)
{
    const int64_t span = drop_span(&k->spec), draws = urs_tensor_elements(k->spec.out) / span;
    const real scale = (real)(1.0 / (1.0 - (double)k->spec.attr.p));
    const uint8_t *kept = k->args.saved;
    for (int64_t j = 0; j < draws; j++)
        for (int64_t i = j * span; i < (j + 1) * span; i++)
            y[i] = kept[j] ? x[i] * scale : (real)0;
}

static void drop_forward(const urs_ref_kernel *k)
{
    const size_t count = (size_t)urs_tensor_elements(k->spec.out);
    if (!k->spec.training) {
        memmove(k->args.out, k->args.in[0], count * sizeof(real));
        return;
    }
    uint8_t *kept = k->args.saved;
    urs_random r;
    urs_random_init_stream(&r, *k->args.seed, k->args.salt);
    for (size_t j = 0; j < k->base.saved_bytes; j++)
        kept[j] = !(urs_random_unit(&r) < (double)k->spec.attr.p);
    drop_apply(k, k->args.in[0], k->args.out);
}

static void drop_backward(const urs_ref_kernel *k)
{
    if (k->args.d_in[0])
        drop_apply(k, k->args.d_out, k->args.d_in[0]);
}

const urs_ref_op URS_REF_NAME(activation) = {.forward = activation_forward, .backward = activation_backward};
const urs_ref_op URS_REF_NAME(add) = {.forward = add_forward, .backward = add_backward};
const urs_ref_op URS_REF_NAME(mul) = {.forward = mul_forward, .backward = mul_backward};
const urs_ref_op URS_REF_NAME(concat) = {.forward = concat_forward, .backward = concat_backward};
const urs_ref_op URS_REF_NAME(slice) = {.forward = slice_forward, .backward = slice_backward};
const urs_ref_op URS_REF_NAME(dropout) = {.forward = drop_forward, .backward = drop_backward, .saved_bytes = drop_saved};
const urs_ref_op URS_REF_NAME(drop_path) = {.forward = drop_forward, .backward = drop_backward, .saved_bytes = drop_saved};
