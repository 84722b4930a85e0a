/* Work of one network; see network_work.h. */
#include "network_work.h"

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "models/models.h"
#include "nn/plan.h"
#include "train/loss_class.h"
#include "train/trainer.h"

#include <string.h>

#define IMAGES_MAX 256
#define THREADS_MAX 64
#define SEED 7

typedef struct many_work { /* plans of one size for several threads */
    int32_t images, chunk, threads;
    urs_pool *pool;
    urs_plan *plan[THREADS_MAX];
} many_work;

typedef struct train_work {
    int32_t batch, threads;
    urs_trainer *trainer;
    float *pictures; /* owned, [batch] images */
    int32_t labels[IMAGES_MAX];
} train_work;

struct urs_network_work {
    urs_model_options options;
    const urs_arch *arch;
    const urs_backend *backend;
    urs_graph *graph;
    float *params;
    size_t input_elements;
    urs_plan *one;
    many_work many;
    train_work train;
};

static void close_many(many_work *m)
{
    for (int32_t i = 0; i < THREADS_MAX; i++)
        urs_plan_free(m->plan[i]);
    urs_pool_free(m->pool);
    memset(m, 0, sizeof *m);
}

static void close_train(train_work *t)
{
    urs_trainer_free(t->trainer);
    urs_free(t->pictures);
    memset(t, 0, sizeof *t);
}

void urs_network_work_free(urs_network_work *w)
{
    if (!w)
        return;
    urs_plan_free(w->one);
    close_many(&w->many);
    close_train(&w->train);
    urs_aligned_free(w->params);
    urs_graph_free(w->graph);
    urs_free(w);
}

const char *urs_network_work_arch(const urs_network_work *w)
{
    return w->options.arch;
}

static size_t first_input_elements(const urs_graph *graph)
{
    const urs_value *inputs;
    urs_dims d;
    (void)urs_graph_inputs(graph, &inputs);
    d = urs_graph_dims(graph, inputs[0]);
    return (size_t)(d.c * d.h * d.w);
}

urs_status urs_network_work_new(urs_network_work **out, const char *arch, const char *backend, urs_error *err)
{
    urs_network_work *w = urs_array_new(1, sizeof *w);
    urs_status status;
    if (!w)
        return urs_fail(err, URS_ENOMEM, "no memory for a measurement");
    status = urs_backend_find(&w->backend, backend, err);
    if (status == URS_OK)
        status = urs_model_options_default(&w->options, arch, err);
    if (status == URS_OK)
        status = urs_model_build(&w->graph, &w->options, err);
    if (status != URS_OK)
        goto done;
    w->arch = urs_arch_find(arch);
    w->input_elements = first_input_elements(w->graph);
    w->params = urs_aligned_new(urs_graph_block_elements(w->graph) * sizeof(float));
    if (w->params)
        urs_graph_init_params(w->graph, w->params, SEED);
    else
        status = urs_fail(err, URS_ENOMEM, "no memory for the parameters of %s", arch);
done:
    if (status != URS_OK)
        urs_network_work_free(w);
    else
        *out = w;
    return status;
}

static void random_pictures(float *out, size_t n)
{
    urs_random r;
    urs_random_init(&r, SEED);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)urs_random_range(&r, -1, 1);
}

/* ---- one image ---- */

static urs_status run_plan(void *context, urs_error *err)
{
    return urs_plan_forward(context, err);
}

urs_status urs_network_work_one(urs_network_work *w, urs_samples *samples, double seconds, urs_error *err)
{
    const urs_plan_options options = {.backend = w->backend, .batch = 1};
    const int fresh = w->one == NULL;
    if (fresh) {
        const urs_status status = urs_plan_new(&w->one, w->graph, w->params, &options, err);
        if (status != URS_OK)
            return status;
        random_pictures(urs_plan_input(w->one, 0), w->input_elements);
    }
    return urs_measure(samples, run_plan, w->one, seconds, 3, 1, err);
}

/* ---- many images ---- */

static urs_status open_many(urs_network_work *w, int32_t images, int32_t chunk, int32_t threads, urs_error *err)
{
    const urs_plan_options options = {.backend = w->backend, .batch = chunk};
    many_work *m = &w->many;
    urs_status status;
    if (images < 1 || images > IMAGES_MAX || chunk < 1 || images % chunk || threads < 1 || threads > THREADS_MAX)
        return urs_fail(err, URS_EINVAL, "%d images cannot be cut into parts of %d for %d threads", (int)images, (int)chunk, (int)threads);
    close_many(m);
    status = urs_pool_new(&m->pool, threads, err);
    for (int32_t i = 0; status == URS_OK && i < threads; i++) {
        status = urs_plan_new(&m->plan[i], w->graph, w->params, &options, err);
        if (status == URS_OK)
            random_pictures(urs_plan_input(m->plan[i], 0), w->input_elements * (size_t)chunk);
    }
    if (status != URS_OK) {
        close_many(m);
        return status;
    }
    m->images = images;
    m->chunk = chunk;
    m->threads = threads;
    return URS_OK;
}

static urs_status run_part(void *context, size_t item, int worker, urs_error *err)
{
    const many_work *m = context;
    (void)item;
    return urs_plan_forward(m->plan[worker], err);
}

static urs_status run_many(void *context, urs_error *err)
{
    many_work *m = context;
    return urs_pool_run(m->pool, (size_t)(m->images / m->chunk), run_part, m, err);
}

urs_status urs_network_work_many(urs_network_work *w, urs_samples *samples, int32_t images, int32_t chunk, int32_t threads, double seconds, urs_error *err)
{
    many_work *m = &w->many;
    if (m->images != images || m->chunk != chunk || m->threads != threads) {
        const urs_status status = open_many(w, images, chunk, threads, err);
        if (status != URS_OK)
            return status;
    }
    return urs_measure(samples, run_many, m, seconds, 1, 1, err);
}

/* ---- training ---- */

static urs_status fill_shard(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    const urs_network_work *w = context;
    (void)shard;
    (void)err;
    memcpy(urs_plan_input(plan, 0), w->train.pictures + (size_t)first * w->input_elements, (size_t)count * w->input_elements * sizeof(float));
    return URS_OK;
}

/* Half the mean square of an output, so that its gradient costs next to nothing. */
static double square_loss(float *gradient, const float *output, size_t n, double normaliser)
{
    const float factor = (float)(1 / normaliser);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = output[i] * factor;
        sum += (double)output[i] * (double)output[i];
    }
    return sum / (2 * normaliser);
}

static urs_status shard_loss(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    const urs_network_work *w = context;
    const urs_value *outputs;
    const int32_t n = urs_graph_outputs(w->graph, &outputs);
    (void)shard;
    (void)extra;
    (void)d_extra;
    if (!w->arch->detector) {
        const urs_softmax_loss_options options = {.normaliser = w->train.batch};
        return urs_softmax_loss(value, urs_plan_output_gradient(plan, 0), NULL, urs_plan_output(plan, 0), w->train.labels + first, count, w->options.classes, &options, err);
    }
    *value = 0;
    for (int32_t i = 0; i < n; i++) {
        const urs_dims d = urs_graph_dims(w->graph, outputs[i]);
        const size_t elements = (size_t)(d.c * d.h * d.w);
        *value += square_loss(urs_plan_output_gradient(plan, i), urs_plan_output(plan, i), elements * (size_t)count, (double)elements * w->train.batch);
    }
    return URS_OK;
}

static urs_status open_train(urs_network_work *w, int32_t batch, int32_t threads, urs_error *err)
{
    const urs_trainer_options options = {
        .backend = w->backend, .threads = threads, .batch = batch, .optimiser = {.kind = URS_OPTIMISER_SGD}, .seed = SEED,
    };
    train_work *t = &w->train;
    urs_status status;
    if (batch < 1 || batch > IMAGES_MAX || threads < 1 || threads > THREADS_MAX)
        return urs_fail(err, URS_EINVAL, "a step of %d images in %d threads is out of range", (int)batch, (int)threads);
    close_train(t);
    t->pictures = urs_array_new((size_t)batch * w->input_elements, sizeof(float));
    status = t->pictures ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %d pictures", (int)batch);
    if (status == URS_OK)
        status = urs_trainer_new(&t->trainer, w->graph, &options, err);
    if (status != URS_OK) {
        close_train(t);
        return status;
    }
    random_pictures(t->pictures, (size_t)batch * w->input_elements);
    for (int32_t i = 0; i < batch; i++)
        t->labels[i] = (i * 37) % (w->options.classes > 0 ? w->options.classes : 1);
    t->batch = batch;
    t->threads = threads;
    return URS_OK;
}

static urs_status run_step(void *context, urs_error *err)
{
    urs_network_work *w = context;
    const urs_trainer_calls calls = {.context = w, .fill = fill_shard, .loss = shard_loss};
    const urs_rates rates = {.lr = {1e-5, 1e-5}, .momentum = 0.9}; /* small: the loss stays finite however long this runs */
    urs_trainer_report report;
    return urs_trainer_step(w->train.trainer, &calls, &rates, 1, &report, err);
}

urs_status urs_network_work_train(urs_network_work *w, urs_samples *samples, int32_t batch, int32_t threads, double seconds, urs_error *err)
{
    if (w->train.batch != batch || w->train.threads != threads) {
        const urs_status status = open_train(w, batch, threads, err);
        if (status != URS_OK)
            return status;
    }
    return urs_measure(samples, run_step, w, seconds, 1, 1, err);
}

urs_network_memory urs_network_work_memory(const urs_network_work *w)
{
    urs_network_memory m = {.parameters = urs_graph_block_elements(w->graph) * sizeof(float)};
    if (w->one)
        m.one = urs_plan_bytes(w->one);
    for (int32_t i = 0; i < w->many.threads; i++)
        m.many += urs_plan_bytes(w->many.plan[i]);
    if (w->train.trainer)
        m.train = urs_trainer_bytes(w->train.trainer);
    return m;
}
