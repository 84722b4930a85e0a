/* Swin-Tiny (Liu et al. 2021) with timm's names, which is MegaDescriptor-T-224 without its classifier; spec/models.md 4.5.
 *
 *      patch_embed              4x4/4 convolution, layer norm                    96 channels
 *      layers.0..3              2, 2, 6, 2 blocks of 96, 192, 384, 768 channels with 3, 6, 12, 24 heads
 *      layers.1..3.downsample   2x2 pixels merged, layer norm, linear 4c -> 2c   (timm below 0.9 names it layers.0..2.downsample: models/import.h)
 *      norm -> pool -> head.fc
 *
 *      block:  x += drop_path(attn.proj(attention(attn.qkv(norm1 x))))
 *              x += drop_path(mlp.fc2(gelu(mlp.fc1(norm2 x))))
 *
 * Attention stays inside windows of 7x7; every second block shifts them by 3, except where the map is one window. Input sides are multiples of 224, so that windows
 * fit at every stage. */
#include "models/parts.h"

#include <stdio.h>

#define NORM_EPS 1e-5f
#define WINDOW 7
#define DIM 96

typedef struct stage_row {
    int32_t blocks, heads;
} stage_row;

static const stage_row stages[] = {{2, 3}, {2, 6}, {6, 12}, {2, 24}};
#define STAGES ((int32_t)(sizeof stages / sizeof stages[0]))

static const urs_init weights = {URS_INIT_TRUNC_NORMAL, 0.02f}, zero = {URS_INIT_CONSTANT, 0};

static urs_value linear(urs_graph *g, urs_value x, const char *prefix, const char *suffix, int32_t out)
{
    char name[URS_PART_NAME];
    return urs_graph_linear(g, x, urs_part_name(name, prefix, suffix), &(urs_linear_options){.out = out, .weight_init = weights, .bias_init = zero});
}

static urs_value norm(urs_graph *g, urs_value x, const char *prefix, const char *suffix)
{
    char name[URS_PART_NAME];
    return urs_graph_layer_norm(g, x, urs_part_name(name, prefix, suffix), NORM_EPS);
}

static urs_value block(urs_graph *g, urs_value x, const char *prefix, int32_t heads, bool shifted, float drop_path)
{
    const urs_dims d = urs_graph_dims(g, x);
    const bool one_window = d.h == WINDOW && d.w == WINDOW;
    const urs_attention_options attention = {.heads = heads, .window = WINDOW, .shift = shifted && !one_window ? WINDOW / 2 : 0, .position = URS_ATTENTION_TABLE};
    char table[URS_PART_NAME];
    urs_value y = norm(g, x, prefix, ".norm1");
    y = linear(g, y, prefix, ".attn.qkv", 3 * (int32_t)d.c);
    y = urs_graph_attention(g, y, urs_part_name(table, prefix, ".attn.relative_position_bias_table"), &attention);
    y = linear(g, y, prefix, ".attn.proj", (int32_t)d.c);
    x = urs_graph_add(g, urs_graph_drop_path(g, y, drop_path), x);

    y = norm(g, x, prefix, ".norm2");
    y = linear(g, y, prefix, ".mlp.fc1", 4 * (int32_t)d.c);
    y = urs_graph_activation(g, y, URS_ACT_GELU);
    y = linear(g, y, prefix, ".mlp.fc2", (int32_t)d.c);
    return urs_graph_add(g, urs_graph_drop_path(g, y, drop_path), x);
}

static urs_value downsample(urs_graph *g, urs_value x, int32_t stage)
{
    const int32_t out = 2 * (int32_t)urs_graph_dims(g, x).c;
    char name[URS_PART_NAME];
    x = urs_graph_merge(g, x);
    (void)snprintf(name, sizeof name, "layers.%d.downsample.norm", (int)stage);
    x = urs_graph_layer_norm(g, x, name, NORM_EPS);
    (void)snprintf(name, sizeof name, "layers.%d.downsample.reduction", (int)stage);
    return urs_graph_linear(g, x, name, &(urs_linear_options){.out = out, .no_bias = true, .weight_init = weights});
}

void urs_swin_tiny_build(urs_graph *g, const urs_model_options *options)
{
    const float drop_path = urs_part_rate(options->drop_path, 0.1f);
    const urs_conv_options patches = {.out = DIM, .kernel = 4, .stride = 4, .bias = true, .weight_init = weights, .bias_init = zero};
    urs_value x = urs_part_input(g, options, 224, 224), middle = x;
    char prefix[URS_PART_NAME];
    int32_t done = 0, all = 0;

    for (int32_t stage = 0; stage < STAGES; stage++)
        all += stages[stage].blocks;
    x = urs_graph_conv(g, x, "patch_embed.proj", &patches);
    x = urs_graph_layer_norm(g, x, "patch_embed.norm", NORM_EPS);
    for (int32_t stage = 0; stage < STAGES; stage++) {
        middle = x;
        if (stage)
            x = downsample(g, x, stage);
        for (int32_t i = 0; i < stages[stage].blocks; i++, done++) {
            (void)snprintf(prefix, sizeof prefix, "layers.%d.blocks.%d", (int)stage, (int)i);
            x = block(g, x, prefix, stages[stage].heads, i % 2 == 1, drop_path * (float)done / (float)(all - 1));
        }
    }
    x = urs_graph_layer_norm(g, x, "norm", NORM_EPS);
    x = urs_graph_global_pool(g, x);
    if (urs_part_wants_features(options)) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.0f)); /* the reference has none; for those who ask */
    urs_graph_output(g, linear(g, x, "head", ".fc", urs_part_classes(options, 1000)), "logits");
}
