/* Losses of embed by name, and that a batch put together from shards is the whole batch. */
#include "harness.h"
#include "lcg.h"
#include "stages/embed_loss.h"

#define N 8
#define DIMS 5

static const int32_t labels[N] = {0, 0, 1, 1, 2, 2, 3, 3};

static void names(urs_test *t)
{
    urs_embed_loss l;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_embed_loss_find(&l, NULL, NULL, 0, 0, &err), err);
    URS_CHECK(t, l.arcface && l.miner.kind == URS_MINER_NONE);
    URS_REQUIRE_OK(t, urs_embed_loss_find(&l, "circle", "batch-semihard", 0, 0, &err), err);
    URS_CHECK(t, !l.arcface && l.metric.kind == URS_METRIC_CIRCLE && l.miner.kind == URS_MINER_BATCH_EASY_HARD && l.miner.level == URS_MINER_SEMIHARD);
    URS_CHECK_NEAR(t, l.metric.gamma, 256, 0);
    URS_REQUIRE_OK(t, urs_embed_loss_find(&l, "triplet", "triplets-all", 0.3, 0, &err), err);
    URS_CHECK_NEAR(t, l.metric.margin, 0.3, 0);
    URS_CHECK_NEAR(t, l.miner.margin, 0.3, 0);
    URS_CHECK_INT(t, urs_embed_loss_find(&l, "square", NULL, 0, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_embed_loss_find(&l, "circle", "gold", 0, 0, &err), URS_EINVAL);
}

static void shards(urs_test *t)
{
    float x[N * DIMS], d[N * DIMS];
    uint64_t state = 5;
    urs_embed_batch *b = NULL;
    urs_embed_loss l;
    urs_error err = {0};
    double value;
    lcg_fill(&state, x, N * DIMS, 1);
    URS_REQUIRE_OK(t, urs_embed_loss_find(&l, "circle", NULL, 0, 0, &err), err);
    URS_REQUIRE_OK(t, urs_embed_batch_new(&b, &l, N, DIMS, &err), err);
    urs_embed_batch_put(b, x + 3 * DIMS, labels + 3, 3, N - 3);
    urs_embed_batch_put(b, x, labels, 0, 3);
    URS_REQUIRE_OK(t, urs_embed_batch_combine(b, &err), err);
    URS_REQUIRE_OK(t, urs_metric_loss(&value, d, &l.metric, NULL, x, labels, N, DIMS, &err), err);
    URS_CHECK(t, value > 0);
    URS_CHECK_NEAR(t, urs_embed_batch_value(b), value, 0);
    URS_CHECK(t, memcmp(urs_embed_batch_gradient(b), d, sizeof d) == 0);
    urs_embed_batch_free(b);
}

/* Without a miner every sample of ArcFace weighs one; with one, those that occur most. */
static void weights(urs_test *t)
{
    static const char *const miners[] = {"none", "batch-hard"};
    float x[N * DIMS], top = 0, sum = 0;
    uint64_t state = 6;
    lcg_fill(&state, x, N * DIMS, 1);
    for (int m = 0; m < 2; m++) {
        urs_embed_batch *b = NULL;
        urs_embed_loss l;
        urs_error err = {0};
        URS_REQUIRE_OK(t, urs_embed_loss_find(&l, "arcface", miners[m], 0, 0, &err), err);
        URS_REQUIRE_OK(t, urs_embed_batch_new(&b, &l, N, DIMS, &err), err);
        urs_embed_batch_put(b, x, labels, 0, N);
        URS_REQUIRE_OK(t, urs_embed_batch_combine(b, &err), err);
        for (int i = 0; i < N; i++) {
            const float w = urs_embed_batch_weights(b)[i];
            URS_CHECK(t, m == 0 ? w == 1 : w >= 0 && w <= 1);
            top = m && w > top ? w : top;
            sum += m ? w : 0;
        }
        urs_embed_batch_free(b);
    }
    URS_CHECK(t, top == 1 && sum < N);
}

int main(void)
{
    static const urs_case cases[] = {{"names", names}, {"shards make the whole", shards}, {"weights for ArcFace", weights}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
