/* Transposed convolution whose windows do not overlap (kernel = stride, no padding; the upsampling of YOLOv8's mask prototypes), forward; see lanes.h.
 *
 * Every output pixel then comes from one input pixel:  out[y*k+ky][x*k+kx] = bias + sum over input channels of in[y][x][i] * w[i][.][ky][kx],
 * a 1x1 convolution for each tap. oneDNN 2.6 runs it as the data gradient of a strided convolution with the bias in a second pass, at a sixth of the rate
 * of its other convolutions (docs/results/bench.md). The weights are packed in each run, which costs a per cent of it and saves a second copy of them:
 *
 *      scratch:  [tap][output block][input channel][W lanes] f32
 */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define TILE 8 /* pixels computed together: enough independent sums to hide the latency of a multiply-add */

size_t urs_lanes_upsample_scratch(const urs_kernel_spec *spec)
{
    return (size_t)(urs_tensor_padded_channels(spec->out) * spec->in[0].c * spec->attr.kernel_h * spec->attr.kernel_w) * sizeof(float);
}

static void pack(float *packed, const float *w, const urs_kernel_spec *spec)
{
    const int64_t taps = (int64_t)spec->attr.kernel_h * spec->attr.kernel_w, ic = spec->in[0].c, oc = spec->out.c, block = spec->out.block;
    const int64_t blocks = urs_tensor_padded_channels(spec->out) / block;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t b = 0; b < blocks; b++)
            for (int64_t i = 0; i < ic; i++)
                for (int64_t l = 0; l < block; l++)
                    *packed++ = b * block + l < oc ? w[(i * oc + b * block + l) * taps + t] : 0.0f;
}

/* `count` neighbouring input pixels; `out_step` elements lie between their outputs, `map` elements between the input's channel blocks. */
INLINE void tile(float *out, int64_t out_step, const float *x, int64_t map, const float *w, const float *bias, int64_t channels, int64_t count, int64_t W)
{
    float acc[TILE][LANES];
    for (int64_t p = 0; p < count; p++)
        for (int64_t l = 0; l < W; l++)
            acc[p][l] = bias[l];
    for (int64_t c = 0; c < channels; c += W, x += map)
        for (int64_t i = 0; i < W && c + i < channels; i++, w += W)
            for (int64_t p = 0; p < count; p++)
                for (int64_t l = 0; l < W; l++)
                    acc[p][l] += w[l] * x[p * W + i];
    for (int64_t p = 0; p < count; p++)
        for (int64_t l = 0; l < W; l++)
            out[p * out_step + l] = acc[p][l];
}

/* One row of the input for one tap and one block of output channels. */
INLINE void row(float *out, int64_t out_step, const float *x, int64_t map, const float *w, const float *bias, int64_t channels, int64_t width, int64_t W)
{
    int64_t p = 0;
    for (; p + TILE <= width; p += TILE)
        tile(out + p * out_step, out_step, x + p * W, map, w, bias, channels, TILE, W);
    for (; p < width; p++)
        tile(out + p * out_step, out_step, x + p * W, map, w, bias, channels, 1, W);
}

void urs_lanes_upsample_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    static const float zero[LANES];
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    const int64_t kh = spec->attr.kernel_h, kw = spec->attr.kernel_w, ic = spec->in[0].c, iw = spec->in[0].w, map = v.group_step, width = v.width;
    pack(args->scratch, args->param[0], spec);
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t y = 0; y < spec->in[0].h; y++)
            for (int64_t t = 0; t < kh * kw; t++)
                for (int64_t g = 0; g < o.groups; g++) {
                    const float *x = (const float *)args->in[0] + strip_at(&v, n, 0) + y * iw * width;
                    const float *w = (const float *)args->scratch + (t * o.groups + g) * ic * width;
                    const float *bias = args->param[1] ? (const float *)args->param[1] + g * width : zero;
                    float *out = (float *)args->out + strip_at(&o, n, g) + ((y * kh + t / kw) * spec->out.w + t % kw) * width;
                    WITH_WIDTH(width, v.stride, row(out, kw * W, x, map, w, bias, ic, iw, W + 0 * S));
                }
    clear_padding(args->out, spec->out);
}
