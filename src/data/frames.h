/* Training frames for sift: empty / animal / bear from every source we have, each to be switched on by name so that its worth can be measured.
 *
 *   source   what                                                                   label
 *   real     rows of the manifest that come from trap cameras                       as labelled
 *   photos   rows of the manifest with camera "photo" (photographs of bears)       as labelled
 *   crops    parts of bear photographs that hold no part of the animal             empty
 *   paste    bears cut out of photographs on empty frames                           bear
 *   mix      other animals' pictures, soft-edged, on empty frames                   animal
 *   decoy    pieces of other backgrounds in a bear's outline on empty frames        empty  (so that "pasted" does not mean bear)
 *   others   photographs of other animals (folders of individuals)                  animal (so that "photograph" does not mean bear)
 *   synth    frames rendered by `ursid synth` (its manifest.csv)                    as labelled
 *   tiny     64 x 64 class folders: brown_bear, animals, landscapes                 by class
 *
 * Generated sources (crops, paste, mix, decoy) have a fixed number of places in the list and are drawn anew for each epoch from (seed, epoch, item). Only
 * pictures of the part asked for are used as material, so nothing leaks. The list never changes after building: thread safe to read. */
#ifndef URS_DATA_FRAMES_H
#define URS_DATA_FRAMES_H

#include "base/pool.h"
#include "data/dataset.h"
#include "data/picture_cache.h"
#include "data/scene.h"
#include "data/split.h"

enum { URS_FRAME_EMPTY, URS_FRAME_ANIMAL, URS_FRAME_BEAR, URS_FRAME_CLASSES };

typedef enum urs_frame_source {
    URS_FRAMES_REAL, URS_FRAMES_PHOTOS, URS_FRAMES_CROPS, URS_FRAMES_PASTE, URS_FRAMES_MIX, URS_FRAMES_DECOY, URS_FRAMES_OTHERS, URS_FRAMES_SYNTH,
    URS_FRAMES_TINY, URS_FRAMES_SOURCES
} urs_frame_source;

#define URS_FRAMES_COLLECTIONS "notdeer,deer,md,ms,addax,photo" /* cameras that stand for many places, where nothing else is said */

typedef struct urs_frames_options {
    const char *manifest;    /* borrowed; CSV of frames (or its folder); required. With a column `split`, that is the split, and the shares below are not looked at */
    const char *sources;     /* borrowed; "real,photos,paste"; NULL = "real,photos" */
    const char *heads;       /* borrowed; labelled photographs with body masks, for crops, paste and decoy; NULL = none */
    const char *others;      /* borrowed; comma separated folder trees of other animals; NULL = none */
    const char *synth, *tiny; /* borrowed; folders; NULL = none */
    const char *collections; /* camera names that stand for many places; NULL = URS_FRAMES_COLLECTIONS */
    const char *together;    /* as urs_split_options; NULL = none */
    float validation, test;  /* shares by camera; 0 = none */
    bool near_duplicates;    /* group by dHash when splitting */
    uint64_t seed;
    int32_t folds, fold;     /* folds > 0: train and validation are dealt anew by urs_split_fold; fold 1 .. folds is left out, 0 = nothing is */
    uint64_t fold_seed;      /* which cameras go into which fold */
    bool probes;             /* VALIDATION also gets the crops, paste and decoy that `sources` has, made of its own pictures: what real frames do not test */
    size_t crops, paste, mix, decoy; /* places in the list; 0 = 300 each */
    size_t others_per_individual;    /* 0 = 3 */
    int32_t cache_side;      /* longer side of the cached pictures; 0 = 288 */
} urs_frames_options;

typedef struct urs_frame_item {
    urs_frame_source source;
    int32_t label;
    uint32_t picture;        /* index in cache: the picture itself, or the main material */
    int32_t sample;          /* index in the manifest's dataset, -1 = none */
} urs_frame_item;

typedef struct urs_frames { /* read only to users */
    urs_dataset dataset;        /* the manifest */
    urs_split split;            /* of it */
    urs_frame_item *items;      /* owned: the list of this part */
    size_t count;
    int32_t *labels;            /* owned; items[i].label again, as the samplers take it */
    size_t source_counts[URS_FRAMES_SOURCES];
    urs_picture_cache cache;    /* decoded pictures of this part */
    urs_scene_set photos;       /* bear photographs with masks, for crops, paste, decoy */
    uint32_t *empties;          /* owned; pictures of empty frames: backgrounds */
    size_t empty_count;
    uint32_t *animals;          /* owned; pictures that serve `mix` */
    size_t animal_count;
    size_t *pasteable, *croppable; /* owned; scenes of photos that serve paste and decoy, and crops */
    size_t pasteable_count, croppable_count;
    uint64_t seed;
} urs_frames;

/* Builds the list of one part. For VALIDATION and TEST only real and photos are taken, whatever `sources` says (but see probes): quality is measured on real frames. */
urs_status urs_frames_build(urs_frames *out, const urs_frames_options *options, urs_part part, urs_pool *pool, urs_error *err) URS_CHECKED;
void urs_frames_release(urs_frames *frames);
const char *urs_frame_source_name(urs_frame_source source);

typedef struct urs_frame_augment { /* zero value: no change */
    urs_photometric photometric;
    urs_geometric geometric;
    float p_strip, p_strip_crop;   /* paint a strip; cut one off */
} urs_frame_augment;
urs_frame_augment urs_frame_augment_default(void);

/* The picture of item i for an epoch before augmentation (real ones: as cached). */
urs_status urs_frames_picture(urs_image *out, const urs_frames *frames, size_t i, uint64_t epoch, urs_error *err) URS_CHECKED;
/* Tensor [3][height][width] of item i in an epoch at place `position` of the order (a repeated item differs by it). augment NULL: no change, picture to tensor as in use. */
urs_status urs_frames_prepare(float *out, const urs_frames *frames, size_t i, uint64_t epoch, uint64_t position, const urs_input_format *format,
                              const urs_frame_augment *augment, urs_error *err) URS_CHECKED;

#endif
