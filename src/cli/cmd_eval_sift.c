/* `ursid eval sift`: empty, animal or bear, on frames of cameras that training never saw: Table 1 for any number of weights side by side. */
#include "cli/cmd_eval.h"
#include "cli/eval_beside.h"
#include "cli/eval_sift.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/class_measure.h"
#include "eval/table.h"

static const urs_command command = {
    .name = "eval sift",
    .summary = "empty, animal, bear: every approach and every set of weights, side by side",
    .help = "--data is the CSV manifest that `ursid train sift` was given. Frames of cameras left out are measured,\n"
            "with the thresholds of the weights; --bear and --animal try others, --min-bear-recall chooses them on the\n"
            "validation part and says what that costs. --model may be repeated: one column each, and the differences\n"
            "to the first. Weights of `ursid train find` are judged as a filter: a frame's score is its best head.\n"
            "\n"
            "Examples:\n"
            "  ursid eval sift --data manifest.csv --model sift.safetensors --model find.safetensors --report table1.html\n"
            "  ursid eval sift --data manifest.csv --min-bear-recall 0.98\n",
};

/* One line a camera: photographs have no camera of their own and count as "photo". */
static void put_cameras(urs_text *out, const urs_sift_study *s, const urs_sift_column *answers)
{
    const urs_name_table *cameras = &s->frames.dataset.cameras;
    urs_table table;
    urs_table_start(&table, 4);
    urs_table_add(&table, "camera");
    urs_table_add(&table, "frames");
    urs_table_add(&table, "right");
    urs_table_add(&table, "share");
    for (int32_t c = -1; c < (int32_t)urs_name_table_count(cameras); c++) {
        size_t n = 0, right = 0;
        for (size_t i = 0; i < s->frames.count; i++) {
            const urs_frame_item *item = &s->frames.items[i];
            if ((item->sample >= 0 ? s->frames.dataset.samples[item->sample].camera : -1) != c)
                continue;
            n++;
            right += answers->answer[i] == item->label;
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

/* Confusion of one column. */
static urs_status put_confusion(urs_text *text, json_t **numbers, const urs_sift_study *s, const urs_sift_column *column, urs_error *err)
{
    const char *const *names;
    urs_confusion c = {0};
    urs_status status = urs_sift_confusion(&c, &names, s, column, err);
    if (status == URS_OK) {
        urs_text_format(text, "\n%s\n\n", column->name);
        urs_confusion_text(&c, names, text);
        *numbers = urs_confusion_json(&c, names);
    }
    urs_confusion_release(&c);
    return status;
}

/* The first column's numbers also stand at the top, where those of a single model have always been. */
static urs_status put_numbers(urs_text *text, json_t *numbers, const urs_sift_study *s, urs_error *err)
{
    json_t *columns = NULL, *recall = json_object();
    const urs_sift_column *first = &s->columns[0];
    urs_status status = urs_sift_table(text, &columns, s, err);
    for (size_t m = 0; status == URS_OK && m < s->count; m++) {
        json_t *classification = NULL;
        status = put_confusion(text, &classification, s, &s->columns[m], err);
        if (m == 0)
            (void)json_object_set(numbers, "classification", classification);
        (void)json_object_set_new(json_array_get(columns, m), "classification", classification);
    }
    for (int32_t k = 0; status == URS_OK && k < URS_FRAME_CLASSES; k++) {
        const urs_class_measure measure = {URS_MEASURE_RECALL, 1u << k, 1u << k};
        const urs_class_answers x = {.truth = s->frames.labels, .answer = first->answer, .cluster = s->camera, .count = s->frames.count};
        urs_interval v = {0};
        status = urs_class_measure_take(&v, NULL, &measure, &x, s->arguments->rounds, 1, err);
        (void)json_object_set_new(recall, urs_sift_class_names[k], urs_interval_json(v));
    }
    if (status == URS_OK && s->count == 1) {
        urs_text_add(text, "\n");
        put_cameras(text, s, first);
    }
    (void)json_object_set_new(numbers, "thresholds", json_pack("{s:f, s:f}", "bear", first->thresholds.bear, "animal", first->thresholds.animal));
    (void)json_object_set_new(numbers, "recall", recall);
    (void)json_object_set_new(numbers, "table", columns);
    return status;
}

static urs_status evaluate(const urs_eval_arguments *a, const urs_eval_sift_options *o, urs_error *err)
{
    urs_sift_study study = {0};
    urs_text text = {0}, plots = {0};
    json_t *numbers = NULL;
    urs_status status = urs_sift_study_run(&study, a, o, err);
    if (status == URS_OK) {
        numbers = urs_eval_facts(a, "sift", study.columns[0].path, study.columns[0].network);
        status = put_numbers(&text, numbers, &study, err);
    }
    if (status == URS_OK && a->report)
        status = urs_sift_page(&plots, &study, err);
    if (status == URS_OK)
        status = urs_eval_deliver(a, "sift: empty, animal or bear?", &text, json_incref(numbers), &plots, err);
    json_decref(numbers);
    urs_text_release(&text);
    urs_text_release(&plots);
    urs_sift_study_release(&study);
    return status;
}

int urs_eval_sift_main(int argc, char **argv)
{
    urs_eval_arguments a = {.part = "test", .validation = 0.2, .test = 0.2, .split_seed = 1, .rounds = 1000};
    urs_eval_sift_options o = {0};
    const urs_option options[] = {
        URS_OPTION_LIST("model", "W", &o.models, "weights of sift, or of find as a filter; may be repeated; default: those that come with ursid"),
        URS_EVAL_OTHER_OPTIONS(&a),
        URS_OPTION_TEXT("together", "GROUPS", &a.together, "same-scene pictures, as in the training"),
        URS_OPTION_TEXT("heads", "DIR", &o.heads, "labelled bear photographs: recall by the size of the head"),
        URS_OPTION_TEXT("model-find", "W", &o.find, "weights of the second stage, for what both cost; default: those that come with ursid"),
        URS_OPTION_DOUBLE("bear", "P", &o.bear, 0, 1, "a frame is bear from this probability on; 0: as the weights say"),
        URS_OPTION_DOUBLE("animal", "P", &o.animal, 0, 1, "else animal from this probability of animal or bear on; 0: as the weights say"),
        URS_OPTION_DOUBLE("min-bear-recall", "R", &o.min_bear_recall, 0, 1, "choose the thresholds on the validation part so that this share of the bears is found; 0: as above"),
    };
    urs_error err = {0};
    int code;
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        urs_names_release(&o.models);
        return code;
    }
    a.model = o.models.count ? o.models.items[0] : NULL;
    if (a.data.count != 1)
        code = urs_usage_error(&command, "give --data once: the CSV manifest of the frames");
    else if (o.min_bear_recall > 0 && (o.bear > 0 || o.animal > 0))
        code = urs_usage_error(&command, "--min-bear-recall chooses the thresholds that --bear and --animal give: one or the other");
    else if (a.beside && (o.models.count > 1 || o.min_bear_recall > 0))
        code = urs_usage_error(&command, "--beside compares two models; give several --model without it for more");
    else if (a.beside)
        code = urs_eval_beside_sift(&a, a.beside, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    else
        code = evaluate(&a, &o, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    urs_names_release(&a.data);
    urs_names_release(&o.models);
    return code;
}
