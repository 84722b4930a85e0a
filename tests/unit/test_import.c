/* Importers: by name, by timm's names, TFLite in order; the published TFLite network against the TFLite runtime (golden file by
 * tools/golden/golden_embedder.py) where the weights are at hand. */
#include "golden.h"
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "models/import.h"
#include "nn/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"

/* tiny.tflite by hand: convolution 3x3/2 with SAME padding of a 4x4 picture of ones, hard-swish. */
static void tiny_in_order(urs_test *t)
{
    urs_graph *g = NULL;
    urs_tflite *m = NULL;
    urs_plan *plan = NULL;
    urs_bytes bytes = {0};
    urs_error err = {0};
    urs_value x;
    float *block, *in;
    const float *out;

    URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
    x = urs_graph_input(g, (urs_dims){1, 4, 4});
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 2, .kernel = 3, .stride = 2, .pad_bottom = 1, .pad_right = 1});
    x = urs_graph_batch_norm(g, x, "n", 1e-3f, 0.1f);
    urs_graph_output(g, urs_graph_activation(g, x, URS_ACT_HARD_SWISH), "out");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    block = urs_array_new(urs_graph_block_elements(g), sizeof *block);
    URS_REQUIRE_OK(t, urs_file_read(&bytes, FIXTURES "tiny.tflite", 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_read(&m, bytes.data, bytes.size, &err), err);
    URS_REQUIRE_OK(t, urs_import_tflite(g, block, m, &err), err);
    URS_REQUIRE_OK(t, urs_plan_new(&plan, g, block, &(urs_plan_options){.backend = urs_backend_ref()}, &err), err);
    in = urs_plan_input(plan, 0);
    for (int i = 0; i < 16; i++)
        in[i] = 1;
    URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
    out = urs_plan_output(plan, 0);
    /* Weights 1 + i/8, i = 0 .. 8 (channel 0), 9 .. 17 (channel 1); the window at 0,0 lies inside, the others lose a row or a column below, right. */
    URS_CHECK_NEAR(t, out[0], 9 + 36 / 8.0 + 2, 1e-5);
    URS_CHECK_NEAR(t, out[1], 6 + (0 + 1 + 3 + 4 + 6 + 7) / 8.0 + 2, 1e-5);
    URS_CHECK_NEAR(t, out[2], 6 + (0 + 1 + 2 + 3 + 4 + 5) / 8.0 + 2, 1e-5);
    URS_CHECK_NEAR(t, out[3], 4 + (0 + 1 + 3 + 4) / 8.0 + 2, 1e-5);
    URS_CHECK_NEAR(t, out[4], 9 + (36 + 81) / 8.0 + 2.125, 1e-5);
    urs_plan_free(plan);
    urs_graph_free(g);
    g = NULL;

    /* Without the activation of the graph, or with another padding, it is another function. */
    urs_bytes_release(&bytes);
    urs_tflite_free(m);
    m = NULL;
    URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
    x = urs_graph_input(g, (urs_dims){1, 4, 4});
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 2, .kernel = 3, .stride = 2, .pad_bottom = 1, .pad_right = 1, .bias = true});
    urs_graph_output(g, urs_graph_activation(g, x, URS_ACT_HARD_SIGMOID), "out");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&bytes, FIXTURES "relu6.tflite", 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_read(&m, bytes.data, bytes.size, &err), err);
    URS_REQUIRE_OK(t, urs_import_tflite(g, block, m, &err), err);
    URS_CHECK_NEAR(t, block[32], 2 - 3, 0); /* the bias begins at the next multiple of 16 behind 18 weights */
    urs_graph_free(g);
    g = NULL;
    URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
    x = urs_graph_input(g, (urs_dims){1, 4, 4});
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 2, .kernel = 3, .stride = 2, .pad_bottom = 1, .pad_right = 1, .bias = true});
    urs_graph_output(g, x, "out");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    URS_CHECK(t, urs_import_tflite(g, block, m, &err) == URS_EMISMATCH && strstr(err.message, "activation"));
    urs_graph_free(g);
    g = NULL;

    /* Symmetric padding is another function, so it is refused. */
    URS_REQUIRE_OK(t, urs_graph_new(&g, &err), err);
    x = urs_graph_input(g, (urs_dims){1, 4, 4});
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 2, .kernel = 3, .stride = 2, .pad_top = 1, .pad_left = 1, .bias = true});
    urs_graph_output(g, x, "out");
    URS_REQUIRE_OK(t, urs_graph_finish(g, &err), err);
    URS_CHECK(t, urs_import_tflite(g, block, m, &err) == URS_EMISMATCH && strstr(err.message, "padding"));
    urs_graph_free(g);
    urs_free(block);
    urs_tflite_free(m);
    urs_bytes_release(&bytes);
}

/* Writes a network's starting values under other names and imports them again. */
static void round_trip(urs_test *t, const char *arch, int32_t classes, urs_weights_rename *rename, const char *prefix, const char *how, bool headless)
{
    const urs_model_options options = {.arch = "", .classes = classes};
    urs_model_options o = options, found = {0};
    urs_import_report report = {0};
    urs_graph *g = NULL;
    urs_weights *w = NULL, *back = NULL;
    urs_error err = {0};
    const urs_param *params;
    float *block;
    char *folder = urs_test_folder("import"), path[512];
    int32_t n;

    (void)snprintf(o.arch, sizeof o.arch, "%s", arch);
    (void)snprintf(path, sizeof path, "%s/w.safetensors", folder);
    URS_REQUIRE_OK(t, urs_model_build(&g, &o, &err), err);
    block = urs_array_new(urs_graph_block_elements(g), sizeof *block);
    urs_graph_init_params(g, block, 3);
    URS_REQUIRE_OK(t, urs_weights_new(&w, &err), err);
    n = urs_graph_params(g, &params);
    for (int32_t i = 0; i < n; i++) {
        char name[256];
        if (headless && (strncmp(params[i].name, "classifier.3", 12) == 0 || strncmp(params[i].name, "_fc", 3) == 0))
            continue;
        (void)snprintf(name, sizeof name, "%s%s", prefix, params[i].name);
        if (rename)
            (void)rename(NULL, params[i].name, name, sizeof name);
        URS_REQUIRE_OK(t, urs_weights_add(w, name, params[i].rank, params[i].shape, block + params[i].offset, &err), err);
    }
    URS_REQUIRE_OK(t, urs_weights_write_safetensors(path, w, URS_WEIGHT_F32, &err), err);
    URS_REQUIRE_OK(t, urs_import_read(&back, &found, path, arch, &report, &err), err);
    URS_CHECK_TEXT(t, report.how, how);
    URS_CHECK_TEXT(t, found.arch, arch);
    URS_CHECK_INT(t, found.classes, headless ? -1 : classes);
    URS_CHECK_INT(t, found.penultimate, headless && strncmp(arch, "mobilenet", 9) == 0);
    URS_CHECK_INT(t, report.load.unexpected, 0);
    for (int32_t i = 0; i < n; i++) {
        const urs_weight *x = urs_weights_find(back, params[i].name);
        URS_CHECK(t, x ? memcmp(x->data, block + params[i].offset, params[i].count * sizeof *block) == 0 : headless);
    }
    (void)remove(path);
    urs_weights_free(w);
    urs_weights_free(back);
    urs_graph_free(g);
    urs_free(block);
    free(folder);
}

static void by_name(urs_test *t)
{
    round_trip(t, "mobilenet_v3_small_075", 7, NULL, "", "by name", false);
    round_trip(t, "mobilenet_v3_small_075", 7, NULL, "backbone.", "by name behind 'backbone.'", false);
    round_trip(t, "mobilenet_v3_small", 1000, NULL, "", "by name", true);
    round_trip(t, "efficientnet_lite0", 5, urs_import_timm_lite, "", "by timm's names", false);
    round_trip(t, "efficientnet_lite0", 5, NULL, "", "by name", true);
    round_trip(t, "swin_tiny", 3, NULL, "", "by name", false);
    round_trip(t, "swin_tiny", 3, urs_import_timm_swin, "", "by timm's older names", false);
    round_trip(t, "yolov8n-seg", 1, NULL, "model.", "by name behind 'model.'", false);
}

static void timm_names(urs_test *t)
{
    static const char *const pairs[][2] = {
        {"_conv_stem.weight", "conv_stem.weight"},           {"_bn0.running_var", "bn1.running_var"},
        {"_blocks.0._depthwise_conv.weight", "blocks.0.0.conv_dw.weight"}, {"_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight"},
        {"_blocks.0._bn2.bias", "blocks.0.0.bn2.bias"},      {"_blocks.1._expand_conv.weight", "blocks.1.0.conv_pw.weight"},
        {"_blocks.2._bn0.weight", "blocks.1.1.bn1.weight"},  {"_blocks.7._project_conv.weight", "blocks.3.2.conv_pwl.weight"},
        {"_blocks.15._bn2.running_mean", "blocks.6.0.bn3.running_mean"}, {"_conv_head.weight", "conv_head.weight"},
        {"_bn1.weight", "bn2.weight"},                       {"_fc.bias", "classifier.bias"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char name[128] = "";
        URS_CHECK(t, urs_import_timm_lite(NULL, pairs[i][0], name, sizeof name));
        URS_CHECK_TEXT(t, name, pairs[i][1]);
    }
}

static void older_timm_names(urs_test *t)
{
    static const char *const pairs[][2] = {{"layers.1.downsample.norm.weight", "layers.0.downsample.norm.weight"},
                                           {"layers.3.downsample.reduction.weight", "layers.2.downsample.reduction.weight"},
                                           {"layers.1.blocks.0.norm1.bias", "layers.1.blocks.0.norm1.bias"},
                                           {"head.fc.bias", "head.bias"},
                                           {"norm.weight", "norm.weight"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char name[128] = "";
        URS_CHECK(t, urs_import_timm_swin(NULL, pairs[i][0], name, sizeof name));
        URS_CHECK_TEXT(t, name, pairs[i][1]);
    }
}

static void refusals(urs_test *t)
{
    urs_weights *w = NULL;
    urs_model_options o;
    urs_error err = {0};
    URS_CHECK(t, urs_import_read(&w, &o, FIXTURES "good.safetensors", "resnet9000", NULL, &err) == URS_ENOTFOUND);
    URS_CHECK(t, urs_import_read(&w, &o, FIXTURES "good.safetensors", "convnext_tiny", NULL, &err) == URS_EMISMATCH && strstr(err.message, "features.0.0.weight"));
    URS_CHECK(t, urs_import_read(&w, &o, FIXTURES "tiny.tflite", "mobilenet_v3_small_075", NULL, &err) == URS_EMISMATCH && strstr(err.message, "has 1 "));
    URS_CHECK(t, urs_import_read(&w, &o, FIXTURES "bad_system.pth", "mobilenet_v3_small", NULL, &err) == URS_EUNSUPPORTED);
    URS_CHECK(t, urs_import_read(&w, &o, FIXTURES "nothing", "mobilenet_v3_small", NULL, &err) == URS_ENOTFOUND);
    URS_CHECK(t, w == NULL);
}

/* The file multiplies by 0.16667 where hard-sigmoid divides by 6: undoes that in the nine projections behind squeeze-excitation. */
static void scale_projections(const urs_graph *g, float *block)
{
    const urs_param *params;
    (void)urs_graph_params(g, &params);
    for (int32_t feature = 1; feature <= 11; feature++) {
        char name[64];
        const urs_param *p;
        if (feature == 2 || feature == 3)
            continue;
        (void)snprintf(name, sizeof name, "features.%d.block.%d.0.weight", (int)feature, feature == 1 ? 2 : 3);
        p = &params[urs_graph_find_param(g, name)];
        for (size_t i = 0; i < p->count; i++)
            block[p->offset + i] *= 0.16667f * 6.0f;
    }
}

/* [0,1] to [-1,1], as the network's normalisation does. */
static void picture(float *out)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 224; y++)
            for (int x = 0; x < 224; x++)
                out[(c * 224 + y) * 224 + x] = (float)((x * 7 + y * 13 + c * 29 + x * y % 31) % 256 / 255.0) * 2.0f - 1.0f;
}

static double run_embedder(urs_test *t, const urs_graph *g, const float *block, const urs_golden_tensor *golden)
{
    urs_plan *plan = NULL;
    urs_error err = {0};
    double worst = INFINITY;
    if (urs_plan_new(&plan, g, block, NULL, &err) != URS_OK || (picture(urs_plan_input(plan, 0)), urs_plan_forward(plan, &err)) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    else
        worst = urs_golden_scaled_error_f32(urs_plan_output(plan, 0), golden);
    urs_plan_free(plan);
    return worst;
}

static void published_tflite(urs_test *t)
{
    const char *shared = urs_test_shared();
    urs_weights *w = NULL;
    urs_model_options o = {0};
    urs_import_report report = {0};
    urs_graph *g = NULL;
    urs_golden *golden = NULL;
    urs_error err = {0};
    const urs_param *params;
    float *block, *pictures;
    const size_t picture_size = 3 * 224 * 224;
    char path[512];
    double plain, exact, measured;

    (void)snprintf(path, sizeof path, "%s/weights/mobilenet_v3_small_075_224_embedder.tflite", shared ? shared : "");
    if (!shared || !urs_file_exists(path)) {
        urs_test_skip(t, "the published TFLite weights are not here");
        return;
    }
    URS_REQUIRE_OK(t, urs_golden_open(&golden, URS_SOURCE_DIR "/tests/golden/mobilenet_v3_small_075.gold", &err), err);
    URS_REQUIRE_OK(t, urs_import_read(&w, &o, path, "mobilenet_v3_small_075", &report, &err), err);
    URS_CHECK_TEXT(t, report.how, "in order");
    URS_CHECK(t, o.tf_padding && o.penultimate && o.classes == -1);
    o.dropout = o.drop_path = -1;
    URS_REQUIRE_OK(t, urs_model_build(&g, &o, &err), err);
    block = urs_array_new(urs_graph_block_elements(g), sizeof *block);
    pictures = urs_array_new(4 * picture_size, sizeof *pictures);
    URS_REQUIRE_OK(t, urs_weights_load_into(g, block, w, NULL, NULL, &err), err);
    plain = run_embedder(t, g, block, urs_golden_find(golden, "features"));
    URS_CHECK_NEAR(t, plain, 0, 3e-4);
    scale_projections(g, block);
    exact = run_embedder(t, g, block, urs_golden_find(golden, "features"));
    URS_CHECK_NEAR(t, exact, 0, 1e-5);

    /* With measured norms the same function, whatever the pictures were. */
    for (size_t i = 0; i < 4; i++) {
        picture(pictures + i * picture_size);
        for (size_t k = 0; k < picture_size; k++)
            pictures[i * picture_size + k] *= sinf((float)k * (0.001f + 0.01f * (float)i));
    }
    URS_REQUIRE_OK(t, urs_import_measure_norms(g, block, pictures, 4, NULL, &err), err);
    measured = run_embedder(t, g, block, urs_golden_find(golden, "features"));
    URS_CHECK_NEAR(t, measured, 0, 2e-5);
    (void)urs_graph_params(g, &params);
    for (int32_t i = 0; i < 5; i++)
        if (params[i].role == URS_ROLE_VARIANCE)
            URS_CHECK(t, block[params[i].offset] != 1.0f);
    printf("     against the TFLite runtime: %.2g; with its rounded 1/6: %.2g; that and measured norms: %.2g\n", plain, exact, measured);
    urs_golden_close(golden);
    urs_weights_free(w);
    urs_graph_free(g);
    urs_free(block);
    urs_free(pictures);
}

/* Training with batch statistics must give about the outputs of inference once the norms are measured on the same pictures. */
static void measured_norms(urs_test *t)
{
    const urs_model_options o = {.arch = "mobilenet_v3_small_075", .classes = -1, .input_width = 64, .input_height = 64, .dropout = -1, .drop_path = -1};
    urs_graph *g = NULL;
    urs_plan *train = NULL, *infer = NULL;
    urs_error err = {0};
    const urs_param *params;
    const size_t count = 8 * 3 * 64 * 64;
    float *block, *pictures;
    double before = 0, after = 0, size = 0;
    int32_t n;

    URS_REQUIRE_OK(t, urs_model_build(&g, &o, &err), err);
    block = urs_array_new(urs_graph_block_elements(g), sizeof *block);
    pictures = urs_array_new(count, sizeof *pictures);
    urs_graph_init_params(g, block, 5);
    n = urs_graph_params(g, &params);
    for (int32_t i = 0; i < n; i++) /* norms that are far from the statistics */
        for (size_t c = 0; c < params[i].count; c++)
            if (params[i].role == URS_ROLE_BETA)
                block[params[i].offset + c] = 0.3f * sinf((float)(c + (size_t)i));
    for (size_t k = 0; k < count; k++)
        pictures[k] = sinf((float)k * 0.37f) + (float)(k % 4096) / 4096.0f;
    for (int round = 0; round < 2; round++) {
        const float *a, *b;
        double difference = 0;
        size = 0;
        URS_REQUIRE_OK(t, urs_plan_new(&train, g, block, &(urs_plan_options){.batch = 8, .training = true}, &err), err);
        URS_REQUIRE_OK(t, urs_plan_new(&infer, g, block, &(urs_plan_options){.batch = 8}, &err), err);
        memcpy(urs_plan_input(train, 0), pictures, count * sizeof *pictures);
        memcpy(urs_plan_input(infer, 0), pictures, count * sizeof *pictures);
        URS_REQUIRE_OK(t, urs_plan_forward(train, &err), err);
        URS_REQUIRE_OK(t, urs_plan_forward(infer, &err), err);
        a = urs_plan_output(train, 0);
        b = urs_plan_output(infer, 0);
        for (size_t k = 0; k < 8 * 432; k++) {
            difference += fabs((double)a[k] - (double)b[k]);
            size += fabs((double)b[k]);
        }
        *(round ? &after : &before) = difference / size;
        urs_plan_free(train);
        urs_plan_free(infer);
        train = infer = NULL;
        if (round == 0)
            URS_REQUIRE_OK(t, urs_import_measure_norms(g, block, pictures, 8, NULL, &err), err);
    }
    URS_CHECK(t, before > 0.2);
    URS_CHECK(t, after < 0.05);
    printf("     training against inference: %.3g before, %.3g after\n", before, after);
    urs_graph_free(g);
    urs_free(block);
    urs_free(pictures);
}

int main(void)
{
    static const urs_case cases[] = {{"TFLite in order, by hand", tiny_in_order},
                                     {"by name, with prefixes, by timm's names", by_name},
                                     {"timm's names", timm_names},
                                     {"timm's older names", older_timm_names},
                                     {"what does not fit is refused", refusals},
                                     {"norms are measured", measured_norms},
                                     {"the published TFLite network", published_tflite}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
