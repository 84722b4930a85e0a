/* Unit length over the channels of every pixel: x / max(|x|, eps). The lengths are saved; with the output they give the slope. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if (!(attr->eps > 0.0f))
        return urs_fail(err, URS_EINVAL, "l2 norm: eps %g must be above 0", (double)attr->eps);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_l2_norm = {.name = "l2_norm", .inputs_min = 1, .inputs_max = 1, .infer = infer, .backward_needs_out = true};
