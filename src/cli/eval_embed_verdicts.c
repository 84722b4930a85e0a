/* What the verdicts are worth; see eval_embed.h. */
#include "cli/eval_embed.h"

#include "base/memory.h"
#include "catalogue/head_facts.h"
#include "catalogue/identify.h"
#include "eval/calibration_curve.h"
#include "eval/plots.h"
#include "eval/risk.h"
#include "eval/table.h"

#include <math.h>
#include <string.h>

#define MAX_ERROR 0.1
#define BINS 10

typedef struct judging {
    const urs_embed_verdicts *how;
    urs_calibration calibration;  /* owned */
    urs_verdict_options verdict;
    const char *from;             /* where they come from, for people */
    urs_identify_case *cases;     /* owned [count] */
    size_t count;
    double *confidence;           /* owned [count]: of the forced answer */
    uint8_t *right;               /* owned [count] */
    double *value;                /* owned [count], scratch */
    int64_t *cluster;             /* owned [count] */
    urs_reliability reliability;
    urs_risk_curve risk;          /* owned */
    urs_interval error, decided, wrong, named, told_new; /* of all forced answers; shares of cases, of decided ones, of known cases, of new cases */
    bool calibrated;
} judging;

static void release(judging *j)
{
    urs_calibration_release(&j->calibration);
    urs_free(j->cases);
    urs_free(j->confidence);
    urs_free(j->right);
    urs_free(j->value);
    urs_free(j->cluster);
    urs_risk_curve_release(&j->risk);
}

/* URS_OK with j->calibrated false: there is nothing to fit on. */
static urs_status take_calibration(judging *j, urs_error *err)
{
    const urs_embed_verdicts *v = j->how;
    urs_identify_fit fit = {0};
    urs_error why;
    urs_status status = URS_OK;
    if (v->network && v->max_error <= 0)
        status = urs_head_calibration(&j->calibration, &j->verdict, &j->calibrated, v->network, err);
    if (status != URS_OK || j->calibrated) {
        j->from = "of the weights";
        /* what zeros stand for, so that it can be told */
        j->verdict.known_at = j->verdict.known_at != 0 ? j->verdict.known_at : URS_VERDICT_KNOWN_AT;
        j->verdict.new_below = j->verdict.new_below != 0 ? j->verdict.new_below : URS_VERDICT_NEW_BELOW;
        return status;
    }
    if (!v->fit_on)
        return URS_OK;
    status = urs_identify_fit_chips(&fit, v->fit_on->embedding, v->fit_on->identity, v->fit_on->count, v->fit_on->dim,
                                    &(urs_identify_fit_options){.precision = 1 - (v->max_error > 0 ? v->max_error : MAX_ERROR)}, &why);
    if (status == URS_EINVAL) /* too few validation bears: a fact about the data, no failure */
        return URS_OK;
    if (status != URS_OK)
        return urs_fail(err, status, "%s", why.message);
    j->calibration = fit.calibration;
    j->verdict = fit.verdict;
    j->calibrated = true;
    j->from = v->fit_on == v->judged ? "fitted on these very chips: optimistic" : "fitted on the validation part";
    return URS_OK;
}

static urs_status ask(judging *j, urs_error *err)
{
    const urs_embedded_part *p = j->how->judged;
    urs_status status = urs_identify_cases(&j->cases, &j->count, p->embedding, p->identity, p->count, p->dim, &j->calibration, 0, err);
    if (status != URS_OK)
        return status;
    j->confidence = urs_array_new(j->count, sizeof *j->confidence);
    j->right = urs_array_new(j->count, sizeof *j->right);
    j->value = urs_array_new(j->count, sizeof *j->value);
    j->cluster = urs_array_new(j->count, sizeof *j->cluster);
    if (!j->confidence || !j->right || !j->value || !j->cluster)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu cases", j->count);
    for (size_t i = 0; i < j->count; i++) {
        const urs_identify_case *c = &j->cases[i];
        const bool names = !isnan(c->best) && c->best >= c->p_new;
        j->confidence[i] = fmin(fmax(names ? c->best : c->p_new, 0), 1);
        j->right[i] = names ? c->first_is_own : !c->known;
        j->cluster[i] = c->identity;
    }
    return URS_OK;
}

typedef double value_of(const judging *j, size_t i); /* NaN: not counted */

static urs_verdict verdict_of(const judging *j, size_t i)
{
    return urs_identify_verdict(j->cases[i].best, j->cases[i].p_new, &j->verdict);
}

static double is_error(const judging *j, size_t i)
{
    return !j->right[i];
}

static double is_decided(const judging *j, size_t i)
{
    return verdict_of(j, i) != URS_VERDICT_UNSURE;
}

static double is_wrong(const judging *j, size_t i)
{
    const urs_verdict verdict = verdict_of(j, i);
    return verdict == URS_VERDICT_UNSURE ? (double)NAN : verdict == URS_VERDICT_KNOWN ? !j->cases[i].first_is_own : j->cases[i].known;
}

static double is_named(const judging *j, size_t i)
{
    return j->cases[i].known ? verdict_of(j, i) == URS_VERDICT_KNOWN && j->cases[i].first_is_own : (double)NAN;
}

static double is_told_new(const judging *j, size_t i)
{
    return j->cases[i].known ? (double)NAN : verdict_of(j, i) == URS_VERDICT_NEW;
}

static urs_status mean(urs_interval *out, judging *j, value_of *f, urs_error *err)
{
    bool any = false;
    *out = (urs_interval){NAN, NAN, NAN};
    for (size_t i = 0; i < j->count; i++) {
        j->value[i] = f(j, i);
        any = any || !isnan(j->value[i]);
    }
    return any ? urs_interval_mean(out, j->value, j->cluster, j->count, j->how->rounds, 1, err) : URS_OK;
}

static urs_status measure(judging *j, urs_error *err)
{
    static const struct {
        size_t at;
        value_of *f;
    } means[] = {{offsetof(judging, error), is_error}, {offsetof(judging, decided), is_decided}, {offsetof(judging, wrong), is_wrong}, {offsetof(judging, named), is_named},
                 {offsetof(judging, told_new), is_told_new}};
    urs_status status = urs_reliability_measure(&j->reliability, j->confidence, j->right, j->count, BINS, err);
    if (status == URS_OK)
        status = urs_risk_curve_make(&j->risk, j->confidence, j->right, j->count, err);
    for (size_t k = 0; status == URS_OK && k < sizeof means / sizeof means[0]; k++)
        status = mean((urs_interval *)(void *)((char *)j + means[k].at), j, means[k].f, err);
    return status;
}

static void row(urs_table *t, const char *name, urs_interval v)
{
    urs_table_add(t, name);
    urs_table_number(t, v.value, 4);
    urs_table_number(t, v.low, 4);
    urs_table_number(t, v.high, 4);
}

static void tell(const judging *j, urs_text *text, json_t *facts)
{
    static const double risks[] = {0.02, 0.05, 0.1};
    urs_table t;
    urs_text_format(text, "\nverdicts (calibration and thresholds %s): named from %.3f on%s, new below %.3f%s, unsure in between\n\n", j->from, j->verdict.known_at,
                    j->verdict.known_at > 1 ? " (never)" : "", j->verdict.new_below, j->verdict.new_below < 0 ? " (never)" : "");
    urs_table_start(&t, 4);
    urs_table_add(&t, "measure");
    urs_table_add(&t, "value");
    urs_table_add(&t, "95% from");
    urs_table_add(&t, "to");
    row(&t, "decided (known or new)", j->decided);
    row(&t, "wrong among the decided", j->wrong);
    row(&t, "known bears named rightly", j->named);
    row(&t, "new bears called new", j->told_new);
    row(&t, "wrong if all are decided", j->error);
    row(&t, "ECE of the probability", (urs_interval){j->reliability.ece, NAN, NAN});
    row(&t, "Brier score", (urs_interval){j->reliability.brier, NAN, NAN});
    row(&t, "area under risk-coverage", (urs_interval){j->risk.area, NAN, NAN});
    urs_table_end(&t, text);
    for (size_t i = 0; i < sizeof risks / sizeof risks[0]; i++)
        urs_text_format(text, "%s%.0f %% could be decided with at most %.0f %% wrong", i ? ", " : "\nSurest first, ", 100 * urs_risk_coverage(&j->risk, risks[i], NULL), 100 * risks[i]);
    urs_text_add(text, " (if the threshold were known, on these very chips)\n");
    (void)json_object_set_new(facts, "verdicts", json_pack("{s:s, s:f, s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "calibration", j->from, "known_at", j->verdict.known_at, "new_below", j->verdict.new_below,
                                                          "cases", (json_int_t)j->count, "decided", urs_interval_json(j->decided), "wrong", urs_interval_json(j->wrong), "named", urs_interval_json(j->named),
                                                          "called_new", urs_interval_json(j->told_new), "error", urs_interval_json(j->error), "reliability", urs_reliability_json(&j->reliability),
                                                          "risk", urs_risk_curve_json(&j->risk)));
}

static void draw(const judging *j, urs_text *plots)
{
    urs_plot_curves(plots, &(urs_plot_axes){.title = "Are the probabilities true?", .x_label = "probability of the answer", .y_label = "share of right answers", .x_max = 1, .y_max = 1, .diagonal = true, .points = true},
                    &(urs_plot_series){.x = j->reliability.confidence, .y = j->reliability.share, .count = j->reliability.bins}, 1);
    urs_plot_curves(plots, &(urs_plot_axes){.title = "Wrong answers, surest first", .x_label = "share of heads that are decided (coverage)", .y_label = "share of these that is wrong (risk)", .x_max = 1, .y_max = 1},
                    &(urs_plot_series){.x = j->risk.coverage, .y = j->risk.risk, .count = j->risk.count}, 1);
}

urs_status urs_eval_embed_verdicts(const urs_embed_verdicts *v, urs_text *text, json_t *facts, urs_text *plots, urs_error *err)
{
    judging j = {.how = v, .from = ""};
    urs_status status = take_calibration(&j, err);
    if (status == URS_OK && !j.calibrated) {
        urs_text_add(text, "\nverdicts: without a calibration, and too few validation bears to fit one, nothing is called known or new\n");
        return URS_OK;
    }
    if (status == URS_OK)
        status = ask(&j, err);
    if (status == URS_OK)
        status = measure(&j, err);
    if (status == URS_OK) {
        tell(&j, text, facts);
        if (plots)
            draw(&j, plots);
    }
    release(&j);
    return status;
}
