/* `ursid eval embed --groups --folds K`: how well new heads are grouped into bears.
 *
 *      galleries of all folds but F --fit--> calibration, joining threshold of every linkage --> the galleries of fold F, grouped --> agreement with the truth
 *
 * So no threshold is judged on bears that it was chosen on, nor by a network that knows them. */
#include "cli/eval_embed.h"

#include "base/memory.h"
#include "catalogue/group_fit.h"
#include "catalogue/identify.h"
#include "cli/embed_galleries.h"
#include "eval/grouping.h"
#include "eval/table.h"

#include <math.h>
#include <string.h>

enum { RULES = 7 };
static const struct {
    const char *name;
    urs_linkage linkage;
    double at; /* probability to join at, as --group-at of identify; 0: chosen */
} rules[RULES] = {{"average, 0.5", URS_LINKAGE_AVERAGE, 0.5}, /* as identify does if not told otherwise; the others are compared with it */
                  {"average, 0.3", URS_LINKAGE_AVERAGE, 0.3},
                  {"average, 0.2", URS_LINKAGE_AVERAGE, 0.2},
                  {"average, 0.1", URS_LINKAGE_AVERAGE, 0.1},
                  {"average, chosen", URS_LINKAGE_AVERAGE, 0},
                  {"single, chosen", URS_LINKAGE_SINGLE, 0},
                  {"complete, chosen", URS_LINKAGE_COMPLETE, 0}};
static const char *const views[URS_GALLERY_VIEWS] = {"whole", "masked"};

typedef struct rule_sum {
    double rand, right, joined, same, groups, identities;
    size_t better; /* galleries in which its Rand index is above the first rule's */
} rule_sum;

typedef struct groups_run {
    const urs_eval_arguments *arguments;
    const urs_eval_folds *folds;
    urs_galleries all, others; /* others: without the fold that is judged */
    rule_sum sum[RULES];
    size_t galleries;
    urs_table table;
    json_t *rows;
} groups_run;

static urs_status embed_folds(groups_run *r, urs_pool *pool, urs_error *err)
{
    urs_status status = URS_OK;
    for (int fold = 1; status == URS_OK && fold <= r->folds->folds; fold++) {
        urs_network *network = NULL;
        urs_chips chips = {0};
        char *path = NULL;
        status = urs_eval_fold_open(&network, &chips, &path, r->arguments, r->folds, fold, pool, err);
        if (status == URS_OK)
            status = urs_galleries_add(&r->all, network, path, &chips, pool, err);
        urs_network_free(network);
        urs_chips_release(&chips);
        urs_free(path);
    }
    return status;
}

/* Everything but the rows [first, end). */
static urs_status leave_out(urs_galleries *out, const urs_galleries *all, size_t first, size_t end, urs_error *err)
{
    const size_t dim = (size_t)all->dim, behind = all->count - end, n = first + behind;
    size_t elements;
    urs_galleries_release(out);
    if (!urs_mul_size(&elements, n, dim) || !(out->embedding = urs_array_new(elements, sizeof *out->embedding)) || !(out->identity = urs_array_new(n, sizeof *out->identity)) ||
        !(out->group = urs_array_new(n, sizeof *out->group)))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", n);
    memcpy(out->embedding, all->embedding, first * dim * sizeof *out->embedding);
    memcpy(out->embedding + first * dim, all->embedding + end * dim, behind * dim * sizeof *out->embedding);
    memcpy(out->identity, all->identity, first * sizeof *out->identity);
    memcpy(out->identity + first, all->identity + end, behind * sizeof *out->identity);
    memcpy(out->group, all->group, first * sizeof *out->group);
    memcpy(out->group + first, all->group + end, behind * sizeof *out->group);
    out->count = n;
    out->dim = all->dim;
    return URS_OK;
}

static void tell(groups_run *r, int fold, const char *view, int rule, double at, const urs_grouping_score *s, double first)
{
    rule_sum *sum = &r->sum[rule];
    urs_table_format(&r->table, "%d", fold);
    urs_table_add(&r->table, view);
    urs_table_add(&r->table, rules[rule].name);
    urs_table_number(&r->table, at, 3);
    urs_table_format(&r->table, "%zu", s->items);
    urs_table_format(&r->table, "%zu", s->identities);
    urs_table_format(&r->table, "%zu", s->groups);
    urs_table_number(&r->table, s->rand, 3);
    urs_table_number(&r->table, s->precision, 3);
    urs_table_number(&r->table, s->recall, 3);
    (void)json_array_append_new(r->rows, json_pack("{s:i, s:s, s:s, s:f, s:I, s:I, s:I, s:f, s:I, s:I, s:I}", "fold", fold, "view", view, "rule", rules[rule].name, "at", at,
                                                   "chips", (json_int_t)s->items, "bears", (json_int_t)s->identities, "groups",
                                                   (json_int_t)s->groups, "rand", s->rand, "joined", (json_int_t)s->joined, "same", (json_int_t)s->same, "right", (json_int_t)s->right));
    sum->rand += s->rand;
    sum->right += (double)s->right;
    sum->joined += (double)s->joined;
    sum->same += (double)s->same;
    sum->groups += (double)s->groups;
    sum->identities += (double)s->identities;
    sum->better += s->rand > first;
}

/* One gallery by every rule. */
static urs_status judge_gallery(groups_run *r, int fold, const char *view, size_t first, size_t end, const urs_calibration *cal, const urs_group_fit fits[RULES], urs_error *err)
{
    const size_t n = end - first;
    size_t *label = urs_array_new(n, sizeof *label), groups;
    double first_rand = 0;
    urs_status status = label ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to group %zu chips", n);
    for (int rule = 0; status == URS_OK && rule < RULES; rule++) {
        const urs_cluster_options how = {.linkage = rules[rule].linkage, .threshold = rules[rule].at > 0 ? rules[rule].at : fits[rule].join_at};
        status = urs_cluster_chips(label, &groups, r->all.embedding + first * (size_t)r->all.dim, n, r->all.dim, cal, &how, err);
        if (status == URS_OK) {
            const urs_grouping_score score = urs_grouping_evaluate(label, r->all.identity + first, n);
            first_rand = rule == 0 ? score.rand : first_rand;
            tell(r, fold, view, rule, how.threshold, &score, first_rand);
        }
    }
    urs_free(label);
    return status;
}

static urs_status judge_fold(groups_run *r, int fold, urs_error *err)
{
    const int64_t first_group = (int64_t)(fold - 1) * URS_GALLERY_VIEWS;
    urs_group_fit fits[RULES] = {{0}};
    urs_identify_fit fit = {0};
    size_t first = 0, end;
    urs_status status;
    while (first < r->all.count && r->all.group[first] < first_group)
        first++;
    for (end = first; end < r->all.count && r->all.group[end] < first_group + URS_GALLERY_VIEWS;)
        end++;
    status = leave_out(&r->others, &r->all, first, end, err);
    if (status == URS_OK)
        status = urs_identify_fit_chips(&fit, r->others.embedding, r->others.identity, r->others.count, r->others.dim, &(urs_identify_fit_options){.group = r->others.group}, err);
    for (int rule = 0; status == URS_OK && rule < RULES; rule++)
        if (rules[rule].at <= 0)
            status = urs_group_fit_chips(&fits[rule], r->others.embedding, r->others.identity, r->others.group, r->others.count, r->others.dim, &fit.calibration, rules[rule].linkage, err);
    for (size_t view = 0, at = first; status == URS_OK && view < URS_GALLERY_VIEWS; view++) {
        size_t next = at;
        while (next < end && r->all.group[next] == r->all.group[at])
            next++;
        status = judge_gallery(r, fold, views[view], at, next, &fit.calibration, fits, err);
        r->galleries++;
        at = next;
    }
    urs_calibration_release(&fit.calibration);
    return status;
}

static void tell_means(const groups_run *r, urs_text *text, json_t *means)
{
    urs_table table;
    static const char *const headings[] = {"linkage, joined from", "bears", "groups", "adjusted Rand", "above the first in", "precision", "recall"};
    urs_table_start(&table, URS_COUNT(headings));
    for (size_t i = 0; i < URS_COUNT(headings); i++)
        urs_table_add(&table, headings[i]);
    for (int rule = 0; rule < RULES; rule++) {
        const rule_sum *s = &r->sum[rule];
        const double n = (double)r->galleries;
        urs_table_add(&table, rules[rule].name);
        urs_table_number(&table, s->identities / n, 1);
        urs_table_number(&table, s->groups / n, 1);
        urs_table_number(&table, s->rand / n, 3);
        urs_table_format(&table, "%zu of %zu", s->better, r->galleries);
        urs_table_number(&table, s->joined > 0 ? s->right / s->joined : NAN, 3);
        urs_table_number(&table, s->same > 0 ? s->right / s->same : NAN, 3);
        (void)json_array_append_new(means, json_pack("{s:s, s:f, s:f, s:f, s:I}", "rule", rules[rule].name, "bears", s->identities / n, "groups", s->groups / n, "rand", s->rand / n, "better",
                                                     (json_int_t)s->better));
    }
    urs_table_end(&table, text);
}

urs_status urs_eval_embed_groups(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_error *err)
{
    static const char *const headings[] = {"fold", "view", "linkage, joined from", "P", "heads", "bears", "groups", "Rand", "precision", "recall"};
    groups_run r = {.arguments = a, .folds = folds, .rows = json_array()};
    urs_text text = {0}, plots = {0};
    json_t *facts = NULL, *means = json_array();
    urs_pool *pool = NULL;
    urs_status status = r.rows && means ? urs_pool_new(&pool, a->threads, err) : urs_fail(err, URS_ENOMEM, "no memory for results");
    urs_table_start(&r.table, URS_COUNT(headings));
    for (size_t i = 0; i < URS_COUNT(headings); i++)
        urs_table_add(&r.table, headings[i]);
    if (status == URS_OK)
        status = embed_folds(&r, pool, err);
    for (int fold = 1; status == URS_OK && fold <= folds->folds; fold++)
        status = judge_fold(&r, fold, err);
    urs_text_format(&text, "%s, grouping of the bears of %d folds, at most %d heads of a bear; calibration and chosen thresholds from the other folds\n\n", a->model, folds->folds, URS_GALLERY_CHIPS);
    if (status == URS_OK)
        tell_means(&r, &text, means);
    urs_text_add(&text, "\nMeans over the galleries below; precision: pairs of heads in one group that are one bear, recall: pairs of one bear that are in one group, over all pairs.\n\n");
    urs_table_end(&r.table, &text);
    if (status == URS_OK) {
        facts = urs_eval_facts(a, "embed", a->model, NULL);
        (void)json_object_set_new(facts, "folds", json_integer(folds->folds));
        (void)json_object_set(facts, "groups", r.rows);
        (void)json_object_set(facts, "means", means);
        status = urs_eval_deliver(a, "embed: grouping of new heads", &text, json_incref(facts), &plots, err);
    }
    json_decref(facts);
    json_decref(means);
    json_decref(r.rows);
    urs_text_release(&text);
    urs_galleries_release(&r.all);
    urs_galleries_release(&r.others);
    urs_pool_free(pool);
    return status;
}
