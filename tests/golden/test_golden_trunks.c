/* The trunks of spec/models.md 4.1 to 4.3 that have no test of their own, and Swin-T (4.5), against torchvision and timm: inference, loss and every gradient. Golden files:
 * tools/golden/golden_nets.py. With URSID_SLOW_TESTS=1 in the environment also in double, where gradients agree to 1e-7 and better. */
#include "net_classifier.h"

#include <stdlib.h>

#define SHAPE(w) .classes = URS_NET_CLASSES, .input_width = w, .input_height = 64, .dropout = -1, .drop_path = -1

static void check(urs_test *t, const char *file, const urs_model_options *options, int32_t n)
{
    urs_net_check_settled_inference(t, file, options, n, "");
    urs_net_check_first_pass(t, file, options, n, "");
    if (getenv("URSID_SLOW_TESTS")) /* minutes under the sanitizers */
        urs_net_check_in_double(t, file, options, n);
}

static void mobilenet_large(urs_test *t)
{
    const urs_model_options options = {.arch = "mobilenet_v3_large", SHAPE(96)};
    check(t, "mobilenet_v3_large.gold", &options, 2);
}

static void resnet50(urs_test *t)
{
    const urs_model_options options = {.arch = "resnet50", SHAPE(64)};
    check(t, "resnet50.gold", &options, 4);
}

static void efficientnet_v2_s(urs_test *t)
{
    const urs_model_options options = {.arch = "efficientnet_v2_s", SHAPE(64)};
    check(t, "efficientnet_v2_s.gold", &options, 4);
}

/* Against timm; without the network in double, whose smallest picture of 224 x 224 takes too long there. Its operations are proved one by one (test_ops_ref). */
static void swin_tiny(urs_test *t)
{
    urs_model_options options = {.arch = "swin_tiny", .classes = URS_NET_CLASSES, .drop_path = -1};
    urs_net net;
    urs_error err = {0};
    urs_net_check_inference(t, "swin_tiny.gold", &options, 1, "");
    urs_net_check_first_pass(t, "swin_tiny.gold", &options, 1, "");
    options.classes = -1;
    URS_REQUIRE_OK(t, urs_net_open(&net, "swin_tiny.gold", &options, &err), err);
    URS_REQUIRE_OK(t, urs_net_plan(&net, "", 1, false, &err), err);
    urs_net_chosen_input(&net);
    URS_REQUIRE_OK(t, urs_plan_forward(net.plan, &err), err);
    URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), urs_golden_find(net.golden, "features")), 0, URS_NET_TOLERANCE);
    urs_net_close(&net);
}

int main(void)
{
    static const urs_case cases[] = {{"MobileNetV3-Large", mobilenet_large}, {"ResNet-50", resnet50}, {"EfficientNetV2-S", efficientnet_v2_s}, {"Swin-T", swin_tiny}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
