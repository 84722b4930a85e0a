/* The graph: nodes, parameters, outputs. Builders per operation are in graph_build.c; see graph.h. */
#include "nn/graph_private.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GRAPH_NODES_MAX 100000
#define PARAM_ALIGNMENT 16 /* elements: 64 bytes of float */

urs_status urs_graph_new(urs_graph **out, urs_error *err)
{
    urs_graph *g = urs_array_new(1, sizeof *g);
    if (!g)
        return urs_fail(err, URS_ENOMEM, "no memory for a graph");
    *out = g;
    return URS_OK;
}

void urs_graph_free(urs_graph *g)
{
    if (!g)
        return;
    for (int32_t i = 0; i < g->n_params; i++)
        urs_free(g->params[i].name);
    for (int32_t i = 0; i < g->n_outputs; i++)
        urs_free(g->output_names[i]);
    urs_free(g->nodes);
    urs_free(g->params);
    urs_free(g->outputs);
    urs_free(g->output_names);
    urs_free(g);
}

urs_value urs_graph_fail(urs_graph *g, urs_status code, const char *format, ...)
{
    if (g->error.code == URS_OK) {
        va_list args;
        va_start(args, format);
        g->error.code = code;
        (void)vsnprintf(g->error.message, sizeof g->error.message, format, args);
        va_end(args);
    }
    return URS_NO_VALUE;
}

bool urs_graph_valid(urs_graph *g, urs_value x)
{
    if (g->error.code != URS_OK)
        return false;
    if (x < 0 || x >= g->n_nodes) {
        (void)urs_graph_fail(g, URS_EINVAL, "a builder was given value %d of a graph with %d", (int)x, (int)g->n_nodes);
        return false;
    }
    return true;
}

urs_value urs_graph_add_node(urs_graph *g, const urs_node *node)
{
    const urs_op *op = urs_op_find(node->op);
    urs_dims in[URS_INPUTS_MAX];
    urs_error err = {0};
    urs_node n = *node;
    size_t capacity = (size_t)g->node_capacity;

    if (g->error.code != URS_OK)
        return URS_NO_VALUE;
    if (g->finished)
        return urs_graph_fail(g, URS_EINVAL, "the graph is finished and takes no more operations");
    if (n.n_in < op->inputs_min || n.n_in > op->inputs_max)
        return urs_graph_fail(g, URS_EINVAL, "%s takes %d to %d inputs, not %d", op->name, (int)op->inputs_min, (int)op->inputs_max, (int)n.n_in);
    for (int32_t i = 0; i < n.n_in; i++) {
        if (!urs_graph_valid(g, n.in[i]))
            return URS_NO_VALUE;
        in[i] = g->nodes[n.in[i]].dims;
    }
    if (n.op == URS_OP_INPUT)
        in[0] = n.dims; /* given, so only checked */
    if (op->infer(&n.dims, &n.attr, in, n.n_in, &err) != URS_OK)
        return urs_graph_fail(g, err.code, "%s", err.message);
    if (g->n_nodes >= GRAPH_NODES_MAX)
        return urs_graph_fail(g, URS_ELIMIT, "a graph may have %d operations", GRAPH_NODES_MAX);
    if (!urs_array_reserve((void **)&g->nodes, &capacity, (size_t)g->n_nodes, sizeof *g->nodes))
        return urs_graph_fail(g, URS_ENOMEM, "no memory for a graph of %d operations", (int)g->n_nodes);
    g->node_capacity = (int32_t)capacity;
    g->nodes[g->n_nodes] = n;
    return g->n_nodes++;
}

int32_t urs_graph_add_param(urs_graph *g, const char *name, const char *suffix, urs_param_role role, int32_t rank, const int64_t *shape,
                            int64_t fan_in, int64_t fan_out, urs_init init)
{
    urs_param p = {.role = role, .rank = rank, .count = 1, .init = init, .fan_in = fan_in, .fan_out = fan_out};
    size_t capacity = (size_t)g->param_capacity;
    const size_t length = strlen(name) + strlen(suffix) + 1;

    if (g->error.code != URS_OK)
        return -1;
    if (g->finished)
        return urs_graph_fail(g, URS_EINVAL, "the graph is finished and takes no parameter '%s%s'", name, suffix);
    for (int32_t i = 0; i < rank; i++) {
        p.shape[i] = shape[i];
        if (shape[i] <= 0 || !urs_mul_size(&p.count, p.count, (size_t)shape[i]) || p.count > SIZE_MAX / 64)
            return urs_graph_fail(g, URS_EINVAL, "parameter '%s%s' would have a bad shape", name, suffix);
    }
    p.name = urs_array_new(length, 1);
    if (!p.name || !urs_array_reserve((void **)&g->params, &capacity, (size_t)g->n_params, sizeof *g->params)) {
        urs_free(p.name);
        return urs_graph_fail(g, URS_ENOMEM, "no memory for parameter '%s%s'", name, suffix);
    }
    g->param_capacity = (int32_t)capacity;
    (void)snprintf(p.name, length, "%s%s", name, suffix);
    if (urs_graph_find_param(g, p.name) >= 0) {
        (void)urs_graph_fail(g, URS_EINVAL, "two parameters are named '%s'", p.name);
        urs_free(p.name);
        return -1;
    }
    p.offset = g->block_elements;
    g->block_elements += (p.count + PARAM_ALIGNMENT - 1) / PARAM_ALIGNMENT * PARAM_ALIGNMENT;
    g->params[g->n_params] = p;
    return g->n_params++;
}

urs_dims urs_graph_dims(const urs_graph *g, urs_value x)
{
    return x >= 0 && x < g->n_nodes ? g->nodes[x].dims : (urs_dims){0};
}

void urs_graph_output(urs_graph *g, urs_value x, const char *name)
{
    char *copy;
    if (!urs_graph_valid(g, x))
        return;
    if (g->finished) {
        (void)urs_graph_fail(g, URS_EINVAL, "the graph is finished and takes no output '%s'", name);
        return;
    }
    if (urs_graph_find_output(g, name) >= 0) {
        (void)urs_graph_fail(g, URS_EINVAL, "two outputs are named '%s'", name);
        return;
    }
    copy = urs_strdup(name);
    if (!copy || !urs_array_resize((void **)&g->outputs, (size_t)g->n_outputs + 1, sizeof *g->outputs) ||
        !urs_array_resize((void **)&g->output_names, (size_t)g->n_outputs + 1, sizeof *g->output_names)) {
        urs_free(copy);
        (void)urs_graph_fail(g, URS_ENOMEM, "no memory for output '%s'", name);
        return;
    }
    g->outputs[g->n_outputs] = x;
    g->output_names[g->n_outputs++] = copy;
}

urs_status urs_graph_finish(urs_graph *g, urs_error *err)
{
    if (g->error.code == URS_OK && g->n_inputs == 0)
        (void)urs_graph_fail(g, URS_EINVAL, "the graph has no input");
    if (g->error.code == URS_OK && g->n_outputs == 0)
        (void)urs_graph_fail(g, URS_EINVAL, "the graph has no output");
    if (g->error.code != URS_OK) {
        if (err)
            *err = g->error;
        return g->error.code;
    }
    g->finished = true;
    return URS_OK;
}

int32_t urs_graph_nodes(const urs_graph *g, const urs_node **nodes)
{
    *nodes = g->nodes;
    return g->n_nodes;
}

int32_t urs_graph_params(const urs_graph *g, const urs_param **params)
{
    *params = g->params;
    return g->n_params;
}

int32_t urs_graph_outputs(const urs_graph *g, const urs_value **values)
{
    *values = g->outputs;
    return g->n_outputs;
}

int32_t urs_graph_inputs(const urs_graph *g, const urs_value **values)
{
    *values = g->inputs;
    return g->n_inputs;
}

const char *urs_graph_output_name(const urs_graph *g, int32_t index)
{
    return index >= 0 && index < g->n_outputs ? g->output_names[index] : NULL;
}

int32_t urs_graph_find_param(const urs_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_params; i++)
        if (strcmp(g->params[i].name, name) == 0)
            return i;
    return -1;
}

int32_t urs_graph_find_output(const urs_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (strcmp(g->output_names[i], name) == 0)
            return i;
    return -1;
}

size_t urs_graph_block_elements(const urs_graph *g)
{
    return g->block_elements;
}

int64_t urs_graph_param_count(const urs_graph *g)
{
    int64_t total = 0;
    for (int32_t i = 0; i < g->n_params; i++)
        if (g->params[i].role != URS_ROLE_MEAN && g->params[i].role != URS_ROLE_VARIANCE)
            total += (int64_t)g->params[i].count;
    return total;
}

int64_t urs_graph_macs(const urs_graph *g)
{
    int64_t total = 0;
    for (int32_t i = 0; i < g->n_nodes; i++) {
        const urs_node *n = &g->nodes[i];
        const urs_op *op = urs_op_find(n->op);
        urs_dims in[URS_INPUTS_MAX];
        for (int32_t k = 0; k < n->n_in; k++)
            in[k] = g->nodes[n->in[k]].dims;
        if (op->macs)
            total += op->macs(&n->attr, in, n->n_in, n->dims);
    }
    return total;
}

static double truncated_normal(urs_random *r, double deviation)
{
    double x;
    do
        x = deviation * urs_random_normal(r);
    while (fabs(x) > 2);
    return x;
}

static void init_param(const urs_param *p, float *values, urs_random *r)
{
    urs_init init = p->init;
    if (init.kind == URS_INIT_DEFAULT) {
        const float bound = p->fan_in > 0 ? 1.0f / sqrtf((float)p->fan_in) : 0.0f;
        /* kaiming-uniform with a = sqrt(5) is U(+-1/sqrt(fan_in)) too */
        if (p->role == URS_ROLE_WEIGHT || p->role == URS_ROLE_BIAS)
            init = (urs_init){URS_INIT_UNIFORM, bound};
        else
            init = (urs_init){URS_INIT_CONSTANT, p->role == URS_ROLE_GAMMA || p->role == URS_ROLE_VARIANCE ? 1.0f : 0.0f};
    }
    for (size_t i = 0; i < p->count; i++) {
        switch (init.kind) {
        case URS_INIT_CONSTANT: values[i] = init.a; break;
        case URS_INIT_NORMAL: values[i] = (float)((double)init.a * urs_random_normal(r)); break;
        case URS_INIT_TRUNC_NORMAL: values[i] = (float)truncated_normal(r, init.a); break;
        case URS_INIT_KAIMING_FAN_OUT: values[i] = (float)(sqrt(2.0 / (double)p->fan_out) * urs_random_normal(r)); break;
        case URS_INIT_UNIFORM:
        case URS_INIT_DEFAULT: values[i] = (float)urs_random_range(r, -(double)init.a, (double)init.a); break;
        }
    }
}

void urs_graph_init_params(const urs_graph *g, float *block, uint64_t seed)
{
    memset(block, 0, g->block_elements * sizeof *block);
    for (int32_t i = 0; i < g->n_params; i++) {
        urs_random r;
        urs_random_init_stream(&r, seed, (uint64_t)i);
        init_param(&g->params[i], block + g->params[i].offset, &r);
    }
}
