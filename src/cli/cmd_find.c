/* `ursid find`: heads with boxes, masks and chips. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/cancel.h"
#include "cli/given_boxes.h"
#include "cli/photo_run.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_find;

#define SCORES_SHOWN 8

typedef struct find_settings {
    const char *chips;  /* folder; NULL: none */
    int side;
    bool background;
    urs_given_boxes *boxes; /* owned by the command; NULL: none */
    size_t heads, with_heads, passed_over, given;
} find_settings;

static urs_status row(void *context, urs_chain_result *r, urs_result_image *image, urs_text *line, urs_error *err)
{
    find_settings *s = context;
    urs_status status = URS_OK;
    for (size_t i = 0; s->chips && status == URS_OK && i < r->head_count; i++)
        status = urs_chip_write(s->chips, image->file, i, &r->heads[i].chip, err);
    if (r->has_sift)
        urs_text_format(line, "%-6s  ", urs_frame_class_name(r->sift.verdict));
    if (!r->searched)
        urs_text_add(line, "    -");
    else
        urs_text_format(line, "%5zu ", r->head_count);
    for (size_t i = 0; i < r->head_count && i < SCORES_SHOWN; i++)
        urs_text_format(line, " %.2f", (double)r->heads[i].found.score);
    if (r->head_count > SCORES_SHOWN)
        urs_text_add(line, " ...");
    return status;
}

static void count(void *context, const urs_result_image *image)
{
    find_settings *s = context;
    s->heads += image->count;
    s->with_heads += image->count > 0;
    s->passed_over += image->frame_class && strcmp(image->frame_class, urs_frame_class_name(URS_FRAME_EMPTY)) == 0;
}

static urs_status listed(void *context, const urs_names *files, urs_error *err)
{
    find_settings *s = context;
    return s->boxes ? urs_given_boxes_check(s->boxes, files, &s->given, err) : URS_OK;
}

static void summary(void *context, urs_text *line)
{
    const find_settings *s = context;
    urs_text_format(line, "%zu head%s in %zu of them", s->heads, s->heads == 1 ? "" : "s", s->with_heads);
    if (s->boxes)
        urs_text_format(line, "; boxes were given for %zu", s->given);
    if (s->passed_over)
        urs_text_format(line, "; %zu empty and not searched", s->passed_over);
}

static int run_with(const urs_photo_arguments *a, const char *find, const char *sift, find_settings *settings, urs_chain *chain)
{
    const urs_find_options *in_force = urs_chain_find_settings(chain);
    const urs_network *network = urs_chain_network(chain, "find"), *sieve = urs_chain_network(chain, "sift");
    urs_result_info info = {.typical_threshold = (double)in_force->score, .conservative_threshold = (double)in_force->score};
    urs_text key = {0};
    urs_error err = {0};
    int code;
    urs_status status = urs_result_set_text(&info.detector, urs_path_base(find), &err);
    if (status == URS_OK && sieve)
        status = urs_result_set_text(&info.classifier, urs_path_base(sift), &err);
    if (status == URS_OK)
        status = urs_photo_classes(&info.detection_categories, network, "bear head", &err);
    urs_text_format(&key, "find %s score %g iou %g most %d", network->fingerprint, (double)in_force->score, (double)in_force->iou, (int)in_force->max_detections);
    if (sieve)
        urs_text_format(&key, " sift %s bear %g animal %g", sieve->fingerprint, urs_chain_sift_thresholds(chain)->bear,
                        urs_chain_sift_thresholds(chain)->animal);
    if (settings->boxes) {
        urs_text_add(&key, " ");
        urs_given_boxes_describe(settings->boxes, &key);
    }
    if (settings->chips)
        urs_text_format(&key, " chips %d%s %s", settings->side, settings->background ? " with background" : "", settings->chips);
    if (status == URS_OK && !urs_text_ok(&key))
        status = urs_fail(&err, URS_ENOMEM, "no memory");
    if (status == URS_OK) {
        const urs_photo_run run = {.command = &urs_cmd_find, .arguments = a, .verb = "finding", .columns = sieve ? "frame   heads  scores" : "heads  scores",
                                   .key = urs_text_string(&key), .info = &info, .context = settings, .row = row, .count = count, .listed = listed, .summary = summary};
        code = urs_photo_run_all(&run, chain);
    } else {
        code = urs_command_error(&urs_cmd_find, &err);
    }
    urs_text_release(&key);
    urs_result_info_release(&info);
    return code;
}

static int run(int argc, char **argv)
{
    urs_photo_arguments a = {0};
    const char *model = NULL, *sift_model = NULL, *boxes = NULL;
    find_settings settings = {.side = URS_CHIP_SIDE};
    double score = 0, iou = 0, box_score = 0;
    int most = 300;
    bool with_sift = false;
    const urs_option options[] = {
        URS_PHOTO_OPTIONS(&a),
        URS_OPTION_TEXT("chips", "DIR", &settings.chips, "also write every head as a picture of its own, background black"),
        URS_OPTION_INT("chip-side", "N", &settings.side, 16, 2048, "side of these pictures in pixels"),
        URS_OPTION_FLAG("background", &settings.background, "leave the background in these pictures"),
        URS_OPTION_TEXT("model", "W", &model, "weights; default: those that came with the program"),
        URS_OPTION_DOUBLE("score", "P", &score, 0, 1, "least score of a head; 0: what the weights say"),
        URS_OPTION_DOUBLE("iou", "P", &iou, 0, 1, "a head that overlaps a better one by more is dropped; 0: what the weights say"),
        URS_OPTION_INT("most", "N", &most, 1, 10000, "most heads in one photograph"),
        URS_GIVEN_BOXES_OPTIONS(&boxes, &box_score),
        URS_OPTION_FLAG("sift", &with_sift, "pass over frames that sift calls empty"),
        URS_OPTION_TEXT("sift-model", "W", &sift_model, "weights for --sift"),
    };
    urs_engine_choice engine = {.command = urs_cmd_find.name};
    urs_chain_options o = {0};
    urs_chain *chain = NULL;
    char *path = NULL, *sift_path = NULL;
    urs_error err = {0};
    int code;
    urs_status status;

    if (!urs_options_parse(&urs_cmd_find, options, URS_COUNT(options), argc, argv, &code))
        return code;
    urs_cancel_install();
    engine.word = a.engine;
    engine.quiet = a.quiet;
    urs_engine_choose(&o, &engine);
    status = urs_engine_model_path(&path, "find", model, &engine, &err);
    if (status == URS_OK && (with_sift || sift_model))
        status = urs_engine_model_path(&sift_path, "sift", sift_model, &engine, &err);
    if (status == URS_OK && a.backend)
        status = urs_backend_find(&o.backend, a.backend, &err);
    if (status == URS_OK && settings.chips)
        status = urs_folder_create(settings.chips, &err);
    if (status == URS_OK && boxes)
        status = urs_given_boxes_open(&settings.boxes, boxes, &a.paths, box_score, &err);
    if (settings.boxes) {
        o.regions = urs_given_boxes_regions;
        o.regions_context = settings.boxes;
    }
    o.find = path;
    o.sift = sift_path;
    o.threads = a.threads;
    o.no_chips = !settings.chips;
    o.chip_options = (urs_chip_options){.side = settings.side, .no_mask = settings.background};
    o.find_options = (urs_find_options){.score = (float)score, .iou = (float)iou, .max_detections = most};
    if (status == URS_OK)
        status = urs_chain_open(&chain, &o, &err);
    code = status == URS_OK ? run_with(&a, path, sift_path, &settings, chain) : urs_command_error(&urs_cmd_find, &err);
    urs_chain_free(chain);
    urs_given_boxes_free(settings.boxes);
    urs_free(path);
    urs_free(sift_path);
    return code;
}

const urs_command urs_cmd_find = {
    .name = "find",
    .summary = "find bear heads: boxes, masks and chips",
    .help = "Finds every bear head in the photographs: its box, its mask and a score. A table goes to stdout, with\n"
            "--out boxes and masks also to a file that other programs for camera traps open. With --chips every\n"
            "head is cut out of its background and written as a square picture, NAME-HASH_NUMBER.png.\n"
            "\n"
            "Examples:\n"
            "  ursid find photos/ --out heads.json\n"
            "  ursid find photos/ --chips heads/ --chip-side 300\n"
            "  ursid find /media/card1 --sift --out card1.json\n"
            "  ursid find /media/card1 --boxes megadetector.json --out card1.json     # only where it saw animals\n",
    .run = run,
};
