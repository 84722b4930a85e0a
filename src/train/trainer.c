/* The data-parallel step; see trainer.h. */
#include "train/trainer.h"

#include "base/memory.h"
#include "base/random.h"
#include "train/ema.h"

#include <math.h>
#include <string.h>

#define SUM_CHUNK ((size_t)1 << 15)
#define ALIGN_ELEMENTS ((size_t)16)

typedef struct shard {
    urs_plan *plan;
    int32_t first, count;
    float *d_extra; /* NULL without extra parameters */
    double loss;
} shard;

struct urs_trainer {
    urs_trainer_options options;
    const urs_graph *graph;
    urs_pool *pool;
    urs_optimiser *optimiser;
    urs_range *ranges; /* of the graph, then of the extra parameters */
    size_t n_ranges;
    size_t graph_elements, extra_offset, elements;
    float *params, *gradient, *average;
    const urs_graph *run_graph; /* what the plans compute: graph, or the reparametrisation's */
    size_t run_elements, own_offset;
    float *block, *d_block;     /* of run_graph with a reparametrisation; else NULL */
    shard *shards;
    int32_t n_shards;
    uint64_t steps, batches;
};

/* ---- making --------------------------------------------------------------------------------------------------------------------------- */

static urs_status make_blocks(urs_trainer *t, urs_error *err)
{
    size_t bytes;

    t->graph_elements = urs_graph_block_elements(t->graph);
    if (!urs_add_size(&t->extra_offset, t->graph_elements, ALIGN_ELEMENTS - 1))
        return urs_fail(err, URS_ELIMIT, "the network has too many parameters");
    t->extra_offset -= t->extra_offset % ALIGN_ELEMENTS;
    if (!urs_add_size(&t->own_offset, t->extra_offset, t->options.extra + ALIGN_ELEMENTS - 1))
        return urs_fail(err, URS_ELIMIT, "the network has too many parameters");
    t->own_offset -= t->own_offset % ALIGN_ELEMENTS;
    t->elements = t->options.reparam ? t->own_offset : t->extra_offset + t->options.extra;
    if (!urs_add_size(&t->elements, t->elements, t->options.reparam ? t->options.reparam->own : 0) || !urs_mul_size(&bytes, t->elements, sizeof(float)))
        return urs_fail(err, URS_ELIMIT, "the network has too many parameters");
    if (t->options.reparam) {
        t->block = urs_aligned_new(t->run_elements * sizeof(float));
        t->d_block = urs_aligned_new(t->run_elements * sizeof(float));
        if (!t->block || !t->d_block)
            return urs_fail(err, URS_ENOMEM, "no memory to train %zu parameters", t->run_elements);
    }
    t->params = urs_aligned_new(bytes);
    t->gradient = urs_aligned_new(bytes);
    if (t->options.ema)
        t->average = urs_aligned_new(bytes);
    if (!t->params || !t->gradient || (t->options.ema && !t->average))
        return urs_fail(err, URS_ENOMEM, "no memory to train %zu parameters", t->elements);
    urs_graph_init_params(t->graph, t->params, t->options.seed);
    if (t->average)
        memcpy(t->average, t->params, bytes);
    return URS_OK;
}

static urs_status make_optimiser(urs_trainer *t, urs_error *err)
{
    void *grown;
    urs_status status = urs_optimiser_ranges(&t->ranges, &t->n_ranges, t->graph, t->options.weight_group, t->options.other_group, t->options.group, err);

    if (status != URS_OK)
        return status;
    grown = t->ranges;
    if (!urs_array_resize(&grown, t->n_ranges + 2, sizeof(*t->ranges)))
        return urs_fail(err, URS_ENOMEM, "no memory for the optimiser");
    t->ranges = grown;
    if (t->options.extra > 0)
        t->ranges[t->n_ranges++] = (urs_range){.offset = t->extra_offset, .count = t->options.extra, .group = t->options.extra_group};
    if (t->options.reparam && t->options.reparam->own > 0)
        t->ranges[t->n_ranges++] = (urs_range){.offset = t->own_offset, .count = t->options.reparam->own, .group = t->options.reparam->own_group};
    return urs_optimiser_new(&t->optimiser, &t->options.optimiser, t->ranges, t->n_ranges, t->elements, err);
}

static urs_status make_shards(urs_trainer *t, urs_error *err)
{
    const urs_param *params;
    const int32_t n_params = urs_graph_params(t->graph, &params), threads = urs_pool_threads(t->pool);
    bool *frozen = urs_array_new((size_t)n_params, sizeof(*frozen));
    urs_status status = URS_OK;

    t->n_shards = threads < t->options.batch ? threads : t->options.batch;
    t->shards = urs_array_new((size_t)t->n_shards, sizeof(*t->shards));
    if (!frozen || !t->shards) {
        status = urs_fail(err, URS_ENOMEM, "no memory to train in %d threads", t->n_shards);
        goto done;
    }
    for (int32_t i = 0; i < n_params; i++) /* the graph's ranges come first, one a parameter */
        frozen[i] = t->options.optimiser.groups[t->ranges[i].group].frozen;
    for (int32_t i = 0; i < t->n_shards && status == URS_OK; i++) {
        shard *s = &t->shards[i];
        urs_plan_options plan = {.backend = t->options.backend, .training = true, .frozen_norm = t->options.frozen_norm, .frozen = frozen};

        s->first = (int32_t)((int64_t)t->options.batch * i / t->n_shards);
        s->count = (int32_t)((int64_t)t->options.batch * (i + 1) / t->n_shards) - s->first;
        plan.batch = s->count;
        if (t->options.reparam)
            plan.frozen = NULL; /* parameters of another graph */
        status = urs_plan_new(&s->plan, t->run_graph, t->block ? t->block : t->params, &plan, err);
        if (status == URS_OK && t->options.extra > 0) {
            s->d_extra = urs_aligned_new(t->options.extra * sizeof(float)); /* checked with the whole block */
            if (!s->d_extra)
                status = urs_fail(err, URS_ENOMEM, "no memory for the gradients of %zu extra parameters", t->options.extra);
        }
    }
done:
    urs_free(frozen);
    return status;
}

urs_status urs_trainer_new(urs_trainer **out, const urs_graph *graph, const urs_trainer_options *options, urs_error *err)
{
    urs_trainer *t = NULL;
    urs_status status;

    if (options->batch < 1)
        return urs_fail(err, URS_EINVAL, "a batch of %d images cannot be trained", options->batch);
    if (options->threads < 0 || options->threads > 64)
        return urs_fail(err, URS_EINVAL, "training in %d threads; 1 to 64 are possible", options->threads);
    t = urs_array_new(1, sizeof(*t));
    if (!t)
        return urs_fail(err, URS_ENOMEM, "no memory for a trainer");
    t->options = *options;
    t->graph = graph;
    t->run_graph = options->reparam ? options->reparam->graph : graph;
    t->run_elements = urs_graph_block_elements(t->run_graph);
    status = urs_pool_new(&t->pool, options->threads, err);
    if (status == URS_OK)
        status = make_blocks(t, err);
    if (status == URS_OK)
        status = make_optimiser(t, err);
    t->options.group = NULL; /* borrowed only until here: the ranges hold it now */
    if (status == URS_OK)
        status = make_shards(t, err);
    if (status == URS_OK) {
        *out = t;
        t = NULL;
    }
    urs_trainer_free(t);
    return status;
}

void urs_trainer_free(urs_trainer *t)
{
    if (!t)
        return;
    urs_pool_free(t->pool);
    for (int32_t i = 0; t->shards && i < t->n_shards; i++) {
        urs_plan_free(t->shards[i].plan);
        urs_aligned_free(t->shards[i].d_extra);
    }
    urs_free(t->shards);
    urs_optimiser_free(t->optimiser);
    urs_free(t->ranges);
    urs_aligned_free(t->params);
    urs_aligned_free(t->gradient);
    urs_aligned_free(t->average);
    urs_aligned_free(t->block);
    urs_aligned_free(t->d_block);
    urs_free(t);
}

/* ---- one micro-batch ------------------------------------------------------------------------------------------------------------------ */

typedef struct batch_job {
    urs_trainer *t;
    const urs_trainer_calls *calls;
    bool forward, backward; /* which half of the work; both when no sums over the batch are wanted in between */
} batch_job;

static urs_status forward_shard(const batch_job *job, int32_t index, urs_error *err)
{
    urs_trainer *t = job->t;
    shard *s = &t->shards[index];
    const urs_trainer_calls *calls = job->calls;
    urs_status status;

    urs_plan_set_seed(s->plan, urs_random_mix(t->options.seed ^ urs_random_mix(t->batches * 64 + (uint64_t)index)));
    status = calls->fill(calls->context, index, s->first, s->count, s->plan, err);
    if (status == URS_OK)
        status = urs_plan_forward(s->plan, err);
    if (status == URS_OK && calls->prepare)
        status = calls->prepare(calls->context, index, s->plan, err);
    return status;
}

static void zero_output_gradients(const urs_trainer *t, const shard *s)
{
    const urs_value *outputs;
    const int32_t n = urs_graph_outputs(t->run_graph, &outputs);

    for (int32_t i = 0; i < n; i++) {
        const urs_dims d = urs_graph_dims(t->run_graph, outputs[i]);
        float *gradient = urs_plan_output_gradient(s->plan, i);

        if (gradient)
            memset(gradient, 0, (size_t)s->count * (size_t)(d.c * d.h * d.w) * sizeof(float));
    }
}

static urs_status backward_shard(const batch_job *job, int32_t index, urs_error *err)
{
    urs_trainer *t = job->t;
    shard *s = &t->shards[index];
    const urs_trainer_calls *calls = job->calls;
    urs_status status;

    zero_output_gradients(t, s);
    status = calls->loss(calls->context, index, s->first, s->count, s->plan, urs_trainer_extra(t), s->d_extra, &s->loss, err);
    if (status == URS_OK && !isfinite(s->loss))
        status = urs_fail(err, URS_EINVAL, "the loss is not finite in step %llu: lower the learning rate, or look for broken images or labels",
                          (unsigned long long)t->steps);
    return status == URS_OK ? urs_plan_backward(s->plan, err) : status;
}

static urs_status run_shard(void *context, size_t item, int worker, urs_error *err)
{
    const batch_job *job = context;
    urs_status status = URS_OK;

    (void)worker;
    if (job->forward)
        status = forward_shard(job, (int32_t)item, err);
    if (status == URS_OK && job->backward)
        status = backward_shard(job, (int32_t)item, err);
    return status;
}

/* ---- from the shards' gradients to one ------------------------------------------------------------------------------------------------- */

typedef struct sum_job {
    urs_trainer *t;
    bool add; /* to what earlier micro-batches left */
} sum_job;

/* Adds count elements at `begin` of all shards, in their order. `extra`: of the extra parameters, else of the graph's. */
static void sum_part(const sum_job *job, bool extra, size_t begin, size_t count)
{
    urs_trainer *t = job->t;
    float *restrict total = (extra ? t->gradient + t->extra_offset : t->d_block ? t->d_block : t->gradient) + begin;
    const bool add = job->add && (extra || !t->d_block);

    for (int32_t i = 0; i < t->n_shards; i++) {
        const float *block = extra ? t->shards[i].d_extra : urs_plan_gradients(t->shards[i].plan);
        const float *restrict g = block + begin;

        if (i == 0 && !add)
            memcpy(total, g, count * sizeof(float));
        else
            for (size_t k = 0; k < count; k++)
                total[k] += g[k];
    }
}

static size_t chunks_of(size_t elements)
{
    return (elements + SUM_CHUNK - 1) / SUM_CHUNK;
}

static urs_status sum_chunk(void *context, size_t item, int worker, urs_error *err)
{
    const sum_job *job = context;
    const size_t graph_chunks = chunks_of(job->t->run_elements);
    const bool extra = item >= graph_chunks;
    const size_t begin = (extra ? item - graph_chunks : item) * SUM_CHUNK;
    const size_t left = (extra ? job->t->options.extra : job->t->run_elements) - begin;

    (void)worker;
    (void)err;
    sum_part(job, extra, begin, left < SUM_CHUNK ? left : SUM_CHUNK);
    return URS_OK;
}

/* Batch statistics are not added but averaged. */
static void average_statistics(urs_trainer *t)
{
    for (size_t i = 0; i < t->n_ranges; i++) {
        const urs_range *r = &t->ranges[i];

        for (size_t k = r->offset; r->statistics && k < r->offset + r->count; k++) {
            double sum = 0;

            for (int32_t s = 0; s < t->n_shards; s++)
                sum += (double)((const float *)urs_plan_gradients(t->shards[s].plan))[k] * (double)t->shards[s].count;
            t->gradient[k] = (float)(sum / (double)t->options.batch);
        }
    }
    urs_optimiser_statistics(t->optimiser, t->params, t->gradient);
}

/* From the gradient of what was run to that of what is trained. */
static void contract(urs_trainer *t, bool add)
{
    const urs_reparam *r = t->options.reparam;

    if (!add) {
        memset(t->gradient, 0, t->graph_elements * sizeof(float));
        memset(t->gradient + t->own_offset, 0, r->own * sizeof(float));
    }
    r->contract(r->context, t->gradient, t->gradient + t->own_offset, t->d_block, t->n_shards, t->params, t->params + t->own_offset);
}

static urs_status run_batch(urs_trainer *t, const urs_trainer_calls *calls, bool add, double *loss, urs_error *err)
{
    const bool two_phases = calls->prepare || calls->combine;
    batch_job job = {t, calls, true, !two_phases};
    sum_job sum = {t, add};
    urs_status status = urs_pool_run(t->pool, (size_t)t->n_shards, run_shard, &job, err);

    if (status == URS_OK && calls->combine)
        status = calls->combine(calls->context, err);
    if (status == URS_OK && two_phases) {
        job.forward = false;
        job.backward = true;
        status = urs_pool_run(t->pool, (size_t)t->n_shards, run_shard, &job, err);
    }
    if (status == URS_OK)
        status = urs_pool_run(t->pool, chunks_of(t->run_elements) + chunks_of(t->options.extra), sum_chunk, &sum, err);
    if (status != URS_OK)
        return status;
    if (t->options.reparam)
        contract(t, add);
    else if (!t->options.frozen_norm)
        average_statistics(t);
    for (int32_t i = 0; i < t->n_shards; i++)
        *loss += t->shards[i].loss;
    t->batches++;
    return URS_OK;
}

/* ---- one step -------------------------------------------------------------------------------------------------------------------------- */

static void expand(urs_trainer *t)
{
    const urs_reparam *r = t->options.reparam;

    if (r)
        r->expand(r->context, t->block, t->params, t->params + t->own_offset);
}

static urs_status update_plan(void *context, size_t item, int worker, urs_error *err)
{
    urs_trainer *t = context;

    (void)worker;
    (void)err;
    urs_plan_update(t->shards[item].plan);
    return URS_OK;
}

static urs_status apply(urs_trainer *t, const urs_rates *rates, double *norm, urs_error *err)
{
    urs_status status = urs_optimiser_norm(norm, t->optimiser, t->gradient, t->pool, err);

    if (status != URS_OK)
        return status;
    if (!isfinite(*norm))
        return urs_fail(err, URS_EINVAL, "the gradient is not finite in step %llu: lower the learning rate, or look for broken images or labels",
                        (unsigned long long)t->steps);
    status = urs_optimiser_step(t->optimiser, t->params, t->gradient, urs_clip_factor(*norm, t->options.clip), rates, t->pool, err);
    if (status != URS_OK)
        return status;
    t->steps++;
    if (t->average)
        status = urs_ema_update(t->average, t->params, t->elements, urs_ema_decay(t->steps, t->options.ema_decay, t->options.ema_ramp), t->pool, err);
    expand(t);
    return status == URS_OK ? urs_pool_run(t->pool, (size_t)t->n_shards, update_plan, t, err) : status;
}

urs_status urs_trainer_step(urs_trainer *t, const urs_trainer_calls *calls, const urs_rates *rates, int32_t accumulate, urs_trainer_report *report,
                            urs_error *err)
{
    urs_trainer_report done = {0};
    urs_status status = URS_OK;

    for (int32_t i = 0; i < (accumulate > 0 ? accumulate : 1) && status == URS_OK; i++) {
        if (calls->begin)
            status = calls->begin(calls->context, err);
        if (status != URS_OK)
            break;
        status = run_batch(t, calls, i > 0, &done.loss, err);
        if (calls->end)
            calls->end(calls->context);
    }
    if (status == URS_OK)
        status = apply(t, rates, &done.gradient_norm, err);
    if (status == URS_OK && report)
        *report = done;
    return status;
}

/* ---- reading and writing from outside ---------------------------------------------------------------------------------------------------- */

void urs_trainer_refresh(urs_trainer *t)
{
    expand(t);
    for (int32_t i = 0; i < t->n_shards; i++)
        urs_plan_update(t->shards[i].plan);
    if (t->average && t->steps == 0)
        memcpy(t->average, t->params, t->elements * sizeof(float));
}

size_t urs_trainer_own_offset(const urs_trainer *t)
{
    return t->own_offset;
}

size_t urs_trainer_elements(const urs_trainer *t)
{
    return t->elements;
}

float *urs_trainer_params(urs_trainer *t)
{
    return t->params;
}

float *urs_trainer_extra(urs_trainer *t)
{
    return t->options.extra > 0 ? t->params + t->extra_offset : NULL;
}

float *urs_trainer_average(urs_trainer *t)
{
    return t->average;
}

const float *urs_trainer_best(const urs_trainer *t)
{
    return t->average ? t->average : t->params;
}

const float *urs_trainer_gradient(const urs_trainer *t)
{
    return t->gradient;
}

urs_optimiser *urs_trainer_optimiser(urs_trainer *t)
{
    return t->optimiser;
}

const urs_graph *urs_trainer_graph(const urs_trainer *t)
{
    return t->graph;
}

uint64_t urs_trainer_steps(const urs_trainer *t)
{
    return t->steps;
}

uint64_t urs_trainer_batches(const urs_trainer *t)
{
    return t->batches;
}

void urs_trainer_set_progress(urs_trainer *t, uint64_t steps, uint64_t batches)
{
    t->steps = steps;
    t->batches = batches;
    urs_optimiser_set_steps(t->optimiser, steps);
}

int32_t urs_trainer_shards(const urs_trainer *t)
{
    return t->n_shards;
}

int32_t urs_trainer_shard_batch(const urs_trainer *t, int32_t shard_index)
{
    return shard_index >= 0 && shard_index < t->n_shards ? t->shards[shard_index].count : 0;
}

urs_pool *urs_trainer_pool(urs_trainer *t)
{
    return t->pool;
}

size_t urs_trainer_bytes(const urs_trainer *t)
{
    size_t blocks = (t->average ? 3u : 2u) + (size_t)urs_optimiser_blocks(t->optimiser);
    size_t bytes = blocks * t->elements * sizeof(float) + (size_t)t->n_shards * t->options.extra * sizeof(float);

    for (int32_t i = 0; i < t->n_shards; i++)
        bytes += urs_plan_bytes(t->shards[i].plan);
    return bytes;
}
