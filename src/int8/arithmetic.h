/* Fixed-point arithmetic of quantised networks, bit for bit as TFLite's reference kernels, TFLite Micro and the Ethos-U have it.
 *
 * A real factor d > 0 becomes a multiplier q in [2^30, 2^31) and an exponent e with d ~= q * 2^(e-31). Multiplying an accumulator x by it rounds twice:
 *
 *      x * 2^max(e,0) * q / 2^31     to the nearest, halves upwards
 *      that / 2^max(-e,0)            to the nearest, halves away from zero, or, in TFLite's GEMM library, upwards
 *
 * The two ways differ by one in a few of ten thousand outputs. The NPU and the reference kernels round away from zero everywhere; TFLite on a CPU rounds upwards in CONV_2D and
 * FULLY_CONNECTED, and has another formula for MEAN. Sums wrap, in every kernel alike. */
#ifndef URS_INT8_ARITHMETIC_H
#define URS_INT8_ARITHMETIC_H

#include "int8/int8_graph.h"

/* Whose results: the NPU's (and TFLite's reference kernels'), or those of TFLite's optimised kernels on a CPU. */
typedef enum urs_int8_arithmetic { URS_INT8_NPU, URS_INT8_TFLITE } urs_int8_arithmetic;

typedef struct urs_int8_multiplier {
    int32_t q; /* 0, or 2^30 .. 2^31-1 */
    int32_t e; /* -31 .. 30 */
} urs_int8_multiplier;

urs_int8_multiplier urs_int8_multiplier_of(double factor); /* factor >= 0 and finite */

static inline int32_t urs_int8_wrap(int64_t x)
{
    return (int32_t)(uint32_t)(uint64_t)x;
}

/* a * b / 2^31 to the nearest, halves upwards (NEON's vqrdmulh, but for the one pair that saturates and that a multiplier never is). */
static inline int32_t urs_int8_high_mul(int32_t a, int32_t b)
{
    return urs_int8_wrap(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^s to the nearest, halves away from zero; s in 0..31. */
static inline int32_t urs_int8_round_shift(int32_t x, int32_t s)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << s) - 1), rest = x & mask, half = (int32_t)((uint32_t)mask >> 1) + (x < 0);
    return (x >> s) + (rest > half);
}

/* The same with halves upwards. */
static inline int32_t urs_int8_round_shift_up(int32_t x, int32_t s)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << s) - 1);
    return (x >> s) + ((x & mask) > (int32_t)((uint32_t)mask >> 1));
}

static inline int32_t urs_int8_scale(int32_t x, urs_int8_multiplier m)
{
    const int32_t left = m.e > 0 ? m.e : 0, right = m.e > 0 ? 0 : -m.e;
    return urs_int8_round_shift(urs_int8_high_mul((int32_t)((uint32_t)x << left), m.q), right);
}

static inline int32_t urs_int8_scale_up(int32_t x, urs_int8_multiplier m)
{
    const int32_t left = m.e > 0 ? m.e : 0, right = m.e > 0 ? 0 : -m.e;
    return urs_int8_round_shift_up(urs_int8_high_mul((int32_t)((uint32_t)x << left), m.q), right);
}

static inline int32_t urs_int8_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* The interval that a fused activation leaves of an int8 tensor. */
typedef struct urs_int8_range {
    int32_t low, high;
} urs_int8_range;
urs_int8_range urs_int8_range_of(urs_int8_activation activation, urs_int8_quant out);

/* scaled + zero point inside the range; no overflow. */
static inline int8_t urs_int8_settle(int32_t scaled, int32_t zero_point, urs_int8_range range)
{
    const int64_t y = (int64_t)scaled + zero_point;
    return (int8_t)(y < range.low ? range.low : y > range.high ? range.high : y);
}

/* (int8)round(real / scale) + zero point, halves away from zero, in float, clamped to int8. */
int8_t urs_int8_quantize(float real, urs_int8_quant quant);

#endif
