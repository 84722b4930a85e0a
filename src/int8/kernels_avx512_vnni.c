/* AVX-512 with VNNI and VBMI (Ice Lake, Zen 4 and later): as kernels_avx_vnni.c with one register for 16 channels. Tile of 16 pixels and 16 channels: 16 of the 32 registers are sums. */
#include "int8/kernels_x86.h"

#define ROWS 16

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

/* ---- tiles ---- */

INLINE __m512i add_four(__m512i sum, const char *x, __m512i w)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(four), w);
}

INLINE void tile_rows(int32_t *sums, const char *panel, size_t stride, const int8_t *w, size_t groups, const int32_t *bias, int rows)
{
    __m512i acc[ROWS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
        acc[r] = _mm512_loadu_si512(bias);
    for (size_t g = 0; g < groups; g++, w += 4 * URS_INT8_LANES) {
        const __m512i weights = _mm512_loadu_si512(w);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
            acc[r] = add_four(acc[r], panel + (size_t)r * stride + 4 * g, weights);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
        _mm512_storeu_si512(sums + r * URS_INT8_LANES, acc[r]);
}

/* One pixel: the chain of sums would be all that is waited for, so there are four of them. */
static void tile_one(int32_t *sums, const char *x, const int8_t *w, size_t groups, const int32_t *bias)
{
    __m512i a = _mm512_loadu_si512(bias), b = _mm512_setzero_si512(), c = b, d = b;
    size_t g = 0;
    for (; g + 4 <= groups; g += 4, x += 16, w += 16 * URS_INT8_LANES) {
        a = add_four(a, x, _mm512_loadu_si512(w));
        b = add_four(b, x + 4, _mm512_loadu_si512(w + 64));
        c = add_four(c, x + 8, _mm512_loadu_si512(w + 128));
        d = add_four(d, x + 12, _mm512_loadu_si512(w + 192));
    }
    for (; g < groups; g++, x += 4, w += 4 * URS_INT8_LANES)
        a = add_four(a, x, _mm512_loadu_si512(w));
    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
}

static void tile(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows)
{
    const char *p = panel;
    if (rows == ROWS) {
        tile_rows(sums, p, stride, weights, groups, bias, ROWS);
        return;
    }
    for (; rows >= 4; rows -= 4, p += 4 * stride, sums += 4 * URS_INT8_LANES)
        tile_rows(sums, p, stride, weights, groups, bias, 4);
    for (; rows; rows--, p += stride, sums += URS_INT8_LANES)
        tile_one(sums, p, weights, groups, bias);
}

/* ---- requantisation, beside rescale8_apply of kernels_x86.h ---- */

typedef struct rescale16 {
    __m512i q, q_odd, left, right, mask, half, away; /* as in rescale8 */
} rescale16;

INLINE rescale16 rescale16_load(const urs_int8_rescale *r, size_t at)
{
    const __m512i one = _mm512_set1_epi32(1);
    rescale16 s;
    s.q = _mm512_loadu_si512(r->q + at);
    s.q_odd = _mm512_srli_epi64(s.q, 32);
    s.left = _mm512_loadu_si512(r->left + at);
    s.right = _mm512_loadu_si512(r->right + at);
    s.mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, s.right), one);
    s.half = _mm512_srli_epi32(s.mask, 1);
    s.away = _mm512_maskz_set1_epi32(_mm512_test_epi32_mask(s.right, s.right), r->up ? 0 : -1);
    if (r->calm)
        s.half = _mm512_sub_epi32(s.mask, s.half);
    return s;
}

INLINE __m512i rescale16_apply(__m512i x, const rescale16 *s, bool calm)
{
    const __m512i nudge = _mm512_set1_epi64((int64_t)1 << 30);
    __m512i even, odd, negative, shifted;
    if (!calm)
        x = _mm512_sllv_epi32(x, s->left);
    even = _mm512_add_epi64(_mm512_mul_epi32(x, s->q), nudge);
    odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), s->q_odd), nudge);
    x = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1)); /* bits 31..62 of each product */
    negative = _mm512_and_si512(_mm512_srai_epi32(x, 31), s->away);
    if (calm)
        return _mm512_srav_epi32(_mm512_add_epi32(_mm512_add_epi32(x, s->half), negative), s->right);
    shifted = _mm512_srav_epi32(x, s->right);
    return _mm512_mask_add_epi32(shifted, _mm512_cmpgt_epi32_mask(_mm512_and_si512(x, s->mask), _mm512_sub_epi32(s->half, negative)), shifted, _mm512_set1_epi32(1));
}

/* Four pixels at once: their sums go through the packing together. Each packing takes 4 numbers of its operands in turn, so that in the end every 128 bits hold 4 channels of 4 pixels; one
 * permutation of 32-bit words makes them 16 channels of a pixel. */
INLINE void requantise_four(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r, bool calm)
{
    const rescale16 s = rescale16_load(r, first);
    const __m512i zero = _mm512_set1_epi16((int16_t)r->zero_point), low = _mm512_set1_epi8((char)r->low), high = _mm512_set1_epi8((char)r->high);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __mmask16 some = (__mmask16)((1u << n) - 1);
    for (size_t i = 0; i < rows; i += 4, out += 4 * stride, sums += 4 * URS_INT8_LANES) {
        const size_t left = rows - i;
        const __m512i a = rescale16_apply(_mm512_loadu_si512(sums), &s, calm), b = left > 1 ? rescale16_apply(_mm512_loadu_si512(sums + 16), &s, calm) : a;
        const __m512i c = left > 2 ? rescale16_apply(_mm512_loadu_si512(sums + 32), &s, calm) : a, d = left > 3 ? rescale16_apply(_mm512_loadu_si512(sums + 48), &s, calm) : a;
        const __m512i words = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero), more = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
        const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(words, more), low), high));
        _mm_mask_storeu_epi8(out, some, _mm512_castsi512_si128(bytes));
        if (left > 1)
            _mm_mask_storeu_epi8(out + stride, some, _mm512_extracti32x4_epi32(bytes, 1));
        if (left > 2)
            _mm_mask_storeu_epi8(out + 2 * stride, some, _mm512_extracti32x4_epi32(bytes, 2));
        if (left > 3)
            _mm_mask_storeu_epi8(out + 3 * stride, some, _mm512_extracti32x4_epi32(bytes, 3));
    }
}

static void requantise(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r)
{
    if (r->calm)
        requantise_four(out, stride, sums, rows, first, n, r, true);
    else
        requantise_four(out, stride, sums, rows, first, n, r, false);
}

/* ---- depthwise: the pairs of a pixel are one register ---- */

INLINE void depthwise_512(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, int32_t kh, int32_t kw, size_t n)
{
    const __m512i start = _mm512_loadu_si512(bias);
    const size_t step = t->step * PIXEL, gap = 2 * t->gap * PIXEL;
    for (size_t i = 0; i < n; i += 4) {
        const size_t left = n - i;
        const size_t at0 = i * step, at1 = left > 1 ? at0 + step : at0, at2 = left > 2 ? at1 + step : at0, at3 = left > 3 ? at2 + step : at0;
        __m512i a = start, b = start, c = start, d = start;
        const int16_t *w = weights;
        for (int32_t ky = 0; ky < kh; ky++) {
            const int16_t *x = rows[ky];
            for (int32_t kx = 0; kx < kw; kx += 2, w += PIXEL, x += gap) {
                const __m512i both = _mm512_loadu_si512(w);
                a = _mm512_dpwssd_epi32(a, both, _mm512_loadu_si512(x + at0));
                b = _mm512_dpwssd_epi32(b, both, _mm512_loadu_si512(x + at1));
                c = _mm512_dpwssd_epi32(c, both, _mm512_loadu_si512(x + at2));
                d = _mm512_dpwssd_epi32(d, both, _mm512_loadu_si512(x + at3));
            }
        }
        _mm512_storeu_si512(sums + i * URS_INT8_LANES, a);
        if (left > 1)
            _mm512_storeu_si512(sums + (i + 1) * URS_INT8_LANES, b);
        if (left > 2)
            _mm512_storeu_si512(sums + (i + 2) * URS_INT8_LANES, c);
        if (left > 3)
            _mm512_storeu_si512(sums + (i + 3) * URS_INT8_LANES, d);
    }
}

static void depthwise(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, size_t n)
{
    if (t->kh == 3 && t->kw == 3)
        depthwise_512(sums, rows, weights, bias, t, 3, 3, n);
    else if (t->kh == 5 && t->kw == 5)
        depthwise_512(sums, rows, weights, bias, t, 5, 5, n);
    else
        depthwise_512(sums, rows, weights, bias, t, t->kh, t->kw, n);
}

/* 256 results are four registers: one permutation looks into two of them, bit 7 of the input says which two. */
static void map(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table)
{
    const __m512i t0 = _mm512_loadu_si512(table->result), t1 = _mm512_loadu_si512(table->result + 64);
    const __m512i t2 = _mm512_loadu_si512(table->result + 128), t3 = _mm512_loadu_si512(table->result + 192);
    for (size_t i = 0; i < n; i += 64) {
        const __mmask64 some = n - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (n - i)) - 1;
        const __m512i v = _mm512_maskz_loadu_epi8(some, x + i);
        const __m512i lower = _mm512_permutex2var_epi8(t0, v, t1), upper = _mm512_permutex2var_epi8(t2, v, t3);
        _mm512_mask_storeu_epi8(y + i, some, _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), lower, upper));
    }
}

const urs_int8_kernels urs_int8_kernels_avx512_vnni = {
    .name = "avx512-vnni", .panel = URS_INT8_PANEL_U8, .group = 4, .rows = ROWS, .fill = fill, .tile = tile, .requantise = requantise, .widen = widen, .depthwise = depthwise,
    .paired = true, .pair = pair, .total = total, .product = product, .map = map};
