/* The generator that tests share with tools/golden/golden_losses.py: numbers in [-1, 1) that are exact in float. */
#ifndef URS_TESTS_LCG_H
#define URS_TESTS_LCG_H

#include <stddef.h>
#include <stdint.h>

static inline float lcg_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((int64_t)(*state >> 40) - (1 << 23)) / 8388608.0f;
}

static inline void lcg_fill(uint64_t *state, float *out, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        out[i] = lcg_next(state) * scale;
}

#endif
