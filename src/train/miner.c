/* Miners; see miner.h. */
#include "train/miner.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

void urs_unit_rows(double *unit, double *length, const float *rows, int32_t n, int32_t dims)
{
    for (size_t i = 0; i < (size_t)n; i++) {
        const float *x = rows + i * (size_t)dims;
        double sum = 0;
        for (int32_t d = 0; d < dims; d++)
            sum += (double)x[d] * (double)x[d];
        length[i] = fmax(sqrt(sum), 1e-12);
        for (int32_t d = 0; d < dims; d++)
            unit[i * (size_t)dims + (size_t)d] = (double)x[d] / length[i];
    }
}

void urs_mined_release(urs_mined *mined)
{
    urs_free(mined->pair);
    urs_free(mined->triplets);
    *mined = (urs_mined){0};
}

/* What the miners look at: distance or similarity of samples i and j. */
typedef struct view {
    const double *measure; /* [n][n] */
    const int32_t *labels;
    int32_t n;
} view;

static double at(const view *v, int32_t i, int32_t j)
{
    return v->measure[(size_t)i * (size_t)v->n + (size_t)j];
}

static bool is_positive(const view *v, int32_t a, int32_t b)
{
    return a != b && v->labels[a] == v->labels[b];
}

static void mark(urs_mined *m, int32_t a, int32_t other, uint8_t kind)
{
    m->pair[(size_t)a * (size_t)m->n + (size_t)other] = kind;
}

static void every_pair(urs_mined *m, const view *v)
{
    for (int32_t a = 0; a < v->n; a++)
        for (int32_t b = 0; b < v->n; b++)
            if (a != b)
                mark(m, a, b, v->labels[a] == v->labels[b] ? URS_PAIR_POSITIVE : URS_PAIR_NEGATIVE);
}

static void easy_hard(urs_mined *m, const view *v, urs_miner_level level)
{
    for (int32_t a = 0; a < v->n; a++) {
        int32_t positive = -1, negative = -1;
        for (int32_t b = 0; b < v->n; b++)
            if (v->labels[a] != v->labels[b] && (negative < 0 || at(v, a, b) < at(v, a, negative)))
                negative = b;
        for (int32_t b = 0; b < v->n && negative >= 0; b++) {
            const bool allowed = is_positive(v, a, b) && (level != URS_MINER_SEMIHARD || at(v, a, b) < at(v, a, negative));
            if (allowed && (positive < 0 || at(v, a, b) > at(v, a, positive)))
                positive = b;
        }
        if (positive >= 0) {
            mark(m, a, positive, URS_PAIR_POSITIVE);
            mark(m, a, negative, URS_PAIR_NEGATIVE);
        }
    }
}

static bool chosen(double gap, urs_miner_level level, double margin)
{
    if (level == URS_MINER_HARD)
        return gap <= 0 && gap <= margin;
    return gap <= margin && (level == URS_MINER_ALL || gap > 0);
}

static urs_status triplets(urs_mined *m, const view *v, urs_miner_level level, double margin, urs_error *err)
{
    m->listed = true;
    for (int32_t a = 0; a < v->n; a++)
        for (int32_t p = 0; p < v->n; p++)
            for (int32_t b = 0; b < v->n && is_positive(v, a, p); b++) {
                if (v->labels[b] == v->labels[a] || !chosen(at(v, a, b) - at(v, a, p), level, margin))
                    continue;
                if (!urs_array_reserve((void **)&m->triplets, &m->triplet_capacity, m->triplet_count, sizeof *m->triplets))
                    return urs_fail(err, URS_ENOMEM, "no memory for triplets");
                m->triplets[m->triplet_count++] = (urs_triplet){a, p, b};
                mark(m, a, p, URS_PAIR_POSITIVE);
                mark(m, a, b, URS_PAIR_NEGATIVE);
            }
    return URS_OK;
}

/* `v` holds similarities here. */
static void multi_similarity(urs_mined *m, const view *v, double epsilon)
{
    for (int32_t a = 0; a < v->n; a++) {
        double lowest = INFINITY, highest = -INFINITY;
        for (int32_t b = 0; b < v->n; b++) {
            if (is_positive(v, a, b))
                lowest = fmin(lowest, at(v, a, b));
            else if (a != b)
                highest = fmax(highest, at(v, a, b));
        }
        for (int32_t b = 0; b < v->n && isfinite(lowest) && isfinite(highest); b++) {
            if (is_positive(v, a, b) && at(v, a, b) - epsilon < highest)
                mark(m, a, b, URS_PAIR_POSITIVE);
            else if (v->labels[a] != v->labels[b] && at(v, a, b) + epsilon > lowest)
                mark(m, a, b, URS_PAIR_NEGATIVE);
        }
    }
}

/* Distances, or similarities, of all pairs. */
static void measure_all(double *measure, const double *unit, int32_t n, int32_t dims, bool similarity)
{
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < n; j++) {
            const double *a = unit + (size_t)i * (size_t)dims, *b = unit + (size_t)j * (size_t)dims;
            double sum = 0;
            for (int32_t d = 0; d < dims; d++)
                sum += similarity ? a[d] * b[d] : (a[d] - b[d]) * (a[d] - b[d]);
            measure[(size_t)i * (size_t)n + (size_t)j] = similarity ? sum : sqrt(sum);
        }
}

urs_status urs_mine(urs_mined *out, const urs_miner_options *o, const float *embeddings, const int32_t *labels, int32_t n, int32_t dims, urs_error *err)
{
    const double margin = o->margin > 0 ? o->margin : 0.2, epsilon = o->epsilon > 0 ? o->epsilon : 0.1;
    urs_mined m = {.n = n};
    double *measure = NULL, *unit = NULL, *length = NULL;
    urs_status status = URS_OK;
    view v;
    if (n < 1 || n > URS_MINER_SAMPLES_MAX || dims < 1)
        return urs_fail(err, URS_EINVAL, "a miner takes 1 to %d embeddings, not %d of %d numbers", URS_MINER_SAMPLES_MAX, (int)n, (int)dims);
    m.pair = urs_array_new((size_t)n * (size_t)n, sizeof *m.pair);
    measure = urs_array_new((size_t)n * (size_t)n, sizeof *measure);
    unit = urs_array_new((size_t)n * (size_t)dims, sizeof *unit);
    length = urs_array_new((size_t)n, sizeof *length);
    if (!m.pair || !measure || !unit || !length) {
        status = urs_fail(err, URS_ENOMEM, "no memory to mine among %d embeddings", (int)n);
        goto done;
    }
    urs_unit_rows(unit, length, embeddings, n, dims);
    measure_all(measure, unit, n, dims, o->kind == URS_MINER_MULTI_SIMILARITY);
    v = (view){measure, labels, n};
    switch (o->kind) {
    case URS_MINER_NONE: every_pair(&m, &v); break;
    case URS_MINER_BATCH_EASY_HARD: easy_hard(&m, &v, o->level); break;
    case URS_MINER_TRIPLET_MARGIN: status = triplets(&m, &v, o->level, margin, err); break;
    case URS_MINER_MULTI_SIMILARITY: multi_similarity(&m, &v, epsilon); break;
    default: status = urs_fail(err, URS_EINVAL, "there is no miner number %d", (int)o->kind); break;
    }
    if (status == URS_OK) {
        *out = m;
        m = (urs_mined){0};
    }
done:
    urs_mined_release(&m);
    urs_free(measure);
    urs_free(unit);
    urs_free(length);
    return status;
}

void urs_mined_weights(float *weights, const urs_mined *m)
{
    float top = 0;
    memset(weights, 0, (size_t)m->n * sizeof *weights);
    for (size_t i = 0; m->listed && i < m->triplet_count; i++) {
        weights[m->triplets[i].anchor]++;
        weights[m->triplets[i].positive]++;
        weights[m->triplets[i].negative]++;
    }
    for (int32_t a = 0; !m->listed && a < m->n; a++)
        for (int32_t b = 0; b < m->n; b++)
            if (m->pair[(size_t)a * (size_t)m->n + (size_t)b] != URS_PAIR_NONE) {
                weights[a]++;
                weights[b]++;
            }
    for (int32_t i = 0; i < m->n; i++)
        top = fmaxf(top, weights[i]);
    for (int32_t i = 0; i < m->n; i++)
        weights[i] = top > 0 ? weights[i] / top : 1.0f;
}
