/* DEPTHWISE_CONV_2D: output channel c*m+j is input channel c with kernel w[0,:,:,c*m+j]; halves away from zero in both arithmetics. */
#include "int8/int8_op.h"

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape w = urs_int8_input_of(g, op, 1)->shape;
    urs_int8_window rows, columns;
    const urs_status status = urs_int8_windows(&rows, &columns, g, op, err);
    if (status != URS_OK)
        return status;
    if (w.dim[0] != 1 || w.dim[3] % urs_int8_input_of(g, op, 0)->shape.dim[3] != 0)
        return urs_int8_bad(g, op, err, "has weights for %d channels, its input has %d", (int)w.dim[3], (int)urs_int8_input_of(g, op, 0)->shape.dim[3]);
    out[0] = urs_int8_shape4(1, rows.out, columns.out, w.dim[3]);
    return URS_OK;
}

static void run(const urs_int8_call *c)
{
    const urs_int8_tensor *w = urs_int8_input_of(c->graph, c->op, 1);
    const urs_int8_quant in = urs_int8_input_of(c->graph, c->op, 0)->quant, out = urs_int8_output_of(c->graph, c->op, 0)->quant;
    const urs_int8_range range = urs_int8_range_of(c->op->attr.activation, out);
    const int32_t channels = w->shape.dim[3], depth = urs_int8_input_of(c->graph, c->op, 0)->shape.dim[3], times = channels / depth;
    const int8_t *x = c->in[0], *weights = c->in[1];
    const int32_t *bias = c->in[2];
    int8_t *y = c->out[0];
    urs_int8_window rows, columns;
    urs_int8_windows_of(&rows, &columns, c->graph, c->op);
    for (int32_t o = 0; o < channels; o++) {
        const urs_int8_multiplier m = urs_int8_multiplier_of(urs_int8_weight_factor(in, w, o, out));
        for (int32_t oy = 0; oy < rows.out; oy++)
            for (int32_t ox = 0; ox < columns.out; ox++) {
                int32_t sum = bias ? bias[o] : 0;
                for (int32_t ky = 0; ky < rows.kernel; ky++)
                    for (int32_t kx = 0; kx < columns.kernel; kx++) {
                        const int32_t iy = oy * rows.stride + ky * rows.dilation - rows.before, ix = ox * columns.stride + kx * columns.dilation - columns.before;
                        if (iy >= 0 && iy < rows.in && ix >= 0 && ix < columns.in)
                            sum = urs_int8_wrap((int64_t)sum + (x[((size_t)iy * (size_t)columns.in + (size_t)ix) * (size_t)depth + (size_t)(o / times)] - in.zero_point) *
                                                                   weights[(size_t)(ky * columns.kernel + kx) * (size_t)channels + (size_t)o]);
                    }
                y[((size_t)oy * (size_t)columns.out + (size_t)ox) * (size_t)channels + (size_t)o] = urs_int8_requantise(sum, m, out.zero_point, range);
            }
    }
}

const urs_int8_record urs_int8_depthwise_conv_2d = {.name = "DEPTHWISE_CONV_2D", .n_in_min = 3, .n_in_max = 3, .rule = rule, .run = run};
