/* Re-ranking and query expansion against an independent reference (tools/golden/golden_rerank.py). */
#include "golden.h"
#include "harness.h"

#include "eval/rerank.h"

#include <string.h>

#define QUERIES 9
#define GALLERY 26
#define DIM 5

static void reranked(urs_test *t)
{
    static const struct {
        const char *name;
        urs_rerank_options options;
    } rows[] = {{"small", {.k1 = 6, .k2 = 3}}, {"odd", {.k1 = 5, .k2 = 1, .lambda = 0.5}}, {"default", {0}}};
    urs_golden *g;
    urs_error err = {0};
    const float *x;
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/rerank.gold", &err), err);
    x = urs_golden_find(g, "embeddings")->f32;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float d[QUERIES * GALLERY];
        URS_REQUIRE_OK(t, urs_rerank(d, x, QUERIES, x + QUERIES * DIM, GALLERY, DIM, &rows[i].options, &err), err);
        URS_CHECK(t, urs_golden_scaled_error_f32(d, urs_golden_find(g, "rerank/%s", rows[i].name)) < 1e-6);
    }
    urs_golden_close(g);
}

/* A set against itself: every row is what that image gets as the only query against the others. */
static void among_themselves(urs_test *t)
{
    static const urs_rerank_options options = {.k1 = 6, .k2 = 3};
    float all[GALLERY * GALLERY], one[GALLERY - 1], x[GALLERY * DIM];
    urs_golden *g;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/rerank.gold", &err), err);
    memcpy(x, urs_golden_find(g, "embeddings")->f32, sizeof x);
    URS_REQUIRE_OK(t, urs_rerank(all, x, GALLERY, NULL, 0, DIM, &options, &err), err);
    for (int i = 0; i < GALLERY; i++) {
        float query[DIM];
        memcpy(query, x + i * DIM, sizeof query);
        memmove(x + i * DIM, x + (i + 1) * DIM, (size_t)(GALLERY - 1 - i) * sizeof query);
        URS_REQUIRE_OK(t, urs_rerank(one, query, 1, x, GALLERY - 1, DIM, &options, &err), err);
        memmove(x + (i + 1) * DIM, x + i * DIM, (size_t)(GALLERY - 1 - i) * sizeof query);
        memcpy(x + i * DIM, query, sizeof query);
        for (int k = 0; k < GALLERY - 1; k++)
            URS_CHECK_NEAR(t, (double)one[k], (double)all[i * GALLERY + k + (k >= i)], 1e-6);
    }
    urs_golden_close(g);
}

static void expanded(urs_test *t)
{
    float out[QUERIES * DIM];
    urs_golden *g;
    urs_error err = {0};
    const float *x;
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/rerank.gold", &err), err);
    x = urs_golden_find(g, "embeddings")->f32;
    URS_REQUIRE_OK(t, urs_expand_queries(out, x, QUERIES, x + QUERIES * DIM, GALLERY, DIM, 4, 3, &err), err);
    URS_CHECK(t, urs_golden_scaled_error_f32(out, urs_golden_find(g, "expand")) < 1e-6);
    urs_golden_close(g);
}

static void refused(urs_test *t)
{
    const float x[2] = {1, 0};
    float d[1];
    urs_error err = {0};
    URS_CHECK_INT(t, urs_rerank(d, x, 0, x, 1, 1, &(urs_rerank_options){0}, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_rerank(d, x, 1, x, 3000000, 1, &(urs_rerank_options){0}, &err), URS_ELIMIT);
    URS_CHECK_INT(t, urs_rerank(d, x, 1, x + 1, 1, 1, &(urs_rerank_options){0}, &err), URS_OK); /* fewer images than neighbours */
}

int main(void)
{
    static const urs_case cases[] = {{"k-reciprocal re-ranking", reranked}, {"among themselves", among_themselves}, {"query expansion", expanded}, {"refused", refused}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
