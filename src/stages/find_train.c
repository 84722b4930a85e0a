/* Training of find; see find_train.h. */
#include "stages/find_train.h"

#include "base/memory.h"
#include "base/text.h"
#include "data/sampler.h"
#include "train/loss_yolo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHARDS_MAX 64
#define TARGETS_MAX 64
#define GROUP_WEIGHT 0
#define GROUP_OTHER 1

/* What a prepared picture brings besides its tensor. */
typedef struct find_truth {
    int32_t n;
    bool masks; /* every head has an outline: only then may the picture teach masks, or a head without one would teach an empty mask */
    float boxes[TARGETS_MAX][4];
    int32_t classes[TARGETS_MAX];
} find_truth;

typedef struct find_task {
    const urs_find_train_options *options;
    urs_network *network;
    urs_find_layout layout;
    urs_scene_set train, validation;
    urs_yolo_augment augment;
    int32_t batch, epochs, close_mosaic;
    uint64_t steps_per_epoch, micro;
    size_t draws, input_elements, map_elements;
    urs_yolo_loss *loss[SHARDS_MAX];
    urs_yolo_sums sums[SHARDS_MAX], total;
    urs_yolo_targets *targets; /* owned; one a picture of the batch */
    int32_t shards;
} find_task;

/* slot: tensors [batch] | truths [batch] | index maps [batch] */
static find_truth *truths_of(const find_task *t, void *slot)
{
    return (find_truth *)(void *)((char *)slot + (size_t)t->batch * t->input_elements * sizeof(float));
}

static uint8_t *maps_of(const find_task *t, void *slot)
{
    return (uint8_t *)(void *)(truths_of(t, slot) + t->batch);
}

static size_t slot_bytes(const find_task *t)
{
    return (size_t)t->batch * (t->input_elements * sizeof(float) + sizeof(find_truth) + t->map_elements);
}

static void keep_truth(find_truth *truth, uint8_t *map, size_t map_elements, const urs_yolo_sample *sample)
{
    truth->n = sample->count < TARGETS_MAX ? (int32_t)sample->count : TARGETS_MAX;
    truth->masks = true;
    for (int32_t i = 0; i < truth->n; i++) {
        const urs_box b = sample->objects[i].box;
        truth->boxes[i][0] = b.x1;
        truth->boxes[i][1] = b.y1;
        truth->boxes[i][2] = b.x2;
        truth->boxes[i][3] = b.y2;
        truth->classes[i] = sample->objects[i].label;
        truth->masks &= sample->objects[i].has_mask;
    }
    memcpy(map, sample->index.data, map_elements);
}

static urs_status make_batch(void *context, uint64_t index, void *slot, int worker, urs_error *err)
{
    const find_task *t = context;
    const uint64_t per_epoch = t->steps_per_epoch * t->micro, epoch = index / per_epoch, first = index % per_epoch * (uint64_t)t->batch;
    urs_yolo_augment how = t->augment;
    urs_order order = {0};
    urs_status status = urs_sample_shuffle(&order, t->draws, t->options->fit.seed, epoch, err);
    (void)worker;
    if (epoch + (uint64_t)t->close_mosaic >= (uint64_t)t->epochs)
        how.mosaic = 0;
    for (int32_t i = 0; status == URS_OK && i < t->batch; i++) {
        const uint64_t position = first + (uint64_t)i;
        urs_yolo_sample sample = {0};
        status = urs_yolo_sample_at(&sample, &t->train, order.items[position % order.count] % t->train.count, &how, t->options->fit.seed, epoch, position, err);
        if (status == URS_OK) {
            urs_yolo_sample_tensor((float *)slot + (size_t)i * t->input_elements, &sample);
            keep_truth(&truths_of(t, slot)[i], maps_of(t, slot) + (size_t)i * t->map_elements, t->map_elements, &sample);
        }
        urs_yolo_sample_release(&sample);
    }
    urs_order_release(&order);
    return status;
}

static urs_yolo_outputs outputs_of(const find_task *t, const urs_plan *plan)
{
    urs_yolo_outputs o = {0};
    for (int32_t l = 0; l < t->layout.levels; l++) {
        o.box[l] = urs_plan_output(plan, t->layout.level[l].box);
        o.cls[l] = urs_plan_output(plan, t->layout.level[l].cls);
        if (t->layout.coefficients)
            o.coef[l] = urs_plan_output(plan, t->layout.level[l].coef);
    }
    if (t->layout.coefficients)
        o.proto = urs_plan_output(plan, t->layout.proto);
    return o;
}

static urs_status prepare(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    find_task *t = context;
    const urs_yolo_outputs outputs = outputs_of(t, plan);
    const find_truth *truths = truths_of(t, slot);
    for (int32_t i = first; i < first + count; i++)
        t->targets[i] = (urs_yolo_targets){.n = truths[i].n, .boxes = &truths[i].boxes[0][0], .classes = truths[i].classes,
                                           .index_map = t->layout.coefficients && truths[i].masks ? maps_of(t, slot) + (size_t)i * t->map_elements : NULL};
    return urs_yolo_loss_assign(t->loss[shard], &t->sums[shard], &outputs, t->targets + first, count, err);
}

static urs_status combine(void *context, urs_error *err)
{
    find_task *t = context;
    (void)err;
    t->total = (urs_yolo_sums){0};
    for (int32_t i = 0; i < t->shards; i++)
        urs_yolo_sums_add(&t->total, &t->sums[i]);
    return URS_OK;
}

static urs_status yolo_loss(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    find_task *t = context;
    urs_yolo_gradients g = {0};
    urs_yolo_parts parts;
    urs_status status;
    (void)slot;
    (void)first;
    (void)count;
    (void)extra;
    (void)d_extra;
    for (int32_t l = 0; l < t->layout.levels; l++) {
        g.box[l] = urs_plan_output_gradient(plan, t->layout.level[l].box);
        g.cls[l] = urs_plan_output_gradient(plan, t->layout.level[l].cls);
        if (t->layout.coefficients)
            g.coef[l] = urs_plan_output_gradient(plan, t->layout.level[l].coef);
    }
    if (t->layout.coefficients)
        g.proto = urs_plan_output_gradient(plan, t->layout.proto);
    status = urs_yolo_loss_run(t->loss[shard], &parts, &g, &t->total, err);
    if (status == URS_OK)
        *value = parts.total;
    return status;
}

static urs_status validate(void *context, const float *params, urs_pool *pool, double *score, char *line, size_t line_size, urs_error *err)
{
    find_task *t = context;
    urs_find_quality q;
    char note[100];
    const urs_network view = urs_network_view(t->network, params);
    urs_status status = urs_find_evaluate(&q, &t->validation, &view, NULL, pool, err);
    if (status != URS_OK)
        return status;
    *score = isfinite(q.box.map) ? 0.1 * q.box.ap50 + 0.9 * q.box.map : NAN; /* NaN: no head in these photographs */
    if (isfinite(q.box.map) && isfinite(q.mask.map))
        *score += 0.1 * q.mask.ap50 + 0.9 * q.mask.map;
    (void)snprintf(line, line_size, "validation box mAP50 %.3f mAP50-95 %.3f, mask %.3f %.3f, best F1 %.3f at %.2f", q.box.ap50, q.box.map, q.mask.ap50, q.mask.map, q.box.best_f1,
                   q.box.best_f1_score);
    (void)snprintf(note, sizeof note, "{\"score\":%.3f,\"iou\":0.7}", fmax(0.05, fmin(q.box.best_f1_score, 0.6)));
    return urs_network_set_note(t->network, "ursid.thresholds", note, err);
}

static urs_status load_part(urs_scene_set *out, const urs_find_train_options *o, urs_part part, int32_t side, urs_error *err)
{
    const urs_split_options how = {.by = URS_SPLIT_SAMPLE, .validation = o->validation > 0 ? o->validation : 0.15f, .test = o->test > 0 ? o->test : 0.2f,
                                   .seed = o->split_seed ? o->split_seed : 1, .together = o->together};
    urs_dataset dataset = {0};
    urs_split split = {0};
    size_t *items = NULL, n = 0;
    urs_status status;
    if (o->data_count == 0)
        return urs_fail(err, URS_EINVAL, "there is no data set to learn heads from");
    status = urs_dataset_read(&dataset, o->data[0], NULL, err);
    if (status == URS_OK)
        status = urs_split_make(&split, &dataset, &how, err);
    if (status == URS_OK)
        status = urs_split_check(&split, &dataset, &how, err);
    if (status == URS_OK)
        status = urs_split_part(&items, &n, &split, part, err);
    if (status == URS_OK)
        status = urs_scene_set_load(out, &dataset, items, n, side, true, err);
    urs_free(items);
    urs_split_release(&split);
    urs_dataset_release(&dataset);
    return status;
}

urs_status urs_find_train_scenes(urs_scene_set *out, const urs_find_train_options *options, urs_part part, urs_error *err)
{
    return load_part(out, options, part, 0, err);
}

/* Empty frames of the manifest, of whatever camera: they only serve as backgrounds. */
static urs_status add_backgrounds(urs_scene_set *set, const char *manifest, int32_t side, urs_error *err)
{
    urs_dataset dataset = {0};
    size_t *items = NULL, n = 0;
    urs_status status = urs_dataset_read(&dataset, manifest, NULL, err);
    const int32_t empty = status == URS_OK ? urs_name_table_find(&dataset.labels, "empty") : -1;
    if (status == URS_OK && empty < 0)
        status = urs_fail(err, URS_EFORMAT, "'%s' has no frames labelled empty", manifest);
    if (status == URS_OK) {
        items = urs_array_new(dataset.count, sizeof *items);
        if (!items)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu backgrounds", dataset.count);
    }
    for (size_t i = 0; status == URS_OK && i < dataset.count; i++)
        if (dataset.samples[i].label == empty)
            items[n++] = i;
    if (status == URS_OK)
        status = urs_scene_set_add_backgrounds(set, &dataset, items, n, side, err);
    urs_free(items);
    urs_dataset_release(&dataset);
    return status;
}

urs_status urs_find_train_calibration(urs_scene_set *out, const urs_find_train_options *options, int32_t side, urs_error *err)
{
    urs_status status = load_part(out, options, URS_PART_TRAIN, side, err);
    if (status == URS_OK && options->backgrounds)
        status = add_backgrounds(out, options->backgrounds, side, err);
    return status;
}

static urs_status open_network(find_task *t, urs_error *err)
{
    const urs_find_train_options *o = t->options;
    urs_model_options model;
    int32_t loaded = 0;
    urs_status status = urs_model_options_default(&model, o->arch ? o->arch : "yolov8n-seg", err);
    if (status != URS_OK)
        return status;
    model.input_width = model.input_height = o->side ? o->side : 320;
    model.classes = 1;
    status = urs_network_new(&t->network, &model, o->fit.seed, err);
    if (status == URS_OK && o->init) {
        status = urs_network_load_partial(t->network, o->init, &loaded, err);
        if (status == URS_OK && !o->fit.quiet)
            (void)fprintf(stderr, "find: %d parameters start from '%s'\n", (int)loaded, o->init);
    }
    if (status == URS_OK)
        status = urs_network_set_note(t->network, "ursid.classes", "[\"bear head\"]", err);
    if (status == URS_OK)
        status = urs_find_layout_read(&t->layout, t->network->graph, err);
    t->input_elements = 3 * (size_t)model.input_width * (size_t)model.input_height;
    t->map_elements = (size_t)(model.input_width / 4) * (size_t)(model.input_height / 4);
    return status;
}

static urs_status open_losses(find_task *t, urs_error *err)
{
    urs_yolo_loss_options how = {.batch = t->batch, .classes = t->layout.classes, .n_levels = t->layout.levels, .coefficients = t->layout.coefficients,
                                 .proto_h = t->layout.proto_height, .proto_w = t->layout.proto_width, .input_h = t->layout.input_height, .input_w = t->layout.input_width,
                                 .targets_max = TARGETS_MAX};
    urs_status status = URS_OK;
    for (int32_t l = 0; l < t->layout.levels; l++)
        how.levels[l] = (urs_yolo_level){.h = t->layout.level[l].height, .w = t->layout.level[l].width, .stride = t->layout.level[l].stride};
    for (int32_t i = 0; status == URS_OK && i < t->shards; i++)
        status = urs_yolo_loss_new(&t->loss[i], &how, err);
    return status;
}

static void choose_augmentation(find_task *t)
{
    const urs_find_train_options *o = t->options;
    const bool backgrounds = t->train.background_count > 0;
    t->augment = urs_yolo_augment_default(t->layout.input_width);
    t->augment.degrees = 12;
    t->augment.mosaic = o->mosaic < 0 ? 0 : o->mosaic > 0 ? (float)o->mosaic : 1;
    t->augment.paste = o->paste < 0 || !backgrounds ? 0 : o->paste > 0 ? (float)o->paste : 0.3f;
    t->augment.empty = o->empty < 0 || !backgrounds ? 0 : o->empty > 0 ? (float)o->empty : 0.1f;
    if (!o->no_quality)
        t->augment.quality = (urs_photometric){.p_grey = 0.05f, .p_infrared = 0.15f, .p_jpeg = 0.15f, .p_blur = 0.1f, .p_noise = 0.1f, .p_downscale = 0.1f};
}

static void describe(urs_text *settings, const find_task *t)
{
    const urs_find_train_options *o = t->options;
    urs_text_format(settings, "find arch=%s side=%d batch=%d epochs=%d lr=%g seed=%llu split=%llu val=%g test=%g paste=%g empty=%g mosaic=%g quality=%d repeat=%d close=%d init=%s backgrounds=%s",
                    t->network->options.arch, (int)t->layout.input_width, (int)t->batch, (int)t->epochs, o->fit.lr, (unsigned long long)o->fit.seed, (unsigned long long)o->split_seed,
                    (double)o->validation, (double)o->test, o->paste, o->empty, o->mosaic, !o->no_quality, (int)o->repeat, (int)t->close_mosaic, o->init ? o->init : "",
                    o->backgrounds ? o->backgrounds : "");
}

static void release_task(find_task *t)
{
    for (int32_t i = 0; i < SHARDS_MAX; i++)
        urs_yolo_loss_free(t->loss[i]);
    urs_free(t->targets);
    urs_scene_set_release(&t->train);
    urs_scene_set_release(&t->validation);
    urs_network_free(t->network);
}

static urs_status add_training_sets(find_task *t, urs_error *err)
{
    const urs_find_train_options *o = t->options;
    /* Mosaic and scaling look closer than the network's own size. */
    const int32_t side = t->layout.input_width * 3 / 2;
    urs_find_train_options only_train = *o;
    urs_status status = load_part(&t->train, o, URS_PART_TRAIN, side, err);
    if (status == URS_OK)
        status = load_part(&t->validation, o, URS_PART_VALIDATION, 0, err);
    for (size_t i = 1; status == URS_OK && i < o->data_count; i++) {
        urs_scene_set more = {0};
        only_train.data = o->data + i;
        only_train.data_count = 1;
        only_train.validation = only_train.test = 1e-6f;
        status = load_part(&more, &only_train, URS_PART_TRAIN, side, err);
        if (status == URS_OK && !urs_array_resize((void **)&t->train.scenes, t->train.count + more.count, sizeof *t->train.scenes))
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", t->train.count + more.count);
        if (status == URS_OK) {
            memcpy(t->train.scenes + t->train.count, more.scenes, more.count * sizeof *more.scenes);
            t->train.count += more.count;
            more.count = 0;
        }
        urs_scene_set_release(&more);
    }
    if (status == URS_OK && o->backgrounds)
        status = add_backgrounds(&t->train, o->backgrounds, side, err);
    return status;
}

urs_status urs_find_train(const urs_find_train_options *options, urs_fit_report *report, urs_error *err)
{
    find_task t = {.options = options};
    urs_fit_options fit = options->fit;
    urs_text settings = {0};
    urs_pool *pool = NULL;
    urs_status status;

    t.batch = fit.batch = fit.batch ? fit.batch : 16;
    t.epochs = fit.epochs = fit.epochs ? fit.epochs : 100;
    t.micro = fit.accumulate > 1 ? (uint64_t)fit.accumulate : 1;
    t.close_mosaic = options->close_mosaic ? options->close_mosaic : 10;
    t.targets = urs_array_new((size_t)t.batch, sizeof *t.targets);
    status = t.targets ? open_network(&t, err) : urs_fail(err, URS_ENOMEM, "no memory for targets");
    if (status == URS_OK)
        status = urs_pool_new(&pool, fit.threads, err);
    if (status == URS_OK)
        status = add_training_sets(&t, err);
    if (status == URS_OK && (t.train.count == 0 || t.validation.count == 0))
        status = urs_fail(err, URS_EINVAL, "%zu training and %zu validation photographs are too few", t.train.count, t.validation.count);
    if (status != URS_OK)
        goto done;
    fit.threads = t.shards = urs_pool_threads(pool) < t.batch ? urs_pool_threads(pool) : t.batch;
    status = open_losses(&t, err);
    if (status != URS_OK)
        goto done;
    choose_augmentation(&t);
    t.draws = t.train.count * (size_t)(options->repeat > 0 ? options->repeat : 1);
    t.steps_per_epoch = (t.draws + (size_t)t.batch * t.micro - 1) / ((size_t)t.batch * t.micro);
    describe(&settings, &t);
    if (!fit.quiet)
        (void)fprintf(stderr, "find: %zu training photographs, %zu backgrounds, %zu validation photographs\n", t.train.count, t.train.background_count, t.validation.count);
    {
        const double decay = 0.0005 * (double)t.batch * (double)t.micro / 64;
        const urs_fit_task task = {
            .context = &t, .name = "find", .steps_per_epoch = t.steps_per_epoch, .slot_bytes = slot_bytes(&t),
            .trainer = {.optimiser = {.kind = URS_OPTIMISER_ADAMW, .groups = {[GROUP_WEIGHT] = {.weight_decay = decay}}}, .weight_group = GROUP_WEIGHT, .other_group = GROUP_OTHER,
                        .clip = 10, .ema = true, .ema_decay = 0.999, .ema_ramp = 500},
            .schedule = {.kind = URS_SCHEDULE_LINEAR, .lr = 0.002, .final = 0.01, .warmup = 100, .warmup_start = 0},
            .settings = urs_text_string(&settings), .make = make_batch, .prepare = prepare, .combine = combine, .loss = yolo_loss, .validate = validate};
        status = urs_text_ok(&settings) ? urs_fit_run(t.network, &task, &fit, report, err) : urs_fail(err, URS_ENOMEM, "no memory for settings");
    }
done:
    urs_text_release(&settings);
    release_task(&t);
    urs_pool_free(pool);
    return status;
}
