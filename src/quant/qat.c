/* Quantisation-aware training; see qat.h. */
#include "quant/qat.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define DECAY_DEFAULT 0.99

struct urs_qat {
    urs_deploy *d;
    urs_qat_options options;
    urs_reparam reparam;
    float *folded;      /* owned: weights before fake quantisation, of the last expand */
    float *start;       /* owned: own numbers to start from */
    float *low, *high;  /* owned, per group: moving averages */
    bool *seen;         /* owned: of this step */
    float *now_low, *now_high;
    uint64_t steps;
};

void urs_qat_apply(urs_qat *q, const float *own)
{
    urs_deploy *d = q->d;
    for (int32_t g = 0; g < d->n_groups; g++)
        if (d->groups[g].kind == URS_GROUP_OBSERVED)
            d->groups[g].range.step = expf(own[g]);
    for (size_t i = 0; i < d->step_count; i++)
        d->weight_steps[i] = q->options.ema ? 0 : expf(own[(size_t)d->n_groups + i]);
}

static void expand(void *context, float *block, const float *params, const float *own)
{
    urs_qat *q = context;
    urs_qat_apply(q, own);
    urs_deploy_fold(q->d, q->folded, params);
    urs_deploy_expand(q->d, block, params, NULL);
}

/* ---- ranges by moving average ------------------------------------------------------------------------------------------------------------- */

/* The fake quant nodes left smallest and largest numbers at their state's place (compute/ref_fake_quant.c), summed over shards. */
static void observe(urs_qat *q, const float *d_block, int32_t shards, float *own)
{
    urs_deploy *d = q->d;
    const double decay = q->options.decay > 0 ? q->options.decay : DECAY_DEFAULT;
    memset(q->seen, 0, (size_t)d->n_groups * sizeof *q->seen);
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const urs_deploy_quantiser *z = &d->quantisers[i];
        const float low = fmaxf(d_block[z->state_at + 1] / (float)shards, z->floor), high = d_block[z->state_at + 2] / (float)shards;
        const int32_t g = z->group;
        q->now_low[g] = q->seen[g] ? fminf(q->now_low[g], low) : low;
        q->now_high[g] = q->seen[g] ? fmaxf(q->now_high[g], high) : high;
        q->seen[g] = true;
    }
    for (int32_t g = 0; g < d->n_groups; g++) {
        if (d->groups[g].kind != URS_GROUP_OBSERVED)
            continue;
        q->low[g] = (float)(decay * (double)q->low[g] + (1 - decay) * (double)q->now_low[g]);
        q->high[g] = (float)(decay * (double)q->high[g] + (1 - decay) * (double)q->now_high[g]);
        d->groups[g].range = urs_quant_range_of(q->low[g], q->high[g]);
        own[g] = logf(d->groups[g].range.step);
    }
}

/* ---- learned steps --------------------------------------------------------------------------------------------------------------------------- */

static void value_steps(const urs_qat *q, float *d_own, const float *d_block)
{
    const urs_deploy *d = q->d;
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const urs_deploy_quantiser *z = &d->quantisers[i];
        const urs_dims dims = urs_graph_dims(d->graph, z->value);
        if (d->groups[z->group].kind == URS_GROUP_OBSERVED)
            d_own[z->group] += d_block[z->step_at] * d->groups[z->group].range.step / sqrtf((float)(dims.c * dims.h * dims.w) * URS_QUANT_HIGH); /* d/d log = step * d/d step */
    }
}

/* Gradient of a channel's step, and straight-through masks for its weights. */
static void weight_steps(const urs_qat *q, float *d_own, float *d_block)
{
    const urs_deploy *d = q->d;
    for (int32_t n = 0; n < d->n_convs; n++) {
        const urs_deploy_conv *c = &d->convs[n];
        const int32_t count = urs_deploy_row_count(c);
        for (int32_t o = 0; o < c->out; o++) {
            const size_t at = c->step_at + (size_t)o;
            const float step = d->weight_steps[at];
            double sum = 0;
            for (int32_t k = 0; k < count; k++) {
                const size_t w = urs_deploy_row_at(c, o, k);
                const float v = q->folded[w] / step, whole = rintf(v), limit = URS_QUANT_WEIGHT_MAX;
                const float clamped = fmaxf(-limit, fminf(limit, whole));
                sum += (double)d_block[w] * (double)(clamped == whole ? whole - v : clamped);
                if (clamped != whole)
                    d_block[w] = 0;
            }
            d_own[(size_t)d->n_groups + at] += (float)(sum * (double)step / sqrt((double)count * URS_QUANT_WEIGHT_MAX));
        }
    }
}

static void contract(void *context, float *d_params, float *d_own, float *d_block, int32_t shards, const float *params, float *own)
{
    urs_qat *q = context;
    if (q->options.ema) {
        if (q->options.freeze == 0 || q->steps < q->options.freeze)
            observe(q, d_block, shards, own);
    } else {
        value_steps(q, d_own, d_block);
        weight_steps(q, d_own, d_block);
    }
    urs_deploy_contract(q->d, d_params, d_block, params);
    q->steps++;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Steps as calibration and the largest weights have them. */
static void first_steps(urs_qat *q, const float *params)
{
    const urs_deploy *d = q->d;
    urs_deploy_fold(d, q->folded, params);
    for (int32_t g = 0; g < d->n_groups; g++) {
        const urs_quant_range r = d->groups[g].range;
        q->start[g] = logf(r.step);
        q->low[g] = r.step * (float)(URS_QUANT_LOW - r.zero_point);
        q->high[g] = r.step * (float)(URS_QUANT_HIGH - r.zero_point);
    }
    for (int32_t n = 0; n < d->n_convs; n++) {
        const urs_deploy_conv *c = &d->convs[n];
        for (int32_t o = 0; o < c->out; o++) {
            float largest = 0;
            for (int32_t k = 0, count = urs_deploy_row_count(c); k < count; k++)
                largest = fmaxf(largest, fabsf(q->folded[urs_deploy_row_at(c, o, k)]));
            q->start[(size_t)d->n_groups + c->step_at + (size_t)o] =
                logf(urs_deploy_weight_step(d, c, o, largest, q->folded[c->bias_at + (size_t)o], urs_deploy_input_step(d, c)));
        }
    }
}

urs_status urs_qat_new(urs_qat **out, urs_deploy *d, const float *params, const urs_qat_options *options, urs_error *err)
{
    const size_t groups = (size_t)d->n_groups, own = groups + d->step_count;
    urs_qat *q;
    for (size_t g = 0; g < groups; g++)
        if (!(d->groups[g].range.step > 0))
            return urs_fail(err, URS_EINVAL, "quantisation-aware training starts from calibrated ranges");
    q = urs_array_new(1, sizeof *q);
    if (!q)
        return urs_fail(err, URS_ENOMEM, "no memory for quantisation-aware training");
    q->d = d;
    q->options = *options;
    q->reparam = (urs_reparam){.context = q, .graph = d->graph, .own = own, .own_group = options->group, .expand = expand, .contract = contract};
    q->folded = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *q->folded);
    q->start = urs_array_new(own, sizeof *q->start);
    q->low = urs_array_new(groups, sizeof *q->low);
    q->high = urs_array_new(groups, sizeof *q->high);
    q->now_low = urs_array_new(groups, sizeof *q->now_low);
    q->now_high = urs_array_new(groups, sizeof *q->now_high);
    q->seen = urs_array_new(groups, sizeof *q->seen);
    if (!q->folded || !q->start || !q->low || !q->high || !q->now_low || !q->now_high || !q->seen) {
        urs_qat_free(q);
        return urs_fail(err, URS_ENOMEM, "no memory for quantisation-aware training");
    }
    urs_free(d->rounded); /* chosen for weights that change now */
    d->rounded = NULL;
    first_steps(q, params);
    *out = q;
    return URS_OK;
}

void urs_qat_free(urs_qat *q)
{
    if (!q)
        return;
    urs_aligned_free(q->folded);
    urs_free(q->start);
    urs_free(q->low);
    urs_free(q->high);
    urs_free(q->now_low);
    urs_free(q->now_high);
    urs_free(q->seen);
    urs_free(q);
}

const urs_reparam *urs_qat_reparam(const urs_qat *q)
{
    return &q->reparam;
}

void urs_qat_start(const urs_qat *q, float *own)
{
    memcpy(own, q->start, q->reparam.own * sizeof *own);
}
