/* ADD, SUB and MUL. One of the inputs has the output's shape; axes of the other are its or 1, and missing leading axes are 1.
 *
 *      ADD   both inputs, shifted left by 20 bits, come to the common scale 2 * max(s1, s2); their sum goes from there to the output's scale
 *      MUL   the product of the two differences from the zero points times s1 * s2 / s3 (a float32 quotient, as TFLite computes it) */
#include "int8/binary.h"
#include "int8/int8_op.h"

#define SHIFT 20

/* Shape with leading ones. */
static urs_int8_shape four(urs_int8_shape s)
{
    urs_int8_shape wide = {4, {1, 1, 1, 1}};
    for (int32_t i = 0; i < s.rank; i++)
        wide.dim[4 - s.rank + i] = s.dim[i];
    return wide;
}

static bool reaches(urs_int8_shape from, urs_int8_shape to)
{
    const urs_int8_shape a = four(from), b = four(to);
    for (int32_t i = 0; i < 4; i++)
        if (a.dim[i] != b.dim[i] && a.dim[i] != 1)
            return false;
    return from.rank <= to.rank;
}

static urs_status rule(urs_int8_shape *out, const urs_int8_graph *g, const urs_int8_op *op, urs_error *err)
{
    const urs_int8_shape a = urs_int8_input_of(g, op, 0)->shape, b = urs_int8_input_of(g, op, 1)->shape;
    if (!reaches(b, a) && !reaches(a, b))
        return urs_int8_bad(g, op, err, "has inputs whose shapes do not go together");
    out[0] = reaches(b, a) ? a : b;
    return URS_OK;
}

/* Elements from one index of an axis to the next; 0 where the input repeats. */
static void strides(size_t *stride, urs_int8_shape shape)
{
    const urs_int8_shape s = four(shape);
    size_t n = 1;
    for (int32_t i = 3; i >= 0; i--) {
        stride[i] = s.dim[i] == 1 ? 0 : n;
        n *= (size_t)s.dim[i];
    }
}

static void each(const urs_int8_call *c, urs_int8_binary binary)
{
    const urs_int8_shape out = four(urs_int8_output_of(c->graph, c->op, 0)->shape);
    const int8_t *a = c->in[0], *b = c->in[1];
    int8_t *y = c->out[0];
    size_t sa[4], sb[4];
    strides(sa, urs_int8_input_of(c->graph, c->op, 0)->shape);
    strides(sb, urs_int8_input_of(c->graph, c->op, 1)->shape);
    for (size_t i = 0; i < (size_t)out.dim[0]; i++)
        for (size_t j = 0; j < (size_t)out.dim[1]; j++)
            for (size_t k = 0; k < (size_t)out.dim[2]; k++)
                for (size_t l = 0; l < (size_t)out.dim[3]; l++)
                    *y++ = urs_int8_binary_one(&binary, a[i * sa[0] + j * sa[1] + k * sa[2] + l * sa[3]], b[i * sb[0] + j * sb[1] + k * sb[2] + l * sb[3]]);
}

urs_int8_binary urs_int8_binary_of(const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_quant a = urs_int8_input_of(g, op, 0)->quant, b = urs_int8_input_of(g, op, 1)->quant, out = urs_int8_output_of(g, op, 0)->quant;
    const double twice = 2 * (double)(a.scale > b.scale ? a.scale : b.scale);
    urs_int8_binary r = {.zero_a = a.zero_point, .zero_b = b.zero_point, .zero_out = out.zero_point, .range = urs_int8_range_of(op->attr.activation, out)};
    r.product = op->kind == URS_INT8_MUL;
    r.minus = op->kind == URS_INT8_SUB;
    if (r.product) {
        r.out = urs_int8_multiplier_of((double)(a.scale * b.scale / out.scale));
        return r;
    }
    r.shift = SHIFT;
    r.a = urs_int8_multiplier_of((double)a.scale / twice);
    r.b = urs_int8_multiplier_of((double)b.scale / twice);
    r.out = urs_int8_multiplier_of(twice / ((double)(1 << SHIFT) * (double)out.scale));
    return r;
}

static void run(const urs_int8_call *c)
{
    each(c, urs_int8_binary_of(c->graph, c->op));
}

const urs_int8_record urs_int8_add = {.name = "ADD", .n_in_min = 2, .n_in_max = 2, .rule = rule, .run = run};
const urs_int8_record urs_int8_sub = {.name = "SUB", .n_in_min = 2, .n_in_max = 2, .rule = rule, .run = run};
const urs_int8_record urs_int8_mul = {.name = "MUL", .n_in_min = 2, .n_in_max = 2, .rule = rule, .run = run};
