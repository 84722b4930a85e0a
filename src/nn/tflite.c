/* TFLite reader; see tflite.h. FlatBuffers (https://flatbuffers.dev/internals):
 *
 *      file    u32 offset of the root table | "TFL3" | ...
 *      table   i32 distance back to its vtable | fields
 *      vtable  u16 own bytes | u16 bytes of the table | u16 offset of field 0 in the table, 0 = absent | field 1 ...
 *      vector, string   u32 distance from the field to: u32 count | elements
 *
 * Every position is checked before it is read; a bad one makes `broken` true and reads as absent. */
#include "nn/tflite.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define TENSORS_MAX 16384u
#define OPS_MAX 65536u
#define NAME_BYTES_MAX 4096u

struct urs_tflite {
    urs_tflite_tensor *tensors; /* owned, names too */
    urs_tflite_op *ops;         /* owned */
    int32_t n_tensors, n_ops;
    urs_weights *constants; /* owned */
};

typedef struct flat {
    const uint8_t *data;
    size_t size;
    bool broken;
} flat;

typedef struct vector {
    size_t at; /* of element 0 */
    size_t count;
} vector;

/* n bytes at `at`, little-endian; 0 if they are not there. */
static uint64_t get(flat *f, size_t at, size_t n)
{
    uint64_t x = 0;
    if (at > f->size || n > f->size - at) {
        f->broken = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)f->data[at + i] << (8 * i);
    return x;
}

static int32_t get_i32(flat *f, size_t at)
{
    return (int32_t)(uint32_t)get(f, at, 4);
}

/* Position of a field of `size` bytes; 0: absent (position 0 is the header, so no field is there). */
static size_t field(flat *f, size_t table, size_t index, size_t size)
{
    const int64_t back = get_i32(f, table), vtable = (int64_t)table - back;
    size_t bytes, offset, at;
    if (vtable < 0 || (uint64_t)vtable > f->size) {
        f->broken = true;
        return 0;
    }
    bytes = (size_t)get(f, (size_t)vtable, 2);
    if (6 + 2 * index > bytes)
        return 0;
    offset = (size_t)get(f, (size_t)vtable + 4 + 2 * index, 2);
    at = table + offset;
    if (offset == 0)
        return 0;
    if (at > f->size || size > f->size - at) {
        f->broken = true;
        return 0;
    }
    return at;
}

static int32_t field_i32(flat *f, size_t table, size_t index, int32_t otherwise)
{
    const size_t at = field(f, table, index, 4);
    return at ? get_i32(f, at) : otherwise;
}

static int32_t field_i8(flat *f, size_t table, size_t index)
{
    const size_t at = field(f, table, index, 1);
    return at ? (int32_t)(int8_t)get(f, at, 1) : 0;
}

/* Position that the offset at `at` points to; 0: broken or `at` is 0. */
static size_t follow(flat *f, size_t at)
{
    size_t target;
    if (at == 0)
        return 0;
    target = at + (size_t)get(f, at, 4);
    if (target >= f->size || target == at) {
        f->broken = true;
        return 0;
    }
    return target;
}

static vector field_vector(flat *f, size_t table, size_t index, size_t element)
{
    const size_t at = follow(f, field(f, table, index, 4));
    size_t count;
    if (at == 0)
        return (vector){0};
    count = (size_t)get(f, at, 4);
    if (f->broken || count > (f->size - at - 4) / element) {
        f->broken = true;
        return (vector){0};
    }
    return (vector){at + 4, count};
}

static size_t table_at(flat *f, vector v, size_t i)
{
    return follow(f, v.at + 4 * i);
}

static urs_status broken(urs_error *err, const char *what)
{
    return urs_fail(err, URS_EFORMAT, "a broken TFLite file: %s", what);
}

static char *copy_name(const flat *f, vector v)
{
    char *name = v.count <= NAME_BYTES_MAX ? urs_array_new(v.count + 1, 1) : NULL;
    if (name && v.count)
        memcpy(name, f->data + v.at, v.count);
    return name;
}

/* The bytes of a buffer; count 0: none. */
static vector buffer_bytes(flat *f, vector buffers, uint32_t index)
{
    const size_t table = index < buffers.count ? table_at(f, buffers, index) : 0;
    if (!table) {
        f->broken = f->broken || index >= buffers.count;
        return (vector){0};
    }
    return field_vector(f, table, 0, 1);
}

/* Adds the constant under a name that is free. */
static urs_status add_constant(urs_tflite *m, const flat *f, int32_t index, urs_weight_type type, vector bytes, urs_error *err)
{
    const urs_tflite_tensor *t = &m->tensors[index];
    char name[NAME_BYTES_MAX + 32];
    (void)snprintf(name, sizeof name, "%s", t->name);
    if (!name[0] || urs_weights_find(m->constants, name))
        (void)snprintf(name, sizeof name, "%s#%d", t->name, (int)index);
    return urs_weights_add_raw(m->constants, name, type, t->rank, t->shape, f->data + bytes.at, err);
}

static urs_status read_tensor(urs_tflite *m, flat *f, size_t table, vector buffers, int32_t index, size_t *elements, size_t *constant, urs_error *err)
{
    urs_tflite_tensor *t = &m->tensors[index];
    const vector shape = field_vector(f, table, 0, 4), name = field_vector(f, table, 3, 1);
    const uint32_t buffer = (uint32_t)field_i32(f, table, 2, 0);
    vector bytes;
    urs_weight_type type;
    size_t count = 1, need;

    t->type = field_i8(f, table, 1);
    bytes = buffer_bytes(f, buffers, buffer);
    if (f->broken)
        return broken(err, "a tensor points outside the file");
    t->name = copy_name(f, name);
    if (!t->name)
        return urs_fail(err, URS_ELIMIT, "a tensor's name has %zu bytes", name.count);
    if (shape.count > URS_WEIGHTS_RANK_MAX)
        return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has %zu dimensions", t->name, shape.count);
    t->rank = (int32_t)shape.count;
    for (size_t i = 0; i < shape.count; i++) {
        t->shape[i] = get_i32(f, shape.at + 4 * i);
        if (t->shape[i] < 0)
            return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has a negative dimension", t->name);
        if (!urs_mul_size(&count, count, (size_t)t->shape[i]))
            return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has more elements than fit", t->name);
    }
    if (bytes.count == 0 || (t->type != 0 && t->type != 1))
        return URS_OK; /* not constant, or not of floats */
    type = t->type == 0 ? URS_WEIGHT_F32 : URS_WEIGHT_F16;
    if (!urs_mul_size(&need, count, urs_weight_type_size(type)) || need != bytes.count)
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has %zu bytes of data, its shape needs another number", t->name, bytes.count);
    *elements += count;
    if (*elements > f->size) /* honest files have a quarter or a half; tensors that share buffers must not fill the memory */
        return urs_fail(err, URS_ELIMIT, "the tensors of the file share their data too often");
    *constant = urs_weights_count(m->constants) + 1;
    return add_constant(m, f, index, type, bytes, err);
}

static urs_status read_tensors(urs_tflite *m, flat *f, size_t subgraph, vector buffers, urs_error *err)
{
    const vector tables = field_vector(f, subgraph, 0, 4);
    size_t elements = 0, *constant = NULL;
    urs_status status = URS_OK;

    if (f->broken || tables.count > TENSORS_MAX)
        return f->broken ? broken(err, "its tensors lie outside the file") : urs_fail(err, URS_ELIMIT, "the file has %zu tensors", tables.count);
    m->tensors = urs_array_new(tables.count, sizeof *m->tensors);
    constant = urs_array_new(tables.count, sizeof *constant); /* number in the collection + 1 */
    if (!m->tensors || !constant) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu tensors", tables.count);
        goto done;
    }
    m->n_tensors = (int32_t)tables.count;
    for (int32_t i = 0; i < m->n_tensors && status == URS_OK; i++) {
        const size_t table = table_at(f, tables, (size_t)i);
        status = table ? read_tensor(m, f, table, buffers, i, &elements, &constant[i], err) : broken(err, "a tensor points outside the file");
    }
    for (int32_t i = 0; i < m->n_tensors && status == URS_OK; i++) /* the collection does not move any more */
        if (constant[i])
            m->tensors[i].constant = urs_weights_at(m->constants, constant[i] - 1);
done:
    urs_free(constant);
    return status;
}

static void read_convolution(urs_tflite_op *op, flat *f, size_t options)
{
    const bool depthwise = op->code == URS_TFLITE_DEPTHWISE_CONV_2D;
    op->padding_valid = field_i8(f, options, 0) == 1;
    op->stride_w = field_i32(f, options, 1, 0);
    op->stride_h = field_i32(f, options, 2, 0);
    op->activation = field_i8(f, options, depthwise ? 4 : 3);
    op->dilation_w = field_i32(f, options, depthwise ? 5 : 4, 1);
    op->dilation_h = field_i32(f, options, depthwise ? 6 : 5, 1);
}

static urs_status read_op(urs_tflite *m, flat *f, size_t table, vector codes, urs_tflite_op *op, urs_error *err)
{
    const uint32_t code_index = (uint32_t)field_i32(f, table, 0, 0);
    const size_t code = code_index < codes.count ? table_at(f, codes, code_index) : 0;
    const vector inputs = field_vector(f, table, 1, 4), outputs = field_vector(f, table, 2, 4);
    size_t options;

    if (!code || f->broken)
        return broken(err, "an operator without a code");
    /* Codes beyond 127 are in the newer field only, the others in both or in the older one: the schema says to take the larger. */
    op->code = field_i8(f, code, 0);
    if (field_i32(f, code, 3, 0) > op->code)
        op->code = field_i32(f, code, 3, 0);
    op->n_inputs = inputs.count < URS_TFLITE_INPUTS_MAX ? (int32_t)inputs.count : URS_TFLITE_INPUTS_MAX;
    op->output = outputs.count ? get_i32(f, outputs.at) : -1;
    for (int32_t i = 0; i < op->n_inputs; i++) {
        op->inputs[i] = get_i32(f, inputs.at + 4 * (size_t)i);
        if (op->inputs[i] < -1 || op->inputs[i] >= m->n_tensors)
            return broken(err, "an operator reads a tensor that does not exist");
    }
    if (op->output < -1 || op->output >= m->n_tensors)
        return broken(err, "an operator writes a tensor that does not exist");
    options = follow(f, field(f, table, 4, 4));
    if (options && (op->code == URS_TFLITE_CONV_2D || op->code == URS_TFLITE_DEPTHWISE_CONV_2D))
        read_convolution(op, f, options);
    return f->broken ? broken(err, "an operator points outside the file") : URS_OK;
}

static urs_status read_ops(urs_tflite *m, flat *f, size_t subgraph, vector codes, urs_error *err)
{
    const vector tables = field_vector(f, subgraph, 3, 4);
    urs_status status = URS_OK;

    if (f->broken || tables.count > OPS_MAX)
        return f->broken ? broken(err, "its operators lie outside the file") : urs_fail(err, URS_ELIMIT, "the file has %zu operators", tables.count);
    m->ops = urs_array_new(tables.count, sizeof *m->ops);
    if (!m->ops)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu operators", tables.count);
    m->n_ops = (int32_t)tables.count;
    for (int32_t i = 0; i < m->n_ops && status == URS_OK; i++) {
        const size_t table = table_at(f, tables, (size_t)i);
        status = table ? read_op(m, f, table, codes, &m->ops[i], err) : broken(err, "an operator points outside the file");
    }
    return status;
}

urs_status urs_tflite_read(urs_tflite **out, const void *data, size_t size, urs_error *err)
{
    flat f = {.data = data, .size = size};
    urs_tflite *m = NULL;
    size_t root, subgraph;
    vector subgraphs, codes, buffers;
    urs_status status;

    if (size < 8 || memcmp(f.data + 4, "TFL3", 4) != 0)
        return urs_fail(err, URS_EFORMAT, "not a TFLite file of schema version 3");
    root = (size_t)get(&f, 0, 4);
    codes = field_vector(&f, root, 1, 4);
    subgraphs = field_vector(&f, root, 2, 4);
    buffers = field_vector(&f, root, 4, 4);
    subgraph = subgraphs.count ? table_at(&f, subgraphs, 0) : 0;
    if (f.broken || !subgraph)
        return broken(err, "it has no graph");
    m = urs_array_new(1, sizeof *m);
    if (!m)
        return urs_fail(err, URS_ENOMEM, "no memory for a TFLite file");
    status = urs_weights_new(&m->constants, err);
    if (status == URS_OK)
        status = read_tensors(m, &f, subgraph, buffers, err);
    if (status == URS_OK)
        status = read_ops(m, &f, subgraph, codes, err);
    if (status != URS_OK) {
        urs_tflite_free(m);
        return status;
    }
    *out = m;
    return URS_OK;
}

void urs_tflite_free(urs_tflite *m)
{
    if (!m)
        return;
    for (int32_t i = 0; i < m->n_tensors; i++)
        urs_free(m->tensors[i].name);
    urs_free(m->tensors);
    urs_free(m->ops);
    urs_weights_free(m->constants);
    urs_free(m);
}

int32_t urs_tflite_tensors(const urs_tflite *m, const urs_tflite_tensor **tensors)
{
    *tensors = m->tensors;
    return m->n_tensors;
}

int32_t urs_tflite_ops(const urs_tflite *m, const urs_tflite_op **ops)
{
    *ops = m->ops;
    return m->n_ops;
}

urs_status urs_tflite_read_weights(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    urs_tflite *m = NULL;
    urs_status status = urs_tflite_read(&m, data, size, err);
    if (status != URS_OK)
        return status;
    if (urs_weights_count(m->constants) == 0)
        status = urs_fail(err, URS_EUNSUPPORTED, "a TFLite file without constant float tensors (an int8 model cannot be a starting point)");
    if (status == URS_OK) {
        *out = m->constants;
        m->constants = NULL;
    }
    urs_tflite_free(m);
    return status;
}
