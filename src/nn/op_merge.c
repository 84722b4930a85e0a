/* Patch merging of Swin (Liu et al. 2021): the 2x2 pixels (0,0), (1,0), (0,1), (1,1), row first, side by side as channels; [C,H,W] gives [4C,H/2,W/2]. */
#include "nn/op_check.h"

#include <inttypes.h>

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    const urs_dims d = {.c = 4 * in[0].c, .h = in[0].h / 2, .w = in[0].w / 2};
    urs_status status;
    (void)attr;
    (void)n_in;
    if (in[0].h % 2 || in[0].w % 2)
        return urs_fail(err, URS_EINVAL, "merge: a map of %" PRId64 " x %" PRId64 " has no whole number of 2 x 2 pixels", in[0].h, in[0].w);
    status = urs_op_check_dims(d, "a merged map", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

const urs_op urs_op_merge = {.name = "merge", .inputs_min = 1, .inputs_max = 1, .infer = infer};
