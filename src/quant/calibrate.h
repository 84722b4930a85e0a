/* Calibration: which range of real numbers every int8 value of a network gets, from pictures that training has seen.
 *
 *      pictures --> float network, watched --> smallest and largest number of every group --> a histogram of each --> an observer --> step and zero point
 *
 * Observers:
 *      min-max      everything that occurred
 *      percentile   what is left after cutting a share of the numbers at either end
 *      MSE          the range that loses least: sum over the histogram of (x - Q(x))^2, searched from the whole range inwards
 *
 * Every picture is what the stage would feed, before normalisation: bytes [3][h][w]. */
#ifndef URS_QUANT_CALIBRATE_H
#define URS_QUANT_CALIBRATE_H

#include "base/pool.h"
#include "nn/plan.h"
#include "quant/deploy.h"

typedef struct urs_quant_pictures {
    uint8_t *bytes; /* owned, [count][3][height][width] */
    size_t count, size; /* size: bytes of one picture */
} urs_quant_pictures;

void urs_quant_pictures_release(urs_quant_pictures *p);

typedef enum urs_observer { URS_OBSERVER_MSE, URS_OBSERVER_MIN_MAX, URS_OBSERVER_PERCENTILE, URS_OBSERVER_COUNT } urs_observer;
const char *urs_observer_name(urs_observer observer); /* "mse", "min-max", "percentile"; constant */

/* Runs a graph of d over the pictures, a plan a thread; take reads the outputs of one picture. It runs in several threads, for one worker in one thread at a time. */
typedef urs_status urs_quant_take(void *context, size_t item, int worker, const urs_plan *plan, urs_error *err);
urs_status urs_quant_run(const urs_deploy *d, const urs_graph *graph, const float *block, const urs_quant_pictures *pictures, urs_pool *pool, urs_quant_take *take, void *context, urs_error *err) URS_CHECKED;

typedef struct urs_calibrate_options {
    urs_observer observer;
    double percentile; /* 0: 99.99; of the numbers that are not 0 */
} urs_calibrate_options;

/* Sets the range of every observed group of d. */
urs_status urs_calibrate(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, const urs_calibrate_options *options, urs_pool *pool, urs_error *err) URS_CHECKED;

/* The observers on a histogram of n bins between low and high. */
urs_quant_range urs_observe(const uint64_t *bins, int32_t n, float low, float high, const urs_calibrate_options *options);

#endif
