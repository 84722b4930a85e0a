/* What happens before the cameras: which event comes when, who is in it, and where everybody stands in each frame. All of it follows from (seed, camera, event
 * number), so a frame can be told again without the ones before it.
 *
 *      camera 1:  event 1 [bear 3: f f f -]   event 2 [- -]   event 3 [deer: f f] ...        - = nobody in sight
 *
 * Values; thread safe. */
#ifndef URS_SYNTH_STORY_H
#define URS_SYNTH_STORY_H

#include "base/random.h"
#include "synth/backdrop.h"
#include "synth/figure.h"

#include <stdint.h>

#define URS_EVENT_FRAMES_MAX 5
#define URS_ACTORS_MAX 2

typedef struct urs_actor { /* one animal in an event */
    urs_species species;
    int individual;
    urs_pose pose;         /* at the first frame */
    float metres, across;  /* distance; place of the head across the frame, 0 .. 1 */
    float step_across, step_metres, step_yaw; /* from frame to frame */
    int from, to;          /* frames in which it is in sight: from .. to-1 */
} urs_actor;

typedef struct urs_event {
    int camera, number;
    int64_t start;         /* seconds since 1970, local time of the camera */
    int frames;
    bool infrared;
    float cloud;
    int temperature;       /* degrees Celsius */
    int actor_count;
    urs_actor actors[URS_ACTORS_MAX];
    urs_random random;     /* for what the frames add */
} urs_event;

typedef struct urs_story {
    uint64_t seed;
    int bears;
    int *appearances;      /* borrowed, [bears]: how often each was seen; the least seen come next */
} urs_story;

/* Event `number` of a camera, which follows one that ended at *clock (moved on). */
void urs_event_make(urs_event *out, urs_story *story, int camera, int number, int64_t *clock);

/* Solid and stand of actor i in frame k. */
void urs_actor_place(urs_animal *animal, urs_stand *stand, const urs_event *event, int actor, int frame, const urs_story *story, const urs_backdrop *backdrop);

typedef struct urs_civil_time {
    int year, month, day, hour, minute, second;
} urs_civil_time;
urs_civil_time urs_civil_from_seconds(int64_t seconds);

#endif
