/* `ursid quantize sift`. */
#include "cli/cmd_quantize.h"

#include "base/memory.h"
#include "stages/model_path.h"
#include "stages/sift_train.h"

#include <stdio.h>
#include <string.h>

static const urs_command command = {
    .name = "quantize sift",
    .summary = "the stage that throws away empty frames, in int8",
    .help = "--data is the CSV manifest that `ursid train sift` was given. Calibration draws evenly from empty,\n"
            "animal and bear, by day and in infra-red. The thresholds for bear and animal are chosen again on\n"
            "the int8 scores of the validation frames.\n",
};

typedef struct sift_arguments {
    urs_quantize_arguments all;
    urs_frames_options frames;
    double recall, repeat_empty, repeat_bear;
} sift_arguments;

/* Thresholds by int8 scores on the validation part. */
static urs_status fit_thresholds(const sift_arguments *a, urs_network *network, urs_pool *pool, urs_error *err)
{
    urs_frames frames = {0};
    urs_sift_thresholds t = {0};
    float *p = NULL;
    char note[100];
    urs_status status = urs_frames_build(&frames, &a->frames, URS_PART_VALIDATION, pool, err);
    if (status == URS_OK) {
        p = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *p);
        status = p ? urs_sift_probabilities(p, &frames, network, pool, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    }
    if (status == URS_OK)
        status = urs_sift_choose_thresholds(&t, p, frames.labels, frames.count, a->recall, err);
    if (status == URS_OK) {
        (void)snprintf(note, sizeof note, "{\"bear\":%.4f,\"animal\":%.4f}", t.bear, t.animal);
        status = urs_network_set_note(network, "ursid.thresholds", note, err);
    }
    urs_free(p);
    urs_frames_release(&frames);
    return status;
}

static urs_status calibration_pictures(urs_quant_pictures *out, const sift_arguments *a, const urs_network *network, urs_pool *pool, urs_error *err)
{
    urs_frames_options how = a->frames;
    urs_frames frames = {0};
    size_t counts[URS_FRAME_CLASSES][2];
    urs_status status;
    how.sources = "real,photos"; /* what the stage meets, nothing made */
    status = urs_frames_build(&frames, &how, URS_PART_TRAIN, pool, err);
    if (status == URS_OK)
        status = urs_quantize_frames(out, counts, &frames, &network->input, (size_t)a->all.pictures, err);
    if (status == URS_OK)
        (void)printf("calibration: empty %zu and %zu infra-red, animal %zu and %zu, bear %zu and %zu\n", counts[0][0], counts[0][1], counts[1][0], counts[1][1], counts[2][0], counts[2][1]);
    urs_frames_release(&frames);
    return status;
}

static urs_status train(const sift_arguments *a, const urs_network *network, const char *path, urs_deploy *d, urs_error *err)
{
    urs_sift_train_options o = {.fit = urs_quantize_fit_options(&a->all, d), .frames = a->frames, .arch = network->options.arch, .init = path, .side = network->input.width, .bear_recall = a->recall,
                                .repeat = {[URS_FRAME_EMPTY] = (float)a->repeat_empty, [URS_FRAME_BEAR] = (float)a->repeat_bear}, .trunk_lr_scale = 1};
    urs_fit_report report;
    return urs_sift_train(&o, &report, err);
}

static urs_status quantize(const sift_arguments *a, urs_error *err)
{
    urs_network *network = NULL, *int8 = NULL;
    urs_quant_pictures pictures = {0};
    urs_quantize_report report = {0};
    urs_deploy *d = NULL;
    urs_pool *pool = NULL;
    char *path = NULL;
    urs_status status = urs_pool_new(&pool, a->all.threads, err);
    if (status == URS_OK)
        status = urs_model_path(&path, "sift", a->all.model, err);
    if (status == URS_OK)
        status = urs_network_read(&network, path, "sift", err);
    if (status == URS_OK)
        status = calibration_pictures(&pictures, a, network, pool, err);
    if (status == URS_OK)
        status = urs_quantize_prepare(&d, &a->all, network, &pictures, &report, pool, err);
    if (status == URS_OK && a->all.qat > 0) {
        status = train(a, network, path, d, err);
        if (status == URS_OK)
            status = urs_quantize_reopen(&int8, &a->all, network, &report, "sift", err);
    } else if (status == URS_OK)
        status = urs_quantize_finish(&int8, &a->all, network, d, &report, err);
    if (status == URS_OK)
        status = fit_thresholds(a, int8, pool, err);
    if (status == URS_OK)
        status = urs_quantize_write(&a->all, int8, err);
    urs_network_free(int8);
    urs_deploy_free(d);
    urs_network_free(network);
    urs_quant_pictures_release(&pictures);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_quantize_sift_main(int argc, char **argv)
{
    sift_arguments a = {.all = {.validation = 0.2, .test = 0.2}, .recall = 0.97, .repeat_empty = 1, .repeat_bear = 1};
    const urs_option options[] = {
        URS_QUANTIZE_OPTIONS(&a.all),
        URS_OPTION_TEXT("together", "GROUPS", &a.all.together, "same-scene pictures, as in the training"),
        URS_OPTION_DOUBLE("min-bear-recall", "R", &a.recall, 0.5, 1, "recall of bears that the stored threshold must reach on validation frames"),
        URS_OPTION_TEXT("sources", "LIST", &a.frames.sources, "what --qat trains on, as in the training"),
        URS_OPTION_TEXT("heads", "DIR", &a.frames.heads, "labelled bear photographs, for --qat"),
        URS_OPTION_TEXT("others", "DIRS", &a.frames.others, "folders of other animals, comma separated, for --qat"),
        URS_OPTION_TEXT("synth", "DIR", &a.frames.synth, "frames rendered by `ursid synth`, for --qat"),
        URS_OPTION_DOUBLE("repeat-empty", "R", &a.repeat_empty, 0.1, 100, "how often an empty frame comes in an epoch of --qat"),
        URS_OPTION_DOUBLE("repeat-bear", "R", &a.repeat_bear, 0.1, 100, "the same for bears"),
    };
    urs_error err = {0};
    int code;
    urs_quantize_begin(&a.all, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return code;
    }
    if (a.all.data.count != 1) {
        (void)urs_quantize_end(&a.all, &command, URS_OK, &err);
        return urs_usage_error(&command, "give --data once: the CSV manifest of the frames");
    }
    a.frames.manifest = a.all.data.items[0];
    a.frames.together = a.all.together;
    a.frames.validation = (float)a.all.validation;
    a.frames.test = (float)a.all.test;
    a.frames.seed = (uint64_t)a.all.split_seed;
    return urs_quantize_end(&a.all, &command, quantize(&a, &err), &err);
}
