/* From the probabilities of a frame to its class: the rule, and thresholds that find a wished share of the bears.
 *
 *      p(bear) >= bear ------------------------> bear
 *      else p(animal) + p(bear) >= animal -----> animal
 *      else -----------------------------------> empty
 *
 * The rule is the same for the three approaches, because each says what it knows as three probabilities (sift.h). Thread safe. */
#ifndef URS_STAGES_SIFT_THRESHOLD_H
#define URS_STAGES_SIFT_THRESHOLD_H

#include "base/error.h"
#include "data/frames.h"

typedef enum urs_sift_approach {
    URS_SIFT_ONE_NETWORK,  /* A: three classes */
    URS_SIFT_TWO_NETWORKS, /* B: empty or not, and then, of what the first lets through, bear or not */
    URS_SIFT_DETECTOR      /* C: a detector of heads; the score of its best box */
} urs_sift_approach;

typedef struct urs_sift_thresholds {
    double bear, animal;
} urs_sift_thresholds;

/* The class that the thresholds give these probabilities (empty, animal, bear). */
int32_t urs_sift_decide(const float p[URS_FRAME_CLASSES], const urs_sift_thresholds *thresholds);

/* B: what is left of the probabilities when the second network is only asked about frames with p(animal) + p(bear) >= animal: below, p(animal) takes over p(bear). Others: no change. */
void urs_sift_gate(float p[URS_FRAME_CLASSES], urs_sift_approach approach, const urs_sift_thresholds *thresholds);

/* Thresholds with which at least `bear_recall` of the bears are called bear. probabilities [n][3] (B: not gated), labels [n].
 *      A  bear: the highest that does, but at most 0.5. animal: best balanced accuracy of empty against the rest among what is not called bear
 *      B  animal: the same, but at most the highest that lets (1 + bear_recall) / 2 of the bears through to the second network; then bear: the highest that does
 *      C  bear: the highest that does; animal: the same, since a detector of bears knows no other animals
 * Without a bear among the labels: bear 0.5. */
urs_status urs_sift_choose_thresholds(urs_sift_thresholds *out, urs_sift_approach approach, const float *probabilities, const int32_t *labels, size_t n, double bear_recall,
                                      urs_error *err) URS_CHECKED;

/* Thresholds for another network's probabilities [n][3] of the same frames, without their labels: each lets as many frames through as `thresholds` does of the first network's. */
urs_status urs_sift_carry_thresholds(urs_sift_thresholds *out, const urs_sift_thresholds *thresholds, const float *from, const float *to, size_t n, urs_error *err) URS_CHECKED;

#endif
