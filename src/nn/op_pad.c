/* Rows and columns of zeros around a map, or cut off it. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *a, const urs_dims *in, int32_t n_in, urs_error *err)
{
    const int32_t pads[] = {a->pad_top, a->pad_left, a->pad_bottom, a->pad_right};
    urs_status status;
    (void)n_in;
    for (int i = 0; i < 4; i++)
        if (pads[i] > URS_SIDE_MAX || pads[i] < -URS_SIDE_MAX)
            return urs_fail(err, URS_ELIMIT, "pad: %d is more than %d", pads[i], URS_SIDE_MAX);
    const urs_dims d = {.c = in[0].c, .h = in[0].h + a->pad_top + a->pad_bottom, .w = in[0].w + a->pad_left + a->pad_right};
    /* Cuts may not meet. */
    if (in[0].h + (a->pad_top < 0 ? a->pad_top : 0) + (a->pad_bottom < 0 ? a->pad_bottom : 0) < 1 ||
        in[0].w + (a->pad_left < 0 ? a->pad_left : 0) + (a->pad_right < 0 ? a->pad_right : 0) < 1)
        return urs_fail(err, URS_EINVAL, "pad: nothing would be left of the map");
    status = urs_op_check_dims(d, "a padded map", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

const urs_op urs_op_pad = {.name = "pad", .inputs_min = 1, .inputs_max = 1, .infer = infer};
