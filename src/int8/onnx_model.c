/* Writing ONNX models; see onnx_model.h. */
#include "int8/onnx_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VARINT = 0, BYTES = 2, FOUR = 5 };
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_STRING = 3, ATTRIBUTE_INTS = 7 };

/* ---- fields ----------------------------------------------------------------------------------------------------------------------------- */

static void put_varint(urs_text *t, uint64_t v)
{
    char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    urs_text_append(t, bytes, n);
}

static void put_key(urs_text *t, unsigned field, unsigned wire)
{
    put_varint(t, field << 3 | wire);
}

static void put_number(urs_text *t, unsigned field, int64_t v)
{
    put_key(t, field, VARINT);
    put_varint(t, (uint64_t)v);
}

static void put_bytes(urs_text *t, unsigned field, const void *data, size_t n)
{
    put_key(t, field, BYTES);
    put_varint(t, n);
    if (n > 0)
        urs_text_append(t, data, n);
}

static void put_string(urs_text *t, unsigned field, const char *s)
{
    put_bytes(t, field, s, strlen(s));
}

/* Puts a message and empties it. */
static void put_message(urs_text *t, unsigned field, urs_text *message)
{
    put_bytes(t, field, message->data, message->length);
    t->failed |= message->failed;
    urs_text_release(message);
}

static void put_packed(urs_text *t, unsigned field, const int64_t *values, int32_t n)
{
    urs_text packed = {0};
    for (int32_t i = 0; i < n; i++)
        put_varint(&packed, (uint64_t)values[i]);
    put_message(t, field, &packed);
}

/* Numbers of `width` bytes, low byte first on every machine. */
static void put_little(urs_text *t, const void *data, size_t n, size_t width)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++) {
        uint64_t v = 0;
        if (width == 4) {
            uint32_t w;
            memcpy(&w, (const char *)data + 4 * i, 4);
            v = w;
        } else {
            memcpy(&v, (const char *)data + 8 * i, 8);
        }
        for (size_t b = 0; b < width; b++)
            bytes[b] = (char)(v >> (8 * b) & 0xff);
        urs_text_append(t, bytes, width);
    }
}

/* ---- inputs, outputs, notes --------------------------------------------------------------------------------------------------------------- */

void urs_onnx_release(urs_onnx *m)
{
    urs_text_release(&m->graph);
    urs_text_release(&m->inputs);
    urs_text_release(&m->outputs);
    urs_text_release(&m->notes);
    urs_text_release(&m->node);
}

static void put_value_info(urs_text *t, unsigned field, const char *name, const int64_t *dims, int32_t rank)
{
    urs_text shape = {0}, tensor = {0}, type = {0}, info = {0};
    for (int32_t i = 0; i < rank; i++) {
        urs_text dim = {0};
        if (dims[i] >= 0)
            put_number(&dim, 1, dims[i]);
        else
            put_string(&dim, 2, "batch");
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, URS_ONNX_FLOAT);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_string(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(t, field, &info);
}

void urs_onnx_input(urs_onnx *m, const char *name, const int64_t *dims, int32_t rank)
{
    put_value_info(&m->inputs, 11, name, dims, rank);
}

void urs_onnx_output(urs_onnx *m, const char *name, const int64_t *dims, int32_t rank)
{
    put_value_info(&m->outputs, 12, name, dims, rank);
}

void urs_onnx_note(urs_onnx *m, const char *key, const char *value)
{
    urs_text entry = {0};
    put_string(&entry, 1, key);
    put_string(&entry, 2, value);
    put_message(&m->notes, 14, &entry);
}

/* ---- initialisers --------------------------------------------------------------------------------------------------------------------------- */

void urs_onnx_constant(urs_onnx *m, const char *name, urs_onnx_type type, const int64_t *dims, int32_t rank, const void *data)
{
    urs_text tensor = {0}, raw = {0};
    size_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    put_packed(&tensor, 1, dims, rank);
    put_number(&tensor, 2, type);
    put_string(&tensor, 8, name);
    if (type == URS_ONNX_INT8)
        urs_text_append(&raw, data, n);
    else
        put_little(&raw, data, n, type == URS_ONNX_INT64 ? 8 : 4);
    put_message(&tensor, 9, &raw);
    put_message(&m->graph, 5, &tensor);
}

void urs_onnx_scalar(urs_onnx *m, const char *name, float value)
{
    urs_onnx_constant(m, name, URS_ONNX_FLOAT, NULL, 0, &value);
}

void urs_onnx_row(urs_onnx *m, const char *name, const int64_t *values, int32_t n)
{
    const int64_t count = n;
    urs_onnx_constant(m, name, URS_ONNX_INT64, &count, 1, values);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------------------------------- */

void urs_onnx_begin(urs_onnx *m, const char *type)
{
    put_string(&m->node, 4, type);
}

void urs_onnx_in(urs_onnx *m, const char *name)
{
    put_string(&m->node, 1, name);
}

void urs_onnx_out(urs_onnx *m, const char *name)
{
    put_string(&m->node, 2, name);
}

void urs_onnx_int(urs_onnx *m, const char *name, int64_t value)
{
    urs_text a = {0};
    put_string(&a, 1, name);
    put_number(&a, 3, value);
    put_number(&a, 20, ATTRIBUTE_INT);
    put_message(&m->node, 5, &a);
}

void urs_onnx_ints(urs_onnx *m, const char *name, const int64_t *values, int32_t n)
{
    urs_text a = {0};
    put_string(&a, 1, name);
    put_packed(&a, 8, values, n);
    put_number(&a, 20, ATTRIBUTE_INTS);
    put_message(&m->node, 5, &a);
}

void urs_onnx_float(urs_onnx *m, const char *name, float value)
{
    urs_text a = {0};
    put_string(&a, 1, name);
    put_key(&a, 2, FOUR);
    put_little(&a, &value, 1, 4);
    put_number(&a, 20, ATTRIBUTE_FLOAT);
    put_message(&m->node, 5, &a);
}

void urs_onnx_string(urs_onnx *m, const char *name, const char *value)
{
    urs_text a = {0};
    put_string(&a, 1, name);
    put_string(&a, 4, value);
    put_number(&a, 20, ATTRIBUTE_STRING);
    put_message(&m->node, 5, &a);
}

void urs_onnx_end(urs_onnx *m)
{
    put_message(&m->graph, 1, &m->node);
}

void urs_onnx_unary(urs_onnx *m, const char *type, const char *in, const char *out)
{
    urs_onnx_begin(m, type);
    urs_onnx_in(m, in);
    urs_onnx_out(m, out);
    urs_onnx_end(m);
}

void urs_onnx_clip(urs_onnx *m, const char *in, const char *out, float low, float high)
{
    char low_name[96], high_name[96];
    (void)snprintf(low_name, sizeof low_name, "%s/low", out);
    (void)snprintf(high_name, sizeof high_name, "%s/high", out);
    urs_onnx_scalar(m, low_name, low);
    if (!isnan(high))
        urs_onnx_scalar(m, high_name, high);
    urs_onnx_begin(m, "Clip");
    urs_onnx_in(m, in);
    urs_onnx_in(m, low_name);
    if (!isnan(high))
        urs_onnx_in(m, high_name);
    urs_onnx_out(m, out);
    urs_onnx_end(m);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------------------------- */

urs_status urs_onnx_encode(urs_bytes *out, urs_onnx_facts *facts, const urs_onnx *m, const char *graph_name, urs_error *err)
{
    urs_text graph = {0}, opset = {0}, model = {0};
    urs_bytes bytes = {0};
    urs_status status;
    urs_text_append(&graph, m->graph.data ? m->graph.data : "", m->graph.length);
    put_string(&graph, 2, graph_name);
    urs_text_append(&graph, m->inputs.data ? m->inputs.data : "", m->inputs.length);
    urs_text_append(&graph, m->outputs.data ? m->outputs.data : "", m->outputs.length);
    graph.failed |= m->graph.failed || m->inputs.failed || m->outputs.failed || m->node.failed;
    put_number(&model, 1, URS_ONNX_IR_VERSION);
    put_string(&model, 2, "ursid");
    put_string(&opset, 1, "");
    put_number(&opset, 2, URS_ONNX_OPSET);
    put_message(&model, 8, &opset);
    put_message(&model, 7, &graph);
    urs_text_append(&model, m->notes.data ? m->notes.data : "", m->notes.length);
    if (!urs_text_ok(&model) || m->notes.failed) {
        urs_text_release(&model);
        return urs_fail(err, URS_ENOMEM, "no memory for an ONNX model");
    }
    bytes.size = model.length;
    bytes.data = (uint8_t *)urs_text_take(&model);
    status = urs_onnx_check(facts, bytes.data, bytes.size, err);
    if (status == URS_OK)
        *out = bytes;
    else
        urs_bytes_release(&bytes);
    return status;
}
