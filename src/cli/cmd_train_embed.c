/* `ursid train embed`. */
#include "cli/cmd_train.h"

#include "stages/embed_train.h"

static const urs_command command = {
    .name = "train embed",
    .summary = "train the stage that tells bears apart",
    .help = "--data is a folder DIR/individual/picture; the first one is the target species, which is split by individual into training, validation and test; further ones (other\n"
            "animals' faces) only train. DIR:prefix@2 puts a prefix before its individuals' names and says that they may be the same animals as those of other folders of domain 2.\n",
};

int urs_train_embed_main(int argc, char **argv)
{
    urs_train_arguments a = {0};
    urs_embed_train_options o = {0};
    urs_fit_report report = {0};
    urs_error err = {0};
    double validation = 0.2, test = 0.3, trunk = 0, margin = 0.4, scale = 32;
    int code, embedding = 256, per_class = 4, centres = 1;
    int64_t split_seed = 1;
    urs_status status;
    const urs_option options[] = {
        URS_TRAIN_OPTIONS(&a),
        URS_OPTION_TEXT("arch", "NAME", &o.arch, "trunk: efficientnet_lite0, mobilenet_v3_small, mobilenet_v3_small_075 or convnext_tiny"),
        URS_OPTION_INT("embedding", "D", &embedding, 8, 4096, "length of the vectors"),
        URS_OPTION_INT("per-individual", "K", &per_class, 2, 64, "pictures of one individual in a batch"),
        URS_OPTION_INT("centres", "K", &centres, 1, 16, "ArcFace sub-centres of an individual"),
        URS_OPTION_DOUBLE("margin", "RADIANS", &margin, 0.01, 1.5, "ArcFace margin"),
        URS_OPTION_DOUBLE("scale", "S", &scale, 1, 512, "ArcFace scale"),
        URS_OPTION_DOUBLE("trunk-lr", "FACTOR", &trunk, 0, 10, "rate of the trunk relative to the head; 0: 0.3 with --init, 1 without"),
        URS_OPTION_DOUBLE("validation", "SHARE", &validation, 0.01, 0.9, "share of the first folder's pictures, by individual"),
        URS_OPTION_DOUBLE("test", "SHARE", &test, 0.01, 0.9, "the same for the test part, which training never looks at"),
        URS_OPTION_INT64("split-seed", "S", &split_seed, 1, 9007199254740992.0, "which individuals go where"),
        URS_OPTION_FLAG("no-augment", &o.no_augment, "pictures as they are"),
    };
    urs_train_begin(&a, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return code;
    }
    if (a.data.count == 0) {
        urs_text_release(&a.command);
        return urs_usage_error(&command, "--data is missing: a folder with one sub-folder an individual");
    }
    o.fit = urs_train_fit_options(&a);
    o.trees = (const char *const *)a.data.items;
    o.tree_count = a.data.count;
    o.init = a.init;
    o.side = a.side;
    o.embedding = embedding;
    o.per_class = per_class;
    o.centres = centres;
    o.margin = margin;
    o.scale = scale;
    o.trunk_lr_scale = trunk;
    o.validation = (float)validation;
    o.test = (float)test;
    o.split_seed = (uint64_t)split_seed;
    status = urs_embed_train(&o, &report, &err);
    return urs_train_end(&a, &command, status, &report, &err);
}
