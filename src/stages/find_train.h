/* Training of find: YOLOv8n-seg on labelled heads, with the losses, augmentation and schedule of spec/models.md 5 and what helps a small data set on top (pasting cut-out bears on
 * empty frames, grey and infra-red-like pictures, starting weights).
 *
 * Photographs are split by themselves, same-scene pairs together. Validated by mAP50-95 of boxes and masks on letterboxed photographs. */
#ifndef URS_STAGES_FIND_TRAIN_H
#define URS_STAGES_FIND_TRAIN_H

#include "data/augment_yolo.h"
#include "data/split.h"
#include "eval/detection_ap.h"
#include "stages/find.h"
#include "stages/fit.h"

typedef struct urs_find_train_options {
    urs_fit_options fit;
    const char *const *data;   /* borrowed; data sets with heads (heads folder, data.yaml, imglab XML); the first one is split, the others only train */
    size_t data_count;
    const char *backgrounds;   /* CSV manifest of frames, of which the empty ones are used; NULL: none */
    const char *together;      /* split.h; NULL: none */
    const char *arch;          /* NULL: "yolov8n-seg" */
    const char *init;          /* starting weights; NULL: random */
    int32_t side;              /* of the network input; 0: 320 */
    int32_t close_mosaic;      /* last epochs without mosaic; 0: 10 */
    int32_t repeat;            /* how often a photograph comes in an epoch; 0: 1 */
    double paste, empty;       /* urs_yolo_augment; 0: 0.3 and 0.1 with backgrounds; below 0: none */
    double mosaic;             /* share of the pictures put together from four; 0: 1; below 0: none */
    bool no_quality;           /* without grey, infra-red, blur, compression */
    float validation, test;    /* shares; 0: 0.15, 0.2 */
    uint64_t split_seed;       /* 0: 1 */
} urs_find_train_options;

urs_status urs_find_train(const urs_find_train_options *options, urs_fit_report *report, urs_error *err) URS_CHECKED;

/* Scenes of one part of the first data set, split as training does. */
urs_status urs_find_train_scenes(urs_scene_set *out, const urs_find_train_options *options, urs_part part, urs_error *err) URS_CHECKED;

/* Scenes of the training part at `side`, with the empty frames of `backgrounds`: what calibration of int8 weights looks at. */
urs_status urs_find_train_calibration(urs_scene_set *out, const urs_find_train_options *options, int32_t side, urs_error *err) URS_CHECKED;

typedef struct urs_find_quality {
    urs_ap_result box, mask;
} urs_find_quality;
/* The two halves of urs_find_evaluate, for resampling: detections of every scene (owned list of owned lists), and average precision over the scenes item[0..count-1], repeats allowed (NULL: all in
 * order). */
urs_status urs_find_detect(urs_detections **found, const urs_scene_set *scenes, const urs_network *network, const urs_find_options *settings, urs_pool *pool, urs_error *err) URS_CHECKED;
urs_status urs_find_score(urs_find_quality *out, const urs_scene_set *scenes, const urs_detections *found, const size_t *item, size_t count, bool no_masks, urs_error *err) URS_CHECKED;
/* Average precision on scenes. settings NULL: score above 0.001, iou 0.7. */
urs_status urs_find_evaluate(urs_find_quality *out, const urs_scene_set *scenes, const urs_network *network, const urs_find_options *settings, urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
