/* ArcFace (Deng et al. 2019) and sub-centre ArcFace (Deng et al. 2020), as spec'd by pytorch-metric-learning 2.x.
 *
 *      embeddings [n,D] --normalise--> e          W [C*K,D] --normalise rows--> w
 *      cos[i][c] = max over the K centres of c of  e_i . w_(c*K+k)
 *      target    = cos(theta + m)  if theta <= pi - m,   else  cos(theta) - m sin m
 *                  easy margin: cos(theta + m) if cos(theta) > 0, else cos(theta)
 *      value     = sum_i weight_i * cross_entropy(s * cos', y_i) / normaliser
 *
 * The weight matrix W is row major with the K centres of a class side by side; it belongs to the caller (the trainer keeps it behind the network's
 * parameters), need not be normalised, and is thrown away after training. The gradients are those of the raw embeddings and of the raw W: both go
 * through the normalisation. A urs_arcface holds the workspace; one per shard, one thread at a time. */
#ifndef URS_TRAIN_LOSS_ARCFACE_H
#define URS_TRAIN_LOSS_ARCFACE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_arcface urs_arcface;

typedef struct urs_arcface_options {
    int32_t classes;            /* C; required */
    int32_t dims;               /* D; required */
    int32_t batch;              /* most embeddings in one call; required */
    int32_t centres;            /* K; 0: 1, plain ArcFace */
    double margin;              /* m, radians; 0: 0.5; below 0: no margin (a plain normalised softmax) */
    double scale;               /* s; 0: 64 */
    bool easy_margin;
    const float *class_margins; /* (optional) C margins in radians instead of `margin`; copied */
} urs_arcface_options;

/* Owned; urs_arcface_free. URS_EINVAL, URS_ENOMEM. */
urs_status urs_arcface_new(urs_arcface **out, const urs_arcface_options *options, urs_error *err) URS_CHECKED;
void urs_arcface_free(urs_arcface *a);

/* Number of floats of W: C*K*D. */
size_t urs_arcface_weights(const urs_arcface *a);

/* Starting values of W: standard normal, deterministic in seed. */
void urs_arcface_init(const urs_arcface *a, float *weight, uint64_t seed);

/* One call: value and gradients of n <= batch embeddings.
 * labels: 0..C-1. sample_weights (optional): n numbers, a miner's counts for instance.
 * normaliser: what the sum is divided by; 0: n (use the size of the whole batch when it is split over shards: values and gradients then add up).
 * d_embeddings [n,D] and d_weight [C*K,D] are overwritten; both NULL: only the value. correct (optional): how many have their class nearest,
 * margin left out. */
urs_status urs_arcface_run(urs_arcface *a, double *value, float *d_embeddings, float *d_weight, int64_t *correct, const float *embeddings,
                           const int32_t *labels, const float *sample_weights, int32_t n, const float *weight, double normaliser,
                           urs_error *err) URS_CHECKED;

#endif
