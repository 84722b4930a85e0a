/* AVX-VNNI: panels of uint8, four products and their sum an instruction (vpdpbusd, which does not saturate). Tile of 6 pixels and 16 channels. */
#include "int8/kernels_x86.h"

#define ROWS 6

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    uint8_t *out = row;
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    size_t i = 0;
    (void)zero_point; /* the bias knows it */
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(x + i)), flip));
    for (; i < n; i++)
        out[i] = (uint8_t)(x[i] ^ 0x80);
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int8_t *w, size_t groups, const int32_t *bias, int rows)
{
    __m256i acc[ROWS][2];
    for (int r = 0; r < rows; r++) {
        acc[r][0] = _mm256_loadu_si256((const __m256i *)bias);
        acc[r][1] = _mm256_loadu_si256((const __m256i *)(bias + 8));
    }
    for (size_t g = 0; g < groups; g++, w += 4 * URS_INT8_LANES) {
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)w), w1 = _mm256_loadu_si256((const __m256i *)(w + 32));
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, panel + (size_t)r * stride + 4 * g, sizeof four);
            acc[r][0] = _mm256_dpbusd_avx_epi32(acc[r][0], _mm256_set1_epi32(four), w0);
            acc[r][1] = _mm256_dpbusd_avx_epi32(acc[r][1], _mm256_set1_epi32(four), w1);
        }
    }
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_si256((__m256i *)(sums + r * URS_INT8_LANES), acc[r][0]);
        _mm256_storeu_si256((__m256i *)(sums + r * URS_INT8_LANES + 8), acc[r][1]);
    }
}

/* One pixel: the chain of sums would be all that is waited for, so there are four of them. */
static void tile_one(int32_t *sums, const char *panel, const int8_t *w, size_t groups, const int32_t *bias)
{
    __m256i acc[4][2] = {{_mm256_loadu_si256((const __m256i *)bias), _mm256_loadu_si256((const __m256i *)(bias + 8))}};
    for (size_t g = 0; g < groups; g += 4)
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++)
            if (g + k < groups) {
                int32_t four;
                memcpy(&four, panel + 4 * (g + k), sizeof four);
                acc[k][0] = _mm256_dpbusd_avx_epi32(acc[k][0], _mm256_set1_epi32(four), _mm256_loadu_si256((const __m256i *)(w + (g + k) * 64)));
                acc[k][1] = _mm256_dpbusd_avx_epi32(acc[k][1], _mm256_set1_epi32(four), _mm256_loadu_si256((const __m256i *)(w + (g + k) * 64 + 32)));
            }
    for (size_t h = 0; h < 2; h++)
        _mm256_storeu_si256((__m256i *)(sums + 8 * h), _mm256_add_epi32(_mm256_add_epi32(acc[0][h], acc[1][h]), _mm256_add_epi32(acc[2][h], acc[3][h])));
}

static void tile(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows)
{
    switch (rows) {
    case 1: tile_one(sums, panel, weights, groups, bias); break;
    case 2: tile_rows(sums, panel, stride, weights, groups, bias, 2); break;
    case 3: tile_rows(sums, panel, stride, weights, groups, bias, 3); break;
    case 4: tile_rows(sums, panel, stride, weights, groups, bias, 4); break;
    case 5: tile_rows(sums, panel, stride, weights, groups, bias, 5); break;
    default: tile_rows(sums, panel, stride, weights, groups, bias, 6); break;
    }
}

const urs_int8_kernels urs_int8_kernels_avx_vnni = {
    .name = "avx-vnni", .panel = URS_INT8_PANEL_U8, .group = 4, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise_256, .widen = widen,
    .depthwise = depthwise_256, .paired = true, .pair = pair, .total = total, .product = product, .map = map_256};
