/* The data-parallel step: against the same step made by hand, one thread against two, accumulation, two phases, extra parameters, failures. */
#include "tiny_training.h"

#include "base/memory.h"

#include <stdlib.h>

static urs_trainer_options base_options(int32_t threads, int32_t batch)
{
    return (urs_trainer_options){.threads = threads, .batch = batch, .optimiser = {.kind = URS_OPTIMISER_SGD, .nesterov = true}, .seed = 3, .clip = 1};
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double worst = 0;

    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst;
}

/* One thread must do exactly what plan, loss and optimiser do when called by hand. */
static void is_the_step_by_hand(urs_test *t)
{
    const tiny_options o = {.batch_norm = true};
    const urs_trainer_options options = base_options(1, 8);
    urs_graph *graph = tiny_graph(t, &o);
    tiny w;
    size_t n, n_ranges;
    float *params;
    urs_range *ranges;
    urs_optimiser *optimiser;
    urs_plan *plan;
    urs_error err = {0};

    URS_REQUIRE(t, graph && tiny_open(t, &w, graph, &o, &options));
    n = urs_graph_block_elements(graph);
    params = urs_aligned_new(n * sizeof(float));
    URS_REQUIRE(t, params != NULL && urs_trainer_elements(w.trainer) >= n);
    urs_graph_init_params(graph, params, 3);
    URS_REQUIRE_OK(t, urs_optimiser_ranges(&ranges, &n_ranges, graph, 0, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_optimiser_new(&optimiser, &options.optimiser, ranges, n_ranges, n, &err), err);
    URS_REQUIRE_OK(t, urs_plan_new(&plan, graph, params, &(urs_plan_options){.backend = urs_backend_ref(), .batch = 8, .training = true}, &err), err);

    (void)tiny_run(t, &w, 3, 0.1, 1);
    for (int step = 0; step < 3; step++) {
        const urs_rates rates = {.lr = {0.1}, .momentum = 0.9};
        double value, norm;
        int32_t labels[8];

        for (int i = 0; i < 8; i++)
            labels[i] = tiny_picture((float *)urs_plan_input(plan, 0) + i * TINY_PIXELS, (uint64_t)(step * 8 + i));
        URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
        URS_REQUIRE_OK(t, urs_softmax_loss(&value, urs_plan_output_gradient(plan, 0), NULL, urs_plan_output(plan, 0), labels, 8, TINY_CLASSES, NULL, &err), err);
        URS_REQUIRE_OK(t, urs_plan_backward(plan, &err), err);
        urs_optimiser_statistics(optimiser, params, urs_plan_gradients(plan));
        URS_REQUIRE_OK(t, urs_optimiser_norm(&norm, optimiser, urs_plan_gradients(plan), NULL, &err), err);
        URS_REQUIRE_OK(t, urs_optimiser_step(optimiser, params, urs_plan_gradients(plan), urs_clip_factor(norm, 1), &rates, NULL, &err), err);
        urs_plan_update(plan);
    }
    URS_CHECK(t, memcmp(params, urs_trainer_params(w.trainer), n * sizeof(float)) == 0);
    /* the running mean has left its starting value */
    {
        const urs_param *list;
        const int32_t at = urs_graph_find_param(graph, "norm.running_mean");

        (void)urs_graph_params(graph, &list);
        URS_REQUIRE(t, at >= 0);
        URS_CHECK(t, urs_trainer_params(w.trainer)[list[at].offset] != 0);
    }
    urs_plan_free(plan);
    urs_optimiser_free(optimiser);
    urs_free(ranges);
    urs_aligned_free(params);
    tiny_close(&w);
    urs_graph_free(graph);
}

/* The same run twice gives the same bytes; without batch norm (which looks at its shard only) the number of threads is a matter of rounding. */
static void threads_are_deterministic(urs_test *t)
{
    for (int kind = 0; kind < 3; kind++) {
        const tiny_options o = {.batch_norm = kind == 1, .dropout = kind == 1, .two_phases = kind == 2};
        urs_graph *graph = tiny_graph(t, &o);
        tiny w[3];
        size_t bytes;

        URS_REQUIRE(t, graph != NULL);
        for (int i = 0; i < 3; i++) {
            const urs_trainer_options options = base_options(i < 2 ? 2 : 1, 7); /* shards of 3 and 4 */

            URS_REQUIRE(t, tiny_open(t, &w[i], graph, &o, &options));
            URS_CHECK(t, isfinite(tiny_run(t, &w[i], 5, 0.1, 1)));
        }
        URS_CHECK_INT(t, urs_trainer_shards(w[0].trainer), 2);
        URS_CHECK_INT(t, urs_trainer_shard_batch(w[0].trainer, 0) + urs_trainer_shard_batch(w[0].trainer, 1), 7);
        bytes = urs_trainer_elements(w[0].trainer) * sizeof(float);
        URS_CHECK(t, memcmp(urs_trainer_params(w[0].trainer), urs_trainer_params(w[1].trainer), bytes) == 0);
        if (kind != 1)
            URS_CHECK(t, largest_difference(urs_trainer_params(w[0].trainer), urs_trainer_params(w[2].trainer), bytes / sizeof(float)) < 1e-5);
        URS_CHECK_INT(t, w[0].begun, 5);
        URS_CHECK_INT(t, w[0].ended, 5);
        URS_CHECK_INT(t, w[0].combined, kind == 2 ? 5 : 0);
        for (int i = 0; i < 3; i++)
            tiny_close(&w[i]);
        urs_graph_free(graph);
    }
}

/* Two micro-batches of 4, added, are one batch of 8 with twice the loss. */
static void accumulation_adds(urs_test *t)
{
    const tiny_options o = {0};
    urs_trainer_options small = base_options(1, 4), large = base_options(2, 8);
    urs_graph *graph = tiny_graph(t, &o);
    tiny a, b;
    double loss_a, loss_b, worst = 0;

    small.clip = large.clip = 0;
    small.optimiser.nesterov = large.optimiser.nesterov = false;
    URS_REQUIRE(t, graph && tiny_open(t, &a, graph, &o, &small) && tiny_open(t, &b, graph, &o, &large));
    loss_a = tiny_run(t, &a, 1, 0, 2);
    loss_b = tiny_run(t, &b, 1, 0, 1);
    URS_CHECK_NEAR(t, loss_a, 2 * loss_b, 1e-6);
    for (size_t i = 0; i < urs_trainer_elements(a.trainer); i++)
        worst = fmax(worst, fabs((double)urs_trainer_gradient(a.trainer)[i] - 2 * (double)urs_trainer_gradient(b.trainer)[i]));
    URS_CHECK(t, worst < 1e-6);
    URS_CHECK_INT(t, urs_trainer_steps(a.trainer), 1);
    URS_CHECK_INT(t, urs_trainer_batches(a.trainer), 2);
    tiny_close(&a);
    tiny_close(&b);
    urs_graph_free(graph);
}

/* Statistics of shards are averaged by their sizes. */
static void statistics_are_averaged(urs_test *t)
{
    const tiny_options o = {.batch_norm = true};
    const urs_trainer_options one = base_options(1, 7), two = base_options(2, 7);
    urs_graph *graph = tiny_graph(t, &o);
    const urs_param *list;
    tiny a, b;
    int32_t mean;

    URS_REQUIRE(t, graph && tiny_open(t, &a, graph, &o, &one) && tiny_open(t, &b, graph, &o, &two));
    (void)tiny_run(t, &a, 1, 0, 1);
    (void)tiny_run(t, &b, 1, 0, 1);
    (void)urs_graph_params(graph, &list);
    mean = urs_graph_find_param(graph, "norm.running_mean");
    URS_REQUIRE(t, mean >= 0);
    for (size_t i = 0; i < list[mean].count; i++) { /* the mean of means is exact, whatever the split */
        const size_t at = list[mean].offset + i;

        URS_CHECK_NEAR(t, urs_trainer_params(a.trainer)[at], urs_trainer_params(b.trainer)[at], 1e-6);
        URS_CHECK(t, urs_trainer_params(a.trainer)[at] != 0);
    }
    tiny_close(&a);
    tiny_close(&b);
    urs_graph_free(graph);
}

static void learns(urs_test *t)
{
    for (int kind = 0; kind < 2; kind++) {
        const tiny_options o = {.batch_norm = true, .arcface = kind == 1};
        urs_trainer_options options = base_options(2, 16);
        urs_graph *graph = tiny_graph(t, &o);
        double first, last;
        float start = 0;
        tiny w;

        options.optimiser.kind = URS_OPTIMISER_ADAMW;
        options.ema = true;
        options.extra_group = 1;
        URS_REQUIRE(t, graph && tiny_open(t, &w, graph, &o, &options));
        if (kind == 1)
            start = urs_trainer_extra(w.trainer)[0];
        first = tiny_run(t, &w, 1, 0.01, 1);
        URS_CHECK(t, urs_trainer_best(w.trainer) == urs_trainer_average(w.trainer));
        last = tiny_run(t, &w, 60, 0.01, 1);
        URS_CHECK(t, last < 0.6 * first);
        if (kind == 1)
            URS_CHECK(t, urs_trainer_extra(w.trainer)[0] != start);
        URS_CHECK(t, urs_trainer_bytes(w.trainer) > 0);
        tiny_close(&w);
        urs_graph_free(graph);
    }
}

static void frozen_parts_stay(urs_test *t)
{
    const tiny_options o = {.batch_norm = true};
    urs_trainer_options options = base_options(2, 8);
    urs_graph *graph = tiny_graph(t, &o);
    const urs_param *list;
    int32_t group[16], n;
    float *before;
    tiny w;

    URS_REQUIRE(t, graph != NULL);
    n = urs_graph_params(graph, &list);
    URS_REQUIRE(t, n <= 16);
    for (int32_t i = 0; i < n; i++)
        group[i] = strncmp(list[i].name, "head", 4) == 0 ? -1 : 1;
    options.group = group;
    options.optimiser.groups[1].frozen = true;
    URS_REQUIRE(t, tiny_open(t, &w, graph, &o, &options));
    before = malloc(urs_trainer_elements(w.trainer) * sizeof(float));
    URS_REQUIRE(t, before != NULL);
    memcpy(before, urs_trainer_params(w.trainer), urs_trainer_elements(w.trainer) * sizeof(float));
    (void)tiny_run(t, &w, 3, 0.1, 1);
    for (int32_t i = 0; i < n; i++) {
        const bool same = memcmp(before + list[i].offset, urs_trainer_params(w.trainer) + list[i].offset, list[i].count * sizeof(float)) == 0;

        URS_CHECK(t, same == (group[i] == 1));
    }
    free(before);
    tiny_close(&w);
    urs_graph_free(graph);
}

static void failed_steps_change_nothing(urs_test *t)
{
    const tiny_options o = {0};
    const urs_trainer_options options = base_options(2, 8);
    urs_graph *graph = tiny_graph(t, &o);
    urs_trainer_calls calls;
    const urs_rates rates = {.lr = {0.1}};
    urs_trainer *none = NULL;
    urs_error err = {0};
    float *before;
    size_t bytes;
    tiny w;

    URS_REQUIRE(t, graph && tiny_open(t, &w, graph, &o, &options));
    calls = tiny_calls(&w);
    bytes = urs_trainer_elements(w.trainer) * sizeof(float);
    before = malloc(bytes);
    URS_REQUIRE(t, before != NULL);
    memcpy(before, urs_trainer_params(w.trainer), bytes);
    w.options.poison = NAN;
    URS_CHECK(t, urs_trainer_step(w.trainer, &calls, &rates, 1, NULL, &err) == URS_EINVAL);
    URS_CHECK(t, strstr(err.message, "not finite") != NULL);
    URS_CHECK(t, memcmp(before, urs_trainer_params(w.trainer), bytes) == 0);
    URS_CHECK_INT(t, urs_trainer_steps(w.trainer), 0);
    URS_CHECK_INT(t, w.begun, w.ended);
    w.options.poison = 0;
    URS_REQUIRE_OK(t, urs_trainer_step(w.trainer, &calls, &rates, 1, NULL, &err), err);
    URS_CHECK(t, urs_trainer_new(&none, graph, &(urs_trainer_options){0}, &err) == URS_EINVAL && !none);
    free(before);
    tiny_close(&w);
    urs_graph_free(graph);
}

/* The same on the fast backend, where there is one. */
static void fast_backend_is_deterministic(urs_test *t)
{
    const tiny_options o = {.batch_norm = true, .dropout = true};
    urs_trainer_options options = base_options(2, 8);
    urs_graph *graph;
    tiny w[2];
    size_t bytes;

    options.backend = urs_backend_onednn();
    if (!options.backend) {
        urs_test_skip(t, "built without oneDNN");
        return;
    }
    graph = tiny_graph(t, &o);
    URS_REQUIRE(t, graph != NULL);
    for (int i = 0; i < 2; i++) {
        URS_REQUIRE(t, tiny_open(t, &w[i], graph, &o, &options));
        URS_CHECK(t, isfinite(tiny_run(t, &w[i], 5, 0.1, 1)));
    }
    bytes = urs_trainer_elements(w[0].trainer) * sizeof(float);
    URS_CHECK(t, memcmp(urs_trainer_params(w[0].trainer), urs_trainer_params(w[1].trainer), bytes) == 0);
    for (int i = 0; i < 2; i++)
        tiny_close(&w[i]);
    urs_graph_free(graph);
}

int main(void)
{
    static const urs_case cases[] = {{"is_the_step_by_hand", is_the_step_by_hand},
                                     {"threads_are_deterministic", threads_are_deterministic},
                                     {"accumulation_adds", accumulation_adds},
                                     {"statistics_are_averaged", statistics_are_averaged},
                                     {"learns", learns},
                                     {"frozen_parts_stay", frozen_parts_stay},
                                     {"failed_steps_change_nothing", failed_steps_change_nothing},
                                     {"fast_backend_is_deterministic", fast_backend_is_deterministic}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
