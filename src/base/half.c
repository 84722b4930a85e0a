/* Half precision; see half.h. */
#include "base/half.h"

#include <string.h>

uint16_t urs_half_from_float(float x)
{
    uint32_t u, sign, rest, rounded;
    memcpy(&u, &x, 4);
    sign = u >> 16 & 0x8000u;
    u &= 0x7FFFFFFFu;
    if (u >= 0x7F800000u) /* infinity or NaN */
        return (uint16_t)(sign | 0x7C00u | (u > 0x7F800000u ? 0x200u | (u >> 13 & 0x3FFu) : 0));
    if (u >= 0x477FF000u) /* rounds past the largest half */
        return (uint16_t)(sign | 0x7C00u);
    if (u < 0x38800000u) { /* subnormal half or zero */
        const uint32_t shift = 126u - (u >> 23);
        uint32_t mantissa;
        if (u < 0x33000000u)
            return (uint16_t)sign;
        mantissa = (u & 0x7FFFFFu) | 0x800000u;
        rest = mantissa & ((1u << shift) - 1u);
        rounded = mantissa >> shift;
        if (rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (rounded & 1u)))
            rounded++;
        return (uint16_t)(sign | rounded);
    }
    rest = u & 0x1FFFu;
    rounded = (u - 0x38000000u) >> 13;
    if (rest > 0x1000u || (rest == 0x1000u && (rounded & 1u)))
        rounded++;
    return (uint16_t)(sign | rounded);
}

float urs_half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = h >> 10 & 0x1Fu, mantissa = h & 0x3FFu, u;
    float x;
    if (exponent == 31) {
        u = sign | 0x7F800000u | mantissa << 13;
    } else if (exponent) {
        u = sign | (exponent + 112u) << 23 | mantissa << 13;
    } else if (mantissa) {
        exponent = 113;
        while (!(mantissa & 0x400u)) {
            mantissa <<= 1;
            exponent--;
        }
        u = sign | exponent << 23 | (mantissa & 0x3FFu) << 13;
    } else {
        u = sign;
    }
    memcpy(&x, &u, 4);
    return x;
}
