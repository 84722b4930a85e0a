/* Compiling a plan and running it; see plan.h and plan_private.h. */
#include "nn/graph_private.h"
#include "nn/plan_private.h"

#include "base/memory.h"

#include <string.h>

#define ARENA_BYTES_MAX ((size_t)1 << 37)
#define BATCH_MAX 4096

void urs_plan_free(urs_plan *plan)
{
    if (!plan)
        return;
    for (int32_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].kernel)
            plan->steps[i].kernel->free(plan->steps[i].kernel);
    urs_free(plan->frozen);
    urs_free(plan->lowered);
    urs_free(plan->alias);
    urs_free(plan->live);
    urs_aligned_free(plan->folded);
    urs_aligned_free(plan->params_f64);
    urs_free(plan->steps);
    urs_free(plan->buffers);
    urs_free(plan->value_buffer);
    urs_free(plan->grad_buffer);
    urs_free(plan->shape);
    urs_free(plan->output_buffer);
    urs_free(plan->output_grad_buffer);
    urs_aligned_free(plan->arena);
    urs_aligned_free(plan->scratch);
    urs_aligned_free(plan->gradients);
    urs_free(plan);
}

static void *buffer_address(const urs_plan *plan, int32_t buffer)
{
    return buffer < 0 ? NULL : (char *)plan->arena + plan->buffers[buffer].offset;
}

static const void *param_address(const urs_plan *plan, const urs_lowered *l, int32_t index)
{
    const urs_param *params;
    (void)urs_graph_params(plan->graph, &params);
    if (l->folded_norm >= 0)
        return (const char *)plan->folded + (index == 0 ? l->folded_weight : l->folded_bias) * plan->element;
    if (plan->params_f64)
        return plan->params_f64 + params[l->param[index]].offset;
    return plan->params + params[l->param[index]].offset;
}

/* The rows of batch statistics are written whatever is frozen: the trainer decides about running statistics (frozen_norm). */
static bool is_frozen(const urs_plan *plan, const urs_param *p, int32_t index)
{
    return plan->frozen && plan->frozen[index] && p->role != URS_ROLE_MEAN && p->role != URS_ROLE_VARIANCE;
}

static urs_status bind_kernel(urs_plan *plan, urs_step *s, urs_error *err)
{
    const urs_lowered *l = &plan->lowered[s->lowered];
    const int32_t n_params = l->folded_norm >= 0 ? 2 : l->n_params;
    const urs_param *params;
    urs_kernel_args *a = &s->args;

    (void)urs_graph_params(plan->graph, &params);
    for (int32_t i = 0; i < URS_INPUTS_MAX; i++) {
        a->in[i] = buffer_address(plan, s->in[i]);
        a->d_in[i] = buffer_address(plan, s->d_in[i]);
    }
    a->out = buffer_address(plan, s->out);
    a->d_out = buffer_address(plan, s->d_out);
    a->saved = buffer_address(plan, s->saved);
    a->scratch = plan->scratch;
    a->seed = &plan->seed;
    a->salt = (uint64_t)l->out;
    for (int32_t i = 0; i < n_params; i++) {
        a->param[i] = param_address(plan, l, i);
        if (plan->gradients && !is_frozen(plan, &params[l->param[i]], l->param[i]))
            a->d_param[i] = (char *)plan->gradients + params[l->param[i]].offset * plan->element;
    }
    return s->kernel->bind(s->kernel, a, err);
}

static urs_status allocate(urs_plan *plan, urs_error *err)
{
    urs_status status = urs_plan_place_buffers(plan->buffers, plan->n_buffers, &plan->arena_bytes, err);
    if (status != URS_OK)
        return status;
    if (plan->arena_bytes > ARENA_BYTES_MAX)
        return urs_fail(err, URS_ELIMIT, "the network would need %zu MB for one batch", plan->arena_bytes >> 20);
    plan->arena = urs_aligned_new(plan->arena_bytes);
    plan->scratch = urs_aligned_new(plan->scratch_bytes);
    if (plan->options.training) {
        plan->gradient_bytes = urs_graph_block_elements(plan->graph) * plan->element;
        plan->gradients = urs_aligned_new(plan->gradient_bytes);
    }
    if (!plan->arena || !plan->scratch || (plan->options.training && !plan->gradients))
        return urs_fail(err, URS_ENOMEM, "no memory for a plan of %zu MB", (plan->arena_bytes + plan->scratch_bytes + plan->gradient_bytes) >> 20);
    return URS_OK;
}

static urs_status check_options(const urs_graph *graph, const float *params, const urs_plan_options *o, urs_error *err)
{
    if (!graph || !graph->finished)
        return urs_fail(err, URS_EINVAL, "only a finished graph can be planned");
    if (!params)
        return urs_fail(err, URS_EINVAL, "a plan needs the network's parameters");
    if (!o)
        return URS_OK;
    if (o->batch < 0 || o->batch > BATCH_MAX)
        return urs_fail(err, URS_EINVAL, "a batch of %d is outside of 1 to %d", (int)o->batch, BATCH_MAX);
    if (o->dtype != URS_DTYPE_F32 && o->dtype != URS_DTYPE_F64)
        return urs_fail(err, URS_EINVAL, "there is no element type %d", (int)o->dtype);
    if (o->dtype == URS_DTYPE_F64 && o->backend && o->backend != urs_backend_ref())
        return urs_fail(err, URS_EINVAL, "backend %s computes no doubles, only ref does", o->backend->name);
    if (!o->training && (o->input_gradient || o->frozen_norm || o->frozen))
        return urs_fail(err, URS_EINVAL, "input gradients, frozen norms and frozen parameters belong to training, but this plan is for inference");
    return URS_OK;
}

static urs_status copy_options(urs_plan *plan, const urs_plan_options *options, urs_error *err)
{
    const urs_param *params;
    const size_t n = (size_t)urs_graph_params(plan->graph, &params);
    if (options)
        plan->options = *options;
    if (plan->options.batch == 0)
        plan->options.batch = 1;
    if (plan->options.frozen) {
        plan->frozen = urs_array_new(n, sizeof *plan->frozen);
        if (!plan->frozen)
            return urs_fail(err, URS_ENOMEM, "no memory for a plan");
        memcpy(plan->frozen, plan->options.frozen, n * sizeof *plan->frozen);
        plan->options.frozen = NULL;
    }
    plan->element = plan->options.dtype == URS_DTYPE_F64 ? sizeof(double) : sizeof(float);
    plan->backend = plan->options.backend;
    if (plan->options.dtype == URS_DTYPE_F64) {
        const size_t elements = urs_graph_block_elements(plan->graph);
        plan->backend = urs_backend_ref();
        plan->params_f64 = urs_aligned_new(elements * sizeof(double));
        if (!plan->params_f64)
            return urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", elements);
        for (size_t i = 0; i < elements; i++)
            plan->params_f64[i] = (double)plan->params[i];
    }
    return plan->backend ? URS_OK : urs_backend_find(&plan->backend, NULL, err);
}

urs_status urs_plan_new(urs_plan **out, const urs_graph *graph, const float *params, const urs_plan_options *options, urs_error *err)
{
    urs_plan *plan;
    urs_status status = check_options(graph, params, options, err);
    if (status != URS_OK)
        return status;
    plan = urs_array_new(1, sizeof *plan);
    if (!plan)
        return urs_fail(err, URS_ENOMEM, "no memory for a plan");
    plan->graph = graph;
    plan->params = params;
    plan->input_grad_buffer = -1;
    status = copy_options(plan, options, err);
    if (status == URS_OK)
        status = urs_plan_lower(plan, err);
    if (status == URS_OK)
        status = urs_plan_build_steps(plan, err);
    if (status == URS_OK)
        status = allocate(plan, err);
    for (int32_t i = 0; status == URS_OK && i < plan->n_steps; i++)
        if (plan->steps[i].kind == URS_STEP_KERNEL)
            status = bind_kernel(plan, &plan->steps[i], err);
    if (status != URS_OK) {
        urs_plan_free(plan);
        return status;
    }
    urs_plan_repack(plan);
    *out = plan;
    return URS_OK;
}

void urs_plan_repack(urs_plan *plan)
{
    urs_plan_fold(plan);
    for (int32_t i = 0; i < plan->n_steps; i++) {
        urs_kernel *k = plan->steps[i].kernel;
        if (k && k->pack)
            k->pack(k);
    }
}

void urs_plan_update(urs_plan *plan)
{
    if (plan->params_f64) {
        const size_t elements = urs_graph_block_elements(plan->graph);
        for (size_t i = 0; i < elements; i++)
            plan->params_f64[i] = (double)plan->params[i];
    }
    urs_plan_repack(plan);
}

static void add_into(void *out, const void *in, size_t n, urs_dtype dtype)
{
    if (dtype == URS_DTYPE_F64) {
        double *o = out;
        const double *x = in;
        for (size_t i = 0; i < n; i++)
            o[i] += x[i];
    } else {
        float *o = out;
        const float *x = in;
        for (size_t i = 0; i < n; i++)
            o[i] += x[i];
    }
}

static urs_status run_step(urs_plan *plan, const urs_step *s, urs_error *err)
{
    void *to = buffer_address(plan, s->out);
    const void *from = buffer_address(plan, s->in[0]);
    const size_t n = s->kind == URS_STEP_KERNEL ? 0 : (size_t)urs_tensor_elements(s->from);
    switch (s->kind) {
    case URS_STEP_KERNEL:
        return s->kernel->run(s->kernel, err);
    case URS_STEP_ADD:
        add_into(to, from, n, plan->options.dtype);
        break;
    case URS_STEP_COPY:
        memcpy(to, from, n * plan->element);
        break;
    case URS_STEP_CONVERT:
        if (plan->options.dtype == URS_DTYPE_F64 || s->from.block == s->to.block)
            memcpy(to, from, n * plan->element); /* doubles are always NCHW */
        else
            urs_tensor_convert(to, s->to, from, s->from);
        break;
    }
    return URS_OK;
}

urs_status urs_plan_run_step(urs_plan *plan, int32_t index, urs_error *err)
{
    if (index < 0 || index >= plan->n_steps)
        return urs_fail(err, URS_EINVAL, "the plan has no step %d", (int)index);
    return run_step(plan, &plan->steps[index], err);
}

urs_status urs_plan_forward(urs_plan *plan, urs_error *err)
{
    urs_status status = URS_OK;
    for (int32_t i = 0; status == URS_OK && i < plan->n_forward; i++)
        status = run_step(plan, &plan->steps[i], err);
    return status;
}

urs_status urs_plan_backward(urs_plan *plan, urs_error *err)
{
    urs_status status = URS_OK;
    if (!plan->options.training)
        return urs_fail(err, URS_EINVAL, "an inference plan has no backward pass");
    for (int32_t i = plan->n_forward; status == URS_OK && i < plan->n_steps; i++)
        status = run_step(plan, &plan->steps[i], err);
    return status;
}

void *urs_plan_input(urs_plan *plan, int32_t index)
{
    const urs_value *inputs;
    return index >= 0 && index < urs_graph_inputs(plan->graph, &inputs) ? buffer_address(plan, plan->value_buffer[inputs[index]]) : NULL;
}

const void *urs_plan_output(const urs_plan *plan, int32_t index)
{
    const urs_value *outputs;
    return index >= 0 && index < urs_graph_outputs(plan->graph, &outputs) ? buffer_address(plan, plan->output_buffer[index]) : NULL;
}

void *urs_plan_output_gradient(urs_plan *plan, int32_t index)
{
    const urs_value *outputs;
    const bool exists = index >= 0 && index < urs_graph_outputs(plan->graph, &outputs);
    return plan->options.training && exists ? buffer_address(plan, plan->output_grad_buffer[index]) : NULL;
}

const void *urs_plan_gradients(const urs_plan *plan)
{
    return plan->gradients;
}

const void *urs_plan_input_gradient(const urs_plan *plan)
{
    return buffer_address(plan, plan->input_grad_buffer);
}

double *urs_plan_params_f64(urs_plan *plan)
{
    return plan->params_f64;
}

void urs_plan_set_seed(urs_plan *plan, uint64_t seed)
{
    plan->seed = seed;
}

int32_t urs_plan_batch(const urs_plan *plan)
{
    return plan->options.batch;
}

size_t urs_plan_bytes(const urs_plan *plan)
{
    return plan->arena_bytes + plan->scratch_bytes + plan->gradient_bytes + plan->folded_elements * plan->element;
}
