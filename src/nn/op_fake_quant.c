/* A value as int8 would hold it: quantised and brought back (Jacob et al., 2018). The kernels say how (compute/ref_fake_quant.c). */
#include "nn/op_check.h"

const urs_op urs_op_fake_quant = {.name = "fake_quant", .inputs_min = 1, .inputs_max = 1, .infer = urs_op_same_dims, .backward_needs_in = true};
