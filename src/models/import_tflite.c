/* TFLite layers in order onto a graph; see import.h.
 *
 *      file                                     ours
 *      CONV_2D            [out, h, w, in]       conv [out, in, h, w], or linear [out, in] when 1x1
 *      DEPTHWISE_CONV_2D  [1, h, w, channels]   conv [channels, 1, h, w]
 *      FULLY_CONNECTED    [out, in]             linear [out, in], or conv 1x1
 *      ... ReLU6 with bias b + 3, then * 1/6    ... with bias b, then hard-sigmoid (the converter folds its + 3 into the bias) */
#include "models/import.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* A convolution or linear node and the batch norm behind it. */
typedef struct layer {
    const urs_node *node;
    const urs_node *norm; /* NULL: none */
    urs_activation activation; /* behind both */
} layer;

enum { FUSED_NONE = 0, FUSED_RELU = 1, FUSED_RELU6 = 3 }; /* ActivationFunctionType of the schema */

#define HARD_SIGMOID_SHIFT 3.0f

static bool is_layer(const urs_node *n)
{
    return n->op == URS_OP_CONV || n->op == URS_OP_LINEAR;
}

static bool is_layer_op(const urs_tflite_op *op)
{
    return op->code == URS_TFLITE_CONV_2D || op->code == URS_TFLITE_DEPTHWISE_CONV_2D || op->code == URS_TFLITE_FULLY_CONNECTED;
}

int32_t urs_import_graph_layers(const urs_graph *graph)
{
    const urs_node *nodes;
    const int32_t n = urs_graph_nodes(graph, &nodes);
    int32_t count = 0;
    for (int32_t i = 0; i < n; i++)
        count += is_layer(&nodes[i]);
    return count;
}

int32_t urs_import_tflite_layers(const urs_tflite *model)
{
    const urs_tflite_op *ops;
    const int32_t n = urs_tflite_ops(model, &ops);
    int32_t count = 0;
    for (int32_t i = 0; i < n; i++)
        count += is_layer_op(&ops[i]);
    return count;
}

/* The file's weight as [out, in, h, w]: extents, and how far apart neighbours lie. */
typedef struct view {
    int64_t extent[4], stride[4];
} view;

static bool view_of(view *v, const urs_tflite_op *op, const urs_weight *w)
{
    const int64_t *s = w->shape;
    if (op->code == URS_TFLITE_FULLY_CONNECTED && w->rank == 2)
        *v = (view){{s[0], s[1], 1, 1}, {s[1], 1, 0, 0}};
    else if (op->code == URS_TFLITE_CONV_2D && w->rank == 4)
        *v = (view){{s[0], s[3], s[1], s[2]}, {s[1] * s[2] * s[3], 1, s[2] * s[3], s[3]}};
    else if (op->code == URS_TFLITE_DEPTHWISE_CONV_2D && w->rank == 4 && s[0] == 1)
        *v = (view){{s[3], 1, s[1], s[2]}, {1, 0, s[2] * s[3], s[3]}};
    else
        return false;
    return true;
}

/* TensorFlow's SAME: what is odd goes below and to the right; VALID: nothing. */
static bool padding_agrees(const urs_tflite_op *op, const urs_op_attr *a)
{
    const int32_t v = a->pad_top + a->pad_bottom, h = a->pad_left + a->pad_right;
    if (op->padding_valid || (a->kernel_h == 1 && a->kernel_w == 1))
        return v == 0 && h == 0;
    return a->pad_top == v / 2 && a->pad_left == h / 2;
}

/* Hard-swish is an operator of its own in the file. */
static bool activation_agrees(const urs_tflite_op *op, urs_activation activation)
{
    switch (op->activation) {
    case FUSED_NONE:
        return activation != URS_ACT_RELU && activation != URS_ACT_RELU6 && activation != URS_ACT_HARD_SIGMOID;
    case FUSED_RELU:
        return activation == URS_ACT_RELU;
    case FUSED_RELU6:
        return activation == URS_ACT_RELU6 || activation == URS_ACT_HARD_SIGMOID;
    default:
        return false;
    }
}

static urs_status check_layer(const layer *l, const urs_param *weight, const urs_tflite_op *op, const view *v, int32_t number, urs_error *err)
{
    const urs_op_attr *a = &l->node->attr;
    const int64_t kernel_h = weight->rank == 4 ? weight->shape[2] : 1, kernel_w = weight->rank == 4 ? weight->shape[3] : 1;
    const bool depthwise = l->node->op == URS_OP_CONV && a->groups > 1;

    if (v->extent[0] != weight->shape[0] || v->extent[1] != weight->shape[1] || v->extent[2] != kernel_h || v->extent[3] != kernel_w ||
        depthwise != (op->code == URS_TFLITE_DEPTHWISE_CONV_2D && v->extent[0] > 1))
        return urs_fail(err, URS_EMISMATCH, "layer %d of the file is %lldx%lldx%lldx%lld (out, in, height, width), but '%.80s' is %lldx%lldx%lldx%lld", (int)number,
                        (long long)v->extent[0], (long long)v->extent[1], (long long)v->extent[2], (long long)v->extent[3], weight->name,
                        (long long)weight->shape[0], (long long)weight->shape[1], (long long)kernel_h, (long long)kernel_w);
    if (l->node->op == URS_OP_CONV && op->code != URS_TFLITE_FULLY_CONNECTED &&
        (op->stride_h != a->stride_h || op->stride_w != a->stride_w || op->dilation_h != 1 || op->dilation_w != 1 || !padding_agrees(op, a)))
        return urs_fail(err, URS_EMISMATCH, "layer %d of the file has another stride, dilation or padding than '%.80s'", (int)number, weight->name);
    if (op->code != URS_TFLITE_FULLY_CONNECTED && !activation_agrees(op, l->activation))
        return urs_fail(err, URS_EMISMATCH, "layer %d of the file has another activation than what follows '%.80s'", (int)number, weight->name);
    return URS_OK;
}

static void copy_weight(float *out, const float *in, const view *v)
{
    for (int64_t o = 0; o < v->extent[0]; o++)
        for (int64_t i = 0; i < v->extent[1]; i++)
            for (int64_t y = 0; y < v->extent[2]; y++)
                for (int64_t x = 0; x < v->extent[3]; x++)
                    *out++ = in[o * v->stride[0] + i * v->stride[1] + y * v->stride[2] + x * v->stride[3]];
}

/* y = x + bias; see import.h. */
static void set_plain_norm(float *block, const urs_param *params, const urs_node *norm, const float *bias)
{
    const urs_param *gamma = &params[norm->param[0]], *beta = &params[norm->param[1]], *mean = &params[norm->param[2]], *variance = &params[norm->param[3]];
    for (size_t c = 0; c < gamma->count; c++) {
        block[gamma->offset + c] = sqrtf(1.0f + norm->attr.eps);
        block[beta->offset + c] = bias ? bias[c] : 0.0f;
        block[mean->offset + c] = 0.0f;
        block[variance->offset + c] = 1.0f;
    }
}

static urs_status import_layer(float *block, const urs_param *params, const layer *l, const urs_tflite_op *op, const urs_tflite_tensor *tensors, int32_t number,
                               urs_error *err)
{
    const urs_param *weight = &params[l->node->param[0]];
    const urs_weight *w = op->n_inputs > 1 && op->inputs[1] >= 0 ? tensors[op->inputs[1]].constant : NULL;
    const urs_weight *bias = op->n_inputs > 2 && op->inputs[2] >= 0 ? tensors[op->inputs[2]].constant : NULL;
    view v;
    urs_status status;

    if (!w || w->stored != URS_WEIGHT_F32 || (op->n_inputs > 2 && op->inputs[2] >= 0 && !bias))
        return urs_fail(err, URS_EUNSUPPORTED, "layer %d of the file has no constant float32 weights", (int)number);
    if (!view_of(&v, op, w))
        return urs_fail(err, URS_EMISMATCH, "layer %d of the file has weights of an unknown layout", (int)number);
    status = check_layer(l, weight, op, &v, number, err);
    if (status != URS_OK)
        return status;
    if (bias && bias->count != (size_t)v.extent[0])
        return urs_fail(err, URS_EFORMAT, "layer %d of the file has %zu biases for %lld channels", (int)number, bias->count, (long long)v.extent[0]);
    if (l->activation == URS_ACT_HARD_SIGMOID && !l->node->attr.has_bias)
        return urs_fail(err, URS_EUNSUPPORTED, "layer %d: a hard-sigmoid behind '%.80s', which has no bias", (int)number, weight->name);
    if (bias && !l->node->attr.has_bias && !l->norm)
        return urs_fail(err, URS_EMISMATCH, "layer %d of the file has biases, '%.80s' has none", (int)number, weight->name);
    copy_weight(block + weight->offset, w->data, &v);
    if (l->node->attr.has_bias) {
        const urs_param *own = &params[l->node->param[1]];
        if (bias)
            memcpy(block + own->offset, bias->data, own->count * sizeof *block);
        else
            memset(block + own->offset, 0, own->count * sizeof *block);
        for (size_t c = 0; c < own->count && l->activation == URS_ACT_HARD_SIGMOID; c++)
            block[own->offset + c] -= HARD_SIGMOID_SHIFT;
    }
    if (l->norm)
        set_plain_norm(block, params, l->norm, bias && !l->node->attr.has_bias ? bias->data : NULL);
    return URS_OK;
}

/* The node of this kind that reads node i; -1: none. */
static int32_t node_behind(const urs_node *nodes, int32_t n, int32_t i, urs_op_kind kind)
{
    for (int32_t k = i + 1; k < n; k++)
        if (nodes[k].op == kind && nodes[k].in[0] == i)
            return k;
    return -1;
}

static layer layer_at(const urs_node *nodes, int32_t n, int32_t i)
{
    const int32_t norm = node_behind(nodes, n, i, URS_OP_BATCH_NORM);
    const int32_t activation = node_behind(nodes, n, norm >= 0 ? norm : i, URS_OP_ACTIVATION);
    return (layer){&nodes[i], norm >= 0 ? &nodes[norm] : NULL, activation >= 0 ? nodes[activation].attr.activation : URS_ACT_NONE};
}

urs_status urs_import_tflite(const urs_graph *graph, float *block, const urs_tflite *model, urs_error *err)
{
    const urs_node *nodes;
    const urs_param *params;
    const urs_tflite_tensor *tensors;
    const urs_tflite_op *ops;
    const int32_t n = urs_graph_nodes(graph, &nodes), n_ops = urs_tflite_ops(model, &ops);
    int32_t at = 0, number = 0;

    (void)urs_graph_params(graph, &params);
    (void)urs_tflite_tensors(model, &tensors);
    if (urs_import_graph_layers(graph) != urs_import_tflite_layers(model))
        return urs_fail(err, URS_EMISMATCH, "the file has %d convolutions and fully connected layers, the graph %d", (int)urs_import_tflite_layers(model),
                        (int)urs_import_graph_layers(graph));
    for (int32_t i = 0; i < n; i++) {
        layer l;
        urs_status status;
        if (!is_layer(&nodes[i]))
            continue;
        l = layer_at(nodes, n, i);
        while (at < n_ops && !is_layer_op(&ops[at]))
            at++;
        status = import_layer(block, params, &l, &ops[at++], tensors, number++, err);
        if (status != URS_OK)
            return status;
    }
    return URS_OK;
}
