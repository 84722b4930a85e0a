/* Ranges of values; see calibrate.h. */
#include "quant/calibrate.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define BINS 2048
#define PERCENTILE_DEFAULT 99.99
#define SHARE_LEAST 0.3 /* of a range that the MSE observer still tries */
#define SHARE_STEPS 70

const char *urs_observer_name(urs_observer observer)
{
    static const char *const names[URS_OBSERVER_COUNT] = {"mse", "min-max", "percentile"};
    return (int)observer >= 0 && observer < URS_OBSERVER_COUNT ? names[observer] : "";
}

void urs_quant_pictures_release(urs_quant_pictures *p)
{
    urs_free(p->bytes);
    *p = (urs_quant_pictures){0};
}

/* ---- running over pictures -------------------------------------------------------------------------------------------------------------- */

typedef struct run {
    const urs_deploy *d;
    const urs_quant_pictures *pictures;
    urs_plan **plans; /* one a worker */
    urs_quant_take *take;
    void *context;
} run;

static urs_status run_one(void *context, size_t item, int worker, urs_error *err)
{
    run *r = context;
    urs_plan *plan = r->plans[worker];
    urs_status status;
    urs_deploy_input_from_bytes(r->d, urs_plan_input(plan, 0), r->pictures->bytes + item * r->pictures->size);
    status = urs_plan_forward(plan, err);
    return status == URS_OK ? r->take(r->context, item, worker, plan, err) : status;
}

urs_status urs_quant_run(const urs_deploy *d, const urs_graph *graph, const float *block, const urs_quant_pictures *pictures, urs_pool *pool, urs_quant_take *take, void *context, urs_error *err)
{
    run r = {.d = d, .pictures = pictures, .take = take, .context = context};
    const int threads = urs_pool_threads(pool);
    urs_status status = URS_OK;
    if (pictures->count == 0)
        return urs_fail(err, URS_EINVAL, "there is no picture to calibrate with");
    r.plans = urs_array_new((size_t)threads, sizeof(urs_plan *));
    if (!r.plans)
        return urs_fail(err, URS_ENOMEM, "no memory for plans");
    for (int i = 0; status == URS_OK && i < threads; i++)
        status = urs_plan_new(&r.plans[i], graph, block, NULL, err);
    if (status == URS_OK)
        status = urs_pool_run(pool, pictures->count, run_one, &r, err);
    for (int i = 0; i < threads; i++)
        urs_plan_free(r.plans[i]);
    urs_free(r.plans);
    return status;
}

/* ---- observers -------------------------------------------------------------------------------------------------------------------------- */

static double bin_centre(int32_t i, int32_t n, float low, float high)
{
    return (double)low + ((double)high - (double)low) * (i + 0.5) / n;
}

static double squared_error(const uint64_t *bins, int32_t n, float low, float high, urs_quant_range r)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        const double x = bin_centre(i, n, low, high);
        double q = rint(x / (double)r.step) + r.zero_point, e;
        if (bins[i] == 0)
            continue;
        q = fmax(URS_QUANT_LOW, fmin(URS_QUANT_HIGH, q));
        e = x - (double)r.step * (q - r.zero_point);
        sum += (double)bins[i] * e * e;
    }
    return sum;
}

/* Both ends together first, then each by itself. */
static urs_quant_range least_error(const uint64_t *bins, int32_t n, float low, float high)
{
    urs_quant_range best = urs_quant_range_of(low, high);
    double least = squared_error(bins, n, low, high, best), share[2] = {1, 1};
    for (int round = 0; round < 3; round++) { /* 0: both; 1: high end; 2: low end */
        double found[2] = {share[0], share[1]};
        for (int s = 0; s < SHARE_STEPS; s++) {
            const double x = 1 - (1 - SHARE_LEAST) * (s + 1) / SHARE_STEPS;
            const double a = round == 1 ? share[0] : x, b = round == 2 ? share[1] : x;
            const urs_quant_range r = urs_quant_range_of((float)(low * a), (float)(high * b));
            const double e = squared_error(bins, n, low, high, r);
            if (e < least) {
                least = e;
                best = r;
                found[0] = a;
                found[1] = b;
            }
        }
        share[0] = found[0];
        share[1] = found[1];
    }
    return best;
}

/* The bin of 0 is left out: a ReLU makes half of all numbers 0, which say nothing about the tail. */
static urs_quant_range cut_tails(const uint64_t *bins, int32_t n, float low, float high, double percentile)
{
    const double width = ((double)high - (double)low) / n;
    const int32_t zero = width > 0 ? (int32_t)fmin(n - 1, fmax(0, -(double)low / width)) : 0;
    double all = 0, cut, sum = 0;
    int32_t first = 0, last = n - 1;
    for (int32_t i = 0; i < n; i++)
        all += i == zero ? 0 : (double)bins[i];
    cut = all * (1 - percentile / 100) / 2;
    for (; first < zero && sum + (double)bins[first] <= cut; first++)
        sum += (double)bins[first];
    sum = 0;
    for (; last > zero && sum + (double)bins[last] <= cut; last--)
        sum += (double)bins[last];
    return urs_quant_range_of((float)((double)low + width * first), (float)((double)low + width * (last + 1)));
}

urs_quant_range urs_observe(const uint64_t *bins, int32_t n, float low, float high, const urs_calibrate_options *o)
{
    switch (o->observer) {
    case URS_OBSERVER_PERCENTILE:
        return cut_tails(bins, n, low, high, o->percentile > 0 ? o->percentile : PERCENTILE_DEFAULT);
    case URS_OBSERVER_MSE:
        return least_error(bins, n, low, high);
    case URS_OBSERVER_MIN_MAX:
    case URS_OBSERVER_COUNT:
        break;
    }
    return urs_quant_range_of(low, high);
}

/* ---- watching ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct watcher {
    const urs_deploy *d;
    float *low, *high; /* per worker and group, then merged into worker 0 */
    uint64_t *bins;    /* [worker][group][BINS]; NULL in the first pass */
} watcher;

static size_t quantiser_elements(const urs_deploy *d, int32_t i)
{
    const urs_dims dims = urs_graph_dims(d->graph, d->quantisers[i].value);
    return (size_t)(dims.c * dims.h * dims.w);
}

static void extend(float *low, float *high, const float *x, size_t n, float floor)
{
    float a = *low, b = *high;
    for (size_t i = 0; i < n; i++) {
        a = x[i] < a ? x[i] : a;
        b = x[i] > b ? x[i] : b;
    }
    *low = a > floor ? a : floor;
    *high = b;
}

static void count_into(uint64_t *bins, const float *x, size_t n, float floor, float low, float high)
{
    const float scale = high > low ? BINS / (high - low) : 0;
    for (size_t i = 0; i < n; i++) {
        const float v = ((x[i] > floor ? x[i] : floor) - low) * scale;
        const int32_t bin = v > 0 ? (v < BINS ? (int32_t)v : BINS - 1) : 0;
        bins[bin]++;
    }
}

static urs_status look(void *context, size_t item, int worker, const urs_plan *plan, urs_error *err)
{
    watcher *w = context;
    const urs_deploy *d = w->d;
    (void)item;
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const float *x = urs_plan_output(plan, d->watch_quantiser + i), floor = d->quantisers[i].floor;
        const size_t n = quantiser_elements(d, i), group = (size_t)d->quantisers[i].group, at = (size_t)worker * (size_t)d->n_groups + group;
        if (d->groups[group].kind != URS_GROUP_OBSERVED)
            continue;
        if (w->bins)
            count_into(w->bins + at * BINS, x, n, floor, w->low[group], w->high[group]);
        else
            extend(&w->low[at], &w->high[at], x, n, floor);
        if (!w->bins && !(isfinite(w->low[at]) && isfinite(w->high[at])))
            return urs_fail(err, URS_EFORMAT, "the network's values are not finite; its weights are broken");
    }
    return URS_OK;
}

static void merge_ranges(watcher *w, int threads)
{
    const size_t n = (size_t)w->d->n_groups;
    for (size_t t = 1; t < (size_t)threads; t++)
        for (size_t g = 0; g < n; g++) {
            w->low[g] = fminf(w->low[g], w->low[t * n + g]);
            w->high[g] = fmaxf(w->high[g], w->high[t * n + g]);
        }
}

static void merge_bins(watcher *w, int threads)
{
    const size_t n = (size_t)w->d->n_groups * BINS;
    for (size_t t = 1; t < (size_t)threads; t++)
        for (size_t i = 0; i < n; i++)
            w->bins[i] += w->bins[t * n + i];
}

urs_status urs_calibrate(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, const urs_calibrate_options *options, urs_pool *pool, urs_error *err)
{
    const urs_calibrate_options o = options ? *options : (urs_calibrate_options){0};
    const size_t threads = (size_t)urs_pool_threads(pool), groups = (size_t)d->n_groups;
    float *block = urs_aligned_new(urs_graph_block_elements(d->watched) * sizeof *block);
    watcher w = {.d = d, .low = urs_array_new(threads * groups, sizeof(float)), .high = urs_array_new(threads * groups, sizeof(float))};
    uint64_t *bins = o.observer == URS_OBSERVER_MIN_MAX ? NULL : urs_array_new(threads * groups, BINS * sizeof *bins);
    urs_status status = URS_OK;
    if (!block || !w.low || !w.high || (o.observer != URS_OBSERVER_MIN_MAX && !bins))
        status = urs_fail(err, URS_ENOMEM, "no memory to watch %zu ranges", groups);
    if (status == URS_OK) {
        urs_deploy_expand(d, block, params, &(urs_deploy_expand_options){.float_weights = true, .float_values = true});
        status = urs_quant_run(d, d->watched, block, pictures, pool, look, &w, err);
    }
    if (status == URS_OK)
        merge_ranges(&w, (int)threads);
    if (status == URS_OK && bins) {
        w.bins = bins;
        status = urs_quant_run(d, d->watched, block, pictures, pool, look, &w, err);
        if (status == URS_OK)
            merge_bins(&w, (int)threads);
    }
    for (size_t g = 0; status == URS_OK && g < groups; g++)
        if (d->groups[g].kind == URS_GROUP_OBSERVED)
            d->groups[g].range = urs_observe(bins ? bins + g * BINS : NULL, BINS, w.low[g], w.high[g], &o);
    urs_aligned_free(block);
    urs_free(w.low);
    urs_free(w.high);
    urs_free(bins);
    return status;
}
