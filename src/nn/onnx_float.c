/* Float networks as ONNX models; see onnx_float.h. */
#include "nn/onnx_float.h"

#include "base/memory.h"
#include "int8/onnx_model.h"
#include "nn/op.h"

#include <math.h>
#include <stdio.h>

#define NAME 48

typedef struct job {
    const urs_graph *g;
    const urs_node *nodes;
    const urs_param *params;
    const float *block;
    int32_t *value; /* owned: which value stands for node i (operations that do nothing have none of their own) */
    urs_onnx m;
    int32_t index;
    const urs_node *node;
    urs_error *err;
} job;

static const char *value_name(char out[NAME], const job *j, urs_value v)
{
    (void)snprintf(out, NAME, "x%d", (int)j->value[v]);
    return out;
}

static const char *part(char out[NAME], const job *j, const char *word)
{
    (void)snprintf(out, NAME, "%s%d", word, (int)j->index);
    return out;
}

static urs_status unsupported(const job *j, const char *why)
{
    return urs_fail(j->err, URS_EUNSUPPORTED, "operation %d (%s) has no ONNX form here%s", (int)j->index, urs_op_find(j->node->op)->name, why);
}

/* Parameter k of the node under its own name, or in another shape under the same. */
static const char *parameter(job *j, int32_t k, const int64_t *dims, int32_t rank)
{
    const urs_param *p = &j->params[j->node->param[k]];
    urs_onnx_constant(&j->m, p->name, URS_ONNX_FLOAT, dims ? dims : p->shape, dims ? rank : p->rank, j->block + p->offset);
    return p->name;
}

/* ---- nodes: begin reads input 0, end writes the value ----------------------------------------------------------------------------------------------- */

static void begin(job *j, const char *type)
{
    char x[NAME];
    urs_onnx_begin(&j->m, type);
    urs_onnx_in(&j->m, value_name(x, j, j->node->in[0]));
}

static void end(job *j)
{
    char y[NAME];
    urs_onnx_out(&j->m, value_name(y, j, j->index));
    urs_onnx_end(&j->m);
}

static void end_as(job *j, const char *word, char out[NAME])
{
    urs_onnx_out(&j->m, part(out, j, word));
    urs_onnx_end(&j->m);
}

static void window(job *j)
{
    const urs_op_attr *a = &j->node->attr;
    const int64_t kernel[] = {a->kernel_h, a->kernel_w}, stride[] = {a->stride_h, a->stride_w}, pads[] = {a->pad_top, a->pad_left, a->pad_bottom, a->pad_right};
    urs_onnx_ints(&j->m, "kernel_shape", kernel, 2);
    urs_onnx_ints(&j->m, "strides", stride, 2);
    urs_onnx_ints(&j->m, "pads", pads, 4);
}

static void convolution(job *j, const char *type)
{
    const char *weight = parameter(j, 0, NULL, 0), *bias = j->node->attr.has_bias ? parameter(j, 1, NULL, 0) : NULL;
    begin(j, type);
    urs_onnx_in(&j->m, weight);
    if (bias)
        urs_onnx_in(&j->m, bias);
    window(j);
    urs_onnx_int(&j->m, "group", j->node->attr.groups);
    end(j);
}

static void linear(job *j)
{
    const urs_param *p = &j->params[j->node->param[0]];
    const int64_t dims[] = {p->shape[0], p->shape[1], 1, 1};
    const char *weight = parameter(j, 0, dims, 4), *bias = j->node->attr.has_bias ? parameter(j, 1, NULL, 0) : NULL;
    begin(j, "Conv");
    urs_onnx_in(&j->m, weight);
    if (bias)
        urs_onnx_in(&j->m, bias);
    end(j);
}

static void batch_norm(job *j)
{
    const char *names[4];
    for (int32_t k = 0; k < 4; k++)
        names[k] = parameter(j, k, NULL, 0);
    begin(j, "BatchNormalization");
    for (int32_t k = 0; k < 4; k++)
        urs_onnx_in(&j->m, names[k]);
    urs_onnx_float(&j->m, "epsilon", j->node->attr.eps);
    end(j);
}

/* ONNX norms the last axes. */
static void layer_norm(job *j)
{
    static const int64_t last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2};
    const char *gamma = parameter(j, 0, NULL, 0), *beta = parameter(j, 1, NULL, 0);
    char turned[NAME], normed[NAME];
    begin(j, "Transpose");
    urs_onnx_ints(&j->m, "perm", last, 4);
    end_as(j, "turned", turned);
    urs_onnx_begin(&j->m, "LayerNormalization");
    urs_onnx_in(&j->m, turned);
    urs_onnx_in(&j->m, gamma);
    urs_onnx_in(&j->m, beta);
    urs_onnx_int(&j->m, "axis", -1);
    urs_onnx_float(&j->m, "epsilon", j->node->attr.eps);
    end_as(j, "normed", normed);
    urs_onnx_begin(&j->m, "Transpose");
    urs_onnx_in(&j->m, normed);
    urs_onnx_ints(&j->m, "perm", first, 4);
    end(j);
}

/* out = type(a, b) */
static void binary(job *j, const char *type, const char *a, const char *b)
{
    urs_onnx_begin(&j->m, type);
    urs_onnx_in(&j->m, a);
    urs_onnx_in(&j->m, b);
}

static void gelu(job *j)
{
    char x[NAME], root[NAME], scaled[NAME], erf[NAME], one[NAME], more[NAME], half[NAME], halved[NAME];
    urs_onnx_scalar(&j->m, part(root, j, "root"), 0.70710678f);
    urs_onnx_scalar(&j->m, part(one, j, "one"), 1);
    urs_onnx_scalar(&j->m, part(half, j, "half"), 0.5f);
    value_name(x, j, j->node->in[0]);
    binary(j, "Mul", x, root);
    end_as(j, "scaled", scaled);
    urs_onnx_begin(&j->m, "Erf");
    urs_onnx_in(&j->m, scaled);
    end_as(j, "erf", erf);
    binary(j, "Add", erf, one);
    end_as(j, "more", more);
    binary(j, "Mul", x, half);
    end_as(j, "halved", halved);
    binary(j, "Mul", halved, more);
    end(j);
}

static urs_status activation(job *j)
{
    char x[NAME], y[NAME], s[NAME];
    value_name(x, j, j->node->in[0]);
    value_name(y, j, j->index);
    switch (j->node->attr.activation) {
    case URS_ACT_RELU: urs_onnx_unary(&j->m, "Relu", x, y); return URS_OK;
    case URS_ACT_RELU6: urs_onnx_clip(&j->m, x, y, 0, 6); return URS_OK;
    case URS_ACT_HARD_SWISH: urs_onnx_unary(&j->m, "HardSwish", x, y); return URS_OK;
    case URS_ACT_HARD_SIGMOID:
        begin(j, "HardSigmoid");
        urs_onnx_float(&j->m, "alpha", 1.0f / 6);
        urs_onnx_float(&j->m, "beta", 0.5f);
        end(j);
        return URS_OK;
    case URS_ACT_SIGMOID: urs_onnx_unary(&j->m, "Sigmoid", x, y); return URS_OK;
    case URS_ACT_SILU:
        begin(j, "Sigmoid");
        end_as(j, "sigmoid", s);
        binary(j, "Mul", x, s);
        end(j);
        return URS_OK;
    case URS_ACT_GELU: gelu(j); return URS_OK;
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return unsupported(j, "");
}

static void resize(job *j)
{
    const urs_dims in = urs_graph_dims(j->g, j->node->in[0]);
    const bool nearest = j->node->attr.resize == URS_RESIZE_NEAREST;
    const float factors[] = {1, 1, (float)((double)j->node->attr.out_h / (double)in.h), (float)((double)j->node->attr.out_w / (double)in.w)};
    const int64_t four = 4;
    char name[NAME];
    urs_onnx_constant(&j->m, part(name, j, "factors"), URS_ONNX_FLOAT, &four, 1, factors);
    begin(j, "Resize");
    urs_onnx_in(&j->m, "");
    urs_onnx_in(&j->m, name);
    urs_onnx_string(&j->m, "mode", nearest ? "nearest" : "linear");
    urs_onnx_string(&j->m, "coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel");
    if (nearest)
        urs_onnx_string(&j->m, "nearest_mode", "floor");
    end(j);
}

static void channels(job *j)
{
    static const char *const words[] = {"starts", "ends", "axes"};
    const int64_t rows[] = {j->node->attr.begin, (int64_t)j->node->attr.begin + j->node->attr.count, 1};
    char names[3][NAME];
    for (int i = 0; i < 3; i++)
        urs_onnx_row(&j->m, part(names[i], j, words[i]), &rows[i], 1);
    begin(j, "Slice");
    for (int i = 0; i < 3; i++)
        urs_onnx_in(&j->m, names[i]);
    end(j);
}

static void l2_norm(job *j)
{
    static const int64_t axis = 1;
    char length[NAME], eps[NAME], least[NAME], x[NAME];
    urs_onnx_scalar(&j->m, part(eps, j, "eps"), j->node->attr.eps);
    begin(j, "ReduceL2");
    urs_onnx_ints(&j->m, "axes", &axis, 1);
    urs_onnx_int(&j->m, "keepdims", 1);
    end_as(j, "length", length);
    binary(j, "Max", length, eps);
    end_as(j, "least", least);
    binary(j, "Div", value_name(x, j, j->node->in[0]), least);
    end(j);
}

static void scale(job *j)
{
    const int64_t dims[] = {1, (int64_t)j->params[j->node->param[0]].count, 1, 1};
    char x[NAME];
    const char *gamma = parameter(j, 0, dims, 4);
    binary(j, "Mul", value_name(x, j, j->node->in[0]), gamma);
    end(j);
}

static void joined(job *j, const char *type, bool axis)
{
    char x[NAME];
    begin(j, type);
    for (int32_t i = 1; i < j->node->n_in; i++)
        urs_onnx_in(&j->m, value_name(x, j, j->node->in[i]));
    if (axis)
        urs_onnx_int(&j->m, "axis", 1);
    end(j);
}

static urs_status operation(job *j)
{
    switch (j->node->op) {
    case URS_OP_INPUT: {
        const int64_t dims[] = {-1, j->node->dims.c, j->node->dims.h, j->node->dims.w};
        char name[NAME];
        urs_onnx_input(&j->m, value_name(name, j, j->index), dims, 4);
        return URS_OK;
    }
    case URS_OP_CONV: convolution(j, "Conv"); return URS_OK;
    case URS_OP_CONV_TRANSPOSE: convolution(j, "ConvTranspose"); return URS_OK;
    case URS_OP_LINEAR: linear(j); return URS_OK;
    case URS_OP_MATMUL: joined(j, "MatMul", false); return URS_OK;
    case URS_OP_BATCH_NORM: batch_norm(j); return URS_OK;
    case URS_OP_LAYER_NORM: layer_norm(j); return URS_OK;
    case URS_OP_ACTIVATION: return activation(j);
    case URS_OP_SOFTMAX:
        begin(j, "Softmax");
        urs_onnx_int(&j->m, "axis", 1);
        end(j);
        return URS_OK;
    case URS_OP_MAX_POOL:
    case URS_OP_AVG_POOL:
        begin(j, j->node->op == URS_OP_MAX_POOL ? "MaxPool" : "AveragePool");
        window(j);
        end(j);
        return URS_OK;
    case URS_OP_GLOBAL_POOL: joined(j, "GlobalAveragePool", false); return URS_OK;
    case URS_OP_RESIZE: resize(j); return URS_OK;
    case URS_OP_ADD: joined(j, "Add", false); return URS_OK;
    case URS_OP_MUL: joined(j, "Mul", false); return URS_OK;
    case URS_OP_CONCAT: joined(j, "Concat", true); return URS_OK;
    case URS_OP_SLICE: channels(j); return URS_OK;
    case URS_OP_DROPOUT:
    case URS_OP_DROP_PATH: j->value[j->index] = j->value[j->node->in[0]]; return URS_OK;
    case URS_OP_L2_NORM: l2_norm(j); return URS_OK;
    case URS_OP_SCALE: scale(j); return URS_OK;
    case URS_OP_FAKE_QUANT:
    case URS_OP_ATTENTION:
    case URS_OP_PAD:
    case URS_OP_MERGE:
    case URS_OP_POSITION:
    case URS_OP_COUNT: break;
    }
    return unsupported(j, "");
}

urs_status urs_onnx_encode_float(urs_bytes *out, urs_onnx_facts *facts, const urs_graph *g, const float *block, const urs_weights *notes, urs_error *err)
{
    job j = {.g = g, .block = block, .err = err};
    const urs_value *outputs;
    const int32_t n = urs_graph_nodes(g, &j.nodes), n_outputs = urs_graph_outputs(g, &outputs);
    urs_status status;
    (void)urs_graph_params(g, &j.params);
    j.value = urs_array_new((size_t)n, sizeof *j.value);
    status = j.value ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for an ONNX model of %d operations", (int)n);
    for (int32_t i = 0; status == URS_OK && i < n; i++) {
        j.index = j.value[i] = i;
        j.node = &j.nodes[i];
        status = operation(&j);
    }
    for (int32_t i = 0; status == URS_OK && i < n_outputs; i++) {
        const urs_dims d = urs_graph_dims(g, outputs[i]);
        const int64_t dims[] = {-1, d.c, d.h, d.w};
        char x[NAME];
        urs_onnx_output(&j.m, urs_graph_output_name(g, i), dims, 4);
        urs_onnx_unary(&j.m, "Identity", value_name(x, &j, outputs[i]), urs_graph_output_name(g, i));
    }
    for (size_t i = 0; status == URS_OK && notes && i < urs_weights_metadata_count(notes); i++) {
        const char *key, *value;
        urs_weights_metadata_at(notes, i, &key, &value);
        urs_onnx_note(&j.m, key, value);
    }
    if (status == URS_OK)
        status = urs_onnx_encode(out, facts, &j.m, "ursid", err);
    urs_onnx_release(&j.m);
    urs_free(j.value);
    return status;
}
