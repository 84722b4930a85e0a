/* `ursid train sift`. */
#include "cli/cmd_train.h"

#include "stages/sift_train.h"

static const urs_command command = {
    .name = "train sift",
    .summary = "train the stage that throws away empty frames",
    .help = "--data is a CSV manifest (path,label,camera,infrared...; labels empty, animal, bear) or its\n"
            "folder. Cameras are split, never rows. The sources real, photos, crops, paste, mix, decoy, others,\n"
            "synth and tiny make more of what is rare; each can be left out to see what it is worth.\n",
};

int urs_train_sift_main(int argc, char **argv)
{
    urs_train_arguments a = {0};
    urs_sift_train_options o = {0};
    urs_fit_report report = {0};
    urs_error err = {0};
    double validation = 0.2, test = 0.2, recall = 0.97, trunk = 0, repeat_empty = 1, repeat_animal = 1, repeat_bear = 1, weight_empty = 1, weight_bear = 1;
    int code;
    int64_t split_seed = 1;
    urs_status status;
    const urs_option options[] = {
        URS_TRAIN_OPTIONS(&a),
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
        URS_OPTION_DOUBLE("weight-empty", "W", &weight_empty, 0.1, 100, "weight of empties in the loss"),
        URS_OPTION_DOUBLE("weight-bear", "W", &weight_bear, 0.1, 100, "weight of bears in the loss"),
        URS_OPTION_DOUBLE("min-bear-recall", "R", &recall, 0.5, 1, "recall of bears that the stored threshold must reach on validation frames"),
        URS_OPTION_DOUBLE("trunk-lr", "FACTOR", &trunk, 0, 10, "rate of the trunk relative to the head; 0: 0.3 with --init, 1 without"),
        URS_OPTION_DOUBLE("validation", "SHARE", &validation, 0.01, 0.9, "share of the frames, by camera"),
        URS_OPTION_DOUBLE("test", "SHARE", &test, 0.01, 0.9, "the same for the test part, which training never looks at"),
        URS_OPTION_INT64("split-seed", "S", &split_seed, 1, 9007199254740992.0, "which cameras go where"),
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
    status = urs_sift_train(&o, &report, &err);
    return urs_train_end(&a, &command, status, &report, &err);
}
