/* `ursid model import`: published weights into our own file. */
#include "cli/cmd_model.h"

#include "base/memory.h"
#include "cli/option.h"
#include "image/decode.h"
#include "models/import.h"
#include "stages/network.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PICTURES 32 /* for the statistics of norms: a training pass over them at once must fit into a laptop */

static const urs_command command = {
    .name = "model import",
    .summary = "published weights as a file of ours",
    .help = "SRC is a PyTorch .pth/.pt file with a state_dict, a safetensors file, Keras weights (.h5, .weights.h5, .keras) of MobileNetV3,\n"
            "or a TFLite file with float32 weights; its names (torchvision's,\n"
            "EfficientNet-PyTorch's, timm's, Ultralytics', Keras') or, for TFLite, the order of its layers must be those of ARCH.\n"
            "TFLite files have their batch norms folded away. The import then computes the same outputs, but trains badly from there, because training\n"
            "norms by statistics that the file no longer has: with --images they are measured on photographs, without changing the outputs.\n"
            "An int8 TFLite file (--out F.tflite, without --arch) keeps its operators and numbers: it is checked and written anew.\n"
            "\n"
            "Examples:\n"
            "  ursid model import efficientnet-lite0-57934424.pth --arch efficientnet_lite0 --out lite0.safetensors\n"
            "  ursid model import embedder.tflite --arch mobilenet_v3_small_075 --images frames/ --out small.safetensors\n",
};

static urs_status load_picture(float *out, const char *path, const urs_input_format *format, urs_error *err)
{
    const urs_decode_options decode = {.min_width = format->width, .min_height = format->height};
    urs_photo photo = {0};
    urs_status status = urs_photo_read(&photo, path, &decode, err);
    if (status == URS_OK)
        status = urs_image_to_tensor(out, &photo.image, format, NULL, err);
    urs_photo_release(&photo);
    return status;
}

/* Up to PICTURES photographs from all over the folder; broken ones are passed over. */
static urs_status load_pictures(float **out, int32_t *count, const char *folder, const urs_input_format *format, urs_error *err)
{
    const size_t size = (size_t)3 * (size_t)format->width * (size_t)format->height;
    urs_names names = {0};
    float *pictures = NULL;
    int32_t n = 0;
    size_t wanted;
    urs_status status = urs_folder_list(&names, folder, urs_photo_has_extension, err);
    if (status != URS_OK)
        return status;
    wanted = names.count < PICTURES ? names.count : PICTURES;
    pictures = urs_array_new(wanted * size, sizeof *pictures);
    if (!pictures) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", wanted);
        goto done;
    }
    for (size_t i = 0; i < wanted; i++) {
        urs_error broken = {0};
        if (load_picture(pictures + (size_t)n * size, names.items[i * names.count / wanted], format, &broken) == URS_OK)
            n++;
        else
            (void)fprintf(stderr, "ursid model import: %s\n", broken.message);
    }
    if (n < 2) {
        status = urs_fail(err, URS_EINVAL, "'%s' has %d readable photographs; measuring needs at least 2", folder, (int)n);
        goto done;
    }
    *out = pictures;
    *count = n;
    pictures = NULL;
done:
    urs_free(pictures);
    urs_names_release(&names);
    return status;
}

static urs_status measure(urs_network *network, const char *folder, urs_error *err)
{
    urs_model_options still = network->options;
    urs_graph *graph = NULL;
    float *pictures = NULL;
    int32_t n = 0;
    urs_status status;
    still.dropout = still.drop_path = -1; /* the same parameters, nothing random */
    status = urs_model_build(&graph, &still, err);
    if (status == URS_OK)
        status = load_pictures(&pictures, &n, folder, &network->input, err);
    if (status == URS_OK)
        status = urs_import_measure_norms(graph, network->params, pictures, n, NULL, err);
    urs_free(pictures);
    urs_graph_free(graph);
    return status;
}

static urs_status set_notes(urs_network *network, const urs_weights *w, const char *source, const char *how, const char *licence, urs_error *err)
{
    urs_status status = URS_OK;
    json_t *name;
    for (size_t i = 0; i < urs_weights_metadata_count(w) && status == URS_OK; i++) {
        const char *key, *value;
        urs_weights_metadata_at(w, i, &key, &value);
        status = urs_network_set_note(network, key, value, err);
    }
    if (status == URS_OK && !urs_weights_metadata(w, "ursid.stage"))
        status = urs_network_set_note(network, "ursid.stage", "", err);
    name = json_string(urs_path_base(source)); /* a file name may hold any bytes, metadata only UTF-8 */
    if (status == URS_OK && name)
        status = urs_network_set_note(network, "ursid.source", json_string_value(name), err);
    json_decref(name);
    if (status == URS_OK)
        status = urs_network_set_note(network, "ursid.import", how, err);
    if (status == URS_OK && licence)
        status = urs_network_set_note(network, "ursid.licence", licence, err);
    return status;
}

int urs_model_import_main(int argc, char **argv)
{
    const char *arch = NULL, *out = NULL, *images = NULL, *licence = NULL;
    bool half = false;
    urs_arguments source = {0};
    const urs_option options[] = {
        URS_OPTION_TEXT("arch", "ARCH", &arch, "architecture that float weights are for; `ursid model info` lists them"),
        URS_OPTION_OUTPUT_REQUIRED("out", "F", &out, "file to write: F.safetensors, or F.tflite for an int8 network"),
        URS_OPTION_TEXT("images", "DIR", &images, "photographs to measure the statistics of batch norms on, for TFLite"),
        URS_OPTION_TEXT("licence", "TEXT", &licence, "licence of the weights, to go into the file"),
        URS_OPTION_FLAG("half", &half, "16-bit floats"),
        URS_OPTION_REST("SRC", &source, 1, 1, "weight file"),
    };
    urs_model_options model = {0};
    urs_import_report report = {0};
    urs_weights *w = NULL;
    urs_network *network = NULL;
    urs_error err = {0};
    urs_status status;
    int code;

    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (urs_path_has_extension(out, "tflite"))
        return urs_model_import_int8(source.items[0], out, licence, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    if (!arch)
        return urs_usage_error(&command, "--arch is needed for float weights");
    if (!urs_arch_find(arch))
        return urs_usage_error(&command, "there is no architecture '%s'", arch);
    status = urs_import_read(&w, &model, source.items[0], arch, &report, &err);
    if (status == URS_OK)
        status = urs_network_new(&network, &model, 0, &err);
    if (status == URS_OK)
        status = urs_weights_load_into(network->graph, network->params, w, NULL, NULL, &err);
    if (status == URS_OK && images)
        status = measure(network, images, &err);
    if (status == URS_OK)
        status = set_notes(network, w, source.items[0], report.how, licence, &err);
    if (status == URS_OK)
        status = urs_network_write(network, out, half, &err);
    if (status == URS_OK) {
        (void)printf("%s: %d parameters of %s, matched %s\n", out, (int)report.load.loaded, arch, report.how);
        if (report.load.sentence[0])
            (void)fprintf(stderr, "ursid model import: %s\n", report.load.sentence);
        if (!images && strcmp(report.how, "in order") == 0)
            (void)fprintf(stderr, "ursid model import: the batch norms of the file are folded away; give --images DIR if you want to train from these weights\n");
    }
    urs_weights_free(w);
    urs_network_free(network);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
}
