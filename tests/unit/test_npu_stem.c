/* The stem that reads blocks of pixels: the bytes of the network that reads pixels, for both paddings; networks that it does not suit. */
#include "harness.h"

#include "base/random.h"
#include "int8/engine.h"
#include "quant/npu_stem.h"

#include <stdlib.h>

enum { SIDE = 14, WIDTH = 10, OUT = 9 };

typedef struct shape {
    bool padded;   /* PAD of one, then VALID; else SAME */
    int32_t height, kernel, stride, after; /* after: of PAD */
    bool twice;    /* the picture is looked at once more */
} shape;

static void fill(urs_random *r, int8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int8_t)(urs_random_below(r, 255) - 127);
}

/* picture -> [PAD] -> convolution -> relu */
static urs_int8_graph *network(urs_test *t, const shape *s)
{
    const urs_int8_quant in = {0.02f, -11}, out = {0.03f, 5};
    int8_t weights[OUT * 5 * 5 * 3];
    float scales[OUT];
    urs_random r;
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    urs_int8_op pad = {.kind = URS_INT8_PAD, .n_in = 1, .attr.pad = {{0, 0}, {1, s->after}, {1, s->after}, {0, 0}}};
    urs_int8_op conv = {.kind = URS_INT8_CONV_2D, .n_in = 3, .attr = {.stride_h = s->stride, .stride_w = s->stride, .padding = s->padded ? URS_INT8_VALID : URS_INT8_SAME}};
    urs_int8_op relu = {.kind = URS_INT8_RELU, .n_in = 1};
    urs_random_init(&r, 8);
    fill(&r, weights, sizeof weights);
    for (int i = 0; i < OUT; i++)
        scales[i] = 0.001f * (float)(i + 1);
    if (urs_int8_graph_new(&g, &err) != URS_OK)
        return NULL;
    pad.in[0] = conv.in[0] = urs_int8_graph_input(g, "picture", urs_int8_shape4(1, s->height, WIDTH, 3), in);
    if (s->padded)
        conv.in[0] = urs_int8_graph_apply(g, &pad, "padded", in);
    conv.in[1] = urs_int8_graph_weights(g, "w", urs_int8_shape4(OUT, s->kernel, s->kernel, 3), weights, scales, 0);
    conv.in[2] = urs_int8_graph_bias(g, "b", (const int32_t[OUT]){100, -200, 300, 0, 5, 6, -7000, 8, 9}, conv.in[0], conv.in[1]);
    relu.in[0] = urs_int8_graph_apply(g, &conv, "sums", out);
    urs_int8_graph_output(g, urs_int8_graph_apply(g, &relu, "out", out));
    if (s->twice) {
        relu.in[0] = pad.in[0];
        urs_int8_graph_output(g, urs_int8_graph_apply(g, &relu, "again", in));
    }
    if (urs_int8_graph_set_note(g, "ursid.test", "stays", &err) != URS_OK || urs_int8_graph_finish(g, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return g;
}

/* Runs a graph on one picture; owned. */
static int8_t *run(urs_test *t, const urs_int8_graph *g, const int8_t *picture, size_t *bytes)
{
    urs_int8_plan *plan = NULL;
    urs_int8_worker *worker = NULL;
    urs_error err = {0};
    int8_t *out = NULL;
    *bytes = urs_int8_tensor_bytes(&g->tensors[g->outputs[0]]);
    if (urs_int8_plan_new(&plan, g, NULL, &err) == URS_OK && urs_int8_worker_new(&worker, plan, &err) == URS_OK && (out = malloc(*bytes)) != NULL) {
        memcpy(urs_int8_worker_input(worker, 0), picture, urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]));
        urs_int8_worker_run(worker);
        memcpy(out, urs_int8_worker_output(worker, 0), *bytes);
    } else {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    }
    urs_int8_worker_free(worker);
    urs_int8_plan_free(plan);
    return out;
}

static void outputs_stay(urs_test *t)
{
    static const shape shapes[] = {{.height = SIDE, .kernel = 3, .stride = 2}, {.padded = true, .height = SIDE, .kernel = 3, .stride = 2, .after = 1}, {.padded = true, .height = SIDE, .kernel = 3, .stride = 2}};
    int8_t picture[SIDE * WIDTH * 3], blocks[sizeof picture];
    urs_random r;
    urs_random_init(&r, 5);
    fill(&r, picture, sizeof picture);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                blocks[((y / 2 * (WIDTH / 2) + x / 2) * 4 + y % 2 * 2 + x % 2) * 3 + c] = picture[(y * WIDTH + x) * 3 + c];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        urs_int8_graph *g = network(t, &shapes[i]), *stem = NULL;
        urs_error err = {0};
        size_t n, m, differs = 0;
        int8_t *a, *b;
        URS_REQUIRE(t, g);
        URS_REQUIRE_OK(t, urs_quant_npu_stem(&stem, g, &err), err);
        URS_CHECK(t, urs_int8_shape_equal(stem->tensors[stem->inputs[0]].shape, urs_int8_shape4(1, SIDE / 2, WIDTH / 2, 12)));
        URS_CHECK_TEXT(t, urs_int8_graph_note(stem, "ursid.test"), "stays");
        a = run(t, g, picture, &n);
        b = run(t, stem, blocks, &m);
        URS_CHECK(t, a && b && n == m && n == SIDE / 2 * WIDTH / 2 * OUT && memcmp(a, b, n) == 0);
        for (size_t k = OUT; a && k < n; k++)
            differs += a[k] != a[k - OUT];
        URS_CHECK(t, differs > n / 4); /* neighbours, so that a shift would be seen */
        free(a);
        free(b);
        urs_int8_graph_free(stem);
        urs_int8_graph_free(g);
    }
}

static void others_are_refused(urs_test *t)
{
    static const shape shapes[] = {{.height = SIDE, .kernel = 5, .stride = 2}, {.height = SIDE, .kernel = 3, .stride = 1}, {.height = SIDE - 1, .kernel = 3, .stride = 2}, {.height = SIDE, .kernel = 3, .stride = 2, .twice = true}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        urs_int8_graph *g = network(t, &shapes[i]), *stem = NULL;
        urs_error err = {0};
        URS_REQUIRE(t, g);
        URS_CHECK_INT(t, urs_quant_npu_stem(&stem, g, &err), URS_EUNSUPPORTED);
        URS_CHECK(t, stem == NULL && strstr(err.message, "3x3 convolution of stride 2"));
        urs_int8_graph_free(g);
    }
}

int main(void)
{
    static const urs_case cases[] = {{"outputs stay", outputs_stay}, {"others are refused", others_are_refused}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
