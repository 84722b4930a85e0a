/* A network in the form that int8 hardware runs, still in float: what every other part of this room works on.
 *
 *      source graph                                     deployed graph
 *      conv -> batch norm -> [scale] -> [ReLU, ReLU6]   conv -> [ReLU, ReLU6] -> fake quant
 *      ... -> hard-swish                                conv -> fake quant -> hard-swish -> fake quant
 *      ... -> SiLU                                      conv -> fake quant -+-> sigmoid -> fake quant -+-> mul -> fake quant
 *                                                                           '--------------------------'
 *      fc2 -> hard-sigmoid -> mul -> conv               fc2 with 3 added to its bias -> ReLU6 -> fake quant -> mul -> fake quant -> conv with weights / 6
 *      linear                                           1x1 convolution
 *      batch norm -> conv, linear                       folded forwards, where nothing is padded
 *      dropout, stochastic depth, l2_norm outputs       gone
 *      input (byte / 255 - mean) / std                  input byte / 255 - (zero point + 128) / 255, the rest in the first convolution's weights
 *
 * The squeeze-excitation needs no operation of its own that way: hard_sigmoid(v) = ReLU6(v + 3) / 6, the 3 is a bias and the 6 a factor of the weights behind.
 *
 * Every fake quant node is a quantiser. Quantisers whose values meet in one int8 tensor (concatenation, slice, pool, enlargement) form a group with one step
 * and one zero point, as TFLite wants it (spec of its int8 kernels); a group's number is the index into `groups`.
 *
 * The deployed block follows from the source's parameters by urs_deploy_expand, and gradients go back by urs_deploy_contract, so that post-training
 * quantisation, simulation, quantisation-aware training and export all see one and the same arithmetic. */
#ifndef URS_QUANT_DEPLOY_H
#define URS_QUANT_DEPLOY_H

#include "image/image.h"
#include "nn/graph.h"

#define URS_QUANT_LOW (-128)
#define URS_QUANT_HIGH 127
#define URS_DEPLOY_ROW_MAX 32768 /* weights of one output channel */
#define URS_QUANT_WEIGHT_MAX 127 /* weights are symmetric: -127 .. 127 */

/* real = step * (q - zero_point) */
typedef struct urs_quant_range {
    float step; /* 0: not known yet */
    int32_t zero_point;
} urs_quant_range;

typedef enum urs_group_kind {
    URS_GROUP_OBSERVED,
    URS_GROUP_INPUT,  /* given by the input format: q = byte - 128 */
    URS_GROUP_SIGMOID /* fixed: 1/256, -128 */
} urs_group_kind;

typedef struct urs_deploy_group {
    urs_group_kind kind;
    urs_quant_range range;
    bool off; /* left in float: for sensitivity reports */
} urs_deploy_group;

typedef struct urs_deploy_quantiser {
    urs_value seen, value; /* deployed values: before and behind it */
    int32_t group;
    float floor;           /* smaller numbers need not be told apart (hard-swish is 0 below -3); -INFINITY: none */
    size_t step_at, state_at; /* in the deployed block */
} urs_deploy_quantiser;

/* A convolution of the deployed graph, and where its weights come from:
 *      weight[o][i][k] = W[o][i][k] * post[o] * pre[i]          post: batch norm, layer scale, equalisation
 *      bias[o] = (b[o] - mean[o]) * norm[o] ... + sum over i, k of W[o][i][k] * post[o] * shift[i] + constant                pre, shift: norm in front, input, 1/6 */
typedef struct urs_deploy_conv {
    char name[96];           /* the source's parameter name without ".weight" */
    urs_value node;          /* deployed */
    urs_value input;         /* deployed: what it reads */
    int32_t weight, bias;    /* parameters of the source; bias -1: none */
    int32_t norm, scale, norm_before; /* nodes of the source; -1: none */
    bool reads_input, transposed;
    float factor;            /* of what it reads: 1, or 1/6 behind a hard-sigmoid */
    float bias_constant;     /* 0, or 3 in front of one */
    urs_activation activation; /* fused behind it: NONE, RELU, RELU6 */
    int32_t out, in, groups, area;
    size_t weight_at, bias_at; /* in the deployed block */
    size_t post_at, pre_at;    /* of the equalisation factors in `factors`: [out], [in] */
    size_t step_at;            /* of the weights' steps in `weight_steps`: [out] */
    bool off;                  /* weights left in float: for sensitivity reports */
} urs_deploy_conv;

typedef struct urs_deploy {
    const urs_graph *source; /* borrowed */
    urs_graph *graph;        /* owned; outputs as the source's */
    urs_graph *watched;      /* owned; the same nodes and parameters, with further outputs: watch_quantiser + i what quantiser i sees, watch_conv + i what convolution i reads */
    int32_t watch_quantiser, watch_conv;
    urs_input_format input;
    urs_deploy_conv *convs;  /* owned, in the graph's order */
    int32_t n_convs;
    urs_deploy_quantiser *quantisers; /* owned */
    int32_t n_quantisers;
    urs_deploy_group *groups; /* owned */
    int32_t n_groups;
    int32_t *quantiser_of;   /* owned: per deployed value the quantiser whose grid it lies on; -1: between a convolution and its activation */
    size_t factor_count, step_count;
    float *factors;          /* owned: equalisation, all 1 at first */
    float *weight_steps;     /* owned: steps of the weights where they were learned, 0: largest weight / 127 */
    float *bias_shift;       /* owned: [out] of every convolution at its step_at: bias correction */
    int8_t *rounded;         /* owned, or NULL: whole weights chosen by AdaRound, at the weights' places in the deployed block */
} urs_deploy;

/* URS_EUNSUPPORTED names the operation that int8 hardware has no place for. source stays borrowed. */
urs_status urs_deploy_new(urs_deploy **out, const urs_graph *source, const urs_input_format *input, urs_error *err) URS_CHECKED;
void urs_deploy_free(urs_deploy *d);

typedef struct urs_deploy_expand_options {
    bool float_weights; /* weights and biases as they are */
    bool float_values;  /* all quantisers off */
} urs_deploy_expand_options;

/* Fills a block of the deployed graph (urs_graph_block_elements(d->graph)) from one of the source; fake-quantised weights and biases. options NULL: everything quantised. */
void urs_deploy_expand(const urs_deploy *d, float *block, const float *params, const urs_deploy_expand_options *options);

/* The step that the weights of output channel o of a convolution have, given its folded weights (rows of `count`, see urs_deploy_row), its folded bias and the step of what it reads. Never so small
 * that the bias would leave 32 bits. */
float urs_deploy_weight_step(const urs_deploy *d, const urs_deploy_conv *c, int32_t o, float largest, float bias, float input_step);
/* Step of what a convolution reads. */
float urs_deploy_input_step(const urs_deploy *d, const urs_deploy_conv *c);

/* Where weight (o, k) of a deployed convolution lies, k = 0 .. count-1; for transposed ones a row is no stretch of memory. */
int32_t urs_deploy_row_count(const urs_deploy_conv *c);
size_t urs_deploy_row_at(const urs_deploy_conv *c, int32_t o, int32_t k);

/* Output channel o as int8 has it, from folded weights: whole[urs_deploy_row_count(c)]; bias_step = input step * step. */
typedef struct urs_deploy_row {
    float step, bias_step;
    int32_t bias;
} urs_deploy_row;
void urs_deploy_quantise_row(urs_deploy_row *row, int8_t *whole, const urs_deploy *d, const urs_deploy_conv *c, const float *block, int32_t o);

/* Folded float weights and biases only (no quantisers). */
void urs_deploy_fold(const urs_deploy *d, float *block, const float *params);

/* d_params += what the gradient of the deployed block means for the source's parameters: weights, biases and the shifts of batch norms. Factors of batch norms and everything in front of a
 * convolution count as constants (statistics are frozen, and the weights can take up any factor). */
void urs_deploy_contract(const urs_deploy *d, float *d_params, const float *d_block, const float *params);

/* Picture bytes [3][h][w] -> the deployed graph's input, and a stage's input tensor -> picture bytes. */
void urs_deploy_input_from_bytes(const urs_deploy *d, float *out, const uint8_t *bytes);
void urs_bytes_from_input(uint8_t *bytes, const float *tensor, const urs_input_format *format);

/* Whole zero point and step for a range that is stretched to hold 0. */
urs_quant_range urs_quant_range_of(float low, float high);

#endif
