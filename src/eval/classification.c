/* Classification measures; see classification.h. */
#include "eval/classification.h"

#include "base/memory.h"
#include "eval/ranking.h"
#include "eval/table.h"

#include <math.h>
#include <stdlib.h>

urs_status urs_confusion_new(urs_confusion *out, size_t classes, urs_error *err)
{
    uint64_t *count;
    if (classes < 1 || classes > URS_CLASSES_MAX)
        return urs_fail(err, URS_EINVAL, "a confusion matrix has 1 to %d classes, not %zu", URS_CLASSES_MAX, classes);
    count = urs_array_new(classes * classes, sizeof *count);
    if (!count)
        return urs_fail(err, URS_ENOMEM, "no memory for a confusion matrix");
    *out = (urs_confusion){classes, count};
    return URS_OK;
}

void urs_confusion_release(urs_confusion *c)
{
    urs_free(c->count);
    *c = (urs_confusion){0};
}

urs_status urs_confusion_add(urs_confusion *c, size_t truth, size_t answer, urs_error *err)
{
    if (truth >= c->classes || answer >= c->classes)
        return urs_fail(err, URS_EINVAL, "class %zu answered with %zu, but there are %zu classes", truth, answer, c->classes);
    c->count[truth * c->classes + answer]++;
    return URS_OK;
}

uint64_t urs_confusion_total(const urs_confusion *c)
{
    uint64_t total = 0;
    for (size_t i = 0; i < c->classes * c->classes; i++)
        total += c->count[i];
    return total;
}

double urs_confusion_accuracy(const urs_confusion *c)
{
    const uint64_t total = urs_confusion_total(c);
    uint64_t right = 0;
    for (size_t k = 0; k < c->classes; k++)
        right += c->count[k * c->classes + k];
    return total ? (double)right / (double)total : NAN;
}

urs_class_scores urs_confusion_class(const urs_confusion *c, size_t k)
{
    urs_class_scores s = {0, 0, NAN, NAN, NAN};
    double right;
    for (size_t i = 0; i < c->classes; i++) {
        s.truth += c->count[k * c->classes + i];
        s.answered += c->count[i * c->classes + k];
    }
    right = (double)c->count[k * c->classes + k];
    if (s.truth)
        s.recall = right / (double)s.truth;
    if (s.answered)
        s.precision = right / (double)s.answered;
    if (s.truth + s.answered)
        s.f1 = 2 * right / (double)(s.truth + s.answered);
    return s;
}

double urs_confusion_balanced_accuracy(const urs_confusion *c)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < c->classes; k++) {
        const urs_class_scores s = urs_confusion_class(c, k);
        if (s.truth) {
            sum += s.recall;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

double urs_confusion_macro_f1(const urs_confusion *c)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < c->classes; k++) {
        const urs_class_scores s = urs_confusion_class(c, k);
        if (s.truth) {
            sum += s.f1;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

urs_status urs_threshold_for_recall(double *threshold, double *reached, double *precision, const float *score, const uint8_t *positive, size_t n, double recall,
                                    urs_error *err)
{
    size_t positives = 0, hits = 0;
    urs_ranked *list;
    urs_status status = URS_OK;
    if (!(recall > 0 && recall <= 1))
        return urs_fail(err, URS_EINVAL, "a wished recall lies above 0 and not above 1");
    list = urs_ranking_new(score, positive, n, &positives);
    if (!list)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    if (positives == 0)
        status = urs_fail(err, URS_EINVAL, "no threshold can be chosen without a positive");
    for (size_t i = 0; status == URS_OK && i < n;) {
        const float at = list[i].score;
        for (; i < n && list[i].score == at; i++)
            hits += list[i].positive;
        if ((double)hits >= recall * (double)positives - 1e-9) {
            *threshold = (double)at;
            if (reached)
                *reached = (double)hits / (double)positives;
            if (precision)
                *precision = (double)hits / (double)i;
            break;
        }
    }
    urs_free(list);
    return status;
}

static int falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

urs_status urs_threshold_carry(double *out, double threshold, const float *from, const float *to, size_t n, urs_error *err)
{
    float *sorted = urs_array_new(n, sizeof *sorted);
    size_t reached = 0;
    double t = threshold;
    if (!sorted)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    for (size_t i = 0; i < n; i++) {
        reached += (double)from[i] >= threshold;
        sorted[i] = to[i];
    }
    qsort(sorted, n, sizeof *sorted, falling);
    if (reached < n && t <= (double)sorted[reached]) /* above the first that must not reach it, halfway to the last that must */
        t = reached > 0 ? ((double)sorted[reached] + (double)sorted[reached - 1]) / 2 : nextafter((double)sorted[0], INFINITY);
    if (reached > 0 && t > (double)sorted[reached - 1])
        t = (double)sorted[reached - 1];
    *out = t;
    urs_free(sorted);
    return URS_OK;
}

double urs_average_precision(const float *score, const uint8_t *positive, size_t n)
{
    size_t positives = 0, hits = 0;
    double sum = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    if (!list || positives == 0) {
        urs_free(list);
        return NAN;
    }
    for (size_t i = 0; i < n;) {
        const float at = list[i].score;
        const size_t before = hits;
        for (; i < n && list[i].score == at; i++)
            hits += list[i].positive;
        sum += (double)(hits - before) / (double)positives * (double)hits / (double)i;
    }
    urs_free(list);
    return sum;
}

urs_status urs_precision_recall(double *recall, double *precision, size_t *count, const float *score, const uint8_t *positive, size_t n, urs_error *err)
{
    size_t positives = 0, hits = 0, points = 0;
    urs_ranked *list = urs_ranking_new(score, positive, n, &positives);
    if (!list)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scores", n);
    for (size_t i = 0; positives > 0 && i < n;) {
        const float at = list[i].score;
        for (; i < n && list[i].score == at; i++)
            hits += list[i].positive;
        recall[points] = (double)hits / (double)positives;
        precision[points++] = (double)hits / (double)i;
    }
    urs_free(list);
    if (positives == 0)
        return urs_fail(err, URS_EINVAL, "there is no curve without a positive");
    *count = points;
    return URS_OK;
}

/* ---- output ---- */

static json_t *real_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *class_json(const urs_confusion *c, size_t k, const char *name)
{
    const urs_class_scores s = urs_confusion_class(c, k);
    json_t *row = json_array(), *item;
    for (size_t j = 0; row && j < c->classes; j++)
        (void)json_array_append_new(row, json_integer((json_int_t)c->count[k * c->classes + j]));
    item = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "class", name, "truth", (json_int_t)s.truth, "answered", (json_int_t)s.answered, "recall",
                     real_or_null(s.recall), "precision", real_or_null(s.precision), "f1", real_or_null(s.f1), "answers", row);
    return item;
}

json_t *urs_confusion_json(const urs_confusion *c, const char *const *names)
{
    json_t *classes = json_array();
    for (size_t k = 0; classes && k < c->classes; k++) {
        if (json_array_append_new(classes, class_json(c, k, names[k])) != 0) {
            json_decref(classes);
            return NULL;
        }
    }
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "frames", (json_int_t)urs_confusion_total(c), "accuracy", real_or_null(urs_confusion_accuracy(c)),
                     "balanced_accuracy", real_or_null(urs_confusion_balanced_accuracy(c)), "macro_f1", real_or_null(urs_confusion_macro_f1(c)), "classes",
                     classes);
}

void urs_confusion_text(const urs_confusion *c, const char *const *names, urs_text *out)
{
    urs_table t;
    if (c->classes + 1 <= URS_TABLE_COLUMNS_MAX) {
        urs_table_start(&t, c->classes + 1);
        urs_table_add(&t, "truth \\ answer");
        for (size_t j = 0; j < c->classes; j++)
            urs_table_add(&t, names[j]);
        for (size_t k = 0; k < c->classes; k++) {
            urs_table_add(&t, names[k]);
            for (size_t j = 0; j < c->classes; j++)
                urs_table_number(&t, (double)c->count[k * c->classes + j], 0);
        }
        urs_table_end(&t, out);
        urs_text_add(out, "\n");
    }
    urs_table_start(&t, 5);
    urs_table_add(&t, "class");
    urs_table_add(&t, "frames");
    urs_table_add(&t, "recall");
    urs_table_add(&t, "precision");
    urs_table_add(&t, "F1");
    for (size_t k = 0; k < c->classes; k++) {
        const urs_class_scores s = urs_confusion_class(c, k);
        urs_table_add(&t, names[k]);
        urs_table_number(&t, (double)s.truth, 0);
        urs_table_number(&t, s.recall, 4);
        urs_table_number(&t, s.precision, 4);
        urs_table_number(&t, s.f1, 4);
    }
    urs_table_end(&t, out);
    urs_text_format(out, "\naccuracy %.4f, balanced accuracy %.4f, macro F1 %.4f over %llu frames\n", urs_confusion_accuracy(c),
                    urs_confusion_balanced_accuracy(c), urs_confusion_macro_f1(c), (unsigned long long)urs_confusion_total(c));
}
