/* Pools: maximum, average (padding is not counted), and the mean over the whole image.
 *
 * Maximum pools keep the place of each maximum, and the others are linear: no backward pass needs values. Padding is smaller than the kernel, so every
 * window holds at least one pixel of the image, whatever the stride. */
#include "nn/op_check.h"

static urs_status infer_window(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)n_in;
    const urs_status status = urs_op_check_window(attr, true, "pool", err);
    if (status != URS_OK)
        return status;
    return urs_op_window_dims(out, attr, in[0], in[0].c, "output of a pool", err);
}

static urs_status infer_global(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)attr;
    (void)n_in;
    const urs_status status = urs_op_check_dims(in[0], "input of a global pool", err);
    if (status == URS_OK)
        *out = (urs_dims){.c = in[0].c, .h = 1, .w = 1};
    return status;
}

const urs_op urs_op_max_pool = {.name = "max_pool", .inputs_min = 1, .inputs_max = 1, .infer = infer_window};
const urs_op urs_op_avg_pool = {.name = "avg_pool", .inputs_min = 1, .inputs_max = 1, .infer = infer_window};
const urs_op urs_op_global_pool = {.name = "global_pool", .inputs_min = 1, .inputs_max = 1, .infer = infer_global};
