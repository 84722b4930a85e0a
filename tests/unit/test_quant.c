/* Quantisation: the deployed network is the network, the int8 graph is what the simulation says, remedies do what they promise, gradients go back rightly, and int8 weight files open as float ones do. */
#include "harness.h"
#include "tiny_models.h"

#include "base/memory.h"
#include "base/random.h"
#include "int8/reference.h"
#include "quant/emit.h"
#include "quant/qat.h"
#include "quant/remedies.h"
#include "quant/sensitivity.h"
#include "stages/int8_network.h"
#include "stages/quantize.h"
#include "stages/sift.h"

#include <stdlib.h>
#include <unistd.h>

enum { SIDE = 32, PICTURES = 4 };

/* ---- networks with statistics that look trained --------------------------------------------------------------------------------------------- */

typedef struct subject {
    urs_network *network;
    urs_deploy *d;
    urs_quant_pictures pictures;
    urs_pool *pool;
} subject;

/* Batch norms that do something, of every channel differently. */
static void stir(urs_network *n, uint64_t seed)
{
    const urs_param *params;
    urs_random r;
    urs_random_init(&r, seed);
    for (int32_t i = 0, count = urs_graph_params(n->graph, &params); i < count; i++)
        for (size_t k = 0; k < params[i].count; k++) {
            float *p = &n->params[params[i].offset + k];
            switch (params[i].role) {
            case URS_ROLE_GAMMA: *p = (float)(0.6 + 0.8 * urs_random_unit(&r)); break;
            case URS_ROLE_BETA: *p = (float)(0.3 * urs_random_normal(&r)); break;
            case URS_ROLE_MEAN: *p = (float)(0.2 * urs_random_normal(&r)); break;
            case URS_ROLE_VARIANCE: *p = (float)(0.3 + urs_random_unit(&r)); break;
            case URS_ROLE_WEIGHT:
            case URS_ROLE_BIAS: break;
            }
        }
}

/* The mean is a whole byte, so that padding is exact. */
static bool open_subject(urs_test *t, subject *s, const urs_model_options *options)
{
    urs_error err = {0};
    urs_random r;
    urs_status status = urs_network_new(&s->network, options, 3, &err);
    if (status == URS_OK) {
        stir(s->network, 5);
        for (int c = 0; c < 3; c++) {
            s->network->input.mean[c] = 100.0f / 255.0f;
            s->network->input.std[c] = 0.25f;
        }
        status = urs_pool_new(&s->pool, 2, &err);
    }
    if (status == URS_OK)
        status = urs_deploy_new(&s->d, s->network->graph, &s->network->input, &err);
    s->pictures.size = 3 * (size_t)options->input_width * (size_t)options->input_height;
    s->pictures.bytes = malloc(PICTURES * s->pictures.size);
    s->pictures.count = PICTURES;
    urs_random_init(&r, 11);
    for (size_t i = 0; s->pictures.bytes && i < PICTURES * s->pictures.size; i++)
        s->pictures.bytes[i] = (uint8_t)(128 + 80 * sin((double)i * 0.07 + (double)(i / s->pictures.size)) + 40 * urs_random_unit(&r));
    if (status != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", options->arch, err.message);
    return status == URS_OK && s->pictures.bytes;
}

static void close_subject(subject *s)
{
    urs_deploy_free(s->d);
    urs_network_free(s->network);
    urs_pool_free(s->pool);
    urs_quant_pictures_release(&s->pictures);
}

static const urs_model_options subjects[] = {
    {.arch = "mobilenet_v3_small_075", .input_width = SIDE, .input_height = SIDE, .classes = 3, .tf_padding = true},
    {.arch = "mobilenet_v3_small", .input_width = SIDE, .input_height = SIDE, .classes = 3},
    {.arch = "efficientnet_lite0", .input_width = SIDE, .input_height = SIDE, .embedding = 16, .head = URS_HEAD_PLAIN},
    {.arch = "efficientnet_lite0", .input_width = SIDE, .input_height = SIDE, .embedding = 16, .hidden = {24}, .unit = true},
    {.arch = "yolov8n-seg", .input_width = SIDE, .input_height = SIDE, .classes = 1},
};

static void float_input(float *out, const uint8_t *bytes, const urs_input_format *f)
{
    const size_t n = (size_t)f->width * (size_t)f->height;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < n; i++)
            out[c * n + i] = ((float)bytes[c * n + i] / 255.0f - f->mean[c]) / f->std[c];
}

static size_t output_elements(const urs_graph *g, int32_t k)
{
    const urs_value *outputs;
    (void)urs_graph_outputs(g, &outputs);
    const urs_dims d = urs_graph_dims(g, outputs[k]);
    return (size_t)(d.c * d.h * d.w);
}

/* Largest difference of output k over its largest number. */
static double difference(const float *a, const float *b, size_t n)
{
    double worst = 0, largest = 1e-6;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst / largest;
}

static void check_deployed(urs_test *t, const urs_model_options *options)
{
    subject s = {0};
    urs_plan *plain = NULL, *deployed = NULL;
    urs_error err = {0};
    const urs_value *outputs;
    float *block;
    if (!open_subject(t, &s, options))
        return;
    block = urs_aligned_new(urs_graph_block_elements(s.d->graph) * sizeof *block);
    urs_deploy_expand(s.d, block, s.network->params, &(urs_deploy_expand_options){.float_weights = true, .float_values = true});
    URS_REQUIRE_OK(t, urs_plan_new(&plain, s.network->graph, s.network->params, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
    URS_REQUIRE_OK(t, urs_plan_new(&deployed, s.d->graph, block, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
    float_input(urs_plan_input(plain, 0), s.pictures.bytes, &s.network->input);
    urs_deploy_input_from_bytes(s.d, urs_plan_input(deployed, 0), s.pictures.bytes);
    URS_REQUIRE_OK(t, urs_plan_forward(plain, &err), err);
    URS_REQUIRE_OK(t, urs_plan_forward(deployed, &err), err);
    for (int32_t k = 0, n = urs_graph_outputs(s.d->graph, &outputs); k < n; k++) {
        const double e = difference(urs_plan_output(deployed, k), urs_plan_output(plain, urs_graph_find_output(s.network->graph, urs_graph_output_name(s.d->graph, k))), output_elements(s.d->graph, k));
        if (!(e < 2e-4))
            urs_test_fail(t, __FILE__, __LINE__, "%s: output %s of the deployed network is off by %.3g", options->arch, urs_graph_output_name(s.d->graph, k), e);
    }
    urs_plan_free(plain);
    urs_plan_free(deployed);
    urs_aligned_free(block);
    close_subject(&s);
}

static void deployed_is_the_network(urs_test *t)
{
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        check_deployed(t, &subjects[i]);
}

static void refuses(urs_test *t)
{
    const urs_model_options options = {.arch = "convnext_tiny", .input_width = 32, .input_height = 32, .classes = 3}; /* layer norms and GELU */
    urs_network *n = NULL;
    urs_deploy *d = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_network_new(&n, &options, 1, &err), err);
    URS_CHECK_INT(t, urs_deploy_new(&d, n->graph, &n->input, &err), URS_EUNSUPPORTED);
    URS_CHECK(t, strstr(err.message, "layer_norm"));
    URS_CHECK(t, !d);
    urs_network_free(n);
}

/* ---- the int8 graph against the simulation --------------------------------------------------------------------------------------------------- */

/* A whole network: the same bytes through the simulation in float and through the int8 graph. Every layer by itself is within one step (the case before); in a chain of fifty such layers with
 * drawn weights, which damp nothing, differences add up. They stay at a few steps, of 255. */
static void check_steps(urs_test *t, const urs_model_options *options)
{
    subject s = {0};
    urs_plan *plan = NULL;
    urs_int8_graph *g = NULL;
    urs_int8_values values = {0};
    urs_error err = {0};
    const urs_value *outputs;
    int8_t *input;
    float *block;
    const void *in;
    long most = 0, sum = 0, all = 0;
    if (!open_subject(t, &s, options))
        return;
    URS_REQUIRE_OK(t, urs_calibrate(s.d, s.network->params, &s.pictures, NULL, s.pool, &err), err);
    URS_REQUIRE_OK(t, urs_deploy_emit(&g, s.d, s.network->params, &err), err);
    block = urs_aligned_new(urs_graph_block_elements(s.d->graph) * sizeof *block);
    urs_deploy_expand(s.d, block, s.network->params, NULL);
    URS_REQUIRE_OK(t, urs_plan_new(&plan, s.d->graph, block, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
    input = malloc(s.pictures.size);
    for (size_t c = 0, n = s.pictures.size / 3; c < 3; c++)
        for (size_t i = 0; i < n; i++)
            input[3 * i + c] = (int8_t)(s.pictures.bytes[c * n + i] - 128);
    in = input;
    URS_REQUIRE_OK(t, urs_int8_reference_run(&values, g, URS_INT8_NPU, &in, &err), err);
    urs_deploy_input_from_bytes(s.d, urs_plan_input(plan, 0), s.pictures.bytes);
    URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
    for (int32_t k = 0, n = urs_graph_outputs(s.d->graph, &outputs); k < n; k++) {
        const urs_int8_tensor *tensor = &g->tensors[g->outputs[k]];
        const size_t elements = output_elements(s.d->graph, k);
        const float *simulated = urs_plan_output(plan, k);
        float *whole = malloc(elements * sizeof *whole);
        urs_int8_read_output(whole, values.data[g->outputs[k]], tensor);
        for (size_t i = 0; i < elements; i++) {
            const long steps = lround(fabs((double)whole[i] - (double)simulated[i]) / (double)tensor->quant.scale);
            sum += steps;
            most = steps > most ? steps : most;
            all++;
        }
        free(whole);
    }
    printf("  %s: %ld output values, off by %.2f steps on average, %ld at most\n", options->arch, all, (double)sum / (double)all, most);
    if (sum > 3 * all || most > 8)
        urs_test_fail(t, __FILE__, __LINE__, "%s: outputs are off by %.2f steps on average, %ld at most", options->arch, (double)sum / (double)all, most);
    urs_int8_values_release(&values);
    urs_int8_graph_free(g);
    urs_plan_free(plan);
    urs_aligned_free(block);
    free(input);
    close_subject(&s);
}

static void int8_is_the_simulation(urs_test *t)
{
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        check_steps(t, &subjects[i]);
}

/* One layer of each kind, its inputs exact on the grid: the int8 result within one step of the simulated one, everywhere. */
static urs_graph *one_layer(int kind)
{
    urs_graph *g = NULL;
    urs_error err;
    urs_value x;
    if (urs_graph_new(&g, &err) != URS_OK)
        return NULL;
    x = urs_graph_input(g, (urs_dims){3, 9, 9});
    switch (kind) {
    case 0: x = urs_graph_conv(g, x, "conv", &(urs_conv_options){.out = 8, .kernel = 3, .stride = 2, .pad = 1, .bias = true}); break;
    case 1: x = urs_graph_activation(g, urs_graph_conv(g, x, "conv", &(urs_conv_options){.out = 8, .kernel = 3, .pad = 1, .bias = true}), URS_ACT_RELU6); break;
    case 2: x = urs_graph_conv(g, x, "conv", &(urs_conv_options){.out = 3, .kernel = 5, .pad = 2, .groups = 3, .bias = true}); break;
    case 3: x = urs_graph_add(g, x, x); break;
    case 4: x = urs_graph_mul(g, x, x); break;
    case 5: x = urs_graph_global_pool(g, x); break;
    case 6: x = urs_graph_activation(g, x, URS_ACT_HARD_SWISH); break;
    case 7: x = urs_graph_activation(g, x, URS_ACT_SIGMOID); break;
    case 8: x = urs_graph_conv_transpose(g, x, "conv", &(urs_conv_options){.out = 4, .kernel = 2, .stride = 2, .bias = true}); break;
    default: x = urs_graph_resize(g, urs_graph_max_pool(g, x, 5, 1, 2), URS_RESIZE_NEAREST, 18, 18); break;
    }
    urs_graph_output(g, x, "y");
    if (urs_graph_finish(g, &err) != URS_OK) {
        urs_graph_free(g);
        return NULL;
    }
    return g;
}

static void one_layer_is_exact(urs_test *t)
{
    for (int kind = 0; kind < 10; kind++) {
        const urs_input_format format = {.width = 9, .height = 9, .mean = {0.4f, 0.4f, 0.4f}, .std = {0.3f, 0.3f, 0.3f}};
        urs_quant_pictures p = {.count = 4, .size = 243, .bytes = malloc(4 * 243)};
        urs_graph *g = one_layer(kind);
        urs_deploy *d = NULL;
        urs_pool *pool = NULL;
        urs_int8_graph *whole = NULL;
        urs_int8_values values = {0};
        urs_plan *plan = NULL;
        urs_error err = {0};
        int8_t input[243];
        const void *in = input;
        URS_REQUIRE(t, g && p.bytes);
        float *params = urs_aligned_new((urs_graph_block_elements(g) + 16) * sizeof *params), *read, *block;
        urs_graph_init_params(g, params, (uint64_t)kind + 1);
        for (int i = 0; i < 4 * 243; i++)
            p.bytes[i] = (uint8_t)((i * 97 + i / 7 * 31) % 256);
        URS_REQUIRE_OK(t, urs_pool_new(&pool, 1, &err), err);
        URS_REQUIRE_OK(t, urs_deploy_new(&d, g, &format, &err), err);
        URS_REQUIRE_OK(t, urs_calibrate(d, params, &p, &(urs_calibrate_options){.observer = URS_OBSERVER_MIN_MAX}, pool, &err), err);
        URS_REQUIRE_OK(t, urs_deploy_emit(&whole, d, params, &err), err);
        block = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *block);
        urs_deploy_expand(d, block, params, NULL);
        URS_REQUIRE_OK(t, urs_plan_new(&plan, d->graph, block, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 81; i++)
                input[3 * i + c] = (int8_t)(p.bytes[c * 81 + i] - 128);
        URS_REQUIRE_OK(t, urs_int8_reference_run(&values, whole, URS_INT8_NPU, &in, &err), err);
        urs_deploy_input_from_bytes(d, urs_plan_input(plan, 0), p.bytes);
        URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
        const size_t n = output_elements(d->graph, 0);
        read = malloc(n * sizeof *read);
        urs_int8_read_output(read, values.data[whole->outputs[0]], &whole->tensors[whole->outputs[0]]);
        for (size_t i = 0; i < n; i++)
            if (!(fabs((double)read[i] - (double)((const float *)urs_plan_output(plan, 0))[i]) < 1.01 * (double)whole->tensors[whole->outputs[0]].quant.scale))
                urs_test_fail(t, __FILE__, __LINE__, "layer kind %d: value %zu is %g in int8, %g simulated", kind, i, (double)read[i], (double)((const float *)urs_plan_output(plan, 0))[i]);
        free(read);
        urs_int8_values_release(&values);
        urs_int8_graph_free(whole);
        urs_plan_free(plan);
        urs_aligned_free(block);
        urs_aligned_free(params);
        urs_deploy_free(d);
        urs_graph_free(g);
        urs_pool_free(pool);
        urs_quant_pictures_release(&p);
    }
}

/* ---- observers ---------------------------------------------------------------------------------------------------------------------------------- */

static void observers(urs_test *t)
{
    uint64_t bins[1000] = {0};
    urs_quant_range all, cut, mse;
    for (int i = 100; i < 200; i++)
        bins[i] = 1000; /* 0 .. 1 of a range -1 .. 9 */
    bins[999] = 1;      /* one number near 9 */
    all = urs_observe(bins, 1000, -1, 9, &(urs_calibrate_options){.observer = URS_OBSERVER_MIN_MAX});
    cut = urs_observe(bins, 1000, -1, 9, &(urs_calibrate_options){.observer = URS_OBSERVER_PERCENTILE, .percentile = 99.9});
    mse = urs_observe(bins, 1000, -1, 9, &(urs_calibrate_options){.observer = URS_OBSERVER_MSE});
    URS_CHECK_NEAR(t, all.step, 10.0 / 255, 1e-6);
    URS_CHECK_INT(t, all.zero_point, -128 + 26); /* 25.5 rounds to even */
    URS_CHECK_NEAR(t, cut.step, 1.0 / 255, 1e-4);
    URS_CHECK_INT(t, cut.zero_point, -128);
    URS_CHECK(t, mse.step < all.step && mse.step > cut.step); /* neither wastes steps on one number nor ignores it */
    const urs_quant_range nothing = urs_quant_range_of(0, 0), positive = urs_quant_range_of(2, 3);
    URS_CHECK(t, nothing.step > 0);
    URS_CHECK_INT(t, positive.zero_point, -128); /* the range always holds 0 */
    URS_CHECK_NEAR(t, positive.step, 3.0 / 255, 1e-7);
}

/* ---- remedies -------------------------------------------------------------------------------------------------------------------------------------- */

static void equalising(urs_test *t)
{
    const urs_input_format format = {.width = 8, .height = 8, .mean = {0.4f, 0.4f, 0.4f}, .std = {1, 1, 1}};
    urs_graph *g = NULL;
    urs_deploy *d = NULL;
    urs_error err = {0};
    urs_plan *plan = NULL;
    uint8_t bytes[192];
    float before[4], *params, *block;
    int32_t pairs = 0;
    URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
    urs_value x = urs_graph_input(g, (urs_dims){3, 8, 8});
    x = urs_graph_activation(g, urs_graph_conv(g, x, "a", &(urs_conv_options){.out = 6, .kernel = 3, .pad = 1, .bias = true}), URS_ACT_RELU);
    x = urs_graph_activation(g, urs_graph_conv(g, x, "b", &(urs_conv_options){.out = 6, .kernel = 3, .pad = 1, .groups = 6, .bias = true}), URS_ACT_RELU);
    x = urs_graph_activation(g, urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 5, .kernel = 1, .bias = true}), URS_ACT_RELU6);
    x = urs_graph_conv(g, x, "d", &(urs_conv_options){.out = 4, .kernel = 1, .bias = true});
    urs_graph_output(g, urs_graph_global_pool(g, x), "y");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    params = urs_aligned_new(urs_graph_block_elements(g) * sizeof *params);
    urs_graph_init_params(g, params, 2);
    const urs_param *list;
    (void)urs_graph_params(g, &list);
    for (size_t k = 0; k < 27; k++)
        params[list[0].offset + k] *= 100; /* channel 0 of a */
    for (int i = 0; i < 192; i++)
        bytes[i] = (uint8_t)(i * 53);
    URS_REQUIRE_OK(t, urs_deploy_new(&d, g, &format, &err), err);
    block = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *block);
    for (int round = 0; round < 2; round++) {
        const urs_deploy_conv *a = &d->convs[0];
        double widest = 0, narrowest = INFINITY;
        urs_deploy_expand(d, block, params, &(urs_deploy_expand_options){.float_weights = true, .float_values = true});
        URS_REQUIRE_OK(t, urs_plan_new(&plan, d->graph, block, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
        urs_deploy_input_from_bytes(d, urs_plan_input(plan, 0), bytes);
        URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
        for (int32_t o = 0; o < a->out; o++) {
            double largest = 0;
            for (int32_t k = 0; k < 27; k++)
                largest = fmax(largest, fabs((double)block[urs_deploy_row_at(a, o, k)]));
            widest = fmax(widest, largest);
            narrowest = fmin(narrowest, largest);
        }
        if (round == 0) {
            memcpy(before, urs_plan_output(plan, 0), sizeof before);
            URS_CHECK(t, widest > 50 * narrowest);
            URS_REQUIRE_OK(t, urs_equalise(d, params, &pairs, &err), err);
        } else {
            URS_CHECK(t, widest < 15 * narrowest);
            URS_CHECK(t, difference(urs_plan_output(plan, 0), before, 4) < 1e-4); /* the function is the same */
        }
        urs_plan_free(plan);
        plan = NULL;
    }
    URS_CHECK_INT(t, pairs, 2); /* a-b, b-c; not through the ReLU6 to d */
    urs_aligned_free(block);
    urs_aligned_free(params);
    urs_deploy_free(d);
    urs_graph_free(g);
}

static void rounding_and_biases(urs_test *t)
{
    subject s = {0};
    urs_error err = {0};
    urs_round_report report = {0};
    urs_sensitivity plain = {0};
    urs_text text = {0}, plot = {0};
    double shifted = 0;
    if (!open_subject(t, &s, &subjects[0]))
        return;
    URS_REQUIRE_OK(t, urs_calibrate(s.d, s.network->params, &s.pictures, NULL, s.pool, &err), err);
    URS_REQUIRE_OK(t, urs_sensitivity_measure(&plain, s.d, s.network->params, &s.pictures, s.pool, &err), err);
    URS_REQUIRE_OK(t, urs_round_weights(s.d, s.network->params, &s.pictures, &report, s.pool, &err), err);
    URS_CHECK(t, report.after < 0.9 * report.before);
    URS_CHECK(t, report.flipped > 0 && report.flipped < report.weights);
    URS_REQUIRE_OK(t, urs_correct_bias(s.d, s.network->params, &s.pictures, s.pool, &err), err);
    for (size_t i = 0; i < s.d->step_count; i++)
        shifted += fabs((double)s.d->bias_shift[i]);
    URS_CHECK(t, shifted > 0);
    URS_CHECK_INT(t, plain.n_layers, s.d->n_convs);
    URS_CHECK(t, plain.whole_sqnr > 0 && plain.whole_sqnr < 60);
    for (int32_t i = 0; i < plain.n_layers; i++)
        URS_CHECK(t, plain.layers[i].alone_sqnr > plain.whole_sqnr - 6);
    urs_sensitivity_text(&plain, &text);
    urs_sensitivity_plot(&plain, &plot);
    URS_CHECK(t, strstr(urs_text_string(&text), "features.0.0") && strstr(urs_text_string(&plot), "<svg"));
    urs_text_release(&text);
    urs_text_release(&plot);
    urs_sensitivity_release(&plain);
    close_subject(&s);
}

/* ---- gradients --------------------------------------------------------------------------------------------------------------------------------------- */

/* contract is the transpose of fold's derivative: by central differences for weights, biases and the shifts of norms. */
static void gradients(urs_test *t)
{
    subject s = {0};
    const urs_param *params;
    if (!open_subject(t, &s, &subjects[2]))
        return;
    const size_t elements = urs_graph_block_elements(s.d->graph), own = urs_graph_block_elements(s.network->graph);
    float *d_block = urs_aligned_new(elements * sizeof *d_block), *up = urs_aligned_new(elements * sizeof *up), *down = urs_aligned_new(elements * sizeof *down);
    float *gradient = urs_aligned_new(own * sizeof *gradient);
    memset(gradient, 0, own * sizeof *gradient);
    for (size_t i = 0; i < elements; i++)
        d_block[i] = (float)((double)(i * 7919 % 1000) / 500 - 1);
    urs_deploy_contract(s.d, gradient, d_block, s.network->params);
    for (int32_t i = 0, n = urs_graph_params(s.network->graph, &params); i < n; i++) {
        const size_t at = params[i].offset + params[i].count / 2;
        const float centre = s.network->params[at], h = 0.05f;
        double slope = 0;
        if (params[i].role == URS_ROLE_MEAN || params[i].role == URS_ROLE_VARIANCE || params[i].role == URS_ROLE_GAMMA)
            continue; /* frozen */
        if (params[i].role == URS_ROLE_BETA && strncmp(params[i].name, "embedder", 8) == 0)
            continue; /* of a norm in front of its layer: a constant */
        memset(up, 0, elements * sizeof *up);
        memset(down, 0, elements * sizeof *down);
        s.network->params[at] = centre + h;
        urs_deploy_fold(s.d, up, s.network->params);
        s.network->params[at] = centre - h;
        urs_deploy_fold(s.d, down, s.network->params);
        s.network->params[at] = centre;
        for (size_t k = 0; k < elements; k++)
            slope += (double)d_block[k] * ((double)up[k] - (double)down[k]) / (2 * (double)h);
        if (!(fabs(slope - (double)gradient[at]) <= 2e-3 * fmax(1, fabs(slope))))
            urs_test_fail(t, __FILE__, __LINE__, "gradient of %s is %g, by differences %g", params[i].name, (double)gradient[at], slope);
    }
    urs_aligned_free(d_block);
    urs_aligned_free(up);
    urs_aligned_free(down);
    urs_aligned_free(gradient);
    close_subject(&s);
}

/* Straight through the rounding, and the derivative by the step: checked against the definition. */
static void straight_through(urs_test *t)
{
    const urs_backend *backends[] = {urs_backend_ref(), urs_backend_onednn()};
    for (size_t b = 0; b < 2 && backends[b]; b++) {
        const float x[8] = {0.26f, -0.26f, 5, -5, 0.1f, 1.24f, 0, 12.6f}, step = 0.1f;
        urs_graph *g = NULL;
        urs_plan *plan = NULL;
        urs_error err = {0};
        float params[64] = {0};
        double d_step = 0;
        URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
        urs_graph_output(g, urs_graph_fake_quant(g, urs_graph_input(g, (urs_dims){8, 1, 1}), "q", true), "y");
        URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
        const urs_param *list;
        (void)urs_graph_params(g, &list);
        params[list[0].offset] = step;
        params[list[1].offset] = -100; /* -2.8 .. 22.7 */
        URS_REQUIRE_OK(t, urs_plan_new(&plan, g, params, &(urs_plan_options){.backend = backends[b], .training = true, .input_gradient = true}, &err), err);
        memcpy(urs_plan_input(plan, 0), x, sizeof x);
        URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
        for (int i = 0; i < 8; i++)
            ((float *)urs_plan_output_gradient(plan, 0))[i] = (float)(i + 1);
        URS_REQUIRE_OK(t, urs_plan_backward(plan, &err), err);
        const float *y = urs_plan_output(plan, 0), *d_x = urs_plan_input_gradient(plan), *d_params = urs_plan_gradients(plan);
        URS_CHECK_NEAR(t, y[0], 0.3, 1e-6);
        URS_CHECK_NEAR(t, y[3], -2.8, 1e-6);
        for (int i = 0; i < 8; i++) {
            const double v = (double)x[i] / (double)step, q = rint(v), clamped = fmax(-28, fmin(227, q));
            URS_CHECK_NEAR(t, d_x[i], clamped == q ? i + 1 : 0, 1e-6);
            d_step += (i + 1) * (clamped == q ? q - v : clamped);
        }
        URS_CHECK_NEAR(t, d_params[list[0].offset], d_step, 1e-3);
        URS_CHECK_NEAR(t, d_params[list[1].offset + 1], -5, 0);
        URS_CHECK_NEAR(t, d_params[list[1].offset + 2], 12.6, 1e-6);
        urs_plan_free(plan);
        urs_graph_free(g);
    }
}

/* ---- training ------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct task {
    const subject *s;
    float wanted[3]; /* inside of what the outputs' range can say: further out, a saturated value has no gradient */
} task;

static urs_status fill(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err)
{
    const task *k = context;
    (void)shard;
    (void)err;
    for (int32_t i = 0; i < count; i++)
        urs_deploy_input_from_bytes(k->s->d, (float *)urs_plan_input(plan, 0) + (size_t)i * k->s->pictures.size, k->s->pictures.bytes + (size_t)(first + i) * k->s->pictures.size);
    return URS_OK;
}

static urs_status loss(void *context, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra, double *value, urs_error *err)
{
    const task *k = context;
    const float *y = urs_plan_output(plan, 0);
    float *d = urs_plan_output_gradient(plan, 0);
    (void)shard;
    (void)first;
    (void)extra;
    (void)d_extra;
    (void)err;
    *value = 0;
    for (int32_t i = 0; i < 3 * count; i++) {
        const float e = y[i] - k->wanted[i % 3];
        *value += (double)(e * e) / 4;
        d[i] = e / 2;
    }
    return URS_OK;
}

static void train(urs_test *t, bool ema)
{
    subject s = {0};
    task k = {.s = &s};
    const urs_trainer_calls calls = {.context = &k, .fill = fill, .loss = loss};
    urs_trainer_options options = {.threads = 2, .batch = 4, .optimiser = {.kind = URS_OPTIMISER_ADAMW}, .ema = true, .ema_decay = 0.5, .ema_ramp = 1};
    const urs_rates rates = {.lr = {1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5}};
    urs_qat *q = NULL;
    urs_trainer *trainer = NULL;
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    double first = 0, last = 0;
    float steps[2] = {0};
    if (!open_subject(t, &s, &subjects[0]))
        return;
    URS_REQUIRE_OK(t, urs_calibrate(s.d, s.network->params, &s.pictures, NULL, s.pool, &err), err);
    URS_REQUIRE_OK(t, urs_qat_new(&q, s.d, s.network->params, &(urs_qat_options){.ema = ema, .freeze = 8, .group = 7}, &err), err);
    options.reparam = urs_qat_reparam(q);
    URS_REQUIRE_OK(t, urs_trainer_new(&trainer, s.network->graph, &options, &err), err);
    memcpy(urs_trainer_params(trainer), s.network->params, urs_graph_block_elements(s.network->graph) * sizeof(float));
    urs_qat_start(q, urs_trainer_params(trainer) + urs_trainer_own_offset(trainer));
    urs_trainer_refresh(trainer);
    steps[0] = s.d->groups[s.d->n_groups - 1].range.step;
    for (int c = 0; c < 3; c++) {
        const urs_quant_range r = s.d->groups[s.d->n_groups - 1].range;
        k.wanted[c] = r.step * (float)((c == 1 ? URS_QUANT_LOW : URS_QUANT_HIGH) - r.zero_point) * 0.8f;
    }
    for (int i = 0; i < 12; i++) {
        urs_trainer_report report;
        URS_REQUIRE_OK(t, urs_trainer_step(trainer, &calls, &rates, 0, &report, &err), err);
        if (i == 0)
            first = report.loss;
        last = report.loss;
        if (i == 8)
            steps[1] = s.d->groups[s.d->n_groups - 1].range.step;
    }
    URS_CHECK(t, isfinite(last) && last < 0.1 * first);
    URS_CHECK(t, steps[1] != steps[0]);
    if (ema)
        URS_CHECK(t, s.d->groups[s.d->n_groups - 1].range.step == steps[1]); /* frozen */
    urs_qat_apply(q, urs_trainer_best(trainer) + urs_trainer_own_offset(trainer));
    URS_REQUIRE_OK(t, urs_deploy_emit(&g, s.d, urs_trainer_best(trainer), &err), err);
    urs_int8_graph_free(g);
    urs_trainer_free(trainer);
    urs_qat_free(q);
    close_subject(&s);
}

static void training_learned_steps(urs_test *t)
{
    train(t, false);
}

static void training_moving_average(urs_test *t)
{
    train(t, true);
}

/* ---- files -------------------------------------------------------------------------------------------------------------------------------------------------- */

static void files(urs_test *t)
{
    subject s = {0};
    urs_network *int8 = NULL, *again = NULL, *wrong = NULL;
    urs_sifter *a = NULL, *b = NULL;
    urs_image picture = {0};
    const urs_image *list[1] = {&picture};
    urs_sift_result first = {0}, second = {0};
    urs_quantize_report report = {0};
    urs_error err = {0};
    char path[256], *folder = urs_test_folder("quant");
    if (!open_subject(t, &s, &subjects[0]))
        return;
    (void)snprintf(path, sizeof path, "%s/sift8.tflite", folder);
    URS_REQUIRE_OK(t, urs_network_set_note(s.network, "ursid.stage", "sift", &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(s.network, "ursid.classes", "[\"empty\",\"animal\",\"bear\"]", &err), err);
    URS_REQUIRE_OK(t, urs_quantize_deploy(s.d, s.network->params, &s.pictures, &(urs_quantize_options){.equalise = true, .adaround = true, .bias_correction = true}, &report, s.pool, &err), err);
    URS_CHECK(t, report.equalised > 0 && report.flipped > 0);
    URS_REQUIRE_OK(t, urs_network_from_deploy(&int8, s.network, s.d, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_quantize_note(int8, s.network, &(urs_quantize_options){.equalise = true}, &report, 2, "a command", &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(int8, "ursid.thresholds", "{\"bear\":0.4,\"animal\":0.6}", &err), err);
    URS_REQUIRE_OK(t, urs_network_write(int8, path, true, &err), err);
    URS_REQUIRE_OK(t, urs_network_read(&again, path, "sift", &err), err);
    URS_CHECK(t, again->int8 && again->maker && !again->params);
    URS_CHECK_TEXT(t, again->fingerprint, int8->fingerprint);
    URS_CHECK_TEXT(t, again->options.arch, "mobilenet_v3_small_075");
    URS_CHECK_NEAR(t, again->input.std[1], 0.25, 1e-6);
    URS_CHECK(t, strstr(urs_network_note(again, "ursid.quantisation"), "\"qat_epochs\":2"));
    URS_CHECK_TEXT(t, urs_network_note(again, "ursid.outputs"), "[\"logits\"]");
    URS_CHECK_INT(t, urs_network_read(&wrong, path, "find", &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 80, 60, 3, &err), err);
    for (int32_t i = 0; i < 80 * 60 * 3; i++)
        picture.data[i] = (uint8_t)(i * 7 % 256);
    URS_REQUIRE_OK(t, urs_sifter_new(&a, int8, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_new(&b, again, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_pictures(a, &first, list, 1, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_pictures(b, &second, list, 1, &err), err);
    URS_CHECK(t, memcmp(&first, &second, sizeof first) == 0);
    URS_CHECK_NEAR(t, urs_sifter_thresholds(b)->bear, 0.4, 1e-9);
    URS_CHECK_NEAR(t, first.probability[0] + first.probability[1] + first.probability[2], 1, 1e-5);
    urs_sifter_free(a);
    urs_sifter_free(b);
    urs_network_free(int8);
    urs_network_free(again);
    urs_image_release(&picture);
    (void)unlink(path);
    (void)rmdir(folder);
    urs_free(folder);
    close_subject(&s);
}

int main(void)
{
    static const urs_case cases[] = {
        {"the deployed network is the network", deployed_is_the_network},
        {"what int8 hardware has no place for", refuses},
        {"one layer, within one step", one_layer_is_exact},
        {"the int8 graph is the simulation", int8_is_the_simulation},
        {"observers", observers},
        {"equalising keeps the function", equalising},
        {"rounding, biases, sensitivity", rounding_and_biases},
        {"gradients through the folding", gradients},
        {"straight-through gradient and learned step", straight_through},
        {"training with learned steps", training_learned_steps},
        {"training with moving averages that freeze", training_moving_average},
        {"int8 weight files", files},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
