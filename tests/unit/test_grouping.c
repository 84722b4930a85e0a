/* Agreement of groupings with the truth, and the choice of a joining threshold. */
#include "harness.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"
#include "catalogue/group_fit.h"
#include "eval/grouping.h"

/* Rand indices as scikit-learn's adjusted_rand_score gives them. */
static void scores_of_small_groupings(urs_test *t)
{
    static const struct {
        size_t label[6];
        int64_t identity[6];
        size_t n;
        double rand, precision, recall;
        size_t groups, identities;
    } cases[] = {
        {{0, 0, 1, 1}, {7, 7, 5, 5}, 4, 1, 1, 1, 2, 2},
        {{0, 0, 1, 2}, {7, 7, 5, 5}, 4, 0.5714285714285714, 1, 0.5, 3, 2},
        {{0, 0, 0, 0}, {7, 7, 5, 5}, 4, 0, 1.0 / 3, 1, 1, 2},
        {{0, 1, 0, 1}, {7, 7, 5, 5}, 4, -0.5, 0, 0, 2, 2},
        {{0, 0, 1, 1, 2, 2}, {1, 1, 1, 2, 2, 2}, 6, 0.24242424242424243, 2.0 / 3, 1.0 / 3, 3, 2},
        {{3, 9}, {1, 2}, 2, 1, NAN, NAN, 2, 2},
        {{3}, {1}, 1, 1, NAN, NAN, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const urs_grouping_score s = urs_grouping_evaluate(cases[i].label, cases[i].identity, cases[i].n);
        URS_CHECK_NEAR(t, s.rand, cases[i].rand, 1e-12);
        URS_CHECK(t, isnan(cases[i].precision) ? isnan(s.precision) : fabs(s.precision - cases[i].precision) < 1e-12);
        URS_CHECK(t, isnan(cases[i].recall) ? isnan(s.recall) : fabs(s.recall - cases[i].recall) < 1e-12);
        URS_CHECK_INT(t, s.groups, cases[i].groups);
        URS_CHECK_INT(t, s.identities, cases[i].identities);
        URS_CHECK_INT(t, s.items, cases[i].n);
    }
    URS_CHECK_INT(t, urs_grouping_evaluate(NULL, NULL, 0).groups, 0);
}

/* Two galleries of five bears each, spread over a cap of known width: a threshold between "same" and "other" is found, and it groups them rightly; galleries are not mixed. */
static void a_threshold_is_found(urs_test *t)
{
    enum { GALLERIES = 2, BEARS = 5, CHIPS = 6, N = GALLERIES * BEARS * CHIPS, D = 16 };
    static float e[N * D];
    int64_t identity[N], gallery[N];
    size_t label[N], groups, n = 0;
    urs_random random;
    urs_group_fit fit = {0};
    urs_error err = {0};
    const urs_calibration cal = {.kind = URS_CALIBRATION_LOGISTIC, .slope = 5, .intercept = -4.5}; /* an even chance at 0.9: too strict */
    urs_random_init(&random, 3);
    for (int64_t g = 0; g < GALLERIES; g++)
        for (int64_t b = 0; b < BEARS; b++)
            for (int c = 0; c < CHIPS; c++, n++) {
                identity[n] = b; /* the same bears in both */
                gallery[n] = g;
                for (int d = 0; d < D; d++)
                    e[n * D + (size_t)d] = (float)((d == b + 5 * g ? 1.0 : 0.0) + 0.15 * urs_random_normal(&random));
                (void)urs_normalise(e + n * D, D);
            }
    URS_REQUIRE_OK(t, urs_group_fit_chips(&fit, e, identity, gallery, N, D, &cal, URS_LINKAGE_AVERAGE, &err), err);
    URS_CHECK_NEAR(t, fit.rand, 1, 1e-12);
    URS_CHECK_INT(t, fit.galleries, GALLERIES);
    URS_CHECK(t, fit.cosine > 0.2 && fit.cosine < 0.85 && fit.join_at < 0.5);
    URS_CHECK_NEAR(t, fit.join_at, urs_calibration_probability(&cal, fit.cosine), 1e-12);
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, e, BEARS * CHIPS, D, &cal, &(urs_cluster_options){.threshold = fit.join_at}, &err), err);
    URS_CHECK_INT(t, groups, BEARS);
    URS_REQUIRE_OK(t, urs_cluster_chips(label, &groups, e, BEARS * CHIPS, D, &cal, NULL, &err), err);
    URS_CHECK(t, groups > BEARS); /* at an even chance */
    URS_CHECK_INT(t, urs_group_fit_chips(&fit, e, identity, gallery, 0, D, &cal, URS_LINKAGE_AVERAGE, &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {
        {"scores of small groupings", scores_of_small_groupings},
        {"a threshold is found", a_threshold_is_found},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
