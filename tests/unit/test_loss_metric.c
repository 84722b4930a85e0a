/* Miners and metric losses: pytorch-metric-learning's pairs, triplets, values and gradients (tools/golden/golden_metric.py), spec/models.md 12, and slopes by
 * finite differences. */
#include "golden.h"
#include "harness.h"
#include "lcg.h"
#include "train/loss_metric.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN URS_SOURCE_DIR "/tests/golden/metric.gold"
#define N 14
#define DIMS 6
#define CLASSES 5

static const int32_t labels[N] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4};

static const struct {
    const char *name;
    urs_miner_options options;
} miners[] = {
    {"none", {0}},
    {"batch_hard", {.kind = URS_MINER_BATCH_EASY_HARD, .level = URS_MINER_HARD}},
    {"batch_semihard", {.kind = URS_MINER_BATCH_EASY_HARD, .level = URS_MINER_SEMIHARD}},
    {"triplets_all", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_ALL, .margin = 0.3}},
    {"triplets_hard", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_HARD, .margin = 0.3}},
    {"triplets_semihard", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_SEMIHARD, .margin = 0.3}},
    {"multi_similarity", {.kind = URS_MINER_MULTI_SIMILARITY, .epsilon = 0.1}},
};
static const struct {
    const char *name;
    urs_metric_options options;
} losses[] = {
    {"triplet", {.kind = URS_METRIC_TRIPLET, .margin = 0.2}},
    {"triplet_squared", {.kind = URS_METRIC_TRIPLET, .margin = 0.2, .squared = true}},
    {"circle", {.kind = URS_METRIC_CIRCLE, .margin = 0.4, .gamma = 256}},
    {"circle_library", {.kind = URS_METRIC_CIRCLE}},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void fill(float *x)
{
    uint64_t state = 21;
    float centres[CLASSES * DIMS];
    lcg_fill(&state, centres, CLASSES * DIMS, 1.5f);
    lcg_fill(&state, x, N * DIMS, 2);
    for (int i = 0; i < N; i++)
        for (int d = 0; d < DIMS; d++)
            x[i * DIMS + d] += centres[labels[i] * DIMS + d];
}

static void mined_pairs(urs_test *t)
{
    float x[N * DIMS], weights[N];
    urs_golden *g;
    urs_error err = {0};
    fill(x);
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    for (size_t m = 1; m < COUNT(miners); m++) {
        const urs_golden_tensor *pairs = urs_golden_find(g, "%s/pairs", miners[m].name), *share = urs_golden_find(g, "%s/weights", miners[m].name);
        const urs_golden_tensor *triplets = urs_golden_find(g, "%s/triplets", miners[m].name);
        urs_mined mined;
        URS_REQUIRE(t, pairs && share);
        URS_REQUIRE_OK(t, urs_mine(&mined, &miners[m].options, x, labels, N, DIMS, &err), err);
        for (size_t i = 0; i < N * N; i++)
            if (mined.pair[i] != pairs->i64[i])
                urs_test_fail(t, __FILE__, __LINE__, "%s: pair %zu, %zu is %d", miners[m].name, i / N, i % N, (int)mined.pair[i]);
        URS_CHECK(t, mined.listed == (triplets != NULL));
        URS_CHECK_INT(t, mined.triplet_count * 3, triplets ? triplets->count : 0);
        for (size_t i = 0; triplets && i < mined.triplet_count && i < triplets->count / 3; i++)
            URS_CHECK(t, mined.triplets[i].anchor == triplets->i64[3 * i] && mined.triplets[i].positive == triplets->i64[3 * i + 1] &&
                             mined.triplets[i].negative == triplets->i64[3 * i + 2]);
        urs_mined_weights(weights, &mined);
        for (int i = 0; i < N; i++)
            URS_CHECK_NEAR(t, weights[i], share->f64[i], 1e-6);
        urs_mined_release(&mined);
    }
    urs_golden_close(g);
}

static void check_loss(urs_test *t, const urs_golden *g, const char *name, const urs_metric_options *options, const urs_mined *mined)
{
    const urs_golden_tensor *value = urs_golden_find(g, "%s/value", name), *gradient = urs_golden_find(g, "%s/grad", name);
    float x[N * DIMS], d[N * DIMS];
    urs_error err = {0};
    double v;
    fill(x);
    URS_REQUIRE(t, value && gradient);
    URS_REQUIRE_OK(t, urs_metric_loss(&v, d, options, mined, x, labels, N, DIMS, &err), err);
    if (!(fabs(v - value->f64[0]) <= 1e-9 * fmax(1, fabs(value->f64[0]))))
        urs_test_fail(t, __FILE__, __LINE__, "%s: %.12g, not %.12g", name, v, value->f64[0]);
    if (!(urs_golden_scaled_error_f32(d, gradient) < 1e-6))
        urs_test_fail(t, __FILE__, __LINE__, "%s: gradient off by %.3g", name, urs_golden_scaled_error_f32(d, gradient));
}

static void values_and_gradients(urs_test *t)
{
    static const urs_metric_options dlib = {.kind = URS_METRIC_CONTRASTIVE}, wide = {.kind = URS_METRIC_CONTRASTIVE, .threshold = 3, .margin = 0.5};
    float x[N * DIMS];
    urs_golden *g;
    urs_error err = {0};
    fill(x);
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    for (size_t m = 0; m < COUNT(miners); m++) {
        urs_mined mined;
        URS_REQUIRE_OK(t, urs_mine(&mined, &miners[m].options, x, labels, N, DIMS, &err), err);
        for (size_t l = 0; l < COUNT(losses); l++) {
            char name[96];
            (void)snprintf(name, sizeof name, "%s/%s", miners[m].name, losses[l].name);
            check_loss(t, g, name, &losses[l].options, &mined);
            if (m == 0)
                check_loss(t, g, name, &losses[l].options, NULL);
        }
        urs_mined_release(&mined);
    }
    check_loss(t, g, "contrastive/dlib", &dlib, NULL);
    check_loss(t, g, "contrastive/wide", &wide, NULL);
    urs_golden_close(g);
}

/* spec/models.md 12: one anchor with cosines .8 and .6 to its own, .3 and .5 to others. */
static void circle_has_the_specs_values(urs_test *t)
{
    static const double cosines[4] = {0.8, 0.6, 0.3, 0.5};
    static const int32_t five[5] = {0, 0, 0, 1, 2};
    static const struct {
        double margin, gamma, value, tolerance;
    } rows[] = {{0.25, 256, 72.96, 1e-4}, {0.4, 80, 7.20081674, 1e-5}};
    float x[5 * 5] = {1};
    uint8_t pair[5 * 5] = {0, URS_PAIR_POSITIVE, URS_PAIR_POSITIVE, URS_PAIR_NEGATIVE, URS_PAIR_NEGATIVE};
    const urs_mined mined = {.n = 5, .pair = pair};
    urs_error err = {0};
    for (int i = 0; i < 4; i++) {
        x[(i + 1) * 5] = (float)cosines[i];
        x[(i + 1) * 5 + i + 1] = (float)sqrt(1 - cosines[i] * cosines[i]);
    }
    for (size_t r = 0; r < COUNT(rows); r++) {
        const urs_metric_options options = {.kind = URS_METRIC_CIRCLE, .margin = rows[r].margin, .gamma = rows[r].gamma};
        double v;
        URS_REQUIRE_OK(t, urs_metric_loss(&v, NULL, &options, &mined, x, five, 5, 5, &err), err);
        URS_CHECK_NEAR(t, v, rows[r].value, rows[r].tolerance);
    }
}

/* Not for the circle loss, whose gradient leaves its brackets out: it is held by the library's. */
static void slopes(urs_test *t)
{
    static const urs_metric_options options[] = {{.kind = URS_METRIC_TRIPLET, .margin = 0.2}, {.kind = URS_METRIC_TRIPLET, .margin = 0.2, .squared = true},
                                                 {.kind = URS_METRIC_CONTRASTIVE, .threshold = 3, .margin = 0.5}};
    const float step = 0x1p-12f;
    for (size_t o = 0; o < COUNT(options); o++) {
        float x[N * DIMS], d[N * DIMS];
        urs_error err = {0};
        double v;
        fill(x);
        URS_REQUIRE_OK(t, urs_metric_loss(&v, d, &options[o], NULL, x, labels, N, DIMS, &err), err);
        for (size_t i = 0; i < N * DIMS; i++) {
            const float centre = x[i], above = centre + step, below = centre - step;
            double up = 0, down = 0;
            x[i] = above;
            URS_REQUIRE_OK(t, urs_metric_loss(&up, NULL, &options[o], NULL, x, labels, N, DIMS, &err), err);
            x[i] = below;
            URS_REQUIRE_OK(t, urs_metric_loss(&down, NULL, &options[o], NULL, x, labels, N, DIMS, &err), err);
            x[i] = centre;
            URS_CHECK_NEAR(t, (up - down) / ((double)above - (double)below), d[i], 2e-3);
        }
    }
}

static void nothing_to_learn(urs_test *t)
{
    const int32_t alone[3] = {0, 1, 2}, same[3] = {4, 4, 4};
    float x[3 * DIMS] = {1, 2, 3}, d[3 * DIMS];
    urs_error err = {0};
    urs_mined mined;
    for (int kind = 0; kind <= URS_METRIC_CONTRASTIVE; kind++) {
        const urs_metric_options options = {.kind = (urs_metric_kind)kind};
        double v = 1;
        URS_REQUIRE_OK(t, urs_metric_loss(&v, d, &options, NULL, x, alone, 3, DIMS, &err), err);
        for (size_t i = 0; i < 3 * DIMS; i++)
            URS_CHECK(t, d[i] == 0);
        URS_CHECK(t, v == 0);
        x[DIMS] = x[2 * DIMS] = 1; /* equal embeddings */
        x[DIMS + 1] = x[2 * DIMS + 1] = 2;
        x[DIMS + 2] = x[2 * DIMS + 2] = 3;
        URS_REQUIRE_OK(t, urs_metric_loss(&v, d, &options, NULL, x, same, 3, DIMS, &err), err);
        for (size_t i = 0; i < 3 * DIMS; i++)
            URS_CHECK(t, isfinite(d[i]));
    }
    URS_CHECK(t, urs_mine(&mined, &(urs_miner_options){.kind = (urs_miner_kind)9}, x, same, 3, DIMS, &err) == URS_EINVAL);
    URS_CHECK(t, urs_mine(&mined, &(urs_miner_options){0}, x, same, 0, DIMS, &err) == URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {{"mined pairs, triplets, weights", mined_pairs}, {"values and gradients of the library", values_and_gradients},
                                     {"values of the specification", circle_has_the_specs_values}, {"slopes", slopes}, {"nothing to learn from", nothing_to_learn}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
