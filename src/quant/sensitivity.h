/* Which layers suffer: a report on a deployed network with known ranges, layer by layer.
 *
 * SQNR: energy of the signal over energy of the quantisation error, in dB; 6 dB are one bit. */
#ifndef URS_QUANT_SENSITIVITY_H
#define URS_QUANT_SENSITIVITY_H

#include "base/text.h"
#include "quant/calibrate.h"

typedef struct urs_layer_report {
    char name[96];
    double weight_spread; /* largest weight of the widest output channel over that of the narrowest */
    double weight_sqnr;   /* of its weights, dB */
    double low, high;     /* what its result reached in float */
    urs_quant_range range;
    double saturated;     /* share of its values outside of the range */
    double value_sqnr;    /* of its result, rounded to the range, dB */
    double alone_sqnr;    /* of the network's outputs when nothing but this layer's weights and result are quantised, dB */
} urs_layer_report;

typedef struct urs_sensitivity {
    urs_layer_report *layers; /* owned, one a convolution, in the network's order */
    int32_t n_layers;
    double whole_sqnr;        /* everything quantised, dB */
} urs_sensitivity;

/* Runs the network once a layer over the pictures: few (16) are enough. d is as before afterwards. */
urs_status urs_sensitivity_measure(urs_sensitivity *out, urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err) URS_CHECKED;
void urs_sensitivity_release(urs_sensitivity *s);

/* A table, and two plots (SVG): SQNR of the outputs by layer, and the ranges. */
void urs_sensitivity_text(const urs_sensitivity *s, urs_text *out);
void urs_sensitivity_plot(const urs_sensitivity *s, urs_text *out);

#endif
