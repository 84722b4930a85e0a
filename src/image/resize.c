/* One antialiased resize, the one Pillow has: a separable triangle or cubic filter (Keys, a = -0.5) whose support grows with the factor when the picture shrinks.
 *
 * An output sample is a weighted sum of `count` input samples from `first` on; the weights of one axis are worked out once, in fixed point:
 *
 *      axis:  first[0] count[0] | w w w w 0      `taps` places an output sample, unused ones zero
 *             first[1] count[1] | w w w 0 0      sum of a line = 1 << shift exactly, so that flat areas stay flat
 *
 * Where a compiler can make vector code of it (down the columns) weights fit 16 bits and are as fine as the largest of them allows, so products of 16 x 16 bits are enough.
 *
 * Bilinear works down the columns first (contiguous, vectorised, and it leaves fewer rows for the other direction) and keeps four fractional bits in between; the result
 * differs from Pillow's, which rounds to eight bits in between, by at most one level. Cubic weights overshoot, and Pillow clips the overshoot in between; so that
 * pass keeps Pillow's order (rows first, to the same eight bits in between) through a ring of rows. Neither keeps more than a few rows beside the two pictures. */
#include "base/memory.h"
#include "image/image.h"

#include <math.h>
#include <string.h>

#define FRACTION_BITS 4 /* of the intermediate row of the bilinear pass */
#define SHIFT_MAX 18    /* (255 << FRACTION_BITS) * (1 << SHIFT_MAX) < 2^31 */
#define SHIFT_FINE 22   /* Pillow's, for bytes: 255 * (1 << 22) * overshoot of cubic weights < 2^31 */
#define WEIGHT_MAX 32767

typedef struct axis {
    int32_t *first, *count; /* [out] */
    int32_t *weights;       /* [out][taps] */
    int32_t taps;
    int shift;
} axis;

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double cubic(double x)
{
    x = fabs(x);
    if (x < 1.0)
        return (1.5 * x - 2.5) * x * x + 1.0;
    if (x < 2.0)
        return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
    return 0.0;
}

static void axis_release(axis *a)
{
    urs_free(a->first);
    urs_free(a->count);
    urs_free(a->weights);
    *a = (axis){0};
}

/* Window of output sample `o` and its normalised weights. */
static void axis_window(double *w, int32_t *first, int32_t *count, int32_t o, int32_t in, int32_t out, urs_filter filter)
{
    const double scale = (double)in / out, stretch = scale < 1.0 ? 1.0 : scale;
    const double support = (filter == URS_FILTER_BICUBIC ? 2.0 : 1.0) * stretch, centre = (o + 0.5) * scale;
    const double low = centre - support + 0.5, high = centre + support + 0.5;
    const int32_t from = low < 0.0 ? 0 : (int32_t)low, to = high > in ? in : (int32_t)high;
    double sum = 0.0;
    for (int32_t i = from; i < to; i++) {
        const double x = (i + 0.5 - centre) / stretch;
        w[i - from] = filter == URS_FILTER_BICUBIC ? cubic(x) : triangle(x);
        sum += w[i - from];
    }
    for (int32_t i = 0; i < to - from; i++)
        w[i] /= sum;
    *first = from;
    *count = to - from;
}

/* Rounds one line of weights so that it sums to 1 << shift: the running error is carried on, and so never exceeds half a step. */
static void axis_round(int32_t *line, const double *w, int32_t count, int shift)
{
    const double one = (double)((int32_t)1 << shift);
    double exact = 0.0;
    int32_t given = 0;
    for (int32_t i = 0; i < count; i++) {
        exact += w[i] * one;
        line[i] = (int32_t)lround(exact) - given;
        given += line[i];
    }
}

/* narrow: weights that fit 16 bits; else SHIFT_FINE, each rounded by itself as Pillow does. */
static urs_status axis_new(axis *out, int32_t in_size, int32_t out_size, urs_filter filter, bool narrow, urs_error *err)
{
    urs_status status = URS_OK;
    const double scale = (double)in_size / out_size, support = (filter == URS_FILTER_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
    const int32_t room = (int32_t)ceil(support) * 2 + 1, taps = room < in_size ? room : in_size;
    axis a = {.taps = taps, .shift = narrow ? SHIFT_MAX : SHIFT_FINE};
    double *w = NULL, largest = 0.0;
    size_t n = 0;

    w = urs_array_new((size_t)taps, sizeof *w);
    a.first = urs_array_new((size_t)out_size, sizeof *a.first);
    a.count = urs_array_new((size_t)out_size, sizeof *a.count);
    a.weights = urs_mul_size(&n, (size_t)out_size, (size_t)taps) ? urs_array_new(n, sizeof *a.weights) : NULL;
    if (!w || !a.first || !a.count || !a.weights) {
        status = urs_fail(err, URS_ENOMEM, "no memory to resize a picture from %d to %d pixels", in_size, out_size);
        goto done;
    }
    for (int32_t o = 0; narrow && o < out_size; o++) {
        axis_window(w, &a.first[o], &a.count[o], o, in_size, out_size, filter);
        for (int32_t i = 0; i < a.count[o]; i++)
            largest = fmax(largest, fabs(w[i]));
    }
    while (narrow && largest * ((int32_t)1 << a.shift) + 1.0 > WEIGHT_MAX)
        a.shift--;
    for (int32_t o = 0; o < out_size; o++) {
        int32_t *line = a.weights + (size_t)o * (size_t)taps;
        axis_window(w, &a.first[o], &a.count[o], o, in_size, out_size, filter);
        if (narrow)
            axis_round(line, w, a.count[o], a.shift);
        else
            for (int32_t i = 0; i < a.count[o]; i++)
                line[i] = (int32_t)lround(w[i] * ((int32_t)1 << a.shift));
    }
    *out = a;
    a = (axis){0};
done:
    urs_free(w);
    axis_release(&a);
    return status;
}

static inline uint8_t clip(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* sum[i] = (or +=) weighted rows, two rows at a time. */
static void rows_pair(int32_t *restrict sum, const uint8_t *restrict a, const uint8_t *restrict b, int16_t wa, int16_t wb, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += (int16_t)a[i] * wa + (int16_t)b[i] * wb;
}

static void rows_single(int32_t *restrict sum, const uint8_t *restrict a, int16_t wa, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += (int16_t)a[i] * wa;
}

static void rows_sum(int32_t *sum, const uint8_t *const *rows, const int32_t *w, int32_t count, int32_t half, size_t n)
{
    int32_t k = 0;
    for (size_t i = 0; i < n; i++)
        sum[i] = half;
    for (; k + 1 < count; k += 2)
        rows_pair(sum, rows[k], rows[k + 1], (int16_t)w[k], (int16_t)w[k + 1], n);
    if (k < count)
        rows_single(sum, rows[k], (int16_t)w[k], n);
}

static void to_fraction(int16_t *restrict out, const int32_t *restrict sum, int shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(sum[i] >> shift);
}

static void to_bytes(uint8_t *restrict out, const int32_t *restrict sum, int shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = clip(sum[i] >> shift);
}

/* Along a row, samples of type int16_t (bilinear: with fraction) or uint8_t (cubic); `bits` fractional bits are dropped at the end. */
#define ALONG(name, sample)                                                                                                        \
    static void name(uint8_t *restrict out, const sample *restrict in, const axis *a, int32_t width, int32_t channels, int bits)    \
    {                                                                                                                               \
        const int shift = a->shift + bits;                                                                                          \
        const int32_t half = (int32_t)1 << (shift - 1);                                                                             \
        for (int32_t x = 0; x < width; x++) {                                                                                       \
            const int32_t *restrict w = a->weights + (size_t)x * (size_t)a->taps;                                                   \
            const sample *restrict p = in + (size_t)a->first[x] * (size_t)channels;                                                 \
            const int32_t count = a->count[x];                                                                                      \
            if (channels == 3) {                                                                                                    \
                int32_t r = half, g = half, b = half;                                                                               \
                for (int32_t k = 0; k < count; k++) {                                                                               \
                    r += p[3 * k] * w[k];                                                                                           \
                    g += p[3 * k + 1] * w[k];                                                                                       \
                    b += p[3 * k + 2] * w[k];                                                                                       \
                }                                                                                                                   \
                out[3 * x] = clip(r >> shift);                                                                                      \
                out[3 * x + 1] = clip(g >> shift);                                                                                  \
                out[3 * x + 2] = clip(b >> shift);                                                                                  \
            } else {                                                                                                                \
                int32_t v = half;                                                                                                   \
                for (int32_t k = 0; k < count; k++)                                                                                 \
                    v += p[k] * w[k];                                                                                               \
                out[x] = clip(v >> shift);                                                                                          \
            }                                                                                                                       \
        }                                                                                                                           \
    }
ALONG(along_fraction, int16_t)
ALONG(along_bytes, uint8_t)

static urs_status resize_bilinear(urs_image *out, const urs_image *in, const axis *ax, const axis *ay, urs_error *err)
{
    urs_status status = URS_OK;
    const size_t n = (size_t)in->width * (size_t)in->channels, out_n = (size_t)out->width * (size_t)out->channels;
    int32_t *sum = urs_array_new(n, sizeof *sum);
    int16_t *line = urs_array_new(n, sizeof *line);
    const uint8_t **rows = urs_array_new((size_t)ay->taps, sizeof *rows);

    if (!sum || !line || !rows) {
        status = urs_fail(err, URS_ENOMEM, "no memory to resize a picture");
        goto done;
    }
    for (int32_t y = 0; y < out->height; y++) {
        for (int32_t k = 0; k < ay->count[y]; k++)
            rows[k] = in->data + (size_t)(ay->first[y] + k) * n;
        rows_sum(sum, rows, ay->weights + (size_t)y * (size_t)ay->taps, ay->count[y], (int32_t)1 << (ay->shift - FRACTION_BITS - 1), n);
        to_fraction(line, sum, ay->shift - FRACTION_BITS, n);
        along_fraction(out->data + (size_t)y * out_n, line, ax, out->width, out->channels, FRACTION_BITS);
    }
done:
    urs_free(sum);
    urs_free(line);
    urs_free(rows);
    return status;
}

static urs_status resize_bicubic(urs_image *out, const urs_image *in, const axis *ax, const axis *ay, urs_error *err)
{
    urs_status status = URS_OK;
    const size_t in_n = (size_t)in->width * (size_t)in->channels, n = (size_t)out->width * (size_t)out->channels;
    size_t bytes = 0;
    int32_t *sum = urs_array_new(n, sizeof *sum);
    uint8_t *ring = urs_mul_size(&bytes, n, (size_t)ay->taps) ? urs_array_new(bytes, 1) : NULL; /* row r of the input stands in place r % taps */
    const uint8_t **rows = urs_array_new((size_t)ay->taps, sizeof *rows);
    int32_t done_rows = 0;

    if (!sum || !ring || !rows) {
        status = urs_fail(err, URS_ENOMEM, "no memory to resize a picture");
        goto done;
    }
    for (int32_t y = 0; y < out->height; y++) {
        const int32_t first = ay->first[y], count = ay->count[y];
        for (done_rows = done_rows < first ? first : done_rows; done_rows < first + count; done_rows++)
            along_bytes(ring + (size_t)(done_rows % ay->taps) * n, in->data + (size_t)done_rows * in_n, ax, out->width, out->channels, 0);
        for (int32_t k = 0; k < count; k++)
            rows[k] = ring + (size_t)((first + k) % ay->taps) * n;
        rows_sum(sum, rows, ay->weights + (size_t)y * (size_t)ay->taps, count, (int32_t)1 << (ay->shift - 1), n);
        to_bytes(out->data + (size_t)y * n, sum, ay->shift, n);
    }
done:
    urs_free(sum);
    urs_free(ring);
    urs_free(rows);
    return status;
}

/* The pixel under the centre of the output pixel, in whole numbers so that ties fall the same way everywhere. */
static int32_t nearest(int32_t o, int32_t in, int32_t out)
{
    return (int32_t)((2 * (int64_t)o + 1) * in / (2 * (int64_t)out));
}

static void resize_nearest(urs_image *out, const urs_image *in)
{
    const size_t channels = (size_t)in->channels;
    for (int32_t y = 0; y < out->height; y++) {
        const uint8_t *row = urs_image_at(in, 0, nearest(y, in->height, out->height));
        uint8_t *p = urs_image_at(out, 0, y);
        for (int32_t x = 0; x < out->width; x++, p += channels)
            memcpy(p, row + (size_t)nearest(x, in->width, out->width) * channels, channels);
    }
}

urs_status urs_image_resize(urs_image *out, const urs_image *in, int32_t width, int32_t height, urs_filter filter, urs_error *err)
{
    urs_status status;
    axis ax = {0}, ay = {0};
    urs_image result = {0};

    if (width == in->width && height == in->height)
        return urs_image_copy(out, in, err);
    status = urs_image_new(&result, width, height, in->channels, err);
    if (status != URS_OK)
        return status;
    if (filter == URS_FILTER_NEAREST) {
        resize_nearest(&result, in);
    } else {
        status = axis_new(&ax, in->width, width, filter, filter == URS_FILTER_BILINEAR, err);
        if (status == URS_OK)
            status = axis_new(&ay, in->height, height, filter, true, err);
        if (status == URS_OK)
            status = filter == URS_FILTER_BICUBIC ? resize_bicubic(&result, in, &ax, &ay, err) : resize_bilinear(&result, in, &ax, &ay, err);
    }
    axis_release(&ax);
    axis_release(&ay);
    if (status != URS_OK) {
        urs_image_release(&result);
        return status;
    }
    *out = result;
    return URS_OK;
}
