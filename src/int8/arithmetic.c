/* See arithmetic.h. */
#include "int8/arithmetic.h"

#include <math.h>

urs_int8_multiplier urs_int8_multiplier_of(double factor)
{
    int e = 0;
    int64_t q;
    if (!(factor > 0))
        return (urs_int8_multiplier){0, 0};
    q = (int64_t)floor(frexp(factor, &e) * 2147483648.0 + 0.5);
    if (q == (int64_t)1 << 31) {
        q >>= 1;
        e++;
    }
    if (e < -31)
        return (urs_int8_multiplier){0, 0};
    if (e > 30)
        return (urs_int8_multiplier){INT32_MAX, 30};
    return (urs_int8_multiplier){(int32_t)q, e};
}

/* Rounded quotient plus zero point, kept inside what an int can hold. */
static int32_t steps(float real, urs_int8_quant quant)
{
    const float x = roundf(real / quant.scale);
    if (!(x > -1e6f && x < 1e6f)) /* no number becomes the zero point */
        return x > 0 ? 1000000 : x < 0 ? -1000000 : quant.zero_point;
    return (int32_t)x + quant.zero_point;
}

urs_int8_range urs_int8_range_of(urs_int8_activation activation, urs_int8_quant out)
{
    urs_int8_range r = {-128, 127};
    if (activation == URS_INT8_ACT_RELU || activation == URS_INT8_ACT_RELU6)
        r.low = urs_int8_clamp(steps(0, out), -128, 127);
    if (activation == URS_INT8_ACT_RELU6)
        r.high = urs_int8_clamp(steps(6, out), -128, 127);
    if (activation == URS_INT8_ACT_RELU_N1_TO_1) {
        r.low = urs_int8_clamp(steps(-1, out), -128, 127);
        r.high = urs_int8_clamp(steps(1, out), -128, 127);
    }
    return r;
}

int8_t urs_int8_quantize(float real, urs_int8_quant quant)
{
    return (int8_t)urs_int8_clamp(steps(real, quant), -128, 127);
}
