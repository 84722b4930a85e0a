/* Operators on one int8 number: each is a table of 256 results, made once from scales and zero points. Private to src/int8; see int8_op_unary.c. */
#ifndef URS_INT8_UNARY_H
#define URS_INT8_UNARY_H

#include "int8/int8_graph.h"

typedef struct urs_int8_table {
    uint8_t result[256]; /* by the input's bits as uint8; bits of int8, or of uint8 where QUANTIZE writes that */
} urs_int8_table;

/* false: not an operator on one number of 8 bits (QUANTIZE of floats, DEQUANTIZE, all others). */
bool urs_int8_table_of(urs_int8_table *table, const urs_int8_graph *g, const urs_int8_op *op);

#endif
