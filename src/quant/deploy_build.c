/* From a network's graph to the deployed one; see deploy.h. One walk over the live nodes: a convolution takes along what follows it alone (norm, scale, activation), everything else is translated
 * node by node, and after every operation that makes new numbers stands a fake quant. */
#include "quant/deploy_private.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HARD_SWISH_FLOOR (-3.0f) /* hard-swish is 0 from here on down */
#define SILU_FLOOR (-8.0f)       /* SiLU is above -0.003 there */

/* What a source value has become. */
typedef struct mapped {
    urs_value value; /* deployed; URS_NO_VALUE: not yet */
    float factor;    /* the source's value is this times the deployed one */
    int32_t norm;    /* batch norm that is still to be folded into its readers, -1 */
} mapped;

typedef struct build {
    urs_deploy *d;
    urs_graph *g; /* the deployed graph under construction */
    bool broken;  /* it has an error, which urs_graph_finish will tell */
    bool watched; /* the second graph of the same nodes: lists are there already */
    const urs_node *nodes;
    const urs_param *params;
    int32_t n_nodes;
    int32_t *uses, *reader; /* per source value: consumers, and the last one of them */
    bool *live, *absorbed;
    mapped *map;
    int32_t n_convs, n_quantisers;
    size_t factors, steps; /* handed out so far */
    urs_error *err;
} build;

/* ---- quantisers and their groups (union-find over quantisers; the root's number until groups are numbered) --------------------------------- */

static int32_t group_root(const urs_deploy *d, int32_t q)
{
    while (d->quantisers[q].group != q)
        q = d->quantisers[q].group;
    return q;
}

static void join(build *b, int32_t p, int32_t q)
{
    const int32_t i = group_root(b->d, p), j = group_root(b->d, q);
    if (!b->watched && i != j)
        b->d->quantisers[i > j ? i : j].group = i > j ? j : i;
}

/* Behind x; returns the quantised value. */
static urs_value quantise(build *b, urs_value x, urs_group_kind kind, float floor)
{
    urs_deploy *d = b->d;
    char name[24];
    const int32_t index = b->n_quantisers++;
    (void)snprintf(name, sizeof name, "q%d", (int)index);
    /* A learned step on the picture would ask for gradients through the first convolution, which cost more than everything else of a training step together. */
    const urs_value y = urs_graph_fake_quant(b->g, x, name, kind == URS_GROUP_OBSERVED);
    if (y == URS_NO_VALUE)
        b->broken = true;
    if (y == URS_NO_VALUE || b->watched)
        return y;
    d->quantisers[index] = (urs_deploy_quantiser){.seen = x, .value = y, .group = index, .floor = floor};
    d->groups[index].kind = kind;
    d->quantiser_of[y] = index;
    d->n_quantisers = b->n_quantisers;
    return y;
}

static urs_value same_grid(build *b, urs_value y, urs_value as)
{
    if (y == URS_NO_VALUE)
        b->broken = true;
    else if (!b->watched)
        b->d->quantiser_of[y] = b->d->quantiser_of[as];
    return y;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------------------------- */

static urs_status unsupported(const build *b, int32_t node, const char *why)
{
    return urs_fail(b->err, URS_EUNSUPPORTED, "operation %d (%s) cannot be quantised: %s", (int)node, urs_op_find(b->nodes[node].op)->name, why);
}

static bool alone(const build *b, int32_t node)
{
    return b->uses[node] == 1 && b->reader[node] >= 0;
}

static void set(build *b, int32_t node, urs_value value, float factor)
{
    b->map[node] = (mapped){.value = value, .factor = factor, .norm = -1};
}

/* Which activation may be left unsaturated below: decided by the only reader. */
static float floor_of(const build *b, int32_t node)
{
    const urs_node *n;
    if (!alone(b, node))
        return -INFINITY;
    n = &b->nodes[b->reader[node]];
    if (n->op != URS_OP_ACTIVATION)
        return -INFINITY;
    return n->attr.activation == URS_ACT_HARD_SWISH ? HARD_SWISH_FLOOR : n->attr.activation == URS_ACT_SILU ? SILU_FLOOR : -INFINITY;
}

/* Takes along what follows; returns the last node taken, and the factor of its value. */
static int32_t absorb(build *b, int32_t node, urs_deploy_conv *c, float *factor)
{
    *factor = 1;
    while (alone(b, node)) {
        const int32_t next = b->reader[node];
        const urs_node *n = &b->nodes[next];
        if (n->op == URS_OP_BATCH_NORM && c->norm < 0 && c->scale < 0)
            c->norm = next;
        else if (n->op == URS_OP_SCALE && c->scale < 0)
            c->scale = next;
        else if (n->op == URS_OP_ACTIVATION && (n->attr.activation == URS_ACT_RELU || n->attr.activation == URS_ACT_RELU6))
            c->activation = n->attr.activation;
        else if (n->op == URS_OP_ACTIVATION && n->attr.activation == URS_ACT_HARD_SIGMOID) {
            c->activation = URS_ACT_RELU6;
            c->bias_constant = 3;
            *factor = 1.0f / 6.0f;
        } else if (n->op != URS_OP_DROPOUT && n->op != URS_OP_DROP_PATH)
            break;
        b->absorbed[next] = true;
        node = next;
        if (c->activation != URS_ACT_NONE)
            break;
    }
    return node;
}

static bool padded(const urs_op_attr *a)
{
    return a->pad_top || a->pad_left || a->pad_bottom || a->pad_right;
}

static urs_status convolution(build *b, int32_t index)
{
    const urs_node *n = &b->nodes[index];
    const mapped in = b->map[n->in[0]];
    const urs_op_attr *a = &n->attr;
    const bool linear = n->op == URS_OP_LINEAR;
    const urs_param *weight = &b->params[n->param[0]];
    urs_deploy *d = b->d;
    urs_deploy_conv c = {.input = in.value, .weight = n->param[0], .bias = n->n_params > 1 ? n->param[1] : -1, .norm = -1, .scale = -1, .norm_before = in.norm, .factor = in.factor,
                         .transposed = n->op == URS_OP_CONV_TRANSPOSE, .out = a->out_channels, .in = (int32_t)b->nodes[n->in[0]].dims.c, .groups = linear ? 1 : a->groups,
                         .area = linear ? 1 : a->kernel_h * a->kernel_w};
    urs_conv_options o = {.out = c.out, .kernel = linear ? 1 : a->kernel_h, .stride = linear ? 1 : a->stride_h, .groups = c.groups, .bias = true, .pad_top = a->pad_top, .pad_left = a->pad_left,
                          .pad_bottom = a->pad_bottom, .pad_right = a->pad_right};
    float factor;
    urs_value x;

    if (linear && (b->nodes[index].dims.h != 1 || b->nodes[index].dims.w != 1))
        o.kernel = 1; /* the same 1x1 convolution over pixels */
    if (!linear && (a->kernel_h != a->kernel_w || a->stride_h != a->stride_w))
        return unsupported(b, index, "its window or stride is not square");
    if (in.norm >= 0 && (padded(a) || c.transposed))
        return unsupported(b, index, "a batch norm in front of padding can only be folded backwards");
    if (c.in / c.groups * c.area > URS_DEPLOY_ROW_MAX)
        return unsupported(b, index, "an output channel has too many weights");
    c.reads_input = b->nodes[n->in[0]].op == URS_OP_INPUT;
    (void)snprintf(c.name, sizeof c.name, "%.*s", (int)(strlen(weight->name) > 7 ? strlen(weight->name) - 7 : 0), weight->name);
    const int32_t last = absorb(b, index, &c, &factor);
    x = c.transposed ? urs_graph_conv_transpose(b->g, in.value, c.name, &o) : urs_graph_conv(b->g, in.value, c.name, &o);
    c.node = x;
    x = urs_graph_activation(b->g, x, c.activation);
    c.factor = in.factor;
    c.pre_at = b->factors;
    c.post_at = c.pre_at + (size_t)c.in;
    c.step_at = b->steps;
    b->factors = c.post_at + (size_t)c.out;
    b->steps += (size_t)c.out;
    if (!b->watched) {
        d->convs[b->n_convs] = c;
        d->n_convs = b->n_convs + 1;
    }
    b->n_convs++;
    set(b, last, quantise(b, x, URS_GROUP_OBSERVED, floor_of(b, last)), factor);
    return URS_OK;
}

static urs_status activation(build *b, int32_t index)
{
    const urs_node *n = &b->nodes[index];
    const mapped in = b->map[n->in[0]];
    urs_value s;
    if (in.factor != 1.0f)
        return unsupported(b, index, "it follows a hard-sigmoid without a product between them");
    switch (n->attr.activation) {
    case URS_ACT_NONE:
        b->map[index] = in;
        return URS_OK;
    case URS_ACT_RELU:
    case URS_ACT_RELU6:
    case URS_ACT_HARD_SWISH:
        set(b, index, quantise(b, urs_graph_activation(b->g, in.value, n->attr.activation), URS_GROUP_OBSERVED, floor_of(b, index)), 1);
        return URS_OK;
    case URS_ACT_SIGMOID:
        set(b, index, quantise(b, urs_graph_activation(b->g, in.value, URS_ACT_SIGMOID), URS_GROUP_SIGMOID, -INFINITY), 1);
        return URS_OK;
    case URS_ACT_SILU:
        s = quantise(b, urs_graph_activation(b->g, in.value, URS_ACT_SIGMOID), URS_GROUP_SIGMOID, -INFINITY);
        set(b, index, quantise(b, urs_graph_mul(b->g, in.value, s), URS_GROUP_OBSERVED, floor_of(b, index)), 1);
        return URS_OK;
    case URS_ACT_HARD_SIGMOID:
        return unsupported(b, index, "a hard-sigmoid must directly follow a convolution");
    case URS_ACT_GELU:
    case URS_ACT_COUNT:
        break;
    }
    return unsupported(b, index, "the NPU has no such activation");
}

static urs_status concat(build *b, int32_t index)
{
    const urs_node *n = &b->nodes[index];
    urs_value x[URS_INPUTS_MAX], y;
    for (int32_t i = 0; i < n->n_in; i++) {
        x[i] = b->map[n->in[i]].value;
        if (b->map[n->in[i]].factor != 1.0f)
            return unsupported(b, index, "it joins a hard-sigmoid");
        if (!b->watched && i > 0)
            join(b, b->d->quantiser_of[x[0]], b->d->quantiser_of[x[i]]);
    }
    y = urs_graph_concat(b->g, x, n->n_in);
    set(b, index, same_grid(b, y, x[0]), 1);
    return URS_OK;
}

/* Numbers of the input's own grid in another place. */
static void moved(build *b, int32_t index, urs_value y)
{
    const mapped in = b->map[b->nodes[index].in[0]];
    set(b, index, same_grid(b, y, in.value), in.factor);
}

/* New numbers that must lie on the input's grid. */
static void requantised(build *b, int32_t index, urs_value y)
{
    const mapped in = b->map[b->nodes[index].in[0]];
    const urs_value q = quantise(b, y, URS_GROUP_OBSERVED, -INFINITY);
    if (!b->watched && q != URS_NO_VALUE)
        join(b, b->d->quantiser_of[in.value], b->d->quantiser_of[q]);
    set(b, index, q, in.factor);
}

static urs_status translate(build *b, int32_t index)
{
    const urs_node *n = &b->nodes[index];
    const urs_op_attr *a = &n->attr;
    const mapped in = n->n_in > 0 ? b->map[n->in[0]] : (mapped){.factor = 1, .norm = -1};

    if (in.norm >= 0 && n->op != URS_OP_CONV && n->op != URS_OP_LINEAR && n->op != URS_OP_DROPOUT && n->op != URS_OP_DROP_PATH)
        return unsupported(b, index, "a batch norm in front of it has no convolution to be folded into");
    switch (n->op) {
    case URS_OP_INPUT:
        set(b, index, quantise(b, urs_graph_input(b->g, n->dims), URS_GROUP_INPUT, -INFINITY), 1);
        return URS_OK;
    case URS_OP_CONV:
    case URS_OP_CONV_TRANSPOSE:
    case URS_OP_LINEAR:
        return convolution(b, index);
    case URS_OP_ACTIVATION:
        return activation(b, index);
    case URS_OP_DROPOUT:
    case URS_OP_DROP_PATH:
        b->map[index] = in;
        return URS_OK;
    case URS_OP_BATCH_NORM:
        b->map[index] = in;
        b->map[index].norm = index;
        return URS_OK;
    case URS_OP_ADD:
        if (in.factor != 1.0f || b->map[n->in[1]].factor != 1.0f)
            return unsupported(b, index, "it adds a hard-sigmoid");
        set(b, index, quantise(b, urs_graph_add(b->g, in.value, b->map[n->in[1]].value), URS_GROUP_OBSERVED, floor_of(b, index)), 1);
        return URS_OK;
    case URS_OP_MUL:
        set(b, index, quantise(b, urs_graph_mul(b->g, in.value, b->map[n->in[1]].value), URS_GROUP_OBSERVED, floor_of(b, index)), in.factor * b->map[n->in[1]].factor);
        return URS_OK;
    case URS_OP_CONCAT:
        return concat(b, index);
    case URS_OP_SLICE:
        moved(b, index, urs_graph_slice(b->g, in.value, a->begin, a->count));
        return URS_OK;
    case URS_OP_MAX_POOL:
        moved(b, index, urs_graph_max_pool(b->g, in.value, a->kernel_h, a->stride_h, a->pad_top));
        return URS_OK;
    case URS_OP_AVG_POOL:
        requantised(b, index, urs_graph_avg_pool(b->g, in.value, a->kernel_h, a->stride_h, a->pad_top));
        return URS_OK;
    case URS_OP_RESIZE:
        if (a->resize != URS_RESIZE_NEAREST)
            return unsupported(b, index, "only enlargement to the nearest pixel keeps its numbers");
        moved(b, index, urs_graph_resize(b->g, in.value, a->resize, a->out_h, a->out_w));
        return URS_OK;
    case URS_OP_GLOBAL_POOL:
        set(b, index, quantise(b, urs_graph_global_pool(b->g, in.value), URS_GROUP_OBSERVED, floor_of(b, index)), in.factor);
        return URS_OK;
    case URS_OP_SCALE:
        return unsupported(b, index, "a layer scale must follow a convolution or linear layer");
    default:
        return unsupported(b, index, "int8 hardware has no such operation");
    }
}

/* ---- the source's wiring ------------------------------------------------------------------------------------------------------------------ */

static bool is_left_out(const build *b, urs_value output)
{
    return b->nodes[output].op == URS_OP_L2_NORM;
}

static urs_status wire(build *b)
{
    const urs_value *outputs;
    const int32_t n_outputs = urs_graph_outputs(b->d->source, &outputs);
    const size_t n = (size_t)b->n_nodes;
    b->uses = urs_array_new(n, sizeof *b->uses);
    b->reader = urs_array_new(n, sizeof *b->reader);
    b->live = urs_array_new(n, sizeof *b->live);
    b->absorbed = urs_array_new(n, sizeof *b->absorbed);
    b->map = urs_array_new(n, sizeof *b->map);
    if (!b->uses || !b->reader || !b->live || !b->absorbed || !b->map)
        return urs_fail(b->err, URS_ENOMEM, "no memory to deploy %d operations", (int)b->n_nodes);
    for (int32_t i = 0; i < n_outputs; i++)
        b->live[outputs[i]] = !is_left_out(b, outputs[i]);
    for (int32_t i = b->n_nodes - 1; i >= 0; i--)
        for (int32_t k = 0; b->live[i] && k < b->nodes[i].n_in; k++)
            b->live[b->nodes[i].in[k]] = true;
    for (int32_t i = 0; i < b->n_nodes; i++) {
        b->reader[i] = -1;
        for (int32_t k = 0; b->live[i] && k < b->nodes[i].n_in; k++) {
            b->uses[b->nodes[i].in[k]]++;
            b->reader[b->nodes[i].in[k]] = i;
        }
    }
    for (int32_t i = 0; i < n_outputs; i++)
        b->uses[outputs[i]] += is_left_out(b, outputs[i]) ? 0 : 2;
    return URS_OK;
}

static urs_status walk(build *b)
{
    const urs_value *outputs;
    const int32_t n_outputs = urs_graph_outputs(b->d->source, &outputs);
    urs_status status = wire(b);
    for (int32_t i = 0; status == URS_OK && !b->broken && i < b->n_nodes; i++)
        if (b->live[i] && !b->absorbed[i])
            status = translate(b, i);
    for (int32_t i = 0; status == URS_OK && !b->broken && i < n_outputs; i++) {
        const mapped m = b->map[outputs[i]];
        if (is_left_out(b, outputs[i]))
            continue;
        if (m.factor != 1.0f || m.norm >= 0)
            return unsupported(b, outputs[i], "an output must be a number as it is");
        urs_graph_output(b->g, m.value, urs_graph_output_name(b->d->source, i));
    }
    return status;
}

static void watch(build *b)
{
    urs_deploy *d = b->d;
    const urs_value *ignored;
    char name[24];
    d->watch_quantiser = urs_graph_outputs(d->graph, &ignored);
    d->watch_conv = d->watch_quantiser + d->n_quantisers;
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        (void)snprintf(name, sizeof name, "seen %d", (int)i);
        urs_graph_output(b->g, d->quantisers[i].seen, name);
    }
    for (int32_t i = 0; i < d->n_convs; i++) {
        (void)snprintf(name, sizeof name, "read %d", (int)i);
        urs_graph_output(b->g, d->convs[i].input, name);
    }
}

/* Groups are numbered in the order of their first quantiser. */
static urs_status number_groups(urs_deploy *d, urs_error *err)
{
    int32_t n = 0;
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const int32_t root = group_root(d, i);
        if (d->groups[root].kind != d->groups[i].kind)
            return urs_fail(err, URS_EUNSUPPORTED, "a value with a range of its own cannot share that of a network's input or of a sigmoid");
        d->quantisers[i].group = root; /* roots come first: a smaller root is final by now */
    }
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const int32_t root = d->quantisers[i].group;
        if (root == i) {
            d->groups[n] = d->groups[i];
            d->quantisers[i].group = n++;
        } else {
            d->quantisers[i].group = d->quantisers[root].group;
        }
    }
    d->n_groups = n;
    return URS_OK;
}

static void find_places(urs_deploy *d)
{
    const urs_node *nodes;
    const urs_param *params;
    (void)urs_graph_nodes(d->graph, &nodes);
    (void)urs_graph_params(d->graph, &params);
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const urs_node *n = &nodes[d->quantisers[i].value];
        d->quantisers[i].step_at = params[n->param[0]].offset;
        d->quantisers[i].state_at = params[n->param[1]].offset;
    }
    for (int32_t i = 0; i < d->n_convs; i++) {
        const urs_node *n = &nodes[d->convs[i].node];
        d->convs[i].weight_at = params[n->param[0]].offset;
        d->convs[i].bias_at = params[n->param[1]].offset;
    }
}

static void release(build *b)
{
    urs_free(b->uses);
    urs_free(b->reader);
    urs_free(b->live);
    urs_free(b->absorbed);
    urs_free(b->map);
}

urs_status urs_deploy_build_graph(urs_deploy *d, bool watched, urs_error *err)
{
    build b = {.d = d, .watched = watched, .err = err};
    urs_status status;
    b.n_nodes = urs_graph_nodes(d->source, &b.nodes);
    (void)urs_graph_params(d->source, &b.params);
    status = urs_graph_new(&b.g, err);
    if (status == URS_OK)
        status = walk(&b);
    if (status == URS_OK && watched)
        watch(&b);
    if (status == URS_OK)
        status = urs_graph_finish(b.g, err);
    release(&b);
    if (status != URS_OK) {
        urs_graph_free(b.g);
        return status;
    }
    if (watched) {
        d->watched = b.g;
        return URS_OK;
    }
    d->graph = b.g;
    d->factor_count = b.factors;
    d->step_count = b.steps;
    status = number_groups(d, err);
    find_places(d);
    return status;
}
