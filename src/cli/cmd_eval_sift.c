/* `ursid eval sift`: confusion of empty, animal and bear on frames of cameras that training never saw, all together and camera by camera. */
#include "cli/cmd_eval.h"
#include "cli/eval_beside.h"
#include "cli/eval_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/classification.h"
#include "eval/interval.h"
#include "eval/plots.h"
#include "eval/table.h"
#include "stages/model_path.h"
#include "stages/sift_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const urs_command command = {
    .name = "eval sift",
    .summary = "empty, animal, bear: confusion, recall and precision",
    .help = "--data is the CSV manifest that `ursid train sift` was given. Frames of cameras left out are measured,\n"
            "with the thresholds of the weights; --bear and --animal try others.\n",
};

#define MISTAKES_SHOWN 24

static const char *const names[URS_FRAME_CLASSES] = {"empty", "animal", "bear"};

typedef struct sift_answers {
    const urs_frames *frames;
    const float *probability;
    urs_sift_thresholds thresholds;
} sift_answers;

static int32_t answer(const sift_answers *s, size_t i)
{
    return urs_sift_decide(s->probability + i * URS_FRAME_CLASSES, &s->thresholds);
}

/* One line a camera: photographs have no camera of their own and count as "photo". */
static void put_cameras(urs_text *out, const sift_answers *s)
{
    const urs_name_table *cameras = &s->frames->dataset.cameras;
    urs_table table;
    urs_table_start(&table, 4);
    urs_table_add(&table, "camera");
    urs_table_add(&table, "frames");
    urs_table_add(&table, "right");
    urs_table_add(&table, "share");
    for (int32_t c = -1; c < (int32_t)urs_name_table_count(cameras); c++) {
        size_t n = 0, right = 0;
        for (size_t i = 0; i < s->frames->count; i++) {
            const urs_frame_item *item = &s->frames->items[i];
            if ((item->sample >= 0 ? s->frames->dataset.samples[item->sample].camera : -1) != c)
                continue;
            n++;
            right += answer(s, i) == item->label;
        }
        if (n == 0)
            continue;
        urs_table_add(&table, c >= 0 ? urs_name_table_get(cameras, c) : "(none)");
        urs_table_format(&table, "%zu", n);
        urs_table_format(&table, "%zu", right);
        urs_table_number(&table, (double)right / (double)n, 3);
    }
    urs_table_end(&table, out);
}

/* Recall of a class with its interval, drawn by camera. */
static urs_status recall_of(urs_interval *out, const sift_answers *s, int32_t k, const urs_eval_arguments *a, urs_error *err)
{
    double *hit = urs_array_new(s->frames->count, sizeof *hit);
    int64_t *camera = urs_array_new(s->frames->count, sizeof *camera);
    size_t n = 0;
    urs_status status = hit && camera ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", s->frames->count);
    for (size_t i = 0; status == URS_OK && i < s->frames->count; i++) {
        const urs_frame_item *item = &s->frames->items[i];
        if (item->label != k)
            continue;
        hit[n] = answer(s, i) == k;
        camera[n++] = item->sample >= 0 ? s->frames->split.groups[item->sample] : -1 - (int64_t)i;
    }
    if (status == URS_OK && n > 0)
        status = urs_interval_mean(out, hit, camera, n, a->rounds, 1, err);
    else
        *out = (urs_interval){NAN, NAN, NAN};
    urs_free(hit);
    urs_free(camera);
    return status;
}

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
static urs_status put_mistakes(urs_text *out, const sift_answers *s, int32_t truth, urs_error *err)
{
    mistake *list = urs_array_new(s->frames->count, sizeof *list);
    size_t n = 0;
    char title[64];
    urs_status status = list ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the page");
    for (size_t i = 0; status == URS_OK && i < s->frames->count; i++)
        if (s->frames->items[i].label == truth && answer(s, i) != truth)
            list[n++] = (mistake){s->probability[i * URS_FRAME_CLASSES + (size_t)answer(s, i)], i};
    if (status == URS_OK && n > 0) {
        qsort(list, n, sizeof *list, compare_mistakes);
        (void)snprintf(title, sizeof title, "Frames of class %s that were called something else", names[truth]);
        urs_eval_sheet_begin(out, title, n < MISTAKES_SHOWN ? n : (size_t)MISTAKES_SHOWN, n, "The surest of them first: what the frame was called, and its file.", false);
    }
    for (size_t i = 0; status == URS_OK && i < n && i < MISTAKES_SHOWN; i++) {
        const urs_frame_item *item = &s->frames->items[list[i].item];
        urs_bytes jpeg = {0};
        char line[64];
        (void)snprintf(line, sizeof line, "%s, %.0f %%", names[answer(s, list[i].item)], 100 * (double)list[i].sure);
        status = urs_eval_thumbnail(&jpeg, &s->frames->cache.images[item->picture], 200, err);
        if (status == URS_OK)
            urs_eval_figure(out, &jpeg, line, item->sample >= 0 ? urs_path_base(s->frames->dataset.samples[item->sample].path) : "", "no picture");
        urs_bytes_release(&jpeg);
    }
    if (status == URS_OK && n > 0)
        urs_eval_sheet_end(out);
    urs_free(list);
    return status;
}

static urs_status measure(const urs_eval_arguments *a, const sift_answers *s, const char *model, json_t *numbers, urs_error *err)
{
    urs_confusion c = {0};
    urs_text text = {0}, plots = {0};
    json_t *recall = json_object();
    urs_status status = urs_confusion_new(&c, URS_FRAME_CLASSES, err);
    for (size_t i = 0; status == URS_OK && i < s->frames->count; i++)
        status = urs_confusion_add(&c, (size_t)s->frames->items[i].label, (size_t)answer(s, i), err);
    urs_text_format(&text, "%s, %s part of %s: %zu frames; bear from %.3f, animal from %.3f\n\n", model, a->part, a->data.items[0], s->frames->count, s->thresholds.bear,
                    s->thresholds.animal);
    if (status == URS_OK)
        urs_confusion_text(&c, names, &text);
    urs_text_add(&text, "\nrecall with 95 % interval, cameras drawn\n");
    for (int32_t k = 0; status == URS_OK && k < URS_FRAME_CLASSES; k++) {
        urs_interval v = {0};
        status = recall_of(&v, s, k, a, err);
        urs_text_format(&text, "  %-7s %.3f  (%.3f to %.3f)\n", names[k], v.value, v.low, v.high);
        (void)json_object_set_new(recall, names[k], urs_interval_json(v));
    }
    urs_text_add(&text, "\n");
    if (status == URS_OK) {
        put_cameras(&text, s);
        urs_plot_confusion(&plots, "Frames by class and answer", c.count, names, URS_FRAME_CLASSES);
        (void)json_object_set_new(numbers, "thresholds", json_pack("{s:f, s:f}", "bear", s->thresholds.bear, "animal", s->thresholds.animal));
        (void)json_object_set_new(numbers, "classification", urs_confusion_json(&c, names));
        (void)json_object_set(numbers, "recall", recall);
        for (int32_t k = URS_FRAME_CLASSES; status == URS_OK && a->report && k-- > 0;) /* bears first */
            status = put_mistakes(&plots, s, k, err);
    }
    if (status == URS_OK) {
        status = urs_eval_deliver(a, "sift: empty, animal or bear?", &text, json_incref(numbers), &plots, err);
    }
    json_decref(recall);
    urs_confusion_release(&c);
    urs_text_release(&text);
    urs_text_release(&plots);
    return status;
}

static urs_status evaluate(const urs_eval_arguments *a, double bear, double animal, urs_error *err)
{
    const urs_frames_options split = {.manifest = a->data.items[0], .together = a->together, .validation = (float)a->validation, .test = (float)a->test, .seed = (uint64_t)a->split_seed};
    urs_network *network = NULL;
    urs_pool *pool = NULL;
    urs_frames frames = {0};
    float *probability = NULL;
    json_t *numbers = NULL;
    char *path = NULL;
    urs_status status = urs_pool_new(&pool, a->threads, err);
    if (status == URS_OK)
        status = urs_model_path(&path, "sift", a->model, err);
    if (status == URS_OK)
        status = urs_network_read(&network, path, "sift", err);
    if (status == URS_OK)
        status = urs_frames_build(&frames, &split, urs_eval_part(a), pool, err);
    if (status == URS_OK) {
        probability = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *probability);
        status = probability ? urs_sift_probabilities(probability, &frames, network, pool, err)
                             : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    }
    if (status == URS_OK) {
        const sift_answers s = {.frames = &frames, .probability = probability,
                                .thresholds = {.bear = bear > 0 ? bear : urs_network_number(network, "ursid.thresholds", "bear", 0.5),
                                               .animal = animal > 0 ? animal : urs_network_number(network, "ursid.thresholds", "animal", 0.5)}};
        numbers = urs_eval_facts(a, "sift", path, network);
        status = measure(a, &s, urs_path_base(path), numbers, err);
    }
    json_decref(numbers);
    urs_free(probability);
    urs_frames_release(&frames);
    urs_network_free(network);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_eval_sift_main(int argc, char **argv)
{
    urs_eval_arguments a = {.part = "test", .validation = 0.2, .test = 0.2, .split_seed = 1, .rounds = 1000};
    double bear = 0, animal = 0;
    const urs_option options[] = {
        URS_EVAL_OPTIONS(&a),
        URS_OPTION_TEXT("together", "GROUPS", &a.together, "same-scene pictures, as in the training"),
        URS_OPTION_DOUBLE("bear", "P", &bear, 0, 1, "a frame is bear from this probability on; 0: as the weights say"),
        URS_OPTION_DOUBLE("animal", "P", &animal, 0, 1, "else animal from this probability of animal or bear on; 0: as the weights say"),
    };
    urs_error err = {0};
    int code;
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        return code;
    }
    if (a.data.count != 1)
        code = urs_usage_error(&command, "give --data once: the CSV manifest of the frames");
    else if (a.beside)
        code = urs_eval_beside_sift(&a, a.beside, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else
        code = evaluate(&a, bear, animal, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    urs_names_release(&a.data);
    return code;
}
