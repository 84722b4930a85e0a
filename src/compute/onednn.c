/* The onednn backend: oneDNN for what multiplies matrices, our own kernels on blocked layouts for what only moves and maps numbers, and the reference
 * kernels for the rest. See docs/decisions for why. */
#include "compute/onednn_private.h"

#define BLOCK_AVX512 16
#define BLOCK_AVX2 8

static int64_t preferred_block(int64_t c, int64_t h, int64_t w)
{
    if (h * w == 1)
        return c; /* vectors: no padding, and the images of a batch line up as rows */
    if (c < BLOCK_AVX2)
        return 1;
    return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core ? BLOCK_AVX512 : BLOCK_AVX2;
}

static urs_status kernel_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err)
{
    urs_kernel *k = NULL;
    urs_status status;
    if (spec->dtype != URS_DTYPE_F32)
        return urs_fail(err, URS_EUNSUPPORTED, "the onednn backend computes in float32 only");
    status = urs_lanes_new(&k, spec, err);
    if (status == URS_OK && !k && (spec->op == URS_OP_CONV || spec->op == URS_OP_CONV_TRANSPOSE || spec->op == URS_OP_LINEAR))
        return urs_onednn_conv_new(out, spec, err);
    if (status == URS_OK && !k)
        status = urs_adapter_new(&k, spec, err);
    if (status == URS_OK)
        *out = k;
    return status;
}

static const urs_backend backend = {.name = "onednn", .block = preferred_block, .kernel_new = kernel_new};

const urs_backend *urs_backend_onednn(void)
{
    return &backend;
}
