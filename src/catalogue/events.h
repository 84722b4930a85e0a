/* Events: frames of one camera close in time are one burst and judged together. */
#ifndef URS_CATALOGUE_EVENTS_H
#define URS_CATALOGUE_EVENTS_H

#include "base/error.h"

#include <stddef.h>

typedef struct urs_event_frame {
    const char *camera; /* borrowed; NULL and "" are one unknown camera, whose frames never share an event */
    double time;        /* seconds from any fixed moment; NaN: unknown, an event of its own */
} urs_event_frame;

/* event[n] gets 0 .. *events-1, numbered by first frame in the list. A frame joins the event of the camera's previous frame in time when the gap is at
 * most `gap` seconds (0: 60). Frames may come in any order. Thread safe. */
urs_status urs_events_group(size_t *event, size_t *events, const urs_event_frame *frames, size_t n, double gap, urs_error *err) URS_CHECKED;

#endif
