/* Golden tests of classifiers; see net_classifier.h. */
#include "net_classifier.h"

#include "train/loss_class.h"

#include <math.h>
#include <stdio.h>

void urs_net_chosen_input(urs_net *net)
{
    const urs_golden_tensor *number = urs_golden_find(net->golden, "input");
    char name[32];
    (void)snprintf(name, sizeof name, "input%lld", number ? (long long)number->i64[0] : -1LL);
    urs_net_input(net, name, -2, 2);
}

urs_status urs_net_forward_backward(urs_net *net, double *loss, urs_error *err)
{
    const int32_t n = urs_plan_batch(net->plan);
    int32_t labels[8];
    urs_status status = urs_plan_forward(net->plan, err);
    for (int32_t i = 0; i < n; i++)
        labels[i] = i * 3 % URS_NET_CLASSES;
    if (status == URS_OK)
        status = urs_softmax_loss(loss, urs_plan_output_gradient(net->plan, 0), NULL, urs_plan_output(net->plan, 0), labels, n, URS_NET_CLASSES, NULL, err);
    return status == URS_OK ? urs_plan_backward(net->plan, err) : status;
}

void urs_net_check_in_double(urs_test *t, const char *file, const urs_model_options *options, int32_t n)
{
    urs_net net;
    urs_error err = {0};
    const double *logits;
    double *gradient;
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "double", n, true, &err), err);
    urs_net_chosen_input(&net);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    logits = urs_plan_output(net.plan, 0);
    gradient = urs_plan_output_gradient(net.plan, 0);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f64(logits, urs_golden_find(net.golden, "logits")), 0, 1e-8);
    for (int32_t i = 0; i < n; i++, logits += URS_NET_CLASSES, gradient += URS_NET_CLASSES) {
        double sum = 0;
        for (int k = 0; k < URS_NET_CLASSES; k++)
            sum += exp(logits[k]);
        for (int k = 0; k < URS_NET_CLASSES; k++)
            gradient[k] = (exp(logits[k]) / sum - (k == i * 3 % URS_NET_CLASSES)) / n;
    }
    URS_REQUIRE_OK(t, urs_plan_backward(net.plan, &err), err);
    printf("     %s in double: worst gradient %.2g\n", options->arch, urs_net_check_gradients(t, &net, "", 1e-7));
    urs_net_close(&net);
}

static void compare_inference(urs_test *t, urs_net *net, int32_t n, const char *backend)
{
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_plan(net, backend, n, false, &err), err);
    urs_net_chosen_input(net);
    URS_REQUIRE_OK(t, urs_plan_forward(net->plan, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net->plan, 0), urs_golden_find(net->golden, "eval/logits")), 0, URS_NET_TOLERANCE);
}

void urs_net_check_inference(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend)
{
    urs_net net;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    compare_inference(t, &net, n, backend);
    urs_net_close(&net);
}

/* The forward pass leaves the batch's statistics where the gradients of the running ones would stand. */
static void settle(urs_net *net)
{
    const float *batch = urs_plan_gradients(net->plan);
    const urs_param *params;
    const int32_t n = urs_graph_params(net->graph, &params);
    for (int32_t i = 0; i < n; i++)
        if (params[i].role == URS_ROLE_MEAN || params[i].role == URS_ROLE_VARIANCE)
            memcpy(net->start + params[i].offset, batch + params[i].offset, params[i].count * sizeof(float));
}

void urs_net_check_settled_inference(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend)
{
    urs_net net;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, backend, n, true, &err), err);
    urs_net_chosen_input(&net);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    settle(&net);
    compare_inference(t, &net, n, backend);
    urs_net_close(&net);
}

void urs_net_check_first_pass(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend)
{
    urs_net net;
    urs_error err = {0};
    double loss, worst;
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, backend, n, true, &err), err);
    urs_net_chosen_input(&net);
    URS_REQUIRE_OK(t, urs_net_forward_backward(&net, &loss, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "logits")), 0, URS_NET_TOLERANCE);
    URS_CHECK_NEAR(t, loss, urs_golden_find(net.golden, "loss")->f64[0], URS_NET_TOLERANCE);
    worst = urs_net_check_gradients(t, &net, "", URS_NET_TOLERANCE);
    printf("     %s on %s: worst gradient %.2g\n", options->arch, *backend ? backend : "the fastest", worst);
    urs_net_close(&net);
}
