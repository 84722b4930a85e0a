/* Plots and sheets of mistakes for the page of `ursid eval chain`; see eval_chain.h. */
#include "cli/eval_chain.h"
#include "cli/eval_page.h"

#include "base/memory.h"
#include "eval/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKES_SHOWN 24
#define LOST_SHOWN 36

enum { NEW, KNOWN };

/* ---- plots ---- */

static void plot_steps(urs_text *out, const urs_chain_score *s)
{
    static const char *const names[] = {"frames kept by sift", "heads found", "right bear first", "right bear in first 5", "verdict right", "right in the end"};
    const urs_interval v[] = {s->bear_kept, s->found, s->hit[0], s->hit[2], s->side[KNOWN].verdict_right, s->side[KNOWN].right};
    double value[URS_COUNT(names)], low[URS_COUNT(names)], high[URS_COUNT(names)];
    const char *shown[URS_COUNT(names)];
    size_t n = 0;
    for (size_t i = 0; i < URS_COUNT(names); i++) {
        if (!isfinite(v[i].value))
            continue;
        shown[n] = names[i];
        value[n] = v[i].value;
        low[n] = v[i].low;
        high[n++] = v[i].high;
    }
    if (n)
        urs_plot_bars(out, &(urs_plot_axes){.title = "Known bears, step by step", .x_max = 1}, shown, value, low, high, n);
}

static void plot_verdicts(urs_text *out, const urs_chain_trial *t)
{
    static const char *const rows[] = {"known bear", "new bear"}, *const columns[] = {"right name", "wrong name", "new", "unsure"};
    static const bool right[] = {true, false, false, false, false, false, true, false};
    uint64_t count[8] = {0};
    size_t n = 0;
    for (size_t i = 0; i < t->case_count; i++) {
        const urs_chain_case *c = &t->cases[i];
        const bool named = c->verdict == URS_VERDICT_KNOWN;
        if (c->stop != URS_STOP_NONE)
            continue;
        count[(c->known ? 0 : 4) + (named ? (c->known && c->first == c->individual ? 0 : 1) : c->verdict == URS_VERDICT_NEW ? 2 : 3)]++;
        n++;
    }
    if (n)
        urs_plot_matrix(out, &(urs_plot_table){.title = "Verdicts on the heads that came to match", .count = count, .row_names = rows, .rows = 2, .column_names = columns, .columns = 4, .right = right});
}

static urs_status plot_scores(urs_text *out, const urs_chain_trial *t, urs_error *err)
{
    double *cosine = urs_array_new(t->case_count, sizeof *cosine);
    float *score = urs_array_new(t->case_count, sizeof *score);
    uint8_t *known = urs_array_new(t->case_count, 1);
    urs_roc roc = {0};
    size_t n = 0, knowns = 0, fresh = 0;
    urs_status status = cosine && score && known ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for plots");
    for (size_t i = 0; status == URS_OK && i < t->case_count; i++) {
        const urs_chain_case *c = &t->cases[i];
        if (c->stop != URS_STOP_NONE || c->first < 0)
            continue;
        score[n] = c->cosine;
        known[n++] = c->known;
        cosine[c->known ? knowns++ : t->case_count - ++fresh] = (double)c->cosine;
    }
    if (status == URS_OK && knowns && fresh) {
        const urs_plot_series both[] = {{.name = "known", .x = cosine, .count = knowns}, {.name = "new", .x = cosine + t->case_count - fresh, .count = fresh}};
        status = urs_roc_curve(&roc, score, known, n, err);
        if (status == URS_OK) {
            urs_plot_curves(out, &(urs_plot_axes){.title = "Known against new bears", .x_label = "new bears taken for known", .y_label = "known bears taken for known", .x_max = 1, .y_max = 1, .diagonal = true},
                            &(urs_plot_series){.x = roc.fpr, .y = roc.tpr, .count = roc.count}, 1);
            urs_plot_histogram(out, &(urs_plot_axes){.title = "Best score of a head", .x_label = "cosine"}, both, 2, 0);
        }
    }
    urs_roc_release(&roc);
    urs_free(cosine);
    urs_free(score);
    urs_free(known);
    return status;
}

static void plot_frames(urs_text *out, const urs_chain_score *s)
{
    static const char *const names[] = {"empty", "animal", "bear"};
    uint64_t count[9], sum = 0;
    for (int i = 0; i < 9; i++)
        sum += count[i] = s->confusion[i / 3][i % 3];
    if (s->sifted && sum)
        urs_plot_confusion(out, "sift: frames by class and answer", count, names, 3);
}

/* ---- sheets ---- */

typedef struct mistake {
    double weight; /* how sure the wrong answer was */
    size_t at;
} mistake;

static int compare_mistakes(const void *pa, const void *pb)
{
    const mistake *a = pa, *b = pb;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* A wrong name weighs more than a known bear called new, and both more than an open question with the right bear behind. */
static double weight_of(const urs_chain_case *c, const urs_chain_answer *a)
{
    switch (urs_chain_fate(c)) {
    case URS_FATE_WRONG_NAME: return 2 + a->probability;
    case URS_FATE_CALLED_NEW: return 1 + c->p_new;
    case URS_FATE_UNSURE_LISTED:
    case URS_FATE_UNSURE_OTHER: return c->known ? a->probability : 0;
    default: return -1;
    }
}

static void put_mistake(urs_text *out, const urs_chain_trial *t, size_t at)
{
    const urs_chain_case *c = &t->cases[at];
    const urs_chain_answer *a = &t->answers[at];
    const urs_gallery_chip *first = a->first_chip < t->gallery_count ? &t->gallery[a->first_chip] : NULL;
    const urs_gallery_chip *right = a->right_chip < t->gallery_count ? &t->gallery[a->right_chip] : NULL;
    char line[64];
    urs_eval_row_begin(out);
    urs_eval_figure(out, &a->picture, c->known ? "asked: known bear" : "asked: new bear", urs_chain_world_name(t->world, c->individual), "no picture");
    if (first) {
        (void)snprintf(line, sizeof line, "first, %.0f %%", 100 * a->probability);
        urs_eval_figure(out, &first->thumbnail, line, urs_chain_world_name(t->world, first->individual), "no picture");
    }
    if (right && first && right->individual != first->individual) {
        (void)snprintf(line, sizeof line, "right, at place %zu", c->rank);
        urs_eval_figure(out, &right->thumbnail, line, urs_chain_world_name(t->world, right->individual), "no picture");
    } else if (!c->known) {
        urs_eval_figure(out, NULL, "right:", "a new bear", "not in the catalogue");
    }
    (void)snprintf(line, sizeof line, "%s (cosine %.2f)", urs_fate_name(urs_chain_fate(c)), (double)c->cosine);
    urs_eval_row_end(out, line, t->world->set.samples[a->frame].path);
}

static urs_status put_mistakes(urs_text *out, const urs_chain_trial *t, urs_error *err)
{
    mistake *list = urs_array_new(t->case_count, sizeof *list);
    size_t n = 0;
    if (!list)
        return urs_fail(err, URS_ENOMEM, "no memory for the page");
    for (size_t i = 0; i < t->case_count; i++) {
        const double weight = weight_of(&t->cases[i], &t->answers[i]);
        if (weight >= 0)
            list[n++] = (mistake){weight, i};
    }
    qsort(list, n, sizeof *list, compare_mistakes);
    if (n) {
        urs_eval_sheet_begin(out, "The worst mistakes of match", n < MISTAKES_SHOWN ? n : (size_t)MISTAKES_SHOWN, n,
                             "The head that was asked about, the bear that came first, and the most alike picture of the right one.", false);
        for (size_t i = 0; i < n && i < MISTAKES_SHOWN; i++)
            put_mistake(out, t, list[i].at);
        urs_eval_sheet_end(out);
    }
    urs_free(list);
    return URS_OK;
}

static void put_lost(urs_text *out, const urs_chain_trial *t, urs_fate fate, const char *title, const char *what)
{
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < t->case_count; i++)
        n += urs_chain_fate(&t->cases[i]) == fate;
    if (n == 0)
        return;
    urs_eval_sheet_begin(out, title, n < LOST_SHOWN ? n : (size_t)LOST_SHOWN, n, what, false);
    for (size_t i = 0; i < t->case_count && shown < LOST_SHOWN; i++) {
        if (urs_chain_fate(&t->cases[i]) != fate)
            continue;
        urs_eval_figure(out, &t->answers[i].picture, urs_path_base(t->world->set.samples[t->answers[i].frame].path), urs_chain_world_name(t->world, t->cases[i].individual), "no picture");
        shown++;
    }
    urs_eval_sheet_end(out);
}

urs_status urs_chain_page(urs_text *out, const urs_chain_trial *t, const urs_chain_score *s, urs_error *err)
{
    double k[URS_HIT_KS], matched[URS_HIT_KS], all[URS_HIT_KS];
    urs_status status;
    plot_steps(out, s);
    for (int i = 0; i < URS_HIT_KS; i++) {
        k[i] = urs_hit_k[i];
        matched[i] = s->hit[i].value;
        all[i] = s->hit_all[i].value;
    }
    if (s->side[KNOWN].heads) {
        const urs_plot_series series[] = {{.name = "heads that came to match", .x = k, .y = matched, .count = URS_HIT_KS}, {.name = "all heads", .x = k, .y = all, .count = URS_HIT_KS}};
        urs_plot_curves(out, &(urs_plot_axes){.title = "The right bear among the first k", .x_label = "k", .y_label = "share of known bears' heads", .x_min = 1, .x_max = 10, .y_max = 1, .points = true},
                        series, URS_COUNT(series));
    }
    plot_frames(out, s);
    plot_verdicts(out, t);
    status = plot_scores(out, t, err);
    if (status == URS_OK)
        status = put_mistakes(out, t, err);
    put_lost(out, t, URS_FATE_NOT_FOUND, "Heads that find missed", "The labelled head, or the whole photograph where only the name is known.");
    put_lost(out, t, URS_FATE_SIFTED_AWAY, "Bears that sift threw away", "Frames that were called empty, cut to the labelled head where there is one.");
    return status;
}
