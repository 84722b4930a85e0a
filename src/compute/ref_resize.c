/* Resize, nearest and bilinear. Both directions walk the output and the up to four input pixels that each of its pixels is made of. */
#include "compute/ref_real.h"

#include <math.h>

/* Along one side: out[i] = (1 - share) * in[first] + share * in[second]. */
typedef struct source {
    int64_t first, second;
    double share;
} source;

static source source_of(urs_resize_mode mode, int64_t i, int64_t in, int64_t out)
{
    if (mode == URS_RESIZE_NEAREST) {
        /* In float, as PyTorch: for some ratios an exact quotient falls on the other side of a whole number. */
        const float scale = (float)in / (float)out;
        const int64_t at = (int64_t)floorf((float)i * scale);
        const int64_t inside = at < in - 1 ? at : in - 1;
        return (source){inside, inside, 0.0};
    }
    const double centre = fmax(0.0, ((double)i + 0.5) * (double)in / (double)out - 0.5);
    const int64_t first = (int64_t)centre < in - 1 ? (int64_t)centre : in - 1;
    return (source){first, first < in - 1 ? first + 1 : first, centre - (double)first};
}

static void forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const urs_resize_mode mode = k->spec.attr.resize;
    const real *x = k->args.in[0];
    real *result = k->args.out;
    for (int64_t p = 0; p < out.n * out.c; p++, x += in.h * in.w)
        for (int64_t oy = 0; oy < out.h; oy++) {
            const source v = source_of(mode, oy, in.h, out.h);
            const real *above = x + v.first * in.w, *below = x + v.second * in.w;
            for (int64_t ox = 0; ox < out.w; ox++) {
                const source u = source_of(mode, ox, in.w, out.w);
                if (mode == URS_RESIZE_NEAREST) {
                    *result++ = above[u.first];
                    continue;
                }
                const double top = (1.0 - u.share) * (double)above[u.first] + u.share * (double)above[u.second];
                const double bottom = (1.0 - u.share) * (double)below[u.first] + u.share * (double)below[u.second];
                *result++ = (real)((1.0 - v.share) * top + v.share * bottom);
            }
        }
}

static void backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape in = k->spec.in[0], out = k->spec.out;
    const urs_resize_mode mode = k->spec.attr.resize;
    const real *d_out = k->args.d_out;
    real *dx = k->args.d_in[0];
    if (!dx)
        return;
    for (int64_t i = 0; i < urs_tensor_elements(in); i++)
        dx[i] = (real)0;
    for (int64_t p = 0; p < out.n * out.c; p++, dx += in.h * in.w)
        for (int64_t oy = 0; oy < out.h; oy++) {
            const source v = source_of(mode, oy, in.h, out.h);
            real *above = dx + v.first * in.w, *below = dx + v.second * in.w;
            for (int64_t ox = 0; ox < out.w; ox++) {
                const source u = source_of(mode, ox, in.w, out.w);
                const double d = (double)*d_out++;
                above[u.first] += (real)((1.0 - v.share) * (1.0 - u.share) * d);
                above[u.second] += (real)((1.0 - v.share) * u.share * d);
                below[u.first] += (real)(v.share * (1.0 - u.share) * d);
                below[u.second] += (real)(v.share * u.share * d);
            }
        }
}

const urs_ref_op URS_REF_NAME(resize) = {.forward = forward, .backward = backward};
