/* `ursid train sift|find|embed`: what the three share; the stages' own options are in cmd_train_<stage>.c. */
#include "cli/cmd_train.h"

#include "cli/cancel.h"
#include "cli/subcommand.h"

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
    else if (report->epochs == 0)
        (void)printf("%s: made without training\n", a->out);
    else if (!report->validated)
        (void)printf("%s: the weights of the end of %d epoch%s, without validation data, %.0f s, %.1f images/s\n", a->out, (int)report->epochs, report->epochs == 1 ? "" : "s", report->seconds, report->images_per_second);
    else
        (void)printf("%s: best validation score %.4f in epoch %d of %d, %.0f s, %.1f images/s\n", a->out, report->best, (int)report->best_epoch + 1, (int)report->epochs,
                     report->seconds, report->images_per_second);
    urs_names_release(&a->data);
    urs_text_release(&a->command);
    return code;
}

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"sift", "is there a bear in the frame, another animal, or nothing?", urs_train_sift_main},
        {"find", "where are the heads?", urs_train_find_main},
        {"embed", "whose head is it?", urs_train_embed_main},
    };
    return urs_verbs_run(&urs_cmd_train, verbs, URS_COUNT(verbs), argc, argv);
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
