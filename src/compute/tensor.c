#include "compute/kernel.h"

/* Channel c of pixel p of image n lies at [n][c / block][p][c % block]. */
static int64_t place(urs_tensor_shape s, int64_t n, int64_t c, int64_t p)
{
    return ((n * urs_tensor_padded_channels(s) / s.block + c / s.block) * s.h * s.w + p) * s.block + c % s.block;
}

void urs_tensor_convert(float *out, urs_tensor_shape out_shape, const float *in, urs_tensor_shape in_shape)
{
    const int64_t pixels = out_shape.h * out_shape.w, padded = urs_tensor_padded_channels(out_shape);
    for (int64_t n = 0; n < out_shape.n; n++)
        for (int64_t c = 0; c < padded; c++) {
            float *to = out + place(out_shape, n, c, 0);
            const bool real_channel = c < in_shape.c;
            const float *from = in + (real_channel ? place(in_shape, n, c, 0) : 0);
            for (int64_t p = 0; p < pixels; p++)
                to[p * out_shape.block] = real_channel ? from[p * in_shape.block] : 0.0f;
        }
}
