/* Layer scale (Touvron et al., 2021): one learned factor a channel. */
#include "nn/op_check.h"

const urs_op urs_op_scale = {.name = "scale", .inputs_min = 1, .inputs_max = 1, .infer = urs_op_same_dims, .backward_needs_in = true};
