/* The table of all int8 operators. */
#include "int8/int8_op.h"

const urs_int8_record *urs_int8_record_of(urs_int8_kind kind)
{
    static const urs_int8_record *const records[URS_INT8_KIND_COUNT] = {
        [URS_INT8_CONV_2D] = &urs_int8_conv_2d,
        [URS_INT8_DEPTHWISE_CONV_2D] = &urs_int8_depthwise_conv_2d,
        [URS_INT8_TRANSPOSE_CONV] = &urs_int8_transpose_conv,
        [URS_INT8_FULLY_CONNECTED] = &urs_int8_fully_connected,
        [URS_INT8_ADD] = &urs_int8_add,
        [URS_INT8_SUB] = &urs_int8_sub,
        [URS_INT8_MUL] = &urs_int8_mul,
        [URS_INT8_MEAN] = &urs_int8_mean,
        [URS_INT8_AVERAGE_POOL_2D] = &urs_int8_average_pool_2d,
        [URS_INT8_MAX_POOL_2D] = &urs_int8_max_pool_2d,
        [URS_INT8_CONCATENATION] = &urs_int8_concatenation,
        [URS_INT8_SPLIT] = &urs_int8_split,
        [URS_INT8_SLICE] = &urs_int8_slice,
        [URS_INT8_RESHAPE] = &urs_int8_reshape,
        [URS_INT8_PAD] = &urs_int8_pad,
        [URS_INT8_RESIZE_NEAREST] = &urs_int8_resize_nearest,
        [URS_INT8_QUANTIZE] = &urs_int8_quantize_op,
        [URS_INT8_DEQUANTIZE] = &urs_int8_dequantize,
        [URS_INT8_LOGISTIC] = &urs_int8_logistic,
        [URS_INT8_TANH] = &urs_int8_tanh,
        [URS_INT8_HARD_SWISH] = &urs_int8_hard_swish,
        [URS_INT8_RELU] = &urs_int8_relu,
        [URS_INT8_RELU6] = &urs_int8_relu6,
        [URS_INT8_LEAKY_RELU] = &urs_int8_leaky_relu,
        [URS_INT8_GELU] = &urs_int8_gelu,
        [URS_INT8_SOFTMAX] = &urs_int8_softmax,
    };
    return (uint32_t)kind < URS_INT8_KIND_COUNT ? records[kind] : NULL;
}
