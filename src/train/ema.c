/* Exponential moving average; see ema.h. */
#include "train/ema.h"

#include <math.h>

#define EMA_CHUNK ((size_t)1 << 16)

typedef struct ema_job {
    float *average;
    const float *params;
    size_t elements;
    float keep, take;
} ema_job;

double urs_ema_decay(uint64_t updates, double decay, double ramp)
{
    return (decay > 0 ? decay : 0.9999) * (1 - exp(-(double)updates / (ramp > 0 ? ramp : 2000.0)));
}

static urs_status ema_chunk(void *context, size_t item, int worker, urs_error *err)
{
    const ema_job *job = context;
    const size_t begin = item * EMA_CHUNK, left = job->elements - begin, count = left < EMA_CHUNK ? left : EMA_CHUNK;
    float *restrict a = job->average + begin;
    const float *restrict p = job->params + begin;
    const float keep = job->keep, take = job->take;

    (void)worker;
    (void)err;
    for (size_t i = 0; i < count; i++)
        a[i] = keep * a[i] + take * p[i];
    return URS_OK;
}

urs_status urs_ema_update(float *average, const float *params, size_t elements, double d, urs_pool *pool, urs_error *err)
{
    ema_job job = {average, params, elements, (float)d, (float)(1 - d)};
    const size_t chunks = (elements + EMA_CHUNK - 1) / EMA_CHUNK;
    urs_status status = URS_OK;

    if (pool)
        return urs_pool_run(pool, chunks, ema_chunk, &job, err);
    for (size_t i = 0; i < chunks && status == URS_OK; i++)
        status = ema_chunk(&job, i, 0, err);
    return status;
}
