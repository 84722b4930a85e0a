/* Choosing between floor and ceiling, and correcting biases; see remedies.h. Both look at samples of what convolutions read (patches.h). */
#include "quant/remedies.h"

#include "base/memory.h"
#include "quant/patches.h"

#include <math.h>
#include <string.h>

#define SAMPLES_ROUND ((size_t)4096)
#define SAMPLES_BIAS ((size_t)4096)
#define SWEEPS 12

typedef struct rounding {
    urs_deploy *d;
    const float *block; /* folded float weights */
    const urs_patches *patches;
    int8_t *rounded;
    double *before, *after, *energy; /* per convolution */
    int64_t *flipped;
} rounding;

/* H = X^T X / samples over columns [first, first + k) of the samples, in squared steps. */
static void second_moment(float *h, const urs_patches *p, size_t first, size_t k, float *row)
{
    memset(h, 0, k * k * sizeof *h);
    for (size_t s = 0; s < p->samples; s++) {
        const int16_t *x = p->values + s * p->width + first;
        for (size_t i = 0; i < k; i++)
            row[i] = (float)x[i];
        for (size_t i = 0; i < k; i++) {
            float *restrict to = h + i * k;
            const float v = row[i];
            if (v != 0)
                for (size_t j = 0; j <= i; j++)
                    to[j] += v * row[j];
        }
    }
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j <= i; j++)
            h[j * k + i] = h[i * k + j] = h[i * k + j] / (float)p->samples;
}

static double form(const float *h, const float *e, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        double inner = 0;
        for (size_t j = 0; j < k; j++)
            inner += (double)h[i * k + j] * (double)e[j];
        sum += inner * (double)e[i];
    }
    return sum;
}

/* One output channel. w: weights in steps; q: whole ones, nearest at first. scratch: 2 k floats. */
static int64_t descend(int8_t *q, const float *w, const float *h, size_t k, float *scratch, double *before, double *after)
{
    float *error = scratch, *slope = scratch + k; /* slope = H error */
    int64_t flips = 0;
    for (size_t i = 0; i < k; i++)
        error[i] = (float)q[i] - w[i];
    for (size_t i = 0; i < k; i++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++)
            sum += (double)h[i * k + j] * (double)error[j];
        slope[i] = (float)sum;
    }
    *before = form(h, error, k);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        int64_t now = 0;
        for (size_t i = 0; i < k; i++) {
            const float step = error[i] > 0 ? -1.0f : 1.0f; /* to the other neighbour */
            const float gain = 2 * step * slope[i] + h[i * k + i];
            const int32_t to = q[i] + (int32_t)step;
            if (gain >= 0 || to < -URS_QUANT_WEIGHT_MAX || to > URS_QUANT_WEIGHT_MAX)
                continue;
            q[i] = (int8_t)to;
            error[i] += step;
            for (size_t j = 0; j < k; j++)
                slope[j] += step * h[i * k + j];
            now++;
        }
        flips += now;
        if (now == 0)
            break;
    }
    *after = form(h, error, k);
    return flips;
}

static urs_status round_conv(void *context, size_t item, int worker, urs_error *err)
{
    rounding *r = context;
    const urs_deploy_conv *c = &r->d->convs[item];
    const urs_patches *p = &r->patches[item];
    const bool depthwise = c->groups > 1 && c->groups == c->in;
    const size_t count = (size_t)urs_deploy_row_count(c);
    float *h = urs_array_new(count * count, sizeof *h), *w = urs_array_new(3 * count, sizeof *w);
    int8_t *q = urs_array_new(count, 1);
    (void)worker;
    if (!h || !w || !q) {
        urs_free(h);
        urs_free(w);
        urs_free(q);
        return urs_fail(err, URS_ENOMEM, "no memory to round %zu weights a channel", count);
    }
    if (!depthwise && !c->transposed)
        second_moment(h, p, 0, count, w);
    for (int32_t o = 0; o < c->out; o++) {
        urs_deploy_row row;
        double before = 0, after = 0;
        urs_deploy_quantise_row(&row, q, r->d, c, r->block, o);
        for (size_t k = 0; k < count; k++)
            w[k] = r->block[urs_deploy_row_at(c, o, (int32_t)k)] / row.step;
        if (depthwise)
            second_moment(h, p, (size_t)(o / (c->out / c->groups)) * count, count, w + count);
        if (!c->transposed && (depthwise || c->groups == 1)) {
            const double scale = (double)row.step * (double)row.step;
            r->flipped[item] += descend(q, w, h, count, w + count, &before, &after);
            r->before[item] += before * scale;
            r->after[item] += after * scale;
            r->energy[item] += form(h, w, count) * scale;
        }
        for (size_t k = 0; k < count; k++)
            r->rounded[urs_deploy_row_at(c, o, (int32_t)k)] = q[k];
    }
    urs_free(h);
    urs_free(w);
    urs_free(q);
    return URS_OK;
}

urs_status urs_round_weights(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_round_report *report, urs_pool *pool, urs_error *err)
{
    const size_t elements = urs_graph_block_elements(d->graph), convs = (size_t)d->n_convs;
    float *block = urs_aligned_new(elements * sizeof *block);
    urs_patches *patches = NULL;
    rounding r = {.d = d, .block = block};
    urs_status status;
    urs_free(d->rounded);
    d->rounded = NULL;
    r.rounded = urs_array_new(elements, 1);
    r.before = urs_array_new(convs, sizeof(double));
    r.after = urs_array_new(convs, sizeof(double));
    r.energy = urs_array_new(convs, sizeof(double));
    r.flipped = urs_array_new(convs, sizeof(int64_t));
    status = block && r.rounded && r.before && r.after && r.energy && r.flipped ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to round weights");
    if (status == URS_OK) {
        urs_deploy_fold(d, block, params);
        status = urs_patches_take(&patches, d, params, pictures, SAMPLES_ROUND, pool, err);
    }
    if (status == URS_OK) {
        r.patches = patches;
        status = urs_pool_run(pool, convs, round_conv, &r, err);
    }
    if (status == URS_OK) {
        *report = (urs_round_report){0};
        for (size_t i = 0; i < convs; i++) {
            report->before += r.energy[i] > 0 ? r.before[i] / r.energy[i] : 0;
            report->after += r.energy[i] > 0 ? r.after[i] / r.energy[i] : 0;
            report->flipped += r.flipped[i];
            report->weights += (int64_t)d->convs[i].out * urs_deploy_row_count(&d->convs[i]);
        }
        d->rounded = r.rounded;
        r.rounded = NULL;
    }
    urs_patches_free(patches, d->n_convs);
    urs_aligned_free(block);
    urs_free(r.rounded);
    urs_free(r.before);
    urs_free(r.after);
    urs_free(r.energy);
    urs_free(r.flipped);
    return status;
}

/* ---- biases -------------------------------------------------------------------------------------------------------------------------------- */

/* Mean of every column of the samples, in real numbers. */
static void column_means(double *mean, const urs_patches *p, float step)
{
    memset(mean, 0, p->width * sizeof *mean);
    for (size_t s = 0; s < p->samples; s++)
        for (size_t i = 0; i < p->width; i++)
            mean[i] += (double)p->values[s * p->width + i];
    for (size_t i = 0; i < p->width; i++)
        mean[i] *= (double)step / (double)p->samples;
}

static void correct_conv(urs_deploy *d, const urs_deploy_conv *c, const float *block, const double *mean, int8_t *q)
{
    const int32_t count = urs_deploy_row_count(c), per_group = c->in / c->groups;
    for (int32_t o = 0; o < c->out; o++) {
        const int32_t first = o / (c->out / c->groups) * per_group * (c->transposed ? 1 : c->area);
        urs_deploy_row row;
        double error = 0;
        urs_deploy_quantise_row(&row, q, d, c, block, o);
        for (int32_t k = 0; k < count; k++) {
            const double x = c->transposed ? mean[first + k / c->area] / c->area : mean[first + k];
            error += ((double)row.step * q[k] - (double)block[urs_deploy_row_at(c, o, k)]) * x;
        }
        d->bias_shift[c->step_at + (size_t)o] = (float)-error;
    }
}

urs_status urs_correct_bias(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err)
{
    float *block = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *block);
    int8_t *q = urs_array_new(URS_DEPLOY_ROW_MAX, 1);
    double *mean = NULL;
    urs_patches *patches = NULL;
    urs_status status = block && q ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to correct biases");
    memset(d->bias_shift, 0, d->step_count * sizeof *d->bias_shift);
    if (status == URS_OK) {
        urs_deploy_fold(d, block, params);
        status = urs_patches_take(&patches, d, params, pictures, SAMPLES_BIAS, pool, err);
    }
    for (int32_t i = 0; status == URS_OK && i < d->n_convs; i++) {
        urs_free(mean);
        mean = urs_array_new(patches[i].width, sizeof *mean);
        if (!mean) {
            status = urs_fail(err, URS_ENOMEM, "no memory to correct biases");
            break;
        }
        column_means(mean, &patches[i], urs_deploy_input_step(d, &d->convs[i]));
        correct_conv(d, &d->convs[i], block, mean, q);
    }
    urs_patches_free(patches, d->n_convs);
    urs_aligned_free(block);
    urs_free(q);
    urs_free(mean);
    return status;
}
