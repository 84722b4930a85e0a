/* `ursid eval find`: average precision of boxes and masks on photographs that training never saw. */
#include "cli/cmd_eval.h"
#include "cli/eval_beside.h"
#include "cli/eval_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/plots.h"
#include "eval/table.h"
#include "stages/find.h"
#include "stages/find_train.h"
#include "stages/model_path.h"

#include <stdio.h>
#include <stdlib.h>

#define MISTAKES_SHOWN 24
#define OVERLAP 0.5 /* IoU from which a detection is the head */

static const urs_command command = {
    .name = "eval find",
    .summary = "heads: average precision of boxes and masks",
    .help = "--data is a set with labelled heads, as for `ursid train find`. AP follows COCO: mAP50 at an overlap of\n"
            "0.5, mAP50-95 the mean of ten overlaps. Heads without a drawn outline do not count for masks.\n",
};

static void put_quality(urs_table *t, const char *name, const urs_ap_result *r)
{
    urs_table_add(t, name);
    urs_table_number(t, r->ap50, 4);
    urs_table_number(t, r->ap75, 4);
    urs_table_number(t, r->map, 4);
    urs_table_number(t, r->best_f1, 4);
    urs_table_number(t, r->best_f1_recall, 4);
    urs_table_number(t, r->best_f1_precision, 4);
    urs_table_number(t, r->best_f1_score, 3);
    urs_table_format(t, "%zu", r->truths);
}

static void plot(urs_text *out, const urs_find_quality *q)
{
    double recall[URS_AP_RECALLS];
    for (int i = 0; i < URS_AP_RECALLS; i++)
        recall[i] = (double)i / (URS_AP_RECALLS - 1);
    const urs_plot_series series[] = {{.name = "boxes", .x = recall, .y = q->box.precision50, .count = URS_AP_RECALLS},
                                      {.name = "masks", .x = recall, .y = q->mask.precision50, .count = URS_AP_RECALLS}};
    urs_plot_curves(out, &(urs_plot_axes){.title = "Precision and recall at an overlap of 0.5", .x_label = "recall", .y_label = "precision", .x_max = 1, .y_max = 1}, series, 2);
}

/* ---- pictures with mistakes ---- */

typedef struct mistake {
    size_t scene, missed, extra; /* labelled heads that nothing overlaps by half; detections that overlap no label */
    float sure;                  /* of the surest extra one */
} mistake;

static int compare_mistakes(const void *pa, const void *pb)
{
    const mistake *a = pa, *b = pb;
    if (a->missed != b->missed)
        return a->missed > b->missed ? -1 : 1;
    if (a->sure != b->sure)
        return a->sure > b->sure ? -1 : 1;
    return (a->scene > b->scene) - (a->scene < b->scene);
}

/* Detections in falling score, each to the free label that it overlaps most. used: [scene->count], scratch. */
static mistake count_mistakes(const urs_scene *scene, const urs_detections *found, bool *used, size_t number)
{
    mistake m = {.scene = number};
    for (size_t i = 0; i < scene->count; i++)
        used[i] = false;
    for (size_t d = 0; d < found->count; d++) {
        double best = OVERLAP;
        size_t label = SIZE_MAX;
        for (size_t i = 0; i < scene->count; i++) {
            const double overlap = urs_box_iou(scene->objects[i].box, found->items[d].box);
            if (!used[i] && overlap >= best) {
                best = overlap;
                label = i;
            }
        }
        if (label != SIZE_MAX) {
            used[label] = true;
        } else {
            m.extra++;
            m.sure = found->items[d].score > m.sure ? found->items[d].score : m.sure;
        }
    }
    for (size_t i = 0; i < scene->count; i++)
        m.missed += !used[i];
    return m;
}

static urs_status put_scene(urs_text *out, const urs_scene *scene, const urs_detections *found, const mistake *m, urs_error *err)
{
    const int32_t thick = 1 + (scene->image.width > scene->image.height ? scene->image.width : scene->image.height) / 150;
    urs_image picture = {0};
    urs_bytes jpeg = {0};
    char line[48], name[48];
    urs_status status = urs_image_copy(&picture, &scene->image, err);
    if (status == URS_OK) {
        for (size_t i = 0; i < scene->count; i++)
            urs_draw_box(&picture, scene->objects[i].box, (urs_colour){255, 255, 255}, thick);
        for (size_t d = 0; d < found->count; d++)
            urs_draw_box(&picture, found->items[d].box, (urs_colour){255, 140, 0}, thick);
        status = urs_eval_thumbnail(&jpeg, &picture, 320, err);
    }
    if (status == URS_OK) {
        (void)snprintf(line, sizeof line, "%zu of %zu missed", m->missed, scene->count);
        (void)snprintf(name, sizeof name, m->extra ? "%zu extra, surest %.2f" : "none extra", m->extra, (double)m->sure);
        urs_eval_figure(out, &jpeg, line, name, "no picture");
    }
    urs_image_release(&picture);
    urs_bytes_release(&jpeg);
    return status;
}

static urs_status put_mistakes(urs_text *out, const urs_scene_set *scenes, const urs_network *network, urs_pool *pool, urs_error *err)
{
    urs_finder *finder = NULL;
    urs_detections *found = urs_array_new(scenes->count, sizeof *found);
    const urs_image **pictures = urs_array_new(scenes->count, sizeof *pictures);
    mistake *list = urs_array_new(scenes->count, sizeof *list);
    size_t n = 0, most = 0;
    bool *used = NULL;
    urs_status status = found && pictures && list ? urs_finder_new(&finder, network, &(urs_finder_options){.find = {.no_masks = true}, .pool = pool}, err)
                                                  : urs_fail(err, URS_ENOMEM, "no memory for the page");
    for (size_t i = 0; status == URS_OK && i < scenes->count; i++) {
        pictures[i] = &scenes->scenes[i].image;
        most = scenes->scenes[i].count > most ? scenes->scenes[i].count : most;
    }
    if (status == URS_OK) {
        used = urs_array_new(most, sizeof *used);
        status = used ? urs_finder_pictures(finder, found, pictures, scenes->count, err) : urs_fail(err, URS_ENOMEM, "no memory for the page");
    }
    for (size_t i = 0; status == URS_OK && i < scenes->count; i++) {
        const mistake m = count_mistakes(&scenes->scenes[i], &found[i], used, i);
        if (m.missed || m.extra)
            list[n++] = m;
    }
    if (status == URS_OK && n > 0) {
        qsort(list, n, sizeof *list, compare_mistakes);
        urs_eval_sheet_begin(out, "Pictures with mistakes", n < MISTAKES_SHOWN ? n : (size_t)MISTAKES_SHOWN, n,
                             "White: labelled heads. Orange: what find says with the threshold of the weights. A detection is right when it overlaps a label by half.", true);
        for (size_t i = 0; status == URS_OK && i < n && i < MISTAKES_SHOWN; i++)
            status = put_scene(out, &scenes->scenes[list[i].scene], &found[list[i].scene], &list[i], err);
        urs_eval_sheet_end(out);
    }
    for (size_t i = 0; found && i < scenes->count; i++)
        urs_detections_release(&found[i]);
    urs_finder_free(finder);
    urs_free(found);
    urs_free((void *)pictures);
    urs_free(list);
    urs_free(used);
    return status;
}

static urs_status evaluate(const urs_eval_arguments *a, urs_error *err)
{
    static const char *const headings[] = {"", "mAP50", "mAP75", "mAP50-95", "best F1", "recall", "precision", "at score", "heads"};
    urs_find_train_options split = {.data = (const char *const *)a->data.items, .data_count = 1, .together = a->together, .validation = (float)a->validation,
                                    .test = (float)a->test, .split_seed = (uint64_t)a->split_seed};
    urs_find_quality q = {0};
    urs_network *network = NULL;
    urs_pool *pool = NULL;
    urs_scene_set scenes = {0};
    urs_text text = {0}, plots = {0};
    urs_table table;
    json_t *numbers = NULL;
    char *path = NULL;
    urs_status status = urs_pool_new(&pool, a->threads, err);
    if (status == URS_OK)
        status = urs_model_path(&path, "find", a->model, err);
    if (status == URS_OK)
        status = urs_network_read(&network, path, "find", err);
    if (status == URS_OK) {
        split.side = network->input.width;
        status = urs_find_train_scenes(&scenes, &split, urs_eval_part(a), err);
    }
    if (status == URS_OK)
        status = urs_find_evaluate(&q, &scenes, network, NULL, pool, err);
    if (status == URS_OK) {
        numbers = urs_eval_facts(a, "find", path, network);
        (void)json_object_set_new(numbers, "pictures", json_integer((json_int_t)q.box.images));
        (void)json_object_set_new(numbers, "box", urs_ap_json(&q.box));
        (void)json_object_set_new(numbers, "mask", urs_ap_json(&q.mask));
        urs_text_format(&text, "%s, %s part of %s: %zu photographs\n\n", urs_path_base(path), a->part, a->data.items[0], q.box.images);
        urs_table_start(&table, URS_COUNT(headings));
        for (size_t i = 0; i < URS_COUNT(headings); i++)
            urs_table_add(&table, headings[i]);
        put_quality(&table, "boxes", &q.box);
        put_quality(&table, "masks", &q.mask);
        urs_table_end(&table, &text);
        plot(&plots, &q);
        if (a->report)
            status = put_mistakes(&plots, &scenes, network, pool, err);
    }
    if (status == URS_OK) {
        status = urs_eval_deliver(a, "find: where is the head?", &text, json_incref(numbers), &plots, err);
    }
    json_decref(numbers);
    urs_text_release(&text);
    urs_text_release(&plots);
    urs_scene_set_release(&scenes);
    urs_network_free(network);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_eval_find_main(int argc, char **argv)
{
    urs_eval_arguments a = {.part = "test", .validation = 0.15, .test = 0.2, .split_seed = 1, .rounds = 1000};
    const urs_option options[] = {
        URS_EVAL_OPTIONS(&a),
        URS_OPTION_TEXT("together", "GROUPS", &a.together, "same-scene pictures, as in the training"),
    };
    urs_error err = {0};
    int code;
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        return code;
    }
    if (a.data.count == 0)
        code = urs_usage_error(&command, "--data is missing: a set with labelled heads");
    else if (a.beside)
        code = urs_eval_beside_find(&a, a.beside, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else
        code = evaluate(&a, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    urs_names_release(&a.data);
    return code;
}
