/* From a cosine to a probability to a verdict.
 *
 * Calibration is P(same bear | cosine), fitted on validation pairs and kept in the weight file's metadata as JSON:
 *
 *      {"kind": "logistic", "slope": 14.2, "intercept": -6.1, "prior": 0.02, "pairs": 51040}
 *      {"kind": "isotonic", "x": [...], "y": [...], "prior": 0.02, "pairs": 51040}      x rising, y not falling, 2 .. URS_CALIBRATION_KNOTS_MAX knots
 *
 * Isotonic follows WildFusion (spec/models.md section 9): pool adjacent violators, then a monotone cubic (PCHIP, Fritsch and Carlson 1980) through
 * the blocks' mid-points, flat outside of them. Where the curve is flat a slope of 2^-30 keeps the order of the scores (WildFusion's 2^-52 is lost in rounding near 1); the result
 * stays within 0 .. 1 and within 2e-9 of the curve. Functions are pure and thread safe. */
#ifndef URS_CATALOGUE_VERDICT_H
#define URS_CATALOGUE_VERDICT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define URS_CALIBRATION_KNOTS_MAX 4096

typedef enum urs_calibration_kind {
    URS_CALIBRATION_NONE, /* {0}: no data; the cosine itself, moved to 0 .. 1 */
    URS_CALIBRATION_LOGISTIC,
    URS_CALIBRATION_ISOTONIC
} urs_calibration_kind;

typedef struct urs_calibration {
    urs_calibration_kind kind;
    double slope, intercept; /* logistic: P = 1 / (1 + exp(-(slope * cosine + intercept))) */
    size_t count;            /* isotonic: knots */
    double *x, *y;           /* owned [count] */
    double *d;               /* owned [count]: derivatives of the cubic at the knots, from x and y */
    double prior;            /* share of same-bear pairs among those it was fitted on; 0: unknown */
    int64_t pairs;           /* how many those were */
} urs_calibration;

/* n pairs: score (finite) and whether it is the same bear (0 or 1). URS_EINVAL unless both kinds occur. */
urs_status urs_calibration_fit_isotonic(urs_calibration *out, const float *score, const uint8_t *same, size_t n, urs_error *err) URS_CHECKED;
/* Newton's method on the likelihood with Platt's (1999) smoothed targets, so that separable data stay finite. */
urs_status urs_calibration_fit_logistic(urs_calibration *out, const float *score, const uint8_t *same, size_t n, urs_error *err) URS_CHECKED;
/* All pairs of n embeddings [n][dim] (normalised) with identities; pairs of one group (group[i] == group[j] >= 0: one burst or day) are left out; group may be NULL.
 * Owned arrays of *pairs entries, urs_free each. */
urs_status urs_calibration_pairs(float **score, uint8_t **same, size_t *pairs, const float *embeddings, const int64_t *identity, const int64_t *group, size_t n,
                                 int32_t dim, urs_error *err) URS_CHECKED;
void urs_calibration_release(urs_calibration *cal);

double urs_calibration_probability(const urs_calibration *cal, double cosine);

/* Owned JSON text on one line (NULL: no memory); parser: URS_EFORMAT, URS_ELIMIT, and cal untouched on failure. */
char *urs_calibration_to_json(const urs_calibration *cal);
urs_status urs_calibration_from_json(urs_calibration *out, const char *json, size_t size, urs_error *err) URS_CHECKED;

typedef enum urs_verdict { URS_VERDICT_UNSURE, URS_VERDICT_KNOWN, URS_VERDICT_NEW } urs_verdict;

#define URS_VERDICT_KNOWN_AT 0.80
#define URS_VERDICT_NEW_BELOW 0.20

typedef struct urs_verdict_options {
    double known_at;  /* best candidate's probability from which it is "known"; 0: URS_VERDICT_KNOWN_AT */
    double new_below; /* below this it is "new"; 0: URS_VERDICT_NEW_BELOW; a negative number: never "new" */
} urs_verdict_options;

/* Between the two it is "unsure". Without any candidate (probability < 0 or NaN): "new". options may be NULL. */
urs_verdict urs_verdict_decide(double best_probability, const urs_verdict_options *options);
const char *urs_verdict_name(urs_verdict verdict); /* "known", "new", "unsure" */

/* Probabilities over all candidates at once. The pair probabilities p[n] (one for each known bear, from its score) are seen as independent evidence, of which at most one
 * can be true: with l_i = p_i/(1-p_i) * (1-prior)/prior (prior 0: l_i = odds), posterior_i = (1-new_prior)/N * l_i / (new_prior + sum_j (1-new_prior)/N * l_j); N = bears.
 * The first n of N bears are given, the rest counts as 0. new_prior 0: 0.5. *p_new (may be NULL) gets what is left. posterior may be p itself. */
void urs_verdict_posterior(const double *p, size_t n, size_t bears, double prior, double new_prior, double *posterior, double *p_new);

#endif
