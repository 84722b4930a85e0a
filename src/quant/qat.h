/* Quantisation-aware training: the trainer runs the deployed network with everything fake-quantised, and trains the float network's parameters through it (train/trainer.h, urs_reparam).
 *
 *      weights W, biases and shifts of norms --fold--> --fake quant, a step a channel--> convolutions --> fake quant of every value --> ...      gradients straight through the rounding
 *
 * Factors and statistics of batch norms are frozen and folded. Steps:
 *
 *      LSQ (Esser et al., 2020)   steps of weights and of values are trained, as logarithms, with the paper's gradient scale 1/sqrt(n * 127); zero points stay
 *      EMA (Jacob et al., 2018)   ranges of values follow a moving average of the smallest and largest number of every batch and freeze after `freeze` steps; steps of weights follow
 *                                 from the largest one
 *
 * The deployed network must be calibrated first: that is where steps start. Own numbers of the reparametrisation: log steps of groups, then of weights by channel. */
#ifndef URS_QUANT_QAT_H
#define URS_QUANT_QAT_H

#include "quant/deploy.h"
#include "train/trainer.h"

typedef struct urs_qat_options {
    bool ema;            /* instead of LSQ */
    uint64_t freeze;     /* EMA: steps after which ranges stay; 0: never */
    double decay;        /* EMA: 0: 0.99 */
    int32_t group;       /* optimiser group of the own numbers */
} urs_qat_options;

typedef struct urs_qat urs_qat;

/* d is borrowed and changes with the training. params: a block of d->source, for the weights' first steps. */
urs_status urs_qat_new(urs_qat **out, urs_deploy *d, const float *params, const urs_qat_options *options, urs_error *err) URS_CHECKED;
void urs_qat_free(urs_qat *q);
const urs_reparam *urs_qat_reparam(const urs_qat *q); /* borrowed */

/* Fills the own numbers of a new training. */
void urs_qat_start(const urs_qat *q, float *own);
/* Puts own numbers (the average's, say) into d: for urs_deploy_emit and urs_deploy_expand. The next step of the training puts its own there again. */
void urs_qat_apply(urs_qat *q, const float *own);

#endif
