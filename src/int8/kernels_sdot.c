/* ARMv8.2 with SDOT (Cortex-A55, A76): panels of int8 as they are, four products and their sum an instruction. Tile of 6 pixels and 16 channels: 24 of the 32 registers are sums. */
#include "int8/kernels_arm.h"

#define ROWS 6

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    (void)zero_point; /* the bias knows it */
    memcpy(row, x, n);
}

INLINE void add_group(int32x4_t acc[4], const int8x16_t w[4], int8x16_t x)
{
    for (int l = 0; l < 4; l++)
        acc[l] = vdotq_s32(acc[l], w[l], x);
}

/* Four numbers of a panel, in every lane. */
INLINE int8x16_t four(const char *x)
{
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int8_t *weights, size_t groups, const int32_t *bias, int rows)
{
    int32x4_t acc[ROWS][4];
    for (int r = 0; r < rows; r++)
        for (int l = 0; l < 4; l++)
            acc[r][l] = vld1q_s32(bias + 4 * l);
    for (size_t g = 0; g < groups; g++, weights += 4 * URS_INT8_LANES) {
        const int8x16_t w[4] = {vld1q_s8(weights), vld1q_s8(weights + 16), vld1q_s8(weights + 32), vld1q_s8(weights + 48)};
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
            add_group(acc[r], w, four(panel + (size_t)r * stride + 4 * g));
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
    case 4: tile_rows(sums, panel, stride, weights, groups, bias, 4); break;
    case 5: tile_rows(sums, panel, stride, weights, groups, bias, 5); break;
    default: tile_rows(sums, panel, stride, weights, groups, bias, 6); break;
    }
}

const urs_int8_kernels urs_int8_kernels_sdot = {
    .name = "sdot", .panel = URS_INT8_PANEL_S8, .group = 4, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise_neon, .widen = widen_neon,
    .depthwise = depthwise_neon, .total = total_neon, .product = product_neon, .map = map_neon};
