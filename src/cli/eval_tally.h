/* Hits and average precisions summed by individual, and what follows from them: means over individuals, and paired differences between two ways of asking the same questions. */
#ifndef URS_CLI_EVAL_TALLY_H
#define URS_CLI_EVAL_TALLY_H

#include "eval/retrieval.h"

typedef struct urs_tally {
    double *hit, *precision, *queries; /* owned [individuals] */
    size_t individuals;
} urs_tally;

typedef enum urs_tally_what { URS_TALLY_HIT1, URS_TALLY_MAP } urs_tally_what;

urs_status urs_tally_new(urs_tally *out, size_t individuals, urs_error *err) URS_CHECKED;
void urs_tally_release(urs_tally *t);

/* Adds the answerable queries; their identities are below `individuals`. */
void urs_tally_add(urs_tally *t, const urs_retrieval_result *result);
void urs_tally_add_one(urs_tally *t, int64_t identity, double hit, double precision);

/* Mean over the individuals that were asked for, with its interval by individual; with `less`: of the differences to that one, over the individuals that both were asked for.
 * NaN where there are none; count (optional): how many individuals. rounds as in interval.h. */
urs_status urs_tally_mean(urs_interval *out, size_t *count, const urs_tally *t, urs_tally_what what, const urs_tally *less, int rounds, urs_error *err) URS_CHECKED;

/* "  0.475 (0.330-0.630)", with a sign "  +0.025 (-0.090 +0.150)". */
void urs_tally_put(urs_text *text, urs_interval v, bool sign);

#endif
