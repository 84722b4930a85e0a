/* ResNet-50 (He et al. 2016) with torchvision's names, in its "v1.5" form: the stride stands at the 3x3 convolution; spec/models.md 4.2.
 *
 *      conv1, bn1               7x7/2 -> 64, ReLU, 3x3/2 max pool
 *      layer1..4                3, 4, 6, 3 bottlenecks of width 64, 128, 256, 512; the first of layer2..4 halves the map
 *      pool -> fc
 *
 *      bottleneck:  relu(bn3 conv3 (relu bn2 conv2 (relu bn1 conv1 (x))) + shortcut x)
 *                        1x1 -> 4w       3x3/s -> w      1x1 -> w         1x1/s and norm where the shape changes, else x
 *
 * Initial values as torchvision's: convolutions normal by fan-out, norms 1 and 0 (the last of a block too). */
#include "models/parts.h"

#include <stdio.h>

#define EXPANSION 4

typedef struct stage_row {
    int32_t width, blocks, stride;
} stage_row;

static const stage_row stages[] = {{64, 3, 1}, {128, 4, 2}, {256, 6, 2}, {512, 3, 2}};

static urs_value conv(urs_graph *g, urs_value x, const char *prefix, const char *conv_suffix, const char *norm_suffix, int32_t out, int32_t kernel, int32_t stride,
                      urs_activation activation)
{
    const urs_part_conv part = {.out = out, .kernel = kernel, .stride = stride, .eps = 1e-5f, .momentum = 0.1f, .activation = activation,
                                .init = {URS_INIT_KAIMING_FAN_OUT, 0}};
    char conv_name[URS_PART_NAME], norm_name[URS_PART_NAME];
    return urs_part_conv_norm(g, x, urs_part_name(conv_name, prefix, conv_suffix), urs_part_name(norm_name, prefix, norm_suffix), &part);
}

static urs_value bottleneck(urs_graph *g, urs_value input, const char *prefix, int32_t width, int32_t stride)
{
    const int32_t out = EXPANSION * width;
    urs_value shortcut = input, x = input;
    x = conv(g, x, prefix, ".conv1", ".bn1", width, 1, 1, URS_ACT_RELU);
    x = conv(g, x, prefix, ".conv2", ".bn2", width, 3, stride, URS_ACT_RELU);
    x = conv(g, x, prefix, ".conv3", ".bn3", out, 1, 1, URS_ACT_NONE);
    if (stride != 1 || urs_graph_dims(g, input).c != out)
        shortcut = conv(g, input, prefix, ".downsample.0", ".downsample.1", out, 1, stride, URS_ACT_NONE);
    return urs_graph_activation(g, urs_graph_add(g, x, shortcut), URS_ACT_RELU);
}

void urs_resnet50_build(urs_graph *g, const urs_model_options *options)
{
    urs_value x = urs_part_input(g, options, 224, 224), middle = x;
    char prefix[URS_PART_NAME];

    x = conv(g, x, "", "conv1", "bn1", 64, 7, 2, URS_ACT_RELU);
    x = urs_graph_max_pool(g, x, 3, 2, 1);
    for (int32_t stage = 0; stage < (int32_t)(sizeof stages / sizeof stages[0]); stage++) {
        middle = x;
        for (int32_t i = 0; i < stages[stage].blocks; i++) {
            (void)snprintf(prefix, sizeof prefix, "layer%d.%d", (int)stage + 1, (int)i);
            x = bottleneck(g, x, prefix, stages[stage].width, i == 0 ? stages[stage].stride : 1);
        }
    }
    x = urs_graph_global_pool(g, x);
    if (urs_part_wants_features(options)) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.0f)); /* the reference has none; for those who ask */
    urs_graph_output(g, urs_graph_linear(g, x, "fc", &(urs_linear_options){.out = urs_part_classes(options, 1000)}), "logits");
}
