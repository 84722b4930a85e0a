/* Batch normalisation (Ioffe and Szegedy, 2015), with an optional activation fused behind it.
 *
 * The backward pass recomputes the normalised value, and with a fused activation its argument too, from the input and the saved statistics: the output
 * need not be kept. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    if (!(attr->eps > 0.0f))
        return urs_fail(err, URS_EINVAL, "batch norm: eps %g must be above 0", (double)attr->eps);
    if (!(attr->momentum >= 0.0f && attr->momentum <= 1.0f))
        return urs_fail(err, URS_EINVAL, "batch norm: momentum %g must be between 0 and 1", (double)attr->momentum);
    return urs_op_same_dims(out, attr, in, n_in, err);
}

const urs_op urs_op_batch_norm = {.name = "batch_norm", .inputs_min = 1, .inputs_max = 1, .infer = infer, .backward_needs_in = true};
