/* See int8_cases.h. Every draw is a statement of its own: the order in which a call's arguments are computed is the compiler's choice. */
#include "int8_cases.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS_MAX 80
#define WEIGHTS_MAX (CHANNELS_MAX * CHANNELS_MAX * 7 * 7)

typedef struct maker {
    urs_random r;
    urs_int8_graph *g;
    bool small;
    int8_t *weights; /* owned, WEIGHTS_MAX */
} maker;

static int32_t between(maker *m, int32_t low, int32_t high)
{
    return low + (int32_t)urs_random_below(&m->r, (uint64_t)(high - low + 1));
}

static bool coin(maker *m)
{
    return urs_random_below(&m->r, 2) == 1;
}

static float log_uniform(maker *m, double low, double high)
{
    return (float)exp(urs_random_range(&m->r, log(low), log(high)));
}

static urs_int8_quant any_quant(maker *m)
{
    const float scale = log_uniform(m, 0.004, 0.1);
    const bool lowest = between(m, 0, 4) == 0;
    return (urs_int8_quant){scale, lowest ? -128 : between(m, -128, 127)};
}

static urs_int8_shape any_shape(maker *m)
{
    const int32_t side = m->small ? 7 : 17, channels = m->small ? 9 : CHANNELS_MAX;
    const int32_t h = between(m, 1, side);
    const int32_t w = between(m, 1, side);
    return urs_int8_shape4(1, h, w, between(m, 1, channels));
}

/* Scale around `usual` and any zero point. */
static urs_int8_quant out_quant(maker *m, float usual, double low, double high)
{
    const float scale = usual * log_uniform(m, low, high);
    return (urs_int8_quant){scale, between(m, -128, 127)};
}

static int32_t any_input(maker *m, const char *name)
{
    const urs_int8_shape shape = any_shape(m);
    return urs_int8_graph_input(m->g, name, shape, any_quant(m));
}

static void fill(maker *m, int8_t *x, size_t n, int32_t low)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)between(m, low, 127);
}

/* Weights, bias and the operator; taps: numbers that one output sums. */
static void weighted(maker *m, urs_int8_op *op, urs_int8_shape shape, int32_t axis, bool per_channel, int32_t taps)
{
    float scales[1024];
    int32_t bias[1024];
    const int32_t n = shape.dim[axis];
    const urs_int8_quant in = m->g->tensors[op->in[0]].quant;
    float largest = 0, out;
    fill(m, m->weights, urs_int8_shape_elements(shape), -127);
    for (int32_t i = 0; i < n; i++) {
        scales[i] = log_uniform(m, 0.002, 0.02);
        largest = scales[i] > largest ? scales[i] : largest;
        bias[i] = between(m, -3000, 3000) * (taps > 8 ? 8 : taps);
    }
    op->in[1] = per_channel ? urs_int8_graph_weights(m->g, "weights", shape, m->weights, scales, axis)
                            : urs_int8_graph_constant(m->g, "weights", shape, m->weights, (urs_int8_quant){scales[0], 0});
    op->n_in = 2;
    if (op->kind <= URS_INT8_DEPTHWISE_CONV_2D || between(m, 0, 4) != 0) {
        op->in[2] = urs_int8_graph_bias(m->g, "bias", bias, op->in[0], op->in[1]);
        op->n_in = 3;
    }
    out = in.scale * (per_channel ? largest : scales[0]) * 74 * 74 * sqrtf((float)taps) / 60;
    urs_int8_graph_output(m->g, urs_int8_graph_apply(m->g, op, "y", out_quant(m, out, 0.3, 2)));
}

static void any_window(maker *m, urs_int8_op *op, int32_t *kh, int32_t *kw)
{
    const urs_int8_shape x = m->g->tensors[op->in[0]].shape;
    static const int32_t kernels[] = {1, 1, 2, 3, 3, 5, 7};
    urs_int8_attr *a = &op->attr;
    *kh = kernels[between(m, 0, 6)];
    *kw = coin(m) ? *kh : kernels[between(m, 0, 6)];
    a->stride_h = between(m, 1, 3);
    a->stride_w = coin(m) ? a->stride_h : between(m, 1, 3);
    a->padding = coin(m) ? URS_INT8_VALID : URS_INT8_SAME;
    if (op->kind <= URS_INT8_DEPTHWISE_CONV_2D && between(m, 0, 4) == 0 && a->stride_h == 1 && a->stride_w == 1)
        a->dilation_h = a->dilation_w = 2;
    if (a->padding == URS_INT8_VALID && (x.dim[1] < (*kh - 1) * (a->dilation_h > 1 ? 2 : 1) + 1 || x.dim[2] < (*kw - 1) * (a->dilation_h > 1 ? 2 : 1) + 1))
        a->padding = URS_INT8_SAME;
}

static urs_int8_activation any_activation(maker *m)
{
    static const urs_int8_activation some[] = {URS_INT8_ACT_NONE, URS_INT8_ACT_NONE, URS_INT8_ACT_RELU, URS_INT8_ACT_RELU6};
    return some[between(m, 0, 3)];
}

static void convolution(maker *m, urs_int8_op *op)
{
    urs_int8_shape x;
    int32_t kh, kw, out = between(m, 1, m->small ? 6 : CHANNELS_MAX);
    op->in[0] = any_input(m, "x");
    op->n_in = 1;
    x = m->g->tensors[op->in[0]].shape;
    any_window(m, op, &kh, &kw);
    op->attr.activation = any_activation(m);
    if (op->kind == URS_INT8_DEPTHWISE_CONV_2D) {
        out = x.dim[3] * (between(m, 0, 3) == 0 ? 2 : 1);
        weighted(m, op, urs_int8_shape4(1, kh, kw, out), 3, true, kh * kw);
    } else {
        weighted(m, op, urs_int8_shape4(out, kh, kw, x.dim[3]), 0, true, kh * kw * x.dim[3]);
    }
}

static void transposed(maker *m, urs_int8_op *op)
{
    const int32_t k = between(m, 1, 4), out = between(m, 1, 9);
    op->in[0] = any_input(m, "x");
    op->n_in = 1;
    op->attr.stride_h = op->attr.stride_w = between(m, 1, 2);
    op->attr.padding = coin(m) ? URS_INT8_VALID : URS_INT8_SAME;
    weighted(m, op, urs_int8_shape4(out, k, k, m->g->tensors[op->in[0]].shape.dim[3]), 0, true, k * k * m->g->tensors[op->in[0]].shape.dim[3] / 2 + 1);
}

static void fully_connected(maker *m, urs_int8_op *op)
{
    const int32_t depth = between(m, 1, m->small ? 40 : 600), out = between(m, 1, m->small ? 20 : 70), rows = between(m, 1, 3);
    op->in[0] = urs_int8_graph_input(m->g, "x", (urs_int8_shape){2, {rows, depth}}, any_quant(m));
    op->n_in = 1;
    op->attr.activation = any_activation(m);
    op->attr.keep_dims = coin(m);
    weighted(m, op, (urs_int8_shape){2, {out, depth}}, 0, false, depth);
}

static void binary(maker *m, urs_int8_op *op)
{
    const urs_int8_shape shape = any_shape(m);
    const urs_int8_quant a = any_quant(m), b = any_quant(m);
    const int32_t form = between(m, 0, 4);
    float range = op->kind == URS_INT8_MUL ? a.scale * b.scale * 90 : (a.scale + b.scale) * 0.8f;
    int32_t wide, other;
    urs_int8_shape narrow = shape;
    if (form >= 2)
        narrow = form == 4 ? urs_int8_shape4(1, 1, 1, 1) : urs_int8_shape4(1, 1, 1, shape.dim[3]);
    if (form == 3)
        fill(m, m->weights, urs_int8_shape_elements(narrow), -128);
    wide = urs_int8_graph_input(m->g, "a", shape, a);
    other = form == 3 ? urs_int8_graph_constant(m->g, "b", narrow, m->weights, b) : urs_int8_graph_input(m->g, "b", narrow, b);
    op->n_in = 2;
    op->in[0] = coin(m) ? wide : other;
    op->in[1] = op->in[0] == wide ? other : wide;
    op->attr.activation = any_activation(m);
    urs_int8_graph_output(m->g, urs_int8_graph_apply(m->g, op, "y", out_quant(m, range, 0.5, 2)));
}

static void joined(maker *m, urs_int8_op *op)
{
    const urs_int8_quant quant = any_quant(m);
    urs_int8_shape shape = any_shape(m);
    op->attr.axis = between(m, 1, 3);
    op->n_in = between(m, 1, 4);
    for (int32_t i = 0; i < op->n_in; i++) {
        const char *names[] = {"a", "b", "c", "d"};
        shape.dim[op->attr.axis] = between(m, 1, 12);
        op->in[i] = urs_int8_graph_input(m->g, names[i], shape, quant);
    }
    urs_int8_graph_output(m->g, urs_int8_graph_apply(m->g, op, "y", quant));
}

static void cut(maker *m, urs_int8_op *op)
{
    urs_int8_shape shape = any_shape(m);
    int32_t first;
    op->n_out = between(m, 1, 4);
    op->attr.axis = between(m, 1, 3);
    shape.dim[op->attr.axis] = op->n_out * between(m, 1, 5);
    op->n_in = 1;
    op->in[0] = urs_int8_graph_input(m->g, "x", shape, any_quant(m));
    first = urs_int8_graph_apply(m->g, op, "y", (urs_int8_quant){1, 0});
    for (int32_t i = 0; i < op->n_out && first >= 0; i++)
        urs_int8_graph_output(m->g, first + i);
}

/* Operators of one input whose attributes are all there is to draw. */
static void single(maker *m, urs_int8_op *op)
{
    urs_int8_quant out = any_quant(m);
    urs_int8_shape x;
    urs_int8_attr *a = &op->attr;
    int32_t kh, kw;
    op->n_in = 1;
    op->in[0] = any_input(m, "x");
    x = m->g->tensors[op->in[0]].shape;
    switch (op->kind) {
    case URS_INT8_AVERAGE_POOL_2D:
    case URS_INT8_MAX_POOL_2D:
        any_window(m, op, &kh, &kw);
        a->filter_h = kh;
        a->filter_w = kw;
        a->activation = any_activation(m);
        break;
    case URS_INT8_MEAN:
        a->keep_dims = coin(m);
        out.scale = m->g->tensors[op->in[0]].quant.scale * log_uniform(m, 0.2, 1.2);
        break;
    case URS_INT8_SLICE:
        for (int32_t i = 0; i < 4; i++) {
            a->begin[i] = between(m, 0, x.dim[i] - 1);
            a->step[i] = coin(m) ? 0 : between(m, 1, 3);
            a->size[i] = coin(m) ? -1 : 1;
        }
        break;
    case URS_INT8_RESHAPE:
        a->rank = 2;
        a->shape[0] = x.dim[1] * x.dim[3];
        a->shape[1] = x.dim[2];
        break;
    case URS_INT8_PAD:
        for (int32_t i = 1; i < 4; i++)
            for (int32_t k = 0; k < 2; k++)
                a->pad[i][k] = between(m, 0, 3);
        break;
    case URS_INT8_RESIZE_NEAREST:
        a->out_h = x.dim[1] * between(m, 1, 3);
        a->out_w = coin(m) ? x.dim[2] * 2 : between(m, 1, 30);
        a->half_pixel = coin(m);
        break;
    case URS_INT8_LEAKY_RELU:
        a->alpha = log_uniform(m, 0.01, 0.4);
        break;
    case URS_INT8_GELU:
        a->approximate = coin(m);
        break;
    case URS_INT8_SOFTMAX:
        a->beta = 1;
        break;
    default:
        break;
    }
    urs_int8_graph_output(m->g, urs_int8_graph_apply(m->g, op, "y", out));
}

static void make(maker *m, urs_int8_kind kind)
{
    urs_int8_op op = {.kind = kind};
    switch (kind) {
    case URS_INT8_CONV_2D:
    case URS_INT8_DEPTHWISE_CONV_2D:
        convolution(m, &op);
        break;
    case URS_INT8_TRANSPOSE_CONV:
        transposed(m, &op);
        break;
    case URS_INT8_FULLY_CONNECTED:
        fully_connected(m, &op);
        break;
    case URS_INT8_ADD:
    case URS_INT8_SUB:
    case URS_INT8_MUL:
        binary(m, &op);
        break;
    case URS_INT8_CONCATENATION:
        joined(m, &op);
        break;
    case URS_INT8_SPLIT:
        cut(m, &op);
        break;
    default:
        single(m, &op);
        break;
    }
}

urs_status urs_int8_case_new(urs_int8_graph **out, urs_int8_kind kind, uint64_t seed, bool small, urs_error *err)
{
    maker m = {.small = small, .weights = urs_array_new(WEIGHTS_MAX, 1)};
    urs_status status = m.weights ? urs_int8_graph_new(&m.g, err) : urs_fail(err, URS_ENOMEM, "no memory for a case");
    if (status == URS_OK) {
        urs_random_init_stream(&m.r, seed, (uint64_t)kind);
        make(&m, kind);
        status = urs_int8_graph_finish(m.g, err);
    }
    urs_free(m.weights);
    if (status == URS_OK)
        *out = m.g;
    else
        urs_int8_graph_free(m.g);
    return status;
}

urs_status urs_int8_case_inputs(void *inputs[URS_INT8_INPUTS_MAX], const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    urs_random r;
    memset(inputs, 0, URS_INT8_INPUTS_MAX * sizeof *inputs);
    urs_random_init(&r, seed);
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const urs_int8_tensor *t = &g->tensors[g->inputs[i]];
        const size_t n = urs_int8_shape_elements(t->shape);
        inputs[i] = urs_array_new(urs_int8_tensor_bytes(t), 1);
        if (!inputs[i])
            return urs_fail(err, URS_ENOMEM, "no memory for an input");
        for (size_t k = 0; k < n; k++) {
            if (t->type == URS_INT8_TYPE_FLOAT32)
                ((float *)inputs[i])[k] = (float)urs_random_range(&r, -3, 3);
            else
                ((uint8_t *)inputs[i])[k] = (uint8_t)urs_random_below(&r, 256);
        }
    }
    return URS_OK;
}

urs_status urs_int8_cases_each(int seeds, bool small, urs_int8_case_fn *visit, void *context, urs_error *err)
{
    urs_status status = URS_OK;
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++)
        for (int seed = 1; seed <= seeds && status == URS_OK; seed++) {
            char name[64];
            urs_int8_graph *g = NULL;
            (void)snprintf(name, sizeof name, "%s_%03d", urs_int8_kind_name((urs_int8_kind)kind), seed);
            status = urs_int8_case_new(&g, (urs_int8_kind)kind, (uint64_t)seed, small, err);
            if (status == URS_OK)
                status = visit(context, name, g, (uint64_t)seed, err);
            if (status != URS_OK)
                urs_error_prefix(err, "%s: ", name);
            urs_int8_graph_free(g);
        }
    return status;
}
