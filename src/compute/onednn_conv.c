/* Convolution, transposed convolution and linear layers on oneDNN, forward and backward.
 *
 * A linear layer is a 1x1 convolution over pixels. Maps of one pixel (after pooling, squeeze-excitation) are taken as ONE picture whose pixels are the
 * images of the batch: [N][C] is the NHWC layout of a picture N pixels high, so the weights are read once and not once per image. */
#include "compute/onednn_private.h"

#include "base/memory.h"

#include <string.h>

/* One primitive with its memory objects. */
typedef struct unit {
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    dnnl_memory_t in, out, weight, bias, scratch;
    /* A reorder between PyTorch's order and the packed one, if they differ. */
    dnnl_primitive_t reorder;
    dnnl_memory_t plain;
    void *packed; /* owned */
} unit;

typedef struct conv_kernel {
    urs_kernel base;
    urs_kernel_spec spec;
    urs_dnnl_conv conv;
    urs_kernel_args args;
    dnnl_stream_t stream;
    unit forward, data, weights;
    bool has_data, has_weights;
    int64_t residual;   /* elements of the skip connection, 0: none */
    bool add_residual;  /* added by ourselves afterwards */
    size_t skip_at;     /* then: place in the scratch for a skip connection whose memory the output takes */
    void *unwanted;     /* owned: for the gradient of a frozen bias beside a trained weight */
} conv_kernel;

static void release_unit(unit *u)
{
    dnnl_memory_t memories[] = {u->in, u->out, u->weight, u->bias, u->scratch, u->plain};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i])
            (void)dnnl_memory_destroy(memories[i]);
    if (u->primitive)
        (void)dnnl_primitive_destroy(u->primitive);
    if (u->reorder)
        (void)dnnl_primitive_destroy(u->reorder);
    if (u->pd)
        (void)dnnl_primitive_desc_destroy(u->pd);
    urs_aligned_free(u->packed);
    memset(u, 0, sizeof *u);
}

static void free_conv(urs_kernel *self)
{
    conv_kernel *k = (conv_kernel *)self;
    release_unit(&k->forward);
    release_unit(&k->data);
    release_unit(&k->weights);
    if (k->stream)
        (void)dnnl_stream_destroy(k->stream);
    urs_aligned_free(k->unwanted);
    urs_free(k);
}

static urs_status new_memory(dnnl_memory_t *out, urs_dnnl_desc_ref desc, void *address, urs_error *err)
{
    dnnl_engine_t engine = NULL;
    urs_status status = urs_dnnl_engine(&engine, err);
    if (status != URS_OK)
        return status;
    return urs_dnnl_check(dnnl_memory_create(out, desc, engine, address), "a memory object", err);
}

/* Makes the packed copy of the weights and the reorder to or from it, unless the library takes PyTorch's order. */
static urs_status make_packed(unit *u, const urs_dnnl_conv *conv, dnnl_query_t what, bool to_plain, urs_error *err)
{
    const urs_dnnl_desc_ref packed = urs_dnnl_query(u->pd, what);
    dnnl_primitive_desc_t reorder = NULL;
    dnnl_engine_t engine = NULL;
    urs_dnnl_desc plain;
    urs_status status = urs_dnnl_desc_weight(&plain, conv, false, err);
    if (status != URS_OK)
        return status;
    if (!urs_dnnl_same(URS_DNNL_REF(plain), packed)) {
        u->packed = urs_aligned_new(urs_dnnl_bytes(packed));
        status = u->packed ? urs_dnnl_engine(&engine, err) : urs_fail(err, URS_ENOMEM, "no memory for packed weights");
        if (status == URS_OK)
            status = urs_dnnl_check(dnnl_reorder_primitive_desc_create(&reorder, to_plain ? packed : URS_DNNL_REF(plain), engine,
                                                                       to_plain ? URS_DNNL_REF(plain) : packed, engine, NULL), "a weight reorder", err);
        if (status == URS_OK)
            status = urs_dnnl_check(dnnl_primitive_create(&u->reorder, reorder), "a weight reorder", err);
        if (reorder)
            (void)dnnl_primitive_desc_destroy(reorder);
        if (status == URS_OK)
            status = new_memory(&u->plain, URS_DNNL_REF(plain), DNNL_MEMORY_NONE, err);
    }
    if (status == URS_OK)
        status = new_memory(&u->weight, packed, u->packed ? u->packed : DNNL_MEMORY_NONE, err);
    urs_dnnl_desc_release(&plain);
    return status;
}

static urs_status make_unit(conv_kernel *k, unit *u, urs_dnnl_conv_kind kind, urs_error *err)
{
    const bool backward_data = kind == URS_DNNL_BACKWARD_DATA, backward_weights = kind == URS_DNNL_BACKWARD_WEIGHTS;
    const dnnl_query_t in = backward_data ? dnnl_query_diff_src_md : dnnl_query_src_md;
    const dnnl_query_t out = kind == URS_DNNL_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md;
    urs_dnnl_conv conv = k->conv;
    dnnl_primitive_desc_t hint = NULL;
    size_t scratch;
    urs_status status = URS_OK;

    conv.kind = kind;
    if (kind != URS_DNNL_FORWARD) {
        urs_dnnl_conv forward = conv;
        forward.kind = URS_DNNL_FORWARD;
        status = urs_dnnl_conv_desc(&hint, &forward, NULL, err);
    }
    if (status == URS_OK)
        status = urs_dnnl_conv_desc(&u->pd, &conv, hint, err);
    if (hint)
        (void)dnnl_primitive_desc_destroy(hint);
    if (status == URS_OK)
        status = urs_dnnl_check(dnnl_primitive_create(&u->primitive, u->pd), "a convolution", err);
    if (status == URS_OK)
        status = make_packed(u, &conv, backward_weights ? dnnl_query_diff_weights_md : dnnl_query_weights_md, backward_weights, err);
    if (status == URS_OK)
        status = new_memory(&u->in, urs_dnnl_query(u->pd, in), DNNL_MEMORY_NONE, err);
    if (status == URS_OK)
        status = new_memory(&u->out, urs_dnnl_query(u->pd, out), DNNL_MEMORY_NONE, err);
    if (status == URS_OK && k->conv.attr.has_bias && !backward_data) {
        const dnnl_query_t bias = backward_weights ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
        status = new_memory(&u->bias, dnnl_primitive_desc_query_md(u->pd, bias, 1), DNNL_MEMORY_NONE, err);
    }
    if (status == URS_OK)
        status = new_memory(&u->scratch, urs_dnnl_query(u->pd, dnnl_query_scratchpad_md), DNNL_MEMORY_NONE, err);
    if (status != URS_OK)
        return status;
    scratch = urs_dnnl_bytes(urs_dnnl_query(u->pd, dnnl_query_scratchpad_md));
    if (scratch > k->base.scratch_bytes)
        k->base.scratch_bytes = scratch;
    return URS_OK;
}

static void aim(dnnl_memory_t memory, const void *address)
{
    if (memory)
        (void)dnnl_memory_set_data_handle(memory, (void *)(uintptr_t)address);
}

/* Packs (or unpacks) through the unit's reorder; without one the weights are used where they are. */
static urs_status run_reorder(conv_kernel *k, unit *u, dnnl_memory_t from, dnnl_memory_t to, urs_error *err)
{
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return urs_dnnl_check(dnnl_primitive_execute(u->reorder, k->stream, 2, args), "a weight reorder", err);
}

static void pack_unit(conv_kernel *k, unit *u)
{
    if (u->reorder)
        (void)run_reorder(k, u, u->plain, u->weight, NULL);
}

static void pack_conv(urs_kernel *self)
{
    conv_kernel *k = (conv_kernel *)self;
    urs_dnnl_single_thread();
    if (k->spec.pass == URS_PASS_FORWARD)
        pack_unit(k, &k->forward);
    else if (k->has_data)
        pack_unit(k, &k->data);
}

static void aim_weight(unit *u, const void *address)
{
    aim(u->reorder ? u->plain : u->weight, address);
}

/* oneDNN computes the gradients of weight and bias together: one that is not wanted goes to memory of our own. */
static urs_status bind_weight_gradient(conv_kernel *k, const urs_kernel_args *args, urs_error *err)
{
    unit *u = &k->weights;
    void *bias = args->d_param[1];
    if (!args->d_param[0] && !u->packed) {
        u->packed = urs_aligned_new(urs_dnnl_bytes(urs_dnnl_query(u->pd, dnnl_query_diff_weights_md)));
        if (!u->packed)
            return urs_fail(err, URS_ENOMEM, "no memory for a weight gradient");
    }
    if (u->bias && !bias) {
        if (!k->unwanted)
            k->unwanted = urs_aligned_new((size_t)k->spec.out.c * sizeof(float));
        bias = k->unwanted;
        if (!bias)
            return urs_fail(err, URS_ENOMEM, "no memory for a bias gradient");
    }
    aim(u->in, args->in[0]);
    aim(u->out, args->d_out);
    if (u->reorder)
        aim(u->plain, args->d_param[0]);
    else
        aim(u->weight, args->d_param[0] ? args->d_param[0] : u->packed);
    aim(u->bias, bias);
    aim(u->scratch, args->scratch);
    return URS_OK;
}

static urs_status bind_conv(urs_kernel *self, const urs_kernel_args *args, urs_error *err)
{
    conv_kernel *k = (conv_kernel *)self;
    k->args = *args;
    if (k->spec.pass == URS_PASS_FORWARD) {
        aim(k->forward.in, args->in[0]);
        aim(k->forward.out, args->out);
        aim_weight(&k->forward, args->param[0]);
        aim(k->forward.bias, args->param[1]);
        aim(k->forward.scratch, args->scratch);
        return URS_OK;
    }
    if (k->has_data) {
        aim(k->data.in, args->d_in[0]);
        aim(k->data.out, args->d_out);
        aim_weight(&k->data, args->param[0]);
        aim(k->data.scratch, args->scratch);
    }
    return k->has_weights ? bind_weight_gradient(k, args, err) : URS_OK;
}

static urs_status run_forward(conv_kernel *k, urs_error *err)
{
    const unit *u = &k->forward;
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, u->in}, {DNNL_ARG_WEIGHTS, u->weight}, {DNNL_ARG_DST, u->out}, {DNNL_ARG_SCRATCHPAD, u->scratch}};
    urs_status status;
    int n = 4;
    if (u->bias)
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, u->bias};
    const float *skip = k->args.in[1];
    if (k->add_residual && k->args.in[1] == k->args.out) {
        /* The output takes the place of the skip connection: keep it aside, behind the library's own scratch. */
        memcpy((char *)k->args.scratch + k->skip_at, skip, (size_t)k->residual * sizeof(float));
        skip = (const float *)(const void *)((char *)k->args.scratch + k->skip_at);
    }
    if (k->residual && !k->add_residual && k->args.in[1] != k->args.out)
        memcpy(k->args.out, k->args.in[1], (size_t)k->residual * sizeof(float));
    status = urs_dnnl_check(dnnl_primitive_execute(u->primitive, k->stream, n, args), "to run a convolution", err);
    if (status == URS_OK && k->add_residual) {
        float *out = k->args.out;
        for (int64_t i = 0; i < k->residual; i++)
            out[i] += skip[i];
    }
    return status;
}

static urs_status run_backward(conv_kernel *k, urs_error *err)
{
    urs_status status = URS_OK;
    if (k->has_data) {
        const unit *u = &k->data;
        dnnl_exec_arg_t args[4] = {{DNNL_ARG_DIFF_SRC, u->in}, {DNNL_ARG_WEIGHTS, u->weight}, {DNNL_ARG_DIFF_DST, u->out}, {DNNL_ARG_SCRATCHPAD, u->scratch}};
        status = urs_dnnl_check(dnnl_primitive_execute(u->primitive, k->stream, 4, args), "to run a convolution's data gradient", err);
    }
    if (status == URS_OK && k->has_weights) {
        unit *u = &k->weights;
        dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, u->in}, {DNNL_ARG_DIFF_WEIGHTS, u->weight}, {DNNL_ARG_DIFF_DST, u->out}, {DNNL_ARG_SCRATCHPAD, u->scratch}};
        int n = 4;
        if (u->bias)
            args[n++] = (dnnl_exec_arg_t){DNNL_ARG_DIFF_BIAS, u->bias};
        status = urs_dnnl_check(dnnl_primitive_execute(u->primitive, k->stream, n, args), "to run a convolution's weight gradient", err);
        if (status == URS_OK && u->reorder && k->args.d_param[0])
            status = run_reorder(k, u, u->weight, u->plain, err);
    }
    return status;
}

static urs_status run_conv(urs_kernel *self, urs_error *err)
{
    conv_kernel *k = (conv_kernel *)self;
    urs_dnnl_single_thread();
    return k->spec.pass == URS_PASS_FORWARD ? run_forward(k, err) : run_backward(k, err);
}

/* Images of one pixel become pixels of one image. */
static bool one_pixel(const urs_kernel_spec *spec)
{
    return spec->in[0].h * spec->in[0].w == 1 && spec->out.h * spec->out.w == 1 && spec->attr.groups <= 1;
}

static urs_dnnl_conv describe(const urs_kernel_spec *spec)
{
    urs_dnnl_conv c = {.training = spec->training, .transposed = spec->op == URS_OP_CONV_TRANSPOSE, .in = spec->in[0], .out = spec->out, .attr = spec->attr};
    if (spec->op == URS_OP_LINEAR) {
        c.attr.kernel_h = c.attr.kernel_w = c.attr.stride_h = c.attr.stride_w = 1;
        c.attr.groups = 1;
    }
    if (one_pixel(spec) && c.attr.kernel_h == 1 && c.attr.kernel_w == 1) {
        c.in.h = c.out.h = spec->in[0].n;
        c.in.n = c.out.n = 1;
        /* [N][C] also where the layout says NCHW: with one pixel the two are the same bytes. */
        c.in.block = c.in.c;
        c.out.block = c.out.c;
    }
    return c;
}

urs_status urs_onednn_conv_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err)
{
    conv_kernel *k;
    dnnl_engine_t engine = NULL;
    urs_status status;
    /* A skip connection in another layout (the graph's own input): rare, so the slow way. */
    if (spec->attr.has_residual && spec->in[1].block != spec->out.block)
        return urs_adapter_new(out, spec, err);
    k = urs_array_new(1, sizeof *k);
    if (!k)
        return urs_fail(err, URS_ENOMEM, "no memory for a kernel");
    k->base = (urs_kernel){.bind = bind_conv, .pack = pack_conv, .run = run_conv, .free = free_conv};
    k->spec = *spec;
    k->conv = describe(spec);
    if (spec->attr.has_residual)
        k->residual = urs_tensor_elements(spec->out);
    if (spec->attr.has_residual && spec->attr.activation != URS_ACT_NONE) {
        /* A sum behind an activation sends oneDNN 2.6 to its reference code, two hundred times slower. */
        k->add_residual = true;
        k->conv.attr.has_residual = false;
    }
    status = urs_dnnl_engine(&engine, err);
    if (status == URS_OK)
        status = urs_dnnl_check(dnnl_stream_create(&k->stream, engine, dnnl_stream_default_flags), "a stream", err);
    if (status == URS_OK && spec->pass == URS_PASS_FORWARD) {
        status = make_unit(k, &k->forward, URS_DNNL_FORWARD, err);
    } else if (status == URS_OK) {
        k->has_data = spec->want_d_in[0];
        k->has_weights = spec->want_d_param;
        if (k->has_data)
            status = make_unit(k, &k->data, URS_DNNL_BACKWARD_DATA, err);
        if (status == URS_OK && k->has_weights)
            status = make_unit(k, &k->weights, URS_DNNL_BACKWARD_WEIGHTS, err);
    }
    if (status != URS_OK) {
        free_conv(&k->base);
        return status;
    }
    if (k->add_residual) {
        k->skip_at = (k->base.scratch_bytes + 63) / 64 * 64;
        k->base.scratch_bytes = k->skip_at + (size_t)k->residual * sizeof(float);
    }
    *out = &k->base;
    return URS_OK;
}
