/* What the ARMv8 kernels share, on NEON; the arithmetic beside kernels_plain.c. Private to kernels_*.c. */
#ifndef URS_INT8_KERNELS_ARM_H
#define URS_INT8_KERNELS_ARM_H

#include "int8/kernels.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* vqrdmulh is the first rounding; vrshl rounds halves upwards, so one is taken off negative numbers first where halves go away from zero (and something is shifted). */
INLINE int16x4_t rescale4(const int32_t *sums, const urs_int8_rescale *r, size_t at, bool up)
{
    const int32x4_t right = vnegq_s32(vld1q_s32(r->right + at));
    int32x4_t x = vqrdmulhq_s32(vshlq_s32(vld1q_s32(sums), vld1q_s32(r->left + at)), vld1q_s32(r->q + at));
    if (!up)
        x = vqaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31));
    return vqmovn_s32(vrshlq_s32(x, right));
}

static inline void requantise_neon(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r)
{
    const int16x8_t zero = vdupq_n_s16((int16_t)r->zero_point);
    const int8x16_t low = vdupq_n_s8((int8_t)r->low), high = vdupq_n_s8((int8_t)r->high);
    for (size_t i = 0; i < rows; i++, sums += URS_INT8_LANES) {
        const int16x8_t a = vqaddq_s16(vcombine_s16(rescale4(sums, r, first, r->up), rescale4(sums + 4, r, first + 4, r->up)), zero);
        const int16x8_t b = vqaddq_s16(vcombine_s16(rescale4(sums + 8, r, first + 8, r->up), rescale4(sums + 12, r, first + 12, r->up)), zero);
        const int8x16_t bytes = vminq_s8(vmaxq_s8(vcombine_s8(vqmovn_s16(a), vqmovn_s16(b)), low), high);
        if (n == URS_INT8_LANES) {
            vst1q_s8(out + i * stride, bytes);
        } else {
            int8_t part[URS_INT8_LANES];
            vst1q_s8(part, bytes);
            memcpy(out + i * stride, part, n);
        }
    }
}

static inline void widen_neon(int16_t *out, const int8_t *x, size_t stride, size_t n, int32_t zero_point)
{
    const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
    for (size_t i = 0; i < n; i++) {
        const int8x16_t v = vld1q_s8(x + i * stride);
        vst1q_s16(out + i * URS_INT8_LANES, vsubq_s16(vmovl_s8(vget_low_s8(v)), zero));
        vst1q_s16(out + i * URS_INT8_LANES + 8, vsubq_s16(vmovl_s8(vget_high_s8(v)), zero));
    }
}

/* 16 products into 16 sums. */
INLINE void add_tap(int32x4_t sum[4], const int16_t *x, int16x8_t w0, int16x8_t w1)
{
    const int16x8_t x0 = vld1q_s16(x), x1 = vld1q_s16(x + 8);
    sum[0] = vmlal_s16(sum[0], vget_low_s16(x0), vget_low_s16(w0));
    sum[1] = vmlal_high_s16(sum[1], x0, w0);
    sum[2] = vmlal_s16(sum[2], vget_low_s16(x1), vget_low_s16(w1));
    sum[3] = vmlal_high_s16(sum[3], x1, w1);
}

/* Two outputs at once, so that a weight is loaded for both. */
static inline void depthwise_neon(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, size_t n)
{
    const size_t step = t->step * URS_INT8_LANES, gap = t->gap * URS_INT8_LANES;
    for (size_t i = 0; i < n; i += 2) {
        const size_t at = i * step, next = i + 1 < n ? at + step : at;
        int32x4_t p[4], q[4];
        const int16_t *w = weights;
        for (size_t l = 0; l < 4; l++)
            p[l] = q[l] = vld1q_s32(bias + 4 * l);
        for (int32_t ky = 0; ky < t->kh; ky++)
            for (int32_t kx = 0; kx < t->kw; kx++, w += URS_INT8_LANES) {
                const int16x8_t w0 = vld1q_s16(w), w1 = vld1q_s16(w + 8);
                add_tap(p, rows[ky] + at + (size_t)kx * gap, w0, w1);
                add_tap(q, rows[ky] + next + (size_t)kx * gap, w0, w1);
            }
        for (size_t l = 0; l < 4; l++) {
            vst1q_s32(sums + i * URS_INT8_LANES + 4 * l, p[l]);
            if (i + 1 < n)
                vst1q_s32(sums + (i + 1) * URS_INT8_LANES + 4 * l, q[l]);
        }
    }
}

static inline void total_neon(int32_t *sums, const int8_t *x, size_t pixels, size_t channels)
{
    size_t c = 0;
    for (; c + 8 <= channels; c += 8) {
        int32x4_t a = vld1q_s32(sums + c), b = vld1q_s32(sums + c + 4);
        for (size_t p = 0; p < pixels; p++) {
            const int16x8_t v = vmovl_s8(vld1_s8(x + p * channels + c));
            a = vaddw_s16(a, vget_low_s16(v));
            b = vaddw_high_s16(b, v);
        }
        vst1q_s32(sums + c, a);
        vst1q_s32(sums + c + 4, b);
    }
    for (; c < channels; c++)
        for (size_t p = 0; p < pixels; p++)
            sums[c] += x[p * channels + c];
}

static inline void product_neon(int32_t *sums, const int8_t *a, const int8_t *b, size_t n, int32_t zero_a, int32_t zero_b)
{
    const int16x8_t za = vdupq_n_s16((int16_t)zero_a), zb = vdupq_n_s16((int16_t)zero_b);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const int16x8_t x = vsubq_s16(vmovl_s8(vld1_s8(a + i)), za), y = vsubq_s16(vmovl_s8(vld1_s8(b + i)), zb);
        vst1q_s32(sums + i, vmull_s16(vget_low_s16(x), vget_low_s16(y)));
        vst1q_s32(sums + i + 4, vmull_high_s16(x, y));
    }
    for (; i < n; i++)
        sums[i] = (a[i] - zero_a) * (b[i] - zero_b);
}

/* A quarter of the table is four registers; a look-up outside of a quarter leaves what is there. */
static inline void map_neon(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table)
{
    const uint8x16x4_t t0 = vld1q_u8_x4(table->result), t1 = vld1q_u8_x4(table->result + 64), t2 = vld1q_u8_x4(table->result + 128), t3 = vld1q_u8_x4(table->result + 192);
    const uint8x16_t quarter = vdupq_n_u8(64);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        uint8x16_t v = vld1q_u8(x + i), found = vqtbl4q_u8(t0, v);
        v = vsubq_u8(v, quarter);
        found = vqtbx4q_u8(found, t1, v);
        v = vsubq_u8(v, quarter);
        found = vqtbx4q_u8(found, t2, v);
        v = vsubq_u8(v, quarter);
        vst1q_u8(y + i, vqtbx4q_u8(found, t3, v));
    }
    for (; i < n; i++)
        y[i] = table->result[x[i]];
}

#endif
