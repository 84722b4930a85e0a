/* FULLY_CONNECTED: CONV_2D of one tap over rows of numbers. Weights [O,I]; a scale for every channel is TFLite's, not the NPU's. */
#include "int8/int8_op.h"

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape, w = urs_int8_input_of(g, op, 1)->shape;
    const size_t elements = urs_int8_shape_elements(x);
    if (x.rank < 1 || elements % (size_t)w.dim[1] != 0 || (op->attr.keep_dims && x.dim[x.rank - 1] != w.dim[1]) || elements / (size_t)w.dim[1] > URS_INT8_DIM_MAX)
        return urs_int8_bad(g, op, err, "has weights for rows of %d numbers, its input has %zu in all", (int)w.dim[1], elements);
    if (op->attr.keep_dims) {
        out[0] = x;
        out[0].dim[x.rank - 1] = w.dim[0];
    } else {
        out[0] = (urs_int8_shape){2, {(int32_t)(elements / (size_t)w.dim[1]), w.dim[0]}};
    }
    return URS_OK;
}

static void run(const urs_int8_call *c)
{
    const urs_int8_tensor *w = urs_int8_input_of(c->graph, c->op, 1);
    const urs_int8_quant in = urs_int8_input_of(c->graph, c->op, 0)->quant, out = urs_int8_output_of(c->graph, c->op, 0)->quant;
    const urs_int8_range range = urs_int8_range_of(c->op->attr.activation, out);
    const size_t channels = (size_t)w->shape.dim[0], depth = (size_t)w->shape.dim[1], rows = urs_int8_shape_elements(urs_int8_input_of(c->graph, c->op, 0)->shape) / depth;
    const int8_t *x = c->in[0], *weights = c->in[1];
    const int32_t *bias = c->in[2];
    int8_t *y = c->out[0];
    for (size_t o = 0; o < channels; o++) {
        const urs_int8_multiplier m = urs_int8_multiplier_of(urs_int8_weight_factor(in, w, (int32_t)o, out));
        for (size_t r = 0; r < rows; r++) {
            int64_t sum = bias ? bias[o] : 0;
            for (size_t i = 0; i < depth; i++)
                sum += (x[r * depth + i] - in.zero_point) * weights[o * depth + i];
            y[r * channels + o] = urs_int8_requantise_gemm(urs_int8_wrap(sum), m, out.zero_point, range, c->arithmetic);
        }
    }
}

const urs_int8_record urs_int8_fully_connected = {.name = "FULLY_CONNECTED", .n_in_min = 2, .n_in_max = 3, .rule = rule, .run = run};
