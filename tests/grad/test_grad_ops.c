/* Gradients of every operation on `ref` in double, against central differences: for L = sum(d_out * out), dL/dx is (L(x+h) - L(x-h)) / 2h. All inputs, all
 * trained parameters, every element. */
#include "harness.h"
#include "op_cases.h"

#include "nn/op.h"

#define STEP 1e-5
#define TOLERANCE 1e-6

static double loss(urs_test *t, const urs_op_case *c, urs_op_data *d)
{
    const urs_op_run_options options = {.backend = urs_backend_ref(), .dtype = URS_DTYPE_F64, .forward_only = true};
    urs_error err;
    double sum = 0;
    if (urs_op_case_run(c, d, &options, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", c->name, err.message);
    for (size_t i = 0; i < d->out_count; i++)
        sum += d->d_out[i] * d->out[i];
    return sum;
}

static void check_tensor(urs_test *t, const urs_op_case *c, urs_op_data *d, const char *what, int index, double *x, const double *gradient, size_t count)
{
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const double centre = x[i];
        x[i] = centre + STEP;
        const double above = loss(t, c, d);
        x[i] = centre - STEP;
        const double below = loss(t, c, d);
        x[i] = centre;
        const double e = fabs((above - below) / (2 * STEP) - gradient[i]) / fmax(1, fabs(gradient[i]));
        if (!(e <= worst)) {
            worst = e;
            at = i;
        }
    }
    if (!(worst <= TOLERANCE))
        urs_test_fail(t, __FILE__, __LINE__, "%s: gradient of %s %d, element %zu, is off by %.3g", c->name, what, index, at, worst);
}

static void check_case(urs_test *t, const urs_op_case *c)
{
    const urs_op_run_options options = {.backend = urs_backend_ref(), .dtype = URS_DTYPE_F64};
    urs_op_data d;
    urs_error err;
    URS_REQUIRE_OK(t, urs_op_data_new(&d, c, &err), err);
    if (urs_op_case_run(c, &d, &options, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", c->name, err.message);
    for (int i = 0; i < d.n_in; i++)
        check_tensor(t, c, &d, "input", i, d.in[i], d.d_in[i], d.in_count[i]);
    for (int i = 0; i < d.n_trained; i++)
        check_tensor(t, c, &d, "parameter", i, d.param[i], d.d_param[i], d.param_count[i]);
    urs_op_data_release(&d);
}

/* Walks the table: an operation without a case fails here. */
static void every_operation(urs_test *t)
{
    size_t count;
    const urs_op_case *cases = urs_op_cases(&count);
    for (int op = URS_OP_INPUT + 1; op < URS_OP_COUNT; op++) {
        int checked = 0;
        for (size_t i = 0; i < count; i++) {
            if ((int)cases[i].op != op || cases[i].wide || cases[i].mode == URS_MODE_INFER)
                continue;
            check_case(t, &cases[i]);
            checked++;
        }
        if (checked == 0)
            urs_test_fail(t, __FILE__, __LINE__, "operation %s has no gradient check", urs_op_find((urs_op_kind)op)->name);
    }
}

int main(void)
{
    static const urs_case cases[] = {{"every operation", every_operation}};
    return urs_run_cases(cases, 1);
}
