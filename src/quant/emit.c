/* The int8 graph of a deployed network; see emit.h. An operation is written when the fake quant behind it says what its result is quantised to. */
#include "quant/emit.h"

#include "base/memory.h"
#include "nn/op.h"

#include <stdio.h>
#include <string.h>

typedef struct emit {
    const urs_deploy *d;
    const float *block; /* folded float weights */
    const urs_node *nodes;
    urs_int8_graph *g;
    int32_t *tensor; /* per deployed value: its int8 tensor, URS_INT8_NONE before that */
    urs_error *err;
} emit;

static urs_int8_quant quant_of(const emit *e, urs_value v)
{
    const urs_quant_range r = e->d->groups[e->d->quantisers[e->d->quantiser_of[v]].group].range;
    return (urs_int8_quant){.scale = r.step, .zero_point = r.zero_point};
}

static urs_status unsupported(const emit *e, urs_value v, const char *why)
{
    return urs_fail(e->err, URS_EUNSUPPORTED, "operation %d (%s) has no int8 form: %s", (int)v, urs_op_find(e->nodes[v].op)->name, why);
}

/* ---- padding --------------------------------------------------------------------------------------------------------------------------- */

static bool is_same(int64_t in, int32_t kernel, int32_t stride, int32_t before, int32_t after)
{
    const int64_t out = (in + stride - 1) / stride, need = (out - 1) * stride + kernel - in, total = need > 0 ? need : 0;
    return before == total / 2 && after == total - total / 2;
}

/* SAME or VALID where the attributes are that; else NULL padding is put in front of x. */
static urs_int8_padding padding_of(emit *e, int32_t *x, urs_value from, const urs_op_attr *a, const char *name)
{
    const urs_dims in = urs_graph_dims(e->d->graph, from);
    urs_int8_op pad = {.kind = URS_INT8_PAD, .n_in = 1, .in = {*x}, .attr = {.pad = {{0, 0}, {a->pad_top, a->pad_bottom}, {a->pad_left, a->pad_right}, {0, 0}}}};
    char pad_name[128];
    if (!(a->pad_top || a->pad_left || a->pad_bottom || a->pad_right))
        return URS_INT8_VALID;
    if (is_same(in.h, a->kernel_h, a->stride_h, a->pad_top, a->pad_bottom) && is_same(in.w, a->kernel_w, a->stride_w, a->pad_left, a->pad_right))
        return URS_INT8_SAME;
    (void)snprintf(pad_name, sizeof pad_name, "%s/pad", name);
    *x = urs_int8_graph_apply(e->g, &pad, pad_name, quant_of(e, from));
    return URS_INT8_VALID;
}

/* ---- convolutions ------------------------------------------------------------------------------------------------------------------------- */

typedef struct whole_weights {
    int8_t *weights; /* in TFLite's order */
    float *steps;
    int32_t *bias;
} whole_weights;

static void release_weights(whole_weights *w)
{
    urs_free(w->weights);
    urs_free(w->steps);
    urs_free(w->bias);
}

/* Rows [in/groups][area] -> [O, kh, kw, I] or, depthwise, [1, kh, kw, C]. */
static urs_status make_weights(whole_weights *w, const emit *e, const urs_deploy_conv *c, bool depthwise)
{
    const size_t count = (size_t)urs_deploy_row_count(c), per_group = (size_t)(c->in / c->groups), area = (size_t)c->area, out = (size_t)c->out;
    int8_t *row = urs_array_new(count, 1);
    urs_status status = URS_OK;
    w->weights = urs_array_new(out * count, 1);
    w->steps = urs_array_new(out, sizeof *w->steps);
    w->bias = urs_array_new(out, sizeof *w->bias);
    if (!row || !w->weights || !w->steps || !w->bias)
        status = urs_fail(e->err, URS_ENOMEM, "no memory for %zu weights", out * count);
    for (size_t o = 0; status == URS_OK && o < out; o++) {
        urs_deploy_row r;
        urs_deploy_quantise_row(&r, row, e->d, c, e->block, (int32_t)o);
        w->steps[o] = r.step;
        w->bias[o] = r.bias;
        for (size_t i = 0; i < per_group; i++)
            for (size_t k = 0; k < area; k++)
                w->weights[depthwise ? k * out + o : (o * area + k) * per_group + i] = row[i * area + k];
    }
    urs_free(row);
    return status;
}

static const urs_deploy_conv *conv_at(const emit *e, urs_value v)
{
    for (int32_t i = 0; i < e->d->n_convs; i++)
        if (e->d->convs[i].node == v)
            return &e->d->convs[i];
    return NULL;
}

static urs_status convolution(emit *e, urs_value v, urs_value result)
{
    const urs_deploy_conv *c = conv_at(e, v);
    const urs_op_attr *a = &e->nodes[v].attr;
    const bool depthwise = c->groups > 1 && c->groups == c->in;
    const int32_t axis = depthwise ? 3 : 0;
    urs_int8_op op = {.kind = c->transposed ? URS_INT8_TRANSPOSE_CONV : depthwise ? URS_INT8_DEPTHWISE_CONV_2D : URS_INT8_CONV_2D, .n_in = 3, .in = {e->tensor[c->input]},
                      .attr = {.stride_h = a->stride_h, .stride_w = a->stride_w, .padding = URS_INT8_VALID,
                               .activation = c->activation == URS_ACT_RELU ? URS_INT8_ACT_RELU : c->activation == URS_ACT_RELU6 ? URS_INT8_ACT_RELU6 : URS_INT8_ACT_NONE}};
    whole_weights w = {0};
    char name[128];
    urs_status status;
    if (c->groups > 1 && !depthwise)
        return unsupported(e, v, "it has groups of several channels");
    if (c->transposed && (a->pad_top || a->pad_left || a->pad_bottom || a->pad_right || c->groups > 1 || a->kernel_h != a->stride_h))
        return unsupported(e, v, "a transposed convolution must tile its output");
    status = make_weights(&w, e, c, depthwise);
    if (status == URS_OK) {
        const urs_int8_shape shape = depthwise ? urs_int8_shape4(1, a->kernel_h, a->kernel_w, c->out) : urs_int8_shape4(c->out, a->kernel_h, a->kernel_w, c->in);
        if (!c->transposed)
            op.attr.padding = padding_of(e, &op.in[0], c->input, a, c->name);
        (void)snprintf(name, sizeof name, "%s/weights", c->name);
        op.in[1] = urs_int8_graph_weights(e->g, name, shape, w.weights, w.steps, axis);
        (void)snprintf(name, sizeof name, "%s/bias", c->name);
        op.in[2] = urs_int8_graph_bias(e->g, name, w.bias, op.in[0], op.in[1]);
        e->tensor[result] = urs_int8_graph_apply(e->g, &op, c->name, quant_of(e, result));
    }
    release_weights(&w);
    return status;
}

/* ---- everything else -------------------------------------------------------------------------------------------------------------------------- */

static urs_status apply(emit *e, urs_int8_kind kind, urs_value v, urs_value result, urs_int8_attr attr)
{
    const urs_node *n = &e->nodes[v];
    urs_int8_op op = {.kind = kind, .attr = attr, .n_in = n->n_in};
    char name[48];
    if (n->n_in > URS_INT8_INPUTS_MAX)
        return unsupported(e, v, "it has too many inputs");
    for (int32_t i = 0; i < n->n_in; i++)
        op.in[i] = e->tensor[n->in[i]];
    (void)snprintf(name, sizeof name, "%s_%d", urs_op_find(n->op)->name, (int)v);
    e->tensor[result] = urs_int8_graph_apply(e->g, &op, name, quant_of(e, result));
    return URS_OK;
}

static urs_status activation(emit *e, urs_value v, urs_value result)
{
    const urs_value from = e->nodes[v].in[0];
    if (e->d->quantiser_of[from] < 0)
        return convolution(e, from, result);
    switch (e->nodes[v].attr.activation) {
    case URS_ACT_RELU: return apply(e, URS_INT8_RELU, v, result, (urs_int8_attr){0});
    case URS_ACT_RELU6: return apply(e, URS_INT8_RELU6, v, result, (urs_int8_attr){0});
    case URS_ACT_HARD_SWISH: return apply(e, URS_INT8_HARD_SWISH, v, result, (urs_int8_attr){0});
    case URS_ACT_SIGMOID: return apply(e, URS_INT8_LOGISTIC, v, result, (urs_int8_attr){0});
    default: return unsupported(e, v, "no such activation");
    }
}

/* `v` makes the number that `result` quantises. */
static urs_status quantised(emit *e, urs_value v, urs_value result)
{
    const urs_node *n = &e->nodes[v];
    const urs_dims d = n->dims;
    urs_int8_attr pool = {.stride_h = n->attr.stride_h, .stride_w = n->attr.stride_w, .filter_h = n->attr.kernel_h, .filter_w = n->attr.kernel_w};
    switch (n->op) {
    case URS_OP_INPUT:
        e->tensor[result] = urs_int8_graph_input(e->g, "input", urs_int8_shape4(1, (int32_t)d.h, (int32_t)d.w, (int32_t)d.c), quant_of(e, result));
        return URS_OK;
    case URS_OP_CONV:
    case URS_OP_CONV_TRANSPOSE: return convolution(e, v, result);
    case URS_OP_ACTIVATION: return activation(e, v, result);
    case URS_OP_ADD: return apply(e, URS_INT8_ADD, v, result, (urs_int8_attr){0});
    case URS_OP_MUL: return apply(e, URS_INT8_MUL, v, result, (urs_int8_attr){0});
    case URS_OP_GLOBAL_POOL: return apply(e, URS_INT8_MEAN, v, result, (urs_int8_attr){.keep_dims = true});
    case URS_OP_AVG_POOL:
        if (n->attr.pad_top)
            return unsupported(e, v, "its padding is not TFLite's");
        pool.padding = URS_INT8_VALID;
        return apply(e, URS_INT8_AVERAGE_POOL_2D, v, result, pool);
    default: return unsupported(e, v, "no such operation");
    }
}

static urs_status max_pool(emit *e, urs_value v)
{
    const urs_op_attr *a = &e->nodes[v].attr;
    const urs_dims in = urs_graph_dims(e->d->graph, e->nodes[v].in[0]);
    urs_int8_attr pool = {.stride_h = a->stride_h, .stride_w = a->stride_w, .filter_h = a->kernel_h, .filter_w = a->kernel_w, .padding = URS_INT8_SAME};
    if (!a->pad_top)
        pool.padding = URS_INT8_VALID;
    else if (!is_same(in.h, a->kernel_h, a->stride_h, a->pad_top, a->pad_bottom) || !is_same(in.w, a->kernel_w, a->stride_w, a->pad_left, a->pad_right))
        return unsupported(e, v, "its padding is not TFLite's");
    return apply(e, URS_INT8_MAX_POOL_2D, v, v, pool);
}

static urs_status slice(emit *e, urs_value v)
{
    const urs_op_attr *a = &e->nodes[v].attr;
    const urs_dims out = e->nodes[v].dims;
    return apply(e, URS_INT8_SLICE, v, v, (urs_int8_attr){.begin = {0, 0, 0, a->begin}, .size = {1, (int32_t)out.h, (int32_t)out.w, a->count}});
}

static urs_status node(emit *e, urs_value v)
{
    const urs_node *n = &e->nodes[v];
    switch (n->op) {
    case URS_OP_FAKE_QUANT: return quantised(e, n->in[0], v);
    case URS_OP_CONCAT: return apply(e, URS_INT8_CONCATENATION, v, v, (urs_int8_attr){.axis = 3});
    case URS_OP_SLICE: return slice(e, v);
    case URS_OP_MAX_POOL: return max_pool(e, v);
    case URS_OP_RESIZE: return apply(e, URS_INT8_RESIZE_NEAREST, v, v, (urs_int8_attr){.out_h = n->attr.out_h, .out_w = n->attr.out_w});
    default: return URS_OK; /* waits for its fake quant */
    }
}

static urs_status check_ranges(const urs_deploy *d, urs_error *err)
{
    for (int32_t i = 0; i < d->n_groups; i++)
        if (!(d->groups[i].range.step > 0))
            return urs_fail(err, URS_EINVAL, "the range of value group %d is not known: calibrate first", (int)i);
    return URS_OK;
}

urs_status urs_deploy_emit(urs_int8_graph **out, const urs_deploy *d, const float *params, urs_error *err)
{
    emit e = {.d = d, .err = err};
    float *block = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *block);
    const int32_t n = urs_graph_nodes(d->graph, &e.nodes);
    const urs_value *outputs;
    const int32_t n_outputs = urs_graph_outputs(d->graph, &outputs);
    urs_status status = check_ranges(d, err);
    e.tensor = urs_array_new((size_t)n, sizeof *e.tensor);
    if (status == URS_OK && (!block || !e.tensor))
        status = urs_fail(err, URS_ENOMEM, "no memory for an int8 graph of %d operations", (int)n);
    if (status == URS_OK)
        status = urs_int8_graph_new(&e.g, err);
    if (status == URS_OK) {
        urs_deploy_fold(d, block, params);
        e.block = block;
    }
    for (int32_t i = 0; status == URS_OK && i < n; i++) {
        e.tensor[i] = URS_INT8_NONE;
        status = node(&e, i);
    }
    for (int32_t i = 0; status == URS_OK && i < n_outputs; i++)
        urs_int8_graph_output(e.g, e.tensor[outputs[i]]);
    if (status == URS_OK)
        status = urs_int8_graph_finish(e.g, err);
    urs_aligned_free(block);
    urs_free(e.tensor);
    if (status != URS_OK)
        urs_int8_graph_free(e.g);
    else
        *out = e.g;
    return status;
}
