/* `ursid eval embed`: retrieval among bears that training never saw, and telling new bears apart; floors to compare with.
 *
 *      chips of the part --embed--> each one against all others: Hit@k, mAP
 *                                   each one once with and once without its own bear in the gallery: best score of a known and of a new bear -> AUROC,
 *                                   balanced accuracy at the threshold that is best on the validation part */
#include "cli/eval_beside.h"
#include "cli/eval_embed.h"
#include "cli/eval_embed_study.h"
#include "cli/eval_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/vector.h"
#include "eval/openset.h"
#include "eval/plots.h"
#include "eval/retrieval.h"
#include "stages/embed.h"
#include "stages/embed_train.h"
#include "stages/model_path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKES_SHOWN 24

static const urs_command command = {
    .name = "eval embed",
    .summary = "does the right bear come first; are new bears told apart",
    .help = "--data is a folder DIR/individual/picture, as for `ursid train embed`. --floor colour measures a colour\n"
            "histogram instead of a network, --floor pretrained the trunk of any weight file as it is: what a\n"
            "training must beat.\n",
};

/* Known and new cases; owned array of *n. */
static urs_status ask_all(urs_openset_query **out, size_t *n, const urs_embedded_part *p, urs_error *err)
{
    urs_openset_query *q = urs_array_new(2 * p->count, sizeof *q);
    float *row = urs_array_new(p->count, sizeof *row);
    size_t count = 0;
    if (!q || !row) {
        urs_free(q);
        urs_free(row);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu questions", 2 * p->count);
    }
    for (size_t i = 0; i < p->count; i++) {
        urs_openset_query with = {.identity = p->identity[i], .best_identity = -1, .score = -1, .known = 1}, without = {.identity = p->identity[i], .best_identity = -1, .score = -1};
        bool has_own = false;
        urs_dot_rows(p->embedding, p->count, p->dim, p->embedding + i * (size_t)p->dim, row);
        for (size_t j = 0; j < p->count; j++) {
            const bool own = p->identity[j] == p->identity[i];
            if (j == i)
                continue;
            has_own = has_own || own;
            if (row[j] > with.score || with.best_identity < 0)
                with.score = row[j], with.best_identity = p->identity[j];
            if (!own && (row[j] > without.score || without.best_identity < 0))
                without.score = row[j], without.best_identity = p->identity[j];
        }
        if (has_own)
            q[count++] = with;
        q[count++] = without;
    }
    urs_free(row);
    *out = q;
    *n = count;
    return URS_OK;
}

static urs_status split_scores(float **score, uint8_t **known, const urs_openset_query *q, size_t n, urs_error *err)
{
    *score = urs_array_new(n, sizeof **score);
    *known = urs_array_new(n, 1);
    if (!*score || !*known)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    for (size_t i = 0; i < n; i++) {
        (*score)[i] = q[i].score;
        (*known)[i] = q[i].known;
    }
    return URS_OK;
}

static urs_status validation_threshold(double *threshold, const urs_embedded_part *validation, urs_error *err)
{
    urs_openset_query *q = NULL;
    float *score = NULL;
    uint8_t *known = NULL;
    size_t n = 0;
    double reached;
    urs_status status = ask_all(&q, &n, validation, err);
    if (status == URS_OK)
        status = split_scores(&score, &known, q, n, err);
    if (status == URS_OK)
        status = urs_best_threshold(threshold, &reached, score, known, n, err);
    urs_free(q);
    urs_free(score);
    urs_free(known);
    return status;
}

static urs_status plot(urs_text *out, const urs_retrieval_result *r, const urs_openset_query *q, size_t n, urs_error *err)
{
    static const char *const names[] = {"Hit@1", "Hit@3", "Hit@5", "Hit@10", "mAP"};
    double value[5], low[5], high[5], *cosine = urs_array_new(n, sizeof *cosine);
    float *score = NULL;
    uint8_t *known = NULL;
    urs_roc roc = {0};
    size_t knowns = 0, fresh = 0;
    urs_status status = cosine ? split_scores(&score, &known, q, n, err) : urs_fail(err, URS_ENOMEM, "no memory for plots");
    if (status == URS_OK)
        status = urs_roc_curve(&roc, score, known, n, err);
    if (status == URS_OK) {
        for (int k = 0; k < 5; k++) {
            const urs_interval v = k < 4 ? r->bear_hit[k] : r->mean_ap;
            value[k] = v.value;
            low[k] = v.low;
            high[k] = v.high;
        }
        for (size_t i = 0; i < n; i++)
            cosine[known[i] ? knowns++ : n - 1 - fresh++] = (double)score[i];
        urs_plot_bars(out, &(urs_plot_axes){.title = "The right bear among the first k bears", .x_max = 1}, names, value, low, high, 5);
        urs_plot_curves(out, &(urs_plot_axes){.title = "Known against new bears", .x_label = "new bears called known", .y_label = "known bears called known", .x_max = 1, .y_max = 1, .diagonal = true},
                        &(urs_plot_series){.x = roc.fpr, .y = roc.tpr, .count = roc.count}, 1);
        const urs_plot_series both[] = {{.name = "known", .x = cosine, .count = knowns}, {.name = "new", .x = cosine + knowns, .count = fresh}};
        urs_plot_histogram(out, &(urs_plot_axes){.title = "Best score of a query", .x_label = "cosine"}, both, 2, 0);
    }
    urs_roc_release(&roc);
    urs_free(cosine);
    urs_free(score);
    urs_free(known);
    return status;
}

typedef struct mistake {
    float gap; /* how much better the wrong one was */
    size_t asked, first, right;
} mistake;

static int compare_mistakes(const void *pa, const void *pb)
{
    const mistake *a = pa, *b = pb;
    if (a->gap != b->gap)
        return a->gap > b->gap ? -1 : 1;
    return (a->asked > b->asked) - (a->asked < b->asked);
}

/* Chips whose most alike chip is another animal's; owned list. */
static urs_status find_mistakes(mistake **out, size_t *n, const urs_embedded_part *p, urs_error *err)
{
    mistake *list = urs_array_new(p->count, sizeof *list);
    float *row = urs_array_new(p->count, sizeof *row);
    size_t count = 0;
    urs_status status = list && row ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the page");
    for (size_t i = 0; status == URS_OK && i < p->count; i++) {
        size_t other = SIZE_MAX, own = SIZE_MAX;
        urs_dot_rows(p->embedding, p->count, p->dim, p->embedding + i * (size_t)p->dim, row);
        for (size_t j = 0; j < p->count; j++) {
            size_t *best = p->identity[j] == p->identity[i] ? &own : &other;
            if (j != i && (*best == SIZE_MAX || row[j] > row[*best]))
                *best = j;
        }
        if (own != SIZE_MAX && other != SIZE_MAX && row[other] > row[own])
            list[count++] = (mistake){row[other] - row[own], i, other, own};
    }
    urs_free(row);
    if (status != URS_OK) {
        urs_free(list);
        return status;
    }
    qsort(list, count, sizeof *list, compare_mistakes);
    *out = list;
    *n = count;
    return URS_OK;
}

static urs_status put_chip(urs_text *out, const urs_chips *chips, const urs_embedded_part *p, size_t at, const char *line, urs_error *err)
{
    const size_t item = p->item[at];
    urs_bytes jpeg = {0};
    const urs_status status = urs_eval_thumbnail(&jpeg, &chips->cache.images[item], 160, err);
    if (status == URS_OK)
        urs_eval_figure(out, &jpeg, line, urs_name_table_get(&chips->dataset.individuals, chips->items[item].individual), "no picture");
    urs_bytes_release(&jpeg);
    return status;
}

static urs_status put_mistakes(urs_text *out, const urs_chips *chips, const urs_embedded_part *p, urs_error *err)
{
    mistake *list = NULL;
    size_t n = 0;
    urs_status status = find_mistakes(&list, &n, p, err);
    if (status == URS_OK && n > 0)
        urs_eval_sheet_begin(out, "The worst mistakes", n < MISTAKES_SHOWN ? n : (size_t)MISTAKES_SHOWN, n, "The chip that was asked about, the most alike chip of another animal, and the most alike one of its own.", false);
    for (size_t i = 0; status == URS_OK && i < n && i < MISTAKES_SHOWN; i++) {
        char line[64];
        urs_eval_row_begin(out);
        status = put_chip(out, chips, p, list[i].asked, "asked", err);
        if (status == URS_OK)
            status = put_chip(out, chips, p, list[i].first, "first", err);
        if (status == URS_OK)
            status = put_chip(out, chips, p, list[i].right, "right", err);
        (void)snprintf(line, sizeof line, "the wrong one is more alike by %.3f", (double)list[i].gap);
        urs_eval_row_end(out, line, chips->items[p->item[list[i].asked]].path);
    }
    if (status == URS_OK && n > 0)
        urs_eval_sheet_end(out);
    urs_free(list);
    return status;
}

static urs_status measure(const urs_eval_arguments *a, const urs_embed_verdicts *verdicts, const urs_chips *chips, double threshold, bool masked, json_t *facts, const char *what, urs_error *err)
{
    const urs_embedded_part *part = verdicts->judged;
    const urs_retrieval_set set = {.embedding = part->embedding, .identity = part->identity, .count = part->count};
    const urs_retrieval_options how = {.leave_one_out = true, .rounds = a->rounds, .seed = 1};
    urs_retrieval_result r = {0};
    urs_openset_result o = {0};
    urs_openset_query *q = NULL;
    urs_text text = {0}, plots = {0};
    size_t n = 0;
    urs_status status = urs_retrieval_evaluate(&r, &set, &set, part->dim, &how, err);
    if (status == URS_OK)
        status = ask_all(&q, &n, part, err);
    if (status == URS_OK)
        status = urs_openset_evaluate(&o, q, n, threshold, a->rounds, 1, err);
    if (status == URS_OK && a->report)
        status = plot(&plots, &r, q, n, err);
    if (status == URS_OK && a->report)
        status = urs_eval_embed_cmc(&plots, &r, err);
    if (status == URS_OK && a->report)
        status = urs_eval_embed_map(&plots, chips, part, err);
    if (status == URS_OK) {
        urs_text_format(&text, "%s, %s part of %s, by individual%s\n\n", what, a->part, a->data.items[0], masked ? ", black outside of the head" : "");
        urs_retrieval_text(&r, &text);
        urs_text_add(&text, "\nnew bears (each chip once with and once without its own bear in the gallery)\n\n");
        urs_openset_text(&o, &text);
        status = urs_eval_embed_verdicts(verdicts, &text, facts, a->report ? &plots : NULL, err);
    }
    if (status == URS_OK && a->report)
        status = put_mistakes(&plots, chips, part, err);
    if (status == URS_OK) {
        (void)json_object_set_new(facts, "retrieval", urs_retrieval_json(&r));
        (void)json_object_set_new(facts, "new_bears", urs_openset_json(&o));
        status = urs_eval_deliver(a, "embed: who is it?", &text, json_incref(facts), &plots, err);
    }
    urs_retrieval_release(&r);
    urs_free(q);
    urs_text_release(&text);
    urs_text_release(&plots);
    return status;
}

/* The trunk of a weight file without its last layer. */
urs_status urs_eval_open_pretrained(urs_network **out, const char *path, urs_error *err)
{
    urs_network *file = NULL, *trunk = NULL;
    urs_model_options options;
    int32_t loaded = 0;
    urs_status status = urs_network_read(&file, path, NULL, err);
    if (status == URS_OK && urs_graph_find_output(file->graph, "embedding") >= 0) {
        *out = file;
        return URS_OK;
    }
    if (status == URS_OK) {
        options = file->options;
        options.classes = -1;
        status = urs_network_new(&trunk, &options, 1, err);
    }
    if (status == URS_OK)
        status = urs_network_load_partial(trunk, path, &loaded, err);
    if (status == URS_OK) {
        trunk->input = file->input;
        trunk->input.fit = URS_FIT_LETTERBOX; /* as chips are fitted in training */
        memcpy(trunk->fingerprint, file->fingerprint, sizeof trunk->fingerprint);
        *out = trunk;
    } else {
        urs_network_free(trunk);
    }
    urs_network_free(file);
    return status;
}

static urs_status evaluate(const urs_eval_arguments *a, const char *floor, bool masked, double max_error, const char *embeddings, urs_error *err)
{
    const urs_chip_view view = {.shows = masked ? URS_SHOWS_HEAD : URS_SHOWS_ALL};
    urs_embed_train_options split = {.trees = (const char *const *)a->data.items, .tree_count = 1, .validation = (float)a->validation, .test = (float)a->test,
                                     .split_seed = (uint64_t)a->split_seed};
    const bool colour = floor && strcmp(floor, "colour") == 0;
    const urs_part which = urs_eval_part(a);
    urs_embedded_part part = {0}, validation = {0};
    urs_network *network = NULL;
    urs_pool *pool = NULL;
    urs_chips chips = {0};
    json_t *facts = NULL;
    char *path = NULL;
    double threshold = NAN;
    urs_status status = urs_pool_new(&pool, a->threads, err);
    if (status == URS_OK && !colour)
        status = urs_model_path(&path, "embed", a->model, err);
    if (status == URS_OK && !colour)
        status = floor ? urs_eval_open_pretrained(&network, path, err) : urs_network_read(&network, path, "embed", err);
    if (status == URS_OK) {
        split.side = network ? network->input.width : 0;
        status = urs_embed_train_chips(&chips, &split, pool, err);
    }
    if (status == URS_OK)
        status = urs_embedded_part_make(&part, &chips, which, 0, &view, network, pool, err);
    if (status == URS_OK && embeddings)
        status = urs_embedded_part_write(embeddings, &chips, &part, err);
    if (status == URS_OK && which != URS_PART_VALIDATION) {
        status = urs_embedded_part_make(&validation, &chips, URS_PART_VALIDATION, 0, &view, network, pool, err);
        if (status == URS_OK)
            status = validation_threshold(&threshold, &validation, err);
    }
    if (status == URS_OK) {
        facts = urs_eval_facts(a, "embed", path, network);
        (void)json_object_set_new(facts, "floor", floor ? json_string(floor) : json_null());
        (void)json_object_set_new(facts, "masked", json_boolean(masked));
        const urs_embed_verdicts verdicts = {.network = floor ? NULL : network, .fit_on = which == URS_PART_VALIDATION ? &part : &validation, .judged = &part, .max_error = max_error, .rounds = a->rounds};
        status = measure(a, &verdicts, &chips, threshold, masked, facts, colour ? "colour histogram" : urs_path_base(path), err);
    }
    json_decref(facts);
    urs_embedded_part_release(&part);
    urs_embedded_part_release(&validation);
    urs_chips_release(&chips);
    urs_network_free(network);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_eval_embed_main(int argc, char **argv)
{
    urs_eval_arguments a = {.part = "test", .validation = 0.2, .test = 0.3, .split_seed = 1, .rounds = 1000};
    urs_eval_folds folds = {0};
    const char *floor = NULL, *embeddings = NULL;
    bool ablate = false, background = false, groups = false;
    double max_error = 0;
    const urs_option options[] = {
        URS_EVAL_OPTIONS(&a),
        URS_OPTION_CHOICE("floor", "colour|pretrained", &floor, "measure what a training must beat"),
        URS_OPTION_OUTPUT("embeddings", "F.npy", &embeddings, "write the embeddings of the part for NumPy, and F.csv with path and individual of each row"),
        URS_OPTION_DOUBLE("max-error", "SHARE", &max_error, 0, 0.5, "set the band of \"unsure\" on the validation part so that at most this share of the verdicts is wrong; 0: as the weights have it"),
        URS_OPTION_INT("folds", "K", &folds.folds, 0, 100, "cross-validation over the bears outside of the test part; --model then has {} for the number of the fold"),
        URS_OPTION_DOUBLE("hold-others", "SHARE", &folds.hold, 0, 0.9, "with --folds: as in the training"),
        URS_OPTION_FLAG("masked", &folds.masked, "black outside of an oval, like heads that find cut out"),
        URS_OPTION_FLAG("ablate", &ablate, "what mirror image, query expansion, re-ranking and a second chip gain, one by one"),
        URS_OPTION_FLAG("background-control", &background, "ask with the heads blacked out: must be near chance"),
        URS_OPTION_FLAG("groups", &groups, "with --folds: how well new heads are grouped into bears, whole and masked, with thresholds from the other folds"),
    };
    urs_error err = {0};
    int code;
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        return code;
    }
    folds.beside = a.beside; /* with --folds: the trunk as it was before training, a floor, or other weights of every fold */
    if (a.data.count == 0)
        code = urs_usage_error(&command, "--data is missing: a folder with one sub-folder an individual");
    else if (floor && strcmp(floor, "pretrained") == 0 && !a.model)
        code = urs_usage_error(&command, "--floor pretrained needs --model: the weights to be measured as they are");
    else if (folds.folds == 1 || (folds.folds > 0 && !a.model))
        code = urs_usage_error(&command, "--folds needs two folds or more, and --model with {} for their number");
    else if ((ablate || background) && (floor || a.beside || folds.masked || ablate == background))
        code = urs_usage_error(&command, "--ablate and --background-control stand alone, or with --folds");
    else if (embeddings && (ablate || background || folds.folds > 0 || a.beside))
        code = urs_usage_error(&command, "--embeddings goes with one part and one model");
    else if (groups && (folds.folds == 0 || floor || a.beside || folds.masked || ablate || background))
        code = urs_usage_error(&command, "--groups goes with --folds and nothing else that is measured");
    else if (groups)
        code = urs_eval_embed_groups(&a, &folds, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else if (ablate || background)
        code = urs_eval_embed_study(&a, &folds, ablate ? URS_STUDY_ABLATE : URS_STUDY_BACKGROUND, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else if (folds.masked && a.beside && folds.folds == 0)
        code = urs_usage_error(&command, "--masked does not go with --beside, except with --folds");
    else if (folds.folds > 0)
        code = urs_eval_embed_folds(&a, &folds, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else if (a.beside)
        code = urs_eval_beside_embed(&a, a.beside, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else
        code = evaluate(&a, floor, folds.masked, max_error, embeddings, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    urs_names_release(&a.data);
    return code;
}
