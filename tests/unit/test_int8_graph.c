/* The int8 graph: building by shape rules, what finish refuses, notes, arithmetic against hand-computed values. */
#include "harness.h"

#include "int8/arithmetic.h"

#include <stdio.h>

static const urs_int8_quant unit = {0.5f, 3};

/* x [1,4,4,2] -> CONV_2D 3x3/2 SAME to 3 channels, RELU6 -> HARD_SWISH -> MEAN */
static int32_t tiny(urs_int8_graph *g, int32_t depth)
{
    static const int8_t weights[3 * 9 * 4] = {1, -1, 2, 3};
    static const float scales[3] = {0.1f, 0.2f, 0.3f};
    static const int32_t bias[3] = {1, 2, 3};
    urs_int8_op op = {.kind = URS_INT8_CONV_2D, .n_in = 3, .attr = {.stride_h = 2, .stride_w = 2, .activation = URS_INT8_ACT_RELU6}};
    int32_t y;
    op.in[0] = urs_int8_graph_input(g, "x", urs_int8_shape4(1, 4, 4, 2), unit);
    op.in[1] = urs_int8_graph_weights(g, "w", urs_int8_shape4(3, 3, 3, depth), weights, scales, 0);
    op.in[2] = urs_int8_graph_bias(g, "b", bias, op.in[0], op.in[1]);
    y = urs_int8_graph_apply(g, &op, "conv", unit);
    y = urs_int8_graph_apply(g, &(urs_int8_op){.kind = URS_INT8_HARD_SWISH, .n_in = 1, .in = {y}}, "hs", unit);
    return urs_int8_graph_apply(g, &(urs_int8_op){.kind = URS_INT8_MEAN, .n_in = 1, .in = {y}, .attr = {.keep_dims = true}}, "mean", unit);
}

static void builds(urs_test *t)
{
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    int32_t y, conv;
    URS_REQUIRE_OK(t, urs_int8_graph_new(&g, &err), err);
    y = tiny(g, 2);
    urs_int8_graph_output(g, y);
    URS_REQUIRE_OK(t, urs_int8_graph_finish(g, &err), err);
    conv = urs_int8_find_tensor(g, "conv");
    URS_REQUIRE(t, conv != URS_INT8_NONE && g->n_ops == 3 && g->n_inputs == 1 && g->n_outputs == 1);
    URS_CHECK(t, urs_int8_shape_equal(g->tensors[conv].shape, urs_int8_shape4(1, 2, 2, 3)));
    URS_CHECK(t, urs_int8_shape_equal(g->tensors[y].shape, urs_int8_shape4(1, 1, 1, 3)));
    URS_CHECK_NEAR(t, g->tensors[urs_int8_find_tensor(g, "b")].scales[2], 0.15, 1e-7);
    URS_CHECK_INT(t, urs_int8_graph_macs(g), 4 * 3 * 9 * 2);
    urs_int8_graph_free(g);
}

static void sticky(urs_test *t)
{
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_int8_graph_new(&g, &err), err);
    urs_int8_graph_output(g, tiny(g, 4)); /* weights for 4 channels on an input of 2 */
    URS_CHECK(t, urs_int8_graph_finish(g, &err) == URS_EFORMAT);
    URS_CHECK(t, strstr(err.message, "conv") && strstr(err.message, "4 channels"));
    urs_int8_graph_free(g);
}

/* Each builds one wrong thing; finish must say the word. */
static void wrong_scale(urs_int8_graph *g)
{
    (void)urs_int8_graph_input(g, "x", urs_int8_shape4(1, 2, 2, 1), (urs_int8_quant){0, 0});
}

static void wrong_zero(urs_int8_graph *g)
{
    (void)urs_int8_graph_input(g, "x", urs_int8_shape4(1, 2, 2, 1), (urs_int8_quant){1, 128});
}

static void wrong_join(urs_int8_graph *g)
{
    const int32_t a = urs_int8_graph_input(g, "a", urs_int8_shape4(1, 2, 2, 1), unit), b = urs_int8_graph_input(g, "b", urs_int8_shape4(1, 2, 2, 1), (urs_int8_quant){0.25f, 3});
    urs_int8_graph_output(g, urs_int8_graph_apply(g, &(urs_int8_op){.kind = URS_INT8_CONCATENATION, .n_in = 2, .in = {a, b}, .attr = {.axis = 3}}, "join", unit));
}

static void wrong_order(urs_int8_graph *g)
{
    const urs_int8_tensor t = {.shape = urs_int8_shape4(1, 2, 2, 1), .quant = unit};
    const int32_t x = urs_int8_graph_input(g, "x", t.shape, unit), late = urs_int8_graph_tensor(g, &t), y = urs_int8_graph_tensor(g, &t);
    urs_int8_graph_op(g, &(urs_int8_op){.kind = URS_INT8_RELU, .n_in = 1, .in = {late}, .n_out = 1, .out = {y}});
    urs_int8_graph_op(g, &(urs_int8_op){.kind = URS_INT8_RELU, .n_in = 1, .in = {x}, .n_out = 1, .out = {late}});
    urs_int8_graph_output(g, y);
}

static void wrong_index(urs_int8_graph *g)
{
    const int32_t x = urs_int8_graph_input(g, "x", urs_int8_shape4(1, 2, 2, 1), unit);
    urs_int8_graph_output(g, urs_int8_graph_apply(g, &(urs_int8_op){.kind = URS_INT8_ADD, .n_in = 2, .in = {x, 77}}, "sum", unit));
}

static void wrong_fixed(urs_int8_graph *g)
{
    const urs_int8_tensor t = {.shape = urs_int8_shape4(1, 2, 2, 1), .quant = unit};
    const int32_t x = urs_int8_graph_input(g, "x", t.shape, unit), y = urs_int8_graph_tensor(g, &t);
    urs_int8_graph_op(g, &(urs_int8_op){.kind = URS_INT8_LOGISTIC, .n_in = 1, .in = {x}, .n_out = 1, .out = {y}});
    urs_int8_graph_output(g, y);
}

static void empty(urs_int8_graph *g)
{
    (void)g;
}

static void refuses(urs_test *t)
{
    static const struct {
        void (*build)(urs_int8_graph *g);
        const char *word;
    } wrong[] = {{wrong_scale, "scale"}, {wrong_zero, "zero point"}, {wrong_join, "one scale"}, {wrong_order, "before it is there"},
                 {wrong_index, "does not exist"}, {wrong_fixed, "output scale"}, {empty, "without inputs"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        urs_int8_graph *g = NULL;
        urs_error err = {0};
        URS_REQUIRE_OK(t, urs_int8_graph_new(&g, &err), err);
        wrong[i].build(g);
        if (urs_int8_graph_finish(g, &err) == URS_OK || !strstr(err.message, wrong[i].word))
            urs_test_fail(t, __FILE__, __LINE__, "expected \"%s\", got \"%s\"", wrong[i].word, err.message);
        urs_int8_graph_free(g);
    }
}

static void notes(urs_test *t)
{
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    const char *key, *value;
    URS_REQUIRE_OK(t, urs_int8_graph_new(&g, &err), err);
    URS_REQUIRE_OK(t, urs_int8_graph_set_note(g, "ursid.classes", "empty", &err), err);
    URS_REQUIRE_OK(t, urs_int8_graph_set_note(g, "ursid.classes", "empty,bear", &err), err);
    URS_REQUIRE_OK(t, urs_int8_graph_set_note(g, "ursid.arch", "m", &err), err);
    URS_CHECK_TEXT(t, urs_int8_graph_note(g, "ursid.classes"), "empty,bear");
    URS_CHECK(t, !urs_int8_graph_note(g, "ursid.other"));
    URS_CHECK_INT(t, urs_int8_graph_notes(g), 2);
    urs_int8_graph_note_at(g, 1, &key, &value);
    URS_CHECK_TEXT(t, key, "ursid.arch");
    URS_CHECK(t, urs_int8_graph_set_note(g, "ursid.arch", "\xff", &err) == URS_EFORMAT);
    urs_int8_graph_free(g);
}

static void arithmetic(urs_test *t)
{
    const urs_int8_multiplier half = urs_int8_multiplier_of(0.5), small = urs_int8_multiplier_of(0.0003), big = urs_int8_multiplier_of(3);
    URS_CHECK(t, half.q == 1 << 30 && half.e == 0);
    URS_CHECK(t, big.q == 1610612736 && big.e == 2);
    URS_CHECK(t, urs_int8_multiplier_of(0).q == 0 && urs_int8_multiplier_of(1e-12).q == 0);
    /* Halves: both roundings go up for positive numbers; a multiplier of 1/2 rounds inside high_mul, upwards. */
    URS_CHECK_INT(t, urs_int8_scale(3, half), 2);
    URS_CHECK_INT(t, urs_int8_scale(-3, half), -1);
    URS_CHECK_INT(t, urs_int8_scale_up(-3, half), -1);
    URS_CHECK_INT(t, urs_int8_scale(-7, big), -21);
    URS_CHECK_INT(t, urs_int8_scale(100000, small), 30);
    URS_CHECK_INT(t, urs_int8_round_shift(-6, 2), -2); /* -1.5, away from zero */
    URS_CHECK_INT(t, urs_int8_round_shift(6, 2), 2);
    URS_CHECK_INT(t, urs_int8_round_shift(INT32_MIN, 31), -1);
    URS_CHECK_INT(t, urs_int8_round_shift(INT32_MAX, 31), 1);
    URS_CHECK_INT(t, urs_int8_quantize(-0.25f, unit), 2);
    URS_CHECK_INT(t, urs_int8_quantize(NAN, unit), 3);
    URS_CHECK_INT(t, urs_int8_range_of(URS_INT8_ACT_RELU6, unit).low, 3);
    URS_CHECK_INT(t, urs_int8_range_of(URS_INT8_ACT_RELU6, unit).high, 15);
}

int main(void)
{
    static const urs_case cases[] = {{"shape rules build the outputs", builds}, {"the first error is kept", sticky}, {"finish refuses what is wrong", refuses},
                                     {"notes", notes}, {"fixed-point arithmetic", arithmetic}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
