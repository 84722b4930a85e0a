/* What an event costs: joules of the cascade on a board, from given or measured times and powers.
 *
 *      trigger -> wake -> capture, flash -> decode -> sift --animal--> find --bear--> embed -> sleep
 *
 *      E(event) = active * (wake + frames * (capture + decode + sift) + frames * p(animal) * find + frames * p(bear) * embed) + npu * (seconds of sift, find and embed, in the same shares)
 *                 + frames * night * flash power * flash seconds
 *      E(day)   = events * E(event) + waiting power * 86400        (waiting runs through the events: below a thousandth on boards that sleep)
 *      days     = battery watt hours * 3600 * usable share / E(day)
 *
 * A board can wait in two ways: suspended (waiting power `suspended`, wake takes `resume`) or off (power `off`, wake takes `boot`). Suspending costs more while waiting and less to wake, so it wins above
 * a number of events a day, the break-even.
 *
 * A profile is a file in the part of TOML that base/toml.h reads: sections, numbers and text. profiles/ has some boards, each number with where it is from. */
#ifndef URS_EDGE_ENERGY_H
#define URS_EDGE_ENERGY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define URS_SECONDS_A_DAY 86400.0

typedef enum urs_energy_part {
    URS_ENERGY_WAKE,
    URS_ENERGY_CAPTURE,
    URS_ENERGY_FLASH,
    URS_ENERGY_DECODE,
    URS_ENERGY_SIFT,
    URS_ENERGY_FIND,
    URS_ENERGY_EMBED,
    URS_ENERGY_WAITING, /* no part of an event */
    URS_ENERGY_PARTS
} urs_energy_part;

const char *urs_energy_part_name(urs_energy_part part); /* "wake", ... "waiting"; constant */

typedef enum urs_energy_wait { URS_WAIT_SUSPENDED, URS_WAIT_OFF, URS_WAITS } urs_energy_wait;
typedef enum urs_energy_engine { URS_ENERGY_NPU, URS_ENERGY_CPU, URS_ENERGY_ENGINES } urs_energy_engine;

/* Watts, seconds, shares 0..1. */
typedef struct urs_board {
    char name[64];
    double active;           /* awake, without the NPU's part */
    double npu;              /* more while the NPU computes */
    double waiting[URS_WAITS], wake[URS_WAITS];
    bool has_wait[URS_WAITS];
    double capture, decode;  /* of a frame */
    double sift[URS_ENERGY_ENGINES], find[URS_ENERGY_ENGINES], embed[URS_ENERGY_ENGINES];
    bool has_engine[URS_ENERGY_ENGINES];
    double flash_watts, flash_seconds, night; /* night: share of frames that need the lamp */
    double frames;           /* of an event */
    double events;           /* a day */
    double animal, bear;     /* share of frames that go on to find, to embed */
    double battery, usable;  /* watt hours; share of them that can be drawn */
} urs_board;

/* text: bytes of a profile. `name` is for messages. URS_EFORMAT names line and key. */
urs_status urs_board_parse(urs_board *out, const char *text, size_t size, const char *name, urs_error *err) URS_CHECKED;
urs_status urs_board_read(urs_board *out, const char *path, urs_error *err) URS_CHECKED;

typedef struct urs_energy {
    double part[URS_ENERGY_PARTS]; /* joules of an event; WAITING: joules of a day */
    double event;                  /* joules */
    double awake;                  /* seconds of an event */
    double day_events, day;        /* joules */
    double days;                   /* on the battery; 0: the board names none */
    urs_energy_part largest;       /* of a day */
    double largest_share;
} urs_energy;

/* URS_EINVAL: the board cannot wait so or has no times for this engine; URS_ELIMIT: more events than fit into a day. */
urs_status urs_energy_of(urs_energy *out, const urs_board *board, urs_energy_wait wait, urs_energy_engine engine, urs_error *err) URS_CHECKED;

/* Events a day from which on suspending costs less than being off; INFINITY: never (or the board has only one way to wait). */
double urs_energy_break_even(const urs_board *board);

#endif
