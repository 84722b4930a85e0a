/* What the `ursid quantize STAGE` commands share: options, the work between pictures and file, the report. */
#ifndef URS_CLI_CMD_QUANTIZE_H
#define URS_CLI_CMD_QUANTIZE_H

#include "cli/option.h"
#include "stages/fit.h"
#include "stages/quantize.h"

typedef struct urs_quantize_arguments {
    urs_names data; /* --data, may be repeated */
    const char *model, *out, *observer, *report, *together, *qat_steps;
    double percentile, validation, test, lr;
    int pictures, threads, qat, batch;
    int64_t split_seed, seed;
    bool equalise, adaround, bias_correction, quiet;
    urs_text command; /* the command line as it was given */
} urs_quantize_arguments;

#define URS_QUANTIZE_OPTIONS(a)                                                                                                              \
    URS_OPTION_TEXT("model", "W", &(a)->model, "float weights; default: those that come with ursid"),                                        \
        URS_OPTION_LIST("data", "PATH", &(a)->data, "data as it was given to the training; its training part calibrates"),                   \
        URS_OPTION_OUTPUT_REQUIRED("out", "W8.tflite", &(a)->out, "int8 weights to write"),                                                    \
        URS_OPTION_CHOICE("observer", "mse|min-max|percentile", &(a)->observer, "how ranges of values are chosen"),                          \
        URS_OPTION_DOUBLE("percentile", "P", &(a)->percentile, 90, 100, "of --observer percentile"),                                         \
        URS_OPTION_FLAG("equalise", &(a)->equalise, "cross-layer equalisation, where only a ReLU stands between convolutions"),              \
        URS_OPTION_FLAG("adaround", &(a)->adaround, "choose floor or ceiling of every weight by the layer's output"),                        \
        URS_OPTION_FLAG("bias-correction", &(a)->bias_correction, "take the mean error of every channel off its bias"),                      \
        URS_OPTION_INT("pictures", "N", &(a)->pictures, 8, 10000, "pictures to calibrate with"),                                             \
        URS_OPTION_INT("qat", "EPOCHS", &(a)->qat, 0, 1000, "epochs of quantisation-aware training after that"),                             \
        URS_OPTION_CHOICE("qat-steps", "lsq|ema", &(a)->qat_steps, "steps of values in training: learned, or a moving average that freezes"), \
        URS_OPTION_DOUBLE("lr", "RATE", &(a)->lr, 0, 10, "learning rate of --qat; 0: a tenth of the stage's default"),                       \
        URS_OPTION_INT("batch", "N", &(a)->batch, 0, 4096, "pictures in a batch of --qat; 0: the stage's default"),                          \
        URS_OPTION_INT64("seed", "S", &(a)->seed, 0, 9007199254740992.0, "of --qat"),                                                        \
        URS_OPTION_DOUBLE("validation", "SHARE", &(a)->validation, 0.01, 0.9, "as in the training, so that the parts are the same"),         \
        URS_OPTION_DOUBLE("test", "SHARE", &(a)->test, 0.01, 0.9, "as in the training"),                                                     \
        URS_OPTION_INT64("split-seed", "S", &(a)->split_seed, 1, 9007199254740992.0, "as in the training"),                                  \
        URS_OPTION_OUTPUT("report", "F.html", &(a)->report, "write which layers suffer, as tables and plots"),                                 \
        URS_OPTION_INT("threads", "N", &(a)->threads, 0, 64, "0: all cores"), URS_OPTION_FLAG("quiet", &(a)->quiet, "no progress")

/* Before parsing: defaults, and the command line. */
void urs_quantize_begin(urs_quantize_arguments *a, int argc, char **argv);

/* What a stage adds to the common course:
 *
 *      float weights, pictures --> calibrated and remedied --.--------------------------.--> int8 network --thresholds--> W8.tflite
 *                                                            '--qat: train, read back --'
 *
 * Each gets `context`. */
typedef struct urs_quantize_stage {
    const char *name; /* "sift", ... */
    void *context;
    /* Pictures to calibrate with, as `network` is fed. */
    urs_status (*pictures)(void *context, urs_quant_pictures *out, const urs_network *network, urs_pool *pool, urs_error *err);
    /* Trains through d from the float weights in file `path` to --out. */
    urs_status (*train)(void *context, const urs_network *network, const char *path, urs_deploy *d, urs_error *err);
    /* Puts what follows from int8 scores into the notes of `int8`; NULL: nothing does. */
    urs_status (*thresholds)(void *context, urs_network *int8, const urs_network *network, urs_pool *pool, urs_error *err);
} urs_quantize_stage;

/* From the arguments to the written file; says what it does. */
urs_status urs_quantize_run(const urs_quantize_arguments *a, const urs_quantize_stage *stage, urs_error *err) URS_CHECKED;
/* Options of the stage's training for --qat: from the weights `path`, through d, to --out. */
urs_fit_options urs_quantize_fit_options(const urs_quantize_arguments *a, urs_deploy *d);
/* Exit code; releases a. */
int urs_quantize_end(urs_quantize_arguments *a, const urs_command *command, urs_status status, const urs_error *err);

int urs_quantize_sift_main(int argc, char **argv);
int urs_quantize_find_main(int argc, char **argv);
int urs_quantize_embed_main(int argc, char **argv);

#endif
