/* Whether two graphs are the same; see urs_int8_graph_compare in tflite_file.h. Tensors are compared where they are used, because their numbers may differ. */
#include "int8/int8_op.h"
#include "int8/tflite_file.h"

#include <string.h>

static bool same_numbers(const int32_t *a, const int32_t *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static bool same_attributes(const urs_int8_attr *a, const urs_int8_attr *b)
{
    return a->padding == b->padding && a->activation == b->activation && a->stride_h == b->stride_h && a->stride_w == b->stride_w && a->dilation_h == b->dilation_h &&
           a->dilation_w == b->dilation_w && a->filter_h == b->filter_h && a->filter_w == b->filter_w && a->out_h == b->out_h && a->out_w == b->out_w && a->axis == b->axis &&
           a->rank == b->rank && same_numbers(a->shape, b->shape, 4) && same_numbers(a->begin, b->begin, 4) && same_numbers(a->size, b->size, 4) && same_numbers(a->step, b->step, 4) &&
           same_numbers(&a->pad[0][0], &b->pad[0][0], 8) && a->keep_dims == b->keep_dims && a->align_corners == b->align_corners && a->half_pixel == b->half_pixel &&
           a->approximate == b->approximate && a->alpha == b->alpha && a->beta == b->beta;
}

static bool same_tensor(const urs_int8_graph *ga, int32_t a, const urs_int8_graph *gb, int32_t b)
{
    const urs_int8_tensor *x, *y;
    if (a == URS_INT8_NONE || b == URS_INT8_NONE)
        return a == b;
    x = &ga->tensors[a];
    y = &gb->tensors[b];
    return strcmp(x->name, y->name) == 0 && x->type == y->type && urs_int8_shape_equal(x->shape, y->shape) && x->quant.scale == y->quant.scale && x->quant.zero_point == y->quant.zero_point &&
           !x->scales == !y->scales && (!x->scales || (x->axis == y->axis && memcmp(x->scales, y->scales, (size_t)x->n_scales * sizeof(float)) == 0)) && !x->data == !y->data &&
           (!x->data || memcmp(x->data, y->data, urs_int8_tensor_bytes(x)) == 0);
}

urs_status urs_int8_graph_compare(const urs_int8_graph *a, const urs_int8_graph *b, urs_error *err)
{
    if (a->n_ops != b->n_ops || a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs || urs_int8_graph_notes(a) != urs_int8_graph_notes(b))
        return urs_fail(err, URS_EMISMATCH, "two int8 graphs with %d and %d operators", (int)a->n_ops, (int)b->n_ops);
    for (int32_t i = 0; i < a->n_inputs; i++)
        if (!same_tensor(a, a->inputs[i], b, b->inputs[i]))
            return urs_fail(err, URS_EMISMATCH, "input %d differs", (int)i);
    for (int32_t i = 0; i < a->n_outputs; i++)
        if (!same_tensor(a, a->outputs[i], b, b->outputs[i]))
            return urs_fail(err, URS_EMISMATCH, "output %d differs", (int)i);
    for (int32_t i = 0; i < a->n_ops; i++) {
        const urs_int8_op *x = &a->ops[i], *y = &b->ops[i];
        bool same = x->kind == y->kind && x->n_in == y->n_in && x->n_out == y->n_out && same_attributes(&x->attr, &y->attr);
        for (int32_t k = 0; k < x->n_in && same; k++)
            same = same_tensor(a, x->in[k], b, y->in[k]);
        for (int32_t k = 0; k < x->n_out && same; k++)
            same = same_tensor(a, x->out[k], b, y->out[k]);
        if (!same)
            return urs_fail(err, URS_EMISMATCH, "operator %d, %s '%.100s', differs", (int)i, urs_int8_kind_name(x->kind), a->tensors[x->out[0]].name);
    }
    for (int32_t i = 0; i < urs_int8_graph_notes(a); i++) {
        const char *key, *value, *other;
        urs_int8_graph_note_at(a, i, &key, &value);
        other = urs_int8_graph_note(b, key);
        if (!other || strcmp(value, other) != 0)
            return urs_fail(err, URS_EMISMATCH, "the note '%.100s' differs", key);
    }
    return URS_OK;
}
