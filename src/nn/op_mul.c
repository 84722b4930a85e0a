/* Product of an activation [C,H,W] with one of the same shape, or with one number a channel ([C,1,1], as squeeze-and-excitation does). */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    const urs_dims channels = {.c = in[0].c, .h = 1, .w = 1};
    if (!urs_op_dims_equal(in[0], in[1]) && !urs_op_dims_equal(channels, in[1]))
        return urs_fail(err, URS_EINVAL,
                        "mul: [%" PRId64 ",%" PRId64 ",%" PRId64 "] times [%" PRId64 ",%" PRId64 ",%" PRId64
                        "]: the second must have the same shape or be one number a channel",
                        in[0].c, in[0].h, in[0].w, in[1].c, in[1].h, in[1].w);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_mul = {.name = "mul", .inputs_min = 2, .inputs_max = 2, .infer = infer, .backward_needs_in = true};
