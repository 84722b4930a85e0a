/* A plan: a graph compiled for one backend, batch size and mode, with all its memory.
 *
 * Inference plans fold batch norms into convolutions and fuse activation and residual add; training plans keep what the gradients need.
 * All activations live in one arena whose offsets are planned from lifetimes; nothing allocates while running.
 *
 * Parameters: `params` is the block of urs_graph_block_elements(graph) floats, borrowed and read only; several plans (one per thread) may
 * share it. After it changed, call urs_plan_update. Gradients have the same offsets, in a block that the plan owns.
 * A plan belongs to one thread at a time. */
#ifndef URS_NN_PLAN_H
#define URS_NN_PLAN_H

#include "nn/graph.h"

typedef struct urs_plan urs_plan;

typedef struct urs_plan_options {
    const urs_backend *backend; /* NULL: the fastest */
    int32_t batch;              /* 0: 1 */
    bool training;              /* with gradients; no folding or fusion */
    bool frozen_norm;           /* training with the running statistics in batch norms */
    bool no_fusion;             /* inference without folding and fusing: for tests */
    bool input_gradient;        /* training: also the gradient of input 0 */
    urs_dtype dtype;            /* F64: only on ref; then inputs, outputs and gradients are doubles */
    const bool *frozen;         /* (optional) one flag per parameter: no gradient for those; copied */
} urs_plan_options;

urs_status urs_plan_new(urs_plan **out, const urs_graph *graph, const float *params, const urs_plan_options *options, urs_error *err) URS_CHECKED;
void urs_plan_free(urs_plan *plan);

/* Re-reads the parameters (packs, folds). Also called by urs_plan_new. */
void urs_plan_update(urs_plan *plan);

/* Borrowed buffers, NCHW of the plan's batch: fill the input, run, read the output; for training fill the output gradients, run backward,
 * read the gradients. float, or double with F64. */
void *urs_plan_input(urs_plan *plan, int32_t index);
const void *urs_plan_output(const urs_plan *plan, int32_t index);
void *urs_plan_output_gradient(urs_plan *plan, int32_t index); /* zero it yourself where a loss does not write */
const void *urs_plan_gradients(const urs_plan *plan);          /* block; at MEAN/VARIANCE offsets: the batch statistics */
const void *urs_plan_input_gradient(const urs_plan *plan);

/* F64 plans have their own double copy of the parameters: change it in place (then urs_plan_repack) for gradient checks. */
double *urs_plan_params_f64(urs_plan *plan);
void urs_plan_repack(urs_plan *plan);

urs_status urs_plan_forward(urs_plan *plan, urs_error *err) URS_CHECKED;
urs_status urs_plan_backward(urs_plan *plan, urs_error *err) URS_CHECKED;

/* Masks of dropout and stochastic depth follow from this number; set it every step. */
void urs_plan_set_seed(urs_plan *plan, uint64_t seed);

int32_t urs_plan_batch(const urs_plan *plan);
size_t urs_plan_bytes(const urs_plan *plan); /* memory of arena, saved state and packed weights that the plan knows of */

#endif
