/* Lattice noise for textures: smooth, seeded, the same on every machine with IEEE floats. Thread safe: no state. */
#ifndef URS_SYNTH_NOISE_H
#define URS_SYNTH_NOISE_H

#include <math.h>
#include <stdint.h>

static inline uint32_t urs_noise_hash(int32_t x, int32_t y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u ^ seed * 0xc2b2ae3du;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 12;
    h *= 0x297a2d39u;
    return h ^ (h >> 15);
}

/* 0 .. 1 for a whole-numbered place. */
static inline float urs_noise_cell(int32_t x, int32_t y, uint32_t seed)
{
    return (float)(urs_noise_hash(x, y, seed) >> 8) * (1.0f / 16777216.0f);
}

/* Value noise, 0 .. 1, one feature a unit. */
float urs_noise_2d(float x, float y, uint32_t seed);
float urs_noise_3d(float x, float y, float z, uint32_t seed);
/* Sum of octaves, each twice as fine and half as strong; scaled to 0 .. 1, mean 0.5. */
float urs_noise_fbm(float x, float y, int octaves, uint32_t seed);

static inline float urs_clamp01(float x)
{
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}
static inline float urs_mix(float a, float b, float t)
{
    return a + (b - a) * t;
}
/* 0 below a, 1 above b, smooth between (a > b turns it round). */
static inline float urs_smooth(float a, float b, float x)
{
    const float t = urs_clamp01((x - a) / (b - a));
    return t * t * (3.0f - 2.0f * t);
}

#endif
