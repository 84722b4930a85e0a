/* A learned number for every channel and pixel is added, the same for all images: absolute positions of a vision transformer. */
#include "nn/op_check.h"

const urs_op urs_op_position = {.name = "position", .inputs_min = 1, .inputs_max = 1, .infer = urs_op_same_dims};
