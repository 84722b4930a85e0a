/* Training of sift; see sift_train.h. */
#include "stages/sift_train.h"

#include "base/memory.h"
#include "base/text.h"
#include "data/sampler.h"
#include "eval/classification.h"
#include "stages/runner.h"
#include "train/loss_class.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define GROUP_TRUNK 0
#define GROUP_TRUNK_NORM 1
#define GROUP_HEAD 2

typedef struct sift_task {
    const urs_sift_train_options *options;
    urs_network *network;
    urs_frames train, validation;
    urs_frame_augment augment;
    float repeat[URS_FRAME_CLASSES], weight[URS_FRAME_CLASSES];
    int32_t batch;
    uint64_t steps_per_epoch;
    size_t input_elements;
    pthread_mutex_t lock; /* guards the orders; see embed_train.c */
    struct {
        urs_order order;
        uint64_t epoch;
        bool valid;
    } orders[2];
} sift_task;

/* ---- classes of a role ---- */

/* -1: the role does not look at such frames. */
static int32_t class_in(urs_sift_role role, int32_t label)
{
    return role == URS_SIFT_EMPTY_OR_NOT ? label != URS_FRAME_EMPTY : role == URS_SIFT_BEAR_OR_NOT ? label - URS_FRAME_ANIMAL : label;
}

static int32_t classes_in(urs_sift_role role)
{
    return role == URS_SIFT_ALL ? URS_FRAME_CLASSES : 2;
}

static const char *names_in(urs_sift_role role)
{
    return role == URS_SIFT_EMPTY_OR_NOT ? "[\"empty\",\"animal\"]" : role == URS_SIFT_BEAR_OR_NOT ? "[\"animal\",\"bear\"]" : "[\"empty\",\"animal\",\"bear\"]";
}

/* ---- probabilities ---- */

typedef struct scoring {
    const urs_frames *frames;
    const urs_input_format *input;
    float *out;
    int32_t classes;
} scoring;

static urs_status prepare_frame(void *context, size_t item, float *tensor, urs_error *err)
{
    const scoring *s = context;
    return urs_frames_prepare(tensor, s->frames, item, 0, 0, s->input, NULL, err);
}

static urs_status take_frame(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    scoring *s = context;
    const float *logits = urs_outputs_of(outputs, 0) + (size_t)index * (size_t)s->classes;
    float *p = s->out + item * (size_t)s->classes, sum = 0, top = logits[0];
    (void)err;
    for (int32_t i = 1; i < s->classes; i++)
        top = fmaxf(top, logits[i]);
    for (int32_t i = 0; i < s->classes; i++)
        sum += p[i] = expf(logits[i] - top);
    for (int32_t i = 0; i < s->classes; i++)
        p[i] /= sum;
    return URS_OK;
}

/* [n][classes] */
static urs_status score_frames(float *out, const urs_frames *frames, const urs_network *network, int32_t classes, urs_pool *pool, urs_error *err)
{
    scoring s = {.frames = frames, .input = &network->input, .out = out, .classes = classes};
    const urs_runner_calls calls = {.context = &s, .prepare = prepare_frame, .take = take_frame};
    urs_runner *runner = NULL;
    urs_status status;
    if (urs_graph_output_elements(network->graph, 0) != (size_t)classes)
        return urs_fail(err, URS_EMISMATCH, "a network that tells %d classes apart is needed", (int)classes);
    status = urs_runner_new(&runner, network, &(urs_runner_options){.batch = 8, .pool = pool}, err);
    if (status == URS_OK)
        status = urs_runner_run(runner, frames->count, &calls, err);
    urs_runner_free(runner);
    return status;
}

urs_status urs_sift_probabilities(float *out, const urs_frames *frames, const urs_network *network, urs_pool *pool, urs_error *err)
{
    return score_frames(out, frames, network, URS_FRAME_CLASSES, pool, err);
}

/* ---- batches and the loss ---- */

static int32_t *labels_of(const sift_task *t, void *slot)
{
    return (int32_t *)(void *)((char *)slot + (size_t)t->batch * t->input_elements * sizeof(float));
}

static urs_status make_batch(void *context, uint64_t index, void *slot, int worker, urs_error *err)
{
    sift_task *t = context;
    const uint64_t micro = t->options->fit.accumulate > 1 ? (uint64_t)t->options->fit.accumulate : 1, per_epoch = t->steps_per_epoch * micro;
    const uint64_t epoch = index / per_epoch, first = index % per_epoch * (uint64_t)t->batch;
    const int which = (int)(epoch % 2);
    int32_t *labels = labels_of(t, slot);
    size_t items[4096];
    urs_status status = URS_OK;
    (void)worker;
    (void)pthread_mutex_lock(&t->lock);
    if (!t->orders[which].valid || t->orders[which].epoch != epoch) {
        urs_order_release(&t->orders[which].order);
        status = urs_sample_repeat(&t->orders[which].order, t->train.labels, t->train.count, t->repeat, URS_FRAME_CLASSES, t->options->fit.seed, epoch, err);
        t->orders[which].valid = status == URS_OK;
        t->orders[which].epoch = epoch;
    }
    for (int32_t i = 0; status == URS_OK && i < t->batch; i++)
        items[i] = t->orders[which].order.items[(first + (uint64_t)i) % t->orders[which].order.count];
    (void)pthread_mutex_unlock(&t->lock);
    for (int32_t i = 0; status == URS_OK && i < t->batch; i++) {
        labels[i] = class_in(t->options->role, t->train.labels[items[i]]);
        status = urs_frames_prepare((float *)slot + (size_t)i * t->input_elements, &t->train, items[i], epoch, first + (uint64_t)i, &t->network->input, &t->augment, err);
    }
    return status;
}

static urs_status softmax_loss(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    const sift_task *t = context;
    const int32_t *labels = labels_of(t, slot);
    const urs_softmax_loss_options how = {.class_weights = t->weight, .label_smoothing = 0.05, .normaliser = urs_softmax_loss_weight(labels, t->batch, t->weight)};
    (void)shard;
    (void)extra;
    (void)d_extra;
    return urs_softmax_loss(value, urs_plan_output_gradient(plan, 0), NULL, urs_plan_output(plan, 0), labels + first, count, classes_in(t->options->role), &how, err);
}

/* ---- validation ---- */

urs_status urs_sift_store_thresholds(urs_network *network, const urs_sift_thresholds *thresholds, double bear_recall, const float *p, size_t n, urs_error *err)
{
    char note[200];
    size_t count[URS_FRAME_CLASSES] = {0};
    for (size_t i = 0; i < n; i++)
        count[urs_sift_decide(p + i * URS_FRAME_CLASSES, thresholds)]++;
    (void)snprintf(note, sizeof note, "{\"bear\":%.4f,\"animal\":%.4f}", thresholds->bear, thresholds->animal);
    if (n > 0)
        (void)snprintf(note, sizeof note, "{\"bear\":%.4f,\"animal\":%.4f,\"min_bear_recall\":%.4f,\"called_bear\":%.4f,\"let_through\":%.4f}", thresholds->bear, thresholds->animal, bear_recall,
                       (double)count[URS_FRAME_BEAR] / (double)n, (double)(n - count[URS_FRAME_EMPTY]) / (double)n);
    return urs_network_set_note(network, "ursid.thresholds", note, err);
}

/* One of two networks: balanced accuracy of its own question. */
static urs_status validate_role(sift_task *t, const urs_network *view, urs_pool *pool, double *score, char *line, size_t line_size, urs_error *err)
{
    const urs_sift_role role = t->options->role;
    const size_t n = t->validation.count;
    float *p = urs_array_new(n, 2 * sizeof *p);
    urs_confusion c = {0};
    urs_status status = p ? urs_confusion_new(&c, 2, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    if (status == URS_OK)
        status = score_frames(p, &t->validation, view, 2, pool, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const int32_t class = class_in(role, t->validation.labels[i]);
        if (class >= 0)
            status = urs_confusion_add(&c, (size_t)class, p[2 * i + 1] > p[2 * i], err);
    }
    if (status == URS_OK) {
        *score = urs_confusion_balanced_accuracy(&c);
        (void)snprintf(line, line_size, "validation accuracy %.3f, recall %s %.3f %s %.3f", urs_confusion_accuracy(&c), role == URS_SIFT_EMPTY_OR_NOT ? "empty" : "animal",
                       urs_confusion_class(&c, 0).recall, role == URS_SIFT_EMPTY_OR_NOT ? "any animal" : "bear", urs_confusion_class(&c, 1).recall);
    }
    urs_confusion_release(&c);
    urs_free(p);
    return status;
}

static urs_status validate(void *context, const float *params, urs_pool *pool, double *score, char *line, size_t line_size, urs_error *err)
{
    sift_task *t = context;
    const urs_network view = urs_network_view(t->network, params);
    const size_t n = t->validation.count;
    const double recall = t->options->bear_recall > 0 ? t->options->bear_recall : URS_SIFT_BEAR_RECALL;
    float *p = n > 0 ? urs_array_new(n, URS_FRAME_CLASSES * sizeof *p) : NULL;
    urs_confusion plain = {0}, tuned = {0};
    urs_sift_thresholds thresholds = {0};
    urs_status status = p || n == 0 ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    if (n == 0) { /* nothing was left out */
        *score = NAN;
        (void)snprintf(line, line_size, "all frames but the test part were trained on");
        return urs_sift_store_thresholds(t->network, t->options->thresholds, 0, NULL, 0, err);
    }
    if (t->options->role != URS_SIFT_ALL) {
        urs_free(p);
        return validate_role(t, &view, pool, score, line, line_size, err);
    }
    if (status == URS_OK)
        status = urs_sift_probabilities(p, &t->validation, &view, pool, err);
    if (status == URS_OK)
        status = urs_sift_choose_thresholds(&thresholds, URS_SIFT_ONE_NETWORK, p, t->validation.labels, n, recall, err);
    if (status == URS_OK)
        status = urs_confusion_new(&plain, URS_FRAME_CLASSES, err);
    if (status == URS_OK)
        status = urs_confusion_new(&tuned, URS_FRAME_CLASSES, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const float *q = p + i * URS_FRAME_CLASSES;
        const size_t top = q[2] >= q[0] && q[2] >= q[1] ? 2 : q[1] >= q[0] ? 1 : 0, truth = (size_t)t->validation.labels[i];
        status = urs_confusion_add(&plain, truth, top, err);
        if (status == URS_OK)
            status = urs_confusion_add(&tuned, truth, (size_t)urs_sift_decide(q, &thresholds), err);
    }
    if (status == URS_OK) {
        const urs_class_scores empty = urs_confusion_class(&tuned, 0), animal = urs_confusion_class(&tuned, 1), bear = urs_confusion_class(&tuned, 2);
        *score = urs_confusion_balanced_accuracy(&plain);
        (void)snprintf(line, line_size, "validation accuracy %.3f; tuned: %.3f, recall empty %.3f animal %.3f bear %.3f, bear precision %.3f", urs_confusion_accuracy(&plain),
                       urs_confusion_accuracy(&tuned), empty.recall, animal.recall, bear.recall, bear.precision);
        status = urs_sift_store_thresholds(t->network, &thresholds, recall, p, n, err);
    }
    urs_confusion_release(&plain);
    urs_confusion_release(&tuned);
    urs_free(p);
    return status;
}

static urs_status open_network(sift_task *t, urs_error *err)
{
    const urs_sift_train_options *o = t->options;
    urs_model_options model;
    urs_status status = urs_model_options_default(&model, o->arch ? o->arch : "mobilenet_v3_small", err);
    if (status != URS_OK)
        return status;
    model.input_width = model.input_height = o->side ? o->side : 224;
    model.classes = classes_in(o->role);
    model.tf_padding = strcmp(model.arch, "mobilenet_v3_small_075") == 0;
    status = urs_network_new(&t->network, &model, o->fit.seed, err);
    if (status == URS_OK && o->init)
        status = urs_network_load_partial(t->network, o->init, NULL, err);
    if (status == URS_OK)
        status = urs_network_set_note(t->network, "ursid.classes", names_in(o->role), err);
    if (status == URS_OK) {
        t->network->input.fit = URS_FIT_STRETCH;
        t->input_elements = 3 * (size_t)model.input_width * (size_t)model.input_height;
    }
    return status;
}

/* The last linear layer is new; the rest may come pretrained. */
static urs_status make_groups(int32_t **out, const urs_graph *graph, urs_error *err)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    int32_t *group = urs_array_new((size_t)n, sizeof *group);
    if (!group)
        return urs_fail(err, URS_ENOMEM, "no memory for parameter groups");
    for (int32_t i = 0; i < n; i++)
        group[i] = i >= n - 2 ? GROUP_HEAD : params[i].role == URS_ROLE_WEIGHT ? GROUP_TRUNK : GROUP_TRUNK_NORM;
    *out = group;
    return URS_OK;
}

static void describe(urs_text *settings, const sift_task *t)
{
    const urs_sift_train_options *o = t->options;
    urs_text_format(settings, "sift arch=%s side=%d batch=%d epochs=%d lr=%g seed=%llu split=%llu val=%g test=%g sources=%s repeat=%g,%g,%g weight=%g,%g,%g init=%s", t->network->options.arch,
                    (int)o->side, (int)t->batch, (int)o->fit.epochs, o->fit.lr, (unsigned long long)o->fit.seed, (unsigned long long)o->frames.seed, (double)o->frames.validation,
                    (double)o->frames.test, o->frames.sources ? o->frames.sources : "", (double)t->repeat[0], (double)t->repeat[1], (double)t->repeat[2], (double)t->weight[0],
                    (double)t->weight[1], (double)t->weight[2], o->init ? o->init : "");
    if (o->role != URS_SIFT_ALL)
        urs_text_format(settings, " role=%d", (int)o->role);
    urs_text_format(settings, " made=%zu,%zu trunk=%g decay=%g fold=%d/%d,%llu", o->frames.crops, o->frames.paste, o->trunk_lr_scale, o->weight_decay, (int)o->frames.fold,
                    (int)o->frames.folds, (unsigned long long)o->frames.fold_seed);
}

/* So many repeats that the classes come equally often. */
static void balance(sift_task *t, int32_t draws)
{
    const urs_sift_role role = t->options->role;
    size_t count[URS_FRAME_CLASSES] = {0};
    for (size_t i = 0; i < t->train.count; i++)
        if (class_in(role, t->train.labels[i]) >= 0)
            count[class_in(role, t->train.labels[i])]++;
    for (int k = 0; k < URS_FRAME_CLASSES; k++)
        if (class_in(role, k) >= 0)
            t->repeat[k] = count[class_in(role, k)] ? (float)draws / (float)classes_in(role) / (float)count[class_in(role, k)] : 1;
}

urs_status urs_sift_train(const urs_sift_train_options *options, urs_fit_report *report, urs_error *err)
{
    sift_task t = {.options = options, .augment = urs_frame_augment_default()};
    urs_fit_options fit = options->fit;
    urs_text settings = {0};
    urs_pool *pool = NULL;
    int32_t *group = NULL;
    const bool all_in = options->frames.folds > 0 && options->frames.fold == 0;
    const double decay = options->weight_decay > 0 ? options->weight_decay : 0.02;
    double drawn = 0;
    urs_status status;

    (void)pthread_mutex_init(&t.lock, NULL);
    t.batch = fit.batch = fit.batch ? fit.batch : 32;
    fit.epochs = fit.epochs ? fit.epochs : 20;
    if (options->frames.folds > 0)
        fit.validate_every = fit.epochs;
    for (int i = 0; i < URS_FRAME_CLASSES; i++) {
        t.repeat[i] = options->repeat[i] > 0 ? options->repeat[i] : 1;
        t.weight[i] = options->weight[i] > 0 ? options->weight[i] : 1;
    }
    if (options->role == URS_SIFT_BEAR_OR_NOT) {
        t.repeat[URS_FRAME_EMPTY] = 0; /* never drawn */
        for (int i = 0; i + 1 < URS_FRAME_CLASSES; i++)
            t.weight[i] = t.weight[i + 1];
    }
    status = t.batch <= 4096 ? open_network(&t, err) : urs_fail(err, URS_EINVAL, "a batch of %d is too large", (int)t.batch);
    if (status == URS_OK)
        status = urs_pool_new(&pool, fit.threads, err);
    if (status == URS_OK)
        status = urs_frames_build(&t.train, &options->frames, URS_PART_TRAIN, pool, err);
    if (status == URS_OK && all_in)
        status = options->thresholds ? URS_OK : urs_fail(err, URS_EINVAL, "thresholds must be given where no frames are left to choose them on");
    else if (status == URS_OK)
        status = urs_frames_build(&t.validation, &options->frames, URS_PART_VALIDATION, pool, err);
    if (status == URS_OK)
        status = make_groups(&group, t.network->graph, err);
    if (status == URS_OK && options->draws > 0)
        balance(&t, options->draws);
    for (size_t i = 0; status == URS_OK && i < t.train.count; i++)
        drawn += (double)t.repeat[t.train.labels[i]];
    if (status == URS_OK && (drawn < (double)t.batch || (t.validation.count == 0 && !all_in)))
        status = urs_fail(err, URS_EINVAL, "%zu training and %zu validation frames are too few", t.train.count, t.validation.count);
    if (status != URS_OK)
        goto done;
    describe(&settings, &t);
    t.steps_per_epoch = (uint64_t)(drawn / (double)(t.batch * (fit.accumulate > 1 ? fit.accumulate : 1)));
    fit.threads = urs_pool_threads(pool);
    if (!fit.quiet) {
        (void)fprintf(stderr, "sift: %zu training frames (", t.train.count);
        for (int i = 0; i < URS_FRAMES_SOURCES; i++)
            if (t.train.source_counts[i])
                (void)fprintf(stderr, "%s %zu, ", urs_frame_source_name((urs_frame_source)i), t.train.source_counts[i]);
        (void)fprintf(stderr, "%.0f drawn an epoch), %zu validation frames\n", drawn, t.validation.count);
    }
    {
        const double trunk = options->trunk_lr_scale > 0 ? options->trunk_lr_scale : options->init ? 0.3 : 1.0;
        const urs_fit_task task = {
            .context = &t, .name = "sift", .steps_per_epoch = t.steps_per_epoch, .slot_bytes = (size_t)t.batch * (t.input_elements * sizeof(float) + sizeof(int32_t)),
            .trainer = {.optimiser = {.kind = URS_OPTIMISER_ADAMW, .groups = {[GROUP_TRUNK] = {.lr_scale = trunk, .weight_decay = decay}, [GROUP_TRUNK_NORM] = {.lr_scale = trunk},
                                                                              [GROUP_HEAD] = {.weight_decay = decay}}},
                        .weight_group = GROUP_TRUNK, .other_group = GROUP_TRUNK_NORM, .group = group, .clip = 10, .ema = true, .ema_decay = 0.998, .ema_ramp = 200},
            .schedule = {.kind = URS_SCHEDULE_COSINE, .lr = 1.5e-3, .final = 0.01, .warmup = t.steps_per_epoch / 2 + 1, .warmup_start = 1e-5},
            .settings = urs_text_string(&settings), .make = make_batch, .loss = softmax_loss, .validate = validate};
        status = urs_text_ok(&settings) ? urs_fit_run(t.network, &task, &fit, report, err) : urs_fail(err, URS_ENOMEM, "no memory for settings");
    }
done:
    for (int i = 0; i < 2; i++)
        urs_order_release(&t.orders[i].order);
    urs_text_release(&settings);
    urs_free(group);
    urs_frames_release(&t.train);
    urs_frames_release(&t.validation);
    urs_network_free(t.network);
    urs_pool_free(pool);
    (void)pthread_mutex_destroy(&t.lock);
    return status;
}
