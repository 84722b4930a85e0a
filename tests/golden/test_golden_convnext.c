/* ConvNeXt-Tiny against torchvision: logits, loss, every gradient (also on the plain C backend, on a smaller input), ten AdamW steps.
 * Golden file: tools/golden/golden_nets.py. */
#include "net_golden.h"

#include "train/loss_class.h"

#include <stdio.h>

#define CLASSES 10
#define STEPS 10
#define IMAGES 2
#define TOLERANCE 1e-4

static const urs_model_options options = {.arch = "convnext_tiny", .classes = CLASSES, .input_width = 96, .input_height = 64, .drop_path = -1};
static const urs_model_options small = {.arch = "convnext_tiny", .classes = CLASSES, .input_width = 32, .input_height = 32, .drop_path = -1};

static urs_status forward_backward(urs_net *net, double *loss, urs_error *err)
{
    const int32_t labels[IMAGES] = {0, 3};
    urs_status status = urs_plan_forward(net->plan, err);
    if (status == URS_OK)
        status = urs_softmax_loss(loss, urs_plan_output_gradient(net->plan, 0), NULL, urs_plan_output(net->plan, 0), labels, IMAGES, CLASSES, NULL, err);
    return status == URS_OK ? urs_plan_backward(net->plan, err) : status;
}

static void first_pass(urs_test *t, const urs_model_options *o, const char *backend, const char *input, const char *prefix)
{
    urs_net net;
    urs_error err = {0};
    double loss;
    URS_REQUIRE_OK(t, urs_net_open(&net, "convnext_tiny.gold", o, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, backend, IMAGES, true, &err), err);
    urs_net_input(&net, input, -2, 2);
    URS_REQUIRE_OK(t, forward_backward(&net, &loss, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "%slogits", prefix)), 0, TOLERANCE);
    URS_CHECK_NEAR(t, loss, urs_golden_find(net.golden, "%sloss", prefix)->f64[0], TOLERANCE);
    printf("     on %s: worst gradient %.2g\n", *backend ? backend : "the fastest", urs_net_check_gradients(t, &net, prefix, TOLERANCE));
    urs_net_close(&net);
}

static void gradients(urs_test *t)
{
    first_pass(t, &options, "", "input", "");
    first_pass(t, &small, "", "small", "small/");
}

static void gradients_on_ref(urs_test *t)
{
    first_pass(t, &small, "ref", "small", "small/");
}

static void steps(urs_test *t)
{
    const urs_optimiser_options adamw = {.kind = URS_OPTIMISER_ADAMW, .groups = {{.weight_decay = 0.05}, {.weight_decay = 0}}};
    const urs_golden_tensor *losses;
    urs_net net;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_net_open(&net, "convnext_tiny.gold", &options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "", IMAGES, true, &err), err);
    URS_REQUIRE_OK(t, urs_net_optimiser(&net, &adamw, &err), err);
    urs_net_input(&net, "input", -2, 2);
    losses = urs_golden_find(net.golden, "losses");
    URS_REQUIRE(t, losses && losses->count == STEPS);
    for (int step = 0; step < STEPS; step++) {
        double loss;
        URS_REQUIRE_OK(t, forward_backward(&net, &loss, &err), err);
        URS_CHECK_NEAR(t, loss, losses->f64[step], TOLERANCE * losses->f64[step]);
        URS_REQUIRE_OK(t, urs_net_step(&net, 1e-5, 0, 0, &err), err);
    }
    printf("     worst change after ten steps %.2g\n", urs_net_check_deltas(t, &net, TOLERANCE, 1e-2));
    urs_net_close(&net);
}

int main(void)
{
    static const urs_case cases[] = {{"logits, loss, gradients", gradients}, {"the same on ref", gradients_on_ref}, {"ten AdamW steps", steps}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
