/* `ursid quantize sift`. */
#include "cli/cmd_quantize.h"

#include "base/memory.h"
#include "stages/sift_train.h"

#include <stdio.h>
#include <string.h>

static const urs_command command = {
    .name = "quantize sift",
    .summary = "the stage that throws away empty frames, in int8",
    .help = "--data is the CSV manifest that `ursid train sift` was given. Calibration draws evenly from empty,\n"
            "animal and bear, by day and in infra-red. The thresholds for bear and animal are those of the\n"
            "float weights, carried over to where they let as many frames of the training part through.\n",
};

typedef struct sift_arguments {
    urs_quantize_arguments all;
    urs_frames_options frames;
    double recall, repeat_empty, repeat_bear;
    int made, draws;
} sift_arguments;

static urs_status note_thresholds(urs_network *network, urs_sift_thresholds t, urs_error *err)
{
    char note[100];
    (void)snprintf(note, sizeof note, "{\"bear\":%.4f,\"animal\":%.4f}", t.bear, t.animal);
    return urs_network_set_note(network, "ursid.thresholds", note, err);
}

/* By labels: int8 scores of the validation part. */
static urs_status choose_thresholds(const sift_arguments *a, urs_network *int8, urs_pool *pool, urs_error *err)
{
    urs_frames frames = {0};
    urs_sift_thresholds t = {0};
    float *p = NULL;
    urs_status status = urs_frames_build(&frames, &a->frames, URS_PART_VALIDATION, pool, err);
    if (status == URS_OK) {
        p = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *p);
        status = p ? urs_sift_probabilities(p, &frames, int8, pool, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    }
    if (status == URS_OK)
        status = urs_sift_choose_thresholds(&t, URS_SIFT_ONE_NETWORK, p, frames.labels, frames.count, a->recall, err);
    if (status == URS_OK)
        status = note_thresholds(int8, t, err);
    urs_free(p);
    urs_frames_release(&frames);
    return status;
}

/* Without labels: the float network's thresholds, moved to where they let as many frames of the training part through. They may come from cameras left out (train sift --folds), which no frame
 * that is at hand here could replace. */
static urs_status carry_thresholds(const sift_arguments *a, urs_network *int8, const urs_network *network, urs_pool *pool, urs_error *err)
{
    urs_frames_options real = a->frames;
    urs_frames frames = {0};
    urs_sift_thresholds before, after = {0};
    float *p = NULL, *q = NULL;
    urs_status status;
    before.bear = urs_network_number(network, "ursid.thresholds", "bear", 0.5);
    before.animal = urs_network_number(network, "ursid.thresholds", "animal", 0.5);
    real.sources = "real,photos";
    status = urs_frames_build(&frames, &real, URS_PART_TRAIN, pool, err);
    if (status == URS_OK) {
        p = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *p);
        q = urs_array_new(frames.count, URS_FRAME_CLASSES * sizeof *q);
        if (!p || !q)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames.count);
    }
    if (status == URS_OK)
        status = urs_sift_probabilities(p, &frames, network, pool, err);
    if (status == URS_OK)
        status = urs_sift_probabilities(q, &frames, int8, pool, err);
    if (status == URS_OK)
        status = urs_sift_carry_thresholds(&after, &before, p, q, frames.count, err);
    if (status == URS_OK) {
        (void)printf("thresholds carried over on %zu frames: bear %.4f to %.4f, animal %.4f to %.4f\n", frames.count, before.bear, after.bear, before.animal, after.animal);
        status = note_thresholds(int8, after, err);
    }
    urs_free(p);
    urs_free(q);
    urs_frames_release(&frames);
    return status;
}

static urs_status thresholds(void *context, urs_network *int8, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const sift_arguments *a = context;
    return a->recall > 0 ? choose_thresholds(a, int8, pool, err) : carry_thresholds(a, int8, network, pool, err);
}

static urs_status pictures(void *context, urs_quant_pictures *out, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const sift_arguments *a = context;
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

static urs_status train(void *context, const urs_network *network, const char *path, urs_deploy *d, urs_error *err)
{
    const sift_arguments *a = context;
    urs_sift_train_options o = {.fit = urs_quantize_fit_options(&a->all, d), .frames = a->frames, .arch = network->options.arch, .init = path, .side = network->input.width, .bear_recall = a->recall,
                                .repeat = {[URS_FRAME_EMPTY] = (float)a->repeat_empty, [URS_FRAME_BEAR] = (float)a->repeat_bear}, .draws = a->draws, .trunk_lr_scale = 1};
    urs_fit_report report;
    o.frames.crops = o.frames.paste = o.frames.mix = o.frames.decoy = (size_t)a->made;
    return urs_sift_train(&o, &report, err);
}

int urs_quantize_sift_main(int argc, char **argv)
{
    sift_arguments a = {.all = {.validation = 0.2, .test = 0.2}, .repeat_empty = 1, .repeat_bear = 1};
    const urs_option options[] = {
        URS_QUANTIZE_OPTIONS(&a.all),
        URS_OPTION_TEXT("together", "GROUPS", &a.all.together, "same-scene pictures, as in the training"),
        URS_OPTION_DOUBLE("min-bear-recall", "R", &a.recall, 0, 1, "choose thresholds anew, for this recall of bears on validation frames; 0: carry them over"),
        URS_OPTION_TEXT("sources", "LIST", &a.frames.sources, "what --qat trains on, as in the training"),
        URS_OPTION_TEXT("heads", "DIR", &a.frames.heads, "labelled bear photographs, for --qat"),
        URS_OPTION_TEXT("others", "DIRS", &a.frames.others, "folders of other animals, comma separated, for --qat"),
        URS_OPTION_TEXT("synth", "DIR", &a.frames.synth, "frames rendered by `ursid synth`, for --qat"),
        URS_OPTION_INT("made", "N", &a.made, 0, 1000000, "made frames of each kind for --qat; 0: 300"),
        URS_OPTION_INT("draws", "N", &a.draws, 0, 10000000, "frames in an epoch of --qat, a third of each class; 0: as the repeats say"),
        URS_OPTION_DOUBLE("repeat-empty", "R", &a.repeat_empty, 0.1, 100, "how often an empty frame comes in an epoch of --qat"),
        URS_OPTION_DOUBLE("repeat-bear", "R", &a.repeat_bear, 0.1, 100, "the same for bears"),
    };
    const urs_quantize_stage stage = {.name = "sift", .context = &a, .pictures = pictures, .train = train, .thresholds = thresholds};
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
    return urs_quantize_end(&a.all, &command, urs_quantize_run(&a.all, &stage, &err), &err);
}
