/* What the parts of the plan share: lowering (plan_fuse.c), steps and buffers (plan_build.c), arena (plan_memory.c), running (plan.c).
 *
 *      graph --fuse--> lowered operations --build--> steps + buffers --memory--> offsets --bind--> ready
 *
 * A buffer is a stretch of the arena that is alive from its first to its last step; steps 0 .. n_forward-1 are the forward pass, the rest the backward pass. */
#ifndef URS_NN_PLAN_PRIVATE_H
#define URS_NN_PLAN_PRIVATE_H

#include "nn/op.h"
#include "nn/plan.h"

/* An operation after folding and fusion. */
typedef struct urs_lowered {
    urs_op_kind op;
    urs_op_attr attr;
    int32_t n_in;
    urs_value in[URS_INPUTS_MAX];
    urs_value out;
    int32_t n_params;
    int32_t param[URS_PARAMS_MAX]; /* indices into the graph's parameters */
    int32_t folded_norm;           /* node of the batch norm folded into the weights, or -1 */
    size_t folded_weight, folded_bias; /* element offsets in the folded block */
    bool dropped;                  /* moved or merged: not executed */
} urs_lowered;

typedef struct urs_buffer {
    size_t bytes;
    int32_t first, last; /* steps; first > last: never used */
    bool pinned;         /* alive during the whole run */
    size_t offset;       /* in the arena */
} urs_buffer;

typedef enum urs_step_kind { URS_STEP_KERNEL, URS_STEP_ADD, URS_STEP_COPY, URS_STEP_CONVERT } urs_step_kind;

#define URS_STEP_BUFFERS 24

typedef struct urs_step {
    urs_step_kind kind;
    urs_kernel *kernel; /* owned */
    urs_kernel_args args;
    /* Which argument comes from which buffer (-1: none). */
    int32_t in[URS_INPUTS_MAX], out, d_out, d_in[URS_INPUTS_MAX], saved;
    int32_t lowered;
    bool backward;
    /* ADD, COPY, CONVERT: from in[0] to out */
    urs_tensor_shape from, to;
} urs_step;

struct urs_plan {
    const urs_graph *graph; /* borrowed */
    const float *params;    /* borrowed */
    urs_plan_options options;
    bool *frozen; /* owned copy, or NULL */
    const urs_backend *backend;
    size_t element;

    urs_lowered *lowered;
    int32_t n_lowered;
    urs_value *alias; /* value -> value that holds its data */
    bool *live;
    void *folded; /* owned: folded weights and biases */
    size_t folded_elements;
    double *params_f64;

    urs_step *steps;
    int32_t n_steps, step_capacity, n_forward;
    urs_buffer *buffers;
    int32_t n_buffers, buffer_capacity;
    int32_t *value_buffer, *grad_buffer; /* per value */
    urs_tensor_shape *shape;             /* per value */
    int32_t *output_buffer, *output_grad_buffer; /* per output: NCHW */
    int32_t input_grad_buffer;

    void *arena, *scratch, *gradients; /* owned, aligned */
    size_t arena_bytes, scratch_bytes, gradient_bytes;
    uint64_t seed;
};

urs_status urs_plan_lower(urs_plan *plan, urs_error *err) URS_CHECKED;
/* Computes folded weights from the current parameters. */
void urs_plan_fold(urs_plan *plan);
urs_status urs_plan_build_steps(urs_plan *plan, urs_error *err) URS_CHECKED;
/* Offsets for all buffers, smallest arena we find; allocates nothing. */
urs_status urs_plan_place_buffers(urs_buffer *buffers, int32_t n, size_t *arena_bytes, urs_error *err) URS_CHECKED;

/* One step, by its place; only for measuring: a step needs what those before it left. */
urs_status urs_plan_run_step(urs_plan *plan, int32_t index, urs_error *err) URS_CHECKED;

#endif
