/* Learning-rate schedules: a pure function of the step number.
 *
 *      constant   lr
 *      linear     lr * ((1 - x)(1 - final) + final)                  (Ultralytics)
 *      cosine     lr * (final + (1 - final)(1 + cos(pi x)) / 2)      (torch CosineAnnealingLR)
 *      step       lr * factor^floor(step / every)                    (torch StepLR)
 *
 * x goes from 0 to 1 over `steps`. During the first `warmup` steps the value is drawn from warmup_start towards the scheduled one in a straight
 * line: start + (scheduled - start) * step/warmup. Thread safe: no state. */
#ifndef URS_TRAIN_SCHEDULE_H
#define URS_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum urs_schedule_kind { URS_SCHEDULE_CONSTANT, URS_SCHEDULE_LINEAR, URS_SCHEDULE_COSINE, URS_SCHEDULE_STEP } urs_schedule_kind;

typedef struct urs_schedule {
    urs_schedule_kind kind;
    double lr;
    double final;         /* share of lr that is left at the end (linear, cosine) */
    uint64_t steps;       /* length of the run */
    uint64_t stair;       /* the decay holds still for so many steps (an epoch); 0: moves every step */
    uint64_t warmup;      /* steps */
    double warmup_start;  /* rate at step 0 of the warm-up */
    bool decay_after;     /* x counts from the end of the warm-up instead of from step 0 */
    uint64_t every;       /* step: length of a stage */
    double factor;        /* step: what each stage multiplies with */
} urs_schedule;

/* Rate of step 0, 1, ...; steps beyond the end keep the last value. */
double urs_schedule_at(const urs_schedule *s, uint64_t step);

/* Straight line from `from` at step 0 to `to` at step `length` and after (momentum warm-up). */
double urs_schedule_ramp(uint64_t step, uint64_t length, double from, double to);

#endif
