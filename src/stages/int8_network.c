/* Networks in int8; see int8_network.h. */
#include "stages/int8_network.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "int8/engine.h"
#include "int8/tflite_file.h"
#include "quant/emit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool urs_is_tflite(const char *path)
{
    char head[8] = {0};
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        (void)fclose(f);
    return n == sizeof head && memcmp(head + 4, "TFL3", 4) == 0;
}

/* ---- executor: our own engine ------------------------------------------------------------------------------------------------------------- */

typedef struct int8_maker {
    urs_executor_maker base;
    const urs_network *network; /* borrowed: the network owns the maker */
    urs_int8_plan *plan;        /* owned; shared by all executors */
} int8_maker;

typedef struct int8_executor {
    urs_executor base;
    const int8_maker *maker;
    urs_int8_worker *worker; /* owned */
} int8_executor;

#define BLOCK_CHANNELS 12 /* of 2x2 pixels */
#define RUN 64            /* pixels that are converted together */

/* Bytes of one channel, rounded half to even: added to 1.5 * 2^23, a whole number stands in the last bits of the sum. A loop of this form becomes vectors on every processor; rintf and branches, which
 * noise misleads, took longer than the network. x * std + mean is within a million, as pictures are. */
static void to_bytes(uint8_t *out, const float *x, size_t n, float std, float mean)
{
    for (size_t i = 0; i < n; i++) {
        const float sum = x[i] * std + mean + 12582912.0f;
        uint32_t bits;
        int32_t byte;
        memcpy(&bits, &sum, sizeof bits);
        byte = (int32_t)(bits - 0x4b400000u);
        byte &= ~(byte >> 31);      /* 0 below 0 */
        byte |= (255 - byte) >> 31; /* all ones above 255 */
        out[i] = (uint8_t)byte;
    }
}

void urs_int8_fill_input(int8_t *out, const urs_int8_tensor *input, const float *tensor, const urs_input_format *format)
{
    const size_t width = (size_t)format->width, height = (size_t)format->height;
    const bool blocks = input->shape.dim[3] == BLOCK_CHANNELS;
    uint8_t bytes[3][RUN];
    for (size_t y = 0; y < height; y++) {
        int8_t *row = blocks ? out + (y / 2 * (width / 2) * 4 + y % 2 * 2) * 3 : out + y * width * 3;
        for (size_t first = 0; first < width; first += RUN) {
            const size_t n = width - first < RUN ? width - first : RUN;
            for (size_t c = 0; c < 3; c++)
                to_bytes(bytes[c], tensor + (c * height + y) * width + first, n, (format->std[c] == 0.0f ? 1.0f : format->std[c]) * 255.0f, format->mean[c] * 255.0f);
            for (size_t i = 0; i < n; i++) {
                int8_t *to = row + (blocks ? (first + i) / 2 * BLOCK_CHANNELS + (first + i) % 2 * 3 : (first + i) * 3);
                for (size_t c = 0; c < 3; c++)
                    to[c] = (int8_t)(bytes[c][i] - 128);
            }
        }
    }
}

void urs_int8_read_output(float *out, const int8_t *in, const urs_int8_tensor *t)
{
    const size_t channels = (size_t)t->shape.dim[t->shape.rank - 1], pixels = urs_int8_shape_elements(t->shape) / channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < pixels; i++)
            out[c * pixels + i] = t->quant.scale * (float)(in[i * channels + c] - t->quant.zero_point);
}

int32_t urs_int8_output_index(const urs_network *network, int32_t k)
{
    const urs_node *nodes;
    const urs_value *outputs;
    int32_t index = 0;
    (void)urs_graph_nodes(network->graph, &nodes);
    (void)urs_graph_outputs(network->graph, &outputs);
    if (nodes[outputs[k]].op == URS_OP_L2_NORM)
        return -1;
    for (int32_t i = 0; i < k; i++)
        index += nodes[outputs[i]].op != URS_OP_L2_NORM;
    return index;
}

static urs_status run_executor(urs_executor *self, const float *input, float *const *outputs, urs_error *err)
{
    int8_executor *e = (int8_executor *)self;
    const urs_network *n = e->maker->network;
    const urs_value *values;
    (void)err;
    urs_int8_fill_input(urs_int8_worker_input(e->worker, 0), &n->int8->tensors[n->int8->inputs[0]], input, &n->input);
    urs_int8_worker_run(e->worker);
    for (int32_t k = 0, count = urs_graph_outputs(n->graph, &values); k < count; k++) {
        const int32_t index = urs_int8_output_index(n, k);
        if (index >= 0)
            urs_int8_read_output(outputs[k], urs_int8_worker_output(e->worker, index), &n->int8->tensors[n->int8->outputs[index]]);
    }
    return URS_OK;
}

static size_t executor_bytes(const urs_executor *self)
{
    return urs_int8_plan_arena_bytes(((const int8_executor *)self)->maker->plan);
}

static void free_executor(urs_executor *self)
{
    int8_executor *e = (int8_executor *)self;
    urs_int8_worker_free(e->worker);
    urs_free(e);
}

static urs_status make_executor(const urs_executor_maker *self, urs_executor **out, urs_error *err)
{
    const int8_maker *m = (const int8_maker *)self;
    int8_executor *e = urs_array_new(1, sizeof *e);
    urs_status status;
    if (!e)
        return urs_fail(err, URS_ENOMEM, "no memory for an executor");
    e->base = (urs_executor){.run = run_executor, .bytes = executor_bytes, .free = free_executor};
    e->maker = m;
    status = urs_int8_worker_new(&e->worker, m->plan, err);
    if (status != URS_OK) {
        free_executor(&e->base);
        return status;
    }
    *out = &e->base;
    return URS_OK;
}

static void free_maker(urs_executor_maker *self)
{
    int8_maker *m = (int8_maker *)self;
    urs_int8_plan_free(m->plan);
    urs_free(m);
}

static urs_status set_maker(urs_network *n, urs_error *err)
{
    int8_maker *m = urs_array_new(1, sizeof *m);
    urs_status status;
    if (!m)
        return urs_fail(err, URS_ENOMEM, "no memory for an executor");
    m->base = (urs_executor_maker){.name = "int8", .make = make_executor, .free = free_maker};
    m->network = n;
    n->maker = &m->base;
    status = urs_int8_plan_new(&m->plan, n->int8, NULL, err);
    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------------------------- */

/* The int8 graph must compute what the architecture says: input bytes and every output's size. */
static urs_status check_fit(const urs_network *n, urs_error *err)
{
    const urs_int8_graph *g = n->int8;
    const urs_value *outputs;
    const int32_t n_outputs = urs_graph_outputs(n->graph, &outputs);
    int32_t expected = 0;
    const int32_t h = n->input.height, w = n->input.width;
    const urs_int8_tensor *input = g->n_inputs == 1 ? &g->tensors[g->inputs[0]] : NULL;
    if (!input || input->type != URS_INT8_TYPE_INT8 ||
        (!urs_int8_shape_equal(input->shape, urs_int8_shape4(1, h, w, 3)) && (h % 2 || w % 2 || !urs_int8_shape_equal(input->shape, urs_int8_shape4(1, h / 2, w / 2, BLOCK_CHANNELS)))))
        return urs_fail(err, URS_EMISMATCH, "its input is neither [1,%d,%d,3] nor blocks of that in int8", (int)h, (int)w);
    for (int32_t k = 0; k < n_outputs; k++) {
        const int32_t index = urs_int8_output_index(n, k);
        const urs_dims d = urs_graph_dims(n->graph, outputs[k]);
        const urs_int8_tensor *t;
        if (index < 0)
            continue;
        expected++;
        if (index >= g->n_outputs)
            return urs_fail(err, URS_EMISMATCH, "it has %d outputs, fewer than %s", (int)g->n_outputs, n->options.arch);
        t = &g->tensors[g->outputs[index]];
        if (t->type != URS_INT8_TYPE_INT8 || !urs_int8_shape_equal(t->shape, urs_int8_shape4(1, (int32_t)d.h, (int32_t)d.w, (int32_t)d.c)))
            return urs_fail(err, URS_EMISMATCH, "its output %d is not [1,%d,%d,%d] in int8, as %s has it", (int)index, (int)d.h, (int)d.w, (int)d.c, n->options.arch);
    }
    return g->n_outputs == expected ? URS_OK : urs_fail(err, URS_EMISMATCH, "it has %d outputs instead of %d", (int)g->n_outputs, (int)expected);
}

static void fingerprint(urs_network *n)
{
    const urs_int8_graph *g = n->int8;
    urs_sha256 hash;
    urs_sha256_init(&hash);
    for (int32_t i = 0; i < g->n_tensors; i++) {
        const urs_int8_tensor *t = &g->tensors[i];
        urs_sha256_update(&hash, &t->quant.scale, sizeof t->quant.scale);
        urs_sha256_update(&hash, &t->quant.zero_point, sizeof t->quant.zero_point);
        if (t->scales)
            urs_sha256_update(&hash, t->scales, (size_t)t->n_scales * sizeof *t->scales);
        if (t->data)
            urs_sha256_update(&hash, t->data, urs_int8_tensor_bytes(t));
    }
    urs_sha256_hex(&hash, n->fingerprint);
}

/* Takes over g, also on failure. */
static urs_status open_graph(urs_network **out, urs_int8_graph *g, const char *stage, urs_error *err)
{
    const char *model = urs_int8_graph_note(g, "ursid.model"), *input = urs_int8_graph_note(g, "ursid.input"), *found = urs_int8_graph_note(g, "ursid.stage");
    urs_network *n = NULL;
    urs_model_options options;
    urs_status status = URS_OK;
    if (!model || !input)
        status = urs_fail(err, URS_EFORMAT, "it does not say of which architecture it is: only files that `ursid quantize` wrote can be used as they are");
    else if (stage && (!found || strcmp(found, stage) != 0))
        status = urs_fail(err, URS_EMISMATCH, "it is a model for %s, not for %s", found && *found ? found : "no stage", stage);
    if (status == URS_OK)
        status = urs_model_options_from_json(&options, model, err);
    if (status == URS_OK)
        status = urs_network_new_bare(&n, &options, err);
    if (status != URS_OK) {
        urs_int8_graph_free(g);
        return status;
    }
    n->int8 = g;
    status = urs_input_format_from_json(&n->input, input, err);
    for (int32_t i = 0; status == URS_OK && i < urs_int8_graph_notes(g); i++) {
        const char *key, *value;
        urs_int8_graph_note_at(g, i, &key, &value);
        status = urs_network_set_note(n, key, value, err);
    }
    if (status == URS_OK)
        status = check_fit(n, err);
    if (status == URS_OK)
        status = set_maker(n, err);
    if (status != URS_OK) {
        urs_network_free(n);
        return status;
    }
    fingerprint(n);
    *out = n;
    return URS_OK;
}

urs_status urs_network_read_int8(urs_network **out, const char *path, const char *stage, urs_error *err)
{
    urs_int8_graph *g = NULL;
    urs_status status = urs_tflite_load(&g, path, err);
    if (status != URS_OK)
        return status;
    status = open_graph(out, g, stage, err);
    if (status != URS_OK)
        urs_error_prefix(err, "'%s': ", path);
    return status;
}

static urs_status put_notes(urs_int8_graph *g, const urs_network *n, urs_error *err)
{
    char *model = NULL, *input = NULL;
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < urs_weights_metadata_count(n->notes); i++) {
        const char *key, *value;
        urs_weights_metadata_at(n->notes, i, &key, &value);
        status = urs_int8_graph_set_note(g, key, value, err);
    }
    if (status == URS_OK)
        status = urs_model_options_to_json(&model, &n->options, err);
    if (status == URS_OK)
        status = urs_input_format_to_json(&input, &n->input, err);
    if (status == URS_OK)
        status = urs_int8_graph_set_note(g, "ursid.model", model, err);
    if (status == URS_OK)
        status = urs_int8_graph_set_note(g, "ursid.input", input, err);
    if (status == URS_OK)
        status = urs_int8_graph_set_note(g, "ursid.format", "1", err);
    if (status == URS_OK)
        status = urs_int8_graph_set_note(g, "ursid.version", URS_VERSION, err);
    urs_free(model);
    urs_free(input);
    return status;
}

static urs_status put_output_names(urs_int8_graph *g, const urs_deploy *d, urs_error *err)
{
    const urs_value *outputs;
    json_t *list = json_array();
    char *text;
    urs_status status;
    for (int32_t i = 0, n = urs_graph_outputs(d->graph, &outputs); i < n; i++)
        (void)json_array_append_new(list, json_string(urs_graph_output_name(d->graph, i)));
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    status = text ? urs_int8_graph_set_note(g, "ursid.outputs", text, err) : urs_fail(err, URS_ENOMEM, "no memory for notes");
    free(text);
    return status;
}

urs_status urs_network_from_deploy(urs_network **out, const urs_network *float_network, const urs_deploy *d, const float *params, urs_error *err)
{
    urs_int8_graph *g = NULL;
    urs_status status = urs_deploy_emit(&g, d, params ? params : float_network->params, err);
    if (status == URS_OK)
        status = put_notes(g, float_network, err);
    if (status == URS_OK)
        status = put_output_names(g, d, err);
    if (status != URS_OK) {
        urs_int8_graph_free(g);
        return status;
    }
    return open_graph(out, g, NULL, err);
}

urs_status urs_network_write_int8(const urs_network *n, const char *path, urs_error *err)
{
    if (!n->int8)
        return urs_fail(err, URS_EINVAL, "a float network cannot be written as an int8 one");
    const urs_status status = put_notes(n->int8, n, err);
    return status == URS_OK ? urs_tflite_save(n->int8, path, err) : status;
}
