/* From graph to steps; see engine.h. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <string.h>

/* Operators without a kernel of their own run as their oracle does; it allocates nothing. */
static void run_oracle(const urs_int8_step *s, const urs_int8_frame *f)
{
    urs_int8_call c = {.graph = f->plan->graph, .op = s->op, .arithmetic = f->plan->arithmetic};
    for (int32_t i = 0; i < s->op->n_in; i++)
        c.in[i] = s->op->in[i] == URS_INT8_NONE ? NULL : urs_int8_frame_read(f, s->op->in[i]);
    for (int32_t i = 0; i < s->op->n_out; i++)
        c.out[i] = urs_int8_frame_write(f, s->op->out[i]);
    urs_int8_record_of(s->op->kind)->run(&c);
}

static urs_status prepare(urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    bool known = false;
    urs_status status = urs_int8_step_conv(&known, s, plan, err);
    if (status == URS_OK && !known)
        status = urs_int8_step_depthwise(&known, s, plan, err);
    if (status == URS_OK && !known)
        status = urs_int8_step_transpose_conv(&known, s, plan, err);
    if (status == URS_OK && !known)
        status = urs_int8_step_max_pool(&known, s, plan, err);
    if (status == URS_OK && !known)
        status = urs_int8_step_elements(&known, s, plan, err);
    if (status == URS_OK && !known)
        s->run = run_oracle;
    return status;
}

static bool is_output(const urs_int8_graph *g, int32_t tensor)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == tensor)
            return true;
    return false;
}

/* The only operator that reads a tensor; -1: none or several. */
static int32_t only_reader(const urs_int8_graph *g, int32_t tensor)
{
    int32_t reader = -1;
    for (int32_t i = 0; i < g->n_ops; i++)
        for (int32_t k = 0; k < g->ops[i].n_in; k++)
            if (g->ops[i].in[k] == tensor) {
                if (reader >= 0)
                    return -1;
                reader = i;
            }
    return reader;
}

/* A table that follows a convolution and is the only one to read it becomes its last act. */
static void fuse(urs_int8_plan *plan, urs_int8_step *s, bool *done)
{
    const urs_int8_graph *g = plan->graph;
    const bool convolution = s->run != run_oracle && (s->op->kind == URS_INT8_CONV_2D || s->op->kind == URS_INT8_FULLY_CONNECTED || s->op->kind == URS_INT8_DEPTHWISE_CONV_2D);
    const int32_t reader = convolution && !is_output(g, s->out) ? only_reader(g, s->out) : -1;
    if (reader < 0 || !urs_int8_table_of(&s->table, g, &g->ops[reader]))
        return;
    s->mapped = true;
    s->out = g->ops[reader].out[0];
    done[reader] = true;
}

static urs_status make_steps(urs_int8_plan *plan, bool unfused, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    bool *done = urs_array_new((size_t)g->n_ops, sizeof *done); /* operators that an earlier step does */
    urs_status status = done ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the steps of an int8 network");
    for (int32_t i = 0; i < g->n_ops && status == URS_OK; i++) {
        const urs_int8_op *op = &g->ops[i];
        urs_int8_step *s = &plan->steps[plan->n_steps];
        if (done[i])
            continue;
        if (op->kind == URS_INT8_RESHAPE && !g->tensors[op->in[0]].data && !unfused) {
            plan->root[op->out[0]] = plan->root[op->in[0]];
            continue;
        }
        *s = (urs_int8_step){.op = op, .kernels = plan->kernels, .out = op->out[0]};
        plan->n_steps++;
        status = prepare(s, plan, err);
        if (status == URS_OK && !unfused)
            fuse(plan, s, done);
        plan->packed_bytes += s->owned_bytes;
        if (s->scratch_bytes > plan->scratch_bytes)
            plan->scratch_bytes = s->scratch_bytes;
    }
    urs_free(done);
    return status;
}

urs_status urs_int8_plan_new(urs_int8_plan **out, const urs_int8_graph *graph, const urs_int8_plan_options *options, urs_error *err)
{
    static const urs_int8_plan_options defaults = {0};
    urs_int8_plan *plan = urs_array_new(1, sizeof *plan);
    urs_status status;
    if (!options)
        options = &defaults;
    if (!plan)
        return urs_fail(err, URS_ENOMEM, "no memory for an int8 plan");
    plan->graph = graph;
    plan->arithmetic = options->arithmetic;
    plan->steps = urs_array_new((size_t)graph->n_ops, sizeof *plan->steps);
    plan->root = urs_array_new((size_t)graph->n_tensors, sizeof *plan->root);
    plan->offset = urs_array_new((size_t)graph->n_tensors, sizeof *plan->offset);
    status = plan->steps && plan->root && plan->offset ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for an int8 plan");
    if (status == URS_OK)
        status = urs_int8_kernels_find(&plan->kernels, options->kernels, err);
    for (int32_t i = 0; i < graph->n_tensors && status == URS_OK; i++)
        plan->root[i] = i;
    if (status == URS_OK)
        status = make_steps(plan, options->unfused, err);
    if (status == URS_OK)
        status = urs_int8_arena_place(plan, err);
    if (status == URS_OK)
        *out = plan;
    else
        urs_int8_plan_free(plan);
    return status;
}

void urs_int8_plan_free(urs_int8_plan *plan)
{
    if (!plan)
        return;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        urs_aligned_free(plan->steps[i].weights);
        urs_aligned_free(plan->steps[i].numbers);
    }
    urs_free(plan->steps);
    urs_free(plan->root);
    urs_free(plan->offset);
    urs_free(plan);
}

const urs_int8_graph *urs_int8_plan_graph(const urs_int8_plan *plan)
{
    return plan->graph;
}

const char *urs_int8_plan_kernels(const urs_int8_plan *plan)
{
    return plan->kernels->name;
}

size_t urs_int8_plan_packed_bytes(const urs_int8_plan *plan)
{
    return plan->packed_bytes;
}

size_t urs_int8_plan_arena_bytes(const urs_int8_plan *plan)
{
    return plan->activation_bytes + plan->scratch_bytes;
}

void urs_int8_plan_print(const urs_int8_plan *plan, FILE *to)
{
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const urs_int8_step *s = &plan->steps[i];
        const urs_int8_tensor *t = &plan->graph->tensors[s->out];
        (void)fprintf(to, "%4d  %-18s%-3s [", (int)i, urs_int8_kind_name(s->op->kind), s->mapped ? "+T" : "");
        for (int32_t k = 0; k < t->shape.rank; k++)
            (void)fprintf(to, k ? ",%d" : "%d", (int)t->shape.dim[k]);
        (void)fprintf(to, "]  at %zu, %zu bytes\n", plan->offset[plan->root[s->out]], urs_int8_tensor_bytes(t));
    }
    (void)fprintf(to, "kernels %s; activations %zu bytes, scratch %zu, packed weights %zu\n", plan->kernels->name, plan->activation_bytes, plan->scratch_bytes, plan->packed_bytes);
}
