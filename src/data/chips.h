/* Chips for embed: face (or body) pictures of known individuals from one or several folder trees, in memory, with an identity-disjoint split of the first tree.
 *
 *   tree  "DIR"  or  "DIR:prefix"     DIR/individual/file (levels named train/test etc. are passed over; deeper levels are encounters)
 *
 * The first tree is the target species: it is split by individual into train / validation / test. The others are extra training data only. Trees with the same
 * `domain` letter below number their animals independently of each other, so one animal may have two names: their classes must not be told apart
 * (urs_sample_pk takes chips.domains; a classifier may leave those logits out).
 *
 *   "DIR:prefix@2"   domain 2
 *   "F.csv..."       a manifest (dataset.h) instead of a folder; rows without an individual are passed over. If the target's manifest has a column `split`, that is the split, and an individual may
 *                    stand in several parts (closed sets); chips without a part are in none
 *
 * Cross-validation: with `folds` the target's individuals outside of the test part, which stays as it is, are dealt into that many folds; fold `fold` (1 ..) is the validation part
 * and the others train; fold 0: all of them train. `hold` keeps that share of each other tree's individuals out of training as further validation: many more queries than
 * a few bears give.
 *
 * `train_share` leaves only that share of every tree's training individuals, by their lots: of a smaller share, all are also in a larger one.
 *
 * A burst of one animal is thinned by dHash: a picture within `thin_bits` of one that was kept of the same individual is left out. Target chips are not thinned
 * unless thin_target. Not changed after loading: thread safe to read. */
#ifndef URS_DATA_CHIPS_H
#define URS_DATA_CHIPS_H

#include "base/pool.h"
#include "base/random.h"
#include "data/dataset.h"
#include "data/picture_cache.h"
#include "data/split.h"

typedef struct urs_chips_options {
    const char *const *trees; /* borrowed; tree_count of them, target first */
    size_t tree_count;
    int32_t side;             /* of the cache; 0 = 160 */
    size_t memory_limit;      /* bytes of pixels; 0 = 500,000,000 */
    float validation, test;   /* shares of the target's individuals; 0 = none */
    int32_t folds, fold;      /* see above; 0 folds = validation and test by their shares */
    float hold;               /* 0 = none */
    float train_share;        /* 0 = all */
    uint64_t seed;
    int32_t thin_bits;        /* 0 = no thinning */
    bool thin_target;
    size_t per_individual;    /* at most this many chips of one individual in training (spread evenly); 0 = all */
    size_t least;             /* individuals with fewer chips are left out of training; 0 = 2 */
} urs_chips_options;

typedef struct urs_chip {
    const char *path;   /* borrowed from the dataset */
    int32_t individual; /* index in dataset.individuals */
    int32_t train_class; /* 0 .. train_classes-1 for chips of part train, else -1 */
    int32_t tree;
    int32_t domain;     /* 0 = none */
    urs_part part;
} urs_chip;

typedef struct urs_chips { /* read only to users */
    urs_dataset dataset;
    urs_chip *items;         /* owned */
    size_t count;
    urs_picture_cache cache; /* cache.images[i] belongs to items[i] */
    int32_t train_classes;
    int32_t *class_domains;  /* owned; one a train class */
    size_t thinned;          /* pictures left out as near-duplicates */
} urs_chips;

urs_status urs_chips_load(urs_chips *out, const urs_chips_options *options, urs_pool *pool, urs_error *err) URS_CHECKED;
void urs_chips_release(urs_chips *chips);

/* Items of a part with what the samplers need: owned arrays, urs_free each; labels = train_class (TRAIN) or individual (others). domains may be NULL. */
urs_status urs_chips_part(size_t **items, int32_t **labels, int32_t **domains, size_t *count, const urs_chips *chips, urs_part part, urs_error *err) URS_CHECKED;

typedef struct urs_chip_augment { /* zero value: no change */
    float rotate, scale, translate, shear; /* as urs_geometric */
    float flip;                            /* probability: the mirror image as the same individual */
    float brightness, contrast, saturation, hue; /* as urs_photometric */
    float p_grey;
    float erase;                           /* probability of a grey rectangle of 2 .. 20 % */
    float p_blur;                          /* blur of sigma 0.5 .. 2 or a downscale by 1.5 .. 4, half each */
    float p_noise;
    float p_black;                         /* outside of a random oval (the mask of a head) black, as chips from find are */
} urs_chip_augment;
urs_chip_augment urs_chip_augment_default(void);

/* One chip picture (any size) to [3][height][width]: fitted into the square (black outside), augmented, normalised. augment NULL: nothing drawn; then random may be NULL. */
urs_status urs_chip_tensor(float *out, const urs_image *chip, const urs_input_format *format, const urs_chip_augment *augment, urs_random *random, urs_error *err) URS_CHECKED;
/* In place: black outside of a wobbly oval, soft over about two pixels, as the mask of a head leaves it. */
void urs_chip_black_outside(urs_image *image, urs_random *random);
/* Item i of an epoch at place `position` of the order. */
urs_status urs_chips_prepare(float *out, const urs_chips *chips, size_t i, uint64_t seed, uint64_t epoch, uint64_t position, const urs_input_format *format,
                             const urs_chip_augment *augment, urs_error *err) URS_CHECKED;

#endif
