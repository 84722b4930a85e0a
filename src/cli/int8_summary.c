/* See int8_summary.h. */
#include "cli/int8_summary.h"

#include "int8/engine.h"
#include "int8/tflite_file.h"

#include <string.h>

#define NOTE_SHOWN 160 /* characters of a note in the text */

bool urs_int8_summary_applies(const char *path)
{
    urs_bytes bytes = {0};
    urs_error err = {0};
    urs_int8_graph *g = NULL;
    bool applies = false;
    if (urs_path_has_extension(path, "tflite") && urs_file_read(&bytes, path, 0, &err) == URS_OK)
        applies = urs_tflite_decode(&g, bytes.data, bytes.size, &err) == URS_OK;
    urs_int8_graph_free(g);
    urs_bytes_release(&bytes);
    return applies;
}

static json_t *tensors_json(const urs_int8_graph *g, const int32_t *indices, int32_t n)
{
    static const char *const types[] = {"int8", "uint8", "int32", "float32"};
    json_t *list = json_array();
    for (int32_t i = 0; i < n; i++) {
        const urs_int8_tensor *t = &g->tensors[indices[i]];
        json_t *shape = json_array();
        for (int32_t k = 0; k < t->shape.rank; k++)
            (void)json_array_append_new(shape, json_integer(t->shape.dim[k]));
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:f, s:i}", "name", t->name, "type", types[t->type], "shape", shape, "scale", (double)t->quant.scale, "zero_point",
                                                    (int)t->quant.zero_point));
    }
    return list;
}

static json_t *operators_json(const urs_int8_graph *g)
{
    json_t *counts = json_object();
    for (int32_t i = 0; i < g->n_ops; i++) {
        const char *name = urs_int8_kind_name(g->ops[i].kind);
        (void)json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
    }
    return counts;
}

urs_status urs_int8_summary_json(json_t **out, const urs_int8_graph *g, urs_error *err)
{
    urs_int8_plan *plan = NULL;
    json_t *notes = json_object(), *j;
    const urs_status status = urs_int8_plan_new(&plan, g, NULL, err);
    for (int32_t i = 0; i < urs_int8_graph_notes(g); i++) {
        const char *key, *value;
        urs_int8_graph_note_at(g, i, &key, &value);
        (void)json_object_set_new(notes, key, json_string(value));
    }
    if (status != URS_OK) {
        json_decref(notes);
        return status;
    }
    j = json_pack("{s:b, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "int8", 1, "operators", operators_json(g), "multiply_adds", (json_int_t)urs_int8_graph_macs(g), "constant_bytes",
                  (json_int_t)urs_int8_graph_constant_bytes(g), "packed_bytes", (json_int_t)urs_int8_plan_packed_bytes(plan), "working_bytes", (json_int_t)urs_int8_plan_arena_bytes(plan),
                  "kernels", urs_int8_plan_kernels(plan), "inputs", tensors_json(g, g->inputs, g->n_inputs), "outputs", tensors_json(g, g->outputs, g->n_outputs), "metadata", notes);
    urs_int8_plan_free(plan);
    if (!j)
        return urs_fail(err, URS_ENOMEM, "no memory to describe an int8 network");
    *out = j;
    return URS_OK;
}

static long long integer(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static void print_tensors(const json_t *list, const char *word, FILE *to)
{
    const json_t *t, *n;
    size_t i, k;
    json_array_foreach (list, i, t) {
        (void)fprintf(to, "  %-14s %s %s [", i ? "" : word, json_string_value(json_object_get(t, "name")), json_string_value(json_object_get(t, "type")));
        json_array_foreach (json_object_get(t, "shape"), k, n)
            (void)fprintf(to, k ? ", %lld" : "%lld", (long long)json_integer_value(n));
        (void)fprintf(to, "], scale %.9g, zero point %lld\n", json_number_value(json_object_get(t, "scale")), integer(t, "zero_point"));
    }
}

void urs_int8_summary_print(const json_t *summary, const char *path, FILE *to)
{
    json_t *operators = json_object_get(summary, "operators"), *notes = json_object_get(summary, "metadata"), *value;
    const char *key, *comma = "";
    (void)fprintf(to, "%s: int8 network\n  operators      ", path);
    json_object_foreach (operators, key, value) {
        (void)fprintf(to, "%s%lld %s", comma, (long long)json_integer_value(value), key);
        comma = ", ";
    }
    (void)fprintf(to, "\n  multiply-adds  %lld for one image\n", integer(summary, "multiply_adds"));
    (void)fprintf(to, "  memory         %.2f MB constants; %.2f MB packed for the kernels '%s', %.2f MB working memory a thread\n", 1e-6 * (double)integer(summary, "constant_bytes"),
                  1e-6 * (double)integer(summary, "packed_bytes"), json_string_value(json_object_get(summary, "kernels")), 1e-6 * (double)integer(summary, "working_bytes"));
    print_tensors(json_object_get(summary, "inputs"), "inputs", to);
    print_tensors(json_object_get(summary, "outputs"), "outputs", to);
    json_object_foreach (notes, key, value) {
        const char *s = json_string_value(value);
        (void)fprintf(to, "  %s = %.*s%s\n", key, NOTE_SHOWN, s, strlen(s) > NOTE_SHOWN ? "..." : "");
    }
}
