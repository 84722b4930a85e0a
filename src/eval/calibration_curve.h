/* Are probabilities true? Reliability bins and the expected calibration error (Naeini 2015; Guo 2017): equal-width bins over 0 .. 1. */
#ifndef URS_EVAL_CALIBRATION_CURVE_H
#define URS_EVAL_CALIBRATION_CURVE_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define URS_RELIABILITY_BINS_MAX 100

typedef struct urs_reliability {
    size_t bins, total;
    size_t count[URS_RELIABILITY_BINS_MAX];
    double confidence[URS_RELIABILITY_BINS_MAX]; /* mean probability in the bin; NaN when empty */
    double share[URS_RELIABILITY_BINS_MAX];      /* share that was true; NaN when empty */
    double ece, mce;                             /* weighted mean and largest |share - confidence| */
    double brier;                                /* mean squared error of the probability */
} urs_reliability;

/* bins 0: 10. Bin of p is floor(p * bins), 1 in the last. URS_EINVAL: n 0, p outside 0..1. */
urs_status urs_reliability_measure(urs_reliability *out, const double *p, const uint8_t *truth, size_t n, size_t bins, urs_error *err) URS_CHECKED;
json_t *urs_reliability_json(const urs_reliability *r); /* new reference */

#endif
