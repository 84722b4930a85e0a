/* Element by element: activation, addition, product (squeeze-excitation), layer scale, stochastic depth; see lanes.h. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#include "base/random.h"

INLINE void map_activation(float *out, const float *in, int64_t n, urs_activation a)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = lane_activate(in[i], a);
}

INLINE void map_slope(float *d_in, const float *in, const float *d_out, int64_t n, urs_activation a)
{
    for (int64_t i = 0; i < n; i++)
        d_in[i] = d_out[i] * lane_slope(in[i], a);
}

void urs_lanes_activation_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const int64_t n = urs_tensor_elements(spec->out);
    WITH_ACTIVATION(spec->attr.activation, map_activation(args->out, args->in[0], n, (urs_activation)A));
    clear_padding(args->out, spec->out);
}

void urs_lanes_activation_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const int64_t n = urs_tensor_elements(spec->out);
    if (args->d_in[0])
        WITH_ACTIVATION(spec->attr.activation, map_slope(args->d_in[0], args->in[0], args->d_out, n, (urs_activation)A));
}

void urs_lanes_add_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const int64_t n = urs_tensor_elements(spec->out);
    const float *a = args->in[0], *b = args->in[1];
    float *out = args->out;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

INLINE void map_product(float *out, const float *x, const float *factor, int64_t pixels, int64_t W, int64_t S)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++)
            out[i * S + l] = x[i * S + l] * factor[l];
}

INLINE void add_products(float *sum, const float *x, const float *y, int64_t pixels, int64_t W, int64_t S)
{
    float part[LANES] = {0};
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t l = 0; l < W; l++)
            part[l] += x[i * S + l] * y[i * S + l];
    for (int64_t l = 0; l < W; l++)
        sum[l] += part[l];
}

/* Factors of one group, zero past the last channel. */
static void load_factors(float *to, const float *from, int64_t channel, int64_t channels)
{
    for (int64_t l = 0; l < LANES; l++)
        to[l] = channel + l < channels ? from[channel + l] : 0.0f;
}

static void store_factors(float *to, const float *from, int64_t channel, int64_t channels)
{
    for (int64_t l = 0; l < LANES && channel + l < channels; l++)
        to[channel + l] = from[l];
}

static bool broadcasts(const urs_kernel_spec *spec)
{
    return spec->in[1].h * spec->in[1].w == 1 && spec->in[0].h * spec->in[0].w != 1;
}

void urs_lanes_mul_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const float *x = args->in[0], *f = args->in[1];
    float *out = args->out;
    const strips v = strips_of(spec->in[0]);
    if (!broadcasts(spec)) {
        for (int64_t i = 0, n = urs_tensor_elements(spec->out); i < n; i++)
            out[i] = x[i] * f[i];
        return;
    }
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            const int64_t at = strip_at(&v, n, g);
            float factor[LANES];
            load_factors(factor, f + n * urs_tensor_padded_channels(spec->in[1]), strip_channel(&v, g), v.channels);
            WITH_WIDTH(strip_width(&v, g), v.stride, map_product(out + at, x + at, factor, v.pixels, W, S));
        }
}

void urs_lanes_mul_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const float *x = args->in[0], *f = args->in[1], *d_out = args->d_out;
    float *d_x = args->d_in[0], *d_f = args->d_in[1];
    const strips v = strips_of(spec->in[0]);
    if (!broadcasts(spec)) {
        for (int64_t i = 0, n = urs_tensor_elements(spec->out); i < n; i++) {
            if (d_x)
                d_x[i] = d_out[i] * f[i];
            if (d_f)
                d_f[i] = d_out[i] * x[i];
        }
        return;
    }
    for (int64_t n = 0; n < v.images; n++)
        for (int64_t g = 0; g < v.groups; g++) {
            const int64_t at = strip_at(&v, n, g), row = n * urs_tensor_padded_channels(spec->in[1]);
            float factor[LANES], sum[LANES] = {0};
            load_factors(factor, f + row, strip_channel(&v, g), v.channels);
            if (d_x)
                WITH_WIDTH(strip_width(&v, g), v.stride, map_product(d_x + at, d_out + at, factor, v.pixels, W, S));
            if (d_f) {
                WITH_WIDTH(strip_width(&v, g), v.stride, add_products(sum, d_out + at, x + at, v.pixels, W, S));
                store_factors(d_f + row, sum, strip_channel(&v, g), v.channels);
            }
        }
    if (d_f)
        clear_padding(d_f, spec->in[1]);
}

void urs_lanes_scale_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    for (int64_t g = 0; g < v.groups; g++) {
        float factor[LANES];
        load_factors(factor, args->param[0], strip_channel(&v, g), v.channels);
        for (int64_t n = 0; n < v.images; n++) {
            const int64_t at = strip_at(&v, n, g);
            WITH_WIDTH(strip_width(&v, g), v.stride, map_product((float *)args->out + at, (const float *)args->in[0] + at, factor, v.pixels, W, S));
        }
    }
}

void urs_lanes_scale_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const strips v = strips_of(spec->in[0]);
    const float *x = args->in[0], *d_out = args->d_out;
    for (int64_t g = 0; g < v.groups; g++) {
        float factor[LANES], sum[LANES] = {0};
        load_factors(factor, args->param[0], strip_channel(&v, g), v.channels);
        for (int64_t n = 0; n < v.images; n++) {
            const int64_t at = strip_at(&v, n, g);
            if (args->d_in[0])
                WITH_WIDTH(strip_width(&v, g), v.stride, map_product((float *)args->d_in[0] + at, d_out + at, factor, v.pixels, W, S));
            WITH_WIDTH(strip_width(&v, g), v.stride, add_products(sum, d_out + at, x + at, v.pixels, W, S));
        }
        if (args->d_param[0])
            store_factors(args->d_param[0], sum, strip_channel(&v, g), v.channels);
    }
}

/* Kept images times `scale`, the others zero. */
static void keep_images(float *out, const float *x, const uint8_t *kept, urs_tensor_shape s, float p)
{
    const float scale = (float)(1.0 / (1.0 - (double)p));
    const int64_t span = urs_tensor_elements(s) / s.n;
    for (int64_t n = 0; n < s.n; n++, x += span, out += span) {
        if (!kept[n])
            memset(out, 0, (size_t)span * sizeof *out);
        for (int64_t i = 0; kept[n] && i < span; i++)
            out[i] = x[i] * scale;
    }
}

/* The draws are those of ref.h: one for each image. */
void urs_lanes_drop_path_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    uint8_t *kept = args->saved;
    urs_random r;
    if (!spec->training) {
        memmove(args->out, args->in[0], (size_t)urs_tensor_elements(spec->out) * sizeof(float));
        return;
    }
    urs_random_init_stream(&r, *args->seed, args->salt);
    for (int64_t n = 0; n < spec->out.n; n++)
        kept[n] = (uint8_t)!(urs_random_unit(&r) < (double)spec->attr.p);
    keep_images(args->out, args->in[0], kept, spec->out, spec->attr.p);
}

void urs_lanes_drop_path_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    if (args->d_in[0])
        keep_images(args->d_in[0], args->d_out, args->saved, spec->out, spec->attr.p);
}
