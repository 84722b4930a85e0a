/* Lattice noise; see noise.h. */
#include "synth/noise.h"

static int32_t floor_to_int(float x)
{
    const int32_t i = (int32_t)x;
    return (float)i > x ? i - 1 : i;
}

static float fade(float t)
{
    return t * t * (3.0f - 2.0f * t);
}

float urs_noise_2d(float x, float y, uint32_t seed)
{
    const int32_t ix = floor_to_int(x), iy = floor_to_int(y);
    const float fx = fade(x - (float)ix), fy = fade(y - (float)iy);
    const float top = urs_mix(urs_noise_cell(ix, iy, seed), urs_noise_cell(ix + 1, iy, seed), fx);
    const float bottom = urs_mix(urs_noise_cell(ix, iy + 1, seed), urs_noise_cell(ix + 1, iy + 1, seed), fx);
    return urs_mix(top, bottom, fy);
}

float urs_noise_3d(float x, float y, float z, uint32_t seed)
{
    const int32_t iz = floor_to_int(z);
    const float fz = fade(z - (float)iz);
    return urs_mix(urs_noise_2d(x, y, seed + (uint32_t)iz * 7919u), urs_noise_2d(x, y, seed + (uint32_t)(iz + 1) * 7919u), fz);
}

float urs_noise_fbm(float x, float y, int octaves, uint32_t seed)
{
    float sum = 0.0f, weight = 0.5f, total = 0.0f;
    for (int i = 0; i < octaves; i++) {
        sum += weight * urs_noise_2d(x, y, seed + (uint32_t)i * 101u);
        total += weight;
        weight *= 0.5f;
        x = x * 2.03f + 17.1f;
        y = y * 2.03f - 9.7f;
    }
    return sum / total;
}
