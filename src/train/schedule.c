/* Learning-rate schedules; see schedule.h. */
#include "train/schedule.h"

#include <math.h>

static double decayed(const urs_schedule *s, uint64_t step)
{
    const uint64_t skip = s->decay_after ? s->warmup : 0;
    const uint64_t length = s->steps > skip ? s->steps - skip : 0;
    uint64_t at = step > skip ? step - skip : 0;
    double x;

    if (s->stair > 0)
        at -= at % s->stair;
    if (at > length)
        at = length;
    x = length > 0 ? (double)at / (double)length : 1.0;

    switch (s->kind) {
    case URS_SCHEDULE_LINEAR:
        return s->lr * ((1 - x) * (1 - s->final) + s->final);
    case URS_SCHEDULE_COSINE:
        return s->lr * (s->final + (1 - s->final) * (1 + cos(3.14159265358979323846 * x)) / 2);
    case URS_SCHEDULE_STEP:
        return s->every > 0 ? s->lr * pow(s->factor, (double)(at / s->every)) : s->lr;
    case URS_SCHEDULE_CONSTANT:
    default:
        return s->lr;
    }
}

double urs_schedule_ramp(uint64_t step, uint64_t length, double from, double to)
{
    return step >= length ? to : from + (to - from) * ((double)step / (double)length);
}

double urs_schedule_at(const urs_schedule *s, uint64_t step)
{
    return urs_schedule_ramp(step, s->warmup, s->warmup_start, decayed(s, step));
}
