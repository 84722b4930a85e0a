/* Resize to out_h x out_w, nearest or bilinear; linear in its input. */
#include "nn/op_check.h"

static urs_status infer(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)n_in;
    if (attr->resize != URS_RESIZE_NEAREST && attr->resize != URS_RESIZE_BILINEAR)
        return urs_fail(err, URS_EINVAL, "resize: there is no mode %d", (int)attr->resize);
    const urs_dims d = {.c = in[0].c, .h = attr->out_h, .w = attr->out_w};
    const urs_status status = urs_op_check_dims(d, "output of a resize", err);
    if (status == URS_OK)
        *out = d;
    return status;
}

const urs_op urs_op_resize = {.name = "resize", .inputs_min = 1, .inputs_max = 1, .infer = infer};
