/* Convolution: x [C,H,W] with weight [O, C/groups, kh, kw] gives [O,H',W']. The second input, if there is one, is the residual that a fused plan adds
 * behind the activation. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    urs_status status = urs_op_check_window(attr, false, "convolution", err);
    if (status != URS_OK)
        return status;
    if (attr->groups < 1 || in[0].c % attr->groups != 0 || attr->out_channels % attr->groups != 0)
        return urs_fail(err, URS_EINVAL, "convolution: %d groups do not divide %" PRId64 " input and %d output channels", attr->groups, in[0].c,
                        attr->out_channels);
    urs_dims d;
    status = urs_op_window_dims(&d, attr, in[0], attr->out_channels, "output of a convolution", err);
    if (status != URS_OK)
        return status;
    if (attr->has_residual != (n_in == 2))
        return urs_fail(err, URS_EINVAL, "convolution: a second input is the residual, and %s", n_in == 2 ? "this one has none" : "it is missing");
    if (n_in == 2 && !urs_op_dims_equal(in[1], d))
        return urs_fail(err, URS_EINVAL,
                        "convolution: residual [%" PRId64 ",%" PRId64 ",%" PRId64 "] does not fit output [%" PRId64 ",%" PRId64 ",%" PRId64 "]",
                        in[1].c, in[1].h, in[1].w, d.c, d.h, d.w);
    *out = d;
    return URS_OK;
}

static int64_t macs(const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_dims out)
{
    (void)n_in;
    return out.c * out.h * out.w * (in[0].c / attr->groups) * attr->kernel_h * attr->kernel_w;
}

const urs_op urs_op_conv = {.name = "conv", .inputs_min = 1, .inputs_max = 2, .infer = infer, .macs = macs, .backward_needs_in = true};
