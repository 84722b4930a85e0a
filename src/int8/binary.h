/* ADD, SUB and MUL of two int8 numbers: the constants of one operator and its arithmetic. Private to src/int8; see int8_op_binary.c. */
#ifndef URS_INT8_BINARY_H
#define URS_INT8_BINARY_H

#include "int8/arithmetic.h"

typedef struct urs_int8_binary {
    bool product, minus;
    int32_t zero_a, zero_b, zero_out, shift;
    urs_int8_multiplier a, b, out; /* a, b: sums only */
    urs_int8_range range;
} urs_int8_binary;

urs_int8_binary urs_int8_binary_of(const urs_int8_graph *g, const urs_int8_op *op);

/* The part of a sum that comes from one operand. */
static inline int32_t urs_int8_binary_term(const urs_int8_binary *r, int32_t x, int32_t zero, urs_int8_multiplier m)
{
    return urs_int8_scale((x - zero) * (1 << r->shift), m);
}

static inline int8_t urs_int8_binary_one(const urs_int8_binary *r, int8_t a, int8_t b)
{
    int32_t x;
    if (r->product) {
        x = (a - r->zero_a) * (b - r->zero_b);
    } else {
        const int32_t ta = urs_int8_binary_term(r, a, r->zero_a, r->a), tb = urs_int8_binary_term(r, b, r->zero_b, r->b);
        x = r->minus ? ta - tb : ta + tb;
    }
    return urs_int8_settle(urs_int8_scale(x, r->out), r->zero_out, r->range);
}

#endif
