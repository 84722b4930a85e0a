/* AVERAGE_POOL_2D and MAX_POOL_2D, on the numbers as they are: scale and zero point stay. The average is over the cells inside the picture, halves away from zero. */
#include "int8/int8_op.h"

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    urs_int8_window rows, columns;
    urs_status status = urs_int8_windows(&rows, &columns, g, op, err);
    if (status == URS_OK && (int64_t)rows.kernel * columns.kernel > 1 << 22)
        status = urs_int8_bad(g, op, err, "has a window of more than 4194304 cells");
    if (status == URS_OK)
        out[0] = urs_int8_shape4(1, rows.out, columns.out, urs_int8_input_of(g, op, 0)->shape.dim[3]);
    return status;
}

static int32_t average(int32_t sum, int32_t count)
{
    return count == 0 ? 0 : sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

static void run(const urs_int8_call *c)
{
    const int32_t channels = urs_int8_input_of(c->graph, c->op, 0)->shape.dim[3];
    const urs_int8_range range = urs_int8_range_of(c->op->attr.activation, urs_int8_output_of(c->graph, c->op, 0)->quant);
    const bool largest = c->op->kind == URS_INT8_MAX_POOL_2D;
    const int8_t *x = c->in[0];
    int8_t *y = c->out[0];
    urs_int8_window rows, columns;
    urs_int8_windows_of(&rows, &columns, c->graph, c->op);
    for (int32_t oy = 0; oy < rows.out; oy++)
        for (int32_t ox = 0; ox < columns.out; ox++) {
            int32_t y0, y1, x0, x1;
            urs_int8_window_inside(&rows, oy, &y0, &y1);
            urs_int8_window_inside(&columns, ox, &x0, &x1);
            for (int32_t k = 0; k < channels; k++) {
                int32_t sum = 0, most = -128;
                for (int32_t iy = y0; iy < y1; iy++)
                    for (int32_t ix = x0; ix < x1; ix++) {
                        const int32_t v = x[((size_t)iy * (size_t)columns.in + (size_t)ix) * (size_t)channels + (size_t)k];
                        sum += v;
                        most = v > most ? v : most;
                    }
                *y++ = (int8_t)urs_int8_clamp(largest ? most : average(sum, (y1 - y0) * (x1 - x0)), range.low, range.high);
            }
        }
}

const urs_int8_record urs_int8_average_pool_2d = {.name = "AVERAGE_POOL_2D", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule, .run = run};
const urs_int8_record urs_int8_max_pool_2d = {.name = "MAX_POOL_2D", .n_in_min = 1, .n_in_max = 1, .keeps_quant = true, .rule = rule, .run = run};
