/* What the `ursid eval STAGE` commands share: options, where the answer goes, the page. */
#ifndef URS_CLI_CMD_EVAL_H
#define URS_CLI_CMD_EVAL_H

#include "base/pool.h"
#include "base/text.h"
#include "cli/option.h"
#include "data/dataset.h"
#include "stages/network.h"

#include <jansson.h>

typedef struct urs_eval_arguments {
    urs_names data;                    /* --data, may be repeated */
    const char *model, *beside, *json, *report, *part, *together;
    double validation, test;           /* shares of the split; must be those of the training */
    int threads, rounds;
    int64_t split_seed;
} urs_eval_arguments;

#define URS_EVAL_OPTIONS(a) URS_OPTION_TEXT("model", "W", &(a)->model, "weights; default: those that come with ursid"), URS_EVAL_OTHER_OPTIONS(a)
/* Those of a command that takes its weights in another way. */
#define URS_EVAL_OTHER_OPTIONS(a)                                                                                                          \
        URS_OPTION_TEXT("beside", "W", &(a)->beside, "compare with these weights (float or int8), picture by picture; with --folds of embed: a floor, or with {} the folds' other weights"),                   \
        URS_OPTION_LIST("data", "PATH", &(a)->data, "data as it was given to the training; the first one is measured"),                   \
        URS_OPTION_CHOICE("part", "test|validation|train", &(a)->part, "part of the data; test is what training and tuning never saw"),   \
        URS_OPTION_DOUBLE("validation", "SHARE", &(a)->validation, 0.01, 0.9, "as in the training, so that the parts are the same"),      \
        URS_OPTION_DOUBLE("test", "SHARE", &(a)->test, 0.01, 0.9, "as in the training"),                                                  \
        URS_OPTION_INT64("split-seed", "S", &(a)->split_seed, 1, 9007199254740992.0, "as in the training"),                               \
        URS_OPTION_OUTPUT("json", "F.json", &(a)->json, "write all numbers"),                                                               \
        URS_OPTION_OUTPUT("report", "F.html", &(a)->report, "write a page with tables and plots"),                                          \
        URS_OPTION_INT("rounds", "N", &(a)->rounds, 10, 100000, "draws for the 95 % intervals"),                                          \
        URS_OPTION_INT("threads", "N", &(a)->threads, 0, 64, "0: all cores")

urs_part urs_eval_part(const urs_eval_arguments *a);

/* Facts about model and split, for JSON and text. New reference. */
json_t *urs_eval_facts(const urs_eval_arguments *a, const char *stage, const char *model_path, const urs_network *network);

/* Prints text, writes --json (takes over `numbers`) and --report (eval_page.h). */
urs_status urs_eval_deliver(const urs_eval_arguments *a, const char *title, const urs_text *text, json_t *numbers, const urs_text *plots, urs_error *err) URS_CHECKED;

int urs_eval_sift_main(int argc, char **argv);
int urs_eval_find_main(int argc, char **argv);
int urs_eval_embed_main(int argc, char **argv);
int urs_eval_chain_main(int argc, char **argv);

#endif
