/* Activations of one height and width, one behind the other in channels. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)attr;
    urs_dims d = in[0];
    for (int32_t i = 1; i < n_in; i++) {
        if (in[i].h != d.h || in[i].w != d.w)
            return urs_fail(err, URS_EINVAL, "concat: input %d is %" PRId64 " x %" PRId64 " pixels, but the first is %" PRId64 " x %" PRId64, i, in[i].h,
                            in[i].w, d.h, d.w);
        d.c += in[i].c;
    }
    const urs_status status = urs_op_check_dims(d, "output of a concat", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

const urs_op urs_op_concat = {.name = "concat", .inputs_min = 1, .inputs_max = URS_INPUTS_MAX, .infer = infer};
