/* `ursid quantize embed`. */
#include "cli/cmd_quantize.h"

#include "cli/embed_calibrate.h"
#include "stages/embed_train.h"

#include <string.h>

static const urs_command command = {
    .name = "quantize embed",
    .summary = "the stage that tells bears apart, in int8",
    .help = "--data are folders as for `ursid train embed`, the target species first. The vector is brought to\n"
            "length 1 outside of the network, in float. P(same bear | cosine) is fitted again on the int8\n"
            "vectors of the validation chips; where all bears trained (--folds K), on those of the folds:\n"
            "\n"
            "  for f in 1 2 3; do ursid quantize embed --data chips/ --folds 3 --fold $f --model w$f.safetensors --out w$f.tflite; done\n"
            "  ursid quantize embed --data chips/ --folds 3 --calibrate-with 'w{}.tflite' --model w.safetensors --out w.tflite\n",
};

typedef struct embed_arguments {
    urs_quantize_arguments all;
    urs_embed_train_options data;
    double hold, max_error;
    const char *calibrate_with;
} embed_arguments;

static urs_status pictures(void *context, urs_quant_pictures *out, const urs_network *network, urs_pool *pool, urs_error *err)
{
    embed_arguments *a = context;
    urs_chips chips = {0};
    urs_status status;
    a->data.side = network->input.width;
    status = urs_embed_train_chips(&chips, &a->data, pool, err);
    if (status == URS_OK)
        status = urs_quantize_chips(out, &chips, &network->input, (size_t)a->all.pictures, err);
    urs_chips_release(&chips);
    return status;
}

static urs_status train(void *context, const urs_network *network, const char *path, urs_deploy *d, urs_error *err)
{
    const embed_arguments *a = context;
    urs_embed_train_options o = a->data;
    urs_fit_report report;
    o.fit = urs_quantize_fit_options(&a->all, d);
    o.arch = network->options.arch;
    o.init = path;
    o.embedding = network->options.embedding;
    o.trunk_lr_scale = 1;
    return urs_embed_train(&o, &report, err);
}

int urs_quantize_embed_main(int argc, char **argv)
{
    embed_arguments a = {.all = {.validation = 0.2, .test = 0.3}};
    const urs_option options[] = {
        URS_QUANTIZE_OPTIONS(&a.all),
        URS_OPTION_INT("folds", "K", &a.data.folds, 0, 100, "as in the training"),
        URS_OPTION_INT("fold", "F", &a.data.fold, 0, 100, "as in the training"),
        URS_OPTION_DOUBLE("hold-others", "SHARE", &a.hold, 0, 0.9, "as in the training"),
        URS_OPTION_TEXT("calibrate-with", "W8{}", &a.calibrate_with, "with --folds: fit it on all folds, each embedded by the int8 weights of its number"),
        URS_OPTION_DOUBLE("max-error", "SHARE", &a.max_error, 0, 0.5, "share of the verdicts that may be wrong, as in the training; 0: 0.1"),
    };
    const urs_quantize_stage stage = {.name = "embed", .context = &a, .pictures = pictures, .train = train};
    urs_error err = {0};
    urs_status status;
    int code;
    urs_quantize_begin(&a.all, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return code;
    }
    if (a.all.data.count == 0) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return urs_usage_error(&command, "--data is missing: a folder with one sub-folder an individual");
    }
    if (a.data.fold > a.data.folds || (a.calibrate_with && (a.data.folds == 0 || !strstr(a.calibrate_with, "{}")))) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return urs_usage_error(&command, "--fold and --calibrate-with need --folds, and the latter {} where the number of the fold stands");
    }
    a.data.trees = (const char *const *)a.all.data.items;
    a.data.tree_count = a.all.data.count;
    a.data.validation = (float)a.all.validation;
    a.data.test = (float)a.all.test;
    a.data.split_seed = (uint64_t)a.all.split_seed;
    a.data.hold = (float)a.hold;
    status = urs_quantize_run(&a.all, &stage, &err);
    a.data.fit.out = a.all.out;
    a.data.fit.threads = a.all.threads;
    if (status == URS_OK) /* reads the file, embeds the validation bears in int8, and writes its notes anew */
        status = urs_embed_calibrate(&a.data, a.calibrate_with, a.max_error, &err);
    return urs_quantize_end(&a.all, &command, status, &err);
}
