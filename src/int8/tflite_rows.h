/* One row an operator: its number in the schema, its version, its options table, its index constants. Private to src/int8; rows in tflite_rows.c. */
#ifndef URS_INT8_TFLITE_ROWS_H
#define URS_INT8_TFLITE_ROWS_H

#include "base/flat_reader.h"
#include "base/flat_writer.h"
#include "int8/int8_graph.h"

#define URS_TFLITE_INDICES_MAX 3

/* A small int32 constant. */
typedef struct urs_tflite_index {
    urs_int8_shape shape;
    int32_t data[2 * URS_INT8_RANK_MAX];
} urs_tflite_index;

/* What the file holds of one operator besides tensors that the graph has. */
typedef struct urs_tflite_form {
    int32_t code, version, options; /* BuiltinOperator, its version, member of the union BuiltinOptions (0: none) */
    int32_t n_inputs;
    int32_t input[URS_INT8_INPUTS_MAX + URS_TFLITE_INDICES_MAX]; /* place in op->in, or -1 - number of an index constant */
    int32_t n_indices;
    urs_tflite_index index[URS_TFLITE_INDICES_MAX];
} urs_tflite_form;

void urs_tflite_form_of(urs_tflite_form *form, const urs_int8_graph *g, const urs_int8_op *op);
/* Adds the fields of the open options table. */
void urs_tflite_put_options(urs_flat_writer *w, const urs_int8_graph *g, const urs_int8_op *op);

/* Reading: what code says about kind and inputs. place: for input i of the file, the place in op->in, or -1 - number of the index constant it is. */
typedef struct urs_tflite_plan {
    urs_int8_kind kind;
    int32_t n_inputs; /* 0: any, all data */
    int32_t place[URS_INT8_INPUTS_MAX];
} urs_tflite_plan;

bool urs_tflite_plan_of(urs_tflite_plan *plan, int32_t code);
/* Attributes from the options table (0: absent), the index constants (NULL: absent) and the shapes of the tensors: x of input 0, out of output 0. */
urs_status urs_tflite_get_attributes(urs_int8_op *op, int32_t code, urs_flat *f, size_t options, const urs_tflite_index *const index[URS_TFLITE_INDICES_MAX], urs_int8_shape x,
                                     urs_int8_shape out, urs_error *err) URS_CHECKED;

#endif
