/* The loss of YOLOv8 and YOLOv8-seg: task-aligned assigner, CIoU, distribution focal loss, class BCE, prototype masks (as Ultralytics 8.x).
 *
 * Two phases, because the normalisers are sums over the whole batch while a batch may be split over threads:
 *
 *      shard 0: urs_yolo_loss_assign -> sums 0 --+                      +-- urs_yolo_loss_run(totals) -> parts 0, gradients
 *      shard 1: urs_yolo_loss_assign -> sums 1 --+-- urs_yolo_sums_add -+-- urs_yolo_loss_run(totals) -> parts 1, gradients
 *
 * The parts of the shards add up to those of the batch, and so do the parameter gradients that follow.
 *
 * Raw outputs, one set a level, coarseness `stride`, all NCHW float as the graph gives them:
 *      box  [N, 4*bins, h, w]  logits of the distances left, top, right, bottom, `bins` (16) bins each
 *      cls  [N, nc, h, w]      class logits
 *      coef [N, 32, h, w]      mask coefficients          (only with masks)
 *      proto [N, 32, hp, wp]   mask prototypes, one set   (only with masks)
 *
 * What PyTorch detaches is constant for the gradient: everything the assigner computes, and alpha in CIoU.
 *
 * A urs_yolo_loss holds the workspace of one shard; one thread at a time. */
#ifndef URS_TRAIN_LOSS_YOLO_H
#define URS_TRAIN_LOSS_YOLO_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_YOLO_LEVELS_MAX 5

typedef struct urs_yolo_level {
    int32_t h, w, stride;
} urs_yolo_level;

typedef struct urs_yolo_loss_options {
    int32_t batch;   /* most images in one call; required */
    int32_t classes; /* required */
    int32_t n_levels;
    urs_yolo_level levels[URS_YOLO_LEVELS_MAX];
    int32_t bins;                                  /* 0: 16 */
    int32_t coefficients;                          /* 0: no masks; 32 */
    int32_t proto_h, proto_w;                      /* with masks */
    int32_t input_h, input_w;                      /* size of the network input, pixels; 0: level 0 times its stride */
    double box_gain, cls_gain, dfl_gain;           /* 0: 7.5, 0.5, 1.5 */
    double mask_gain;                              /* 0: the box gain */
    int32_t top_k;                                 /* 0: 10 */
    double alpha, beta;                            /* 0: 0.5, 6 */
    int32_t targets_max;                           /* most targets in one image; 0: 255 */
} urs_yolo_loss_options;

/* Raw outputs, borrowed. */
typedef struct urs_yolo_outputs {
    const float *box[URS_YOLO_LEVELS_MAX], *cls[URS_YOLO_LEVELS_MAX], *coef[URS_YOLO_LEVELS_MAX];
    const float *proto;
} urs_yolo_outputs;

/* Where the gradients go, same shapes; all overwritten. */
typedef struct urs_yolo_gradients {
    float *box[URS_YOLO_LEVELS_MAX], *cls[URS_YOLO_LEVELS_MAX], *coef[URS_YOLO_LEVELS_MAX];
    float *proto;
} urs_yolo_gradients;

/* The truth of one image, borrowed. */
typedef struct urs_yolo_targets {
    int32_t n;
    const float *boxes;        /* n times x1, y1, x2, y2 in pixels of the network input; boxes without area are left out */
    const int32_t *classes;    /* n numbers below `classes` */
    const uint8_t *index_map;  /* [proto_h*proto_w]: 0 background, i+1 where target i is seen (smaller objects on top); NULL: no mask loss */
} urs_yolo_targets;

typedef struct urs_yolo_sums {
    double score_sum;   /* sum of the target scores, not yet clamped to 1 */
    int64_t foreground; /* anchors with a target */
    int64_t images;
} urs_yolo_sums;

typedef struct urs_yolo_parts {
    double box, cls, dfl, mask; /* without gains, already divided by the totals */
    double total;               /* (gains . parts) * totals.images */
} urs_yolo_parts;

typedef struct urs_yolo_loss urs_yolo_loss;

urs_status urs_yolo_loss_new(urs_yolo_loss **out, const urs_yolo_loss_options *options, urs_error *err) URS_CHECKED;
void urs_yolo_loss_free(urs_yolo_loss *y);

/* Phase one: decodes the boxes of n images and assigns targets to anchors. `outputs` and `targets` (n of them, with what they point to) must
 * live until urs_yolo_loss_run. URS_EINVAL: a class out of range, too many targets. */
urs_status urs_yolo_loss_assign(urs_yolo_loss *y, urs_yolo_sums *sums, const urs_yolo_outputs *outputs, const urs_yolo_targets *targets, int32_t n,
                                urs_error *err) URS_CHECKED;

void urs_yolo_sums_add(urs_yolo_sums *total, const urs_yolo_sums *part);

/* Phase two: the shard's parts of the loss and the gradients of the TOTAL with respect to all outputs. `totals` are the sums over the shards.
 * gradients NULL: only the values. */
urs_status urs_yolo_loss_run(urs_yolo_loss *y, urs_yolo_parts *parts, const urs_yolo_gradients *gradients, const urs_yolo_sums *totals,
                             urs_error *err) URS_CHECKED;

/* What the assigner decided for one image of the last call, borrowed until the next: per anchor (levels one after the other, row by row) the index
 * of its target or -1, and its target score. For tests and for drawing. */
int64_t urs_yolo_loss_anchors(const urs_yolo_loss *y);
void urs_yolo_loss_assignment(const urs_yolo_loss *y, int32_t image, const int32_t **target, const float **score);

/* CIoU of two boxes x1,y1,x2,y2; grad (optional, 4 doubles) receives its derivative by box a with alpha held constant. */
double urs_yolo_ciou(const double a[4], const double b[4], double *grad);

/* The value of an anchor for a target: s^alpha * max(u,0)^beta. */
double urs_yolo_alignment(double s, double u, double alpha, double beta);

/* Distribution focal loss of one side: `bins` logits, target in bins (clamped to 0 .. bins-1-0.01); grad (optional) bins doubles. */
double urs_yolo_dfl(const double *logits, int32_t bins, double target, double *grad);

#endif
