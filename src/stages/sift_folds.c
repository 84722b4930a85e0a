/* Cross-validation of sift; see sift_folds.h. */
#include "stages/sift_folds.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/classification.h"
#include "eval/interval.h"
#include "eval/table.h"
#include "stages/sift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PROBES 150 /* of each kind in a fold */

void urs_sift_scores_release(urs_sift_scores *scores)
{
    urs_free(scores->items);
    *scores = (urs_sift_scores){0};
}

/* A text that may stand between quotes in a CSV line. */
static void keep_name(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text);
    for (char *p = out; *p; p++)
        if (*p == '"' || (unsigned char)*p < ' ')
            *p = '_';
}

static void describe_item(urs_sift_score *s, const urs_frames *f, size_t i, int32_t fold, int64_t alone)
{
    const urs_frame_item *item = &f->items[i];
    s->label = item->label;
    s->source = item->source;
    s->fold = fold;
    s->group = alone;
    if (item->sample >= 0) {
        const urs_sample *sample = &f->dataset.samples[item->sample];
        s->group = f->split.groups[item->sample];
        keep_name(s->name, sizeof s->name, urs_path_base(sample->path));
        keep_name(s->camera, sizeof s->camera, urs_name_table_get(&f->dataset.cameras, sample->camera));
    }
}

/* Judges the frames of the fold that `path` never saw and adds them to the list. */
static urs_status score_fold(urs_sift_scores *out, const urs_sift_train_options *o, const char *path, urs_pool *pool, urs_error *err)
{
    urs_frames frames = {0};
    urs_network *network = NULL;
    float *p = NULL;
    urs_status status = urs_network_read(&network, path, "sift", err);
    if (status == URS_OK)
        status = urs_frames_build(&frames, &o->frames, URS_PART_VALIDATION, pool, err);
    if (status == URS_OK) {
        p = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *p);
        if (!p || !urs_array_resize((void **)&out->items, out->count + frames.count, sizeof *out->items))
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    }
    if (status == URS_OK)
        status = urs_sift_probabilities(p, &frames, network, pool, err);
    for (size_t i = 0; status == URS_OK && i < frames.count; i++) {
        urs_sift_score *s = &out->items[out->count++];
        *s = (urs_sift_score){.label = 0};
        memcpy(s->p, p + i * URS_FRAME_CLASSES, sizeof s->p);
        describe_item(s, &frames, i, o->frames.fold, -1 - (int64_t)out->count);
    }
    urs_free(p);
    urs_frames_release(&frames);
    urs_network_free(network);
    return status;
}

urs_status urs_sift_cross_validate(urs_sift_scores *out, const urs_sift_train_options *options, urs_error *err)
{
    urs_sift_scores scores = {0};
    urs_pool *pool = NULL;
    urs_status status = urs_pool_new(&pool, options->fit.threads, err);
    if (status == URS_OK && options->frames.folds < 2)
        status = urs_fail(err, URS_EINVAL, "cross-validation needs at least 2 folds, not %d", (int)options->frames.folds);
    for (int32_t k = 1; status == URS_OK && k <= options->frames.folds; k++) {
        urs_sift_train_options o = *options;
        urs_text path = {0};
        urs_text_format(&path, "%s.fold%d.safetensors", options->fit.out, (int)k);
        o.fit.out = urs_text_string(&path);
        o.frames.fold = k;
        status = urs_text_ok(&path) ? urs_sift_train(&o, NULL, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        o.frames.probes = true;
        if (o.frames.heads) /* the same probes whatever was trained on */
            o.frames.sources = "real,photos,crops,paste,decoy";
        o.frames.crops = o.frames.paste = o.frames.decoy = PROBES;
        if (status == URS_OK)
            status = score_fold(&scores, &o, urs_text_string(&path), pool, err);
        urs_text_release(&path);
    }
    urs_pool_free(pool);
    if (status == URS_OK)
        *out = scores;
    else
        urs_sift_scores_release(&scores);
    return status;
}

static bool is_probe(const urs_sift_score *s)
{
    return s->source != URS_FRAMES_REAL && s->source != URS_FRAMES_PHOTOS;
}

urs_status urs_sift_scores_thresholds(urs_sift_thresholds *out, const urs_sift_scores *scores, double bear_recall, urs_error *err)
{
    float *p = urs_array_new(scores->count, URS_FRAME_CLASSES * sizeof *p);
    int32_t *labels = urs_array_new(scores->count, sizeof *labels);
    size_t n = 0;
    urs_status status;
    for (size_t i = 0; p && labels && i < scores->count; i++)
        if (!is_probe(&scores->items[i])) {
            memcpy(p + n * URS_FRAME_CLASSES, scores->items[i].p, sizeof scores->items[i].p);
            labels[n++] = scores->items[i].label;
        }
    status = p && labels ? urs_sift_choose_thresholds(out, URS_SIFT_ONE_NETWORK, p, labels, n, bear_recall, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", scores->count);
    urs_free(labels);
    urs_free(p);
    return status;
}

/* One line: how many frames of a kind are judged right. source < 0: real frames and photographs. */
static urs_status add_line(urs_table *table, const char *name, const urs_sift_scores *scores, const urs_sift_thresholds *t, int32_t label, int32_t source, int rounds, urs_error *err)
{
    double *right = urs_array_new(scores->count, sizeof *right);
    int64_t *group = urs_array_new(scores->count, sizeof *group);
    urs_interval v = {NAN, NAN, NAN};
    size_t n = 0, as_bear = 0;
    urs_status status = right && group ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", scores->count);
    for (size_t i = 0; status == URS_OK && i < scores->count; i++) {
        const urs_sift_score *s = &scores->items[i];
        const int32_t answer = urs_sift_decide(s->p, t);
        if (s->label != label || (source < 0 ? is_probe(s) : s->source != (urs_frame_source)source))
            continue;
        as_bear += answer == URS_FRAME_BEAR;
        right[n] = answer == s->label;
        group[n++] = s->group;
    }
    if (status == URS_OK && n > 0) {
        status = urs_interval_mean(&v, right, group, n, rounds, 1, err);
        urs_table_add(table, name);
        urs_table_format(table, "%zu", n);
        urs_table_format(table, "%.3f (%.3f to %.3f)", v.value, v.low, v.high);
        urs_table_format(table, "%.3f", (double)as_bear / (double)n);
    }
    urs_free(group);
    urs_free(right);
    return status;
}

urs_status urs_sift_scores_text(urs_text *out, const urs_sift_scores *scores, const urs_sift_thresholds *thresholds, int rounds, urs_error *err)
{
    static const struct {
        const char *name;
        int32_t label, source;
    } lines[] = {{"empty", URS_FRAME_EMPTY, -1}, {"animal", URS_FRAME_ANIMAL, -1}, {"bear", URS_FRAME_BEAR, -1}, {"probe: crops, empty", URS_FRAME_EMPTY, URS_FRAMES_CROPS},
                 {"probe: decoy, empty", URS_FRAME_EMPTY, URS_FRAMES_DECOY}, {"probe: paste, bear", URS_FRAME_BEAR, URS_FRAMES_PASTE}};
    urs_table table;
    urs_status status = URS_OK;
    size_t right[URS_FRAME_CLASSES] = {0}, all[URS_FRAME_CLASSES] = {0};
    double balanced = 0;
    for (size_t i = 0; i < scores->count; i++) {
        const urs_sift_score *s = &scores->items[i];
        const int32_t top = s->p[2] >= s->p[0] && s->p[2] >= s->p[1] ? 2 : s->p[1] >= s->p[0] ? 1 : 0;
        all[s->label] += !is_probe(s);
        right[s->label] += !is_probe(s) && top == s->label;
    }
    for (int k = 0; k < URS_FRAME_CLASSES; k++)
        balanced += all[k] ? (double)right[k] / (double)all[k] / URS_FRAME_CLASSES : 0;
    urs_text_format(out, "frames of cameras left out, each judged once; bear from %.3f, animal from %.3f; balanced accuracy of the most likely class %.3f\n\n", thresholds->bear,
                    thresholds->animal, balanced);
    urs_table_start(&table, 4);
    urs_table_add(&table, "frames");
    urs_table_add(&table, "count");
    urs_table_add(&table, "right, with 95 % interval over cameras");
    urs_table_add(&table, "called bear");
    for (size_t k = 0; status == URS_OK && k < sizeof lines / sizeof lines[0]; k++)
        status = add_line(&table, lines[k].name, scores, thresholds, lines[k].label, lines[k].source, rounds, err);
    urs_table_end(&table, out);
    return status;
}

urs_status urs_sift_scores_write(const urs_sift_scores *scores, const char *path, urs_error *err)
{
    urs_text csv = {0};
    urs_status status;
    urs_text_add(&csv, "name,source,camera,group,fold,label,empty,animal,bear\n");
    for (size_t i = 0; i < scores->count; i++) {
        const urs_sift_score *s = &scores->items[i];
        urs_text_format(&csv, "\"%s\",%s,\"%s\",%lld,%d,%s,%.5f,%.5f,%.5f\n", s->name, urs_frame_source_name(s->source), s->camera, (long long)s->group, (int)s->fold,
                        urs_frame_class_name(s->label), (double)s->p[0], (double)s->p[1], (double)s->p[2]);
    }
    status = urs_text_ok(&csv) ? urs_file_write(path, urs_text_string(&csv), csv.length, err) : urs_fail(err, URS_ENOMEM, "no memory for the scores of %zu frames", scores->count);
    urs_text_release(&csv);
    return status;
}
