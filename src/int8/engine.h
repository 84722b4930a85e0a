/* Running int8 graphs fast: the bytes of the oracles (reference.h), from packed weights and one planned arena.
 *
 *      urs_int8_plan      made once of a graph: steps, packed weights, offsets. Immutable; shared by any number of threads
 *      urs_int8_worker    the memory of one thread: an arena with every activation, and scratch. Running allocates nothing
 *
 *      urs_int8_plan_new -> urs_int8_worker_new -> [ fill urs_int8_worker_input, urs_int8_worker_run, read urs_int8_worker_output ]*
 *
 * Work is split across images, never inside an operator: one worker a thread (urs_int8_run_images). What the plan does to the graph: a table operator behind a convolution becomes the
 * last act of the convolution, RESHAPE costs nothing, and activations that do not live at the same time share memory:
 *
 *      arena    | input | a ......... | scratch |      offsets by size, the largest first, each at the lowest place that is free
 *               | c .......   |  b .. |         |      during its life (from the step that writes it to the last that reads it)
 *
 * Inputs share memory with later activations: fill them before every run. */
#ifndef URS_INT8_ENGINE_H
#define URS_INT8_ENGINE_H

#include "base/pool.h"
#include "int8/arithmetic.h"

#include <stdio.h>

typedef struct urs_int8_plan urs_int8_plan;
typedef struct urs_int8_worker urs_int8_worker;

typedef struct urs_int8_plan_options {
    urs_int8_arithmetic arithmetic; /* default: npu */
    const char *kernels;            /* "plain", "avx2", "avx-vnni", "avx512-vnni", "neon", "sdot"; NULL: the best of this processor */
    bool unfused;                   /* every operator a step of its own; for tests */
} urs_int8_plan_options;

/* graph: finished, borrowed until the plan is freed. options may be NULL. URS_ELIMIT: activations need more than 1 GiB. */
urs_status urs_int8_plan_new(urs_int8_plan **out, const urs_int8_graph *graph, const urs_int8_plan_options *options, urs_error *err) URS_CHECKED;
void urs_int8_plan_free(urs_int8_plan *plan); /* NULL is fine; after its workers */

const urs_int8_graph *urs_int8_plan_graph(const urs_int8_plan *plan);
const char *urs_int8_plan_kernels(const urs_int8_plan *plan);
size_t urs_int8_plan_packed_bytes(const urs_int8_plan *plan); /* weights in the kernels' order, with biases and factors */
size_t urs_int8_plan_arena_bytes(const urs_int8_plan *plan);  /* of one worker: activations and scratch */
/* A line a step: operator, output, offset and bytes; then the sums. */
void urs_int8_plan_print(const urs_int8_plan *plan, FILE *to);

urs_status urs_int8_worker_new(urs_int8_worker **out, const urs_int8_plan *plan, urs_error *err) URS_CHECKED;
void urs_int8_worker_free(urs_int8_worker *worker); /* NULL is fine */

void *urs_int8_worker_input(urs_int8_worker *worker, int32_t index);              /* borrowed; urs_int8_tensor_bytes of the graph's input */
const void *urs_int8_worker_output(const urs_int8_worker *worker, int32_t index); /* borrowed; valid until the next run */
void urs_int8_worker_run(urs_int8_worker *worker);

/* Runs `runs` times and prints the shortest time of every step, in microseconds, and its share. */
void urs_int8_worker_profile(urs_int8_worker *worker, int runs, FILE *to);

/* n images through a graph of one input: in is [n][bytes of the input], out[i] is [n][bytes of output i]. workers: one a thread of the pool. */
urs_status urs_int8_run_images(urs_pool *pool, urs_int8_worker *const *workers, size_t n, const void *in, void *const *out, urs_error *err) URS_CHECKED;

#endif
