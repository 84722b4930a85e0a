/* Strips and vectorisable maths for lanes_*.c; see lanes.h. Included only there. */
#ifndef URS_COMPUTE_LANES_STRIP_H
#define URS_COMPUTE_LANES_STRIP_H

#include "compute/lanes.h"

#include <math.h>
#include <string.h>

#define LANES 16
#define INLINE static inline __attribute__((always_inline, unused))

typedef struct strips {
    int64_t images, groups, pixels, stride; /* stride: elements from pixel to pixel */
    int64_t group_step, image_step;         /* elements from group to group, image to image */
    int64_t width, last_width;              /* lanes of a group that hold channels or padding we must write */
    int64_t channels;
} strips;

INLINE strips strips_of(urs_tensor_shape s)
{
    strips v = {.images = s.n, .pixels = s.h * s.w, .stride = s.block, .channels = s.c};
    if (s.block == LANES || s.block == 8 || s.block == 1) {
        v.groups = (s.c + s.block - 1) / s.block;
        v.group_step = v.pixels * s.block;
        v.image_step = v.groups * v.group_step;
        v.width = v.last_width = s.block;
    } else {
        v.groups = (s.c + LANES - 1) / LANES;
        v.group_step = LANES;
        v.image_step = v.pixels * s.block;
        v.width = s.block < LANES ? s.block : LANES;
        v.last_width = s.c - (v.groups - 1) * LANES;
    }
    return v;
}

INLINE int64_t strip_at(const strips *v, int64_t image, int64_t group)
{
    return image * v->image_step + group * v->group_step;
}

INLINE int64_t strip_width(const strips *v, int64_t group)
{
    return group + 1 < v->groups ? v->width : v->last_width;
}

/* First channel of a group. */
INLINE int64_t strip_channel(const strips *v, int64_t group)
{
    return group * v->width;
}

/* Block of the instruction set this file is compiled for. */
#ifdef __AVX512F__
#define LANES_BLOCK 16
#else
#define LANES_BLOCK 8
#endif

/* Calls `call` with W and S as constants where the strip is a full block, so that the compiler sees fixed trip counts. */
#define WITH_WIDTH(width, stride, call)                                 \
    do {                                                                \
        if ((width) == LANES_BLOCK && (stride) == LANES_BLOCK) {        \
            enum { W = LANES_BLOCK, S = LANES_BLOCK };                  \
            call;                                                       \
        } else {                                                        \
            const int64_t W = (width), S = (stride);                    \
            call;                                                       \
        }                                                               \
    } while (0)

/* exp(x), relative error below 2e-7 (range reduction by ln 2, degree-6 polynomial); clamps instead of overflowing. NaN stays NaN, by the polynomial only:
 * the power of two is made from a number that an integer can hold. */
INLINE float lane_exp(float x)
{
    const float limited = x > -87.0f ? (x < 88.0f ? x : 88.0f) : -87.0f;
    const float n = __builtin_floorf(limited * 1.44269504f + 0.5f);
    const float r = x != x ? x : (limited - n * 0.693359375f) - n * -2.12194440e-4f;
    union {
        int32_t i;
        float f;
    } power;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    power.i = ((int32_t)n + 127) * (1 << 23);
    return p * power.f;
}

INLINE float lane_sigmoid(float x)
{
    return 1.0f / (1.0f + lane_exp(-x));
}

/* erf, Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7. */
INLINE float lane_erf(float x)
{
    const float a = x < 0 ? -x : x, t = 1.0f / (1.0f + 0.3275911f * a);
    const float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    const float e = 1.0f - p * lane_exp(-a * a);
    return x < 0 ? -e : e;
}

INLINE float lane_clip(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

INLINE float lane_activate(float x, urs_activation a)
{
    switch (a) {
    case URS_ACT_RELU: return x > 0 ? x : 0;
    case URS_ACT_RELU6: return lane_clip(x, 0, 6);
    case URS_ACT_HARD_SWISH: return x * lane_clip(x + 3, 0, 6) * (1.0f / 6.0f);
    case URS_ACT_HARD_SIGMOID: return lane_clip(x + 3, 0, 6) * (1.0f / 6.0f);
    case URS_ACT_SIGMOID: return lane_sigmoid(x);
    case URS_ACT_SILU: return x * lane_sigmoid(x);
    case URS_ACT_GELU: return 0.5f * x * (1.0f + lane_erf(x * 0.70710678f));
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return x;
}

/* Derivative at x, as PyTorch has it at the corners. */
INLINE float lane_slope(float x, urs_activation a)
{
    float s;
    switch (a) {
    case URS_ACT_RELU: return x > 0 ? 1.0f : 0.0f;
    case URS_ACT_RELU6: return x > 0 && x < 6 ? 1.0f : 0.0f;
    case URS_ACT_HARD_SWISH: return x <= -3 ? 0.0f : x >= 3 ? 1.0f : x * (1.0f / 3.0f) + 0.5f;
    case URS_ACT_HARD_SIGMOID: return x > -3 && x < 3 ? 1.0f / 6.0f : 0.0f;
    case URS_ACT_SIGMOID: s = lane_sigmoid(x); return s * (1 - s);
    case URS_ACT_SILU: s = lane_sigmoid(x); return s * (1 + x * (1 - s));
    case URS_ACT_GELU: return 0.5f * (1.0f + lane_erf(x * 0.70710678f)) + x * 0.39894228f * lane_exp(-0.5f * x * x);
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return 1.0f;
}

/* Calls `call` with A as a constant: a loop that decides per element is not made into vectors (GELU took ten times as long). */
#define WITH_ACTIVATION(activation, call)                                              \
    do {                                                                               \
        switch (activation) {                                                          \
        case URS_ACT_NONE: { enum { A = URS_ACT_NONE }; call; } break;                 \
        case URS_ACT_RELU: { enum { A = URS_ACT_RELU }; call; } break;                 \
        case URS_ACT_RELU6: { enum { A = URS_ACT_RELU6 }; call; } break;               \
        case URS_ACT_HARD_SWISH: { enum { A = URS_ACT_HARD_SWISH }; call; } break;     \
        case URS_ACT_HARD_SIGMOID: { enum { A = URS_ACT_HARD_SIGMOID }; call; } break; \
        case URS_ACT_SIGMOID: { enum { A = URS_ACT_SIGMOID }; call; } break;           \
        case URS_ACT_SILU: { enum { A = URS_ACT_SILU }; call; } break;                 \
        case URS_ACT_GELU: { enum { A = URS_ACT_GELU }; call; } break;                 \
        case URS_ACT_COUNT: break;                                                     \
        }                                                                              \
    } while (0)

/* Zeroes the padded channels of a tensor after a map that moves zero. */
INLINE void clear_padding(float *x, urs_tensor_shape s)
{
    const strips v = strips_of(s);
    const int64_t used = s.c - (v.groups - 1) * v.width;
    if (s.block == 1 || s.c % s.block == 0 || used >= v.last_width)
        return;
    for (int64_t n = 0; n < v.images; n++) {
        float *p = x + strip_at(&v, n, v.groups - 1);
        for (int64_t i = 0; i < v.pixels; i++)
            memset(p + i * v.stride + used, 0, (size_t)(v.last_width - used) * sizeof *p);
    }
}

#endif
