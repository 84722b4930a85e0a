/* The engine against the oracles: every set of kernels that this processor can run, every operator, both arithmetics, fused and not; a network with branches in one arena; many images in
 * several threads. All bytes must be the same. */
#include "harness.h"
#include "int8_cases.h"

#include "base/memory.h"
#include "base/random.h"
#include "int8/engine.h"
#include "int8/kernels.h"
#include "int8/reference.h"

#include <stdio.h>

static bool same_outputs(const urs_int8_graph *g, const urs_int8_worker *w, const urs_int8_values *wanted)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (memcmp(urs_int8_worker_output(w, i), wanted->data[g->outputs[i]], urs_int8_tensor_bytes(&g->tensors[g->outputs[i]])) != 0)
            return false;
    return true;
}

/* Runs the graph twice on one worker, so that what the first run leaves behind is seen. */
static void check_graph(urs_test *t, const urs_int8_graph *g, const urs_int8_plan_options *options, uint64_t seed, const char *what)
{
    urs_int8_plan *plan = NULL;
    urs_int8_worker *w = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_int8_plan_new(&plan, g, options, &err), err);
    URS_REQUIRE_OK(t, urs_int8_worker_new(&w, plan, &err), err);
    for (uint64_t run = 0; run < 2; run++) {
        void *inputs[URS_INT8_INPUTS_MAX];
        urs_int8_values wanted = {0};
        URS_REQUIRE_OK(t, urs_int8_case_inputs(inputs, g, seed + 1000 * run, &err), err);
        URS_REQUIRE_OK(t, urs_int8_reference_run(&wanted, g, options->arithmetic, (const void *const *)inputs, &err), err);
        for (int32_t i = 0; i < g->n_inputs; i++) {
            memcpy(urs_int8_worker_input(w, i), inputs[i], urs_int8_tensor_bytes(&g->tensors[g->inputs[i]]));
            urs_free(inputs[i]);
        }
        urs_int8_worker_run(w);
        if (!same_outputs(g, w, &wanted))
            urs_test_fail(t, __FILE__, __LINE__, "%s: kernels %s, arithmetic %d, run %d differ from the oracle", what, options->kernels, (int)options->arithmetic, (int)run);
        urs_int8_values_release(&wanted);
    }
    urs_int8_worker_free(w);
    urs_int8_plan_free(plan);
}

static void check_everywhere(urs_test *t, const urs_int8_graph *g, uint64_t seed, const char *what)
{
    for (int32_t k = 0; urs_int8_kernels_runnable(k); k++)
        for (int32_t mode = 0; mode < 4; mode++) {
            const urs_int8_plan_options options = {.kernels = urs_int8_kernels_runnable(k)->name, .arithmetic = mode & 1 ? URS_INT8_TFLITE : URS_INT8_NPU, .unfused = (mode & 2) != 0};
            check_graph(t, g, &options, seed, what);
        }
}

static void operators(urs_test *t)
{
    for (int32_t k = 0; urs_int8_kernels_runnable(k); k++)
        (void)printf("kernels %s\n", urs_int8_kernels_runnable(k)->name);
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++)
        for (uint64_t seed = 1; seed <= (kind <= URS_INT8_MUL ? 40 : 8); seed++) {
            urs_int8_graph *g = NULL;
            urs_error err = {0};
            char what[64];
            (void)snprintf(what, sizeof what, "%s, seed %d", urs_int8_kind_name((urs_int8_kind)kind), (int)seed);
            URS_REQUIRE_OK(t, urs_int8_case_new(&g, (urs_int8_kind)kind, seed, false, &err), err);
            check_everywhere(t, g, seed, what);
            urs_int8_graph_free(g);
        }
}

/* ---- a network: stem, inverted residual with squeeze and excitation, two branches joined, a head ---- */

typedef struct builder {
    urs_int8_graph *g;
    urs_random r;
} builder;

static const urs_int8_quant some = {0.05f, -7};

static int32_t apply(builder *b, urs_int8_op op, const char *name)
{
    return urs_int8_graph_apply(b->g, &op, name, some);
}

static int32_t conv(builder *b, int32_t x, int32_t out, int32_t kernel, int32_t stride, bool depthwise, const char *name)
{
    int8_t weights[4096];
    float scales[64];
    int32_t bias[64];
    const int32_t in = b->g->tensors[x].shape.dim[3];
    const urs_int8_shape shape = depthwise ? urs_int8_shape4(1, kernel, kernel, out) : urs_int8_shape4(out, kernel, kernel, in);
    urs_int8_op op = {.kind = depthwise ? URS_INT8_DEPTHWISE_CONV_2D : URS_INT8_CONV_2D, .n_in = 3, .in = {x}, .attr = {.stride_h = stride, .stride_w = stride}};
    for (size_t i = 0; i < urs_int8_shape_elements(shape); i++)
        weights[i] = (int8_t)((int)urs_random_below(&b->r, 255) - 127);
    for (int32_t i = 0; i < out; i++) {
        scales[i] = (float)urs_random_range(&b->r, 0.002, 0.01);
        bias[i] = (int32_t)urs_random_below(&b->r, 4000) - 2000;
    }
    op.in[1] = urs_int8_graph_weights(b->g, "w", shape, weights, scales, depthwise ? 3 : 0);
    op.in[2] = urs_int8_graph_bias(b->g, "b", bias, x, op.in[1]);
    return apply(b, op, name);
}

static int32_t one(builder *b, urs_int8_kind kind, int32_t x, const char *name)
{
    return apply(b, (urs_int8_op){.kind = kind, .n_in = 1, .in = {x}, .attr = {.keep_dims = true}}, name);
}

static int32_t two(builder *b, urs_int8_kind kind, int32_t x, int32_t y, const char *name)
{
    return apply(b, (urs_int8_op){.kind = kind, .n_in = 2, .in = {x, y}, .attr = {.axis = 3}}, name);
}

static urs_status network(urs_int8_graph **out, urs_error *err)
{
    builder b;
    int32_t x, y, s;
    urs_status status = urs_int8_graph_new(&b.g, err);
    if (status != URS_OK)
        return status;
    urs_random_init(&b.r, 11);
    x = urs_int8_graph_input(b.g, "frame", urs_int8_shape4(1, 33, 29, 3), some);
    x = one(&b, URS_INT8_HARD_SWISH, conv(&b, x, 16, 3, 2, false, "stem"), "stem_hs");
    y = one(&b, URS_INT8_HARD_SWISH, conv(&b, x, 40, 1, 1, false, "expand"), "expand_hs");
    y = one(&b, URS_INT8_HARD_SWISH, conv(&b, y, 40, 5, 1, true, "depthwise"), "depthwise_hs");
    s = one(&b, URS_INT8_MEAN, y, "mean");
    s = one(&b, URS_INT8_LOGISTIC, conv(&b, one(&b, URS_INT8_RELU, conv(&b, s, 8, 1, 1, false, "squeeze"), "relu"), 40, 1, 1, false, "excite"), "gate");
    y = two(&b, URS_INT8_MUL, y, s, "gated");
    y = two(&b, URS_INT8_ADD, conv(&b, y, 16, 1, 1, false, "project"), x, "sum");
    s = conv(&b, y, 24, 3, 2, false, "down");
    y = two(&b, URS_INT8_CONCATENATION, s, one(&b, URS_INT8_QUANTIZE, conv(&b, s, 9, 1, 1, false, "side"), "side_q"), "join");
    y = apply(&b, (urs_int8_op){.kind = URS_INT8_RESIZE_NEAREST, .n_in = 1, .in = {y}, .attr = {.out_h = 18, .out_w = 16}}, "up");
    urs_int8_graph_output(b.g, y);
    y = one(&b, URS_INT8_MEAN, y, "pool");
    y = conv(&b, y, 3, 1, 1, false, "head");
    urs_int8_graph_output(b.g, one(&b, URS_INT8_SOFTMAX, apply(&b, (urs_int8_op){.kind = URS_INT8_RESHAPE, .n_in = 1, .in = {y}, .attr = {.rank = 2, .shape = {1, 3}}}, "row"), "scores"));
    status = urs_int8_graph_finish(b.g, err);
    if (status == URS_OK)
        *out = b.g;
    else
        urs_int8_graph_free(b.g);
    return status;
}

static void whole_network(urs_test *t)
{
    urs_int8_graph *g = NULL;
    urs_int8_plan *plan = NULL;
    urs_error err = {0};
    size_t all = 0;
    URS_REQUIRE_OK(t, network(&g, &err), err);
    check_everywhere(t, g, 3, "network");
    URS_REQUIRE_OK(t, urs_int8_plan_new(&plan, g, NULL, &err), err);
    for (int32_t i = 0; i < g->n_tensors; i++)
        all += g->tensors[i].data ? 0 : urs_int8_tensor_bytes(&g->tensors[i]);
    URS_CHECK(t, urs_int8_plan_arena_bytes(plan) < all);
    urs_int8_plan_print(plan, stdout);
    urs_int8_plan_free(plan);
    urs_int8_graph_free(g);
}

static void threads(urs_test *t)
{
    enum { IMAGES = 9, THREADS = 3 };
    urs_int8_graph *g = NULL;
    urs_int8_plan *plan = NULL;
    urs_int8_worker *workers[THREADS] = {NULL};
    urs_pool *pool = NULL;
    urs_error err = {0};
    size_t in_bytes, map_bytes;
    URS_REQUIRE_OK(t, network(&g, &err), err);
    URS_REQUIRE_OK(t, urs_int8_plan_new(&plan, g, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_pool_new(&pool, THREADS, &err), err);
    for (int32_t i = 0; i < THREADS; i++)
        URS_REQUIRE_OK(t, urs_int8_worker_new(&workers[i], plan, &err), err);
    in_bytes = urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]);
    map_bytes = urs_int8_tensor_bytes(&g->tensors[g->outputs[0]]);
    {
        int8_t *in = urs_array_new(IMAGES, in_bytes), *maps = urs_array_new(IMAGES, map_bytes), *scores = urs_array_new(IMAGES, 3);
        void *out[] = {maps, scores};
        urs_random r;
        urs_random_init(&r, 5);
        for (size_t i = 0; i < IMAGES * in_bytes; i++)
            in[i] = (int8_t)urs_random_below(&r, 256);
        URS_REQUIRE_OK(t, urs_int8_run_images(pool, workers, IMAGES, in, out, &err), err);
        for (size_t i = 0; i < IMAGES; i++) {
            const void *image = in + i * in_bytes;
            urs_int8_values wanted = {0};
            URS_REQUIRE_OK(t, urs_int8_reference_run(&wanted, g, URS_INT8_NPU, &image, &err), err);
            URS_CHECK(t, memcmp(maps + i * map_bytes, wanted.data[g->outputs[0]], map_bytes) == 0 && memcmp(scores + 3 * i, wanted.data[g->outputs[1]], 3) == 0);
            urs_int8_values_release(&wanted);
        }
        urs_free(in);
        urs_free(maps);
        urs_free(scores);
    }
    for (int32_t i = 0; i < THREADS; i++)
        urs_int8_worker_free(workers[i]);
    urs_pool_free(pool);
    urs_int8_plan_free(plan);
    urs_int8_graph_free(g);
}

/* Sums and factors at the edges of int32, where a vector kernel might saturate or shift too far. */
static void edges(urs_test *t)
{
    static const int32_t sums[] = {INT32_MIN, INT32_MIN + 1, -1073741825, -65537, -3, -2, -1, 0, 1, 2, 3, 65535, 1073741824, INT32_MAX - 1, INT32_MAX, 12345678};
    int32_t q[16], left[16], right[16];
    for (int32_t e = -31; e <= 30; e++)
        for (int32_t up = 0; up < 2; up++) {
            const urs_int8_rescale r = {.q = q, .left = left, .right = right, .zero_point = up ? -128 : 127, .low = -128, .high = 127, .up = up != 0};
            int8_t wanted[16], got[16];
            for (int32_t i = 0; i < 16; i++) {
                q[i] = i % 3 == 0 ? 1 << 30 : i % 3 == 1 ? INT32_MAX : 1518500250;
                left[i] = e > 0 ? e : 0;
                right[i] = e > 0 ? 0 : -e;
            }
            urs_int8_kernels_plain.requantise(wanted, 16, sums, 1, 0, 16, &r);
            for (int32_t k = 0; urs_int8_kernels_runnable(k); k++) {
                urs_int8_kernels_runnable(k)->requantise(got, 16, sums, 1, 0, 16, &r);
                if (memcmp(got, wanted, 16) != 0)
                    urs_test_fail(t, __FILE__, __LINE__, "requantise of %s differs at exponent %d", urs_int8_kernels_runnable(k)->name, (int)e);
            }
        }
}

static void unknown_kernels(urs_test *t)
{
    const urs_int8_kernels *k = NULL;
    urs_error err = {0};
    URS_CHECK(t, urs_int8_kernels_find(&k, "abacus", &err) == URS_ENOTFOUND && strstr(err.message, "plain"));
    URS_CHECK(t, urs_int8_kernels_find(&k, "plain", &err) == URS_OK && k == &urs_int8_kernels_plain);
}

int main(void)
{
    static const urs_case cases[] = {{"every operator with every set of kernels", operators}, {"a network in one arena", whole_network}, {"many images in threads", threads},
                                     {"requantisation at the edges of int32", edges}, {"kernels by name", unknown_kernels}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
