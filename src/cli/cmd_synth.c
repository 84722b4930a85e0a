/* ursid synth: renders camera-trap scenes with ground truth. */
#include "cli/cancel.h"
#include "cli/option.h"
#include "synth/synth.h"

#include <stdio.h>

extern const urs_command urs_cmd_synth;

static int run(int argc, char **argv)
{
    const char *out = NULL, *size = "1280x960";
    bool chips = false, json_progress = false, quiet = false;
    int frames = 60, bears = 6, cameras = 4, chip_side = 224, code;
    int64_t seed = 1;
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("out", "DIR", &out, "folder for the scenes; files of the same names are replaced"),
        URS_OPTION_INT("frames", "N", &frames, 1, 1000000, "frames in all"),
        URS_OPTION_INT("bears", "N", &bears, 1, 999, "individual bears"),
        URS_OPTION_INT("cameras", "N", &cameras, 1, 99, "cameras, each with its own place"),
        URS_OPTION_INT64("seed", "S", &seed, 0, 9007199254740991.0, "another world for another number"),
        URS_OPTION_TEXT("size", "WxH", &size, "size of a frame in pixels, 160 to 4096 a side"),
        URS_OPTION_FLAG("chips", &chips, "also write the heads, cut out and aligned, to DIR/chips/BEAR/"),
        URS_OPTION_INT("chip-side", "N", &chip_side, 16, 1024, "side of a chip in pixels"),
        URS_OPTION_FLAG("json-progress", &json_progress, "progress on stderr as JSON, one object a line"),
        URS_OPTION_FLAG("quiet", &quiet, "no progress"),
    };
    urs_synth_options how = {.cancelled = urs_cancel_asked};
    urs_synth_counts n;
    urs_error err = {0};

    if (!urs_options_parse(&urs_cmd_synth, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (!urs_parse_size(size, URS_SYNTH_SIDE_MAX, &how.width, &how.height) || how.width < URS_SYNTH_SIDE_MIN || how.height < URS_SYNTH_SIDE_MIN)
        return urs_usage_error(&urs_cmd_synth, "option --size must be like 1280x960, each side from %d to %d, but got '%s'", URS_SYNTH_SIDE_MIN, URS_SYNTH_SIDE_MAX, size);
    how.frames = frames;
    how.bears = bears;
    how.cameras = cameras;
    how.seed = (uint64_t)seed;
    how.chips = chips;
    how.chip_side = chip_side;
    how.progress = quiet ? URS_PROGRESS_NONE : json_progress ? URS_PROGRESS_JSON : URS_PROGRESS_AUTO;
    urs_cancel_install();
    if (urs_synth_run(out, &how, &n, &err) != URS_OK)
        return urs_command_error(&urs_cmd_synth, &err);
    (void)printf("%s: %d frames in %d events: %d with bears (%d heads), %d with other animals, %d empty; %d infra-red\n", out, n.frames, n.events, n.bear, n.heads, n.animal,
                 n.empty, n.infrared);
    return URS_EXIT_OK;
}

const urs_command urs_cmd_synth = {
    .name = "synth",
    .summary = "render camera-trap scenes with full ground truth",
    .help = "Draws frames of several cameras: day and infra-red night, bursts with empty frames in them, bears that\n"
            "can be told apart, deer, foxes and boars. Beside the pictures come manifest.csv (class, camera, time, event,\n"
            "bear), head boxes, eye and nose points, masks, and data.yaml. The same options give the same files.\n"
            "They serve to try the program without data; they are no substitute for photographs.\n"
            "\n"
            "Example:\n"
            "  ursid synth --out scenes --frames 200 --bears 8 --seed 7 --chips\n",
    .run = run,
};
