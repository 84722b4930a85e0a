/* YOLOv8n and YOLOv8n-seg with Ultralytics' names; spec/models.md 4.6. Written from the layer table.
 *
 *      model.0..9    trunk: strides 2, 4, 8 (model.4), 16 (model.6), 32 (model.9)
 *      model.10..15  up:    model.12 at stride 16, model.15 at stride 8
 *      model.16..21  down:  model.18 at stride 16, model.21 at stride 32
 *      model.22      heads on 15, 18, 21
 *
 *        input --0-1-2-3-4----5-6----7-8-9 SPPF
 *                        |       |       |  \
 *                        |      11 <-10- +   \
 *                        |      12            \
 *                       14 <-13-+|             \
 *                       15 -16-> 17            |
 *                        |       18 -19-> 20 <-+
 *                        |        |       21
 *                      box0     box1     box2   ...
 *
 * The constant convolution that turns the 16 box bins into a distance (model.22.dfl) is no part of the graph: decoding is done outside.
 * yolov8n_trunk is model.0..9, pooled, with a linear `classifier`: for pretraining the trunk on labelled pictures.
 *
 * The -hs networks have hard-swish for every SiLU, which an NPU computes in the same pass as the convolution; a SiLU costs it two more passes over the map (docs/results/npu.md). The
 * functions are close, so weights trained with SiLU are a start. */
#include "models/parts.h"

#include <math.h>
#include <stdio.h>

#define BOX_CHANNELS 64 /* 4 sides, 16 bins */
#define MASKS 32
#define PROTO_CHANNELS 64

typedef struct yolo {
    urs_graph *g;
    urs_activation activation;
} yolo;

/* Convolution without bias, batch norm, activation: Ultralytics' "Conv", there always with SiLU. */
static urs_value conv(const yolo *y, urs_value x, const char *prefix, const char *suffix, int32_t out, int32_t kernel, int32_t stride)
{
    const urs_part_conv part = {.out = out, .kernel = kernel, .stride = stride, .eps = 1e-3f, .momentum = 0.03f, .activation = y->activation};
    char name[URS_PART_NAME], a[URS_PART_NAME], b[URS_PART_NAME];
    urs_part_name(name, prefix, suffix);
    return urs_part_conv_norm(y->g, x, urs_part_name(a, name, ".conv"), urs_part_name(b, name, ".bn"), &part);
}

/* cv1 gives two halves; each bottleneck works on the one before; all parts are joined by cv2. */
static urs_value c2f(const yolo *y, urs_value x, const char *prefix, int32_t out, int32_t repeats, bool shortcut)
{
    const int32_t half = out / 2;
    urs_value part[4];
    int32_t n = 2;
    x = conv(y, x, prefix, ".cv1", out, 1, 1);
    part[0] = urs_graph_slice(y->g, x, 0, half);
    part[1] = urs_graph_slice(y->g, x, half, half);
    for (int32_t i = 0; i < repeats; i++, n++) {
        char name[URS_PART_NAME];
        urs_value z;
        (void)snprintf(name, sizeof name, "%s.m.%d", prefix, (int)i);
        z = conv(y, part[n - 1], name, ".cv1", half, 3, 1);
        z = conv(y, z, name, ".cv2", half, 3, 1);
        part[n] = shortcut ? urs_graph_add(y->g, z, part[n - 1]) : z;
    }
    return conv(y, urs_graph_concat(y->g, part, n), prefix, ".cv2", out, 1, 1);
}

/* Three 5x5 maxima in a row see 5, 9 and 13 pixels. */
static urs_value sppf(const yolo *y, urs_value x, const char *prefix, int32_t out)
{
    urs_value part[4];
    part[0] = conv(y, x, prefix, ".cv1", (int32_t)urs_graph_dims(y->g, x).c / 2, 1, 1);
    for (int32_t i = 1; i < 4; i++)
        part[i] = urs_graph_max_pool(y->g, part[i - 1], 5, 1, 2);
    return conv(y, urs_graph_concat(y->g, part, 4), prefix, ".cv2", out, 1, 1);
}

/* x enlarged to the size of `skip`, joined with it. */
static urs_value up_and_join(urs_graph *g, urs_value x, urs_value skip)
{
    const urs_dims d = urs_graph_dims(g, skip);
    const urs_value both[2] = {urs_graph_resize(g, x, URS_RESIZE_NEAREST, (int32_t)d.h, (int32_t)d.w), skip};
    return urs_graph_concat(g, both, 2);
}

typedef struct trunk {
    urs_value at8, at16, at32;
} trunk;

static trunk build_trunk(const yolo *y, const urs_model_options *options, int32_t own_size)
{
    trunk t;
    urs_value x = urs_part_input(y->g, options, own_size, own_size);
    x = conv(y, x, "model.0", "", 16, 3, 2);
    x = conv(y, x, "model.1", "", 32, 3, 2);
    x = c2f(y, x, "model.2", 32, 1, true);
    x = conv(y, x, "model.3", "", 64, 3, 2);
    t.at8 = c2f(y, x, "model.4", 64, 2, true);
    x = conv(y, t.at8, "model.5", "", 128, 3, 2);
    t.at16 = c2f(y, x, "model.6", 128, 2, true);
    x = conv(y, t.at16, "model.7", "", 256, 3, 2);
    x = c2f(y, x, "model.8", 256, 1, true);
    t.at32 = sppf(y, x, "model.9", 256);
    return t;
}

/* Two 3x3 and a 1x1 with bias: every branch of the heads. */
static void branch(const yolo *y, urs_value x, const char *kind, int32_t level, int32_t width, int32_t out, urs_init bias, const char *output)
{
    char prefix[URS_PART_NAME], name[URS_PART_NAME];
    (void)snprintf(prefix, sizeof prefix, "model.22.%s.%d", kind, (int)level);
    x = conv(y, x, prefix, ".0", width, 3, 1);
    x = conv(y, x, prefix, ".1", width, 3, 1);
    x = urs_graph_conv(y->g, x, urs_part_name(name, prefix, ".2"), &(urs_conv_options){.out = out, .kernel = 1, .bias = true, .bias_init = bias});
    (void)snprintf(name, sizeof name, "%s%d", output, (int)level);
    urs_graph_output(y->g, x, name);
}

static void prototypes(const yolo *y, urs_value x)
{
    x = conv(y, x, "model.22.proto", ".cv1", PROTO_CHANNELS, 3, 1);
    x = urs_graph_conv_transpose(y->g, x, "model.22.proto.upsample", &(urs_conv_options){.out = PROTO_CHANNELS, .kernel = 2, .stride = 2, .bias = true});
    x = conv(y, x, "model.22.proto", ".cv2", PROTO_CHANNELS, 3, 1);
    x = conv(y, x, "model.22.proto", ".cv3", MASKS, 1, 1);
    urs_graph_output(y->g, x, "proto");
}

static void build_detector(const yolo *y, const urs_model_options *options, bool masks)
{
    const int32_t classes = urs_part_classes(options, 80), few = classes < 100 ? classes : 100, class_width = few > 64 ? few : 64;
    const trunk t = build_trunk(y, options, 640);
    urs_value level[3], pair[2], middle;

    middle = c2f(y, up_and_join(y->g, t.at32, t.at16), "model.12", 128, 1, false);
    level[0] = c2f(y, up_and_join(y->g, middle, t.at8), "model.15", 64, 1, false);
    pair[0] = conv(y, level[0], "model.16", "", 64, 3, 2);
    pair[1] = middle;
    level[1] = c2f(y, urs_graph_concat(y->g, pair, 2), "model.18", 128, 1, false);
    pair[0] = conv(y, level[1], "model.19", "", 128, 3, 2);
    pair[1] = t.at32;
    level[2] = c2f(y, urs_graph_concat(y->g, pair, 2), "model.21", 256, 1, false);

    for (int32_t i = 0; i < 3; i++)
        branch(y, level[i], "cv2", i, 64, BOX_CHANNELS, (urs_init){URS_INIT_CONSTANT, 1.0f}, "box");
    for (int32_t i = 0; i < 3; i++) {
        /* Starts with the expectation of 5 objects in a 640 pixel picture, shared among classes and cells. */
        const double cells = 640.0 / (double)(8 << i);
        branch(y, level[i], "cv3", i, class_width, classes, (urs_init){URS_INIT_CONSTANT, (float)log(5.0 / classes / (cells * cells))}, "class");
    }
    if (!masks)
        return;
    for (int32_t i = 0; i < 3; i++)
        branch(y, level[i], "cv4", i, MASKS, MASKS, (urs_init){0}, "coef");
    prototypes(y, level[0]);
}

void urs_yolov8n_build(urs_graph *g, const urs_model_options *options)
{
    build_detector(&(yolo){g, URS_ACT_SILU}, options, false);
}

void urs_yolov8n_seg_build(urs_graph *g, const urs_model_options *options)
{
    build_detector(&(yolo){g, URS_ACT_SILU}, options, true);
}

void urs_yolov8n_hs_build(urs_graph *g, const urs_model_options *options)
{
    build_detector(&(yolo){g, URS_ACT_HARD_SWISH}, options, false);
}

void urs_yolov8n_seg_hs_build(urs_graph *g, const urs_model_options *options)
{
    build_detector(&(yolo){g, URS_ACT_HARD_SWISH}, options, true);
}

void urs_yolov8n_trunk_build(urs_graph *g, const urs_model_options *options)
{
    const trunk t = build_trunk(&(yolo){g, URS_ACT_SILU}, options, 224);
    urs_value x = urs_graph_global_pool(g, t.at32);
    if (urs_part_wants_features(options)) {
        urs_part_feature_outputs(g, x, t.at16, options);
        return;
    }
    x = urs_graph_dropout(g, x, urs_part_rate(options->dropout, 0.0f));
    x = urs_graph_linear(g, x, "classifier", &(urs_linear_options){.out = urs_part_classes(options, 1000)});
    urs_graph_output(g, x, "logits");
}
