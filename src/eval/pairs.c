/* Balanced pairs for verification; see openset.h. */
#include "base/memory.h"
#include "base/random.h"
#include "eval/openset.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 100000

static bool allowed(const int64_t *group, size_t i, size_t j)
{
    return !group || group[i] < 0 || group[i] != group[j];
}

/* Reservoir sampling (Vitter's R) over all pairs of one kind: every pair is equally likely, and none comes twice. */
static size_t sample_pairs(size_t *a, size_t *b, size_t limit, const int64_t *identity, const int64_t *group, size_t n, bool same, urs_random *r)
{
    size_t seen = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            size_t at = seen;
            if ((identity[i] == identity[j]) != same || !allowed(group, i, j))
                continue;
            if (seen >= limit)
                at = (size_t)urs_random_below(r, seen + 1);
            seen++;
            if (at < limit) {
                a[at] = i;
                b[at] = j;
            }
        }
    }
    return seen < limit ? seen : limit;
}

urs_status urs_pairs_draw(urs_pairs *out, const int64_t *identity, const int64_t *group, size_t n, size_t wanted, uint64_t seed, urs_error *err)
{
    urs_pairs pairs = {0};
    const size_t limit = wanted > 0 && wanted < PAIRS_MAX ? wanted : PAIRS_MAX;
    size_t same, different, each;
    urs_random r;
    pairs.a = urs_array_new(2 * limit, sizeof *pairs.a);
    pairs.b = urs_array_new(2 * limit, sizeof *pairs.b);
    pairs.same = urs_array_new(2 * limit, sizeof *pairs.same);
    if (!pairs.a || !pairs.b || !pairs.same) {
        urs_pairs_release(&pairs);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pairs", 2 * limit);
    }
    urs_random_init(&r, seed);
    same = sample_pairs(pairs.a, pairs.b, limit, identity, group, n, true, &r);
    different = sample_pairs(pairs.a + limit, pairs.b + limit, same, identity, group, n, false, &r);
    if (!same || !different) {
        urs_pairs_release(&pairs);
        return urs_fail(err, URS_EINVAL, "pair verification needs pairs of the same bear and of different bears");
    }
    each = same < different ? same : different;
    memmove(pairs.a + each, pairs.a + limit, each * sizeof *pairs.a);
    memmove(pairs.b + each, pairs.b + limit, each * sizeof *pairs.b);
    memset(pairs.same, 1, each);
    pairs.count = 2 * each;
    *out = pairs;
    return URS_OK;
}

void urs_pairs_release(urs_pairs *pairs)
{
    urs_free(pairs->a);
    urs_free(pairs->b);
    urs_free(pairs->same);
    *pairs = (urs_pairs){0};
}
