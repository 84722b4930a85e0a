/* TFLite reader; see tflite.h. The container is read by base/flat_reader.h. */
#include "nn/tflite.h"

#include "base/flat_reader.h"
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

static urs_status broken(urs_error *err, const char *what)
{
    return urs_fail(err, URS_EFORMAT, "a broken TFLite file: %s", what);
}

static char *copy_name(const urs_flat *f, urs_flat_vector v)
{
    char *name = v.count <= NAME_BYTES_MAX ? urs_array_new(v.count + 1, 1) : NULL;
    if (name && v.count)
        memcpy(name, f->data + v.at, v.count);
    return name;
}

/* The bytes of a buffer; count 0: none. */
static urs_flat_vector buffer_bytes(urs_flat *f, urs_flat_vector buffers, uint32_t index)
{
    const size_t table = index < buffers.count ? urs_flat_table_at(f, buffers, index) : 0;
    if (!table) {
        f->broken = f->broken || index >= buffers.count;
        return (urs_flat_vector){0};
    }
    return urs_flat_field_vector(f, table, 0, 1);
}

/* Adds the constant under a name that is free. */
static urs_status add_constant(urs_tflite *m, const urs_flat *f, int32_t index, urs_weight_type type, urs_flat_vector bytes, urs_error *err)
{
    const urs_tflite_tensor *t = &m->tensors[index];
    char name[NAME_BYTES_MAX + 32];
    (void)snprintf(name, sizeof name, "%s", t->name);
    if (!name[0] || urs_weights_find(m->constants, name))
        (void)snprintf(name, sizeof name, "%s#%d", t->name, (int)index);
    return urs_weights_add_raw(m->constants, name, type, t->rank, t->shape, f->data + bytes.at, err);
}

static urs_status read_tensor(urs_tflite *m, urs_flat *f, size_t table, urs_flat_vector buffers, int32_t index, size_t *elements, size_t *constant, urs_error *err)
{
    urs_tflite_tensor *t = &m->tensors[index];
    const urs_flat_vector shape = urs_flat_field_vector(f, table, 0, 4), name = urs_flat_field_vector(f, table, 3, 1);
    const uint32_t buffer = (uint32_t)urs_flat_field_i32(f, table, 2, 0);
    urs_flat_vector bytes;
    urs_weight_type type;
    size_t count = 1, need;

    t->type = urs_flat_field_i8(f, table, 1);
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
        t->shape[i] = urs_flat_i32(f, shape.at + 4 * i);
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

static urs_status read_tensors(urs_tflite *m, urs_flat *f, size_t subgraph, urs_flat_vector buffers, urs_error *err)
{
    const urs_flat_vector tables = urs_flat_field_vector(f, subgraph, 0, 4);
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
        const size_t table = urs_flat_table_at(f, tables, (size_t)i);
        status = table ? read_tensor(m, f, table, buffers, i, &elements, &constant[i], err) : broken(err, "a tensor points outside the file");
    }
    for (int32_t i = 0; i < m->n_tensors && status == URS_OK; i++) /* the collection does not move any more */
        if (constant[i])
            m->tensors[i].constant = urs_weights_at(m->constants, constant[i] - 1);
done:
    urs_free(constant);
    return status;
}

static void read_convolution(urs_tflite_op *op, urs_flat *f, size_t options)
{
    const bool depthwise = op->code == URS_TFLITE_DEPTHWISE_CONV_2D;
    op->padding_valid = urs_flat_field_i8(f, options, 0) == 1;
    op->stride_w = urs_flat_field_i32(f, options, 1, 0);
    op->stride_h = urs_flat_field_i32(f, options, 2, 0);
    op->activation = urs_flat_field_i8(f, options, depthwise ? 4 : 3);
    op->dilation_w = urs_flat_field_i32(f, options, depthwise ? 5 : 4, 1);
    op->dilation_h = urs_flat_field_i32(f, options, depthwise ? 6 : 5, 1);
}

static urs_status read_op(urs_tflite *m, urs_flat *f, size_t table, urs_flat_vector codes, urs_tflite_op *op, urs_error *err)
{
    const uint32_t code_index = (uint32_t)urs_flat_field_i32(f, table, 0, 0);
    const size_t code = code_index < codes.count ? urs_flat_table_at(f, codes, code_index) : 0;
    const urs_flat_vector inputs = urs_flat_field_vector(f, table, 1, 4), outputs = urs_flat_field_vector(f, table, 2, 4);
    size_t options;

    if (!code || f->broken)
        return broken(err, "an operator without a code");
    /* Codes beyond 127 are in the newer field only, the others in both or in the older one: the schema says to take the larger. */
    op->code = urs_flat_field_i8(f, code, 0);
    if (urs_flat_field_i32(f, code, 3, 0) > op->code)
        op->code = urs_flat_field_i32(f, code, 3, 0);
    op->n_inputs = inputs.count < URS_TFLITE_INPUTS_MAX ? (int32_t)inputs.count : URS_TFLITE_INPUTS_MAX;
    op->output = outputs.count ? urs_flat_i32(f, outputs.at) : -1;
    for (int32_t i = 0; i < op->n_inputs; i++) {
        op->inputs[i] = urs_flat_i32(f, inputs.at + 4 * (size_t)i);
        if (op->inputs[i] < -1 || op->inputs[i] >= m->n_tensors)
            return broken(err, "an operator reads a tensor that does not exist");
    }
    if (op->output < -1 || op->output >= m->n_tensors)
        return broken(err, "an operator writes a tensor that does not exist");
    options = urs_flat_follow(f, urs_flat_field(f, table, 4, 4));
    if (options && (op->code == URS_TFLITE_CONV_2D || op->code == URS_TFLITE_DEPTHWISE_CONV_2D))
        read_convolution(op, f, options);
    return f->broken ? broken(err, "an operator points outside the file") : URS_OK;
}

static urs_status read_ops(urs_tflite *m, urs_flat *f, size_t subgraph, urs_flat_vector codes, urs_error *err)
{
    const urs_flat_vector tables = urs_flat_field_vector(f, subgraph, 3, 4);
    urs_status status = URS_OK;

    if (f->broken || tables.count > OPS_MAX)
        return f->broken ? broken(err, "its operators lie outside the file") : urs_fail(err, URS_ELIMIT, "the file has %zu operators", tables.count);
    m->ops = urs_array_new(tables.count, sizeof *m->ops);
    if (!m->ops)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu operators", tables.count);
    m->n_ops = (int32_t)tables.count;
    for (int32_t i = 0; i < m->n_ops && status == URS_OK; i++) {
        const size_t table = urs_flat_table_at(f, tables, (size_t)i);
        status = table ? read_op(m, f, table, codes, &m->ops[i], err) : broken(err, "an operator points outside the file");
    }
    return status;
}

urs_status urs_tflite_read(urs_tflite **out, const void *data, size_t size, urs_error *err)
{
    urs_flat f = {.data = data, .size = size};
    urs_tflite *m = NULL;
    size_t root, subgraph;
    urs_flat_vector subgraphs, codes, buffers;
    urs_status status;

    if (size < 8 || memcmp(f.data + 4, "TFL3", 4) != 0)
        return urs_fail(err, URS_EFORMAT, "not a TFLite file of schema version 3");
    root = urs_flat_root(&f, "TFL3");
    codes = urs_flat_field_vector(&f, root, 1, 4);
    subgraphs = urs_flat_field_vector(&f, root, 2, 4);
    buffers = urs_flat_field_vector(&f, root, 4, 4);
    subgraph = subgraphs.count ? urs_flat_table_at(&f, subgraphs, 0) : 0;
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
