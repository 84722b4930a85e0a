/* TRANSPOSE_CONV, as a gather: output [oy,ox] sums the taps [ky,kx] whose input (oy+p-ky)/s, (ox+p-kx)/s exists. p is the padding that a convolution from the output back to
 * the input would have. Halves away from zero in both arithmetics. */
#include "int8/int8_op.h"

/* Completes a window in the other direction: in and out change their roles. */
static bool backwards(urs_int8_window *w, int32_t wanted, urs_int8_padding padding)
{
    const int64_t smallest = padding == URS_INT8_SAME ? (int64_t)w->in * w->stride : (int64_t)(w->in - 1) * w->stride + (w->kernel > w->stride ? w->kernel : w->stride);
    const int64_t out = wanted ? wanted : smallest, back = padding == URS_INT8_SAME ? (out + w->stride - 1) / w->stride : (out - w->kernel + w->stride) / w->stride;
    const int64_t total = (int64_t)(w->in - 1) * w->stride + w->kernel - out;
    if (out < 1 || out > URS_INT8_DIM_MAX || back != w->in)
        return false;
    w->out = (int32_t)out;
    w->before = total > 0 ? (int32_t)(total / 2) : 0;
    return true;
}

static bool both(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape, w = urs_int8_input_of(g, op, 1)->shape;
    const urs_int8_attr *a = &op->attr;
    *rows = (urs_int8_window){.in = x.dim[1], .kernel = w.dim[1], .stride = a->stride_h ? a->stride_h : 1, .dilation = 1};
    *columns = (urs_int8_window){.in = x.dim[2], .kernel = w.dim[2], .stride = a->stride_w ? a->stride_w : 1, .dilation = 1};
    return backwards(rows, a->out_h, a->padding) && backwards(columns, a->out_w, a->padding);
}

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape, w = urs_int8_input_of(g, op, 1)->shape;
    urs_int8_window rows, columns;
    if (x.rank != 4 || x.dim[0] != 1 || w.dim[3] != x.dim[3])
        return urs_int8_bad(g, op, err, "wants an input [1,H,W,%d]", (int)w.dim[3]);
    if (!both(&rows, &columns, g, op))
        return urs_int8_bad(g, op, err, "cannot make an output of %d x %d", (int)op->attr.out_h, (int)op->attr.out_w);
    out[0] = urs_int8_shape4(1, rows.out, columns.out, w.dim[0]);
    return URS_OK;
}

void urs_int8_backward_windows_of(urs_int8_window *rows, urs_int8_window *columns, const urs_int8_graph *g, const urs_int8_op *op)
{
    (void)both(rows, columns, g, op);
}

/* Input position of tap k at output o; -1: none. */
static int32_t source(const urs_int8_window *w, int32_t o, int32_t k)
{
    const int32_t at = o + w->before - k;
    return at >= 0 && at % w->stride == 0 && at / w->stride < w->in ? at / w->stride : -1;
}

static void run(const urs_int8_call *c)
{
    const urs_int8_tensor *w = urs_int8_input_of(c->graph, c->op, 1);
    const urs_int8_quant in = urs_int8_input_of(c->graph, c->op, 0)->quant, out = urs_int8_output_of(c->graph, c->op, 0)->quant;
    const urs_int8_range range = {-128, 127};
    const int32_t channels = w->shape.dim[0], depth = w->shape.dim[3];
    const int8_t *x = c->in[0], *weights = c->in[1];
    const int32_t *bias = c->in[2];
    int8_t *y = c->out[0];
    urs_int8_window rows, columns;
    urs_int8_backward_windows_of(&rows, &columns, c->graph, c->op);
    for (int32_t o = 0; o < channels; o++) {
        const urs_int8_multiplier m = urs_int8_multiplier_of(urs_int8_weight_factor(in, w, o, out));
        for (int32_t oy = 0; oy < rows.out; oy++)
            for (int32_t ox = 0; ox < columns.out; ox++) {
                int32_t sum = bias ? bias[o] : 0;
                for (int32_t ky = 0; ky < rows.kernel; ky++)
                    for (int32_t kx = 0; kx < columns.kernel; kx++) {
                        const int32_t iy = source(&rows, oy, ky), ix = source(&columns, ox, kx);
                        const int8_t *tap = weights + (((size_t)o * (size_t)rows.kernel + (size_t)ky) * (size_t)columns.kernel + (size_t)kx) * (size_t)depth;
                        if (iy < 0 || ix < 0)
                            continue;
                        for (int32_t i = 0; i < depth; i++)
                            sum = urs_int8_wrap((int64_t)sum + (x[((size_t)iy * (size_t)columns.in + (size_t)ix) * (size_t)depth + (size_t)i] - in.zero_point) * tap[i]);
                    }
                y[((size_t)oy * (size_t)columns.out + (size_t)ox) * (size_t)channels + (size_t)o] = urs_int8_requantise(sum, m, out.zero_point, range);
            }
    }
}

const urs_int8_record urs_int8_transpose_conv = {.name = "TRANSPOSE_CONV", .n_in_min = 2, .n_in_max = 3, .rule = rule, .run = run};
