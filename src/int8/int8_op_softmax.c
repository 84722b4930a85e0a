/* SOFTMAX over the last axis: exp(beta * scale * (x - largest)) in float, as TFLite's optimised kernel has it. */
#include "int8/int8_op.h"

#include <math.h>

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    if (urs_int8_input_of(g, op, 0)->shape.rank < 1)
        return urs_int8_bad(g, op, err, "wants an input with an axis");
    return urs_int8_same_shape(out, g, op, err);
}

static void run(const urs_int8_call *c)
{
    const urs_int8_tensor *x = urs_int8_input_of(c->graph, c->op, 0);
    const size_t n = (size_t)x->shape.dim[x->shape.rank - 1], rows = urs_int8_shape_elements(x->shape) / n;
    const float step = -x->quant.scale * (c->op->attr.beta > 0 ? c->op->attr.beta : 1.0f);
    const int8_t *in = c->in[0];
    int8_t *y = c->out[0];
    float power[256]; /* by the distance from the largest */
    for (int32_t i = 0; i < 256; i++)
        power[i] = expf(step * (float)i);
    for (size_t r = 0; r < rows; r++, in += n, y += n) {
        int32_t largest = -128;
        float sum = 0, inverse;
        for (size_t i = 0; i < n; i++)
            largest = in[i] > largest ? in[i] : largest;
        for (size_t i = 0; i < n; i++)
            sum += power[largest - in[i]];
        inverse = 1.0f / (sum * (1.0f / 256));
        for (size_t i = 0; i < n; i++)
            y[i] = (int8_t)urs_int8_clamp((int32_t)(power[largest - in[i]] * inverse + 0.5f) - 128, -128, 127);
    }
}

const urs_int8_record urs_int8_softmax = {.name = "SOFTMAX", .n_in_min = 1, .n_in_max = 1, .fixed = {1.0f / 256, -128}, .rule = rule, .run = run};
