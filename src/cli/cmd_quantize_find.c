/* `ursid quantize find`. */
#include "cli/cmd_quantize.h"

#include "stages/find_train.h"

#include <math.h>
#include <stdio.h>

static const urs_command command = {
    .name = "quantize find",
    .summary = "the stage that finds heads, in int8",
    .help = "--data is a set with labelled heads, as for `ursid train find`. The int8 network gives raw boxes,\n"
            "classes, coefficients and prototypes, level by level; decoding stays in float. The threshold of\n"
            "scores is chosen again on the validation photographs.\n",
};

typedef struct find_arguments {
    urs_quantize_arguments all;
    urs_find_train_options data;
} find_arguments;

static urs_status threshold(void *context, urs_network *int8, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const find_arguments *a = context;
    urs_scene_set scenes = {0};
    urs_find_quality q = {0};
    char note[100];
    urs_status status = urs_find_train_scenes(&scenes, &a->data, URS_PART_VALIDATION, err);
    (void)network;
    if (status == URS_OK)
        status = urs_find_evaluate(&q, &scenes, int8, NULL, pool, err);
    if (status == URS_OK) {
        (void)snprintf(note, sizeof note, "{\"score\":%.3f,\"iou\":0.7}", fmax(0.05, fmin(q.box.best_f1_score, 0.6)));
        status = urs_network_set_note(int8, "ursid.thresholds", note, err);
    }
    urs_scene_set_release(&scenes);
    return status;
}

static urs_status pictures(void *context, urs_quant_pictures *out, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const find_arguments *a = context;
    urs_scene_set scenes = {0};
    urs_status status = urs_find_train_calibration(&scenes, &a->data, network->input.width, err);
    (void)pool;
    if (status == URS_OK)
        status = urs_quantize_scenes(out, &scenes, &network->input, (size_t)a->all.pictures, err);
    urs_scene_set_release(&scenes);
    return status;
}

static urs_status train(void *context, const urs_network *network, const char *path, urs_deploy *d, urs_error *err)
{
    const find_arguments *a = context;
    urs_find_train_options o = a->data;
    urs_fit_report report;
    o.fit = urs_quantize_fit_options(&a->all, d);
    o.arch = network->options.arch;
    o.init = path;
    o.side = network->input.width;
    o.close_mosaic = a->all.qat; /* the end of a training: pictures as they are */
    return urs_find_train(&o, &report, err);
}

int urs_quantize_find_main(int argc, char **argv)
{
    find_arguments a = {.all = {.validation = 0.15, .test = 0.2}};
    const urs_option options[] = {
        URS_QUANTIZE_OPTIONS(&a.all),
        URS_OPTION_TEXT("together", "GROUPS", &a.all.together, "same-scene pictures, as in the training"),
        URS_OPTION_TEXT("backgrounds", "F.csv", &a.data.backgrounds, "manifest of frames; a fifth of the calibration are its empty ones"),
    };
    const urs_quantize_stage stage = {.name = "find", .context = &a, .pictures = pictures, .train = train, .thresholds = threshold};
    urs_error err = {0};
    int code;
    urs_quantize_begin(&a.all, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return code;
    }
    if (a.all.data.count == 0) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return urs_usage_error(&command, "--data is missing: a set with labelled heads");
    }
    a.data.data = (const char *const *)a.all.data.items;
    a.data.data_count = a.all.data.count;
    a.data.together = a.all.together;
    a.data.validation = (float)a.all.validation;
    a.data.test = (float)a.all.test;
    a.data.split_seed = (uint64_t)a.all.split_seed;
    return urs_quantize_end(&a.all, &command, urs_quantize_run(&a.all, &stage, &err), &err);
}
