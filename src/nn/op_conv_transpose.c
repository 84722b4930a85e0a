/* Transposed convolution: x [C,H,W] with weight [C, O/groups, kh, kw] gives (H-1)*stride + kernel - padding rows; no output padding. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)n_in;
    urs_status status = urs_op_check_window(attr, false, "transposed convolution", err);
    if (status != URS_OK)
        return status;
    if (attr->groups < 1 || in[0].c % attr->groups != 0 || attr->out_channels % attr->groups != 0)
        return urs_fail(err, URS_EINVAL, "transposed convolution: %d groups do not divide %" PRId64 " input and %d output channels", attr->groups,
                        in[0].c, attr->out_channels);
    const urs_dims d = {.c = attr->out_channels,
                        .h = (in[0].h - 1) * attr->stride_h + attr->kernel_h - attr->pad_top - attr->pad_bottom,
                        .w = (in[0].w - 1) * attr->stride_w + attr->kernel_w - attr->pad_left - attr->pad_right};
    status = urs_op_check_dims(d, "output of a transposed convolution", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

static int64_t macs(const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_dims out)
{
    (void)n_in;
    return in[0].c * in[0].h * in[0].w * (out.c / attr->groups) * attr->kernel_h * attr->kernel_w;
}

const urs_op urs_op_conv_transpose = {
    .name = "conv_transpose", .inputs_min = 1, .inputs_max = 1, .infer = infer, .macs = macs, .backward_needs_in = true};
