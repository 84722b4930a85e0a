/* Layer norm over the channels of a pixel, on strips; see lanes.h.
 *
 * The channel groups of one pixel lie a whole map apart. So TILE neighbouring pixels go together, group by group, and every read takes TILE * 64 bytes in a row; sums are kept lane by lane
 * and folded once a pixel. One pixel at a time, the sums of a ConvNeXt took three times as long. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define TILE 8

/* What is summed of each pixel of a tile. */
typedef struct tile_sums {
    float lane[TILE][LANES];
} tile_sums;

/* Sum of the lanes, halves upon halves. */
INLINE float fold(float *lane)
{
    for (int64_t half = LANES / 2; half > 0; half /= 2)
        for (int64_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

INLINE int64_t lanes_left(const strips *v, int64_t g, int64_t W)
{
    const int64_t left = v->channels - g * W;
    return left < W ? left : W;
}

/* Runs the statements for the lanes l of a group, with a fixed count where the group is full. */
#define EACH_LANE(width, W, ...)                      \
    do {                                              \
        if ((width) == (W)) {                         \
            for (int64_t l = 0; l < (W); l++) {       \
                __VA_ARGS__;                          \
            }                                         \
        } else {                                      \
            for (int64_t l = 0; l < (width); l++) {   \
                __VA_ARGS__;                          \
            }                                         \
        }                                             \
    } while (0)

INLINE void moments_of(float *mean, float *rstd, const strips *v, const float *x, float eps, int64_t count, int64_t W, int64_t S)
{
    tile_sums sum = {0}, square = {0};
    for (int64_t g = 0; g < v->groups; g++)
        for (int64_t p = 0; p < count; p++)
            EACH_LANE(lanes_left(v, g, W), W, sum.lane[p][l] += x[g * v->group_step + p * S + l]);
    for (int64_t p = 0; p < count; p++)
        mean[p] = fold(sum.lane[p]) / (float)v->channels;
    for (int64_t g = 0; g < v->groups; g++)
        for (int64_t p = 0; p < count; p++)
            EACH_LANE(lanes_left(v, g, W), W, const float d = x[g * v->group_step + p * S + l] - mean[p]; square.lane[p][l] += d * d);
    for (int64_t p = 0; p < count; p++)
        rstd[p] = 1.0f / sqrtf(fold(square.lane[p]) / (float)v->channels + eps);
}

INLINE void forward_tile(float *out, const float *x, const float *gamma, const float *beta, const strips *v, float eps, int64_t count, int64_t W, int64_t S)
{
    float mean[TILE], rstd[TILE];
    moments_of(mean, rstd, v, x, eps, count, W, S);
    for (int64_t g = 0; g < v->groups; g++)
        for (int64_t p = 0; p < count; p++) {
            const int64_t at = g * v->group_step + p * S;
            EACH_LANE(lanes_left(v, g, W), W, out[at + l] = (x[at + l] - mean[p]) * rstd[p] * gamma[g * W + l] + beta[g * W + l]);
        }
}

void urs_lanes_layer_norm_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *gamma = args->param[0], *beta = args->param[1], eps = spec->attr.eps;
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t i = 0; i < v.pixels; i += TILE) {
            const int64_t at = n * v.image_step + i * v.stride, count = v.pixels - i;
            const float *x = (const float *)args->in[0] + at;
            float *out = (float *)args->out + at;
            if (count >= TILE)
                WITH_WIDTH(v.width, v.stride, forward_tile(out, x, gamma, beta, &v, eps, TILE, W, S));
            else
                WITH_WIDTH(v.width, v.stride, forward_tile(out, x, gamma, beta, &v, eps, count, W, S));
        }
    clear_padding(args->out, spec->out);
}

/* d_in, d_gamma and d_beta may be NULL; the last two are added to. */
INLINE void backward_tile(float *d_in, float *d_gamma, float *d_beta, const float *x, const float *d_out, const float *gamma, const strips *v, float eps, int64_t count, int64_t W,
                          int64_t S)
{
    tile_sums sum = {0}, dot = {0};
    float mean[TILE], rstd[TILE];
    moments_of(mean, rstd, v, x, eps, count, W, S);
    for (int64_t g = 0; g < v->groups; g++) {
        const int64_t width = lanes_left(v, g, W);
        float of_gamma[LANES] = {0}, of_beta[LANES] = {0};
        for (int64_t p = 0; p < count; p++) {
            const int64_t at = g * v->group_step + p * S;
            EACH_LANE(width, W,
                      const float xhat = (x[at + l] - mean[p]) * rstd[p], dy = d_out[at + l], scaled = dy * gamma[g * W + l];
                      sum.lane[p][l] += scaled;
                      dot.lane[p][l] += scaled * xhat;
                      of_gamma[l] += dy * xhat;
                      of_beta[l] += dy);
        }
        for (int64_t l = 0; d_gamma && l < width; l++)
            d_gamma[g * W + l] += of_gamma[l];
        for (int64_t l = 0; d_beta && l < width; l++)
            d_beta[g * W + l] += of_beta[l];
    }
    for (int64_t p = 0; p < count; p++) {
        sum.lane[p][0] = fold(sum.lane[p]) / (float)v->channels;
        dot.lane[p][0] = fold(dot.lane[p]) / (float)v->channels;
    }
    for (int64_t g = 0; d_in && g < v->groups; g++)
        for (int64_t p = 0; p < count; p++) {
            const int64_t at = g * v->group_step + p * S;
            const float from_sum = sum.lane[p][0], from_dot = dot.lane[p][0];
            EACH_LANE(lanes_left(v, g, W), W,
                      d_in[at + l] = rstd[p] * (d_out[at + l] * gamma[g * W + l] - from_sum - (x[at + l] - mean[p]) * rstd[p] * from_dot));
        }
}

void urs_lanes_layer_norm_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *gamma = args->param[0], eps = spec->attr.eps;
    float *d_gamma = args->d_param[0], *d_beta = args->d_param[1];
    if (d_gamma)
        memset(d_gamma, 0, (size_t)v.channels * sizeof *d_gamma);
    if (d_beta)
        memset(d_beta, 0, (size_t)v.channels * sizeof *d_beta);
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t i = 0; i < v.pixels; i += TILE) {
            const int64_t at = n * v.image_step + i * v.stride, count = v.pixels - i;
            const float *x = (const float *)args->in[0] + at, *d_out = (const float *)args->d_out + at;
            float *d_in = args->d_in[0] ? (float *)args->d_in[0] + at : NULL;
            if (count >= TILE)
                WITH_WIDTH(v.width, v.stride, backward_tile(d_in, d_gamma, d_beta, x, d_out, gamma, &v, eps, TILE, W, S));
            else
                WITH_WIDTH(v.width, v.stride, backward_tile(d_in, d_gamma, d_beta, x, d_out, gamma, &v, eps, count, W, S));
        }
    if (args->d_in[0])
        clear_padding(args->d_in[0], spec->in[0]);
}
