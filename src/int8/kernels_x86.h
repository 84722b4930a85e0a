/* What the x86 kernels share, on 256-bit vectors (AVX2); the arithmetic beside kernels_plain.c. Private to kernels_*.c. */
#ifndef URS_INT8_KERNELS_X86_H
#define URS_INT8_KERNELS_X86_H

#include "int8/kernels.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* The constants of 8 channels. */
typedef struct rescale8 {
    __m256i q, q_odd, left, right, mask, half;
    __m256i away; /* all ones where halves go away from zero: not for halves upwards, and not where nothing is shifted */
} rescale8;

INLINE rescale8 rescale8_load(const urs_int8_rescale *r, size_t at)
{
    const __m256i one = _mm256_set1_epi32(1);
    rescale8 s;
    s.q = _mm256_loadu_si256((const __m256i *)(r->q + at));
    s.q_odd = _mm256_srli_epi64(s.q, 32);
    s.left = _mm256_loadu_si256((const __m256i *)(r->left + at));
    s.right = _mm256_loadu_si256((const __m256i *)(r->right + at));
    s.mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, s.right), one);
    s.half = _mm256_srli_epi32(s.mask, 1);
    s.away = _mm256_and_si256(_mm256_cmpgt_epi32(s.right, _mm256_setzero_si256()), _mm256_set1_epi32(r->up ? 0 : -1));
    if (r->calm)
        s.half = _mm256_sub_epi32(s.mask, s.half); /* 2^(right-1), or 0: what is added before the shift */
    return s;
}

/* The two roundings of arithmetic.h on 8 sums. */
INLINE __m256i rescale8_apply(__m256i x, const rescale8 *s, bool calm)
{
    const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
    __m256i even, odd, negative;
    if (!calm)
        x = _mm256_sllv_epi32(x, s->left);
    even = _mm256_add_epi64(_mm256_mul_epi32(x, s->q), nudge);
    odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), s->q_odd), nudge);
    x = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa); /* bits 31..62 of each product */
    negative = _mm256_and_si256(_mm256_srai_epi32(x, 31), s->away);
    if (calm)
        return _mm256_srav_epi32(_mm256_add_epi32(_mm256_add_epi32(x, s->half), negative), s->right);
    return _mm256_sub_epi32(_mm256_srav_epi32(x, s->right), _mm256_cmpgt_epi32(_mm256_and_si256(x, s->mask), _mm256_sub_epi32(s->half, negative)));
}

INLINE void requantise_rows(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r, bool calm)
{
    const rescale8 a = rescale8_load(r, first), b = rescale8_load(r, first + 8);
    const __m256i zero = _mm256_set1_epi16((int16_t)r->zero_point);
    const __m128i low = _mm_set1_epi8((char)r->low), high = _mm_set1_epi8((char)r->high);
    for (size_t i = 0; i < rows; i++) {
        const __m256i x = rescale8_apply(_mm256_loadu_si256((const __m256i *)(sums + i * URS_INT8_LANES)), &a, calm);
        const __m256i y = rescale8_apply(_mm256_loadu_si256((const __m256i *)(sums + i * URS_INT8_LANES + 8)), &b, calm);
        /* packs takes 4 numbers of each in turn from the lower and the upper half: put them back in order. */
        const __m256i words = _mm256_adds_epi16(_mm256_permute4x64_epi64(_mm256_packs_epi32(x, y), 0xd8), zero);
        __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        bytes = _mm_min_epi8(_mm_max_epi8(bytes, low), high);
        if (n == URS_INT8_LANES) {
            _mm_storeu_si128((__m128i *)(out + i * stride), bytes);
        } else if (n == 8) {
            _mm_storel_epi64((__m128i *)(out + i * stride), bytes);
        } else {
            int8_t part[URS_INT8_LANES];
            _mm_storeu_si128((__m128i *)part, bytes);
            memcpy(out + i * stride, part, n);
        }
    }
}

static inline void requantise_256(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r)
{
    if (r->calm)
        requantise_rows(out, stride, sums, rows, first, n, r, true);
    else
        requantise_rows(out, stride, sums, rows, first, n, r, false);
}

static inline void widen(int16_t *out, const int8_t *x, size_t stride, size_t n, int32_t zero_point)
{
    const __m256i zero = _mm256_set1_epi16((int16_t)zero_point);
    for (size_t i = 0; i < n; i++)
        _mm256_storeu_si256((__m256i *)(out + i * URS_INT8_LANES), _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(x + i * stride))), zero));
}

static inline void pair(int16_t *out, const int16_t *row, size_t n, size_t gap)
{
    for (size_t i = 0; i < n; i++, row += URS_INT8_LANES, out += 2 * URS_INT8_LANES) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)row), b = _mm256_loadu_si256((const __m256i *)(row + gap * URS_INT8_LANES));
        const __m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b); /* channels 0-3 and 8-11, 4-7 and 12-15 */
        _mm256_storeu_si256((__m256i *)out, _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256((__m256i *)(out + 16), _mm256_permute2x128_si256(low, high, 0x31));
    }
}

/* Two taps times their weights, added to 8 sums: the only part of a depthwise kernel in which AVX2 and AVX-VNNI differ. */
INLINE __m256i add_pairs(__m256i sum, __m256i x, __m256i w)
{
#if defined(__AVXVNNI__)
    return _mm256_dpwssd_avx_epi32(sum, x, w);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
#endif
}

INLINE __m256i load(const int16_t *x)
{
    return _mm256_loadu_si256((const __m256i *)x);
}

#define PIXEL (2 * URS_INT8_LANES) /* int16 of a pixel of a paired row */

/* kh, kw: constants where the compiler may unroll. Two outputs at once, so that a weight is loaded for both. */
INLINE void depthwise_taps(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, int32_t kh, int32_t kw, size_t n)
{
    const __m256i b0 = _mm256_loadu_si256((const __m256i *)bias), b1 = _mm256_loadu_si256((const __m256i *)(bias + 8));
    const size_t step = t->step * PIXEL, gap = 2 * t->gap * PIXEL;
    for (size_t i = 0; i < n; i += 2) {
        const size_t at = i * step, next = i + 1 < n ? at + step : at;
        __m256i p0 = b0, p1 = b1, q0 = b0, q1 = b1;
        const int16_t *w = weights;
        for (int32_t ky = 0; ky < kh; ky++) {
            const int16_t *x = rows[ky] + at, *y = rows[ky] + next;
            for (int32_t kx = 0; kx < kw; kx += 2, w += PIXEL, x += gap, y += gap) {
                const __m256i w0 = load(w), w1 = load(w + 16);
                p0 = add_pairs(p0, load(x), w0);
                p1 = add_pairs(p1, load(x + 16), w1);
                q0 = add_pairs(q0, load(y), w0);
                q1 = add_pairs(q1, load(y + 16), w1);
            }
        }
        _mm256_storeu_si256((__m256i *)(sums + i * URS_INT8_LANES), p0);
        _mm256_storeu_si256((__m256i *)(sums + i * URS_INT8_LANES + 8), p1);
        if (i + 1 < n) {
            _mm256_storeu_si256((__m256i *)(sums + (i + 1) * URS_INT8_LANES), q0);
            _mm256_storeu_si256((__m256i *)(sums + (i + 1) * URS_INT8_LANES + 8), q1);
        }
    }
}

static inline void depthwise_256(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, size_t n)
{
    if (t->kh == 3 && t->kw == 3)
        depthwise_taps(sums, rows, weights, bias, t, 3, 3, n);
    else if (t->kh == 5 && t->kw == 5)
        depthwise_taps(sums, rows, weights, bias, t, 5, 5, n);
    else
        depthwise_taps(sums, rows, weights, bias, t, t->kh, t->kw, n);
}

static inline void total(int32_t *sums, const int8_t *x, size_t pixels, size_t channels)
{
    size_t c = 0;
    for (; c + 8 <= channels; c += 8) {
        __m256i sum = _mm256_loadu_si256((const __m256i *)(sums + c));
        for (size_t p = 0; p < pixels; p++)
            sum = _mm256_add_epi32(sum, _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(x + p * channels + c))));
        _mm256_storeu_si256((__m256i *)(sums + c), sum);
    }
    for (; c < channels; c++)
        for (size_t p = 0; p < pixels; p++)
            sums[c] += x[p * channels + c];
}

/* The differences fit in 16 bits; with the upper half of one of them cleared, pmaddwd is a product of 16 bits to 32. */
static inline void product(int32_t *sums, const int8_t *a, const int8_t *b, size_t n, int32_t zero_a, int32_t zero_b)
{
    const __m256i za = _mm256_set1_epi32(zero_a), zb = _mm256_set1_epi32(zero_b), lower = _mm256_set1_epi32(0xffff);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i x = _mm256_sub_epi32(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(a + i))), za);
        const __m256i y = _mm256_sub_epi32(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(b + i))), zb);
        _mm256_storeu_si256((__m256i *)(sums + i), _mm256_madd_epi16(x, _mm256_and_si256(y, lower)));
    }
    for (; i < n; i++)
        sums[i] = (a[i] - zero_a) * (b[i] - zero_b);
}

/* 16 tables of 16 results: x xor 16*k has a zero upper half where x is of table k; adding 112 with saturation keeps the lower half there and sets bit 7 elsewhere, for which the shuffle
 * gives zero. */
static inline void map_256(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table)
{
    const __m256i reach = _mm256_set1_epi8(112);
    __m256i part[16];
    size_t i = 0;
    for (int k = 0; k < 16; k++)
        part[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table->result + 16 * k)));
    for (; i + 32 <= n; i += 32) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(x + i));
        __m256i found = _mm256_setzero_si256();
        for (int k = 0; k < 16; k++)
            found = _mm256_or_si256(found, _mm256_shuffle_epi8(part[k], _mm256_adds_epu8(_mm256_xor_si256(v, _mm256_set1_epi8((char)(16 * k))), reach)));
        _mm256_storeu_si256((__m256i *)(y + i), found);
    }
    for (; i < n; i++)
        y[i] = table->result[x[i]];
}

#endif
