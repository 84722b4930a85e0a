/* Fake quantisation, element by element in any layout: padded channels hold 0, and 0 stays 0. The rules are in ref_fake_quant.c, the plain twin; see lanes.h. */
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define LOW (-128.0f)
#define HIGH 127.0f

static void observe(float *seen, const float *x, int64_t n)
{
    float low[LANES] = {0}, high[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            low[l] = x[i + l] < low[l] ? x[i + l] : low[l];
            high[l] = x[i + l] > high[l] ? x[i + l] : high[l];
        }
    for (; i < n; i++) {
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    for (int l = 1; l < LANES; l++) {
        low[0] = low[l] < low[0] ? low[l] : low[0];
        high[0] = high[l] > high[0] ? high[l] : high[0];
    }
    seen[0] = 0;
    seen[1] = low[0];
    seen[2] = high[0];
}

void urs_lanes_fake_quant_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const int64_t n = urs_tensor_elements(spec->out);
    const float step = *(const float *)args->param[0], zero = *(const float *)args->param[1];
    const float inverse = step > 0 ? 1 / step : 0, low = LOW - zero, high = HIGH - zero;
    const float *x = args->in[0];
    float *out = args->out;
    if (spec->training && args->d_param[1])
        observe(args->d_param[1], x, n);
    if (!(step > 0)) {
        memcpy(out, x, (size_t)n * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const float q = rintf(x[i] * inverse), up = q < low ? low : q;
        out[i] = step * (up > high ? high : up);
    }
}

void urs_lanes_fake_quant_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    const int64_t n = urs_tensor_elements(spec->out);
    const float step = *(const float *)args->param[0], zero = *(const float *)args->param[1];
    const float inverse = step > 0 ? 1 / step : 0, low = LOW - zero, high = HIGH - zero;
    const float *x = args->in[0], *d_out = args->d_out;
    float *d_x = args->d_in[0], part[LANES] = {0};
    double sum = 0;
    if (!(step > 0)) {
        if (d_x)
            memcpy(d_x, d_out, (size_t)n * sizeof *d_x);
        if (args->d_param[0])
            *(float *)args->d_param[0] = 0;
        return;
    }
    for (int64_t i = 0; d_x && i < n; i++) {
        const float q = rintf(x[i] * inverse);
        d_x[i] = q >= low && q <= high ? d_out[i] : 0;
    }
    if (!args->d_param[0])
        return;
    /* In pieces, so that single precision keeps its digits. */
    for (int64_t begin = 0; begin < n; begin += 4096) {
        const int64_t end = begin + 4096 < n ? begin + 4096 : n;
        int64_t i = begin;
        for (; i + LANES <= end; i += LANES)
            for (int l = 0; l < LANES; l++) {
                const float v = x[i + l] * inverse, q = rintf(v), clamped = q < low ? low : q > high ? high : q;
                part[l] += d_out[i + l] * (clamped == q ? q - v : clamped);
            }
        for (; i < end; i++) {
            const float v = x[i] * inverse, q = rintf(v), clamped = q < low ? low : q > high ? high : q;
            part[0] += d_out[i] * (clamped == q ? q - v : clamped);
        }
        for (int l = 0; l < LANES; l++) {
            sum += (double)part[l];
            part[l] = 0;
        }
    }
    *(float *)args->d_param[0] = (float)sum;
}
