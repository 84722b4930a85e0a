/* Batch norm with its activation, on strips: training, frozen and inference; see lanes.h.
 *
 * Memory is what costs here, so statistics are made in one pass: of every CHUNK of pixels (in the first-level cache) mean and sum of squared deviations from it, in float, which are put
 * together in double (Chan, Golub and LeVeque 1979); that is exact to a few ulp however large the batch, and however far the mean is from zero. The second pass goes through the images
 * backwards, because the last ones are still in the cache. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define CHUNK 128
#define SUMS 4 /* independent sums, or each addition waits for the one before */

typedef struct moments { /* of each lane */
    double mean[LANES], square[LANES]; /* square: sum of squared deviations from the mean */
    double count;
} moments;

/* Sum of x - shift, or of its square. */
INLINE void chunk_sum(float *out, const float *x, int64_t pixels, const float *shift, bool squared, int64_t W, int64_t S)
{
    float part[SUMS][LANES];
    int64_t i = 0;
    for (int64_t k = 0; k < SUMS; k++)
        for (int64_t l = 0; l < W; l++)
            part[k][l] = 0;
    for (; i + SUMS <= pixels; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++)
            for (int64_t l = 0; l < W; l++) {
                const float d = x[(i + k) * S + l] - shift[l];
                part[k][l] += squared ? d * d : d;
            }
    for (; i < pixels; i++)
        for (int64_t l = 0; l < W; l++) {
            const float d = x[i * S + l] - shift[l];
            part[0][l] += squared ? d * d : d;
        }
    for (int64_t l = 0; l < W; l++)
        out[l] = (part[0][l] + part[1][l]) + (part[2][l] + part[3][l]);
}

INLINE void add_moments(moments *m, const float *x, int64_t pixels, int64_t W, int64_t S)
{
    for (int64_t begin = 0; begin < pixels; begin += CHUNK) {
        const int64_t n = begin + CHUNK < pixels ? CHUNK : pixels - begin;
        const double before = m->count, after = before + (double)n;
        float sum[LANES] = {0}, mean[LANES] = {0}, square[LANES] = {0}, zero[LANES] = {0};
        chunk_sum(sum, x + begin * S, n, zero, false, W, S);
        for (int64_t l = 0; l < W; l++)
            mean[l] = sum[l] / (float)n;
        chunk_sum(square, x + begin * S, n, mean, true, W, S);
        for (int64_t l = 0; l < W; l++) {
            const double chunk = (double)sum[l] / (double)n, off = chunk - (double)mean[l], apart = chunk - m->mean[l];
            m->mean[l] += apart * ((double)n / after);
            m->square[l] += (double)square[l] - off * off * (double)n + apart * apart * (before * (double)n / after);
        }
        m->count = after;
    }
}

INLINE void map_affine(float *out, const float *x, int64_t pixels, const float *scale, const float *shift, urs_activation a, int64_t W, int64_t S)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++)
            out[i * S + l] = lane_activate(x[i * S + l] * scale[l] + shift[l], a);
}

static void copy_params(float *to, const float *from, int64_t channel, int64_t channels, float filler)
{
    for (int64_t l = 0; l < LANES; l++)
        to[l] = channel + l < channels ? from[channel + l] : filler;
}

static void batch_statistics(const strips *v, const float *x, int64_t g, float *mean, float *variance)
{
    const int64_t width = strip_width(v, g);
    moments m = {.count = 0};
    for (int64_t n = 0; n < v->images; n++)
        WITH_WIDTH(width, v->stride, add_moments(&m, x + strip_at(v, n, g), v->pixels, W, S));
    for (int64_t l = 0; l < LANES; l++) {
        mean[l] = l < width ? (float)m.mean[l] : 0.0f;
        variance[l] = l < width ? (float)(m.square[l] / m.count) : 0.0f;
    }
}

void urs_lanes_batch_norm_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *x = args->in[0];
    const double count = (double)(v.images * v.pixels);
    float *out = args->out, *saved = args->saved;
    const bool batch = spec->training && !spec->frozen_norm;

    for (int64_t g = 0; g < v.groups; g++) {
        const int64_t c = strip_channel(&v, g), width = strip_width(&v, g);
        float mean[LANES], variance[LANES], gamma[LANES], beta[LANES], scale[LANES], shift[LANES];
        copy_params(gamma, args->param[0], c, v.channels, 0);
        copy_params(beta, args->param[1], c, v.channels, 0);
        if (batch) {
            batch_statistics(&v, x, g, mean, variance);
        } else {
            copy_params(mean, args->param[2], c, v.channels, 0);
            copy_params(variance, args->param[3], c, v.channels, 1);
        }
        for (int64_t l = 0; l < LANES; l++) {
            const float rstd = 1.0f / sqrtf(variance[l] + spec->attr.eps);
            scale[l] = gamma[l] * rstd;
            shift[l] = beta[l] - mean[l] * scale[l];
            if (saved && c + l < v.channels) {
                saved[c + l] = mean[l];
                saved[v.channels + c + l] = rstd;
            }
            if (batch && args->d_param[2] && c + l < v.channels)
                ((float *)args->d_param[2])[c + l] = mean[l];
            if (batch && args->d_param[3] && c + l < v.channels)
                ((float *)args->d_param[3])[c + l] = (float)((double)variance[l] * count / (count > 1 ? count - 1 : 1));
        }
        for (int64_t n = v.images - 1; n >= 0; n--) {
            const int64_t at = strip_at(&v, n, g);
            WITH_ACTIVATION(spec->attr.activation, WITH_WIDTH(width, v.stride, map_affine(out + at, x + at, v.pixels, scale, shift, (urs_activation)A, W, S)));
        }
    }
    clear_padding(out, spec->out);
}

/* Sums of dz and dz*xhat, where dz = d_out * activation'(gamma*xhat + beta). */
INLINE void add_gradient_sums(double *sum, double *dot, const float *x, const float *d_out, int64_t pixels, const float *mean, const float *rstd,
                              const float *gamma, const float *beta, urs_activation a, int64_t W, int64_t S)
{
    for (int64_t begin = 0; begin < pixels; begin += CHUNK) {
        const int64_t end = begin + CHUNK < pixels ? begin + CHUNK : pixels;
        float part[2][LANES], part_dot[2][LANES];
        for (int64_t k = 0; k < 2; k++)
            for (int64_t l = 0; l < W; l++)
                part[k][l] = part_dot[k][l] = 0;
        for (int64_t i = begin; i < end; i += 2)
            for (int64_t k = 0; k < (i + 1 < end ? 2 : 1); k++)
                for (int64_t l = 0; l < W; l++) {
                    const float xhat = (x[(i + k) * S + l] - mean[l]) * rstd[l];
                    const float dz = d_out[(i + k) * S + l] * lane_slope(gamma[l] * xhat + beta[l], a);
                    part[k][l] += dz;
                    part_dot[k][l] += dz * xhat;
                }
        for (int64_t l = 0; l < W; l++) {
            sum[l] += (double)(part[0][l] + part[1][l]);
            dot[l] += (double)(part_dot[0][l] + part_dot[1][l]);
        }
    }
}

/* d_in = gamma*rstd*(dz - mean_dz - xhat*mean_dot) */
INLINE void map_gradient(float *d_in, const float *x, const float *d_out, int64_t pixels, const float *mean, const float *rstd, const float *gamma,
                         const float *beta, const float *mean_dz, const float *mean_dot, urs_activation a, int64_t W, int64_t S)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++) {
            const float xhat = (x[i * S + l] - mean[l]) * rstd[l];
            const float dz = d_out[i * S + l] * lane_slope(gamma[l] * xhat + beta[l], a);
            d_in[i * S + l] = gamma[l] * rstd[l] * (dz - mean_dz[l] - xhat * mean_dot[l]);
        }
}

void urs_lanes_batch_norm_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *x = args->in[0], *d_out = args->d_out, *saved = args->saved;
    const double count = (double)(v.images * v.pixels);
    float *d_in = args->d_in[0];

    for (int64_t g = 0; g < v.groups; g++) {
        const int64_t c = strip_channel(&v, g), width = strip_width(&v, g);
        float mean[LANES], rstd[LANES], gamma[LANES], beta[LANES], mean_dz[LANES], mean_dot[LANES];
        double sum[LANES] = {0}, dot[LANES] = {0};
        copy_params(gamma, args->param[0], c, v.channels, 0);
        copy_params(beta, args->param[1], c, v.channels, 0);
        copy_params(mean, saved, c, v.channels, 0);
        copy_params(rstd, saved + v.channels, c, v.channels, 1);
        for (int64_t n = 0; n < v.images; n++) {
            const int64_t at = strip_at(&v, n, g);
            WITH_ACTIVATION(spec->attr.activation, WITH_WIDTH(width, v.stride, add_gradient_sums(sum, dot, x + at, d_out + at, v.pixels, mean, rstd, gamma, beta, (urs_activation)A, W, S)));
        }
        for (int64_t l = 0; l < LANES; l++) {
            const bool frozen = spec->frozen_norm;
            mean_dz[l] = frozen ? 0.0f : (float)(sum[l] / count);
            mean_dot[l] = frozen ? 0.0f : (float)(dot[l] / count);
            if (args->d_param[0] && c + l < v.channels)
                ((float *)args->d_param[0])[c + l] = (float)dot[l];
            if (args->d_param[1] && c + l < v.channels)
                ((float *)args->d_param[1])[c + l] = (float)sum[l];
        }
        for (int64_t n = v.images - 1; d_in && n >= 0; n--) {
            const int64_t at = strip_at(&v, n, g);
            WITH_ACTIVATION(spec->attr.activation, WITH_WIDTH(width, v.stride, map_gradient(d_in + at, x + at, d_out + at, v.pixels, mean, rstd, gamma, beta, mean_dz, mean_dot, (urs_activation)A, W, S)));
        }
    }
    if (d_in)
        clear_padding(d_in, spec->in[0]);
}
