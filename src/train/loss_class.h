/* Classification losses: softmax cross-entropy and binary cross-entropy on logits.
 *
 * Plain functions: outputs and targets in, value and gradient of the outputs out. They compute in double inside and round the gradient once.
 * Formulas and reductions are PyTorch's (torch.nn.CrossEntropyLoss and BCEWithLogitsLoss, reduction "mean").
 *
 * When a batch is split into shards, every shard divides by the normaliser of the WHOLE batch; then values and gradients of the shards simply
 * add up to those of the batch. Thread safe: no state. */
#ifndef URS_TRAIN_LOSS_CLASS_H
#define URS_TRAIN_LOSS_CLASS_H

#include "base/error.h"

#include <stdint.h>

typedef struct urs_softmax_loss_options {
    const float *class_weights; /* (optional) k numbers >= 0, borrowed; NULL: all one */
    double label_smoothing;     /* share of the target spread evenly over all classes, 0 .. 1 */
    double normaliser;          /* 0: urs_softmax_loss_weight of this call, as PyTorch's mean; otherwise divide by this */
} urs_softmax_loss_options;

/* Sum of the weights of the labels' classes: n without class weights. Labels below 0 are left out, as in urs_softmax_loss. */
double urs_softmax_loss_weight(const int32_t *labels, int64_t n, const float *class_weights);

/* logits [n,k] row by row; labels n numbers below k, a negative one takes the row out (zero gradient).
 *     value = sum_i ( (1-eps) w[y_i] nll_i + eps/k sum_c w[c] nll_ic ) / normaliser
 * d_logits [n,k] is overwritten; NULL: only the value. correct (optional): rows whose largest logit is the label's.
 * URS_EINVAL: a label out of range, or nothing to divide by. */
urs_status urs_softmax_loss(double *value, float *d_logits, int64_t *correct, const float *logits, const int32_t *labels, int64_t n, int64_t k,
                            const urs_softmax_loss_options *options, urs_error *err) URS_CHECKED;

/* Binary cross-entropy of count logits with targets in 0..1: sum of max(x,0) - x t + log(1 + exp(-|x|)), divided by normaliser
 * (0: count). positive_weight (0: 1) multiplies the term of t. d_logits overwritten, may be NULL. */
double urs_bce_loss(float *d_logits, const float *logits, const float *targets, int64_t count, double positive_weight, double normaliser);

#endif
