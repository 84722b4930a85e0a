/* The table of one instruction set; see lanes_parts.h. */
#include "compute/lanes_parts.h"

#define LANES_STRING2(x) #x
#define LANES_STRING(x) LANES_STRING2(x)

const urs_lanes_table LANES_NAME(urs_lanes) = {
    .name = LANES_STRING(URS_LANES_ISA),
    .run = {[URS_OP_ACTIVATION] = {urs_lanes_activation_forward, urs_lanes_activation_backward},
            [URS_OP_CONV_TRANSPOSE] = {urs_lanes_upsample_forward, NULL},
            [URS_OP_BATCH_NORM] = {urs_lanes_batch_norm_forward, urs_lanes_batch_norm_backward},
            [URS_OP_LAYER_NORM] = {urs_lanes_layer_norm_forward, urs_lanes_layer_norm_backward},
            [URS_OP_GLOBAL_POOL] = {urs_lanes_global_pool_forward, urs_lanes_global_pool_backward},
            [URS_OP_MAX_POOL] = {urs_lanes_max_pool_forward, urs_lanes_max_pool_backward},
            [URS_OP_RESIZE] = {urs_lanes_resize_forward, urs_lanes_resize_backward},
            [URS_OP_ADD] = {urs_lanes_add_forward, NULL},
            [URS_OP_MUL] = {urs_lanes_mul_forward, urs_lanes_mul_backward},
            [URS_OP_SCALE] = {urs_lanes_scale_forward, urs_lanes_scale_backward},
            [URS_OP_DROP_PATH] = {urs_lanes_drop_path_forward, urs_lanes_drop_path_backward},
            [URS_OP_FAKE_QUANT] = {urs_lanes_fake_quant_forward, urs_lanes_fake_quant_backward},
            [URS_OP_CONCAT] = {urs_lanes_concat_forward, urs_lanes_concat_backward},
            [URS_OP_SLICE] = {urs_lanes_slice_forward, urs_lanes_slice_backward},
            [URS_OP_ATTENTION] = {urs_lanes_attention_forward, urs_lanes_attention_backward},
            [URS_OP_PAD] = {urs_lanes_pad_forward, urs_lanes_pad_backward},
            [URS_OP_MERGE] = {urs_lanes_merge_forward, urs_lanes_merge_backward},
            [URS_OP_POSITION] = {urs_lanes_position_forward, urs_lanes_position_backward}},
    .scratch = {[URS_OP_ATTENTION] = urs_lanes_attention_scratch, [URS_OP_CONV_TRANSPOSE] = urs_lanes_upsample_scratch},
    .depthwise = {urs_lanes_depthwise_forward, urs_lanes_depthwise_backward},
};
