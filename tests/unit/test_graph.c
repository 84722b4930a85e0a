/* The graph's builders: sticky errors with one sentence, parameters' names and places, starting values. */
#include "harness.h"

#include "base/memory.h"
#include "nn/graph.h"

#include <stdlib.h>

static urs_graph *new_graph(void)
{
    urs_graph *g = NULL;
    urs_error err;
    return urs_graph_new(&g, &err) == URS_OK ? g : NULL;
}

/* A builder's mistake: `break_it` adds something wrong to a graph with input x. */
typedef struct mistake {
    const char *what;
    urs_value (*break_it)(urs_graph *g, urs_value x);
    urs_status code;
    const char *sentence; /* part of it */
} mistake;

static urs_value conv(urs_graph *g, urs_value x, urs_conv_options o)
{
    return urs_graph_conv(g, x, "c", &o);
}

static urs_value no_kernel(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4}); }
static urs_value no_output(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.kernel = 3}); }
static urs_value bad_groups(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 3, .groups = 5}); }
static urs_value negative_groups(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 3, .groups = -1}); }
static urs_value huge_kernel(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = INT32_MAX}); }
static urs_value huge_pads(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 3, .pad = INT32_MAX, .pad_top = INT32_MAX}); }
static urs_value negative_pad(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 3, .pad_left = -1}); }
static urs_value negative_stride(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 3, .stride = -2}); }
static urs_value kernel_over_map(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = 4, .kernel = 9}); }
static urs_value too_many_weights(urs_graph *g, urs_value x) { return conv(g, x, (urs_conv_options){.out = INT32_MAX, .kernel = 1024}); }
static urs_value linear_to_nothing(urs_graph *g, urs_value x) { return urs_graph_linear(g, x, "l", &(urs_linear_options){.out = 0}); }
static urs_value linear_to_less(urs_graph *g, urs_value x) { return urs_graph_linear(g, x, "l", &(urs_linear_options){.out = -3}); }
static urs_value other_value(urs_graph *g, urs_value x) { return urs_graph_softmax(g, x + 100); }
static urs_value no_value(urs_graph *g, urs_value x) { return urs_graph_add(g, x, URS_NO_VALUE); }
static urs_value concat_of_none(urs_graph *g, urs_value x) { return urs_graph_concat(g, &x, 0); }
static urs_value concat_of_many(urs_graph *g, urs_value x)
{
    const urs_value many[9] = {x, x, x, x, x, x, x, x, x};
    return urs_graph_concat(g, many, 9);
}
static urs_value slice_outside(urs_graph *g, urs_value x) { return urs_graph_slice(g, x, 4, 3); }
static urs_value norm_without_eps(urs_graph *g, urs_value x) { return urs_graph_batch_norm(g, x, "n", 0, 0.1f); }
static urs_value unknown_activation(urs_graph *g, urs_value x) { return urs_graph_activation(g, x, (urs_activation)77); }
static urs_value same_name(urs_graph *g, urs_value x) { return urs_graph_scale(g, urs_graph_scale(g, x, "s", 1), "s", 1); }
static urs_value same_name_by_suffix(urs_graph *g, urs_value x)
{
    return urs_graph_linear(g, urs_graph_scale(g, x, "l.weight", 1), "l", &(urs_linear_options){.out = 4});
}
static urs_value same_output(urs_graph *g, urs_value x)
{
    urs_graph_output(g, x, "out");
    urs_graph_output(g, x, "out");
    return URS_NO_VALUE;
}
static urs_value huge_input(urs_graph *g, urs_value x)
{
    (void)x;
    return urs_graph_input(g, (urs_dims){3, 65537, 4});
}
static urs_value empty_input(urs_graph *g, urs_value x)
{
    (void)x;
    return urs_graph_input(g, (urs_dims){3, 0, 4});
}
static urs_value five_inputs(urs_graph *g, urs_value x)
{
    for (int i = 0; i < 4; i++)
        x = urs_graph_input(g, (urs_dims){1, 1, 1});
    return x;
}

static const mistake mistakes[] = {
    {"no kernel", no_kernel, URS_EINVAL, "convolution 'c' cannot have kernel 0"},
    {"no output channels", no_output, URS_EINVAL, "convolution 'c' cannot go from 6 to 0 channels"},
    {"groups", bad_groups, URS_EINVAL, "from 6 to 4 channels in 5 groups"},
    {"negative groups", negative_groups, URS_EINVAL, "in -1 groups"},
    {"kernel of 2^31", huge_kernel, URS_EINVAL, "kernel 2147483647"},
    {"pads of 2^31", huge_pads, URS_EINVAL, "padding"},
    {"negative pad", negative_pad, URS_EINVAL, "padding below 0"},
    {"negative stride", negative_stride, URS_EINVAL, "stride -2"},
    {"kernel over the map", kernel_over_map, URS_EINVAL, "larger than the padded input"},
    {"too many weights", too_many_weights, URS_EINVAL, ""},
    {"linear to nothing", linear_to_nothing, URS_EINVAL, "parameter 'l.weight' would have a bad shape"},
    {"linear to less", linear_to_less, URS_EINVAL, "bad shape"},
    {"value of another graph", other_value, URS_EINVAL, "given value 100 of a graph with 1"},
    {"no value", no_value, URS_EINVAL, "given value -1"},
    {"concat of none", concat_of_none, URS_EINVAL, "concat takes 1 to 8 inputs, not 0"},
    {"concat of many", concat_of_many, URS_EINVAL, "not 9"},
    {"slice outside", slice_outside, URS_EINVAL, "channels 4 to 6 of 6"},
    {"norm without eps", norm_without_eps, URS_EINVAL, "eps"},
    {"unknown activation", unknown_activation, URS_EINVAL, "no kind 77"},
    {"same name", same_name, URS_EINVAL, "two parameters are named 's'"},
    {"same name by suffix", same_name_by_suffix, URS_EINVAL, "two parameters are named 'l.weight'"},
    {"same output", same_output, URS_EINVAL, "two outputs are named 'out'"},
    {"huge input", huge_input, URS_ELIMIT, "at most 65536"},
    {"empty input", empty_input, URS_EINVAL, "at least 1"},
    {"five inputs", five_inputs, URS_ELIMIT, "a graph may have 4 inputs"},
};

static void errors_stick(urs_test *t)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const mistake *m = &mistakes[i];
        urs_graph *g = new_graph();
        urs_error err = {0}, again = {0};
        const urs_node *nodes;
        const urs_param *params;
        int32_t n_nodes, n_params;
        urs_value x;
        URS_REQUIRE(t, g);
        x = urs_graph_input(g, (urs_dims){6, 7, 8});
        if (m->break_it(g, x) != URS_NO_VALUE)
            urs_test_fail(t, __FILE__, __LINE__, "%s: gave a value", m->what);
        /* Nothing works any more, and nothing changes the first sentence. */
        n_nodes = urs_graph_nodes(g, &nodes);
        n_params = urs_graph_params(g, &params);
        URS_CHECK_INT(t, urs_graph_activation(g, x, URS_ACT_RELU), URS_NO_VALUE);
        URS_CHECK_INT(t, urs_graph_conv(g, x, "later", &(urs_conv_options){.out = 4, .kernel = 1}), URS_NO_VALUE);
        URS_CHECK_INT(t, urs_graph_batch_norm(g, x, "later", 1e-3f, 0.1f), URS_NO_VALUE);
        URS_CHECK_INT(t, urs_graph_concat(g, &x, 99), URS_NO_VALUE);
        URS_CHECK_INT(t, urs_graph_input(g, (urs_dims){1, 1, 1}), URS_NO_VALUE);
        urs_graph_output(g, x, "y");
        URS_CHECK_INT(t, urs_graph_nodes(g, &nodes), n_nodes);
        URS_CHECK_INT(t, urs_graph_params(g, &params), n_params);
        URS_CHECK_INT(t, urs_graph_finish(g, &err), m->code);
        URS_CHECK_INT(t, urs_graph_finish(g, &again), m->code);
        URS_CHECK_TEXT(t, err.message, again.message);
        if (!strstr(err.message, m->sentence) || strchr(err.message, '\n') || strlen(err.message) < 10)
            urs_test_fail(t, __FILE__, __LINE__, "%s: said \"%s\"", m->what, err.message);
        URS_CHECK_INT(t, urs_graph_finish(g, NULL), m->code);
        urs_graph_free(g);
    }
    urs_graph_free(NULL);
}

static void finish_needs_both_ends(urs_test *t)
{
    urs_graph *g = new_graph();
    urs_error err;
    URS_REQUIRE(t, g);
    URS_CHECK_INT(t, urs_graph_finish(g, &err), URS_EINVAL);
    URS_CHECK_TEXT(t, err.message, "the graph has no input");
    urs_graph_free(g);
    g = new_graph();
    (void)urs_graph_input(g, (urs_dims){1, 2, 3});
    URS_CHECK_INT(t, urs_graph_finish(g, &err), URS_EINVAL);
    URS_CHECK_TEXT(t, err.message, "the graph has no output");
    urs_graph_free(g);
}

static void finished_is_immutable(urs_test *t)
{
    urs_graph *g = new_graph();
    const urs_node *nodes;
    const urs_param *params;
    const urs_value *values;
    urs_error err;
    urs_value x;
    URS_REQUIRE(t, g);
    x = urs_graph_input(g, (urs_dims){3, 8, 8});
    urs_graph_output(g, x, "out");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    URS_CHECK_INT(t, urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 4, .kernel = 3}), URS_NO_VALUE);
    urs_graph_output(g, x, "more");
    URS_CHECK_INT(t, urs_graph_activation(g, x, URS_ACT_RELU), URS_NO_VALUE);
    URS_CHECK_INT(t, urs_graph_nodes(g, &nodes), 1);
    URS_CHECK_INT(t, urs_graph_params(g, &params), 0);
    URS_CHECK_INT(t, urs_graph_outputs(g, &values), 1);
    URS_CHECK_INT(t, (int)urs_graph_block_elements(g), 0);
    urs_graph_free(g);
}

static urs_graph *sample(urs_test *t)
{
    const urs_init normal = {URS_INIT_NORMAL, 0.02f}, trunc = {URS_INIT_TRUNC_NORMAL, 1.5f}, fan_out = {URS_INIT_KAIMING_FAN_OUT, 0}, uniform = {URS_INIT_UNIFORM, 0.3f},
                   constant = {URS_INIT_CONSTANT, -4.5f};
    urs_graph *g = new_graph();
    urs_error err;
    urs_value x = urs_graph_input(g, (urs_dims){8, 9, 9});
    x = urs_graph_conv(g, x, "a.conv", &(urs_conv_options){.out = 40, .kernel = 5, .pad = 2, .groups = 2, .bias = true});
    x = urs_graph_batch_norm(g, x, "a.norm", 1e-3f, 0.1f);
    x = urs_graph_conv(g, x, "b", &(urs_conv_options){.out = 50, .kernel = 3, .stride = 2, .weight_init = fan_out, .bias = true, .bias_init = constant});
    x = urs_graph_conv_transpose(g, x, "up", &(urs_conv_options){.out = 30, .kernel = 2, .stride = 2, .groups = 5, .weight_init = normal});
    x = urs_graph_layer_norm(g, x, "ln", 1e-6f);
    x = urs_graph_scale(g, x, "gamma", 1e-6f);
    x = urs_graph_global_pool(g, x);
    x = urs_graph_linear(g, x, "head", &(urs_linear_options){.out = 700, .weight_init = trunc, .bias_init = uniform});
    x = urs_graph_linear(g, x, "last", &(urs_linear_options){.out = 3, .no_bias = true});
    urs_graph_output(g, x, "logits");
    if (urs_graph_finish(g, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        urs_graph_free(g);
        return NULL;
    }
    return g;
}

typedef struct expected {
    const char *name;
    urs_param_role role;
    int32_t rank;
    int64_t shape[4];
    int64_t fan_in;
} expected;

static const expected names[] = {
    {"a.conv.weight", URS_ROLE_WEIGHT, 4, {40, 4, 5, 5}, 100}, {"a.conv.bias", URS_ROLE_BIAS, 1, {40}, 100},
    {"a.norm.weight", URS_ROLE_GAMMA, 1, {40}, 40},            {"a.norm.bias", URS_ROLE_BETA, 1, {40}, 40},
    {"a.norm.running_mean", URS_ROLE_MEAN, 1, {40}, 40},       {"a.norm.running_var", URS_ROLE_VARIANCE, 1, {40}, 40},
    {"b.weight", URS_ROLE_WEIGHT, 4, {50, 40, 3, 3}, 360},     {"b.bias", URS_ROLE_BIAS, 1, {50}, 360},
    {"up.weight", URS_ROLE_WEIGHT, 4, {50, 6, 2, 2}, 24},      {"ln.weight", URS_ROLE_GAMMA, 1, {30}, 30},
    {"ln.bias", URS_ROLE_BETA, 1, {30}, 30},                   {"gamma", URS_ROLE_GAMMA, 3, {30, 1, 1}, 30},
    {"head.weight", URS_ROLE_WEIGHT, 2, {700, 30}, 30},        {"head.bias", URS_ROLE_BIAS, 1, {700}, 30},
    {"last.weight", URS_ROLE_WEIGHT, 2, {3, 700}, 700},
};

static void parameters(urs_test *t)
{
    urs_graph *g = sample(t);
    const urs_param *p;
    size_t end = 0;
    int64_t trainable = 0;
    int32_t n;
    URS_REQUIRE(t, g);
    n = urs_graph_params(g, &p);
    URS_REQUIRE(t, n == (int32_t)(sizeof names / sizeof *names));
    for (int32_t i = 0; i < n; i++) {
        size_t count = 1;
        URS_CHECK_TEXT(t, p[i].name, names[i].name);
        URS_CHECK_INT(t, p[i].role, names[i].role);
        URS_CHECK_INT(t, p[i].rank, names[i].rank);
        URS_CHECK_INT(t, p[i].fan_in, names[i].fan_in);
        for (int32_t k = 0; k < p[i].rank; k++) {
            URS_CHECK_INT(t, p[i].shape[k], names[i].shape[k]);
            count *= (size_t)p[i].shape[k];
        }
        URS_CHECK_INT(t, p[i].count, count);
        URS_CHECK_INT(t, p[i].offset % 16, 0);
        URS_CHECK(t, p[i].offset >= end && p[i].offset < end + 16);
        end = p[i].offset + p[i].count;
        URS_CHECK_INT(t, urs_graph_find_param(g, p[i].name), i);
        if (p[i].role != URS_ROLE_MEAN && p[i].role != URS_ROLE_VARIANCE)
            trainable += (int64_t)count;
    }
    URS_CHECK(t, urs_graph_block_elements(g) >= end && urs_graph_block_elements(g) % 16 == 0);
    URS_CHECK_INT(t, urs_graph_param_count(g), trainable);
    URS_CHECK_INT(t, urs_graph_find_param(g, "a.conv"), -1);
    URS_CHECK_INT(t, urs_graph_find_output(g, "logits"), 0);
    URS_CHECK_INT(t, urs_graph_find_output(g, "nothing"), -1);
    URS_CHECK_TEXT(t, urs_graph_output_name(g, 0), "logits");
    URS_CHECK(t, urs_graph_output_name(g, 1) == NULL && urs_graph_output_name(g, -1) == NULL);
    /* 9x9 -> 9x9 -> 4x4 -> 8x8 */
    URS_CHECK_INT(t, urs_graph_macs(g), 81 * 40 * 100 + 16 * 50 * 360 + 16 * 50 * 6 * 4 + 30 * 700 + 700 * 3);
    URS_CHECK_INT(t, urs_graph_dims(g, 5).c, 30);
    URS_CHECK_INT(t, urs_graph_dims(g, -1).c, 0);
    URS_CHECK_INT(t, urs_graph_dims(g, 1000).c, 0);
    urs_graph_free(g);
}

typedef struct moments {
    double mean, deviation, low, high;
} moments;

static moments measure(const float *x, size_t n)
{
    moments m = {0, 0, 1e9, -1e9};
    for (size_t i = 0; i < n; i++) {
        m.mean += (double)x[i] / (double)n;
        m.low = fmin(m.low, (double)x[i]);
        m.high = fmax(m.high, (double)x[i]);
    }
    for (size_t i = 0; i < n; i++)
        m.deviation += ((double)x[i] - m.mean) * ((double)x[i] - m.mean) / (double)n;
    m.deviation = sqrt(m.deviation);
    return m;
}

static moments of(const urs_graph *g, const float *block, const char *name)
{
    const urs_param *p;
    (void)urs_graph_params(g, &p);
    p += urs_graph_find_param(g, name);
    return measure(block + p->offset, p->count);
}

static void check_uniform(urs_test *t, moments m, double bound)
{
    URS_CHECK_NEAR(t, m.mean, 0, bound * 0.15);
    URS_CHECK_NEAR(t, m.deviation, bound / sqrt(3.0), bound * 0.08);
    URS_CHECK(t, m.low >= -bound && m.high <= bound && m.high > 0.9 * bound && m.low < -0.9 * bound);
}

static void check_constant(urs_test *t, moments m, double value)
{
    URS_CHECK_NEAR(t, m.low, value, 0);
    URS_CHECK_NEAR(t, m.high, value, 0);
}

static void starting_values(urs_test *t)
{
    urs_graph *g = sample(t);
    float *block, *again, *other;
    moments m;
    size_t n, same = 0;
    URS_REQUIRE(t, g);
    n = urs_graph_block_elements(g);
    block = urs_aligned_new(n * sizeof *block);
    again = urs_aligned_new(n * sizeof *again);
    other = urs_aligned_new(n * sizeof *other);
    memset(again, 0x7f, n * sizeof *again);
    urs_graph_init_params(g, block, 5);
    urs_graph_init_params(g, again, 5);
    urs_graph_init_params(g, other, 6);
    URS_CHECK(t, memcmp(block, again, n * sizeof *block) == 0); /* the gaps too */
    for (size_t i = 0; i < n; i++)
        same += block[i] == other[i];
    URS_CHECK(t, same < n / 10);

    check_uniform(t, of(g, block, "a.conv.weight"), 1 / sqrt(100.0)); /* PyTorch: U(+-1/sqrt(fan_in)) */
    m = of(g, block, "a.conv.bias");
    URS_CHECK(t, m.low >= -0.1 && m.high <= 0.1 && m.deviation > 0.03);
    check_constant(t, of(g, block, "a.norm.weight"), 1);
    check_constant(t, of(g, block, "a.norm.bias"), 0);
    check_constant(t, of(g, block, "a.norm.running_mean"), 0);
    check_constant(t, of(g, block, "a.norm.running_var"), 1);
    m = of(g, block, "b.weight"); /* kaiming, fan out = 50*3*3, gain sqrt(2) */
    URS_CHECK_NEAR(t, m.deviation, sqrt(2.0 / 450), 0.05 * sqrt(2.0 / 450));
    URS_CHECK_NEAR(t, m.mean, 0, 0.003);
    URS_CHECK(t, m.high > 3 * m.deviation);
    check_constant(t, of(g, block, "b.bias"), -4.5);
    m = of(g, block, "up.weight");
    URS_CHECK_NEAR(t, m.deviation, 0.02, 0.0015);
    check_constant(t, of(g, block, "ln.weight"), 1);
    check_constant(t, of(g, block, "gamma"), (double)1e-6f);
    m = of(g, block, "head.weight"); /* cut at +-2, which 1.5 reaches */
    URS_CHECK(t, m.high <= 2 && m.low >= -2 && m.high > 1.95 && m.low < -1.95);
    URS_CHECK_NEAR(t, m.deviation, 1.0229, 0.02); /* of a normal of deviation 1.5 cut at +-2 */
    check_uniform(t, of(g, block, "head.bias"), 0.3);
    check_uniform(t, of(g, block, "last.weight"), 1 / sqrt(700.0));
    urs_aligned_free(block);
    urs_aligned_free(again);
    urs_aligned_free(other);
    urs_graph_free(g);
}

static void identities_add_nothing(urs_test *t)
{
    urs_graph *g = new_graph();
    urs_value x;
    URS_REQUIRE(t, g);
    x = urs_graph_input(g, (urs_dims){3, 4, 4});
    URS_CHECK_INT(t, urs_graph_activation(g, x, URS_ACT_NONE), x);
    URS_CHECK_INT(t, urs_graph_dropout(g, x, 0), x);
    URS_CHECK_INT(t, urs_graph_drop_path(g, x, 0), x);
    urs_graph_free(g);
}

int main(void)
{
    static const urs_case cases[] = {{"errors stick", errors_stick},       {"finish needs both ends", finish_needs_both_ends}, {"finished is immutable", finished_is_immutable},
                                     {"parameters", parameters},           {"starting values", starting_values},               {"identities add nothing", identities_add_nothing}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
