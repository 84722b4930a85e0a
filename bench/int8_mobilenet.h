/* MobileNetV3-Small at 224 as an int8 graph with random weights, for measuring time and memory; layers as in Howard et al. 2019 (torchvision's mobilenet_v3_small), squeeze-and-excitation
 * gates by LOGISTIC, heads as 1x1 convolutions. What it computes means nothing. */
#ifndef URS_BENCH_INT8_MOBILENET_H
#define URS_BENCH_INT8_MOBILENET_H

#include "int8/int8_graph.h"

urs_status urs_int8_mobilenet_v3_small(urs_int8_graph **out, int32_t classes, uint64_t seed, urs_error *err) URS_CHECKED;

#endif
