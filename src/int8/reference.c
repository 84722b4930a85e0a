/* See reference.h. */
#include "int8/reference.h"

#include "base/memory.h"
#include "int8/int8_op.h"

#include <string.h>

static void run_op(const urs_int8_graph *g, const urs_int8_op *op, urs_int8_arithmetic arithmetic, void *const *data)
{
    urs_int8_call c = {.graph = g, .op = op, .arithmetic = arithmetic};
    for (int32_t i = 0; i < op->n_in; i++)
        if (op->in[i] != URS_INT8_NONE)
            c.in[i] = g->tensors[op->in[i]].data ? g->tensors[op->in[i]].data : data[op->in[i]];
    for (int32_t i = 0; i < op->n_out; i++)
        c.out[i] = data[op->out[i]];
    urs_int8_record_of(op->kind)->run(&c);
}

urs_status urs_int8_reference_run(urs_int8_values *out, const urs_int8_graph *g, urs_int8_arithmetic arithmetic, const void *const *inputs, urs_error *err)
{
    urs_int8_values v = {.data = urs_array_new((size_t)g->n_tensors, sizeof(void *)), .count = g->n_tensors};
    bool enough = v.data != NULL;
    for (int32_t i = 0; i < g->n_tensors && enough; i++)
        if (!g->tensors[i].data)
            enough = (v.data[i] = urs_array_new(urs_int8_tensor_bytes(&g->tensors[i]), 1)) != NULL;
    if (!enough) {
        urs_int8_values_release(&v);
        return urs_fail(err, URS_ENOMEM, "no memory for the tensors of an int8 graph");
    }
    for (int32_t i = 0; i < g->n_inputs; i++)
        memcpy(v.data[g->inputs[i]], inputs[i], urs_int8_tensor_bytes(&g->tensors[g->inputs[i]]));
    for (int32_t i = 0; i < g->n_ops; i++)
        run_op(g, &g->ops[i], arithmetic, v.data);
    *out = v;
    return URS_OK;
}

void urs_int8_values_release(urs_int8_values *v)
{
    for (int32_t i = 0; v->data && i < v->count; i++)
        urs_free(v->data[i]);
    urs_free(v->data);
    *v = (urs_int8_values){0};
}
