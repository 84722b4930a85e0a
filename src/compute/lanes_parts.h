/* Names of the kernels of one instruction set: every lanes_*.c is compiled with URS_LANES_ISA set to baseline, avx2 or avx512, which becomes part of
 * each public name, so that the three copies can be linked together. */
#ifndef URS_COMPUTE_LANES_PARTS_H
#define URS_COMPUTE_LANES_PARTS_H

#include "compute/lanes.h"

#define LANES_PASTE2(a, b) a##_##b
#define LANES_PASTE(a, b) LANES_PASTE2(a, b)
#define LANES_NAME(name) LANES_PASTE(name, URS_LANES_ISA)

#define urs_lanes_activation_forward LANES_NAME(urs_lanes_activation_forward)
#define urs_lanes_activation_backward LANES_NAME(urs_lanes_activation_backward)
#define urs_lanes_batch_norm_forward LANES_NAME(urs_lanes_batch_norm_forward)
#define urs_lanes_batch_norm_backward LANES_NAME(urs_lanes_batch_norm_backward)
#define urs_lanes_layer_norm_forward LANES_NAME(urs_lanes_layer_norm_forward)
#define urs_lanes_layer_norm_backward LANES_NAME(urs_lanes_layer_norm_backward)
#define urs_lanes_global_pool_forward LANES_NAME(urs_lanes_global_pool_forward)
#define urs_lanes_global_pool_backward LANES_NAME(urs_lanes_global_pool_backward)
#define urs_lanes_max_pool_forward LANES_NAME(urs_lanes_max_pool_forward)
#define urs_lanes_max_pool_backward LANES_NAME(urs_lanes_max_pool_backward)
#define urs_lanes_resize_forward LANES_NAME(urs_lanes_resize_forward)
#define urs_lanes_resize_backward LANES_NAME(urs_lanes_resize_backward)
#define urs_lanes_add_forward LANES_NAME(urs_lanes_add_forward)
#define urs_lanes_mul_forward LANES_NAME(urs_lanes_mul_forward)
#define urs_lanes_mul_backward LANES_NAME(urs_lanes_mul_backward)
#define urs_lanes_scale_forward LANES_NAME(urs_lanes_scale_forward)
#define urs_lanes_scale_backward LANES_NAME(urs_lanes_scale_backward)
#define urs_lanes_fake_quant_forward LANES_NAME(urs_lanes_fake_quant_forward)
#define urs_lanes_fake_quant_backward LANES_NAME(urs_lanes_fake_quant_backward)
#define urs_lanes_concat_forward LANES_NAME(urs_lanes_concat_forward)
#define urs_lanes_concat_backward LANES_NAME(urs_lanes_concat_backward)
#define urs_lanes_slice_forward LANES_NAME(urs_lanes_slice_forward)
#define urs_lanes_slice_backward LANES_NAME(urs_lanes_slice_backward)
#define urs_lanes_depthwise_forward LANES_NAME(urs_lanes_depthwise_forward)
#define urs_lanes_depthwise_backward LANES_NAME(urs_lanes_depthwise_backward)
#define urs_lanes_attention_forward LANES_NAME(urs_lanes_attention_forward)
#define urs_lanes_attention_backward LANES_NAME(urs_lanes_attention_backward)
#define urs_lanes_pad_forward LANES_NAME(urs_lanes_pad_forward)
#define urs_lanes_pad_backward LANES_NAME(urs_lanes_pad_backward)
#define urs_lanes_merge_forward LANES_NAME(urs_lanes_merge_forward)
#define urs_lanes_merge_backward LANES_NAME(urs_lanes_merge_backward)
#define urs_lanes_position_forward LANES_NAME(urs_lanes_position_forward)
#define urs_lanes_position_backward LANES_NAME(urs_lanes_position_backward)
#define urs_lanes_drop_path_forward LANES_NAME(urs_lanes_drop_path_forward)
#define urs_lanes_drop_path_backward LANES_NAME(urs_lanes_drop_path_backward)
#define urs_lanes_upsample_forward LANES_NAME(urs_lanes_upsample_forward)
#define urs_lanes_upsample_scratch LANES_NAME(urs_lanes_upsample_scratch)
#define urs_lanes_attention_scratch LANES_NAME(urs_lanes_attention_scratch)

urs_lanes_run urs_lanes_fake_quant_forward, urs_lanes_fake_quant_backward;
urs_lanes_run urs_lanes_activation_forward, urs_lanes_activation_backward, urs_lanes_batch_norm_forward, urs_lanes_batch_norm_backward,
    urs_lanes_layer_norm_forward, urs_lanes_layer_norm_backward, urs_lanes_global_pool_forward, urs_lanes_global_pool_backward,
    urs_lanes_max_pool_forward, urs_lanes_max_pool_backward, urs_lanes_resize_forward, urs_lanes_resize_backward, urs_lanes_add_forward,
    urs_lanes_mul_forward, urs_lanes_mul_backward, urs_lanes_scale_forward, urs_lanes_scale_backward, urs_lanes_concat_forward,
    urs_lanes_concat_backward, urs_lanes_slice_forward, urs_lanes_slice_backward, urs_lanes_depthwise_forward, urs_lanes_depthwise_backward, urs_lanes_attention_forward,
    urs_lanes_attention_backward, urs_lanes_pad_forward, urs_lanes_pad_backward, urs_lanes_merge_forward, urs_lanes_merge_backward, urs_lanes_position_forward,
    urs_lanes_position_backward, urs_lanes_upsample_forward, urs_lanes_drop_path_forward, urs_lanes_drop_path_backward;
size_t urs_lanes_attention_scratch(const urs_kernel_spec *spec), urs_lanes_upsample_scratch(const urs_kernel_spec *spec); /* bytes */

#endif
