/* New bears: can a bear that is not in the catalogue be told from those that are? And: are two chips the same bear?
 *
 * A query's score is its best similarity; high means known. See spec/models.md section 8. */
#ifndef URS_EVAL_OPENSET_H
#define URS_EVAL_OPENSET_H

#include "base/error.h"
#include "base/text.h"
#include "eval/interval.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Area under the ROC curve: chance that a positive scores above a negative, ties half. NaN when one kind is missing. */
double urs_auroc(const float *score, const uint8_t *positive, size_t n);
/* Share of negatives at or above the highest threshold that keeps at least `tpr` of the positives. NaN as above. */
double urs_fpr_at_tpr(const float *score, const uint8_t *positive, size_t n, double tpr);
/* Largest share of positives at or above a threshold that lets at most `fpr` of the negatives through: how many known bears are recognised when so many new ones may be called known. NaN as above. */
double urs_tpr_at_fpr(const float *score, const uint8_t *positive, size_t n, double fpr);
/* (TPR + TNR) / 2 of "score >= threshold". NaN as above. */
double urs_balanced_accuracy_at(const float *score, const uint8_t *positive, size_t n, double threshold);
/* Threshold with the highest balanced accuracy (half way between neighbouring scores; the lowest of equals). To be chosen on validation data. */
urs_status urs_best_threshold(double *threshold, double *balanced_accuracy, const float *score, const uint8_t *positive, size_t n, urs_error *err) URS_CHECKED;

typedef struct urs_roc { /* points from (0,0) to (1,1), owned [count] */
    double *fpr, *tpr;
    size_t count;
} urs_roc;
urs_status urs_roc_curve(urs_roc *out, const float *score, const uint8_t *positive, size_t n, urs_error *err) URS_CHECKED;
void urs_roc_release(urs_roc *roc);

typedef struct urs_openset_query {
    int64_t identity;      /* the truth */
    int64_t best_identity; /* the answer if it is called known */
    float score;           /* best similarity */
    uint8_t known;         /* 1: its bear is in the gallery */
} urs_openset_query;

typedef struct urs_openset_result {
    size_t known, unknown;
    urs_interval auroc, fpr95, balanced_accuracy; /* intervals by individual; balanced accuracy at `threshold` */
    double threshold;
    bool threshold_from_data;      /* chosen on these very data: the balanced accuracy, BAKS and BAUS are optimistic */
    double best_balanced_accuracy; /* with the best threshold for these very data: optimistic */
    urs_interval detected1, detected10; /* detection rate: known bears called known when 1 %, 10 % of the new ones are, too */
    urs_interval baks, baus, score; /* AnimalCLEF: mean over known bears of correct and called known; mean over new bears of called new; sqrt(baks * baus) */
} urs_openset_result;

/* threshold NaN: the best one for these data is used, and the JSON says so. rounds as in interval.h. URS_EINVAL when known or unknown queries are missing. */
urs_status urs_openset_evaluate(urs_openset_result *out, const urs_openset_query *query, size_t n, double threshold, int rounds, uint64_t seed,
                                urs_error *err) URS_CHECKED;
json_t *urs_openset_json(const urs_openset_result *r); /* new reference */
void urs_openset_text(const urs_openset_result *r, urs_text *out);

/* Pair verification: balanced, unique pairs without self-pairs and without pairs of one group; deterministic in the seed. Owned arrays [*pairs], `a` and `b` are numbers of chips.
 * wanted 0: as many as there are same-bear pairs (at most 100,000 of each kind). URS_EINVAL when one kind cannot be had. */
typedef struct urs_pairs {
    size_t *a, *b;
    uint8_t *same;
    size_t count;
} urs_pairs;
urs_status urs_pairs_draw(urs_pairs *out, const int64_t *identity, const int64_t *group, size_t n, size_t wanted, uint64_t seed, urs_error *err) URS_CHECKED;
void urs_pairs_release(urs_pairs *pairs);

#endif
