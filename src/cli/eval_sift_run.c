/* Weights of any approach over one part of the frames; see eval_sift.h. */
#include "cli/eval_sift.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "stages/find.h"
#include "stages/model_path.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCH 8
#define CACHE_SIDE 288     /* least: as in the training */
#define FIND_FRAMES 48     /* frames on which the second stage's time is taken */
#define SIZE_SIDE 320.0f   /* sizes of heads are those in a frame whose longer side is this */

const char *const urs_sift_class_names[URS_FRAME_CLASSES] = {"empty", "animal", "bear"};

/* Of all threads: what other programs do on the machine changes it little. */
static double processor_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static urs_status build_frames(urs_frames *out, const urs_sift_study *s, urs_part part, int32_t side, urs_error *err)
{
    const urs_eval_arguments *a = s->arguments;
    const urs_frames_options o = {.manifest = a->data.items[0], .together = a->together, .validation = (float)a->validation, .test = (float)a->test,
                                  .seed = (uint64_t)a->split_seed, .cache_side = side};
    return urs_frames_build(out, &o, part, s->pool, err);
}

/* Probabilities of all frames; result has room for them. seconds: processor time of one frame. */
static urs_status ask(urs_sift_result *result, double *seconds, const urs_sift_study *s, const urs_sift_column *c, const urs_frames *frames, bool ungated, urs_error *err)
{
    const urs_sifter_options o = {.thresholds = c->thresholds, .ungated = ungated, .pool = s->pool, .batch = BATCH};
    const urs_image **pictures = urs_array_new(frames->count, sizeof *pictures);
    urs_sifter *sifter = NULL;
    urs_status status = pictures ? urs_sifter_new(&sifter, c->network, &o, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames->count);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++)
        pictures[i] = &frames->cache.images[frames->items[i].picture];
    if (status == URS_OK) {
        const double start = processor_seconds();
        status = urs_sifter_pictures(sifter, result, pictures, frames->count, err);
        *seconds = frames->count ? (processor_seconds() - start) / (double)frames->count : NAN;
    }
    urs_sifter_free(sifter);
    urs_free((void *)pictures);
    return status;
}

/* As ask, but only the numbers: owned [frames][3]. */
static urs_status probabilities(float **out, double *seconds, const urs_sift_study *s, const urs_sift_column *c, const urs_frames *frames, urs_error *err)
{
    urs_sift_result *result = urs_array_new(frames->count, sizeof *result);
    float *p = urs_array_new(frames->count, URS_FRAME_CLASSES * sizeof *p);
    urs_status status = result && p ? ask(result, seconds, s, c, frames, true, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames->count);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++)
        memcpy(p + i * URS_FRAME_CLASSES, result[i].probability, sizeof result[i].probability);
    urs_free(result);
    if (status == URS_OK)
        *out = p;
    else
        urs_free(p);
    return status;
}

static urs_status choose_thresholds(urs_sift_column *c, const urs_sift_study *s, urs_error *err)
{
    urs_frames frames = {0};
    double seconds;
    size_t bears = 0, found = 0;
    urs_status status = build_frames(&frames, s, URS_PART_VALIDATION, s->cache_side, err);
    if (status == URS_OK)
        status = probabilities(&c->validation_p, &seconds, s, c, &frames, err);
    if (status == URS_OK)
        status = urs_sift_choose_thresholds(&c->thresholds, c->approach, c->validation_p, frames.labels, frames.count, s->options->min_bear_recall, err);
    for (size_t i = 0; status == URS_OK && i < frames.count; i++) {
        float p[URS_FRAME_CLASSES];
        memcpy(p, c->validation_p + i * URS_FRAME_CLASSES, sizeof p);
        urs_sift_gate(p, c->approach, &c->thresholds);
        bears += frames.labels[i] == URS_FRAME_BEAR;
        found += frames.labels[i] == URS_FRAME_BEAR && urs_sift_decide(p, &c->thresholds) == URS_FRAME_BEAR;
    }
    if (status == URS_OK && bears == 0)
        status = urs_fail(err, URS_EINVAL, "the validation part has no bears: no threshold can be chosen for --min-bear-recall");
    if (status == URS_OK) {
        c->reached = (double)found / (double)bears;
        c->validation_labels = frames.labels; /* taken over */
        c->validation_count = frames.count;
        frames.labels = NULL;
    }
    urs_frames_release(&frames);
    return status;
}

/* What the frames let through cost the second stage. */
static urs_status time_find(urs_sift_column *c, const urs_sift_study *s, const urs_network *find, urs_error *err)
{
    const urs_image *pictures[FIND_FRAMES];
    urs_detections found[FIND_FRAMES] = {0};
    urs_finder *finder = NULL;
    size_t n = 0;
    urs_status status;
    for (size_t i = 0; i < s->frames.count && n < FIND_FRAMES; i++)
        if (c->answer[i] != URS_FRAME_EMPTY)
            pictures[n++] = &s->frames.cache.images[s->frames.items[i].picture];
    c->find_seconds = NAN;
    if (n == 0)
        return URS_OK;
    status = urs_finder_new(&finder, find, &(urs_finder_options){.pool = s->pool}, err);
    if (status == URS_OK) {
        const double start = processor_seconds();
        status = urs_finder_pictures(finder, found, pictures, n, err);
        c->find_seconds = (processor_seconds() - start) / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        urs_detections_release(&found[i]);
    urs_finder_free(finder);
    return status;
}

static int32_t longer_input_side(const urs_network *n)
{
    return n->input.width > n->input.height ? n->input.width : n->input.height;
}

static urs_status open_column(urs_sift_column *c, const urs_sift_study *s, const char *given, urs_error *err)
{
    const urs_eval_sift_options *o = s->options;
    const char *base, *dot;
    int same = 0;
    urs_status status = urs_model_path(&c->path, "sift", given, err);
    if (status == URS_OK)
        status = urs_sift_network_read(&c->network, c->path, err);
    if (status != URS_OK)
        return status;
    c->approach = urs_sift_approach_of(c->network);
    c->thresholds = urs_sift_thresholds_of(c->network);
    c->thresholds.bear = o->bear > 0 ? o->bear : c->thresholds.bear;
    c->thresholds.animal = c->approach == URS_SIFT_DETECTOR ? c->thresholds.bear : o->animal > 0 ? o->animal : c->thresholds.animal;
    c->reached = NAN;
    base = urs_path_base(c->path);
    dot = strstr(base, ".safetensors");
    (void)snprintf(c->name, sizeof c->name, "%s %.*s", urs_sift_approach_name(c->approach), dot ? (int)(dot - base) : (int)strlen(base), base);
    for (const urs_sift_column *other = s->columns; other < c; other++)
        same += strncmp(other->name, c->name, strlen(c->name)) == 0;
    if (same > 0) /* one file name in two folders */
        (void)snprintf(c->name + strlen(c->name), sizeof c->name - strlen(c->name), " (%d)", same + 1);
    return URS_OK;
}

static urs_status measure_column(urs_sift_column *c, urs_sift_study *s, const urs_network *find, urs_error *err)
{
    const int32_t own = longer_input_side(c->network), side = own > CACHE_SIDE ? own : CACHE_SIDE;
    urs_sift_result *result = NULL;
    urs_status status = URS_OK;
    if (side != s->cache_side) { /* frames at the size that these weights look at, whatever stands beside them */
        urs_frames_release(&s->frames);
        status = build_frames(&s->frames, s, urs_eval_part(s->arguments), side, err);
        s->cache_side = side;
    }
    if (status == URS_OK && s->options->min_bear_recall > 0)
        status = choose_thresholds(c, s, err);
    if (status == URS_OK)
        status = probabilities(&c->p, &c->sift_seconds, s, c, &s->frames, err);
    if (status == URS_OK) {
        result = urs_array_new(s->frames.count, sizeof *result);
        c->answer = urs_array_new(s->frames.count, sizeof *c->answer);
        if (!result || !c->answer)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", s->frames.count);
    }
    if (status == URS_OK && c->approach == URS_SIFT_TWO_NETWORKS) /* as the chain does it: what it costs */
        status = ask(result, &c->sift_seconds, s, c, &s->frames, false, err);
    for (size_t i = 0; status == URS_OK && i < s->frames.count; i++) {
        float p[URS_FRAME_CLASSES];
        memcpy(p, c->p + i * URS_FRAME_CLASSES, sizeof p);
        urs_sift_gate(p, c->approach, &c->thresholds);
        c->answer[i] = urs_sift_decide(p, &c->thresholds);
        c->through += c->answer[i] != URS_FRAME_EMPTY;
    }
    c->find_seconds = NAN;
    if (status == URS_OK && find)
        status = time_find(c, s, find, err);
    urs_free(result);
    return status;
}

/* ---- facts about the frames ---- */

static size_t different(const int64_t *list, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && list[k] != list[i])
            k++;
        count += k == i;
    }
    return count;
}

/* Side of the largest labelled head, as the square root of its box's area; 0: none. */
static float head_size(const urs_sample *s)
{
    const float longer = (float)(s->width > s->height ? s->width : s->height);
    float largest = 0;
    if (!(longer > 0))
        return 0;
    for (size_t i = 0; i < s->head_count; i++) {
        const urs_head h = urs_sample_head(s, i, s->width, s->height, s->width, s->height);
        largest = fmaxf(largest, sqrtf(fmaxf(0, (h.box.x2 - h.box.x1) * (h.box.y2 - h.box.y1))));
    }
    return largest * SIZE_SIDE / longer;
}

/* The labelled photograph of that file name. */
static const urs_sample *labelled(const urs_dataset *heads, const char *path)
{
    const char *base = urs_path_base(path);
    for (size_t i = 0; i < heads->count; i++)
        if (strcmp(urs_path_base(heads->samples[i].path), base) == 0)
            return &heads->samples[i];
    return NULL;
}

static urs_status note_facts(urs_sift_study *s, urs_error *err)
{
    urs_dataset heads = {0};
    urs_status status = s->options->heads ? urs_dataset_read(&heads, s->options->heads, NULL, err) : URS_OK;
    s->camera = urs_array_new(s->frames.count, sizeof *s->camera);
    s->size = urs_array_new(s->frames.count, sizeof *s->size);
    if (status == URS_OK && (!s->camera || !s->size))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", s->frames.count);
    for (size_t i = 0; status == URS_OK && i < s->frames.count; i++) {
        const urs_frame_item *item = &s->frames.items[i];
        const urs_sample *sample = item->sample >= 0 ? &s->frames.dataset.samples[item->sample] : NULL;
        const urs_sample *with_heads = sample && item->label == URS_FRAME_BEAR ? (sample->head_count ? sample : labelled(&heads, sample->path)) : NULL;
        const float size = with_heads ? head_size(with_heads) : 0;
        s->camera[i] = sample ? s->frames.split.groups[item->sample] : -1 - (int64_t)i;
        s->size[i] = size > 0 ? size : NAN;
    }
    if (status == URS_OK)
        s->cameras = different(s->camera, s->frames.count);
    urs_dataset_release(&heads);
    return status;
}

/* ---- the study ---- */

static urs_status open_find(urs_network **out, const urs_eval_sift_options *o, urs_error *err)
{
    char *path = NULL;
    urs_status status = URS_OK;
    if (o->find)
        return urs_network_read(out, o->find, "find", err);
    if (urs_model_path(&path, "find", NULL, NULL) == URS_OK) /* without weights its cost is not known; sift can be judged all the same */
        status = urs_network_read(out, path, "find", err);
    urs_free(path);
    return status;
}

urs_status urs_sift_study_run(urs_sift_study *out, const urs_eval_arguments *a, const urs_eval_sift_options *options, urs_error *err)
{
    const size_t count = options->models.count ? options->models.count : 1;
    urs_sift_study s = {.arguments = a, .options = options};
    urs_network *find = NULL;
    urs_status status;
    if (count > URS_EVAL_SIFT_MODELS_MAX)
        return urs_fail(err, URS_ELIMIT, "%zu sets of weights; %d can stand side by side", count, URS_EVAL_SIFT_MODELS_MAX);
    status = urs_pool_new(&s.pool, a->threads, err);
    if (status == URS_OK)
        status = open_find(&find, options, err);
    s.columns = urs_array_new(count, sizeof *s.columns);
    if (status == URS_OK && !s.columns)
        status = urs_fail(err, URS_ENOMEM, "no memory for the table");
    for (size_t i = 0; status == URS_OK && i < count; i++) { /* all are opened before the first one works: a wrong name is said at once */
        status = open_column(&s.columns[i], &s, options->models.count ? options->models.items[i] : NULL, err);
        s.count = i + 1;
    }
    for (size_t i = 0; status == URS_OK && i < count; i++)
        status = measure_column(&s.columns[i], &s, find, err);
    if (status == URS_OK)
        status = note_facts(&s, err);
    urs_network_free(find);
    if (status == URS_OK)
        *out = s;
    else
        urs_sift_study_release(&s);
    return status;
}

void urs_sift_study_release(urs_sift_study *s)
{
    for (size_t i = 0; i < s->count; i++) {
        urs_sift_column *c = &s->columns[i];
        urs_network_free(c->network);
        urs_free(c->path);
        urs_free(c->p);
        urs_free(c->answer);
        urs_free(c->validation_p);
        urs_free(c->validation_labels);
    }
    urs_free(s->columns);
    urs_free(s->camera);
    urs_free(s->size);
    urs_frames_release(&s->frames);
    urs_pool_free(s->pool);
    *s = (urs_sift_study){0};
}
