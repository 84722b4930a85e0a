/* New bears and pair verification; see openset.h. */
#include "eval/openset.h"

#include "base/memory.h"
#include "eval/ranking.h"
#include "eval/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- curves ---- */

static double ranked_auroc(const urs_ranked *list, size_t n, size_t positives)
{
    const size_t negatives = n - positives;
    size_t above = 0; /* positives with a higher score */
    double area = 0;
    if (!positives || !negatives)
        return NAN;
    for (size_t i = 0; i < n;) {
        const float at = list[i].score;
        size_t p = 0, q = 0;
        for (; i < n && list[i].score == at; i++) {
            p += list[i].positive;
            q += !list[i].positive;
        }
        area += (double)q * ((double)above + (double)p / 2);
        above += p;
    }
    return area / ((double)positives * (double)negatives);
}

double urs_auroc(const float *score, const uint8_t *positive, size_t n)
{
    size_t positives = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    const double area = list ? ranked_auroc(list, n, positives) : NAN;
    urs_free(list);
    return area;
}

static double ranked_fpr(const urs_ranked *list, size_t n, size_t positives, double tpr)
{
    size_t p = 0, q = 0;
    if (!positives || positives == n)
        return NAN;
    for (size_t i = 0; i < n;) {
        const float at = list[i].score;
        for (; i < n && list[i].score == at; i++) {
            p += list[i].positive;
            q += !list[i].positive;
        }
        if ((double)p >= tpr * (double)positives - 1e-9)
            break;
    }
    return (double)q / (double)(n - positives);
}

double urs_fpr_at_tpr(const float *score, const uint8_t *positive, size_t n, double tpr)
{
    size_t positives = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    const double fpr = list ? ranked_fpr(list, n, positives, tpr) : NAN;
    urs_free(list);
    return fpr;
}

double urs_tpr_at_fpr(const float *score, const uint8_t *positive, size_t n, double fpr)
{
    size_t positives = 0, p = 0, q = 0, kept = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    double tpr = NAN;
    if (list && positives > 0 && positives < n) {
        for (size_t i = 0; i < n;) {
            const float at = list[i].score;
            for (; i < n && list[i].score == at; i++) {
                p += list[i].positive;
                q += !list[i].positive;
            }
            if ((double)q > fpr * (double)(n - positives) + 1e-9)
                break;
            kept = p;
        }
        tpr = (double)kept / (double)positives;
    }
    urs_free(list);
    return tpr;
}

double urs_balanced_accuracy_at(const float *score, const uint8_t *positive, size_t n, double threshold)
{
    size_t count[2] = {0}, right[2] = {0};
    for (size_t i = 0; i < n; i++) {
        const bool truth = positive[i] != 0, answer = (double)score[i] >= threshold;
        count[truth]++;
        right[truth] += truth == answer;
    }
    if (!count[0] || !count[1])
        return NAN;
    return ((double)right[0] / (double)count[0] + (double)right[1] / (double)count[1]) / 2;
}

urs_status urs_best_threshold(double *threshold, double *balanced_accuracy, const float *score, const uint8_t *positive, size_t n, urs_error *err)
{
    size_t positives = 0, p = 0, q = 0;
    double best = -1, at_best = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    if (!list)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    if (positives == 0 || positives == n) {
        urs_free(list);
        return urs_fail(err, URS_EINVAL, "a threshold needs positives and negatives (%zu of %zu are positive)", positives, n);
    }
    for (size_t i = 0; i < n;) {
        const float at = list[i].score;
        double accuracy;
        for (; i < n && list[i].score == at; i++) {
            p += list[i].positive;
            q += !list[i].positive;
        }
        accuracy = ((double)p / (double)positives + 1 - (double)q / (double)(n - positives)) / 2;
        if (accuracy >= best) {
            best = accuracy;
            at_best = i < n ? ((double)at + (double)list[i].score) / 2 : (double)at;
        }
    }
    urs_free(list);
    *threshold = at_best;
    if (balanced_accuracy)
        *balanced_accuracy = best;
    return URS_OK;
}

urs_status urs_roc_curve(urs_roc *out, const float *score, const uint8_t *positive, size_t n, urs_error *err)
{
    size_t positives = 0, p = 0, q = 0, count = 1;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    double *fpr = urs_array_new(n + 1, sizeof *fpr), *tpr = urs_array_new(n + 1, sizeof *tpr);
    urs_status status = URS_OK;
    if (!list || !fpr || !tpr)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    else if (positives == 0 || positives == n)
        status = urs_fail(err, URS_EINVAL, "a ROC curve needs positives and negatives (%zu of %zu are positive)", positives, n);
    for (size_t i = 0; status == URS_OK && i < n;) {
        const float at = list[i].score;
        for (; i < n && list[i].score == at; i++) {
            p += list[i].positive;
            q += !list[i].positive;
        }
        fpr[count] = (double)q / (double)(n - positives);
        tpr[count++] = (double)p / (double)positives;
    }
    urs_free(list);
    if (status == URS_OK) {
        *out = (urs_roc){fpr, tpr, count};
    } else {
        urs_free(fpr);
        urs_free(tpr);
    }
    return status;
}

void urs_roc_release(urs_roc *roc)
{
    urs_free(roc->fpr);
    urs_free(roc->tpr);
    *roc = (urs_roc){0};
}

/* ---- known or new ---- */

typedef struct drawn_scores {
    const urs_openset_query *query;
    float *score;     /* owned, room for the longest draw is not known: grown */
    uint8_t *known;
    size_t room_score, room_known;
    double threshold;
    bool failed;
} drawn_scores;

static bool draw_scores(drawn_scores *d, const size_t *item, size_t count)
{
    if (count > d->room_score && urs_array_resize((void **)&d->score, count, sizeof *d->score))
        d->room_score = count;
    if (count > d->room_known && urs_array_resize((void **)&d->known, count, sizeof *d->known))
        d->room_known = count;
    if (d->room_score < count || d->room_known < count) {
        d->failed = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        d->score[i] = d->query[item[i]].score;
        d->known[i] = d->query[item[i]].known;
    }
    return true;
}

static double drawn_auroc(void *context, const size_t *item, size_t count)
{
    drawn_scores *d = context;
    return draw_scores(d, item, count) ? urs_auroc(d->score, d->known, count) : NAN;
}

static double drawn_fpr95(void *context, const size_t *item, size_t count)
{
    drawn_scores *d = context;
    return draw_scores(d, item, count) ? urs_fpr_at_tpr(d->score, d->known, count, 0.95) : NAN;
}

static double drawn_detected1(void *context, const size_t *item, size_t count)
{
    drawn_scores *d = context;
    return draw_scores(d, item, count) ? urs_tpr_at_fpr(d->score, d->known, count, 0.01) : NAN;
}

static double drawn_detected10(void *context, const size_t *item, size_t count)
{
    drawn_scores *d = context;
    return draw_scores(d, item, count) ? urs_tpr_at_fpr(d->score, d->known, count, 0.10) : NAN;
}

static double drawn_balanced(void *context, const size_t *item, size_t count)
{
    drawn_scores *d = context;
    return draw_scores(d, item, count) ? urs_balanced_accuracy_at(d->score, d->known, count, d->threshold) : NAN;
}

static int compare_queries(const void *pa, const void *pb)
{
    const urs_openset_query *a = pa, *b = pb;
    if (a->identity != b->identity)
        return a->identity < b->identity ? -1 : 1;
    return (a->known > b->known) - (a->known < b->known);
}

/* Share of right answers of one individual: as a known one it must be named, as a new one it must be called new. */
typedef struct individual_share {
    double known, fresh; /* NaN: never asked so */
} individual_share;

static size_t share_by_individual(individual_share *share, const urs_openset_query *sorted, size_t n, double threshold)
{
    size_t count = 0;
    for (size_t i = 0; i < n; count++) {
        const size_t begin = i;
        size_t asked[2] = {0}, right[2] = {0};
        for (; i < n && sorted[i].identity == sorted[begin].identity; i++) {
            const bool called_known = (double)sorted[i].score >= threshold, known = sorted[i].known != 0;
            asked[known]++;
            right[known] += known ? called_known && sorted[i].best_identity == sorted[i].identity : !called_known;
        }
        share[count] = (individual_share){asked[1] ? (double)right[1] / (double)asked[1] : NAN, asked[0] ? (double)right[0] / (double)asked[0] : NAN};
    }
    return count;
}

static double mean_share(const individual_share *share, const size_t *item, size_t count, bool known)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < count; i++) {
        const double v = known ? share[item[i]].known : share[item[i]].fresh;
        if (!isnan(v)) {
            sum += v;
            n++;
        }
    }
    return n > 0 ? sum / n : NAN;
}

static double drawn_baks(void *context, const size_t *item, size_t count)
{
    return mean_share(context, item, count, true);
}

static double drawn_baus(void *context, const size_t *item, size_t count)
{
    return mean_share(context, item, count, false);
}

static double drawn_score(void *context, const size_t *item, size_t count)
{
    return sqrt(mean_share(context, item, count, true) * mean_share(context, item, count, false));
}

static urs_status balanced_samples(urs_openset_result *r, const urs_openset_query *sorted, size_t n, int rounds, uint64_t seed, urs_error *err)
{
    individual_share *share = urs_array_new(n + 1, sizeof *share);
    int64_t *cluster = urs_array_new(n + 1, sizeof *cluster);
    urs_status status = share && cluster ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu queries", n);
    if (status == URS_OK) {
        const size_t count = share_by_individual(share, sorted, n, r->threshold);
        for (size_t i = 0; i < count; i++)
            cluster[i] = (int64_t)i;
        status = urs_interval_bootstrap(&r->baks, drawn_baks, share, cluster, count, rounds, seed, err);
        if (status == URS_OK)
            status = urs_interval_bootstrap(&r->baus, drawn_baus, share, cluster, count, rounds, seed, err);
        if (status == URS_OK)
            status = urs_interval_bootstrap(&r->score, drawn_score, share, cluster, count, rounds, seed, err);
    }
    urs_free(share);
    urs_free(cluster);
    return status;
}

urs_status urs_openset_evaluate(urs_openset_result *out, const urs_openset_query *query, size_t n, double threshold, int rounds, uint64_t seed, urs_error *err)
{
    urs_openset_result r = {0};
    drawn_scores d = {.query = query};
    int64_t *cluster = urs_array_new(n, sizeof *cluster);
    float *score = urs_array_new(n, sizeof *score);
    uint8_t *known = urs_array_new(n, sizeof *known);
    urs_openset_query *sorted = urs_array_new(n, sizeof *sorted);
    double best = 0;
    urs_status status = URS_OK;
    if (!cluster || !score || !known || !sorted) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu queries", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        cluster[i] = query[i].identity;
        score[i] = query[i].score;
        known[i] = query[i].known != 0;
        sorted[i] = query[i];
        r.known += known[i];
    }
    r.unknown = n - r.known;
    if (!r.known || !r.unknown) {
        status = urs_fail(err, URS_EINVAL, "the test for new bears needs known and new ones (%zu known, %zu new)", r.known, r.unknown);
        goto done;
    }
    status = urs_best_threshold(&best, &r.best_balanced_accuracy, score, known, n, err);
    r.threshold_from_data = isnan(threshold);
    r.threshold = d.threshold = r.threshold_from_data ? best : threshold;
    if (status == URS_OK)
        status = urs_interval_bootstrap(&r.auroc, drawn_auroc, &d, cluster, n, rounds, seed, err);
    if (status == URS_OK)
        status = urs_interval_bootstrap(&r.fpr95, drawn_fpr95, &d, cluster, n, rounds, seed, err);
    if (status == URS_OK)
        status = urs_interval_bootstrap(&r.balanced_accuracy, drawn_balanced, &d, cluster, n, rounds, seed, err);
    if (status == URS_OK)
        status = urs_interval_bootstrap(&r.detected1, drawn_detected1, &d, cluster, n, rounds, seed, err);
    if (status == URS_OK)
        status = urs_interval_bootstrap(&r.detected10, drawn_detected10, &d, cluster, n, rounds, seed, err);
    if (status == URS_OK && d.failed)
        status = urs_fail(err, URS_ENOMEM, "no memory for intervals over %zu queries", n);
    qsort(sorted, n, sizeof *sorted, compare_queries);
    if (status == URS_OK)
        status = balanced_samples(&r, sorted, n, rounds, seed, err);
    if (status == URS_OK)
        *out = r;
done:
    urs_free(cluster);
    urs_free(score);
    urs_free(known);
    urs_free(sorted);
    urs_free(d.score);
    urs_free(d.known);
    return status;
}

json_t *urs_openset_json(const urs_openset_result *r)
{
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:f, s:b, s:f, s:o, s:o, s:o}", "known", (json_int_t)r->known, "new", (json_int_t)r->unknown, "auroc",
                     urs_interval_json(r->auroc), "fpr_at_95_tpr", urs_interval_json(r->fpr95), "detection_at_1_fpr", urs_interval_json(r->detected1),
                     "detection_at_10_fpr", urs_interval_json(r->detected10), "balanced_accuracy", urs_interval_json(r->balanced_accuracy), "threshold", r->threshold, "threshold_chosen_on_these_data", (int)r->threshold_from_data, "best_balanced_accuracy",
                     r->best_balanced_accuracy, "baks", urs_interval_json(r->baks), "baus", urs_interval_json(r->baus), "score", urs_interval_json(r->score));
}

static void interval_row(urs_table *t, const char *name, urs_interval v)
{
    urs_table_add(t, name);
    urs_table_number(t, v.value, 4);
    urs_table_number(t, v.low, 4);
    urs_table_number(t, v.high, 4);
}

void urs_openset_text(const urs_openset_result *r, urs_text *out)
{
    urs_table t;
    urs_text_format(out, "%zu queries of known bears, %zu of new bears; threshold %.4f%s\n\n", r->known, r->unknown, r->threshold,
                    r->threshold_from_data ? " (the best for these data: optimistic)" : "");
    urs_table_start(&t, 4);
    urs_table_add(&t, "measure");
    urs_table_add(&t, "value");
    urs_table_add(&t, "95% from");
    urs_table_add(&t, "to");
    interval_row(&t, "AUROC known/new", r->auroc);
    interval_row(&t, "FPR at 95% TPR", r->fpr95);
    interval_row(&t, "balanced accuracy", r->balanced_accuracy);
    interval_row(&t, "known found at 1% FPR", r->detected1);
    interval_row(&t, "known found at 10% FPR", r->detected10);
    interval_row(&t, "BAKS (known samples)", r->baks);
    interval_row(&t, "BAUS (new samples)", r->baus);
    interval_row(&t, "sqrt(BAKS * BAUS)", r->score);
    urs_table_end(&t, out);
}
