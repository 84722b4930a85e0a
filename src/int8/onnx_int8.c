/* int8 graphs as QDQ ONNX models; see onnx_int8.h. */
#include "int8/onnx_int8.h"

#include "base/memory.h"
#include "int8/int8_op.h"
#include "int8/onnx_model.h"

#include <math.h>
#include <stdio.h>

#define NAME 48

typedef struct job {
    const urs_int8_graph *g;
    urs_onnx m;
    int32_t index; /* of the operator */
    const urs_int8_op *op;
    urs_error *err;
} job;

/* "x12": value 12; see onnx_int8.h for the letters. */
static const char *numbered(char out[NAME], const char *letter, int32_t i)
{
    (void)snprintf(out, NAME, "%s%d", letter, (int)i);
    return out;
}

static urs_status unsupported(const job *j, const char *why)
{
    return urs_fail(j->err, URS_EUNSUPPORTED, "operator %d (%s) has no ONNX form here: %s", (int)j->index, urs_int8_kind_name(j->op->kind), why);
}

/* Shape and axis as ONNX has them. */
static void turned_shape(int64_t out[URS_INT8_RANK_MAX], urs_int8_shape s)
{
    static const int32_t from[] = {0, 3, 1, 2};
    for (int32_t i = 0; i < s.rank; i++)
        out[i] = s.dim[s.rank == 4 ? from[i] : i];
}

static int64_t turned_axis(int32_t axis, int32_t rank)
{
    static const int64_t to[] = {0, 2, 3, 1};
    axis = axis < 0 ? axis + rank : axis;
    return rank == 4 ? to[axis] : axis;
}

/* ---- quantising and dequantising --------------------------------------------------------------------------------------------------------------- */

static void zero_of(job *j, const char *name, int32_t zero)
{
    const int8_t q = (int8_t)zero;
    urs_onnx_constant(&j->m, name, URS_ONNX_INT8, NULL, 0, &q);
}

static void scale_node(job *j, const char *type, const char *in, const char *scale, const char *zero, const char *out)
{
    urs_onnx_begin(&j->m, type);
    urs_onnx_in(&j->m, in);
    urs_onnx_in(&j->m, scale);
    urs_onnx_in(&j->m, zero);
    urs_onnx_out(&j->m, out);
    urs_onnx_end(&j->m);
}

/* in -> q -> x of tensor i. */
static void quantise(job *j, const char *in, int32_t i)
{
    char scale[NAME], zero[NAME], q[NAME], x[NAME];
    urs_onnx_scalar(&j->m, numbered(scale, "scale", i), j->g->tensors[i].quant.scale);
    zero_of(j, numbered(zero, "zero", i), j->g->tensors[i].quant.zero_point);
    scale_node(j, "QuantizeLinear", in, scale, zero, numbered(q, "q", i));
    scale_node(j, "DequantizeLinear", q, scale, zero, numbered(x, "x", i));
}

/* Constant tensor i as int8 or int32 in another order of axes, dequantised under `name`. axis: of the scales in the new order, where there are several. perm[k]: which old axis becomes axis k. */
static void constant(job *j, const char *name, int32_t i, const int32_t *perm, int64_t axis)
{
    const urs_int8_tensor *t = &j->g->tensors[i];
    const size_t n = urs_int8_shape_elements(t->shape), width = urs_int8_type_size(t->type), several = t->scales ? (size_t)t->n_scales : 1;
    const int64_t channels = (int64_t)several;
    int64_t dims[URS_INT8_RANK_MAX], at[URS_INT8_RANK_MAX] = {0}, stride[URS_INT8_RANK_MAX] = {0};
    uint8_t *data = urs_array_new(n, width);
    int32_t *zeros = urs_array_new(several, sizeof *zeros);
    char q[NAME + 8], scale[NAME + 8], zero[NAME + 8];
    if (!data || !zeros) {
        j->m.graph.failed = true;
        goto done;
    }
    for (int32_t k = t->shape.rank, step = 1; k-- > 0; step *= t->shape.dim[k])
        stride[k] = step;
    for (int32_t k = 0; k < t->shape.rank; k++)
        dims[k] = t->shape.dim[perm[k]];
    for (size_t e = 0; e < n; e++) {
        size_t from = 0;
        for (int32_t k = 0; k < t->shape.rank; k++)
            from += (size_t)(at[k] * stride[perm[k]]);
        for (size_t b = 0; b < width; b++)
            data[e * width + b] = ((const uint8_t *)t->data)[from * width + b];
        for (int32_t k = t->shape.rank; k-- > 0 && ++at[k] == dims[k];)
            at[k] = 0;
    }
    (void)snprintf(q, sizeof q, "%s/q", name);
    (void)snprintf(scale, sizeof scale, "%s/scale", name);
    (void)snprintf(zero, sizeof zero, "%s/zero", name);
    urs_onnx_constant(&j->m, q, t->type == URS_INT8_TYPE_INT8 ? URS_ONNX_INT8 : URS_ONNX_INT32, dims, t->shape.rank, data);
    urs_onnx_constant(&j->m, scale, URS_ONNX_FLOAT, &channels, t->scales ? 1 : 0, t->scales ? t->scales : &t->quant.scale);
    if (t->type == URS_INT8_TYPE_INT32)
        urs_onnx_constant(&j->m, zero, URS_ONNX_INT32, &channels, t->scales ? 1 : 0, zeros);
    else if (t->scales) /* the bytes of the zeros are zeros of any width */
        urs_onnx_constant(&j->m, zero, URS_ONNX_INT8, &channels, 1, zeros);
    else
        zero_of(j, zero, t->quant.zero_point);
    urs_onnx_begin(&j->m, "DequantizeLinear");
    urs_onnx_in(&j->m, q);
    urs_onnx_in(&j->m, scale);
    urs_onnx_in(&j->m, zero);
    urs_onnx_out(&j->m, name);
    if (t->scales)
        urs_onnx_int(&j->m, "axis", axis);
    urs_onnx_end(&j->m);
done:
    urs_free(data);
    urs_free(zeros);
}

/* ---- operators ---------------------------------------------------------------------------------------------------------------------------------- */

/* Begins a node that reads input 0 of the operator. */
static void begin(job *j, const char *type)
{
    char x[NAME];
    urs_onnx_begin(&j->m, type);
    urs_onnx_in(&j->m, numbered(x, "x", j->op->in[0]));
}

/* Ends the node, puts the fused activation behind it and quantises. */
static void finish(job *j, urs_int8_activation activation)
{
    char before[NAME], r[NAME];
    const int32_t out = j->op->out[0];
    numbered(r, "r", out);
    urs_onnx_out(&j->m, activation == URS_INT8_ACT_NONE ? r : numbered(before, "before", out));
    urs_onnx_end(&j->m);
    if (activation == URS_INT8_ACT_RELU)
        urs_onnx_unary(&j->m, "Relu", before, r);
    else if (activation == URS_INT8_ACT_RELU6)
        urs_onnx_clip(&j->m, before, r, 0, 6);
    else if (activation == URS_INT8_ACT_RELU_N1_TO_1)
        urs_onnx_clip(&j->m, before, r, -1, 1);
    quantise(j, r, out);
}

static void windows(job *j, const urs_int8_window *rows, const urs_int8_window *columns, bool with_dilation)
{
    const urs_int8_window *w[] = {rows, columns};
    int64_t kernel[2], stride[2], dilation[2], pads[4];
    for (int i = 0; i < 2; i++) {
        const int64_t need = (int64_t)(w[i]->out - 1) * w[i]->stride + (int64_t)(w[i]->kernel - 1) * w[i]->dilation + 1 - w[i]->in;
        kernel[i] = w[i]->kernel;
        stride[i] = w[i]->stride;
        dilation[i] = w[i]->dilation;
        pads[i] = w[i]->before;
        pads[i + 2] = need > w[i]->before ? need - w[i]->before : 0;
    }
    urs_onnx_ints(&j->m, "kernel_shape", kernel, 2);
    urs_onnx_ints(&j->m, "strides", stride, 2);
    urs_onnx_ints(&j->m, "pads", pads, 4);
    if (with_dilation)
        urs_onnx_ints(&j->m, "dilations", dilation, 2);
}

/* Weights and bias of the operator, dequantised; then the node with its three inputs. */
static void weighted(job *j, const char *type, const int32_t *perm, int64_t axis)
{
    static const int32_t same[] = {0};
    char w[NAME], b[NAME];
    const bool bias = urs_int8_has_input(j->op, 2);
    constant(j, numbered(w, "weights", j->index), j->op->in[1], perm, axis);
    if (bias)
        constant(j, numbered(b, "bias", j->index), j->op->in[2], same, 0);
    begin(j, type);
    urs_onnx_in(&j->m, w);
    if (bias)
        urs_onnx_in(&j->m, b);
}

static void convolution(job *j)
{
    static const int32_t dense[] = {0, 3, 1, 2}, depthwise[] = {3, 0, 1, 2};
    const bool deep = j->op->kind == URS_INT8_DEPTHWISE_CONV_2D;
    urs_int8_window rows, columns;
    urs_int8_windows_of(&rows, &columns, j->g, j->op);
    weighted(j, "Conv", deep ? depthwise : dense, 0);
    windows(j, &rows, &columns, true);
    if (deep)
        urs_onnx_int(&j->m, "group", urs_int8_input_of(j->g, j->op, 0)->shape.dim[3]);
    finish(j, j->op->attr.activation);
}

static void transposed(job *j)
{
    static const int32_t perm[] = {3, 0, 1, 2};
    const urs_int8_shape x = urs_int8_input_of(j->g, j->op, 0)->shape, w = urs_int8_input_of(j->g, j->op, 1)->shape, y = urs_int8_output_of(j->g, j->op, 0)->shape;
    const int64_t kernel[] = {w.dim[1], w.dim[2]}, stride[] = {j->op->attr.stride_h, j->op->attr.stride_w};
    int64_t pads[4], more[2];
    for (int i = 0; i < 2; i++) { /* what a convolution back would pad; what is missing at the far end */
        const int64_t total = (int64_t)(x.dim[1 + i] - 1) * stride[i] + kernel[i] - y.dim[1 + i];
        pads[i] = total > 0 ? total / 2 : 0;
        pads[2 + i] = total > 0 ? total - total / 2 : 0;
        more[i] = total < 0 ? -total : 0;
    }
    weighted(j, "ConvTranspose", perm, 1);
    urs_onnx_ints(&j->m, "kernel_shape", kernel, 2);
    urs_onnx_ints(&j->m, "strides", stride, 2);
    urs_onnx_ints(&j->m, "pads", pads, 4);
    urs_onnx_ints(&j->m, "output_padding", more, 2);
    finish(j, j->op->attr.activation);
}

static urs_status fully_connected(job *j)
{
    static const int32_t perm[] = {0, 1}, same[] = {0};
    const urs_int8_tensor *in = urs_int8_input_of(j->g, j->op, 0), *out = urs_int8_output_of(j->g, j->op, 0), *weights = urs_int8_input_of(j->g, j->op, 1);
    char w[NAME], b[NAME], flat[NAME], x[NAME], before[NAME], r[NAME], shape[NAME], clipped[NAME];
    const urs_int8_activation a = j->op->attr.activation;
    const bool bias = urs_int8_has_input(j->op, 2);
    int64_t dims[URS_INT8_RANK_MAX];
    if (urs_int8_shape_elements(in->shape) != (size_t)weights->shape.dim[1] || (in->shape.rank == 4 && (in->shape.dim[1] != 1 || in->shape.dim[2] != 1)))
        return unsupported(j, "its input is more than one row");
    constant(j, numbered(w, "weights", j->index), j->op->in[1], perm, 0);
    if (bias)
        constant(j, numbered(b, "bias", j->index), j->op->in[2], same, 0);
    dims[0] = 1;
    dims[1] = weights->shape.dim[1];
    urs_onnx_row(&j->m, numbered(shape, "row", j->index), dims, 2);
    urs_onnx_begin(&j->m, "Reshape");
    urs_onnx_in(&j->m, numbered(x, "x", j->op->in[0]));
    urs_onnx_in(&j->m, shape);
    urs_onnx_out(&j->m, numbered(flat, "flat", j->index));
    urs_onnx_end(&j->m);
    urs_onnx_begin(&j->m, "Gemm");
    urs_onnx_in(&j->m, flat);
    urs_onnx_in(&j->m, w);
    if (bias)
        urs_onnx_in(&j->m, b);
    urs_onnx_int(&j->m, "transB", 1);
    urs_onnx_out(&j->m, numbered(before, "before", j->op->out[0]));
    urs_onnx_end(&j->m);
    numbered(clipped, "clipped", j->op->out[0]);
    if (a == URS_INT8_ACT_NONE)
        urs_onnx_unary(&j->m, "Identity", before, clipped);
    else if (a == URS_INT8_ACT_RELU)
        urs_onnx_unary(&j->m, "Relu", before, clipped);
    else
        urs_onnx_clip(&j->m, before, clipped, a == URS_INT8_ACT_RELU6 ? 0 : -1, a == URS_INT8_ACT_RELU6 ? 6 : 1);
    turned_shape(dims, out->shape);
    urs_onnx_row(&j->m, numbered(shape, "shape", j->index), dims, out->shape.rank);
    urs_onnx_begin(&j->m, "Reshape");
    urs_onnx_in(&j->m, clipped);
    urs_onnx_in(&j->m, shape);
    urs_onnx_out(&j->m, numbered(r, "r", j->op->out[0]));
    urs_onnx_end(&j->m);
    quantise(j, r, j->op->out[0]);
    return URS_OK;
}

static void binary(job *j, const char *type)
{
    char b[NAME];
    begin(j, type);
    urs_onnx_in(&j->m, numbered(b, "x", j->op->in[1]));
    finish(j, j->op->attr.activation);
}

static void pool(job *j, const char *type)
{
    urs_int8_window rows, columns;
    urs_int8_windows_of(&rows, &columns, j->g, j->op);
    begin(j, type);
    windows(j, &rows, &columns, false);
    finish(j, j->op->attr.activation);
}

static void mean(job *j)
{
    char pooled[NAME], r[NAME];
    begin(j, "GlobalAveragePool");
    if (j->op->attr.keep_dims) {
        finish(j, URS_INT8_ACT_NONE);
        return;
    }
    urs_onnx_out(&j->m, numbered(pooled, "pooled", j->index));
    urs_onnx_end(&j->m);
    urs_onnx_unary(&j->m, "Flatten", pooled, numbered(r, "r", j->op->out[0]));
    quantise(j, r, j->op->out[0]);
}

static void concatenation(job *j)
{
    char x[NAME];
    begin(j, "Concat");
    for (int32_t i = 1; i < j->op->n_in; i++)
        urs_onnx_in(&j->m, numbered(x, "x", j->op->in[i]));
    urs_onnx_int(&j->m, "axis", turned_axis(j->op->attr.axis, urs_int8_output_of(j->g, j->op, 0)->shape.rank));
    finish(j, URS_INT8_ACT_NONE);
}

static void split(job *j)
{
    char parts[NAME], r[NAME];
    const urs_int8_shape x = urs_int8_input_of(j->g, j->op, 0)->shape;
    const int32_t axis = j->op->attr.axis < 0 ? j->op->attr.axis + x.rank : j->op->attr.axis;
    int64_t sizes[URS_INT8_OUTPUTS_MAX];
    for (int32_t i = 0; i < j->op->n_out; i++)
        sizes[i] = urs_int8_output_of(j->g, j->op, i)->shape.dim[axis];
    urs_onnx_row(&j->m, numbered(parts, "parts", j->index), sizes, j->op->n_out);
    begin(j, "Split");
    urs_onnx_in(&j->m, parts);
    for (int32_t i = 0; i < j->op->n_out; i++)
        urs_onnx_out(&j->m, numbered(r, "r", j->op->out[i]));
    urs_onnx_int(&j->m, "axis", turned_axis(axis, x.rank));
    urs_onnx_end(&j->m);
    for (int32_t i = 0; i < j->op->n_out; i++)
        quantise(j, numbered(r, "r", j->op->out[i]), j->op->out[i]);
}

/* A row of whole numbers as one more input of the node that comes. */
static void row(job *j, char name[NAME], const char *letter, const int64_t *values, int32_t n)
{
    urs_onnx_row(&j->m, numbered(name, letter, j->index), values, n);
}

static void slice(job *j)
{
    char names[4][NAME];
    const urs_int8_attr *a = &j->op->attr;
    const urs_int8_shape y = urs_int8_output_of(j->g, j->op, 0)->shape;
    int64_t starts[URS_INT8_RANK_MAX], ends[URS_INT8_RANK_MAX], axes[URS_INT8_RANK_MAX], steps[URS_INT8_RANK_MAX];
    for (int32_t i = 0; i < y.rank; i++) {
        steps[i] = a->step[i] > 0 ? a->step[i] : 1;
        starts[i] = a->begin[i];
        ends[i] = starts[i] + (y.dim[i] - 1) * steps[i] + 1;
        axes[i] = turned_axis(i, y.rank);
    }
    row(j, names[0], "starts", starts, y.rank);
    row(j, names[1], "ends", ends, y.rank);
    row(j, names[2], "axes", axes, y.rank);
    row(j, names[3], "steps", steps, y.rank);
    begin(j, "Slice");
    for (int i = 0; i < 4; i++)
        urs_onnx_in(&j->m, names[i]);
    finish(j, URS_INT8_ACT_NONE);
}

/* Numbers lie in the order of the int8 graph, channels last, while they are reshaped. */
static void reshape(job *j)
{
    static const int64_t last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2};
    const urs_int8_shape x = urs_int8_input_of(j->g, j->op, 0)->shape, y = urs_int8_output_of(j->g, j->op, 0)->shape;
    char shape[NAME], from[NAME], turned[NAME], r[NAME];
    int64_t dims[URS_INT8_RANK_MAX];
    for (int32_t i = 0; i < y.rank; i++)
        dims[i] = y.dim[i];
    row(j, shape, "shape", dims, y.rank);
    numbered(from, "x", j->op->in[0]);
    if (x.rank == 4) {
        begin(j, "Transpose");
        urs_onnx_ints(&j->m, "perm", last, 4);
        urs_onnx_out(&j->m, numbered(from, "rows", j->index));
        urs_onnx_end(&j->m);
    }
    urs_onnx_begin(&j->m, "Reshape");
    urs_onnx_in(&j->m, from);
    urs_onnx_in(&j->m, shape);
    numbered(r, "r", j->op->out[0]);
    urs_onnx_out(&j->m, y.rank == 4 ? numbered(turned, "turned", j->index) : r);
    urs_onnx_end(&j->m);
    if (y.rank == 4) {
        urs_onnx_begin(&j->m, "Transpose");
        urs_onnx_in(&j->m, turned);
        urs_onnx_ints(&j->m, "perm", first, 4);
        urs_onnx_out(&j->m, r);
        urs_onnx_end(&j->m);
    }
    quantise(j, r, j->op->out[0]);
}

static void pad(job *j)
{
    char pads[NAME];
    int64_t widths[2 * URS_INT8_RANK_MAX];
    for (int32_t i = 0; i < 4; i++) {
        const int64_t axis = turned_axis(i, 4);
        widths[axis] = j->op->attr.pad[i][0];
        widths[axis + 4] = j->op->attr.pad[i][1];
    }
    row(j, pads, "pads", widths, 8);
    begin(j, "Pad");
    urs_onnx_in(&j->m, pads);
    finish(j, URS_INT8_ACT_NONE);
}

static void resize(job *j)
{
    char sizes[NAME];
    const urs_int8_attr *a = &j->op->attr;
    int64_t dims[URS_INT8_RANK_MAX];
    turned_shape(dims, urs_int8_output_of(j->g, j->op, 0)->shape);
    row(j, sizes, "sizes", dims, 4);
    begin(j, "Resize");
    urs_onnx_in(&j->m, "");
    urs_onnx_in(&j->m, "");
    urs_onnx_in(&j->m, sizes);
    urs_onnx_string(&j->m, "mode", "nearest");
    urs_onnx_string(&j->m, "coordinate_transformation_mode", a->align_corners ? "align_corners" : a->half_pixel ? "half_pixel" : "asymmetric");
    urs_onnx_string(&j->m, "nearest_mode", a->align_corners || a->half_pixel ? "round_prefer_ceil" : "floor");
    finish(j, URS_INT8_ACT_NONE);
}

static void unary(job *j, const char *type)
{
    begin(j, type);
    if (j->op->kind == URS_INT8_LEAKY_RELU)
        urs_onnx_float(&j->m, "alpha", j->op->attr.alpha);
    finish(j, URS_INT8_ACT_NONE);
}

static void relu6(job *j)
{
    char x[NAME], r[NAME];
    urs_onnx_clip(&j->m, numbered(x, "x", j->op->in[0]), numbered(r, "r", j->op->out[0]), 0, 6);
    quantise(j, r, j->op->out[0]);
}

static urs_status softmax(job *j)
{
    const int32_t rank = urs_int8_output_of(j->g, j->op, 0)->shape.rank;
    if (fabsf(j->op->attr.beta - 1) > 0)
        return unsupported(j, "its beta is not 1");
    begin(j, "Softmax");
    urs_onnx_int(&j->m, "axis", turned_axis(rank - 1, rank));
    finish(j, URS_INT8_ACT_NONE);
    return URS_OK;
}

static urs_status operator(job *j)
{
    char x[NAME];
    switch (j->op->kind) {
    case URS_INT8_CONV_2D:
    case URS_INT8_DEPTHWISE_CONV_2D: convolution(j); return URS_OK;
    case URS_INT8_TRANSPOSE_CONV: transposed(j); return URS_OK;
    case URS_INT8_FULLY_CONNECTED: return fully_connected(j);
    case URS_INT8_ADD: binary(j, "Add"); return URS_OK;
    case URS_INT8_SUB: binary(j, "Sub"); return URS_OK;
    case URS_INT8_MUL: binary(j, "Mul"); return URS_OK;
    case URS_INT8_MEAN: mean(j); return URS_OK;
    case URS_INT8_AVERAGE_POOL_2D: pool(j, "AveragePool"); return URS_OK;
    case URS_INT8_MAX_POOL_2D: pool(j, "MaxPool"); return URS_OK;
    case URS_INT8_CONCATENATION: concatenation(j); return URS_OK;
    case URS_INT8_SPLIT: split(j); return URS_OK;
    case URS_INT8_SLICE: slice(j); return URS_OK;
    case URS_INT8_RESHAPE: reshape(j); return URS_OK;
    case URS_INT8_PAD: pad(j); return URS_OK;
    case URS_INT8_RESIZE_NEAREST: resize(j); return URS_OK;
    case URS_INT8_QUANTIZE: quantise(j, numbered(x, "x", j->op->in[0]), j->op->out[0]); return URS_OK;
    case URS_INT8_LOGISTIC: unary(j, "Sigmoid"); return URS_OK;
    case URS_INT8_TANH: unary(j, "Tanh"); return URS_OK;
    case URS_INT8_HARD_SWISH: unary(j, "HardSwish"); return URS_OK;
    case URS_INT8_RELU: unary(j, "Relu"); return URS_OK;
    case URS_INT8_RELU6: relu6(j); return URS_OK;
    case URS_INT8_LEAKY_RELU: unary(j, "LeakyRelu"); return URS_OK;
    case URS_INT8_SOFTMAX: return softmax(j);
    case URS_INT8_DEQUANTIZE:
    case URS_INT8_GELU:
    case URS_INT8_KIND_COUNT: break;
    }
    return unsupported(j, "opset 17 has no such operator, or it is not int8");
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------------------ */

/* Activations are int8. Constants that are no weights (operands of ADD and MUL) become values like others. */
static urs_status tensors(job *j)
{
    static const int32_t turn[] = {0, 3, 1, 2}, keep[] = {0, 1, 2, 3};
    const urs_int8_graph *g = j->g;
    for (int32_t i = 0; i < g->n_tensors; i++)
        if (!g->tensors[i].data && g->tensors[i].type != URS_INT8_TYPE_INT8)
            return urs_fail(j->err, URS_EUNSUPPORTED, "tensor '%.200s' is not int8", g->tensors[i].name);
    for (int32_t i = 0; i < g->n_tensors; i++) {
        bool operand = false;
        char x[NAME];
        if (!g->tensors[i].data || g->tensors[i].type != URS_INT8_TYPE_INT8)
            continue;
        for (int32_t k = 0; k < g->n_ops; k++)
            for (int32_t n = 0; n < g->ops[k].n_in; n++)
                operand |= g->ops[k].in[n] == i && (n == 0 || g->ops[k].kind == URS_INT8_ADD || g->ops[k].kind == URS_INT8_SUB || g->ops[k].kind == URS_INT8_MUL || g->ops[k].kind == URS_INT8_CONCATENATION);
        if (operand)
            constant(j, numbered(x, "x", i), i, g->tensors[i].shape.rank == 4 ? turn : keep, 0);
    }
    return URS_OK;
}

static void inputs(job *j)
{
    char name[NAME];
    for (int32_t i = 0; i < j->g->n_inputs; i++) {
        const urs_int8_tensor *t = &j->g->tensors[j->g->inputs[i]];
        int64_t dims[URS_INT8_RANK_MAX];
        turned_shape(dims, t->shape);
        (void)snprintf(name, sizeof name, i ? "input_%d" : "input", (int)i);
        urs_onnx_input(&j->m, name, dims, t->shape.rank);
        quantise(j, name, j->g->inputs[i]);
    }
}

static void outputs(job *j)
{
    char name[NAME], x[NAME];
    for (int32_t i = 0; i < j->g->n_outputs; i++) {
        const urs_int8_tensor *t = &j->g->tensors[j->g->outputs[i]];
        int64_t dims[URS_INT8_RANK_MAX];
        turned_shape(dims, t->shape);
        (void)snprintf(name, sizeof name, i ? "output_%d" : "output", (int)i);
        urs_onnx_output(&j->m, name, dims, t->shape.rank);
        urs_onnx_unary(&j->m, "Identity", numbered(x, "x", j->g->outputs[i]), name);
    }
}

static void notes(job *j)
{
    const urs_int8_tensor *t = &j->g->tensors[j->g->inputs[0]];
    char text[160];
    for (int32_t i = 0; i < urs_int8_graph_notes(j->g); i++) {
        const char *key, *value;
        urs_int8_graph_note_at(j->g, i, &key, &value);
        urs_onnx_note(&j->m, key, value);
    }
    (void)snprintf(text, sizeof text, "{\"value\":\"(byte - %d) * scale\",\"scale\":%.9g,\"order\":\"NCHW, RGB\"}", (int)t->quant.zero_point + 128, (double)t->quant.scale);
    urs_onnx_note(&j->m, "ursid.onnx.input", text);
}

urs_status urs_onnx_encode_int8(urs_bytes *out, const urs_int8_graph *g, urs_error *err)
{
    job j = {.g = g, .err = err};
    urs_status status = tensors(&j);
    if (status == URS_OK)
        inputs(&j);
    for (int32_t i = 0; status == URS_OK && i < g->n_ops; i++) {
        j.index = i;
        j.op = &g->ops[i];
        status = operator(&j);
    }
    if (status == URS_OK) {
        outputs(&j);
        notes(&j);
        status = urs_onnx_encode(out, NULL, &j.m, "ursid int8", err);
    }
    urs_onnx_release(&j.m);
    return status;
}
