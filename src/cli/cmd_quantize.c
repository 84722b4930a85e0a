/* `ursid quantize sift|find|embed`: hands over to the stage; what they share. */
#include "cli/cmd_quantize.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/cancel.h"
#include "cli/subcommand.h"
#include "interchange/html_page.h"
#include "quant/sensitivity.h"
#include "stages/model_path.h"

#include <stdio.h>
#include <string.h>

#define SENSITIVITY_PICTURES 16

extern const urs_command urs_cmd_quantize;

void urs_quantize_begin(urs_quantize_arguments *a, int argc, char **argv)
{
    a->pictures = 256;
    a->split_seed = a->seed = 1;
    a->percentile = 99.99;
    urs_cancel_install();
    urs_text_add(&a->command, "ursid quantize");
    for (int i = 0; i < argc; i++) {
        urs_text_add(&a->command, " ");
        urs_text_add(&a->command, argv[i]);
    }
}

static urs_quantize_options options_of(const urs_quantize_arguments *a)
{
    urs_quantize_options o = {.equalise = a->equalise, .adaround = a->adaround, .bias_correction = a->bias_correction, .calibrate = {.percentile = a->percentile}};
    for (int i = 0; a->observer && i < URS_OBSERVER_COUNT; i++)
        if (strcmp(a->observer, urs_observer_name((urs_observer)i)) == 0)
            o.calibrate.observer = (urs_observer)i;
    return o;
}

/* Tables and plots of the layers, on the first pictures. */
static urs_status report_layers(const urs_quantize_arguments *a, urs_deploy *d, const urs_network *network, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err)
{
    urs_quant_pictures few = *pictures;
    urs_sensitivity s = {0};
    urs_text text = {0}, plots = {0}, page = {0};
    urs_status status;
    few.count = few.count < SENSITIVITY_PICTURES ? few.count : SENSITIVITY_PICTURES;
    status = urs_sensitivity_measure(&s, d, network->params, &few, pool, err);
    if (status == URS_OK) {
        urs_sensitivity_text(&s, &text);
        urs_sensitivity_plot(&s, &plots);
        urs_html_begin(&page, "Quantisation, layer by layer", network->options.arch, NULL);
        urs_text_add(&page, "<pre>");
        urs_text_html(&page, urs_text_string(&text));
        urs_text_add(&page, "</pre>\n<div class=\"tiles\">\n");
        urs_text_add(&page, urs_text_string(&plots));
        urs_text_add(&page, "</div>\n");
        urs_html_end(&page);
        status = urs_text_ok(&page) && urs_text_ok(&text) && urs_text_ok(&plots) ? urs_file_write(a->report, urs_text_string(&page), page.length, err)
                                                                                 : urs_fail(err, URS_ENOMEM, "no memory for the report");
        (void)fputs(urs_text_string(&text), stdout);
    }
    urs_sensitivity_release(&s);
    urs_text_release(&text);
    urs_text_release(&plots);
    urs_text_release(&page);
    return status;
}

static urs_status prepare(urs_deploy **out, const urs_quantize_arguments *a, const urs_network *network, const urs_quant_pictures *pictures, urs_quantize_report *report, urs_pool *pool, urs_error *err)
{
    const urs_quantize_options options = options_of(a);
    urs_deploy *d = NULL;
    urs_status status;
    status = urs_deploy_new(&d, network->graph, &network->input, err);
    if (status == URS_OK)
        status = urs_quantize_deploy(d, network->params, pictures, &options, report, pool, err);
    if (status == URS_OK) {
        (void)printf("%d convolutions, %d ranges of values from %zu pictures (%s)\n", (int)report->convolutions, (int)report->groups, report->pictures, urs_observer_name(options.calibrate.observer));
        if (options.equalise)
            (void)printf("equalised: %d pairs of convolutions\n", (int)report->equalised);
        if (options.adaround)
            (void)printf("rounded the other way: %lld of %lld weights; error of the layers %.3g, by nearest %.3g\n", (long long)report->flipped, (long long)report->weights, report->rounding_after,
                         report->rounding_before);
    }
    if (status == URS_OK && a->report)
        status = report_layers(a, d, network, pictures, pool, err);
    if (status == URS_OK)
        *out = d;
    else
        urs_deploy_free(d);
    return status;
}

urs_fit_options urs_quantize_fit_options(const urs_quantize_arguments *a, urs_deploy *d)
{
    return (urs_fit_options){.out = a->out, .epochs = a->qat, .batch = a->batch, .threads = a->threads, .seed = (uint64_t)a->seed, .lr = a->lr, .cancelled = urs_cancel_asked,
                             .command = urs_text_string(&a->command), .quiet = a->quiet, .qat = d, .qat_ema = a->qat_steps && strcmp(a->qat_steps, "ema") == 0};
}

/* The int8 network, of d or of what a training wrote; with a note of how it came about. */
static urs_status open_int8(urs_network **out, const urs_quantize_arguments *a, const char *stage, const urs_network *network, const urs_deploy *d, const urs_quantize_report *report, urs_error *err)
{
    const urs_quantize_options options = options_of(a);
    urs_network *n = NULL;
    urs_status status = a->qat > 0 ? urs_network_read(&n, a->out, stage, err) : urs_network_from_deploy(&n, network, d, NULL, err);
    if (status == URS_OK)
        status = urs_quantize_note(n, network, &options, report, a->qat, urs_text_string(&a->command), err);
    if (status == URS_OK)
        *out = n;
    else
        urs_network_free(n);
    return status;
}

urs_status urs_quantize_run(const urs_quantize_arguments *a, const urs_quantize_stage *stage, urs_error *err)
{
    urs_network *network = NULL, *int8 = NULL;
    urs_quant_pictures pictures = {0};
    urs_quantize_report report = {0};
    urs_deploy *d = NULL;
    urs_pool *pool = NULL;
    char *path = NULL;
    urs_status status = urs_pool_new(&pool, a->threads, err);
    if (status == URS_OK)
        status = urs_model_path(&path, stage->name, a->model, err);
    if (status == URS_OK)
        status = urs_network_read(&network, path, stage->name, err);
    if (status == URS_OK && network->int8)
        status = urs_fail(err, URS_EINVAL, "the weights are int8 already; give the float ones");
    if (status == URS_OK)
        status = stage->pictures(stage->context, &pictures, network, pool, err);
    if (status == URS_OK)
        status = prepare(&d, a, network, &pictures, &report, pool, err);
    urs_quant_pictures_release(&pictures);
    if (status == URS_OK && a->qat > 0)
        status = stage->train(stage->context, network, path, d, err);
    if (status == URS_OK)
        status = open_int8(&int8, a, stage->name, network, d, &report, err);
    if (status == URS_OK && stage->thresholds)
        status = stage->thresholds(stage->context, int8, network, pool, err);
    if (status == URS_OK)
        status = urs_network_write_int8(int8, a->out, err);
    if (status == URS_OK)
        (void)printf("wrote '%s': %.1f MB, %s\n", a->out, (double)urs_int8_graph_constant_bytes(int8->int8) / 1e6, urs_network_note(int8, "ursid.thresholds"));
    urs_network_free(int8);
    urs_deploy_free(d);
    urs_network_free(network);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_quantize_end(urs_quantize_arguments *a, const urs_command *command, urs_status status, const urs_error *err)
{
    urs_names_release(&a->data);
    urs_text_release(&a->command);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(command, err);
}

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"sift", "the stage that throws away empty frames, in int8", urs_quantize_sift_main},
        {"find", "the stage that finds heads, in int8", urs_quantize_find_main},
        {"embed", "the stage that tells bears apart, in int8", urs_quantize_embed_main},
    };
    return urs_verbs_run(&urs_cmd_quantize, verbs, URS_COUNT(verbs), argc, argv);
}

const urs_command urs_cmd_quantize = {
    .name = "quantize",
    .summary = "make int8 weights of float ones, for boards and NPUs",
    .help = "Ranges of all values are measured on pictures of the training part; thresholds are fitted again on\n"
            "int8 scores. W8.tflite is what `ursid`, TensorFlow Lite and Vela read alike.\n"
            "\n"
            "Examples:\n"
            "  ursid quantize sift --data manifest.csv --bias-correction --out sift8.tflite\n"
            "  ursid quantize find --data labelled/ --report layers.html --out find8.tflite\n"
            "  ursid quantize embed --data chips/ --qat 3 --out embed8.tflite\n"
            "  ursid eval sift --data manifest.csv --part validation --model sift.safetensors --beside sift8.tflite\n",
    .run = run,
};
