/* Average precision of boxes and masks, as COCO defines it.
 *
 * Thresholds IoU .50:.05:.95; AP is the mean of the precision envelope at recalls 0, .01 .. 1 (101 points). Images are given one after the other and only matches are kept, so masks need not stay in memory.
 *
 * Matching, the default (URS_MATCH_COCO, agrees with pycocotools): guesses in falling score; each takes the unmatched truth of its class with the highest IoU >= t. The
 * alternative URS_MATCH_IOU is Ultralytics': all pairs with IoU >= t in falling IoU, each guess and each truth used once. They differ where a better scored guess would take the
 * truth that a worse scored one fits better: with URS_MATCH_IOU the latter gets it. Numbers that we publish use COCO's.
 * Truths marked `ignore` neither count as missed nor make a guess false; a guess takes one only when no other truth fits (COCO's rule for ignored regions). With ignored truths the IoU is
 * inter/union as for the others (COCO uses inter/guess area for its crowds, which we do not have). One owner at a time. */
#ifndef URS_EVAL_DETECTION_AP_H
#define URS_EVAL_DETECTION_AP_H

#include "base/error.h"
#include "image/image.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_AP_THRESHOLDS 10
#define URS_AP_RECALLS 101

typedef struct urs_ap urs_ap;
typedef enum urs_ap_kind { URS_AP_BOX, URS_AP_MASK } urs_ap_kind;
typedef enum urs_ap_matching { URS_MATCH_COCO, URS_MATCH_IOU } urs_ap_matching;

typedef struct urs_ap_options {
    urs_ap_kind kind;
    urs_ap_matching matching;
    int32_t classes;        /* 0: 1 */
    int32_t max_detections; /* best guesses of a class in an image; 0: 100 */
} urs_ap_options;

typedef struct urs_ap_object {
    int32_t label;         /* 0 .. classes-1 */
    float score;           /* guesses only */
    urs_box box;
    const urs_image *mask; /* borrowed for the call; 1 channel, not 0 = inside, of the whole picture; only for URS_AP_MASK (NULL: nothing inside) */
    bool ignore;           /* truths only */
} urs_ap_object;

typedef struct urs_ap_result {
    double map, ap50, ap75;              /* means over classes that have truths; NaN when none has */
    double ap[URS_AP_THRESHOLDS];        /* by threshold */
    double recall[URS_AP_THRESHOLDS];    /* highest recall by threshold, mean over classes */
    double average_recall;               /* mean of `recall` */
    double precision50[URS_AP_RECALLS];  /* envelope at IoU .50, mean over classes: the precision-recall curve */
    double best_f1, best_f1_score;       /* at IoU .50 over all classes: highest F1, and the score threshold that gives it */
    double best_f1_recall, best_f1_precision;
    size_t images, truths, guesses;      /* truths without the ignored ones */
} urs_ap_result;

urs_status urs_ap_new(urs_ap **out, const urs_ap_options *options, urs_error *err) URS_CHECKED; /* owned; urs_ap_free */
void urs_ap_free(urs_ap *ap);
/* One image with all its truths and guesses (any order). URS_EINVAL: bad label, score not finite, masks of different sizes. */
urs_status urs_ap_add_image(urs_ap *ap, const urs_ap_object *truth, size_t truths, const urs_ap_object *guess, size_t guesses, urs_error *err) URS_CHECKED;
urs_status urs_ap_finish(const urs_ap *ap, urs_ap_result *out, urs_error *err) URS_CHECKED;
json_t *urs_ap_json(const urs_ap_result *result); /* new reference */

double urs_box_iou(urs_box a, urs_box b);
double urs_mask_iou(const urs_image *a, const urs_image *b); /* same size, 1 channel; 0 when both are empty */

#endif
