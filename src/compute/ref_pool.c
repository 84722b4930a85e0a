/* Pools. saved of the maximum pool: for each output the place of its maximum in the plane (row * width + column), int32. */
#include "compute/ref_real.h"

#include <math.h>

typedef struct window {
    int64_t y0, y1, x0, x1; /* inside the image */
} window;

static window window_at(const urs_kernel_spec *spec, int64_t oy, int64_t ox)
{
    const urs_op_attr *a = &spec->attr;
    const int64_t y = oy * a->stride_h - a->pad_top, x = ox * a->stride_w - a->pad_left;
    const int64_t y_end = y + a->kernel_h, x_end = x + a->kernel_w, h = spec->in[0].h, w = spec->in[0].w;
    return (window){y < 0 ? 0 : y, y_end > h ? h : y_end, x < 0 ? 0 : x, x_end > w ? w : x_end};
}

static size_t max_saved(const urs_kernel_spec *spec)
{
    return (size_t)urs_tensor_elements(spec->out) * sizeof(int32_t);
}

static int64_t find_max(const real *plane, int64_t width, window v)
{
    int64_t best = v.y0 * width + v.x0;
    for (int64_t y = v.y0; y < v.y1; y++)
        for (int64_t x = v.x0; x < v.x1; x++)
            if (plane[y * width + x] > plane[best] || isnan(plane[y * width + x]))
                best = y * width + x;
    return best;
}

static void max_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *plane = k->args.in[0];
    real *y = k->args.out;
    int32_t *saved = k->args.saved;
    for (int64_t p = 0; p < out.n * out.c; p++, plane += in.h * in.w)
        for (int64_t oy = 0; oy < out.h; oy++)
            for (int64_t ox = 0; ox < out.w; ox++) {
                const int64_t best = find_max(plane, in.w, window_at(&k->spec, oy, ox));
                *y++ = plane[best];
                if (k->base.saved_bytes > 0)
                    *saved++ = (int32_t)best;
            }
}

static void clear(real *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (real)0;
}

static void max_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    const int32_t *saved = k->args.saved;
    if (!dx)
        return;
    clear(dx, urs_tensor_elements(in));
    for (int64_t i = 0; i < urs_tensor_elements(out); i++)
        dx[i / (out.h * out.w) * (in.h * in.w) + saved[i]] += d_out[i];
}

static void avg_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *plane = k->args.in[0];
    real *result = k->args.out;
    for (int64_t p = 0; p < out.n * out.c; p++, plane += in.h * in.w)
        for (int64_t oy = 0; oy < out.h; oy++)
            for (int64_t ox = 0; ox < out.w; ox++) {
                const window v = window_at(&k->spec, oy, ox);
                double sum = 0.0;
                for (int64_t y = v.y0; y < v.y1; y++)
                    for (int64_t x = v.x0; x < v.x1; x++)
                        sum += (double)plane[y * in.w + x];
                *result++ = (real)(sum / (double)((v.y1 - v.y0) * (v.x1 - v.x0)));
            }
}

static void avg_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const real *d_out = k->args.d_out;
    real *plane = k->args.d_in[0];
    if (!plane)
        return;
    clear(plane, urs_tensor_elements(in));
    for (int64_t p = 0; p < out.n * out.c; p++, plane += in.h * in.w)
        for (int64_t oy = 0; oy < out.h; oy++)
            for (int64_t ox = 0; ox < out.w; ox++) {
                const window v = window_at(&k->spec, oy, ox);
                const real share = (real)((double)*d_out++ / (double)((v.y1 - v.y0) * (v.x1 - v.x0)));
                for (int64_t y = v.y0; y < v.y1; y++)
                    for (int64_t x = v.x0; x < v.x1; x++)
                        plane[y * in.w + x] += share;
            }
}

static void global_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0];
    const int64_t hw = in.h * in.w;
    const real *x = k->args.in[0];
    real *y = k->args.out;
    for (int64_t p = 0; p < in.n * in.c; p++) {
        double sum = 0.0;
        for (int64_t i = 0; i < hw; i++)
            sum += (double)x[p * hw + i];
        y[p] = (real)(sum / (double)hw);
    }
}

static void global_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0];
    const int64_t hw = in.h * in.w;
    const real *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    for (int64_t i = 0; dx && i < in.n * in.c * hw; i++)
        dx[i] = (real)((double)d_out[i / hw] / (double)hw);
}

const urs_ref_op URS_REF_NAME(max_pool) = {.forward = max_forward, .backward = max_backward, .saved_bytes = max_saved};
const urs_ref_op URS_REF_NAME(avg_pool) = {.forward = avg_forward, .backward = avg_backward};
const urs_ref_op URS_REF_NAME(global_pool) = {.forward = global_forward, .backward = global_backward};
