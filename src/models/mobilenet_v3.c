/* MobileNetV3, small and large (Howard et al. 2019), with torchvision's names; spec/models.md 4.1.
 *
 *      features.0       3x3/2 -> 16, hard-swish
 *      features.1..N    inverted residuals, N = 11 (small) or 15 (large):  [1x1 expand] -> depthwise -> [squeeze, excite] -> 1x1 project [+ input]
 *                                             block.0         block.1      block.2              block.3
 *                       (features.1 has no expansion: its parts are block.0, .1, .2)
 *      features.N+1     1x1 -> 6 x channels, hard-swish
 *      pool -> classifier.0 (1024 or 1280) -> hard-swish -> dropout -> classifier.3
 *
 * The width 0.75 is TensorFlow's (the published TFLite weights): widths of blocks are multiplied and rounded, expansions are then the paper's factors
 * of the rounded widths, and classifier.0 stays at 1024. (torchvision's own rule would round the expansions instead; no weights exist for it.)
 *
 * "Minimalistic" is TensorFlow's variant for accelerators: 3x3 kernels, ReLU, no squeeze-excitation. TensorFlow's and Keras' weights of every variant need
 * options.tf_padding and pictures in [-1,1]: urs_model_input_format says so. */
#include "models/parts.h"

#include <stdio.h>

typedef struct block_row {
    int32_t kernel, expand_num, expand_den; /* expansion = channels * num / den */
    int32_t out;
    bool squeeze;
    urs_activation activation;
    int32_t stride;
} block_row;

#define RE URS_ACT_RELU
#define HS URS_ACT_HARD_SWISH
static const block_row small_rows[] = {
    {3, 1, 1, 16, true, RE, 2}, {3, 72, 16, 24, false, RE, 2}, {3, 88, 24, 24, false, RE, 1}, {5, 4, 1, 40, true, HS, 2},
    {5, 6, 1, 40, true, HS, 1}, {5, 6, 1, 40, true, HS, 1},    {5, 3, 1, 48, true, HS, 1},    {5, 3, 1, 48, true, HS, 1},
    {5, 6, 1, 96, true, HS, 2}, {5, 6, 1, 96, true, HS, 1},    {5, 6, 1, 96, true, HS, 1},
};
static const block_row large_rows[] = {
    {3, 1, 1, 16, false, RE, 1},  {3, 4, 1, 24, false, RE, 2},    {3, 3, 1, 24, false, RE, 1},    {5, 3, 1, 40, true, RE, 2},  {5, 3, 1, 40, true, RE, 1},
    {5, 3, 1, 40, true, RE, 1},   {3, 6, 1, 80, false, HS, 2},    {3, 5, 2, 80, false, HS, 1},    {3, 23, 10, 80, false, HS, 1},
    {3, 23, 10, 80, false, HS, 1}, {3, 6, 1, 112, true, HS, 1},   {3, 6, 1, 112, true, HS, 1},    {5, 6, 1, 160, true, HS, 2}, {5, 6, 1, 160, true, HS, 1},
    {5, 6, 1, 160, true, HS, 1},
};
#undef RE
#undef HS

typedef struct variant {
    const block_row *rows;
    int32_t n;
    double width;
    int32_t hidden; /* classifier.0 */
    bool minimalistic;
} variant;

#define ROWS(r) .rows = r, .n = (int32_t)(sizeof r / sizeof r[0])
static const variant small = {ROWS(small_rows), .width = 1.0, .hidden = 1024};
static const variant small_075 = {ROWS(small_rows), .width = 0.75, .hidden = 1024};
static const variant small_minimalistic = {ROWS(small_rows), .width = 1.0, .hidden = 1024, .minimalistic = true};
static const variant large = {ROWS(large_rows), .width = 1.0, .hidden = 1280};
static const variant large_minimalistic = {ROWS(large_rows), .width = 1.0, .hidden = 1280, .minimalistic = true};

static const urs_part_conv base = {.eps = 1e-3f, .momentum = 0.01f, .init = {URS_INIT_KAIMING_FAN_OUT, 0}};

static urs_value conv(urs_graph *g, urs_value x, const char *prefix, urs_part_conv part)
{
    char conv_name[URS_PART_NAME], norm_name[URS_PART_NAME];
    return urs_part_conv_norm(g, x, urs_part_name(conv_name, prefix, ".0"), urs_part_name(norm_name, prefix, ".1"), &part);
}

static urs_part_conv shape(int32_t out, int32_t kernel, int32_t stride, bool depthwise, bool tf_padding, urs_activation activation)
{
    urs_part_conv part = base;
    part.out = out;
    part.kernel = kernel;
    part.stride = stride;
    part.depthwise = depthwise;
    part.tf_padding = tf_padding;
    part.activation = activation;
    return part;
}

/* x * hard_sigmoid(fc2(relu(fc1(mean of x)))) */
static urs_value squeeze_excite(urs_graph *g, urs_value x, const char *prefix)
{
    const int32_t channels = (int32_t)urs_graph_dims(g, x).c;
    const urs_init weights = {URS_INIT_KAIMING_FAN_OUT, 0}, zero = {URS_INIT_CONSTANT, 0};
    char name[URS_PART_NAME];
    urs_value s = urs_graph_global_pool(g, x);
    s = urs_graph_conv(g, s, urs_part_name(name, prefix, ".fc1"),
                       &(urs_conv_options){.out = urs_part_make_divisible(channels / 4.0), .kernel = 1, .bias = true, .weight_init = weights, .bias_init = zero});
    s = urs_graph_activation(g, s, URS_ACT_RELU);
    s = urs_graph_conv(g, s, urs_part_name(name, prefix, ".fc2"),
                       &(urs_conv_options){.out = channels, .kernel = 1, .bias = true, .weight_init = weights, .bias_init = zero});
    s = urs_graph_activation(g, s, URS_ACT_HARD_SIGMOID);
    return urs_graph_mul(g, x, s);
}

static urs_value inverted_residual(urs_graph *g, urs_value x, int32_t index, const block_row *row, int32_t out, bool tf)
{
    const int32_t in = (int32_t)urs_graph_dims(g, x).c, expanded = in * row->expand_num / row->expand_den;
    const urs_value input = x;
    char prefix[URS_PART_NAME];
    int32_t part = 0;

#define PREFIX (snprintf(prefix, sizeof prefix, "features.%d.block.%d", (int)index + 1, (int)part++), prefix)
    if (expanded != in)
        x = conv(g, x, PREFIX, shape(expanded, 1, 1, false, tf, row->activation));
    x = conv(g, x, PREFIX, shape(expanded, row->kernel, row->stride, true, tf, row->activation));
    if (row->squeeze)
        x = squeeze_excite(g, x, PREFIX);
    x = conv(g, x, PREFIX, shape(out, 1, 1, false, tf, URS_ACT_NONE));
#undef PREFIX
    return row->stride == 1 && in == out ? urs_graph_add(g, x, input) : x;
}

static block_row simplified(block_row row)
{
    row.kernel = 3;
    row.squeeze = false;
    row.activation = URS_ACT_RELU;
    return row;
}

static void build(urs_graph *g, const urs_model_options *options, const variant *v)
{
    const bool tf = options->tf_padding, features = urs_part_wants_features(options);
    const urs_activation activation = v->minimalistic ? URS_ACT_RELU : URS_ACT_HARD_SWISH;
    const urs_linear_options hidden = {.out = v->hidden, .weight_init = {URS_INIT_NORMAL, 0.01f}, .bias_init = {URS_INIT_CONSTANT, 0}};
    urs_linear_options last = hidden;
    urs_value x = urs_part_input(g, options, 224, 224), middle = x;
    char prefix[URS_PART_NAME];

    x = conv(g, x, "features.0", shape(urs_part_make_divisible(16 * v->width), 3, 2, false, tf, activation));
    for (int32_t i = 0; i < v->n; i++) {
        const block_row row = v->minimalistic ? simplified(v->rows[i]) : v->rows[i];
        middle = row.stride == 2 ? x : middle; /* in the end: before the step to a thirty-second */
        x = inverted_residual(g, x, i, &row, urs_part_make_divisible(row.out * v->width), tf);
    }
    (void)snprintf(prefix, sizeof prefix, "features.%d", (int)v->n + 1);
    x = conv(g, x, prefix, shape(6 * (int32_t)urs_graph_dims(g, x).c, 1, 1, false, tf, activation));
    x = urs_graph_global_pool(g, x);
    if (!features || options->penultimate) {
        x = urs_graph_linear(g, x, "classifier.0", &hidden);
        x = urs_graph_activation(g, x, activation);
    }
    if (features) {
        urs_part_feature_outputs(g, x, middle, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.2f));
    last.out = urs_part_classes(options, 1000);
    urs_graph_output(g, urs_graph_linear(g, x, "classifier.3", &last), "logits");
}

void urs_mobilenet_v3_small_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, &small);
}

void urs_mobilenet_v3_small_075_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, &small_075);
}

void urs_mobilenet_v3_small_minimalistic_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, &small_minimalistic);
}

void urs_mobilenet_v3_large_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, &large);
}

void urs_mobilenet_v3_large_minimalistic_build(urs_graph *g, const urs_model_options *options)
{
    build(g, options, &large_minimalistic);
}
