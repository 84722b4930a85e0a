/* What the architectures share: convolution + norm + activation, TensorFlow's padding, the heads. Private to src/models.
 *
 * All are builders on a graph whose errors are sticky (graph.h), so none reports one itself. */
#ifndef URS_MODELS_PARTS_H
#define URS_MODELS_PARTS_H

#include "models/models.h"

#define URS_PART_NAME 96 /* longest parameter name that our architectures produce, with room to spare */

typedef struct urs_part_conv {
    int32_t out, kernel, stride; /* stride 0: 1 */
    bool depthwise;              /* groups = channels, out = channels (out is ignored) */
    bool tf_padding;             /* "same" as TensorFlow's: what is odd goes to the bottom and the right; else (kernel-1)/2 on every side */
    float eps, momentum;         /* of the batch norm */
    urs_activation activation;
    urs_init init;               /* of the convolution's weight */
} urs_part_conv;

/* Convolution without bias (named `conv`), batch norm (named `norm`), activation. */
urs_value urs_part_conv_norm(urs_graph *g, urs_value x, const char *conv, const char *norm, const urs_part_conv *part);

/* "prefix" + "suffix" in a caller's buffer, which is also returned. */
const char *urs_part_name(char out[URS_PART_NAME], const char *prefix, const char *suffix);

/* v rounded to a multiple of 8, never below 9/10 of v: the width rule of the MobileNet papers. */
int32_t urs_part_make_divisible(double v);

/* What an option that is "0: the architecture's own, < 0: none" means. */
float urs_part_rate(float option, float own);

/* Number of classes that the options mean, <= 0: none. */
int32_t urs_part_classes(const urs_model_options *options, int32_t own);

/* The input node: 3 channels at the options' size, or at own_width x own_height. */
urs_value urs_part_input(urs_graph *g, const urs_model_options *options, int32_t own_width, int32_t own_height);

/* Ends a classification trunk whose pooled features are x [F,1,1] in "embedding" (and "unit") or, without an embedding, in "features". middle: its last map at a sixteenth of
 * the input size, for options->regions. Architectures call it when urs_part_wants_features() says so, else they add their own classifier. */
bool urs_part_wants_features(const urs_model_options *options);
void urs_part_feature_outputs(urs_graph *g, urs_value x, urs_value middle, const urs_model_options *options);

/* One architecture each; the records are in registry.c. */
void urs_mobilenet_v3_small_build(urs_graph *g, const urs_model_options *options);
void urs_mobilenet_v3_small_075_build(urs_graph *g, const urs_model_options *options);
void urs_mobilenet_v3_small_minimalistic_build(urs_graph *g, const urs_model_options *options);
void urs_mobilenet_v3_large_build(urs_graph *g, const urs_model_options *options);
void urs_mobilenet_v3_large_minimalistic_build(urs_graph *g, const urs_model_options *options);
void urs_resnet50_build(urs_graph *g, const urs_model_options *options);
void urs_efficientnet_v2_s_build(urs_graph *g, const urs_model_options *options);
void urs_efficientnet_lite0_build(urs_graph *g, const urs_model_options *options);
void urs_convnext_tiny_build(urs_graph *g, const urs_model_options *options);
void urs_swin_tiny_build(urs_graph *g, const urs_model_options *options);
void urs_yolov8n_build(urs_graph *g, const urs_model_options *options);
void urs_yolov8n_seg_build(urs_graph *g, const urs_model_options *options);
void urs_yolov8n_trunk_build(urs_graph *g, const urs_model_options *options);
/* Variants for int8 on an NPU. */
void urs_yolov8n_hs_build(urs_graph *g, const urs_model_options *options);
void urs_yolov8n_seg_hs_build(urs_graph *g, const urs_model_options *options);
void urs_convnext_tiny_npu_build(urs_graph *g, const urs_model_options *options);

#endif
