/* The contract of an int8 operator: one record, in one file. Private to src/int8.
 *
 *      int8_op_<name>.c   rule: shapes of the outputs from inputs and attributes, and what else must hold
 *                         run:  the oracle. Plain C, straight from the definition, everything computed anew from scales and attributes; fast kernels are compared with it
 *      int8_ops.c         the table of all records
 *
 * To add an operator: a line in int8_graph.h, its file, its line in int8_ops.c, its row in tflite_ops.c, a case in tests/unit/int8_cases.c (tests fail without them). */
#ifndef URS_INT8_OP_H
#define URS_INT8_OP_H

#include "int8/arithmetic.h"
#include "int8/int8_graph.h"

/* One execution. Pointers are borrowed: constants of the graph or memory of the caller; outputs do not overlap inputs, but for RESHAPE. */
typedef struct urs_int8_call {
    const urs_int8_graph *graph;
    const urs_int8_op *op;
    urs_int8_arithmetic arithmetic;
    const void *in[URS_INT8_INPUTS_MAX]; /* NULL: absent */
    void *out[URS_INT8_OUTPUTS_MAX];
} urs_int8_call;

typedef struct urs_int8_record {
    const char *name; /* TFLite's */
    int32_t n_in_min, n_in_max;
    bool keeps_quant;     /* outputs, and further inputs, have scale and zero point of input 0 */
    urs_int8_quant fixed; /* scale not 0: the only one that outputs may have */
    /* Writes the shapes of op->n_out outputs. Input indices are valid and their types and constants are checked already, by `urs_int8_check_op`. */
    urs_status (*rule)(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err);
    void (*run)(const urs_int8_call *c);
} urs_int8_record;

const urs_int8_record *urs_int8_record_of(urs_int8_kind kind); /* NULL: no such kind */

extern const urs_int8_record urs_int8_conv_2d, urs_int8_depthwise_conv_2d, urs_int8_transpose_conv, urs_int8_fully_connected, urs_int8_add, urs_int8_sub, urs_int8_mul,
    urs_int8_mean, urs_int8_average_pool_2d, urs_int8_max_pool_2d, urs_int8_concatenation, urs_int8_split, urs_int8_slice, urs_int8_reshape, urs_int8_pad, urs_int8_resize_nearest,
    urs_int8_quantize_op, urs_int8_dequantize, urs_int8_logistic, urs_int8_tanh, urs_int8_hard_swish, urs_int8_relu, urs_int8_relu6, urs_int8_leaky_relu, urs_int8_gelu,
    urs_int8_softmax;

/* ---- what rules share (int8_rules.c) ---- */

/* Fails with "OPERATOR 'output name or number': sentence". */
urs_status urs_int8_bad(const urs_int8_graph *g, const urs_int8_op *op, urs_error *err, const char *format, ...) URS_PRINTF(4, 5);

/* Everything about one operator whose outputs may not exist yet: counts, types, constants, attributes in range, and its rule. */
urs_status urs_int8_check_op(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err) URS_CHECKED;
/* Outputs that exist: their shapes, types and quantisation against what the rule says. */
urs_status urs_int8_check_outputs(const urs_int8_shape *expected, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err) URS_CHECKED;
/* Element type of the outputs when the operator makes them itself. */
urs_int8_type urs_int8_output_type(urs_int8_kind kind);

static inline const urs_int8_tensor *urs_int8_input_of(const urs_int8_graph *g, const urs_int8_op *op, int32_t i)
{
    return &g->tensors[op->in[i]];
}
static inline const urs_int8_tensor *urs_int8_output_of(const urs_int8_graph *g, const urs_int8_op *op, int32_t i)
{
    return &g->tensors[op->out[i]];
}
static inline bool urs_int8_has_input(const urs_int8_op *op, int32_t i)
{
    return i < op->n_in && op->in[i] != URS_INT8_NONE;
}

/* ---- what oracles share ---- */

/* input scale * weight scale of channel o / output scale */
static inline double urs_int8_weight_factor(urs_int8_quant in, const urs_int8_tensor *w, int32_t o, urs_int8_quant out)
{
    return (double)in.scale * (double)(w->scales ? w->scales[o] : w->quant.scale) / (double)out.scale;
}

static inline int8_t urs_int8_requantise(int32_t sum, urs_int8_multiplier m, int32_t zero_point, urs_int8_range range)
{
    return urs_int8_settle(urs_int8_scale(sum, m), zero_point, range);
}

/* Of CONV_2D and FULLY_CONNECTED, where TFLite's GEMM library rounds halves upwards. */
static inline int8_t urs_int8_requantise_gemm(int32_t sum, urs_int8_multiplier m, int32_t zero_point, urs_int8_range range, urs_int8_arithmetic arithmetic)
{
    return urs_int8_settle(arithmetic == URS_INT8_TFLITE ? urs_int8_scale_up(sum, m) : urs_int8_scale(sum, m), zero_point, range);
}

/* A window that slides over rows or columns. */
typedef struct urs_int8_window {
    int32_t in, out, kernel, stride, dilation;
    int32_t before; /* padding in front */
} urs_int8_window;

/* The two windows of a convolution or pool (strides and dilations of 0 become 1); URS_EINVAL where nothing fits. */
urs_status urs_int8_windows(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err) URS_CHECKED;
/* The same for an operator of a finished graph, where it cannot fail. */
void urs_int8_windows_of(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op);

/* The part of window number o (of a pool: dilation 1) that lies inside the picture: begin .. end-1. */
static inline void urs_int8_window_inside(const urs_int8_window *w, int32_t o, int32_t *begin, int32_t *end)
{
    const int32_t at = o * w->stride - w->before;
    *begin = at > 0 ? at : 0;
    *end = at + w->kernel < w->in ? at + w->kernel : w->in;
}
/* Those of a TRANSPOSE_CONV of a finished graph: in and out have changed their roles. */
void urs_int8_backward_windows_of(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op);

/* Rule of operators whose output looks like input 0. */
urs_status urs_int8_same_shape(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err);

/* Elements as [outer][axis][inner] around an axis. */
typedef struct urs_int8_split {
    size_t outer, axis, inner;
} urs_int8_split_axis;
urs_int8_split_axis urs_int8_around(urs_int8_shape shape, int32_t axis);

#endif
