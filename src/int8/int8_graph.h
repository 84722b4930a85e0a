/* The int8 graph: tensors and operators as TFLite has them, spoken by everyone here who handles quantised networks.
 *
 *      float graph --quant--> +------------+ --tflite_write--> .tflite (TFLite, Vela)
 *      .tflite --tflite_read-->| int8 graph | --onnx (quant)--> ONNX with Q/DQ
 *                             +------------+ --engine-------> our own execution, byte for byte what TFLite and the NPU compute
 *
 * A tensor q stands for real numbers: real = scale * (q - zero_point). Activations: int8, NHWC [1,H,W,C], one scale and zero point. Weights: int8, zero point 0,
 * one scale a tensor or one a channel along `axis`. Biases: int32 with scale input*weight. Indices (axes, paddings, sizes) are attributes here, constants only in
 * the file. A graph is for one image; batches are several images run side by side (engine.h).
 *
 *      urs_int8_graph_new -> input, weights, bias, apply ... -> output, set_note -> urs_int8_graph_finish
 *
 * Builders are sticky: after the first error each returns URS_INT8_NONE and does nothing, and urs_int8_graph_finish reports that first error. A finished graph is
 * immutable and may be shared between threads. What finish guarantees to whoever runs or writes the graph: every index is valid, operators stand in order of
 * execution, every tensor is written once, shapes and element types follow the operators' rules, constants have the bytes that their shapes need, scales are finite and
 * positive, zero points lie in the range of their type. Those guarantees are all that kernels rely on.
 *
 * Layouts and arithmetic: TFLite's 8-bit quantisation specification. */
#ifndef URS_INT8_GRAPH_H
#define URS_INT8_GRAPH_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_INT8_NONE (-1) /* no tensor: an absent bias */
#define URS_INT8_RANK_MAX 4
#define URS_INT8_INPUTS_MAX 16
#define URS_INT8_OUTPUTS_MAX 16
#define URS_INT8_DIM_MAX 65535          /* the NPU's limit, too */
#define URS_INT8_TENSORS_MAX 16384
#define URS_INT8_OPS_MAX 16384
#define URS_INT8_ELEMENTS_MAX (1 << 28) /* of one tensor */

typedef enum urs_int8_type {
    URS_INT8_TYPE_INT8,
    URS_INT8_TYPE_UINT8,  /* only what QUANTIZE reads and writes: files whose pictures are bytes */
    URS_INT8_TYPE_INT32,  /* biases */
    URS_INT8_TYPE_FLOAT32 /* only what QUANTIZE reads and DEQUANTIZE writes */
} urs_int8_type;

/* Operators, by TFLite's names. Inputs in TFLite's order without the index constants; [..] may be absent (URS_INT8_NONE). Attributes: urs_int8_attr. */
typedef enum urs_int8_kind {
    URS_INT8_CONV_2D,           /* x, weights [O,kh,kw,I], bias O (TFLite's kernels want one); padding, stride, dilation, activation */
    URS_INT8_DEPTHWISE_CONV_2D, /* x, weights [1,kh,kw,C*m], bias C*m; padding, stride, dilation, activation; output channel c*m+j is of input channel c */
    URS_INT8_TRANSPOSE_CONV,    /* x, weights [O,kh,kw,I], [bias O]; padding, stride, out_h, out_w (0: smallest; SAME: in*stride) */
    URS_INT8_FULLY_CONNECTED,   /* x [..,I] (all but the last axis are rows), weights [O,I], [bias O]; activation, keep_dims (of x) */
    URS_INT8_ADD,               /* a, b: one shape, or one of them [1,1,1,C] or [1,1,1,1] and the other the output's; either may be constant; activation */
    URS_INT8_SUB,               /* a - b; as ADD */
    URS_INT8_MUL,               /* as ADD */
    URS_INT8_MEAN,              /* x [1,H,W,C] over H and W; keep_dims: [1,1,1,C], else [1,C] */
    URS_INT8_AVERAGE_POOL_2D,   /* x; padding, stride, filter, activation; padding is not counted; keeps scale and zero point */
    URS_INT8_MAX_POOL_2D,       /* as AVERAGE_POOL_2D */
    URS_INT8_CONCATENATION,     /* x0, x1 ...; axis; all inputs have the output's scale and zero point */
    URS_INT8_SPLIT,             /* x -> n_out equal parts; axis */
    URS_INT8_SLICE,             /* x; begin, size, step (0: 1); with steps it is TFLite's STRIDED_SLICE */
    URS_INT8_RESHAPE,           /* x; shape (rank numbers) */
    URS_INT8_PAD,               /* x; pad; filled with the zero point */
    URS_INT8_RESIZE_NEAREST,    /* x; out_h, out_w, align_corners, half_pixel */
    URS_INT8_QUANTIZE,          /* int8, uint8 or float -> int8 or uint8 of another scale */
    URS_INT8_DEQUANTIZE,        /* int8 -> float */
    URS_INT8_LOGISTIC,          /* output scale 1/256, zero point -128 */
    URS_INT8_TANH,              /* output scale 1/128, zero point 0 */
    URS_INT8_HARD_SWISH,        /* x * relu6(x+3) / 6 */
    URS_INT8_RELU,
    URS_INT8_RELU6,
    URS_INT8_LEAKY_RELU,        /* alpha */
    URS_INT8_GELU,              /* approximate: by tanh */
    URS_INT8_SOFTMAX,           /* over the last axis; beta (0: 1); output scale 1/256, zero point -128 */
    URS_INT8_KIND_COUNT
} urs_int8_kind;

/* Padding of convolutions and pools. SAME, with stride s, kernel k, dilation d: out = ceil(in/s), before = max((out-1)*s+(k-1)*d+1-in, 0) / 2 rounded down, the rest
 * after. A PyTorch padding that is neither is a PAD in front of a VALID (the NPU merges them). */
typedef enum urs_int8_padding { URS_INT8_SAME, URS_INT8_VALID } urs_int8_padding;

typedef enum urs_int8_activation { URS_INT8_ACT_NONE, URS_INT8_ACT_RELU, URS_INT8_ACT_RELU_N1_TO_1, URS_INT8_ACT_RELU6 } urs_int8_activation;

/* Attributes; each operator reads those that its line above names, the others stay zero. */
typedef struct urs_int8_attr {
    urs_int8_padding padding;
    urs_int8_activation activation; /* fused: a clamp of the output */
    int32_t stride_h, stride_w;     /* 0: 1 */
    int32_t dilation_h, dilation_w; /* 0: 1 */
    int32_t filter_h, filter_w;
    int32_t out_h, out_w;
    int32_t axis; /* negative counts from the end */
    int32_t rank, shape[URS_INT8_RANK_MAX];
    int32_t begin[URS_INT8_RANK_MAX], size[URS_INT8_RANK_MAX], step[URS_INT8_RANK_MAX]; /* as many as x has axes; size -1: to the end */
    int32_t pad[URS_INT8_RANK_MAX][2];                                                  /* before and after, as many as x has axes */
    bool keep_dims, align_corners, half_pixel, approximate;
    float alpha, beta;
} urs_int8_attr;

typedef struct urs_int8_shape {
    int32_t rank; /* 0..4; 0 is one number */
    int32_t dim[URS_INT8_RANK_MAX];
} urs_int8_shape;

typedef struct urs_int8_quant {
    float scale;
    int32_t zero_point;
} urs_int8_quant;

typedef struct urs_int8_tensor {
    char *name; /* owned, never NULL */
    urs_int8_type type;
    urs_int8_shape shape;
    urs_int8_quant quant; /* of the whole tensor; scale of channel 0 where `scales` is there; {0,0} for FLOAT32 */
    float *scales;        /* owned; one a channel along `axis`, zero points 0; NULL: one for all */
    int32_t n_scales, axis;
    void *data; /* owned; constant values in C order, or NULL: an activation */
} urs_int8_tensor;

typedef struct urs_int8_op {
    urs_int8_kind kind;
    urs_int8_attr attr;
    int32_t n_in, n_out;
    int32_t in[URS_INT8_INPUTS_MAX], out[URS_INT8_OUTPUTS_MAX]; /* tensor indices */
} urs_int8_op;

/* Read freely, change only through the functions below. */
typedef struct urs_int8_graph {
    urs_int8_tensor *tensors;
    urs_int8_op *ops; /* in order of execution */
    int32_t n_tensors, n_ops, n_inputs, n_outputs;
    int32_t inputs[URS_INT8_INPUTS_MAX], outputs[URS_INT8_OUTPUTS_MAX]; /* tensor indices */
    struct urs_int8_build *build;                                       /* owned; private */
} urs_int8_graph;

urs_status urs_int8_graph_new(urs_int8_graph **out, urs_error *err) URS_CHECKED;
void urs_int8_graph_free(urs_int8_graph *g); /* NULL is fine */

/* ---- building; names and data are copied; each returns the tensor's index ---- */

/* int8 input of the network. */
int32_t urs_int8_graph_input(urs_int8_graph *g, const char *name, urs_int8_shape shape, urs_int8_quant quant);
/* int8 constant with one scale: operand of ADD or MUL, weights of FULLY_CONNECTED (zero point 0). */
int32_t urs_int8_graph_constant(urs_int8_graph *g, const char *name, urs_int8_shape shape, const int8_t *data, urs_int8_quant quant);
/* int8 weights with one scale a channel; there are shape.dim[axis] scales. axis: 0 for [O,kh,kw,I], 3 for depthwise [1,kh,kw,C]. */
int32_t urs_int8_graph_weights(urs_int8_graph *g, const char *name, urs_int8_shape shape, const int8_t *data, const float *scales, int32_t axis);
/* int32 bias (data NULL: zeros) for input scale x and these weights: its scales are input scale * weight scale, as TFLite wants them. */
int32_t urs_int8_graph_bias(urs_int8_graph *g, const char *name, const int32_t *data, int32_t x, int32_t weights);
/* Any tensor, for readers of files: everything in *t is copied; data needs urs_int8_tensor_bytes(t) bytes. */
int32_t urs_int8_graph_tensor(urs_int8_graph *g, const urs_int8_tensor *t);

/* Appends an operator and makes its outputs by the operator's shape rule: n_out and out of *op are ignored (SPLIT: n_out is read). `quant` is that of the outputs;
 * operators that keep the scale of their input, or have a fixed one, take that instead. Several outputs are called name, name_1, ...; gives the first. */
int32_t urs_int8_graph_apply(urs_int8_graph *g, const urs_int8_op *op, const char *name, urs_int8_quant quant);
/* Appends an operator whose outputs exist, for readers of files. */
void urs_int8_graph_op(urs_int8_graph *g, const urs_int8_op *op);

/* Marks a tensor that exists as an input (readers of files only: urs_int8_graph_input does it), as output 0, 1, ... */
void urs_int8_graph_mark_input(urs_int8_graph *g, int32_t tensor);
void urs_int8_graph_output(urs_int8_graph *g, int32_t tensor);

/* Checks everything, and writes out attributes that were left at "0: as usual". On failure the graph stays unfinished; free it. */
urs_status urs_int8_graph_finish(urs_int8_graph *g, urs_error *err) URS_CHECKED;

/* ---- notes: text that travels with the network (architecture, class names, thresholds, calibration, input format), UTF-8 under keys "ursid.*", also in a finished
 * graph (by its one owner) ---- */

urs_status urs_int8_graph_set_note(urs_int8_graph *g, const char *key, const char *value, urs_error *err) URS_CHECKED; /* copied; replaces */
const char *urs_int8_graph_note(const urs_int8_graph *g, const char *key);                                            /* borrowed; NULL: none */
int32_t urs_int8_graph_notes(const urs_int8_graph *g);
void urs_int8_graph_note_at(const urs_int8_graph *g, int32_t index, const char **key, const char **value); /* borrowed */

/* ---- facts ---- */

const char *urs_int8_kind_name(urs_int8_kind kind);      /* TFLite's: "CONV_2D" */
size_t urs_int8_shape_elements(urs_int8_shape shape);    /* 1 for rank 0 */
bool urs_int8_shape_equal(urs_int8_shape a, urs_int8_shape b);
size_t urs_int8_type_size(urs_int8_type type);           /* bytes of an element */
size_t urs_int8_tensor_bytes(const urs_int8_tensor *t);
int32_t urs_int8_find_tensor(const urs_int8_graph *g, const char *name); /* the first of that name; URS_INT8_NONE */
int64_t urs_int8_graph_macs(const urs_int8_graph *g);    /* multiply-adds of convolutions and FULLY_CONNECTED */
size_t urs_int8_graph_constant_bytes(const urs_int8_graph *g);
/* Convenience for literals: urs_int8_shape4(1, 224, 224, 3). */
urs_int8_shape urs_int8_shape4(int32_t n, int32_t h, int32_t w, int32_t c);

#endif
