/* Operations that gather or move: global and max pooling, nearest resize, concat, slice; see lanes.h. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

INLINE void add_pixels(float *sum, const float *x, int64_t pixels, int64_t W, int64_t S)
{
    float part[LANES] = {0};
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++)
            part[l] += x[i * S + l];
    for (int64_t l = 0; l < W; l++)
        sum[l] = part[l];
}

INLINE void fill_pixels(float *out, const float *value, int64_t pixels, int64_t W, int64_t S)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++)
            out[i * S + l] = value[l];
}

void urs_lanes_global_pool_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *x = args->in[0], share = 1.0f / (float)v.pixels;
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            float sum[LANES] = {0};
            float *out = (float *)args->out + n * v.channels;
            WITH_WIDTH(strip_width(&v, g), v.stride, add_pixels(sum, x + strip_at(&v, n, g), v.pixels, W, S));
            for (int64_t l = 0, c = strip_channel(&v, g); l < strip_width(&v, g) && c + l < v.channels; l++)
                out[c + l] = sum[l] * share;
        }
}

void urs_lanes_global_pool_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float share = 1.0f / (float)v.pixels;
    float *d_in = args->d_in[0];
    for (int64_t n = 0; d_in && n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            float value[LANES] = {0};
            const float *d_out = (const float *)args->d_out + n * v.channels;
            for (int64_t l = 0, c = strip_channel(&v, g); l < strip_width(&v, g) && c + l < v.channels; l++)
                value[l] = d_out[c + l] * share;
            WITH_WIDTH(strip_width(&v, g), v.stride, fill_pixels(d_in + strip_at(&v, n, g), value, v.pixels, W, S));
        }
}

/* One strip; `index` (optional, for training) receives the window position of the maximum, [out pixels][W]. The first of equals wins, and NaN beats all, as in
 * PyTorch. The position is one inside the map whatever the numbers are: the backward pass writes there. */
INLINE void pool_strip(float *out, uint8_t *index, const float *x, const urs_kernel_spec *spec, int64_t W, int64_t S)
{
    const urs_op_attr *a = &spec->attr;
    const int64_t ih = spec->in[0].h, iw = spec->in[0].w, oh = spec->out.h, ow = spec->out.w;
    for (int64_t oy = 0; oy < oh; oy++)
        for (int64_t ox = 0; ox < ow; ox++) {
            const int32_t ky0 = (int32_t)(oy * a->stride_h < a->pad_top ? a->pad_top - oy * a->stride_h : 0);
            const int32_t kx0 = (int32_t)(ox * a->stride_w < a->pad_left ? a->pad_left - ox * a->stride_w : 0);
            float best[LANES];
            int32_t where[LANES];
            for (int64_t l = 0; l < W; l++) {
                best[l] = -INFINITY;
                where[l] = ky0 * a->kernel_w + kx0;
            }
            for (int32_t ky = 0; ky < a->kernel_h; ky++) {
                const int64_t iy = oy * a->stride_h - a->pad_top + ky;
                if (iy < 0 || iy >= ih)
                    continue;
                for (int32_t kx = 0; kx < a->kernel_w; kx++) {
                    const int64_t ix = ox * a->stride_w - a->pad_left + kx;
                    const float *p;
                    if (ix < 0 || ix >= iw)
                        continue;
                    p = x + (iy * iw + ix) * S;
                    /* | and not ||: with a branch there would be no vectors. */
                    if (index)
                        for (int64_t l = 0; l < W; l++)
                            where[l] = ((p[l] > best[l]) | (p[l] != p[l])) ? ky * a->kernel_w + kx : where[l];
                    for (int64_t l = 0; l < W; l++)
                        best[l] = ((p[l] > best[l]) | (p[l] != p[l])) ? p[l] : best[l];
                }
            }
            for (int64_t l = 0; l < W; l++)
                out[(oy * ow + ox) * S + l] = best[l];
            for (int64_t l = 0; index && l < W; l++)
                index[(oy * ow + ox) * W + l] = (uint8_t)where[l];
        }
}

static uint8_t *pool_index(const urs_kernel_args *args, const strips *out, int64_t n, int64_t g)
{
    return args->saved ? (uint8_t *)args->saved + (n * out->groups + g) * out->pixels * out->width : NULL;
}

void urs_lanes_max_pool_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            float *out = (float *)args->out + strip_at(&o, n, g);
            const float *x = (const float *)args->in[0] + strip_at(&v, n, g);
            uint8_t *index = pool_index(args, &o, n, g);
            /* Not WITH_WIDTH: gcc 12 unrolls loops of a known length before it makes vectors of them, and then finds none in comparisons (14 times slower). */
            pool_strip(out, index, x, spec, v.width, v.stride);
        }
    clear_padding(args->out, spec->out);
}

void urs_lanes_max_pool_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    const urs_op_attr *a = &spec->attr;
    if (!args->d_in[0])
        return;
    memset(args->d_in[0], 0, (size_t)urs_tensor_elements(spec->in[0]) * sizeof(float));
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            float *d_in = (float *)args->d_in[0] + strip_at(&v, n, g);
            const float *d_out = (const float *)args->d_out + strip_at(&o, n, g);
            const uint8_t *index = pool_index(args, &o, n, g);
            for (int64_t p = 0; p < o.pixels; p++)
                for (int64_t l = 0; l < o.width; l++) {
                    const int64_t k = index[p * o.width + l];
                    const int64_t iy = p / spec->out.w * a->stride_h - a->pad_top + k / a->kernel_w, ix = p % spec->out.w * a->stride_w - a->pad_left + k % a->kernel_w;
                    d_in[(iy * spec->in[0].w + ix) * v.stride + l] += d_out[p * o.stride + l];
                }
        }
}

/* Source row or column of nearest resizing, PyTorch's floor(i * in / out) in float. */
static int64_t nearest(int64_t i, int64_t in, int64_t out)
{
    const int64_t s = (int64_t)floorf((float)i * ((float)in / (float)out));
    return s < in ? s : in - 1;
}

void urs_lanes_resize_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++)
            for (int64_t y = 0; y < spec->out.h; y++) {
                const float *row = (const float *)args->in[0] + strip_at(&v, n, g) + nearest(y, spec->in[0].h, spec->out.h) * spec->in[0].w * v.stride;
                float *out = (float *)args->out + strip_at(&o, n, g) + y * spec->out.w * o.stride;
                for (int64_t x = 0; x < spec->out.w; x++)
                    memcpy(out + x * o.stride, row + nearest(x, spec->in[0].w, spec->out.w) * v.stride, (size_t)strip_width(&v, g) * sizeof *out);
            }
}

void urs_lanes_resize_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]), o = strips_of(spec->out);
    if (!args->d_in[0])
        return;
    memset(args->d_in[0], 0, (size_t)urs_tensor_elements(spec->in[0]) * sizeof(float));
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++)
            for (int64_t y = 0; y < spec->out.h; y++) {
                float *row = (float *)args->d_in[0] + strip_at(&v, n, g) + nearest(y, spec->in[0].h, spec->out.h) * spec->in[0].w * v.stride;
                const float *d_out = (const float *)args->d_out + strip_at(&o, n, g) + y * spec->out.w * o.stride;
                for (int64_t x = 0; x < spec->out.w; x++) {
                    float *to = row + nearest(x, spec->in[0].w, spec->out.w) * v.stride;
                    for (int64_t l = 0, width = strip_width(&v, g); l < width; l++)
                        to[l] += d_out[x * o.stride + l];
                }
            }
}

/* Copies channels [from_channel, +count) of one image to to_channel on; blocks of both sides may differ and need not line up. */
static void copy_channels(float *to, urs_tensor_shape to_shape, int64_t to_channel, const float *from, urs_tensor_shape from_shape, int64_t from_channel,
                          int64_t count, int64_t image)
{
    const int64_t pixels = to_shape.h * to_shape.w, b = to_shape.block;
    float *t = to + image * urs_tensor_padded_channels(to_shape) * pixels;
    const float *f = from + image * urs_tensor_padded_channels(from_shape) * pixels;
    if (b == from_shape.block && to_channel % b == 0 && from_channel % b == 0 && count % b == 0) {
        memcpy(t + to_channel * pixels, f + from_channel * pixels, (size_t)(count * pixels) * sizeof *t);
        return;
    }
    for (int64_t c = 0; c < count; c++) {
        const int64_t tc = to_channel + c, fc = from_channel + c;
        float *tp = t + tc / b * b * pixels + tc % b;
        const float *fp = f + fc / from_shape.block * from_shape.block * pixels + fc % from_shape.block;
        for (int64_t i = 0; i < pixels; i++)
            tp[i * b] = fp[i * from_shape.block];
    }
}

static void zero(void *x, urs_tensor_shape s)
{
    memset(x, 0, (size_t)urs_tensor_elements(s) * sizeof(float));
}

void urs_lanes_concat_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (spec->out.c % spec->out.block)
        zero(args->out, spec->out);
    for (int64_t n = 0; n < spec->out.n; n++)
        for (int64_t i = 0, at = 0; i < spec->n_in; at += spec->in[i++].c)
            copy_channels(args->out, spec->out, at, args->in[i], spec->in[i], 0, spec->in[i].c, n);
}

void urs_lanes_concat_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    for (int64_t i = 0, at = 0; i < spec->n_in; at += spec->in[i++].c) {
        if (!args->d_in[i])
            continue;
        if (spec->in[i].c % spec->in[i].block)
            zero(args->d_in[i], spec->in[i]);
        for (int64_t n = 0; n < spec->out.n; n++)
            copy_channels(args->d_in[i], spec->in[i], 0, args->d_out, spec->out, at, spec->in[i].c, n);
    }
}

void urs_lanes_slice_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (spec->out.c % spec->out.block)
        zero(args->out, spec->out);
    for (int64_t n = 0; n < spec->out.n; n++)
        copy_channels(args->out, spec->out, 0, args->in[0], spec->in[0], spec->attr.begin, spec->attr.count, n);
}

void urs_lanes_slice_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (!args->d_in[0])
        return;
    zero(args->d_in[0], spec->in[0]);
    for (int64_t n = 0; n < spec->out.n; n++)
        copy_channels(args->d_in[0], spec->in[0], spec->attr.begin, args->d_out, spec->out, 0, spec->attr.count, n);
}
