/* `ursid sift`: empty, animal or bear, for every frame. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/cancel.h"
#include "cli/photo_run.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_sift;

typedef struct sift_counts {
    size_t frames[URS_FRAME_CLASSES];
} sift_counts;

static urs_status row(void *context, urs_chain_result *result, urs_result_image *image, urs_text *line, urs_error *err)
{
    const float *p = result->sift.probability;
    (void)context;
    (void)image;
    (void)err;
    urs_text_format(line, "%-6s  %6.3f  %6.3f  %6.3f", urs_frame_class_name(result->sift.verdict), (double)p[URS_FRAME_EMPTY], (double)p[URS_FRAME_ANIMAL],
                    (double)p[URS_FRAME_BEAR]);
    return URS_OK;
}

static void count(void *context, const urs_result_image *image)
{
    sift_counts *counts = context;
    for (int32_t c = 0; image->frame_class && c < URS_FRAME_CLASSES; c++)
        counts->frames[c] += strcmp(image->frame_class, urs_frame_class_name(c)) == 0;
}

static void summary(void *context, urs_text *line)
{
    const sift_counts *c = context;
    urs_text_format(line, "%zu empty, %zu animal, %zu bear", c->frames[URS_FRAME_EMPTY], c->frames[URS_FRAME_ANIMAL], c->frames[URS_FRAME_BEAR]);
}

static int run_with(const urs_photo_arguments *a, const char *model, urs_chain *chain)
{
    const urs_network *network = urs_chain_network(chain, "sift");
    const urs_sift_thresholds *t = urs_chain_sift_thresholds(chain);
    urs_result_info info = {0};
    urs_text key = {0};
    sift_counts counts = {0};
    urs_error err = {0};
    int code;
    urs_status status = urs_result_set_text(&info.classifier, urs_path_base(model), &err);
    if (status == URS_OK)
        status = urs_names_add(&info.detection_categories, "animal", &err);
    urs_text_format(&key, "sift %s bear %g animal %g", network->fingerprint, t->bear, t->animal);
    if (status == URS_OK && !urs_text_ok(&key))
        status = urs_fail(&err, URS_ENOMEM, "no memory");
    if (status == URS_OK) {
        const urs_photo_run run = {.command = &urs_cmd_sift, .arguments = a, .verb = "sifting", .columns = "frame    empty  animal    bear", .key = urs_text_string(&key),
                                   .info = &info, .context = &counts, .row = row, .count = count, .summary = summary};
        code = urs_photo_run_all(&run, chain);
    } else {
        code = urs_command_error(&urs_cmd_sift, &err);
    }
    urs_text_release(&key);
    urs_result_info_release(&info);
    return code;
}

static int run(int argc, char **argv)
{
    urs_photo_arguments a = {0};
    const char *model = NULL;
    double bear = 0, animal = 0;
    const urs_option options[] = {
        URS_PHOTO_OPTIONS(&a),
        URS_OPTION_TEXT("model", "W", &model, "weights of sift, or of find as a filter for bears; default: those that came with the program"),
        URS_OPTION_DOUBLE("bear", "P", &bear, 0, 1, "least probability of a bear to call the frame so; 0: what the weights say"),
        URS_OPTION_DOUBLE("animal", "P", &animal, 0, 1, "least probability of any animal to call the frame not empty; 0: what the weights say"),
    };
    urs_engine_choice engine = {.command = urs_cmd_sift.name};
    urs_chain_options o = {0};
    urs_chain *chain = NULL;
    char *path = NULL;
    urs_error err = {0};
    int code;
    urs_status status;

    if (!urs_options_parse(&urs_cmd_sift, options, URS_COUNT(options), argc, argv, &code))
        return code;
    urs_cancel_install();
    engine.word = a.engine;
    engine.quiet = a.quiet;
    urs_engine_choose(&o, &engine);
    status = urs_engine_model_path(&path, "sift", model, &engine, &err);
    if (status == URS_OK && a.backend)
        status = urs_backend_find(&o.backend, a.backend, &err);
    o.sift = path;
    o.threads = a.threads;
    o.sift_thresholds = (urs_sift_thresholds){.bear = bear, .animal = animal};
    if (status == URS_OK)
        status = urs_chain_open(&chain, &o, &err);
    code = status == URS_OK ? run_with(&a, path, chain) : urs_command_error(&urs_cmd_sift, &err);
    urs_chain_free(chain);
    urs_free(path);
    return code;
}

const urs_command urs_cmd_sift = {
    .name = "sift",
    .summary = "tell empty frames, other animals and bears apart",
    .help = "Looks at every photograph and says whether it is empty, shows an animal, or shows a bear, with the\n"
            "probabilities of the three. A table goes to stdout, with --out the results also to a file that other\n"
            "programs for camera traps open. A file that cannot be read is listed at the end.\n"
            "\n"
            "Examples:\n"
            "  ursid sift /media/card1\n"
            "  ursid sift /media/card1 --out card1.json --bear 0.2\n",
    .run = run,
};
