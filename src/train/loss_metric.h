/* Metric losses on pairs and triplets of a batch; spec/models.md 7, and 3 for the contrastive one.
 *
 *      TRIPLET      mean of max(0, d_ap - d_an + margin) over the mined triplets where it is above 0; d Euclidean (or its square) between embeddings of unit length
 *      CIRCLE       mean over anchors with a positive and a negative of
 *                   softplus( LSE_p(-gamma [1+m-s_p]+ (s_p - (1-m))) + LSE_n(gamma [s_n+m]+ (s_n - m)) ), s cosines; the brackets count as constants (Sun et al. 2020)
 *      CONTRASTIVE  dlib's loss_metric on raw Euclidean distances: pairs of one class max(0, d - (threshold - margin)), others max(0, threshold + margin - d), of which
 *                   only as many of the nearest count as there are pairs of one class; the sum over twice that number
 *
 * A value and the gradient of the raw embeddings, both for the whole batch: pairs cross any cut through it, so it is not split over threads. Thread safe. */
#ifndef URS_TRAIN_LOSS_METRIC_H
#define URS_TRAIN_LOSS_METRIC_H

#include "train/miner.h"

typedef enum urs_metric_kind { URS_METRIC_TRIPLET, URS_METRIC_CIRCLE, URS_METRIC_CONTRASTIVE } urs_metric_kind;

typedef struct urs_metric_options {
    urs_metric_kind kind;
    double margin;    /* 0: TRIPLET 0.05, CIRCLE 0.4, CONTRASTIVE 0.04 */
    double gamma;     /* CIRCLE; 0: 80 */
    double threshold; /* CONTRASTIVE; 0: 0.6 */
    bool squared;     /* TRIPLET: squared distances */
} urs_metric_options;

/* embeddings [n,dims]; d_embeddings the same, overwritten (NULL: only the value). mined: of these embeddings; NULL: every pair. CONTRASTIVE does its own mining. A batch
 * without a pair to learn from has value and gradient 0. URS_EINVAL, URS_ENOMEM. */
urs_status urs_metric_loss(double *value, float *d_embeddings, const urs_metric_options *options, const urs_mined *mined, const float *embeddings, const int32_t *labels,
                           int32_t n, int32_t dims, urs_error *err) URS_CHECKED;

#endif
