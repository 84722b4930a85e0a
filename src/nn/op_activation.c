/* An activation function, element by element. Its slope follows from the input. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if ((int)attr->activation < 0 || attr->activation >= URS_ACT_COUNT)
        return urs_fail(err, URS_EINVAL, "activation: there is no kind %d", (int)attr->activation);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_activation = {.name = "activation", .inputs_min = 1, .inputs_max = 1, .infer = infer, .backward_needs_in = true};
