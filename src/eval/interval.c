/* Cluster bootstrap; see interval.h. */
#include "eval/interval.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 1000

typedef struct clustered {
    int64_t cluster;
    size_t item;
} clustered;

static int compare_clustered(const void *pa, const void *pb)
{
    const clustered *a = pa, *b = pb;
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    return (a->item > b->item) - (a->item < b->item);
}

static int compare_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Linear interpolation between order statistics, as NumPy's default. */
static double quantile(const double *sorted, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t low = (size_t)at;
    if (low + 1 >= n)
        return sorted[n - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

typedef struct bootstrap {
    clustered *order;  /* owned [n]: items, cluster by cluster */
    size_t *start;     /* owned [clusters + 1]: into order */
    size_t *item;      /* owned: items of one draw */
    double *value;     /* owned [rounds] */
    size_t clusters;
} bootstrap;

static bool prepare(bootstrap *b, const int64_t *cluster, size_t n, size_t rounds)
{
    size_t largest = 0, room;
    b->order = urs_array_new(n, sizeof *b->order);
    b->start = urs_array_new(n + 1, sizeof *b->start);
    b->value = urs_array_new(rounds, sizeof *b->value);
    if (!b->order || !b->start || !b->value)
        return false;
    for (size_t i = 0; i < n; i++)
        b->order[i] = (clustered){cluster[i], i};
    qsort(b->order, n, sizeof *b->order, compare_clustered);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || b->order[i].cluster != b->order[i - 1].cluster)
            b->start[b->clusters++] = i;
    b->start[b->clusters] = n;
    for (size_t k = 0; k < b->clusters; k++)
        if (b->start[k + 1] - b->start[k] > largest)
            largest = b->start[k + 1] - b->start[k];
    if (!urs_mul_size(&room, largest, b->clusters)) /* the longest draw: the largest cluster every time */
        return false;
    b->item = urs_array_new(room, sizeof *b->item);
    return b->item != NULL;
}

static size_t draw(bootstrap *b, urs_random *r)
{
    size_t count = 0;
    for (size_t k = 0; k < b->clusters; k++) {
        const size_t chosen = (size_t)urs_random_below(r, b->clusters);
        for (size_t i = b->start[chosen]; i < b->start[chosen + 1]; i++)
            b->item[count++] = b->order[i].item;
    }
    return count;
}

urs_status urs_interval_bootstrap(urs_interval *out, urs_statistic *statistic, void *context, const int64_t *cluster, size_t n, int rounds, uint64_t seed,
                                  urs_error *err)
{
    const size_t total = rounds < 0 ? 0 : rounds == 0 ? ROUNDS : (size_t)rounds;
    bootstrap b = {0};
    urs_interval result = {NAN, NAN, NAN};
    size_t valid = 0;
    urs_random r;
    urs_status status = URS_OK;

    if (!prepare(&b, cluster, n, total)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for an interval over %zu items", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        b.item[i] = i;
    if (n > 0)
        result.value = statistic(context, b.item, n);
    urs_random_init(&r, seed);
    for (size_t round = 0; n > 0 && round < total; round++) {
        const size_t count = draw(&b, &r);
        const double v = statistic(context, b.item, count);
        if (!isnan(v))
            b.value[valid++] = v;
    }
    if (valid > 0) {
        qsort(b.value, valid, sizeof *b.value, compare_doubles);
        result.low = quantile(b.value, valid, 0.025);
        result.high = quantile(b.value, valid, 0.975);
    }
    *out = result;
done:
    urs_free(b.order);
    urs_free(b.start);
    urs_free(b.item);
    urs_free(b.value);
    return status;
}

static double mean_of(void *context, const size_t *item, size_t count)
{
    const double *value = context;
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(value[item[i]])) {
            sum += value[item[i]];
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

urs_status urs_interval_mean(urs_interval *out, const double *value, const int64_t *cluster, size_t n, int rounds, uint64_t seed, urs_error *err)
{
    double *copy = urs_array_new(n, sizeof *copy); /* the statistic's context is not const */
    urs_status status;
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory for an interval over %zu items", n);
    if (n)
        memcpy(copy, value, n * sizeof *copy);
    status = urs_interval_bootstrap(out, mean_of, copy, cluster, n, rounds, seed, err);
    urs_free(copy);
    return status;
}

json_t *urs_interval_json(urs_interval v)
{
    return json_pack("{s:o, s:o, s:o}", "value", isfinite(v.value) ? json_real(v.value) : json_null(), "low",
                     isfinite(v.low) ? json_real(v.low) : json_null(), "high", isfinite(v.high) ? json_real(v.high) : json_null());
}
