/* ARMv8 without SDOT (Cortex-A53, A72): panels of int16, products of 16 bits added to 32 (smlal). Tile of 4 pixels and 16 channels: 16 of the 32 registers are sums. */
#include "int8/kernels_arm.h"

#define ROWS 4

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    int16_t *out = row;
    const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        vst1q_s16(out + i, vsubq_s16(vmovl_s8(vld1_s8(x + i)), zero));
    for (; i < n; i++)
        out[i] = (int16_t)(x[i] - zero_point);
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int16_t *w, size_t groups, const int32_t *bias, int rows)
{
    int32x4_t acc[ROWS][4];
    for (int r = 0; r < rows; r++)
        for (int l = 0; l < 4; l++)
            acc[r][l] = vld1q_s32(bias + 4 * l);
    for (size_t g = 0; g < groups; g++, w += URS_INT8_LANES) {
        const int16x8_t w0 = vld1q_s16(w), w1 = vld1q_s16(w + 8);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const int16x8_t x = vld1q_dup_s16((const int16_t *)(const void *)(panel + (size_t)r * stride) + g);
            acc[r][0] = vmlal_s16(acc[r][0], vget_low_s16(w0), vget_low_s16(x));
            acc[r][1] = vmlal_high_s16(acc[r][1], w0, x);
            acc[r][2] = vmlal_s16(acc[r][2], vget_low_s16(w1), vget_low_s16(x));
            acc[r][3] = vmlal_high_s16(acc[r][3], w1, x);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int l = 0; l < 4; l++)
            vst1q_s32(sums + r * URS_INT8_LANES + 4 * l, acc[r][l]);
}

static void tile(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows)
{
    switch (rows) {
    case 1: tile_rows(sums, panel, stride, weights, groups, bias, 1); break;
    case 2: tile_rows(sums, panel, stride, weights, groups, bias, 2); break;
    case 3: tile_rows(sums, panel, stride, weights, groups, bias, 3); break;
    default: tile_rows(sums, panel, stride, weights, groups, bias, 4); break;
    }
}

const urs_int8_kernels urs_int8_kernels_neon = {
    .name = "neon", .panel = URS_INT8_PANEL_S16, .group = 1, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise_neon, .widen = widen_neon,
    .depthwise = depthwise_neon, .total = total_neon, .product = product_neon, .map = map_neon};
