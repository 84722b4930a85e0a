/* `ursid quantize embed`. */
#include "cli/cmd_quantize.h"

#include "base/memory.h"
#include "cli/embed_calibrate.h"
#include "stages/embed_train.h"
#include "stages/model_path.h"

#include <stdio.h>

static const urs_command command = {
    .name = "quantize embed",
    .summary = "the stage that tells bears apart, in int8",
    .help = "--data are folders as for `ursid train embed`, the target species first. The vector is brought to\n"
            "length 1 outside of the network, in float. P(same bear | cosine) is fitted again on the int8\n"
            "vectors of the validation chips.\n",
};

static urs_status train(const urs_quantize_arguments *a, const urs_embed_train_options *data, const urs_network *network, const char *path, urs_deploy *d, urs_error *err)
{
    urs_embed_train_options o = *data;
    urs_fit_report report;
    o.fit = urs_quantize_fit_options(a, d);
    o.arch = network->options.arch;
    o.init = path;
    o.embedding = network->options.embedding;
    o.trunk_lr_scale = 1;
    return urs_embed_train(&o, &report, err);
}

static urs_status quantize(const urs_quantize_arguments *a, urs_embed_train_options *data, urs_error *err)
{
    urs_network *network = NULL, *int8 = NULL;
    urs_quant_pictures pictures = {0};
    urs_quantize_report report = {0};
    urs_chips chips = {0};
    urs_deploy *d = NULL;
    urs_pool *pool = NULL;
    char *path = NULL;
    urs_status status = urs_pool_new(&pool, a->threads, err);
    if (status == URS_OK)
        status = urs_model_path(&path, "embed", a->model, err);
    if (status == URS_OK)
        status = urs_network_read(&network, path, "embed", err);
    if (status == URS_OK) {
        data->side = network->input.width;
        status = urs_embed_train_chips(&chips, data, pool, err);
    }
    if (status == URS_OK)
        status = urs_quantize_chips(&pictures, &chips, &network->input, (size_t)a->pictures, err);
    if (status == URS_OK)
        status = urs_quantize_prepare(&d, a, network, &pictures, &report, pool, err);
    if (status == URS_OK && a->qat > 0) {
        status = train(a, data, network, path, d, err);
        if (status == URS_OK)
            status = urs_quantize_reopen(&int8, a, network, &report, "embed", err);
    } else if (status == URS_OK)
        status = urs_quantize_finish(&int8, a, network, d, &report, err);
    if (status == URS_OK)
        status = urs_quantize_write(a, int8, err);
    data->fit.out = a->out;
    data->fit.threads = a->threads;
    if (status == URS_OK) /* reads the file, embeds the validation bears in int8, and writes its notes anew */
        status = urs_embed_calibrate(data, NULL, 0, err);
    urs_network_free(int8);
    urs_deploy_free(d);
    urs_network_free(network);
    urs_chips_release(&chips);
    urs_quant_pictures_release(&pictures);
    urs_pool_free(pool);
    urs_free(path);
    return status;
}

int urs_quantize_embed_main(int argc, char **argv)
{
    urs_quantize_arguments a = {.validation = 0.2, .test = 0.3};
    urs_embed_train_options data = {0};
    const urs_option options[] = {URS_QUANTIZE_OPTIONS(&a)};
    urs_error err = {0};
    int code;
    urs_quantize_begin(&a, argc, argv);
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        (void)urs_quantize_end(&a, &command, URS_OK, &err);
        return code;
    }
    if (a.data.count == 0) {
        (void)urs_quantize_end(&a, &command, URS_OK, &err);
        return urs_usage_error(&command, "--data is missing: a folder with one sub-folder an individual");
    }
    data.trees = (const char *const *)a.data.items;
    data.tree_count = a.data.count;
    data.validation = (float)a.validation;
    data.test = (float)a.test;
    data.split_seed = (uint64_t)a.split_seed;
    return urs_quantize_end(&a, &command, quantize(&a, &data, &err), &err);
}
