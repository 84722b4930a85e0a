/* Operators that only move numbers: SLICE, RESHAPE, PAD, RESIZE_NEAREST_NEIGHBOR. Scale and zero point stay. */
#include "int8/int8_op.h"

#include <math.h>
#include <string.h>

static int32_t step_of(const urs_int8_op *op, int32_t axis)
{
    return op->attr.step[axis] ? op->attr.step[axis] : 1;
}

static urs_status rule_slice(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_shape s = urs_int8_input_of(g, op, 0)->shape;
    for (int32_t i = 0; i < s.rank; i++) {
        const int32_t begin = op->attr.begin[i], step = step_of(op, i), size = op->attr.size[i] == -1 ? (s.dim[i] - begin + step - 1) / (step > 0 ? step : 1) : op->attr.size[i];
        if (begin < 0 || begin >= s.dim[i] || step < 1 || size < 1 || size > URS_INT8_DIM_MAX || (int64_t)begin + (int64_t)(size - 1) * step >= s.dim[i])
            return urs_int8_bad(g, op, err, "takes %d from %d in steps of %d of axis %d, which has %d", (int)size, (int)begin, (int)step, (int)i, (int)s.dim[i]);
        s.dim[i] = size;
    }
    out[0] = s;
    return URS_OK;
}

/* Four nested loops over begin + index * step; missing trailing axes have one element. */
static void run_slice(const urs_int8_call *c)
{
    const urs_int8_shape in = urs_int8_input_of(c->graph, c->op, 0)->shape, out = urs_int8_output_of(c->graph, c->op, 0)->shape;
    size_t first[4] = {0}, stride[4] = {0}, count[4] = {1, 1, 1, 1}, n = 1;
    const int8_t *x = c->in[0];
    int8_t *y = c->out[0];
    for (int32_t i = in.rank - 1; i >= 0; i--) {
        first[i] = (size_t)c->op->attr.begin[i] * n;
        stride[i] = (size_t)step_of(c->op, i) * n;
        count[i] = (size_t)out.dim[i];
        n *= (size_t)in.dim[i];
    }
    x += first[0] + first[1] + first[2] + first[3];
    for (size_t i = 0; i < count[0]; i++)
        for (size_t j = 0; j < count[1]; j++)
            for (size_t k = 0; k < count[2]; k++)
                for (size_t l = 0; l < count[3]; l++)
                    *y++ = x[i * stride[0] + j * stride[1] + k * stride[2] + l * stride[3]];
}

static urs_status rule_reshape(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_shape s = {.rank = op->attr.rank};
    if (s.rank < 1 || s.rank > URS_INT8_RANK_MAX)
        return urs_int8_bad(g, op, err, "has a new shape of %d axes", (int)s.rank);
    for (int32_t i = 0; i < s.rank; i++) {
        s.dim[i] = op->attr.shape[i];
        if (s.dim[i] < 1 || s.dim[i] > URS_INT8_DIM_MAX)
            return urs_int8_bad(g, op, err, "has %d in its new shape", (int)s.dim[i]);
    }
    if (urs_int8_shape_elements(s) != urs_int8_shape_elements(urs_int8_input_of(g, op, 0)->shape))
        return urs_int8_bad(g, op, err, "has a new shape of another number of elements");
    out[0] = s;
    return URS_OK;
}

static void run_reshape(const urs_int8_call *c)
{
    if (c->out[0] != c->in[0])
        memmove(c->out[0], c->in[0], urs_int8_shape_elements(urs_int8_input_of(c->graph, c->op, 0)->shape));
}

static urs_status rule_pad(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_shape s = urs_int8_input_of(g, op, 0)->shape;
    if (s.rank != 4)
        return urs_int8_bad(g, op, err, "wants an input of 4 axes");
    for (int32_t i = 0; i < 4; i++) {
        const int32_t before = op->attr.pad[i][0], after = op->attr.pad[i][1];
        if (before < 0 || before > URS_INT8_DIM_MAX || after < 0 || after > URS_INT8_DIM_MAX || s.dim[i] + before + after > URS_INT8_DIM_MAX)
            return urs_int8_bad(g, op, err, "pads axis %d with %d and %d", (int)i, (int)before, (int)after);
        s.dim[i] += before + after;
    }
    out[0] = s;
    return URS_OK;
}

static void run_pad(const urs_int8_call *c)
{
    const urs_int8_tensor *x = urs_int8_input_of(c->graph, c->op, 0), *y = urs_int8_output_of(c->graph, c->op, 0);
    const int32_t (*pad)[2] = c->op->attr.pad;
    const size_t row = (size_t)x->shape.dim[3];
    const int8_t *in = c->in[0];
    int8_t *out = c->out[0];
    memset(out, x->quant.zero_point, urs_int8_tensor_bytes(y));
    for (int32_t i = 0; i < x->shape.dim[0]; i++)
        for (int32_t j = 0; j < x->shape.dim[1]; j++)
            for (int32_t k = 0; k < x->shape.dim[2]; k++) {
                const size_t at = ((size_t)(i + pad[0][0]) * (size_t)y->shape.dim[1] + (size_t)(j + pad[1][0])) * (size_t)y->shape.dim[2] + (size_t)(k + pad[2][0]);
                memcpy(out + at * (size_t)y->shape.dim[3] + (size_t)pad[3][0], in, row);
                in += row;
            }
}

static urs_status rule_resize(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape;
    if (x.rank != 4 || op->attr.out_h < 1 || op->attr.out_w < 1)
        return urs_int8_bad(g, op, err, "cannot make %d x %d of its input", (int)op->attr.out_h, (int)op->attr.out_w);
    out[0] = urs_int8_shape4(x.dim[0], op->attr.out_h, op->attr.out_w, x.dim[3]);
    return URS_OK;
}

/* Where output position o comes from, in float as TFLite computes it. */
static int32_t nearest(int32_t o, int32_t in, int32_t out, bool align, bool half)
{
    const float scale = align && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    const float at = ((float)o + (half ? 0.5f : 0.0f)) * scale;
    const int32_t i = align ? (int32_t)roundf(at) : (int32_t)floorf(at);
    return i < 0 ? 0 : i < in ? i : in - 1;
}

static void run_resize(const urs_int8_call *c)
{
    const urs_int8_shape x = urs_int8_input_of(c->graph, c->op, 0)->shape;
    const urs_int8_attr *a = &c->op->attr;
    const size_t depth = (size_t)x.dim[3], image = (size_t)x.dim[1] * (size_t)x.dim[2] * depth;
    int8_t *y = c->out[0];
    for (int32_t n = 0; n < x.dim[0]; n++)
        for (int32_t oy = 0; oy < a->out_h; oy++) {
            const size_t iy = (size_t)nearest(oy, x.dim[1], a->out_h, a->align_corners, a->half_pixel);
            for (int32_t ox = 0; ox < a->out_w; ox++) {
                const size_t ix = (size_t)nearest(ox, x.dim[2], a->out_w, a->align_corners, a->half_pixel);
                memcpy(y, (const int8_t *)c->in[0] + (size_t)n * image + (iy * (size_t)x.dim[2] + ix) * depth, depth);
                y += depth;
            }
        }
}

const urs_int8_record urs_int8_slice = {.name = "SLICE", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule_slice, .run = run_slice};
const urs_int8_record urs_int8_reshape = {.name = "RESHAPE", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule_reshape, .run = run_reshape};
const urs_int8_record urs_int8_pad = {.name = "PAD", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule_pad, .run = run_pad};
const urs_int8_record urs_int8_resize_nearest = {.name = "RESIZE_NEAREST_NEIGHBOR", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule_resize, .run = run_resize};
