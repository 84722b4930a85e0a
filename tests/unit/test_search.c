/* Search: the answers of a plain sort, ties, options, many bears; events. */
#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"
#include "catalogue/events.h"
#include "catalogue/search.h"
#include "harness.h"

#include <stdlib.h>

#define DIM 37
#define CHIPS 3000
#define BEARS 200

typedef struct world {
    float *v; /* [CHIPS][DIM] normalised */
    int64_t bear[CHIPS];
    urs_search *s;
} world;

static bool make_world(urs_test *t, world *w)
{
    urs_random r;
    urs_error err = {0};
    urs_random_init(&r, 11);
    w->v = urs_array_new(CHIPS * DIM, sizeof *w->v);
    w->s = NULL;
    if (!w->v || urs_search_new(&w->s, DIM, &err) != URS_OK)
        return false;
    for (size_t i = 0; i < CHIPS; i++) {
        for (size_t d = 0; d < DIM; d++)
            w->v[i * DIM + d] = (float)urs_random_normal(&r) * 3;
        w->bear[i] = (int64_t)urs_random_below(&r, BEARS) * 1000003 - 500;
        if (urs_search_add(w->s, (int64_t)i + 1, w->bear[i], &w->v[i * DIM], &err) != URS_OK) {
            urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
            return false;
        }
        (void)urs_normalise(&w->v[i * DIM], DIM);
    }
    return true;
}

static void free_world(world *w)
{
    urs_search_free(w->s);
    urs_free(w->v);
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (size_t d = 0; d < DIM; d++)
        sum += (double)a[d] * (double)b[d];
    return sum;
}

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void finds_what_a_sort_finds(urs_test *t)
{
    world w;
    urs_error err = {0};
    urs_search_hit hit[20];
    double score[CHIPS];
    size_t count = 0;
    URS_REQUIRE(t, make_world(t, &w));
    URS_CHECK_INT(t, urs_search_count(w.s), CHIPS);
    URS_CHECK_INT(t, urs_search_bear_count(w.s), BEARS);
    const float *q = &w.v[77 * DIM];
    for (size_t i = 0; i < CHIPS; i++)
        score[i] = cosine(q, &w.v[i * DIM]);
    URS_REQUIRE_OK(t, urs_search_chips(w.s, q, 20, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 20);
    URS_CHECK_INT(t, hit[0].chip, 78);
    for (size_t i = 0; i < count; i++)
        URS_CHECK_NEAR(t, hit[i].score, score[hit[i].chip - 1], 1e-5);
    qsort(score, CHIPS, sizeof *score, falling);
    for (size_t i = 0; i < count; i++)
        URS_CHECK_NEAR(t, hit[i].score, score[i], 1e-5);
    free_world(&w);
}

static void ranks_bears(urs_test *t, urs_bear_score how)
{
    world w;
    urs_error err = {0};
    urs_search_hit *hit = urs_array_new(BEARS, sizeof *hit);
    const urs_search_options o = {.score = how, .exclude_chip = 78};
    size_t count = 0;
    URS_REQUIRE(t, hit && make_world(t, &w));
    const float *q = &w.v[77 * DIM];
    URS_REQUIRE_OK(t, urs_search_bears(w.s, q, BEARS, &o, hit, &count, &err), err);
    URS_CHECK_INT(t, count, BEARS);
    for (size_t b = 0; b < count; b++) {
        double first = -2, second = -2, sum[DIM] = {0}, length = 0, along = 0;
        for (size_t i = 0; i < CHIPS; i++) {
            const double s = cosine(q, &w.v[i * DIM]);
            if (w.bear[i] != hit[b].bear)
                continue;
            for (size_t d = 0; d < DIM; d++)
                sum[d] += (double)w.v[i * DIM + d];
            if (i == 77)
                continue;
            if (s > first) {
                second = first;
                first = s;
            } else if (s > second) {
                second = s;
            }
        }
        for (size_t d = 0; d < DIM; d++) {
            length += sum[d] * sum[d];
            along += sum[d] * (double)q[d];
        }
        const double want = how == URS_BEAR_BEST ? first : how == URS_BEAR_TOP2 ? (first + second) / 2 : along / sqrt(length);
        URS_CHECK_NEAR(t, hit[b].score, want, 1e-5);
        URS_CHECK_NEAR(t, hit[b].chip_score, first, 1e-5);
        URS_CHECK(t, b == 0 || hit[b - 1].score >= hit[b].score);
        URS_CHECK(t, hit[b].chip != 78);
    }
    urs_free(hit);
    free_world(&w);
}

static void best_chip(urs_test *t) { ranks_bears(t, URS_BEAR_BEST); }
static void best_two(urs_test *t) { ranks_bears(t, URS_BEAR_TOP2); }
static void centroid(urs_test *t) { ranks_bears(t, URS_BEAR_CENTROID); }

static void ties_and_edges(urs_test *t)
{
    const float a[3] = {1, 2, 2}, zero[3] = {0}, infinite[3] = {INFINITY, 0, 0};
    urs_search *s = NULL;
    urs_search_hit hit[8];
    urs_error err = {0};
    const urs_search_options without = {.exclude_chip = 5};
    size_t count = 9;
    URS_CHECK_INT(t, urs_search_new(&s, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_search_new(&s, URS_EMBEDDING_DIM_MAX + 1, &err), URS_EINVAL);
    URS_REQUIRE_OK(t, urs_search_new(&s, 3, &err), err);
    URS_REQUIRE_OK(t, urs_search_bears(s, a, 8, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 0);
    URS_CHECK_INT(t, urs_search_add(s, 1, 1, zero, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_search_add(s, 1, 1, infinite, &err), URS_EINVAL);
    for (int64_t chip = 9; chip > 4; chip--)
        URS_REQUIRE_OK(t, urs_search_add(s, chip, chip == 5 ? 50 : 60, a, &err), err);
    URS_REQUIRE_OK(t, urs_search_chips(s, a, 3, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 3);
    for (size_t i = 0; i < 3; i++)
        URS_CHECK_INT(t, hit[i].chip, 5 + (int64_t)i); /* the smaller chip first */
    URS_CHECK_NEAR(t, hit[0].score, 1, 1e-6);
    URS_REQUIRE_OK(t, urs_search_bears(s, a, 8, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 2);
    URS_CHECK_INT(t, hit[0].bear, 50);
    URS_CHECK_INT(t, hit[1].chip, 6);
    URS_REQUIRE_OK(t, urs_search_bears(s, a, 8, &without, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 1); /* bear 50 has no other chip */
    URS_REQUIRE_OK(t, urs_search_bears(s, a, 0, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 0);
    URS_CHECK_INT(t, urs_search_chips(s, zero, 3, NULL, hit, &count, &err), URS_EINVAL);
    urs_search_free(s);
    urs_search_free(NULL);
}

static void events_are_bursts_of_one_camera(urs_test *t)
{
    const urs_event_frame f[9] = {{"a", 100}, {"b", 100}, {"a", 161}, {"a", 130}, {NULL, 100}, {NULL, 101}, {"a", NAN}, {"a", 222}, {"b", 5000}};
    const size_t want[9] = {0, 1, 0, 0, 2, 3, 4, 5, 6};
    size_t event[9], events = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_events_group(event, &events, f, 9, 0, &err), err);
    URS_CHECK_INT(t, events, 7);
    for (int i = 0; i < 9; i++)
        URS_CHECK_INT(t, event[i], want[i]);
    URS_REQUIRE_OK(t, urs_events_group(event, &events, f, 9, 61, &err), err);
    URS_CHECK_INT(t, event[7], 0); /* chained: 161 to 222 */
    URS_REQUIRE_OK(t, urs_events_group(event, &events, f, 0, 0, &err), err);
    URS_CHECK_INT(t, events, 0);
}

int main(void)
{
    static const urs_case cases[] = {
        {"finds what a sort finds", finds_what_a_sort_finds},
        {"bears by their best chip", best_chip},
        {"bears by their two best chips", best_two},
        {"bears by their centroid", centroid},
        {"ties, empty index, bad vectors", ties_and_edges},
        {"events are bursts of one camera", events_are_bursts_of_one_camera},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
