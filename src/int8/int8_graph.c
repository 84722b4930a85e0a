/* Building and owning an int8 graph; see int8_graph.h. */
#include "int8/int8_op.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct note {
    char *key, *value; /* owned */
} note;

struct urs_int8_build {
    size_t tensor_capacity, op_capacity, note_capacity, n_notes;
    note *notes; /* owned */
    bool finished;
    urs_error error; /* the first one */
};

urs_status urs_int8_graph_new(urs_int8_graph **out, urs_error *err)
{
    urs_int8_graph *g = urs_array_new(1, sizeof *g);
    struct urs_int8_build *build = urs_array_new(1, sizeof *build);
    if (!g || !build) {
        urs_free(g);
        urs_free(build);
        return urs_fail(err, URS_ENOMEM, "no memory for an int8 graph");
    }
    g->build = build;
    *out = g;
    return URS_OK;
}

void urs_int8_graph_free(urs_int8_graph *g)
{
    if (!g)
        return;
    for (int32_t i = 0; i < g->n_tensors; i++) {
        urs_free(g->tensors[i].name);
        urs_free(g->tensors[i].scales);
        urs_free(g->tensors[i].data);
    }
    for (size_t i = 0; i < g->build->n_notes; i++) {
        urs_free(g->build->notes[i].key);
        urs_free(g->build->notes[i].value);
    }
    urs_free(g->build->notes);
    urs_free(g->tensors);
    urs_free(g->ops);
    urs_free(g->build);
    urs_free(g);
}

/* Keeps the first error; false. */
static bool remember(urs_int8_graph *g, const urs_error *err)
{
    if (g->build->error.code == URS_OK)
        g->build->error = *err;
    return false;
}

static bool open_for_building(urs_int8_graph *g)
{
    if (g->build->finished && g->build->error.code == URS_OK)
        (void)urs_fail(&g->build->error, URS_EINVAL, "an int8 graph was changed after it was finished");
    return g->build->error.code == URS_OK;
}

/* ---- tensors ---- */

static urs_status check_shape(urs_int8_shape s, const char *name, urs_error *err)
{
    size_t count = 1;
    if (s.rank < 0 || s.rank > URS_INT8_RANK_MAX)
        return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has %d axes; 4 are the most", name, (int)s.rank);
    for (int32_t i = 0; i < s.rank; i++) {
        if (s.dim[i] < 1 || s.dim[i] > URS_INT8_DIM_MAX)
            return urs_fail(err, URS_ELIMIT, "axis %d of tensor '%.100s' has %d elements; 1 to %d are possible", (int)i, name, (int)s.dim[i], URS_INT8_DIM_MAX);
        if (!urs_mul_size(&count, count, (size_t)s.dim[i]) || count > URS_INT8_ELEMENTS_MAX)
            return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has more than %d elements", name, URS_INT8_ELEMENTS_MAX);
    }
    return URS_OK;
}

static bool good_scale(float scale)
{
    return isfinite(scale) && scale > 0;
}

static urs_status check_quant(const urs_int8_tensor *t, const char *name, urs_error *err)
{
    const int32_t low = t->type == URS_INT8_TYPE_INT8 ? -128 : 0, high = t->type == URS_INT8_TYPE_INT8 ? 127 : t->type == URS_INT8_TYPE_UINT8 ? 255 : 0;
    if (t->type == URS_INT8_TYPE_FLOAT32)
        return URS_OK;
    if (t->quant.zero_point < low || t->quant.zero_point > high)
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has zero point %d; %d to %d are possible", name, (int)t->quant.zero_point, (int)low, (int)high);
    if (!t->scales)
        return good_scale(t->quant.scale) ? URS_OK : urs_fail(err, URS_EFORMAT, "tensor '%.100s' has the scale %g", name, (double)t->quant.scale);
    if (t->axis < 0 || t->axis >= t->shape.rank || t->n_scales != t->shape.dim[t->axis])
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has %d scales along its axis %d, which do not fit its shape", name, (int)t->n_scales, (int)t->axis);
    if (t->quant.zero_point != 0 || !t->data)
        return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.100s' has a scale for every channel, but is not a constant with zero point 0", name);
    for (int32_t i = 0; i < t->n_scales; i++)
        if (!good_scale(t->scales[i]))
            return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has the scale %g for channel %d", name, (double)t->scales[i], (int)i);
    return URS_OK;
}

static void *copy_block(const void *data, size_t bytes)
{
    void *copy = urs_array_new(bytes ? bytes : 1, 1);
    if (copy && bytes)
        memcpy(copy, data, bytes);
    return copy;
}

static urs_status add_tensor(urs_int8_graph *g, const urs_int8_tensor *t, urs_error *err)
{
    const char *name = t->name ? t->name : "";
    const float *scales = t->n_scales > 1 ? t->scales : NULL; /* one channel is the same as one scale for all */
    urs_int8_tensor copy = *t;
    urs_status status = check_shape(t->shape, name, err);
    if (status == URS_OK)
        status = check_quant(t, name, err);
    if (status != URS_OK)
        return status;
    if (g->n_tensors >= URS_INT8_TENSORS_MAX)
        return urs_fail(err, URS_ELIMIT, "an int8 graph of more than %d tensors", URS_INT8_TENSORS_MAX);
    copy.name = urs_strdup(name);
    copy.scales = scales ? copy_block(scales, (size_t)t->n_scales * sizeof(float)) : NULL;
    copy.data = t->data ? copy_block(t->data, urs_int8_tensor_bytes(t)) : NULL;
    if (t->scales)
        copy.quant.scale = t->scales[0];
    if (!copy.scales)
        copy.n_scales = copy.axis = 0;
    if (!copy.name || (scales && !copy.scales) || (t->data && !copy.data) ||
        !urs_array_reserve((void **)&g->tensors, &g->build->tensor_capacity, (size_t)g->n_tensors, sizeof *g->tensors)) {
        urs_free(copy.name);
        urs_free(copy.scales);
        urs_free(copy.data);
        return urs_fail(err, URS_ENOMEM, "no memory for tensor '%.100s'", name);
    }
    g->tensors[g->n_tensors++] = copy;
    return URS_OK;
}

int32_t urs_int8_graph_tensor(urs_int8_graph *g, const urs_int8_tensor *t)
{
    urs_error err = {0};
    if (!open_for_building(g))
        return URS_INT8_NONE;
    if (add_tensor(g, t, &err) != URS_OK) {
        remember(g, &err);
        return URS_INT8_NONE;
    }
    return g->n_tensors - 1;
}

/* urs_int8_graph_tensor copies, so borrowed pointers may lose their const on the way. */
static void *borrowed(const void *p)
{
    union {
        const void *in;
        void *out;
    } u = {p};
    return u.out;
}

int32_t urs_int8_graph_input(urs_int8_graph *g, const char *name, urs_int8_shape shape, urs_int8_quant quant)
{
    const urs_int8_tensor t = {.name = borrowed(name), .type = URS_INT8_TYPE_INT8, .shape = shape, .quant = quant};
    const int32_t index = urs_int8_graph_tensor(g, &t);
    urs_int8_graph_mark_input(g, index);
    return index;
}

int32_t urs_int8_graph_constant(urs_int8_graph *g, const char *name, urs_int8_shape shape, const int8_t *data, urs_int8_quant quant)
{
    const urs_int8_tensor t = {.name = borrowed(name), .type = URS_INT8_TYPE_INT8, .shape = shape, .quant = quant, .data = borrowed(data)};
    return urs_int8_graph_tensor(g, &t);
}

int32_t urs_int8_graph_weights(urs_int8_graph *g, const char *name, urs_int8_shape shape, const int8_t *data, const float *scales, int32_t axis)
{
    const int32_t n = axis >= 0 && axis < shape.rank ? shape.dim[axis] : 0;
    const urs_int8_tensor t = {.name = borrowed(name), .type = URS_INT8_TYPE_INT8, .shape = shape, .quant = {.scale = n ? scales[0] : 0}, .scales = borrowed(scales), .n_scales = n,
                               .axis = axis, .data = borrowed(data)};
    return urs_int8_graph_tensor(g, &t);
}

static bool valid(const urs_int8_graph *g, int32_t tensor)
{
    return tensor >= 0 && tensor < g->n_tensors;
}

int32_t urs_int8_graph_bias(urs_int8_graph *g, const char *name, const int32_t *data, int32_t x, int32_t weights)
{
    const urs_int8_tensor *w;
    urs_int8_tensor t = {.name = borrowed(name), .type = URS_INT8_TYPE_INT32, .shape = {.rank = 1}, .data = borrowed(data)};
    int32_t index, *zeros;
    if (!open_for_building(g) || !valid(g, x) || !valid(g, weights)) {
        (void)(g->build->error.code == URS_OK && urs_fail(&g->build->error, URS_EINVAL, "bias '%.100s' is for tensors that do not exist", name));
        return URS_INT8_NONE;
    }
    w = &g->tensors[weights];
    t.shape.dim[0] = w->scales ? w->n_scales : w->shape.dim[0];
    t.n_scales = w->n_scales;
    t.scales = w->scales ? urs_array_new((size_t)w->n_scales, sizeof(float)) : NULL;
    zeros = urs_array_new((size_t)t.shape.dim[0], sizeof *zeros);
    if (!zeros || (w->scales && !t.scales)) {
        (void)urs_fail(&g->build->error, URS_ENOMEM, "no memory for bias '%.100s'", name);
        urs_free(t.scales);
        urs_free(zeros);
        return URS_INT8_NONE;
    }
    if (!data)
        t.data = zeros;
    for (int32_t i = 0; t.scales && i < t.n_scales; i++)
        t.scales[i] = g->tensors[x].quant.scale * w->scales[i];
    t.quant.scale = g->tensors[x].quant.scale * w->quant.scale;
    index = urs_int8_graph_tensor(g, &t);
    urs_free(t.scales);
    urs_free(zeros);
    return index;
}

/* ---- operators ---- */

static urs_status append(urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    if (g->n_ops >= URS_INT8_OPS_MAX)
        return urs_fail(err, URS_ELIMIT, "an int8 graph of more than %d operators", URS_INT8_OPS_MAX);
    if (!urs_array_reserve((void **)&g->ops, &g->build->op_capacity, (size_t)g->n_ops, sizeof *g->ops))
        return urs_fail(err, URS_ENOMEM, "no memory for an operator");
    g->ops[g->n_ops++] = *op;
    return URS_OK;
}

void urs_int8_graph_op(urs_int8_graph *g, const urs_int8_op *op)
{
    urs_error err = {0};
    if (open_for_building(g) && append(g, op, &err) != URS_OK)
        remember(g, &err);
}

static urs_status apply(urs_int8_graph *g, urs_int8_op *op, const char *name, urs_int8_quant quant, urs_error *err)
{
    urs_int8_shape shapes[URS_INT8_OUTPUTS_MAX];
    const urs_int8_record *record = urs_int8_record_of(op->kind);
    urs_status status;
    if (op->kind != URS_INT8_SPLIT)
        op->n_out = 1;
    status = urs_int8_check_op(shapes, g, op, err);
    if (status != URS_OK)
        return status;
    if (record->keeps_quant)
        quant = urs_int8_input_of(g, op, 0)->quant;
    else if (record->fixed.scale > 0)
        quant = record->fixed;
    for (int32_t i = 0; i < op->n_out && status == URS_OK; i++) {
        char numbered[512];
        urs_int8_tensor t = {.name = numbered, .type = urs_int8_output_type(op->kind), .shape = shapes[i], .quant = quant};
        (void)snprintf(numbered, sizeof numbered, i ? "%.480s_%d" : "%.480s", name, (int)i);
        if (t.type == URS_INT8_TYPE_FLOAT32)
            t.quant = (urs_int8_quant){0, 0};
        op->out[i] = g->n_tensors;
        status = add_tensor(g, &t, err);
    }
    return status == URS_OK ? append(g, op, err) : status;
}

int32_t urs_int8_graph_apply(urs_int8_graph *g, const urs_int8_op *op, const char *name, urs_int8_quant quant)
{
    urs_int8_op made = *op;
    urs_error err = {0};
    if (!open_for_building(g))
        return URS_INT8_NONE;
    if (apply(g, &made, name, quant, &err) != URS_OK) {
        urs_error_prefix(&err, "%.200s: ", name);
        remember(g, &err);
        return URS_INT8_NONE;
    }
    return made.out[0];
}

static void mark(urs_int8_graph *g, int32_t tensor, int32_t *list, int32_t *n, int32_t most, const char *what)
{
    if (!open_for_building(g))
        return;
    if (!valid(g, tensor) || *n >= most)
        (void)urs_fail(&g->build->error, URS_EINVAL, "%s %d is no tensor, or one too many", what, (int)tensor);
    else
        list[(*n)++] = tensor;
}

void urs_int8_graph_mark_input(urs_int8_graph *g, int32_t tensor)
{
    mark(g, tensor, g->inputs, &g->n_inputs, URS_INT8_INPUTS_MAX, "input");
}

void urs_int8_graph_output(urs_int8_graph *g, int32_t tensor)
{
    mark(g, tensor, g->outputs, &g->n_outputs, URS_INT8_OUTPUTS_MAX, "output");
}

/* ---- finishing ---- */

/* Attributes by their full meaning instead of "0: as usual", so that two graphs that do the same are the same. */
static void settle(urs_int8_op *op, urs_int8_shape in, urs_int8_shape out)
{
    urs_int8_attr *a = &op->attr;
    int32_t *const ones[] = {&a->stride_h, &a->stride_w, &a->dilation_h, &a->dilation_w};
    const size_t n = op->kind == URS_INT8_CONV_2D || op->kind == URS_INT8_DEPTHWISE_CONV_2D                                       ? 4
                     : op->kind == URS_INT8_TRANSPOSE_CONV || op->kind == URS_INT8_AVERAGE_POOL_2D || op->kind == URS_INT8_MAX_POOL_2D ? 2
                                                                                                                                   : 0;
    while (op->n_in > 0 && op->in[op->n_in - 1] == URS_INT8_NONE)
        op->n_in--;
    for (size_t i = 0; i < n; i++)
        if (*ones[i] == 0)
            *ones[i] = 1;
    if (op->kind == URS_INT8_TRANSPOSE_CONV) {
        a->out_h = out.dim[1];
        a->out_w = out.dim[2];
    }
    if ((op->kind == URS_INT8_CONCATENATION || op->kind == URS_INT8_SPLIT) && a->axis < 0)
        a->axis += in.rank;
    for (int32_t i = 0; i < in.rank && op->kind == URS_INT8_SLICE; i++) {
        a->size[i] = out.dim[i];
        if (a->step[i] == 0)
            a->step[i] = 1;
    }
    if (op->kind == URS_INT8_SOFTMAX && !(a->beta > 0))
        a->beta = 1;
}

/* Written before it is read, and once: the graph's inputs and constants at the start, then the outputs of every operator in turn. */
static urs_status check_order(const urs_int8_graph *g, bool *written, urs_error *err)
{
    for (int32_t i = 0; i < g->n_tensors; i++)
        written[i] = g->tensors[i].data != NULL;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        if (written[g->inputs[i]])
            return urs_fail(err, URS_EFORMAT, "input '%.100s' is a constant or stands twice", g->tensors[g->inputs[i]].name);
        written[g->inputs[i]] = true;
    }
    for (int32_t i = 0; i < g->n_ops; i++) {
        urs_int8_op *op = &g->ops[i];
        urs_int8_shape shapes[URS_INT8_OUTPUTS_MAX];
        urs_status status = urs_int8_check_op(shapes, g, op, err);
        for (int32_t k = 0; k < op->n_in && status == URS_OK; k++)
            if (op->in[k] != URS_INT8_NONE && !written[op->in[k]])
                status = urs_int8_bad(g, op, err, "reads '%.100s' before it is there", g->tensors[op->in[k]].name);
        if (status == URS_OK)
            status = urs_int8_check_outputs(shapes, g, op, err);
        for (int32_t k = 0; k < op->n_out && status == URS_OK; k++) {
            if (written[op->out[k]])
                status = urs_int8_bad(g, op, err, "writes '%.100s', which is there already", g->tensors[op->out[k]].name);
            written[op->out[k]] = true;
        }
        if (status != URS_OK)
            return status;
        settle(op, urs_int8_input_of(g, op, 0)->shape, shapes[0]);
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (!written[g->outputs[i]])
            return urs_fail(err, URS_EFORMAT, "nothing writes output '%.100s'", g->tensors[g->outputs[i]].name);
    return URS_OK;
}

urs_status urs_int8_graph_finish(urs_int8_graph *g, urs_error *err)
{
    urs_error own = {0};
    bool *written = NULL;
    if (!err)
        err = &own;
    if (open_for_building(g)) {
        urs_status status = URS_OK;
        if (g->n_inputs == 0 || g->n_outputs == 0)
            status = urs_fail(err, URS_EFORMAT, "an int8 graph without %s", g->n_inputs ? "outputs" : "inputs");
        else if (!(written = urs_array_new((size_t)g->n_tensors, sizeof *written)))
            status = urs_fail(err, URS_ENOMEM, "no memory to check an int8 graph");
        else
            status = check_order(g, written, err);
        urs_free(written);
        if (status != URS_OK) {
            remember(g, err);
            return status;
        }
        g->build->finished = true;
        return URS_OK;
    }
    *err = g->build->error;
    return err->code;
}

/* ---- notes ---- */

urs_status urs_int8_graph_set_note(urs_int8_graph *g, const char *key, const char *value, urs_error *err)
{
    struct urs_int8_build *b = g->build;
    char *copy;
    for (const char *s = value; *s;) {
        const size_t n = urs_utf8_length(s);
        if (n == 0)
            return urs_fail(err, URS_EFORMAT, "the note '%.100s' is not UTF-8", key);
        s += n;
    }
    copy = urs_strdup(value);
    for (size_t i = 0; copy && i < b->n_notes; i++)
        if (strcmp(b->notes[i].key, key) == 0) {
            urs_free(b->notes[i].value);
            b->notes[i].value = copy;
            return URS_OK;
        }
    if (copy && urs_array_reserve((void **)&b->notes, &b->note_capacity, b->n_notes, sizeof *b->notes)) {
        char *name = urs_strdup(key);
        if (name) {
            b->notes[b->n_notes++] = (note){name, copy};
            return URS_OK;
        }
    }
    urs_free(copy);
    return urs_fail(err, URS_ENOMEM, "no memory for the note '%.100s'", key);
}

const char *urs_int8_graph_note(const urs_int8_graph *g, const char *key)
{
    for (size_t i = 0; i < g->build->n_notes; i++)
        if (strcmp(g->build->notes[i].key, key) == 0)
            return g->build->notes[i].value;
    return NULL;
}

int32_t urs_int8_graph_notes(const urs_int8_graph *g)
{
    return (int32_t)g->build->n_notes;
}

void urs_int8_graph_note_at(const urs_int8_graph *g, int32_t index, const char **key, const char **value)
{
    *key = g->build->notes[index].key;
    *value = g->build->notes[index].value;
}
