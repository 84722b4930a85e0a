/* A float network as an ONNX model (opset 17, float32) that computes what the plan computes, before folding and fusion: one node an operation under the parameters' own names.
 *
 *      input [batch,3,H,W] as the stage prepares it (ursid.input among the notes), outputs under the graph's names (models.h)
 *      linear                  Conv of 1x1              resize          Resize by factors
 *      layer norm over C       Transpose, LayerNormalization, Transpose
 *      GELU                    x * (erf(x / sqrt 2) + 1) / 2
 *      L2 norm                 x / max(ReduceL2(x), eps)
 *      dropout, drop path      gone
 *
 * Attention, what only networks with attention have (pad, merge, position) and fake quantisation have no form here. */
#ifndef URS_NN_ONNX_FLOAT_H
#define URS_NN_ONNX_FLOAT_H

#include "base/file.h"
#include "int8/onnx_model.h"
#include "nn/graph.h"
#include "nn/weights.h"

/* block: parameters of g. notes (optional): its metadata is copied into the model. facts: what the check of the bytes saw, may be NULL. Bytes owned by the caller. URS_EUNSUPPORTED names the operation. */
urs_status urs_onnx_encode_float(urs_bytes *out, urs_onnx_facts *facts, const urs_graph *g, const float *block, const urs_weights *notes, urs_error *err) URS_CHECKED;

#endif
