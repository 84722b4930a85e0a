/* What the three `ursid train STAGE` commands share: the options every training has. */
#ifndef URS_CLI_CMD_TRAIN_H
#define URS_CLI_CMD_TRAIN_H

#include "base/text.h"
#include "cli/option.h"
#include "stages/fit.h"

typedef struct urs_train_arguments {
    urs_names data;          /* --data, may be repeated */
    const char *out, *init, *backend;
    int epochs, batch, accumulate, threads, side, validate_every;
    int64_t seed;
    double lr;
    bool resume, full_precision, quiet;
    urs_text command;        /* the command line as it was given */
} urs_train_arguments;

/* The shared entries of an option table. */
#define URS_TRAIN_OPTIONS(a)                                                                                                                     \
    URS_OPTION_LIST("data", "PATH", &(a)->data, "training data; see the stage's help"),                                        \
        URS_OPTION_OUTPUT_REQUIRED("out", "W.safetensors", &(a)->out, "weights to write; W.checkpoint and W.log stand beside them"),               \
        URS_OPTION_TEXT("init", "W", &(a)->init, "start from these weights (safetensors, .pth), by name"),                                       \
        URS_OPTION_INT("epochs", "N", &(a)->epochs, 0, 100000, "0: the stage's default"),                                                        \
        URS_OPTION_INT("batch", "N", &(a)->batch, 0, 4096, "pictures in a batch; 0: the stage's default"),                                       \
        URS_OPTION_INT("accumulate", "N", &(a)->accumulate, 0, 1024, "batches added up before a step"),                                          \
        URS_OPTION_INT("threads", "N", &(a)->threads, 0, 64, "0: all cores; the result depends on it"),                                          \
        URS_OPTION_INT("size", "PIXELS", &(a)->side, 0, 2048, "side of the network's input; 0: the stage's default"),                            \
        URS_OPTION_INT("validate-every", "N", &(a)->validate_every, 0, 1000, "epochs between validations"),                                      \
        URS_OPTION_INT64("seed", "S", &(a)->seed, 0, 9007199254740992.0, "same seed, data and threads: same weights"),                           \
        URS_OPTION_DOUBLE("lr", "RATE", &(a)->lr, 0, 10, "learning rate; 0: the stage's default"),                                               \
        URS_OPTION_TEXT("backend", "NAME", &(a)->backend, "ref or onednn"),                                                                      \
        URS_OPTION_FLAG("resume", &(a)->resume, "go on from W.checkpoint if it is there"),                                                       \
        URS_OPTION_FLAG("full-precision", &(a)->full_precision, "write 32-bit floats"), URS_OPTION_FLAG("quiet", &(a)->quiet, "no progress")

/* Before parsing: keeps the command line and installs the handlers for interruption. */
void urs_train_begin(urs_train_arguments *a, int argc, char **argv);
urs_fit_options urs_train_fit_options(const urs_train_arguments *a);
/* Says how it went and gives the exit code; releases a. */
int urs_train_end(urs_train_arguments *a, const urs_command *command, urs_status status, const urs_fit_report *report, const urs_error *err);

int urs_train_sift_main(int argc, char **argv);
int urs_train_find_main(int argc, char **argv);
int urs_train_embed_main(int argc, char **argv);

#endif
