/* The kernels in plain C: what runs where nothing better is, and the twin that the others are read beside. */
#include "int8/kernels.h"

static void fill(void *row, const int8_t *x, size_t n, int32_t zero_point)
{
    int16_t *out = row;
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(x[i] - zero_point);
}

static void tile(int32_t *sums, const void *panel, size_t stride, const void *weights, size_t groups, const int32_t *bias, int32_t rows)
{
    for (int32_t r = 0; r < rows; r++) {
        const int16_t *x = (const int16_t *)((const char *)panel + (size_t)r * stride), *w = weights;
        uint32_t acc[URS_INT8_LANES];
        for (size_t l = 0; l < URS_INT8_LANES; l++)
            acc[l] = (uint32_t)bias[l];
        for (size_t g = 0; g < groups; g++)
            for (size_t l = 0; l < URS_INT8_LANES; l++)
                acc[l] += (uint32_t)(x[2 * g] * w[(g * URS_INT8_LANES + l) * 2] + x[2 * g + 1] * w[(g * URS_INT8_LANES + l) * 2 + 1]);
        for (size_t l = 0; l < URS_INT8_LANES; l++)
            sums[(size_t)r * URS_INT8_LANES + l] = (int32_t)acc[l];
    }
}

static void requantise(int8_t *out, size_t stride, const int32_t *sums, size_t rows, size_t first, size_t n, const urs_int8_rescale *r)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t l = 0; l < n; l++) {
            const int32_t x = urs_int8_high_mul((int32_t)((uint32_t)sums[i * URS_INT8_LANES + l] << r->left[first + l]), r->q[first + l]), right = r->right[first + l];
            const int64_t y = (int64_t)(r->up ? urs_int8_round_shift_up(x, right) : urs_int8_round_shift(x, right)) + r->zero_point;
            out[i * stride + l] = (int8_t)(y < r->low ? r->low : y > r->high ? r->high : y);
        }
}

static void widen(int16_t *out, const int8_t *x, size_t stride, size_t n, int32_t zero_point)
{
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < URS_INT8_LANES; l++)
            out[i * URS_INT8_LANES + l] = (int16_t)(x[i * stride + l] - zero_point);
}

static void depthwise(int32_t *sums, const int16_t *const *rows, const int16_t *weights, const int32_t *bias, const urs_int8_taps *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t acc[URS_INT8_LANES];
        const int16_t *w = weights;
        for (size_t l = 0; l < URS_INT8_LANES; l++)
            acc[l] = (uint32_t)bias[l];
        for (int32_t ky = 0; ky < t->kh; ky++)
            for (int32_t kx = 0; kx < t->kw; kx++, w += URS_INT8_LANES) {
                const int16_t *x = rows[ky] + (i * t->step + (size_t)kx * t->gap) * URS_INT8_LANES;
                for (size_t l = 0; l < URS_INT8_LANES; l++)
                    acc[l] += (uint32_t)(x[l] * w[l]);
            }
        for (size_t l = 0; l < URS_INT8_LANES; l++)
            sums[i * URS_INT8_LANES + l] = (int32_t)acc[l];
    }
}

static void total(int32_t *sums, const int8_t *x, size_t pixels, size_t channels)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            sums[c] += x[p * channels + c];
}

static void product(int32_t *sums, const int8_t *a, const int8_t *b, size_t n, int32_t zero_a, int32_t zero_b)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = (a[i] - zero_a) * (b[i] - zero_b);
}

static void map(uint8_t *y, const uint8_t *x, size_t n, const urs_int8_table *table)
{
    for (size_t i = 0; i < n; i++)
        y[i] = table->result[x[i]];
}

const urs_int8_kernels urs_int8_kernels_plain = {
    .name = "plain", .panel = URS_INT8_PANEL_S16, .group = 2, .rows = 4, .fill = fill, .tile = tile, .requantise = requantise, .widen = widen, .depthwise = depthwise,
    .total = total, .product = product, .map = map};
