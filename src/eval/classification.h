/* Classification: confusion matrix, accuracy, recall, precision and F1 of each class, and the threshold for a wished recall. */
#ifndef URS_EVAL_CLASSIFICATION_H
#define URS_EVAL_CLASSIFICATION_H

#include "base/error.h"
#include "base/text.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define URS_CLASSES_MAX 1000

typedef struct urs_confusion {
    size_t classes;
    uint64_t *count; /* owned [classes][classes]: row truth, column answer */
} urs_confusion;

typedef struct urs_class_scores {
    uint64_t truth, answered; /* frames of the class; frames answered with it */
    double recall, precision, f1; /* NaN when the denominator is 0 (f1: 0 when recall and precision are 0) */
} urs_class_scores;

urs_status urs_confusion_new(urs_confusion *out, size_t classes, urs_error *err) URS_CHECKED;
void urs_confusion_release(urs_confusion *c);
/* URS_EINVAL when a class is out of range. */
urs_status urs_confusion_add(urs_confusion *c, size_t truth, size_t answer, urs_error *err) URS_CHECKED;
uint64_t urs_confusion_total(const urs_confusion *c);
double urs_confusion_accuracy(const urs_confusion *c);          /* NaN when empty */
double urs_confusion_balanced_accuracy(const urs_confusion *c); /* mean recall of the classes that occur */
double urs_confusion_macro_f1(const urs_confusion *c);          /* mean over the classes that occur (a NaN precision counts as 0) */
urs_class_scores urs_confusion_class(const urs_confusion *c, size_t k);

/* Highest threshold t such that "score >= t" finds at least `recall` (0..1] of the positives. *precision and *reached (recall that is had; may be NULL) at that threshold.
 * URS_EINVAL without positives. */
urs_status urs_threshold_for_recall(double *threshold, double *reached, double *precision, const float *score, const uint8_t *positive, size_t n, double recall,
                                    urs_error *err) URS_CHECKED;

/* A threshold for the scores `to` that as many of them reach as scores `from` of the same n things reach `threshold`. Between the two scores of `to` that it must lie between it is as near to
 * `threshold` as it can be, so it stays where it is if no score crossed it. */
urs_status urs_threshold_carry(double *out, double threshold, const float *from, const float *to, size_t n, urs_error *err) URS_CHECKED;

/* Average precision as scikit-learn: sum over thresholds of (R_i - R_(i-1)) * P_i; ties are one threshold. NaN without positives. */
double urs_average_precision(const float *score, const uint8_t *positive, size_t n);

/* The curve behind it: recall[k], precision[k] with everything from the k-th highest score on counted as positive, highest first; ties are one point. recall, precision: room for n;
 * *count: points. URS_EINVAL without positives. */
urs_status urs_precision_recall(double *recall, double *precision, size_t *count, const float *score, const uint8_t *positive, size_t n, urs_error *err) URS_CHECKED;

/* New reference (json_decref); NULL: no memory. names[classes] borrowed. */
json_t *urs_confusion_json(const urs_confusion *c, const char *const *names);
/* Aligned text: the matrix, then one line a class, then accuracy. */
void urs_confusion_text(const urs_confusion *c, const char *const *names, urs_text *out);

#endif
