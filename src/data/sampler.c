/* Samplers; see sampler.h. */
#include "data/sampler.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MAX ((size_t)1 << 30)

void urs_order_release(urs_order *order)
{
    urs_free(order->items);
    memset(order, 0, sizeof *order);
}

static urs_status order_new(urs_order *out, size_t n, urs_error *err)
{
    out->count = n;
    out->items = n <= ORDER_MAX ? urs_array_new(n, sizeof *out->items) : NULL;
    return out->items ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for an order of %zu samples", n);
}

urs_status urs_sample_shuffle(urs_order *out, size_t n, uint64_t seed, uint64_t epoch, urs_error *err)
{
    urs_order order = {0};
    urs_random random;
    const urs_status status = order_new(&order, n, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        order.items[i] = i;
    urs_random_init_stream(&random, seed, epoch);
    urs_random_shuffle(&random, order.items, n);
    *out = order;
    return URS_OK;
}

urs_status urs_sample_repeat(urs_order *out, const int32_t *labels, size_t n, const float *repeats, int32_t classes, uint64_t seed, uint64_t epoch,
                             urs_error *err)
{
    urs_order order = {0};
    urs_random random, again;
    size_t total = 0;
    urs_status status;
    for (int32_t c = 0; c < classes; c++)
        if (!(repeats[c] >= 0) || repeats[c] > 1e6f)
            return urs_fail(err, URS_EINVAL, "class %d is to be repeated %g times", c, (double)repeats[c]);
    urs_random_init_stream(&random, seed, epoch);
    again = random;
    /* Twice the same draws: once to count, once to fill. */
    for (int pass = 0; pass < 2; pass++) {
        urs_random *r = pass ? &again : &random;
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            const bool counted = labels[i] >= 0 && labels[i] < classes;
            const double wanted = counted ? (double)repeats[labels[i]] : 0, whole = floor(wanted);
            const size_t times = (size_t)whole + (urs_random_unit(r) < wanted - whole);
            if (pass == 0)
                total += times;
            for (size_t k = 0; pass == 1 && k < times; k++)
                order.items[at++] = i;
        }
        if (pass == 0) {
            status = order_new(&order, total, err);
            if (status != URS_OK)
                return status;
        }
    }
    urs_random_shuffle(&again, order.items, total);
    *out = order;
    return URS_OK;
}

urs_status urs_sample_weighted(urs_order *out, const float *weights, size_t n, size_t draws, uint64_t seed, uint64_t epoch, urs_error *err)
{
    urs_status status;
    urs_order order = {0};
    urs_random random;
    double sum = 0;
    double *upto = urs_array_new(n, sizeof *upto);
    if (!upto)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu weights", n);
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0) || !isfinite(weights[i])) {
            status = urs_fail(err, URS_EINVAL, "sample %zu has the weight %g", i, (double)weights[i]);
            goto done;
        }
        sum += (double)weights[i];
        upto[i] = sum;
    }
    if (!(sum > 0)) {
        status = urs_fail(err, URS_EINVAL, "all weights are zero");
        goto done;
    }
    status = order_new(&order, draws, err);
    if (status != URS_OK)
        goto done;
    urs_random_init_stream(&random, seed, epoch);
    for (size_t d = 0; d < draws; d++) {
        const double x = urs_random_unit(&random) * sum;
        size_t low = 0, high = n - 1; /* first i with upto[i] > x; samples of weight 0 are never it */
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (upto[middle] > x)
                high = middle;
            else
                low = middle + 1;
        }
        while (!(weights[low] > 0)) /* x rounded up to the whole sum */
            low--;
        order.items[d] = low;
    }
    *out = order;
done:
    urs_free(upto);
    return status;
}

/* ---- P x K ---- */

/*  members: sample indices, class by class        start[c] .. start[c+1]-1 = those of class c
 *  classes: which class comes next                shuffled before every batch or pass */
typedef struct classes {
    size_t *members, *start, *order;
    int32_t *domain;
    size_t count;
} classes;

typedef struct member {
    int32_t label;
    size_t item;
} member;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static void classes_release(classes *c)
{
    urs_free(c->members);
    urs_free(c->start);
    urs_free(c->order);
    urs_free(c->domain);
}

static urs_status classes_new(classes *out, const int32_t *labels, const int32_t *domains, size_t n, urs_error *err)
{
    urs_status status = URS_OK;
    classes c = {.members = urs_array_new(n, sizeof *c.members), .start = urs_array_new(n + 1, sizeof *c.start), .order = urs_array_new(n, sizeof *c.order),
                 .domain = urs_array_new(n, sizeof *c.domain)};
    member *sorted = urs_array_new(n, sizeof *sorted);
    size_t used = 0;
    if (!c.members || !c.start || !c.order || !c.domain || !sorted) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a sampler of %zu samples", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= 0)
            sorted[used++] = (member){labels[i], i};
    qsort(sorted, used, sizeof *sorted, compare_members);
    for (size_t i = 0; i < used; i++) {
        if (i == 0 || sorted[i].label != sorted[i - 1].label) {
            c.domain[c.count] = domains ? domains[sorted[i].item] : 0;
            c.start[c.count++] = i;
        }
        c.members[i] = sorted[i].item;
    }
    c.start[c.count] = used;
    if (c.count == 0)
        status = urs_fail(err, URS_EINVAL, "no labelled sample to draw from");
done:
    urs_free(sorted);
    if (status == URS_OK)
        *out = c;
    else
        classes_release(&c);
    return status;
}

/* k members of class c: the first k of a partial shuffle, or k free draws where there are fewer. */
static void draw_members(size_t *out, const classes *c, size_t class, size_t k, urs_random *random)
{
    size_t *members = c->members + c->start[class];
    const size_t n = c->start[class + 1] - c->start[class];
    for (size_t i = 0; i < k; i++) {
        if (n >= k) {
            const size_t j = i + (size_t)urs_random_below(random, n - i), t = members[i];
            members[i] = members[j];
            members[j] = t;
            out[i] = members[i];
        } else {
            out[i] = members[urs_random_below(random, n)];
        }
    }
}

/* The classes of one batch into chosen: the first `per_batch` of a fresh shuffle that may stand together. */
static bool draw_classes(size_t *chosen, const classes *c, size_t per_batch, urs_random *random)
{
    size_t n = 0;
    int32_t domain = 0;
    urs_random_shuffle(random, c->order, c->count);
    for (size_t i = 0; i < c->count && n < per_batch; i++) {
        const int32_t d = c->domain[c->order[i]];
        if (d > 0 && domain > 0 && d != domain)
            continue;
        if (d > 0)
            domain = d;
        chosen[n++] = c->order[i];
    }
    return n == per_batch;
}

urs_status urs_sample_pk(urs_order *out, const int32_t *labels, size_t n, size_t k, size_t batch, const int32_t *domains, uint64_t seed, uint64_t epoch,
                         urs_error *err)
{
    urs_status status;
    urs_order order = {0};
    urs_random random;
    classes c = {0};
    size_t *chosen = NULL;
    size_t per_batch, rounds;
    if (k == 0 || batch % k != 0)
        return urs_fail(err, URS_EINVAL, "a batch of %zu cannot hold %zu pictures of each individual", batch, k);
    if (domains && batch == 0)
        return urs_fail(err, URS_EINVAL, "domains need a batch size");
    status = classes_new(&c, labels, domains, n, err);
    if (status != URS_OK)
        return status;
    per_batch = batch ? batch / k : c.count;
    if (per_batch > c.count) {
        status = urs_fail(err, URS_EINVAL, "a batch of %zu with %zu of each needs %zu individuals, there are %zu", batch, k, per_batch, c.count);
        goto done;
    }
    rounds = n / (per_batch * k);
    if (rounds == 0)
        rounds = 1;
    chosen = urs_array_new(per_batch, sizeof *chosen);
    status = order_new(&order, rounds * per_batch * k, err);
    if (status != URS_OK || !chosen) {
        status = urs_fail(err, URS_ENOMEM, "no memory for an order");
        goto done;
    }
    for (size_t i = 0; i < c.count; i++)
        c.order[i] = i;
    urs_random_init_stream(&random, seed, epoch);
    for (size_t round = 0; round < rounds; round++) {
        bool drawn = false;
        for (int attempt = 0; attempt < 100 && !drawn; attempt++) /* a shuffle may start with a domain that is too small */
            drawn = draw_classes(chosen, &c, per_batch, &random);
        if (!drawn) {
            status = urs_fail(err, URS_EINVAL, "no %zu individuals that may stand in one batch were found", per_batch);
            goto done;
        }
        for (size_t i = 0; i < per_batch; i++)
            draw_members(order.items + (round * per_batch + i) * k, &c, chosen[i], k, &random);
    }
    *out = order;
    order = (urs_order){0};
done:
    urs_order_release(&order);
    urs_free(chosen);
    classes_release(&c);
    return status;
}
