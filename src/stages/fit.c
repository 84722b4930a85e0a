/* The training loop; see fit.h. */
#include "stages/fit.h"

#include "quant/qat.h"
#include "stages/int8_network.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/text.h"
#include "train/checkpoint.h"
#include "train/prefetch.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECKPOINT_SECONDS 300.0
#define QAT_RATE 0.1      /* of the task's default */
#define QAT_STEP_RATE 5.0 /* of the logarithms of steps, relative to weights */

typedef struct fit {
    urs_network *network;
    const urs_fit_task *task;
    const urs_fit_options *options;
    int32_t epochs, batch, accumulate;
    urs_trainer *trainer;
    urs_qat *qat;
    urs_network *int8; /* owned: of the parameters being judged, with qat */
    urs_prefetch *prefetch;
    urs_checkpoint state;
    char *checkpoint_path, *log_path;
    size_t image_elements;
    void *slot; /* borrowed from prefetch during a micro-batch */
    double started, last_checkpoint;
    uint64_t images;
} fit;

static bool cancelled(const fit *f)
{
    return f->options->cancelled && f->options->cancelled();
}

static urs_status call_begin(void *context, urs_error *err)
{
    fit *f = context;
    urs_status status = urs_prefetch_next(f->prefetch, &f->slot, NULL, err);
    if (status == URS_OK && !f->slot)
        status = urs_fail(err, URS_EINVAL, "the training data ended early");
    return status;
}

static void call_end(void *context)
{
    fit *f = context;
    if (f->slot)
        urs_prefetch_release(f->prefetch);
    f->slot = NULL;
}

static urs_status call_fill(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    fit *f = context;
    (void)shard;
    (void)err;
    memcpy(urs_plan_input(plan, 0), (const float *)f->slot + (size_t)first * f->image_elements, (size_t)count * f->image_elements * sizeof(float));
    return URS_OK;
}

static urs_status call_prepare(void *context, int32_t shard, urs_plan *plan, urs_error *err)
{
    fit *f = context;
    int32_t first = 0;
    for (int32_t i = 0; i < shard; i++)
        first += urs_trainer_shard_batch(f->trainer, i);
    return f->task->prepare(f->task->context, f->slot, shard, first, urs_trainer_shard_batch(f->trainer, shard), plan, err);
}

static urs_status call_combine(void *context, urs_error *err)
{
    const fit *f = context;
    return f->task->combine(f->task->context, err);
}

static urs_status call_loss(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    fit *f = context;
    return f->task->loss(f->task->context, f->slot, shard, first, count, plan, extra, d_extra, value, err);
}

/* A line for the log file and the terminal. */
static void say(const fit *f, const char *line)
{
    FILE *log = fopen(f->log_path, "a");
    if (log) {
        (void)fprintf(log, "%s\n", line);
        (void)fclose(log);
    }
    if (!f->options->quiet)
        (void)fprintf(stderr, "\r\033[K%s\n", line);
}

/* The int8 network of the best parameters so far; validation runs it in place of the float plan. */
static urs_status make_int8(fit *f, urs_error *err)
{
    const float *best = urs_trainer_best(f->trainer);
    urs_status status;
    urs_network_free(f->int8);
    f->int8 = NULL;
    urs_qat_apply(f->qat, best + urs_trainer_own_offset(f->trainer));
    status = urs_network_from_deploy(&f->int8, f->network, f->options->qat, best, err);
    if (status == URS_OK)
        f->network->maker = f->int8->maker; /* lent during validation */
    return status;
}

static urs_status write_int8(fit *f, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < urs_weights_metadata_count(f->network->notes); i++) {
        const char *key, *value;
        urs_weights_metadata_at(f->network->notes, i, &key, &value);
        status = urs_network_set_note(f->int8, key, value, err);
    }
    return status == URS_OK ? urs_network_write_int8(f->int8, f->options->out, err) : status;
}

static urs_status write_best(fit *f, int32_t epoch, double score, const char *line, urs_error *err)
{
    json_t *training = json_pack("{s:s, s:I, s:i, s:i, s:i, s:f, s:s, s:s}", "task", f->task->name, "seed", (json_int_t)f->options->seed, "epoch", (int)epoch, "epochs",
                                 (int)f->epochs, "batch", (int)(f->batch * f->accumulate), "validation_score", isfinite(score) ? score : -1.0, "validation", line, "command",
                                 f->options->command ? f->options->command : "");
    char *text = training ? json_dumps(training, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    urs_status status = text ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for notes");
    memcpy(f->network->params, urs_trainer_best(f->trainer), urs_graph_block_elements(f->network->graph) * sizeof(float));
    if (status == URS_OK)
        status = urs_network_set_note(f->network, "ursid.training", text, err);
    if (status == URS_OK)
        status = urs_network_set_note(f->network, "ursid.stage", f->task->name, err);
    if (status == URS_OK && f->int8)
        status = write_int8(f, err);
    else if (status == URS_OK)
        status = urs_network_write(f->network, f->options->out, !f->options->full_precision, err);
    json_decref(training);
    urs_free(text);
    return status;
}

static urs_status save_checkpoint(fit *f, urs_error *err)
{
    f->last_checkpoint = urs_clock();
    return urs_checkpoint_save(f->checkpoint_path, f->trainer, f->task->settings ? f->task->settings : "", &f->state, err);
}

static urs_rates rates_at(const fit *f, const urs_schedule *schedule, uint64_t step)
{
    const urs_fit_task *t = f->task;
    const double lr = urs_schedule_at(schedule, step);
    urs_rates rates = {.momentum = t->momentum};
    for (int i = 0; i < URS_GROUPS_MAX; i++)
        rates.lr[i] = lr;
    if (t->bias_warmup_start > 0 && step < schedule->warmup)
        rates.lr[t->trainer.other_group] = urs_schedule_ramp(step, schedule->warmup, t->bias_warmup_start, urs_schedule_at(schedule, schedule->warmup));
    if (t->momentum_start > 0)
        rates.momentum = urs_schedule_ramp(step, schedule->warmup, t->momentum_start, t->momentum);
    return rates;
}

static urs_status open_trainer(fit *f, urs_error *err)
{
    urs_trainer_options options = f->task->trainer;
    urs_status status;
    options.threads = f->options->threads;
    options.batch = f->batch;
    options.seed = f->options->seed;
    status = urs_backend_find(&options.backend, f->options->backend, err);
    if (status == URS_OK && f->options->qat && urs_graph_block_elements(f->options->qat->source) != urs_graph_block_elements(f->network->graph))
        status = urs_fail(err, URS_EMISMATCH, "the deployed network is not of the architecture that is trained");
    if (status == URS_OK && f->options->qat) {
        const uint64_t steps = (uint64_t)f->epochs * f->task->steps_per_epoch * (uint64_t)f->accumulate;
        const urs_qat_options qat = {.ema = f->options->qat_ema, .freeze = steps * 7 / 10 + 1, .group = URS_GROUPS_MAX - 1};
        status = urs_qat_new(&f->qat, f->options->qat, f->network->params, &qat, err);
        options.reparam = status == URS_OK ? urs_qat_reparam(f->qat) : NULL;
        options.optimiser.groups[URS_GROUPS_MAX - 1] = (urs_group){.lr_scale = QAT_STEP_RATE};
    }
    if (status == URS_OK)
        status = urs_trainer_new(&f->trainer, f->network->graph, &options, err);
    if (status != URS_OK)
        return status;
    memcpy(urs_trainer_params(f->trainer), f->network->params, urs_graph_block_elements(f->network->graph) * sizeof(float));
    if (options.extra && f->task->start_extra)
        f->task->start_extra(f->task->context, urs_trainer_extra(f->trainer), f->options->seed);
    if (f->qat)
        urs_qat_start(f->qat, urs_trainer_params(f->trainer) + urs_trainer_own_offset(f->trainer));
    urs_trainer_refresh(f->trainer);
    f->state.best = -INFINITY;
    if (f->options->resume && urs_file_exists(f->checkpoint_path))
        status = urs_checkpoint_load(f->checkpoint_path, f->trainer, f->task->settings ? f->task->settings : "", &f->state, err);
    else if (f->options->resume && !f->options->quiet)
        (void)fprintf(stderr, "no checkpoint '%s' yet: starting from the beginning\n", f->checkpoint_path);
    return status;
}

static urs_status open_prefetch(fit *f, int32_t epoch, urs_error *err)
{
    const uint64_t end = ((uint64_t)epoch + 1) * f->task->steps_per_epoch * (uint64_t)f->accumulate;
    const urs_prefetch_options options = {.threads = f->options->threads == 1 ? 1 : 2, .depth = 4, .slot_bytes = f->task->slot_bytes, .first = urs_trainer_batches(f->trainer), .end = end,
                                          .make = f->task->make, .open = f->task->open, .close = f->task->close, .context = f->task->context};
    urs_prefetch_free(f->prefetch);
    f->prefetch = NULL;
    return urs_prefetch_new(&f->prefetch, &options, err);
}

static urs_status run_epoch(fit *f, int32_t epoch, const urs_schedule *schedule, double *loss, urs_error *err)
{
    const urs_trainer_calls calls = {.context = f, .begin = call_begin, .fill = call_fill, .prepare = f->task->prepare ? call_prepare : NULL,
                                     .combine = f->task->combine ? call_combine : NULL, .loss = call_loss, .end = call_end};
    const uint64_t first = (uint64_t)epoch * f->task->steps_per_epoch;
    urs_progress progress;
    double sum = 0;
    uint64_t steps = 0;
    char verb[64];
    urs_status status = URS_OK;

    (void)snprintf(verb, sizeof verb, "epoch %d of %d: step", (int)epoch + 1, (int)f->epochs);
    urs_progress_start(&progress, f->options->quiet || !isatty(STDERR_FILENO) ? URS_PROGRESS_NONE : URS_PROGRESS_AUTO, verb, "steps", (size_t)f->task->steps_per_epoch);
    while (status == URS_OK && urs_trainer_steps(f->trainer) < first + f->task->steps_per_epoch) {
        urs_trainer_report report;
        const urs_rates rates = rates_at(f, schedule, urs_trainer_steps(f->trainer));
        if (cancelled(f))
            return urs_fail(err, URS_ECANCELLED, "interrupted; run again with --resume to go on");
        status = urs_trainer_step(f->trainer, &calls, &rates, f->accumulate, &report, err);
        sum += status == URS_OK ? report.loss : 0;
        steps++;
        f->images += (uint64_t)(f->batch * f->accumulate);
        urs_progress_step(&progress, (size_t)(urs_trainer_steps(f->trainer) - first));
        if (status == URS_OK && urs_clock() - f->last_checkpoint > CHECKPOINT_SECONDS)
            status = save_checkpoint(f, err);
    }
    *loss = steps ? sum / (double)(steps * (uint64_t)f->accumulate) : 0;
    return status;
}

static urs_status judge(fit *f, int32_t epoch, double loss, double seconds, urs_error *err)
{
    char what[300] = "", judged[40], line[512];
    double score = 0;
    bool better;
    urs_status status = f->qat ? make_int8(f, err) : URS_OK;
    if (status == URS_OK)
        status = f->task->validate(f->task->context, urs_trainer_best(f->trainer), urs_trainer_pool(f->trainer), &score, what, sizeof what, err);
    if (f->qat)
        f->network->maker = NULL;
    if (status != URS_OK)
        return status;
    better = f->task->keep_last || isnan(score) || score > f->state.best;
    if (isnan(score))
        (void)snprintf(judged, sizeof judged, "not validated");
    else
        (void)snprintf(judged, sizeof judged, "score %.4f%s", score, better ? " *" : "  ");
    (void)snprintf(line, sizeof line, "epoch %3d/%d  loss %.4f  %s%s%s  %.1f images/s  %.0f s", (int)epoch + 1, (int)f->epochs, loss, what, *what ? "  " : "", judged,
                   seconds > 0 ? (double)(f->task->steps_per_epoch * (uint64_t)(f->batch * f->accumulate)) / seconds : 0.0, urs_clock() - f->started);
    say(f, line);
    if (better) {
        f->state.best = isnan(score) ? -INFINITY : score; /* as at the start: nothing is known of them */
        f->state.best_epoch = (uint64_t)(epoch < 0 ? 0 : epoch);
        status = write_best(f, epoch + 1, score, what, err);
    }
    return status;
}

static urs_status run_all(fit *f, urs_error *err)
{
    urs_schedule schedule = f->task->schedule;
    const int32_t every = f->options->validate_every ? f->options->validate_every : 1;
    urs_status status = URS_OK;
    schedule.lr = f->options->lr > 0 ? f->options->lr : f->qat ? schedule.lr * QAT_RATE : schedule.lr;
    schedule.steps = (uint64_t)f->epochs * f->task->steps_per_epoch;
    if (f->qat && f->state.epoch == 0) /* what training must beat */
        status = judge(f, -1, 0, 0, err);
    for (int32_t epoch = (int32_t)f->state.epoch; status == URS_OK && epoch < f->epochs; epoch++) {
        const double start = urs_clock();
        double loss = 0;
        status = open_prefetch(f, epoch, err);
        if (status == URS_OK)
            status = run_epoch(f, epoch, &schedule, &loss, err);
        if (status == URS_OK && ((epoch + 1) % every == 0 || epoch + 1 == f->epochs))
            status = judge(f, epoch, loss, urs_clock() - start, err);
        if (status == URS_OK) {
            f->state.epoch = (uint64_t)epoch + 1;
            status = save_checkpoint(f, err);
        } else if (status == URS_ECANCELLED) {
            urs_error ignored;
            (void)!save_checkpoint(f, &ignored);
        }
    }
    return status;
}

urs_status urs_fit_run(urs_network *network, const urs_fit_task *task, const urs_fit_options *options, urs_fit_report *report, urs_error *err)
{
    fit f = {.network = network, .task = task, .options = options, .epochs = options->epochs, .batch = options->batch, .accumulate = options->accumulate ? options->accumulate : 1};
    urs_text checkpoint = {0}, log = {0};
    urs_status status = URS_OK;

    if (f.epochs < 1 || f.batch < 1 || task->steps_per_epoch < 1)
        return urs_fail(err, URS_EINVAL, "a training needs at least one epoch, one image in a batch and one step");
    f.image_elements = 3 * (size_t)network->input.width * (size_t)network->input.height;
    f.started = f.last_checkpoint = urs_clock();
    urs_text_format(&checkpoint, "%s.checkpoint", options->out);
    urs_text_format(&log, "%s.log", options->out);
    f.checkpoint_path = urs_text_take(&checkpoint);
    f.log_path = urs_text_take(&log);
    if (!f.checkpoint_path || !f.log_path)
        status = urs_fail(err, URS_ENOMEM, "no memory for file names");
    if (status == URS_OK)
        status = open_trainer(&f, err);
    if (status == URS_OK)
        status = run_all(&f, err);
    if (report) {
        const double seconds = urs_clock() - f.started;
        *report = (urs_fit_report){.validated = isfinite(f.state.best), .best = isfinite(f.state.best) ? f.state.best : 0, .best_epoch = (int32_t)f.state.best_epoch, .epochs = (int32_t)f.state.epoch, .seconds = seconds,
                                   .images_per_second = seconds > 0 ? (double)f.images / seconds : 0};
    }
    urs_prefetch_free(f.prefetch);
    urs_trainer_free(f.trainer);
    urs_qat_free(f.qat);
    urs_network_free(f.int8);
    urs_free(f.checkpoint_path);
    urs_free(f.log_path);
    return status;
}
