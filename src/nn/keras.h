/* Weight files of Keras: .h5 (legacy), .weights.h5, and .keras, a zip with model.weights.h5 inside.
 *
 *      in the file                                                              in the collection
 *      model_weights/expanded_conv/project/expanded_conv/project/kernel:0       expanded_conv_project/kernel    (.h5; names of TensorFlow's Keras)
 *      expanded_conv_project/expanded_conv_project/kernel                        expanded_conv_project/kernel    (.h5; names of Keras 3; weights alone)
 *      layers/conv2d_2/vars/0          attribute name: expanded_conv_project     expanded_conv_project/kernel    (.weights.h5, .keras)
 *
 * One spelling for all: lower case, '_' between the parts, "_bn" for batch norms; variables are kernel, bias, gamma, beta, moving_mean, moving_variance. Kernels come out in our order: [h,w,in,out] as
 * [out,in,h,w], of depthwise layers [h,w,channels,multiplier] as [channels * multiplier,1,h,w], [in,out] as [out,in]. Hostile bytes are fine (hdf5.h); a .keras needs libzip. Lambda layers and other
 * code in a .keras are never looked at. */
#ifndef URS_NN_KERAS_H
#define URS_NN_KERAS_H

#include "nn/weights.h"

/* *out: owned. URS_EFORMAT: no weights in it. */
urs_status urs_keras_read_h5(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;
/* URS_ENOTFOUND: a zip without model.weights.h5 (PyTorch's, for example). */
urs_status urs_keras_read_zip(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;

#endif
