/* Calibration against scikit-learn and SciPy (tools/golden/eval.py), its JSON, verdicts and probabilities over candidates. */
#include "base/memory.h"
#include "catalogue/verdict.h"
#include "golden.h"
#include "harness.h"

#define GOLDEN URS_SOURCE_DIR "/tests/golden/eval.gold"

static uint8_t *as_flags(const urs_golden_tensor *x)
{
    uint8_t *flags = urs_array_new(x->count, 1);
    for (size_t i = 0; flags && i < x->count; i++)
        flags[i] = x->i64[i] != 0;
    return flags;
}

static void isotonic_agrees(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_calibration cal = {0};
    double last = -1;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *cosine = urs_golden_find(g, "calibration/cosine"), *at = urs_golden_find(g, "calibration/at"), *want = urs_golden_find(g, "calibration/isotonic");
    const urs_golden_tensor *x = urs_golden_find(g, "calibration/knots_x"), *y = urs_golden_find(g, "calibration/knots_y");
    uint8_t *same = as_flags(urs_golden_find(g, "calibration/same"));
    URS_REQUIRE(t, cosine && at && want && x && y && same);
    URS_REQUIRE_OK(t, urs_calibration_fit_isotonic(&cal, cosine->f32, same, cosine->count, &err), err);
    URS_CHECK_INT(t, cal.count, x->count);
    for (size_t i = 0; i < cal.count && i < x->count; i++) {
        URS_CHECK_NEAR(t, cal.x[i], x->f64[i], 1e-12);
        URS_CHECK_NEAR(t, cal.y[i], y->f64[i], 1e-12);
    }
    for (size_t i = 0; i < at->count; i++)
        URS_CHECK_NEAR(t, urs_calibration_probability(&cal, at->f64[i]), want->f64[i], 1e-8);
    for (int i = 0; i <= 20000; i++) { /* strictly rising, also where the curve is flat */
        const double p = urs_calibration_probability(&cal, -1 + i * 1e-4);
        if (!(p > last && p <= 1))
            urs_test_fail(t, __FILE__, __LINE__, "not rising at %d: %.17g after %.17g", i, p, last);
        last = p;
    }
    URS_CHECK_NEAR(t, cal.pairs, cosine->count, 0);
    URS_CHECK(t, cal.prior > 0.1 && cal.prior < 0.5);
    urs_calibration_release(&cal);
    urs_free(same);
    urs_golden_close(g);
}

static void logistic_agrees(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_calibration cal = {0};
    const float apart[4] = {-0.5f, -0.4f, 0.6f, 0.7f};
    const uint8_t answer[4] = {0, 0, 1, 1};
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *cosine = urs_golden_find(g, "calibration/cosine"), *want = urs_golden_find(g, "calibration/logistic");
    uint8_t *same = as_flags(urs_golden_find(g, "calibration/same"));
    URS_REQUIRE(t, cosine && want && same);
    URS_REQUIRE_OK(t, urs_calibration_fit_logistic(&cal, cosine->f32, same, cosine->count, &err), err);
    URS_CHECK_NEAR(t, cal.slope, want->f64[0], 1e-4);
    URS_CHECK_NEAR(t, cal.intercept, want->f64[1], 1e-4);
    URS_REQUIRE_OK(t, urs_calibration_fit_logistic(&cal, apart, answer, 4, &err), err);
    URS_CHECK(t, isfinite(cal.slope) && cal.slope > 0 && urs_calibration_probability(&cal, 0.7) > 0.6);
    urs_free(same);
    urs_golden_close(g);
}

static void odd_data(urs_test *t)
{
    const float score[4] = {0.9f, 0.8f, 0.2f, 0.1f}, same_score[2] = {0.5f, 0.5f}, bad[2] = {NAN, 0};
    const uint8_t backwards[4] = {0, 0, 1, 1}, both[2] = {0, 1}, all[4] = {1, 1, 1, 1};
    urs_calibration cal = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_calibration_fit_isotonic(&cal, score, backwards, 4, &err), err); /* the score says the opposite: one flat level */
    URS_CHECK_NEAR(t, urs_calibration_probability(&cal, 0.9), 0.5, 1e-6);
    URS_CHECK_NEAR(t, urs_calibration_probability(&cal, -1), 0.5, 1e-6);
    urs_calibration_release(&cal);
    URS_CHECK_INT(t, urs_calibration_fit_isotonic(&cal, same_score, both, 2, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_calibration_fit_isotonic(&cal, bad, both, 2, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_calibration_fit_isotonic(&cal, score, all, 4, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_calibration_fit_logistic(&cal, score, all, 0, &err), URS_EINVAL);
    URS_CHECK_NEAR(t, urs_calibration_probability(&cal, 0.5), 0.75, 1e-12);
    URS_CHECK_NEAR(t, urs_calibration_probability(NULL, -3), 0, 0);
    URS_CHECK_NEAR(t, urs_calibration_probability(NULL, NAN), 0, 0);
}

static void json_round_trip(urs_test *t)
{
    const float score[8] = {0.9f, 0.7f, 0.8f, 0.2f, 0.1f, 0.3f, 0.75f, 0.72f};
    const uint8_t same[8] = {1, 0, 1, 0, 0, 0, 1, 0};
    urs_error err = {0};
    for (int kind = 0; kind < 3; kind++) {
        urs_calibration cal = {0}, back = {0};
        if (kind == 1)
            URS_REQUIRE_OK(t, urs_calibration_fit_isotonic(&cal, score, same, 8, &err), err);
        if (kind == 2)
            URS_REQUIRE_OK(t, urs_calibration_fit_logistic(&cal, score, same, 8, &err), err);
        char *json = urs_calibration_to_json(&cal);
        URS_REQUIRE(t, json);
        URS_REQUIRE_OK(t, urs_calibration_from_json(&back, json, strlen(json), &err), err);
        for (double x = -1; x <= 1; x += 0.01)
            URS_CHECK(t, urs_calibration_probability(&cal, x) == urs_calibration_probability(&back, x));
        URS_CHECK(t, back.prior == cal.prior && back.pairs == cal.pairs && back.kind == cal.kind);
        urs_free(json);
        urs_calibration_release(&cal);
        urs_calibration_release(&back);
    }
}

static void json_is_checked(urs_test *t)
{
    static const char *const bad[] = {
        "", "[]", "{", "{\"kind\": 3}", "{\"kind\": \"other\"}", "{\"kind\": \"logistic\", \"slope\": 1}", "{\"kind\": \"logistic\", \"slope\": 1e300, \"intercept\": 0}",
        "{\"kind\": \"isotonic\", \"x\": [0], \"y\": [0]}", "{\"kind\": \"isotonic\", \"x\": [0, 1], \"y\": [0]}",
        "{\"kind\": \"isotonic\", \"x\": [1, 0], \"y\": [0, 1]}", "{\"kind\": \"isotonic\", \"x\": [0, 1], \"y\": [1, 0]}",
        "{\"kind\": \"isotonic\", \"x\": [0, 0], \"y\": [0, 1]}", "{\"kind\": \"isotonic\", \"x\": [0, 1], \"y\": [0, 1.5]}",
        "{\"kind\": \"isotonic\", \"x\": [0, \"a\"], \"y\": [0, 1]}", "{\"kind\": \"isotonic\", \"x\": {}, \"y\": [0, 1]}",
    };
    urs_error err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        urs_calibration cal = {.slope = 42};
        if (urs_calibration_from_json(&cal, bad[i], strlen(bad[i]), &err) != URS_EFORMAT || cal.slope != 42)
            urs_test_fail(t, __FILE__, __LINE__, "accepted or touched: %s", bad[i]);
        URS_CHECK(t, strncmp(err.message, "calibration: ", 13) == 0);
    }
}

static void verdicts(urs_test *t)
{
    const urs_verdict_options strict = {.known_at = 0.95, .new_below = -1};
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0.8, NULL)), "known");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0.79, NULL)), "unsure");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0.2, NULL)), "unsure");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0.19, NULL)), "new");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(-1, &strict)), "new");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(NAN, NULL)), "new");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0.9, &strict)), "unsure");
    URS_CHECK_TEXT(t, urs_verdict_name(urs_verdict_decide(0, &strict)), "unsure");
}

static void posteriors(urs_test *t)
{
    const double p[3] = {0.5, 0.25, 0}, sure[2] = {1, 0.5};
    double q[3], fresh = 0, sum;
    urs_verdict_posterior(p, 3, 4, 0, 0, q, &fresh);
    /* odds 1, 1/3, 0; each (1-.5)/4 = .125; none .5: total .5 + .125 + .041667 */
    URS_CHECK_NEAR(t, q[0], 0.125 / 0.6666666667, 1e-9);
    URS_CHECK_NEAR(t, q[1], 0.0416666667 / 0.6666666667, 1e-9);
    URS_CHECK_NEAR(t, q[2], 0, 0);
    sum = q[0] + q[1] + q[2] + fresh;
    URS_CHECK_NEAR(t, sum, 1, 1e-12);
    urs_verdict_posterior(p, 3, 4, 0.25, 0, q, &fresh); /* a pair that says 0.25 where 0.25 is what to expect tells nothing: likelihood ratio 1 */
    URS_CHECK_NEAR(t, q[1] / fresh, 0.125 / 0.5, 1e-9);
    urs_verdict_posterior(sure, 2, 2, 0, 0.2, q, &fresh);
    URS_CHECK(t, q[0] > 0.999 && q[0] <= 1 && isfinite(fresh));
    urs_verdict_posterior(NULL, 0, 0, 0, 0, NULL, &fresh);
    URS_CHECK_NEAR(t, fresh, 1, 0);
}

static void pairs_leave_groups_out(urs_test *t)
{
    const float e[4][2] = {{1, 0}, {0, 1}, {0.6f, 0.8f}, {-1, 0}};
    const int64_t identity[4] = {1, 1, 2, 2}, group[4] = {5, 5, -1, -1};
    float *score = NULL;
    uint8_t *same = NULL;
    size_t n = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_calibration_pairs(&score, &same, &n, &e[0][0], identity, group, 4, 2, &err), err);
    URS_CHECK_INT(t, n, 5); /* six pairs, one of them a burst */
    URS_CHECK_NEAR(t, score[0], 0.6, 1e-6);
    URS_CHECK_INT(t, same[0], 0);
    URS_CHECK_NEAR(t, score[4], -0.6, 1e-6);
    URS_CHECK_INT(t, same[4], 1);
    urs_free(score);
    urs_free(same);
}

int main(void)
{
    static const urs_case cases[] = {
        {"isotonic calibration agrees with scikit-learn and SciPy", isotonic_agrees},
        {"logistic calibration agrees with scikit-learn", logistic_agrees},
        {"calibration of odd data", odd_data},
        {"calibration through JSON and back", json_round_trip},
        {"calibration's JSON is checked", json_is_checked},
        {"verdicts", verdicts},
        {"probabilities over candidates", posteriors},
        {"pairs leave bursts out", pairs_leave_groups_out},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
