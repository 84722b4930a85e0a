/* `ursid model info`: what an architecture or a weight file is. Everything is gathered as one JSON object, which --json prints and the text is written from. */
#include "cli/cmd_model.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/int8_summary.h"
#include "cli/option.h"
#include "models/models.h"
#include "nn/weights.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_SHOWN 160 /* characters of a value in the text */

static const urs_command command = {
    .name = "model info",
    .summary = "parameters, multiply-adds, input and metadata of a network",
    .help = "ARCH is the name of an architecture, FILE a weight file of any kind that we read. For our own files both are told: the tensors\n"
            "and the network that they belong to.\n",
};

static json_t *input_json(const urs_input_format *f)
{
    static const char *const fits[] = {"stretch", "letterbox", "centre_crop"};
    static const char *const filters[] = {"bilinear", "nearest", "bicubic"};
    return json_pack("{s:i, s:i, s:s, s:s, s:[f,f,f], s:[f,f,f]}", "width", (int)f->width, "height", (int)f->height, "fit", fits[f->fit], "filter", filters[f->filter],
                     "mean", (double)f->mean[0], (double)f->mean[1], (double)f->mean[2], "std", (double)f->std[0], (double)f->std[1], (double)f->std[2]);
}

static json_t *outputs_json(const urs_graph *g)
{
    const urs_value *values;
    const int32_t n = urs_graph_outputs(g, &values);
    json_t *list = json_array();
    for (int32_t i = 0; i < n; i++) {
        const urs_dims d = urs_graph_dims(g, values[i]);
        (void)json_array_append_new(list, json_pack("{s:s, s:[I,I,I]}", "name", urs_graph_output_name(g, i), "shape", (json_int_t)d.c, (json_int_t)d.h, (json_int_t)d.w));
    }
    return list;
}

/* The network that the options mean. */
static urs_status network_json(json_t **out, const urs_model_options *options, urs_error *err)
{
    const urs_arch *arch = urs_arch_find(options->arch);
    urs_graph *g = NULL;
    urs_input_format input;
    char *text = NULL;
    urs_status status = urs_model_build(&g, options, err);
    if (status == URS_OK)
        status = urs_model_input_format(&input, options, err);
    if (status == URS_OK)
        status = urs_model_options_to_json(&text, options, err);
    if (status == URS_OK) {
        const int32_t fixed = options->classes >= 0 && options->embedding == 0 ? arch->fixed_params : 0;
        *out = json_pack("{s:s, s:s, s:I, s:I, s:i, s:o, s:o, s:o}", "arch", arch->name, "description", arch->description, "parameters",
                         (json_int_t)(urs_graph_param_count(g) + fixed), "multiply_adds", (json_int_t)urs_graph_macs(g), "classes", (int)options->classes, "input",
                         input_json(&input), "outputs", outputs_json(g), "options", json_loads(text, 0, NULL));
        if (!*out)
            status = urs_fail(err, URS_ENOMEM, "no memory to describe a network");
    }
    urs_graph_free(g);
    urs_free(text);
    return status;
}

static json_t *metadata_json(const urs_weights *w)
{
    json_t *object = json_object();
    for (size_t i = 0; i < urs_weights_metadata_count(w); i++) {
        const char *key, *value;
        urs_weights_metadata_at(w, i, &key, &value);
        (void)json_object_set_new(object, key, json_string(value));
    }
    return object;
}

/* Names in a .pth and of files may hold any bytes, JSON only UTF-8. */
static json_t *text_or_null(const char *s)
{
    json_t *text = json_string(s);
    return text ? text : json_null();
}

static json_t *tensors_json(const urs_weights *w)
{
    json_t *list = json_array();
    for (size_t i = 0; i < urs_weights_count(w); i++) {
        const urs_weight *t = urs_weights_at(w, i);
        json_t *shape = json_array();
        for (int32_t d = 0; d < t->rank; d++)
            (void)json_array_append_new(shape, json_integer(t->shape[d]));
        (void)json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "name", text_or_null(t->name), "dtype", urs_weight_type_name(t->stored), "shape", shape));
    }
    return list;
}

static urs_status file_json(json_t **out, const char *path, urs_error *err)
{
    urs_weights *w = NULL;
    urs_model_options options;
    char print[URS_WEIGHTS_FINGERPRINT];
    const char *model;
    json_int_t elements = 0;
    json_t *network = NULL;
    urs_status status = urs_weights_read(&w, path, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < urs_weights_count(w); i++)
        elements += (json_int_t)urs_weights_at(w, i)->count;
    urs_weights_fingerprint(w, print);
    model = urs_weights_metadata(w, "ursid.model");
    if (model)
        status = urs_model_options_from_json(&options, model, err);
    if (model && status == URS_OK)
        status = network_json(&network, &options, err);
    if (status == URS_OK) {
        *out = json_pack("{s:o, s:I, s:I, s:s, s:o, s:o}", "file", text_or_null(path), "tensor_count", (json_int_t)urs_weights_count(w), "elements", elements, "fingerprint", print,
                         "metadata", metadata_json(w), "tensors", tensors_json(w));
        if (!*out)
            status = urs_fail(err, URS_ENOMEM, "no memory to describe '%s'", path);
        else if (network)
            (void)json_object_set(*out, "network", network);
    } else {
        urs_error_prefix(err, "'%s': ", path);
    }
    json_decref(network);
    urs_weights_free(w);
    return status;
}

/* 2542856 -> "2,542,856" */
static const char *grouped(char out[32], json_int_t x)
{
    char digits[24];
    size_t at = 0;
    const size_t n = (size_t)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, x);
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static json_int_t integer(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static double number(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

static void print_network(const json_t *n)
{
    const json_t *input = json_object_get(n, "input"), *mean = json_object_get(input, "mean"), *std = json_object_get(input, "std");
    const json_t *outputs = json_object_get(n, "outputs"), *o;
    char text[32];
    size_t i;
    (void)printf("%s: %s\n", json_string_value(json_object_get(n, "arch")), json_string_value(json_object_get(n, "description")));
    (void)printf("  parameters     %s (%.1f MB as 32-bit, %.1f MB as 16-bit floats)\n", grouped(text, integer(n, "parameters")), (double)integer(n, "parameters") * 4e-6,
                 (double)integer(n, "parameters") * 2e-6);
    (void)printf("  multiply-adds  %s for one image\n", grouped(text, integer(n, "multiply_adds")));
    (void)printf("  input          RGB, %d x %d, %s, %s, mean %g %g %g, std %g %g %g\n", (int)integer(input, "width"), (int)integer(input, "height"),
                 json_string_value(json_object_get(input, "fit")), json_string_value(json_object_get(input, "filter")), number(mean, 0), number(mean, 1), number(mean, 2),
                 number(std, 0), number(std, 1), number(std, 2));
    json_array_foreach (outputs, i, o) {
        const json_t *shape = json_object_get(o, "shape");
        (void)printf("  %-13s  %s [%.0f, %.0f, %.0f]\n", i ? "" : "outputs", json_string_value(json_object_get(o, "name")), number(shape, 0), number(shape, 1), number(shape, 2));
    }
}

static void print_file(const json_t *f, const char *path)
{
    json_t *metadata = json_object_get(f, "metadata"), *value;
    const char *key;
    char text[32];
    (void)printf("%s\n", path);
    (void)printf("  tensors        %d, %s elements\n", (int)integer(f, "tensor_count"), grouped(text, integer(f, "elements")));
    (void)printf("  fingerprint    %s\n", json_string_value(json_object_get(f, "fingerprint")));
    json_object_foreach (metadata, key, value) {
        const char *s = json_string_value(value);
        (void)printf("  %s = %.*s%s\n", key, METADATA_SHOWN, s, strlen(s) > METADATA_SHOWN ? "..." : "");
    }
    if (json_object_get(f, "network"))
        print_network(json_object_get(f, "network"));
}

static urs_status gather(json_t **out, const char *what, urs_error *err)
{
    urs_model_options options;
    urs_text known = {0};
    urs_status status;
    if (urs_arch_find(what)) {
        status = urs_model_options_default(&options, what, err);
        return status == URS_OK ? network_json(out, &options, err) : status;
    }
    if (urs_file_exists(what))
        return file_json(out, what, err);
    for (int32_t i = 0; i < urs_arch_count(); i++)
        urs_text_format(&known, "%s%s", i ? ", " : "", urs_arch_at(i)->name);
    status = urs_fail(err, URS_ENOTFOUND, "'%s' is neither a file nor an architecture (%s)", what, urs_text_string(&known));
    urs_text_release(&known);
    return status;
}

int urs_model_info_main(int argc, char **argv)
{
    urs_arguments what = {0};
    bool json = false;
    const urs_option options[] = {
        URS_OPTION_FLAG("json", &json, "one JSON object, with every tensor and all metadata"),
        URS_OPTION_REST("ARCH|FILE", &what, 1, 1, "name of an architecture, or a weight file"),
    };
    json_t *info = NULL;
    urs_error err = {0};
    int code;

    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (urs_int8_summary_applies(what.items[0]))
        return urs_model_info_int8(what.items[0], json, &err) == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    if (gather(&info, what.items[0], &err) != URS_OK)
        return urs_command_error(&command, &err);
    if (json) {
        char *text = json_dumps(info, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
        (void)printf("%s\n", text ? text : "{}");
        free(text);
    } else if (json_object_get(info, "file")) {
        print_file(info, what.items[0]);
    } else {
        print_network(info);
    }
    json_decref(info);
    return URS_EXIT_OK;
}
