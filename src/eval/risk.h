/* Selective answers: how many are wrong among those that one is surest of? Risk-coverage curve (El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017).
 *
 *      answers in falling order of confidence; coverage = share that is given, risk = share of wrong ones among these
 *
 *      risk |            ___/      everything is answered: coverage 1, risk = the error rate
 *           |     ______/
 *           |____/                 band of "unsure": what lies to the right of the coverage at which risk passes the error that is allowed
 *           +----------------- coverage
 *
 * Equal confidences are answered together. Thread safe: no state. */
#ifndef URS_EVAL_RISK_H
#define URS_EVAL_RISK_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_risk_curve { /* owned [count], coverage rising, confidence falling */
    double *coverage, *risk, *confidence;
    size_t count;
    double area; /* mean over the answers of the risk at which each is given (AURC): 0 is perfect, the error rate is what a confidence that says nothing gets */
} urs_risk_curve;

/* right[i]: 1 the answer is right. URS_EINVAL: n 0. */
urs_status urs_risk_curve_make(urs_risk_curve *out, const double *confidence, const uint8_t *right, size_t n, urs_error *err) URS_CHECKED;
void urs_risk_curve_release(urs_risk_curve *curve);

/* Largest coverage whose risk is at most `risk`; 0 when there is none. confidence (optional): from which on answers are given; infinite when there is none. */
double urs_risk_coverage(const urs_risk_curve *curve, double risk, double *confidence);

json_t *urs_risk_curve_json(const urs_risk_curve *curve); /* area and, for at most 200 points, coverage, risk, confidence; new reference */

#endif
