/* `ursid train find`. */
#include "cli/cmd_train.h"

#include "stages/find_train.h"

static const urs_command command = {
    .name = "train find",
    .summary = "train the stage that finds heads",
    .help = "--data is a set with labelled heads: a folder with labels/ and masks/, a YOLO data.yaml, or an\n"
            "imglab XML. The first one is split into training, validation and test; further ones only train.\n"
            "--backgrounds names a frame manifest whose empty frames serve to paste cut-out animals on.\n",
};

int urs_train_find_main(int argc, char **argv)
{
    urs_train_arguments a = {0};
    urs_find_train_options o = {0};
    urs_fit_report report = {0};
    urs_error err = {0};
    double validation = 0.15, test = 0.2, paste = 0, empty = 0, mosaic = 0;
    int code, close_mosaic = 10, repeat = 1;
    int64_t split_seed = 1;
    urs_status status;
    const urs_option options[] = {
        URS_TRAIN_OPTIONS(&a),
        URS_OPTION_TEXT("arch", "NAME", &o.arch, "yolov8n-seg, yolov8n, or for int8 yolov8n-seg-hs, yolov8n-hs"),
        URS_OPTION_TEXT("backgrounds", "MANIFEST", &o.backgrounds, "empty frames"),
        URS_OPTION_TEXT("together", "GROUPS", &o.together, "same-scene pictures: \"bear081,bear095;bear171,bear199\""),
        URS_OPTION_DOUBLE("paste", "P", &paste, -1, 1, "share of pictures pasted on backgrounds; 0: 0.3, below 0: none"),
        URS_OPTION_DOUBLE("empty", "P", &empty, -1, 1, "share of mosaic tiles without animals; 0: 0.1, below 0: none"),
        URS_OPTION_DOUBLE("mosaic", "P", &mosaic, -1, 1, "share of pictures put together from four; 0: 1, below 0: none"),
        URS_OPTION_FLAG("no-quality", &o.no_quality, "without grey, infra-red-like, blurred and recompressed pictures"),
        URS_OPTION_INT("close-mosaic", "N", &close_mosaic, 1, 1000, "last epochs without mosaic"),
        URS_OPTION_INT("repeat", "N", &repeat, 1, 1000, "how often a photograph comes in an epoch"),
        URS_OPTION_DOUBLE("validation", "SHARE", &validation, 0.01, 0.9, "share of the photographs"),
        URS_OPTION_DOUBLE("test", "SHARE", &test, 0.01, 0.9, "the same for the test part, which training never looks at"),
        URS_OPTION_INT64("split-seed", "S", &split_seed, 1, 9007199254740992.0, "which photographs go where"),
    };
    urs_train_begin(&a, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.data);
        urs_text_release(&a.command);
        return code;
    }
    if (a.data.count == 0) {
        urs_text_release(&a.command);
        return urs_usage_error(&command, "--data is missing: a set with labelled heads");
    }
    o.fit = urs_train_fit_options(&a);
    o.data = (const char *const *)a.data.items;
    o.data_count = a.data.count;
    o.init = a.init;
    o.side = a.side;
    o.close_mosaic = close_mosaic;
    o.repeat = repeat;
    o.paste = paste;
    o.empty = empty;
    o.mosaic = mosaic;
    o.validation = (float)validation;
    o.test = (float)test;
    o.split_seed = (uint64_t)split_seed;
    status = urs_find_train(&o, &report, &err);
    return urs_train_end(&a, &command, status, &report, &err);
}
