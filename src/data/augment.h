/* Augmentation: small changes to a picture, each a plain function of its arguments and, where it draws, of the urs_random passed in.
 *
 * All work in place on 3-channel pictures unless they have an `out`. Same random state, same picture out, on every machine that rounds as IEEE 754
 * does. Thread safe: no state. */
#ifndef URS_DATA_AUGMENT_H
#define URS_DATA_AUGMENT_H

#include "base/random.h"
#include "image/image.h"

/* ---- colour (augment_colour.c) ---- */
/* out = (in * brightness - mean) * contrast + mean, then gamma on 0..1; all 1 = nothing. Mean is of the picture's luma. */
void urs_augment_tone(urs_image *image, float brightness, float contrast, float gamma);
/* saturation 1 = nothing, 0 = grey; hue in turns (-0.5 .. 0.5) around the grey axis. */
void urs_augment_tint(urs_image *image, float saturation, float hue);
void urs_augment_grey(urs_image *image); /* BT.601 luma in all channels */
/* OpenCV-style 8-bit HSV gains as YOLOv8 has them: H * h mod 180, S * s and V * v clipped. */
void urs_augment_hsv(urs_image *image, float h, float s, float v);
/* What a trap camera's flash makes of a scene: grey, more contrast, bright around (centre_x, centre_y) (fractions) with bloom in what is already light,
 * dark corners, sensor noise. strength 0..1. */
void urs_augment_infrared(urs_image *image, float strength, float centre_x, float centre_y, urs_random *random);

/* ---- sharpness (augment_quality.c) ---- */
urs_status urs_augment_blur(urs_image *image, float sigma, urs_error *err) URS_CHECKED; /* Gaussian; pixels */
urs_status urs_augment_sharpen(urs_image *image, float amount, urs_error *err) URS_CHECKED; /* unsharp mask, sigma 1 */
void urs_augment_noise(urs_image *image, float deviation, bool grey, urs_random *random);  /* deviation in steps of 0..255 */
urs_status urs_augment_jpeg(urs_image *image, int32_t quality, urs_error *err) URS_CHECKED;   /* through the codec and back */
urs_status urs_augment_downscale(urs_image *image, float factor, urs_error *err) URS_CHECKED; /* smaller by factor > 1 and back to its size */

typedef struct urs_photometric { /* 0 everywhere = nothing happens; p_: probability, others: largest change */
    float brightness, contrast, saturation; /* factor in 1 - x .. 1 + x */
    float hue;                               /* turns */
    float gamma;                             /* exponent in 1/(1+x) .. 1+x */
    float p_grey, p_infrared, p_jpeg, p_blur, p_noise, p_sharpen, p_downscale;
    float blur;                              /* largest sigma; 0 = 1.5 */
    float noise;                             /* largest deviation; 0 = 12 */
    int32_t jpeg_quality_min;                /* 0 = 25 */
} urs_photometric;
urs_status urs_augment_photometric(urs_image *image, const urs_photometric *options, urs_random *random, urs_error *err) URS_CHECKED;

/* ---- geometry (augment_geometry.c) ---- */
typedef struct urs_geometric { /* 0 everywhere = the picture stretched to width x height */
    float rotate;              /* degrees, +- */
    float scale;               /* factor in 1/(1+x) .. 1+x */
    float translate;           /* share of the size, +- */
    float shear;               /* degrees, +- */
    float flip;                /* probability of left-right */
    float crop_min;            /* random resized crop: smallest share of the area, 0 = whole picture */
    float crop_aspect;         /* aspect changes in 1/(1+x) .. 1+x */
    float erase;               /* probability of one random rectangle */
    uint8_t fill;              /* outside the picture and erased part */
} urs_geometric;
/* Draws one inverse-mapped matrix (output pixel -> input pixel, as urs_image_warp takes it). */
void urs_augment_matrix(double m[6], int32_t in_width, int32_t in_height, int32_t width, int32_t height, const urs_geometric *options, urs_random *random);
/* Matrix, one warp, random erasing. */
urs_status urs_augment_geometric(urs_image *out, const urs_image *in, int32_t width, int32_t height, const urs_geometric *options, urs_random *random,
                                 urs_error *err) URS_CHECKED;
/* A rectangle of area_min .. area_max of the picture, aspect 0.3 .. 3.3, filled with `fill` or with noise. Returns it. */
urs_box urs_augment_erase(urs_image *image, float area_min, float area_max, uint8_t fill, bool noise, urs_random *random);

/* ---- trap frames (augment_frame.c) ---- */
/* Paints an info strip as trap cameras print it (bar at the bottom or top, date, time, temperature, camera name). */
void urs_augment_strip(urs_image *image, urs_random *random);
/* Cuts off `share` of the height at the bottom (or top), where such strips are; gives another picture. */
urs_status urs_augment_strip_crop(urs_image *out, const urs_image *in, float share, bool top, urs_error *err) URS_CHECKED;

typedef struct urs_cutout { /* an animal without its background */
    urs_image image;        /* owned; 3 channels */
    urs_image mask;         /* owned; 1 channel, same size, 0 .. 255 */
} urs_cutout;
void urs_cutout_release(urs_cutout *cutout);
/* The part of picture inside the mask (non-zero), cut to its bounding box. URS_ENOTFOUND if the mask is empty. `box` (optional) says which part it was. */
urs_status urs_cutout_make(urs_cutout *out, const urs_image *image, const urs_image *mask, urs_box *box, urs_error *err) URS_CHECKED;

typedef struct urs_paste {
    float x, y;        /* frame pixel of the cut-out's top left corner (may lie outside) */
    float scale;       /* frame pixels per cut-out pixel */
    bool flip;
    float feather;     /* width of the soft edge in frame pixels; 0 = 1 */
    float match;       /* 0 .. 1: how far the cut-out's mean and spread of each channel go towards the surroundings'; 1 = fully */
} urs_paste;
/* Draws the cut-out onto the frame. Grey surroundings make a grey animal when match > 0. `cover` (optional, 1 channel, frame's size, made by the caller) gets 255 where
 * the cut-out is the larger part of a pixel. */
urs_status urs_augment_paste(urs_image *frame, const urs_cutout *cutout, const urs_paste *how, urs_image *cover, urs_error *err) URS_CHECKED;

#endif
