/* The record of an operation: shape rule, parameters, cost, and what its backward pass needs. One op_<name>.c each, all listed in ops.c.
 *
 * Adding an operation: an enum line in compute/kernel.h, one op_<name>.c, a line in ops.c, the ref kernel, a golden case and a gradient check
 * (a test walks the table and fails if either is missing). */
#ifndef URS_NN_OP_H
#define URS_NN_OP_H

#include "nn/graph.h"

typedef struct urs_op {
    const char *name;
    int32_t inputs_min, inputs_max;
    /* Output dims from attributes and input dims; says what does not fit. */
    urs_status (*infer)(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err);
    /* (optional) Multiply-adds for one image. */
    int64_t (*macs)(const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_dims out);
    bool backward_needs_in;  /* forward inputs must be kept for the backward pass */
    bool backward_needs_out; /* the forward output must be kept */
} urs_op;

const urs_op *urs_op_find(urs_op_kind kind); /* never NULL for kinds below URS_OP_COUNT */

extern const urs_op urs_op_input, urs_op_conv, urs_op_conv_transpose, urs_op_linear, urs_op_matmul, urs_op_batch_norm, urs_op_layer_norm,
    urs_op_activation, urs_op_softmax, urs_op_max_pool, urs_op_avg_pool, urs_op_global_pool, urs_op_resize, urs_op_add, urs_op_mul,
    urs_op_concat, urs_op_slice, urs_op_dropout, urs_op_drop_path, urs_op_l2_norm, urs_op_scale, urs_op_attention, urs_op_pad, urs_op_merge,
    urs_op_position, urs_op_fake_quant;

#endif
