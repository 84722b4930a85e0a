/* The graph's input: no computation. Its shape is given and not inferred, so the rule gets that shape as in[0] and only checks it. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)attr;
    (void)n_in;
    const urs_status status = urs_op_check_dims(in[0], "input of the graph", err);
    if (status == URS_OK)
        *out = in[0];
    return status;
}

const urs_op urs_op_input = {.name = "input", .inputs_min = 0, .inputs_max = 0, .infer = infer};
