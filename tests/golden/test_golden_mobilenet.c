/* MobileNetV3-Small against torchvision: logits, loss, every gradient, ten SGD steps; EfficientNet-Lite0 against our plain PyTorch reference and, where
 * its published weights are at hand ($URSID_LITE0_PTH), against those. Golden files: tools/golden/golden_nets.py. */
#include "net_golden.h"

#include "formula.h"

#include "base/memory.h"
#include "nn/weights.h"
#include "train/loss_class.h"

#include <stdio.h>
#include <stdlib.h>

#define CLASSES 10
#define STEPS 10
#define TOLERANCE 1e-4

static const urs_model_options mobilenet = {.arch = "mobilenet_v3_small", .classes = CLASSES, .input_width = 64, .input_height = 96, .dropout = -1};
static const urs_model_options lite = {.arch = "efficientnet_lite0", .classes = CLASSES, .input_width = 48, .input_height = 64, .dropout = -1, .drop_path = -1};

/* The picture that golden_nets.far_from_kinks chose. */
static void chosen_input(urs_net *net)
{
    const urs_golden_tensor *number = urs_golden_find(net->golden, "input");
    char name[32];
    (void)snprintf(name, sizeof name, "input%lld", number ? (long long)number->i64[0] : -1LL);
    urs_net_input(net, name, -2, 2);
}

/* Forward, cross-entropy, backward. */
static urs_status forward_backward(urs_net *net, double *loss, urs_error *err)
{
    const int32_t n = urs_plan_batch(net->plan);
    int32_t labels[8];
    urs_status status = urs_plan_forward(net->plan, err);
    for (int32_t i = 0; i < n; i++)
        labels[i] = i * 3 % CLASSES;
    if (status == URS_OK)
        status = urs_softmax_loss(loss, urs_plan_output_gradient(net->plan, 0), NULL, urs_plan_output(net->plan, 0), labels, n, CLASSES, NULL, err);
    return status == URS_OK ? urs_plan_backward(net->plan, err) : status;
}

/* The same in double, which proves the graph itself: kinks of ReLU and ReLU6 do not blur the comparison. What remains is the eps of the norms, which our
 * graph keeps as float (0.001f). */
static void in_double(urs_test *t, const char *file, const urs_model_options *options, int32_t n)
{
    urs_net net;
    urs_error err = {0};
    const double *logits;
    double *gradient;
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "double", n, true, &err), err);
    chosen_input(&net);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    logits = urs_plan_output(net.plan, 0);
    gradient = urs_plan_output_gradient(net.plan, 0);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f64(logits, urs_golden_find(net.golden, "logits")), 0, 1e-8);
    for (int32_t i = 0; i < n; i++, logits += CLASSES, gradient += CLASSES) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += exp(logits[k]);
        for (int k = 0; k < CLASSES; k++)
            gradient[k] = (exp(logits[k]) / sum - (k == i * 3 % CLASSES)) / n;
    }
    URS_REQUIRE_OK(t, urs_plan_backward(net.plan, &err), err);
    printf("     %s in double: worst gradient %.2g\n", options->arch, urs_net_check_gradients(t, &net, "", 1e-7));
    urs_net_close(&net);
}

static void inference(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend)
{
    urs_net net;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, backend, n, false, &err), err);
    chosen_input(&net);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "eval/logits")), 0, TOLERANCE);
    urs_net_close(&net);
}

static void first_pass(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend)
{
    urs_net net;
    urs_error err = {0};
    double loss, worst;
    URS_REQUIRE_OK(t, urs_net_open(&net, file, options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, backend, n, true, &err), err);
    chosen_input(&net);
    URS_REQUIRE_OK(t, forward_backward(&net, &loss, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "logits")), 0, TOLERANCE);
    URS_CHECK_NEAR(t, loss, urs_golden_find(net.golden, "loss")->f64[0], TOLERANCE);
    worst = urs_net_check_gradients(t, &net, "", TOLERANCE);
    printf("     %s on %s: worst gradient %.2g\n", options->arch, *backend ? backend : "the fastest", worst);
    urs_net_close(&net);
}

static void mobilenet_inference(urs_test *t)
{
    inference(t, "mobilenet_v3_small.gold", &mobilenet, 4, "");
    inference(t, "mobilenet_v3_small.gold", &mobilenet, 4, "ref");
}

static void mobilenet_gradients(urs_test *t)
{
    in_double(t, "mobilenet_v3_small.gold", &mobilenet, 4);
    first_pass(t, "mobilenet_v3_small.gold", &mobilenet, 4, "");
    first_pass(t, "mobilenet_v3_small.gold", &mobilenet, 4, "ref");
}

static void mobilenet_steps(urs_test *t)
{
    const urs_optimiser_options sgd = {.kind = URS_OPTIMISER_SGD, .nesterov = true, .groups = {{.weight_decay = 1e-4}, {.weight_decay = 1e-4}}};
    const urs_golden_tensor *losses;
    urs_net net;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_open(&net, "mobilenet_v3_small.gold", &mobilenet, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "", 4, true, &err), err);
    URS_REQUIRE_OK(t, urs_net_optimiser(&net, &sgd, &err), err);
    chosen_input(&net);
    losses = urs_golden_find(net.golden, "losses");
    URS_REQUIRE(t, losses && losses->count == STEPS);
    for (int step = 0; step < STEPS; step++) {
        double loss;
        URS_REQUIRE_OK(t, forward_backward(&net, &loss, &err), err);
        URS_CHECK_NEAR(t, loss, losses->f64[step], TOLERANCE * losses->f64[step]);
        URS_REQUIRE_OK(t, urs_net_step(&net, 0.01, 0.9, 0, &err), err);
    }
    printf("     worst change after ten steps %.2g\n", urs_net_check_deltas(t, &net, TOLERANCE, 1e-3));
    urs_net_close(&net);
}

/* Gradients in double only: among so many ReLU6 a few stand so near a kink that float rounding puts them on its other side, which is right, too, but moves
 * gradients by a thousandth. */
static void lite_network(urs_test *t)
{
    in_double(t, "efficientnet_lite0.gold", &lite, 2);
    inference(t, "efficientnet_lite0.gold", &lite, 2, "");
}

static void lite_published(urs_test *t)
{
    const urs_model_options options = {.arch = "efficientnet_lite0"};
    const char *path = getenv("URSID_LITE0_PTH");
    urs_weights *w = NULL;
    urs_net net;
    urs_error err = {0};
    if (!path) {
        urs_test_skip(t, "URSID_LITE0_PTH does not name the published weights");
        return;
    }
    URS_REQUIRE_OK(t, urs_net_open(&net, "efficientnet_lite0.gold", &options, &err), err);
    URS_REQUIRE_OK(t, urs_weights_read(&w, path, &err), err);
    URS_REQUIRE_OK(t, urs_weights_load_into(net.graph, net.start, w, NULL, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "", 1, false, &err), err);
    urs_net_input(&net, "published", -2, 2);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "published/logits")), 0, TOLERANCE);
    urs_weights_free(w);
    urs_net_close(&net);
}

int main(void)
{
    static const urs_case cases[] = {
        {"MobileNetV3-Small: inference", mobilenet_inference}, {"MobileNetV3-Small: loss and gradients", mobilenet_gradients},
        {"MobileNetV3-Small: ten SGD steps", mobilenet_steps}, {"EfficientNet-Lite0: inference, loss and gradients", lite_network},
        {"EfficientNet-Lite0: published weights", lite_published},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
