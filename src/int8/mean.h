/* The constants of one MEAN and its last step. Private to src/int8; see int8_op_mean.c. */
#ifndef URS_INT8_MEAN_H
#define URS_INT8_MEAN_H

#include "int8/arithmetic.h"

typedef struct urs_int8_mean_factor {
    urs_int8_multiplier m;
    int32_t before, after; /* added to the sum of the inputs, to the scaled sum */
} urs_int8_mean_factor;

urs_int8_mean_factor urs_int8_mean_of(const urs_int8_graph *g, const urs_int8_op *op, urs_int8_arithmetic arithmetic);

static inline int8_t urs_int8_mean_one(const urs_int8_mean_factor *f, int32_t sum)
{
    return urs_int8_settle(urs_int8_scale(sum + f->before, f->m), f->after, (urs_int8_range){-128, 127});
}

#endif
