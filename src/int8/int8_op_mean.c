/* MEAN over rows and columns, in two formulas that differ by one in about every tenth output.
 *
 *      npu      (also TFLite's reference kernel) the multiplier of s/s' is divided by the count as a whole number of up to 64 bits; the sum has the zero points taken off
 *      tflite   (its optimised kernel, which it has only where the axes are kept) the factor is s/(n*s'), the zero points make a rounded bias */
#include "int8/int8_op.h"
#include "int8/mean.h"

#include <math.h>

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape x = urs_int8_input_of(g, op, 0)->shape;
    if (x.rank != 4 || x.dim[0] != 1 || (int64_t)x.dim[1] * x.dim[2] > 1 << 22)
        return urs_int8_bad(g, op, err, "wants an input [1,H,W,C] of at most 4194304 pixels");
    out[0] = op->attr.keep_dims ? urs_int8_shape4(1, 1, 1, x.dim[3]) : (urs_int8_shape){2, {1, x.dim[3]}};
    return URS_OK;
}

urs_int8_mean_factor urs_int8_mean_of(const urs_int8_graph *g, const urs_int8_op *op, urs_int8_arithmetic arithmetic)
{
    const urs_int8_tensor *x = urs_int8_input_of(g, op, 0);
    const urs_int8_quant in = x->quant, out = urs_int8_output_of(g, op, 0)->quant;
    const int32_t n = x->shape.dim[1] * x->shape.dim[2];
    urs_int8_mean_factor f;
    if (arithmetic == URS_INT8_TFLITE && op->attr.keep_dims) {
        f.m = urs_int8_multiplier_of((double)(in.scale / ((float)n * out.scale)));
        f.before = 0;
        f.after = out.zero_point - (int32_t)roundf((float)in.zero_point * in.scale / out.scale);
        return f;
    }
    f.m = urs_int8_multiplier_of((double)in.scale / (double)out.scale);
    {
        int32_t shift = 0; /* floor(log2 n), at most 32, and no more than the exponent has room for */
        while (n >> (shift + 1))
            shift++;
        shift = shift < 31 + f.m.e ? shift : 31 + f.m.e;
        f.m.q = (int32_t)(((int64_t)f.m.q << shift) / n);
        f.m.e -= shift;
    }
    f.before = -n * in.zero_point;
    f.after = out.zero_point;
    return f;
}

static void run(const urs_int8_call *c)
{
    const urs_int8_shape x = urs_int8_input_of(c->graph, c->op, 0)->shape;
    const urs_int8_mean_factor f = urs_int8_mean_of(c->graph, c->op, c->arithmetic);
    const size_t pixels = (size_t)x.dim[1] * (size_t)x.dim[2], channels = (size_t)x.dim[3];
    const int8_t *in = c->in[0];
    int8_t *y = c->out[0];
    for (size_t k = 0; k < channels; k++) {
        int32_t sum = 0;
        for (size_t p = 0; p < pixels; p++)
            sum += in[p * channels + k];
        y[k] = urs_int8_mean_one(&f, sum);
    }
}

const urs_int8_record urs_int8_mean = {.name = "MEAN", .n_in_min = 1, .n_in_max = 1, .rule = rule, .run = run};
