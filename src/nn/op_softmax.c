/* Softmax over the channels of every pixel. Its slope follows from the output. */
#include "nn/op_check.h"

const urs_op urs_op_softmax = {.name = "softmax", .inputs_min = 1, .inputs_max = 1, .infer = urs_op_same_dims, .backward_needs_out = true};
