/* Cross-validation of sift over cameras: what a recipe does on cameras that it has not seen, and thresholds that hold there.
 *
 *      frames outside the test part, dealt into K folds of whole cameras
 *      fold k:   train on the others -> OUT.foldK.safetensors -> probabilities of the frames of fold k
 *      pooled:   every frame judged once, by a network that never saw its camera  ->  thresholds, recalls with intervals over cameras
 *
 * One validation part of some 370 frames has few cameras, and a threshold chosen on it (and on the epoch that was best there) does not carry over. The pooled scores
 * come from all cameras, of the last epoch. Beside real frames the folds judge *probes* where labelled photographs are given: crops, pasted bears and decoys of
 * the frames left out (frames.h).
 *
 * Blocks for K trainings; with fit.resume those that are done are not repeated. */
#ifndef URS_STAGES_SIFT_FOLDS_H
#define URS_STAGES_SIFT_FOLDS_H

#include "base/text.h"
#include "stages/sift_train.h"

typedef struct urs_sift_score {
    float p[URS_FRAME_CLASSES];
    int32_t label, fold;
    urs_frame_source source;
    int64_t group;           /* frames of one camera have one; each photograph and each probe its own */
    char name[64], camera[32]; /* file name and camera, cut if longer; empty for probes */
} urs_sift_score;

typedef struct urs_sift_scores {
    urs_sift_score *items; /* owned */
    size_t count;
} urs_sift_scores;
void urs_sift_scores_release(urs_sift_scores *scores);

/* options.fit.out names the files; options.frames.folds of at least 2 is required; options.frames.fold and probes are set here. */
urs_status urs_sift_cross_validate(urs_sift_scores *out, const urs_sift_train_options *options, urs_error *err) URS_CHECKED;

/* Thresholds by urs_sift_choose_thresholds on the pooled real frames and photographs (not the probes). */
urs_status urs_sift_scores_thresholds(urs_sift_thresholds *out, const urs_sift_scores *scores, double bear_recall, urs_error *err) URS_CHECKED;
/* Adds tables: recall of each class with 95 % intervals over cameras and precision of bear; the share of probes judged right. */
urs_status urs_sift_scores_text(urs_text *out, const urs_sift_scores *scores, const urs_sift_thresholds *thresholds, int rounds, urs_error *err) URS_CHECKED;
/* Writes a CSV: name,source,camera,group,fold,label,empty,animal,bear. */
urs_status urs_sift_scores_write(const urs_sift_scores *scores, const char *path, urs_error *err) URS_CHECKED;

#endif
