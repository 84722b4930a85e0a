/* Masks as COCO's compressed run-length strings (the `counts` of pycocotools).
 *
 *   mask 3 x 2      read down the columns       runs, first of zeros     each run from the fourth on less the run two before,
 *     0 1 1         0 0 1 0 1 1           ->    2 1 1 2            ->    five bits a character, low first, bit 5 = more follows, + 48
 *     0 0 1
 *
 *   character:   | 1 0 | more | b4 b3 b2 b1 b0 |  48 is added to the six bits; b4 of the last character is the sign
 *
 * Follows cocodataset/cocoapi (common/maskApi.c), read for its format only. Thread safe. */
#ifndef URS_INTERCHANGE_COCO_RLE_H
#define URS_INTERCHANGE_COCO_RLE_H

#include "image/image.h"

/* Owned string for a one-channel mask (non-zero = inside). */
urs_status urs_rle_encode(char **out, const urs_image *mask, urs_error *err) URS_CHECKED;

/* The same for a mask that covers only a part of a width x height picture, with its top left corner at (x, y); what lies outside the picture is left
 * out, what lies outside the part is zero. */
urs_status urs_rle_encode_part(char **out, const urs_image *part, int32_t x, int32_t y, int32_t width, int32_t height, urs_error *err) URS_CHECKED;

/* One-channel mask, 255 inside. URS_EFORMAT when the runs are broken or do not add up to width * height. */
urs_status urs_rle_decode(urs_image *out, const char *counts, int32_t width, int32_t height, urs_error *err) URS_CHECKED;

/* Number of pixels inside, without making the mask. */
urs_status urs_rle_area(int64_t *out, const char *counts, int32_t width, int32_t height, urs_error *err) URS_CHECKED;

#endif
