/* Linear layer over the channels of every pixel: [C,H,W] with weight [O,C] gives [O,H,W]. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)n_in;
    const urs_dims d = {.c = attr->out_channels, .h = in[0].h, .w = in[0].w};
    const urs_status status = urs_op_check_dims(d, "output of a linear layer", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

static int64_t macs(const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_dims out)
{
    (void)attr;
    (void)n_in;
    return in[0].c * out.c * out.h * out.w;
}

const urs_op urs_op_linear = {.name = "linear", .inputs_min = 1, .inputs_max = 1, .infer = infer, .macs = macs, .backward_needs_in = true};
