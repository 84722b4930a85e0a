/* Samplers: in which order an epoch visits the samples. Each is a pure function of (labels, seed, epoch), so training resumes at any step
 * without stored state.
 *
 * An urs_order owns its items (indices 0 .. n-1 of the caller's list, with repeats); release with urs_order_release. Thread safe. */
#ifndef URS_DATA_SAMPLER_H
#define URS_DATA_SAMPLER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct urs_order {
    size_t *items; /* owned */
    size_t count;
} urs_order;

void urs_order_release(urs_order *order);

/* A permutation of 0 .. n-1. */
urs_status urs_sample_shuffle(urs_order *out, size_t n, uint64_t seed, uint64_t epoch, urs_error *err) URS_CHECKED;

/* Every sample of class c repeats[c] times (whole part always, one more with the probability of the fraction), shuffled. labels outside
 * 0 .. classes-1 are left out. */
urs_status urs_sample_repeat(urs_order *out, const int32_t *labels, size_t n, const float *repeats, int32_t classes, uint64_t seed, uint64_t epoch,
                             urs_error *err) URS_CHECKED;

/* `draws` samples with replacement, each with probability in proportion to its weight (>= 0, not all 0). */
urs_status urs_sample_weighted(urs_order *out, const float *weights, size_t n, size_t draws, uint64_t seed, uint64_t epoch, urs_error *err) URS_CHECKED;

/* P x K (MPerClass of pytorch-metric-learning): items come class by class, k of each, without replacement if the class has k samples, else with.
 *
 *   batch > 0: each batch draws batch/k classes anew; length = floor(n / batch) batches, at least one. batch must be a multiple of k, and there must be
 *              batch/k classes.
 *   batch = 0: each pass walks all classes in shuffled order; length = n floored to whole passes, at least one.
 *
 * labels: any non-negative numbers; negative = left out. domains (NULL = none): one a sample; samples of a class share it; 0 = may stand with any; two classes with
 * different domains above 0 never stand in one batch (they may be one animal under two names). Domains need batch > 0. */
urs_status urs_sample_pk(urs_order *out, const int32_t *labels, size_t n, size_t k, size_t batch, const int32_t *domains, uint64_t seed, uint64_t epoch,
                         urs_error *err) URS_CHECKED;

#endif
