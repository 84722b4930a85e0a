/* From a deployed network with known ranges to the int8 graph that TFLite, Vela and our own engine run: the same whole numbers that urs_deploy_expand simulates.
 *
 *      fake quant              the quantisation of the tensor in front of it
 *      conv [-> ReLU, ReLU6]   CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV with the activation fused; PAD in front where the padding is neither SAME nor VALID
 *      hard-swish, sigmoid     HARD_SWISH, LOGISTIC
 *      add, mul, mean, pools, enlargement, concatenation, slice     the operator of that name
 *
 * Input: "input" [1,h,w,3], q = byte - 128. Outputs in the deployed graph's order. */
#ifndef URS_QUANT_EMIT_H
#define URS_QUANT_EMIT_H

#include "int8/int8_graph.h"
#include "quant/deploy.h"

/* *out: owned, finished. URS_EINVAL: a range is not known yet. */
urs_status urs_deploy_emit(urs_int8_graph **out, const urs_deploy *d, const float *params, urs_error *err) URS_CHECKED;

#endif
