/* Metric losses; see loss_metric.h. Each fills a matrix with the slope of the loss by the distance or cosine of every pair, from which the gradient follows. */
#include "train/loss_metric.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 1e-12 /* the distance of equal embeddings has no slope */

typedef struct batch {
    const urs_metric_options *options;
    const urs_mined *mined;
    const int32_t *labels;
    int32_t n, dims;
    double *x, *length; /* [n][dims] embeddings, unit length except for CONTRASTIVE; former lengths */
    double *measure;    /* [n][n] distances or cosines */
    double *slope;      /* [n][n] of the loss by measure(anchor, other) */
} batch;

static size_t pair_at(const batch *b, int32_t i, int32_t j)
{
    return (size_t)i * (size_t)b->n + (size_t)j;
}

static double or_default(double x, double standard)
{
    return x > 0 ? x : standard;
}

static void measure_all(const batch *b)
{
    const bool cosine = b->options->kind == URS_METRIC_CIRCLE;
    for (int32_t i = 0; i < b->n; i++)
        for (int32_t j = 0; j < b->n; j++) {
            const double *p = b->x + (size_t)i * (size_t)b->dims, *q = b->x + (size_t)j * (size_t)b->dims;
            double sum = 0;
            for (int32_t d = 0; d < b->dims; d++)
                sum += cosine ? p[d] * q[d] : (p[d] - q[d]) * (p[d] - q[d]);
            b->measure[pair_at(b, i, j)] = cosine ? sum : sqrt(sum);
        }
}

/* One triplet: its loss; above 0 its slopes are added. */
static double add_triplet(const batch *b, urs_triplet t, double margin)
{
    const size_t ap = pair_at(b, t.anchor, t.positive), an = pair_at(b, t.anchor, t.negative);
    const double dp = b->measure[ap], dn = b->measure[an];
    const bool squared = b->options->squared;
    const double loss = (squared ? dp * dp - dn * dn : dp - dn) + margin;
    if (!(loss > 0))
        return loss != loss ? loss : 0;
    b->slope[ap] += squared ? 2 * dp : 1;
    b->slope[an] -= squared ? 2 * dn : 1;
    return loss;
}

static void scale_slopes(const batch *b, double factor)
{
    for (size_t i = 0; i < (size_t)b->n * (size_t)b->n; i++)
        b->slope[i] *= factor;
}

static double triplet_loss(const batch *b)
{
    const double margin = or_default(b->options->margin, 0.05);
    double sum = 0, loss;
    size_t active = 0;
    for (size_t i = 0; b->mined->listed && i < b->mined->triplet_count; i++) {
        sum += loss = add_triplet(b, b->mined->triplets[i], margin);
        active += loss != 0;
    }
    for (int32_t a = 0; !b->mined->listed && a < b->n; a++)
        for (int32_t p = 0; p < b->n; p++)
            for (int32_t k = 0; k < b->n && b->mined->pair[pair_at(b, a, p)] == URS_PAIR_POSITIVE; k++)
                if (b->mined->pair[pair_at(b, a, k)] == URS_PAIR_NEGATIVE) {
                    sum += loss = add_triplet(b, (urs_triplet){a, p, k}, margin);
                    active += loss != 0;
                }
    if (active == 0)
        return 0;
    scale_slopes(b, 1 / (double)active);
    return sum / (double)active;
}

/* Logit of a pair in the circle loss; its slope by the cosine, the bracket being constant. */
static double circle_logit(uint8_t kind, double s, double margin, double gamma, double *slope)
{
    const double weight = kind == URS_PAIR_POSITIVE ? fmax(0, 1 + margin - s) : fmax(0, s + margin);
    *slope = kind == URS_PAIR_POSITIVE ? -gamma * weight : gamma * weight;
    return *slope * (kind == URS_PAIR_POSITIVE ? s - (1 - margin) : s - margin);
}

/* log of the sum of exp over one kind of pairs of an anchor; -infinity without any. */
static double log_sum(const batch *b, int32_t a, uint8_t kind, double margin, double gamma)
{
    double top = -INFINITY, sum = 0, slope;
    for (int32_t k = 0; k < b->n; k++)
        if (b->mined->pair[pair_at(b, a, k)] == kind)
            top = fmax(top, circle_logit(kind, b->measure[pair_at(b, a, k)], margin, gamma, &slope));
    for (int32_t k = 0; k < b->n; k++)
        if (b->mined->pair[pair_at(b, a, k)] == kind)
            sum += exp(circle_logit(kind, b->measure[pair_at(b, a, k)], margin, gamma, &slope) - top);
    return top > -INFINITY ? top + log(sum) : top;
}

static double circle_loss(const batch *b)
{
    const double margin = or_default(b->options->margin, 0.4), gamma = or_default(b->options->gamma, 80);
    double sum = 0;
    size_t active = 0;
    for (int32_t a = 0; a < b->n; a++) {
        const double p = log_sum(b, a, URS_PAIR_POSITIVE, margin, gamma), q = log_sum(b, a, URS_PAIR_NEGATIVE, margin, gamma), z = p + q;
        const double share = z > 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z)), loss = z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
        if (!(p > -INFINITY && q > -INFINITY) || loss == 0)
            continue;
        sum += loss;
        active++;
        for (int32_t k = 0; k < b->n; k++) {
            const uint8_t kind = b->mined->pair[pair_at(b, a, k)];
            double slope, logit;
            if (kind == URS_PAIR_NONE)
                continue;
            logit = circle_logit(kind, b->measure[pair_at(b, a, k)], margin, gamma, &slope);
            b->slope[pair_at(b, a, k)] = share * exp(logit - (kind == URS_PAIR_POSITIVE ? p : q)) * slope;
        }
    }
    if (active == 0)
        return 0;
    scale_slopes(b, 1 / (double)active);
    return sum / (double)active;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static urs_status contrastive_loss(const batch *b, double *value, urs_error *err)
{
    const double margin = or_default(b->options->margin, 0.04), threshold = or_default(b->options->threshold, 0.6);
    const size_t pairs = (size_t)b->n * (size_t)(b->n - 1) / 2;
    double *negatives = urs_array_new(pairs + 1, sizeof *negatives), farthest = INFINITY, sum = 0;
    size_t same = 0, different = 0;
    if (!negatives)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pairs", pairs);
    for (int32_t i = 0; i < b->n; i++)
        for (int32_t j = i + 1; j < b->n; j++) {
            if (b->labels[i] == b->labels[j])
                same++;
            else
                negatives[different++] = b->measure[pair_at(b, i, j)];
        }
    qsort(negatives, different, sizeof *negatives, compare_doubles);
    if (different > same)
        farthest = negatives[same];
    for (int32_t i = 0; i < b->n && same > 0; i++)
        for (int32_t j = i + 1; j < b->n; j++) {
            const double d = b->measure[pair_at(b, i, j)];
            const bool one = b->labels[i] == b->labels[j];
            const double loss = one ? d - (threshold - margin) : threshold + margin - d;
            if (!(loss > 0) || (!one && d >= farthest))
                continue;
            sum += loss;
            b->slope[pair_at(b, i, j)] = one ? 1 : -1;
        }
    if (same > 0)
        scale_slopes(b, 0.5 / (double)same);
    *value = same > 0 ? 0.5 * sum / (double)same : 0;
    urs_free(negatives);
    return URS_OK;
}

/* Slopes by pairs -> gradient of x -> gradient of the raw embeddings. */
static void gradient(const batch *b, double *dx, float *out)
{
    const size_t dims = (size_t)b->dims;
    const bool cosine = b->options->kind == URS_METRIC_CIRCLE, unit = b->options->kind != URS_METRIC_CONTRASTIVE;
    memset(dx, 0, (size_t)b->n * dims * sizeof *dx);
    for (int32_t i = 0; i < b->n; i++)
        for (int32_t j = 0; j < b->n; j++) {
            const double *p = b->x + (size_t)i * dims, *q = b->x + (size_t)j * dims;
            const double g = b->slope[pair_at(b, i, j)], distance = b->measure[pair_at(b, i, j)];
            double *dp = dx + (size_t)i * dims, *dq = dx + (size_t)j * dims;
            if (g == 0 || (!cosine && distance < NEAR))
                continue;
            for (size_t d = 0; d < dims; d++) {
                dp[d] += cosine ? g * q[d] : g * (p[d] - q[d]) / distance;
                dq[d] += cosine ? g * p[d] : g * (q[d] - p[d]) / distance;
            }
        }
    for (size_t i = 0; i < (size_t)b->n; i++) {
        const double *x = b->x + i * dims, *d = dx + i * dims;
        double along = 0;
        for (size_t k = 0; k < dims && unit; k++)
            along += d[k] * x[k];
        for (size_t k = 0; k < dims; k++)
            out[i * dims + k] = (float)(unit ? (d[k] - along * x[k]) / b->length[i] : d[k]);
    }
}

static urs_status evaluate(const batch *b, double *value, urs_error *err)
{
    measure_all(b);
    switch (b->options->kind) {
    case URS_METRIC_TRIPLET: *value = triplet_loss(b); return URS_OK;
    case URS_METRIC_CIRCLE: *value = circle_loss(b); return URS_OK;
    case URS_METRIC_CONTRASTIVE: return contrastive_loss(b, value, err);
    default: return urs_fail(err, URS_EINVAL, "there is no metric loss number %d", (int)b->options->kind);
    }
}

urs_status urs_metric_loss(double *value, float *d_embeddings, const urs_metric_options *options, const urs_mined *mined, const float *embeddings, const int32_t *labels,
                           int32_t n, int32_t dims, urs_error *err)
{
    batch b = {.options = options, .mined = mined, .labels = labels, .n = n, .dims = dims};
    urs_mined every = {0};
    double *dx = NULL, result = 0;
    urs_status status = URS_OK;
    if (n < 1 || n > URS_MINER_SAMPLES_MAX || dims < 1 || (mined && mined->n != n))
        return urs_fail(err, URS_EINVAL, "a metric loss takes 1 to %d embeddings and what was mined of them, not %d", URS_MINER_SAMPLES_MAX, (int)n);
    if (!mined) {
        status = urs_mine(&every, &(urs_miner_options){0}, embeddings, labels, n, dims, err);
        b.mined = &every;
    }
    b.x = urs_array_new((size_t)n * (size_t)dims, sizeof *b.x);
    dx = urs_array_new((size_t)n * (size_t)dims, sizeof *dx);
    b.length = urs_array_new((size_t)n, sizeof *b.length);
    b.measure = urs_array_new((size_t)n * (size_t)n, sizeof *b.measure);
    b.slope = urs_array_new((size_t)n * (size_t)n, sizeof *b.slope);
    if (status == URS_OK && (!b.x || !dx || !b.length || !b.measure || !b.slope))
        status = urs_fail(err, URS_ENOMEM, "no memory for a metric loss of %d embeddings", (int)n);
    if (status == URS_OK) {
        urs_unit_rows(b.x, b.length, embeddings, n, dims);
        for (size_t i = 0; i < (size_t)n * (size_t)dims && options->kind == URS_METRIC_CONTRASTIVE; i++)
            b.x[i] = (double)embeddings[i];
        status = evaluate(&b, &result, err);
    }
    if (status == URS_OK) {
        if (d_embeddings)
            gradient(&b, dx, d_embeddings);
        *value = result;
    }
    urs_mined_release(&every);
    urs_free(b.x);
    urs_free(dx);
    urs_free(b.length);
    urs_free(b.measure);
    urs_free(b.slope);
    return status;
}
