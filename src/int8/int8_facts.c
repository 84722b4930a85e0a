/* Facts about tensors and graphs; see int8_graph.h. */
#include "int8/int8_op.h"

#include <string.h>

const char *urs_int8_kind_name(urs_int8_kind kind)
{
    const urs_int8_record *r = urs_int8_record_of(kind);
    return r ? r->name : "?";
}

size_t urs_int8_shape_elements(urs_int8_shape shape)
{
    size_t n = 1;
    for (int32_t i = 0; i < shape.rank; i++)
        n *= (size_t)shape.dim[i];
    return n;
}

bool urs_int8_shape_equal(urs_int8_shape a, urs_int8_shape b)
{
    if (a.rank != b.rank)
        return false;
    for (int32_t i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i])
            return false;
    return true;
}

size_t urs_int8_type_size(urs_int8_type type)
{
    return type == URS_INT8_TYPE_INT32 || type == URS_INT8_TYPE_FLOAT32 ? 4 : 1;
}

size_t urs_int8_tensor_bytes(const urs_int8_tensor *t)
{
    return urs_int8_shape_elements(t->shape) * urs_int8_type_size(t->type);
}

int32_t urs_int8_find_tensor(const urs_int8_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_tensors; i++)
        if (strcmp(g->tensors[i].name, name) == 0)
            return i;
    return URS_INT8_NONE;
}

int64_t urs_int8_graph_macs(const urs_int8_graph *g)
{
    int64_t macs = 0;
    for (int32_t i = 0; i < g->n_ops; i++) {
        const urs_int8_op *op = &g->ops[i];
        int64_t weights, positions;
        if (op->kind > URS_INT8_FULLY_CONNECTED)
            continue;
        weights = (int64_t)urs_int8_shape_elements(urs_int8_input_of(g, op, 1)->shape);
        /* Every weight meets every position of the output once (transposed: of the input). */
        if (op->kind == URS_INT8_TRANSPOSE_CONV)
            positions = (int64_t)urs_int8_input_of(g, op, 0)->shape.dim[1] * urs_int8_input_of(g, op, 0)->shape.dim[2];
        else
            positions = (int64_t)urs_int8_shape_elements(urs_int8_output_of(g, op, 0)->shape) /
                        urs_int8_output_of(g, op, 0)->shape.dim[urs_int8_output_of(g, op, 0)->shape.rank - 1];
        macs += weights * positions;
    }
    return macs;
}

size_t urs_int8_graph_constant_bytes(const urs_int8_graph *g)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].data)
            bytes += urs_int8_tensor_bytes(&g->tensors[i]);
    return bytes;
}

urs_int8_shape urs_int8_shape4(int32_t n, int32_t h, int32_t w, int32_t c)
{
    return (urs_int8_shape){4, {n, h, w, c}};
}
