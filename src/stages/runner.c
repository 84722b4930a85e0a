/* Runs a network over many pictures; see runner.h. */
#include "stages/runner.h"

#include "base/memory.h"

#define RUNNER_BATCH_MAX 256
#define OUTPUTS_MAX 32

/* One thread's engine and where its results lie. */
struct urs_outputs {
    urs_plan *plan;         /* owned; or */
    urs_executor *executor; /* owned, with room for a batch: */
    float *input;           /* owned, [batch] images */
    float **room;           /* owned, [outputs], each [batch] of elements[k] */
    const size_t *elements; /* borrowed from the runner */
};

struct urs_runner {
    urs_runner_options options;
    int32_t threads, n_outputs;
    urs_outputs *engines; /* owned; one a thread */
    size_t *elements;     /* owned: of every output for one image */
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

const float *urs_outputs_of(const urs_outputs *o, int32_t output)
{
    return o->plan ? urs_plan_output(o->plan, output) : o->room[output];
}

static urs_status open_executor(urs_runner *r, urs_outputs *e, const urs_executor_maker *maker, urs_error *err)
{
    const size_t batch = (size_t)r->options.batch;
    urs_status status = maker->make(maker, &e->executor, err);
    if (status != URS_OK)
        return status;
    e->elements = r->elements;
    e->input = urs_array_new(batch * r->input_elements, sizeof *e->input);
    e->room = urs_array_new((size_t)r->n_outputs, sizeof *e->room);
    for (int32_t k = 0; e->room && k < r->n_outputs; k++) {
        e->room[k] = urs_array_new(batch * r->elements[k], sizeof **e->room);
        if (!e->room[k])
            return urs_fail(err, URS_ENOMEM, "no memory for a network's outputs");
    }
    return e->input && e->room ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a runner");
}

static urs_status open_engines(urs_runner *r, const urs_network *network, urs_error *err)
{
    const urs_plan_options plan = {.backend = r->options.backend, .batch = r->options.batch};
    urs_status status = URS_OK;
    r->engines = urs_array_new((size_t)r->threads, sizeof *r->engines);
    r->elements = urs_array_new((size_t)r->n_outputs, sizeof *r->elements);
    if (!r->engines || !r->elements)
        return urs_fail(err, URS_ENOMEM, "no memory for a runner");
    for (int32_t k = 0; k < r->n_outputs; k++)
        r->elements[k] = urs_graph_output_elements(network->graph, k);
    for (int32_t i = 0; status == URS_OK && i < r->threads; i++) {
        if (network->maker)
            status = open_executor(r, &r->engines[i], network->maker, err);
        else
            status = urs_plan_new(&r->engines[i].plan, network->graph, network->params, &plan, err);
    }
    return status;
}

urs_status urs_runner_new(urs_runner **out, const urs_network *network, const urs_runner_options *options, urs_error *err)
{
    urs_runner *r = urs_array_new(1, sizeof *r);
    const urs_value *values;
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
    (void)urs_graph_inputs(network->graph, &values);
    d = urs_graph_dims(network->graph, values[0]);
    r->input_elements = (size_t)(d.c * d.h * d.w);
    r->n_outputs = urs_graph_outputs(network->graph, &values);
    if (r->n_outputs > OUTPUTS_MAX) {
        status = urs_fail(err, URS_ELIMIT, "a network of %d outputs; %d are possible", (int)r->n_outputs, OUTPUTS_MAX);
        goto done;
    }
    r->threads = r->options.pool ? urs_pool_threads(r->options.pool) : 1;
    status = open_engines(r, network, err);
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
    for (int32_t i = 0; r->engines && i < r->threads; i++) {
        urs_outputs *e = &r->engines[i];
        urs_plan_free(e->plan);
        if (e->executor)
            e->executor->free(e->executor);
        for (int32_t k = 0; e->room && k < r->n_outputs; k++)
            urs_free(e->room[k]);
        urs_free(e->room);
        urs_free(e->input);
    }
    urs_free(r->engines);
    urs_free(r->elements);
    urs_free(r);
}

void urs_runner_update(urs_runner *r)
{
    for (int32_t i = 0; i < r->threads; i++)
        if (r->engines[i].plan)
            urs_plan_update(r->engines[i].plan);
}

size_t urs_runner_bytes(const urs_runner *r)
{
    size_t total = 0;
    for (int32_t i = 0; i < r->threads; i++)
        total += r->engines[i].plan ? urs_plan_bytes(r->engines[i].plan) : r->engines[i].executor->bytes(r->engines[i].executor);
    return total;
}

/* A batch that is not full computes stale images behind its end in a plan; nobody looks at them. */
static urs_status compute(urs_runner *r, urs_outputs *e, int32_t count, urs_error *err)
{
    float *at[OUTPUTS_MAX];
    urs_status status = URS_OK;
    if (e->plan)
        return urs_plan_forward(e->plan, err);
    for (int32_t i = 0; status == URS_OK && i < count; i++) {
        for (int32_t k = 0; k < r->n_outputs; k++)
            at[k] = e->room[k] + (size_t)i * e->elements[k];
        status = e->executor->run(e->executor, e->input + (size_t)i * r->input_elements, at, err);
    }
    return status;
}

static urs_status run_batch(void *context, size_t batch, int worker, urs_error *err)
{
    urs_runner *r = context;
    const urs_runner_calls *calls = r->calls;
    urs_outputs *engine = &r->engines[worker];
    const size_t first = batch * (size_t)r->options.batch;
    float *input = engine->plan ? urs_plan_input(engine->plan, 0) : engine->input;
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
    status = compute(r, engine, count, err);
    for (int32_t i = 0; status == URS_OK && i < count; i++)
        status = calls->take(calls->context, items[i], engine, i, err);
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
