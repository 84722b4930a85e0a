/* Running one case: memory for a kernel in its layout, conversion in and out. */
#include "op_cases.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/op.h"

#include <math.h>
#include <string.h>

static urs_tensor_shape plain_shape(const int64_t *d)
{
    return (urs_tensor_shape){.n = d[0], .c = d[1], .h = d[2], .w = d[3], .block = 1};
}

static int32_t count_positions(const urs_op_case *c, size_t *count)
{
    const size_t side = (size_t)(c->attr.window ? c->attr.window : c->in[0][3]), heads = (size_t)c->attr.heads;
    switch (c->attr.position) {
    case URS_ATTENTION_TABLE: count[0] = (2 * side - 1) * (2 * side - 1) * heads; return 1;
    case URS_ATTENTION_DISTANCE: count[0] = side * side * heads; return 1;
    case URS_ATTENTION_QUERY: count[0] = count[1] = (2 * side - 1) * (size_t)c->in[0][1] / 3 / heads; return 2;
    default: return 0;
    }
}

static int32_t count_params(const urs_op_case *c, const urs_op_data *d, size_t *count)
{
    const int64_t channels = d->in_shape[0].c, out = c->attr.out_channels;
    switch (c->op) {
    case URS_OP_CONV: count[0] = (size_t)(out * (channels / c->attr.groups) * c->attr.kernel_h * c->attr.kernel_w); break;
    case URS_OP_CONV_TRANSPOSE: count[0] = (size_t)(channels * (out / c->attr.groups) * c->attr.kernel_h * c->attr.kernel_w); break;
    case URS_OP_LINEAR: count[0] = (size_t)(out * channels); break;
    case URS_OP_BATCH_NORM: count[0] = count[1] = count[2] = count[3] = (size_t)channels; return 4;
    case URS_OP_LAYER_NORM: count[0] = count[1] = (size_t)channels; return 2;
    case URS_OP_SCALE: count[0] = (size_t)channels; return 1;
    case URS_OP_FAKE_QUANT: count[0] = 1, count[1] = 3; return 2;
    case URS_OP_POSITION: count[0] = d->in_count[0] / (size_t)c->in[0][0]; return 1;
    case URS_OP_ATTENTION: return count_positions(c, count);
    default: return 0;
    }
    count[1] = (size_t)out;
    return c->attr.has_bias ? 2 : 1;
}

static bool is_norm(urs_op_kind op)
{
    return op == URS_OP_BATCH_NORM || op == URS_OP_LAYER_NORM || op == URS_OP_SCALE;
}

static bool new_random(double **out, size_t count, urs_random *r, double centre, double scale)
{
    *out = urs_array_new(count, sizeof **out);
    for (size_t i = 0; *out && i < count; i++)
        (*out)[i] = (double)(float)(centre + scale * urs_random_normal(r));
    return *out != NULL;
}

static bool allocate(urs_op_data *d, const urs_op_case *c, urs_random *r)
{
    bool ok = true;
    for (int32_t i = 0; i < d->n_in; i++) {
        ok = ok && new_random(&d->in[i], d->in_count[i], r, 0, c->scale > 0 ? c->scale : 1);
        d->d_in[i] = urs_array_new(d->in_count[i], sizeof(double));
        ok = ok && d->d_in[i];
    }
    for (int32_t i = 0; i < d->n_params; i++) {
        const bool gamma = is_norm(c->op) && i == 0;
        ok = ok && new_random(&d->param[i], d->param_count[i], r, gamma ? 1 : 0, 0.4);
        for (size_t j = 0; ok && i == 3 && j < d->param_count[i]; j++)
            d->param[i][j] = 0.5 + fabs(d->param[i][j]);
        d->d_param[i] = urs_array_new(d->param_count[i], sizeof(double));
        ok = ok && d->d_param[i];
    }
    if (ok && c->op == URS_OP_FAKE_QUANT) { /* trained only while it is off: the straight-through gradient is no derivative, test_fake_quant.c checks it */
        d->param[0][0] = c->mode == URS_MODE_INFER ? 0.0234375 : -1;
        d->param[1][0] = -20;
    }
    d->out = urs_array_new(d->out_count, sizeof(double));
    return ok && d->out && new_random(&d->d_out, d->out_count, r, 0, 1);
}

urs_status urs_op_data_new(urs_op_data *data, const urs_op_case *c, urs_error *err)
{
    urs_op_data d = {.n_in = c->n_in};
    urs_dims in[URS_INPUTS_MAX], out;
    uint64_t name = 0;
    urs_random r;
    for (int32_t i = 0; i < c->n_in; i++) {
        d.in_shape[i] = plain_shape(c->in[i]);
        d.in_count[i] = (size_t)urs_tensor_elements(d.in_shape[i]);
        in[i] = (urs_dims){.c = c->in[i][1], .h = c->in[i][2], .w = c->in[i][3]};
    }
    const urs_op *op = urs_op_find(c->op);
    if (c->n_in < op->inputs_min || c->n_in > op->inputs_max)
        return urs_fail(err, URS_EINVAL, "%s: %d inputs", c->name, c->n_in);
    urs_status status = op->infer(&out, &c->attr, in, c->n_in, err);
    if (status != URS_OK)
        return status;
    d.out_shape = (urs_tensor_shape){.n = c->in[0][0], .c = out.c, .h = out.h, .w = out.w, .block = 1};
    d.out_count = (size_t)urs_tensor_elements(d.out_shape);
    d.n_params = count_params(c, &d, d.param_count);
    d.n_trained = c->op == URS_OP_FAKE_QUANT ? 1 : d.n_params > 2 ? 2 : d.n_params;
    for (const char *s = c->name; *s; s++)
        name = urs_random_mix(name ^ (uint64_t)*s);
    urs_random_init(&r, name);
    if (!allocate(&d, c, &r)) {
        urs_op_data_release(&d);
        return urs_fail(err, URS_ENOMEM, "%s: no memory", c->name);
    }
    *data = d;
    return URS_OK;
}

void urs_op_data_release(urs_op_data *data)
{
    for (int i = 0; i < URS_INPUTS_MAX; i++) {
        urs_free(data->in[i]);
        urs_free(data->d_in[i]);
    }
    for (int i = 0; i < URS_PARAMS_MAX; i++) {
        urs_free(data->param[i]);
        urs_free(data->d_param[i]);
    }
    urs_free(data->out);
    urs_free(data->d_out);
    memset(data, 0, sizeof *data);
}

/* Everything that one run allocates, so that one call gives it back. */
typedef struct run {
    const urs_op_case *c;
    urs_op_data *data;
    const urs_op_run_options *options;
    urs_kernel_spec spec;
    urs_kernel_args args;
    urs_kernel *kernel[2];
    void *block[64];
    int n_blocks;
    urs_status status;
    urs_error *err;
} run;

/* Filled with 0xFF: NaN as float and as double. */
static void *new_block(run *r, size_t bytes)
{
    void *p = r->status == URS_OK ? urs_aligned_new(bytes + 64) : NULL;
    if (!p) {
        if (r->status == URS_OK)
            r->status = urs_fail(r->err, URS_ENOMEM, "%s: no memory", r->c->name);
        return NULL;
    }
    r->block[r->n_blocks++] = p;
    memset(p, 0xFF, bytes);
    return p;
}

static size_t element(const run *r)
{
    return r->options->dtype == URS_DTYPE_F64 ? sizeof(double) : sizeof(float);
}

static int64_t block_of(const run *r, urs_tensor_shape s, bool is_input)
{
    switch (r->options->layout) {
    case URS_LAYOUT_OWN: return r->options->backend->block(s.c, s.h, s.w);
    case URS_LAYOUT_ENTRANCE: return is_input ? 1 : r->options->backend->block(s.c, s.h, s.w);
    case URS_LAYOUT_8: return s.h * s.w == 1 ? s.c : 8;
    case URS_LAYOUT_16: return s.h * s.w == 1 ? s.c : 16;
    case URS_LAYOUT_PLAIN:
    case URS_LAYOUT_COUNT: break;
    }
    return 1;
}

static void *new_tensor(run *r, urs_tensor_shape s)
{
    return new_block(r, (size_t)urs_tensor_elements(s) * element(r));
}

static void store_flat(const run *r, void *to, const double *from, size_t count)
{
    for (size_t i = 0; to && i < count; i++) {
        if (r->options->dtype == URS_DTYPE_F64)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    }
}

static void load_flat(const run *r, double *to, const void *from, size_t count)
{
    for (size_t i = 0; from && i < count; i++)
        to[i] = r->options->dtype == URS_DTYPE_F64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static urs_tensor_shape unblocked(urs_tensor_shape s)
{
    s.block = 1;
    return s;
}

static void store(run *r, void *to, urs_tensor_shape s, const double *from)
{
    const size_t count = (size_t)urs_tensor_elements(unblocked(s));
    if (s.block == 1) {
        store_flat(r, to, from, count);
        return;
    }
    float *flat = new_block(r, count * sizeof *flat);
    if (!flat || !to)
        return;
    for (size_t i = 0; i < count; i++)
        flat[i] = (float)from[i];
    urs_tensor_convert(to, s, flat, unblocked(s));
}

static void check_padding(run *r, const float *x, urs_tensor_shape s, const char *what)
{
    const int64_t blocks = urs_tensor_padded_channels(s) / s.block;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.h * s.w; p++)
            for (int64_t c = s.c; c < urs_tensor_padded_channels(s); c++)
                if (r->status == URS_OK && x[((n * blocks + c / s.block) * s.h * s.w + p) * s.block + c % s.block] != 0.0f)
                    r->status = urs_fail(r->err, URS_EMISMATCH, "padded channel %lld of %s is not zero", (long long)c, what);
}

static void load(run *r, double *to, const void *from, urs_tensor_shape s, const char *what)
{
    const size_t count = (size_t)urs_tensor_elements(unblocked(s));
    if (s.block == 1) {
        load_flat(r, to, from, count);
        return;
    }
    float *flat = new_block(r, count * sizeof *flat);
    if (!flat)
        return;
    urs_tensor_convert(flat, unblocked(s), from, s);
    for (size_t i = 0; i < count; i++)
        to[i] = (double)flat[i];
    check_padding(r, from, s, what);
}

static void describe(run *r)
{
    const urs_op_case *c = r->c;
    r->spec = (urs_kernel_spec){.op = c->op, .pass = URS_PASS_FORWARD, .training = c->mode != URS_MODE_INFER, .frozen_norm = c->mode == URS_MODE_FROZEN,
                                .dtype = r->options->dtype, .attr = c->attr, .n_in = c->n_in, .out = r->data->out_shape};
    r->spec.out.block = block_of(r, r->spec.out, false);
    for (int32_t i = 0; i < c->n_in; i++) {
        r->spec.in[i] = r->data->in_shape[i];
        r->spec.in[i].block = block_of(r, r->spec.in[i], true);
        r->spec.want_d_in[i] = true;
    }
    /* As a plan sets it: residual and output share memory, so they share the layout. */
    if (r->options->in_place)
        r->spec.in[1].block = r->spec.out.block;
    r->spec.want_d_param = r->data->n_params > 0;
}

static void prepare(run *r)
{
    static const uint64_t seed = URS_CASE_SEED;
    const bool infer = r->c->mode == URS_MODE_INFER;
    r->args.seed = &seed;
    r->args.salt = URS_CASE_SALT;
    for (int32_t i = 0; i < r->data->n_in; i++) {
        void *x = new_tensor(r, r->spec.in[i]);
        store(r, x, r->spec.in[i], r->data->in[i]);
        r->args.in[i] = x;
        if (i == 1 && r->options->in_place)
            r->args.out = x;
    }
    for (int32_t i = 0; i < r->data->n_params; i++) {
        void *p = new_block(r, r->data->param_count[i] * element(r));
        store_flat(r, p, r->data->param[i], r->data->param_count[i]);
        r->args.param[i] = p;
        if (!infer)
            r->args.d_param[i] = new_block(r, r->data->param_count[i] * element(r));
    }
    if (!r->args.out)
        r->args.out = new_tensor(r, r->spec.out);
}

static void run_kernel(run *r, int which)
{
    urs_kernel *k = NULL;
    if (r->status != URS_OK)
        return;
    r->status = r->options->backend->kernel_new(&k, &r->spec, r->err);
    if (r->status != URS_OK)
        return;
    r->kernel[which] = k;
    if (which == 1 && k->saved_bytes != r->kernel[0]->saved_bytes)
        r->status = urs_fail(r->err, URS_EMISMATCH, "the passes ask for %zu and %zu bytes to save", r->kernel[0]->saved_bytes, k->saved_bytes);
    if (which == 0 && k->saved_bytes > 0)
        r->args.saved = new_block(r, k->saved_bytes);
    r->args.scratch = new_block(r, k->scratch_bytes);
    if (r->status == URS_OK)
        r->status = k->bind(k, &r->args, r->err);
    if (r->status != URS_OK)
        return;
    if (k->pack)
        k->pack(k);
    r->status = k->run(k, r->err);
}

static void run_backward(run *r)
{
    const urs_op *op = urs_op_find(r->c->op);
    void *d_out = new_tensor(r, r->spec.out);
    store(r, d_out, r->spec.out, r->data->d_out);
    r->args.d_out = d_out;
    r->spec.pass = URS_PASS_BACKWARD;
    for (int32_t i = 0; i < r->data->n_in; i++) {
        r->args.d_in[i] = new_tensor(r, r->spec.in[i]);
        /* What the record does not ask for is gone by now. */
        if (!op->backward_needs_in)
            r->args.in[i] = NULL;
    }
    if (!op->backward_needs_out)
        r->args.out = NULL;
    run_kernel(r, 1);
}

urs_status urs_op_case_run(const urs_op_case *c, urs_op_data *data, const urs_op_run_options *options, urs_error *err)
{
    run r = {.c = c, .data = data, .options = options, .err = err};
    const bool backward = c->mode != URS_MODE_INFER && !options->forward_only;
    describe(&r);
    prepare(&r);
    run_kernel(&r, 0);
    if (r.status == URS_OK)
        load(&r, data->out, r.args.out, r.spec.out, "the output");
    if (r.status == URS_OK && backward)
        run_backward(&r);
    for (int32_t i = 0; r.status == URS_OK && backward && i < data->n_in; i++)
        load(&r, data->d_in[i], r.args.d_in[i], r.spec.in[i], "an input gradient");
    for (int32_t i = 0; r.status == URS_OK && backward && i < data->n_params; i++)
        load_flat(&r, data->d_param[i], r.args.d_param[i], data->param_count[i]);
    for (int i = 0; i < 2; i++)
        if (r.kernel[i])
            r.kernel[i]->free(r.kernel[i]);
    for (int i = 0; i < r.n_blocks; i++)
        urs_aligned_free(r.block[i]);
    return r.status;
}

double urs_op_error(const double *a, const double *b, size_t count)
{
    double size = 0, worst = 0;
    for (size_t i = 0; i < count; i++)
        size = fmax(size, fabs(b[i]));
    for (size_t i = 0; i < count; i++) {
        const double e = fabs(a[i] - b[i]) / (size > 0 ? size : 1);
        if (!(e <= worst))
            worst = isnan(e) ? (double)INFINITY : e;
    }
    return worst;
}
