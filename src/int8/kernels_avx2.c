/* AVX2: panels of int16, two products and their sum an instruction (pmaddwd). Tile of 6 pixels and 16 channels: 12 of the 16 registers are sums. */
#include "int8/kernels_x86.h"

#define ROWS 6

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    int16_t *out = row;
    const __m256i zero = _mm256_set1_epi16((int16_t)zero_point);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(x + i))), zero));
    for (; i < n; i++)
        out[i] = (int16_t)(x[i] - zero_point);
}

/* Two int16 of a panel, in every lane. */
INLINE __m256i both(const int16_t *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int16_t *w, size_t groups, const int32_t *bias, int rows)
{
    __m256i acc[ROWS][2];
    for (int r = 0; r < rows; r++) {
        acc[r][0] = _mm256_loadu_si256((const __m256i *)bias);
        acc[r][1] = _mm256_loadu_si256((const __m256i *)(bias + 8));
    }
    for (size_t g = 0; g < groups; g++, w += 2 * URS_INT8_LANES) {
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)w), w1 = _mm256_loadu_si256((const __m256i *)(w + 16));
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            const __m256i x = both((const int16_t *)(panel + (size_t)r * stride) + 2 * g);
            acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, w0));
            acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, w1));
        }
    }
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_si256((__m256i *)(sums + r * URS_INT8_LANES), acc[r][0]);
        _mm256_storeu_si256((__m256i *)(sums + r * URS_INT8_LANES + 8), acc[r][1]);
    }
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

const urs_int8_kernels urs_int8_kernels_avx2 = {
    .name = "avx2", .panel = URS_INT8_PANEL_S16, .group = 2, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise_256, .widen = widen,
    .depthwise = depthwise_256, .paired = true, .pair = pair, .total = total, .product = product, .map = map_256};
