/* Operations over the channels of every pixel: layer norm, softmax, L2 norm; and the scale of each channel.
 *
 * Channels of a pixel lie H*W elements apart. saved: layer norm mean and 1/deviation of each pixel, [2][N][H*W] double; L2 norm the length of
 * each pixel's vector, [N][H*W] double, not limited by eps. */
#include "compute/ref_real.h"

#include <math.h>

static size_t pixels(const urs_kernel_spec *spec)
{
    return (size_t)(spec->out.n * spec->out.h * spec->out.w);
}

static size_t layer_saved(const urs_kernel_spec *spec)
{
    return pixels(spec) * 2 * sizeof(double);
}

static void layer_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w, total = s.n * hw;
    const real *x = k->args.in[0], *gamma = k->args.param[0], *beta = k->args.param[1];
    real *y = k->args.out;
    double *saved = k->args.saved;
    for (int64_t p = 0; p < total; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        double mean = 0.0, squares = 0.0;
        for (int64_t c = 0; c < s.c; c++)
            mean += (double)x[at + c * hw];
        mean /= (double)s.c;
        for (int64_t c = 0; c < s.c; c++) {
            const double d = (double)x[at + c * hw] - mean;
            squares += d * d;
        }
        const double scale = 1.0 / sqrt(squares / (double)s.c + (double)k->spec.attr.eps);
        for (int64_t c = 0; c < s.c; c++)
            y[at + c * hw] = (real)(((double)x[at + c * hw] - mean) * scale * (double)gamma[c] + (double)beta[c]);
        if (k->base.saved_bytes > 0) {
            saved[p] = mean;
            saved[total + p] = scale;
        }
    }
}

static void layer_input_gradient(const urs_ref_kernel *k, real *dx)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w, total = s.n * hw;
    const real *x = k->args.in[0], *d_out = k->args.d_out, *gamma = k->args.param[0];
    const double *saved = k->args.saved;
    for (int64_t p = 0; p < total; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        const double mean = saved[p], scale = saved[total + p];
        double sum = 0.0, dot = 0.0;
        for (int64_t c = 0; c < s.c; c++) {
            const double d = (double)d_out[at + c * hw] * (double)gamma[c];
            sum += d;
            dot += d * ((double)x[at + c * hw] - mean) * scale;
        }
        for (int64_t c = 0; c < s.c; c++) {
            const double d = (double)d_out[at + c * hw] * (double)gamma[c], normal = ((double)x[at + c * hw] - mean) * scale;
            dx[at + c * hw] = (real)(scale * (d - sum / (double)s.c - normal * dot / (double)s.c));
        }
    }
}

static void layer_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w, total = s.n * hw;
    const real *x = k->args.in[0], *d_out = k->args.d_out;
    real *d_gamma = k->args.d_param[0], *d_beta = k->args.d_param[1];
    const double *saved = k->args.saved;
    if (k->args.d_in[0])
        layer_input_gradient(k, k->args.d_in[0]);
    for (int64_t c = 0; c < s.c; c++) {
        double sum = 0.0, dot = 0.0;
        for (int64_t p = 0; p < total; p++) {
            const int64_t at = p / hw * s.c * hw + c * hw + p % hw;
            sum += (double)d_out[at];
            dot += (double)d_out[at] * ((double)x[at] - saved[p]) * saved[total + p];
        }
        if (d_gamma)
            d_gamma[c] = (real)dot;
        if (d_beta)
            d_beta[c] = (real)sum;
    }
}

static void softmax_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *x = k->args.in[0];
    real *y = k->args.out;
    for (int64_t p = 0; p < s.n * hw; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        double highest = (double)x[at], sum = 0.0;
        for (int64_t c = 1; c < s.c; c++)
            highest = fmax(highest, (double)x[at + c * hw]);
        for (int64_t c = 0; c < s.c; c++)
            sum += exp((double)x[at + c * hw] - highest);
        for (int64_t c = 0; c < s.c; c++)
            y[at + c * hw] = (real)(exp((double)x[at + c * hw] - highest) / sum);
    }
}

static void softmax_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *y = k->args.out, *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    for (int64_t p = 0; dx && p < s.n * hw; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        double dot = 0.0;
        for (int64_t c = 0; c < s.c; c++)
            dot += (double)y[at + c * hw] * (double)d_out[at + c * hw];
        for (int64_t c = 0; c < s.c; c++)
            dx[at + c * hw] = (real)((double)y[at + c * hw] * ((double)d_out[at + c * hw] - dot));
    }
}

static size_t l2_saved(const urs_kernel_spec *spec)
{
    return pixels(spec) * sizeof(double);
}

static void l2_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *x = k->args.in[0];
    real *y = k->args.out;
    double *saved = k->args.saved;
    for (int64_t p = 0; p < s.n * hw; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        double squares = 0.0;
        for (int64_t c = 0; c < s.c; c++)
            squares += (double)x[at + c * hw] * (double)x[at + c * hw];
        const double length = sqrt(squares), divisor = fmax(length, (double)k->spec.attr.eps);
        for (int64_t c = 0; c < s.c; c++)
            y[at + c * hw] = (real)((double)x[at + c * hw] / divisor);
        if (k->base.saved_bytes > 0)
            saved[p] = length;
    }
}

static void l2_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *y = k->args.out, *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    const double *saved = k->args.saved, eps = (double)k->spec.attr.eps;
    for (int64_t p = 0; dx && p < s.n * hw; p++) {
        const int64_t at = p / hw * s.c * hw + p % hw;
        double dot = 0.0;
        for (int64_t c = 0; c < s.c; c++)
            dot += (double)y[at + c * hw] * (double)d_out[at + c * hw];
        /* Below eps the divisor is constant. */
        if (saved[p] < eps)
            dot = 0.0;
        for (int64_t c = 0; c < s.c; c++)
            dx[at + c * hw] = (real)(((double)d_out[at + c * hw] - (double)y[at + c * hw] * dot) / fmax(saved[p], eps));
    }
}

static void scale_forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *x = k->args.in[0], *gamma = k->args.param[0];
    real *y = k->args.out;
    for (int64_t i = 0; i < s.n * s.c * hw; i++)
        y[i] = (real)((double)x[i] * (double)gamma[i / hw % s.c]);
}

static void scale_backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w;
    const real *x = k->args.in[0], *gamma = k->args.param[0], *d_out = k->args.d_out;
    real *dx = k->args.d_in[0], *d_gamma = k->args.d_param[0];
    for (int64_t c = 0; c < s.c; c++) {
        double dot = 0.0;
        for (int64_t n = 0; n < s.n; n++)
            for (int64_t i = (n * s.c + c) * hw; i < (n * s.c + c + 1) * hw; i++) {
                dot += (double)d_out[i] * (double)x[i];
                if (dx)
                    dx[i] = (real)((double)d_out[i] * (double)gamma[c]);
            }
        if (d_gamma)
            d_gamma[c] = (real)dot;
    }
}

const urs_ref_op URS_REF_NAME(layer_norm) = {.forward = layer_forward, .backward = layer_backward, .saved_bytes = layer_saved};
const urs_ref_op URS_REF_NAME(softmax) = {.forward = softmax_forward, .backward = softmax_backward};
const urs_ref_op URS_REF_NAME(l2_norm) = {.forward = l2_forward, .backward = l2_backward, .saved_bytes = l2_saved};
const urs_ref_op URS_REF_NAME(scale) = {.forward = scale_forward, .backward = scale_backward};
