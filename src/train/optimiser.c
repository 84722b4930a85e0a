/* SGD and AdamW over a flat block; see optimiser.h. */
#include "train/optimiser.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define CHUNK ((size_t)1 << 15) /* elements of one item of work: fits the cache with all its blocks */

/* One item of work: part of one range. Fixed when the optimiser is made, so that sums always add up in the same order. */
typedef struct chunk {
    size_t offset, count;
    int32_t group;
} chunk;

struct urs_optimiser {
    urs_optimiser_options options;
    urs_range *ranges;
    size_t n_ranges;
    chunk *chunks; /* of trained, not frozen ranges */
    size_t n_chunks;
    double *sums; /* one a chunk, for the norm */
    float *blocks[2];
    size_t elements;
    uint64_t steps;
};

static int block_count(const urs_optimiser *o)
{
    return o->options.kind == URS_OPTIMISER_ADAMW ? 2 : 1;
}

static int by_offset(const urs_range *a, const urs_range *b)
{
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static urs_status check_ranges(const urs_range *ranges, size_t n, size_t elements, urs_error *err)
{
    size_t end = 0;

    for (size_t i = 0; i < n; i++) {
        size_t stop;

        if (ranges[i].group < 0 || ranges[i].group >= URS_GROUPS_MAX)
            return urs_fail(err, URS_EINVAL, "range %zu of the optimiser is in group %d, but there are %d", i, ranges[i].group, URS_GROUPS_MAX);
        if (!urs_add_size(&stop, ranges[i].offset, ranges[i].count) || stop > elements)
            return urs_fail(err, URS_EINVAL, "range %zu of the optimiser ends behind its block of %zu elements", i, elements);
        if (i > 0 && (by_offset(&ranges[i], &ranges[i - 1]) < 0 || ranges[i].offset < end))
            return urs_fail(err, URS_EINVAL, "range %zu of the optimiser overlaps the one before, or is not in order", i);
        end = stop;
    }
    return URS_OK;
}

static bool trained(const urs_optimiser *o, const urs_range *r)
{
    return !r->statistics && !o->options.groups[r->group].frozen;
}

/* Cuts the trained ranges into chunks. */
static bool cut(urs_optimiser *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n_ranges; i++)
        if (trained(o, &o->ranges[i]))
            n += (o->ranges[i].count + CHUNK - 1) / CHUNK;
    o->chunks = urs_array_new(n, sizeof(*o->chunks));
    o->sums = urs_array_new(n, sizeof(*o->sums));
    if (!o->chunks || !o->sums)
        return false;
    for (size_t i = 0; i < o->n_ranges; i++) {
        const urs_range *r = &o->ranges[i];

        for (size_t at = 0; trained(o, r) && at < r->count; at += CHUNK)
            o->chunks[o->n_chunks++] = (chunk){r->offset + at, r->count - at < CHUNK ? r->count - at : CHUNK, r->group};
    }
    return true;
}

urs_status urs_optimiser_new(urs_optimiser **out, const urs_optimiser_options *options, const urs_range *ranges, size_t n_ranges, size_t elements,
                             urs_error *err)
{
    urs_optimiser *o = NULL;
    size_t bytes;
    urs_status status = check_ranges(ranges, n_ranges, elements, err);

    if (status != URS_OK)
        return status;
    if (!urs_mul_size(&bytes, elements, sizeof(float)) || !(o = urs_array_new(1, sizeof(*o))))
        return urs_fail(err, URS_ENOMEM, "no memory for an optimiser of %zu elements", elements);
    o->options = *options;
    if (!(o->options.beta1 > 0))
        o->options.beta1 = 0.9;
    if (!(o->options.beta2 > 0))
        o->options.beta2 = 0.999;
    if (!(o->options.eps > 0))
        o->options.eps = 1e-8;
    o->elements = elements;
    o->n_ranges = n_ranges;
    o->ranges = urs_array_new(n_ranges, sizeof(*ranges));
    for (int i = 0; i < block_count(o); i++)
        o->blocks[i] = urs_aligned_new(bytes);
    if (!o->ranges || !o->blocks[0] || !o->blocks[block_count(o) - 1]) {
        status = urs_fail(err, URS_ENOMEM, "no memory for an optimiser of %zu elements", elements);
        goto done;
    }
    if (n_ranges > 0)
        memcpy(o->ranges, ranges, n_ranges * sizeof(*ranges));
    if (!cut(o)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for an optimiser of %zu elements", elements);
        goto done;
    }
    *out = o;
    o = NULL;
done:
    urs_optimiser_free(o);
    return status;
}

void urs_optimiser_free(urs_optimiser *o)
{
    if (!o)
        return;
    urs_free(o->ranges);
    urs_free(o->chunks);
    urs_free(o->sums);
    urs_aligned_free(o->blocks[0]);
    urs_aligned_free(o->blocks[1]);
    urs_free(o);
}

/* ---- the work on one chunk ------------------------------------------------------------------------------------------------------------- */

typedef struct step_job {
    urs_optimiser *o;
    float *params;
    const float *gradients;
    double factor;
    const urs_rates *rates;
} step_job;

static void sgd_chunk(float *restrict p, const float *restrict g, float *restrict b, size_t n, float factor, float lr, float decay, float momentum,
                      bool nesterov)
{
    if (momentum == 0) {
        for (size_t i = 0; i < n; i++)
            p[i] -= lr * (factor * g[i] + decay * p[i]);
        return;
    }
    /* With nesterov the direction is gradient + momentum*b, without it b alone: the flag as two factors keeps one branch-free loop. */
    const float of_gradient = nesterov ? 1.0f : 0.0f, of_buffer = nesterov ? momentum : 1.0f;
    for (size_t i = 0; i < n; i++) {
        const float d = factor * g[i] + decay * p[i];
        const float v = momentum * b[i] + d;
        b[i] = v;
        p[i] -= lr * (of_gradient * d + of_buffer * v);
    }
}

typedef struct adam_constants {
    float factor;
    float keep;         /* 1 - lr*decay */
    float beta1, take1; /* b and 1 - b, the latter rounded from double: 1 - 0.999f is off in the fifth digit */
    float beta2, take2;
    float root;         /* sqrt(1 - beta2^t) */
    float eps;
    float rate;         /* lr / (1 - beta1^t) */
} adam_constants;

static void adam_chunk(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, size_t n, adam_constants c)
{
    for (size_t i = 0; i < n; i++) {
        const float d = c.factor * g[i];
        const float m1 = c.beta1 * m[i] + c.take1 * d;
        const float v1 = c.beta2 * v[i] + c.take2 * d * d;
        m[i] = m1;
        v[i] = v1;
        p[i] = p[i] * c.keep - c.rate * m1 / (sqrtf(v1) / c.root + c.eps);
    }
}

static urs_status step_chunk(void *context, size_t item, int worker, urs_error *err)
{
    const step_job *job = context;
    urs_optimiser *o = job->o;
    const chunk *c = &o->chunks[item];
    const urs_group *group = &o->options.groups[c->group];
    const double lr = job->rates->lr[c->group] * (group->lr_scale != 0 ? group->lr_scale : 1);
    float *p = job->params + c->offset;
    const float *g = job->gradients + c->offset;

    (void)worker;
    (void)err;
    if (o->options.kind == URS_OPTIMISER_SGD) {
        sgd_chunk(p, g, o->blocks[0] + c->offset, c->count, (float)job->factor, (float)lr, (float)group->weight_decay, (float)job->rates->momentum,
                  o->options.nesterov);
    } else {
        const double beta1 = o->options.beta1, beta2 = o->options.beta2, t = (double)(o->steps + 1);

        adam_chunk(p, g, o->blocks[0] + c->offset, o->blocks[1] + c->offset, c->count,
                   (adam_constants){(float)job->factor, (float)(1 - lr * group->weight_decay), (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2),
                                    (float)sqrt(1 - pow(beta2, t)), (float)o->options.eps, (float)(lr / (1 - pow(beta1, t)))});
    }
    return URS_OK;
}

static urs_status norm_chunk(void *context, size_t item, int worker, urs_error *err)
{
    const step_job *job = context;
    const chunk *c = &job->o->chunks[item];
    const float *g = job->gradients + c->offset;
    double lanes[8] = {0};
    size_t i = 0;

    (void)worker;
    (void)err;
    for (; i + 8 <= c->count; i += 8)
        for (size_t k = 0; k < 8; k++)
            lanes[k] += (double)g[i + k] * (double)g[i + k];
    for (; i < c->count; i++)
        lanes[0] += (double)g[i] * (double)g[i];
    job->o->sums[item] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    return URS_OK;
}

static urs_status run(step_job *job, urs_pool_job *work, urs_pool *pool, urs_error *err)
{
    urs_status status = URS_OK;

    if (pool && job->o->n_chunks > 1)
        return urs_pool_run(pool, job->o->n_chunks, work, job, err);
    for (size_t i = 0; i < job->o->n_chunks && status == URS_OK; i++)
        status = work(job, i, 0, err);
    return status;
}

urs_status urs_optimiser_norm(double *norm, urs_optimiser *o, const float *gradients, urs_pool *pool, urs_error *err)
{
    step_job job = {o, NULL, gradients, 1, NULL};
    double sum = 0;
    const urs_status status = run(&job, norm_chunk, pool, err);

    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < o->n_chunks; i++)
        sum += o->sums[i];
    *norm = sqrt(sum);
    return URS_OK;
}

double urs_clip_factor(double norm, double limit)
{
    return limit > 0 ? fmin(1, limit / (norm + 1e-6)) : 1;
}

urs_status urs_optimiser_step(urs_optimiser *o, float *params, const float *gradients, double factor, const urs_rates *rates, urs_pool *pool, urs_error *err)
{
    step_job job = {o, params, gradients, factor, rates};
    const urs_status status = run(&job, step_chunk, pool, err);

    if (status == URS_OK)
        o->steps++;
    return status;
}

void urs_optimiser_statistics(const urs_optimiser *o, float *params, const float *gradients)
{
    for (size_t i = 0; i < o->n_ranges; i++) {
        const urs_range *r = &o->ranges[i];
        const float m = r->stat_momentum;

        if (!r->statistics || o->options.groups[r->group].frozen)
            continue;
        for (size_t k = r->offset; k < r->offset + r->count; k++)
            params[k] = (1 - m) * params[k] + m * gradients[k];
    }
}

int urs_optimiser_blocks(const urs_optimiser *o)
{
    return block_count(o);
}

float *urs_optimiser_block(urs_optimiser *o, int index)
{
    return index >= 0 && index < block_count(o) ? o->blocks[index] : NULL;
}

size_t urs_optimiser_elements(const urs_optimiser *o)
{
    return o->elements;
}

uint64_t urs_optimiser_steps(const urs_optimiser *o)
{
    return o->steps;
}

void urs_optimiser_set_steps(urs_optimiser *o, uint64_t steps)
{
    o->steps = steps;
}
