/* A picture in memory and what is done to it: one struct, 8 bits a sample, rows packed.
 *
 *      data: [height][width][channels] u8, no padding; channels 1 (grey, mask) or 3 (R, G, B)
 *
 * An urs_image is a value that owns its data; {0} is a valid empty image; release with urs_image_release. Coordinates are pixels, x to the right, y
 * down; the centre of the first pixel is (0.5, 0.5). Functions are thread safe as long as nobody writes the same image. */
#ifndef URS_IMAGE_IMAGE_H
#define URS_IMAGE_IMAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_IMAGE_SIDE_MAX 65500
#define URS_IMAGE_PIXELS_MAX ((int64_t)256 * 1000 * 1000)

typedef struct urs_image {
    int32_t width, height, channels;
    uint8_t *data; /* owned */
} urs_image;

typedef struct urs_box { /* pixels; x1,y1 top left, x2,y2 bottom right (exclusive edge) */
    float x1, y1, x2, y2;
} urs_box;

typedef struct urs_point {
    float x, y;
} urs_point;

/* Zeroed picture; limits are checked before allocation. */
urs_status urs_image_new(urs_image *out, int32_t width, int32_t height, int32_t channels, urs_error *err) URS_CHECKED;
urs_status urs_image_copy(urs_image *out, const urs_image *in, urs_error *err) URS_CHECKED;
void urs_image_release(urs_image *image);
static inline uint8_t *urs_image_at(const urs_image *image, int32_t x, int32_t y)
{
    return image->data + ((int64_t)y * image->width + x) * image->channels;
}

/* ---- resize.c: one antialiased resize, as Pillow's (triangle or cubic filter, support scaled when shrinking) ---- */
typedef enum urs_filter { URS_FILTER_BILINEAR, URS_FILTER_NEAREST, URS_FILTER_BICUBIC } urs_filter;
urs_status urs_image_resize(urs_image *out, const urs_image *in, int32_t width, int32_t height, urs_filter filter, urs_error *err) URS_CHECKED;

/* ---- geometry.c ---- */
/* Part of the picture; what lies outside is filled with `fill`. Box rounded to whole pixels by the caller. */
urs_status urs_image_crop(urs_image *out, const urs_image *in, int32_t x, int32_t y, int32_t width, int32_t height, uint8_t fill, urs_error *err) URS_CHECKED;
void urs_image_flip(urs_image *image); /* left-right, in place */
/* Inverse-mapped affine warp, bilinear: out(x,y) = in(m[0]x+m[1]y+m[2], m[3]x+m[4]y+m[5]) in continuous pixel coordinates (centres at .5); outside = fill.
 * Antialiased when it shrinks: the source is reduced first by whole factors. */
urs_status urs_image_warp(urs_image *out, const urs_image *in, int32_t width, int32_t height, const double m[6], uint8_t fill, urs_error *err) URS_CHECKED;

/* Letterbox as spec/models.md 5.5: r = min(side/w, side/h), rounded sizes, padding 114 on both sides. */
typedef struct urs_letterbox {
    float scale;             /* network pixels per picture pixel */
    int32_t pad_left, pad_top;
    int32_t width, height;   /* size of the network input */
} urs_letterbox;
urs_status urs_image_letterbox(urs_image *out, urs_letterbox *how, const urs_image *in, int32_t width, int32_t height, urs_error *err) URS_CHECKED;
urs_box urs_letterbox_to_picture(const urs_letterbox *how, urs_box box);   /* network pixels -> picture pixels */
urs_box urs_letterbox_to_network(const urs_letterbox *how, urs_box box);

/* ---- colour.c ---- */
urs_status urs_image_to_grey(urs_image *out, const urs_image *in, urs_error *err) URS_CHECKED; /* BT.601 luma, 1 channel */
urs_status urs_image_to_rgb(urs_image *out, const urs_image *in, urs_error *err) URS_CHECKED;  /* from 1 or 3 channels */

/* ---- image_tensor.c: THE function from picture to network input, for training and for use ---- */
typedef enum urs_fit {
    URS_FIT_STRETCH,      /* resize both sides to the target */
    URS_FIT_LETTERBOX,    /* keep the shape, pad with 114 */
    URS_FIT_CENTRE_CROP   /* resize the short side to target / crop_share, cut the centre */
} urs_fit;

typedef struct urs_input_format { /* travels in the weight file */
    int32_t width, height;     /* of the network input; required */
    urs_fit fit;
    float crop_share;          /* CENTRE_CROP; 0 = 0.875 */
    float mean[3], std[3];     /* of values 0..1; std 0 = 1 */
    urs_filter filter;
} urs_input_format;

/* Writes [3][height][width] f32 into out (borrowed, that many floats); `how` (optional) gets the letterbox. */
urs_status urs_image_to_tensor(float *out, const urs_image *in, const urs_input_format *format, urs_letterbox *how, urs_error *err) URS_CHECKED;
/* Only the last step, (x/255 - mean)/std and HWC -> CHW, for a picture that already has the size (augmented training pictures). */
void urs_image_normalise(float *out, const urs_image *in, const urs_input_format *format);

/* ---- draw.c: for reports and for the scene generator ---- */
typedef struct urs_colour {
    uint8_t r, g, b;
} urs_colour;
void urs_draw_box(urs_image *image, urs_box box, urs_colour colour, int32_t thickness);
void urs_draw_line(urs_image *image, float x1, float y1, float x2, float y2, urs_colour colour, float thickness);
void urs_draw_disc(urs_image *image, float x, float y, float radius, urs_colour colour);
/* Built-in 5x7 font, ASCII, `scale` pixels a dot; returns the width in pixels. */
int32_t urs_draw_text(urs_image *image, int32_t x, int32_t y, const char *text, urs_colour colour, int32_t scale);
void urs_draw_mask(urs_image *image, const urs_image *mask, urs_colour colour, float alpha); /* mask: 1 channel, same size, non-zero = inside */

#endif
