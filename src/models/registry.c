/* The table of architectures, and building by name; see models.h. */
#include "models/parts.h"

#include <math.h>
#include <string.h>

#define HEAD_WIDTH_MAX 8192

#define IMAGENET_MEAN {0.485f, 0.456f, 0.406f}
#define IMAGENET_STD {0.229f, 0.224f, 0.225f}
#define HALF {0.5f, 0.5f, 0.5f} /* as mean and deviation: [0,1] becomes [-1,1] */
/* (x - 127) / 128 on 0..255, as TensorFlow's Lite models. Measured on 125 ImageNet pictures: 83 % right, with IMAGENET_MEAN and _STD 69 %. */
#define LITE_MEAN {127.0f / 255.0f, 127.0f / 255.0f, 127.0f / 255.0f}
#define LITE_STD {128.0f / 255.0f, 128.0f / 255.0f, 128.0f / 255.0f}

static const urs_arch table[] = {
    {.name = "mobilenet_v3_small", .description = "MobileNetV3-Small 1.0 (torchvision)", .build = urs_mobilenet_v3_small_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 576, .size_multiple = 1, .dropout = 0.2f},
    {.name = "mobilenet_v3_small_075", .description = "MobileNetV3-Small 0.75 (widths of TensorFlow's, torchvision's names)", .build = urs_mobilenet_v3_small_075_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = HALF, .std = HALF},
     .classes = 1000, .feature_dim = 432, .size_multiple = 1, .dropout = 0.2f},
    {.name = "mobilenet_v3_small_minimalistic", .description = "MobileNetV3-Small without squeeze-excitation and hard-swish (TensorFlow's, torchvision's names)",
     .build = urs_mobilenet_v3_small_minimalistic_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = HALF, .std = HALF},
     .classes = 1000, .feature_dim = 576, .size_multiple = 1, .dropout = 0.2f},
    {.name = "mobilenet_v3_large", .description = "MobileNetV3-Large 1.0 (torchvision)", .build = urs_mobilenet_v3_large_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 960, .size_multiple = 1, .dropout = 0.2f},
    {.name = "mobilenet_v3_large_minimalistic", .description = "MobileNetV3-Large without squeeze-excitation and hard-swish (TensorFlow's, torchvision's names)",
     .build = urs_mobilenet_v3_large_minimalistic_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = HALF, .std = HALF},
     .classes = 1000, .feature_dim = 960, .size_multiple = 1, .dropout = 0.2f},
    {.name = "resnet50", .description = "ResNet-50 (torchvision)", .build = urs_resnet50_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 2048, .size_multiple = 1},
    {.name = "efficientnet_v2_s", .description = "EfficientNetV2-S (torchvision)", .build = urs_efficientnet_v2_s_build,
     .input = {.width = 384, .height = 384, .fit = URS_FIT_CENTRE_CROP, .crop_share = 1.0f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 1280, .size_multiple = 1, .dropout = 0.2f, .drop_path = 0.2f},
    {.name = "efficientnet_lite0", .description = "EfficientNet-Lite0 (efficientnet_pytorch's names)", .build = urs_efficientnet_lite0_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .mean = LITE_MEAN, .std = LITE_STD, .filter = URS_FILTER_BICUBIC},
     .classes = 1000, .feature_dim = 1280, .size_multiple = 1, .dropout = 0.2f, .drop_path = 0.2f},
    {.name = "convnext_tiny", .description = "ConvNeXt-Tiny (torchvision)", .build = urs_convnext_tiny_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.949f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 768, .size_multiple = 1, .drop_path = 0.1f},
    {.name = "swin_tiny", .description = "Swin-Tiny, MegaDescriptor-T-224 (timm's names)", .build = urs_swin_tiny_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_STRETCH, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 768, .size_multiple = 224, .drop_path = 0.1f},
    {.name = "yolov8n", .description = "YOLOv8n, boxes (Ultralytics' names)", .build = urs_yolov8n_build,
     .input = {.width = 640, .height = 640, .fit = URS_FIT_LETTERBOX, .std = {1.0f, 1.0f, 1.0f}},
     .classes = 80, .size_multiple = 32, .detector = true, .fixed_params = 16},
    {.name = "yolov8n-seg", .description = "YOLOv8n-seg, boxes and masks (Ultralytics' names)", .build = urs_yolov8n_seg_build,
     .input = {.width = 640, .height = 640, .fit = URS_FIT_LETTERBOX, .std = {1.0f, 1.0f, 1.0f}},
     .classes = 80, .size_multiple = 32, .detector = true, .segmenter = true, .fixed_params = 16},
    {.name = "yolov8n_trunk", .description = "trunk of YOLOv8n as a classifier, for pretraining", .build = urs_yolov8n_trunk_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.875f, .std = {1.0f, 1.0f, 1.0f}},
     .classes = 1000, .feature_dim = 256, .size_multiple = 32},
    /* Variants for int8 on an NPU. */
    {.name = "yolov8n-hs", .description = "YOLOv8n with hard-swish for SiLU, for int8", .build = urs_yolov8n_hs_build,
     .input = {.width = 640, .height = 640, .fit = URS_FIT_LETTERBOX, .std = {1.0f, 1.0f, 1.0f}},
     .classes = 80, .size_multiple = 32, .detector = true, .fixed_params = 16},
    {.name = "yolov8n-seg-hs", .description = "YOLOv8n-seg with hard-swish for SiLU, for int8", .build = urs_yolov8n_seg_hs_build,
     .input = {.width = 640, .height = 640, .fit = URS_FIT_LETTERBOX, .std = {1.0f, 1.0f, 1.0f}},
     .classes = 80, .size_multiple = 32, .detector = true, .segmenter = true, .fixed_params = 16},
    {.name = "convnext_tiny_npu", .description = "ConvNeXt-Tiny with batch norms and hard-swish, for int8", .build = urs_convnext_tiny_npu_build,
     .input = {.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP, .crop_share = 0.949f, .mean = IMAGENET_MEAN, .std = IMAGENET_STD},
     .classes = 1000, .feature_dim = 768, .size_multiple = 32, .drop_path = 0.1f},
};

int32_t urs_arch_count(void)
{
    return (int32_t)(sizeof table / sizeof table[0]);
}

const urs_arch *urs_arch_at(int32_t index)
{
    return index >= 0 && index < urs_arch_count() ? &table[index] : NULL;
}

const urs_arch *urs_arch_find(const char *name)
{
    for (int32_t i = 0; name && i < urs_arch_count(); i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static urs_status check_side(const urs_arch *arch, const char *what, int32_t side, urs_error *err)
{
    if (side == 0)
        return URS_OK;
    if (side < 32)
        return urs_fail(err, URS_EINVAL, "%s %d of %s is below 32", what, (int)side, arch->name);
    if (side > URS_MODEL_SIDE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s %d of %s is above %d", what, (int)side, arch->name, URS_MODEL_SIDE_MAX);
    if (side % arch->size_multiple)
        return urs_fail(err, URS_EINVAL, "%s %d of %s is no multiple of %d", what, (int)side, arch->name, (int)arch->size_multiple);
    return URS_OK;
}

static urs_status check_head(const urs_arch *arch, const urs_model_options *o, urs_error *err)
{
    bool ended = false;
    if (o->embedding < 0 || o->embedding > HEAD_WIDTH_MAX)
        return urs_fail(err, URS_ELIMIT, "an embedding has 1 to %d numbers, not %d", HEAD_WIDTH_MAX, (int)o->embedding);
    if (arch->detector && (o->embedding || o->classes < 0))
        return urs_fail(err, URS_EINVAL, "%s is a detector: it has no features or embeddings (use yolov8n_trunk)", arch->name);
    if (o->head != URS_HEAD_MLP && o->head != URS_HEAD_PLAIN)
        return urs_fail(err, URS_EINVAL, "there is no embedding head number %d", (int)o->head);
    if (o->regions) {
        const int32_t width = o->input_width ? o->input_width : arch->input.width, height = o->input_height ? o->input_height : arch->input.height;
        if (!o->embedding && o->classes >= 0)
            return urs_fail(err, URS_EINVAL, "regions are for features and embeddings, not for classes");
        if (width != height || width % 32)
            return urs_fail(err, URS_EINVAL, "regions need a square input whose side is a multiple of 32, not %dx%d", (int)width, (int)height);
    }
    for (int i = 0; i < URS_MODEL_HIDDEN_MAX; i++) {
        if (o->hidden[i] < 0 || o->hidden[i] > HEAD_WIDTH_MAX)
            return urs_fail(err, URS_ELIMIT, "a hidden layer has 1 to %d numbers, not %d", HEAD_WIDTH_MAX, (int)o->hidden[i]);
        if (o->hidden[i] && (ended || !o->embedding || o->head != URS_HEAD_MLP))
            return urs_fail(err, URS_EINVAL, "hidden layers stand one after the other in front of an embedding with the head \"mlp\"");
        ended = ended || !o->hidden[i];
    }
    return URS_OK;
}

static bool share(float x)
{
    return isfinite(x) && x < 1.0f;
}

urs_status urs_model_options_check(const urs_model_options *o, urs_error *err)
{
    const urs_arch *arch;
    urs_status status;
    if (!memchr(o->arch, 0, sizeof o->arch))
        return urs_fail(err, URS_EINVAL, "the name of the architecture does not end");
    arch = urs_arch_find(o->arch);
    if (!arch)
        return urs_fail(err, URS_ENOTFOUND, "there is no architecture \"%s\"", o->arch);
    if ((status = check_side(arch, "input width", o->input_width, err)) != URS_OK)
        return status;
    if ((status = check_side(arch, "input height", o->input_height, err)) != URS_OK)
        return status;
    if (o->classes > URS_MODEL_CLASSES_MAX)
        return urs_fail(err, URS_ELIMIT, "%d classes are more than %d", (int)o->classes, URS_MODEL_CLASSES_MAX);
    if (!share(o->drop_path) || !share(o->dropout))
        return urs_fail(err, URS_EINVAL, "dropout and stochastic depth drop less than everything: below 1");
    return check_head(arch, o, err);
}

urs_status urs_model_build(urs_graph **out, const urs_model_options *options, urs_error *err)
{
    urs_graph *g = NULL;
    urs_status status = urs_model_options_check(options, err);
    if (status != URS_OK)
        return status;
    if ((status = urs_graph_new(&g, err)) != URS_OK)
        return status;
    urs_arch_find(options->arch)->build(g, options);
    if ((status = urs_graph_finish(g, err)) != URS_OK) {
        urs_error_prefix(err, "%s: ", options->arch);
        urs_graph_free(g);
        return status;
    }
    *out = g;
    return URS_OK;
}

urs_status urs_model_options_default(urs_model_options *out, const char *name, urs_error *err)
{
    const urs_arch *arch = urs_arch_find(name);
    urs_model_options o = {0};
    if (!arch)
        return urs_fail(err, URS_ENOTFOUND, "there is no architecture \"%s\"", name ? name : "");
    memcpy(o.arch, arch->name, strlen(arch->name) + 1);
    o.input_width = arch->input.width;
    o.input_height = arch->input.height;
    o.classes = arch->classes;
    o.dropout = arch->dropout;
    o.drop_path = arch->drop_path;
    *out = o;
    return URS_OK;
}

urs_status urs_model_input_format(urs_input_format *out, const urs_model_options *options, urs_error *err)
{
    urs_input_format format;
    const urs_status status = urs_model_options_check(options, err);
    if (status != URS_OK)
        return status;
    format = urs_arch_find(options->arch)->input;
    /* TensorFlow's weights of these networks were trained on [-1,1] (its models do 2x - 1 themselves). */
    for (int i = 0; options->tf_padding && strncmp(options->arch, "mobilenet_v3", 12) == 0 && i < 3; i++)
        format.mean[i] = format.std[i] = 0.5f;
    if (options->input_width)
        format.width = options->input_width;
    if (options->input_height)
        format.height = options->input_height;
    *out = format;
    return URS_OK;
}
