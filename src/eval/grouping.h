/* How well a grouping agrees with the truth: the adjusted Rand index (Hubert and Arabie 1985), and precision and recall of the pairs that it puts together. */
#ifndef URS_EVAL_GROUPING_H
#define URS_EVAL_GROUPING_H

#include <stddef.h>
#include <stdint.h>

typedef struct urs_grouping_score {
    size_t items, groups, identities;
    size_t joined, same, right; /* pairs in one group, of one identity, both */
    double rand;                /* adjusted Rand index: 1 the same grouping, 0 as by chance with groups of these sizes */
    double precision, recall;   /* right / joined, right / same; NaN without any */
} urs_grouping_score;

/* label and identity [n]: any numbers. O(n^2). Pure. */
urs_grouping_score urs_grouping_evaluate(const size_t *label, const int64_t *identity, size_t n);

#endif
