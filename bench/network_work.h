/* The three pieces of work that are measured of a network: one image, many images in several threads, one training step.
 *
 *      one      plan of 1 image, calling thread
 *      many     images / chunk items, a plan of `chunk` images a thread; work is split across images, never inside an operation
 *      train    urs_trainer: forward, loss, backward, SGD with momentum. Classifiers: cross-entropy with random labels. Detectors: half the mean square of all outputs (their own
 *               loss depends on what is in the pictures; it is measured with `ursid train find`)
 *
 * Inputs are random pictures in memory. Weights are random; batch-norm statistics are not touched: compare.py does the same. A urs_network_work keeps what the last measurement needed,
 * so that rounds of one network do not build plans again. One owner, one thread at a time. */
#ifndef URS_BENCH_NETWORK_WORK_H
#define URS_BENCH_NETWORK_WORK_H

#include "measure.h"

#include <stddef.h>
#include <stdint.h>

typedef struct urs_network_work urs_network_work;

urs_status urs_network_work_new(urs_network_work **out, const char *arch, const char *backend, urs_error *err) URS_CHECKED;
void urs_network_work_free(urs_network_work *w);
const char *urs_network_work_arch(const urs_network_work *w); /* borrowed */

/* Each appends to samples; a sample is one image, `images` images, or one step of `batch` images. */
urs_status urs_network_work_one(urs_network_work *w, urs_samples *samples, double seconds, urs_error *err) URS_CHECKED;
urs_status urs_network_work_many(urs_network_work *w, urs_samples *samples, int32_t images, int32_t chunk, int32_t threads, double seconds, urs_error *err) URS_CHECKED;
urs_status urs_network_work_train(urs_network_work *w, urs_samples *samples, int32_t batch, int32_t threads, double seconds, urs_error *err) URS_CHECKED;

/* Bytes: of the parameters, of the plan for one image, of the plans of the last `many`, of the last trainer; 0: not made. */
typedef struct urs_network_memory {
    size_t parameters, one, many, train;
} urs_network_memory;
urs_network_memory urs_network_work_memory(const urs_network_work *w);

#endif
