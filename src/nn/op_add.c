/* Sum of two activations of one shape. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if (!urs_op_dims_equal(in[0], in[1]))
        return urs_fail(err, URS_EINVAL, "add: [%" PRId64 ",%" PRId64 ",%" PRId64 "] and [%" PRId64 ",%" PRId64 ",%" PRId64 "] are not one shape", in[0].c,
                        in[0].h, in[0].w, in[1].c, in[1].h, in[1].w);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_add = {.name = "add", .inputs_min = 2, .inputs_max = 2, .infer = infer};
