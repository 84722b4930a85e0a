/* YOLOv8's training pipeline on scenes: mosaic, random perspective, letterbox, HSV, flip; boxes and instance masks are carried along.
 *
 *   scenes (longer side s) -> mosaic 2s x 2s, fill 114 -> one warp to s x s -> HSV -> [quality] -> flip
 *                          or letterbox s x s          -> the same warp
 *
 * Order, ranges and filters are those of spec/models.md 5.4 (Ultralytics 8.x); defaults are its defaults. The instance map is made at a quarter of the size
 * (mask_ratio 4) with one index per pixel, smaller objects on top (overlap_mask).
 *
 *   urs_yolo_sample:  image  [s][s][3] u8
 *                     index  [s/4][s/4][1] u8: 0 = background, i+1 = object i
 *
 * Boxes after the warp: bounding box of the warped mask outline where the object has a mask that fills its box, else of the warped corners; clipped;
 * kept if both sides > 2 px, area after / (before * scale^2) > 0.1 (0.01 with a mask), aspect < 100. Pure function of its arguments; thread safe. */
#ifndef URS_DATA_AUGMENT_YOLO_H
#define URS_DATA_AUGMENT_YOLO_H

#include "data/scene.h"

typedef struct urs_yolo_augment { /* zero value: no change but letterbox; urs_yolo_augment_default() gives Ultralytics' values */
    int32_t side;                 /* network input, multiple of 32; required */
    float mosaic;                 /* probability */
    float degrees, translate, scale, shear;
    float hsv_h, hsv_s, hsv_v;
    float flip;                   /* left-right, probability */
    float paste;                  /* probability that a scene is replaced by its animals on a background (needs backgrounds and a body mask) */
    float empty;                  /* probability that a tile is a background without heads */
    urs_photometric quality;      /* extra: grey, infra-red, JPEG, blur ...; zero = none */
} urs_yolo_augment;

urs_yolo_augment urs_yolo_augment_default(int32_t side); /* mosaic 1, translate .1, scale .5, hsv .015/.7/.4, flip .5 */

typedef struct urs_yolo_sample {
    urs_image image;     /* owned */
    urs_image index;     /* owned */
    urs_object *objects; /* owned; boxes in network pixels; points carried along (has_points false when one left the picture) */
    size_t count;
} urs_yolo_sample;

void urs_yolo_sample_release(urs_yolo_sample *sample);

/* Training sample made from scene `item` (and, in a mosaic, three others drawn). */
urs_status urs_yolo_sample_make(urs_yolo_sample *out, const urs_scene_set *set, size_t item, const urs_yolo_augment *options, urs_random *random,
                                urs_error *err) URS_CHECKED;
/* The same for epoch and position: the generator is drawn from (seed, epoch, position). */
urs_status urs_yolo_sample_at(urs_yolo_sample *out, const urs_scene_set *set, size_t item, const urs_yolo_augment *options, uint64_t seed, uint64_t epoch,
                              uint64_t position, urs_error *err) URS_CHECKED;
/* The whole scene letterboxed, nothing drawn: validation. */
urs_status urs_yolo_sample_plain(urs_yolo_sample *out, const urs_scene *scene, int32_t side, urs_letterbox *how, urs_error *err) URS_CHECKED;
/* [3][s][s], 0..1. */
void urs_yolo_sample_tensor(float *out, const urs_yolo_sample *sample);

/* ---- the steps, for tests ---- */
typedef struct urs_mosaic { /* where the four tiles lie on the canvas */
    urs_box from[4], to[4]; /* whole pixels: part of the tile, place on the canvas */
} urs_mosaic;
urs_mosaic urs_mosaic_layout(int32_t side, int32_t centre_x, int32_t centre_y, const int32_t width[4], const int32_t height[4]);
/* Warps the scene with m (output -> input, as urs_image_warp) into size x size and carries the objects; `zoom` is the scale that the matrix holds. */
urs_status urs_scene_warp(urs_yolo_sample *out, const urs_scene *scene, int32_t size, const double m[6], double zoom, urs_error *err) URS_CHECKED;

#endif
