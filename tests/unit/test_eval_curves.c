/* Classification, curves, new bears and reliability against scikit-learn and NumPy (tools/golden/eval.py). */
#include "base/memory.h"
#include "eval/calibration_curve.h"
#include "eval/classification.h"
#include "eval/interval.h"
#include "eval/openset.h"
#include "eval/risk.h"
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

static double one(const urs_golden *g, const char *name)
{
    const urs_golden_tensor *x = urs_golden_find(g, "%s", name);
    return x ? x->f64[0] : NAN;
}

static void curves_agree(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_roc roc = {0};
    double threshold = 0, reached = 0, precision = 0, best = 0;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *s = urs_golden_find(g, "curve/score"), *fpr = urs_golden_find(g, "curve/fpr"), *tpr = urs_golden_find(g, "curve/tpr");
    uint8_t *positive = as_flags(urs_golden_find(g, "curve/positive"));
    URS_REQUIRE(t, s && fpr && tpr && positive);
    URS_CHECK_NEAR(t, urs_auroc(s->f32, positive, s->count), one(g, "curve/auroc"), 1e-12);
    URS_CHECK_NEAR(t, urs_average_precision(s->f32, positive, s->count), one(g, "curve/ap"), 1e-12);
    URS_CHECK_NEAR(t, urs_fpr_at_tpr(s->f32, positive, s->count, 0.95), one(g, "curve/fpr95"), 1e-12);
    URS_CHECK_NEAR(t, urs_tpr_at_fpr(s->f32, positive, s->count, 0.01), one(g, "curve/tpr1"), 1e-12);
    URS_CHECK_NEAR(t, urs_tpr_at_fpr(s->f32, positive, s->count, 0.1), one(g, "curve/tpr10"), 1e-12);
    URS_CHECK_NEAR(t, urs_balanced_accuracy_at(s->f32, positive, s->count, 0.5), one(g, "curve/balanced_at_half"), 1e-12);
    URS_REQUIRE_OK(t, urs_best_threshold(&threshold, &best, s->f32, positive, s->count, &err), err);
    URS_CHECK_NEAR(t, best, one(g, "curve/best_balanced"), 1e-12);
    URS_CHECK_NEAR(t, urs_balanced_accuracy_at(s->f32, positive, s->count, threshold), best, 1e-12);
    URS_REQUIRE_OK(t, urs_threshold_for_recall(&threshold, &reached, &precision, s->f32, positive, s->count, 0.9, &err), err);
    URS_CHECK_NEAR(t, threshold, one(g, "curve/threshold_recall90"), 1e-12);
    URS_CHECK_NEAR(t, precision, one(g, "curve/precision_recall90"), 1e-12);
    URS_CHECK(t, reached >= 0.9);
    URS_REQUIRE_OK(t, urs_roc_curve(&roc, s->f32, positive, s->count, &err), err);
    URS_CHECK_INT(t, roc.count, fpr->count);
    for (size_t i = 0; i < roc.count && i < fpr->count; i++) {
        URS_CHECK_NEAR(t, roc.fpr[i], fpr->f64[i], 1e-12);
        URS_CHECK_NEAR(t, roc.tpr[i], tpr->f64[i], 1e-12);
    }
    urs_roc_release(&roc);
    urs_free(positive);
    urs_golden_close(g);
}

static void curves_refuse_one_kind(urs_test *t)
{
    const float score[2] = {0.1f, 0.2f};
    const uint8_t all[2] = {1, 1};
    double threshold;
    urs_roc roc;
    urs_error err = {0};
    URS_CHECK(t, isnan(urs_auroc(score, all, 2)));
    URS_CHECK(t, isnan(urs_fpr_at_tpr(score, all, 2, 0.95)));
    URS_CHECK(t, isnan(urs_auroc(score, all, 0)));
    URS_CHECK_INT(t, urs_best_threshold(&threshold, NULL, score, all, 2, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_roc_curve(&roc, score, all, 2, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_threshold_for_recall(&threshold, NULL, NULL, score, all, 2, 0, &err), URS_EINVAL);
}

/* As many scores reach it as before, and it stays where it is while it may. */
static void threshold_is_carried(urs_test *t)
{
    const float from[5] = {0.9f, 0.7f, 0.6f, 0.2f, 0.1f}, same[5] = {0.8f, 0.9f, 0.65f, 0.3f, 0.0f}, higher[5] = {0.9f, 0.8f, 0.7f, 0.6f, 0.55f}, lower[5] = {0.5f, 0.4f, 0.3f, 0.2f, 0.1f},
                tied[5] = {0.7f, 0.7f, 0.7f, 0.7f, 0.7f};
    double at = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.5, from, same, 5, &err), err);
    URS_CHECK_NEAR(t, at, 0.5, 0);
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.5, from, higher, 5, &err), err);
    URS_CHECK_NEAR(t, at, 0.65, 1e-6); /* between the third and the fourth */
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.5, from, lower, 5, &err), err);
    URS_CHECK_NEAR(t, at, 0.3, 1e-6);
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.5, from, tied, 5, &err), err);
    URS_CHECK_NEAR(t, at, 0.7, 1e-6);
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.95, from, tied, 5, &err), err); /* none */
    URS_CHECK_NEAR(t, at, 0.95, 0);
    URS_REQUIRE_OK(t, urs_threshold_carry(&at, 0.05, from, lower, 5, &err), err); /* all */
    URS_CHECK_NEAR(t, at, 0.05, 0);
}

static void confusion_agrees(urs_test *t)
{
    static const char *const names[5] = {"empty", "animal", "bear", "person", "car"};
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_confusion c = {0};
    urs_text text = {0};
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *truth = urs_golden_find(g, "confusion/truth"), *answer = urs_golden_find(g, "confusion/answer");
    const urs_golden_tensor *matrix = urs_golden_find(g, "confusion/matrix");
    const urs_golden_tensor *precision = urs_golden_find(g, "confusion/precision"), *recall = urs_golden_find(g, "confusion/recall"), *f1 = urs_golden_find(g, "confusion/f1");
    URS_REQUIRE(t, truth && answer && matrix && precision && recall && f1);
    URS_REQUIRE_OK(t, urs_confusion_new(&c, 5, &err), err);
    for (size_t i = 0; i < truth->count; i++)
        URS_REQUIRE_OK(t, urs_confusion_add(&c, (size_t)truth->i64[i], (size_t)answer->i64[i], &err), err);
    for (size_t i = 0; i < 25; i++)
        URS_CHECK_INT(t, c.count[i], matrix->i64[i]);
    for (size_t k = 0; k < 5; k++) { /* scikit-learn writes 0 where we say "nothing to measure" */
        const urs_class_scores s = urs_confusion_class(&c, k);
        URS_CHECK_NEAR(t, isnan(s.precision) ? 0 : s.precision, precision->f64[k], 1e-12);
        URS_CHECK_NEAR(t, isnan(s.recall) ? 0 : s.recall, recall->f64[k], 1e-12);
        URS_CHECK_NEAR(t, isnan(s.f1) ? 0 : s.f1, f1->f64[k], 1e-12);
    }
    URS_CHECK(t, isnan(urs_confusion_class(&c, 3).recall));
    URS_CHECK_NEAR(t, urs_confusion_accuracy(&c), one(g, "confusion/accuracy"), 1e-12);
    URS_CHECK_NEAR(t, urs_confusion_balanced_accuracy(&c), one(g, "confusion/balanced"), 1e-12);
    URS_CHECK_NEAR(t, urs_confusion_macro_f1(&c), one(g, "confusion/macro_f1"), 1e-12);
    URS_CHECK_INT(t, urs_confusion_add(&c, 5, 0, &err), URS_EINVAL);
    json_t *json = urs_confusion_json(&c, names);
    URS_CHECK_INT(t, json_array_size(json_object_get(json, "classes")), 5);
    URS_CHECK_INT(t, json_integer_value(json_object_get(json, "frames")), 300);
    URS_CHECK(t, json_is_null(json_object_get(json_array_get(json_object_get(json, "classes"), 3), "recall")));
    json_decref(json);
    urs_confusion_text(&c, names, &text);
    URS_CHECK(t, strstr(urs_text_string(&text), "accuracy") != NULL);
    urs_text_release(&text);
    urs_confusion_release(&c);
    urs_golden_close(g);
}

static void openset_agrees(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_openset_result r = {0}, again = {0};
    urs_openset_query q[80];
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *id = urs_golden_find(g, "openset/identity"), *known = urs_golden_find(g, "openset/known");
    const urs_golden_tensor *best = urs_golden_find(g, "openset/best"), *score = urs_golden_find(g, "openset/score");
    URS_REQUIRE(t, id && known && best && score && id->count == 80);
    for (size_t i = 0; i < 80; i++)
        q[i] = (urs_openset_query){id->i64[i], best->i64[i], score->f32[i], known->i64[i] != 0};
    URS_REQUIRE_OK(t, urs_openset_evaluate(&r, q, 80, 0.5, 200, 7, &err), err);
    URS_CHECK_NEAR(t, r.baks.value, one(g, "openset/baks"), 1e-12);
    URS_CHECK_NEAR(t, r.baus.value, one(g, "openset/baus"), 1e-12);
    URS_CHECK_NEAR(t, r.score.value, sqrt(r.baks.value * r.baus.value), 1e-12);
    URS_CHECK(t, r.baks.low <= r.baks.value && r.baks.value <= r.baks.high && r.score.low < r.score.high);
    URS_CHECK_NEAR(t, r.detected1.value, one(g, "openset/detected1"), 1e-12);
    URS_CHECK_NEAR(t, r.detected10.value, one(g, "openset/detected10"), 1e-12);
    URS_CHECK(t, r.auroc.low <= r.auroc.value && r.auroc.value <= r.auroc.high && r.auroc.low < r.auroc.high);
    URS_CHECK(t, !r.threshold_from_data && r.best_balanced_accuracy >= r.balanced_accuracy.value);
    URS_REQUIRE_OK(t, urs_openset_evaluate(&again, q, 80, 0.5, 200, 7, &err), err);
    URS_CHECK(t, again.auroc.low == r.auroc.low && again.fpr95.high == r.fpr95.high);
    URS_REQUIRE_OK(t, urs_openset_evaluate(&r, q, 80, NAN, -1, 7, &err), err);
    URS_CHECK(t, r.threshold_from_data && isnan(r.auroc.low));
    URS_CHECK_NEAR(t, r.balanced_accuracy.value, r.best_balanced_accuracy, 1e-12);
    json_t *json = urs_openset_json(&r);
    URS_CHECK(t, json_is_true(json_object_get(json, "threshold_chosen_on_these_data")));
    json_decref(json);
    for (size_t i = 0; i < 80; i++)
        q[i].known = 1;
    URS_CHECK_INT(t, urs_openset_evaluate(&r, q, 80, 0.5, -1, 7, &err), URS_EINVAL);
    urs_golden_close(g);
}

static void pairs_are_balanced(urs_test *t)
{
    int64_t identity[40], group[40];
    urs_pairs p = {0};
    urs_error err = {0};
    for (int i = 0; i < 40; i++) {
        identity[i] = i / 4;
        group[i] = i / 2; /* bursts of two */
    }
    URS_REQUIRE_OK(t, urs_pairs_draw(&p, identity, group, 40, 0, 3, &err), err);
    URS_CHECK_INT(t, p.count, 80); /* 10 bears, 6 pairs each, 2 of them bursts */
    for (size_t i = 0; i < p.count; i++) {
        URS_CHECK(t, p.a[i] < p.b[i] && p.b[i] < 40);
        URS_CHECK(t, (identity[p.a[i]] == identity[p.b[i]]) == (p.same[i] == 1));
        URS_CHECK(t, group[p.a[i]] != group[p.b[i]]);
        for (size_t j = 0; j < i; j++)
            URS_CHECK(t, p.a[i] != p.a[j] || p.b[i] != p.b[j]);
    }
    urs_pairs_release(&p);
    URS_REQUIRE_OK(t, urs_pairs_draw(&p, identity, NULL, 40, 5, 3, &err), err);
    URS_CHECK_INT(t, p.count, 10);
    urs_pairs_release(&p);
    for (int i = 0; i < 40; i++)
        identity[i] = i;
    URS_CHECK_INT(t, urs_pairs_draw(&p, identity, NULL, 40, 0, 3, &err), URS_EINVAL);
}

static void risk_agrees(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_risk_curve c = {0};
    double from;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *confidence = urs_golden_find(g, "risk/confidence"), *coverage = urs_golden_find(g, "risk/coverage"), *risk = urs_golden_find(g, "risk/risk");
    uint8_t *right = as_flags(urs_golden_find(g, "reliability/truth"));
    URS_REQUIRE(t, confidence && coverage && risk && right);
    URS_REQUIRE_OK(t, urs_risk_curve_make(&c, confidence->f64, right, confidence->count, &err), err);
    URS_REQUIRE(t, c.count == coverage->count);
    for (size_t i = 0; i < c.count; i++) {
        URS_CHECK_NEAR(t, c.coverage[i], coverage->f64[i], 1e-12);
        URS_CHECK_NEAR(t, c.risk[i], risk->f64[i], 1e-12);
    }
    URS_CHECK_NEAR(t, c.area, one(g, "risk/area"), 1e-12);
    URS_CHECK_NEAR(t, urs_risk_coverage(&c, 0.3, &from), one(g, "risk/coverage30"), 1e-12);
    URS_CHECK(t, from >= 0 && from <= 1);
    URS_CHECK_NEAR(t, urs_risk_coverage(&c, -1, &from), 0, 0);
    URS_CHECK(t, isinf(from));
    URS_CHECK_INT(t, urs_risk_curve_make(&c, confidence->f64, right, 0, &err), URS_EINVAL);
    urs_risk_curve_release(&c);
    urs_free(right);
    urs_golden_close(g);
}

static void reliability_agrees(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_reliability r = {0};
    const double bad = 1.5;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    const urs_golden_tensor *p = urs_golden_find(g, "reliability/p");
    uint8_t *truth = as_flags(urs_golden_find(g, "reliability/truth"));
    URS_REQUIRE(t, p && truth);
    URS_REQUIRE_OK(t, urs_reliability_measure(&r, p->f64, truth, p->count, 0, &err), err);
    URS_CHECK_NEAR(t, r.ece, one(g, "reliability/ece"), 1e-12);
    URS_CHECK_NEAR(t, r.mce, one(g, "reliability/mce"), 1e-12);
    URS_CHECK_NEAR(t, r.brier, one(g, "reliability/brier"), 1e-12);
    URS_CHECK_INT(t, urs_reliability_measure(&r, &bad, truth, 1, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_reliability_measure(&r, &bad, truth, 0, 0, &err), URS_EINVAL);
    urs_free(truth);
    urs_golden_close(g);
}

/* A mean of 30 clusters of known spread: the interval must have about the width that theory gives, and repeated items must not narrow it. */
static void intervals_follow_clusters(urs_test *t)
{
    double value[300];
    int64_t cluster[300], alone[300];
    urs_interval by_cluster, by_item;
    urs_error err = {0};
    for (int i = 0; i < 300; i++) {
        cluster[i] = i / 10;
        alone[i] = i;
        value[i] = (i / 10) % 2; /* all ten items of a cluster are alike */
    }
    URS_REQUIRE_OK(t, urs_interval_mean(&by_cluster, value, cluster, 300, 2000, 1, &err), err);
    URS_REQUIRE_OK(t, urs_interval_mean(&by_item, value, alone, 300, 2000, 1, &err), err);
    URS_CHECK_NEAR(t, by_cluster.value, 0.5, 1e-12);
    URS_CHECK_NEAR(t, by_cluster.high - by_cluster.low, 2 * 1.96 * 0.5 / sqrt(30.0), 0.05);
    URS_CHECK_NEAR(t, by_item.high - by_item.low, 2 * 1.96 * 0.5 / sqrt(300.0), 0.02);
    value[0] = NAN;
    URS_REQUIRE_OK(t, urs_interval_mean(&by_item, value, alone, 300, -1, 1, &err), err);
    URS_CHECK_NEAR(t, by_item.value, 150.0 / 299, 1e-12);
    URS_REQUIRE_OK(t, urs_interval_mean(&by_item, value, alone, 0, 10, 1, &err), err);
    URS_CHECK(t, isnan(by_item.value));
}

int main(void)
{
    static const urs_case cases[] = {
        {"curves agree with scikit-learn", curves_agree},
        {"one kind only is refused", curves_refuse_one_kind},
        {"a threshold is carried over", threshold_is_carried},
        {"confusion matrix agrees with scikit-learn", confusion_agrees},
        {"new bears agree with NumPy", openset_agrees},
        {"risk agrees with NumPy", risk_agrees},
        {"verification pairs are balanced and unique", pairs_are_balanced},
        {"reliability agrees with NumPy", reliability_agrees},
        {"intervals follow the clusters", intervals_follow_clusters},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
