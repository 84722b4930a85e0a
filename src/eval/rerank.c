/* k-reciprocal re-ranking and query expansion; see rerank.h. */
#include "eval/rerank.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct ranked {
    double key;
    size_t item;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

typedef struct space {
    size_t n, k1, half, k2, width; /* width: neighbours kept of each, k1+1 or k2 */
    double *d;      /* [n][n] over the row's largest */
    size_t *rank;   /* [n][width] nearest first */
    double *v, *mean; /* [n][n] */
    uint8_t *grown; /* [n] members of the set of one image */
    ranked *order;  /* [n] */
} space;

static const size_t *neighbours(const space *s, size_t i)
{
    return s->rank + i * s->width;
}

static bool is_among(const space *s, size_t i, size_t k, size_t wanted)
{
    const size_t *near = neighbours(s, i);
    for (size_t j = 0; j <= k && j < s->n; j++)
        if (near[j] == wanted)
            return true;
    return false;
}

static void rank_all(const space *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < s->n; j++)
            s->order[j] = (ranked){s->d[i * s->n + j], j};
        qsort(s->order, s->n, sizeof *s->order, compare_ranked);
        for (size_t j = 0; j < s->width; j++)
            s->rank[i * s->width + j] = s->order[j].item;
    }
}

static bool is_reciprocal(const space *s, size_t i, size_t j, size_t k)
{
    return is_among(s, j, k, i);
}

/* R(j, half) joins where two thirds of it lie in `core`, the members of R(i, k1). */
static void grow(const space *s, size_t j, const uint8_t *core)
{
    size_t members = 0, shared = 0;
    for (size_t a = 0; a <= s->half && a < s->n; a++) {
        const size_t c = neighbours(s, j)[a];
        if (is_reciprocal(s, j, c, s->half)) {
            members++;
            shared += core[c];
        }
    }
    for (size_t a = 0; 3 * shared > 2 * members && a <= s->half && a < s->n; a++) {
        const size_t c = neighbours(s, j)[a];
        if (is_reciprocal(s, j, c, s->half))
            s->grown[c] = 1;
    }
}

static void encode(const space *s, size_t i, uint8_t *core)
{
    double sum = 0;
    memset(core, 0, s->n);
    for (size_t a = 0; a <= s->k1 && a < s->n; a++)
        if (is_reciprocal(s, i, neighbours(s, i)[a], s->k1))
            core[neighbours(s, i)[a]] = 1;
    memcpy(s->grown, core, s->n);
    for (size_t a = 0; a <= s->k1 && a < s->n; a++)
        if (core[neighbours(s, i)[a]])
            grow(s, neighbours(s, i)[a], core);
    for (size_t j = 0; j < s->n; j++)
        sum += s->v[i * s->n + j] = s->grown[j] ? exp(-s->d[i * s->n + j]) : 0;
    for (size_t j = 0; j < s->n && sum > 0; j++)
        s->v[i * s->n + j] /= sum;
}

static void average(const space *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t a = 0; a < s->k2; a++)
            for (size_t j = 0; j < s->n; j++)
                s->mean[i * s->n + j] += s->v[neighbours(s, i)[a] * s->n + j] / (double)s->k2;
}

static void measure(const space *s, const float *query, size_t queries, const float *gallery, size_t dim)
{
    for (size_t i = 0; i < s->n; i++) {
        const float *x = i < queries ? query + i * dim : gallery + (i - queries) * dim;
        double largest = 0;
        for (size_t j = 0; j < s->n; j++) {
            const float *y = j < queries ? query + j * dim : gallery + (j - queries) * dim;
            double sum = 0;
            for (size_t k = 0; k < dim; k++)
                sum += ((double)x[k] - (double)y[k]) * ((double)x[k] - (double)y[k]);
            s->d[i * s->n + j] = sum;
            largest = fmax(largest, sum);
        }
        for (size_t j = 0; j < s->n && largest > 0; j++)
            s->d[i * s->n + j] /= largest;
    }
}

urs_status urs_rerank(float *distance, const float *query, size_t queries, const float *gallery, size_t count, int32_t dim, const urs_rerank_options *options, urs_error *err)
{
    const double lambda = options->lambda > 0 ? options->lambda : 0.3;
    space s = {.n = queries + count, .k1 = options->k1 > 0 ? (size_t)options->k1 : 20, .k2 = options->k2 > 0 ? (size_t)options->k2 : 6};
    const size_t first = gallery ? queries : 0, columns = gallery ? count : queries;
    uint8_t *core = NULL;
    urs_status status = URS_OK;
    if (queries < 1 || (gallery && count < 1) || (!gallery && count > 0) || dim < 1)
        return urs_fail(err, URS_EINVAL, "re-ranking needs queries and a gallery");
    if (queries > URS_RERANK_IMAGES_MAX || count > URS_RERANK_IMAGES_MAX || s.n > URS_RERANK_IMAGES_MAX)
        return urs_fail(err, URS_ELIMIT, "re-ranking %zu and %zu images would need too much memory; at most %d", queries, count, URS_RERANK_IMAGES_MAX);
    s.half = (size_t)rint((double)s.k1 / 2);
    s.k2 = s.k2 < s.n ? s.k2 : s.n;
    s.width = s.k1 + 1 > s.k2 ? s.k1 + 1 : s.k2;
    s.width = s.width < s.n ? s.width : s.n;
    s.d = urs_array_new(s.n * s.n, sizeof *s.d);
    s.v = urs_array_new(s.n * s.n, sizeof *s.v);
    s.mean = urs_array_new(s.n * s.n, sizeof *s.mean);
    s.rank = urs_array_new(s.n * s.width, sizeof *s.rank);
    s.grown = urs_array_new(s.n, 1);
    core = urs_array_new(s.n, 1);
    s.order = urs_array_new(s.n, sizeof *s.order);
    if (!s.d || !s.v || !s.mean || !s.rank || !s.grown || !core || !s.order) {
        status = urs_fail(err, URS_ENOMEM, "no memory to re-rank %zu images", s.n);
        goto done;
    }
    measure(&s, query, queries, gallery, (size_t)dim);
    rank_all(&s);
    for (size_t i = 0; i < s.n; i++)
        encode(&s, i, core);
    average(&s);
    for (size_t i = 0; i < queries; i++)
        for (size_t g = 0; g < columns; g++) {
            const double *a = s.mean + i * s.n, *b = s.mean + (first + g) * s.n;
            double shared = 0;
            for (size_t j = 0; j < s.n; j++)
                shared += fmin(a[j], b[j]);
            distance[i * columns + g] = (float)((1 - lambda) * (1 - shared / (2 - shared)) + lambda * s.d[i * s.n + first + g]);
        }
done:
    urs_free(s.d);
    urs_free(s.v);
    urs_free(s.mean);
    urs_free(s.rank);
    urs_free(s.grown);
    urs_free(core);
    urs_free(s.order);
    return status;
}

urs_status urs_expand_queries(float *out, const float *query, size_t queries, const float *gallery, size_t count, int32_t dim, int32_t k, double alpha, urs_error *err)
{
    const size_t dims = (size_t)dim;
    ranked *order = urs_array_new(count + 1, sizeof *order);
    double *sum = urs_array_new(dims + 1, sizeof *sum);
    urs_status status = order && sum ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to expand queries");
    for (size_t q = 0; status == URS_OK && q < queries; q++) {
        double length = 0;
        for (size_t g = 0; g < count; g++) {
            double cosine = 0;
            for (size_t d = 0; d < dims; d++)
                cosine += (double)query[q * dims + d] * (double)gallery[g * dims + d];
            order[g] = (ranked){-cosine, g};
        }
        qsort(order, count, sizeof *order, compare_ranked);
        for (size_t d = 0; d < dims; d++)
            sum[d] = (double)query[q * dims + d];
        for (size_t i = 0; i < count && i < (size_t)(k > 0 ? k : 0); i++)
            for (size_t d = 0; d < dims && order[i].key < 0; d++)
                sum[d] += pow(-order[i].key, alpha) * (double)gallery[order[i].item * dims + d];
        for (size_t d = 0; d < dims; d++)
            length += sum[d] * sum[d];
        for (size_t d = 0; d < dims; d++)
            out[q * dims + d] = (float)(length > 0 ? sum[d] / sqrt(length) : 0);
    }
    urs_free(order);
    urs_free(sum);
    return status;
}
