/* What brings quantised networks nearer to their float selves without training. Each is a change to the deployed network (deploy.h), can be left out, and is measured by itself.
 *
 *      urs_equalise       before calibration; moves range from channels that have much to channels that have little, through a ReLU or nothing
 *      urs_calibrate      (calibrate.h)
 *      urs_round_weights  after calibration; rounds every weight up or down so that the layer's outputs, not the weights, are nearest
 *      urs_correct_bias   last; takes out the mean error that is left in every output channel */
#ifndef URS_QUANT_REMEDIES_H
#define URS_QUANT_REMEDIES_H

#include "quant/calibrate.h"

/* Cross-layer equalisation (Nagel et al., 2019): of two convolutions in a row, s_i = sqrt(r1_i * r2_i) / r2_i divides channel i of the first and multiplies it in the second, r being largest
 * weights. Valid where nothing but a ReLU stands between them and nobody else reads the value; not through hard-swish, SiLU, ReLU6 or an addition. *pairs: how many were found. */
urs_status urs_equalise(urs_deploy *d, const float *params, int32_t *pairs, urs_error *err) URS_CHECKED;

/* AdaRound's question (Nagel et al., 2020): which of floor and ceiling for every weight makes E[((Wq - W) x)^2] smallest, x the quantised input? With H = E[x x^T] that is a quadratic form in the
 * rounding errors of an output channel. The paper relaxes it and descends; here every weight is flipped in turn as long as that lessens the form, which ends in a local minimum after a few
 * sweeps, is deterministic and needs no rates. */
typedef struct urs_round_report {
    double before, after; /* sum over layers of the form, relative to E[(W x)^2]: nearest, chosen */
    int64_t flipped, weights;
} urs_round_report;
urs_status urs_round_weights(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_round_report *report, urs_pool *pool, urs_error *err) URS_CHECKED;

/* Bias correction (Nagel et al., 2019): E[(Wq - W) x] of every output channel, x as the quantised network has it, is taken off the bias. */
urs_status urs_correct_bias(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
