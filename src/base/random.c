/* xoshiro256** and the distributions we need; see random.h. */
#include "base/random.h"

#include <math.h>

uint64_t urs_random_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

void urs_random_init(urs_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        r->state[i] = urs_random_mix(seed);
        seed += 0x9E3779B97F4A7C15u;
    }
}

void urs_random_init_stream(urs_random *r, uint64_t seed, uint64_t stream)
{
    urs_random_init(r, urs_random_mix(seed) ^ urs_random_mix(stream ^ 0x5851F42D4C957F2Du));
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t urs_random_u64(urs_random *r)
{
    uint64_t *s = r->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double urs_random_unit(urs_random *r)
{
    return (double)(urs_random_u64(r) >> 11) * 0x1.0p-53;
}

double urs_random_range(urs_random *r, double low, double high)
{
    return low + (high - low) * urs_random_unit(r);
}

uint64_t urs_random_below(urs_random *r, uint64_t n)
{
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do
        x = urs_random_u64(r);
    while (x >= limit);
    return x % n;
}

double urs_random_normal(urs_random *r)
{
    /* Box-Muller; one of the pair is thrown away so that the generator has no hidden state. */
    const double u = 1.0 - urs_random_unit(r), v = urs_random_unit(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

static double random_gamma(urs_random *r, double shape)
{
    /* Marsaglia and Tsang 2000, for shape >= 1. */
    const double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        const double x = urs_random_normal(r), root = 1.0 + c * x, v = root * root * root;
        if (root <= 0)
            continue;
        if (log(1.0 - urs_random_unit(r)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

double urs_random_beta(urs_random *r, double a, double b)
{
    const double x = random_gamma(r, a < 1 ? 1 : a), y = random_gamma(r, b < 1 ? 1 : b);
    return x / (x + y);
}

void urs_random_shuffle(urs_random *r, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)urs_random_below(r, i), t = items[i - 1];
        items[i - 1] = items[j];
        items[j] = t;
    }
}
