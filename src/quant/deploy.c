/* Parameters of a deployed network; see deploy.h. */
#include "quant/deploy_private.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define ROW_MAX URS_DEPLOY_ROW_MAX
#define BIAS_LIMIT 0x1p29 /* steps; leaves room for the sum */

urs_quant_range urs_quant_range_of(float low, float high)
{
    urs_quant_range r;
    double step, zero;
    low = low < 0 ? low : 0;
    high = high > 0 ? high : 0;
    step = ((double)high - (double)low) / (URS_QUANT_HIGH - URS_QUANT_LOW);
    if (!(step > 1e-8))
        step = 1.0 / 255; /* always 0 on these pictures; on others who knows */
    zero = rint(URS_QUANT_LOW - (double)low / step);
    r.step = (float)step;
    r.zero_point = (int32_t)fmax(URS_QUANT_LOW, fmin(URS_QUANT_HIGH, zero));
    return r;
}

/* The input: the byte nearest to the mean is zero, which is what padding stands for. */
static void fix_groups(urs_deploy *d)
{
    const urs_input_format *f = &d->input;
    const double mean = ((double)f->mean[0] + (double)f->mean[1] + (double)f->mean[2]) / 3;
    for (int32_t i = 0; i < d->n_groups; i++) {
        if (d->groups[i].kind == URS_GROUP_INPUT)
            d->groups[i].range = (urs_quant_range){.step = 1.0f / 255.0f, .zero_point = (int32_t)fmax(-128, fmin(127, rint(255 * mean) - 128))};
        else if (d->groups[i].kind == URS_GROUP_SIGMOID)
            d->groups[i].range = (urs_quant_range){.step = 1.0f / 256.0f, .zero_point = -128};
    }
}

static int32_t input_zero(const urs_deploy *d)
{
    for (int32_t i = 0; i < d->n_groups; i++)
        if (d->groups[i].kind == URS_GROUP_INPUT)
            return d->groups[i].range.zero_point;
    return -128;
}

urs_status urs_deploy_new(urs_deploy **out, const urs_graph *source, const urs_input_format *input, urs_error *err)
{
    const urs_node *nodes;
    const size_t n = (size_t)urs_graph_nodes(source, &nodes), room = 4 * n + 4;
    urs_deploy *d = urs_array_new(1, sizeof *d);
    urs_status status = URS_OK;
    if (!d)
        return urs_fail(err, URS_ENOMEM, "no memory to deploy a network");
    d->source = source;
    d->input = *input;
    d->convs = urs_array_new(n, sizeof *d->convs);
    d->quantisers = urs_array_new(room, sizeof *d->quantisers);
    d->groups = urs_array_new(room, sizeof *d->groups);
    d->quantiser_of = urs_array_new(room, sizeof *d->quantiser_of);
    if (!d->convs || !d->quantisers || !d->groups || !d->quantiser_of)
        status = urs_fail(err, URS_ENOMEM, "no memory to deploy %zu operations", n);
    for (size_t i = 0; status == URS_OK && i < room; i++)
        d->quantiser_of[i] = -1;
    if (status == URS_OK)
        status = urs_deploy_build_graph(d, false, err);
    if (status == URS_OK)
        status = urs_deploy_build_graph(d, true, err);
    if (status == URS_OK) {
        d->factors = urs_array_new(d->factor_count + 1, sizeof *d->factors);
        d->weight_steps = urs_array_new(d->step_count + 1, sizeof *d->weight_steps);
        d->bias_shift = urs_array_new(d->step_count + 1, sizeof *d->bias_shift);
        if (!d->factors || !d->weight_steps || !d->bias_shift)
            status = urs_fail(err, URS_ENOMEM, "no memory to deploy a network");
    }
    if (status != URS_OK) {
        urs_deploy_free(d);
        return status;
    }
    for (size_t i = 0; i < d->factor_count; i++)
        d->factors[i] = 1;
    fix_groups(d);
    *out = d;
    return URS_OK;
}

void urs_deploy_free(urs_deploy *d)
{
    if (!d)
        return;
    urs_graph_free(d->graph);
    urs_graph_free(d->watched);
    urs_free(d->convs);
    urs_free(d->quantisers);
    urs_free(d->groups);
    urs_free(d->quantiser_of);
    urs_free(d->factors);
    urs_free(d->weight_steps);
    urs_free(d->bias_shift);
    urs_free(d->rounded);
    urs_free(d);
}

/* ---- folding ------------------------------------------------------------------------------------------------------------------------------ */

static size_t param_at(const urs_deploy *d, int32_t node, int32_t which)
{
    const urs_node *nodes;
    const urs_param *params;
    (void)urs_graph_nodes(d->source, &nodes);
    (void)urs_graph_params(d->source, &params);
    return params[nodes[node].param[which]].offset;
}

/* gamma / sqrt(variance + eps) of channel o */
static double norm_factor(const urs_deploy *d, int32_t node, const float *params, int32_t o)
{
    const urs_node *nodes;
    (void)urs_graph_nodes(d->source, &nodes);
    return (double)params[param_at(d, node, 0) + (size_t)o] / sqrt((double)params[param_at(d, node, 3) + (size_t)o] + (double)nodes[node].attr.eps);
}

/* How output channel o of a convolution follows from W and b. */
typedef struct post_factor {
    double weight;       /* of W */
    double scale;        /* layer scale and equalisation: of what the norm leaves */
    double norm;
    double mean, beta;
} post_factor;

static post_factor post_of(const urs_deploy *d, const urs_deploy_conv *c, const float *params, int32_t o)
{
    post_factor p = {.scale = (double)d->factors[c->post_at + (size_t)o], .norm = 1};
    if (c->scale >= 0)
        p.scale *= (double)params[param_at(d, c->scale, 0) + (size_t)o];
    if (c->norm >= 0) {
        p.norm = norm_factor(d, c->norm, params, o);
        p.beta = (double)params[param_at(d, c->norm, 1) + (size_t)o];
        p.mean = (double)params[param_at(d, c->norm, 2) + (size_t)o];
    }
    p.weight = p.norm * p.scale;
    return p;
}

/* The source's input channel i is `factor` times the deployed one, plus `shift`. */
typedef struct pre_factor {
    double factor, shift;
} pre_factor;

static pre_factor pre_of(const urs_deploy *d, const urs_deploy_conv *c, const float *params, int32_t i)
{
    pre_factor p = {.factor = (double)c->factor * (double)d->factors[c->pre_at + (size_t)i]};
    if (c->norm_before >= 0) {
        const double scale = norm_factor(d, c->norm_before, params, i);
        p.shift = (double)params[param_at(d, c->norm_before, 1) + (size_t)i] - (double)params[param_at(d, c->norm_before, 2) + (size_t)i] * scale;
        p.factor *= scale;
    }
    if (c->reads_input) {
        const double std = d->input.std[i] == 0.0f ? 1 : (double)d->input.std[i];
        p.shift = ((double)(input_zero(d) + 128) / 255 - (double)d->input.mean[i]) / std;
        p.factor /= std;
    }
    return p;
}

int32_t urs_deploy_row_count(const urs_deploy_conv *c)
{
    return c->in / c->groups * c->area;
}

/* Input channel of row element k of output channel o. */
static int32_t row_channel(const urs_deploy_conv *c, int32_t o, int32_t k)
{
    return o / (c->out / c->groups) * (c->in / c->groups) + k / c->area;
}

/* Offset of (o, k) from the first weight; the same in the source and in the deployed block. */
static size_t row_offset(const urs_deploy_conv *c, int32_t o, int32_t k)
{
    if (c->transposed) { /* [in, out/groups, area] */
        const int32_t per_group = c->out / c->groups;
        return ((size_t)row_channel(c, o, k) * (size_t)per_group + (size_t)(o % per_group)) * (size_t)c->area + (size_t)(k % c->area);
    }
    return (size_t)o * (size_t)urs_deploy_row_count(c) + (size_t)k;
}

size_t urs_deploy_row_at(const urs_deploy_conv *c, int32_t o, int32_t k)
{
    return c->weight_at + row_offset(c, o, k);
}

static void fold_conv(const urs_deploy *d, const urs_deploy_conv *c, float *block, const float *params)
{
    const urs_param *list;
    const int32_t count = urs_deploy_row_count(c);
    (void)urs_graph_params(d->source, &list);
    for (int32_t o = 0; o < c->out; o++) {
        const post_factor post = post_of(d, c, params, o);
        const double own = c->bias >= 0 ? (double)params[list[c->bias].offset + (size_t)o] : 0;
        double bias = ((own - post.mean) * post.norm + post.beta) * post.scale + (double)c->bias_constant;
        for (int32_t begin = 0; begin < count; begin += c->area) {
            const pre_factor pre = pre_of(d, c, params, row_channel(c, o, begin));
            for (int32_t k = begin; k < begin + c->area; k++) {
                const double w = (double)params[list[c->weight].offset + row_offset(c, o, k)] * post.weight;
                block[urs_deploy_row_at(c, o, k)] = (float)(w * pre.factor);
                bias += w * pre.shift;
            }
        }
        block[c->bias_at + (size_t)o] = (float)bias;
    }
}

void urs_deploy_fold(const urs_deploy *d, float *block, const float *params)
{
    for (int32_t i = 0; i < d->n_convs; i++)
        fold_conv(d, &d->convs[i], block, params);
}

void urs_deploy_contract(const urs_deploy *d, float *d_params, const float *d_block, const float *params)
{
    const urs_param *list;
    (void)urs_graph_params(d->source, &list);
    for (int32_t n = 0; n < d->n_convs; n++) {
        const urs_deploy_conv *c = &d->convs[n];
        const int32_t count = urs_deploy_row_count(c);
        for (int32_t o = 0; o < c->out; o++) {
            const post_factor post = post_of(d, c, params, o);
            const double d_bias = (double)d_block[c->bias_at + (size_t)o];
            for (int32_t begin = 0; begin < count; begin += c->area) {
                const pre_factor pre = pre_of(d, c, params, row_channel(c, o, begin));
                for (int32_t k = begin; k < begin + c->area; k++)
                    d_params[list[c->weight].offset + row_offset(c, o, k)] +=
                        (float)(((double)d_block[urs_deploy_row_at(c, o, k)] * pre.factor + d_bias * pre.shift) * post.weight);
            }
            if (c->bias >= 0)
                d_params[list[c->bias].offset + (size_t)o] += (float)(d_bias * post.weight);
            if (c->norm >= 0)
                d_params[param_at(d, c->norm, 1) + (size_t)o] += (float)(d_bias * post.scale);
        }
    }
}

/* ---- quantising ------------------------------------------------------------------------------------------------------------------------------ */

float urs_deploy_input_step(const urs_deploy *d, const urs_deploy_conv *c)
{
    return d->groups[d->quantisers[d->quantiser_of[c->input]].group].range.step;
}

float urs_deploy_weight_step(const urs_deploy *d, const urs_deploy_conv *c, int32_t o, float largest, float bias, float input_step)
{
    const float learned = d->weight_steps[c->step_at + (size_t)o];
    double step = learned > 0 ? (double)learned : (double)largest / URS_QUANT_WEIGHT_MAX;
    if (input_step > 0)
        step = fmax(step, fabs((double)bias) / ((double)input_step * BIAS_LIMIT));
    return (float)fmax(step, 1e-12);
}

static float largest_weight(const urs_deploy_conv *c, const float *block, int32_t o)
{
    float largest = 0;
    for (int32_t k = 0, n = urs_deploy_row_count(c); k < n; k++)
        largest = fmaxf(largest, fabsf(block[urs_deploy_row_at(c, o, k)]));
    return largest;
}

void urs_deploy_quantise_row(urs_deploy_row *row, int8_t *whole, const urs_deploy *d, const urs_deploy_conv *c, const float *block, int32_t o)
{
    const float bias = block[c->bias_at + (size_t)o] + d->bias_shift[c->step_at + (size_t)o], input_step = urs_deploy_input_step(d, c);
    row->step = urs_deploy_weight_step(d, c, o, largest_weight(c, block, o), bias, input_step);
    row->bias_step = input_step * row->step;
    row->bias = row->bias_step > 0 ? (int32_t)lrint((double)bias / (double)row->bias_step) : 0;
    for (int32_t k = 0, n = urs_deploy_row_count(c); k < n; k++) {
        const size_t at = urs_deploy_row_at(c, o, k);
        const float q = d->rounded ? (float)d->rounded[at] : rintf(block[at] / row->step);
        whole[k] = (int8_t)fmaxf(-URS_QUANT_WEIGHT_MAX, fminf(URS_QUANT_WEIGHT_MAX, q));
    }
}

/* Row by row through the whole numbers themselves, so that simulation and int8 graph cannot differ. */
static void quantise_conv(const urs_deploy *d, const urs_deploy_conv *c, float *block)
{
    int8_t whole[ROW_MAX];
    const int32_t count = urs_deploy_row_count(c);
    for (int32_t o = 0; o < c->out; o++) {
        urs_deploy_row row;
        urs_deploy_quantise_row(&row, whole, d, c, block, o);
        for (int32_t k = 0; k < count; k++)
            block[urs_deploy_row_at(c, o, k)] = row.step * (float)whole[k];
        block[c->bias_at + (size_t)o] = row.bias_step > 0 ? (float)((double)row.bias_step * row.bias) : block[c->bias_at + (size_t)o];
    }
}

void urs_deploy_expand(const urs_deploy *d, float *block, const float *params, const urs_deploy_expand_options *options)
{
    const urs_deploy_expand_options o = options ? *options : (urs_deploy_expand_options){0};
    urs_deploy_fold(d, block, params);
    for (int32_t i = 0; !o.float_weights && i < d->n_convs; i++)
        if (!d->convs[i].off)
            quantise_conv(d, &d->convs[i], block);
    for (int32_t i = 0; i < d->n_quantisers; i++) {
        const urs_deploy_group *g = &d->groups[d->quantisers[i].group];
        block[d->quantisers[i].step_at] = o.float_values || g->off ? 0 : g->range.step;
        block[d->quantisers[i].state_at] = (float)g->range.zero_point;
    }
}

/* ---- the input ---------------------------------------------------------------------------------------------------------------------------------- */

void urs_deploy_input_from_bytes(const urs_deploy *d, float *out, const uint8_t *bytes)
{
    const size_t n = 3 * (size_t)d->input.width * (size_t)d->input.height;
    const int32_t zero = input_zero(d) + 128;
    float table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (float)(v - zero) * (1.0f / 255.0f);
    for (size_t i = 0; i < n; i++)
        out[i] = table[bytes[i]];
}

void urs_bytes_from_input(uint8_t *bytes, const float *tensor, const urs_input_format *format)
{
    const size_t n = (size_t)format->width * (size_t)format->height;
    for (size_t c = 0; c < 3; c++) {
        const float std = (format->std[c] == 0.0f ? 1.0f : format->std[c]) * 255.0f, mean = format->mean[c] * 255.0f;
        for (size_t i = 0; i < n; i++)
            bytes[c * n + i] = (uint8_t)fmaxf(0, fminf(255, rintf(tensor[c * n + i] * std + mean)));
    }
}
