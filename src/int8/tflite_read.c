/* Reading int8 .tflite; see tflite_file.h. Tensors of the file enter the graph when an operator first uses them as data; index constants never do. */
#include "int8/tflite_file.h"

#include "base/flat_reader.h"
#include "base/memory.h"
#include "int8/tflite_rows.h"

#include <string.h>

#define NAME_BYTES_MAX 4096u
#define NOTE_BYTES_MAX (1u << 20)
#define SQUEEZE_INPUTS 1

typedef struct reader {
    urs_flat f;
    urs_int8_graph *g;
    urs_flat_vector codes, tensors, buffers;
    int32_t *number; /* owned; graph's number + 1 of each tensor of the file, 0: not used yet */
    size_t constant_bytes;
} reader;

/* One tensor of the file as it stands there. */
typedef struct entry {
    urs_flat_vector shape, name, bytes;
    int32_t type;
    size_t quantisation;
} entry;

static urs_status broken(urs_error *err, const char *what)
{
    return urs_fail(err, URS_EFORMAT, "a broken TFLite file: %s", what);
}

static urs_flat_vector buffer_bytes(reader *r, uint32_t index)
{
    const size_t table = index < r->buffers.count ? urs_flat_table_at(&r->f, r->buffers, index) : 0;
    if (!table) {
        r->f.broken = r->f.broken || index >= r->buffers.count;
        return (urs_flat_vector){0};
    }
    return urs_flat_field_vector(&r->f, table, 0, 1);
}

static urs_status look_up(entry *e, reader *r, int32_t index, urs_error *err)
{
    urs_flat *f = &r->f;
    size_t table;
    if (index < 0 || (size_t)index >= r->tensors.count)
        return broken(err, "an operator uses a tensor that does not exist");
    table = urs_flat_table_at(f, r->tensors, (size_t)index);
    if (!table)
        return broken(err, "a tensor points outside the file");
    e->shape = urs_flat_field_vector(f, table, 0, 4);
    e->type = urs_flat_field_i8(f, table, 1);
    e->bytes = buffer_bytes(r, (uint32_t)urs_flat_field_i32(f, table, 2, 0));
    e->name = urs_flat_field_vector(f, table, 3, 1);
    e->quantisation = urs_flat_follow(f, urs_flat_field(f, table, 4, 4));
    if (f->broken)
        return broken(err, "a tensor points outside the file");
    if (e->shape.count > URS_INT8_RANK_MAX || e->name.count > NAME_BYTES_MAX)
        return urs_fail(err, URS_EUNSUPPORTED, "tensor %d has %zu axes and a name of %zu bytes", (int)index, e->shape.count, e->name.count);
    return URS_OK;
}

static urs_int8_shape shape_of(reader *r, const entry *e)
{
    urs_int8_shape s = {.rank = (int32_t)e->shape.count};
    for (int32_t i = 0; i < s.rank; i++)
        s.dim[i] = urs_flat_i32(&r->f, e->shape.at + 4 * (size_t)i);
    return s;
}

static bool type_of(urs_int8_type *type, int32_t number)
{
    *type = number == 9 ? URS_INT8_TYPE_INT8 : number == 3 ? URS_INT8_TYPE_UINT8 : number == 2 ? URS_INT8_TYPE_INT32 : URS_INT8_TYPE_FLOAT32;
    return number == 9 || number == 3 || number == 2 || number == 0;
}

/* Scales and zero points into t; t->scales is owned by the caller then. */
static urs_status read_quantisation(urs_int8_tensor *t, reader *r, const entry *e, urs_error *err)
{
    urs_flat *f = &r->f;
    const size_t q = e->quantisation;
    const urs_flat_vector scale = q ? urs_flat_field_vector(f, q, 2, 4) : (urs_flat_vector){0}, zero = q ? urs_flat_field_vector(f, q, 3, 8) : (urs_flat_vector){0};
    if (f->broken)
        return broken(err, "scales lie outside the file");
    if (t->type == URS_INT8_TYPE_FLOAT32)
        return URS_OK;
    if (scale.count < 1 || (zero.count != scale.count && zero.count != 0))
        return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.100s' is not quantised", t->name);
    t->quant.scale = urs_flat_f32(f, scale.at);
    for (size_t i = 0; i < zero.count; i++) {
        const int64_t z = (int64_t)urs_flat_get(f, zero.at + 8 * i, 8);
        if (z < -128 || z > 255 || (i && z != 0))
            return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.100s' has zero points that we cannot use", t->name);
        if (i == 0)
            t->quant.zero_point = (int32_t)z;
    }
    if (scale.count == 1)
        return URS_OK;
    t->scales = urs_array_new(scale.count, sizeof(float));
    if (!t->scales)
        return urs_fail(err, URS_ENOMEM, "no memory for the scales of '%.100s'", t->name);
    for (size_t i = 0; i < scale.count; i++)
        t->scales[i] = urs_flat_f32(f, scale.at + 4 * i);
    t->n_scales = (int32_t)scale.count;
    t->axis = urs_flat_field_i32(f, q, 6, 0);
    return URS_OK;
}

/* Constants of 32 bits are little-endian in the file. */
static urs_status read_constant(urs_int8_tensor *t, reader *r, const entry *e, urs_error *err)
{
    size_t need = urs_int8_type_size(t->type);
    if (e->bytes.count == 0)
        return URS_OK;
    for (int32_t i = 0; i < t->shape.rank; i++)
        if (t->shape.dim[i] < 1 || !urs_mul_size(&need, need, (size_t)t->shape.dim[i]))
            need = SIZE_MAX;
    if (need != e->bytes.count)
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has %zu bytes of data, its shape needs another number", t->name, e->bytes.count);
    r->constant_bytes += need;
    if (r->constant_bytes > r->f.size) /* tensors that share buffers must not fill the memory */
        return urs_fail(err, URS_ELIMIT, "the tensors of the file share their data too often");
    t->data = urs_array_new(need, 1);
    if (!t->data)
        return urs_fail(err, URS_ENOMEM, "no memory for '%.100s'", t->name);
    memcpy(t->data, r->f.data + e->bytes.at, need);
    if (t->type == URS_INT8_TYPE_INT32)
        for (size_t i = 0; i < need / 4; i++)
            ((int32_t *)t->data)[i] = urs_flat_i32(&r->f, e->bytes.at + 4 * i);
    return URS_OK;
}

/* Number in the graph of a tensor that is data. */
static urs_status use(int32_t *out, reader *r, int32_t index, urs_error *err)
{
    char name[NAME_BYTES_MAX + 1];
    urs_int8_tensor t = {.name = name};
    entry e;
    urs_status status = look_up(&e, r, index, err);
    if (status != URS_OK)
        return status;
    if (r->number[index]) {
        *out = r->number[index] - 1;
        return URS_OK;
    }
    memcpy(name, r->f.data + e.name.at, e.name.count);
    name[e.name.count] = '\0';
    t.shape = shape_of(r, &e);
    if (!type_of(&t.type, e.type))
        return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.100s' has elements of type %d; int8 networks have int8, and int32 biases", name, (int)e.type);
    status = read_quantisation(&t, r, &e, err);
    if (status == URS_OK)
        status = read_constant(&t, r, &e, err);
    if (status == URS_OK) {
        *out = urs_int8_graph_tensor(r->g, &t);
        if (*out == URS_INT8_NONE)
            status = urs_int8_graph_finish(r->g, err); /* tells what was wrong with it */
        else
            r->number[index] = *out + 1;
    }
    urs_free(t.scales);
    urs_free(t.data);
    return status;
}

/* A small int32 constant. */
static urs_status read_index(urs_tflite_index *out, reader *r, int32_t index, urs_error *err)
{
    entry e;
    urs_status status = look_up(&e, r, index, err);
    size_t n = 1;
    if (status != URS_OK)
        return status;
    out->shape = shape_of(r, &e);
    for (int32_t i = 0; i < out->shape.rank; i++)
        n = out->shape.dim[i] >= 0 && out->shape.dim[i] <= 8 ? n * (size_t)out->shape.dim[i] : SIZE_MAX / 16;
    if (e.type != 2 || n > 2 * URS_INT8_RANK_MAX || e.bytes.count != 4 * n)
        return urs_fail(err, URS_EUNSUPPORTED, "tensor %d should be a small int32 constant", (int)index);
    for (size_t i = 0; i < n; i++)
        out->data[i] = urs_flat_i32(&r->f, e.bytes.at + 4 * i);
    return URS_OK;
}

static int32_t code_of(reader *r, size_t table)
{
    const uint32_t index = (uint32_t)urs_flat_field_i32(&r->f, table, 0, 0);
    const size_t code = index < r->codes.count ? urs_flat_table_at(&r->f, r->codes, index) : 0;
    int32_t old, new;
    if (!code)
        return -1;
    /* Codes beyond 127 are in the newer field only, the others in both or in the older one: the schema says to take the larger. */
    old = urs_flat_field_i8(&r->f, code, 0);
    new = urs_flat_field_i32(&r->f, code, 3, 0);
    return new > old ? new : old;
}

static urs_status read_inputs(urs_int8_op *op, urs_tflite_index *indices, const urs_tflite_index **present, reader *r, const urs_tflite_plan *plan, urs_flat_vector inputs, urs_error *err)
{
    const size_t most = plan->n_inputs ? (size_t)plan->n_inputs : URS_INT8_INPUTS_MAX;
    urs_status status = URS_OK;
    if (inputs.count > most && !(plan->kind == URS_INT8_RESHAPE && plan->n_inputs == SQUEEZE_INPUTS))
        return urs_fail(err, URS_EUNSUPPORTED, "%s has %zu inputs", urs_int8_kind_name(plan->kind), inputs.count);
    for (size_t i = 0; i < URS_INT8_INPUTS_MAX; i++)
        op->in[i] = URS_INT8_NONE;
    for (size_t i = 0; i < inputs.count && status == URS_OK; i++) {
        const int32_t tensor = urs_flat_i32(&r->f, inputs.at + 4 * i), place = plan->place[i];
        if (place < 0) {
            status = read_index(&indices[-1 - place], r, tensor, err);
            present[-1 - place] = &indices[-1 - place];
        } else {
            op->n_in = place + 1 > op->n_in ? place + 1 : op->n_in;
            if (tensor != URS_INT8_NONE)
                status = use(&op->in[place], r, tensor, err);
        }
    }
    return status;
}

static urs_status read_op(reader *r, size_t table, urs_error *err)
{
    urs_flat *f = &r->f;
    const int32_t code = code_of(r, table);
    const urs_flat_vector inputs = urs_flat_field_vector(f, table, 1, 4), outputs = urs_flat_field_vector(f, table, 2, 4);
    const size_t options = urs_flat_follow(f, urs_flat_field(f, table, 4, 4));
    urs_tflite_index indices[URS_TFLITE_INDICES_MAX] = {0};
    const urs_tflite_index *present[URS_TFLITE_INDICES_MAX] = {NULL};
    urs_tflite_plan plan;
    urs_int8_op op = {0};
    urs_status status;

    if (f->broken || code < 0)
        return broken(err, "an operator points outside the file");
    if (!urs_tflite_plan_of(&plan, code))
        return urs_fail(err, URS_EUNSUPPORTED, "there is no int8 operator here for TFLite's number %d", (int)code);
    op.kind = plan.kind;
    if (outputs.count < 1 || outputs.count > URS_INT8_OUTPUTS_MAX)
        return urs_fail(err, URS_EUNSUPPORTED, "%s has %zu outputs", urs_int8_kind_name(op.kind), outputs.count);
    status = read_inputs(&op, indices, present, r, &plan, inputs, err);
    for (size_t i = 0; i < outputs.count && status == URS_OK; i++)
        status = use(&op.out[op.n_out++], r, urs_flat_i32(f, outputs.at + 4 * i), err);
    if (status == URS_OK && (op.n_in < 1 || op.in[0] == URS_INT8_NONE))
        status = urs_fail(err, URS_EFORMAT, "%s has no input", urs_int8_kind_name(op.kind));
    if (status == URS_OK)
        status = urs_tflite_get_attributes(&op, code, f, options, present, r->g->tensors[op.in[0]].shape, r->g->tensors[op.out[0]].shape, err);
    if (status == URS_OK && f->broken)
        status = broken(err, "options lie outside the file");
    if (status == URS_OK)
        urs_int8_graph_op(r->g, &op);
    return status;
}

static urs_status read_subgraph(reader *r, size_t subgraph, urs_error *err)
{
    urs_flat *f = &r->f;
    const urs_flat_vector inputs = urs_flat_field_vector(f, subgraph, 1, 4), outputs = urs_flat_field_vector(f, subgraph, 2, 4), ops = urs_flat_field_vector(f, subgraph, 3, 4);
    urs_status status = URS_OK;
    r->tensors = urs_flat_field_vector(f, subgraph, 0, 4);
    if (f->broken)
        return broken(err, "its graph lies outside the file");
    if (r->tensors.count > 4 * URS_INT8_TENSORS_MAX || ops.count > URS_INT8_OPS_MAX || inputs.count > URS_INT8_INPUTS_MAX || outputs.count > URS_INT8_OUTPUTS_MAX)
        return urs_fail(err, URS_ELIMIT, "the file has %zu tensors, %zu operators, %zu inputs and %zu outputs", r->tensors.count, ops.count, inputs.count, outputs.count);
    r->number = urs_array_new(r->tensors.count, sizeof *r->number);
    if (!r->number)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu tensors", r->tensors.count);
    for (size_t i = 0; i < inputs.count && status == URS_OK; i++) {
        int32_t tensor = 0;
        status = use(&tensor, r, urs_flat_i32(f, inputs.at + 4 * i), err);
        if (status == URS_OK)
            urs_int8_graph_mark_input(r->g, tensor);
    }
    for (size_t i = 0; i < ops.count && status == URS_OK; i++) {
        const size_t table = urs_flat_table_at(f, ops, i);
        status = table ? read_op(r, table, err) : broken(err, "an operator points outside the file");
    }
    for (size_t i = 0; i < outputs.count && status == URS_OK; i++) {
        int32_t tensor = 0;
        status = use(&tensor, r, urs_flat_i32(f, outputs.at + 4 * i), err);
        if (status == URS_OK)
            urs_int8_graph_output(r->g, tensor);
    }
    return status;
}

static urs_status read_notes(reader *r, size_t root, urs_error *err)
{
    urs_flat *f = &r->f;
    const urs_flat_vector notes = urs_flat_field_vector(f, root, 6, 4);
    urs_status status = URS_OK;
    for (size_t i = 0; i < notes.count && i < 1000 && status == URS_OK; i++) {
        const size_t table = urs_flat_table_at(f, notes, i);
        const urs_flat_vector name = table ? urs_flat_field_vector(f, table, 0, 1) : (urs_flat_vector){0};
        const urs_flat_vector bytes = table ? buffer_bytes(r, (uint32_t)urs_flat_field_i32(f, table, 1, 0)) : (urs_flat_vector){0};
        char key[256];
        char *value;
        if (f->broken)
            return broken(err, "metadata lie outside the file");
        if (name.count < 6 || name.count >= sizeof key || memcmp(f->data + name.at, "ursid.", 6) != 0)
            continue;
        memcpy(key, f->data + name.at, name.count);
        key[name.count] = '\0';
        if (bytes.count > NOTE_BYTES_MAX)
            return urs_fail(err, URS_ELIMIT, "the note '%.100s' has %zu bytes", key, bytes.count);
        value = urs_array_new(bytes.count + 1, 1);
        if (!value)
            return urs_fail(err, URS_ENOMEM, "no memory for the note '%.100s'", key);
        if (bytes.count)
            memcpy(value, f->data + bytes.at, bytes.count);
        status = urs_int8_graph_set_note(r->g, key, value, err);
        urs_free(value);
    }
    return status;
}

urs_status urs_tflite_decode(urs_int8_graph **out, const void *data, size_t size, urs_error *err)
{
    reader r = {.f = {.data = data, .size = size}};
    const size_t root = urs_flat_root(&r.f, "TFL3");
    urs_flat_vector subgraphs;
    size_t subgraph;
    urs_status status;

    if (!root)
        return urs_fail(err, URS_EFORMAT, "not a TFLite file of schema version 3");
    r.codes = urs_flat_field_vector(&r.f, root, 1, 4);
    subgraphs = urs_flat_field_vector(&r.f, root, 2, 4);
    r.buffers = urs_flat_field_vector(&r.f, root, 4, 4);
    subgraph = subgraphs.count ? urs_flat_table_at(&r.f, subgraphs, 0) : 0;
    if (r.f.broken || !subgraph)
        return broken(err, "it has no graph");
    status = urs_int8_graph_new(&r.g, err);
    if (status == URS_OK)
        status = read_subgraph(&r, subgraph, err);
    if (status == URS_OK)
        status = read_notes(&r, root, err);
    if (status == URS_OK)
        status = urs_int8_graph_finish(r.g, err);
    urs_free(r.number);
    if (status != URS_OK) {
        urs_int8_graph_free(r.g);
        return status;
    }
    *out = r.g;
    return URS_OK;
}

urs_status urs_tflite_load(urs_int8_graph **out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, 0, err);
    if (status != URS_OK)
        return status;
    status = urs_tflite_decode(out, bytes.data, bytes.size, err);
    if (status != URS_OK)
        urs_error_prefix(err, "%s: ", path);
    urs_bytes_release(&bytes);
    return status;
}
