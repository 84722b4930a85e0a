/* Runs a network over many pictures; see runner.h. */
#include "stages/runner.h"

#include "base/memory.h"

#define RUNNER_BATCH_MAX 256

struct urs_runner {
    urs_runner_options options;
    int32_t threads;
    urs_plan **plans; /* owned; one a thread */
    size_t input_elements;
    const urs_runner_calls *calls;
    size_t n;
};

size_t urs_graph_output_elements(const urs_graph *graph, int32_t index)
{
    const urs_value *outputs;
    urs_dims d;
    if (index < 0 || index >= urs_graph_outputs(graph, &outputs))
        return 0;
    d = urs_graph_dims(graph, outputs[index]);
    return (size_t)(d.c * d.h * d.w);
}

urs_status urs_runner_new(urs_runner **out, const urs_graph *graph, const float *params, const urs_runner_options *options, urs_error *err)
{
    urs_runner *r = urs_array_new(1, sizeof *r);
    const urs_value *inputs;
    urs_status status = URS_OK;
    urs_dims d;
    if (!r)
        return urs_fail(err, URS_ENOMEM, "no memory for a runner");
    if (options)
        r->options = *options;
    if (r->options.batch == 0)
        r->options.batch = 1;
    if (r->options.batch < 0 || r->options.batch > RUNNER_BATCH_MAX) {
        status = urs_fail(err, URS_EINVAL, "a batch of %d is outside of 1 to %d", (int)r->options.batch, RUNNER_BATCH_MAX);
        goto done;
    }
    (void)urs_graph_inputs(graph, &inputs);
    d = urs_graph_dims(graph, inputs[0]);
    r->input_elements = (size_t)(d.c * d.h * d.w);
    r->threads = r->options.pool ? urs_pool_threads(r->options.pool) : 1;
    r->plans = urs_array_new((size_t)r->threads, sizeof(urs_plan *));
    if (!r->plans)
        status = urs_fail(err, URS_ENOMEM, "no memory for a runner");
    for (int32_t i = 0; status == URS_OK && i < r->threads; i++) {
        const urs_plan_options plan = {.backend = r->options.backend, .batch = r->options.batch};
        status = urs_plan_new(&r->plans[i], graph, params, &plan, err);
    }
done:
    if (status != URS_OK)
        urs_runner_free(r);
    else
        *out = r;
    return status;
}

void urs_runner_free(urs_runner *r)
{
    if (!r)
        return;
    for (int32_t i = 0; r->plans && i < r->threads; i++)
        urs_plan_free(r->plans[i]);
    urs_free(r->plans);
    urs_free(r);
}

void urs_runner_update(urs_runner *r)
{
    for (int32_t i = 0; i < r->threads; i++)
        urs_plan_update(r->plans[i]);
}

size_t urs_runner_bytes(const urs_runner *r)
{
    size_t total = 0;
    for (int32_t i = 0; i < r->threads; i++)
        total += urs_plan_bytes(r->plans[i]);
    return total;
}

static urs_status run_batch(void *context, size_t batch, int worker, urs_error *err)
{
    urs_runner *r = context;
    const urs_runner_calls *calls = r->calls;
    urs_plan *plan = r->plans[worker];
    const size_t first = batch * (size_t)r->options.batch;
    float *input = urs_plan_input(plan, 0);
    size_t items[RUNNER_BATCH_MAX];
    int32_t count = 0;
    urs_status status = URS_OK;

    for (size_t i = first; status == URS_OK && i < r->n && i < first + (size_t)r->options.batch; i++) {
        urs_error why = {0};
        status = calls->prepare(calls->context, i, input + (size_t)count * r->input_elements, &why);
        if (status == URS_OK) {
            items[count++] = i;
        } else if (calls->broken && status != URS_ECANCELLED) {
            calls->broken(calls->context, i, &why);
            status = URS_OK;
        } else if (err) {
            *err = why;
        }
    }
    if (status != URS_OK || count == 0)
        return status;
    /* A batch that is not full computes stale images behind its end; nobody looks at them. */
    status = urs_plan_forward(plan, err);
    for (int32_t i = 0; status == URS_OK && i < count; i++)
        status = calls->take(calls->context, items[i], plan, i, err);
    return status;
}

urs_status urs_runner_run(urs_runner *r, size_t n, const urs_runner_calls *calls, urs_error *err)
{
    const size_t batches = (n + (size_t)r->options.batch - 1) / (size_t)r->options.batch;
    urs_status status = URS_OK;
    r->calls = calls;
    r->n = n;
    if (r->options.pool)
        return urs_pool_run(r->options.pool, batches, run_batch, r, err);
    for (size_t i = 0; status == URS_OK && i < batches; i++)
        status = run_batch(r, i, 0, err);
    return status;
}
