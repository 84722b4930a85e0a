/* From pixels to blocks of pixels; see npu_stem.h. */
#include "quant/npu_stem.h"

#include "base/memory.h"

#include <string.h>

#define PIXELS 4   /* of a block */
#define COLOURS 3
#define KERNEL 3

typedef struct stem {
    const urs_int8_op *conv;
    int32_t input, weights, padded; /* tensors; padded: between PAD and convolution, URS_INT8_NONE without */
    int32_t before;                 /* rows and columns of padding in front */
} stem;

static urs_status unsuited(urs_error *err)
{
    return urs_fail(err, URS_EUNSUPPORTED, "the network does not begin with a 3x3 convolution of stride 2 on a picture of even sides");
}

/* PAD of one row and column on each side, as PyTorch pads. */
static bool pads_by_one(const urs_int8_op *op)
{
    const int32_t(*p)[2] = op->attr.pad;
    return op->kind == URS_INT8_PAD && p[0][0] == 0 && p[0][1] == 0 && p[1][0] == 1 && p[2][0] == 1 && p[1][1] <= 1 && p[2][1] <= 1 && p[3][0] == 0 && p[3][1] == 0;
}

static urs_status find_stem(stem *s, const urs_int8_graph *g, urs_error *err)
{
    const urs_int8_op *op = g->ops;
    const urs_int8_tensor *x, *w;
    *s = (stem){.padded = URS_INT8_NONE};
    if (g->n_inputs != 1 || g->n_ops < 2)
        return unsuited(err);
    s->input = g->inputs[0];
    for (int32_t i = 0, readers = 0; i < g->n_ops; i++)
        for (int32_t k = 0; k < g->ops[i].n_in; k++)
            if (g->ops[i].in[k] == s->input && readers++ > 0) /* whoever else looks at the picture wants pixels */
                return unsuited(err);
    if (pads_by_one(op) && op->in[0] == s->input) {
        s->padded = op->out[0];
        s->before = 1;
        op++;
    }
    if (op->kind != URS_INT8_CONV_2D || op->in[0] != (s->padded != URS_INT8_NONE ? s->padded : s->input) || op->attr.padding != (s->before ? URS_INT8_VALID : URS_INT8_SAME))
        return unsuited(err);
    x = &g->tensors[s->input];
    w = &g->tensors[op->in[1]];
    s->conv = op;
    s->weights = op->in[1];
    if (x->type != URS_INT8_TYPE_INT8 || x->shape.rank != 4 || x->shape.dim[1] % 2 || x->shape.dim[2] % 2 || x->shape.dim[3] != COLOURS || !w->data || w->axis != 0 || w->shape.dim[1] != KERNEL ||
        w->shape.dim[2] != KERNEL || op->attr.stride_h != 2 || op->attr.stride_w != 2 || op->attr.dilation_h > 1 || op->attr.dilation_w > 1)
        return unsuited(err);
    return URS_OK;
}

/* [O,3,3,3] -> [O,2,2,12]; owned. */
static int8_t *block_weights(const int8_t *w, size_t outputs, int32_t before)
{
    int8_t *out = urs_array_new(outputs * 2 * 2, PIXELS * COLOURS);
    for (size_t o = 0; out && o < outputs; o++)
        for (int32_t ky = 0; ky < KERNEL; ky++)
            for (int32_t kx = 0; kx < KERNEL; kx++) {
                /* one block before the output's own where the picture is padded in front: shifted so that its number is 0 */
                const size_t y = (size_t)(ky + before), x = (size_t)(kx + before);
                memcpy(out + ((o * 2 + y / 2) * 2 + x / 2) * PIXELS * COLOURS + (y % 2 * 2 + x % 2) * COLOURS, w + ((o * KERNEL + (size_t)ky) * KERNEL + (size_t)kx) * COLOURS, COLOURS);
            }
    return out;
}

static urs_status copy_notes(urs_int8_graph *to, const urs_int8_graph *from, urs_error *err)
{
    urs_status status = URS_OK;
    for (int32_t i = 0; status == URS_OK && i < urs_int8_graph_notes(from); i++) {
        const char *key, *value;
        urs_int8_graph_note_at(from, i, &key, &value);
        status = urs_int8_graph_set_note(to, key, value, err);
    }
    return status;
}

static void copy_changed(urs_int8_graph *to, const urs_int8_graph *g, const stem *s, int8_t *weights)
{
    const int32_t height = g->tensors[s->input].shape.dim[1] / 2, width = g->tensors[s->input].shape.dim[2] / 2;
    for (int32_t i = 0; i < g->n_tensors; i++) {
        urs_int8_tensor t = g->tensors[i];
        if (i == s->input)
            t.shape = urs_int8_shape4(1, height, width, PIXELS * COLOURS);
        if (i == s->padded)
            t.shape = urs_int8_shape4(1, height + 1, width + 1, PIXELS * COLOURS);
        if (i == s->weights) {
            t.shape = urs_int8_shape4(t.shape.dim[0], 2, 2, PIXELS * COLOURS);
            t.data = weights;
        }
        (void)urs_int8_graph_tensor(to, &t);
    }
    for (int32_t i = 0; i < g->n_ops; i++) {
        urs_int8_op op = g->ops[i];
        if (&g->ops[i] == s->conv)
            op.attr.stride_h = op.attr.stride_w = 1;
        if (op.n_out == 1 && op.out[0] == s->padded)
            for (int a = 1; a <= 2; a++)
                op.attr.pad[a][1] = 0;
        urs_int8_graph_op(to, &op);
    }
    for (int32_t i = 0; i < g->n_inputs; i++)
        urs_int8_graph_mark_input(to, g->inputs[i]);
    for (int32_t i = 0; i < g->n_outputs; i++)
        urs_int8_graph_output(to, g->outputs[i]);
}

urs_status urs_quant_npu_stem(urs_int8_graph **out, const urs_int8_graph *g, urs_error *err)
{
    stem s;
    urs_int8_graph *copy = NULL;
    int8_t *weights = NULL;
    urs_status status = find_stem(&s, g, err);
    if (status != URS_OK)
        return status;
    status = urs_int8_graph_new(&copy, err);
    if (status != URS_OK)
        return status;
    weights = block_weights(g->tensors[s.weights].data, (size_t)g->tensors[s.weights].shape.dim[0], s.before);
    if (!weights) {
        status = urs_fail(err, URS_ENOMEM, "no memory for weights");
    } else {
        copy_changed(copy, g, &s, weights);
        status = copy_notes(copy, g, err);
    }
    urs_free(weights);
    if (status == URS_OK)
        status = urs_int8_graph_finish(copy, err);
    if (status == URS_OK)
        *out = copy;
    else
        urs_int8_graph_free(copy);
    return status;
}
