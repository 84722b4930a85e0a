/* Writing ONNX models (IR version 8, opset 17), and checking the bytes of one. Who writes them: onnx_int8.h (QDQ int8), nn/onnx_float.h (float32).
 *
 *      ModelProto                                        every message is a row of fields:  | number << 3 | wire type | value |
 *      +- 1 ir_version, 2 producer                         wire type 0: varint, 7 bits a byte, low ones first
 *      +- 8 opset_import { 2 version }                                 2: length (varint), then so many bytes: text, message, packed numbers
 *      +- 14 metadata_props { 1 key, 2 value } ...                     5: four bytes, low one first
 *      +- 7 graph
 *         +- 1 node { 1 input.., 2 output.., 3 name, 4 op_type, 5 attribute { 1 name, 2 f | 3 i | 4 s | 8 ints, 20 type } } ...
 *         +- 5 initializer { 1 dims, 2 data_type, 8 name, 9 raw_data } ...
 *         +- 11 input, 12 output { 1 name, 2 type { 1 tensor { 1 elem_type, 2 shape { 1 dim { 1 value | 2 name } .. } } } } ...
 *
 * A urs_onnx is sticky: without memory every further call does nothing, and urs_onnx_encode reports it. One owner. */
#ifndef URS_INT8_ONNX_MODEL_H
#define URS_INT8_ONNX_MODEL_H

#include "base/file.h"
#include "base/text.h"

#define URS_ONNX_IR_VERSION 8
#define URS_ONNX_OPSET 17
#define URS_ONNX_RANK_MAX 8

typedef enum urs_onnx_type { URS_ONNX_FLOAT = 1, URS_ONNX_INT8 = 3, URS_ONNX_INT32 = 6, URS_ONNX_INT64 = 7 } urs_onnx_type; /* TensorProto.DataType */

typedef struct urs_onnx {
    urs_text graph; /* fields 1 and 5: nodes and initialisers in the order of making */
    urs_text inputs, outputs, notes;
    urs_text node;  /* the one that is being made */
} urs_onnx; /* {0} is an empty model */

void urs_onnx_release(urs_onnx *m);

/* Inputs and outputs of the model. A dimension below 0: the batch, of any size. */
void urs_onnx_input(urs_onnx *m, const char *name, const int64_t *dims, int32_t rank);
void urs_onnx_output(urs_onnx *m, const char *name, const int64_t *dims, int32_t rank);
void urs_onnx_note(urs_onnx *m, const char *key, const char *value);

/* Initialisers, copied. data: floats, int8_t, int32_t or int64_t as the type says. */
void urs_onnx_constant(urs_onnx *m, const char *name, urs_onnx_type type, const int64_t *dims, int32_t rank, const void *data);
void urs_onnx_scalar(urs_onnx *m, const char *name, float value);
void urs_onnx_row(urs_onnx *m, const char *name, const int64_t *values, int32_t n); /* INT64 [n] */

/* A node: begin, inputs ("" leaves an optional one out), outputs, attributes in any order, end. */
void urs_onnx_begin(urs_onnx *m, const char *type);
void urs_onnx_in(urs_onnx *m, const char *name);
void urs_onnx_out(urs_onnx *m, const char *name);
void urs_onnx_int(urs_onnx *m, const char *name, int64_t value);
void urs_onnx_ints(urs_onnx *m, const char *name, const int64_t *values, int32_t n);
void urs_onnx_float(urs_onnx *m, const char *name, float value);
void urs_onnx_string(urs_onnx *m, const char *name, const char *value);
void urs_onnx_end(urs_onnx *m);
/* One input, one output, no attributes. */
void urs_onnx_unary(urs_onnx *m, const char *type, const char *in, const char *out);
/* limits as Clip takes them; NAN: none */
void urs_onnx_clip(urs_onnx *m, const char *in, const char *out, float low, float high);

typedef struct urs_onnx_facts {
    size_t nodes, constants, constant_bytes, inputs, outputs, quantised; /* quantised: QuantizeLinear nodes */
} urs_onnx_facts;

/* The bytes of the model, owned by the caller. They have been through urs_onnx_check; facts: what it saw, may be NULL. */
urs_status urs_onnx_encode(urs_bytes *out, urs_onnx_facts *facts, const urs_onnx *m, const char *graph_name, urs_error *err) URS_CHECKED;

/* Whether hostile bytes are a model as this page says: every name is written once and before it is read, constants have the bytes that their shapes need, operators are those of opset 17 that we write,
 * inputs and outputs have types. facts may be NULL. URS_EFORMAT, URS_EUNSUPPORTED (another opset or operator), URS_ELIMIT. */
urs_status urs_onnx_check(urs_onnx_facts *facts, const void *data, size_t size, urs_error *err) URS_CHECKED;

#endif
