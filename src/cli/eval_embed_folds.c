/* `ursid eval embed --folds K`: every bear outside of the test part is asked for once, by the network of the fold that it did not train.
 *
 *      fold 1: W1 --embed--> its bears among themselves     -+
 *      ...                                                    +-> hits and average precisions by individual -> means, and differences to the floors, over individuals
 *      fold K: WK --embed--> its bears among themselves     -+
 *
 * The floors, or the other weights of every fold, are ranked in the same galleries. Individuals of the other folders that were held out (--hold-others) are asked for by the networks of all folds. */
#include "cli/eval_embed.h"

#include "base/memory.h"
#include "cli/embed_calibrate.h"
#include "cli/eval_tally.h"
#include "eval/retrieval.h"
#include "stages/embed_split.h"
#include "stages/embed_train.h"
#include "stages/model_path.h"

#include <math.h>
#include <string.h>

enum { MODEL, BESIDE, COLOUR, SYSTEMS };

typedef struct fold_run {
    const urs_eval_arguments *arguments;
    const urs_eval_folds *folds;
    urs_pool *pool;
    urs_tally *tallies;  /* owned [SYSTEMS][trees] */
    size_t trees, individuals;
    double *chance;      /* owned [trees]: sum over folds */
    int32_t *galleries;  /* owned [trees]: how many those were */
    char *path;          /* owned: of the last network */
} fold_run;

static void release_run(fold_run *r)
{
    for (size_t i = 0; r->tallies && i < SYSTEMS * r->trees; i++)
        urs_tally_release(&r->tallies[i]);
    urs_free(r->tallies);
    urs_free(r->path);
    urs_free(r->chance);
    urs_free(r->galleries);
}

static urs_status make_tallies(fold_run *r, size_t individuals, urs_error *err)
{
    r->individuals = individuals;
    r->tallies = urs_array_new(SYSTEMS * r->trees, sizeof *r->tallies);
    r->chance = urs_array_new(r->trees, sizeof *r->chance);
    r->galleries = urs_array_new(r->trees, sizeof *r->galleries);
    for (size_t i = 0; r->tallies && i < SYSTEMS * r->trees; i++) {
        const urs_status status = urs_tally_new(&r->tallies[i], individuals, err);
        if (status != URS_OK)
            return status;
    }
    return r->tallies && r->chance && r->galleries ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu folders", r->trees);
}

size_t urs_eval_count_chips(const urs_chips *chips, size_t tree, urs_part part)
{
    size_t n = 0;
    for (size_t i = 0; i < chips->count; i++)
        n += chips->items[i].part == part && (size_t)chips->items[i].tree == tree;
    return n;
}

urs_status urs_eval_fold_open(urs_network **network, urs_chips *chips, char **path, const urs_eval_arguments *a, const urs_eval_folds *folds, int fold, urs_pool *pool, urs_error *err)
{
    urs_status status;
    urs_free(*path);
    *path = NULL;
    if (folds->folds > 0) {
        *path = urs_fold_path(a->model, fold);
        status = *path ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a path");
    } else {
        status = urs_model_path(path, "embed", a->model, err);
    }
    if (status == URS_OK)
        status = urs_eval_open_pretrained(network, *path, err);
    if (status == URS_OK) {
        const urs_embed_train_options split = {.trees = (const char *const *)a->data.items, .tree_count = a->data.count, .validation = (float)a->validation, .test = (float)a->test,
                                               .split_seed = (uint64_t)a->split_seed, .folds = folds->folds, .fold = fold, .hold = (float)folds->hold, .side = (*network)->input.width};
        status = urs_embed_train_chips(chips, &split, pool, err);
    }
    if (status == URS_OK && folds->folds > 0)
        status = urs_embed_split_check(*network, *path, chips, folds->folds, fold, NULL, err);
    return status;
}

/* --beside: with {} the other weights of the fold, else a trunk as it was before training. */
static urs_status open_beside(urs_network **network, const urs_chips *chips, const urs_eval_folds *folds, int fold, urs_error *err)
{
    char *path = urs_fold_path(folds->beside, fold);
    urs_status status = path ? urs_eval_open_pretrained(network, path, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK && strstr(folds->beside, "{}"))
        status = urs_embed_split_check(*network, path, chips, folds->folds, fold, NULL, err);
    urs_free(path);
    return status;
}

static const char *system_name(const fold_run *r, int system)
{
    if (system == MODEL)
        return "model";
    return system == COLOUR ? "colour histogram" : strstr(r->folds->beside, "{}") ? "beside" : "pretrained as it is";
}

static urs_status ask(fold_run *r, int system, size_t tree, const urs_chips *chips, const urs_network *network, urs_error *err)
{
    const urs_chip_view view = {.shows = r->folds->masked ? URS_SHOWS_HEAD : URS_SHOWS_ALL};
    urs_embedded_part part = {0};
    urs_retrieval_result result = {0};
    urs_status status = urs_embedded_part_make(&part, chips, URS_PART_VALIDATION, (int32_t)tree, &view, network, r->pool, err);
    if (status == URS_OK) {
        const urs_retrieval_set set = {.embedding = part.embedding, .identity = part.identity, .count = part.count};
        status = urs_retrieval_evaluate(&result, &set, &set, part.dim, &(urs_retrieval_options){.leave_one_out = true, .rounds = -1}, err);
    }
    if (status == URS_OK)
        urs_tally_add(&r->tallies[(size_t)system * r->trees + tree], &result);
    if (status == URS_OK && system == MODEL && result.answerable > 0) {
        r->chance[tree] += result.chance_hit1;
        r->galleries[tree]++;
    }
    urs_retrieval_release(&result);
    urs_embedded_part_release(&part);
    return status;
}

static urs_status run_fold(fold_run *r, int fold, urs_error *err)
{
    const urs_eval_arguments *a = r->arguments;
    urs_network *network[SYSTEMS] = {NULL};
    urs_chips chips = {0};
    urs_status status = urs_eval_fold_open(&network[MODEL], &chips, &r->path, a, r->folds, fold, r->pool, err);
    if (status == URS_OK && r->folds->beside)
        status = open_beside(&network[BESIDE], &chips, r->folds, fold, err);
    if (status == URS_OK && !r->tallies)
        status = make_tallies(r, urs_name_table_count(&chips.dataset.individuals), err);
    if (status == URS_OK && urs_name_table_count(&chips.dataset.individuals) != r->individuals)
        status = urs_fail(err, URS_EMISMATCH, "the data changed between two folds");
    for (int system = 0; system < SYSTEMS; system++)
        for (size_t tree = 0; status == URS_OK && tree < r->trees; tree++)
            if ((network[system] || system == COLOUR) && urs_eval_count_chips(&chips, tree, URS_PART_VALIDATION) >= 2)
                status = ask(r, system, tree, &chips, network[system], err);
    for (int system = 0; system < SYSTEMS; system++)
        urs_network_free(network[system]);
    urs_chips_release(&chips);
    return status;
}

static urs_status tell_tree(const fold_run *r, size_t tree, urs_text *text, json_t *rows, urs_error *err)
{
    const urs_tally *model = &r->tallies[MODEL * r->trees + tree];
    double queries = 0;
    size_t count = 0;
    urs_status status = URS_OK;
    for (size_t i = 0; i < r->individuals; i++)
        queries += model->queries[i];
    if (queries <= 0)
        return URS_OK;
    urs_text_format(text, "\n%s: %.0f queries, chance Hit@1 %.3f\n", r->arguments->data.items[tree], queries, r->chance[tree] / r->galleries[tree]);
    for (int system = 0; status == URS_OK && system < SYSTEMS; system++) {
        const urs_tally *t = &r->tallies[(size_t)system * r->trees + tree];
        urs_interval hit, precision, more_hit = {NAN, NAN, NAN}, more_precision = {NAN, NAN, NAN};
        status = urs_tally_mean(&hit, &count, t, URS_TALLY_HIT1, NULL, r->arguments->rounds, err);
        if (status == URS_OK)
            status = urs_tally_mean(&precision, &count, t, URS_TALLY_MAP, NULL, r->arguments->rounds, err);
        if (status != URS_OK || count == 0)
            continue;
        if (system != MODEL) {
            status = urs_tally_mean(&more_hit, NULL, model, URS_TALLY_HIT1, t, r->arguments->rounds, err);
            if (status == URS_OK)
                status = urs_tally_mean(&more_precision, NULL, model, URS_TALLY_MAP, t, r->arguments->rounds, err);
        }
        urs_text_format(text, "  %-20s %4zu individuals  Hit@1", system_name(r, system), count);
        urs_tally_put(text, hit, false);
        urs_text_add(text, "  mAP");
        urs_tally_put(text, precision, false);
        if (system != MODEL) {
            urs_text_add(text, "  model's gain");
            urs_tally_put(text, more_hit, true);
            urs_tally_put(text, more_precision, true);
        }
        urs_text_add(text, "\n");
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "data", r->arguments->data.items[tree], "system", system_name(r, system), "individuals",
                                                    (json_int_t)count, "hit1", urs_interval_json(hit), "map", urs_interval_json(precision), "gain_hit1",
                                                    urs_interval_json(more_hit), "gain_map", urs_interval_json(more_precision)));
    }
    return status;
}

urs_status urs_eval_embed_folds(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_error *err)
{
    fold_run r = {.arguments = a, .folds = folds, .trees = a->data.count};
    urs_text text = {0}, plots = {0};
    json_t *rows = json_array(), *facts = NULL;
    urs_status status = rows ? urs_pool_new(&r.pool, a->threads, err) : urs_fail(err, URS_ENOMEM, "no memory for results");
    for (int fold = 1; status == URS_OK && fold <= folds->folds; fold++)
        status = run_fold(&r, fold, err);
    if (status == URS_OK)
        urs_text_format(&text, "%s, %d folds by individual%s; means over individuals, 95 %% bootstrap intervals\n", a->model, folds->folds, folds->masked ? ", black outside of an oval" : "");
    for (size_t tree = 0; status == URS_OK && tree < r.trees; tree++)
        status = tell_tree(&r, tree, &text, rows, err);
    if (status == URS_OK) {
        facts = urs_eval_facts(a, "embed", r.path, NULL);
        (void)json_object_set_new(facts, "folds", json_integer(folds->folds));
        (void)json_object_set(facts, "cross_validation", rows);
        status = urs_eval_deliver(a, "embed: cross-validation", &text, json_incref(facts), &plots, err);
    }
    json_decref(facts);
    json_decref(rows);
    urs_text_release(&text);
    urs_text_release(&plots);
    urs_pool_free(r.pool);
    release_run(&r);
    return status;
}
