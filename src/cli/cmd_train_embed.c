/* `ursid train embed`. */
#include "cli/cmd_train.h"

#include "base/memory.h"
#include "cli/embed_calibrate.h"
#include "stages/embed_loss.h"

#include <string.h>

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
    double validation = 0.2, test = 0.3, hold = 0, share = 0, trunk = 0, margin = 0, scale = 0;
    const char *calibrate_with = NULL;
    bool calibrate_only = false;
    double max_error = 0;
    int code, embedding = 256, per_class = 4, centres = 1;
    int64_t split_seed = 1;
    urs_status status;
    const urs_option options[] = {
        URS_TRAIN_OPTIONS(&a),
        URS_OPTION_TEXT("arch", "NAME", &o.arch, "trunk: efficientnet_lite0, mobilenet_v3_small, mobilenet_v3_small_075, convnext_tiny, convnext_tiny_npu, resnet50, efficientnet_v2_s or swin_tiny (sides of 224)"),
        URS_OPTION_INT("embedding", "D", &embedding, 8, 4096, "length of the vectors"),
        URS_OPTION_INT("per-individual", "K", &per_class, 2, 64, "pictures of one individual in a batch"),
        URS_OPTION_INT("centres", "K", &centres, 1, 16, "ArcFace sub-centres of an individual"),
        URS_OPTION_CHOICE("loss", URS_EMBED_LOSSES, &o.loss, "arcface if not given"),
        URS_OPTION_CHOICE("miner", URS_EMBED_MINERS, &o.miner, "which pairs of a batch count; none if not given"),
        URS_OPTION_DOUBLE("margin", "M", &margin, 0.001, 10, "0.4 radians with arcface; 0.2 with triplet, 0.4 with circle, 0.04 with contrastive"),
        URS_OPTION_DOUBLE("scale", "S", &scale, 1, 512, "32 with arcface, 256 with circle"),
        URS_OPTION_DOUBLE("trunk-lr", "FACTOR", &trunk, 0, 10, "rate of the trunk relative to the head; 0: 0.3 with --init, 1 without"),
        URS_OPTION_DOUBLE("validation", "SHARE", &validation, 0.01, 0.9, "share of the first folder's pictures, by individual"),
        URS_OPTION_DOUBLE("test", "SHARE", &test, 0.01, 0.9, "the same for the test part, which training never looks at"),
        URS_OPTION_INT64("split-seed", "S", &split_seed, 1, 9007199254740992.0, "which individuals go where"),
        URS_OPTION_INT("folds", "K", &o.folds, 0, 100, "cross-validation: the individuals outside of the test part are dealt into K folds"),
        URS_OPTION_INT("fold", "F", &o.fold, 0, 100, "fold that validates, 1 to K; 0: all of them train"),
        URS_OPTION_DOUBLE("hold-others", "SHARE", &hold, 0, 0.9, "individuals of the further folders that validate instead of training"),
        URS_OPTION_DOUBLE("train-share", "SHARE", &share, 0, 1, "of the individuals that train, the others are left out; 0: all"),
        URS_OPTION_FLAG("regions", &o.regions, "the embedding also sees a coarse grid of the middle of the trunk"),
        URS_OPTION_FLAG("head-only", &o.head_only, "the trunk stays as in --init; only the head is made, in closed form"),
        URS_OPTION_DOUBLE("blend", "SHARE", &o.blend, 0, 1, "of the trained trunk in the result, the rest is --init's, and the head is made again; 0: only trained"),
        URS_OPTION_FLAG("no-augment", &o.no_augment, "pictures as they are"),
        URS_OPTION_TEXT("calibrate-with", "W{}", &calibrate_with, "with --folds: fit it on all folds, each embedded by the weights of its number"),
        URS_OPTION_DOUBLE("max-error", "SHARE", &max_error, 0, 0.5, "set the band of \"unsure\" so that at most this share of the verdicts is wrong on the validation bears; 0: 0.1"),
        URS_OPTION_FLAG("calibrate-only", &calibrate_only, "no training: only fit the probability of \"same bear\" again and store it in --out"),
    };
    urs_train_begin(&a, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return code;
    }
    if (calibrate_with && o.folds == 0) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return urs_usage_error(&command, "--calibrate-with needs --folds");
    }
    if (calibrate_with && !strstr(calibrate_with, "{}")) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return urs_usage_error(&command, "--calibrate-with needs {} where the number of the fold stands: one file knows the bears of all folds but one");
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
    o.hold = (float)hold;
    o.train_share = (float)share;
    o.split_seed = (uint64_t)split_seed;
    status = calibrate_only ? URS_OK : urs_embed_train(&o, &report, &err);
    if (status == URS_OK)
        status = urs_embed_calibrate(&o, calibrate_with, max_error, &err);
    if (status == URS_OK && calibrate_only) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return URS_EXIT_OK;
    }
    return urs_train_end(&a, &command, status, &report, &err);
}
