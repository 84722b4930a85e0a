/* The rule of sift and its thresholds; see sift_threshold.h. */
#include "stages/sift_threshold.h"

#include "base/memory.h"
#include "eval/classification.h"

#include <math.h>

#define BEAR_MOST 0.5 /* A: the likeliest class stays the answer where it is a bear */

int32_t urs_sift_decide(const float p[URS_FRAME_CLASSES], const urs_sift_thresholds *t)
{
    if ((double)p[URS_FRAME_BEAR] >= t->bear)
        return URS_FRAME_BEAR;
    return (double)p[URS_FRAME_BEAR] + (double)p[URS_FRAME_ANIMAL] >= t->animal ? URS_FRAME_ANIMAL : URS_FRAME_EMPTY;
}

void urs_sift_gate(float p[URS_FRAME_CLASSES], urs_sift_approach approach, const urs_sift_thresholds *t)
{
    if (approach != URS_SIFT_TWO_NETWORKS || (double)p[URS_FRAME_BEAR] + (double)p[URS_FRAME_ANIMAL] >= t->animal)
        return;
    p[URS_FRAME_ANIMAL] += p[URS_FRAME_BEAR];
    p[URS_FRAME_BEAR] = 0;
}

/* Best balanced accuracy of empty against the rest, with the threshold of bears as it is. */
static double choose_animal(const float *p, const int32_t *labels, size_t n, double bear)
{
    double best = -1, chosen = 0.5;
    for (int step = 1; step < 100; step++) {
        const urs_sift_thresholds candidate = {.bear = bear, .animal = step / 100.0};
        double right[2] = {0}, all[2] = {0}, balanced;
        for (size_t i = 0; i < n; i++) {
            const int filled = labels[i] != URS_FRAME_EMPTY;
            all[filled]++;
            right[filled] += (urs_sift_decide(p + i * URS_FRAME_CLASSES, &candidate) != URS_FRAME_EMPTY) == filled;
        }
        balanced = (all[0] > 0 ? right[0] / all[0] : 0) + (all[1] > 0 ? right[1] / all[1] : 0);
        if (balanced > best) {
            best = balanced;
            chosen = candidate.animal;
        }
    }
    return chosen;
}

/* Highest threshold of p(bear), or of p(animal) + p(bear), that a share of the bears reaches. */
static urs_status reached_by_bears(double *out, float *score, uint8_t *positive, const float *p, const int32_t *labels, size_t n, bool filled, const urs_sift_thresholds *gate, double recall,
                                   urs_error *err)
{
    for (size_t i = 0; i < n; i++) {
        float q[URS_FRAME_CLASSES] = {p[i * URS_FRAME_CLASSES], p[i * URS_FRAME_CLASSES + 1], p[i * URS_FRAME_CLASSES + 2]};
        if (gate)
            urs_sift_gate(q, URS_SIFT_TWO_NETWORKS, gate);
        score[i] = filled ? q[URS_FRAME_BEAR] + q[URS_FRAME_ANIMAL] : q[URS_FRAME_BEAR];
        positive[i] = labels[i] == URS_FRAME_BEAR;
    }
    return urs_threshold_for_recall(out, NULL, NULL, score, positive, n, recall, err);
}

urs_status urs_sift_choose_thresholds(urs_sift_thresholds *out, urs_sift_approach approach, const float *p, const int32_t *labels, size_t n, double bear_recall, urs_error *err)
{
    float *score = urs_array_new(n, sizeof *score);
    uint8_t *positive = urs_array_new(n, 1);
    urs_sift_thresholds t = {.bear = BEAR_MOST, .animal = 0.5};
    bool bears = false;
    double gate = 0.5;
    urs_status status = score && positive ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (size_t i = 0; i < n; i++)
        bears = bears || labels[i] == URS_FRAME_BEAR;
    switch (approach) {
    case URS_SIFT_ONE_NETWORK:
        if (status == URS_OK && bears)
            status = reached_by_bears(&t.bear, score, positive, p, labels, n, false, NULL, bear_recall, err);
        t.bear = fmin(t.bear, BEAR_MOST);
        if (status == URS_OK)
            t.animal = choose_animal(p, labels, n, t.bear);
        break;
    case URS_SIFT_TWO_NETWORKS:
        if (status == URS_OK)
            t.animal = gate = choose_animal(p, labels, n, 2); /* bears are among what the first network lets through: no answer of the second counts */
        if (status == URS_OK && bears)
            status = reached_by_bears(&gate, score, positive, p, labels, n, true, NULL, (1 + bear_recall) / 2, err);
        if (status == URS_OK)
            t.animal = fmin(t.animal, gate);
        if (status == URS_OK && bears)
            status = reached_by_bears(&t.bear, score, positive, p, labels, n, false, &t, bear_recall, err);
        break;
    case URS_SIFT_DETECTOR:
        if (status == URS_OK && bears)
            status = reached_by_bears(&t.bear, score, positive, p, labels, n, false, NULL, bear_recall, err);
        t.animal = t.bear;
        break;
    }
    if (status == URS_OK)
        *out = t;
    urs_free(score);
    urs_free(positive);
    return status;
}

urs_status urs_sift_carry_thresholds(urs_sift_thresholds *out, const urs_sift_thresholds *thresholds, const float *from, const float *to, size_t n, urs_error *err)
{
    urs_sift_thresholds t = {0};
    float *scores = urs_array_new(n, 4 * sizeof *scores);
    float *bear[2] = {scores, scores + n}, *filled[2] = {scores + 2 * n, scores + 3 * n};
    urs_status status;
    if (!scores)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (size_t i = 0; i < n; i++) {
        const float *p[2] = {from + i * URS_FRAME_CLASSES, to + i * URS_FRAME_CLASSES};
        for (int k = 0; k < 2; k++) {
            bear[k][i] = p[k][URS_FRAME_BEAR];
            filled[k][i] = p[k][URS_FRAME_BEAR] + p[k][URS_FRAME_ANIMAL];
        }
    }
    status = urs_threshold_carry(&t.bear, thresholds->bear, bear[0], bear[1], n, err);
    if (status == URS_OK)
        status = urs_threshold_carry(&t.animal, thresholds->animal, filled[0], filled[1], n, err);
    if (status == URS_OK)
        *out = t;
    urs_free(scores);
    return status;
}
