/* Dropout of elements (Srivastava et al., 2014) and of whole samples (stochastic depth, Huang et al., 2016). The mask is kept for the backward pass, so no
 * values are needed; the masks' definition is in compute/ref.h. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if (!(attr->p >= 0.0f && attr->p < 1.0f))
        return urs_fail(err, URS_EINVAL, "dropout: the share %g must be at least 0 and below 1", (double)attr->p);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_dropout = {.name = "dropout", .inputs_min = 1, .inputs_max = 1, .infer = infer};
const urs_op urs_op_drop_path = {.name = "drop_path", .inputs_min = 1, .inputs_max = 1, .infer = infer};
