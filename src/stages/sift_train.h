/* Training of sift: a MobileNetV3-Small with three classes, empty / animal / bear (A), or one of the two networks of approach B, validated on cameras that training never saw. sift_pair.h trains both.
 *
 * Empties are few and from few cameras, so they are repeated (spec/models.md 6) and made (frames.h); classes are weighted on top. After every epoch the thresholds are
 * chosen on the validation frames for the wished recall of bears and stored with the weights:
 *      "bear":   a frame is bear if p(bear) >= it
 *      "animal": else animal if p(bear) + p(animal) >= it, else empty
 *
 * With folds (frames.folds > 0; sift_folds.h) the weights are those of the last epoch: an epoch chosen on the frames left out would make their scores too good. */
#ifndef URS_STAGES_SIFT_TRAIN_H
#define URS_STAGES_SIFT_TRAIN_H

#include "data/frames.h"
#include "stages/fit.h"
#include "stages/sift_threshold.h"

typedef enum urs_sift_role {
    URS_SIFT_ALL,           /* A: empty, animal, bear */
    URS_SIFT_EMPTY_OR_NOT,  /* B, first: empty, animal of any kind */
    URS_SIFT_BEAR_OR_NOT    /* B, second: animal, bear; empty frames are not looked at */
} urs_sift_role;

typedef struct urs_sift_train_options {
    urs_sift_role role;         /* of the network; thresholds are chosen for URS_SIFT_ALL only */
    urs_fit_options fit;
    urs_frames_options frames;  /* manifest, sources, folders, shares */
    const char *arch;           /* NULL: "mobilenet_v3_small" */
    const char *init;           /* starting weights; NULL: random */
    int32_t side;               /* 0: 224 */
    float repeat[URS_FRAME_CLASSES];  /* how often a frame of the class comes in an epoch; 0: 1 */
    int32_t draws;              /* frames in an epoch, a third of each class whatever `repeat` says; trainings on different sources stay comparable by it; 0: by `repeat` */
    float weight[URS_FRAME_CLASSES];  /* class weights of the loss; 0: 1 */
    double bear_recall;         /* wished; 0: URS_SIFT_BEAR_RECALL */
    double trunk_lr_scale;      /* of pretrained parameters; 0: 0.3 with init, 1 without */
    double weight_decay;        /* 0: 0.02 */
    const urs_sift_thresholds *thresholds; /* borrowed; stored as they are instead of chosen; required when nothing is left out (frames.folds > 0, frames.fold 0) */
} urs_sift_train_options;

urs_status urs_sift_train(const urs_sift_train_options *options, urs_fit_report *report, urs_error *err) URS_CHECKED;

#define URS_SIFT_BEAR_RECALL 0.97 /* default of bear_recall */

/* Stores ursid.thresholds, and with them what they cost: {"bear": .., "animal": .., "min_bear_recall": .., "called_bear": .., "let_through": ..}, shares of the n frames [n][3] that they were chosen on
 * (B: gated); n 0: the first two alone. */
urs_status urs_sift_store_thresholds(urs_network *network, const urs_sift_thresholds *thresholds, double bear_recall, const float *probabilities, size_t n, urs_error *err) URS_CHECKED;

/* Class probabilities [n][3] of the frames in a list by one network of three classes (URS_EMISMATCH: another), for validation. */
urs_status urs_sift_probabilities(float *out, const urs_frames *frames, const urs_network *network, urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
