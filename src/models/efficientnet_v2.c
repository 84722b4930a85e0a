/* EfficientNetV2-S (Tan and Le 2021) with torchvision's names; spec/models.md 4.3.
 *
 *      features.0       3x3/2 -> 24, SiLU
 *      features.1..3    fused blocks:      3x3/s expand -> 1x1 project                       [+ input]      block.0, block.1 (without expansion: block.0 only)
 *      features.4..6    inverted residuals: 1x1 expand -> depthwise 3x3/s -> squeeze, excite -> 1x1 project [+ input]      block.0 .. block.3
 *      features.7       1x1 -> 1280, SiLU
 *      pool -> dropout -> classifier.1
 *
 * A block adds its input where stride is 1 and in = out, behind stochastic depth that grows linearly over all 40 blocks. */
#include "models/parts.h"

#include <math.h>
#include <stdio.h>

typedef struct stage_row {
    bool fused;
    int32_t expand, stride, out, blocks; /* stride of the first block */
} stage_row;

static const stage_row stages[] = {
    {true, 1, 1, 24, 2}, {true, 4, 2, 48, 4}, {true, 4, 2, 64, 4}, {false, 4, 2, 128, 6}, {false, 6, 1, 160, 9}, {false, 6, 2, 256, 15},
};
#define STAGES ((int32_t)(sizeof stages / sizeof stages[0]))
#define KERNEL 3
#define LAST 1280

static urs_value conv(urs_graph *g, urs_value x, const char *prefix, int32_t out, int32_t kernel, int32_t stride, bool depthwise, urs_activation activation)
{
    const urs_part_conv part = {.out = out, .kernel = kernel, .stride = stride, .depthwise = depthwise, .eps = 1e-3f, .momentum = 0.1f, .activation = activation,
                                .init = {URS_INIT_KAIMING_FAN_OUT, 0}};
    char conv_name[URS_PART_NAME], norm_name[URS_PART_NAME];
    return urs_part_conv_norm(g, x, urs_part_name(conv_name, prefix, ".0"), urs_part_name(norm_name, prefix, ".1"), &part);
}

/* x * sigmoid(fc2(silu(fc1(mean of x)))); the squeeze is a quarter of the block's input, not of the expanded width. */
static urs_value squeeze_excite(urs_graph *g, urs_value x, const char *prefix, int32_t squeeze)
{
    const urs_init weights = {URS_INIT_KAIMING_FAN_OUT, 0}, zero = {URS_INIT_CONSTANT, 0};
    const int32_t channels = (int32_t)urs_graph_dims(g, x).c;
    char name[URS_PART_NAME];
    urs_value s = urs_graph_global_pool(g, x);
    s = urs_graph_conv(g, s, urs_part_name(name, prefix, ".fc1"), &(urs_conv_options){.out = squeeze, .kernel = 1, .bias = true, .weight_init = weights, .bias_init = zero});
    s = urs_graph_activation(g, s, URS_ACT_SILU);
    s = urs_graph_conv(g, s, urs_part_name(name, prefix, ".fc2"), &(urs_conv_options){.out = channels, .kernel = 1, .bias = true, .weight_init = weights, .bias_init = zero});
    return urs_graph_mul(g, x, urs_graph_activation(g, s, URS_ACT_SIGMOID));
}

static urs_value block(urs_graph *g, urs_value input, const char *prefix, const stage_row *row, int32_t stride, float drop_path)
{
    const int32_t in = (int32_t)urs_graph_dims(g, input).c, expanded = in * row->expand;
    urs_value x = input;
    char part[4][URS_PART_NAME];
    for (int i = 0; i < 4; i++)
        (void)urs_part_name(part[i], prefix, (const char *const[]){".block.0", ".block.1", ".block.2", ".block.3"}[i]);
    if (row->fused && row->expand == 1) {
        x = conv(g, x, part[0], row->out, KERNEL, stride, false, URS_ACT_SILU);
    } else if (row->fused) {
        x = conv(g, x, part[0], expanded, KERNEL, stride, false, URS_ACT_SILU);
        x = conv(g, x, part[1], row->out, 1, 1, false, URS_ACT_NONE);
    } else {
        x = conv(g, x, part[0], expanded, 1, 1, false, URS_ACT_SILU);
        x = conv(g, x, part[1], expanded, KERNEL, stride, true, URS_ACT_SILU);
        x = squeeze_excite(g, x, part[2], in / 4);
        x = conv(g, x, part[3], row->out, 1, 1, false, URS_ACT_NONE);
    }
    return stride == 1 && in == row->out ? urs_graph_add(g, urs_graph_drop_path(g, x, drop_path), input) : x;
}

void urs_efficientnet_v2_s_build(urs_graph *g, const urs_model_options *options)
{
    const float drop_path = urs_part_rate(options->drop_path, 0.2f);
    const int32_t classes = urs_part_classes(options, 1000);
    urs_value x = urs_part_input(g, options, 384, 384), middle = x;
    char prefix[URS_PART_NAME];
    int32_t done = 0, all = 0;

    for (int32_t stage = 0; stage < STAGES; stage++)
        all += stages[stage].blocks;
    x = conv(g, x, "features.0", 24, KERNEL, 2, false, URS_ACT_SILU);
    for (int32_t stage = 0; stage < STAGES; stage++) {
        middle = stages[stage].stride == 2 ? x : middle;
        for (int32_t i = 0; i < stages[stage].blocks; i++, done++) {
            (void)snprintf(prefix, sizeof prefix, "features.%d.%d", (int)stage + 1, (int)i);
            x = block(g, x, prefix, &stages[stage], i == 0 ? stages[stage].stride : 1, drop_path * (float)done / (float)all);
        }
    }
    x = conv(g, x, "features.7", LAST, 1, 1, false, URS_ACT_SILU);
    x = urs_graph_global_pool(g, x);
    if (urs_part_wants_features(options)) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.2f));
    /* The reference starts the last layer uniformly within 1/sqrt(outputs). */
    urs_graph_output(g, urs_graph_linear(g, x, "classifier.1", &(urs_linear_options){.out = classes, .weight_init = {URS_INIT_UNIFORM, 1.0f / sqrtf((float)classes)},
                                                                                     .bias_init = {URS_INIT_CONSTANT, 0}}), "logits");
}
