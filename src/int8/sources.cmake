target_sources(ursid_lib PRIVATE
    src/int8/arithmetic.c
    src/int8/int8_facts.c
    src/int8/int8_graph.c
    src/int8/int8_op_binary.c
    src/int8/int8_op_conv.c
    src/int8/int8_op_depthwise.c
    src/int8/int8_op_fully_connected.c
    src/int8/int8_op_join.c
    src/int8/int8_op_mean.c
    src/int8/int8_op_pool.c
    src/int8/int8_op_shape.c
    src/int8/int8_op_softmax.c
    src/int8/int8_op_transpose_conv.c
    src/int8/int8_op_unary.c
    src/int8/int8_ops.c
    src/int8/int8_rules.c)
