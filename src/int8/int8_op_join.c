/* CONCATENATION and SPLIT along an axis: both move rows of axis * inner bytes. */
#include "int8/int8_op.h"

#include <string.h>

/* The axis counted from the front; -1: outside. */
static int32_t axis_of(const urs_int8_op *op, urs_int8_shape shape)
{
    const int32_t axis = op->attr.axis < 0 ? op->attr.axis + shape.rank : op->attr.axis;
    return axis >= 0 && axis < shape.rank ? axis : -1;
}

static urs_status rule_concatenation(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_shape sum = urs_int8_input_of(g, op, 0)->shape;
    const int32_t axis = axis_of(op, sum);
    if (axis < 0 || op->attr.activation != URS_INT8_ACT_NONE)
        return urs_int8_bad(g, op, err, "has no axis %d, or an activation", (int)op->attr.axis);
    for (int32_t i = 1; i < op->n_in; i++) {
        urs_int8_shape s = urs_int8_input_of(g, op, i)->shape;
        const int32_t part = s.rank == sum.rank ? s.dim[axis] : 0;
        if (part > URS_INT8_DIM_MAX - sum.dim[axis])
            return urs_int8_bad(g, op, err, "becomes too long");
        s.dim[axis] = sum.dim[axis];
        if (!urs_int8_shape_equal(s, sum))
            return urs_int8_bad(g, op, err, "has inputs that differ in another axis than %d", (int)axis);
        sum.dim[axis] += part;
    }
    out[0] = sum;
    return URS_OK;
}

static void run_concatenation(const urs_int8_call *c)
{
    const urs_int8_shape whole = urs_int8_output_of(c->graph, c->op, 0)->shape;
    const int32_t axis = axis_of(c->op, whole);
    const urs_int8_split_axis all = urs_int8_around(whole, axis);
    int8_t *y = c->out[0];
    for (size_t o = 0; o < all.outer; o++)
        for (int32_t i = 0; i < c->op->n_in; i++) {
            const size_t bytes = (size_t)urs_int8_input_of(c->graph, c->op, i)->shape.dim[axis] * all.inner;
            memcpy(y, (const int8_t *)c->in[i] + o * bytes, bytes);
            y += bytes;
        }
}

static urs_status rule_split(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_shape part = urs_int8_input_of(g, op, 0)->shape;
    const int32_t axis = axis_of(op, part);
    if (axis < 0 || part.dim[axis] % op->n_out != 0)
        return urs_int8_bad(g, op, err, "cannot cut axis %d into %d equal parts", (int)op->attr.axis, (int)op->n_out);
    part.dim[axis] /= op->n_out;
    for (int32_t i = 0; i < op->n_out; i++)
        out[i] = part;
    return URS_OK;
}

static void run_split(const urs_int8_call *c)
{
    const urs_int8_shape whole = urs_int8_input_of(c->graph, c->op, 0)->shape;
    const urs_int8_split_axis all = urs_int8_around(whole, axis_of(c->op, whole));
    const size_t bytes = all.axis / (size_t)c->op->n_out * all.inner;
    const int8_t *x = c->in[0];
    for (size_t o = 0; o < all.outer; o++)
        for (int32_t i = 0; i < c->op->n_out; i++) {
            memcpy((int8_t *)c->out[i] + o * bytes, x, bytes);
            x += bytes;
        }
}

const urs_int8_record urs_int8_concatenation = {
    .name = "CONCATENATION", .n_in_min = 1, .n_in_max = URS_INT8_INPUTS_MAX, .keeps_quant = true, .rule = rule_concatenation, .run = run_concatenation};
const urs_int8_record urs_int8_split = {.name = "SPLIT", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule_split, .run = run_split};
