/* What rearranges a map or adds to it: padding and cutting, patch merging, learned positions. */
#include "compute/ref_real.h"

/* Forward or back: an output place and the input place that it shows, if there is one. */
static void pad(const urs_ref_kernel *k, bool back)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *x = back ? NULL : k->args.in[0], *d_out = back ? k->args.d_out : NULL;
    real *y = back ? NULL : k->args.out, *dx = back ? k->args.d_in[0] : NULL;
    for (int64_t i = 0; back && dx && i < in.n * in.c * in.h * in.w; i++)
        dx[i] = (real)0;
    for (int64_t plane = 0; plane < out.n * out.c; plane++)
        for (int64_t r = 0; r < out.h; r++)
            for (int64_t c = 0; c < out.w; c++) {
                const int64_t from_r = r - k->spec.attr.pad_top, from_c = c - k->spec.attr.pad_left;
                const int64_t to = (plane * out.h + r) * out.w + c, from = (plane * in.h + from_r) * in.w + from_c;
                const bool inside = from_r >= 0 && from_r < in.h && from_c >= 0 && from_c < in.w;
                if (y)
                    y[to] = inside ? x[from] : (real)0;
                if (dx && inside)
                    dx[from] = d_out[to];
            }
}

static void pad_forward(const urs_ref_kernel *k)
{
    pad(k, false);
}

static void pad_backward(const urs_ref_kernel *k)
{
    pad(k, true);
}

/* Pixel (2r + part % 2, 2c + part / 2) becomes channels part * C .. of pixel (r, c). */
static void merge(const urs_ref_kernel *k, bool back)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *x = back ? NULL : k->args.in[0], *d_out = back ? k->args.d_out : NULL;
    real *y = back ? NULL : k->args.out, *dx = back ? k->args.d_in[0] : NULL;
    for (int64_t n = 0; n < out.n; n++)
        for (int64_t channel = 0; channel < out.c; channel++)
            for (int64_t p = 0; p < out.h * out.w; p++) {
                const int64_t part = channel / in.c, r = 2 * (p / out.w) + part % 2, c = 2 * (p % out.w) + part / 2;
                const int64_t from = ((n * in.c + channel % in.c) * in.h + r) * in.w + c, to = (n * out.c + channel) * out.h * out.w + p;
                if (y)
                    y[to] = x[from];
                if (dx)
                    dx[from] = d_out[to];
            }
}

static void merge_forward(const urs_ref_kernel *k)
{
    merge(k, false);
}

static void merge_backward(const urs_ref_kernel *k)
{
    merge(k, true);
}

/* The table is [H,W,C]. */
static void position_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *x = k->args.in[0], *table = k->args.param[0];
    real *y = k->args.out;
    for (int64_t i = 0; i < s.n * s.c * hw; i++)
        y[i] = (real)((double)x[i] + (double)table[i % hw * s.c + i / hw % s.c]);
}

static void position_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t image = s.c * s.h * s.w, hw = s.h * s.w;
    const real *d_out = k->args.d_out;
    real *dx = k->args.d_in[0], *d_table = k->args.d_param[0];
    for (int64_t i = 0; dx && i < s.n * image; i++)
        dx[i] = d_out[i];
    for (int64_t i = 0; d_table && i < image; i++) {
        double sum = 0.0;
        for (int64_t n = 0; n < s.n; n++)
            sum += (double)d_out[n * image + i];
        d_table[i % hw * s.c + i / hw] = (real)sum;
    }
}

const urs_ref_op URS_REF_NAME(pad) = {.forward = pad_forward, .backward = pad_backward};
const urs_ref_op URS_REF_NAME(merge) = {.forward = merge_forward, .backward = merge_backward};
const urs_ref_op URS_REF_NAME(position) = {.forward = position_forward, .backward = position_backward};
