/* The contract of the fast kernels: one table an instruction set, all with the bytes of the oracles. Private to src/int8.
 *
 *      kernels_plain.c       plain C, everywhere                 kernels_avx2.c          x86 with AVX2
 *      kernels_avx_vnni.c    x86 with AVX-VNNI                   kernels_avx512_vnni.c   x86 with AVX-512 VNNI
 *      kernels_neon.c        ARMv8                               kernels_sdot.c          ARMv8.2 with SDOT
 *
 * Everything is 16 channels wide. Convolutions and FULLY_CONNECTED are one product of matrices, a tile of `rows` pixels and 16 channels at a time:
 *
 *      panel    [rows][depth']      one row a pixel: what its window sees, in the order of the weights [ky][kx][channel]; depth' is depth up to a multiple of `group`
 *      weights  [channels/16][depth'/group][16][group]
 *
 *               +-- block 0: channels 0..15 -----------------------------------+-- block 1 ...
 *               | group 0                          | group 1                   |
 *               | ch 0: w0 w1 .. | ch 1: w0 w1 ..  | ch 0: w[group] ..         |
 *               +---------------------------------------------------------------+
 *
 *      sums     [rows][16] int32    bias + panel * weights
 *
 * `group` numbers of one channel lie side by side because one instruction multiplies and adds that many. The three forms of a panel, and what the bias takes off for them:
 *
 *      URS_INT8_PANEL_S16   int16  x - zero point    nothing                                   group 2 (pmaddwd) or 1 (smlal)
 *      URS_INT8_PANEL_U8    uint8  x + 128           (zero point + 128) * sum of weights        group 4 (vpdpbusd)
 *      URS_INT8_PANEL_S8    int8   x                 zero point * sum of weights                group 4 (sdot)
 *
 * Weights are int16 beside S16, else int8.
 *
 * Depthwise kernels work on 16 channels of input rows that are widened to int16, the zero point taken off:
 *
 *      paired      row [pixel][16][2]: the pixel and the one `gap` to its right      weights [kh][(kw+1)/2][16][2]   two taps an instruction (pmaddwd, vpdpwssd)
 *      otherwise   row [pixel][16]                                                   weights [kh][kw][16]            (smlal)
 *
 * Sums wrap; nothing saturates. */
#ifndef URS_INT8_KERNELS_H
#define URS_INT8_KERNELS_H

#include "int8/arithmetic.h"
#include "int8/unary.h"

#define URS_INT8_LANES 16
#define URS_INT8_ROWS_MAX 16

typedef enum urs_int8_panel { URS_INT8_PANEL_S16, URS_INT8_PANEL_U8, URS_INT8_PANEL_S8 } urs_int8_panel;

/* What takes sums of 16 channels to int8. The arrays have one number a channel, padded to a multiple of 16. */
typedef struct urs_int8_rescale {
    const int32_t *q, *left, *right; /* multipliers; max(e,0), max(-e,0) */
    int32_t zero_point, low, high;
    bool up;   /* halves upwards instead of away from zero */
    bool calm; /* no shift to the left, right at most 30, and every sum below 2^30: nothing can overflow */
} urs_int8_rescale;

/* A depthwise window: kh x kw taps, `gap` pixels from one to the next; `step` pixels from one output to the next. */
typedef struct urs_int8_taps {
    int32_t kh, kw;
    size_t step, gap;
} urs_int8_taps;

typedef struct urs_int8_kernels {
    const char *name;
    urs_int8_panel panel;
    int32_t group, rows; /* rows <= URS_INT8_ROWS_MAX */

    /* n numbers into a row of a panel. */
    void (*fill)(void *row, const int8_t *x, size_t n, int32_t zero_point);
    /* sums[r][l] = bias[l] + row r of the panel (rows are `stride` bytes apart) * block of weights; 1 <= rows <= the table's. */
    void (*tile)(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows);
    /* Channels first .. first+n-1 (n <= 16) of `rows` pixels: out[r*stride + l] = clamp(rescaled sums[r][l]). */
    void (*requantise)(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r);
    /* 16 channels of n pixels (stride bytes apart) as int16 without the zero point. */
    void (*widen)(int16_t *out, const int8_t *x, size_t stride, size_t n, int32_t zero_point);
    /* sums[i][l] = bias[l] + what the window of output i sees, for n outputs; rows and weights in the layout of `paired`. */
    void (*depthwise)(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *taps, size_t n);
    bool paired;
    /* paired only: out[i][l] = (row[i][l], row[i + gap][l]) for n pixels. */
    void (*pair)(int16_t *out, const int16_t *row, size_t n, size_t gap);
    /* sums[c] += the channel's numbers of all pixels. */
    void (*total)(int32_t *sums, const int8_t *x, size_t pixels, size_t channels);
    /* sums[i] = (a[i] - zero_a) * (b[i] - zero_b) */
    void (*product)(int32_t *sums, const int8_t *a, const int8_t *b, size_t n, int32_t zero_a, int32_t zero_b);
    /* y[i] = table[x[i]]; y may be x. */
    void (*map)(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table);
} urs_int8_kernels;

extern const urs_int8_kernels urs_int8_kernels_plain, urs_int8_kernels_avx2, urs_int8_kernels_avx_vnni, urs_int8_kernels_avx512_vnni, urs_int8_kernels_neon, urs_int8_kernels_sdot;

/* Those that this processor can run, best first; NULL past the last. */
const urs_int8_kernels *urs_int8_kernels_runnable(int32_t index);
/* By name; NULL or "": the best. URS_ENOTFOUND, with the names that there are. */
urs_status urs_int8_kernels_find(const urs_int8_kernels **out, const char *name, urs_error *err) URS_CHECKED;

/* Bytes of a number of a panel, which is also that of a weight. */
static inline size_t urs_int8_panel_bytes(urs_int8_panel panel)
{
    return panel == URS_INT8_PANEL_S16 ? 2 : 1;
}

#endif
