/* `ursid train sift|find|embed`: hands over to the stage; the stages' own options are in cmd_train_<stage>.c. */
#include "cli/cmd_train.h"

#include "cli/cancel.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_train;

void urs_train_begin(urs_train_arguments *a, int argc, char **argv)
{
    urs_text_add(&a->command, "ursid train");
    for (int i = 0; i < argc; i++)
        urs_text_format(&a->command, " %s", argv[i]);
    a->seed = 1;
    urs_cancel_install();
}

urs_fit_options urs_train_fit_options(const urs_train_arguments *a)
{
    return (urs_fit_options){.out = a->out, .epochs = a->epochs, .batch = a->batch, .accumulate = a->accumulate, .threads = a->threads, .validate_every = a->validate_every,
                             .seed = (uint64_t)a->seed, .resume = a->resume, .full_precision = a->full_precision, .lr = a->lr, .cancelled = urs_cancel_asked,
                             .backend = a->backend, .command = urs_text_string(&a->command), .quiet = a->quiet};
}

int urs_train_end(urs_train_arguments *a, const urs_command *command, urs_status status, const urs_fit_report *report, const urs_error *err)
{
    int code = URS_EXIT_OK;
    if (status != URS_OK)
        code = urs_command_error(command, err);
    else
        (void)printf("%s: best validation score %.4f in epoch %d of %d, %.0f s, %.1f images/s\n", a->out, report->best, (int)report->best_epoch + 1, (int)report->epochs,
                     report->seconds, report->images_per_second);
    urs_names_release(&a->data);
    urs_text_release(&a->command);
    return code;
}

static int run(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "sift") == 0)
        return urs_train_sift_main(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "find") == 0)
        return urs_train_find_main(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "embed") == 0)
        return urs_train_embed_main(argc - 1, argv + 1);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)printf("Usage: ursid train sift|find|embed --data PATH --out W.safetensors [OPTIONS]\n\n%s\n`ursid train STAGE --help` has the options of a stage.\n", urs_cmd_train.help);
        return URS_EXIT_OK;
    }
    return urs_usage_error(&urs_cmd_train, argc >= 2 ? "there is no stage '%s': it is sift, find or embed" : "name a stage: sift, find or embed%s", argc >= 2 ? argv[1] : "");
}

const urs_command urs_cmd_train = {
    .name = "train",
    .summary = "train one of the three stages on your own pictures",
    .help = "Trains sift (is there a bear?), find (where is its head?) or embed (whose head is it?).\n"
            "W.safetensors always holds the best weights so far by validation on data that training never\n"
            "sees; an interrupted training goes on with --resume, to the same bytes.\n\n"
            "Examples:\n"
            "  ursid train embed --data chips/ --out embed.safetensors\n"
            "  ursid train find --data labelled/ --out find.safetensors --resume\n"
            "  ursid train sift --data manifest.csv --out sift.safetensors --epochs 20\n",
    .run = run,
};
