/* Fake quantisation to int8, with the straight-through gradient and the learned step size of LSQ (Esser et al., 2020).
 *
 *      q = round(x / step) + zero point      to the nearest, halves to even
 *      y = step * (clamp(q, -128, 127) - zero point)
 *
 *      dy/dx    = 1 where q was not clamped, else 0
 *      dy/dstep = round(x / step) - x / step where it was not clamped, else the end of the range minus the zero point
 *
 * The zero point is whole, so 0 stays 0. step <= 0: off, y = x. The forward pass of a training leaves min(x, 0) and max(x, 0) in d_param[1][1..2], and 0 in
 * [0]: what an observer of ranges wants to know. The true derivative by the step is given; LSQ's factor 1/sqrt(n * 127) is the trainer's business. */
#include "compute/ref_real.h"

#include <math.h>

#define LOW (-128)
#define HIGH 127

static void observe(const urs_ref_kernel *k)
{
    const real *x = k->args.in[0];
    real *seen = k->args.d_param[1], low = 0, high = 0;
    const int64_t count = urs_tensor_elements(k->spec.out);
    for (int64_t i = 0; i < count; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    seen[0] = 0;
    seen[1] = low;
    seen[2] = high;
}

static void fake_quant_forward(const urs_ref_kernel *k)
{
    const real *x = k->args.in[0], step = *(const real *)k->args.param[0], zero = *(const real *)k->args.param[1];
    real *y = k->args.out;
    const int64_t count = urs_tensor_elements(k->spec.out);
    const real inverse = step > 0 ? (real)1 / step : 0, low = LOW - zero, high = HIGH - zero;
    if (k->spec.training && k->args.d_param[1])
        observe(k);
    for (int64_t i = 0; i < count; i++) {
        const real q = (real)nearbyint((double)(x[i] * inverse));
        y[i] = step > 0 ? step * (q < low ? low : q > high ? high : q) : x[i];
    }
}

static void fake_quant_backward(const urs_ref_kernel *k)
{
    const real *x = k->args.in[0], *d_out = k->args.d_out, step = *(const real *)k->args.param[0], zero = *(const real *)k->args.param[1];
    real *dx = k->args.d_in[0], *d_step = k->args.d_param[0];
    const int64_t count = urs_tensor_elements(k->spec.out);
    const real inverse = step > 0 ? (real)1 / step : 0, low = LOW - zero, high = HIGH - zero;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const real v = x[i] * inverse, q = (real)nearbyint((double)v);
        const int inside = !(step > 0) || (q >= low && q <= high);
        if (dx)
            dx[i] = inside ? d_out[i] : 0;
        if (step > 0)
            sum += (double)d_out[i] * (double)(inside ? q - v : q < low ? low : high);
    }
    if (d_step)
        *d_step = (real)sum;
}

const urs_ref_op URS_REF_NAME(fake_quant) = {.forward = fake_quant_forward, .backward = fake_quant_backward};
