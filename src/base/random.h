/* Random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64.
 *
 * A generator is a value: copy it to fork it, store its four words in a checkpoint to resume it. The same seed gives the
 * same sequence on every machine. One owner at a time. */
#ifndef URS_BASE_RANDOM_H
#define URS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct urs_random {
    uint64_t state[4];
} urs_random;

void urs_random_init(urs_random *r, uint64_t seed);
/* An independent generator for item `stream` of a run with `seed`; order of calls does not matter. */
void urs_random_init_stream(urs_random *r, uint64_t seed, uint64_t stream);
uint64_t urs_random_u64(urs_random *r);
double urs_random_unit(urs_random *r);                          /* [0, 1) */
double urs_random_range(urs_random *r, double low, double high); /* [low, high) */
uint64_t urs_random_below(urs_random *r, uint64_t n);           /* 0 .. n-1, unbiased; n > 0 */
double urs_random_normal(urs_random *r);                        /* mean 0, deviation 1 */
double urs_random_beta(urs_random *r, double a, double b);      /* Beta(a, b), a and b >= 1 */
void urs_random_shuffle(urs_random *r, size_t *items, size_t n); /* Fisher-Yates */

/* One step of splitmix64: a good 64-bit mix of x. */
uint64_t urs_random_mix(uint64_t x);

#endif
