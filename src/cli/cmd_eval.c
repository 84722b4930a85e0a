/* `ursid eval sift|find|embed|chain`: hands over to the stage; what they share. */
#include "cli/cmd_eval.h"

#include "base/file.h"
#include "cli/eval_course.h"
#include "cli/eval_page.h"
#include "cli/subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const urs_command urs_cmd_eval;

urs_part urs_eval_part(const urs_eval_arguments *a)
{
    return strcmp(a->part, "train") == 0 ? URS_PART_TRAIN : strcmp(a->part, "validation") == 0 ? URS_PART_VALIDATION : URS_PART_TEST;
}

json_t *urs_eval_facts(const urs_eval_arguments *a, const char *stage, const char *model_path, const urs_network *network)
{
    json_t *data = json_array();
    for (size_t i = 0; i < a->data.count; i++)
        (void)json_array_append_new(data, json_string(a->data.items[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:f, s:I}", "ursid_eval", stage, "version", URS_VERSION, "model", model_path ? urs_path_base(model_path) : "none",
                     "fingerprint", network ? network->fingerprint : "", "part", a->part, "data", data, "validation", a->validation, "test", a->test, "split_seed",
                     (json_int_t)a->split_seed);
}

static urs_status write_json(const char *path, json_t *numbers, urs_error *err)
{
    char *dump = numbers ? json_dumps(numbers, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    urs_text text = {0};
    urs_status status;
    urs_text_add(&text, dump ? dump : "");
    urs_text_add(&text, "\n");
    status = dump && urs_text_ok(&text) ? urs_file_write(path, urs_text_string(&text), text.length, err) : urs_fail(err, URS_ENOMEM, "no memory for the numbers");
    urs_text_release(&text);
    free(dump);
    return status;
}

static urs_status write_page(const urs_eval_arguments *a, const char *title, const urs_text *text, const urs_text *plots, urs_error *err)
{
    urs_text page = {0}, subtitle = {0}, all = {0};
    urs_status status = a->model ? urs_eval_course(&all, a->model, err) : URS_OK;
    if (strcmp(a->part, "all") != 0)
        urs_text_format(&subtitle, "%s part of ", a->part);
    urs_text_add(&subtitle, a->data.count ? a->data.items[0] : "");
    urs_text_add(&all, urs_text_string(plots)); /* curves first, sheets of pictures below */
    urs_eval_page(&page, title, urs_text_string(&subtitle), text, &all);
    if (status == URS_OK)
        status = urs_text_ok(&page) && urs_text_ok(plots) && urs_text_ok(&all) ? urs_file_write(a->report, urs_text_string(&page), page.length, err) : urs_fail(err, URS_ENOMEM, "no memory for the report");
    urs_text_release(&page);
    urs_text_release(&subtitle);
    urs_text_release(&all);
    return status;
}

urs_status urs_eval_deliver(const urs_eval_arguments *a, const char *title, const urs_text *text, json_t *numbers, const urs_text *plots, urs_error *err)
{
    urs_status status = URS_OK;
    if (!urs_text_ok(text))
        status = urs_fail(err, URS_ENOMEM, "no memory for the tables");
    else if (fputs(urs_text_string(text), stdout) < 0 || fflush(stdout) != 0)
        status = urs_fail(err, URS_EIO, "the output could not be written");
    if (status == URS_OK && a->json)
        status = write_json(a->json, numbers, err);
    if (status == URS_OK && a->report)
        status = write_page(a, title, text, plots, err);
    json_decref(numbers);
    return status;
}

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"sift", "empty, animal, bear: confusion, recall and precision", urs_eval_sift_main},
        {"find", "heads: average precision of boxes and masks", urs_eval_find_main},
        {"embed", "does the right bear come first; are new bears told apart", urs_eval_embed_main},
        {"chain", "the whole chain: who is named rightly, and where the others are lost", urs_eval_chain_main},
    };
    return urs_verbs_run(&urs_cmd_eval, verbs, URS_COUNT(verbs), argc, argv);
}

const urs_command urs_cmd_eval = {
    .name = "eval",
    .summary = "measure a stage, or the whole chain, on pictures that training never saw",
    .help = "For a stage, the data are split again as the training did it (same shares, same --split-seed), and one part is\n"
            "measured: cameras left out for sift, photographs for find, individuals for embed. Counts and 95 %\n"
            "intervals stand beside every number.\n"
            "\n"
            "Examples:\n"
            "  ursid eval embed --data chips/ --report embed.html\n"
            "  ursid eval embed --data chips/ --floor colour\n"
            "  ursid eval find --data labelled/ --json find.json\n"
            "  ursid eval sift --data manifest.csv\n"
            "  ursid eval chain --data known/ --report chain.html\n",
    .run = run,
};
