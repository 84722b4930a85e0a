/* Optimisers step for step against torch.optim, clipping, groups, statistics, and the same result for any number of threads. */
#include "golden.h"
#include "harness.h"
#include "lcg.h"
#include "train/ema.h"
#include "train/optimiser.h"

#include <stdlib.h>

#define GOLDEN URS_SOURCE_DIR "/tests/golden/optimiser.gold"
enum { STEPS = 12, A = 16, B = 8, ELEMENTS = 32 }; /* A at 0, B at 16, padding at 24 */

static const urs_range ranges[] = {{.offset = 0, .count = A, .group = 0}, {.offset = 16, .count = B, .group = 1}};

static void run_golden(urs_test *t, const urs_golden *g, const char *name, urs_optimiser_options options, double momentum, bool clip)
{
    const urs_golden_tensor *history = urs_golden_find(g, "%s", name);
    float p[ELEMENTS] = {0}, d[ELEMENTS] = {0};
    uint64_t lcg = 11;
    urs_optimiser *o;
    urs_error err = {0};

    URS_REQUIRE(t, history && history->count == STEPS * (A + B));
    options.groups[0].weight_decay = 0.05;
    URS_REQUIRE_OK(t, urs_optimiser_new(&o, &options, ranges, 2, ELEMENTS, &err), err);
    lcg_fill(&lcg, p, A, 2);
    lcg_fill(&lcg, p + 16, B, 2);
    p[24] = 5;
    for (int step = 0; step < STEPS; step++) {
        const urs_rates rates = {.lr = {0.01 * (1 + step % 3), 0.02 * (1 + step % 3)}, .momentum = momentum};
        double factor = 1;

        lcg_fill(&lcg, d, A, 1);
        lcg_fill(&lcg, d + 16, B, 1);
        d[24] = 9; /* padding must neither count nor move */
        if (clip) {
            double norm;

            URS_REQUIRE_OK(t, urs_optimiser_norm(&norm, o, d, NULL, &err), err);
            URS_CHECK_NEAR(t, norm, urs_golden_find(g, "%s/norm%d", name, step)->f64[0], 1e-6);
            factor = urs_clip_factor(norm, 1.5);
            URS_CHECK(t, factor < 1);
        }
        URS_REQUIRE_OK(t, urs_optimiser_step(o, p, d, factor, &rates, NULL, &err), err);
        for (int i = 0; i < A + B; i++)
            URS_CHECK_NEAR(t, p[i], history->f64[step * (A + B) + i], 1e-6);
    }
    URS_CHECK(t, p[24] == 5);
    URS_CHECK_INT(t, urs_optimiser_steps(o), STEPS);
    urs_optimiser_free(o);
}

static void steps_as_pytorch(urs_test *t)
{
    urs_golden *g;
    urs_error err = {0};

    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    run_golden(t, g, "sgd", (urs_optimiser_options){.kind = URS_OPTIMISER_SGD}, 0, false);
    run_golden(t, g, "momentum", (urs_optimiser_options){.kind = URS_OPTIMISER_SGD}, 0.9, true);
    run_golden(t, g, "nesterov", (urs_optimiser_options){.kind = URS_OPTIMISER_SGD, .nesterov = true}, 0.937, false);
    run_golden(t, g, "adamw", (urs_optimiser_options){.kind = URS_OPTIMISER_ADAMW}, 0.9, false);
    run_golden(t, g, "adamw_clip", (urs_optimiser_options){.kind = URS_OPTIMISER_ADAMW, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-6}, 0, true);
    urs_golden_close(g);
}

static void groups_and_statistics(urs_test *t)
{
    const urs_range four[] = {{.offset = 0, .count = 4, .group = 0},
                              {.offset = 4, .count = 4, .group = 1},
                              {.offset = 8, .count = 2, .group = 0, .statistics = true, .stat_momentum = 0.25f},
                              {.offset = 10, .count = 2, .group = 1, .statistics = true, .stat_momentum = 0.25f}};
    const urs_optimiser_options options = {.groups = {{.lr_scale = 0.5}, {.frozen = true}}};
    const urs_rates rates = {.lr = {0.1, 0.1}};
    float p[12], d[12];
    double norm;
    urs_optimiser *o;
    urs_error err = {0};

    for (int i = 0; i < 12; i++) {
        p[i] = 1;
        d[i] = 2;
    }
    URS_REQUIRE_OK(t, urs_optimiser_new(&o, &options, four, 4, 12, &err), err);
    URS_REQUIRE_OK(t, urs_optimiser_norm(&norm, o, d, NULL, &err), err);
    URS_CHECK_NEAR(t, norm, 4, 1e-12); /* four elements of two; frozen ones and statistics are not gradients */
    URS_REQUIRE_OK(t, urs_optimiser_step(o, p, d, 1, &rates, NULL, &err), err);
    urs_optimiser_statistics(o, p, d);
    URS_CHECK_NEAR(t, p[0], 0.9, 1e-7);
    URS_CHECK(t, p[4] == 1);
    URS_CHECK_NEAR(t, p[8], 1.25, 1e-7);
    URS_CHECK(t, p[10] == 1);
    urs_optimiser_free(o);
    URS_CHECK(t, urs_optimiser_new(&o, &options, (const urs_range[]){{.offset = 8, .count = 5}}, 1, 12, &err) == URS_EINVAL);
    URS_CHECK(t, urs_optimiser_new(&o, &options, (const urs_range[]){{.offset = 0, .count = 5}, {.offset = 4, .count = 5}}, 2, 12, &err) == URS_EINVAL);
    URS_CHECK(t, urs_optimiser_new(&o, &options, (const urs_range[]){{.count = 5, .group = URS_GROUPS_MAX}}, 1, 12, &err) == URS_EINVAL);
}

static void threads_change_nothing(urs_test *t)
{
    enum { N = 300001 };
    const urs_range one = {.offset = 0, .count = N};
    const urs_optimiser_options options = {.kind = URS_OPTIMISER_ADAMW};
    const urs_rates rates = {.lr = {0.01}};
    float *p[2], *d = malloc(N * sizeof(float)), *average[2];
    double norm[2];
    uint64_t lcg = 3;
    urs_pool *pool;
    urs_error err = {0};

    URS_REQUIRE(t, d != NULL);
    lcg_fill(&lcg, d, N, 1);
    URS_REQUIRE_OK(t, urs_pool_new(&pool, 3, &err), err);
    for (int i = 0; i < 2; i++) {
        urs_optimiser *o;

        p[i] = calloc(N, sizeof(float));
        average[i] = calloc(N, sizeof(float));
        URS_REQUIRE(t, p[i] && average[i]);
        URS_REQUIRE_OK(t, urs_optimiser_new(&o, &options, &one, 1, N, &err), err);
        for (int step = 0; step < 3; step++) {
            URS_REQUIRE_OK(t, urs_optimiser_norm(&norm[i], o, d, i ? pool : NULL, &err), err);
            URS_REQUIRE_OK(t, urs_optimiser_step(o, p[i], d, 1, &rates, i ? pool : NULL, &err), err);
            URS_REQUIRE_OK(t, urs_ema_update(average[i], p[i], N, 0.5, i ? pool : NULL, &err), err);
        }
        urs_optimiser_free(o);
    }
    URS_CHECK(t, norm[0] == norm[1]);
    URS_CHECK(t, memcmp(p[0], p[1], N * sizeof(float)) == 0);
    URS_CHECK(t, memcmp(average[0], average[1], N * sizeof(float)) == 0);
    URS_CHECK_NEAR(t, average[0][7], p[0][7] * 0.8, 0.02); /* three equal steps: (1/8 + 2/4 + 3/2) of one, over three */
    urs_pool_free(pool);
    for (int i = 0; i < 2; i++) {
        free(p[i]);
        free(average[i]);
    }
    free(d);
}

static void average_ramps_up(urs_test *t)
{
    URS_CHECK_NEAR(t, urs_ema_decay(0, 0, 0), 0, 0);
    URS_CHECK_NEAR(t, urs_ema_decay(1, 0, 0), 0.9999 * (1 - exp(-1.0 / 2000)), 1e-15);
    URS_CHECK_NEAR(t, urs_ema_decay(2000, 0.99, 0), 0.99 * (1 - exp(-1.0)), 1e-15);
    URS_CHECK_NEAR(t, urs_ema_decay(1000000, 0.99, 100), 0.99, 1e-12);
}

int main(void)
{
    static const urs_case cases[] = {{"steps_as_pytorch", steps_as_pytorch},
                                     {"groups_and_statistics", groups_and_statistics},
                                     {"threads_change_nothing", threads_change_nothing},
                                     {"average_ramps_up", average_ramps_up}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
