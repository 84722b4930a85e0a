/* Which layers suffer; see sensitivity.h. */
#include "quant/sensitivity.h"

#include "base/memory.h"
#include "eval/plots.h"
#include "eval/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DB_MAX 120.0 /* of an error that is 0 */

static double decibel(double signal, double error)
{
    return error > 0 && signal > 0 ? fmin(DB_MAX, 10 * log10(signal / error)) : DB_MAX;
}

void urs_sensitivity_release(urs_sensitivity *s)
{
    urs_free(s->layers);
    *s = (urs_sensitivity){0};
}

/* ---- weights ------------------------------------------------------------------------------------------------------------------------------- */

static void look_at_weights(urs_layer_report *r, const urs_deploy *d, const urs_deploy_conv *c, const float *block, int8_t *q)
{
    double widest = 0, narrowest = INFINITY, signal = 0, error = 0;
    for (int32_t o = 0; o < c->out; o++) {
        urs_deploy_row row;
        double largest = 0;
        urs_deploy_quantise_row(&row, q, d, c, block, o);
        for (int32_t k = 0, n = urs_deploy_row_count(c); k < n; k++) {
            const double w = (double)block[urs_deploy_row_at(c, o, k)], e = (double)row.step * q[k] - w;
            largest = fmax(largest, fabs(w));
            signal += w * w;
            error += e * e;
        }
        widest = fmax(widest, largest);
        if (largest > 0)
            narrowest = fmin(narrowest, largest);
    }
    r->weight_spread = widest / narrowest;
    r->weight_sqnr = decibel(signal, error);
}

/* ---- results of layers ------------------------------------------------------------------------------------------------------------------------ */

typedef struct value_sums {
    double low, high, outside, count, signal, error;
} value_sums;

typedef struct value_watch {
    const urs_deploy *d;
    const int32_t *quantiser; /* of every layer */
    value_sums *sums;         /* [worker][layer] */
} value_watch;

static urs_status watch_values(void *context, size_t item, int worker, const urs_plan *plan, urs_error *err)
{
    const value_watch *w = context;
    (void)item;
    (void)err;
    for (int32_t i = 0; i < w->d->n_convs; i++) {
        const urs_deploy_quantiser *q = &w->d->quantisers[w->quantiser[i]];
        const urs_dims dims = urs_graph_dims(w->d->graph, q->value);
        const size_t n = (size_t)(dims.c * dims.h * dims.w);
        const float *x = urs_plan_output(plan, w->d->watch_quantiser + w->quantiser[i]);
        const urs_quant_range range = w->d->groups[q->group].range;
        const double step = (double)range.step, low = (URS_QUANT_LOW - range.zero_point) * step, high = (URS_QUANT_HIGH - range.zero_point) * step;
        value_sums *s = &w->sums[(size_t)worker * (size_t)w->d->n_convs + (size_t)i];
        for (size_t k = 0; k < n; k++) {
            const double v = fmax((double)x[k], (double)q->floor), rounded = fmax(low, fmin(high, step * rint(v / step)));
            s->low = fmin(s->low, v);
            s->high = fmax(s->high, v);
            s->outside += v < low - step / 2 || v > high + step / 2;
            s->signal += v * v;
            s->error += (v - rounded) * (v - rounded);
        }
        s->count += (double)n;
    }
    return URS_OK;
}

static urs_status look_at_values(urs_sensitivity *out, const urs_deploy *d, float *block, const int32_t *quantiser, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err)
{
    const size_t threads = (size_t)urs_pool_threads(pool), layers = (size_t)d->n_convs;
    value_watch w = {.d = d, .quantiser = quantiser, .sums = urs_array_new(threads * layers, sizeof *w.sums)};
    urs_status status;
    if (!w.sums)
        return urs_fail(err, URS_ENOMEM, "no memory to watch %zu layers", layers);
    status = urs_quant_run(d, d->watched, block, pictures, pool, watch_values, &w, err);
    for (size_t i = 0; status == URS_OK && i < layers; i++) {
        urs_layer_report *r = &out->layers[i];
        value_sums all = {0};
        for (size_t t = 0; t < threads; t++) {
            const value_sums *s = &w.sums[t * layers + i];
            all.low = fmin(all.low, s->low);
            all.high = fmax(all.high, s->high);
            all.outside += s->outside;
            all.count += s->count;
            all.signal += s->signal;
            all.error += s->error;
        }
        r->low = all.low;
        r->high = all.high;
        r->saturated = all.outside / all.count;
        r->value_sqnr = decibel(all.signal, all.error);
        r->range = d->groups[d->quantisers[quantiser[i]].group].range;
    }
    urs_free(w.sums);
    return status;
}

/* ---- the network's outputs ------------------------------------------------------------------------------------------------------------------------ */

typedef struct output_watch {
    const urs_graph *graph;
    float *reference; /* [picture][all outputs] */
    size_t elements;  /* of all outputs of a picture */
    bool store;
    double *signal, *error; /* [worker][output] */
    int32_t n;
} output_watch;

static urs_status watch_outputs(void *context, size_t item, int worker, const urs_plan *plan, urs_error *err)
{
    output_watch *w = context;
    const urs_value *outputs;
    float *r = w->reference + item * w->elements;
    (void)err;
    (void)urs_graph_outputs(w->graph, &outputs);
    for (int32_t k = 0; k < w->n; k++) {
        const urs_dims d = urs_graph_dims(w->graph, outputs[k]);
        const size_t n = (size_t)(d.c * d.h * d.w), at = (size_t)worker * (size_t)w->n + (size_t)k;
        const float *x = urs_plan_output(plan, k);
        if (w->store)
            memcpy(r, x, n * sizeof *r);
        for (size_t i = 0; !w->store && i < n; i++) {
            const double e = (double)x[i] - (double)r[i];
            w->signal[at] += (double)r[i] * (double)r[i];
            w->error[at] += e * e;
        }
        r += n;
    }
    return URS_OK;
}

/* Every output counts alike: their errors are compared with their own energy. */
static double outputs_sqnr(output_watch *w, size_t threads)
{
    double sum = 0;
    for (int32_t k = 0; k < w->n; k++) {
        double signal = 0, error = 0;
        for (size_t t = 0; t < threads; t++) {
            signal += w->signal[t * (size_t)w->n + (size_t)k];
            error += w->error[t * (size_t)w->n + (size_t)k];
        }
        sum += signal > 0 ? error / signal : 0;
    }
    memset(w->signal, 0, threads * (size_t)w->n * sizeof *w->signal);
    memset(w->error, 0, threads * (size_t)w->n * sizeof *w->error);
    return decibel(1, sum / w->n);
}

static void turn(urs_deploy *d, bool off)
{
    for (int32_t i = 0; i < d->n_convs; i++)
        d->convs[i].off = off;
    for (int32_t i = 0; i < d->n_groups; i++)
        d->groups[i].off = off;
}

static urs_status look_at_outputs(urs_sensitivity *out, urs_deploy *d, float *block, const float *params, const int32_t *quantiser, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err)
{
    const size_t threads = (size_t)urs_pool_threads(pool);
    const urs_value *outputs;
    output_watch w = {.graph = d->graph, .n = urs_graph_outputs(d->graph, &outputs), .store = true};
    urs_status status = URS_OK;
    for (int32_t k = 0; k < w.n; k++) {
        const urs_dims dims = urs_graph_dims(d->graph, outputs[k]);
        w.elements += (size_t)(dims.c * dims.h * dims.w);
    }
    w.reference = urs_array_new(pictures->count * w.elements, sizeof *w.reference);
    w.signal = urs_array_new(threads * (size_t)w.n, sizeof *w.signal);
    w.error = urs_array_new(threads * (size_t)w.n, sizeof *w.error);
    if (!w.reference || !w.signal || !w.error)
        status = urs_fail(err, URS_ENOMEM, "no memory for the outputs of %zu pictures", pictures->count);
    turn(d, true);
    if (status == URS_OK) {
        urs_deploy_expand(d, block, params, NULL);
        status = urs_quant_run(d, d->graph, block, pictures, pool, watch_outputs, &w, err);
        w.store = false;
    }
    for (int32_t i = 0; status == URS_OK && i < d->n_convs; i++) {
        const int32_t group = d->quantisers[quantiser[i]].group;
        d->convs[i].off = d->groups[group].off = false;
        urs_deploy_expand(d, block, params, NULL);
        d->convs[i].off = d->groups[group].off = true;
        status = urs_quant_run(d, d->graph, block, pictures, pool, watch_outputs, &w, err);
        out->layers[i].alone_sqnr = outputs_sqnr(&w, threads);
    }
    turn(d, false);
    if (status == URS_OK) {
        urs_deploy_expand(d, block, params, NULL);
        status = urs_quant_run(d, d->graph, block, pictures, pool, watch_outputs, &w, err);
        out->whole_sqnr = outputs_sqnr(&w, threads);
    }
    urs_free(w.reference);
    urs_free(w.signal);
    urs_free(w.error);
    return status;
}

/* The quantiser right behind a convolution (and its fused activation). */
static int32_t quantiser_behind(const urs_deploy *d, const urs_deploy_conv *c)
{
    for (int32_t i = 0; i < d->n_quantisers; i++)
        if (d->quantisers[i].seen == c->node || d->quantisers[i].seen == c->node + 1)
            return i;
    return 0;
}

urs_status urs_sensitivity_measure(urs_sensitivity *out, urs_deploy *d, const float *params, const urs_quant_pictures *pictures, urs_pool *pool, urs_error *err)
{
    urs_sensitivity s = {.n_layers = d->n_convs, .layers = urs_array_new((size_t)d->n_convs, sizeof *s.layers)};
    float *block = urs_aligned_new(urs_graph_block_elements(d->watched) * sizeof *block);
    int32_t *quantiser = urs_array_new((size_t)d->n_convs, sizeof *quantiser);
    int8_t *q = urs_array_new(URS_DEPLOY_ROW_MAX, 1);
    urs_status status = s.layers && block && quantiser && q ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a report on %d layers", (int)d->n_convs);
    if (status == URS_OK) {
        urs_deploy_expand(d, block, params, &(urs_deploy_expand_options){.float_weights = true, .float_values = true});
        for (int32_t i = 0; i < d->n_convs; i++) {
            (void)snprintf(s.layers[i].name, sizeof s.layers[i].name, "%s", d->convs[i].name);
            quantiser[i] = quantiser_behind(d, &d->convs[i]);
            look_at_weights(&s.layers[i], d, &d->convs[i], block, q);
        }
        status = look_at_values(&s, d, block, quantiser, pictures, pool, err);
    }
    if (status == URS_OK)
        status = look_at_outputs(&s, d, block, params, quantiser, pictures, pool, err);
    urs_aligned_free(block);
    urs_free(quantiser);
    urs_free(q);
    if (status == URS_OK)
        *out = s;
    else
        urs_sensitivity_release(&s);
    return status;
}

/* ---- showing --------------------------------------------------------------------------------------------------------------------------------------- */

void urs_sensitivity_text(const urs_sensitivity *s, urs_text *out)
{
    static const char *const headings[] = {"layer", "weight spread", "weights dB", "lowest", "highest", "step", "zero", "saturated %", "values dB", "outputs dB, it alone"};
    urs_table t;
    urs_table_start(&t, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
        urs_table_add(&t, headings[i]);
    for (int32_t i = 0; i < s->n_layers; i++) {
        const urs_layer_report *r = &s->layers[i];
        urs_table_add(&t, r->name);
        urs_table_number(&t, r->weight_spread, 1);
        urs_table_number(&t, r->weight_sqnr, 1);
        urs_table_number(&t, r->low, 2);
        urs_table_number(&t, r->high, 2);
        urs_table_number(&t, (double)r->range.step, 4);
        urs_table_format(&t, "%d", (int)r->range.zero_point);
        urs_table_number(&t, 100 * r->saturated, 3);
        urs_table_number(&t, r->value_sqnr, 1);
        urs_table_number(&t, r->alone_sqnr, 1);
    }
    urs_table_end(&t, out);
    urs_text_format(out, "\neverything quantised: outputs at %.1f dB\n", s->whole_sqnr);
}

void urs_sensitivity_plot(const urs_sensitivity *s, urs_text *out)
{
    const size_t n = (size_t)s->n_layers;
    double *x = urs_array_new(n, sizeof *x), *alone = urs_array_new(n, sizeof *alone), *weights = urs_array_new(n, sizeof *weights), *values = urs_array_new(n, sizeof *values);
    double *low = urs_array_new(n, sizeof *low), *high = urs_array_new(n, sizeof *high);
    for (size_t i = 0; x && alone && weights && values && low && high && i < n; i++) {
        x[i] = (double)i;
        alone[i] = s->layers[i].alone_sqnr;
        weights[i] = s->layers[i].weight_sqnr;
        values[i] = s->layers[i].value_sqnr;
        low[i] = s->layers[i].low;
        high[i] = s->layers[i].high;
    }
    if (x && alone && weights && values && low && high) {
        const urs_plot_series quality[] = {{.name = "outputs, this layer alone", .x = x, .y = alone, .count = n}, {.name = "its values", .x = x, .y = values, .count = n},
                                           {.name = "its weights", .x = x, .y = weights, .count = n}};
        const urs_plot_series ranges[] = {{.name = "highest", .x = x, .y = high, .count = n}, {.name = "lowest", .x = x, .y = low, .count = n}};
        urs_plot_curves(out, &(urs_plot_axes){.title = "Signal over quantisation error, layer by layer", .x_label = "layer", .y_label = "dB", .width = 960, .points = true}, quality, 3);
        urs_plot_curves(out, &(urs_plot_axes){.title = "Ranges, layer by layer", .x_label = "layer", .y_label = "value", .width = 960, .points = true}, ranges, 2);
    }
    urs_free(x);
    urs_free(alone);
    urs_free(weights);
    urs_free(values);
    urs_free(low);
    urs_free(high);
}
