/* Inference plans: folding and fusing change nothing, whatever the shape of the graph; new weights, determinism, refused options. */
#include "plan_graphs.h"

#include "nn/plan_private.h"

#include <pthread.h>

static urs_plan *new_plan(urs_test *t, const net *x, urs_plan_options options)
{
    urs_plan *plan = NULL;
    urs_error err = {0};
    if (urs_plan_new(&plan, x->graph, x->params, &options, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return plan;
}

static bool run(urs_test *t, const net *x, urs_plan *plan, int32_t first_image)
{
    urs_error err = {0};
    if (!plan)
        return false;
    fill_input(x, plan, false, first_image);
    if (urs_plan_forward(plan, &err) == URS_OK)
        return true;
    urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return false;
}

/* All outputs of `got` against those of `expected`; image `row` of expected where got has one image. */
static void compare(urs_test *t, const net *x, const char *what, const urs_plan *got, const urs_plan *expected, int32_t row, double tolerance)
{
    const urs_value *values;
    const int32_t n = urs_graph_outputs(x->graph, &values);
    for (int32_t i = 0; i < n; i++) {
        const size_t count = output_elements(x, i, urs_plan_batch(got));
        const float *a = urs_plan_output(got, i), *b = urs_plan_output(expected, i);
        double d;
        URS_REQUIRE(t, a && b);
        d = difference(a, b + (size_t)row * count, count);
        if (!(d <= tolerance))
            urs_test_fail(t, __FILE__, __LINE__, "%s: output %s is off by %.3g", what, urs_graph_output_name(x->graph, i), d);
    }
    URS_CHECK(t, urs_plan_output(got, n) == NULL && urs_plan_output(got, -1) == NULL);
}

static void fusing_changes_nothing(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++) {
        net x;
        urs_plan *truth;
        URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
        truth = new_plan(t, &x, (urs_plan_options){.backend = urs_backend_ref(), .batch = 3, .no_fusion = true});
        URS_REQUIRE(t, run(t, &x, truth, 0));
        for (int b = 0; backend_at(b); b++)
            for (int fused = 0; fused < 2; fused++) {
                urs_plan *three = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 3, .no_fusion = !fused});
                urs_plan *one = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .no_fusion = !fused});
                char what[120];
                (void)snprintf(what, sizeof what, "%s, %s, %s", plan_graphs[i].name, backend_at(b)->name, fused ? "fused" : "plain");
                if (run(t, &x, three, 0)) {
                    compare(t, &x, what, three, truth, 0, 1e-5);
                    /* Again: what the first run left must not matter. */
                    if (run(t, &x, three, 0))
                        compare(t, &x, what, three, truth, 0, 1e-5);
                }
                for (int32_t image = 0; image < 3 && run(t, &x, one, image); image++)
                    compare(t, &x, what, one, truth, image, 1e-5);
                urs_plan_free(three);
                urs_plan_free(one);
            }
        urs_plan_free(truth);
        close_net(&x);
    }
}

static int count_ops(const urs_plan *plan, urs_op_kind op)
{
    int n = 0;
    for (int32_t i = 0; i < plan->n_steps; i++)
        n += plan->steps[i].kind == URS_STEP_KERNEL && plan->lowered[plan->steps[i].lowered].op == op;
    return n;
}

static void fusing_leaves_convolutions_only(urs_test *t)
{
    net x;
    urs_plan *fused, *plain;
    URS_REQUIRE(t, open_net(t, &x, residual_blocks));
    fused = new_plan(t, &x, (urs_plan_options){.backend = urs_backend_ref()});
    plain = new_plan(t, &x, (urs_plan_options){.backend = urs_backend_ref(), .no_fusion = true});
    URS_REQUIRE(t, fused && plain);
    URS_CHECK_INT(t, fused->n_steps, 7); /* six convolutions and the pool */
    URS_CHECK_INT(t, count_ops(fused, URS_OP_CONV), 6);
    URS_CHECK_INT(t, count_ops(plain, URS_OP_BATCH_NORM), 6);
    URS_CHECK_INT(t, count_ops(plain, URS_OP_ADD), 2);
    URS_CHECK_INT(t, count_ops(plain, URS_OP_ACTIVATION), 5);
    urs_plan_free(fused);
    urs_plan_free(plain);
    close_net(&x);
    URS_REQUIRE(t, open_net(t, &x, dropout_everywhere));
    fused = new_plan(t, &x, (urs_plan_options){.backend = urs_backend_ref()});
    URS_REQUIRE(t, fused);
    URS_CHECK_INT(t, fused->n_steps, 4); /* two convolutions, pool, linear */
    urs_plan_free(fused);
    close_net(&x);
}

static void input_is_output(urs_test *t)
{
    net x;
    URS_REQUIRE(t, open_net(t, &x, many_outputs));
    for (int b = 0; backend_at(b); b++) {
        urs_plan *plan = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2});
        URS_REQUIRE(t, run(t, &x, plan, 0));
        URS_CHECK_NEAR(t, difference(urs_plan_output(plan, 0), urs_plan_input(plan, 0), input_elements(&x, 2)), 0, 0);
        URS_CHECK_NEAR(t, difference(urs_plan_output(plan, 1), urs_plan_output(plan, 5), output_elements(&x, 1, 2)), 0, 0);
        URS_CHECK(t, urs_plan_input(plan, 1) == NULL && urs_plan_input(plan, -1) == NULL);
        URS_CHECK(t, urs_plan_output_gradient(plan, 0) == NULL && urs_plan_gradients(plan) == NULL && urs_plan_input_gradient(plan) == NULL);
        urs_plan_free(plan);
    }
    close_net(&x);
}

/* A plan that is told of new weights gives the bytes of a plan that was made with them. */
static void update(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int b = 0; backend_at(b); b++) {
            net x;
            urs_plan *old, *fresh;
            URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
            old = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2});
            URS_REQUIRE(t, run(t, &x, old, 0));
            randomise(&x, 99);
            fresh = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2});
            urs_plan_update(old);
            URS_REQUIRE(t, run(t, &x, old, 0) && run(t, &x, fresh, 0));
            compare(t, &x, plan_graphs[i].name, old, fresh, 0, 0);
            urs_plan_free(old);
            urs_plan_free(fresh);
            close_net(&x);
        }
}

typedef struct worker {
    const net *x;
    urs_plan *plan;
    urs_status status;
} worker;

static void *work(void *context)
{
    worker *w = context;
    urs_error err;
    for (int i = 0; i < 5 && w->status == URS_OK; i++)
        w->status = urs_plan_forward(w->plan, &err);
    return NULL;
}

/* Two threads over one block of parameters, each with its plan: the same bytes as alone. */
static void threads_agree(urs_test *t)
{
    for (int b = 0; backend_at(b); b++) {
        net x;
        worker w[2];
        pthread_t thread[2];
        urs_plan *alone;
        URS_REQUIRE(t, open_net(t, &x, residual_blocks));
        alone = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2});
        URS_REQUIRE(t, run(t, &x, alone, 0));
        for (int i = 0; i < 2; i++) {
            w[i] = (worker){.x = &x, .plan = new_plan(t, &x, (urs_plan_options){.backend = backend_at(b), .batch = 2})};
            URS_REQUIRE(t, w[i].plan);
            fill_input(&x, w[i].plan, false, 0);
        }
        for (int i = 0; i < 2; i++)
            URS_REQUIRE(t, pthread_create(&thread[i], NULL, work, &w[i]) == 0);
        for (int i = 0; i < 2; i++) {
            (void)pthread_join(thread[i], NULL);
            URS_CHECK_INT(t, w[i].status, URS_OK);
            URS_CHECK(t, memcmp(urs_plan_output(w[i].plan, 0), urs_plan_output(alone, 0), output_elements(&x, 0, 2) * sizeof(float)) == 0);
            urs_plan_free(w[i].plan);
        }
        urs_plan_free(alone);
        close_net(&x);
    }
}

static void refused(urs_test *t, const urs_graph *g, const float *params, urs_plan_options o, const char *sentence)
{
    urs_plan *plan = (urs_plan *)(uintptr_t)1;
    urs_error err = {0};
    URS_CHECK_INT(t, urs_plan_new(&plan, g, params, &o, &err), URS_EINVAL);
    URS_CHECK(t, plan == (urs_plan *)(uintptr_t)1);
    if (!strstr(err.message, sentence))
        urs_test_fail(t, __FILE__, __LINE__, "said \"%s\", not \"%s\"", err.message, sentence);
}

static void refused_options(urs_test *t)
{
    const bool frozen[16] = {false};
    net x;
    urs_graph *open = NULL;
    urs_plan *plan;
    urs_error err;
    URS_REQUIRE(t, open_net(t, &x, transposed_in_groups));
    URS_REQUIRE_OK(t, urs_graph_new(&open, &err), err);
    urs_graph_output(open, urs_graph_input(open, (urs_dims){1, 1, 1}), "y");
    refused(t, open, x.params, (urs_plan_options){0}, "finished graph");
    refused(t, NULL, x.params, (urs_plan_options){0}, "finished graph");
    refused(t, x.graph, NULL, (urs_plan_options){0}, "parameters");
    refused(t, x.graph, x.params, (urs_plan_options){.batch = -1}, "batch of -1");
    refused(t, x.graph, x.params, (urs_plan_options){.batch = 4097}, "batch of 4097");
    refused(t, x.graph, x.params, (urs_plan_options){.dtype = (urs_dtype)7}, "element type 7");
    refused(t, x.graph, x.params, (urs_plan_options){.input_gradient = true}, "training");
    refused(t, x.graph, x.params, (urs_plan_options){.frozen_norm = true}, "training");
    refused(t, x.graph, x.params, (urs_plan_options){.frozen = frozen}, "training");
    if (urs_backend_onednn())
        refused(t, x.graph, x.params, (urs_plan_options){.backend = urs_backend_onednn(), .dtype = URS_DTYPE_F64}, "no doubles");
    /* No options at all: one image, fastest backend, inference. */
    URS_REQUIRE_OK(t, urs_plan_new(&plan, x.graph, x.params, NULL, &err), err);
    URS_CHECK_INT(t, urs_plan_batch(plan), 1);
    URS_CHECK(t, urs_plan_bytes(plan) > 0);
    URS_CHECK_INT(t, urs_plan_backward(plan, &err), URS_EINVAL);
    URS_CHECK_TEXT(t, err.message, "an inference plan has no backward pass");
    urs_plan_free(plan);
    urs_plan_free(NULL);
    urs_graph_free(open);
    close_net(&x);
}

int main(void)
{
    static const urs_case cases[] = {{"fusing changes nothing", fusing_changes_nothing},
                                     {"fusing leaves convolutions only", fusing_leaves_convolutions_only},
                                     {"input is output", input_is_output},
                                     {"update", update},
                                     {"threads agree", threads_agree},
                                     {"refused options", refused_options}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
