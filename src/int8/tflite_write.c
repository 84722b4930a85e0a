/* Writing .tflite; see tflite_file.h. Numbers of fields as in schema.fbs. */
#include "int8/tflite_file.h"

#include "base/flat_writer.h"
#include "base/memory.h"
#include "int8/tflite_rows.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION 3
#define CONSTANT_ALIGN 16 /* force_align of Buffer.data */

typedef struct opcode {
    int32_t code, version;
} opcode;

typedef struct job {
    const urs_int8_graph *g;
    urs_flat_writer w;
    urs_tflite_form *forms; /* owned, one an operator */
    opcode *codes;          /* owned */
    int32_t n_codes, n_indices;
    urs_flat_ref *buffers, *tensors; /* owned */
    size_t n_buffers, n_tensors;
} job;

static urs_flat_ref table_of_ref(urs_flat_writer *w, size_t field, urs_flat_ref ref)
{
    urs_flat_table_begin(w);
    urs_flat_add_ref(w, field, ref);
    return urs_flat_table_end(w);
}

/* Number of the buffer; 0 is the empty one. */
static int32_t put_buffer(job *j, const void *data, size_t bytes)
{
    const urs_flat_ref vector = urs_flat_put_bytes(&j->w, data, bytes, CONSTANT_ALIGN);
    j->buffers[j->n_buffers] = table_of_ref(&j->w, 0, vector);
    return (int32_t)j->n_buffers++;
}

static int32_t file_type(urs_int8_type type)
{
    static const int32_t numbers[] = {[URS_INT8_TYPE_INT8] = 9, [URS_INT8_TYPE_UINT8] = 3, [URS_INT8_TYPE_INT32] = 2, [URS_INT8_TYPE_FLOAT32] = 0};
    return numbers[type];
}

static urs_flat_ref put_quantisation(job *j, const urs_int8_tensor *t)
{
    urs_flat_writer *w = &j->w;
    const int32_t n = t->scales ? t->n_scales : 1;
    int64_t *zeros = urs_array_new((size_t)n, sizeof *zeros);
    urs_flat_ref scale, zero;
    if (!zeros) {
        w->failed = true;
        return 0;
    }
    zeros[0] = t->quant.zero_point; /* channels of their own scale have none */
    scale = urs_flat_put_f32s(w, t->scales ? t->scales : &t->quant.scale, (size_t)n);
    zero = urs_flat_put_i64s(w, zeros, (size_t)n);
    urs_free(zeros);
    urs_flat_table_begin(w);
    urs_flat_add_ref(w, 2, scale);
    urs_flat_add_ref(w, 3, zero);
    urs_flat_add_i32(w, 6, t->axis);
    return urs_flat_table_end(w);
}

static void put_tensor(job *j, urs_int8_shape shape, int32_t type, int32_t buffer, const char *name, urs_flat_ref quantisation)
{
    urs_flat_writer *w = &j->w;
    const urs_flat_ref dims = urs_flat_put_i32s(w, shape.dim, (size_t)shape.rank), text = urs_flat_put_string(w, name);
    urs_flat_table_begin(w);
    urs_flat_add_ref(w, 0, dims);
    urs_flat_add_i32(w, 2, buffer);
    urs_flat_add_ref(w, 3, text);
    urs_flat_add_ref(w, 4, quantisation);
    urs_flat_add_i8(w, 1, type);
    urs_flat_add_i8(w, 8, 1); /* has a rank, also where that is 0 */
    j->tensors[j->n_tensors++] = urs_flat_table_end(w);
}

static urs_flat_ref put_tensors(job *j)
{
    const urs_int8_graph *g = j->g;
    for (int32_t i = 0; i < g->n_tensors; i++) {
        const urs_int8_tensor *t = &g->tensors[i];
        const int32_t buffer = t->data ? put_buffer(j, t->data, urs_int8_tensor_bytes(t)) : 0;
        put_tensor(j, t->shape, file_type(t->type), buffer, t->name, t->type == URS_INT8_TYPE_FLOAT32 ? 0 : put_quantisation(j, t));
    }
    for (int32_t i = 0; i < g->n_ops; i++)
        for (int32_t k = 0; k < j->forms[i].n_indices; k++) {
            const urs_tflite_index *index = &j->forms[i].index[k];
            uint8_t bytes[sizeof index->data];
            const size_t n = urs_int8_shape_elements(index->shape);
            char name[64];
            for (size_t b = 0; b < 4 * n; b++)
                bytes[b] = (uint8_t)((uint32_t)index->data[b / 4] >> (8 * (b % 4)));
            (void)snprintf(name, sizeof name, "index_%d_%d", (int)i, (int)k);
            put_tensor(j, index->shape, 2, put_buffer(j, bytes, 4 * n), name, 0);
        }
    return urs_flat_put_refs(&j->w, j->tensors, j->n_tensors);
}

static int32_t code_number(job *j, const urs_tflite_form *form)
{
    for (int32_t i = 0; i < j->n_codes; i++)
        if (j->codes[i].code == form->code && j->codes[i].version == form->version)
            return i;
    j->codes[j->n_codes] = (opcode){form->code, form->version};
    return j->n_codes++;
}

/* first_index: number of the file's tensor that is the operator's first index constant. */
static urs_flat_ref put_op(job *j, const urs_int8_op *op, const urs_tflite_form *form, int32_t first_index)
{
    urs_flat_writer *w = &j->w;
    int32_t inputs[URS_INT8_INPUTS_MAX + URS_TFLITE_INDICES_MAX];
    urs_flat_ref in, out, options = 0;
    const int32_t number = code_number(j, form);
    for (int32_t i = 0; i < form->n_inputs; i++)
        inputs[i] = form->input[i] < 0 ? first_index - 1 - form->input[i] : op->in[form->input[i]];
    in = urs_flat_put_i32s(w, inputs, (size_t)form->n_inputs);
    out = urs_flat_put_i32s(w, op->out, (size_t)op->n_out);
    if (form->options) {
        urs_flat_table_begin(w);
        urs_tflite_put_options(w, j->g, op);
        options = urs_flat_table_end(w);
    }
    urs_flat_table_begin(w);
    urs_flat_add_i32(w, 0, number);
    urs_flat_add_ref(w, 1, in);
    urs_flat_add_ref(w, 2, out);
    urs_flat_add_ref(w, 4, options);
    urs_flat_add_i8(w, 3, form->options);
    return urs_flat_table_end(w);
}

static urs_flat_ref put_ops(job *j)
{
    const urs_int8_graph *g = j->g;
    urs_flat_ref *refs = urs_array_new((size_t)g->n_ops, sizeof *refs), vector;
    int32_t next_index = g->n_tensors;
    if (!refs) {
        j->w.failed = true;
        return 0;
    }
    for (int32_t i = 0; i < g->n_ops; i++) {
        refs[i] = put_op(j, &g->ops[i], &j->forms[i], next_index);
        next_index += j->forms[i].n_indices;
    }
    vector = urs_flat_put_refs(&j->w, refs, (size_t)g->n_ops);
    urs_free(refs);
    return vector;
}

static urs_flat_ref put_subgraph(job *j)
{
    urs_flat_writer *w = &j->w;
    const urs_flat_ref tensors = put_tensors(j), ops = put_ops(j);
    const urs_flat_ref inputs = urs_flat_put_i32s(w, j->g->inputs, (size_t)j->g->n_inputs), outputs = urs_flat_put_i32s(w, j->g->outputs, (size_t)j->g->n_outputs);
    const urs_flat_ref name = urs_flat_put_string(w, "main");
    urs_flat_ref subgraph;
    urs_flat_table_begin(w);
    urs_flat_add_ref(w, 0, tensors);
    urs_flat_add_ref(w, 1, inputs);
    urs_flat_add_ref(w, 2, outputs);
    urs_flat_add_ref(w, 3, ops);
    urs_flat_add_ref(w, 4, name);
    subgraph = urs_flat_table_end(w);
    return urs_flat_put_refs(w, &subgraph, 1);
}

static urs_flat_ref put_codes(job *j)
{
    urs_flat_writer *w = &j->w;
    urs_flat_ref refs[2 * URS_INT8_KIND_COUNT + 2];
    for (int32_t i = 0; i < j->n_codes; i++) {
        urs_flat_table_begin(w);
        urs_flat_add_i32(w, 2, j->codes[i].version);
        urs_flat_add_i32(w, 3, j->codes[i].code);
        urs_flat_add_i8(w, 0, j->codes[i].code < 127 ? j->codes[i].code : 127);
        refs[i] = urs_flat_table_end(w);
    }
    return urs_flat_put_refs(w, refs, (size_t)j->n_codes);
}

static urs_flat_ref put_notes(job *j)
{
    urs_flat_writer *w = &j->w;
    const int32_t n = urs_int8_graph_notes(j->g);
    urs_flat_ref *refs = n ? urs_array_new((size_t)n, sizeof *refs) : NULL, vector;
    if (!refs) {
        w->failed = w->failed || n > 0;
        return 0;
    }
    for (int32_t i = 0; i < n; i++) {
        const char *key, *value;
        int32_t buffer;
        urs_flat_ref name;
        urs_int8_graph_note_at(j->g, i, &key, &value);
        buffer = put_buffer(j, value, strlen(value));
        name = urs_flat_put_string(w, key);
        urs_flat_table_begin(w);
        urs_flat_add_ref(w, 0, name);
        urs_flat_add_i32(w, 1, buffer);
        refs[i] = urs_flat_table_end(w);
    }
    vector = urs_flat_put_refs(w, refs, (size_t)n);
    urs_free(refs);
    return vector;
}

static urs_flat_ref put_model(job *j)
{
    urs_flat_writer *w = &j->w;
    urs_flat_ref subgraphs, codes, notes, buffers, description;
    j->buffers[j->n_buffers++] = table_of_ref(w, 0, 0);
    subgraphs = put_subgraph(j);
    codes = put_codes(j);
    notes = put_notes(j);
    buffers = urs_flat_put_refs(w, j->buffers, j->n_buffers);
    description = urs_flat_put_string(w, "ursid");
    urs_flat_table_begin(w);
    urs_flat_add_i32(w, 0, SCHEMA_VERSION);
    urs_flat_add_ref(w, 1, codes);
    urs_flat_add_ref(w, 2, subgraphs);
    urs_flat_add_ref(w, 3, description);
    urs_flat_add_ref(w, 4, buffers);
    urs_flat_add_ref(w, 6, notes);
    return urs_flat_table_end(w);
}

urs_status urs_tflite_encode(urs_bytes *out, const urs_int8_graph *g, urs_error *err)
{
    job j = {.g = g};
    const uint8_t *data = NULL;
    size_t size = 0;
    urs_status status = URS_ENOMEM;
    j.forms = urs_array_new((size_t)g->n_ops, sizeof *j.forms);
    j.codes = urs_array_new(2 * URS_INT8_KIND_COUNT + 2, sizeof *j.codes);
    for (int32_t i = 0; j.forms && i < g->n_ops; i++) {
        urs_tflite_form_of(&j.forms[i], g, &g->ops[i]);
        j.n_indices += j.forms[i].n_indices;
    }
    j.tensors = urs_array_new((size_t)g->n_tensors + (size_t)j.n_indices, sizeof *j.tensors);
    j.buffers = urs_array_new(1 + (size_t)g->n_tensors + (size_t)j.n_indices + (size_t)urs_int8_graph_notes(g), sizeof *j.buffers);
    if (j.forms && j.codes && j.tensors && j.buffers)
        status = urs_flat_writer_finish(&j.w, put_model(&j), "TFL3", &data, &size, err);
    else
        (void)urs_fail(err, URS_ENOMEM, "no memory to write a .tflite file");
    if (status == URS_OK) {
        out->data = urs_array_new(size + 1, 1);
        if (out->data) {
            memcpy(out->data, data, size);
            out->size = size;
        } else {
            status = urs_fail(err, URS_ENOMEM, "no memory to write a .tflite file");
        }
    }
    urs_flat_writer_release(&j.w);
    urs_free(j.forms);
    urs_free(j.codes);
    urs_free(j.tensors);
    urs_free(j.buffers);
    return status;
}

urs_status urs_tflite_save(const urs_int8_graph *g, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_int8_graph *back = NULL;
    urs_status status = urs_tflite_encode(&bytes, g, err);
    if (status == URS_OK)
        status = urs_tflite_decode(&back, bytes.data, bytes.size, err);
    if (status == URS_OK)
        status = urs_int8_graph_compare(g, back, err);
    if (status == URS_OK)
        status = urs_file_write(path, bytes.data, bytes.size, err);
    if (status != URS_OK)
        urs_error_prefix(err, "%s: ", path);
    urs_int8_graph_free(back);
    urs_bytes_release(&bytes);
    return status;
}
