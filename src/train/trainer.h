/* The data-parallel step: one plan per thread over one shared block of parameters; used by all three stages.
 *
 *      block (owned)  | graph's parameters and statistics | extra, e.g. ArcFace W |        same for gradient, EMA and optimiser state
 *
 *      begin -> +- shard 0: fill, forward, [prepare] -+            +- loss, backward -+
 *               +- shard 1: fill, forward, [prepare] -+- combine  -+- loss, backward -+- sum in shard order -> clip -> optimiser -> EMA -> update
 *
 * A batch is cut into `threads` shards of neighbouring images. Gradients of the shards are ADDED (losses divide by the size of the whole
 * batch), batch-norm statistics are averaged with the shards' sizes as weights; batch norms normalise over their shard. Same seed, same
 * thread count: same bytes.
 *
 * Callbacks run in worker threads, one shard in one thread at a time, except begin, combine and end, which run in the thread that called
 * urs_trainer_step. A trainer belongs to one thread at a time. */
#ifndef URS_TRAIN_TRAINER_H
#define URS_TRAIN_TRAINER_H

#include "nn/plan.h"
#include "train/optimiser.h"

typedef struct urs_trainer urs_trainer;

/* Training a network through another graph whose parameters follow from its own, e.g. batch norms folded and weights fake-quantised (quant/qat.h). The plans run `graph`; what is trained, averaged
 * and saved stays the trainer's graph's parameters, and `own` further numbers.
 *
 *      params, own --expand--> block of `graph` --forward, backward--> its gradient --contract--> gradient of params and own
 *
 * Outputs keep their numbers. Batch norms of the trainer's graph keep their running statistics. Both functions run in the thread that called urs_trainer_step. */
typedef struct urs_reparam {
    void *context;
    const urs_graph *graph; /* borrowed */
    size_t own;
    int32_t own_group;
    void (*expand)(void *context, float *block, const float *params, const float *own);
    /* Adds to d_params and d_own. d_block: sum over `shards`, of statistics that a shard leaves in it too; it may be changed. own may be changed where it is no matter of gradients. */
    void (*contract)(void *context, float *d_params, float *d_own, float *d_block, int32_t shards, const float *params, float *own);
} urs_reparam;

typedef struct urs_trainer_options {
    const urs_backend *backend; /* NULL: the fastest */
    int32_t threads;            /* shards; 0: cores on line, never more than batch */
    int32_t batch;              /* images in a (micro-)batch; required */
    urs_optimiser_options optimiser;
    int32_t weight_group, other_group; /* groups of weights and of biases/norms; see urs_optimiser_ranges */
    const int32_t *group;              /* (optional) group per parameter of the graph, -1: by role; copied */
    size_t extra;                      /* parameters outside the graph (floats) */
    int32_t extra_group;
    double clip;                /* limit of the gradient's norm; 0: none */
    bool ema;
    double ema_decay, ema_ramp; /* 0: 0.9999, 2000 */
    bool frozen_norm;           /* batch norms use and keep their running statistics */
    uint64_t seed;              /* starting parameters, dropout masks */
    const urs_reparam *reparam; /* borrowed for the trainer's life; NULL: the graph itself is run */
} urs_trainer_options;

typedef struct urs_trainer_calls {
    void *context;
    /* (optional) A new micro-batch begins: take it from the prefetch queue. */
    urs_status (*begin)(void *context, urs_error *err);
    /* Writes images first .. first+count-1 of the batch into the plan's inputs (urs_plan_input). */
    urs_status (*fill)(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err);
    /* (optional) After all forwards: per shard, then once: sums over the whole batch for the normalisers. */
    urs_status (*prepare)(void *context, int32_t shard, urs_plan *plan, urs_error *err);
    urs_status (*combine)(void *context, urs_error *err);
    /* Writes every output gradient (they are zeroed before), and all of `d_extra` (`extra` floats, NULL without) and the shard's share of the loss. */
    urs_status (*loss)(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value,
                       urs_error *err);
    /* (optional) The micro-batch is done with: give it back. Also called when something failed after begin. */
    void (*end)(void *context);
} urs_trainer_calls;

typedef struct urs_trainer_report {
    double loss;          /* sum over shards and micro-batches */
    double gradient_norm; /* of all trained parameters, before clipping */
} urs_trainer_report;

/* The graph is borrowed for the trainer's life. Parameters start with urs_graph_init_params(seed), extra ones at zero. */
urs_status urs_trainer_new(urs_trainer **out, const urs_graph *graph, const urs_trainer_options *options, urs_error *err) URS_CHECKED;
void urs_trainer_free(urs_trainer *t);

/* One optimiser step over `accumulate` (0: 1) micro-batches, whose gradients are added. A failed step (also a loss or gradient that is not finite:
 * URS_EINVAL) leaves parameters and optimiser as they were, up to running statistics of earlier micro-batches. */
urs_status urs_trainer_step(urs_trainer *t, const urs_trainer_calls *calls, const urs_rates *rates, int32_t accumulate, urs_trainer_report *report,
                            urs_error *err) URS_CHECKED;

/* Blocks of urs_trainer_elements floats, borrowed. After writing into the parameters call urs_trainer_refresh: the plans re-read them and, while no
 * step was made yet, the average starts from them. */
size_t urs_trainer_elements(const urs_trainer *t);
float *urs_trainer_params(urs_trainer *t);
float *urs_trainer_extra(urs_trainer *t);         /* inside the block; NULL without */
size_t urs_trainer_own_offset(const urs_trainer *t); /* of the numbers of reparam->own inside such a block */
float *urs_trainer_average(urs_trainer *t);       /* EMA; NULL without */
const float *urs_trainer_best(const urs_trainer *t); /* the average if there is one, else the parameters: what to evaluate and to export */
const float *urs_trainer_gradient(const urs_trainer *t); /* of the last step, before clipping */
void urs_trainer_refresh(urs_trainer *t);

urs_optimiser *urs_trainer_optimiser(urs_trainer *t); /* borrowed */
const urs_graph *urs_trainer_graph(const urs_trainer *t);
uint64_t urs_trainer_steps(const urs_trainer *t);   /* optimiser steps done */
uint64_t urs_trainer_batches(const urs_trainer *t); /* micro-batches done: the next index of a prefetch queue */
void urs_trainer_set_progress(urs_trainer *t, uint64_t steps, uint64_t batches); /* for checkpoints */
int32_t urs_trainer_shards(const urs_trainer *t);
int32_t urs_trainer_shard_batch(const urs_trainer *t, int32_t shard);
urs_pool *urs_trainer_pool(urs_trainer *t);         /* borrowed: for evaluation between steps */
size_t urs_trainer_bytes(const urs_trainer *t);

#endif
