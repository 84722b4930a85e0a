/* Grouping of unknown bears: against SciPy's average linkage, with frames that forbid, and at the edges. */
#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"
#include "catalogue/cluster.h"
#include "catalogue/event_heads.h"
#include "catalogue/search.h"
#include "golden.h"
#include "harness.h"

static void agrees_with_scipy(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    size_t label[40], groups = 0;
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/eval.gold", &err), err);
    const urs_golden_tensor *e = urs_golden_find(g, "cluster/embedding"), *cut = urs_golden_find(g, "cluster/cosine"), *want = urs_golden_find(g, "cluster/label");
    URS_REQUIRE(t, e && cut && want && e->dims[0] == 40);
    for (size_t c = 0; c < cut->count; c++) {
        const urs_cluster_options o = {.threshold = (1 + cut->f64[c]) / 2};
        size_t most = 0;
        URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, e->f32, 40, (int32_t)e->dims[1], NULL, &o, &err), err);
        for (size_t i = 0; i < 40; i++) {
            URS_CHECK_INT(t, label[i], want->i64[c * 40 + i]);
            most = label[i] > most ? label[i] : most;
        }
        URS_CHECK_INT(t, groups, most + 1);
    }
    urs_golden_close(g);
}

static void one_frame_holds_two_bears(urs_test *t)
{
    const float e[4][2] = {{1, 0}, {1, 0}, {1, 0}, {0, 1}};
    const int64_t frame[4] = {8, 8, -1, -1};
    const urs_cluster_options o = {.frame = frame};
    size_t label[4], groups = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, &e[0][0], 4, 2, NULL, NULL, &err), err);
    URS_CHECK_INT(t, groups, 1); /* without calibration 0.5 is a mean cosine of 0 */
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, &e[0][0], 3, 2, NULL, &o, &err), err);
    URS_CHECK_INT(t, groups, 2);
    URS_CHECK(t, label[0] != label[1] && (label[2] == label[0] || label[2] == label[1]));
}

/* Three chips in a row, 0.8 from one to the next and 0.28 from end to end: each linkage has its own number for the last step. */
static void linkages_differ(urs_test *t)
{
    const float e[3][2] = {{1, 0}, {0.8f, 0.6f}, {0.28f, 0.96f}};
    static const struct {
        urs_linkage linkage;
        double cosine;
    } last[] = {{URS_LINKAGE_AVERAGE, 0.54}, {URS_LINKAGE_SINGLE, 0.8}, {URS_LINKAGE_COMPLETE, 0.28}};
    urs_error err = {0};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++)
        for (int above = 0; above < 2; above++) {
            const urs_cluster_options o = {.linkage = last[i].linkage, .threshold = (1 + last[i].cosine + (above ? 0.01 : -0.01)) / 2};
            size_t label[3], groups = 0;
            URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, &e[0][0], 3, 2, NULL, &o, &err), err);
            URS_CHECK_INT(t, groups, !above ? 1 : last[i].linkage == URS_LINKAGE_SINGLE ? 3 : 2);
        }
}

static void edges(urs_test *t)
{
    const float one[2] = {1, 0};
    size_t label[1] = {7}, groups = 9;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_cluster_chips(NULL, &groups, NULL, 0, 2, NULL, NULL, &err), err);
    URS_CHECK_INT(t, groups, 0);
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, one, 1, 2, NULL, NULL, &err), err);
    URS_CHECK(t, groups == 1 && label[0] == 0);
    URS_CHECK_INT(t, urs_cluster_chips(label, &groups, one, URS_CLUSTER_CHIPS_MAX + 1, 2, NULL, NULL, &err), URS_ELIMIT);
}

/* 12 well separated bears, 600 chips in mixed order: found exactly, whatever the threshold in between. */
static void finds_separated_bears(urs_test *t)
{
    enum { N = 600, D = 24, BEARS = 12 };
    float *e = urs_array_new((size_t)N * D, sizeof *e);
    size_t *label = urs_array_new(N, sizeof *label), groups = 0, truth[N];
    urs_random r;
    urs_error err = {0};
    const urs_calibration cal = {.kind = URS_CALIBRATION_LOGISTIC, .slope = 12, .intercept = -6};
    URS_REQUIRE(t, e && label);
    urs_random_init(&r, 4);
    for (size_t i = 0; i < N; i++) {
        truth[i] = (size_t)urs_random_below(&r, BEARS);
        for (size_t d = 0; d < D; d++)
            e[i * D + d] = (float)((d == truth[i] ? 1.0 : 0.0) + 0.08 * urs_random_normal(&r));
        (void)urs_normalise(&e[i * D], D);
    }
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, e, N, D, &cal, NULL, &err), err);
    URS_CHECK_INT(t, groups, BEARS);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < i; j++)
            if ((label[i] == label[j]) != (truth[i] == truth[j]))
                urs_test_fail(t, __FILE__, __LINE__, "chips %zu and %zu", i, j);
    urs_free(e);
    urs_free(label);
}

/* Five heads of an event in the plane: 0 and 2 and 3 point one way, 1 and 4 another; 4 shares the frame of 0, and 3 that of 2. The prior is the probability at the cosine 0.5. */
static void heads_of_an_event_speak_together(urs_test *t)
{
    enum { N = 5 };
    static const double degrees[N] = {0, 100, 20, 10, 110};
    static const int64_t frame[N] = {1, 2, 3, 3, 1};
    const urs_calibration cal = {.kind = URS_CALIBRATION_LOGISTIC, .slope = 10, .intercept = -5 - log(9), .prior = 0.1};
    float e[2 * N], fused[2 * N];
    size_t animal[N], views[N];
    urs_error err = {0};
    for (size_t i = 0; i < N; i++) {
        e[2 * i] = (float)cos(degrees[i] * 3.14159265358979 / 180);
        e[2 * i + 1] = (float)sin(degrees[i] * 3.14159265358979 / 180);
    }
    URS_REQUIRE_OK(t, urs_event_heads_fuse(fused, animal, views, e, frame, N, 2, &cal, &err), err);
    URS_CHECK(t, animal[0] == 0 && animal[3] == 0 && views[0] == 2 && views[3] == 2);                 /* 10 degrees apart */
    URS_CHECK(t, animal[1] == 1 && animal[4] == 1 && animal[2] == 2 && views[2] == 1 && views[4] == 2); /* 2 is nearest to 3, whose frame it shares, and so to the animal of 0 */
    URS_CHECK_NEAR(t, (double)fused[0], cos(5 * 3.14159265358979 / 180), 1e-6);
    URS_CHECK_NEAR(t, (double)fused[2 * 4 + 1], sin(105 * 3.14159265358979 / 180), 1e-6);
    URS_CHECK(t, memcmp(fused, fused + 2 * 3, 2 * sizeof *fused) == 0 && memcmp(fused + 2 * 2, e + 2 * 2, 2 * sizeof *fused) == 0);
    { /* below the prior: 70 degrees are two animals, 50 are one */
        const float far[4] = {1, 0, 0.342020f, 0.939693f}, near[4] = {1, 0, 0.642788f, 0.766044f};
        URS_REQUIRE_OK(t, urs_event_heads_fuse(fused, animal, views, far, frame, 2, 2, &cal, &err), err);
        URS_CHECK(t, views[0] == 1 && animal[1] == 1);
        URS_REQUIRE_OK(t, urs_event_heads_fuse(fused, animal, views, near, frame, 2, 2, &cal, &err), err);
        URS_CHECK(t, views[0] == 2 && animal[1] == 0);
    }
    URS_CHECK_INT(t, urs_event_heads_fuse(fused, animal, views, e, frame, URS_EVENT_HEADS_MAX + 1, 2, &cal, &err), URS_ELIMIT);
}

int main(void)
{
    static const urs_case cases[] = {
        {"agrees with SciPy's average linkage", agrees_with_scipy},
        {"two heads in one frame are two bears", one_frame_holds_two_bears},
        {"separated bears are found", finds_separated_bears},
        {"linkages differ", linkages_differ},
        {"edges", edges},
        {"heads of an event speak together", heads_of_an_event_speak_together},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
