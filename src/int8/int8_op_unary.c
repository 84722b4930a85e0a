/* Operators on one number: QUANTIZE between bytes, RELU, RELU6, LEAKY_RELU, HARD_SWISH in integers; LOGISTIC, TANH, GELU as float tables, as TFLite and the NPU have them. */
#include "int8/int8_op.h"
#include "int8/unary.h"

#include <math.h>

typedef struct unary {
    urs_int8_quant in, out;
    const urs_int8_attr *attr;
    int32_t low, high; /* of the output's type */
} unary;

static int32_t rescale(const unary *u, int32_t x)
{
    const urs_int8_multiplier m = urs_int8_multiplier_of((double)u->in.scale / (double)u->out.scale);
    return urs_int8_wrap((int64_t)urs_int8_scale(x - u->in.zero_point, m) + u->out.zero_point);
}

static int32_t relu(const unary *u, int32_t x, urs_int8_activation activation)
{
    const urs_int8_range range = urs_int8_range_of(activation, u->out);
    const urs_int8_multiplier m = urs_int8_multiplier_of((double)(u->in.scale / u->out.scale));
    return urs_int8_clamp(urs_int8_wrap((int64_t)urs_int8_scale(x - u->in.zero_point, m) + u->out.zero_point), range.low, range.high);
}

static int32_t leaky_relu(const unary *u, int32_t x)
{
    const int32_t v = x - u->in.zero_point;
    const urs_int8_multiplier m = urs_int8_multiplier_of((double)(v >= 0 ? u->in.scale / u->out.scale : u->in.scale * u->attr->alpha / u->out.scale));
    return urs_int8_wrap((int64_t)urs_int8_scale(v, m) + u->out.zero_point);
}

/* ---- HARD_SWISH in 16-bit fixed point: relu6(x+3)/6 as a number of 15 bits after the point, times x at the output's scale ---- */

static int32_t sat16(int32_t x)
{
    return urs_int8_clamp(x, -32768, 32767);
}

static int32_t high_mul16(int32_t a, int32_t b)
{
    return sat16((a * b + (1 << 14)) >> 15);
}

/* The upper half of a multiplier. */
static int32_t half_of(int32_t q)
{
    return q >= INT32_MAX - (1 << 15) ? 32767 : (q + (1 << 15)) >> 16;
}

static int32_t hard_swish(const unary *u, int32_t x)
{
    const float fine = u->in.scale * (1.0f / 128);
    const urs_int8_multiplier out = urs_int8_multiplier_of((double)(fine / u->out.scale)), reach = urs_int8_multiplier_of((double)(fine / (3.0f / 32768)));
    const int32_t v = (x - u->in.zero_point) * 128, product = high_mul16(v, half_of(out.q));
    int32_t r = v, y;
    if (reach.e > 0)
        r = reach.e > 16 ? (r > 0 ? 32767 : r < 0 ? -32768 : 0) : (int32_t)(r * ((int64_t)1 << (reach.e - 1)) > 32767 ? 32767 : r * ((int64_t)1 << (reach.e - 1)) < -32768 ? -32768 : r * ((int64_t)1 << (reach.e - 1)));
    r = high_mul16(r, half_of(reach.q));
    if (reach.e > 0)
        r = sat16(r * 2);
    if (reach.e < 0)
        r = urs_int8_round_shift(r, -reach.e);
    r = (r + 32768) >> 1;
    y = r * product / 32768;
    /* An output scale so small that the exponent is positive: TFLite shifts left with saturation. */
    y = out.e > 0 ? (int32_t)urs_int8_clamp(y * (1 << (out.e < 15 ? out.e : 15)), -32768, 32767) : urs_int8_round_shift(y, -out.e);
    return y + u->out.zero_point;
}

/* ---- tables in float ---- */

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static float gelu(float x, bool approximate)
{
    if (approximate)
        return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}

static int32_t in_float(const unary *u, int32_t x, urs_int8_kind kind)
{
    const float real = u->in.scale * (float)(x - u->in.zero_point), inverse = 1.0f / u->out.scale;
    const float y = kind == URS_INT8_LOGISTIC ? sigmoid(real) : kind == URS_INT8_TANH ? tanhf(real) : gelu(real, u->attr->approximate);
    const float steps = roundf(y * inverse);
    return steps >= 1e6f ? 1000000 : steps <= -1e6f ? -1000000 : (int32_t)steps + u->out.zero_point;
}

static int32_t result(const unary *u, int32_t x, urs_int8_kind kind)
{
    switch (kind) {
    case URS_INT8_QUANTIZE:
        return rescale(u, x);
    case URS_INT8_RELU:
        return relu(u, x, URS_INT8_ACT_RELU);
    case URS_INT8_RELU6:
        return relu(u, x, URS_INT8_ACT_RELU6);
    case URS_INT8_LEAKY_RELU:
        return leaky_relu(u, x);
    case URS_INT8_HARD_SWISH:
        return hard_swish(u, x);
    default:
        return in_float(u, x, kind);
    }
}

bool urs_int8_table_of(urs_int8_table *table, const urs_int8_graph *g, const urs_int8_op *op)
{
    const urs_int8_tensor *in = urs_int8_input_of(g, op, 0), *out = urs_int8_output_of(g, op, 0);
    const unary u = {.in = in->quant, .out = out->quant, .attr = &op->attr, .low = out->type == URS_INT8_TYPE_UINT8 ? 0 : -128, .high = out->type == URS_INT8_TYPE_UINT8 ? 255 : 127};
    if (op->kind < URS_INT8_QUANTIZE || op->kind > URS_INT8_GELU || op->kind == URS_INT8_DEQUANTIZE || in->type == URS_INT8_TYPE_FLOAT32)
        return false;
    for (int32_t i = 0; i < 256; i++)
        table->result[i] = (uint8_t)urs_int8_clamp(result(&u, in->type == URS_INT8_TYPE_UINT8 ? i : (int8_t)i, op->kind), u.low, u.high);
    return true;
}

static void run(const urs_int8_call *c)
{
    const size_t n = urs_int8_shape_elements(urs_int8_input_of(c->graph, c->op, 0)->shape);
    const uint8_t *x = c->in[0];
    uint8_t *y = c->out[0];
    urs_int8_table table;
    if (!urs_int8_table_of(&table, c->graph, c->op))
        return;
    for (size_t i = 0; i < n; i++)
        y[i] = table.result[x[i]];
}

static void run_quantize(const urs_int8_call *c)
{
    const urs_int8_tensor *x = urs_int8_input_of(c->graph, c->op, 0), *y = urs_int8_output_of(c->graph, c->op, 0);
    const float *in = c->in[0];
    if (x->type != URS_INT8_TYPE_FLOAT32) {
        run(c);
        return;
    }
    for (size_t i = 0; i < urs_int8_shape_elements(x->shape); i++) /* uint8: the same numbers, 128 higher */
        ((uint8_t *)c->out[0])[i] = y->type == URS_INT8_TYPE_UINT8
                                        ? (uint8_t)(urs_int8_quantize(in[i], (urs_int8_quant){y->quant.scale, y->quant.zero_point - 128}) + 128)
                                        : (uint8_t)urs_int8_quantize(in[i], y->quant);
}

static void run_dequantize(const urs_int8_call *c)
{
    const urs_int8_tensor *x = urs_int8_input_of(c->graph, c->op, 0);
    const int8_t *in = c->in[0];
    for (size_t i = 0; i < urs_int8_shape_elements(x->shape); i++)
        ((float *)c->out[0])[i] = x->quant.scale * (float)(in[i] - x->quant.zero_point);
}

const urs_int8_record urs_int8_quantize_op = {.name = "QUANTIZE", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run_quantize};
const urs_int8_record urs_int8_dequantize = {.name = "DEQUANTIZE", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run_dequantize};
const urs_int8_record urs_int8_logistic = {.name = "LOGISTIC", .n_in_min = 1, .n_in_max = 1, .fixed = {1.0f / 256, -128}, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_tanh = {.name = "TANH", .n_in_min = 1, .n_in_max = 1, .fixed = {1.0f / 128, 0}, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_hard_swish = {.name = "HARD_SWISH", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_relu = {.name = "RELU", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_relu6 = {.name = "RELU6", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_leaky_relu = {.name = "LEAKY_RELU", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run};
const urs_int8_record urs_int8_gelu = {.name = "GELU", .n_in_min = 1, .n_in_max = 1, .rule = urs_int8_same_shape, .run = run};
