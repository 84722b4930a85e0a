/* What is checked of every operator, and what the rules share; see int8_op.h. */
#include "int8/int8_op.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

urs_status urs_int8_bad(const urs_int8_graph *g, const urs_int8_op *op, urs_error *err, const char *format, ...)
{
    char sentence[256];
    const bool named = op->n_out > 0 && op->out[0] >= 0 && op->out[0] < g->n_tensors;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return urs_fail(err, URS_EFORMAT, "%s%s%.100s%s %s", urs_int8_kind_name(op->kind), named ? " '" : "", named ? g->tensors[op->out[0]].name : "", named ? "'" : "", sentence);
}

urs_int8_type urs_int8_output_type(urs_int8_kind kind)
{
    return kind == URS_INT8_DEQUANTIZE ? URS_INT8_TYPE_FLOAT32 : URS_INT8_TYPE_INT8;
}

static bool has_weights(urs_int8_kind kind)
{
    return kind <= URS_INT8_FULLY_CONNECTED;
}

static urs_status check_attributes(const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_attr *a = &op->attr;
    const int32_t sizes[] = {a->stride_h, a->stride_w, a->dilation_h, a->dilation_w, a->filter_h, a->filter_w, a->out_h, a->out_w};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 0 || sizes[i] > URS_INT8_DIM_MAX)
            return urs_int8_bad(g, op, err, "has %d as a size or stride", (int)sizes[i]);
    if ((uint32_t)a->padding > URS_INT8_VALID || (uint32_t)a->activation > URS_INT8_ACT_RELU6)
        return urs_int8_bad(g, op, err, "has an unknown padding or activation");
    if (!isfinite(a->alpha) || !isfinite(a->beta) || a->beta < 0)
        return urs_int8_bad(g, op, err, "has the factors %g and %g", (double)a->alpha, (double)a->beta);
    return URS_OK;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 0.01 * fabs(b);
}

/* Weights and bias of the four operators that have them. */
static urs_status check_weights(const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_tensor *x = urs_int8_input_of(g, op, 0), *w = urs_int8_input_of(g, op, 1), *bias = NULL;
    const int32_t axis = op->kind == URS_INT8_DEPTHWISE_CONV_2D ? 3 : 0, rank = op->kind == URS_INT8_FULLY_CONNECTED ? 2 : 4;
    int32_t channels;
    if (w->type != URS_INT8_TYPE_INT8 || !w->data || w->quant.zero_point != 0 || w->shape.rank != rank)
        return urs_int8_bad(g, op, err, "wants constant int8 weights of %d axes with zero point 0", (int)rank);
    if (w->scales && w->axis != axis)
        return urs_int8_bad(g, op, err, "has weights with scales along axis %d instead of %d", (int)w->axis, (int)axis);
    if (!urs_int8_has_input(op, 2))
        return URS_OK;
    bias = urs_int8_input_of(g, op, 2);
    channels = w->shape.dim[axis];
    if (bias->type != URS_INT8_TYPE_INT32 || !bias->data || bias->shape.rank != 1 || bias->shape.dim[0] != channels)
        return urs_int8_bad(g, op, err, "wants a constant int32 bias of %d numbers", (int)channels);
    for (int32_t c = 0; c < channels; c++) {
        const double product = (double)x->quant.scale * (double)(w->scales ? w->scales[c] : w->quant.scale);
        if (!near((double)(bias->scales ? bias->scales[c] : bias->quant.scale), product))
            return urs_int8_bad(g, op, err, "has a bias whose scale is not input scale * weight scale, at channel %d", (int)c);
        if (!w->scales && !bias->scales)
            break;
    }
    return URS_OK;
}

static urs_status check_inputs(const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    for (int32_t i = 0; i < op->n_in; i++) {
        const urs_int8_tensor *t;
        if (op->in[i] == URS_INT8_NONE && i == 2 && (op->kind == URS_INT8_TRANSPOSE_CONV || op->kind == URS_INT8_FULLY_CONNECTED))
            continue;
        if (op->in[i] < 0 || op->in[i] >= g->n_tensors)
            return urs_int8_bad(g, op, err, "reads tensor %d, which does not exist", (int)op->in[i]);
        t = &g->tensors[op->in[i]];
        if (has_weights(op->kind) && i > 0)
            continue;
        if (t->type != URS_INT8_TYPE_INT8 && !(op->kind == URS_INT8_QUANTIZE && t->type != URS_INT8_TYPE_INT32))
            return urs_int8_bad(g, op, err, "cannot read '%.100s', whose elements are not int8", t->name);
        if (t->scales)
            return urs_int8_bad(g, op, err, "cannot read '%.100s', which has a scale for every channel", t->name);
    }
    return has_weights(op->kind) ? check_weights(g, op, err) : URS_OK;
}

static bool same_quant(urs_int8_quant a, urs_int8_quant b)
{
    return a.scale == b.scale && a.zero_point == b.zero_point;
}

urs_status urs_int8_check_op(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_record *r = urs_int8_record_of(op->kind);
    urs_status status;
    if (!r)
        return urs_fail(err, URS_EUNSUPPORTED, "there is no int8 operator number %d", (int)op->kind);
    if (op->n_in < r->n_in_min || op->n_in > r->n_in_max)
        return urs_fail(err, URS_EFORMAT, "%s has %d inputs; %d to %d are possible", r->name, (int)op->n_in, (int)r->n_in_min, (int)r->n_in_max);
    if (op->n_out < 1 || op->n_out > URS_INT8_OUTPUTS_MAX || (op->kind != URS_INT8_SPLIT && op->n_out != 1))
        return urs_fail(err, URS_EFORMAT, "%s has %d outputs", r->name, (int)op->n_out);
    status = check_attributes(g, op, err);
    if (status == URS_OK)
        status = check_inputs(g, op, err);
    if (status == URS_OK)
        status = r->rule(out, g, op, err);
    for (int32_t i = 1; i < op->n_in && status == URS_OK && r->keeps_quant; i++)
        if (!same_quant(urs_int8_input_of(g, op, i)->quant, urs_int8_input_of(g, op, 0)->quant))
            status = urs_int8_bad(g, op, err, "wants one scale and zero point for all its inputs");
    return status;
}

urs_status urs_int8_check_outputs(const urs_int8_shape *expected, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_record *r = urs_int8_record_of(op->kind);
    for (int32_t i = 0; i < op->n_out; i++) {
        const urs_int8_tensor *t;
        if (op->out[i] < 0 || op->out[i] >= g->n_tensors)
            return urs_int8_bad(g, op, err, "writes tensor %d, which does not exist", (int)op->out[i]);
        t = urs_int8_output_of(g, op, i);
        if (t->data)
            return urs_int8_bad(g, op, err, "writes a constant");
        if (!urs_int8_shape_equal(t->shape, expected[i]))
            return urs_int8_bad(g, op, err, "has an output of another shape than its inputs give");
        if (t->type != urs_int8_output_type(op->kind) && !(op->kind == URS_INT8_QUANTIZE && t->type == URS_INT8_TYPE_UINT8))
            return urs_int8_bad(g, op, err, "has an output of the wrong type");
        if (r->keeps_quant && !same_quant(t->quant, urs_int8_input_of(g, op, 0)->quant))
            return urs_int8_bad(g, op, err, "must keep scale and zero point of its input");
        if (r->fixed.scale > 0 && !same_quant(t->quant, r->fixed))
            return urs_int8_bad(g, op, err, "must have output scale %g and zero point %d", (double)r->fixed.scale, (int)r->fixed.zero_point);
    }
    return URS_OK;
}

urs_status urs_int8_same_shape(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    (void)err;
    out[0] = urs_int8_input_of(g, op, 0)->shape;
    return URS_OK;
}

urs_int8_split_axis urs_int8_around(urs_int8_shape shape, int32_t axis)
{
    urs_int8_split_axis s = {1, (size_t)shape.dim[axis], 1};
    for (int32_t i = 0; i < shape.rank; i++) {
        if (i < axis)
            s.outer *= (size_t)shape.dim[i];
        if (i > axis)
            s.inner *= (size_t)shape.dim[i];
    }
    return s;
}

/* ---- windows ---- */

static bool slide(urs_int8_window *w, urs_int8_padding padding)
{
    const int64_t extent = (int64_t)(w->kernel - 1) * w->dilation + 1;
    int64_t total = 0;
    if (w->kernel < 1 || extent > URS_INT8_DIM_MAX)
        return false;
    if (padding == URS_INT8_SAME) {
        w->out = (w->in + w->stride - 1) / w->stride;
        total = (int64_t)(w->out - 1) * w->stride + extent - w->in;
    } else {
        w->out = w->in >= extent ? (int32_t)((w->in - extent) / w->stride) + 1 : 0;
    }
    w->before = total > 0 ? (int32_t)(total / 2) : 0;
    return w->out > 0;
}

static int32_t at_least_one(int32_t x)
{
    return x > 1 ? x : 1;
}

urs_status urs_int8_windows(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_attr *a = &op->attr;
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape;
    const urs_int8_shape *w = has_weights(op->kind) ? &urs_int8_input_of(g, op, 1)->shape : NULL;
    if (x.rank != 4 || x.dim[0] != 1)
        return urs_int8_bad(g, op, err, "wants an input [1,H,W,C]");
    *rows = (urs_int8_window){.in = x.dim[1], .kernel = w ? w->dim[1] : a->filter_h, .stride = at_least_one(a->stride_h), .dilation = at_least_one(a->dilation_h)};
    *columns = (urs_int8_window){.in = x.dim[2], .kernel = w ? w->dim[2] : a->filter_w, .stride = at_least_one(a->stride_w), .dilation = at_least_one(a->dilation_w)};
    if (!slide(rows, a->padding) || !slide(columns, a->padding))
        return urs_int8_bad(g, op, err, "has a window of %d x %d, which does not fit %d x %d", (int)rows->kernel, (int)columns->kernel, (int)x.dim[1], (int)x.dim[2]);
    return URS_OK;
}

void urs_int8_windows_of(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op)
{
    (void)!urs_int8_windows(rows, columns, g, op, NULL);
}
