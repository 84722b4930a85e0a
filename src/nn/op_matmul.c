/* Matrix product of two activations, one for each channel: a [C,H,K] x b [C,K,W] gives [C,H,W]. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)attr;
    (void)n_in;
    if (in[0].c != in[1].c || in[0].w != in[1].h)
        return urs_fail(err, URS_EINVAL, "matmul: [%" PRId64 ",%" PRId64 ",%" PRId64 "] times [%" PRId64 ",%" PRId64 ",%" PRId64 "] does not fit", in[0].c,
                        in[0].h, in[0].w, in[1].c, in[1].h, in[1].w);
    const urs_dims d = {.c = in[0].c, .h = in[0].h, .w = in[1].w};
    const urs_status status = urs_op_check_dims(d, "output of a matmul", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

static int64_t macs(const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_dims out)
{
    (void)attr;
    (void)n_in;
    return out.c * out.h * out.w * in[0].w;
}

const urs_op urs_op_matmul = {.name = "matmul", .inputs_min = 2, .inputs_max = 2, .infer = infer, .macs = macs, .backward_needs_in = true};
