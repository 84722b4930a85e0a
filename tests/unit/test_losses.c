/* Losses of classification and identification: spec values, PyTorch and pytorch-metric-learning goldens, gradients by finite differences. */
#include "base/random.h"
#include "golden.h"
#include "harness.h"
#include "lcg.h"
#include "train/loss_arcface.h"
#include "train/loss_class.h"

#include <stdlib.h>

#define GOLDEN URS_SOURCE_DIR "/tests/golden/losses.gold"
#define REQUIRE_GOLDEN(t, tensor) URS_REQUIRE(t, (tensor) != NULL)

static void cross_entropy_matches_pytorch(urs_test *t)
{
    static const float weights[4] = {1.0f, 0.25f, 3.0f, 0.5f};
    static const int32_t labels[6] = {0, 3, 1, 2, 2, 0};
    static const struct {
        const char *name;
        urs_softmax_loss_options options;
    } cases[] = {{"plain", {0}}, {"weighted", {.class_weights = weights}}, {"smooth", {.label_smoothing = 0.1}},
                 {"both", {.class_weights = weights, .label_smoothing = 0.2}}};
    urs_golden *g;
    urs_error err = {0};
    uint64_t lcg = 1;
    float x[24], d[24];

    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    lcg_fill(&lcg, x, 24, 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const urs_golden_tensor *value = urs_golden_find(g, "ce/%s/value", cases[i].name), *grad = urs_golden_find(g, "ce/%s/grad", cases[i].name);
        double v = 0;

        REQUIRE_GOLDEN(t, value);
        REQUIRE_GOLDEN(t, grad);
        URS_REQUIRE_OK(t, urs_softmax_loss(&v, d, NULL, x, labels, 6, 4, &cases[i].options, &err), err);
        URS_CHECK_NEAR(t, v, value->f64[0], 1e-12);
        URS_CHECK(t, urs_golden_scaled_error_f32(d, grad) < 1e-7);
    }
    urs_golden_close(g);
}

static void cross_entropy_of_shards_adds_up(urs_test *t)
{
    static const float weights[4] = {1.0f, 0.25f, 3.0f, 0.5f};
    static const int32_t labels[6] = {0, 3, -1, 2, 2, 0};
    urs_softmax_loss_options options = {.class_weights = weights, .label_smoothing = 0.1};
    urs_error err = {0};
    uint64_t lcg = 9;
    float x[24], whole[24], part[24];
    double v, a, b;
    int64_t correct, correct_a, correct_b;

    lcg_fill(&lcg, x, 24, 8);
    URS_REQUIRE_OK(t, urs_softmax_loss(&v, whole, &correct, x, labels, 6, 4, &options, &err), err);
    options.normaliser = urs_softmax_loss_weight(labels, 6, weights);
    URS_REQUIRE_OK(t, urs_softmax_loss(&a, part, &correct_a, x, labels, 2, 4, &options, &err), err);
    URS_REQUIRE_OK(t, urs_softmax_loss(&b, part + 8, &correct_b, x + 8, labels + 2, 4, 4, &options, &err), err);
    URS_CHECK_NEAR(t, a + b, v, 1e-12);
    URS_CHECK_INT(t, correct_a + correct_b, correct);
    for (int i = 0; i < 24; i++)
        URS_CHECK(t, whole[i] == part[i]);
    for (int i = 8; i < 12; i++)
        URS_CHECK(t, whole[i] == 0);
    URS_CHECK(t, urs_softmax_loss(&v, NULL, NULL, x, (const int32_t[]){4}, 1, 4, NULL, &err) == URS_EINVAL);
    URS_CHECK(t, urs_softmax_loss(&v, NULL, NULL, x, (const int32_t[]){-1}, 1, 4, NULL, &err) == URS_EINVAL);
}

static void bce_matches_pytorch(urs_test *t)
{
    urs_golden *g;
    urs_error err = {0};
    uint64_t a = 2, b = 3;
    float x[40], target[40], d[40];
    const float extreme[2] = {1000, -1000}, wanted[2] = {1, 0};

    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    lcg_fill(&a, x, 40, 20);
    for (int i = 0; i < 40; i++)
        target[i] = (lcg_next(&b) + 1) / 2;
    URS_CHECK_NEAR(t, urs_bce_loss(d, x, target, 40, 2.5, 0), urs_golden_find(g, "bce/value")->f64[0], 1e-6);
    URS_CHECK(t, urs_golden_scaled_error_f32(d, urs_golden_find(g, "bce/grad")) < 1e-6);
    URS_CHECK(t, urs_bce_loss(d, extreme, wanted, 2, 0, 0) == 0);
    URS_CHECK(t, d[0] == 0 && d[1] == 0);
    urs_golden_close(g);
}

/* Embeddings and centres in two dimensions whose cosines are the spec's. */
static double arcface_of_cosines(urs_test *t, const double cosines[3], double margin, double scale)
{
    const urs_arcface_options options = {.classes = 3, .dims = 2, .batch = 1, .margin = margin, .scale = scale};
    const float e[2] = {2, 0};
    float w[6];
    double v = 0;
    urs_arcface *a;
    urs_error err = {0};

    for (int i = 0; i < 3; i++) {
        w[2 * i] = (float)cosines[i];
        w[2 * i + 1] = (float)sqrt(1 - cosines[i] * cosines[i]);
    }
    if (urs_arcface_new(&a, &options, &err) != URS_OK ||
        urs_arcface_run(a, &v, NULL, NULL, NULL, e, (const int32_t[]){0}, NULL, 1, w, 0, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_arcface_free(a);
    return v;
}

static void arcface_has_the_specs_values(urs_test *t)
{
    URS_CHECK_NEAR(t, arcface_of_cosines(t, (const double[]){0.6, 0.2, -0.1}, 28.6 * 3.14159265358979323846 / 180, 64), 3.62158126, 2e-5);
    URS_CHECK_NEAR(t, arcface_of_cosines(t, (const double[]){0.6, 0.2, -0.1}, 0.5, 30), 1.87612105, 1e-5);
    URS_CHECK_NEAR(t, arcface_of_cosines(t, (const double[]){-0.95, 0.2, -0.1}, 0.5, 64), 88.94161724, 2e-5);
}

static void arcface_matches_the_library(urs_test *t)
{
    static const struct {
        const char *name;
        urs_arcface_options options;
    } cases[] = {{"plain", {.centres = 1}},
                 {"library", {.margin = 28.6 * 3.14159265358979323846 / 180}},
                 {"wide", {.margin = 1.2, .scale = 30}},
                 {"sub", {.centres = 3, .scale = 16}}};
    const int32_t n = 9;
    int32_t labels[9];
    urs_golden *g;
    urs_error err = {0};

    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    for (int32_t i = 0; i < n; i++)
        labels[i] = i * 5 % 7;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        urs_arcface_options options = cases[i].options;
        float e[9 * 19], w[21 * 19], d_e[9 * 19], d_w[21 * 19];
        uint64_t lcg = 4;
        double v = 0;
        urs_arcface *a;

        options.classes = 7;
        options.dims = 19;
        options.batch = n;
        URS_REQUIRE_OK(t, urs_arcface_new(&a, &options, &err), err);
        URS_REQUIRE(t, urs_arcface_weights(a) <= 21 * 19);
        lcg_fill(&lcg, e, 9 * 19, 3);
        lcg_fill(&lcg, w, urs_arcface_weights(a), 1);
        URS_REQUIRE_OK(t, urs_arcface_run(a, &v, d_e, d_w, NULL, e, labels, NULL, n, w, 0, &err), err);
        URS_CHECK_NEAR(t, v / urs_golden_find(g, "arcface/%s/value", cases[i].name)->f64[0], 1, 1e-6);
        URS_CHECK(t, urs_golden_scaled_error_f32(d_e, urs_golden_find(g, "arcface/%s/d_e", cases[i].name)) < 1e-5);
        URS_CHECK(t, urs_golden_scaled_error_f32(d_w, urs_golden_find(g, "arcface/%s/d_w", cases[i].name)) < 1e-5);
        urs_arcface_free(a);
    }
    urs_golden_close(g);
}

/* Central differences against the gradient, for what the library has not: easy margin, margins per class, sample weights; both sides of the thresholds. */
static void arcface_gradient_is_the_slope(urs_test *t)
{
    enum { N = 4, C = 3, D = 5, K = 2 };
    static const float margins[C] = {0.3f, 0.7f, 0.1f}, sample_weights[N] = {1, 0.5f, 0, 2};
    static const int32_t labels[N] = {0, 1, 2, 1};
    urs_error err = {0};

    for (int easy = 0; easy < 2; easy++) {
        const urs_arcface_options options = {.classes = C, .dims = D, .batch = N, .centres = K, .scale = 4, .easy_margin = easy, .class_margins = margins};
        float x[N * D + C * K * D], d[N * D + C * K * D];
        float *e = x, *w = x + N * D;
        uint64_t lcg = 31;
        double v;
        urs_arcface *a;

        lcg_fill(&lcg, x, N * D + C * K * D, 1);
        URS_REQUIRE_OK(t, urs_arcface_new(&a, &options, &err), err);
        URS_REQUIRE_OK(t, urs_arcface_run(a, &v, d, d + N * D, NULL, e, labels, sample_weights, N, w, 3, &err), err);
        for (size_t i = 0; i < N * D + C * K * D; i++) {
            const float kept = x[i];
            double up = 0, down = 0, width;

            x[i] = kept + 0.004f;
            width = (double)x[i];
            URS_REQUIRE_OK(t, urs_arcface_run(a, &up, NULL, NULL, NULL, e, labels, sample_weights, N, w, 3, &err), err);
            x[i] = kept - 0.004f;
            width -= (double)x[i];
            URS_REQUIRE_OK(t, urs_arcface_run(a, &down, NULL, NULL, NULL, e, labels, sample_weights, N, w, 3, &err), err);
            x[i] = kept;
            URS_CHECK_NEAR(t, (double)d[i], (up - down) / width, 5e-4);
        }
        urs_arcface_free(a);
    }
}

static void arcface_of_shards_adds_up(urs_test *t)
{
    enum { N = 6, C = 40, D = 33 };
    const urs_arcface_options options = {.classes = C, .dims = D, .batch = N};
    int32_t labels[N];
    float e[N * D], *w = calloc(3 * C * D, sizeof(float)), *d = w + C * D, *d2 = d + C * D, d_e[N * D], d_e2[N * D];
    uint64_t lcg = 5;
    double v, a, b;
    int64_t hits, hits_a, hits_b;
    urs_arcface *arc;
    urs_error err = {0};

    URS_REQUIRE(t, w != NULL);
    for (int i = 0; i < N; i++)
        labels[i] = 7 * i;
    lcg_fill(&lcg, e, N * D, 1);
    URS_REQUIRE_OK(t, urs_arcface_new(&arc, &options, &err), err);
    urs_arcface_init(arc, w, 3);
    URS_REQUIRE_OK(t, urs_arcface_run(arc, &v, d_e, d, &hits, e, labels, NULL, N, w, 0, &err), err);
    URS_REQUIRE_OK(t, urs_arcface_run(arc, &a, d_e2, d2, &hits_a, e, labels, NULL, 2, w, N, &err), err);
    for (int i = 0; i < C * D; i++)
        d[i] -= d2[i];
    URS_REQUIRE_OK(t, urs_arcface_run(arc, &b, d_e2 + 2 * D, d2, &hits_b, e + 2 * D, labels + 2, NULL, N - 2, w, N, &err), err);
    for (int i = 0; i < C * D; i++)
        URS_CHECK_NEAR(t, (double)d[i], (double)d2[i], 1e-5);
    for (int i = 0; i < N * D; i++)
        URS_CHECK(t, d_e[i] == d_e2[i]);
    URS_CHECK_NEAR(t, a + b, v, 1e-9 * v);
    URS_CHECK_INT(t, hits_a + hits_b, hits);
    URS_CHECK(t, urs_arcface_run(arc, &v, NULL, NULL, NULL, e, (const int32_t[]){C}, NULL, 1, w, 0, &err) == URS_EINVAL);
    URS_CHECK(t, urs_arcface_run(arc, &v, NULL, NULL, NULL, e, labels, NULL, N + 1, w, 0, &err) == URS_EINVAL);
    urs_arcface_free(arc);
    free(w);
}

int main(void)
{
    static const urs_case cases[] = {{"cross_entropy_matches_pytorch", cross_entropy_matches_pytorch},
                                     {"cross_entropy_of_shards_adds_up", cross_entropy_of_shards_adds_up},
                                     {"bce_matches_pytorch", bce_matches_pytorch},
                                     {"arcface_has_the_specs_values", arcface_has_the_specs_values},
                                     {"arcface_matches_the_library", arcface_matches_the_library},
                                     {"arcface_gradient_is_the_slope", arcface_gradient_is_the_slope},
                                     {"arcface_of_shards_adds_up", arcface_of_shards_adds_up}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
