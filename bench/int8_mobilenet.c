/* See int8_mobilenet.h. */
#include "int8_mobilenet.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>

#define WEIGHTS_MAX (1024 * 1024)
#define CHANNELS_MAX 1024

typedef struct maker {
    urs_int8_graph *g;
    urs_random r;
    int8_t *weights; /* owned */
    int32_t number;
} maker;

/* One row of the paper's table. */
typedef struct stage {
    int32_t kernel, expanded, out;
    bool squeeze, hard_swish;
    int32_t stride;
} stage;

static const stage stages[] = {{3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1}, {5, 96, 40, true, true, 2},
                               {5, 240, 40, true, true, 1}, {5, 240, 40, true, true, 1}, {5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1},
                               {5, 288, 96, true, true, 2}, {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1}};

static const urs_int8_quant usual = {0.04f, -3};

static int32_t apply(maker *m, urs_int8_op op)
{
    return urs_int8_graph_apply(m->g, &op, "y", usual);
}

static int32_t one(maker *m, urs_int8_kind kind, int32_t x)
{
    return apply(m, (urs_int8_op){.kind = kind, .n_in = 1, .in = {x}, .attr = {.keep_dims = true}});
}

static int32_t conv(maker *m, int32_t x, int32_t out, int32_t kernel, int32_t stride, bool depthwise, urs_int8_activation activation)
{
    float scales[CHANNELS_MAX];
    int32_t bias[CHANNELS_MAX];
    const int32_t in = m->g->tensors[x].shape.dim[3], axis = depthwise ? 3 : 0;
    const urs_int8_shape shape = depthwise ? urs_int8_shape4(1, kernel, kernel, out) : urs_int8_shape4(out, kernel, kernel, in);
    urs_int8_op op = {.kind = depthwise ? URS_INT8_DEPTHWISE_CONV_2D : URS_INT8_CONV_2D, .n_in = 3, .in = {x}, .attr = {.stride_h = stride, .stride_w = stride, .activation = activation}};
    for (size_t i = 0; i < urs_int8_shape_elements(shape); i++)
        m->weights[i] = (int8_t)((int)urs_random_below(&m->r, 255) - 127);
    for (int32_t i = 0; i < out; i++) {
        scales[i] = (float)(urs_random_range(&m->r, 0.5, 1) / (74 * sqrt((double)urs_int8_shape_elements(shape) / out)));
        bias[i] = (int32_t)urs_random_below(&m->r, 4000) - 2000;
    }
    op.in[1] = urs_int8_graph_weights(m->g, "w", shape, m->weights, scales, axis);
    op.in[2] = urs_int8_graph_bias(m->g, "b", bias, x, op.in[1]);
    return apply(m, op);
}

static int32_t act(maker *m, int32_t x, bool hard_swish)
{
    return hard_swish ? one(m, URS_INT8_HARD_SWISH, x) : x;
}

static int32_t block(maker *m, int32_t x, const stage *s)
{
    const urs_int8_activation fused = s->hard_swish ? URS_INT8_ACT_NONE : URS_INT8_ACT_RELU;
    const int32_t in = m->g->tensors[x].shape.dim[3], squeezed = (s->expanded / 4 + 4) / 8 * 8 > 8 ? (s->expanded / 4 + 4) / 8 * 8 : 8;
    int32_t y = x;
    if (s->expanded != in)
        y = act(m, conv(m, y, s->expanded, 1, 1, false, fused), s->hard_swish);
    y = act(m, conv(m, y, s->expanded, s->kernel, s->stride, true, fused), s->hard_swish);
    if (s->squeeze) {
        int32_t gate = conv(m, one(m, URS_INT8_MEAN, y), squeezed, 1, 1, false, URS_INT8_ACT_RELU);
        gate = one(m, URS_INT8_LOGISTIC, conv(m, gate, s->expanded, 1, 1, false, URS_INT8_ACT_NONE));
        y = apply(m, (urs_int8_op){.kind = URS_INT8_MUL, .n_in = 2, .in = {y, gate}});
    }
    y = conv(m, y, s->out, 1, 1, false, URS_INT8_ACT_NONE);
    return s->stride == 1 && in == s->out ? apply(m, (urs_int8_op){.kind = URS_INT8_ADD, .n_in = 2, .in = {y, x}}) : y;
}

urs_status urs_int8_mobilenet_v3_small(urs_int8_graph **out, int32_t classes, uint64_t seed, urs_error *err)
{
    maker m = {.weights = urs_array_new(WEIGHTS_MAX, 1)};
    urs_status status = m.weights ? urs_int8_graph_new(&m.g, err) : urs_fail(err, URS_ENOMEM, "no memory for random weights");
    if (status == URS_OK) {
        int32_t x = urs_int8_graph_input(m.g, "frame", urs_int8_shape4(1, 224, 224, 3), (urs_int8_quant){1.0f / 255, -128});
        urs_random_init(&m.r, seed);
        x = act(&m, conv(&m, x, 16, 3, 2, false, URS_INT8_ACT_NONE), true);
        for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
            x = block(&m, x, &stages[i]);
        x = act(&m, conv(&m, x, 576, 1, 1, false, URS_INT8_ACT_NONE), true);
        x = act(&m, conv(&m, one(&m, URS_INT8_MEAN, x), 1024, 1, 1, false, URS_INT8_ACT_NONE), true);
        x = conv(&m, x, classes, 1, 1, false, URS_INT8_ACT_NONE);
        urs_int8_graph_output(m.g, x);
        status = urs_int8_graph_finish(m.g, err);
    }
    urs_free(m.weights);
    if (status == URS_OK)
        *out = m.g;
    else
        urs_int8_graph_free(m.g);
    return status;
}
