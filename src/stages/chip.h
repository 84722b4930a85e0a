/* chip: a head cut out of its background, square.
 *
 *      plain     picture --black outside of the mask--> crop to the box --> black square of side K = max(w, h), (K-h)/2 rows above, (K-w)/2 columns left --> resize
 *      aligned   the eyes of the picture go to fixed points of the chip (spec/models.md 3: 0.342 and 0.658 of the width, 0.474 of the height), by turning, scaling and shifting
 *
 *      +-----K-----+        aligned, side 150:    leye (98.684, 71.053) is the eye further RIGHT in the picture (the animal's left), reye (51.316, 71.053);
 *      |  black    |                              here left and right are always the picture's: left_eye -> (51.316, 71.053), right_eye -> (98.684, 71.053)
 *      |## head ###|
 *      |  black    |        What lies outside of the picture is black. Thread safe: no state. */
#ifndef URS_STAGES_CHIP_H
#define URS_STAGES_CHIP_H

#include "stages/find.h"

#define URS_CHIP_SIDE 224

typedef struct urs_chip_options {
    int32_t side;    /* 0: 224 */
    bool no_mask;    /* keep the background */
    float margin;    /* the box is widened by this share of its sides, half of it on each side; what the mask does not cover stays black; 0: none */
    float padding;   /* aligned: of the mean shape; larger shows more around the face; 0: -0.12 as in the reference */
} urs_chip_options;

/* The eyes as they are seen in the picture (left = smaller x), in its pixels. */
typedef struct urs_eyes {
    urs_point left, right;
} urs_eyes;

/* One chip of side x side, three channels, owned. picture: three channels, borrowed; detection: its box and mask (no mask, or one that covers less than a tenth of the box: the box alone) in the picture's pixels;
 * eyes (optional): align on them. URS_EINVAL: a box outside of the picture, or eyes in one place. */
urs_status urs_chip_cut(urs_image *out, const urs_image *picture, const urs_detection *detection, const urs_eyes *eyes, const urs_chip_options *options,
                        urs_error *err) URS_CHECKED;

/* A picture that already is a chip (--chips-in): in a black square, resized to the side. */
urs_status urs_chip_from_picture(urs_image *out, const urs_image *picture, int32_t side, urs_error *err) URS_CHECKED;

/* The warp of an aligned chip as urs_image_warp takes it: chip pixels -> picture pixels. */
urs_status urs_chip_align(double m[6], const urs_eyes *eyes, int32_t side, float padding, urs_error *err) URS_CHECKED;

/* Name of a chip below `folder`: FOLDER/STEM-HASH_INDEX.png, where HASH (8 hex digits of the path's SHA-256) keeps files of one name from different folders apart. Owned. */
char *urs_chip_path(const char *folder, const char *file, size_t index);
/* Writes it as PNG; the folder must exist. Atomic. */
urs_status urs_chip_write(const char *folder, const char *file, size_t index, const urs_image *chip, urs_error *err) URS_CHECKED;

#endif
