/* Channels begin .. begin+count-1 of an activation. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)n_in;
    if (attr->begin < 0 || attr->count < 1 || (int64_t)attr->begin + attr->count > in[0].c)
        return urs_fail(err, URS_EINVAL, "slice: channels %d to %" PRId64 " of %" PRId64 " do not exist", attr->begin,
                        (int64_t)attr->begin + attr->count - 1, in[0].c);
    *out = (urs_dims){.c = attr->count, .h = in[0].h, .w = in[0].w};
    return URS_OK;
}

const urs_op urs_op_slice = {.name = "slice", .inputs_min = 1, .inputs_max = 1, .infer = infer};
