/* Native weight files; see network.h. */
#include "stages/network.h"

#include "stages/int8_network.h"

#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEAN_MAX 65536.0 /* of values that are 0 .. 1 or, in other programs, 0 .. 255 */
#define INPUT_SIDE_MAX 8192
#define SECOND_TENSORS "second."
#define FIRST_KEYS "ursid."
#define SECOND_KEYS "ursid.second."

static const char *const fit_names[] = {"stretch", "letterbox", "centre_crop"};
static const char *const filter_names[] = {"bilinear", "nearest", "bicubic"};

urs_status urs_network_new_bare(urs_network **out, const urs_model_options *options, urs_error *err)
{
    urs_network *n = urs_array_new(1, sizeof *n);
    urs_status status;
    if (!n)
        return urs_fail(err, URS_ENOMEM, "no memory for a network");
    n->options = *options;
    status = urs_model_build(&n->graph, options, err);
    if (status == URS_OK)
        status = urs_model_input_format(&n->input, options, err);
    if (status == URS_OK)
        status = urs_weights_new(&n->notes, err);
    if (status != URS_OK) {
        urs_network_free(n);
        return status;
    }
    *out = n;
    return URS_OK;
}

urs_status urs_network_new(urs_network **out, const urs_model_options *options, uint64_t seed, urs_error *err)
{
    urs_network *n = NULL;
    urs_status status = urs_network_new_bare(&n, options, err);
    if (status == URS_OK) {
        n->params = urs_aligned_new(urs_graph_block_elements(n->graph) * sizeof *n->params);
        if (!n->params)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", urs_graph_block_elements(n->graph));
        else
            urs_graph_init_params(n->graph, n->params, seed);
    }
    if (status != URS_OK) {
        urs_network_free(n);
        return status;
    }
    *out = n;
    return URS_OK;
}

void urs_network_free(urs_network *n)
{
    if (!n)
        return;
    urs_network_free(n->second);
    if (n->maker)
        n->maker->free(n->maker);
    urs_int8_graph_free(n->int8);
    urs_graph_free(n->graph);
    urs_aligned_free(n->params);
    urs_weights_free(n->notes);
    urs_free(n);
}

urs_network urs_network_view(const urs_network *n, const float *params)
{
    urs_network view = *n;
    view.params = (float *)params;
    return view;
}

const char *urs_network_note(const urs_network *n, const char *key)
{
    const char *value = urs_weights_metadata(n->notes, key);
    return value ? value : "";
}

urs_status urs_network_set_note(urs_network *n, const char *key, const char *value, urs_error *err)
{
    return urs_weights_set_metadata(n->notes, key, value, err);
}

double urs_network_number(const urs_network *n, const char *key, const char *field, double otherwise)
{
    json_t *object = json_loads(urs_network_note(n, key), 0, NULL);
    const json_t *value = json_object_get(object, field);
    const double result = json_is_number(value) ? json_number_value(value) : otherwise;
    json_decref(object);
    return result;
}

urs_status urs_input_format_to_json(char **out, const urs_input_format *f, urs_error *err)
{
    json_t *o = json_pack("{s:i, s:i, s:s, s:s, s:f, s:[f,f,f], s:[f,f,f]}", "width", (int)f->width, "height", (int)f->height, "fit", fit_names[f->fit], "filter",
                          filter_names[f->filter], "crop_share", (double)f->crop_share, "mean", (double)f->mean[0], (double)f->mean[1], (double)f->mean[2], "std",
                          (double)f->std[0], (double)f->std[1], (double)f->std[2]);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(o);
    if (!text)
        return urs_fail(err, URS_ENOMEM, "no memory for an input format");
    *out = text;
    return URS_OK;
}

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; name && i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool read_three(const json_t *list, float out[3])
{
    for (size_t i = 0; i < 3; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_number(v) || !(fabs(json_number_value(v)) <= MEAN_MAX))
            return false;
        out[i] = (float)json_number_value(v);
    }
    return json_array_size(list) == 3;
}

urs_status urs_input_format_from_json(urs_input_format *out, const char *json, urs_error *err)
{
    json_error_t why;
    json_t *o = json_loads(json, JSON_REJECT_DUPLICATES, &why);
    urs_input_format f = {0};
    const char *reason = NULL;
    json_int_t width, height;
    int fit, filter;

    if (!json_is_object(o)) {
        json_decref(o);
        return urs_fail(err, URS_EFORMAT, "ursid.input is not a JSON object");
    }
    width = json_integer_value(json_object_get(o, "width"));
    height = json_integer_value(json_object_get(o, "height"));
    fit = find_name(fit_names, 3, json_string_value(json_object_get(o, "fit")));
    filter = find_name(filter_names, 3, json_string_value(json_object_get(o, "filter")));
    if (width < 1 || width > INPUT_SIDE_MAX || height < 1 || height > INPUT_SIDE_MAX)
        reason = "width and height must be 1 to 8192";
    else if (fit < 0 || filter < 0)
        reason = "fit or filter is not one we know";
    else if (!read_three(json_object_get(o, "mean"), f.mean) || !read_three(json_object_get(o, "std"), f.std))
        reason = "mean and std must be three numbers each, of the size of pixels";
    f.width = (int32_t)width;
    f.height = (int32_t)height;
    f.crop_share = (float)json_number_value(json_object_get(o, "crop_share"));
    if (!reason && !(f.crop_share >= 0 && f.crop_share <= 1))
        reason = "crop_share must be 0 to 1";
    json_decref(o);
    if (reason)
        return urs_fail(err, URS_EFORMAT, "ursid.input: %s", reason);
    f.fit = (urs_fit)fit;
    f.filter = (urs_filter)filter;
    *out = f;
    return URS_OK;
}

/* ---- files ---- */

/* Keys that begin with `from` get `to` instead; those that begin with `but` (optional) are passed over. */
static urs_status copy_notes(urs_weights *out, const urs_weights *in, const char *from, const char *to, const char *but, urs_error *err)
{
    const size_t n = strlen(from);
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < urs_weights_metadata_count(in); i++) {
        const char *key, *value;
        urs_text name = {0};
        urs_weights_metadata_at(in, i, &key, &value);
        if (strncmp(key, from, n) != 0 || (but && strncmp(key, but, strlen(but)) == 0))
            continue;
        urs_text_format(&name, "%s%s", to, key + n);
        status = urs_text_ok(&name) ? urs_weights_set_metadata(out, urs_text_string(&name), value, err) : urs_fail(err, URS_ENOMEM, "no memory for notes");
        urs_text_release(&name);
    }
    return status;
}

/* One network of a file; its notes are set. */
static urs_status read_one(urs_network **out, const urs_weights *w, bool second, urs_error *err)
{
    const urs_load_options load = {.file_prefix = second ? SECOND_TENSORS : ""};
    urs_weights *notes = NULL;
    urs_network *n = NULL;
    urs_model_options options;
    urs_load_report report;
    const char *input;
    urs_status status = urs_weights_new(&notes, err);
    if (status == URS_OK)
        status = second ? copy_notes(notes, w, SECOND_KEYS, FIRST_KEYS, NULL, err) : copy_notes(notes, w, "", "", SECOND_KEYS, err);
    if (status == URS_OK)
        status = urs_model_options_from_json(&options, urs_weights_metadata(notes, "ursid.model"), err);
    if (status == URS_OK)
        status = urs_network_new(&n, &options, 0, err);
    if (status == URS_OK) {
        urs_weights_free(n->notes);
        n->notes = notes;
        notes = NULL;
        input = urs_weights_metadata(n->notes, "ursid.input");
        status = input ? urs_input_format_from_json(&n->input, input, err) : URS_OK;
    }
    if (status == URS_OK && (n->input.width != n->options.input_width || n->input.height != n->options.input_height) && n->options.input_width)
        status = urs_fail(err, URS_EFORMAT, "ursid.input and ursid.model disagree about the input size");
    if (status == URS_OK)
        status = urs_weights_load_into(n->graph, n->params, w, &load, &report, err);
    urs_weights_free(notes);
    if (status != URS_OK)
        urs_network_free(n);
    else
        *out = n;
    return status;
}

urs_status urs_network_read_sequence(urs_network **out, const char *path, const char *stage, urs_error *err)
{
    urs_weights *w = NULL;
    urs_network *n = NULL;
    const char *found;
    urs_status status;
    if (urs_is_tflite(path))
        return urs_network_read_int8(out, path, stage, err);
    status = urs_weights_read(&w, path, err);
    if (status != URS_OK)
        return status;
    found = urs_weights_metadata(w, "ursid.stage");
    if (!urs_weights_metadata(w, "ursid.model")) {
        status = urs_fail(err, URS_EFORMAT, "'%s' has weights but does not say of which architecture; `ursid model import` makes a usable file of it", path);
        goto done;
    }
    if (stage && (!found || strcmp(found, stage) != 0)) {
        status = urs_fail(err, URS_EMISMATCH, "'%s' is a model for %s, not for %s", path, found && *found ? found : "no stage", stage);
        goto done;
    }
    status = read_one(&n, w, false, err);
    if (status == URS_OK && urs_weights_metadata(w, SECOND_KEYS "model"))
        status = read_one(&n->second, w, true, err);
    if (status == URS_OK)
        urs_weights_fingerprint(w, n->fingerprint);
    else
        urs_error_prefix(err, "'%s': ", path);
done:
    urs_weights_free(w);
    if (status != URS_OK)
        urs_network_free(n);
    else
        *out = n;
    return status;
}

urs_status urs_network_read(urs_network **out, const char *path, const char *stage, urs_error *err)
{
    urs_network *n = NULL;
    urs_status status = urs_network_read_sequence(&n, path, stage, err);
    if (status == URS_OK && n->second) {
        status = urs_fail(err, URS_EMISMATCH, "'%s' holds two networks in sequence, and one is wanted here", path);
        urs_network_free(n);
    } else if (status == URS_OK) {
        *out = n;
    }
    return status;
}

/* Parameters and keys of one network. */
static urs_status add_one(urs_weights *w, const urs_network *n, bool second, urs_error *err)
{
    const char *from = second ? FIRST_KEYS : "", *to = second ? SECOND_KEYS : "";
    urs_weights *own = NULL;
    char *model = NULL, *input = NULL;
    urs_status status = urs_weights_from_block(&own, n->graph, n->params, err);
    for (size_t i = 0; status == URS_OK && i < urs_weights_count(own); i++) {
        const urs_weight *t = urs_weights_at(own, i);
        urs_text name = {0};
        urs_text_format(&name, "%s%s", second ? SECOND_TENSORS : "", t->name);
        status = urs_text_ok(&name) ? urs_weights_add(w, urs_text_string(&name), t->rank, t->shape, t->data, err) : urs_fail(err, URS_ENOMEM, "no memory for '%s'", t->name);
        urs_text_release(&name);
    }
    if (status == URS_OK)
        status = urs_model_options_to_json(&model, &n->options, err);
    if (status == URS_OK)
        status = urs_input_format_to_json(&input, &n->input, err);
    if (status == URS_OK)
        status = urs_weights_set_metadata(own, "ursid.model", model, err);
    if (status == URS_OK)
        status = urs_weights_set_metadata(own, "ursid.input", input, err);
    if (status == URS_OK)
        status = copy_notes(w, n->notes, from, to, NULL, err);
    if (status == URS_OK)
        status = copy_notes(w, own, from, to, NULL, err);
    urs_free(model);
    urs_free(input);
    urs_weights_free(own);
    return status;
}

urs_status urs_network_write(const urs_network *n, const char *path, bool half, urs_error *err)
{
    urs_weights *w = NULL;
    urs_status status;
    if (n->int8)
        return urs_network_write_int8(n, path, err);
    status = urs_weights_new(&w, err);
    if (status == URS_OK)
        status = add_one(w, n, false, err);
    if (status == URS_OK && n->second)
        status = add_one(w, n->second, true, err);
    if (status == URS_OK)
        status = urs_weights_set_metadata(w, "ursid.format", "1", err);
    if (status == URS_OK)
        status = urs_weights_set_metadata(w, "ursid.version", URS_VERSION, err);
    if (status == URS_OK)
        status = urs_weights_write_safetensors(path, w, half ? URS_WEIGHT_F16 : URS_WEIGHT_F32, err);
    urs_weights_free(w);
    return status;
}

urs_status urs_network_load_partial(urs_network *n, const char *path, int32_t *loaded, urs_error *err)
{
    const urs_load_options options = {.partial = true, .reshape = true};
    urs_load_report report = {0};
    urs_weights *w = NULL;
    urs_status status = urs_weights_read(&w, path, err);
    if (status == URS_OK)
        status = urs_weights_load_into(n->graph, n->params, w, &options, &report, err);
    if (status == URS_OK && report.loaded == 0)
        status = urs_fail(err, URS_EMISMATCH, "'%s' has no parameter that fits %s", path, n->options.arch);
    if (status == URS_OK && loaded)
        *loaded = report.loaded;
    urs_weights_free(w);
    return status;
}
