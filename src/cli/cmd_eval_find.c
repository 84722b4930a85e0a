/* `ursid eval find`: average precision of boxes and masks on photographs that training never saw. */
#include "cli/cmd_eval.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/plots.h"
#include "eval/table.h"
#include "stages/find_train.h"
#include "stages/model_path.h"

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
        status = urs_find_evaluate(&q, &scenes, network->graph, network->params, NULL, pool, err);
    if (status == URS_OK) {
        json_t *numbers = urs_eval_facts(a, "find", path, network);
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
        status = urs_eval_deliver(a, "find: where is the head?", &text, numbers, &plots, err);
    }
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
    else
        code = evaluate(&a, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    urs_names_release(&a.data);
    return code;
}
