/* A network of a few hundred parameters and a batch that follows from its number: what the tests of the trainer and of checkpoints train. */
#ifndef URS_TESTS_TINY_TRAINING_H
#define URS_TESTS_TINY_TRAINING_H

#include "base/random.h"
#include "harness.h"
#include "train/loss_arcface.h"
#include "train/loss_class.h"
#include "train/trainer.h"

enum { TINY_CLASSES = 4, TINY_SIDE = 6, TINY_PIXELS = 3 * TINY_SIDE * TINY_SIDE, TINY_DIMS = 8, TINY_SHARDS_MAX = 4 };

typedef struct tiny_options {
    bool batch_norm, dropout, arcface, two_phases;
    int32_t batch;
    double poison; /* added to the loss */
} tiny_options;

typedef struct tiny {
    tiny_options options;
    urs_trainer *trainer; /* to learn the number of the micro-batch */
    urs_arcface *arcface[TINY_SHARDS_MAX];
    uint64_t index;       /* of the batch under way */
    int begun, ended, prepared[TINY_SHARDS_MAX], combined;
    double normaliser;    /* what combine found */
} tiny;

/* NULL after a complaint. */
static inline urs_graph *tiny_graph(urs_test *t, const tiny_options *o)
{
    urs_graph *g = NULL;
    urs_error err = {0};
    urs_value x;

    if (urs_graph_new(&g, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        return NULL;
    }
    x = urs_graph_input(g, (urs_dims){3, TINY_SIDE, TINY_SIDE});
    x = urs_graph_conv(g, x, "conv", &(urs_conv_options){.out = 6, .kernel = 3, .pad = 1, .bias = true});
    x = o->batch_norm ? urs_graph_batch_norm(g, x, "norm", 1e-5f, 0.1f) : urs_graph_layer_norm(g, x, "norm", 1e-5f);
    x = urs_graph_activation(g, x, URS_ACT_HARD_SWISH);
    x = urs_graph_global_pool(g, x);
    if (o->dropout)
        x = urs_graph_dropout(g, x, 0.2f);
    x = urs_graph_linear(g, x, "head", &(urs_linear_options){.out = o->arcface ? TINY_DIMS : TINY_CLASSES});
    urs_graph_output(g, x, "out");
    if (urs_graph_finish(g, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        urs_graph_free(g);
        return NULL;
    }
    return g;
}

/* Picture number i of the endless training set: noise with a class-dependent colour. */
static inline int32_t tiny_picture(float *out, uint64_t i)
{
    urs_random random;
    const int32_t label = (int32_t)(i % TINY_CLASSES);

    urs_random_init_stream(&random, 17, i);
    for (int k = 0; out && k < TINY_PIXELS; k++)
        out[k] = (float)(urs_random_normal(&random) + (k / (TINY_SIDE * TINY_SIDE) == label ? 0.7 : 0));
    return label;
}

static inline urs_status tiny_begin(void *context, urs_error *err)
{
    tiny *w = context;

    (void)err;
    w->index = urs_trainer_batches(w->trainer);
    w->begun++;
    w->normaliser = 0;
    return URS_OK;
}

static inline urs_status tiny_fill(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    const tiny *w = context;
    float *input = urs_plan_input(plan, 0);

    (void)shard;
    (void)err;
    for (int32_t i = 0; i < count; i++)
        (void)tiny_picture(input + i * TINY_PIXELS, w->index * (uint64_t)w->options.batch + (uint64_t)(first + i));
    return URS_OK;
}

static inline urs_status tiny_prepare(void *context, int32_t shard, urs_plan *plan, urs_error *err)
{
    tiny *w = context;

    (void)err;
    w->prepared[shard] = urs_plan_batch(plan);
    return URS_OK;
}

static inline urs_status tiny_combine(void *context, urs_error *err)
{
    tiny *w = context;

    (void)err;
    w->combined++;
    for (int i = 0; i < TINY_SHARDS_MAX; i++)
        w->normaliser += w->prepared[i];
    return URS_OK;
}

static inline urs_status tiny_loss(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value,
                                   urs_error *err)
{
    tiny *w = context;
    int32_t labels[64];
    const float *out = urs_plan_output(plan, 0);
    float *d_out = urs_plan_output_gradient(plan, 0);
    const double normaliser = w->options.two_phases ? w->normaliser : w->options.batch;
    urs_status status;

    for (int32_t i = 0; i < count; i++)
        labels[i] = tiny_picture(NULL, w->index * (uint64_t)w->options.batch + (uint64_t)(first + i));
    if (w->options.arcface)
        status = urs_arcface_run(w->arcface[shard], value, d_out, d_extra, NULL, out, labels, NULL, count, extra, normaliser, err);
    else
        status = urs_softmax_loss(value, d_out, NULL, out, labels, count, TINY_CLASSES, &(urs_softmax_loss_options){.normaliser = normaliser}, err);
    if (status == URS_OK)
        *value += w->options.poison;
    return status;
}

static inline void tiny_end(void *context)
{
    ((tiny *)context)->ended++;
}

static inline urs_trainer_calls tiny_calls(tiny *w)
{
    urs_trainer_calls calls = {.context = w, .begin = tiny_begin, .fill = tiny_fill, .loss = tiny_loss, .end = tiny_end};

    if (w->options.two_phases) {
        calls.prepare = tiny_prepare;
        calls.combine = tiny_combine;
    }
    return calls;
}

/* false after a complaint. Release with tiny_close. */
static inline bool tiny_open(urs_test *t, tiny *w, const urs_graph *graph, const tiny_options *o, const urs_trainer_options *options)
{
    urs_trainer_options mine = *options;
    urs_error err = {0};

    *w = (tiny){.options = *o};
    w->options.batch = options->batch;
    mine.backend = options->backend ? options->backend : urs_backend_ref();
    if (o->arcface) {
        const urs_arcface_options arcface = {.classes = TINY_CLASSES, .dims = TINY_DIMS, .batch = options->batch, .margin = 0.2, .scale = 8};

        mine.extra = TINY_CLASSES * TINY_DIMS;
        for (int i = 0; i < TINY_SHARDS_MAX; i++)
            if (urs_arcface_new(&w->arcface[i], &arcface, &err) != URS_OK)
                urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    }
    if (urs_trainer_new(&w->trainer, graph, &mine, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        return false;
    }
    if (o->arcface)
        urs_arcface_init(w->arcface[0], urs_trainer_extra(w->trainer), 23);
    urs_trainer_refresh(w->trainer);
    return true;
}

static inline void tiny_close(tiny *w)
{
    urs_trainer_free(w->trainer);
    for (int i = 0; i < TINY_SHARDS_MAX; i++)
        urs_arcface_free(w->arcface[i]);
}

/* Steps at a constant rate; the loss of the last one, NaN after a complaint. */
static inline double tiny_run(urs_test *t, tiny *w, int steps, double lr, int32_t accumulate)
{
    const urs_trainer_calls calls = tiny_calls(w);
    urs_rates rates = {.momentum = 0.9};
    urs_trainer_report report = {.loss = NAN};
    urs_error err = {0};

    for (int i = 0; i < URS_GROUPS_MAX; i++)
        rates.lr[i] = lr;
    for (int i = 0; i < steps; i++)
        if (urs_trainer_step(w->trainer, &calls, &rates, accumulate, &report, &err) != URS_OK) {
            urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
            return NAN;
        }
    return report.loss;
}

#endif
