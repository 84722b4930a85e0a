/* Small graphs with the shapes that folding, fusing and sharing memory could get wrong, for the tests of plans. Included only there. */
#ifndef URS_TESTS_PLAN_GRAPHS_H
#define URS_TESTS_PLAN_GRAPHS_H

#include "harness.h"

#include "base/memory.h"
#include "base/random.h"
#include "nn/graph.h"
#include "nn/plan.h"

#include <stdio.h>
#include <string.h>

static inline urs_value conv_norm_act(urs_graph *g, urs_value x, const char *name, urs_conv_options o, urs_activation a)
{
    char norm[64];
    size_t n = strlen(name);
    memcpy(norm, name, n);
    memcpy(norm + n, ".bn", 4);
    return urs_graph_activation(g, urs_graph_batch_norm(g, urs_graph_conv(g, x, name, &o), norm, 1e-3f, 0.1f), a);
}

static inline void residual_blocks(urs_graph *g)
{
    urs_value x = urs_graph_input(g, (urs_dims){3, 12, 11}), skip;
    skip = x = conv_norm_act(g, x, "stem", (urs_conv_options){.out = 24, .kernel = 3, .pad = 1}, URS_ACT_HARD_SWISH);
    x = conv_norm_act(g, x, "expand", (urs_conv_options){.out = 40, .kernel = 1}, URS_ACT_RELU);
    x = conv_norm_act(g, x, "depth", (urs_conv_options){.out = 40, .kernel = 5, .pad = 2, .groups = 40}, URS_ACT_RELU6);
    x = conv_norm_act(g, x, "project", (urs_conv_options){.out = 24, .kernel = 1}, URS_ACT_NONE);
    skip = x = urs_graph_add(g, x, skip);
    x = conv_norm_act(g, x, "c1", (urs_conv_options){.out = 24, .kernel = 3, .pad = 1, .bias = true}, URS_ACT_SILU);
    x = conv_norm_act(g, x, "c2", (urs_conv_options){.out = 24, .kernel = 3, .pad = 1}, URS_ACT_SILU);
    x = urs_graph_add(g, skip, x);
    urs_graph_output(g, urs_graph_global_pool(g, x), "pooled");
}

/* The convolution reads the value that it is added to, and nobody needs it afterwards. */
static inline void convolution_of_its_skip(urs_graph *g)
{
    urs_value x = conv_norm_act(g, urs_graph_input(g, (urs_dims){3, 9, 10}), "stem", (urs_conv_options){.out = 32, .kernel = 3, .pad = 1}, URS_ACT_RELU);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        x = urs_graph_add(g, urs_graph_conv(g, x, names[i], &(urs_conv_options){.out = 32, .kernel = 3, .pad = 1}), x);
    }
    urs_graph_output(g, urs_graph_activation(g, x, URS_ACT_GELU), "y");
}

static inline void transposed_in_groups(urs_graph *g)
{
    urs_value x = urs_graph_input(g, (urs_dims){12, 5, 4});
    x = urs_graph_batch_norm(g, urs_graph_conv_transpose(g, x, "up", &(urs_conv_options){.out = 20, .kernel = 3, .stride = 2, .pad = 1, .groups = 4, .bias = true}), "n", 1e-3f, 0.1f);
    x = urs_graph_activation(g, x, URS_ACT_RELU);
    x = urs_graph_batch_norm(g, urs_graph_conv_transpose(g, x, "up2", &(urs_conv_options){.out = 17, .kernel = 2, .stride = 2}), "n2", 1e-3f, 0.1f);
    urs_graph_output(g, x, "map");
}

static inline void dropout_everywhere(urs_graph *g)
{
    urs_value x = urs_graph_dropout(g, urs_graph_input(g, (urs_dims){5, 6, 6}), 0.4f), skip;
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 16, .kernel = 3, .pad = 1});
    x = urs_graph_batch_norm(g, urs_graph_dropout(g, x, 0.5f), "n", 1e-3f, 0.1f);
    skip = x = urs_graph_activation(g, urs_graph_dropout(g, x, 0.1f), URS_ACT_HARD_SIGMOID);
    x = urs_graph_conv(g, x, "d", &(urs_conv_options){.out = 16, .kernel = 1, .bias = true});
    x = urs_graph_add(g, urs_graph_drop_path(g, x, 0.2f), skip);
    x = urs_graph_linear(g, urs_graph_global_pool(g, x), "l", &(urs_linear_options){.out = 10});
    urs_graph_output(g, urs_graph_dropout(g, urs_graph_batch_norm(g, x, "ln", 1e-3f, 0.1f), 0.3f), "logits");
}

/* Outputs on the way, one of them given twice, one that is the input itself. */
static inline void many_outputs(urs_graph *g)
{
    const urs_value x = urs_graph_input(g, (urs_dims){4, 8, 8});
    urs_value a = conv_norm_act(g, x, "a", (urs_conv_options){.out = 20, .kernel = 3, .pad = 1}, URS_ACT_SILU), b, raw;
    urs_graph_output(g, x, "input");
    urs_graph_output(g, a, "a");
    raw = urs_graph_conv(g, a, "b", &(urs_conv_options){.out = 20, .kernel = 3, .pad = 1});
    urs_graph_output(g, raw, "raw"); /* not to be fused away */
    b = urs_graph_add(g, urs_graph_activation(g, urs_graph_batch_norm(g, raw, "bn", 1e-3f, 0.1f), URS_ACT_RELU), a);
    urs_graph_output(g, b, "sum");
    urs_graph_output(g, urs_graph_conv(g, b, "c", &(urs_conv_options){.out = 3, .kernel = 1, .bias = true}), "thin");
    urs_graph_output(g, urs_graph_dropout(g, a, 0.5f), "a again");
    urs_graph_output(g, urs_graph_global_pool(g, b), "vector");
}

/* Squeeze-excitation, products and sums of one value with itself, the input as a summand. */
static inline void values_used_often(urs_graph *g)
{
    const urs_value in = urs_graph_input(g, (urs_dims){16, 7, 6});
    urs_value x = urs_graph_conv(g, in, "c", &(urs_conv_options){.out = 16, .kernel = 3, .pad = 1}), s, parts[3];
    x = urs_graph_add(g, x, in);
    s = urs_graph_activation(g, urs_graph_conv(g, urs_graph_global_pool(g, x), "fc1", &(urs_conv_options){.out = 8, .kernel = 1, .bias = true}), URS_ACT_RELU);
    s = urs_graph_activation(g, urs_graph_conv(g, s, "fc2", &(urs_conv_options){.out = 16, .kernel = 1, .bias = true}), URS_ACT_HARD_SIGMOID);
    x = urs_graph_mul(g, x, s);
    parts[0] = urs_graph_add(g, x, x);
    parts[1] = urs_graph_mul(g, x, x);
    parts[2] = x;
    x = urs_graph_concat(g, parts, 3);
    parts[0] = parts[1] = urs_graph_slice(g, x, 8, 20);
    x = urs_graph_concat(g, parts, 2);
    x = urs_graph_add(g, urs_graph_slice(g, x, 2, 16), in);
    urs_graph_output(g, urs_graph_l2_norm(g, urs_graph_global_pool(g, urs_graph_mul(g, x, in)), 1e-6f), "unit");
}

/* Both summands are convolutions; then an activation behind the sum, which must not move before it. */
static inline void two_branches(urs_graph *g)
{
    const urs_value x = urs_graph_input(g, (urs_dims){6, 10, 10});
    const urs_value a = conv_norm_act(g, x, "a", (urs_conv_options){.out = 18, .kernel = 3, .stride = 2, .pad = 1}, URS_ACT_NONE);
    const urs_value b = conv_norm_act(g, x, "b", (urs_conv_options){.out = 18, .kernel = 1, .stride = 2}, URS_ACT_NONE);
    urs_value y = urs_graph_activation(g, urs_graph_add(g, a, b), URS_ACT_RELU);
    y = urs_graph_batch_norm(g, urs_graph_max_pool(g, y, 3, 2, 1), "late", 1e-3f, 0.1f);
    y = urs_graph_resize(g, urs_graph_activation(g, y, URS_ACT_SILU), URS_RESIZE_NEAREST, 7, 7);
    urs_graph_output(g, urs_graph_softmax(g, y), "map");
}

typedef struct plan_graph {
    const char *name;
    void (*build)(urs_graph *g);
} plan_graph;

static const plan_graph plan_graphs[] = {{"residual blocks", residual_blocks}, {"convolution of its skip", convolution_of_its_skip},
                                         {"transposed in groups", transposed_in_groups}, {"dropout everywhere", dropout_everywhere},
                                         {"many outputs", many_outputs}, {"values used often", values_used_often}, {"two branches", two_branches}};
#define PLAN_GRAPHS (sizeof plan_graphs / sizeof *plan_graphs)

typedef struct net {
    urs_graph *graph;
    float *params;
    size_t n;
} net;

/* Random parameters, with running statistics and gammas away from 0 and 1. */
static inline void randomise(const net *x, uint64_t seed)
{
    const urs_param *p;
    const int32_t n = urs_graph_params(x->graph, &p);
    urs_random r;
    urs_random_init(&r, seed);
    urs_graph_init_params(x->graph, x->params, seed);
    for (int32_t i = 0; i < n; i++)
        for (size_t k = 0; k < p[i].count; k++) {
            float *v = x->params + p[i].offset + k;
            if (p[i].role == URS_ROLE_GAMMA || p[i].role == URS_ROLE_VARIANCE)
                *v = (float)urs_random_range(&r, 0.4, 1.8);
            else if (p[i].role == URS_ROLE_MEAN || p[i].role == URS_ROLE_BETA)
                *v = (float)urs_random_range(&r, -0.6, 0.6);
        }
}

static inline bool open_net(urs_test *t, net *x, void (*build)(urs_graph *g))
{
    urs_error err;
    memset(x, 0, sizeof *x);
    if (urs_graph_new(&x->graph, &err) != URS_OK)
        return false;
    build(x->graph);
    if (urs_graph_finish(x->graph, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        urs_graph_free(x->graph);
        return false;
    }
    x->n = urs_graph_block_elements(x->graph);
    x->params = urs_aligned_new(x->n * sizeof(float));
    randomise(x, 11);
    return true;
}

static inline void close_net(net *x)
{
    urs_graph_free(x->graph);
    urs_aligned_free(x->params);
}

static inline size_t output_elements(const net *x, int32_t index, int32_t batch)
{
    const urs_value *values;
    urs_dims d;
    (void)urs_graph_outputs(x->graph, &values);
    d = urs_graph_dims(x->graph, values[index]);
    return (size_t)(d.c * d.h * d.w * batch);
}

static inline size_t input_elements(const net *x, int32_t batch)
{
    const urs_value *values;
    urs_dims d;
    (void)urs_graph_inputs(x->graph, &values);
    d = urs_graph_dims(x->graph, values[0]);
    return (size_t)(d.c * d.h * d.w * batch);
}

/* The same numbers for every plan of a graph; image i of a batch is the same whatever the batch. */
static inline void fill_input(const net *x, urs_plan *plan, bool doubles, int32_t first_image)
{
    const int32_t batch = urs_plan_batch(plan);
    const size_t n = input_elements(x, batch), per = n / (size_t)batch;
    void *to = urs_plan_input(plan, 0);
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = urs_random_mix(i % per + 100000u * (uint64_t)(first_image + (int32_t)(i / per)) + 1);
        const float v = (float)((double)(bits >> 40) / (double)(1 << 23) - 1.0);
        if (doubles)
            ((double *)to)[i] = (double)v;
        else
            ((float *)to)[i] = v;
    }
}

/* Both backends of this build; the second may be NULL. */
static inline const urs_backend *backend_at(int i)
{
    return i == 0 ? urs_backend_ref() : i == 1 ? urs_backend_onednn() : NULL;
}

/* Largest difference over the largest value of b. */
static inline double difference(const float *a, const float *b, size_t n)
{
    double size = 1e-30, worst = 0;
    for (size_t i = 0; i < n; i++)
        size = fmax(size, fabs((double)b[i]));
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]) / size;
        if (!(d <= worst))
            worst = isnan(d) ? (double)INFINITY : d;
    }
    return worst;
}

#endif
