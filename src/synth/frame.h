/* One frame, put together: place, light, animals, lens, sensor, information strip; and the truth about it.
 *
 *      backdrop --light--> picture <--shadow, figure (far ones first)-- animals
 *                             |                    \--> heads map, body map
 *                     vignette, noise, strip
 *
 * An urs_synth_frame owns its pictures. Thread safe. */
#ifndef URS_SYNTH_FRAME_H
#define URS_SYNTH_FRAME_H

#include "image/image.h"
#include "synth/figure.h"
#include "synth/story.h"

typedef struct urs_synth_head {
    int individual;
    urs_box box;                    /* as if nothing stood before the head; cut at the frame */
    bool eye_seen[2], nose_seen;    /* not hidden by anything */
    urs_point eye[2], nose;         /* [0] is further left in the picture */
    bool whole;                     /* nothing hides a part of it and it does not touch the frame's edge */
    float yaw;
} urs_synth_head;

typedef struct urs_synth_frame {
    urs_image picture;              /* 3 channels */
    urs_image heads;                /* 1 channel: head number from 1, 0 = none */
    urs_image bodies;               /* 1 channel: 255 = bear */
    urs_synth_head head[URS_ACTORS_MAX];
    int head_count;                 /* heads of which at least a third can be seen */
    int bears, others;              /* animals of which something is visible */
} urs_synth_frame;

urs_status urs_synth_frame_make(urs_synth_frame *out, const urs_event *event, int frame, const urs_story *story, const urs_backdrop *backdrop, urs_error *err) URS_CHECKED;
void urs_synth_frame_release(urs_synth_frame *frame);

/* Prints the camera's strip: date, time, temperature, moon, name. */
void urs_strip_draw(urs_image *picture, const urs_event *event, int frame);
/* Rows that the strip leaves free: top .. bottom-1. */
void urs_strip_rows(const urs_event *event, int32_t width, int32_t height, int32_t *top, int32_t *bottom);

/* Sensor noise of a standard deviation (8-bit steps); grey when all channels are to get the same. */
void urs_sensor_noise(urs_image *picture, float deviation, bool grey, urs_random *random);

#endif
