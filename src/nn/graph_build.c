/* Builders: one function per operation; see graph.h. */
#include "nn/graph_private.h"

#define KERNEL_MAX 1024

static int32_t at_least_one(int32_t x)
{
    return x ? x : 1;
}

static bool bad_pad(int32_t x)
{
    return x < 0 || x > KERNEL_MAX;
}

urs_value urs_graph_input(urs_graph *g, urs_dims dims)
{
    const urs_node n = {.op = URS_OP_INPUT, .dims = dims};
    urs_value v;
    if (g->n_inputs >= URS_GRAPH_INPUTS_MAX)
        return urs_graph_fail(g, URS_ELIMIT, "a graph may have %d inputs", URS_GRAPH_INPUTS_MAX);
    v = urs_graph_add_node(g, &n);
    if (v >= 0)
        g->inputs[g->n_inputs++] = v;
    return v;
}

static urs_value conv_node(urs_graph *g, urs_op_kind kind, urs_value x, const char *name, const urs_conv_options *o)
{
    urs_node n = {.op = kind, .n_in = 1, .in = {x}, .n_params = 1};
    const int32_t groups = at_least_one(o->groups);
    int64_t in, shape[4], fan_in, fan_out;

    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    in = g->nodes[x].dims.c;
    if (o->out <= 0 || groups < 0 || in % groups || o->out % groups)
        return urs_graph_fail(g, URS_EINVAL, "convolution '%s' cannot go from %lld to %d channels in %d groups", name, (long long)in, (int)o->out, (int)groups);
    /* What the shape rule refuses too, but here the numbers are multiplied and added before it sees them. */
    if (o->kernel <= 0 || o->kernel > KERNEL_MAX || o->stride < 0)
        return urs_graph_fail(g, URS_EINVAL, "convolution '%s' cannot have kernel %d and stride %d", name, (int)o->kernel, (int)o->stride);
    if (bad_pad(o->pad) || bad_pad(o->pad_top) || bad_pad(o->pad_left) || bad_pad(o->pad_bottom) || bad_pad(o->pad_right))
        return urs_graph_fail(g, URS_EINVAL, "convolution '%s' cannot have padding below 0 or above %d", name, KERNEL_MAX);
    n.attr = (urs_op_attr){.kernel_h = o->kernel, .kernel_w = o->kernel, .stride_h = at_least_one(o->stride), .stride_w = at_least_one(o->stride),
                           .pad_top = o->pad + o->pad_top, .pad_left = o->pad + o->pad_left, .pad_bottom = o->pad + o->pad_bottom, .pad_right = o->pad + o->pad_right,
                           .groups = groups, .out_channels = o->out, .has_bias = o->bias};
    shape[0] = kind == URS_OP_CONV ? o->out : in;
    shape[1] = (kind == URS_OP_CONV ? in : o->out) / groups;
    shape[2] = shape[3] = o->kernel;
    /* PyTorch takes fan_in from dimension 1 and fan_out from dimension 0 of the weight, for both kinds. */
    fan_in = shape[1] * o->kernel * o->kernel;
    fan_out = shape[0] * o->kernel * o->kernel;
    n.param[0] = urs_graph_add_param(g, name, ".weight", URS_ROLE_WEIGHT, 4, shape, fan_in, fan_out, o->weight_init);
    if (o->bias) {
        const int64_t channels = o->out;
        n.param[n.n_params++] = urs_graph_add_param(g, name, ".bias", URS_ROLE_BIAS, 1, &channels, fan_in, fan_out, o->bias_init);
    }
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_conv(urs_graph *g, urs_value x, const char *name, const urs_conv_options *options)
{
    return conv_node(g, URS_OP_CONV, x, name, options);
}

urs_value urs_graph_conv_transpose(urs_graph *g, urs_value x, const char *name, const urs_conv_options *options)
{
    return conv_node(g, URS_OP_CONV_TRANSPOSE, x, name, options);
}

urs_value urs_graph_linear(urs_graph *g, urs_value x, const char *name, const urs_linear_options *o)
{
    urs_node n = {.op = URS_OP_LINEAR, .n_in = 1, .in = {x}, .n_params = 1, .attr = {.out_channels = o->out, .has_bias = !o->no_bias}};
    int64_t shape[2];
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    shape[0] = o->out;
    shape[1] = g->nodes[x].dims.c;
    n.param[0] = urs_graph_add_param(g, name, ".weight", URS_ROLE_WEIGHT, 2, shape, shape[1], shape[0], o->weight_init);
    if (!o->no_bias)
        n.param[n.n_params++] = urs_graph_add_param(g, name, ".bias", URS_ROLE_BIAS, 1, shape, shape[1], shape[0], o->bias_init);
    return urs_graph_add_node(g, &n);
}

static urs_value simple(urs_graph *g, urs_op_kind op, urs_value x, urs_op_attr attr)
{
    const urs_node n = {.op = op, .n_in = 1, .in = {x}, .attr = attr};
    return urs_graph_add_node(g, &n);
}

static urs_value pair(urs_graph *g, urs_op_kind op, urs_value a, urs_value b)
{
    const urs_node n = {.op = op, .n_in = 2, .in = {a, b}};
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_matmul(urs_graph *g, urs_value a, urs_value b)
{
    return pair(g, URS_OP_MATMUL, a, b);
}

static urs_value norm_node(urs_graph *g, urs_op_kind op, urs_value x, const char *name, float eps, float momentum)
{
    urs_node n = {.op = op, .n_in = 1, .in = {x}, .n_params = 2, .attr = {.eps = eps, .momentum = momentum}};
    const urs_init standard = {0};
    int64_t c;
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    c = g->nodes[x].dims.c;
    n.param[0] = urs_graph_add_param(g, name, ".weight", URS_ROLE_GAMMA, 1, &c, c, c, standard);
    n.param[1] = urs_graph_add_param(g, name, ".bias", URS_ROLE_BETA, 1, &c, c, c, standard);
    if (op == URS_OP_BATCH_NORM) {
        n.param[2] = urs_graph_add_param(g, name, ".running_mean", URS_ROLE_MEAN, 1, &c, c, c, standard);
        n.param[3] = urs_graph_add_param(g, name, ".running_var", URS_ROLE_VARIANCE, 1, &c, c, c, standard);
        n.n_params = 4;
    }
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_batch_norm(urs_graph *g, urs_value x, const char *name, float eps, float momentum)
{
    return norm_node(g, URS_OP_BATCH_NORM, x, name, eps, momentum);
}

urs_value urs_graph_layer_norm(urs_graph *g, urs_value x, const char *name, float eps)
{
    return norm_node(g, URS_OP_LAYER_NORM, x, name, eps, 0.0f);
}

urs_value urs_graph_activation(urs_graph *g, urs_value x, urs_activation activation)
{
    return activation == URS_ACT_NONE ? x : simple(g, URS_OP_ACTIVATION, x, (urs_op_attr){.activation = activation});
}

urs_value urs_graph_softmax(urs_graph *g, urs_value x)
{
    return simple(g, URS_OP_SOFTMAX, x, (urs_op_attr){0});
}

static urs_value pool(urs_graph *g, urs_op_kind op, urs_value x, int32_t kernel, int32_t stride, int32_t pad)
{
    return simple(g, op, x, (urs_op_attr){.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride,
                                          .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad});
}

urs_value urs_graph_max_pool(urs_graph *g, urs_value x, int32_t kernel, int32_t stride, int32_t pad)
{
    return pool(g, URS_OP_MAX_POOL, x, kernel, stride, pad);
}

urs_value urs_graph_avg_pool(urs_graph *g, urs_value x, int32_t kernel, int32_t stride, int32_t pad)
{
    return pool(g, URS_OP_AVG_POOL, x, kernel, stride, pad);
}

urs_value urs_graph_global_pool(urs_graph *g, urs_value x)
{
    return simple(g, URS_OP_GLOBAL_POOL, x, (urs_op_attr){0});
}

urs_value urs_graph_resize(urs_graph *g, urs_value x, urs_resize_mode mode, int32_t out_h, int32_t out_w)
{
    return simple(g, URS_OP_RESIZE, x, (urs_op_attr){.resize = mode, .out_h = out_h, .out_w = out_w});
}

urs_value urs_graph_add(urs_graph *g, urs_value a, urs_value b)
{
    return pair(g, URS_OP_ADD, a, b);
}

urs_value urs_graph_mul(urs_graph *g, urs_value a, urs_value b)
{
    return pair(g, URS_OP_MUL, a, b);
}

urs_value urs_graph_concat(urs_graph *g, const urs_value *x, int32_t n)
{
    urs_node node = {.op = URS_OP_CONCAT, .n_in = n};
    if (n < 1 || n > URS_INPUTS_MAX)
        return urs_graph_fail(g, URS_EINVAL, "concat takes 1 to %d inputs, not %d", URS_INPUTS_MAX, (int)n);
    for (int32_t i = 0; i < n; i++)
        node.in[i] = x[i];
    return urs_graph_add_node(g, &node);
}

urs_value urs_graph_slice(urs_graph *g, urs_value x, int32_t begin, int32_t count)
{
    return simple(g, URS_OP_SLICE, x, (urs_op_attr){.begin = begin, .count = count});
}

urs_value urs_graph_dropout(urs_graph *g, urs_value x, float p)
{
    return p > 0 ? simple(g, URS_OP_DROPOUT, x, (urs_op_attr){.p = p}) : x;
}

urs_value urs_graph_drop_path(urs_graph *g, urs_value x, float p)
{
    return p > 0 ? simple(g, URS_OP_DROP_PATH, x, (urs_op_attr){.p = p}) : x;
}

urs_value urs_graph_l2_norm(urs_graph *g, urs_value x, float eps)
{
    return simple(g, URS_OP_L2_NORM, x, (urs_op_attr){.eps = eps});
}

urs_value urs_graph_scale(urs_graph *g, urs_value x, const char *name, float start)
{
    urs_node n = {.op = URS_OP_SCALE, .n_in = 1, .in = {x}, .n_params = 1};
    int64_t shape[3] = {0, 1, 1};
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    shape[0] = g->nodes[x].dims.c;
    n.param[0] = urs_graph_add_param(g, name, "", URS_ROLE_GAMMA, 3, shape, shape[0], shape[0], (urs_init){URS_INIT_CONSTANT, start});
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_attention(urs_graph *g, urs_value x, const char *name, const urs_attention_options *o)
{
    urs_node n = {.op = URS_OP_ATTENTION, .n_in = 1, .in = {x},
                  .attr = {.heads = o->heads, .window = o->window, .shift = o->shift, .head_major = o->head_major, .position = o->position}};
    const urs_init trunc = {URS_INIT_TRUNC_NORMAL, 0.02f}, zero = {URS_INIT_CONSTANT, 0};
    int64_t side, dim, shape[2];
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    if (o->heads < 1 || o->window < 0 || o->window > KERNEL_MAX)
        return urs_graph_fail(g, URS_EINVAL, "attention '%s' cannot have %d heads in windows of %d", name, (int)o->heads, (int)o->window);
    side = o->window ? o->window : g->nodes[x].dims.w;
    dim = g->nodes[x].dims.c / 3 / o->heads;
    if (o->position == URS_ATTENTION_TABLE) {
        shape[0] = (2 * side - 1) * (2 * side - 1);
        shape[1] = o->heads;
        n.param[n.n_params++] = urs_graph_add_param(g, name, "", URS_ROLE_BIAS, 2, shape, shape[1], shape[0], trunc);
    } else if (o->position == URS_ATTENTION_DISTANCE) {
        shape[0] = o->heads;
        shape[1] = side * side;
        n.param[n.n_params++] = urs_graph_add_param(g, name, "", URS_ROLE_BIAS, 2, shape, shape[1], shape[0], zero);
    } else if (o->position == URS_ATTENTION_QUERY) {
        shape[0] = 2 * side - 1;
        shape[1] = dim;
        n.param[n.n_params++] = urs_graph_add_param(g, name, "_h", URS_ROLE_BIAS, 2, shape, shape[1], shape[0], zero);
        n.param[n.n_params++] = urs_graph_add_param(g, name, "_w", URS_ROLE_BIAS, 2, shape, shape[1], shape[0], zero);
    }
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_cross_attention(urs_graph *g, urs_value q, urs_value k, urs_value v, int32_t heads)
{
    const urs_node n = {.op = URS_OP_ATTENTION, .n_in = 3, .in = {q, k, v}, .attr = {.heads = heads}};
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_pad(urs_graph *g, urs_value x, int32_t top, int32_t left, int32_t bottom, int32_t right)
{
    return simple(g, URS_OP_PAD, x, (urs_op_attr){.pad_top = top, .pad_left = left, .pad_bottom = bottom, .pad_right = right});
}

urs_value urs_graph_merge(urs_graph *g, urs_value x)
{
    return simple(g, URS_OP_MERGE, x, (urs_op_attr){0});
}

urs_value urs_graph_position(urs_graph *g, urs_value x, const char *name)
{
    urs_node n = {.op = URS_OP_POSITION, .n_in = 1, .in = {x}, .n_params = 1};
    int64_t shape[4] = {1, 0, 0, 0};
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    shape[1] = g->nodes[x].dims.h;
    shape[2] = g->nodes[x].dims.w;
    shape[3] = g->nodes[x].dims.c;
    n.param[0] = urs_graph_add_param(g, name, "", URS_ROLE_BIAS, 4, shape, shape[3], shape[3], (urs_init){URS_INIT_TRUNC_NORMAL, 0.02f});
    return urs_graph_add_node(g, &n);
}

urs_value urs_graph_fake_quant(urs_graph *g, urs_value x, const char *name, bool learned)
{
    urs_node n = {.op = URS_OP_FAKE_QUANT, .n_in = 1, .in = {x}, .n_params = 2};
    const int64_t one = 1, three = 3;
    if (!urs_graph_valid(g, x))
        return URS_NO_VALUE;
    n.param[0] = urs_graph_add_param(g, name, ".step", learned ? URS_ROLE_GAMMA : URS_ROLE_MEAN, 1, &one, 1, 1, (urs_init){URS_INIT_CONSTANT, 0});
    n.param[1] = urs_graph_add_param(g, name, ".state", URS_ROLE_MEAN, 1, &three, 1, 1, (urs_init){URS_INIT_CONSTANT, 0});
    return urs_graph_add_node(g, &n);
}
