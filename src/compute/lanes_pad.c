/* Padding and cutting, patch merging, learned positions, on channel blocks; see lanes.h. A plane is one block of one image: [H][W][B]. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

static int64_t planes_of(urs_tensor_shape s)
{
    return s.n * (urs_tensor_padded_channels(s) / s.block);
}

static size_t bytes_of(int64_t floats)
{
    return (size_t)floats * sizeof(float);
}

/* Copies what two planes share; `to` begins at row `top`, column `left` of `from` (negative: before it). */
static void copy_plane(float *to, urs_tensor_shape to_shape, const float *from, urs_tensor_shape from_shape, int64_t top, int64_t left)
{
    const int64_t b = to_shape.block, begin = left < 0 ? -left : 0;
    const int64_t end = to_shape.w + left > from_shape.w ? from_shape.w - left : to_shape.w;
    memset(to, 0, bytes_of(to_shape.h * to_shape.w * b));
    for (int64_t y = top < 0 ? -top : 0; y < to_shape.h && y + top < from_shape.h; y++)
        memcpy(to + (y * to_shape.w + begin) * b, from + ((y + top) * from_shape.w + begin + left) * b, bytes_of((end - begin) * b));
}

static void copy_planes(float *to, urs_tensor_shape to_shape, const float *from, urs_tensor_shape from_shape, int64_t top, int64_t left)
{
    for (int64_t i = 0; i < planes_of(to_shape); i++)
        copy_plane(to + i * to_shape.h * to_shape.w * to_shape.block, to_shape, from + i * from_shape.h * from_shape.w * from_shape.block, from_shape, top, left);
}

void urs_lanes_pad_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    copy_planes(args->out, spec->out, args->in[0], spec->in[0], -(int64_t)spec->attr.pad_top, -(int64_t)spec->attr.pad_left);
}

void urs_lanes_pad_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (args->d_in[0])
        copy_planes(args->d_in[0], spec->in[0], args->d_out, spec->out, spec->attr.pad_top, spec->attr.pad_left);
}

/* Forward or back: block b of part (dy, dx) of the input's pixels is block part * blocks + b of the output. */
static void merge(const urs_kernel_spec *spec, float *out, float *in, bool back)
{
    const urs_tensor_shape s = spec->in[0];
    const int64_t b = s.block, blocks = s.c / b, pixels = spec->out.h * spec->out.w;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t part = 0; part < 4; part++)
            for (int64_t i = 0; i < blocks; i++) {
                float *o = out + ((n * 4 + part) * blocks + i) * pixels * b;
                float *plane = in + (n * blocks + i) * s.h * s.w * b;
                for (int64_t p = 0; p < pixels; p++) {
                    float *x = plane + ((2 * (p / spec->out.w) + part % 2) * s.w + 2 * (p % spec->out.w) + part / 2) * b;
                    if (back)
                        memcpy(x, o + p * b, bytes_of(b));
                    else
                        memcpy(o + p * b, x, bytes_of(b));
                }
            }
}

void urs_lanes_merge_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    merge(spec, args->out, (float *)(uintptr_t)args->in[0], false);
}

void urs_lanes_merge_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (args->d_in[0])
        merge(spec, (float *)(uintptr_t)args->d_out, args->d_in[0], true);
}

void urs_lanes_position_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const urs_tensor_shape s = spec->out;
    const int64_t pixels = s.h * s.w, b = s.block, blocks = urs_tensor_padded_channels(s) / b;
    for (int64_t i = 0; i < s.n * blocks; i++) {
        const int64_t c = i % blocks * b, width = s.c - c < b ? s.c - c : b;
        const float *x = (const float *)args->in[0] + i * pixels * b, *table = (const float *)args->param[0] + c;
        float *out = (float *)args->out + i * pixels * b;
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t l = 0; l < width; l++)
                out[p * b + l] = x[p * b + l] + table[p * s.c + l];
    }
    clear_padding(args->out, s);
}

void urs_lanes_position_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const urs_tensor_shape s = spec->out;
    const int64_t pixels = s.h * s.w, b = s.block, blocks = urs_tensor_padded_channels(s) / b;
    float *d_table = args->d_param[0];
    if (args->d_in[0])
        memcpy(args->d_in[0], args->d_out, bytes_of(urs_tensor_elements(s)));
    if (d_table)
        memset(d_table, 0, bytes_of(pixels * s.c));
    for (int64_t i = 0; d_table && i < s.n * blocks; i++) {
        const int64_t c = i % blocks * b, width = s.c - c < b ? s.c - c : b;
        const float *d_out = (const float *)args->d_out + i * pixels * b;
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t l = 0; l < width; l++)
                d_table[p * s.c + c + l] += d_out[p * b + l];
    }
}
