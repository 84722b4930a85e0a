/* Curves, confusions and mistakes of `ursid eval sift`; see eval_sift.h. */
#include "cli/eval_sift.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/eval_page.h"
#include "eval/plots.h"

#include <stdio.h>
#include <stdlib.h>

#define MISTAKES_SHOWN 24

/* ---- precision and recall ---- */

/* Scores of "bear", or of "not empty" (animal: false alarms cost the second stage). */
static urs_status put_curves(urs_text *out, const urs_sift_study *s, bool filled, urs_error *err)
{
    const size_t n = s->frames.count;
    urs_plot_series series[URS_EVAL_SIFT_MODELS_MAX] = {0};
    double *points = urs_array_new(n, 2 * s->count * sizeof *points);
    float *score = urs_array_new(n, sizeof *score);
    uint8_t *positive = urs_array_new(n, 1);
    size_t curves = 0;
    bool any = false;
    urs_status status = points && score && positive ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a plot");
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        positive[i] = filled ? s->frames.labels[i] != URS_FRAME_EMPTY : s->frames.labels[i] == URS_FRAME_BEAR;
        any = any || positive[i];
    }
    for (size_t m = 0; status == URS_OK && any && m < s->count; m++) {
        double *x = points + 2 * n * curves;
        if (filled && s->columns[m].approach == URS_SIFT_DETECTOR)
            continue;
        for (size_t i = 0; i < n; i++) {
            const float *p = s->columns[m].p + i * URS_FRAME_CLASSES;
            score[i] = filled ? p[URS_FRAME_ANIMAL] + p[URS_FRAME_BEAR] : p[URS_FRAME_BEAR];
        }
        series[curves] = (urs_plot_series){.name = s->columns[m].name, .x = x, .y = x + n};
        status = urs_precision_recall(x, x + n, &series[curves].count, score, positive, n, err);
        curves++;
    }
    if (status == URS_OK && curves > 0)
        urs_plot_curves(out, &(urs_plot_axes){.title = filled ? "Not empty: precision and recall" : "Bear: precision and recall", .x_label = "recall", .y_label = "precision", .x_max = 1,
                                              .y_max = 1}, series, curves);
    urs_free(points);
    urs_free(score);
    urs_free(positive);
    return status;
}

/* ---- mistakes ---- */

typedef struct mistake {
    float sure; /* probability of the wrong answer */
    size_t item;
} mistake;

static int compare_mistakes(const void *pa, const void *pb)
{
    const mistake *a = pa, *b = pb;
    if (a->sure != b->sure)
        return a->sure > b->sure ? -1 : 1;
    return (a->item > b->item) - (a->item < b->item);
}

/* Frames of class `truth` that got another answer, the surest first. */
static urs_status put_mistakes(urs_text *out, const urs_sift_study *s, const urs_sift_column *c, int32_t truth, urs_error *err)
{
    mistake *list = urs_array_new(s->frames.count, sizeof *list);
    size_t n = 0;
    char title[128];
    urs_status status = list ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the page");
    for (size_t i = 0; status == URS_OK && i < s->frames.count; i++)
        if (s->frames.items[i].label == truth && c->answer[i] != truth)
            list[n++] = (mistake){c->p[i * URS_FRAME_CLASSES + (size_t)c->answer[i]], i};
    if (status == URS_OK && n > 0) {
        qsort(list, n, sizeof *list, compare_mistakes);
        (void)snprintf(title, sizeof title, "%s: frames of class %s that were called something else", c->name, urs_sift_class_names[truth]);
        urs_eval_sheet_begin(out, title, n < MISTAKES_SHOWN ? n : (size_t)MISTAKES_SHOWN, n, "The surest of them first: what the frame was called, and its file.", false);
    }
    for (size_t i = 0; status == URS_OK && i < n && i < MISTAKES_SHOWN; i++) {
        const urs_frame_item *item = &s->frames.items[list[i].item];
        urs_bytes jpeg = {0};
        char line[64];
        (void)snprintf(line, sizeof line, "%s, %.0f %%", urs_sift_class_names[c->answer[list[i].item]], 100 * (double)list[i].sure);
        status = urs_eval_thumbnail(&jpeg, &s->frames.cache.images[item->picture], 200, err);
        if (status == URS_OK)
            urs_eval_figure(out, &jpeg, line, item->sample >= 0 ? urs_path_base(s->frames.dataset.samples[item->sample].path) : "", "no picture");
        urs_bytes_release(&jpeg);
    }
    if (status == URS_OK && n > 0)
        urs_eval_sheet_end(out);
    urs_free(list);
    return status;
}

urs_status urs_sift_page(urs_text *plots, const urs_sift_study *s, urs_error *err)
{
    const urs_sift_column *last = &s->columns[s->count - 1]; /* the pictures at hand are as this one saw them */
    urs_status status = put_curves(plots, s, false, err);
    if (status == URS_OK)
        status = put_curves(plots, s, true, err);
    for (size_t m = 0; status == URS_OK && m < s->count; m++) {
        const char *const *names;
        urs_confusion c = {0};
        char title[96];
        status = urs_sift_confusion(&c, &names, s, &s->columns[m], err);
        (void)snprintf(title, sizeof title, "%s: frames by class and answer", s->columns[m].name);
        if (status == URS_OK)
            urs_plot_confusion(plots, title, c.count, names, c.classes);
        urs_confusion_release(&c);
    }
    for (int32_t k = URS_FRAME_CLASSES; status == URS_OK && k-- > 0;) /* bears first */
        if (k != URS_FRAME_ANIMAL || last->approach != URS_SIFT_DETECTOR)
            status = put_mistakes(plots, s, last, k, err);
    return status;
}
