/* Architectures: parameter and multiply-add counts of the published networks, names, shapes, heads, and options through JSON. */
#include "harness.h"

#include "base/memory.h"
#include "models/models.h"

#include <stdio.h>
#include <stdlib.h>

static urs_graph *built(urs_test *t, const urs_model_options *options)
{
    urs_error err = {0};
    urs_graph *g = NULL;
    if (urs_model_build(&g, options, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", options->arch, err.message);
    return g;
}

/* spec/models.md 4.0; MACs in millions, to the digits given there. The count of EfficientNet-Lite0 is that of the published weights. */
static void counts(urs_test *t)
{
    static const struct {
        urs_model_options options;
        int64_t params;
        double mega_macs, tolerance;
    } rows[] = {
        {{.arch = "mobilenet_v3_small"}, 2542856, 57, 0.6},
        {{.arch = "mobilenet_v3_small", .classes = -1}, 927008, 0, 0},
        {{.arch = "mobilenet_v3_large"}, 5483032, 216.6, 0.6},
        {{.arch = "resnet50"}, 25557032, 4089, 0.6},
        {{.arch = "resnet50", .classes = -1}, 23508032, 0, 0},
        {{.arch = "efficientnet_v2_s"}, 21458488, 8366, 0.6},
        {{.arch = "efficientnet_v2_s", .classes = -1, .input_width = 300, .input_height = 300}, 20177488, 5310, 6},
        {{.arch = "efficientnet_v2_s", .input_width = 224, .input_height = 224}, 21458488, 2850, 6},
        {{.arch = "convnext_tiny"}, 28589128, 4456, 0.6},
        {{.arch = "convnext_tiny", .classes = -1}, 27820128, 0, 0},
        {{.arch = "swin_tiny"}, 28288354, 4491, 0.6},
        {{.arch = "swin_tiny", .classes = -1}, 27519354, 0, 0},
        {{.arch = "efficientnet_lite0"}, 4652008, 0, 0},
        {{.arch = "yolov8n", .classes = 80}, 3157200, 4370, 6},
        {{.arch = "yolov8n", .classes = 2}, 3011238, 0, 0},
        {{.arch = "yolov8n", .classes = 1}, 3011043, 4040, 6},
        {{.arch = "yolov8n", .classes = 1, .input_width = 160, .input_height = 160}, 3011043, 253, 0.6},
        {{.arch = "yolov8n", .classes = 1, .input_width = 1024, .input_height = 1024}, 3011043, 10350, 6},
        {{.arch = "yolov8n-seg", .classes = 80}, 3409968, 6000, 6},
        {{.arch = "yolov8n-seg", .classes = 1}, 3263811, 5670, 6},
        {{.arch = "yolov8n-seg", .classes = 1, .input_width = 160, .input_height = 160}, 3263811, 354, 0.6},
        {{.arch = "yolov8n-hs", .classes = 80}, 3157200, 4370, 6},
        {{.arch = "yolov8n-seg-hs", .classes = 1}, 3263811, 5670, 6},
        {{.arch = "convnext_tiny_npu"}, 28589128 + 2 * (768 - 96), 4456, 0.6}, /* norms of 192, 384, 768 behind the downsamplings for those of 96, 192, 384 before */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_graph *g = built(t, &rows[i].options);
        if (!g)
            continue;
        URS_CHECK_INT(t, urs_graph_param_count(g) + urs_arch_find(rows[i].options.arch)->fixed_params, rows[i].params);
        if (rows[i].mega_macs > 0)
            URS_CHECK_NEAR(t, (double)urs_graph_macs(g) / 1e6, rows[i].mega_macs, rows[i].tolerance);
        urs_graph_free(g);
    }
}

/* Trunk of YOLOv8n: 1,272,656 of its parameters stand in front of the neck (sum of the rows 0..9 of the layer table). */
static void yolo_trunk(urs_test *t)
{
    const urs_model_options options = {.arch = "yolov8n_trunk", .classes = -1};
    urs_graph *g = built(t, &options);
    URS_REQUIRE(t, g);
    URS_CHECK_INT(t, urs_graph_param_count(g), 464 + 4672 + 7360 + 18560 + 49664 + 73984 + 197632 + 295424 + 460288 + 164608);
    urs_graph_free(g);
}

static void has(urs_test *t, const urs_graph *g, const char *name, int32_t rank, const int64_t *shape)
{
    const urs_param *params;
    const int32_t index = urs_graph_find_param(g, name);
    (void)urs_graph_params(g, &params);
    if (index < 0) {
        urs_test_fail(t, __FILE__, __LINE__, "no parameter %s", name);
        return;
    }
    if (params[index].rank != rank) {
        urs_test_fail(t, __FILE__, __LINE__, "%s has rank %d", name, (int)params[index].rank);
        return;
    }
    for (int32_t i = 0; i < rank; i++) {
        if (params[index].shape[i] != shape[i])
            urs_test_fail(t, __FILE__, __LINE__, "%s: dimension %d is %lld, expected %lld", name, (int)i, (long long)params[index].shape[i], (long long)shape[i]);
    }
}
#define HAS(g, name, rank, ...) has(t, g, name, rank, (const int64_t[]){__VA_ARGS__})

static void names(urs_test *t)
{
    urs_model_options options = {.arch = "mobilenet_v3_small"};
    urs_graph *g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "features.0.0.weight", 4, 16, 3, 3, 3);
    HAS(g, "features.1.block.1.fc1.bias", 1, 8);
    HAS(g, "features.4.block.2.fc2.weight", 4, 96, 24, 1, 1);
    HAS(g, "features.11.block.3.1.running_var", 1, 96);
    HAS(g, "features.12.0.weight", 4, 576, 96, 1, 1);
    HAS(g, "classifier.3.weight", 2, 1000, 1024);
    urs_graph_free(g);

    options = (urs_model_options){.arch = "mobilenet_v3_small_075", .classes = -1, .penultimate = true, .tf_padding = true};
    g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "features.9.block.0.0.weight", 4, 240, 40, 1, 1);
    HAS(g, "features.11.block.2.fc1.weight", 4, 112, 432, 1, 1);
    HAS(g, "classifier.0.weight", 2, 1024, 432);
    urs_graph_free(g);

    options = (urs_model_options){.arch = "convnext_tiny"};
    g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "features.0.0.weight", 4, 96, 3, 4, 4);
    HAS(g, "features.5.8.block.0.weight", 4, 384, 1, 7, 7);
    HAS(g, "features.5.8.layer_scale", 3, 384, 1, 1);
    HAS(g, "features.6.1.weight", 4, 768, 384, 2, 2);
    HAS(g, "features.7.2.block.3.weight", 2, 3072, 768);
    HAS(g, "classifier.0.bias", 1, 768);
    HAS(g, "classifier.2.bias", 1, 1000);
    urs_graph_free(g);

    options = (urs_model_options){.arch = "yolov8n-seg", .classes = 1};
    g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "model.0.conv.weight", 4, 16, 3, 3, 3);
    HAS(g, "model.4.m.1.cv2.bn.running_mean", 1, 32);
    HAS(g, "model.22.cv2.2.2.weight", 4, 64, 64, 1, 1);
    HAS(g, "model.22.cv3.0.2.bias", 1, 1);
    HAS(g, "model.22.cv4.1.0.conv.weight", 4, 32, 128, 3, 3);
    HAS(g, "model.22.proto.upsample.weight", 4, 64, 64, 2, 2);
    HAS(g, "model.22.proto.cv3.conv.weight", 4, 32, 64, 1, 1);
    urs_graph_free(g);
}

static void dims_are(urs_test *t, const urs_graph *g, const char *output, int64_t c, int64_t h, int64_t w)
{
    const urs_value *values;
    const int32_t index = urs_graph_find_output(g, output);
    urs_dims d;
    if (index < 0) {
        urs_test_fail(t, __FILE__, __LINE__, "no output %s", output);
        return;
    }
    (void)urs_graph_outputs(g, &values);
    d = urs_graph_dims(g, values[index]);
    if (d.c != c || d.h != h || d.w != w)
        urs_test_fail(t, __FILE__, __LINE__, "%s is %lldx%lldx%lld", output, (long long)d.c, (long long)d.h, (long long)d.w);
}

static void detector_outputs(urs_test *t)
{
    const urs_model_options options = {.arch = "yolov8n-seg", .classes = 3, .input_width = 416, .input_height = 256};
    urs_graph *g = built(t, &options);
    URS_REQUIRE(t, g);
    dims_are(t, g, "box0", 64, 32, 52);
    dims_are(t, g, "box1", 64, 16, 26);
    dims_are(t, g, "box2", 64, 8, 13);
    dims_are(t, g, "class2", 3, 8, 13);
    dims_are(t, g, "coef0", 32, 32, 52);
    dims_are(t, g, "proto", 32, 64, 104);
    urs_graph_free(g);
}

/* spec/models.md 12: what the class branches start with. */
static void class_bias(urs_test *t)
{
    static const struct {
        int32_t classes;
        double start[3];
    } rows[] = {{1, {-7.154616, -5.768321, -4.382027}}, {80, {-11.536642, -10.150348, -8.764053}}};
    static const char *const bias_names[3] = {"model.22.cv3.0.2.bias", "model.22.cv3.1.2.bias", "model.22.cv3.2.2.bias"};
    for (size_t i = 0; i < 2; i++) {
        const urs_model_options options = {.arch = "yolov8n", .classes = rows[i].classes};
        const urs_param *params;
        urs_graph *g = built(t, &options);
        float *block;
        URS_REQUIRE(t, g);
        (void)urs_graph_params(g, &params);
        block = urs_array_new(urs_graph_block_elements(g), sizeof *block);
        if (block) {
            urs_graph_init_params(g, block, 1);
            for (int level = 0; level < 3; level++)
                URS_CHECK_NEAR(t, block[params[urs_graph_find_param(g, bias_names[level])].offset], rows[i].start[level], 2e-6);
            URS_CHECK_NEAR(t, block[params[urs_graph_find_param(g, "model.22.cv2.1.2.bias")].offset], 1.0, 0);
        }
        urs_free(block);
        urs_graph_free(g);
    }
}

static void embedding_heads(urs_test *t)
{
    urs_model_options options = {.arch = "convnext_tiny", .embedding = 512, .hidden = {1024, 2048}, .unit = true};
    urs_graph *g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "embedder.0.bn.weight", 1, 768);
    HAS(g, "embedder.0.linear.weight", 2, 1024, 768);
    HAS(g, "embedder.1.bn.running_mean", 1, 1024);
    HAS(g, "embedder.2.linear.weight", 2, 512, 2048);
    dims_are(t, g, "embedding", 512, 1, 1);
    dims_are(t, g, "unit", 512, 1, 1);
    URS_CHECK_INT(t, urs_graph_find_output(g, "logits"), -1);
    urs_graph_free(g);

    options = (urs_model_options){.arch = "efficientnet_lite0", .embedding = 256, .head = URS_HEAD_PLAIN, .no_head_norm = true};
    g = built(t, &options);
    URS_REQUIRE(t, g);
    HAS(g, "embedder.0.linear.bias", 1, 256);
    URS_CHECK_INT(t, urs_graph_find_param(g, "embedder.0.bn.weight"), -1);
    URS_CHECK_INT(t, urs_graph_find_output(g, "unit"), -1);
    urs_graph_free(g);
}

/* The map at a sixteenth of the input, averaged over 2 x 2: at 128 pixels a grid of 4 x 4. */
static void regions_of_the_trunk(urs_test *t)
{
    static const struct {
        const char *arch;
        int32_t channels;
    } rows[] = {{"efficientnet_lite0", 112}, {"mobilenet_v3_small", 48}, {"mobilenet_v3_small_075", 40}, {"convnext_tiny", 384}, {"yolov8n_trunk", 128}, {"resnet50", 1024}, {"efficientnet_v2_s", 160}, {"mobilenet_v3_large", 112}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_model_options options = {.input_width = 128, .input_height = 128, .embedding = 64, .head = URS_HEAD_PLAIN, .regions = true};
        urs_graph *g;
        (void)snprintf(options.arch, sizeof options.arch, "%s", rows[i].arch);
        g = built(t, &options);
        URS_REQUIRE(t, g);
        HAS(g, "embedder.regions.conv.weight", 4, 64, rows[i].channels, 4, 4);
        HAS(g, "embedder.regions.bn.running_mean", 1, rows[i].channels);
        dims_are(t, g, "embedding", 64, 1, 1);
        urs_graph_free(g);
        options.embedding = 0;
        options.classes = -1;
        g = built(t, &options);
        URS_REQUIRE(t, g);
        dims_are(t, g, "regions", rows[i].channels, 4, 4);
        urs_graph_free(g);
    }
}

static int count_ops(const urs_graph *g, urs_op_kind kind)
{
    const urs_node *nodes;
    const int32_t n = urs_graph_nodes(g, &nodes);
    int found = 0;
    for (int32_t i = 0; i < n; i++)
        found += nodes[i].op == kind;
    return found;
}

/* Block i of 18 drops with p*i/17, so the first has no node; negative: none. */
static void stochastic_depth(urs_test *t)
{
    urs_model_options options = {.arch = "convnext_tiny"};
    urs_graph *g = built(t, &options);
    URS_REQUIRE(t, g);
    URS_CHECK_INT(t, count_ops(g, URS_OP_DROP_PATH), 17);
    URS_CHECK_INT(t, count_ops(g, URS_OP_DROPOUT), 0);
    urs_graph_free(g);
    options.drop_path = -1;
    options.dropout = 0.5f;
    g = built(t, &options);
    URS_REQUIRE(t, g);
    URS_CHECK_INT(t, count_ops(g, URS_OP_DROP_PATH), 0);
    URS_CHECK_INT(t, count_ops(g, URS_OP_DROPOUT), 1);
    urs_graph_free(g);
    options = (urs_model_options){.arch = "efficientnet_lite0"};
    g = built(t, &options);
    URS_REQUIRE(t, g);
    URS_CHECK_INT(t, count_ops(g, URS_OP_DROP_PATH), 9);
    urs_graph_free(g);
}

static void feature_dims(urs_test *t)
{
    for (int32_t i = 0; i < urs_arch_count(); i++) {
        const urs_arch *arch = urs_arch_at(i);
        urs_model_options options = {.classes = -1};
        urs_graph *g;
        if (arch->detector)
            continue;
        memcpy(options.arch, arch->name, strlen(arch->name) + 1);
        g = built(t, &options);
        if (g)
            dims_are(t, g, "features", arch->feature_dim, 1, 1);
        urs_graph_free(g);
    }
}

static void refused(urs_test *t)
{
    static const struct {
        urs_model_options options;
        urs_status status;
    } rows[] = {
        {{.arch = "resnet9000"}, URS_ENOTFOUND},
        {{.arch = ""}, URS_ENOTFOUND},
        {{.arch = "yolov8n", .input_width = 100}, URS_EINVAL},
        {{.arch = "yolov8n", .input_height = 32000}, URS_ELIMIT},
        {{.arch = "yolov8n", .classes = -1}, URS_EINVAL},
        {{.arch = "yolov8n-seg", .embedding = 128}, URS_EINVAL},
        {{.arch = "convnext_tiny", .classes = 2000000000}, URS_ELIMIT},
        {{.arch = "convnext_tiny", .input_width = -5}, URS_EINVAL},
        {{.arch = "convnext_tiny", .embedding = -5}, URS_ELIMIT},
        {{.arch = "convnext_tiny", .hidden = {512}}, URS_EINVAL},
        {{.arch = "convnext_tiny", .embedding = 64, .hidden = {0, 512}}, URS_EINVAL},
        {{.arch = "convnext_tiny", .embedding = 64, .hidden = {512}, .head = URS_HEAD_PLAIN}, URS_EINVAL},
        {{.arch = "convnext_tiny", .dropout = 1.0f}, URS_EINVAL},
        {{.arch = "convnext_tiny", .drop_path = NAN}, URS_EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_graph *g = NULL;
        urs_error err = {0};
        URS_CHECK_INT(t, urs_model_build(&g, &rows[i].options, &err), rows[i].status);
        URS_CHECK(t, g == NULL);
        URS_CHECK(t, err.message[0] != '\0');
    }
}

static void options_survive_json(urs_test *t)
{
    static const urs_model_options rows[] = {
        {.arch = "mobilenet_v3_small"},
        {.arch = "mobilenet_v3_small_075", .input_width = 320, .input_height = 240, .classes = 3, .tf_padding = true, .dropout = 0.35f, .drop_path = -1},
        {.arch = "convnext_tiny", .embedding = 512, .hidden = {2048, 1024}, .unit = true, .drop_path = 0.3f},
        {.arch = "mobilenet_v3_small", .embedding = 128, .head = URS_HEAD_PLAIN, .no_head_norm = true, .penultimate = true, .classes = -1},
        {.arch = "efficientnet_lite0", .embedding = 128, .head = URS_HEAD_PLAIN, .input_width = 160, .input_height = 160, .regions = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_error err = {0};
        urs_model_options back;
        char *text = NULL, *again = NULL;
        URS_REQUIRE_OK(t, urs_model_options_to_json(&text, &rows[i], &err), err);
        URS_REQUIRE_OK(t, urs_model_options_from_json(&back, text, &err), err);
        URS_REQUIRE_OK(t, urs_model_options_to_json(&again, &back, &err), err);
        URS_CHECK_TEXT(t, again, text);
        URS_CHECK_TEXT(t, back.arch, rows[i].arch);
        URS_CHECK_INT(t, back.input_width, rows[i].input_width);
        URS_CHECK_INT(t, back.input_height, rows[i].input_height);
        URS_CHECK_INT(t, back.classes, rows[i].classes);
        URS_CHECK_INT(t, back.embedding, rows[i].embedding);
        URS_CHECK_INT(t, back.hidden[1], rows[i].hidden[1]);
        URS_CHECK_INT(t, back.hidden[2], 0);
        URS_CHECK_INT(t, back.head, rows[i].head);
        URS_CHECK(t, back.tf_padding == rows[i].tf_padding && back.penultimate == rows[i].penultimate && back.unit == rows[i].unit &&
                         back.no_head_norm == rows[i].no_head_norm && back.regions == rows[i].regions);
        URS_CHECK(t, back.dropout == rows[i].dropout && back.drop_path == rows[i].drop_path);
        urs_free(text);
        urs_free(again);
    }
}

static void json_text(urs_test *t)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small", .classes = 3, .input_height = 224, .input_width = 224, .tf_padding = true};
    urs_error err = {0};
    char *text = NULL;
    URS_REQUIRE_OK(t, urs_model_options_to_json(&text, &options, &err), err);
    URS_CHECK_TEXT(t, text, "{\"arch\":\"mobilenet_v3_small\",\"classes\":3,\"input_height\":224,\"input_width\":224,\"tf_padding\":true}");
    urs_free(text);
}

static void hostile_json(urs_test *t)
{
    static const char *const texts[] = {
        "", "{", "[]", "3", "{}", "{\"arch\":3}", "{\"arch\":\"a name that is much longer than any architecture has\"}",
        "{\"arch\":\"convnext_tiny\",\"classes\":1e3}", "{\"arch\":\"convnext_tiny\",\"classes\":99999999999}",
        "{\"arch\":\"convnext_tiny\",\"tf_padding\":1}", "{\"arch\":\"convnext_tiny\",\"dropout\":7}",
        "{\"arch\":\"convnext_tiny\",\"dropout\":0.999999999999}", "{\"arch\":\"convnext_tiny\",\"embedding\":64,\"hidden\":[1,2,3,4,5]}",
        "{\"arch\":\"convnext_tiny\",\"embedding\":64,\"hidden\":[0]}", "{\"arch\":\"convnext_tiny\",\"embedding\":64,\"hidden\":7}",
        "{\"arch\":\"convnext_tiny\",\"head\":\"round\"}", "{\"arch\":\"convnext_tiny\",\"arch\":\"yolov8n\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        urs_model_options out = {.arch = "untouched"};
        urs_error err = {0};
        const urs_status status = urs_model_options_from_json(&out, texts[i], &err);
        if (status == URS_OK)
            urs_test_fail(t, __FILE__, __LINE__, "accepted: %s", texts[i]);
        URS_CHECK_TEXT(t, out.arch, "untouched");
        URS_CHECK(t, err.message[0] != '\0');
    }
}

static void defaults(urs_test *t)
{
    urs_model_options o;
    urs_input_format format;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_model_options_default(&o, "convnext_tiny", &err), err);
    URS_CHECK_INT(t, o.input_width, 224);
    URS_CHECK_INT(t, o.classes, 1000);
    URS_CHECK_NEAR(t, o.drop_path, 0.1, 1e-7);
    o.input_width = 320;
    URS_REQUIRE_OK(t, urs_model_input_format(&format, &o, &err), err);
    URS_CHECK_INT(t, format.width, 320);
    URS_CHECK_INT(t, format.height, 224);
    URS_CHECK_NEAR(t, format.mean[0], 0.485, 1e-7);
    URS_CHECK_INT(t, urs_model_options_default(&o, "nothing", &err), URS_ENOTFOUND);
}

int main(void)
{
    static const urs_case cases[] = {
        {"parameter and multiply-add counts", counts}, {"trunk of yolov8n", yolo_trunk}, {"parameter names and shapes", names},
        {"detector outputs, wide input", detector_outputs}, {"class bias of detectors", class_bias}, {"embedding heads", embedding_heads}, {"regions of the trunk", regions_of_the_trunk},
        {"stochastic depth and dropout", stochastic_depth}, {"feature dimensions", feature_dims}, {"wrong options", refused},
        {"options through JSON", options_survive_json}, {"JSON text", json_text}, {"hostile JSON", hostile_json}, {"defaults", defaults},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
