/* Lowering: dead nodes out, identities out, batch norms folded, activations and residual adds fused.
 *
 *      inference                                   training
 *      conv -> bn -> act -> (+ skip)  = one conv   bn -> act = one batch norm
 *      dropout, drop path             = nothing
 */
#include "nn/plan_private.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

typedef struct fusion {
    const urs_node *nodes;
    int32_t n_nodes;
    int32_t *uses;     /* consumers of a value, outputs included */
    int32_t *producer; /* value -> lowered operation, -1: input */
} fusion;

static bool is_weighted(urs_op_kind op)
{
    return op == URS_OP_CONV || op == URS_OP_CONV_TRANSPOSE || op == URS_OP_LINEAR;
}

static urs_lowered *single_producer(urs_plan *plan, const fusion *f, urs_value v)
{
    const int32_t p = f->producer[v];
    return p >= 0 && f->uses[v] == 1 ? &plan->lowered[p] : NULL;
}

/* A batch norm disappears into the weights of what comes before it. */
static bool fold_norm(urs_plan *plan, fusion *f, int32_t index, urs_value in)
{
    urs_lowered *p = single_producer(plan, f, in);
    if (plan->options.training || !p || !is_weighted(p->op) || p->folded_norm >= 0 || p->attr.activation != URS_ACT_NONE || p->attr.has_residual)
        return false;
    p->folded_norm = index;
    p->attr.has_bias = true;
    f->producer[index] = f->producer[in];
    p->out = index;
    return true;
}

static bool fuse_activation(urs_plan *plan, fusion *f, int32_t index, urs_value in)
{
    urs_lowered *p = single_producer(plan, f, in);
    if (!p || p->attr.activation != URS_ACT_NONE || p->attr.has_residual)
        return false;
    if (p->op != URS_OP_BATCH_NORM && (plan->options.training || (p->op != URS_OP_CONV && p->op != URS_OP_LINEAR)))
        return false;
    p->attr.activation = f->nodes[index].attr.activation;
    f->producer[index] = f->producer[in];
    p->out = index;
    return true;
}

static bool fuse_residual(urs_plan *plan, fusion *f, int32_t index, const urs_value in[2])
{
    if (plan->options.training || in[0] == in[1])
        return false;
    for (int k = 1; k >= 0; k--) {
        urs_lowered *p = single_producer(plan, f, in[k]);
        if (!p || p->op != URS_OP_CONV || p->attr.has_residual)
            continue;
        /* Moves to the place of the addition, where the other operand exists for sure. */
        urs_lowered moved = *p;
        p->dropped = true;
        moved.attr.has_residual = true;
        moved.in[1] = in[1 - k];
        moved.n_in = 2;
        moved.out = index;
        f->producer[index] = plan->n_lowered;
        plan->lowered[plan->n_lowered++] = moved;
        return true;
    }
    return false;
}

static void mark_live(urs_plan *plan, const fusion *f)
{
    const urs_value *outputs;
    const int32_t n = urs_graph_outputs(plan->graph, &outputs);
    for (int32_t i = 0; i < n; i++)
        plan->live[outputs[i]] = true;
    for (int32_t i = f->n_nodes - 1; i >= 0; i--)
        for (int32_t k = 0; plan->live[i] && k < f->nodes[i].n_in; k++)
            plan->live[f->nodes[i].in[k]] = true;
}

static bool is_identity(const urs_plan *plan, urs_op_kind op)
{
    return !plan->options.training && (op == URS_OP_DROPOUT || op == URS_OP_DROP_PATH);
}

static void lower_node(urs_plan *plan, fusion *f, int32_t index)
{
    const urs_node *node = &f->nodes[index];
    urs_value in[URS_INPUTS_MAX] = {0};
    urs_lowered *l;

    plan->alias[index] = index;
    for (int32_t k = 0; k < node->n_in; k++)
        in[k] = plan->alias[node->in[k]];
    if (node->op == URS_OP_INPUT)
        return;
    if (is_identity(plan, node->op)) {
        plan->alias[index] = in[0];
        f->uses[in[0]] += f->uses[index] - 1;
        return;
    }
    if (!plan->options.no_fusion) {
        if (node->op == URS_OP_BATCH_NORM && fold_norm(plan, f, index, in[0]))
            return;
        if (node->op == URS_OP_ACTIVATION && fuse_activation(plan, f, index, in[0]))
            return;
        if (node->op == URS_OP_ADD && fuse_residual(plan, f, index, in))
            return;
    }
    f->producer[index] = plan->n_lowered;
    l = &plan->lowered[plan->n_lowered++];
    memset(l, 0, sizeof *l);
    l->op = node->op;
    l->attr = node->attr;
    l->n_in = node->n_in;
    memcpy(l->in, in, sizeof l->in);
    l->out = index;
    l->n_params = node->n_params;
    memcpy(l->param, node->param, sizeof l->param);
    l->folded_norm = -1;
}

urs_status urs_plan_lower(urs_plan *plan, urs_error *err)
{
    const urs_value *outputs;
    const urs_param *params;
    fusion f = {0};
    urs_status status = URS_OK;

    f.n_nodes = urs_graph_nodes(plan->graph, &f.nodes);
    f.uses = urs_array_new((size_t)f.n_nodes, sizeof *f.uses);
    f.producer = urs_array_new((size_t)f.n_nodes, sizeof *f.producer);
    plan->live = urs_array_new((size_t)f.n_nodes, sizeof *plan->live);
    plan->alias = urs_array_new((size_t)f.n_nodes, sizeof *plan->alias);
    plan->lowered = urs_array_new((size_t)f.n_nodes * 2, sizeof *plan->lowered);
    if (!f.uses || !f.producer || !plan->live || !plan->alias || !plan->lowered) {
        status = urs_fail(err, URS_ENOMEM, "no memory to lower a graph of %d operations", (int)f.n_nodes);
        goto done;
    }
    mark_live(plan, &f);
    for (int32_t i = 0; i < f.n_nodes; i++) {
        f.producer[i] = -1;
        for (int32_t k = 0; plan->live[i] && k < f.nodes[i].n_in; k++)
            f.uses[f.nodes[i].in[k]]++;
    }
    for (int32_t i = 0, n = urs_graph_outputs(plan->graph, &outputs); i < n; i++)
        f.uses[outputs[i]] += 2; /* never fused away */
    for (int32_t i = 0; i < f.n_nodes; i++)
        if (plan->live[i])
            lower_node(plan, &f, i);

    (void)urs_graph_params(plan->graph, &params);
    for (int32_t i = 0; i < plan->n_lowered; i++) {
        urs_lowered *l = &plan->lowered[i];
        if (l->dropped || l->folded_norm < 0)
            continue;
        l->folded_weight = plan->folded_elements;
        plan->folded_elements += (params[l->param[0]].count + 15) / 16 * 16;
        l->folded_bias = plan->folded_elements;
        plan->folded_elements += ((size_t)l->attr.out_channels + 15) / 16 * 16;
    }
    if (plan->folded_elements) {
        plan->folded = urs_aligned_new(plan->folded_elements * plan->element);
        if (!plan->folded)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu folded weights", plan->folded_elements);
    }
done:
    urs_free(f.uses);
    urs_free(f.producer);
    return status;
}

static double param_at(const urs_plan *plan, size_t index)
{
    return plan->params_f64 ? plan->params_f64[index] : (double)plan->params[index];
}

static void store(const urs_plan *plan, size_t index, double value)
{
    if (plan->options.dtype == URS_DTYPE_F64)
        ((double *)plan->folded)[index] = value;
    else
        ((float *)plan->folded)[index] = (float)value;
}

void urs_plan_fold(urs_plan *plan)
{
    const urs_param *params;
    const urs_node *nodes;
    (void)urs_graph_params(plan->graph, &params);
    (void)urs_graph_nodes(plan->graph, &nodes);

    for (int32_t i = 0; i < plan->n_lowered; i++) {
        const urs_lowered *l = &plan->lowered[i];
        const urs_param *weight;
        const urs_node *norm;
        size_t inner, out_channels = (size_t)l->attr.out_channels;
        if (l->dropped || l->folded_norm < 0)
            continue;
        norm = &nodes[l->folded_norm];
        weight = &params[l->param[0]];
        inner = weight->count / out_channels;
        for (size_t o = 0; o < out_channels; o++) {
            const double gamma = param_at(plan, params[norm->param[0]].offset + o), beta = param_at(plan, params[norm->param[1]].offset + o);
            const double mean = param_at(plan, params[norm->param[2]].offset + o), variance = param_at(plan, params[norm->param[3]].offset + o);
            const double scale = gamma / sqrt(variance + (double)norm->attr.eps);
            const double bias = l->n_params > 1 ? param_at(plan, params[l->param[1]].offset + o) : 0.0;
            store(plan, l->folded_bias + o, (bias - mean) * scale + beta);
            if (l->op != URS_OP_CONV_TRANSPOSE) {
                for (size_t k = 0; k < inner; k++)
                    store(plan, l->folded_weight + o * inner + k, param_at(plan, weight->offset + o * inner + k) * scale);
            } else { /* [in, out/groups, kh, kw]: input channels of o's group only */
                const size_t per_group = out_channels / (size_t)l->attr.groups, group = o / per_group, area = (size_t)(l->attr.kernel_h * l->attr.kernel_w);
                const size_t in_per_group = (size_t)weight->shape[0] / (size_t)l->attr.groups;
                for (size_t c = group * in_per_group; c < (group + 1) * in_per_group; c++)
                    for (size_t k = 0; k < area; k++) {
                        const size_t at = (c * per_group + o % per_group) * area + k;
                        store(plan, l->folded_weight + at, param_at(plan, weight->offset + at) * scale);
                    }
            }
        }
    }
}
