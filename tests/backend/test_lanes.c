/* Every table of lanes.h that this processor can run against `ref`: all cases of op_cases.c and many shapes of depthwise convolution, in blocks of 1, 8, 16
 * and C channels (also where one pixel is left, which a plan would store otherwise), forward and backward. */
#include "harness.h"
#include "op_cases.h"

#include "base/memory.h"
#include "compute/lanes.h"

#include <stdio.h>

#define TOLERANCE 2e-5
#define TABLES 3
#define BLOCKS 4

static urs_status make(urs_kernel **out, int32_t table, const urs_kernel_spec *spec, urs_error *err)
{
    urs_kernel *k = NULL;
    const urs_status status = urs_lanes_new_from(&k, urs_lanes_runnable(table), spec, err);
    if (status == URS_OK && !k)
        return urs_fail(err, URS_EUNSUPPORTED, "no kernel in this table");
    *out = k;
    return status;
}

static urs_status make_0(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) { return make(out, 0, spec, err); }
static urs_status make_1(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) { return make(out, 1, spec, err); }
static urs_status make_2(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) { return make(out, 2, spec, err); }

static int64_t plain(int64_t c, int64_t h, int64_t w) { return c * h * w > 0 ? 1 : 0; }
static int64_t eight(int64_t c, int64_t h, int64_t w) { return c * h * w > 0 ? 8 : 0; }
static int64_t sixteen(int64_t c, int64_t h, int64_t w) { return c * h * w > 0 ? 16 : 0; }
static int64_t channels(int64_t c, int64_t h, int64_t w) { return h * w > 0 ? c : 0; }

#define ROW(make_function) {{"1", plain, make_function}, {"8", eight, make_function}, {"16", sixteen, make_function}, {"C", channels, make_function}}
static const urs_backend backends[TABLES][BLOCKS] = {ROW(make_0), ROW(make_1), ROW(make_2)};

static void compare(urs_test *t, const char *name, const char *what, int index, const double *got, const double *expected, size_t count)
{
    const double e = urs_op_error(got, expected, count);
    if (!(e <= TOLERANCE))
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s %d is off by %.3g of its size", name, what, index, e);
}

/* One case in one table and layout; false where the table has no kernel for it. */
static bool check_one(urs_test *t, const urs_op_case *c, const urs_op_data *expected, urs_op_data *d, int32_t table, int block)
{
    const urs_op_run_options options = {.backend = &backends[table][block], .layout = URS_LAYOUT_OWN};
    const bool backward = c->mode != URS_MODE_INFER;
    char name[160];
    urs_error err = {0};
    const urs_status status = urs_op_case_run(c, d, &options, &err);
    if (status == URS_EUNSUPPORTED)
        return false;
    (void)snprintf(name, sizeof name, "%s, %s, block %s", c->name, urs_lanes_runnable(table)->name, options.backend->name);
    if (status != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", name, err.message);
        return true;
    }
    compare(t, name, "output", 0, d->out, expected->out, d->out_count);
    for (int i = 0; backward && i < d->n_in; i++)
        compare(t, name, "gradient of input", i, d->d_in[i], expected->d_in[i], d->in_count[i]);
    for (int i = 0; backward && i < (c->mode == URS_MODE_FROZEN ? d->n_trained : d->n_params); i++)
        compare(t, name, "gradient of parameter", i, d->d_param[i], expected->d_param[i], d->param_count[i]);
    return true;
}

/* All tables and layouts; adds to ran[block]. */
static void check_case(urs_test *t, const urs_op_case *c, int *ran)
{
    const urs_op_run_options ref = {.backend = urs_backend_ref()};
    urs_op_data expected = {0}, d = {0};
    urs_error err;
    if (urs_op_data_new(&expected, c, &err) != URS_OK || urs_op_data_new(&d, c, &err) != URS_OK || urs_op_case_run(c, &expected, &ref, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s on ref: %s", c->name, err.message);
    } else {
        for (int32_t table = 0; urs_lanes_runnable(table); table++)
            for (int block = 0; block < BLOCKS; block++)
                ran[block] += check_one(t, c, &expected, &d, table, block);
    }
    urs_op_data_release(&expected);
    urs_op_data_release(&d);
}

static void tables_are_found(urs_test *t)
{
    int32_t n = 0;
    while (urs_lanes_runnable(n)) {
        printf("  %s\n", urs_lanes_runnable(n)->name);
        n++;
    }
    URS_CHECK(t, n >= 1 && n <= TABLES);
    URS_CHECK(t, urs_lanes_runnable(n - 1) == &urs_lanes_baseline);
    URS_CHECK(t, urs_lanes_runnable(-1) == NULL);
}

static void shared_cases(urs_test *t)
{
    size_t count;
    const urs_op_case *cases = urs_op_cases(&count);
    int per_op[URS_OP_COUNT][BLOCKS] = {{0}};
    const urs_lanes_table *first = urs_lanes_runnable(0);
    for (size_t i = 0; i < count; i++)
        check_case(t, &cases[i], per_op[cases[i].op]);
    /* Each operation of a table was run in some layout, and nearly all in blocks of 8 and 16. */
    for (int op = 0; op < URS_OP_COUNT; op++) {
        const bool expected = first->run[op][URS_PASS_BACKWARD] || op == URS_OP_CONV; /* an addition has no backward kernel: see odd shapes */
        if (expected && (per_op[op][1] == 0 || per_op[op][2] == 0) && op != URS_OP_GLOBAL_POOL)
            urs_test_fail(t, __FILE__, __LINE__, "operation %d was never run in blocks", op);
        if (!expected && per_op[op][0] + per_op[op][1] + per_op[op][2] + per_op[op][3] > 0)
            urs_test_fail(t, __FILE__, __LINE__, "operation %d is not in the table and ran all the same", op);
    }
}

/* Channel counts around the widths of blocks and vectors, one pixel and few. */
static void odd_shapes(urs_test *t)
{
    static const int64_t counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 50};
    static const int64_t sizes[][2] = {{1, 1}, {1, 5}, {3, 2}, {17, 19}};
    int ran[BLOCKS] = {0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int64_t c = counts[i], h = sizes[s][0], w = sizes[s][1];
#define SHAPE {2, c, h, w}
            const urs_op_case cases[] = {
                {.name = "odd/batch_norm", .op = URS_OP_BATCH_NORM, .n_in = 1, .in = {SHAPE}, .attr = {.eps = 1e-2f, .momentum = 0.1f, .activation = URS_ACT_HARD_SWISH}},
                {.name = "odd/batch_norm_sigmoid", .op = URS_OP_BATCH_NORM, .n_in = 1, .in = {SHAPE}, .attr = {.eps = 1e-2f, .momentum = 0.1f, .activation = URS_ACT_SIGMOID}},
                {.name = "odd/frozen", .op = URS_OP_BATCH_NORM, .mode = URS_MODE_FROZEN, .n_in = 1, .in = {SHAPE}, .attr = {.eps = 1e-2f, .momentum = 0.1f}},
                {.name = "odd/layer_norm", .op = URS_OP_LAYER_NORM, .n_in = 1, .in = {SHAPE}, .attr = {.eps = 1e-1f}},
                {.name = "odd/activation", .op = URS_OP_ACTIVATION, .n_in = 1, .in = {SHAPE}, .attr = {.activation = URS_ACT_HARD_SIGMOID}},
                {.name = "odd/mul", .op = URS_OP_MUL, .n_in = 2, .in = {SHAPE, {2, c, 1, 1}}},
                {.name = "odd/mul_same", .op = URS_OP_MUL, .n_in = 2, .in = {SHAPE, SHAPE}},
                {.name = "odd/add", .op = URS_OP_ADD, .mode = URS_MODE_INFER, .n_in = 2, .in = {SHAPE, SHAPE}},
                {.name = "odd/scale", .op = URS_OP_SCALE, .n_in = 1, .in = {SHAPE}},
                {.name = "odd/global_pool", .op = URS_OP_GLOBAL_POOL, .n_in = 1, .in = {SHAPE}},
                {.name = "odd/concat", .op = URS_OP_CONCAT, .n_in = 3, .in = {SHAPE, {2, 16, h, w}, SHAPE}},
                {.name = "odd/slice", .op = URS_OP_SLICE, .n_in = 1, .in = {SHAPE}, .attr = {.begin = (int32_t)(c / 3), .count = (int32_t)(c - c / 3)}},
                {.name = "odd/resize", .op = URS_OP_RESIZE, .n_in = 1, .in = {SHAPE}, .attr = {.resize = URS_RESIZE_NEAREST, .out_h = 5, .out_w = 3}},
                {.name = "odd/max_pool", .op = URS_OP_MAX_POOL, .n_in = 1, .in = {SHAPE},
                 .attr = {.kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 1, .pad_top = 2, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
                {.name = "odd/upsample", .op = URS_OP_CONV_TRANSPOSE, .mode = URS_MODE_INFER, .n_in = 1, .in = {SHAPE},
                 .attr = {.kernel_h = 2, .kernel_w = 3, .stride_h = 2, .stride_w = 3, .groups = 1, .out_channels = (int32_t)(c + 3), .has_bias = true}},
                {.name = "odd/upsample, no bias", .op = URS_OP_CONV_TRANSPOSE, .mode = URS_MODE_INFER, .n_in = 1, .in = {SHAPE},
                 .attr = {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2, .groups = 1, .out_channels = 16}},
            };
            for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
                check_case(t, &cases[k], ran);
        }
    for (int block = 0; block < BLOCKS; block++)
        URS_CHECK(t, ran[block] > 300);
}

static const int32_t pads[][4] = { /* top, left, bottom, right, in halves of the kernel */
    {1, 1, 1, 1}, {0, 0, 1, 1}, {0, 0, 0, 0}, {2, 1, 0, 2}, {2, 2, 2, 2}};
static const int64_t depthwise_shapes[][4] = {{2, 16, 9, 8}, {1, 17, 14, 15}, {3, 8, 1, 1}, {1, 40, 2, 3}, {2, 5, 3, 21}, {1, 33, 6, 1}};

static void depthwise(urs_test *t)
{
    int ran[BLOCKS] = {0}, cases = 0;
    for (int32_t k = 3; k <= 7; k += 2)
        for (int32_t stride = 1; stride <= 3; stride++)
            for (size_t p = 0; p < sizeof pads / sizeof *pads; p++)
                for (size_t s = 0; s < sizeof depthwise_shapes / sizeof *depthwise_shapes; s++)
                    for (int mode = 0; mode < 3; mode++) {
                        const int64_t *d = depthwise_shapes[s];
                        const int32_t half = k / 2;
                        char name[80];
                        urs_op_case c = {.name = name, .op = URS_OP_CONV, .mode = mode == 2 ? URS_MODE_INFER : URS_MODE_TRAIN, .n_in = 1, .in = {{d[0], d[1], d[2], d[3]}},
                                         .attr = {.kernel_h = k, .kernel_w = k, .stride_h = stride, .stride_w = stride, .pad_top = pads[p][0] * half,
                                                  .pad_left = pads[p][1] * half, .pad_bottom = pads[p][2] * half, .pad_right = pads[p][3] * half,
                                                  .groups = (int32_t)d[1], .out_channels = (int32_t)d[1], .has_bias = mode != 1}};
                        if (d[2] + c.attr.pad_top + c.attr.pad_bottom < k || d[3] + c.attr.pad_left + c.attr.pad_right < k)
                            continue;
                        (void)snprintf(name, sizeof name, "depthwise %d stride %d padding %zu map %d of %d x %d%s", (int)k, (int)stride, p, (int)d[1], (int)d[2], (int)d[3],
                                       mode == 1 ? "" : " with bias");
                        check_case(t, &c, ran);
                        cases++;
                    }
    URS_CHECK(t, cases > 300);
    URS_CHECK(t, ran[1] >= cases && ran[2] >= cases);
}

/* A diverged training must not write outside of its memory, nor hide that it diverged. */
static void not_a_number(urs_test *t)
{
    const urs_tensor_shape in = {.n = 1, .c = 16, .h = 3, .w = 3, .block = 16};
    urs_kernel_spec spec = {.op = URS_OP_MAX_POOL, .training = true, .n_in = 1, .in = {in}, .out = in, .want_d_in = {true},
                            .attr = {.kernel_h = 5, .kernel_w = 5, .stride_h = 1, .stride_w = 1, .pad_top = 2, .pad_left = 2, .pad_bottom = 2, .pad_right = 2}};
    const size_t n = (size_t)urs_tensor_elements(in);
    for (int32_t table = 0; urs_lanes_runnable(table); table++)
        for (int value = 0; value < 2; value++) {
            float *x = urs_aligned_new(n * 4), *y = urs_aligned_new(n * 4), *d_out = urs_aligned_new(n * 4), *d_in = urs_aligned_new(n * 4);
            const urs_op_attr exp_attr = {.activation = URS_ACT_SILU};
            urs_kernel_args args = {.in = {x}, .out = y, .d_out = d_out, .d_in = {d_in}};
            double sum = 0;
            urs_kernel *k[2] = {NULL, NULL};
            urs_error err;
            for (size_t i = 0; i < n; i++) {
                x[i] = value ? -INFINITY : NAN;
                d_out[i] = 1;
            }
            for (int pass = 0; pass < 2; pass++) {
                spec.pass = pass ? URS_PASS_BACKWARD : URS_PASS_FORWARD;
                URS_REQUIRE_OK(t, urs_lanes_new_from(&k[pass], urs_lanes_runnable(table), &spec, &err), err);
                URS_REQUIRE(t, k[pass]);
                if (!args.saved)
                    args.saved = urs_aligned_new(k[0]->saved_bytes);
                URS_REQUIRE_OK(t, k[pass]->bind(k[pass], &args, &err), err);
                URS_REQUIRE_OK(t, k[pass]->run(k[pass], &err), err);
                k[pass]->free(k[pass]);
            }
            for (size_t i = 0; i < n; i++) {
                sum += (double)d_in[i];
                URS_CHECK(t, value ? isinf(y[i]) : isnan(y[i]));
            }
            URS_CHECK_NEAR(t, sum, (double)n, 1e-3); /* all of it arrived inside the map */

            const urs_kernel_spec silu = {.op = URS_OP_ACTIVATION, .n_in = 1, .in = {in}, .out = in, .attr = exp_attr};
            urs_lanes_runnable(table)->run[URS_OP_ACTIVATION][0](&silu, &args);
            for (size_t i = 0; i < n && !value; i++)
                URS_CHECK(t, isnan(y[i]));
            urs_aligned_free(x);
            urs_aligned_free(y);
            urs_aligned_free(d_out);
            urs_aligned_free(d_in);
            urs_aligned_free(args.saved);
        }
}

int main(void)
{
    static const urs_case cases[] = {{"tables", tables_are_found}, {"cases of all operations", shared_cases}, {"odd shapes", odd_shapes},
                                     {"depthwise", depthwise},     {"not a number", not_a_number}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
