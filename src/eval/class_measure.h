/* Measures of answers to a question of several classes, one class (or a set of them) against the rest, each with its interval: the cells of a table that compares classifiers.
 *
 *      T: truths, A: answers, both sets of classes (bit c: class c)
 *
 *                    answer in A   else                 recall      a / (a + b)
 *      truth in T         a          b                  precision   a / (a + c)
 *      else               c          d                  F1          2a / (2a + b + c)
 *                                                       accuracy    (a + d) / all;  T = A = 0: share of answers that are the truth itself
 *
 *      "recall" of T = {empty}, A = {bear}: the share of empty frames that raise a false alarm; of T = all, A = {animal, bear}: the share of frames that is kept.
 *
 * Thread safe. */
#ifndef URS_EVAL_CLASS_MEASURE_H
#define URS_EVAL_CLASS_MEASURE_H

#include "eval/interval.h"

#include <stdbool.h>

typedef enum urs_measure_kind { URS_MEASURE_ACCURACY, URS_MEASURE_RECALL, URS_MEASURE_PRECISION, URS_MEASURE_F1 } urs_measure_kind;

typedef struct urs_class_measure {
    urs_measure_kind kind;
    uint32_t truths, answers;
} urs_class_measure;

typedef struct urs_class_answers { /* all borrowed, [count] */
    const int32_t *truth, *answer; /* classes 0 .. 31 */
    const int32_t *less;           /* (optional) answers of another classifier: its measure is taken off */
    const int64_t *cluster;        /* what is drawn as a whole, interval.h */
    const bool *use;               /* (optional) which items are looked at */
    size_t count;
} urs_class_answers;

/* Value (NaN: nothing to measure) and 95 % interval; rounds, seed as in interval.h. of (optional): how many items the denominator has (F1, accuracy: items looked at; with `less` that of the first). */
urs_status urs_class_measure_take(urs_interval *out, size_t *of, const urs_class_measure *measure, const urs_class_answers *answers, int rounds, uint64_t seed, urs_error *err) URS_CHECKED;

#endif
