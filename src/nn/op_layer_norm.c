/* Layer normalisation (Ba, Kiros and Hinton, 2016) over the channels of every pixel, as ConvNeXt's LayerNorm2d. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if (!(attr->eps > 0.0f))
        return urs_fail(err, URS_EINVAL, "layer norm: eps %g must be above 0", (double)attr->eps);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_layer_norm = {.name = "layer_norm", .inputs_min = 1, .inputs_max = 1, .infer = infer, .backward_needs_in = true};
