/* An int8 graph as an ONNX model with quantisation written out (QDQ): float operators between QuantizeLinear and DequantizeLinear, which ONNX Runtime fuses into its int8 kernels.
 *
 *      int8 graph          ONNX
 *      [1,H,W,C] int8      xI  [1,C,H,W] float, a multiple of the scale;  rI  the same before it is rounded
 *      input               float, real numbers: scale * (q - zero point), [1,C,H,W]    -> QuantizeLinear -> DequantizeLinear -> x
 *      weights, bias       int8 and int32 constants -> DequantizeLinear, one scale a channel
 *      operator            x, x .. -> Conv, Add, HardSwish ... [-> Relu, Clip] -> r -> QuantizeLinear -> DequantizeLinear -> x
 *      output              float, [1,C,H,W]
 *      notes               metadata under the same keys, and ursid.onnx.input: how picture bytes become the input
 *
 * Tensors of four axes are turned to [N,C,H,W], others stay. ONNX Runtime rounds products once and halves to even, in float: a value may differ by one step from ours, and what is computed of it too. */
#ifndef URS_INT8_ONNX_INT8_H
#define URS_INT8_ONNX_INT8_H

#include "base/file.h"
#include "int8/int8_graph.h"

/* The bytes of the file, owned by the caller. URS_EUNSUPPORTED names an operator that has no ONNX form here (GELU, float and uint8 tensors, a SOFTMAX with beta, rows in a FULLY_CONNECTED). */
urs_status urs_onnx_encode_int8(urs_bytes *out, const urs_int8_graph *g, urs_error *err) URS_CHECKED;

#endif
