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
    return s;
}

/* The two roundings of arithmetic.h on 8 sums; away: all ones, or zero for halves upwards. */
INLINE __m256i rescale8_apply(__m256i x, const rescale8 *s, __m256i away)
{
    const __m256i nudge = _mm256_set1_epi64x((int64_t)1 << 30);
    __m256i even, odd, negative, rest;
    x = _mm256_sllv_epi32(x, s->left);
    even = _mm256_add_epi64(_mm256_mul_epi32(x, s->q), nudge);
    odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), s->q_odd), nudge);
    x = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa); /* bits 31..62 of each product */
    negative = _mm256_and_si256(_mm256_srai_epi32(x, 31), away);
    rest = _mm256_and_si256(x, s->mask);
    return _mm256_sub_epi32(_mm256_srav_epi32(x, s->right), _mm256_cmpgt_epi32(rest, _mm256_sub_epi32(s->half, negative)));
}

static void requantise(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r)
{
    const rescale8 a = rescale8_load(r, first), b = rescale8_load(r, first + 8);
    const __m256i away = _mm256_set1_epi32(r->up ? 0 : -1), zero = _mm256_set1_epi16((int16_t)r->zero_point);
    const __m128i low = _mm_set1_epi8((char)r->low), high = _mm_set1_epi8((char)r->high);
    for (size_t i = 0; i < rows; i++) {
        const __m256i x = rescale8_apply(_mm256_loadu_si256((const __m256i *)(sums + i * URS_INT8_LANES)), &a, away);
        const __m256i y = rescale8_apply(_mm256_loadu_si256((const __m256i *)(sums + i * URS_INT8_LANES + 8)), &b, away);
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

static void widen(int16_t *out, const int8_t *x, size_t stride, size_t n, int32_t zero_point)
{
    const __m256i zero = _mm256_set1_epi16((int16_t)zero_point);
    for (size_t i = 0; i < n; i++)
        _mm256_storeu_si256((__m256i *)(out + i * URS_INT8_LANES), _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(x + i * stride))), zero));
}

/* Two taps at a time: their numbers side by side, multiplied and added by one instruction. The unpacked order (channels 0-3 and 8-11, 4-7 and 12-15) is undone at the end. */
INLINE void depthwise_pair(__m256i *low, __m256i *high, const int16_t *x0, const int16_t *x1, const int16_t *w)
{
    const __m256i a = _mm256_loadu_si256((const __m256i *)x0), b = _mm256_loadu_si256((const __m256i *)x1);
    const __m256i u = _mm256_loadu_si256((const __m256i *)w), v = _mm256_loadu_si256((const __m256i *)(w + URS_INT8_LANES));
    *low = _mm256_add_epi32(*low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(u, v)));
    *high = _mm256_add_epi32(*high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(u, v)));
}

#define DEPTHWISE_TAPS_MAX 128

static void depthwise(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, int32_t kh, int32_t kw, size_t step, size_t gap, size_t n)
{
    const int32_t taps = kh * kw;
    const __m256i b0 = _mm256_loadu_si256((const __m256i *)bias), b1 = _mm256_loadu_si256((const __m256i *)(bias + 8));
    const __m256i start_low = _mm256_permute2x128_si256(b0, b1, 0x20), start_high = _mm256_permute2x128_si256(b0, b1, 0x31);
    const int16_t *tap[DEPTHWISE_TAPS_MAX]; /* where each tap of output 0 stands */
    if (taps >= DEPTHWISE_TAPS_MAX) {
        urs_int8_kernels_plain.depthwise(sums, rows, weights, bias, kh, kw, step, gap, n);
        return;
    }
    for (int32_t t = 0; t < taps; t++)
        tap[t] = rows[t / kw] + (size_t)(t % kw) * gap * URS_INT8_LANES;
    tap[taps] = tap[taps - 1]; /* beside the weights of zero */
    for (size_t i = 0; i < n; i++) {
        const size_t at = i * step * URS_INT8_LANES;
        __m256i low = start_low, high = start_high;
        for (int32_t t = 0; t < taps; t += 2)
            depthwise_pair(&low, &high, tap[t] + at, tap[t + 1] + at, weights + (size_t)t * URS_INT8_LANES);
        _mm256_storeu_si256((__m256i *)(sums + i * URS_INT8_LANES), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256((__m256i *)(sums + i * URS_INT8_LANES + 8), _mm256_permute2x128_si256(low, high, 0x31));
    }
}

/* 16 tables of 16 results: x xor 16*k has a zero upper half where x is of table k; adding 112 with saturation keeps the lower half there and sets bit 7 elsewhere, for which the shuffle
 * gives zero. */
static void map(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table)
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
