/* Exponential moving average of a parameter block, weights and running statistics alike (Ultralytics' ModelEMA).
 *
 *      d(n) = decay * (1 - exp(-n / ramp)),  n = updates so far, this one included
 *      average = d * average + (1 - d) * params
 *
 * The block and the counter belong to the caller, so that a checkpoint can keep them. */
#ifndef URS_TRAIN_EMA_H
#define URS_TRAIN_EMA_H

#include "base/error.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

/* decay 0: 0.9999; ramp 0: 2000. */
double urs_ema_decay(uint64_t updates, double decay, double ramp);

/* average = d*average + (1-d)*params over `elements` floats; pool may be NULL. */
urs_status urs_ema_update(float *average, const float *params, size_t elements, double d, urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
