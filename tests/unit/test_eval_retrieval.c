/* Retrieval against plain NumPy (tools/golden/eval.py), and what must hold whatever the numbers are. */
#include "eval/retrieval.h"
#include "golden.h"
#include "harness.h"

#include <stdlib.h>

static void agrees_with_numpy(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    urs_retrieval_result r = {0};
    urs_text text = {0};
    const urs_retrieval_options o = {.leave_one_out = true, .rounds = 200, .seed = 5};
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/eval.gold", &err), err);
    const urs_golden_tensor *e = urs_golden_find(g, "retrieval/embedding"), *id = urs_golden_find(g, "retrieval/identity"), *day = urs_golden_find(g, "retrieval/day");
    const urs_golden_tensor *chip = urs_golden_find(g, "retrieval/chip_rank"), *bear = urs_golden_find(g, "retrieval/bear_rank");
    const urs_golden_tensor *ap = urs_golden_find(g, "retrieval/ap"), *best = urs_golden_find(g, "retrieval/best");
    const urs_golden_tensor *chips = urs_golden_find(g, "retrieval/hit_chips"), *bears = urs_golden_find(g, "retrieval/hit_bears"), *macro = urs_golden_find(g, "retrieval/macro");
    URS_REQUIRE(t, e && id && day && chip && bear && ap && best && chips && bears && macro);
    const urs_retrieval_set set = {e->f32, id->i64, day->i64, id->count};
    URS_REQUIRE_OK(t, urs_retrieval_evaluate(&r, &set, &set, (int32_t)e->dims[1], &o, &err), err);
    size_t lone = 0;
    for (size_t i = 0; i < set.count; i++) {
        URS_CHECK_INT(t, r.query[i].chip_rank, chip->i64[i]);
        URS_CHECK_INT(t, r.query[i].bear_rank, bear->i64[i]);
        URS_CHECK_INT(t, r.query[i].best_identity, best->i64[i]);
        URS_CHECK_INT(t, r.query[i].answerable, chip->i64[i] > 0);
        if (r.query[i].answerable)
            URS_CHECK_NEAR(t, r.query[i].average_precision, ap->f64[i], 1e-12);
        lone += chip->i64[i] == 0;
    }
    URS_CHECK(t, lone > 0);
    URS_CHECK_INT(t, r.lone, lone);
    URS_CHECK_INT(t, r.answerable + r.lone, r.queries);
    for (int k = 0; k < URS_HIT_KS; k++) {
        URS_CHECK_NEAR(t, r.chip_hit[k].value, chips->f64[k], 1e-12);
        URS_CHECK_NEAR(t, r.bear_hit[k].value, bears->f64[k], 1e-12);
        URS_CHECK_NEAR(t, r.macro_bear_hit[k].value, macro->f64[k], 1e-12);
        URS_CHECK(t, r.bear_hit[k].value >= r.chip_hit[k].value);
        URS_CHECK(t, r.chip_hit[k].low <= r.chip_hit[k].value && r.chip_hit[k].value <= r.chip_hit[k].high);
        URS_CHECK(t, r.macro_bear_hit[k].low <= r.macro_bear_hit[k].value && r.macro_bear_hit[k].value <= r.macro_bear_hit[k].high);
    }
    URS_CHECK(t, r.bear_hit[0].value == r.chip_hit[0].value);
    URS_CHECK_NEAR(t, r.mean_ap.value, urs_golden_find(g, "retrieval/map")->f64[0], 1e-12);
    URS_CHECK_NEAR(t, r.mrr.value, urs_golden_find(g, "retrieval/mrr")->f64[0], 1e-12);
    json_t *json = urs_retrieval_json(&r);
    URS_CHECK_NEAR(t, json_real_value(json_object_get(json_object_get(json_object_get(json, "hit_bears"), "10"), "value")), bears->f64[3], 1e-12);
    json_decref(json);
    urs_retrieval_text(&r, &text);
    URS_CHECK(t, strstr(urs_text_string(&text), "Hit@10 over bears") != NULL);
    urs_text_release(&text);
    urs_retrieval_release(&r);
    urs_golden_close(g);
}

/* Every chip the same vector: an honest measure must not give a hit to ties. */
static void ties_count_against_us(urs_test *t)
{
    float e[6][2];
    const int64_t id[6] = {0, 0, 1, 1, 2, 2};
    urs_retrieval_result r = {0};
    urs_error err = {0};
    const urs_retrieval_options o = {.leave_one_out = true, .rounds = -1};
    for (int i = 0; i < 6; i++) {
        e[i][0] = 1;
        e[i][1] = 0;
    }
    const urs_retrieval_set set = {&e[0][0], id, NULL, 6};
    URS_REQUIRE_OK(t, urs_retrieval_evaluate(&r, &set, &set, 2, &o, &err), err);
    URS_CHECK_NEAR(t, r.chip_hit[0].value, 0, 0);
    URS_CHECK_NEAR(t, r.bear_hit[1].value, 1, 0);
    URS_CHECK_NEAR(t, r.chance_hit1, 1.0 / 3, 1e-12);
    URS_CHECK(t, isnan(r.chip_hit[0].low));
    urs_retrieval_release(&r);
}

static void lone_queries_are_counted(urs_test *t)
{
    const float e[3][2] = {{1, 0}, {0, 1}, {0.6f, 0.8f}};
    const int64_t known[1] = {7}, asked[3] = {7, 8, 9};
    urs_retrieval_result r = {0};
    urs_error err = {0};
    const urs_retrieval_options o = {.rounds = 50}, self = {.leave_one_out = true};
    const urs_retrieval_set query = {&e[0][0], asked, NULL, 3}, gallery = {&e[0][0], known, NULL, 1}, none = {NULL, NULL, NULL, 0};
    URS_REQUIRE_OK(t, urs_retrieval_evaluate(&r, &query, &gallery, 2, &o, &err), err);
    URS_CHECK_INT(t, r.lone, 2);
    URS_CHECK_INT(t, r.answerable, 1);
    URS_CHECK_NEAR(t, r.chip_hit[0].value, 1, 0);
    URS_CHECK_NEAR(t, r.query[2].best_score, 0.6, 1e-6);
    URS_CHECK_INT(t, r.query[2].best_identity, 7);
    urs_retrieval_release(&r);
    URS_REQUIRE_OK(t, urs_retrieval_evaluate(&r, &query, &none, 2, &o, &err), err);
    URS_CHECK_INT(t, r.lone, 3);
    URS_CHECK(t, isnan(r.chip_hit[0].value) && r.query[0].best_identity == -1);
    urs_retrieval_release(&r);
    URS_CHECK_INT(t, urs_retrieval_evaluate(&r, &query, &gallery, 2, &self, &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {
        {"leave-one-out agrees with NumPy", agrees_with_numpy},
        {"ties count against us", ties_count_against_us},
        {"lone queries are counted, never dropped", lone_queries_are_counted},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
