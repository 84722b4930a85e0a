/* Inside of urs_yolo_loss, shared by its three files. Arrays of anchors hold image after image, and in an image level after level, row by row. */
#ifndef URS_TRAIN_LOSS_YOLO_PRIVATE_H
#define URS_TRAIN_LOSS_YOLO_PRIVATE_H

#include "train/loss_yolo.h"

#define URS_YOLO_BINS_MAX 64
#define URS_YOLO_TOP_MAX 64

/* Where an anchor is. */
typedef struct urs_yolo_anchor {
    int32_t level, x, y;
} urs_yolo_anchor;

struct urs_yolo_loss {
    urs_yolo_loss_options options; /* defaults filled in */
    int64_t anchors;               /* of one image */
    int64_t first[URS_YOLO_LEVELS_MAX + 1];
    int32_t n; /* images of the last assign */
    urs_yolo_outputs outputs;
    const urs_yolo_targets *targets;
    int32_t *target; /* [batch][anchors] index or -1 */
    float *score;    /* [batch][anchors] */
    double *box;     /* [batch][anchors][4] decoded, in stride units; valid where `decoded` */
    uint8_t *decoded;
    int32_t *claimed;  /* [anchors] how many targets want the anchor */
    double *best;      /* [targets_max][2] largest alignment and largest overlap of a target */
    float *mask_row;   /* [proto_w] logits, then gradient, of one row */
};

urs_yolo_anchor urs_yolo_anchor_at(const urs_yolo_loss *y, int64_t anchor);

/* Address of channel 0 of this anchor in a map of `channels`, and the distance between channels. */
static inline size_t urs_yolo_map_offset(const urs_yolo_loss *y, urs_yolo_anchor at, int32_t image, int32_t channels)
{
    const urs_yolo_level *l = &y->options.levels[at.level];
    const size_t plane = (size_t)l->h * (size_t)l->w;

    return (size_t)image * (size_t)channels * plane + (size_t)at.y * (size_t)l->w + (size_t)at.x;
}

static inline size_t urs_yolo_map_plane(const urs_yolo_loss *y, int32_t level)
{
    return (size_t)y->options.levels[level].h * (size_t)y->options.levels[level].w;
}

/* The mask loss of one foreground anchor: its value (divided by the whole mask's pixels and by the target's area) and, scaled by `scale`, gradients that
 * are added to d_proto and written to d_coef (both NULL: only the value). */
double urs_yolo_mask_loss(urs_yolo_loss *y, int32_t image, urs_yolo_anchor at, int32_t target, double scale, float *d_coef, float *d_proto);

#endif
