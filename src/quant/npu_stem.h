/* The stem of a network for NPUs: a 3x3 convolution of stride 2 on 3 channels becomes a 2x2 convolution of stride 1 on 12, which sees the same numbers.
 *
 *      picture [1,H,W,3]                 blocks [1,H/2,W/2,12]
 *      +----+----+
 *      | a  | b  |   2x2 pixels   -->    | a r,g,b | b r,g,b | c r,g,b | d r,g,b |        whoever fills the input does this
 *      +----+----+
 *      | c  | d  |
 *      +----+----+
 *
 *      weight (ky,kx) of the 3x3  -->  block (ky-p)/2 rounded down, row (ky-p)%2 in it; p = 1 where the picture is padded before, 0 where only behind; the other weights are 0
 *
 * The outputs are the same bytes. An NPU, whose convolutions work on 8 or 16 channels at once, needs half the cycles for it (docs/results/npu.md), although there are more multiplications. */
#ifndef URS_QUANT_NPU_STEM_H
#define URS_QUANT_NPU_STEM_H

#include "int8/int8_graph.h"

/* A finished copy (owned) with such a stem; notes and all. URS_EUNSUPPORTED: the network does not begin with a 3x3 convolution of stride 2 on a picture of even sides. */
urs_status urs_quant_npu_stem(urs_int8_graph **out, const urs_int8_graph *g, urs_error *err) URS_CHECKED;

#endif
