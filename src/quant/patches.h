/* What the convolutions of a quantised network read: samples of their input windows, in whole int8 steps.
 *
 *      row of a sample     groups 1: [in][area], as a row of weights; depthwise: a sample holds all channels, [in][area]; transposed: [in] alone
 *      value               q - zero point: 0 is real 0, so padding is 0 */
#ifndef URS_QUANT_PATCHES_H
#define URS_QUANT_PATCHES_H

#include "quant/calibrate.h"

typedef struct urs_patches {
    int16_t *values; /* owned, [samples][width] */
    size_t samples, width;
} urs_patches;

/* One set of samples a convolution: list [d->n_convs], owned (urs_patches_free). At most `most` of each, spread over pictures and places. */
urs_status urs_patches_take(urs_patches **out, const urs_deploy *d, const float *params, const urs_quant_pictures *pictures, size_t most, urs_pool *pool, urs_error *err) URS_CHECKED;
void urs_patches_free(urs_patches *list, int32_t n);

#endif
