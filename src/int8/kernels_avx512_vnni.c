/* AVX-512 VNNI: as kernels_avx_vnni.c with one register for 16 channels. Tile of 14 pixels and 16 channels; tables by VBMI are not used, so that every VNNI processor runs it. */
#include "int8/kernels_x86.h"

#define ROWS 14

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    uint8_t *out = row;
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    (void)zero_point; /* the bias knows it */
    for (size_t i = 0; i < n; i += 64) {
        const __mmask64 some = n - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (n - i)) - 1;
        _mm512_mask_storeu_epi8(out + i, some, _mm512_xor_si512(_mm512_maskz_loadu_epi8(some, x + i), flip));
    }
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int8_t *w, size_t groups, const int32_t *bias, int rows)
{
    __m512i acc[ROWS];
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++)
        acc[r] = _mm512_loadu_si512(bias);
    for (size_t g = 0; g < groups; g++, w += 4 * URS_INT8_LANES) {
        const __m512i weights = _mm512_loadu_si512(w);
#pragma GCC unroll 14
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, panel + (size_t)r * stride + 4 * g, sizeof four);
            acc[r] = _mm512_dpbusd_epi32(acc[r], _mm512_set1_epi32(four), weights);
        }
    }
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++)
        _mm512_storeu_si512(sums + r * URS_INT8_LANES, acc[r]);
}

/* Whole tiles, single rows, and what remains in steps of 4, 2 and 1. */
static void tile(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows)
{
    const char *p = panel;
    if (rows == ROWS) {
        tile_rows(sums, p, stride, weights, groups, bias, ROWS);
        return;
    }
    for (; rows >= 4; rows -= 4, p += 4 * stride, sums += 4 * URS_INT8_LANES)
        tile_rows(sums, p, stride, weights, groups, bias, 4);
    if (rows >= 2) {
        tile_rows(sums, p, stride, weights, groups, bias, 2);
        rows -= 2;
        p += 2 * stride;
        sums += 2 * URS_INT8_LANES;
    }
    if (rows)
        tile_rows(sums, p, stride, weights, groups, bias, 1);
}

const urs_int8_kernels urs_int8_kernels_avx512_vnni = {
    .name = "avx512-vnni", .panel = URS_INT8_PANEL_U8, .group = 4, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise, .widen = widen, .depthwise = depthwise, .map = map};
