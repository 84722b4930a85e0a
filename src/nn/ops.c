/* The table of all operations, in the order of urs_op_kind. */
#include "nn/op.h"

static const urs_op *const ops[URS_OP_COUNT] = {
    [URS_OP_INPUT] = &urs_op_input,
    [URS_OP_CONV] = &urs_op_conv,
    [URS_OP_CONV_TRANSPOSE] = &urs_op_conv_transpose,
    [URS_OP_LINEAR] = &urs_op_linear,
    [URS_OP_MATMUL] = &urs_op_matmul,
    [URS_OP_BATCH_NORM] = &urs_op_batch_norm,
    [URS_OP_LAYER_NORM] = &urs_op_layer_norm,
    [URS_OP_ACTIVATION] = &urs_op_activation,
    [URS_OP_SOFTMAX] = &urs_op_softmax,
    [URS_OP_MAX_POOL] = &urs_op_max_pool,
    [URS_OP_AVG_POOL] = &urs_op_avg_pool,
    [URS_OP_GLOBAL_POOL] = &urs_op_global_pool,
    [URS_OP_RESIZE] = &urs_op_resize,
    [URS_OP_ADD] = &urs_op_add,
    [URS_OP_MUL] = &urs_op_mul,
    [URS_OP_CONCAT] = &urs_op_concat,
    [URS_OP_SLICE] = &urs_op_slice,
    [URS_OP_DROPOUT] = &urs_op_dropout,
    [URS_OP_DROP_PATH] = &urs_op_drop_path,
    [URS_OP_L2_NORM] = &urs_op_l2_norm,
    [URS_OP_SCALE] = &urs_op_scale,
    [URS_OP_FAKE_QUANT] = &urs_op_fake_quant,
    [URS_OP_ATTENTION] = &urs_op_attention,
    [URS_OP_PAD] = &urs_op_pad,
    [URS_OP_MERGE] = &urs_op_merge,
    [URS_OP_POSITION] = &urs_op_position,
};

const urs_op *urs_op_find(urs_op_kind kind)
{
    return (int)kind >= 0 && kind < URS_OP_COUNT ? ops[kind] : NULL;
}
