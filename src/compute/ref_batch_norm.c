/* Batch normalisation.
 *
 * saved (training with batch statistics): mean[C], then 1/sqrt(variance + eps)[C], both double. With frozen statistics nothing is saved: they are
 * parameters. With a fused activation the backward pass first undoes it, from the normalised value that it recomputes. */
#include "compute/ref_real.h"

#include <math.h>

static bool uses_batch(const urs_kernel_spec *spec)
{
    return (spec->training || spec->pass == URS_PASS_BACKWARD) && !spec->frozen_norm;
}

static size_t saved_bytes(const urs_kernel_spec *spec)
{
    return uses_batch(spec) ? (size_t)spec->out.c * 2 * sizeof(double) : 0;
}

/* Mean and sum of squared deviations of channel c over the batch, in two passes. */
static void batch_statistics(urs_tensor_shape s, const real *x, int64_t c, double *mean, double *squares)
{
    const int64_t hw = s.h * s.w;
    double sum = 0.0, sum_squares = 0.0;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t i = 0; i < hw; i++)
            sum += (double)x[(n * s.c + c) * hw + i];
    *mean = sum / (double)(s.n * hw);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t i = 0; i < hw; i++) {
            const double d = (double)x[(n * s.c + c) * hw + i] - *mean;
            sum_squares += d * d;
        }
    *squares = sum_squares;
}

static void frozen_statistics(const urs_ref_kernel *k, int64_t c, double *mean, double *scale)
{
    const real *running_mean = k->args.param[2], *running_variance = k->args.param[3];
    *mean = (double)running_mean[c];
    *scale = 1.0 / sqrt((double)running_variance[c] + (double)k->spec.attr.eps);
}

static void forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w, m = s.n * hw;
    const real *x = k->args.in[0], *gamma = k->args.param[0], *beta = k->args.param[1];
    real *y = k->args.out, *batch_mean = k->args.d_param[2], *batch_variance = k->args.d_param[3];
    double *saved = k->args.saved;
    for (int64_t c = 0; c < s.c; c++) {
        double mean, scale;
        if (uses_batch(&k->spec)) {
            double squares;
            batch_statistics(s, x, c, &mean, &squares);
            scale = 1.0 / sqrt(squares / (double)m + (double)k->spec.attr.eps);
            saved[c] = mean;
            saved[s.c + c] = scale;
            if (batch_mean)
                batch_mean[c] = (real)mean;
            if (batch_variance)
                batch_variance[c] = (real)(m > 1 ? squares / (double)(m - 1) : 0.0);
        } else {
            frozen_statistics(k, c, &mean, &scale);
        }
        for (int64_t n = 0; n < s.n; n++)
            for (int64_t i = (n * s.c + c) * hw; i < (n * s.c + c + 1) * hw; i++)
                y[i] = (real)urs_ref_activate(k->spec.attr.activation, ((double)x[i] - mean) * scale * (double)gamma[c] + (double)beta[c]);
    }
}

static void backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    const int64_t hw = s.h * s.w, m = s.n * hw;
    const urs_activation act = k->spec.attr.activation;
    const real *x = k->args.in[0], *d_out = k->args.d_out, *gamma = k->args.param[0], *beta = k->args.param[1];
    real *dx = k->args.d_in[0], *d_gamma = k->args.d_param[0], *d_beta = k->args.d_param[1];
    const double *saved = k->args.saved;
    for (int64_t c = 0; c < s.c; c++) {
        double mean, scale, sum = 0.0, dot = 0.0;
        const double g = (double)gamma[c], b = (double)beta[c];
        const bool batch = uses_batch(&k->spec);
        if (batch) {
            mean = saved[c];
            scale = saved[s.c + c];
        } else {
            frozen_statistics(k, c, &mean, &scale);
        }
        for (int64_t n = 0; n < s.n; n++)
            for (int64_t i = (n * s.c + c) * hw; i < (n * s.c + c + 1) * hw; i++) {
                const double normal = ((double)x[i] - mean) * scale;
                const double d = (double)d_out[i] * urs_ref_activate_slope(act, normal * g + b);
                sum += d;
                dot += d * normal;
            }
        if (d_gamma)
            d_gamma[c] = (real)dot;
        if (d_beta)
            d_beta[c] = (real)sum;
        if (!dx)
            continue;
        const double mean_d = batch ? sum / (double)m : 0.0, mean_dot = batch ? dot / (double)m : 0.0;
        for (int64_t n = 0; n < s.n; n++)
            for (int64_t i = (n * s.c + c) * hw; i < (n * s.c + c + 1) * hw; i++) {
                const double normal = ((double)x[i] - mean) * scale;
                const double d = (double)d_out[i] * urs_ref_activate_slope(act, normal * g + b);
                dx[i] = (real)(g * scale * (d - mean_d - normal * mean_dot));
            }
    }
}

const urs_ref_op URS_REF_NAME(batch_norm) = {.forward = forward, .backward = backward, .saved_bytes = saved_bytes};
