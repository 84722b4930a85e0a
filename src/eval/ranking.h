/* Scores sorted with their answers: the ground under ROC curves, thresholds and average precision. */
#ifndef URS_EVAL_RANKING_H
#define URS_EVAL_RANKING_H

#include <stddef.h>
#include <stdint.h>

typedef struct urs_ranked {
    float score;
    uint8_t positive;
} urs_ranked;

/* Owned [n], falling scores (NaN counts as the lowest); *positives gets their number. NULL: no memory. */
urs_ranked *urs_ranking_new(const float *score, const uint8_t *positive, size_t n, size_t *positives);

#endif
