/* Calibration and thresholds from validation chips; see identify.h.
 *
 *      chip i x bear b: best cosine with a chip of b other than i      score[i][b], -2 where b has no other chip
 *      chip i in a catalogue with its bear     -> posterior over its bears     a known case (if its bear has another chip)
 *      chip i in a catalogue without it        -> posterior over its bears     a new case */
#include "catalogue/identify.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_SCORE (-2.0f)
#define ISOTONIC_AT 500
#define PRECISION 0.9
#define SUPPORT_LEAST 5
#define CATALOGUES 8 /* of each size that every chip is asked in */
#define NEVER_KNOWN 2.0
#define NEVER_NEW (-1.0)
#define SUPPORT_SHARE 0.02 /* a threshold must be held by at least this share of the cases */

typedef struct asked { /* one question put to the gallery */
    double value;      /* best posterior; or the sum over known bears */
    bool right;        /* calling it known with that name, or new, would be right */
} asked;

typedef struct fitting {
    size_t n, bears;
    size_t *bear_of; /* [n] */
    float *score;    /* [n][bears] */
    const int64_t *group; /* borrowed [n] or NULL */
} fitting;

static int compare_identity(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static urs_status number_bears(fitting *f, const int64_t *identity, urs_error *err)
{
    int64_t *sorted = urs_array_new(f->n, sizeof *sorted);
    f->bear_of = urs_array_new(f->n, sizeof *f->bear_of);
    if (!sorted || !f->bear_of) {
        urs_free(sorted);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu chips", f->n);
    }
    memcpy(sorted, identity, f->n * sizeof *sorted);
    qsort(sorted, f->n, sizeof *sorted, compare_identity);
    for (size_t i = 0; i < f->n; i++)
        if (i == 0 || sorted[i] != sorted[f->bears - 1])
            sorted[f->bears++] = sorted[i];
    for (size_t i = 0; i < f->n; i++) {
        const int64_t *at = bsearch(&identity[i], sorted, f->bears, sizeof *sorted, compare_identity);
        f->bear_of[i] = (size_t)(at - sorted);
    }
    urs_free(sorted);
    return URS_OK;
}

static urs_status score_bears(fitting *f, const float *embeddings, int32_t dim, urs_error *err)
{
    size_t cells;
    float *row = urs_array_new(f->n, sizeof *row);
    f->score = urs_mul_size(&cells, f->n, f->bears) ? urs_array_new(cells, sizeof *f->score) : NULL;
    if (!row || !f->score) {
        urs_free(row);
        return urs_fail(err, URS_ENOMEM, "no memory for the scores of %zu chips and %zu bears", f->n, f->bears);
    }
    for (size_t i = 0; i < f->n; i++) {
        float *best = f->score + i * f->bears;
        urs_dot_rows(embeddings, f->n, dim, embeddings + i * (size_t)dim, row);
        for (size_t b = 0; b < f->bears; b++)
            best[b] = NO_SCORE;
        for (size_t j = 0; j < f->n; j++)
            if (j != i && (!f->group || f->group[j] == f->group[i]) && row[j] > best[f->bear_of[j]])
                best[f->bear_of[j]] = row[j];
    }
    urs_free(row);
    return URS_OK;
}

static urs_status fit_calibration(urs_calibration *out, const fitting *f, bool never_isotonic, urs_error *err)
{
    const size_t cells = f->n * f->bears;
    float *score = urs_array_new(cells, sizeof *score);
    uint8_t *same = urs_array_new(cells, 1);
    size_t count = 0, positives = 0;
    urs_status status = score && same ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu pairs", cells);
    for (size_t i = 0; status == URS_OK && i < f->n; i++) {
        for (size_t b = 0; b < f->bears; b++) {
            if (f->score[i * f->bears + b] == NO_SCORE)
                continue;
            score[count] = f->score[i * f->bears + b];
            same[count] = f->bear_of[i] == b;
            positives += same[count++];
        }
    }
    if (status == URS_OK)
        status = positives >= ISOTONIC_AT && !never_isotonic ? urs_calibration_fit_isotonic(out, score, same, count, err)
                                                             : urs_calibration_fit_logistic(out, score, same, count, err);
    urs_free(score);
    urs_free(same);
    return status;
}

/* A catalogue to ask chip i in: its own bear or not, and others from bear `first` on, `size` in all. */
static size_t choose_bears(size_t *bears, const fitting *f, size_t i, bool with_own, size_t size, size_t first)
{
    const size_t own = f->bear_of[i];
    size_t n = 0;
    if (with_own)
        bears[n++] = own;
    for (size_t k = 0; k < f->bears && n < size; k++) {
        const size_t b = (first + k) % f->bears;
        if (b != own && f->score[i * f->bears + b] != NO_SCORE)
            bears[n++] = b;
    }
    return n;
}

static void ask(const fitting *f, const urs_calibration *cal, double new_prior, size_t i, const size_t *bears, size_t n, double *p, double *best, double *known, bool *right)
{
    size_t best_at = 0;
    double p_new = 1;
    for (size_t k = 0; k < n; k++) {
        p[k] = urs_calibration_probability(cal, (double)f->score[i * f->bears + bears[k]]);
        if (p[k] > p[best_at])
            best_at = k;
    }
    if (n > 0)
        urs_verdict_posterior(p, n, n, cal->prior, new_prior, p, &p_new);
    *best = n > 0 ? p[best_at] : 0;
    *known = 1 - p_new;
    *right = n > 0 && bears[best_at] == f->bear_of[i];
}

static int compare_falling(const void *a, const void *b)
{
    const asked *x = a, *y = b;
    return (x->value < y->value) - (x->value > y->value);
}

/* The lowest value such that among all cases at or above it the share of right ones reaches the precision; false: there is none with enough cases. */
static bool lowest_threshold(double *threshold, asked *cases, size_t n, double wished)
{
    const size_t least = (size_t)fmax(SUPPORT_LEAST, SUPPORT_SHARE * (double)n);
    size_t right = 0;
    bool found = false;
    qsort(cases, n, sizeof *cases, compare_falling);
    for (size_t i = 0; i < n; i++) {
        right += cases[i].right;
        if (i + 1 < n && cases[i + 1].value == cases[i].value)
            continue;
        if (i + 1 >= least && (double)right >= wished * (double)(i + 1)) {
            *threshold = cases[i].value;
            found = true;
        }
    }
    return found;
}

typedef struct questions {
    asked *named, *fresh; /* owned [most]; is the best candidate right; is it a new one */
    size_t *bears;        /* owned, scratch */
    double *p;            /* owned, scratch */
    size_t n, known;
} questions;

/* Both questions for every chip, `rounds` times in catalogues of `size` bears. */
static void ask_all(questions *q, const fitting *f, const urs_calibration *cal, double new_prior, size_t size, size_t rounds)
{
    q->n = q->known = 0;
    for (size_t i = 0; i < f->n; i++)
        for (size_t round = 0; round < rounds; round++)
            for (int with_own = 0; with_own < 2; with_own++) {
                double best, known;
                bool right;
                size_t n;
                if (with_own && f->score[i * f->bears + f->bear_of[i]] == NO_SCORE)
                    continue; /* the only chip of its bear */
                n = choose_bears(q->bears, f, i, with_own, size, f->bear_of[i] + 1 + round * f->bears / rounds);
                ask(f, cal, new_prior, i, q->bears, n, q->p, &best, &known, &right);
                q->named[q->n] = (asked){best, with_own && right};
                q->fresh[q->n++] = (asked){-known, !with_own};
                q->known += (size_t)with_own;
            }
}

/* Cases at or above a threshold, and the right ones among them. */
static void count_called(size_t *called, size_t *right, const asked *cases, size_t n, double threshold)
{
    *called = *right = 0;
    for (size_t i = 0; i < n; i++)
        if (cases[i].value >= threshold) {
            *called += 1;
            *right += cases[i].right;
        }
}

/* The thresholds must keep the wished precision in catalogues of one bear, two, four .. and of all: what the posterior makes of one cosine depends on how many bears share it. */
static void fit_thresholds(urs_identify_fit *fit, questions *q, const fitting *f, const urs_identify_fit_options *o)
{
    const double wished = o->precision > 0 ? o->precision : PRECISION;
    double known_at = 0, new_below = 1;
    size_t called, right;
    for (size_t size = 1; size > 0; size = size == SIZE_MAX ? 0 : 2 * size < f->bears ? 2 * size : SIZE_MAX) {
        double threshold;
        ask_all(q, f, &fit->calibration, o->new_prior, size, size == SIZE_MAX ? 1 : CATALOGUES);
        known_at = lowest_threshold(&threshold, q->named, q->n, wished) ? fmax(known_at, threshold) : NEVER_KNOWN;
        new_below = lowest_threshold(&threshold, q->fresh, q->n, wished) ? fmin(new_below, nextafter(-threshold, 2)) : NEVER_NEW;
        if (known_at == NEVER_KNOWN && new_below == NEVER_NEW)
            break;
    }
    fit->verdict = (urs_verdict_options){.known_at = known_at, .new_below = new_below};
    ask_all(q, f, &fit->calibration, o->new_prior, 1, CATALOGUES);
    count_called(&called, &right, q->named, q->n, known_at);
    fit->alone_named = (double)right / (double)q->known;
    fit->alone_wrong = (double)(called - right) / (double)(q->n - q->known);
    ask_all(q, f, &fit->calibration, o->new_prior, SIZE_MAX, 1);
    fit->known_cases = q->known;
    fit->new_cases = q->n - q->known;
    count_called(&called, &right, q->named, q->n, known_at);
    fit->known_share = (double)right / (double)fit->known_cases;
    fit->known_precision = called > 0 ? (double)right / (double)called : 0;
    count_called(&called, &right, q->fresh, q->n, nextafter(-new_below, 2));
    fit->new_share = (double)right / (double)fit->new_cases;
    fit->new_precision = called > 0 ? (double)right / (double)called : 0;
}

static urs_status fit_verdict(urs_identify_fit *fit, const fitting *f, const urs_identify_fit_options *o, urs_error *err)
{
    questions q = {0};
    size_t most;
    urs_status status = URS_OK;
    if (!urs_mul_size(&most, f->n, (size_t)2 * CATALOGUES) || !(q.named = urs_array_new(most, sizeof *q.named)) || !(q.fresh = urs_array_new(most, sizeof *q.fresh)) ||
        !(q.bears = urs_array_new(f->bears, sizeof *q.bears)) || !(q.p = urs_array_new(f->bears, sizeof *q.p)))
        status = urs_fail(err, URS_ENOMEM, "no memory for the questions of %zu chips", f->n);
    if (status == URS_OK) {
        fit->queries = f->n;
        fit_thresholds(fit, &q, f, o);
    }
    urs_free(q.named);
    urs_free(q.fresh);
    urs_free(q.bears);
    urs_free(q.p);
    return status;
}

urs_status urs_identify_fit_chips(urs_identify_fit *out, const float *embeddings, const int64_t *identity, size_t n, int32_t dim, const urs_identify_fit_options *options,
                                  urs_error *err)
{
    static const urs_identify_fit_options defaults = {0};
    const urs_identify_fit_options *o = options ? options : &defaults;
    urs_identify_fit fit = {0};
    fitting f = {.n = n, .group = o->group};
    urs_status status = number_bears(&f, identity, err);
    if (status == URS_OK && f.bears < 2)
        status = urs_fail(err, URS_EINVAL, "calibration needs chips of at least two bears");
    if (status == URS_OK)
        status = score_bears(&f, embeddings, dim, err);
    if (status == URS_OK)
        status = fit_calibration(&fit.calibration, &f, o->never_isotonic, err);
    if (status == URS_OK)
        status = fit_verdict(&fit, &f, o, err);
    if (status == URS_OK)
        *out = fit;
    else
        urs_calibration_release(&fit.calibration);
    urs_free(f.bear_of);
    urs_free(f.score);
    return status;
}

urs_status urs_identify_cases(urs_identify_case **out, size_t *count, const float *embeddings, const int64_t *identity, size_t n, int32_t dim, const urs_calibration *cal, double new_prior,
                              urs_error *err)
{
    static const urs_calibration no_calibration = {0};
    urs_identify_case *cases = NULL;
    fitting f = {.n = n};
    double *p = NULL;
    size_t *bears = NULL, made = 0;
    urs_status status = number_bears(&f, identity, err);
    if (status == URS_OK && f.bears < 2)
        status = urs_fail(err, URS_EINVAL, "known and new bears cannot be told apart with fewer than two bears");
    if (status == URS_OK)
        status = score_bears(&f, embeddings, dim, err);
    if (status == URS_OK) {
        cases = urs_array_new(2 * n, sizeof *cases);
        p = urs_array_new(f.bears, sizeof *p);
        bears = urs_array_new(f.bears, sizeof *bears);
        status = cases && p && bears ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu cases", 2 * n);
    }
    for (size_t i = 0; status == URS_OK && i < n; i++)
        for (int with_own = 0; with_own < 2; with_own++) {
            double best, known;
            bool right;
            if (with_own && f.score[i * f.bears + f.bear_of[i]] == NO_SCORE)
                continue;
            ask(&f, cal ? cal : &no_calibration, new_prior, i, bears, choose_bears(bears, &f, i, with_own, SIZE_MAX, 0), p, &best, &known, &right);
            cases[made++] = (urs_identify_case){.identity = identity[i], .known = with_own, .first_is_own = with_own && right, .best = best, .p_new = 1 - known};
        }
    urs_free(f.bear_of);
    urs_free(f.score);
    urs_free(p);
    urs_free(bears);
    if (status != URS_OK) {
        urs_free(cases);
        return status;
    }
    *out = cases;
    *count = made;
    return URS_OK;
}
