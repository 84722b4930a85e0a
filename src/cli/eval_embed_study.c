/* What each way of asking is worth; see eval_embed_study.h. */
#include "cli/eval_embed_study.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/vector.h"
#include "cli/eval_tally.h"
#include "eval/rerank.h"
#include "stages/fuse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXPANSION_K 2
#define EXPANSION_ALPHA 3.0

typedef enum way { PICTURE, MIRROR, EXPANDED, RERANKED, ONE, TWO, TWO_WEIGHTED, WHOLE, HEAD, BACKGROUND, BACKGROUND_COLOURS, CHANCE, WAYS } way;

static const struct {
    const char *key, *name;
    int against; /* the way that it is compared with; -1 none */
    urs_study study;
} ways[WAYS] = {
    [PICTURE] = {"picture", "picture alone", -1, URS_STUDY_ABLATE},
    [MIRROR] = {"mirror", "+ mirror image", PICTURE, URS_STUDY_ABLATE},
    [EXPANDED] = {"query_expansion", "  query expansion", MIRROR, URS_STUDY_ABLATE},
    [RERANKED] = {"rerank", "  k-reciprocal", MIRROR, URS_STUDY_ABLATE},
    [ONE] = {"one_chip", "one chip of a pair", -1, URS_STUDY_ABLATE},
    [TWO] = {"two_chips", "both as one query", ONE, URS_STUDY_ABLATE},
    [TWO_WEIGHTED] = {"two_chips_weighted", "  by sharpness", TWO, URS_STUDY_ABLATE},
    [WHOLE] = {"whole", "whole chip", CHANCE, URS_STUDY_BACKGROUND},
    [HEAD] = {"head", "head alone", CHANCE, URS_STUDY_BACKGROUND},
    [BACKGROUND] = {"background", "background alone", CHANCE, URS_STUDY_BACKGROUND},
    [BACKGROUND_COLOURS] = {"background_colours", "  its colours alone", CHANCE, URS_STUDY_BACKGROUND},
    [CHANCE] = {"chance", "random order", -1, URS_STUDY_BACKGROUND},
};

typedef struct study_run {
    const urs_eval_arguments *arguments;
    const urs_eval_folds *folds;
    urs_study study;
    urs_pool *pool;
    urs_tally *tallies; /* owned [trees][WAYS] */
    size_t trees, individuals, queries, black; /* black: chips with nothing around the oval */
    char *path;         /* owned: of the last network */
} study_run;

static urs_tally *tally_of(const study_run *r, size_t tree, way w)
{
    return &r->tallies[tree * WAYS + w];
}

static urs_status make_tallies(study_run *r, size_t individuals, urs_error *err)
{
    urs_status status = URS_OK;
    r->individuals = individuals;
    r->tallies = urs_array_new(r->trees * WAYS, sizeof *r->tallies);
    if (!r->tallies)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu folders", r->trees);
    for (size_t i = 0; status == URS_OK && i < r->trees * WAYS; i++)
        status = urs_tally_new(&r->tallies[i], individuals, err);
    return status;
}

/* Each chip of the part against all others, by cosine or by similarity [n][n]. */
static urs_status ask_each(urs_tally *t, const urs_embedded_part *p, const float *similarity, urs_error *err)
{
    const urs_retrieval_set set = {.embedding = p->embedding, .identity = p->identity, .count = p->count};
    urs_retrieval_result result = {0};
    const urs_status status =
        urs_retrieval_evaluate(&result, &set, &set, p->dim, &(urs_retrieval_options){.leave_one_out = true, .similarity = similarity, .rounds = -1}, err);
    if (status == URS_OK)
        urs_tally_add(t, &result);
    urs_retrieval_release(&result);
    return status;
}

/* What a random order of the other chips gives on average: of n with r right ones the first is right in r/n, and the average precision is (H_n + (n - H_n)(r-1)/(n-1)) / n. */
static void add_chance(urs_tally *t, const urs_embedded_part *p)
{
    const double n = (double)p->count - 1;
    double harmonic = 0;
    for (size_t k = 1; k < p->count; k++)
        harmonic += 1 / (double)k;
    for (size_t i = 0; i < p->count; i++) {
        double right = 0;
        for (size_t j = 0; j < p->count; j++)
            right += j != i && p->identity[j] == p->identity[i];
        if (right > 0)
            urs_tally_add_one(t, p->identity[i], right / n, (harmonic + (n > 1 ? (n - harmonic) * (right - 1) / (n - 1) : 0)) / n);
    }
}

static void swap_rows(float *a, float *b, size_t dim)
{
    for (size_t d = 0; d < dim && a != b; d++) {
        const float t = a[d];
        a[d] = b[d];
        b[d] = t;
    }
}

/* similarity [n][n]: each chip expanded by its nearest among the others. */
static urs_status expand(float *similarity, urs_embedded_part *p, urs_error *err)
{
    const size_t dim = (size_t)p->dim, last = p->count - 1;
    float *query = urs_array_new(2 * dim, sizeof *query);
    urs_status status = query ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to expand queries");
    for (size_t i = 0; status == URS_OK && i < p->count; i++) {
        float *own = p->embedding + i * dim, *end = p->embedding + last * dim;
        memcpy(query, own, dim * sizeof *query);
        swap_rows(own, end, dim); /* the gallery is what stands before the last row */
        status = urs_expand_queries(query + dim, query, 1, p->embedding, last, p->dim, EXPANSION_K, EXPANSION_ALPHA, err);
        swap_rows(own, end, dim);
        urs_dot_rows(p->embedding, p->count, p->dim, query + dim, similarity + i * p->count);
    }
    urs_free(query);
    return status;
}

/* Normalised sum of two views of the same chips, into the first. */
static void add_view(urs_embedded_part *to, const urs_embedded_part *other)
{
    for (size_t i = 0; i < to->count * (size_t)to->dim; i++)
        to->embedding[i] += other->embedding[i];
    for (size_t i = 0; i < to->count; i++)
        (void)urs_normalise(to->embedding + i * (size_t)to->dim, to->dim);
}

/* Neighbours in the list that are one bear's, two by two: pair[i] is the number of the pair, -1 for a chip that stays in the gallery. A bear with two chips would have none left to be found. */
static size_t make_pairs(int64_t *pair, const urs_embedded_part *p)
{
    size_t pairs = 0;
    for (size_t from = 0, to; from < p->count; from = to) {
        for (to = from; to < p->count && p->identity[to] == p->identity[from]; to++)
            pair[to] = -1;
        for (size_t i = from; to - from > 2 && i + 1 < to; i += 2)
            pair[i] = pair[i + 1] = (int64_t)pairs++;
    }
    return pairs;
}

/* Two chips of a bear, as an event would bring them: each by itself, then both as one query; neither is in the gallery. The chips carry no dates, so a pair is any two of a bear. */
static urs_status ask_pairs(study_run *r, size_t tree, const urs_chips *chips, const urs_embedded_part *p, urs_error *err)
{
    const size_t dim = (size_t)p->dim;
    int64_t *pair = urs_array_new(p->count, sizeof *pair), *who = urs_array_new(p->count, sizeof *who), *group = urs_array_new(p->count, sizeof *group);
    float *query = urs_array_new(3 * p->count * dim, sizeof *query);
    const urs_retrieval_set gallery = {.embedding = p->embedding, .identity = p->identity, .group = pair, .count = p->count};
    size_t n = 0;
    urs_status status = pair && who && group && query ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu chips", p->count);
    if (status == URS_OK && make_pairs(pair, p) > 0) {
        float *const of[3] = {query, query + p->count * dim, query + 2 * p->count * dim}; /* ONE, TWO, TWO_WEIGHTED */
        for (size_t i = 0; i < p->count; i++) {
            /* A pair's chips are neighbours; both ask, so that every way has the same questions. */
            const size_t first = i > 0 && pair[i] >= 0 && pair[i - 1] == pair[i] ? i - 1 : i, rows[2] = {first, first + 1};
            double weight[2];
            if (pair[i] < 0)
                continue;
            for (int k = 0; k < 2; k++) {
                const urs_image *picture = &chips->cache.images[p->item[rows[k]]];
                weight[k] = urs_chip_weight(fmax(picture->width, picture->height), urs_chip_sharpness(picture));
            }
            memcpy(of[0] + n * dim, p->embedding + i * dim, dim * sizeof *query);
            (void)urs_embeddings_fuse(of[1] + n * dim, p->embedding, p->dim, rows, NULL, 2);
            (void)urs_embeddings_fuse(of[2] + n * dim, p->embedding, p->dim, rows, weight, 2);
            who[n] = p->identity[i];
            group[n++] = pair[i];
        }
        for (int k = 0; status == URS_OK && k < 3; k++) {
            const urs_retrieval_set set = {.embedding = of[k], .identity = who, .group = group, .count = n};
            urs_retrieval_result result = {0};
            status = urs_retrieval_evaluate(&result, &set, &gallery, p->dim, &(urs_retrieval_options){.rounds = -1}, err);
            if (status == URS_OK)
                urs_tally_add(tally_of(r, tree, (way)(ONE + k)), &result);
            urs_retrieval_release(&result);
        }
    }
    urs_free(pair);
    urs_free(who);
    urs_free(group);
    urs_free(query);
    return status;
}

static urs_status ablate(study_run *r, size_t tree, const urs_chips *chips, urs_part which, const urs_network *network, urs_error *err)
{
    urs_embedded_part p = {0}, mirrored = {0};
    float *similarity = NULL;
    urs_status status = urs_embedded_part_make(&p, chips, which, (int32_t)tree, &(urs_chip_view){.one_picture = true}, network, r->pool, err);
    if (status == URS_OK)
        status = urs_embedded_part_make(&mirrored, chips, which, (int32_t)tree, &(urs_chip_view){.one_picture = true, .mirrored = true}, network, r->pool, err);
    if (status == URS_OK && p.count > URS_RERANK_IMAGES_MAX)
        status = urs_fail(err, URS_ELIMIT, "%zu chips are too many to re-rank; at most %d", p.count, URS_RERANK_IMAGES_MAX);
    if (status == URS_OK)
        similarity = urs_array_new(p.count * p.count, sizeof *similarity);
    if (status == URS_OK && !similarity)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", p.count);
    if (status == URS_OK)
        status = ask_each(tally_of(r, tree, PICTURE), &p, NULL, err);
    if (status == URS_OK) {
        add_view(&p, &mirrored);
        status = ask_each(tally_of(r, tree, MIRROR), &p, NULL, err);
    }
    if (status == URS_OK)
        status = expand(similarity, &p, err);
    if (status == URS_OK)
        status = ask_each(tally_of(r, tree, EXPANDED), &p, similarity, err);
    if (status == URS_OK)
        status = urs_rerank(similarity, p.embedding, p.count, NULL, 0, p.dim, &(urs_rerank_options){0}, err);
    for (size_t i = 0; status == URS_OK && i < p.count * p.count; i++)
        similarity[i] = -similarity[i];
    if (status == URS_OK)
        status = ask_each(tally_of(r, tree, RERANKED), &p, similarity, err);
    if (status == URS_OK)
        status = ask_pairs(r, tree, chips, &p, err);
    urs_free(similarity);
    urs_embedded_part_release(&p);
    urs_embedded_part_release(&mirrored);
    return status;
}

static urs_status control(study_run *r, size_t tree, const urs_chips *chips, urs_part which, const urs_network *network, urs_error *err)
{
    static const struct {
        way way;
        urs_chip_shows shows;
        bool colours;
    } asked[] = {{WHOLE, URS_SHOWS_ALL, false}, {HEAD, URS_SHOWS_HEAD, false}, {BACKGROUND, URS_SHOWS_BACKGROUND, false}, {BACKGROUND_COLOURS, URS_SHOWS_BACKGROUND, true}};
    urs_status status = URS_OK;
    for (size_t k = 0; status == URS_OK && k < URS_COUNT(asked); k++) {
        urs_embedded_part p = {0};
        status = urs_embedded_part_make(&p, chips, which, (int32_t)tree, &(urs_chip_view){.shows = asked[k].shows}, asked[k].colours ? NULL : network, r->pool, err);
        if (status == URS_OK)
            status = ask_each(tally_of(r, tree, asked[k].way), &p, NULL, err);
        if (status == URS_OK && k == 0) {
            add_chance(tally_of(r, tree, CHANCE), &p);
            for (size_t i = 0; tree == 0 && i < p.count; i++)
                r->black += urs_chip_is_black_around(&chips->cache.images[p.item[i]]);
        }
        urs_embedded_part_release(&p);
    }
    return status;
}

static urs_status run_fold(study_run *r, int fold, urs_error *err)
{
    const urs_part which = r->folds->folds > 0 ? URS_PART_VALIDATION : urs_eval_part(r->arguments);
    urs_network *network = NULL;
    urs_chips chips = {0};
    urs_status status = urs_eval_fold_open(&network, &chips, &r->path, r->arguments, r->folds, fold, r->pool, err);
    if (status == URS_OK && !r->tallies)
        status = make_tallies(r, urs_name_table_count(&chips.dataset.individuals), err);
    if (status == URS_OK && urs_name_table_count(&chips.dataset.individuals) != r->individuals)
        status = urs_fail(err, URS_EMISMATCH, "the data changed between two folds");
    for (size_t tree = 0; status == URS_OK && tree < r->trees; tree++) {
        const size_t n = urs_eval_count_chips(&chips, tree, which);
        if (n < 2 && tree > 0)
            continue;
        if (tree == 0)
            r->queries += n;
        status = r->study == URS_STUDY_ABLATE ? ablate(r, tree, &chips, which, network, err) : control(r, tree, &chips, which, network, err);
    }
    urs_network_free(network);
    urs_chips_release(&chips);
    return status;
}

static urs_status tell_way(const study_run *r, size_t tree, way w, urs_text *text, json_t *rows, urs_error *err)
{
    const urs_tally *t = tally_of(r, tree, w), *against = ways[w].against >= 0 ? tally_of(r, tree, (way)ways[w].against) : NULL;
    const int rounds = r->arguments->rounds;
    urs_interval hit, precision, more_hit = {NAN, NAN, NAN}, more_precision = {NAN, NAN, NAN};
    size_t count = 0;
    urs_status status = urs_tally_mean(&hit, &count, t, URS_TALLY_HIT1, NULL, rounds, err);
    if (status == URS_OK)
        status = urs_tally_mean(&precision, NULL, t, URS_TALLY_MAP, NULL, rounds, err);
    if (status == URS_OK && against)
        status = urs_tally_mean(&more_hit, NULL, t, URS_TALLY_HIT1, against, rounds, err);
    if (status == URS_OK && against)
        status = urs_tally_mean(&more_precision, NULL, t, URS_TALLY_MAP, against, rounds, err);
    if (status != URS_OK || count == 0)
        return status;
    urs_text_format(text, "  %-20s %4zu individuals  Hit@1", ways[w].name, count);
    urs_tally_put(text, hit, false);
    urs_text_add(text, "  mAP");
    urs_tally_put(text, precision, false);
    if (against) {
        urs_text_format(text, "  over %s", ways[ways[w].against].name);
        urs_tally_put(text, more_hit, true);
        urs_tally_put(text, more_precision, true);
    }
    urs_text_add(text, "\n");
    (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "data", r->arguments->data.items[tree], "way", ways[w].key, "against",
                                                against ? ways[ways[w].against].key : "", "individuals", (json_int_t)count, "hit1", urs_interval_json(hit), "map",
                                                urs_interval_json(precision), "gain_hit1", urs_interval_json(more_hit), "gain_map", urs_interval_json(more_precision)));
    return URS_OK;
}

static urs_status is_above_chance(bool *above, const study_run *r, way w, urs_error *err)
{
    const urs_tally *chance = tally_of(r, 0, CHANCE);
    urs_interval hit, precision;
    urs_status status = urs_tally_mean(&hit, NULL, tally_of(r, 0, w), URS_TALLY_HIT1, chance, r->arguments->rounds, err);
    if (status == URS_OK)
        status = urs_tally_mean(&precision, NULL, tally_of(r, 0, w), URS_TALLY_MAP, chance, r->arguments->rounds, err);
    if (status == URS_OK)
        *above = hit.low > 0 || precision.low > 0;
    return status;
}

/* The sentence that the control is for: is what lies around the head enough to be named by? */
static urs_status tell_verdict(const study_run *r, urs_text *text, json_t *facts, urs_error *err)
{
    bool network = false, colours = false;
    urs_status status = is_above_chance(&network, r, BACKGROUND, err);
    if (status == URS_OK)
        status = is_above_chance(&colours, r, BACKGROUND_COLOURS, err);
    if (status != URS_OK)
        return status;
    urs_text_add(text, network ? "\nThe network names individuals above chance by the background alone: place, light or day leak into what is measured on these data, so part of the whole chip's numbers is not the face.\n"
                               : "\nBy the background alone the network is near chance: nothing shows that it tells individuals by what lies around their heads.\n");
    if (colours)
        urs_text_add(text, "The colours of the background alone tell individuals apart above chance: these data allow such a leak.\n");
    urs_text_add(text, "The oval touches all four sides of a chip, so neck and ears that reach into its corners count as background.\n");
    if (r->black > 0)
        urs_text_format(text, "%zu of %zu chips are black around the oval already: they ask with nothing and count as misses.\n", r->black, r->queries);
    (void)json_object_set_new(facts, "background_above_chance", json_boolean(network));
    (void)json_object_set_new(facts, "background_colours_above_chance", json_boolean(colours));
    (void)json_object_set_new(facts, "black_around", json_integer((json_int_t)r->black));
    return URS_OK;
}

static urs_status tell(const study_run *r, urs_text *text, json_t *facts, urs_error *err)
{
    json_t *rows = json_array();
    urs_status status = rows ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for results");
    urs_text_format(text, "%s, ", r->folds->folds > 0 ? r->arguments->model : urs_path_base(r->path));
    if (r->folds->folds > 0)
        urs_text_format(text, "%d folds by individual", r->folds->folds);
    else
        urs_text_format(text, "%s part", r->arguments->part);
    urs_text_add(text, "; means over individuals, differences pair by pair over individuals, 95 % bootstrap intervals by individual\n");
    for (size_t tree = 0; status == URS_OK && tree < r->trees; tree++) {
        urs_text_format(text, "\n%s\n", r->arguments->data.items[tree]);
        for (int w = 0; status == URS_OK && w < WAYS; w++)
            if (ways[w].study == r->study)
                status = tell_way(r, tree, (way)w, text, rows, err);
    }
    if (status == URS_OK && r->study == URS_STUDY_BACKGROUND)
        status = tell_verdict(r, text, facts, err);
    if (status == URS_OK) {
        (void)json_object_set_new(facts, "folds", json_integer(r->folds->folds));
        (void)json_object_set(facts, r->study == URS_STUDY_ABLATE ? "ablation" : "background_control", rows);
    }
    json_decref(rows);
    return status;
}

urs_status urs_eval_embed_study(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_study study, urs_error *err)
{
    study_run r = {.arguments = a, .folds = folds, .study = study, .trees = a->data.count};
    urs_text text = {0}, plots = {0};
    json_t *facts = NULL;
    urs_status status = urs_pool_new(&r.pool, a->threads, err);
    for (int fold = folds->folds > 0; status == URS_OK && fold <= folds->folds; fold++)
        status = run_fold(&r, fold, err);
    if (status == URS_OK) {
        facts = urs_eval_facts(a, "embed", r.path, NULL);
        status = facts ? tell(&r, &text, facts, err) : urs_fail(err, URS_ENOMEM, "no memory for results");
    }
    if (status == URS_OK)
        status = urs_eval_deliver(a, study == URS_STUDY_ABLATE ? "embed: what each way of asking gains" : "embed: is it the face or the background?", &text, json_incref(facts), &plots, err);
    json_decref(facts);
    urs_text_release(&text);
    urs_text_release(&plots);
    urs_pool_free(r.pool);
    for (size_t i = 0; r.tallies && i < r.trees * WAYS; i++)
        urs_tally_release(&r.tallies[i]);
    urs_free(r.tallies);
    urs_free(r.path);
    return status;
}
