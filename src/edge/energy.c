/* The sums; see energy.h. */
#include "edge/energy.h"

#include <math.h>

const char *urs_energy_part_name(urs_energy_part part)
{
    static const char *const names[URS_ENERGY_PARTS] = {"wake", "capture", "flash", "decode", "sift", "find", "embed", "waiting"};
    return part >= 0 && part < URS_ENERGY_PARTS ? names[part] : "";
}

/* The stages' seconds in an event, by the share of frames that reach them. */
static void stage_seconds(double out[3], const urs_board *b, urs_energy_engine engine)
{
    out[0] = b->frames * b->sift[engine];
    out[1] = b->frames * b->animal * b->find[engine];
    out[2] = b->frames * b->bear * b->embed[engine];
}

static void find_largest(urs_energy *e, double events)
{
    double most = 0;
    for (int i = 0; i < URS_ENERGY_PARTS; i++) {
        const double joules = i == URS_ENERGY_WAITING ? e->part[i] : events * e->part[i];
        if (joules > most) {
            most = joules;
            e->largest = (urs_energy_part)i;
        }
    }
    e->largest_share = e->day > 0 ? most / e->day : 0;
}

urs_status urs_energy_of(urs_energy *out, const urs_board *b, urs_energy_wait wait, urs_energy_engine engine, urs_error *err)
{
    static const char *const waits[URS_WAITS] = {"suspended", "off"}, *const engines[URS_ENERGY_ENGINES] = {"npu", "cpu"};
    const double computing = b->active + (engine == URS_ENERGY_NPU ? b->npu : 0);
    urs_energy e = {0};
    double stage[3];

    if (!b->has_wait[wait])
        return urs_fail(err, URS_EINVAL, "the profile of %s has no section [%s]", b->name, waits[wait]);
    if (!b->has_engine[engine])
        return urs_fail(err, URS_EINVAL, "the profile of %s has no section [%s]", b->name, engines[engine]);
    stage_seconds(stage, b, engine);
    e.part[URS_ENERGY_WAKE] = b->active * b->wake[wait];
    e.part[URS_ENERGY_CAPTURE] = b->active * b->frames * b->capture;
    e.part[URS_ENERGY_DECODE] = b->active * b->frames * b->decode;
    e.part[URS_ENERGY_FLASH] = b->frames * b->night * b->flash_watts * b->flash_seconds;
    for (int i = 0; i < 3; i++)
        e.part[URS_ENERGY_SIFT + i] = computing * stage[i];
    for (int i = 0; i < URS_ENERGY_WAITING; i++)
        e.event += e.part[i];
    e.awake = b->wake[wait] + b->frames * (b->capture + b->decode) + stage[0] + stage[1] + stage[2];
    if (b->events * e.awake > URS_SECONDS_A_DAY)
        return urs_fail(err, URS_ELIMIT, "%g events of %.3g s do not fit into a day", b->events, e.awake);
    e.part[URS_ENERGY_WAITING] = b->waiting[wait] * URS_SECONDS_A_DAY;
    e.day_events = b->events * e.event;
    e.day = e.day_events + e.part[URS_ENERGY_WAITING];
    e.days = e.day > 0 ? b->battery * 3600 * b->usable / e.day : 0;
    find_largest(&e, b->events);
    *out = e;
    return URS_OK;
}

/* A day costs waiting * 86400 + events * (active * wake + what is the same in both ways): two straight lines over the events, which meet once. */
double urs_energy_break_even(const urs_board *b)
{
    const double saved = b->waiting[URS_WAIT_SUSPENDED] - b->waiting[URS_WAIT_OFF], paid = b->active * (b->wake[URS_WAIT_OFF] - b->wake[URS_WAIT_SUSPENDED]);
    if (!b->has_wait[URS_WAIT_SUSPENDED] || !b->has_wait[URS_WAIT_OFF] || paid <= 0)
        return INFINITY;
    return saved > 0 ? saved * URS_SECONDS_A_DAY / paid : 0;
}
