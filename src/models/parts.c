/* What the architectures share; see parts.h. */
#include "models/parts.h"

#include <stdio.h>

const char *urs_part_name(char out[URS_PART_NAME], const char *prefix, const char *suffix)
{
    (void)snprintf(out, URS_PART_NAME, "%s%s", prefix, suffix);
    return out;
}

int32_t urs_part_make_divisible(double v)
{
    int32_t n = (int32_t)(v + 4.0) / 8 * 8;
    if (n < 8)
        n = 8;
    if ((double)n < 0.9 * v)
        n += 8;
    return n;
}

float urs_part_rate(float option, float own)
{
    if (option < 0.0f)
        return 0.0f;
    return option > 0.0f ? option : own;
}

int32_t urs_part_classes(const urs_model_options *options, int32_t own)
{
    return options->classes ? options->classes : own;
}

urs_value urs_part_input(urs_graph *g, const urs_model_options *options, int32_t own_width, int32_t own_height)
{
    const int32_t width = options->input_width ? options->input_width : own_width, height = options->input_height ? options->input_height : own_height;
    return urs_graph_input(g, (urs_dims){.c = 3, .h = height, .w = width});
}

/* TensorFlow's "same": ceil(size/stride) outputs; of an odd total the larger half goes behind. */
static void same_padding(int64_t size, int32_t kernel, int32_t stride, int32_t *before, int32_t *after)
{
    const int64_t outputs = (size + stride - 1) / stride;
    int64_t total = (outputs - 1) * stride + kernel - size;
    if (total < 0)
        total = 0;
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
}

urs_value urs_part_conv_norm(urs_graph *g, urs_value x, const char *conv, const char *norm, const urs_part_conv *part)
{
    const urs_dims in = urs_graph_dims(g, x);
    urs_conv_options o = {.out = part->depthwise ? (int32_t)in.c : part->out, .kernel = part->kernel, .stride = part->stride ? part->stride : 1,
                          .groups = part->depthwise ? (int32_t)in.c : 1, .weight_init = part->init};
    if (part->tf_padding) {
        same_padding(in.h, o.kernel, o.stride, &o.pad_top, &o.pad_bottom);
        same_padding(in.w, o.kernel, o.stride, &o.pad_left, &o.pad_right);
    } else {
        o.pad = (o.kernel - 1) / 2;
    }
    x = urs_graph_conv(g, x, conv, &o);
    x = urs_graph_batch_norm(g, x, norm, part->eps, part->momentum);
    return urs_graph_activation(g, x, part->activation);
}

bool urs_part_wants_features(const urs_model_options *options)
{
    return options->embedding > 0 || options->classes < 0;
}

/* [ReLU ->] [BatchNorm ->] [Dropout ->] Linear */
static urs_value embedder_layer(urs_graph *g, urs_value x, int32_t index, int32_t out, bool relu, float dropout, const urs_model_options *options)
{
    char name[URS_PART_NAME];
    if (relu)
        x = urs_graph_activation(g, x, URS_ACT_RELU);
    if (!options->no_head_norm) {
        (void)snprintf(name, sizeof name, "embedder.%d.bn", (int)index);
        x = urs_graph_batch_norm(g, x, name, 1e-5f, 0.1f);
    }
    x = urs_graph_dropout(g, x, dropout);
    (void)snprintf(name, sizeof name, "embedder.%d.linear", (int)index);
    return urs_graph_linear(g, x, name, &(urs_linear_options){.out = out});
}

/* A weight for every channel at every place of the grid: a convolution that covers it. */
static urs_value region_layer(urs_graph *g, urs_value grid, const urs_model_options *options)
{
    const urs_dims d = urs_graph_dims(g, grid);
    grid = urs_graph_batch_norm(g, grid, "embedder.regions.bn", 1e-5f, 0.1f);
    return urs_graph_conv(g, grid, "embedder.regions.conv", &(urs_conv_options){.out = options->embedding, .kernel = (int32_t)d.h});
}

void urs_part_feature_outputs(urs_graph *g, urs_value x, urs_value middle, const urs_model_options *options)
{
    const bool mlp = options->head == URS_HEAD_MLP;
    const urs_value grid = options->regions ? urs_graph_avg_pool(g, middle, 2, 2, 0) : middle;
    int32_t layer = 0;
    if (options->embedding <= 0) {
        urs_graph_output(g, x, "features");
        if (options->regions)
            urs_graph_output(g, grid, "regions");
        return;
    }
    for (; mlp && layer < URS_MODEL_HIDDEN_MAX && options->hidden[layer] > 0; layer++)
        x = embedder_layer(g, x, layer, options->hidden[layer], mlp, 0.0f, options);
    x = embedder_layer(g, x, layer, options->embedding, mlp, urs_part_rate(options->dropout, 0.0f), options);
    if (options->regions)
        x = urs_graph_add(g, x, region_layer(g, grid, options));
    urs_graph_output(g, x, "embedding");
    if (options->unit)
        urs_graph_output(g, urs_graph_l2_norm(g, x, 1e-12f), "unit");
}
