/* Depthwise convolution on channel blocks, forward and backward; see lanes.h. oneDNN's depthwise weight gradient takes most of a MobileNet's training step,
 * this one keeps the whole row of taps in registers. docs/decisions has the measurement.
 *
 * For a block of W channels everything is a convolution of vectors of W lanes:  out[y][x] = sum over taps of in[y*s-p+ky][x*s-p+kx] * w[ky][kx]. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define TAPS_MAX 49
#define ROW 4 /* outputs computed together, so that a weight is loaded once for all */

typedef struct depthwise {
    int64_t ih, iw, oh, ow, stride, top, left;
} depthwise;

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smallest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* First output and one past the last whose window [o*stride - pad, +k) lies inside [0, in). */
static void interior(int64_t in, int64_t out, int64_t stride, int64_t pad, int64_t k, int64_t *begin, int64_t *end)
{
    *begin = smallest(out, (pad + stride - 1) / stride);
    *end = in + pad >= k ? smallest(out, (in + pad - k) / stride + 1) : 0;
    if (*end < *begin)
        *end = *begin;
}

INLINE void output_pixel(float *out, const float *x, const float *w, const float *bias, const depthwise *d, int64_t oy, int64_t ox, int64_t K, int64_t W)
{
    const int64_t y0 = oy * d->stride - d->top, x0 = ox * d->stride - d->left;
    float acc[LANES];
    for (int64_t l = 0; l < W; l++)
        acc[l] = bias[l];
    for (int64_t ky = largest(0, -y0); ky < smallest(K, d->ih - y0); ky++)
        for (int64_t kx = largest(0, -x0); kx < smallest(K, d->iw - x0); kx++) {
            const float *p = x + ((y0 + ky) * d->iw + x0 + kx) * W, *t = w + (ky * K + kx) * LANES;
            for (int64_t l = 0; l < W; l++)
                acc[l] += p[l] * t[l];
        }
    for (int64_t l = 0; l < W; l++)
        out[(oy * d->ow + ox) * W + l] = acc[l];
}

INLINE void convolve(float *out, const float *x, const float *w, const float *bias, const depthwise *d, int64_t K, int64_t W)
{
    int64_t begin, end;
    interior(d->iw, d->ow, d->stride, d->left, K, &begin, &end);
    for (int64_t oy = 0; oy < d->oh; oy++) {
        const int64_t y0 = oy * d->stride - d->top, ky0 = largest(0, -y0), ky1 = smallest(K, d->ih - y0);
        int64_t ox = 0;
        for (; ox < begin; ox++)
            output_pixel(out, x, w, bias, d, oy, ox, K, W);
        for (; ox + ROW <= end; ox += ROW) {
            float acc[ROW][LANES];
            for (int64_t r = 0; r < ROW; r++)
                for (int64_t l = 0; l < W; l++)
                    acc[r][l] = bias[l];
            for (int64_t ky = ky0; ky < ky1; ky++) {
                const float *p = x + ((y0 + ky) * d->iw + ox * d->stride - d->left) * W, *t = w + ky * K * LANES;
                for (int64_t kx = 0; kx < K; kx++)
                    for (int64_t r = 0; r < ROW; r++)
                        for (int64_t l = 0; l < W; l++)
                            acc[r][l] += p[(r * d->stride + kx) * W + l] * t[kx * LANES + l];
            }
            for (int64_t r = 0; r < ROW; r++)
                for (int64_t l = 0; l < W; l++)
                    out[(oy * d->ow + ox + r) * W + l] = acc[r][l];
        }
        for (; ox < d->ow; ox++)
            output_pixel(out, x, w, bias, d, oy, ox, K, W);
    }
}

/* One input pixel of d_in: the outputs whose windows cover it. */
INLINE void gather_pixel(float *d_in, const float *d_out, const float *w, const depthwise *d, int64_t iy, int64_t ix, int64_t K, int64_t W)
{
    const int64_t s = d->stride;
    float acc[LANES] = {0};
    for (int64_t ky = (iy + d->top) % s; ky < K; ky += s) {
        const int64_t oy = (iy + d->top - ky) / s;
        if (iy + d->top < ky || oy >= d->oh)
            continue;
        for (int64_t kx = (ix + d->left) % s; kx < K; kx += s) {
            const int64_t ox = (ix + d->left - kx) / s;
            const float *p = d_out + (oy * d->ow + ox) * W, *t = w + (ky * K + kx) * LANES;
            if (ix + d->left < kx || ox >= d->ow)
                continue;
            for (int64_t l = 0; l < W; l++)
                acc[l] += p[l] * t[l];
        }
    }
    for (int64_t l = 0; l < W; l++)
        d_in[(iy * d->iw + ix) * W + l] = acc[l];
}

/* Every second pixel of a row of d_in, stride 2: those with the same parity see the same taps, F, F + 2, ..., so they are a plain convolution of a row of d_out,
 *
 *      d_in[2 j + F - left] = sum over t of d_out[j - t] * w[F + 2 t]        for j - t inside the row, i.e. begin <= j < end */
INLINE void gather_phase(float *d_in, const float *d_out, const float *w, const depthwise *d, int64_t iy, int64_t F, int64_t begin, int64_t end, int64_t K, int64_t W)
{
    const int64_t ky0 = (iy + d->top) % 2;
    float *row = d_in + (iy * d->iw + F - d->left) * W;
    int64_t j = begin;
    for (; j + ROW <= end; j += ROW) {
        float acc[ROW][LANES];
        for (int64_t r = 0; r < ROW; r++)
            for (int64_t l = 0; l < W; l++)
                acc[r][l] = 0;
        for (int64_t ky = ky0; ky < K; ky += 2) {
            const int64_t oy = (iy + d->top - ky) / 2;
            const float *p = d_out + (oy * d->ow + j) * W, *t = w + (ky * K + F) * LANES;
            if (iy + d->top < ky || oy >= d->oh)
                continue;
            for (int64_t k = 0; F + 2 * k < K; k++)
                for (int64_t r = 0; r < ROW; r++)
                    for (int64_t l = 0; l < W; l++)
                        acc[r][l] += p[(r - k) * W + l] * t[2 * k * LANES + l];
        }
        for (int64_t r = 0; r < ROW; r++)
            for (int64_t l = 0; l < W; l++)
                row[2 * (j + r) * W + l] = acc[r][l];
    }
    for (; j < end; j++)
        gather_pixel(d_in, d_out, w, d, iy, 2 * j + F - d->left, K, W);
}

/* d_in for stride > 1. */
INLINE void gather(float *d_in, const float *d_out, const float *w, const depthwise *d, int64_t K, int64_t W)
{
    for (int64_t iy = 0; iy < d->ih; iy++) {
        /* j of a phase whose taps all lie inside the row of d_out and whose pixel lies inside that of d_in */
        const int64_t begin = largest((K - 1) / 2, (d->left + 1) / 2), end = smallest(d->ow, (d->iw + d->left) / 2);
        const int64_t first = 2 * begin - d->left, last = largest(first, 2 * end - d->left);
        if (d->stride != 2 || end <= begin) {
            for (int64_t ix = 0; ix < d->iw; ix++)
                gather_pixel(d_in, d_out, w, d, iy, ix, K, W);
            continue;
        }
        for (int64_t ix = 0; ix < first; ix++)
            gather_pixel(d_in, d_out, w, d, iy, ix, K, W);
        gather_phase(d_in, d_out, w, d, iy, 0, begin, end, K, W);
        gather_phase(d_in, d_out, w, d, iy, 1, begin, end, K, W);
        for (int64_t ix = last; ix < d->iw; ix++)
            gather_pixel(d_in, d_out, w, d, iy, ix, K, W);
    }
}

/* One output whose window sticks out. */
INLINE void border_taps(float acc[7][LANES], const float *row, const float *g, const depthwise *d, int64_t ox, int64_t K, int64_t W)
{
    const int64_t x0 = ox * d->stride - d->left;
    for (int64_t kx = largest(0, -x0); kx < smallest(K, d->iw - x0); kx++)
        for (int64_t l = 0; l < W; l++)
            acc[kx][l] += row[(x0 + kx) * W + l] * g[ox * W + l];
}

/* d_w += sum over pixels of d_out * in, for kernel rows ky .. ky+R-1; all their taps stay in registers, so that there are enough sums under way at once to keep the multipliers busy. */
INLINE void weight_gradient_rows(float *d_w, const float *x, const float *d_out, const depthwise *d, int64_t ky, int64_t R, int64_t begin, int64_t end, int64_t K, int64_t W)
{
    float acc[7][7][LANES] = {{{0}}};
    for (int64_t oy = 0; oy < d->oh; oy++) {
        const int64_t y0 = oy * d->stride - d->top + ky, inside_from = largest(0, -y0), inside_to = smallest(R, d->ih - y0);
        const float *row = x + y0 * d->iw * W, *g = d_out + oy * d->ow * W;
        if (inside_from == 0 && inside_to == R) {
            const float *p = row + (begin * d->stride - d->left) * W;
            for (int64_t ox = begin; ox < end; ox++, p += d->stride * W)
                for (int64_t r = 0; r < R; r++)
                    for (int64_t kx = 0; kx < K; kx++)
                        for (int64_t l = 0; l < W; l++)
                            acc[r][kx][l] += p[(r * d->iw + kx) * W + l] * g[ox * W + l];
        }
        for (int64_t r = inside_from; r < inside_to; r++) {
            const float *line = row + r * d->iw * W;
            for (int64_t ox = 0; ox < begin; ox++)
                border_taps(acc[r], line, g, d, ox, K, W);
            for (int64_t ox = inside_from == 0 && inside_to == R ? end : begin; ox < d->ow; ox++)
                border_taps(acc[r], line, g, d, ox, K, W);
        }
    }
    for (int64_t r = 0; r < R; r++)
        for (int64_t kx = 0; kx < K; kx++)
            for (int64_t l = 0; l < W; l++)
                d_w[((ky + r) * K + kx) * LANES + l] += acc[r][kx][l];
}

#if LANES_BLOCK == 16 /* 32 registers */
#define ROWS_OF(K) ((K) <= 5 ? (K) : 3)
#else
#define ROWS_OF(K) ((K) == 3 ? 3 : (K) == 5 ? 2 : 1)
#endif

INLINE void weight_gradient(float *d_w, const float *x, const float *d_out, const depthwise *d, int64_t K, int64_t W)
{
    int64_t begin, end, ky = 0;
    interior(d->iw, d->ow, d->stride, d->left, K, &begin, &end);
    for (; ky + ROWS_OF(K) <= K; ky += ROWS_OF(K))
        weight_gradient_rows(d_w, x, d_out, d, ky, ROWS_OF(K), begin, end, K, W);
    for (; ky < K; ky++)
        weight_gradient_rows(d_w, x, d_out, d, ky, 1, begin, end, K, W);
}

/* Weights [C,1,K,K] of one block as [K*K][lanes], zero past the last channel. */
static void load_taps(float *w, const float *weight, int64_t channel, int64_t channels, int64_t taps, bool flipped)
{
    memset(w, 0, (size_t)(taps * LANES) * sizeof *w);
    for (int64_t l = 0; l < LANES && channel + l < channels; l++)
        for (int64_t k = 0; k < taps; k++)
            w[(flipped ? taps - 1 - k : k) * LANES + l] = weight[(channel + l) * taps + k];
}

static depthwise geometry(const urs_kernel_spec *spec)
{
    return (depthwise){.ih = spec->in[0].h, .iw = spec->in[0].w, .oh = spec->out.h, .ow = spec->out.w, .stride = spec->attr.stride_h,
                       .top = spec->attr.pad_top, .left = spec->attr.pad_left};
}

/* Calls with K and W as constants; the other block size, which only tests use with this instruction set, shares one general version. */
#define WITH_KERNEL(k, w, call)                                               \
    do {                                                                      \
        if ((w) == LANES_BLOCK) {                                             \
            enum { W = LANES_BLOCK };                                         \
            if ((k) == 3) { enum { K = 3 }; call; }                           \
            else if ((k) == 5) { enum { K = 5 }; call; }                      \
            else { enum { K = 7 }; call; }                                    \
        } else {                                                              \
            const int64_t K = (k), W = (w);                                   \
            call;                                                             \
        }                                                                     \
    } while (0)

void urs_lanes_depthwise_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    const depthwise d = geometry(spec);
    const int64_t k = spec->attr.kernel_h;
    for (int64_t g = 0; g < v.groups; g++) {
        float w[TAPS_MAX * LANES], bias[LANES] = {0};
        const int64_t c = strip_channel(&v, g);
        load_taps(w, args->param[0], c, v.channels, k * k, false);
        for (int64_t l = 0; args->param[1] && l < LANES && c + l < v.channels; l++)
            bias[l] = ((const float *)args->param[1])[c + l];
        for (int64_t n = 0; n < v.images; n++) {
            const float *x = (const float *)args->in[0] + strip_at(&v, n, g);
            float *out = (float *)args->out + strip_at(&o, n, g);
            WITH_KERNEL(k, v.width, convolve(out, x, w, bias, &d, K, W));
        }
    }
}

void urs_lanes_depthwise_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    const depthwise d = geometry(spec);
    const int64_t k = spec->attr.kernel_h;
    /* With stride 1 the data gradient is a convolution with the flipped kernel. */
    const depthwise back = {.ih = d.oh, .iw = d.ow, .oh = d.ih, .ow = d.iw, .stride = 1, .top = k - 1 - d.top, .left = k - 1 - d.left};
    for (int64_t g = 0; g < v.groups; g++) {
        float w[TAPS_MAX * LANES], d_w[TAPS_MAX * LANES] = {0}, bias[LANES] = {0};
        const int64_t c = strip_channel(&v, g);
        load_taps(w, args->param[0], c, v.channels, k * k, d.stride == 1);
        for (int64_t n = 0; n < v.images; n++) {
            const float *x = (const float *)args->in[0] + strip_at(&v, n, g), *d_out = (const float *)args->d_out + strip_at(&o, n, g);
            float *d_in = args->d_in[0] ? (float *)args->d_in[0] + strip_at(&v, n, g) : NULL;
            if (d_in && d.stride == 1)
                WITH_KERNEL(k, v.width, convolve(d_in, d_out, w, bias, &back, K, W));
            else if (d_in)
                WITH_KERNEL(k, v.width, gather(d_in, d_out, w, &d, K, W));
            if (args->d_param[0])
                WITH_KERNEL(k, v.width, weight_gradient(d_w, x, d_out, &d, K, W));
        }
        for (int64_t l = 0; args->d_param[0] && l < LANES && c + l < v.channels; l++)
            for (int64_t t = 0; t < k * k; t++)
                ((float *)args->d_param[0])[(c + l) * k * k + t] = d_w[t * LANES + l];
        if (args->d_param[1]) {
            float sum[LANES] = {0};
            for (int64_t n = 0; n < v.images; n++) {
                const float *p = (const float *)args->d_out + strip_at(&o, n, g);
                for (int64_t i = 0; i < o.pixels; i++)
                    for (int64_t l = 0; l < o.width; l++)
                        sum[l] += p[i * o.stride + l];
            }
            for (int64_t l = 0; l < LANES && c + l < v.channels; l++)
                ((float *)args->d_param[1])[c + l] = sum[l];
        }
    }
}
