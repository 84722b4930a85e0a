/* A picture together with its labelled objects, as the find stage trains on: loaded once at the size of training, then only read.
 *
 *   urs_scene:  image  [h][w][3]
 *               index  [h][w][1]  0 = nothing, i+1 = objects[i] (smaller objects on top); empty when no object has a mask
 *               body   [h][w][1]  0 / 255 animal as a whole; empty when not known
 *
 * Owned by whoever made it; reading is thread safe. */
#ifndef URS_DATA_SCENE_H
#define URS_DATA_SCENE_H

#include "base/random.h"
#include "data/augment.h"
#include "data/dataset.h"

typedef struct urs_object {
    urs_box box;      /* pixels of the scene */
    int32_t label;    /* class */
    bool has_mask;
    bool has_points;  /* both eyes and the nose */
    urs_point left_eye, right_eye, nose;
    int32_t individual;
} urs_object;

typedef struct urs_scene {
    urs_image image, index, body;
    urs_object *objects; /* owned */
    size_t count;
    bool can_paste;   /* there is a body mask and it holds at least 0.4 of every object's box: cutting out loses no head */
} urs_scene;

void urs_scene_release(urs_scene *scene);

/* Decodes the sample's picture (and masks), scaled so that its longer side is `side` (0 = as it is). Heads marked ignore are left out. one_class: every object
 * gets label 0. */
urs_status urs_scene_load(urs_scene *out, const urs_sample *sample, int32_t side, bool one_class, urs_error *err) URS_CHECKED;

/* Paints the outline's inside (even-odd) with `value`; points in pixels. */
void urs_polygon_fill(urs_image *map, const urs_point *points, size_t n, uint8_t value);

/* The animals of `from` (can_paste must hold: URS_EINVAL) cut out and pasted on `background` at a random place and size (animal height 0.25 .. 0.95 of the
 * frame), with its objects carried along; gives a new scene of the background's size. Objects that are hidden or outside by more than half are dropped. */
urs_status urs_scene_paste(urs_scene *out, const urs_image *background, const urs_scene *from, urs_random *random, urs_error *err) URS_CHECKED;

typedef struct urs_scene_set { /* everything the find stage trains on */
    urs_scene *scenes;         /* owned */
    size_t count;
    urs_image *backgrounds;    /* owned; empty frames: pasted on, and (share_empty) used as they are */
    size_t background_count;
} urs_scene_set;

/* Loads the samples `items` of the dataset at `side`; samples without has_heads become backgrounds. A picture that cannot be read fails the whole. */
urs_status urs_scene_set_load(urs_scene_set *out, const urs_dataset *dataset, const size_t *items, size_t n, int32_t side, bool one_class, urs_error *err) URS_CHECKED;
/* Adds pictures without heads (empty frames). */
urs_status urs_scene_set_add_backgrounds(urs_scene_set *set, const urs_dataset *dataset, const size_t *items, size_t n, int32_t side, urs_error *err) URS_CHECKED;
void urs_scene_set_release(urs_scene_set *set);

#endif
