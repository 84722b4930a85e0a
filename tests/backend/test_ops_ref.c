/* The reference backend against PyTorch: every case of op_cases.c, forward and backward, in double (1e-11) and float (1e-5). The golden tensors were computed
 * in double; batch norm's batch statistics are d_param2 and d_param3. */
#include "golden.h"
#include "harness.h"
#include "op_cases.h"

#include "nn/op.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN URS_SOURCE_DIR "/tests/golden/ops.gold"

/* Replaces random numbers by the golden ones; false (and a failure) when the file has none of this size. */
static bool take(urs_test *t, const urs_golden *g, const urs_op_case *c, const char *name, int index, double *to, size_t count)
{
    char full[32];
    if (index >= 0)
        snprintf(full, sizeof full, "%s%d", name, index);
    else
        snprintf(full, sizeof full, "%s", name);
    const urs_golden_tensor *tensor = urs_golden_find(g, "%s/%s", c->name, full);
    if (!tensor || tensor->count != count) {
        urs_test_fail(t, __FILE__, __LINE__, "%s: no golden tensor %s of %zu elements", c->name, full, count);
        return false;
    }
    memcpy(to, tensor->f64, count * sizeof *to);
    return true;
}

static void compare(urs_test *t, const urs_golden *g, const urs_op_case *c, const char *name, int index, const double *got, size_t count, double tolerance)
{
    double *expected = calloc(count, sizeof *expected);
    URS_REQUIRE(t, expected);
    if (take(t, g, c, name, index, expected, count)) {
        const double e = urs_op_error(got, expected, count);
        if (!(e <= tolerance))
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s%d is off by %.3g of its size", c->name, name, index, e);
    }
    free(expected);
}

static void check_case(urs_test *t, const urs_golden *g, const urs_op_case *c, urs_dtype dtype)
{
    const double tolerance = dtype == URS_DTYPE_F64 ? 1e-11 : 1e-5;
    const bool backward = c->mode != URS_MODE_INFER;
    const urs_op_run_options options = {.backend = urs_backend_ref(), .dtype = dtype};
    urs_op_data d;
    urs_error err;
    bool ok = true;
    URS_REQUIRE_OK(t, urs_op_data_new(&d, c, &err), err);
    for (int i = 0; i < d.n_in; i++)
        ok = take(t, g, c, "in", i, d.in[i], d.in_count[i]) && ok;
    for (int i = 0; i < d.n_params; i++)
        ok = take(t, g, c, "param", i, d.param[i], d.param_count[i]) && ok;
    if (backward)
        ok = take(t, g, c, "d_out", -1, d.d_out, d.out_count) && ok;
    if (ok && urs_op_case_run(c, &d, &options, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", c->name, err.message);
        ok = false;
    }
    if (ok)
        compare(t, g, c, "out", -1, d.out, d.out_count, tolerance);
    for (int i = 0; ok && backward && i < d.n_in; i++)
        compare(t, g, c, "d_in", i, d.d_in[i], d.in_count[i], tolerance);
    for (int i = 0; ok && backward && i < (c->mode == URS_MODE_FROZEN ? d.n_trained : d.n_params); i++)
        compare(t, g, c, "d_param", i, d.d_param[i], d.param_count[i], tolerance);
    urs_op_data_release(&d);
}

static void check_all(urs_test *t, urs_dtype dtype)
{
    size_t count;
    const urs_op_case *cases = urs_op_cases(&count);
    urs_golden *g;
    urs_error err;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    for (size_t i = 0; i < count; i++)
        if (!cases[i].wide)
            check_case(t, g, &cases[i], dtype);
    urs_golden_close(g);
}

static void golden_f32(urs_test *t)
{
    check_all(t, URS_DTYPE_F32);
}

static void golden_f64(urs_test *t)
{
    check_all(t, URS_DTYPE_F64);
}

static void every_operation_has_one(urs_test *t)
{
    size_t count;
    const urs_op_case *cases = urs_op_cases(&count);
    urs_golden *g;
    urs_error err;
    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    for (int op = URS_OP_INPUT + 1; op < URS_OP_COUNT; op++) {
        bool has = false;
        for (size_t i = 0; i < count; i++)
            has = has || ((int)cases[i].op == op && !cases[i].wide && cases[i].mode != URS_MODE_INFER && urs_golden_find(g, "%s/d_in0", cases[i].name));
        if (!has)
            urs_test_fail(t, __FILE__, __LINE__, "operation %s has no golden case with gradients", urs_op_find((urs_op_kind)op)->name);
    }
    /* And every activation. */
    for (int kind = URS_ACT_NONE; kind < URS_ACT_COUNT; kind++) {
        bool has = false;
        for (size_t i = 0; i < count; i++)
            has = has || (cases[i].op == URS_OP_ACTIVATION && (int)cases[i].attr.activation == kind && !cases[i].wide);
        if (!has)
            urs_test_fail(t, __FILE__, __LINE__, "activation %d has no golden case", kind);
    }
    urs_golden_close(g);
}

static void refuses(urs_test *t)
{
    urs_kernel_spec spec = {.op = URS_OP_ACTIVATION, .n_in = 1, .in = {{1, 4, 2, 2, 1}}, .out = {1, 4, 2, 2, 1}};
    const urs_backend *ref = urs_backend_ref(), *found = NULL;
    urs_kernel *k = NULL;
    urs_error err;
    spec.in[0].block = 8;
    URS_CHECK_INT(t, ref->kernel_new(&k, &spec, &err), URS_EUNSUPPORTED);
    spec.in[0].block = 1;
    spec.in[0].n = 2;
    URS_CHECK_INT(t, ref->kernel_new(&k, &spec, &err), URS_EINVAL);
    spec.in[0].n = 1;
    spec.op = URS_OP_INPUT;
    URS_CHECK_INT(t, ref->kernel_new(&k, &spec, &err), URS_EINVAL);
    spec.op = URS_OP_CONV;
    spec.pass = URS_PASS_BACKWARD;
    spec.attr.activation = URS_ACT_RELU;
    URS_CHECK_INT(t, ref->kernel_new(&k, &spec, &err), URS_EUNSUPPORTED);
    URS_CHECK(t, k == NULL);
    URS_CHECK_INT(t, urs_backend_find(&found, "abacus", &err), URS_ENOTFOUND);
    URS_CHECK(t, found == NULL);
    URS_REQUIRE_OK(t, urs_backend_find(&found, "ref", &err), err);
    URS_CHECK(t, found == ref);
    URS_REQUIRE_OK(t, urs_backend_find(&found, NULL, &err), err);
    URS_CHECK(t, found != NULL);
}

static void layouts_convert(urs_test *t)
{
    enum { C = 5, P = 6, N = 2 };
    const urs_tensor_shape plain = {N, C, 2, 3, 1}, blocked = {N, C, 2, 3, 8}, nhwc = {N, C, 2, 3, C};
    float x[N * C * P], b[N * 8 * P], h[N * C * P], back[N * C * P];
    for (int i = 0; i < N * C * P; i++)
        x[i] = (float)(i + 1);
    memset(b, 0xFF, sizeof b);
    urs_tensor_convert(b, blocked, x, plain);
    urs_tensor_convert(h, nhwc, b, blocked);
    urs_tensor_convert(back, plain, h, nhwc);
    URS_CHECK(t, memcmp(x, back, sizeof x) == 0);
    for (int n = 0; n < N; n++)
        for (int p = 0; p < P; p++)
            for (int c = 0; c < 8; c++)
                URS_CHECK(t, b[(n * P + p) * 8 + c] == (c < C ? x[(n * C + c) * P + p] : 0.0f));
    for (int p = 0; p < P; p++)
        URS_CHECK(t, h[p * C + 3] == x[3 * P + p]);
}

int main(void)
{
    static const urs_case cases[] = {{"golden, float", golden_f32}, {"golden, double", golden_f64}, {"every operation has a golden case", every_operation_has_one},
                                     {"refusals", refuses}, {"layout conversion", layouts_convert}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
