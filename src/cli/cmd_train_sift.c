/* `ursid train sift`. */
#include "cli/cmd_train.h"

#include "stages/sift_folds.h"
#include "stages/sift_pair.h"

#include <stdio.h>

static const urs_command command = {
    .name = "train sift",
    .summary = "train the stage that throws away empty frames",
    .help = "--data is a CSV manifest (path,label,camera,infrared...; labels empty, animal, bear) or its\n"
            "folder. Cameras are split, never rows. The sources real, photos, crops, paste, mix, decoy, others,\n"
            "synth and tiny make more of what is rare; each can be left out to see what it is worth.\n\n"
            "--approach b trains two networks, W.first and W.second, and writes both into W: the second is only asked\n"
            "about frames that the first does not call empty.\n\n"
            "--folds K judges the recipe first, on K folds of cameras left out in turn (printed, and frame by frame\n"
            "in W.scores.csv), chooses the thresholds on all of these frames, and then trains on everything but the\n"
            "test part for the same number of epochs. --folds-only stops before that.\n",
};

/* The recipe on cameras left out, and thresholds from there. */
static urs_status judge_recipe(urs_sift_thresholds *thresholds, const urs_sift_train_options *o, urs_error *err)
{
    urs_sift_scores scores = {0};
    urs_text path = {0}, text = {0};
    urs_status status = urs_sift_cross_validate(&scores, o, err);
    urs_text_format(&path, "%s.scores.csv", o->fit.out);
    if (status == URS_OK)
        status = urs_sift_scores_thresholds(thresholds, &scores, o->bear_recall, err);
    if (status == URS_OK)
        status = urs_sift_scores_text(&text, &scores, thresholds, 1000, err);
    if (status == URS_OK)
        status = urs_text_ok(&path) && urs_text_ok(&text) ? urs_sift_scores_write(&scores, urs_text_string(&path), err) : urs_fail(err, URS_ENOMEM, "no memory for a report");
    if (status == URS_OK) {
        (void)fputs(urs_text_string(&text), stdout);
        (void)fflush(stdout);
    }
    urs_text_release(&text);
    urs_text_release(&path);
    urs_sift_scores_release(&scores);
    return status;
}

int urs_train_sift_main(int argc, char **argv)
{
    urs_train_arguments a = {0};
    urs_sift_train_options o = {0};
    urs_fit_report report = {0};
    urs_error err = {0};
    double validation = 0.2, test = 0.2, recall = 0.97, trunk = 0, repeat_empty = 1, repeat_animal = 1, repeat_bear = 1, weight_empty = 1, weight_bear = 1;
    double decay = 0;
    int code, folds = 0, draws = 0, made = 0, pasted = 0;
    int64_t split_seed = 1, fold_seed = 1;
    bool folds_only = false;
    const char *approach = "a";
    urs_sift_thresholds thresholds = {0};
    urs_status status;
    const urs_option options[] = {
        URS_TRAIN_OPTIONS(&a),
        URS_OPTION_CHOICE("approach", "a|b", &approach, "one network for three classes, or two in sequence: empty or not, then bear or not; one file"),
        URS_OPTION_TEXT("arch", "NAME", &o.arch, "mobilenet_v3_small or mobilenet_v3_small_075"),
        URS_OPTION_TEXT("sources", "LIST", &o.frames.sources, "what to train on, comma separated"),
        URS_OPTION_TEXT("heads", "DIR", &o.frames.heads, "labelled bear photographs with body masks, for crops, paste, decoy"),
        URS_OPTION_TEXT("others", "DIRS", &o.frames.others, "folders of other animals, comma separated"),
        URS_OPTION_TEXT("synth", "DIR", &o.frames.synth, "frames rendered by `ursid synth`"),
        URS_OPTION_TEXT("tiny", "DIR", &o.frames.tiny, "folders of small pictures by class"),
        URS_OPTION_TEXT("together", "GROUPS", &o.frames.together, "same-scene pictures: \"bear081,bear095;bear171,bear199\""),
        URS_OPTION_DOUBLE("repeat-empty", "R", &repeat_empty, 0.1, 100, "how often an empty frame comes in an epoch"),
        URS_OPTION_DOUBLE("repeat-animal", "R", &repeat_animal, 0.1, 100, "the same for animals"),
        URS_OPTION_DOUBLE("repeat-bear", "R", &repeat_bear, 0.1, 100, "the same for bears"),
        URS_OPTION_INT("made", "N", &made, 0, 1000000, "made frames of each kind (crops, paste, mix, decoy) beside the real ones; 0: 300"),
        URS_OPTION_INT("pasted", "N", &pasted, 0, 1000000, "pasted bears, if not as many as of the other kinds; 0: as --made"),
        URS_OPTION_INT("draws", "N", &draws, 0, 10000000, "frames in an epoch, a third of each class; 0: as the repeats say"),
        URS_OPTION_DOUBLE("weight-empty", "W", &weight_empty, 0.1, 100, "weight of empties in the loss"),
        URS_OPTION_DOUBLE("weight-bear", "W", &weight_bear, 0.1, 100, "weight of bears in the loss"),
        URS_OPTION_DOUBLE("min-bear-recall", "R", &recall, 0.5, 1, "recall of bears that the stored threshold must reach on validation frames"),
        URS_OPTION_DOUBLE("trunk-lr", "FACTOR", &trunk, 0, 10, "rate of the trunk relative to the head; 0: 0.3 with --init, 1 without"),
        URS_OPTION_DOUBLE("validation", "SHARE", &validation, 0.01, 0.9, "share of the frames, by camera"),
        URS_OPTION_DOUBLE("test", "SHARE", &test, 0.01, 0.9, "the same for the test part, which training never looks at"),
        URS_OPTION_INT64("split-seed", "S", &split_seed, 1, 9007199254740992.0, "which cameras go where"),
        URS_OPTION_DOUBLE("weight-decay", "W", &decay, 0, 10, "of AdamW; 0: 0.02"),
        URS_OPTION_INT("folds", "K", &folds, 0, 100, "folds of cameras to judge the recipe and choose thresholds on; 0: --validation instead"),
        URS_OPTION_INT64("fold-seed", "S", &fold_seed, 1, 9007199254740992.0, "which cameras go into which fold"),
        URS_OPTION_FLAG("folds-only", &folds_only, "only judge the recipe"),
    };
    urs_train_begin(&a, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return code;
    }
    if (a.data.count != 1) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return urs_usage_error(&command, "give --data once: the CSV manifest of the frames");
    }
    if (folds == 1 || (folds_only && folds == 0)) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return urs_usage_error(&command, "give --folds at least 2");
    }
    if (folds > 0 && *approach == 'b') {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return urs_usage_error(&command, "--folds judges one network; --approach b chooses its thresholds on --validation");
    }
    o.fit = urs_train_fit_options(&a);
    o.frames.manifest = a.data.items[0];
    o.frames.validation = (float)validation;
    o.frames.test = (float)test;
    o.frames.seed = (uint64_t)split_seed;
    o.init = a.init;
    o.side = a.side;
    o.repeat[URS_FRAME_EMPTY] = (float)repeat_empty;
    o.repeat[URS_FRAME_ANIMAL] = (float)repeat_animal;
    o.repeat[URS_FRAME_BEAR] = (float)repeat_bear;
    o.weight[URS_FRAME_EMPTY] = (float)weight_empty;
    o.weight[URS_FRAME_BEAR] = (float)weight_bear;
    o.bear_recall = recall;
    o.trunk_lr_scale = trunk;
    o.weight_decay = decay;
    o.draws = draws;
    o.frames.crops = o.frames.mix = o.frames.decoy = (size_t)made;
    o.frames.paste = (size_t)(pasted > 0 ? pasted : made);
    o.frames.folds = folds;
    o.frames.fold_seed = (uint64_t)fold_seed;
    status = folds > 0 ? judge_recipe(&thresholds, &o, &err) : URS_OK;
    if (status == URS_OK && folds_only) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return URS_EXIT_OK;
    }
    o.thresholds = folds > 0 ? &thresholds : NULL;
    if (status == URS_OK)
        status = *approach == 'b' ? urs_sift_train_pair(&o, &report, &err) : urs_sift_train(&o, &report, &err);
    return urs_train_end(&a, &command, status, &report, &err);
}
