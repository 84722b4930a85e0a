/* Measuring: repeat a piece of work and keep the time of every run.
 *
 * Two clocks a run: wall time, and processor time of the whole process. On a machine that others use too, the best wall time of many short runs is an undisturbed one; of long runs there may
 * be none, and then processor time says more. Everything here is for one thread; nothing is a part of the program. */
#ifndef URS_BENCH_MEASURE_H
#define URS_BENCH_MEASURE_H

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

#define URS_SAMPLES_MAX 2000 /* runs kept; a measurement ends there */

typedef struct urs_samples {
    double wall[URS_SAMPLES_MAX], cpu[URS_SAMPLES_MAX]; /* seconds */
    size_t count;
} urs_samples;

/* One run of the work that is measured. */
typedef urs_status urs_work(void *context, urs_error *err);

double urs_wall_seconds(void); /* monotonic */
double urs_cpu_seconds(void);  /* of this process, all threads */

/* Runs the work once unmeasured if `warm`, then until `seconds` have passed and at least `least` runs are done; appends to samples (at most URS_SAMPLES_MAX in all). */
urs_status urs_measure(urs_samples *samples, urs_work *work, void *context, double seconds, size_t least, int warm, urs_error *err) URS_CHECKED;

double urs_samples_best(const urs_samples *samples);   /* shortest wall time; 0: none */
double urs_samples_median(const urs_samples *samples); /* of the wall times; 0: none */

/* {"wall":[..],"cpu":[..]} on one line, without a newline. */
void urs_samples_print(FILE *out, const urs_samples *samples);

/* Largest resident memory of this process so far, bytes. */
size_t urs_peak_resident(void);

/* Prints "bench: MESSAGE" to stderr and gives the exit code 1. */
int urs_bench_fail(const urs_error *err);

#endif
