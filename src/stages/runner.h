/* Runs a network over many pictures: preparing (decode, resize) and inference in all threads, batches of neighbours, results in any order.
 *
 *      items 0..n-1  --  cut into batches --  worker: prepare each -> forward -> take each
 *
 * What computes is a float plan, or an executor where the network brings a maker of them (int8 weights, an NPU; network.h). Work is split across images; nothing is shared but the parameters. A runner belongs to one thread at a time; its callbacks run in workers. */
#ifndef URS_STAGES_RUNNER_H
#define URS_STAGES_RUNNER_H

#include "base/pool.h"
#include "stages/network.h"

typedef struct urs_runner urs_runner;

typedef struct urs_runner_options {
    int32_t batch;   /* 0: 1 */
    urs_pool *pool;  /* borrowed; NULL: everything in the calling thread */
    const urs_backend *backend;
} urs_runner_options;

/* What the network said about a batch; borrowed for the time of `take`. */
typedef struct urs_outputs urs_outputs;
/* Output number `output` of all images of the batch side by side, NCHW. */
const float *urs_outputs_of(const urs_outputs *outputs, int32_t output);

typedef struct urs_runner_calls {
    void *context;
    /* Writes the input tensor of an item. Failing leaves the item out of `take` unless fatal; see run. */
    urs_status (*prepare)(void *context, size_t item, float *tensor, urs_error *err);
    /* Reads image `index` of the outputs. */
    urs_status (*take)(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err);
    /* (optional) An item that could not be prepared; without it the run stops there with the error. */
    void (*broken)(void *context, size_t item, const urs_error *err);
} urs_runner_calls;

/* network is borrowed; its parameters may change between runs (urs_runner_update). */
urs_status urs_runner_new(urs_runner **out, const urs_network *network, const urs_runner_options *options, urs_error *err) URS_CHECKED;
void urs_runner_free(urs_runner *runner);
void urs_runner_update(urs_runner *runner);
urs_status urs_runner_run(urs_runner *runner, size_t n, const urs_runner_calls *calls, urs_error *err) URS_CHECKED;
size_t urs_runner_bytes(const urs_runner *runner);

/* Elements of output `index` for one image. */
size_t urs_graph_output_elements(const urs_graph *graph, int32_t index);

#endif
