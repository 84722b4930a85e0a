/* SGD and AdamW over one flat block of parameters, with PyTorch's semantics.
 *
 *      block   | conv1.weight | pad | bn1.weight | pad | bn1.running_mean | ... | extra (ArcFace W) |
 *      range     group 0              group 1            statistics               group 2
 *
 * A range says which group its elements belong to; elements in no range (padding) never change. Each group has its own rate, given at every step
 * (schedules belong to the caller), and weight decay. Ranges of running statistics are not trained: at their places the gradient block holds
 * batch statistics (kernel.h), and urs_optimiser_statistics moves the running ones towards them.
 *
 * SGD (torch.optim.SGD):     g += decay*p;  b = momentum*b + g;  g = nesterov ? g + momentum*b : b;  p -= lr*g
 * AdamW (torch.optim.AdamW): p -= lr*decay*p;  m, v moments of g;  p -= lr/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps)
 * (Adam is AdamW with decay 0.)
 *
 * Work is cut into fixed chunks, so results do not depend on the number of threads. An optimiser belongs to one thread at a time. */
#ifndef URS_TRAIN_OPTIMISER_H
#define URS_TRAIN_OPTIMISER_H

#include "base/error.h"
#include "base/pool.h"
#include "nn/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_GROUPS_MAX 8

typedef enum urs_optimiser_kind { URS_OPTIMISER_SGD, URS_OPTIMISER_ADAMW } urs_optimiser_kind;

typedef struct urs_group {
    double lr_scale;     /* multiplies the step's rate; 0: 1 */
    double weight_decay; /* 0: none */
    bool frozen;         /* does not change; its running statistics neither */
} urs_group;

typedef struct urs_range {
    size_t offset, count; /* elements */
    int32_t group;
    bool statistics;      /* running mean or variance of a batch norm */
    float stat_momentum;  /* of those: running = (1-m)*running + m*batch */
} urs_range;

typedef struct urs_optimiser_options {
    urs_optimiser_kind kind;
    bool nesterov;            /* SGD */
    double beta1, beta2, eps; /* AdamW; 0: 0.9, 0.999, 1e-8 */
    urs_group groups[URS_GROUPS_MAX];
} urs_optimiser_options;

/* What a schedule decides for one step. */
typedef struct urs_rates {
    double lr[URS_GROUPS_MAX]; /* per group, before lr_scale */
    double momentum;           /* SGD only; AdamW keeps its beta1 */
} urs_rates;

typedef struct urs_optimiser urs_optimiser;

/* `elements`: size of the block. Ranges are copied; they must lie inside the block and not overlap. */
urs_status urs_optimiser_new(urs_optimiser **out, const urs_optimiser_options *options, const urs_range *ranges, size_t n_ranges, size_t elements,
                             urs_error *err) URS_CHECKED;
void urs_optimiser_free(urs_optimiser *o);

/* Ranges of a graph's parameters: weights in weight_group; biases, norm and layer-scale parameters in other_group; running statistics as such.
 * `group` (optional): one group per parameter instead (-1: as above). The list is owned by the caller (urs_free). */
urs_status urs_optimiser_ranges(urs_range **out, size_t *n, const urs_graph *graph, int32_t weight_group, int32_t other_group, const int32_t *group,
                                urs_error *err) URS_CHECKED;

/* Euclidean norm of the gradients of all trained ranges, summed in double. pool may be NULL. */
urs_status urs_optimiser_norm(double *norm, urs_optimiser *o, const float *gradients, urs_pool *pool, urs_error *err) URS_CHECKED;

/* The factor that torch.nn.utils.clip_grad_norm_ multiplies with: min(1, limit/(norm+1e-6)); limit 0: 1. */
double urs_clip_factor(double norm, double limit);

/* One step; every gradient is multiplied by `factor` first (clipping, averaging). Padding and statistics are left alone. */
urs_status urs_optimiser_step(urs_optimiser *o, float *params, const float *gradients, double factor, const urs_rates *rates, urs_pool *pool,
                              urs_error *err) URS_CHECKED;

/* Moves the running statistics towards the batch statistics in `gradients`. */
void urs_optimiser_statistics(const urs_optimiser *o, float *params, const float *gradients);

/* State for checkpoints: blocks of `elements` floats (SGD 1, AdamW 2), and the number of steps done. Borrowed, writable. */
int urs_optimiser_blocks(const urs_optimiser *o);
float *urs_optimiser_block(urs_optimiser *o, int index);
size_t urs_optimiser_elements(const urs_optimiser *o);
uint64_t urs_optimiser_steps(const urs_optimiser *o);
void urs_optimiser_set_steps(urs_optimiser *o, uint64_t steps);

#endif
