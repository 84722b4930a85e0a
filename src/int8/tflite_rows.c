/* The schema's numbers; see tflite_rows.h. Fields of options tables are numbered as in schema.fbs. */
#include "int8/tflite_rows.h"

#include <string.h>

enum { SQUEEZE = 43, STRIDED_SLICE = 45, EXPAND_DIMS = 70 };
enum { STRIDED_SLICE_OPTIONS = 32 };
enum { FIRST = -1, SECOND = -2, THIRD = -3 }; /* index constants among the inputs */

typedef struct row {
    int32_t code, version, options;
    int32_t n_inputs; /* with index constants; 0: all of op->in and nothing else */
    int32_t place[5];
} row;

static const row rows[URS_INT8_KIND_COUNT] = {
    /*                               code ver opt  inputs in the file's order */
    [URS_INT8_CONV_2D] =            {3,   3,  1,   0, {0}},
    [URS_INT8_DEPTHWISE_CONV_2D] =  {4,   3,  2,   0, {0}},
    [URS_INT8_TRANSPOSE_CONV] =     {67,  2,  49,  4, {FIRST, 1, 0, 2}}, /* output shape, weights, x, bias */
    [URS_INT8_FULLY_CONNECTED] =    {9,   4,  8,   0, {0}},
    [URS_INT8_ADD] =                {0,   2,  11,  0, {0}},
    [URS_INT8_SUB] =                {41,  2,  28,  0, {0}},
    [URS_INT8_MUL] =                {18,  2,  21,  0, {0}},
    [URS_INT8_MEAN] =               {40,  2,  27,  2, {0, FIRST}}, /* axes */
    [URS_INT8_AVERAGE_POOL_2D] =    {1,   2,  5,   0, {0}},
    [URS_INT8_MAX_POOL_2D] =        {17,  2,  5,   0, {0}},
    [URS_INT8_CONCATENATION] =      {2,   2,  10,  0, {0}},
    [URS_INT8_SPLIT] =              {49,  2,  35,  2, {FIRST, 0}}, /* axis */
    [URS_INT8_SLICE] =              {65,  2,  48,  3, {0, FIRST, SECOND}}, /* begin, size */
    [URS_INT8_RESHAPE] =            {22,  1,  17,  2, {0, FIRST}}, /* shape */
    [URS_INT8_PAD] =                {34,  2,  22,  2, {0, FIRST}}, /* [4,2] */
    [URS_INT8_RESIZE_NEAREST] =     {97,  2,  74,  2, {0, FIRST}}, /* height, width */
    [URS_INT8_QUANTIZE] =           {114, 1,  89,  0, {0}},
    [URS_INT8_DEQUANTIZE] =         {6,   2,  38,  0, {0}},
    [URS_INT8_LOGISTIC] =           {14,  2,  0,   0, {0}},
    [URS_INT8_TANH] =               {28,  2,  0,   0, {0}},
    [URS_INT8_HARD_SWISH] =         {117, 1,  91,  0, {0}},
    [URS_INT8_RELU] =               {19,  2,  0,   0, {0}},
    [URS_INT8_RELU6] =              {21,  2,  0,   0, {0}},
    [URS_INT8_LEAKY_RELU] =         {98,  1,  75,  0, {0}},
    [URS_INT8_GELU] =               {150, 2,  116, 0, {0}},
    [URS_INT8_SOFTMAX] =            {25,  2,  9,   0, {0}},
};

/* ---- graph to file ---- */

static bool has_steps(const urs_int8_op *op)
{
    for (int32_t i = 0; i < URS_INT8_RANK_MAX; i++)
        if (op->attr.step[i] > 1)
            return true;
    return false;
}

static urs_tflite_index *add_index(urs_tflite_form *form, int32_t rank, int32_t n)
{
    urs_tflite_index *index = &form->index[form->n_indices++];
    *index = (urs_tflite_index){.shape = {rank, {n}}};
    return index;
}

static void put_list(urs_tflite_form *form, const int32_t *x, int32_t n)
{
    memcpy(add_index(form, 1, n)->data, x, (size_t)n * sizeof *x);
}

static void put_indices(urs_tflite_form *form, const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_shape in = g->tensors[op->in[0]].shape, out = g->tensors[op->out[0]].shape;
    const urs_int8_attr *a = &op->attr;
    int32_t end[URS_INT8_RANK_MAX], step[URS_INT8_RANK_MAX];
    switch (op->kind) {
    case URS_INT8_TRANSPOSE_CONV:
        put_list(form, out.dim, 4);
        break;
    case URS_INT8_MEAN:
        put_list(form, (const int32_t[]){1, 2}, 2);
        break;
    case URS_INT8_SPLIT:
        add_index(form, 0, 0)->data[0] = a->axis;
        break;
    case URS_INT8_SLICE:
        put_list(form, a->begin, in.rank);
        for (int32_t i = 0; i < in.rank; i++) {
            step[i] = a->step[i] > 1 ? a->step[i] : 1;
            end[i] = a->begin[i] + (out.dim[i] - 1) * step[i] + 1;
        }
        put_list(form, has_steps(op) ? end : out.dim, in.rank);
        if (has_steps(op))
            put_list(form, step, in.rank);
        break;
    case URS_INT8_RESHAPE:
        put_list(form, out.dim, out.rank);
        break;
    case URS_INT8_PAD:
        put_list(form, &a->pad[0][0], 8);
        form->index[0].shape = (urs_int8_shape){2, {4, 2}};
        break;
    case URS_INT8_RESIZE_NEAREST:
        put_list(form, (const int32_t[]){a->out_h, a->out_w}, 2);
        break;
    default:
        break;
    }
}

/* Versions that depend on what an operator is asked to do. */
static int32_t version_of(const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_attr *a = &op->attr;
    const bool bias = op->n_in > 2 && op->in[2] != URS_INT8_NONE;
    if (op->kind == URS_INT8_TRANSPOSE_CONV)
        return bias ? 3 : 2;
    if (op->kind == URS_INT8_FULLY_CONNECTED)
        return !bias ? 6 : a->keep_dims ? 5 : 4;
    if (op->kind == URS_INT8_RESIZE_NEAREST)
        return a->align_corners || a->half_pixel ? 3 : 2;
    if (op->kind == URS_INT8_MUL) /* a factor of 1 or more */
        return g->tensors[op->in[0]].quant.scale * g->tensors[op->in[1]].quant.scale / g->tensors[op->out[0]].quant.scale >= 1 ? 3 : 2;
    return rows[op->kind].version;
}

void urs_tflite_form_of(urs_tflite_form *form, const urs_int8_graph *g, const urs_int8_op *op)
{
    const row *r = &rows[op->kind];
    *form = (urs_tflite_form){.code = r->code, .version = version_of(g, op), .options = r->options};
    put_indices(form, g, op);
    form->n_inputs = r->n_inputs ? r->n_inputs : op->n_in;
    for (int32_t i = 0; i < form->n_inputs; i++)
        form->input[i] = r->n_inputs ? r->place[i] : i;
    if (op->kind == URS_INT8_TRANSPOSE_CONV && (op->n_in < 3 || op->in[2] == URS_INT8_NONE))
        form->n_inputs = 3;
    if (op->kind == URS_INT8_SLICE && has_steps(op)) {
        form->code = STRIDED_SLICE;
        form->options = STRIDED_SLICE_OPTIONS;
        form->input[form->n_inputs++] = THIRD;
    }
}

static int32_t or_one(int32_t x)
{
    return x > 1 ? x : 1;
}

void urs_tflite_put_options(urs_flat_writer *w, const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_attr *a = &op->attr;
    switch (op->kind) {
    case URS_INT8_CONV_2D:
    case URS_INT8_TRANSPOSE_CONV:
        urs_flat_add_i32(w, 1, or_one(a->stride_w));
        urs_flat_add_i32(w, 2, or_one(a->stride_h));
        if (op->kind == URS_INT8_CONV_2D) {
            urs_flat_add_i32(w, 4, or_one(a->dilation_w));
            urs_flat_add_i32(w, 5, or_one(a->dilation_h));
            urs_flat_add_i8(w, 3, (int32_t)a->activation);
        }
        urs_flat_add_i8(w, 0, (int32_t)a->padding);
        break;
    case URS_INT8_DEPTHWISE_CONV_2D:
        urs_flat_add_i32(w, 1, or_one(a->stride_w));
        urs_flat_add_i32(w, 2, or_one(a->stride_h));
        urs_flat_add_i32(w, 3, g->tensors[op->out[0]].shape.dim[3] / g->tensors[op->in[0]].shape.dim[3]); /* depth multiplier */
        urs_flat_add_i32(w, 5, or_one(a->dilation_w));
        urs_flat_add_i32(w, 6, or_one(a->dilation_h));
        urs_flat_add_i8(w, 0, (int32_t)a->padding);
        urs_flat_add_i8(w, 4, (int32_t)a->activation);
        break;
    case URS_INT8_AVERAGE_POOL_2D:
    case URS_INT8_MAX_POOL_2D:
        urs_flat_add_i32(w, 1, or_one(a->stride_w));
        urs_flat_add_i32(w, 2, or_one(a->stride_h));
        urs_flat_add_i32(w, 3, a->filter_w);
        urs_flat_add_i32(w, 4, a->filter_h);
        urs_flat_add_i8(w, 0, (int32_t)a->padding);
        urs_flat_add_i8(w, 5, (int32_t)a->activation);
        break;
    case URS_INT8_FULLY_CONNECTED:
        urs_flat_add_i8(w, 0, (int32_t)a->activation);
        urs_flat_add_i8(w, 2, a->keep_dims);
        break;
    case URS_INT8_ADD:
    case URS_INT8_SUB:
    case URS_INT8_MUL:
        urs_flat_add_i8(w, 0, (int32_t)a->activation);
        break;
    case URS_INT8_CONCATENATION:
        urs_flat_add_i32(w, 0, a->axis);
        break;
    case URS_INT8_SPLIT:
        urs_flat_add_i32(w, 0, op->n_out);
        break;
    case URS_INT8_MEAN:
        urs_flat_add_i8(w, 0, a->keep_dims);
        break;
    case URS_INT8_RESIZE_NEAREST:
        urs_flat_add_i8(w, 0, a->align_corners);
        urs_flat_add_i8(w, 1, a->half_pixel);
        break;
    case URS_INT8_LEAKY_RELU:
        urs_flat_add_f32(w, 0, a->alpha);
        break;
    case URS_INT8_GELU:
        urs_flat_add_i8(w, 0, a->approximate);
        break;
    case URS_INT8_SOFTMAX:
        urs_flat_add_f32(w, 0, a->beta > 0 ? a->beta : 1.0f);
        break;
    default:
        break;
    }
}

/* ---- file to graph ---- */

bool urs_tflite_plan_of(urs_tflite_plan *plan, int32_t code)
{
    *plan = (urs_tflite_plan){0};
    if (code == SQUEEZE || code == EXPAND_DIMS || code == STRIDED_SLICE) {
        plan->kind = code == STRIDED_SLICE ? URS_INT8_SLICE : URS_INT8_RESHAPE;
        plan->n_inputs = code == STRIDED_SLICE ? 4 : code == SQUEEZE ? 1 : 2;
        memcpy(plan->place, (const int32_t[]){0, FIRST, SECOND, THIRD}, 4 * sizeof(int32_t));
        return true;
    }
    for (int32_t k = 0; k < URS_INT8_KIND_COUNT; k++)
        if (rows[k].code == code) {
            plan->kind = (urs_int8_kind)k;
            plan->n_inputs = rows[k].n_inputs;
            for (int32_t i = 0; i < URS_INT8_INPUTS_MAX; i++)
                plan->place[i] = plan->n_inputs ? (i < 5 ? rows[k].place[i] : 0) : i;
            return true;
        }
    return false;
}

static urs_status missing(urs_error *err, const urs_int8_op *op)
{
    return urs_fail(err, URS_EUNSUPPORTED, "%s whose axes or sizes are no constants of the right length", urs_int8_kind_name(op->kind));
}

static size_t count_of(const urs_tflite_index *index)
{
    return index ? urs_int8_shape_elements(index->shape) : 0;
}

/* Begin, end and stride with the masks of STRIDED_SLICE. */
static urs_status get_strided(urs_int8_op *op, urs_flat *f, size_t options, const urs_tflite_index *const index[3], urs_int8_shape x, urs_error *err)
{
    const int32_t begin_mask = urs_flat_field_i32(f, options, 0, 0), end_mask = urs_flat_field_i32(f, options, 1, 0);
    const size_t n = (size_t)x.rank;
    if (count_of(index[0]) != n || count_of(index[1]) != n || count_of(index[2]) != n)
        return missing(err, op);
    if (urs_flat_field_i32(f, options, 2, 0) || urs_flat_field_i32(f, options, 3, 0) || urs_flat_field_i32(f, options, 4, 0))
        return urs_fail(err, URS_EUNSUPPORTED, "STRIDED_SLICE with ellipsis, new or shrunk axes");
    for (int32_t i = 0; i < x.rank; i++) {
        const int64_t step = index[2]->data[i], dim = x.dim[i];
        int64_t begin = begin_mask >> i & 1 ? 0 : index[0]->data[i], end = end_mask >> i & 1 ? dim : index[1]->data[i];
        begin = begin < 0 ? begin + dim : begin;
        end = end < 0 ? end + dim : end > dim ? dim : end;
        if (step < 1 || step > URS_INT8_DIM_MAX || begin < 0 || begin >= end)
            return urs_fail(err, URS_EUNSUPPORTED, "STRIDED_SLICE of nothing, or backwards");
        op->attr.begin[i] = (int32_t)begin;
        op->attr.step[i] = step > 1 ? (int32_t)step : 0;
        op->attr.size[i] = (int32_t)((end - begin + step - 1) / step);
    }
    return URS_OK;
}

/* Index constants into attributes. */
static urs_status get_indices(urs_int8_op *op, int32_t code, urs_flat *f, size_t options, const urs_tflite_index *const index[3], urs_int8_shape x, urs_int8_shape out, urs_error *err)
{
    urs_int8_attr *a = &op->attr;
    const urs_tflite_index *first = index[0];
    switch (op->kind) {
    case URS_INT8_TRANSPOSE_CONV:
        a->out_h = out.rank == 4 ? out.dim[1] : 0;
        a->out_w = out.rank == 4 ? out.dim[2] : 0;
        return URS_OK;
    case URS_INT8_MEAN: {
        int32_t seen = 0;
        for (size_t i = 0; i < count_of(first); i++) {
            const int32_t axis = first->data[i] < 0 ? first->data[i] + 4 : first->data[i];
            seen |= axis == 1 ? 1 : axis == 2 ? 2 : 4;
        }
        return x.rank == 4 && seen == 3 ? URS_OK : urs_fail(err, URS_EUNSUPPORTED, "MEAN over other axes than rows and columns");
    }
    case URS_INT8_SPLIT:
        if (count_of(first) != 1)
            return missing(err, op);
        a->axis = first->data[0];
        return URS_OK;
    case URS_INT8_SLICE:
        if (code == STRIDED_SLICE)
            return get_strided(op, f, options, index, x, err);
        if (count_of(first) != (size_t)x.rank || count_of(index[1]) != (size_t)x.rank)
            return missing(err, op);
        memcpy(a->begin, first->data, (size_t)x.rank * sizeof(int32_t));
        memcpy(a->size, index[1]->data, (size_t)x.rank * sizeof(int32_t));
        return URS_OK;
    case URS_INT8_RESHAPE: /* what the constant says, the output's shape says with the unknown axis filled in */
        a->rank = out.rank;
        memcpy(a->shape, out.dim, sizeof a->shape);
        return URS_OK;
    case URS_INT8_PAD:
        if (x.rank != 4 || count_of(first) != 8)
            return missing(err, op);
        memcpy(a->pad, first->data, sizeof a->pad);
        return URS_OK;
    case URS_INT8_RESIZE_NEAREST:
        if (count_of(first) != 2)
            return missing(err, op);
        a->out_h = first->data[0];
        a->out_w = first->data[1];
        return URS_OK;
    default:
        return URS_OK;
    }
}

static void get_options(urs_int8_op *op, urs_flat *f, size_t t)
{
    urs_int8_attr *a = &op->attr;
    switch (op->kind) {
    case URS_INT8_CONV_2D:
    case URS_INT8_DEPTHWISE_CONV_2D:
    case URS_INT8_TRANSPOSE_CONV:
    case URS_INT8_AVERAGE_POOL_2D:
    case URS_INT8_MAX_POOL_2D: {
        const bool depthwise = op->kind == URS_INT8_DEPTHWISE_CONV_2D, pool = op->kind > URS_INT8_TRANSPOSE_CONV;
        a->padding = (urs_int8_padding)urs_flat_field_i8(f, t, 0);
        a->stride_w = urs_flat_field_i32(f, t, 1, 0);
        a->stride_h = urs_flat_field_i32(f, t, 2, 0);
        if (pool) {
            a->filter_w = urs_flat_field_i32(f, t, 3, 0);
            a->filter_h = urs_flat_field_i32(f, t, 4, 0);
            a->activation = (urs_int8_activation)urs_flat_field_i8(f, t, 5);
        } else if (op->kind != URS_INT8_TRANSPOSE_CONV) {
            a->activation = (urs_int8_activation)urs_flat_field_i8(f, t, depthwise ? 4 : 3);
            a->dilation_w = urs_flat_field_i32(f, t, depthwise ? 5 : 4, 1);
            a->dilation_h = urs_flat_field_i32(f, t, depthwise ? 6 : 5, 1);
        }
        break;
    }
    case URS_INT8_FULLY_CONNECTED:
        a->activation = (urs_int8_activation)urs_flat_field_i8(f, t, 0);
        a->keep_dims = urs_flat_field_i8(f, t, 2) != 0;
        break;
    case URS_INT8_ADD:
    case URS_INT8_SUB:
    case URS_INT8_MUL:
        a->activation = (urs_int8_activation)urs_flat_field_i8(f, t, 0);
        break;
    case URS_INT8_CONCATENATION:
        a->axis = urs_flat_field_i32(f, t, 0, 0);
        a->activation = (urs_int8_activation)urs_flat_field_i8(f, t, 1);
        break;
    case URS_INT8_MEAN:
        a->keep_dims = urs_flat_field_i8(f, t, 0) != 0;
        break;
    case URS_INT8_RESIZE_NEAREST:
        a->align_corners = urs_flat_field_i8(f, t, 0) != 0;
        a->half_pixel = urs_flat_field_i8(f, t, 1) != 0;
        break;
    case URS_INT8_LEAKY_RELU:
        a->alpha = urs_flat_field_f32(f, t, 0, 0);
        break;
    case URS_INT8_GELU:
        a->approximate = urs_flat_field_i8(f, t, 0) != 0;
        break;
    case URS_INT8_SOFTMAX:
        a->beta = urs_flat_field_f32(f, t, 0, 0);
        break;
    default:
        break;
    }
}

urs_status urs_tflite_get_attributes(urs_int8_op *op, int32_t code, urs_flat *f, size_t options, const urs_tflite_index *const index[URS_TFLITE_INDICES_MAX], urs_int8_shape x,
                                     urs_int8_shape out, urs_error *err)
{
    if (options && code != STRIDED_SLICE && code != SQUEEZE)
        get_options(op, f, options);
    return get_indices(op, code, f, options, index, x, out, err);
}
