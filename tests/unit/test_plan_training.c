/* Training plans: every gradient of small graphs against central differences in double, both backends against that, frozen parameters and norms, gradients of
 * the input, determinism. */
#include "plan_graphs.h"

#include "nn/plan_private.h"

#define TOLERANCE 1e-4

typedef struct gradients {
    double *params, *input;
    size_t n_params, n_input;
} gradients;

static void release(gradients *g)
{
    urs_free(g->params);
    urs_free(g->input);
}

static double weight_of(int32_t output, size_t i)
{
    return (double)(urs_random_mix((uint64_t)output * 1000003u + i) >> 40) / (double)(1 << 23) - 1.0;
}

/* sum over outputs of weight * output: its gradient of the outputs is the weights. */
static double loss(const net *x, const urs_plan *plan)
{
    const urs_value *values;
    double sum = 0;
    for (int32_t i = 0; i < urs_graph_outputs(x->graph, &values); i++) {
        const double *out = urs_plan_output(plan, i);
        for (size_t k = 0, n = output_elements(x, i, urs_plan_batch(plan)); k < n; k++)
            sum += weight_of(i, k) * out[k];
    }
    return sum;
}

static urs_plan *train_plan(urs_test *t, const net *x, urs_plan_options options)
{
    urs_plan *plan = NULL;
    urs_error err = {0};
    options.training = true;
    if (urs_plan_new(&plan, x->graph, x->params, &options, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return plan;
}

/* Forward and backward with the weights above as output gradients. */
static bool step(urs_test *t, const net *x, urs_plan *plan, bool doubles)
{
    const urs_value *values;
    urs_error err = {0};
    urs_status status;
    if (!plan)
        return false;
    fill_input(x, plan, doubles, 0);
    urs_plan_set_seed(plan, 77);
    status = urs_plan_forward(plan, &err);
    for (int32_t i = 0; status == URS_OK && i < urs_graph_outputs(x->graph, &values); i++) {
        void *d = urs_plan_output_gradient(plan, i);
        for (size_t k = 0, n = output_elements(x, i, urs_plan_batch(plan)); k < n; k++) {
            if (doubles)
                ((double *)d)[k] = weight_of(i, k);
            else
                ((float *)d)[k] = (float)weight_of(i, k);
        }
    }
    if (status == URS_OK)
        status = urs_plan_backward(plan, &err);
    if (status != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return status == URS_OK;
}

/* In double on ref. */
static gradients exact(urs_test *t, const net *x, urs_plan_options options)
{
    gradients g = {.n_params = x->n, .n_input = input_elements(x, options.batch)};
    urs_plan *plan;
    options.dtype = URS_DTYPE_F64;
    options.input_gradient = true;
    plan = train_plan(t, x, options);
    g.params = urs_array_new(g.n_params, sizeof(double));
    g.input = urs_array_new(g.n_input, sizeof(double));
    if (step(t, x, plan, true)) {
        memcpy(g.params, urs_plan_gradients(plan), g.n_params * sizeof(double));
        memcpy(g.input, urs_plan_input_gradient(plan), g.n_input * sizeof(double));
    }
    urs_plan_free(plan);
    return g;
}

static bool is_statistic(const urs_param *p)
{
    return p->role == URS_ROLE_MEAN || p->role == URS_ROLE_VARIANCE;
}

static double slope(urs_test *t, const net *x, urs_plan *plan, double *value)
{
    const double start = *value, h = 1e-6;
    double f[2];
    urs_error err;
    for (int side = 0; side < 2; side++) {
        *value = side ? start + h : start - h;
        urs_plan_repack(plan);
        if (urs_plan_forward(plan, &err) != URS_OK)
            urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        f[side] = loss(x, plan);
    }
    *value = start;
    return (f[1] - f[0]) / (2 * h);
}

/* A few entries of every parameter and of the input. */
static void check_differences(urs_test *t, const char *name, const net *x, urs_plan_options options)
{
    gradients g = exact(t, x, options);
    const urs_param *p;
    const int32_t n = urs_graph_params(x->graph, &p);
    urs_plan *plan;
    double *params, *input, size = 0;
    options.dtype = URS_DTYPE_F64;
    plan = train_plan(t, x, options);
    URS_REQUIRE(t, plan);
    fill_input(x, plan, true, 0);
    urs_plan_set_seed(plan, 77);
    params = urs_plan_params_f64(plan);
    input = urs_plan_input(plan, 0);
    for (size_t i = 0; i < g.n_params; i++)
        size = fmax(size, fabs(g.params[i]));
    for (int32_t i = 0; i < n; i++)
        for (size_t k = 0; k < p[i].count && !is_statistic(&p[i]); k += p[i].count / 4 + 1) {
            const double expected = slope(t, x, plan, params + p[i].offset + k), got = g.params[p[i].offset + k];
            if (!(fabs(expected - got) <= 1e-6 * fmax(1, size)))
                urs_test_fail(t, __FILE__, __LINE__, "%s: gradient of %s[%zu] is %.9g, differences say %.9g", name, p[i].name, k, got, expected);
        }
    for (size_t k = 0; k < g.n_input; k += g.n_input / 9 + 1) {
        const double expected = slope(t, x, plan, input + k);
        if (!(fabs(expected - g.input[k]) <= 1e-6 * fmax(1, size)))
            urs_test_fail(t, __FILE__, __LINE__, "%s: gradient of input[%zu] is %.9g, differences say %.9g", name, k, g.input[k], expected);
    }
    urs_plan_free(plan);
    release(&g);
}

static void differences(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++) {
        net x;
        URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
        check_differences(t, plan_graphs[i].name, &x, (urs_plan_options){.batch = 2});
        check_differences(t, plan_graphs[i].name, &x, (urs_plan_options){.batch = 2, .frozen_norm = true});
        close_net(&x);
    }
}

/* Worst error of the float plan's gradients, each tensor against its own size (with a floor for those that vanish). */
static void compare(urs_test *t, const char *name, const net *x, const urs_plan *plan, const gradients *g, bool input)
{
    const urs_param *p;
    const int32_t n = urs_graph_params(x->graph, &p);
    const float *block = urs_plan_gradients(plan), *d_input = urs_plan_input_gradient(plan);
    double largest = 0, size = 0;
    for (size_t i = 0; i < g->n_params; i++)
        largest = fmax(largest, fabs(g->params[i]));
    for (int32_t i = 0; i < n; i++) {
        size = fmax(1, largest * 0.05); /* a bias in front of a batch norm has no gradient but rounding */
        for (size_t k = 0; k < p[i].count; k++)
            size = fmax(size, fabs(g->params[p[i].offset + k]));
        for (size_t k = 0; k < p[i].count; k++) {
            const double e = fabs((double)block[p[i].offset + k] - g->params[p[i].offset + k]);
            if (!(e <= TOLERANCE * size)) {
                urs_test_fail(t, __FILE__, __LINE__, "%s: gradient of %s[%zu] is %.9g, exactly %.9g", name, p[i].name, k, (double)block[p[i].offset + k], g->params[p[i].offset + k]);
                break;
            }
        }
    }
    if (!input)
        return;
    URS_REQUIRE(t, d_input);
    size = 0;
    for (size_t k = 0; k < g->n_input; k++)
        size = fmax(size, fabs(g->input[k]));
    for (size_t k = 0; k < g->n_input; k++)
        if (!(fabs((double)d_input[k] - g->input[k]) <= TOLERANCE * size)) {
            urs_test_fail(t, __FILE__, __LINE__, "%s: gradient of input[%zu] is %.9g, exactly %.9g", name, k, (double)d_input[k], g->input[k]);
            break;
        }
}

static void floats_agree(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int frozen_norm = 0; frozen_norm < 2; frozen_norm++)
            for (int32_t batch = 1; batch <= 3; batch += 2) {
                net x;
                gradients g;
                URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
                g = exact(t, &x, (urs_plan_options){.batch = batch, .frozen_norm = frozen_norm});
                for (int b = 0; backend_at(b); b++)
                    for (int input = 0; input < 2; input++) {
                        urs_plan *plan = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = batch, .frozen_norm = frozen_norm, .input_gradient = input});
                        char name[120];
                        (void)snprintf(name, sizeof name, "%s, %s, batch %d%s", plan_graphs[i].name, backend_at(b)->name, (int)batch, frozen_norm ? ", frozen norm" : "");
                        for (int again = 0; again < 2 && step(t, &x, plan, false); again++)
                            compare(t, name, &x, plan, &g, input);
                        URS_CHECK(t, input || urs_plan_input_gradient(plan) == NULL);
                        urs_plan_free(plan);
                    }
                release(&g);
                close_net(&x);
            }
}

/* Frozen parameters keep a gradient of zero and change nobody else's. */
static void frozen_parameters(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int b = 0; backend_at(b); b++)
            for (int pattern = 0; pattern < 5; pattern++) {
                net x;
                const urs_param *p;
                int32_t n;
                bool frozen[64] = {false};
                urs_plan *all, *some;
                const float *expected, *got;
                URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
                n = urs_graph_params(x.graph, &p);
                URS_REQUIRE(t, n <= 64);
                for (int32_t k = 0; k < n; k++)
                    frozen[k] = pattern == 0   ? p[k].role == URS_ROLE_WEIGHT
                                : pattern == 1 ? p[k].role == URS_ROLE_BIAS || p[k].role == URS_ROLE_GAMMA
                                : pattern == 2 ? p[k].role == URS_ROLE_BETA || p[k].role == URS_ROLE_MEAN
                                : pattern == 3 ? k < n / 2
                                               : true;
                all = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2});
                some = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2, .frozen = frozen});
                URS_REQUIRE(t, step(t, &x, all, false) && step(t, &x, some, false));
                expected = urs_plan_gradients(all);
                got = urs_plan_gradients(some);
                for (int32_t k = 0; k < n; k++)
                    for (size_t e = p[k].offset; e < p[k].offset + p[k].count; e++) {
                        const float want = frozen[k] && !is_statistic(&p[k]) ? 0.0f : expected[e];
                        if (got[e] != want) {
                            urs_test_fail(t, __FILE__, __LINE__, "%s, %s, pattern %d: gradient of %s is %.9g, not %.9g", plan_graphs[i].name, backend_at(b)->name, pattern,
                                          p[k].name, (double)got[e], (double)want);
                            break;
                        }
                    }
                if (pattern == 4) /* nothing to do: at most the caller's gradients are spread */
                    URS_CHECK(t, some->n_steps == some->n_forward);
                urs_plan_free(all);
                urs_plan_free(some);
                close_net(&x);
            }
}

/* With frozen norms (and no dropout) training computes what inference does. */
static void frozen_norm_is_inference(urs_test *t)
{
    for (int b = 0; backend_at(b); b++) {
        net x;
        urs_plan *infer = NULL, *train;
        urs_error err;
        URS_REQUIRE(t, open_net(t, &x, residual_blocks));
        URS_REQUIRE_OK(t, urs_plan_new(&infer, x.graph, x.params, &(urs_plan_options){.backend = backend_at(b), .batch = 2}, &err), err);
        train = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2, .frozen_norm = true});
        fill_input(&x, infer, false, 0);
        URS_REQUIRE_OK(t, urs_plan_forward(infer, &err), err);
        URS_REQUIRE(t, step(t, &x, train, false));
        URS_CHECK(t, difference(urs_plan_output(train, 0), urs_plan_output(infer, 0), output_elements(&x, 0, 2)) < 1e-5);
        urs_plan_free(infer);
        urs_plan_free(train);
        close_net(&x);
    }
}

/* Batch statistics stand where the running ones are in the block. */
static void batch_statistics(urs_test *t)
{
    net x;
    gradients g;
    const urs_param *p;
    URS_REQUIRE(t, open_net(t, &x, dropout_everywhere));
    (void)urs_graph_params(x.graph, &p);
    g = exact(t, &x, (urs_plan_options){.batch = 4});
    p += urs_graph_find_param(x.graph, "n.running_var");
    for (size_t i = 0; i < p->count; i++)
        URS_CHECK(t, g.params[p->offset + i] > 0);
    release(&g);
    close_net(&x);
}

static void deterministic(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int b = 0; backend_at(b); b++) {
            net x;
            urs_plan *one, *two;
            URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
            one = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 3, .input_gradient = true});
            two = train_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 3, .input_gradient = true});
            URS_REQUIRE(t, step(t, &x, one, false) && step(t, &x, two, false));
            URS_REQUIRE(t, step(t, &x, one, false));
            URS_CHECK(t, memcmp(urs_plan_gradients(one), urs_plan_gradients(two), x.n * sizeof(float)) == 0);
            URS_CHECK(t, memcmp(urs_plan_input_gradient(one), urs_plan_input_gradient(two), input_elements(&x, 3) * sizeof(float)) == 0);
            if (plan_graphs[i].build == dropout_everywhere) {
                urs_error err;
                urs_plan_set_seed(one, 78);
                URS_REQUIRE_OK(t, urs_plan_forward(one, &err), err);
                URS_CHECK(t, memcmp(urs_plan_output(one, 0), urs_plan_output(two, 0), output_elements(&x, 0, 3) * sizeof(float)) != 0);
            }
            urs_plan_free(one);
            urs_plan_free(two);
            close_net(&x);
        }
}

int main(void)
{
    static const urs_case cases[] = {{"central differences", differences},
                                     {"floats agree", floats_agree},
                                     {"frozen parameters", frozen_parameters},
                                     {"frozen norm is inference", frozen_norm_is_inference},
                                     {"batch statistics", batch_statistics},
                                     {"deterministic", deterministic}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
