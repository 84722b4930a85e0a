/* Weight files by name onto our architectures; see import.h. TFLite's way is in import_tflite.c, timm's names are in import_timm.c, Keras' in import_keras.c. */
#include "models/import.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define FILE_LIMIT ((size_t)4 << 30)
#define NAME_MAX_BYTES 512

/* One way of naming. */
typedef struct naming {
    const char *how;
    const char *prefix; /* in front of every name in the file */
    urs_weights_rename *rename;
    const char *only;   /* architecture that it is for; NULL: all */
    bool family;        /* all architectures whose names begin with `only` */
    bool tf_padding;    /* such files come from TensorFlow */
} naming;

static const naming namings[] = {
    {.how = "by name", .prefix = ""},
    {.how = "by name behind 'model.'", .prefix = "model."},
    {.how = "by name behind 'backbone.'", .prefix = "backbone."},
    {.how = "by name behind 'encoder.'", .prefix = "encoder."},
    {.how = "by name behind 'net.'", .prefix = "net."},
    {.how = "by timm's names", .rename = urs_import_timm_lite, .only = "efficientnet_lite0"},
    {.how = "by timm's older names", .rename = urs_import_timm_swin, .only = "swin_tiny"},
    {.how = "by Keras' names", .rename = urs_import_keras_mobilenet, .only = "mobilenet_v3", .family = true, .tf_padding = true},
};

static bool name_in_file(const naming *n, const char *parameter, char out[NAME_MAX_BYTES])
{
    if (n->rename)
        return n->rename(NULL, parameter, out, NAME_MAX_BYTES);
    (void)snprintf(out, NAME_MAX_BYTES, "%s%s", n->prefix, parameter);
    return true;
}

static const urs_weight *find(const urs_weights *w, const naming *n, const char *parameter)
{
    char name[NAME_MAX_BYTES];
    return name_in_file(n, parameter, name) ? urs_weights_find(w, name) : NULL;
}

/* The naming under which the file has most of the graph's parameters. */
static const naming *best_naming(const urs_graph *graph, const urs_weights *w, const char *arch, int32_t *found)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    const naming *best = &namings[0];
    *found = 0;
    for (size_t k = 0; k < sizeof namings / sizeof *namings; k++) {
        int32_t hits = 0;
        if (namings[k].only && (namings[k].family ? strncmp(namings[k].only, arch, strlen(namings[k].only)) : strcmp(namings[k].only, arch)) != 0)
            continue;
        for (int32_t i = 0; i < n; i++)
            hits += find(w, &namings[k], params[i].name) != NULL;
        if (hits > *found) {
            *found = hits;
            best = &namings[k];
        }
    }
    return best;
}

/* Sets the number of classes from the tensor that the graph's classifier would load. */
static void set_classes(urs_model_options *o, const urs_graph *graph, const urs_weights *w, const naming *how)
{
    const urs_arch *arch = urs_arch_find(o->arch);
    const int32_t output = urs_graph_find_output(graph, arch->detector ? "class0" : "logits");
    const urs_value *outputs;
    const urs_node *nodes;
    const urs_param *params;
    const urs_weight *classifier;

    (void)urs_graph_outputs(graph, &outputs);
    (void)urs_graph_nodes(graph, &nodes);
    (void)urs_graph_params(graph, &params);
    if (output < 0 || nodes[outputs[output]].n_params < 1)
        return;
    classifier = find(w, how, params[nodes[outputs[output]].param[0]].name);
    if (classifier && classifier->rank >= 2 && classifier->shape[0] > 0 && classifier->shape[0] <= URS_MODEL_CLASSES_MAX) {
        o->classes = (int32_t)classifier->shape[0];
    } else if (!arch->detector) {
        o->classes = -1;
        o->penultimate = find(w, how, "classifier.0.weight") && strncmp(o->arch, "mobilenet", 9) == 0;
    }
}

static urs_status copy_metadata(urs_weights *to, const urs_weights *from, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t i = 0; i < urs_weights_metadata_count(from) && status == URS_OK; i++) {
        const char *key, *value;
        urs_weights_metadata_at(from, i, &key, &value);
        status = urs_weights_set_metadata(to, key, value, err);
    }
    return status;
}

/* Options of the graph that a named collection belongs to. */
static urs_status options_by_name(urs_model_options *o, const naming **how, const urs_weights *w, urs_error *err)
{
    const char *own = urs_weights_metadata(w, "ursid.model");
    urs_graph *graph = NULL;
    urs_model_options found = *o;
    int32_t hits;
    urs_status status;

    if (own) { /* one of our files says it itself */
        status = urs_model_options_from_json(&found, own, err);
        if (status == URS_OK && strcmp(found.arch, o->arch) != 0)
            status = urs_fail(err, URS_EMISMATCH, "the file holds a %s, not a %s", found.arch, o->arch);
        if (status == URS_OK)
            *o = found;
        *how = &namings[0];
        return status;
    }
    status = urs_model_build(&graph, o, err);
    if (status != URS_OK)
        return status;
    *how = best_naming(graph, w, o->arch, &hits);
    if (hits == 0) {
        const urs_param *params;
        (void)urs_graph_params(graph, &params);
        status = urs_fail(err, URS_EMISMATCH, "none of its %zu tensors (first: %.80s) has the name of a parameter of %s (first: %.80s)", urs_weights_count(w),
                          urs_weights_count(w) ? urs_weights_at(w, 0)->name : "none", o->arch, params[0].name);
    } else {
        set_classes(&found, graph, w, *how);
        found.tf_padding = found.tf_padding || (*how)->tf_padding;
        *o = found;
    }
    urs_graph_free(graph);
    return status;
}

static urs_status by_name(urs_weights **out, urs_model_options *o, const urs_bytes *bytes, urs_import_report *report, urs_error *err)
{
    urs_weights *w = NULL, *result = NULL;
    urs_graph *graph = NULL;
    float *block = NULL;
    const naming *how = &namings[0];
    urs_load_options load = {.reshape = true};
    urs_status status = urs_weights_read_memory(&w, bytes->data, bytes->size, err);

    if (status == URS_OK)
        status = options_by_name(o, &how, w, err);
    if (status == URS_OK)
        status = urs_model_build(&graph, o, err);
    if (status != URS_OK)
        goto done;
    block = urs_array_new(urs_graph_block_elements(graph), sizeof *block);
    if (!block) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", urs_graph_block_elements(graph));
        goto done;
    }
    load.file_prefix = how->prefix;
    load.rename = how->rename;
    report->how = how->how;
    status = urs_weights_load_into(graph, block, w, &load, &report->load, err);
    if (status == URS_OK)
        status = urs_weights_from_block(&result, graph, block, err);
    if (status == URS_OK)
        status = copy_metadata(result, w, err);
    if (status == URS_OK) {
        *out = result;
        result = NULL;
    }
done:
    urs_weights_free(w);
    urs_weights_free(result);
    urs_graph_free(graph);
    urs_free(block);
    return status;
}

/* What the file can end with, the richest first; the number of layers decides. */
static urs_status in_order(urs_weights **out, urs_model_options *o, const urs_bytes *bytes, urs_import_report *report, urs_error *err)
{
    const bool mobilenet = strncmp(o->arch, "mobilenet", 9) == 0;
    urs_tflite *model = NULL;
    urs_graph *graph = NULL;
    float *block = NULL;
    int32_t layers = 0, wanted = 0;
    urs_status status = urs_tflite_read(&model, bytes->data, bytes->size, err);

    if (status == URS_OK)
        layers = urs_import_tflite_layers(model);
    for (int ending = 0; ending < 3 && status == URS_OK; ending++) {
        urs_model_options candidate = *o;
        candidate.tf_padding = mobilenet;
        candidate.classes = ending == 0 ? 0 : -1;
        candidate.penultimate = ending == 1 && mobilenet;
        status = urs_model_build(&graph, &candidate, err);
        if (status != URS_OK)
            break;
        wanted = urs_import_graph_layers(graph);
        if (wanted == layers) {
            *o = candidate;
            break;
        }
        urs_graph_free(graph);
        graph = NULL;
    }
    if (status == URS_OK && !graph)
        status = urs_fail(err, URS_EMISMATCH, "the file has %d convolutions and fully connected layers, %s without a classifier has %d", (int)layers, o->arch, (int)wanted);
    if (status != URS_OK)
        goto done;
    block = urs_array_new(urs_graph_block_elements(graph), sizeof *block);
    if (!block) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", urs_graph_block_elements(graph));
        goto done;
    }
    status = urs_import_tflite(graph, block, model, err);
    if (status == URS_OK)
        status = urs_weights_from_block(out, graph, block, err);
    report->how = "in order";
    report->load.loaded = status == URS_OK ? (int32_t)urs_weights_count(*out) : 0;
done:
    urs_tflite_free(model);
    urs_graph_free(graph);
    urs_free(block);
    return status;
}

urs_status urs_import_read(urs_weights **out, urs_model_options *options, const char *path, const char *arch, urs_import_report *report, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_model_options o = {0};
    urs_import_report r = {.how = ""};
    urs_status status;

    if (!urs_arch_find(arch))
        return urs_fail(err, URS_ENOTFOUND, "there is no architecture '%.40s'", arch);
    status = urs_model_options_default(&o, arch, err);
    if (status == URS_OK)
        status = urs_file_read(&bytes, path, FILE_LIMIT, err);
    if (status != URS_OK)
        return status;
    if (bytes.size >= 8 && memcmp(bytes.data + 4, "TFL3", 4) == 0)
        status = in_order(out, &o, &bytes, &r, err);
    else
        status = by_name(out, &o, &bytes, &r, err);
    urs_bytes_release(&bytes);
    if (status != URS_OK) {
        urs_error_prefix(err, "'%s': ", path);
        return status;
    }
    *options = o;
    if (report)
        *report = r;
    return URS_OK;
}
