/* Training of embed; see embed_train.h. */
#include "stages/embed_train.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "data/sampler.h"
#include "eval/retrieval.h"
#include "stages/embed.h"
#include "stages/embed_head.h"
#include "stages/embed_loss.h"
#include "stages/embed_split.h"
#include "train/loss_arcface.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS_MAX 64
#define GROUP_TRUNK 0
#define GROUP_TRUNK_NORM 1
#define GROUP_HEAD 2
#define GROUP_CENTRES 3

typedef struct embed_task {
    const urs_embed_train_options *options;
    urs_network *network;
    urs_chips chips;
    size_t *items, *validation;
    int32_t *labels, *domains, *validation_labels;
    size_t count, validation_count;
    bool head_loaded; /* init brought an embedding head that fits: it is kept */
    float *start; /* owned; the starting trunk, for options->blend */
    int32_t batch, per_class, output;
    uint64_t steps_per_epoch;
    size_t input_elements;
    urs_chip_augment augment;
    urs_arcface *arcface[SHARDS_MAX];
    float *centres; /* owned; where ArcFace starts */
    urs_embed_loss loss;
    urs_embed_batch *whole; /* owned; the batch between the passes, for metric losses and miners */
    /* The order of an epoch is drawn once and kept: batches of two epochs may be in the making at the same time. */
    pthread_mutex_t lock;
    struct {
        urs_order order;
        uint64_t epoch;
        bool valid;
    } orders[2];
} embed_task;

static size_t labels_at(const embed_task *t)
{
    return (size_t)t->batch * t->input_elements * sizeof(float);
}

static urs_status batch_items(embed_task *t, uint64_t epoch, uint64_t step, size_t *out, urs_error *err)
{
    const int which = (int)(epoch % 2);
    urs_status status = URS_OK;
    (void)pthread_mutex_lock(&t->lock);
    if (!t->orders[which].valid || t->orders[which].epoch != epoch) {
        urs_order_release(&t->orders[which].order);
        t->orders[which].valid = false;
        status = urs_sample_pk(&t->orders[which].order, t->labels, t->count, (size_t)t->per_class, (size_t)t->batch, t->domains, t->options->fit.seed, epoch, err);
        t->orders[which].valid = status == URS_OK;
        t->orders[which].epoch = epoch;
    }
    for (int32_t i = 0; status == URS_OK && i < t->batch; i++)
        out[i] = t->orders[which].order.items[(step * (uint64_t)t->batch + (uint64_t)i) % t->orders[which].order.count];
    (void)pthread_mutex_unlock(&t->lock);
    return status;
}

static urs_status make_batch(void *context, uint64_t index, void *slot, int worker, urs_error *err)
{
    embed_task *t = context;
    const uint64_t micro = t->options->fit.accumulate > 1 ? (uint64_t)t->options->fit.accumulate : 1, per_epoch = t->steps_per_epoch * micro;
    const uint64_t epoch = index / per_epoch, step = index % per_epoch;
    size_t items[4096];
    int32_t *labels = (int32_t *)(void *)((char *)slot + labels_at(t));
    urs_status status = batch_items(t, epoch, step, items, err);
    (void)worker;
    for (int32_t i = 0; status == URS_OK && i < t->batch; i++) {
        const size_t item = t->items[items[i]];
        labels[i] = t->labels[items[i]];
        status = urs_chips_prepare((float *)slot + (size_t)i * t->input_elements, &t->chips, item, t->options->fit.seed, epoch, step * (uint64_t)t->batch + (uint64_t)i,
                                   &t->network->input, t->options->no_augment ? NULL : &t->augment, err);
    }
    return status;
}

static const int32_t *labels_of(const embed_task *t, const void *slot)
{
    return (const int32_t *)(const void *)((const char *)slot + labels_at(t));
}

/* After the forward passes: the shards' rows come together, then all pairs are seen. */
static urs_status collect(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    embed_task *t = context;
    (void)shard;
    (void)err;
    urs_embed_batch_put(t->whole, urs_plan_output(plan, t->output), labels_of(t, slot) + first, first, count);
    return URS_OK;
}

static urs_status combine(void *context, urs_error *err)
{
    return urs_embed_batch_combine(((embed_task *)context)->whole, err);
}

static urs_status metric_loss(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    const embed_task *t = context;
    const size_t dims = (size_t)t->network->options.embedding;
    (void)slot;
    (void)extra;
    (void)d_extra;
    (void)err;
    memcpy(urs_plan_output_gradient(plan, t->output), urs_embed_batch_gradient(t->whole) + (size_t)first * dims, (size_t)count * dims * sizeof(float));
    *value = shard == 0 ? urs_embed_batch_value(t->whole) : 0; /* the whole batch's, once */
    return URS_OK;
}

static urs_status arcface_loss(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    embed_task *t = context;
    return urs_arcface_run(t->arcface[shard], value, urs_plan_output_gradient(plan, t->output), d_extra, NULL, urs_plan_output(plan, t->output), labels_of(t, slot) + first,
                           urs_embed_batch_weights(t->whole) + first, count, extra,
                           (double)t->batch, err);
}

static void start_centres(void *context, float *extra, uint64_t seed)
{
    const embed_task *t = context;
    (void)seed;
    memcpy(extra, t->centres, urs_arcface_weights(t->arcface[0]) * sizeof *extra);
}

/* Embeddings [count][dim] of chips by the network as it is. */
static urs_status embed_items(float *embedding, const embed_task *t, const float *params, const size_t *items, size_t count, bool no_flip, urs_pool *pool, urs_error *err)
{
    const urs_network view = urs_network_view(t->network, params);
    const urs_image **pictures = urs_array_new(count, sizeof *pictures);
    urs_embedder *embedder = NULL;
    urs_status status = pictures ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu chips", count);
    for (size_t i = 0; status == URS_OK && i < count; i++)
        pictures[i] = &t->chips.cache.images[items[i]];
    if (status == URS_OK)
        status = urs_embedder_new(&embedder, &view, &(urs_embedder_options){.pool = pool, .no_flip = no_flip}, err);
    if (status == URS_OK)
        status = urs_embedder_pictures(embedder, embedding, pictures, count, err);
    urs_embedder_free(embedder);
    urs_free(pictures);
    return status;
}

/* Every centre starts at the mean embedding of its individual ("imprinting", Qi, Brown and Lowe 2018), seen from the mean of all: random centres of 600 individuals would take longer to
 * turn than a short training lasts. Sub-centres start a little apart. */
static urs_status imprint_centres(embed_task *t, urs_pool *pool, urs_error *err)
{
    const size_t dim = (size_t)t->network->options.embedding, k = t->options->centres > 1 ? (size_t)t->options->centres : 1;
    float *embedding = urs_array_new(t->count, dim * sizeof *embedding), *mean = urs_array_new(dim, sizeof *mean);
    urs_random random;
    urs_status status;
    t->centres = urs_array_new(urs_arcface_weights(t->arcface[0]), sizeof *t->centres);
    if (!embedding || !mean || !t->centres) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", t->count);
        goto done;
    }
    status = embed_items(embedding, t, t->network->params, t->items, t->count, true, pool, err);
    if (status != URS_OK)
        goto done;
    for (size_t i = 0; i < t->count; i++)
        for (size_t d = 0; d < dim; d++)
            mean[d] += embedding[i * dim + d] / (float)t->count;
    for (size_t i = 0; i < t->count; i++)
        for (size_t c = 0; c < k; c++)
            for (size_t d = 0; d < dim; d++)
                t->centres[((size_t)t->labels[i] * k + c) * dim + d] += embedding[i * dim + d] - mean[d];
    urs_random_init(&random, t->options->fit.seed);
    for (size_t row = 0; row < (size_t)t->chips.train_classes * k; row++) {
        float *centre = t->centres + row * dim;
        const float spread = k > 1 ? 0.1f / sqrtf((float)dim) : 0.0f;
        (void)urs_normalise(centre, (int32_t)dim);
        for (size_t d = 0; d < dim && k > 1; d++)
            centre[d] += spread * (float)urs_random_normal(&random);
    }
done:
    urs_free(embedding);
    urs_free(mean);
    return status;
}

/* Leave one out among the validation chips of one tree. */
static urs_status validate_tree(urs_retrieval_result *out, const embed_task *t, const float *embedding, int32_t tree, urs_error *err)
{
    const urs_retrieval_options how = {.leave_one_out = true, .rounds = -1};
    const size_t dim = (size_t)t->network->options.embedding;
    int64_t *identity = urs_array_new(t->validation_count + 1, sizeof *identity);
    float *rows = urs_array_new(t->validation_count + 1, dim * sizeof *rows);
    size_t n = 0;
    urs_status status = identity && rows ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", t->validation_count);
    for (size_t i = 0; status == URS_OK && i < t->validation_count; i++) {
        if (t->chips.items[t->validation[i]].tree != tree)
            continue;
        identity[n] = t->validation_labels[i];
        memcpy(rows + n++ * dim, embedding + i * dim, dim * sizeof *rows);
    }
    if (status == URS_OK && n >= 2) {
        const urs_retrieval_set set = {.embedding = rows, .identity = identity, .count = n};
        status = urs_retrieval_evaluate(out, &set, &set, (int32_t)dim, &how, err);
    }
    urs_free(identity);
    urs_free(rows);
    return status;
}

/* Score: of the target if it has validation chips, else the mean over the other trees; NaN where those have none either. */
static urs_status validate(void *context, const float *params, urs_pool *pool, double *score, char *line, size_t line_size, urs_error *err)
{
    embed_task *t = context;
    float *embedding = urs_array_new(t->validation_count + 1, (size_t)t->network->options.embedding * sizeof *embedding);
    double others = 0;
    int judged = 0;
    size_t at = 0;
    urs_status status = embedding ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", t->validation_count);
    *score = NAN;
    line[0] = '\0';
    if (status == URS_OK && t->validation_count > 0)
        status = embed_items(embedding, t, params, t->validation, t->validation_count, false, pool, err);
    for (size_t tree = 0; status == URS_OK && tree < t->options->tree_count; tree++) {
        urs_retrieval_result result = {0};
        status = validate_tree(&result, t, embedding, (int32_t)tree, err);
        if (status == URS_OK && result.answerable > 0) {
            const double s = 0.5 * (result.macro_bear_hit[0].value + result.mean_ap.value);
            if (tree == 0)
                *score = s;
            else
                others += s, judged++;
            if (at + 100 < line_size)
                at += (size_t)snprintf(line + at, line_size - at, "%s%zu: Hit@1 %.3f mAP %.3f", at ? "; " : "validation, macro, --data ", tree + 1,
                                       result.macro_bear_hit[0].value, result.mean_ap.value);
        }
        urs_retrieval_release(&result);
    }
    if (isnan(*score) && judged > 0)
        *score = others / judged;
    urs_free(embedding);
    return status;
}

urs_status urs_embed_train_chips(urs_chips *out, const urs_embed_train_options *o, urs_pool *pool, urs_error *err)
{
    const urs_chips_options options = {.trees = o->trees, .tree_count = o->tree_count, .side = o->side ? o->side : 160, .memory_limit = (size_t)1 << 31,
                                       .validation = o->validation > 0 ? o->validation : 0.2f, .test = o->test > 0 ? o->test : 0.3f,
                                       .folds = o->folds, .fold = o->fold, .hold = o->hold, .train_share = o->train_share,
                                       .seed = o->split_seed ? o->split_seed : 1, .thin_bits = 4, .per_individual = 60};
    return urs_chips_load(out, &options, pool, err);
}

static void release_task(embed_task *t)
{
    for (int i = 0; i < SHARDS_MAX; i++)
        urs_arcface_free(t->arcface[i]);
    for (int i = 0; i < 2; i++)
        urs_order_release(&t->orders[i].order);
    urs_embed_batch_free(t->whole);
    urs_free(t->centres);
    urs_free(t->start);
    urs_free(t->items);
    urs_free(t->labels);
    urs_free(t->domains);
    urs_free(t->validation);
    urs_free(t->validation_labels);
    urs_chips_release(&t->chips);
    urs_network_free(t->network);
    (void)pthread_mutex_destroy(&t->lock);
}

/* An embedder's head is kept if all of it fits; that of another length is made anew on its trunk. */
static urs_status load_start(embed_task *t, urs_error *err)
{
    urs_network *init = NULL;
    urs_error ignored;
    const urs_status status = urs_network_load_partial(t->network, t->options->init, NULL, err);
    if (status == URS_OK && urs_network_read(&init, t->options->init, "embed", &ignored) == URS_OK) {
        const urs_model_options *from = &init->options, *to = &t->network->options;
        t->head_loaded = from->embedding == to->embedding && from->regions == to->regions && from->head == to->head && from->input_width == to->input_width;
    }
    urs_network_free(init);
    return status;
}

static urs_status open_network(embed_task *t, urs_error *err)
{
    const urs_embed_train_options *o = t->options;
    urs_model_options model;
    urs_status status = urs_model_options_default(&model, o->arch ? o->arch : "efficientnet_lite0", err);
    if (status != URS_OK)
        return status;
    model.input_width = model.input_height = o->side ? o->side : 160;
    model.classes = 0;
    model.embedding = o->embedding ? o->embedding : 256;
    model.head = URS_HEAD_PLAIN;
    model.regions = o->regions;
    model.tf_padding = strcmp(model.arch, "mobilenet_v3_small_075") == 0;
    status = urs_network_new(&t->network, &model, o->fit.seed, err);
    if (status == URS_OK && o->init)
        status = load_start(t, err);
    if (status != URS_OK)
        return status;
    t->network->input.fit = URS_FIT_LETTERBOX;
    t->output = urs_graph_find_output(t->network->graph, "embedding");
    t->input_elements = 3 * (size_t)model.input_width * (size_t)model.input_height;
    return t->output >= 0 ? URS_OK : urs_fail(err, URS_EUNSUPPORTED, "%s has no embedding head", model.arch);
}

static bool is_head(const urs_param *p)
{
    return strncmp(p->name, "embedder.", 9) == 0;
}

/* Parameters of the head learn faster than those that come pretrained. */
static urs_status make_groups(int32_t **out, const urs_graph *graph, urs_error *err)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    int32_t *group = urs_array_new((size_t)n, sizeof *group);
    if (!group)
        return urs_fail(err, URS_ENOMEM, "no memory for parameter groups");
    for (int32_t i = 0; i < n; i++)
        group[i] = is_head(&params[i]) ? GROUP_HEAD : params[i].role == URS_ROLE_WEIGHT ? GROUP_TRUNK : GROUP_TRUNK_NORM;
    *out = group;
    return URS_OK;
}

static urs_status describe(urs_text *settings, const embed_task *t, const int32_t *group, urs_error *err)
{
    const urs_embed_train_options *o = t->options;
    (void)group;
    urs_text_format(settings, "embed arch=%s side=%d embedding=%d batch=%d k=%d centres=%d margin=%g scale=%g trunk=%g epochs=%d lr=%g seed=%llu split=%llu val=%g test=%g init=%s trees=",
                    t->network->options.arch, (int)o->side, (int)o->embedding, (int)t->batch, (int)t->per_class, (int)o->centres, o->margin, o->scale, o->trunk_lr_scale,
                    (int)o->fit.epochs, o->fit.lr, (unsigned long long)o->fit.seed, (unsigned long long)o->split_seed, (double)o->validation, (double)o->test, o->init ? o->init : "");
    for (size_t i = 0; i < o->tree_count; i++)
        urs_text_format(settings, "%s;", o->trees[i]);
    urs_text_format(settings, " fold=%d/%d hold=%g regions=%d", (int)o->fold, (int)o->folds, (double)o->hold, o->regions);
    if (o->train_share > 0)
        urs_text_format(settings, " share=%g", (double)o->train_share);
    if (!t->loss.arcface || o->miner)
        urs_text_format(settings, " loss=%s miner=%s", o->loss ? o->loss : "arcface", o->miner ? o->miner : "none");
    return urs_text_ok(settings) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for settings");
}

static urs_embed_head_options head_options(const embed_task *t, urs_pool *pool)
{
    return (urs_embed_head_options){.pool = pool, .augment = t->options->no_augment ? NULL : &t->augment, .seed = t->options->fit.seed};
}

/* Weights between the start and the end are often better on new classes than either; batch statistics too are mixed, which holds while the two are near. */
static void blend_trunk(embed_task *t)
{
    const urs_param *list;
    const int32_t n = urs_graph_params(t->network->graph, &list);
    const float share = (float)t->options->blend;
    for (int32_t i = 0; i < n; i++)
        for (size_t e = list[i].offset; !is_head(&list[i]) && e < list[i].offset + list[i].count; e++)
            t->network->params[e] = share * t->network->params[e] + (1 - share) * t->start[e];
}

/* What stands between the end of the gradients and the weight file. */
static urs_status finish(embed_task *t, urs_pool *pool, urs_error *err)
{
    const urs_embed_head_options how = head_options(t, pool);
    char line[300], *note = NULL;
    double score;
    urs_status status = URS_OK;
    if (t->options->blend > 0 && !t->options->head_only) {
        blend_trunk(t);
        status = urs_embed_head_start(t->network, &t->chips, t->items, t->count, &how, err);
    }
    if (status == URS_OK)
        status = urs_embed_head_centre(t->network, t->network->params, &t->chips, t->items, t->count, &how, err);
    if (status == URS_OK)
        status = validate(t, t->network->params, pool, &score, line, sizeof line, err);
    if (status == URS_OK && !t->options->fit.quiet)
        (void)fprintf(stderr, "embed: centred on the target: %s\n", line);
    if (status == URS_OK && t->options->head_only) {
        json_t *facts = json_pack("{s:s, s:I, s:i, s:s, s:s}", "task", "embed", "seed", (json_int_t)t->options->fit.seed, "epochs", 0, "validation", line, "command",
                                  t->options->fit.command ? t->options->fit.command : "");
        note = facts ? json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(facts);
        status = note ? urs_network_set_note(t->network, "ursid.training", note, err) : urs_fail(err, URS_ENOMEM, "no memory for notes");
        if (status == URS_OK)
            status = urs_network_set_note(t->network, "ursid.stage", "embed", err);
        free(note);
    }
    if (status == URS_OK)
        status = urs_network_write(t->network, t->options->fit.out, !t->options->fit.full_precision, err);
    return status;
}

urs_status urs_embed_train(const urs_embed_train_options *options, urs_fit_report *report, urs_error *err)
{
    embed_task t = {.options = options};
    urs_fit_options fit = options->fit;
    urs_text settings = {0};
    urs_pool *pool = NULL;
    int32_t *group = NULL;
    urs_status status;

    (void)pthread_mutex_init(&t.lock, NULL);
    t.batch = fit.batch = fit.batch ? fit.batch : 32;
    t.per_class = options->per_class ? options->per_class : 4;
    fit.epochs = fit.epochs ? fit.epochs : 30;
    t.augment = urs_chip_augment_default();
    if (t.batch > 4096 || t.batch % t.per_class) {
        status = urs_fail(err, URS_EINVAL, "a batch of %d is not made of whole individuals of %d chips", (int)t.batch, (int)t.per_class);
        goto done;
    }
    status = open_network(&t, err);
    if (status == URS_OK)
        status = urs_pool_new(&pool, fit.threads, err);
    if (status == URS_OK)
        status = urs_embed_train_chips(&t.chips, options, pool, err);
    if (status == URS_OK)
        status = urs_embed_split_note(t.network, &t.chips, options->folds, options->fold, err);
    if (status == URS_OK)
        status = urs_chips_part(&t.items, &t.labels, &t.domains, &t.count, &t.chips, URS_PART_TRAIN, err);
    if (status == URS_OK)
        status = urs_chips_part(&t.validation, &t.validation_labels, NULL, &t.validation_count, &t.chips, URS_PART_VALIDATION, err);
    if (status == URS_OK && (t.count < (size_t)t.batch || (t.validation_count < 2 && options->folds == 0)))
        status = urs_fail(err, URS_EINVAL, "%zu training and %zu validation chips are too few", t.count, t.validation_count);
    if (status == URS_OK && !t.head_loaded) { /* random layers on a pretrained trunk would first have to unlearn their own noise */
        const urs_embed_head_options how = head_options(&t, pool);
        status = urs_embed_head_start(t.network, &t.chips, t.items, t.count, &how, err);
    }
    if (status == URS_OK && options->head_only) {
        status = finish(&t, pool, err);
        goto done;
    }
    if (status == URS_OK && options->blend > 0) {
        const size_t bytes = urs_graph_block_elements(t.network->graph) * sizeof *t.start;
        t.start = urs_array_new(urs_graph_block_elements(t.network->graph), sizeof *t.start);
        if (t.start)
            memcpy(t.start, t.network->params, bytes);
        else
            status = urs_fail(err, URS_ENOMEM, "no memory for the starting weights");
    }
    if (status == URS_OK)
        status = make_groups(&group, t.network->graph, err);
    if (status == URS_OK)
        status = urs_embed_loss_find(&t.loss, options->loss, options->miner, options->margin, options->scale, err);
    if (status == URS_OK)
        status = urs_embed_batch_new(&t.whole, &t.loss, t.batch, t.network->options.embedding, err);
    if (status == URS_OK)
        status = describe(&settings, &t, group, err);
    for (int32_t i = 0; status == URS_OK && i < urs_pool_threads(pool); i++) {
        const urs_arcface_options arcface = {.classes = t.chips.train_classes, .dims = t.network->options.embedding, .batch = t.batch, .centres = options->centres,
                                             .margin = options->margin > 0 ? options->margin : 0.4, .scale = options->scale > 0 ? options->scale : 32};
        status = urs_arcface_new(&t.arcface[i], &arcface, err);
    }
    if (status == URS_OK)
        status = imprint_centres(&t, pool, err);
    if (status != URS_OK)
        goto done;
    if (!fit.quiet)
        (void)fprintf(stderr, "embed: %zu training chips of %d individuals (%zu near-duplicates left out), %zu validation chips\n", t.count, (int)t.chips.train_classes, t.chips.thinned,
                      t.validation_count);
    fit.threads = urs_pool_threads(pool);
    t.steps_per_epoch = t.count / (size_t)(t.batch * (fit.accumulate > 1 ? fit.accumulate : 1));
    {
        const double trunk = options->trunk_lr_scale > 0 ? options->trunk_lr_scale : options->init ? 0.3 : 1.0;
        const urs_fit_task task = {
            .context = &t, .name = "embed", .steps_per_epoch = t.steps_per_epoch, .slot_bytes = labels_at(&t) + (size_t)t.batch * sizeof(int32_t),
            .trainer = {.optimiser = {.kind = URS_OPTIMISER_ADAMW,
                                      .groups = {[GROUP_TRUNK] = {.lr_scale = trunk, .weight_decay = 0.02}, [GROUP_TRUNK_NORM] = {.lr_scale = trunk},
                                                 [GROUP_HEAD] = {.weight_decay = 0.02}, [GROUP_CENTRES] = {.weight_decay = 0.0005}}},
                        .weight_group = GROUP_TRUNK, .other_group = GROUP_TRUNK_NORM, .group = group, .extra = t.loss.arcface ? urs_arcface_weights(t.arcface[0]) : 0, .extra_group = GROUP_CENTRES,
                        .clip = 10, .ema = true, .ema_decay = 0.998, .ema_ramp = 200},
            .schedule = {.kind = URS_SCHEDULE_COSINE, .lr = 1e-3, .final = 0.01, .warmup = t.steps_per_epoch / 2, .warmup_start = 1e-5},
            .keep_last = options->folds > 0, .settings = urs_text_string(&settings), .make = make_batch, .prepare = collect, .combine = combine,
            .loss = t.loss.arcface ? arcface_loss : metric_loss, .validate = validate, .start_extra = t.loss.arcface ? start_centres : NULL};
        status = urs_fit_run(t.network, &task, &fit, report, err);
        if (status == URS_OK && !fit.qat) /* in int8 the file is written, and the float weights it came from were centred */
            status = finish(&t, pool, err);
    }
done:
    urs_text_release(&settings);
    urs_free(group);
    release_task(&t);
    urs_pool_free(pool);
    return status;
}
