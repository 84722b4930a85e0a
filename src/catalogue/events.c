/* Grouping frames into events; see events.h. */
#include "catalogue/events.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP_SECONDS 60

typedef struct placed_frame {
    const char *camera;
    double time;
    size_t index;
} placed_frame;

static bool alone(const placed_frame *f)
{
    return isnan(f->time) || !f->camera || !*f->camera;
}

/* Frames that cannot share an event first, then by camera and time; the position in the list settles ties. */
static int compare_frames(const void *pa, const void *pb)
{
    const placed_frame *a = pa, *b = pb;
    const bool la = alone(a), lb = alone(b);
    if (la != lb)
        return la ? -1 : 1;
    if (!la) {
        const int camera = strcmp(a->camera, b->camera);
        if (camera)
            return camera;
        if (a->time < b->time || a->time > b->time)
            return a->time < b->time ? -1 : 1;
    }
    return (a->index > b->index) - (a->index < b->index);
}

urs_status urs_events_group(size_t *event, size_t *events, const urs_event_frame *frames, size_t n, double gap, urs_error *err)
{
    const double limit = gap > 0 ? gap : GAP_SECONDS;
    placed_frame *order = urs_array_new(n, sizeof *order);
    size_t *number = urs_array_new(n, sizeof *number); /* of each event in order of camera and time, once it is seen in the list */
    size_t count = 0;
    if (!order || !number) {
        urs_free(order);
        urs_free(number);
        return urs_fail(err, URS_ENOMEM, "no memory to group %zu frames", n);
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (placed_frame){frames[i].camera, frames[i].time, i};
    qsort(order, n, sizeof *order, compare_frames);
    for (size_t i = 0; i < n; i++) {
        const bool joins = i > 0 && !alone(&order[i]) && !alone(&order[i - 1]) && !strcmp(order[i].camera, order[i - 1].camera) &&
                           order[i].time - order[i - 1].time <= limit;
        if (!joins)
            count++;
        event[order[i].index] = count - 1;
    }
    for (size_t i = 0; i < n; i++)
        number[i] = n;
    count = 0;
    for (size_t i = 0; i < n; i++) {
        if (number[event[i]] == n)
            number[event[i]] = count++;
        event[i] = number[event[i]];
    }
    *events = count;
    urs_free(order);
    urs_free(number);
    return URS_OK;
}
