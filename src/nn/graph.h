/* The graph of a network: operations in topological order, and the list of its parameters.
 *
 * A model is built once from its options by src/models; it names its parameters as the reference implementation does, so that published weights
 * load by name. Shapes are per image ([C,H,W]); the batch size belongs to the plan (plan.h).
 *
 *      urs_graph_new -> urs_graph_input -> conv, norm, act ... -> urs_graph_output -> urs_graph_finish
 *
 * Builders are sticky: after the first error every builder returns URS_NO_VALUE and does nothing, and urs_graph_finish reports that first error,
 * so architecture code reads straight down. Parameter names are `name` + ".weight", ".bias", ".running_mean", ".running_var" (PyTorch's).
 * A finished graph is immutable and may be shared between threads. */
#ifndef URS_NN_GRAPH_H
#define URS_NN_GRAPH_H

#include "compute/kernel.h"

typedef struct urs_graph urs_graph;
typedef int32_t urs_value; /* index of the node that produces it */
#define URS_NO_VALUE ((urs_value)-1)

typedef struct urs_dims {
    int64_t c, h, w;
} urs_dims;

typedef enum urs_param_role {
    URS_ROLE_WEIGHT,
    URS_ROLE_BIAS,
    URS_ROLE_GAMMA,   /* norm weight, layer scale */
    URS_ROLE_BETA,    /* norm bias */
    URS_ROLE_MEAN,    /* running statistics: buffers, not trained */
    URS_ROLE_VARIANCE
} urs_param_role;

/* How a parameter starts. a, b: see each. */
typedef enum urs_init_kind {
    URS_INIT_DEFAULT,          /* by role: weight kaiming-uniform a=sqrt(5) (PyTorch's default), bias U(+-1/sqrt(fan_in)), gamma 1, beta 0, mean 0, variance 1 */
    URS_INIT_CONSTANT,         /* a */
    URS_INIT_NORMAL,           /* mean 0, deviation a */
    URS_INIT_TRUNC_NORMAL,     /* deviation a, cut at +-2 (absolute, as torchvision's trunc_normal_) */
    URS_INIT_KAIMING_FAN_OUT,  /* normal, gain sqrt(2) */
    URS_INIT_UNIFORM           /* +-a */
} urs_init_kind;

typedef struct urs_init {
    urs_init_kind kind;
    float a;
} urs_init;

typedef struct urs_param {
    char *name;          /* owned by the graph */
    urs_param_role role;
    int32_t rank;
    int64_t shape[4];
    size_t count;        /* elements */
    size_t offset;       /* first element in the parameter block; every parameter starts at a multiple of 16 elements */
    urs_init init;
    int64_t fan_in, fan_out;
} urs_param;

typedef struct urs_node {
    urs_op_kind op;
    urs_op_attr attr;
    int32_t n_in;
    urs_value in[URS_INPUTS_MAX];
    int32_t n_params;
    int32_t param[URS_PARAMS_MAX]; /* indices into the parameter list */
    urs_dims dims;                 /* of the output, per image */
} urs_node;

urs_status urs_graph_new(urs_graph **out, urs_error *err) URS_CHECKED;
void urs_graph_free(urs_graph *g);

urs_value urs_graph_input(urs_graph *g, urs_dims dims);

/* kernel, stride (0 = 1), symmetric pad, or explicit asymmetric pads (added to pad), groups (0 = 1). */
typedef struct urs_conv_options {
    int32_t out;      /* output channels; required */
    int32_t kernel;   /* required */
    int32_t stride, pad, groups;
    int32_t pad_top, pad_left, pad_bottom, pad_right; /* extra, on top of `pad` (TensorFlow's asymmetric padding) */
    bool bias;
    urs_init weight_init, bias_init;
} urs_conv_options;

urs_value urs_graph_conv(urs_graph *g, urs_value x, const char *name, const urs_conv_options *options);
urs_value urs_graph_conv_transpose(urs_graph *g, urs_value x, const char *name, const urs_conv_options *options);

typedef struct urs_linear_options {
    int32_t out; /* required */
    bool no_bias;
    urs_init weight_init, bias_init;
} urs_linear_options;

urs_value urs_graph_linear(urs_graph *g, urs_value x, const char *name, const urs_linear_options *options);
urs_value urs_graph_matmul(urs_graph *g, urs_value a, urs_value b);
urs_value urs_graph_batch_norm(urs_graph *g, urs_value x, const char *name, float eps, float momentum);
urs_value urs_graph_layer_norm(urs_graph *g, urs_value x, const char *name, float eps);
urs_value urs_graph_activation(urs_graph *g, urs_value x, urs_activation activation); /* NONE: x itself */
urs_value urs_graph_softmax(urs_graph *g, urs_value x);
urs_value urs_graph_max_pool(urs_graph *g, urs_value x, int32_t kernel, int32_t stride, int32_t pad);
urs_value urs_graph_avg_pool(urs_graph *g, urs_value x, int32_t kernel, int32_t stride, int32_t pad);
urs_value urs_graph_global_pool(urs_graph *g, urs_value x);
urs_value urs_graph_resize(urs_graph *g, urs_value x, urs_resize_mode mode, int32_t out_h, int32_t out_w);
urs_value urs_graph_add(urs_graph *g, urs_value a, urs_value b);
urs_value urs_graph_mul(urs_graph *g, urs_value a, urs_value b);
urs_value urs_graph_concat(urs_graph *g, const urs_value *x, int32_t n);
urs_value urs_graph_slice(urs_graph *g, urs_value x, int32_t begin, int32_t count);
urs_value urs_graph_dropout(urs_graph *g, urs_value x, float p);
urs_value urs_graph_drop_path(urs_graph *g, urs_value x, float p);
urs_value urs_graph_l2_norm(urs_graph *g, urs_value x, float eps);
/* Layer scale with parameter `name` itself (no suffix), shape [c,1,1], starting at `start`. */
urs_value urs_graph_scale(urs_graph *g, urs_value x, const char *name, float start);
/* x as int8 would hold it, for simulating and training quantised networks. Parameters `name`.step [1] (starts at 0: off, x itself; trained if `learned`) and `name`.state [3] (zero point first). */
urs_value urs_graph_fake_quant(urs_graph *g, urs_value x, const char *name, bool learned);

/* Attention over the pixels of a map (compute/attention.h): x holds q, k and v in thirds of its channels, in windows or over the whole map. The parameters of the
 * position are `name` itself (TABLE, DISTANCE), or name + "_h" and name + "_w" (QUERY); deviation 0.02 cut, zero, zero at the start. */
typedef struct urs_attention_options {
    int32_t heads;         /* required */
    int32_t window, shift; /* window 0: the whole map, which must be square if there is a position */
    bool head_major;
    urs_attention_position position;
} urs_attention_options;

urs_value urs_graph_attention(urs_graph *g, urs_value x, const char *name, const urs_attention_options *options);
/* Attention of every pixel of q over all pixels of k and v: no position. */
urs_value urs_graph_cross_attention(urs_graph *g, urs_value q, urs_value k, urs_value v, int32_t heads);
/* Zeros around the map; negative: cuts. */
urs_value urs_graph_pad(urs_graph *g, urs_value x, int32_t top, int32_t left, int32_t bottom, int32_t right);
urs_value urs_graph_merge(urs_graph *g, urs_value x);
/* Adds parameter `name` itself, shape [1,h,w,c]; starts with deviation 0.02, cut. */
urs_value urs_graph_position(urs_graph *g, urs_value x, const char *name);

urs_dims urs_graph_dims(const urs_graph *g, urs_value x);

/* Marks x as output number 0, 1, ... under a name. */
void urs_graph_output(urs_graph *g, urs_value x, const char *name);
urs_status urs_graph_finish(urs_graph *g, urs_error *err) URS_CHECKED;

/* Reading a finished graph; all borrowed. */
int32_t urs_graph_nodes(const urs_graph *g, const urs_node **nodes);
int32_t urs_graph_params(const urs_graph *g, const urs_param **params);
int32_t urs_graph_outputs(const urs_graph *g, const urs_value **values);
int32_t urs_graph_inputs(const urs_graph *g, const urs_value **values);
const char *urs_graph_output_name(const urs_graph *g, int32_t index);
int32_t urs_graph_find_param(const urs_graph *g, const char *name);    /* -1: none */
int32_t urs_graph_find_output(const urs_graph *g, const char *name);   /* -1: none */
size_t urs_graph_block_elements(const urs_graph *g);                   /* size of the parameter block, gaps included */
int64_t urs_graph_param_count(const urs_graph *g);                     /* trainable parameters, as PyTorch counts them (no buffers) */
int64_t urs_graph_macs(const urs_graph *g);                            /* multiply-adds of convolutions, linears, matmuls and attention for one image */

/* Fills a parameter block (urs_graph_block_elements floats) with starting values; deterministic in seed. */
void urs_graph_init_params(const urs_graph *g, float *block, uint64_t seed);

#endif
