/* Two models of one stage side by side; see eval_beside.h. */
#include "cli/eval_beside.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/interval.h"
#include "eval/retrieval.h"
#include "eval/table.h"
#include "stages/embed.h"
#include "stages/embed_train.h"
#include "stages/find_train.h"
#include "stages/model_path.h"
#include "stages/sift_train.h"

#include <math.h>

typedef struct both {
    char *path[2];
    urs_network *network[2];
    urs_pool *pool;
} both;

static urs_status open_both(both *b, const urs_eval_arguments *a, const char *stage, const char *beside, urs_error *err)
{
    urs_status status = urs_pool_new(&b->pool, a->threads, err);
    if (status == URS_OK)
        status = urs_model_path(&b->path[0], stage, a->model, err);
    if (status == URS_OK)
        status = urs_model_path(&b->path[1], stage, beside, err);
    for (int m = 0; status == URS_OK && m < 2; m++)
        status = urs_network_read(&b->network[m], b->path[m], stage, err);
    return status;
}

static void close_both(both *b)
{
    for (int m = 0; m < 2; m++) {
        urs_network_free(b->network[m]);
        urs_free(b->path[m]);
    }
    urs_pool_free(b->pool);
}

/* ---- the table ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct comparison {
    urs_table table;
    json_t *measures;
} comparison;

static void start(comparison *c, const both *b)
{
    static const char *const after[] = {"difference", "from", "to", "n"};
    urs_table_start(&c->table, 7);
    urs_table_add(&c->table, "");
    for (int m = 0; m < 2; m++)
        urs_table_add(&c->table, urs_path_base(b->path[m]));
    for (int i = 0; i < 4; i++)
        urs_table_add(&c->table, after[i]);
    c->measures = json_object();
}

static void add(comparison *c, const char *name, double first, double second, urs_interval difference, size_t n)
{
    urs_table_add(&c->table, name);
    urs_table_number(&c->table, first, 4);
    urs_table_number(&c->table, second, 4);
    urs_table_number(&c->table, difference.value, 4);
    urs_table_number(&c->table, difference.low, 4);
    urs_table_number(&c->table, difference.high, 4);
    urs_table_format(&c->table, "%zu", n);
    (void)json_object_set_new(c->measures, name, json_pack("{s:o, s:o, s:o, s:I}", "model", isnan(first) ? json_null() : json_real(first), "beside", isnan(second) ? json_null() : json_real(second),
                                                           "difference", urs_interval_json(difference), "n", (json_int_t)n));
}

/* Means of two lists of numbers of the same items, and of their difference; NaN items of either are left out of both. */
static urs_status add_means(comparison *c, const char *name, const double *first, const double *second, const int64_t *cluster, size_t n, const urs_eval_arguments *a, urs_error *err)
{
    double *difference = urs_array_new(n, sizeof *difference), sums[2] = {0};
    urs_interval v = {NAN, NAN, NAN};
    size_t count = 0;
    urs_status status = URS_OK;
    if (!difference)
        return urs_fail(err, URS_ENOMEM, "no memory to compare %zu items", n);
    for (size_t i = 0; i < n; i++) {
        difference[i] = second[i] - first[i];
        if (isnan(difference[i]))
            continue;
        sums[0] += first[i];
        sums[1] += second[i];
        count++;
    }
    if (count > 0)
        status = urs_interval_mean(&v, difference, cluster, n, a->rounds, 1, err);
    if (status == URS_OK)
        add(c, name, count ? sums[0] / (double)count : NAN, count ? sums[1] / (double)count : NAN, v, count);
    urs_free(difference);
    return status;
}

/* Table, JSON and page of what was compared. */
static urs_status deliver(comparison *c, const both *b, const urs_eval_arguments *a, const char *stage, urs_error *err)
{
    urs_text text = {0}, plots = {0};
    json_t *numbers = urs_eval_facts(a, stage, b->path[0], b->network[0]);
    urs_status status;
    (void)json_object_set_new(numbers, "beside", json_string(urs_path_base(b->path[1])));
    (void)json_object_set_new(numbers, "beside_fingerprint", json_string(b->network[1]->fingerprint));
    (void)json_object_set(numbers, "measures", c->measures);
    urs_text_format(&text, "%s, %s part of %s; 95 %% interval of the paired difference\n\n", stage, a->part, a->data.items[0]);
    urs_table_end(&c->table, &text);
    status = urs_eval_deliver(a, "two models side by side", &text, numbers, &plots, err);
    urs_text_release(&text);
    urs_text_release(&plots);
    return status;
}

static void release(comparison *c)
{
    urs_text rest = {0};
    if (c->table.columns) /* where it was not delivered */
        urs_table_end(&c->table, &rest);
    urs_text_release(&rest);
    json_decref(c->measures);
}

/* ---- sift ---------------------------------------------------------------------------------------------------------------------------------------- */

/* right[m][i]: 1 or 0. Of class k only (-1: all), others NaN. */
static void only_class(double *out, const double *right, const urs_frames *frames, int32_t k)
{
    for (size_t i = 0; i < frames->count; i++)
        out[i] = k < 0 || frames->labels[i] == k ? right[i] : NAN;
}

static urs_status sift_answers(double *right, double *top, const urs_frames *frames, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const urs_sift_thresholds t = {.bear = urs_network_number(network, "ursid.thresholds", "bear", 0.5), .animal = urs_network_number(network, "ursid.thresholds", "animal", 0.5)};
    float *p = urs_array_new(frames->count, URS_FRAME_CLASSES * sizeof *p);
    urs_status status = p ? urs_sift_probabilities(p, frames, network, pool, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames->count);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++) {
        const float *q = p + i * URS_FRAME_CLASSES;
        right[i] = urs_sift_decide(q, &t) == frames->labels[i];
        top[i] = (q[2] >= q[0] && q[2] >= q[1] ? 2 : q[1] >= q[0] ? 1 : 0) == frames->labels[i];
    }
    urs_free(p);
    return status;
}

urs_status urs_eval_beside_sift(const urs_eval_arguments *a, const char *beside, urs_error *err)
{
    static const char *const names[] = {"accuracy", "recall of empty", "recall of animal", "recall of bear"};
    const urs_frames_options split = {.manifest = a->data.items[0], .together = a->together, .validation = (float)a->validation, .test = (float)a->test, .seed = (uint64_t)a->split_seed};
    both b = {0};
    comparison c = {0};
    urs_frames frames = {0};
    double *list[6] = {0}; /* right by thresholds, and by the highest probability, of each model; and two to compare */
    int64_t *camera = NULL;
    urs_status status = open_both(&b, a, "sift", beside, err);
    if (status == URS_OK)
        status = urs_frames_build(&frames, &split, urs_eval_part(a), b.pool, err);
    for (int i = 0; status == URS_OK && i < 6; i++)
        if (!(list[i] = urs_array_new(frames.count, sizeof(double))))
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    if (status == URS_OK && !(camera = urs_array_new(frames.count, sizeof *camera)))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    for (size_t i = 0; status == URS_OK && i < frames.count; i++)
        camera[i] = frames.items[i].sample >= 0 ? frames.split.groups[frames.items[i].sample] : -1 - (int64_t)i;
    for (int m = 0; status == URS_OK && m < 2; m++)
        status = sift_answers(list[m], list[2 + m], &frames, b.network[m], b.pool, err);
    if (status == URS_OK)
        start(&c, &b);
    for (int32_t k = -1; status == URS_OK && k < URS_FRAME_CLASSES; k++) {
        only_class(list[4], list[0], &frames, k);
        only_class(list[5], list[1], &frames, k);
        status = add_means(&c, names[k + 1], list[4], list[5], camera, frames.count, a, err);
    }
    if (status == URS_OK)
        status = add_means(&c, "accuracy of the likeliest class", list[2], list[3], camera, frames.count, a, err);
    if (status == URS_OK)
        status = deliver(&c, &b, a, "sift", err);
    release(&c);
    for (int i = 0; i < 6; i++)
        urs_free(list[i]);
    urs_free(camera);
    urs_frames_release(&frames);
    close_both(&b);
    return status;
}

/* ---- find ---------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct find_pair {
    const urs_scene_set *scenes;
    urs_detections *found[2];
    bool masks, all_overlaps;
} find_pair;

/* Difference of average precision on drawn photographs. */
static double ap_difference(void *context, const size_t *item, size_t count)
{
    const find_pair *p = context;
    double value[2];
    for (int m = 0; m < 2; m++) {
        urs_find_quality q = {0};
        urs_error ignored;
        if (urs_find_score(&q, p->scenes, p->found[m], item, count, !p->masks, &ignored) != URS_OK)
            return NAN;
        const urs_ap_result *r = p->masks ? &q.mask : &q.box;
        value[m] = p->all_overlaps ? r->map : r->ap50;
    }
    return value[1] - value[0];
}

urs_status urs_eval_beside_find(const urs_eval_arguments *a, const char *beside, urs_error *err)
{
    urs_find_train_options split = {.data = (const char *const *)a->data.items, .data_count = 1, .together = a->together, .validation = (float)a->validation, .test = (float)a->test,
                                    .split_seed = (uint64_t)a->split_seed};
    both b = {0};
    comparison c = {0};
    urs_scene_set scenes = {0};
    find_pair pair = {.scenes = &scenes};
    urs_find_quality q[2] = {0};
    urs_interval v = {NAN, NAN, NAN};
    int64_t *cluster = NULL;
    urs_status status = open_both(&b, a, "find", beside, err);
    if (status == URS_OK) {
        split.side = b.network[0]->input.width;
        status = urs_find_train_scenes(&scenes, &split, urs_eval_part(a), err);
    }
    if (status == URS_OK && !(cluster = urs_array_new(scenes.count, sizeof *cluster)))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu photographs", scenes.count);
    for (size_t i = 0; status == URS_OK && i < scenes.count; i++)
        cluster[i] = (int64_t)i;
    for (int m = 0; status == URS_OK && m < 2; m++) {
        status = urs_find_detect(&pair.found[m], &scenes, b.network[m], NULL, b.pool, err);
        if (status == URS_OK)
            status = urs_find_score(&q[m], &scenes, pair.found[m], NULL, scenes.count, false, err);
    }
    if (status == URS_OK)
        start(&c, &b);
    for (int k = 0; status == URS_OK && k < 2; k++) {
        pair.all_overlaps = k == 1;
        status = urs_interval_bootstrap(&v, ap_difference, &pair, cluster, scenes.count, a->rounds, 1, err);
        if (status == URS_OK)
            add(&c, k ? "boxes, mAP50-95" : "boxes, mAP50", k ? q[0].box.map : q[0].box.ap50, k ? q[1].box.map : q[1].box.ap50, v, scenes.count);
    }
    for (int k = 0; status == URS_OK && k < 2; k++) { /* masks of whole photographs are too slow to draw a thousand times: without interval */
        const double first = k ? q[0].mask.map : q[0].mask.ap50, second = k ? q[1].mask.map : q[1].mask.ap50;
        add(&c, k ? "masks, mAP50-95" : "masks, mAP50", first, second, (urs_interval){second - first, NAN, NAN}, scenes.count);
    }
    if (status == URS_OK)
        add(&c, "best F1 of boxes", q[0].box.best_f1, q[1].box.best_f1, (urs_interval){q[1].box.best_f1 - q[0].box.best_f1, NAN, NAN}, scenes.count);
    if (status == URS_OK)
        status = deliver(&c, &b, a, "find", err);
    release(&c);
    for (int m = 0; m < 2; m++) {
        for (size_t i = 0; pair.found[m] && i < scenes.count; i++)
            urs_detections_release(&pair.found[m][i]);
        urs_free(pair.found[m]);
    }
    urs_free(cluster);
    urs_scene_set_release(&scenes);
    close_both(&b);
    return status;
}

/* ---- embed --------------------------------------------------------------------------------------------------------------------------------------- */

/* hit[i], ap[i] of every chip as a query among the others; NaN where its bear has no other chip. */
static urs_status embed_answers(double *hit, double *ap, float *embedding, const urs_image *const *pictures, const int64_t *identity, size_t n, const urs_network *network, urs_pool *pool, urs_error *err)
{
    urs_embedder *embedder = NULL;
    urs_retrieval_result r = {0};
    urs_status status = urs_embedder_new(&embedder, network, &(urs_embedder_options){.pool = pool}, err);
    if (status == URS_OK)
        status = urs_embedder_pictures(embedder, embedding, pictures, n, err);
    if (status == URS_OK) {
        const urs_retrieval_set set = {.embedding = embedding, .identity = identity, .count = n};
        status = urs_retrieval_evaluate(&r, &set, &set, urs_embedder_dim(embedder), &(urs_retrieval_options){.leave_one_out = true, .rounds = -1}, err);
    }
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        hit[i] = r.query[i].answerable ? r.query[i].bear_rank == 1 : NAN;
        ap[i] = r.query[i].answerable ? r.query[i].average_precision : NAN;
    }
    urs_retrieval_release(&r);
    urs_embedder_free(embedder);
    return status;
}

urs_status urs_eval_beside_embed(const urs_eval_arguments *a, const char *beside, urs_error *err)
{
    urs_embed_train_options split = {.trees = (const char *const *)a->data.items, .tree_count = 1, .validation = (float)a->validation, .test = (float)a->test, .split_seed = (uint64_t)a->split_seed};
    both b = {0};
    comparison c = {0};
    urs_chips chips = {0};
    size_t *items = NULL, n = 0;
    int32_t *labels = NULL;
    const urs_image **pictures = NULL;
    int64_t *identity = NULL;
    double *list[5] = {0}; /* hits, average precisions, cosine of the two vectors */
    float *vectors[2] = {0};
    urs_status status = open_both(&b, a, "embed", beside, err);
    const size_t dim = status == URS_OK ? (size_t)b.network[0]->options.embedding : 0;
    if (status == URS_OK && b.network[1]->options.embedding != (int32_t)dim)
        status = urs_fail(err, URS_EMISMATCH, "the two models have vectors of different lengths");
    if (status == URS_OK) {
        split.side = b.network[0]->input.width;
        status = urs_embed_train_chips(&chips, &split, b.pool, err);
    }
    if (status == URS_OK)
        status = urs_chips_part(&items, &labels, NULL, &n, &chips, urs_eval_part(a), err);
    for (int i = 0; status == URS_OK && i < 5; i++)
        if (!(list[i] = urs_array_new(n, sizeof(double))))
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", n);
    if (status == URS_OK) {
        pictures = urs_array_new(n, sizeof *pictures);
        identity = urs_array_new(n, sizeof *identity);
        vectors[0] = urs_array_new(n, dim * sizeof(float));
        vectors[1] = urs_array_new(n, dim * sizeof(float));
        if (!pictures || !identity || !vectors[0] || !vectors[1])
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", n);
    }
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        pictures[i] = &chips.cache.images[items[i]];
        identity[i] = chips.items[items[i]].individual;
    }
    for (int m = 0; status == URS_OK && m < 2; m++)
        status = embed_answers(list[m], list[2 + m], vectors[m], pictures, identity, n, b.network[m], b.pool, err);
    if (status == URS_OK) {
        double sum = 0;
        start(&c, &b);
        for (size_t i = 0; i < n * dim; i++)
            sum += (double)vectors[0][i] * (double)vectors[1][i];
        status = add_means(&c, "Hit@1", list[0], list[1], identity, n, a, err);
        if (status == URS_OK)
            status = add_means(&c, "mAP", list[2], list[3], identity, n, a, err);
        if (status == URS_OK)
            add(&c, "mean cosine between the two vectors of a chip", 1, sum / (double)n, (urs_interval){NAN, NAN, NAN}, n);
    }
    if (status == URS_OK)
        status = deliver(&c, &b, a, "embed", err);
    release(&c);
    for (int i = 0; i < 5; i++)
        urs_free(list[i]);
    urs_free(vectors[0]);
    urs_free(vectors[1]);
    urs_free(items);
    urs_free(labels);
    urs_free((void *)pictures);
    urs_free(identity);
    urs_chips_release(&chips);
    close_both(&b);
    return status;
}
