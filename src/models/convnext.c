/* ConvNeXt-Tiny (Liu et al. 2022) with torchvision's names; spec/models.md 4.4.
 *
 *      features.0             4x4/4 convolution, layer norm                      96 channels
 *      features.1,3,5,7       3, 3, 9, 3 blocks of 96, 192, 384, 768 channels
 *      features.2,4,6         layer norm, 2x2/2 convolution
 *      pool -> classifier.0 (layer norm) -> classifier.2
 *
 *      block:  x + drop_path(layer_scale * block.5(gelu(block.3(norm block.2(depthwise 7x7 block.0 (x))))))
 *
 * Layer norms are over the channels of every pixel, linear layers too, so the whole network stays [C,H,W].
 *
 * convnext_tiny_npu is the same for int8 on an NPU: batch norm for layer norm, which folds into the convolution in front of it (so that the three downsamplings norm behind theirs), and
 * hard-swish for GELU. Its norms take the names of the norms they stand for; there are no published weights of it. */
#include "models/parts.h"

#include <stdio.h>

#define NORM_EPS 1e-6f
#define SCALE_START 1e-6f
#define BATCH_NORM_EPS 1e-3f
#define BATCH_NORM_MOMENTUM 0.01f

static const int32_t dims[4] = {96, 192, 384, 768}, depths[4] = {3, 3, 9, 3};
static const urs_init weights = {URS_INIT_TRUNC_NORMAL, 0.02f}, zero = {URS_INIT_CONSTANT, 0};

static urs_value linear(urs_graph *g, urs_value x, const char *name, int32_t out)
{
    return urs_graph_linear(g, x, name, &(urs_linear_options){.out = out, .weight_init = weights, .bias_init = zero});
}

static urs_value conv(urs_graph *g, urs_value x, const char *name, int32_t out, int32_t kernel, int32_t stride, int32_t pad, int32_t groups)
{
    const urs_conv_options o = {.out = out, .kernel = kernel, .stride = stride, .pad = pad, .groups = groups, .bias = true, .weight_init = weights, .bias_init = zero};
    return urs_graph_conv(g, x, name, &o);
}

static urs_value norm(urs_graph *g, urs_value x, const char *name, bool npu)
{
    return npu ? urs_graph_batch_norm(g, x, name, BATCH_NORM_EPS, BATCH_NORM_MOMENTUM) : urs_graph_layer_norm(g, x, name, NORM_EPS);
}

static urs_value block(urs_graph *g, urs_value input, const char *prefix, int32_t dim, float drop_path, bool npu)
{
    char name[URS_PART_NAME];
    urs_value x = conv(g, input, urs_part_name(name, prefix, ".block.0"), dim, 7, 1, 3, dim);
    x = norm(g, x, urs_part_name(name, prefix, ".block.2"), npu);
    x = linear(g, x, urs_part_name(name, prefix, ".block.3"), 4 * dim);
    x = urs_graph_activation(g, x, npu ? URS_ACT_HARD_SWISH : URS_ACT_GELU);
    x = linear(g, x, urs_part_name(name, prefix, ".block.5"), dim);
    x = urs_graph_scale(g, x, urs_part_name(name, prefix, ".layer_scale"), SCALE_START);
    x = urs_graph_drop_path(g, x, drop_path);
    return urs_graph_add(g, x, input);
}

static void build(urs_graph *g, const urs_model_options *options, bool npu)
{
    const float drop_path = urs_part_rate(options->drop_path, 0.1f);
    const bool features = urs_part_wants_features(options);
    urs_value x = urs_part_input(g, options, 224, 224), middle = x;
    char prefix[URS_PART_NAME], name[URS_PART_NAME];
    int32_t done = 0, all = 0;

    for (int32_t stage = 0; stage < 4; stage++)
        all += depths[stage];
    x = conv(g, x, "features.0.0", dims[0], 4, 4, 0, 1);
    x = norm(g, x, "features.0.1", npu);
    for (int32_t stage = 0; stage < 4; stage++) {
        if (stage) {
            (void)snprintf(prefix, sizeof prefix, "features.%d", (int)(2 * stage));
            if (!npu)
                x = norm(g, x, urs_part_name(name, prefix, ".0"), npu);
            x = conv(g, x, urs_part_name(name, prefix, ".1"), dims[stage], 2, 2, 0, 1);
            if (npu)
                x = norm(g, x, urs_part_name(name, prefix, ".0"), npu);
        }
        for (int32_t i = 0; i < depths[stage]; i++, done++) {
            (void)snprintf(prefix, sizeof prefix, "features.%d.%d", (int)(2 * stage + 1), (int)i);
            x = block(g, x, prefix, dims[stage], drop_path * (float)done / (float)(all - 1), npu);
        }
        middle = stage == 2 ? x : middle;
    }
    x = urs_graph_global_pool(g, x);
    if (!npu || !features) /* an embedding head begins with a batch norm of its own, and two in a row fold into nothing */
        x = norm(g, x, "classifier.0", npu);
    if (features) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.0f)); /* the reference has none; for those who ask */
    urs_graph_output(g, linear(g, x, "classifier.2", urs_part_classes(options, 1000)), "logits");
}

void urs_convnext_tiny_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, false);
}

void urs_convnext_tiny_npu_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, true);
}
