/* An animal drawn: light, coverage and parts over the rectangle of the picture that it fills.
 *
 *      layer:  colour [height][width][3] f32 linear     cover [height][width] u8 0..255
 *              part   [height][width] u8  0 nothing, 1 body, 2 head (where cover is at least half)
 *      at (x, y) of the frame
 *
 * An urs_figure owns its planes. Drawing is thread safe. */
#ifndef URS_SYNTH_FIGURE_H
#define URS_SYNTH_FIGURE_H

#include "base/error.h"
#include "image/image.h"
#include "synth/animal.h"
#include "synth/light.h"

enum { URS_PART_OF_NOTHING, URS_PART_OF_BODY, URS_PART_OF_HEAD };

typedef struct urs_figure {
    int32_t x, y, width, height;
    float *colour;   /* owned */
    uint8_t *cover;  /* owned */
    uint8_t *part;   /* owned */
    urs_box head;    /* frame pixels: extent of the head as if nothing stood before it, cut at the frame; empty (x2 <= x1) when outside */
    urs_point eye[2], nose;         /* frame pixels; [0] is further left in the picture */
    bool eye_seen[2], nose_seen;    /* nothing of the animal itself hides it, and it is inside the frame */
    float metres;    /* distance */
} urs_figure;

typedef struct urs_stand { /* where the animal stands: origin of the body frame in the frame, pixels for a unit, metres from the camera */
    float x, y, scale, metres;
} urs_stand;

urs_status urs_figure_draw(urs_figure *out, const urs_animal *animal, const urs_stand *stand, const urs_light *light, int32_t frame_width, int32_t frame_height,
                           urs_error *err) URS_CHECKED;
void urs_figure_release(urs_figure *figure);

#endif
