/* A measured number with its 95 % interval, by cluster bootstrap.
 *
 * Pictures of one bear are not independent, so whole bears are drawn with replacement, not pictures (Efron 1979; percentile interval). Deterministic in the seed. */
#ifndef URS_EVAL_INTERVAL_H
#define URS_EVAL_INTERVAL_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_interval {
    double value, low, high; /* NaN where there was nothing to measure; low = high = NaN without bootstrap */
} urs_interval;

/* Value of a statistic on a drawn sample: item[count] are numbers of items, repeats included. */
typedef double urs_statistic(void *context, const size_t *item, size_t count);

/* cluster[i] of item i (any numbers). rounds 0: 1000; negative: only the value. NaN results of a round are left out. */
urs_status urs_interval_bootstrap(urs_interval *out, urs_statistic *statistic, void *context, const int64_t *cluster, size_t n, int rounds, uint64_t seed,
                                  urs_error *err) URS_CHECKED;
/* Mean of value[n] (NaN entries left out) with its interval. */
urs_status urs_interval_mean(urs_interval *out, const double *value, const int64_t *cluster, size_t n, int rounds, uint64_t seed, urs_error *err) URS_CHECKED;

/* {"value", "low", "high"}, null for NaN; new reference. */
json_t *urs_interval_json(urs_interval v);

#endif
