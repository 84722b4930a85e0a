/* The networks that are shaped for an NPU against PyTorch: outputs with the starting weights, in double and on the fastest backend. Golden file: tools/golden/golden_variants.py. */
#include "net_golden.h"

#include <stdio.h>

#define FILE_NAME "npu_variants.gold"
#define CLASSES 10
#define EXACT 1e-8 /* in double: what remains is the eps of the norms, which our graph keeps as float */
#define CLOSE 1e-4

static urs_status run(urs_net *net, const urs_model_options *options, const char *backend, double low, urs_error *err)
{
    urs_status status = urs_net_open(net, FILE_NAME, options, err);
    if (status == URS_OK)
        status = urs_net_plan(net, backend, 2, false, err);
    if (status != URS_OK)
        return status;
    urs_net_input(net, "variant", low, low < 0 ? 2 : 1);
    return urs_plan_forward(net->plan, err);
}

static void classifier(urs_test *t, const urs_model_options *options, const char *key)
{
    static const char *const backends[] = {"double", ""};
    for (int i = 0; i < 2; i++) {
        const urs_golden_tensor *expected;
        urs_net net;
        urs_error err = {0};
        URS_REQUIRE_OK(t, run(&net, options, backends[i], -2, &err), err);
        expected = urs_golden_find(net.golden, "%s", key);
        URS_REQUIRE(t, expected);
        if (net.doubles)
            URS_CHECK_NEAR(t, urs_golden_scaled_error_f64(urs_plan_output(net.plan, 0), expected), 0, EXACT);
        else
            URS_CHECK_NEAR(t, urs_golden_scaled_error_f32(urs_plan_output(net.plan, 0), expected), 0, CLOSE);
        urs_net_close(&net);
    }
}

static void convnext(urs_test *t)
{
    const urs_model_options options = {.arch = "convnext_tiny_npu", .classes = CLASSES, .input_width = 64, .input_height = 64};
    classifier(t, &options, "convnext/logits");
}

static void yolo(urs_test *t)
{
    static const char *const outputs[] = {"box0", "box1", "box2", "class0", "class1", "class2", "coef0", "coef1", "coef2", "proto"};
    static const char *const backends[] = {"double", ""};
    const urs_model_options options = {.arch = "yolov8n-seg-hs", .classes = 3, .input_width = 96, .input_height = 64};
    for (int b = 0; b < 2; b++) {
        const urs_value *values;
        urs_net net;
        urs_error err = {0};
        URS_REQUIRE_OK(t, run(&net, &options, backends[b], 0, &err), err);
        (void)urs_graph_outputs(net.graph, &values);
        for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
            const int32_t k = urs_graph_find_output(net.graph, outputs[i]);
            const urs_golden_tensor *digest = urs_golden_find(net.golden, "yolo/%s", outputs[i]);
            urs_dims d;
            URS_REQUIRE(t, k >= 0 && digest);
            d = urs_graph_dims(net.graph, values[k]);
            URS_CHECK_NEAR(t, urs_net_digest_error(digest, outputs[i], urs_plan_output(net.plan, k), net.doubles, (size_t)(2 * d.c * d.h * d.w), 0), 0, net.doubles ? EXACT : CLOSE);
        }
        urs_net_close(&net);
    }
}

int main(void)
{
    static const urs_case cases[] = {
        {"ConvNeXt-Tiny with batch norms and hard-swish", convnext},
        {"YOLOv8n-seg with hard-swish", yolo},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
