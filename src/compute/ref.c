/* The reference backend: table of operations, kernels' life. */
#include "compute/ref.h"

#include "base/memory.h"

#include <inttypes.h>

#define BOTH(name) {&urs_ref_##name##_f32, &urs_ref_##name##_f64}
static const urs_ref_op *const table[URS_OP_COUNT][2] = {
    [URS_OP_CONV] = BOTH(conv),
    [URS_OP_CONV_TRANSPOSE] = BOTH(conv_transpose),
    [URS_OP_LINEAR] = BOTH(linear),
    [URS_OP_MATMUL] = BOTH(matmul),
    [URS_OP_BATCH_NORM] = BOTH(batch_norm),
    [URS_OP_LAYER_NORM] = BOTH(layer_norm),
    [URS_OP_ACTIVATION] = BOTH(activation),
    [URS_OP_SOFTMAX] = BOTH(softmax),
    [URS_OP_MAX_POOL] = BOTH(max_pool),
    [URS_OP_AVG_POOL] = BOTH(avg_pool),
    [URS_OP_GLOBAL_POOL] = BOTH(global_pool),
    [URS_OP_RESIZE] = BOTH(resize),
    [URS_OP_ADD] = BOTH(add),
    [URS_OP_MUL] = BOTH(mul),
    [URS_OP_CONCAT] = BOTH(concat),
    [URS_OP_SLICE] = BOTH(slice),
    [URS_OP_DROPOUT] = BOTH(dropout),
    [URS_OP_DROP_PATH] = BOTH(drop_path),
    [URS_OP_L2_NORM] = BOTH(l2_norm),
    [URS_OP_SCALE] = BOTH(scale),
    [URS_OP_FAKE_QUANT] = BOTH(fake_quant),
    [URS_OP_ATTENTION] = BOTH(attention),
    [URS_OP_PAD] = BOTH(pad),
    [URS_OP_MERGE] = BOTH(merge),
    [URS_OP_POSITION] = BOTH(position),
};

static urs_status check_shape(urs_tensor_shape s, int64_t n, const char *what, urs_error *err)
{
    if (s.block != 1)
        return urs_fail(err, URS_EUNSUPPORTED, "ref computes only in NCHW, but %s has blocks of %" PRId64 " channels", what, s.block);
    if (s.n < 1 || s.c < 1 || s.h < 1 || s.w < 1 || s.n != n)
        return urs_fail(err, URS_EINVAL, "%s has shape [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "] in a batch of %" PRId64, what, s.n, s.c, s.h,
                        s.w, n);
    return URS_OK;
}

/* Shapes have passed the operations' shape rules already (nn/op.h); this catches what those rules do not see. */
static urs_status check_spec(const urs_kernel_spec *spec, urs_error *err)
{
    if ((int)spec->op < 0 || spec->op >= URS_OP_COUNT || !table[spec->op][0])
        return urs_fail(err, URS_EINVAL, "ref has no kernel for operation %d", (int)spec->op);
    if (spec->dtype != URS_DTYPE_F32 && spec->dtype != URS_DTYPE_F64)
        return urs_fail(err, URS_EINVAL, "there is no element type %d", (int)spec->dtype);
    if (spec->n_in < 1 || spec->n_in > URS_INPUTS_MAX)
        return urs_fail(err, URS_EINVAL, "an operation cannot have %d inputs", spec->n_in);
    const bool weighted = spec->op == URS_OP_CONV || spec->op == URS_OP_LINEAR;
    if (spec->pass == URS_PASS_BACKWARD && weighted && (spec->attr.activation != URS_ACT_NONE || spec->attr.has_residual))
        return urs_fail(err, URS_EUNSUPPORTED, "only inference fuses activation or addition into a convolution or linear layer");
    urs_status status = check_shape(spec->out, spec->out.n, "the output", err);
    for (int32_t i = 0; status == URS_OK && i < spec->n_in; i++)
        status = check_shape(spec->in[i], spec->out.n, "an input", err);
    return status;
}

static urs_status kernel_bind(urs_kernel *self, const urs_kernel_args *args, urs_error *err)
{
    urs_ref_kernel *k = (urs_ref_kernel *)self;
    const bool forward = k->spec.pass == URS_PASS_FORWARD;
    if (forward ? !args->in[0] || !args->out : !args->d_out)
        return urs_fail(err, URS_EINVAL, "a kernel of operation %d was bound without its %s", (int)k->spec.op, forward ? "input or output" : "gradient");
    if ((self->saved_bytes > 0 && !args->saved) || (self->scratch_bytes > 0 && !args->scratch))
        return urs_fail(err, URS_EINVAL, "a kernel of operation %d was bound without the memory that it asked for", (int)k->spec.op);
    k->args = *args;
    return URS_OK;
}

static urs_status kernel_run(urs_kernel *self, urs_error *err)
{
    const urs_ref_kernel *k = (const urs_ref_kernel *)self;
    (void)err;
    k->compute(k);
    return URS_OK;
}

static void kernel_free(urs_kernel *self)
{
    urs_free(self);
}

static urs_status kernel_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err)
{
    const urs_status status = check_spec(spec, err);
    if (status != URS_OK)
        return status;
    const urs_ref_op *op = table[spec->op][spec->dtype == URS_DTYPE_F64];
    urs_ref_kernel *k = urs_array_new(1, sizeof *k);
    if (!k)
        return urs_fail(err, URS_ENOMEM, "no memory for a kernel");
    k->spec = *spec;
    k->compute = spec->pass == URS_PASS_FORWARD ? op->forward : op->backward;
    k->base.bind = kernel_bind;
    k->base.run = kernel_run;
    k->base.free = kernel_free;
    if ((spec->training || spec->pass == URS_PASS_BACKWARD) && op->saved_bytes)
        k->base.saved_bytes = op->saved_bytes(spec);
    if (op->scratch_bytes)
        k->base.scratch_bytes = op->scratch_bytes(spec);
    *out = &k->base;
    return URS_OK;
}

static int64_t block(int64_t c, int64_t h, int64_t w)
{
    (void)c;
    (void)h;
    (void)w;
    return 1;
}

const urs_backend *urs_backend_ref(void)
{
    static const urs_backend ref = {.name = "ref", .block = block, .kernel_new = kernel_new};
    return &ref;
}
