/* Sums by individual; see eval_tally.h. */
#include "cli/eval_tally.h"

#include "base/memory.h"

#include <math.h>

urs_status urs_tally_new(urs_tally *out, size_t individuals, urs_error *err)
{
    urs_tally t = {.individuals = individuals};
    t.hit = urs_array_new(individuals + 1, sizeof *t.hit);
    t.precision = urs_array_new(individuals + 1, sizeof *t.precision);
    t.queries = urs_array_new(individuals + 1, sizeof *t.queries);
    if (!t.hit || !t.precision || !t.queries) {
        urs_tally_release(&t);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", individuals);
    }
    *out = t;
    return URS_OK;
}

void urs_tally_release(urs_tally *t)
{
    urs_free(t->hit);
    urs_free(t->precision);
    urs_free(t->queries);
    *t = (urs_tally){0};
}

void urs_tally_add_one(urs_tally *t, int64_t identity, double hit, double precision)
{
    t->hit[identity] += hit;
    t->precision[identity] += precision;
    t->queries[identity] += 1;
}

void urs_tally_add(urs_tally *t, const urs_retrieval_result *result)
{
    for (size_t i = 0; i < result->queries; i++) {
        const urs_retrieval_query *q = &result->query[i];
        if (q->answerable)
            urs_tally_add_one(t, q->identity, q->bear_rank == 1, q->average_precision);
    }
}

urs_status urs_tally_mean(urs_interval *out, size_t *count, const urs_tally *t, urs_tally_what what, const urs_tally *less, int rounds, urs_error *err)
{
    const double *sums = what == URS_TALLY_HIT1 ? t->hit : t->precision, *less_sums = !less ? NULL : what == URS_TALLY_HIT1 ? less->hit : less->precision;
    double *value = urs_array_new(t->individuals + 1, sizeof *value);
    int64_t *cluster = urs_array_new(t->individuals + 1, sizeof *cluster);
    urs_interval mean = {NAN, NAN, NAN};
    size_t n = 0;
    urs_status status = value && cluster ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", t->individuals);
    for (size_t i = 0; status == URS_OK && i < t->individuals; i++) {
        if (t->queries[i] <= 0 || (less && less->queries[i] <= 0))
            continue;
        cluster[n] = (int64_t)i;
        value[n++] = sums[i] / t->queries[i] - (less ? less_sums[i] / less->queries[i] : 0);
    }
    if (status == URS_OK && n > 0)
        status = urs_interval_mean(&mean, value, cluster, n, rounds, 1, err);
    urs_free(value);
    urs_free(cluster);
    if (status == URS_OK) {
        *out = mean;
        if (count)
            *count = n;
    }
    return status;
}

void urs_tally_put(urs_text *text, urs_interval v, bool sign)
{
    urs_text_format(text, sign ? "  %+.3f (%+.3f %+.3f)" : "  %.3f (%.3f-%.3f)", v.value, v.low, v.high);
}
