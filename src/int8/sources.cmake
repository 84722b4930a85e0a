target_sources(ursid_lib PRIVATE
    src/int8/arithmetic.c
    src/int8/engine_arena.c
    src/int8/engine_plan.c
    src/int8/engine_run.c
    src/int8/int8_compare.c
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
    src/int8/int8_rules.c
    src/int8/kernels.c
    src/int8/kernels_plain.c
    src/int8/onnx_check.c
    src/int8/onnx_int8.c
    src/int8/onnx_model.c
    src/int8/reference.c
    src/int8/step_conv.c
    src/int8/step_depthwise.c
    src/int8/step_elements.c
    src/int8/step_max_pool.c
    src/int8/step_transpose_conv.c
    src/int8/tflite_read.c
    src/int8/tflite_rows.c
    src/int8/tflite_write.c)

# One file an instruction set; which of them runs is decided at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_sources(ursid_lib PRIVATE src/int8/kernels_avx2.c src/int8/kernels_avx_vnni.c src/int8/kernels_avx512_vnni.c)
    set_source_files_properties(src/int8/kernels_avx2.c PROPERTIES COMPILE_OPTIONS "-mavx2;$<$<NOT:$<CONFIG:Debug>>:-O3>")
    set_source_files_properties(src/int8/kernels_avx_vnni.c PROPERTIES COMPILE_OPTIONS "-mavx2;-mavxvnni;$<$<NOT:$<CONFIG:Debug>>:-O3>")
    set_source_files_properties(src/int8/kernels_avx512_vnni.c PROPERTIES COMPILE_OPTIONS "-mavx2;-mavx512f;-mavx512bw;-mavx512vl;-mavx512vnni;-mavx512vbmi;$<$<NOT:$<CONFIG:Debug>>:-O3>")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    target_sources(ursid_lib PRIVATE src/int8/kernels_neon.c src/int8/kernels_sdot.c)
    set_source_files_properties(src/int8/kernels_sdot.c PROPERTIES COMPILE_OPTIONS "-march=armv8.2-a+dotprod;$<$<NOT:$<CONFIG:Debug>>:-O3>")
    set_source_files_properties(src/int8/kernels_neon.c PROPERTIES COMPILE_OPTIONS "$<$<NOT:$<CONFIG:Debug>>:-O3>")
endif()
# Loops over elements are left to the compiler to vectorise.
set_source_files_properties(src/int8/step_elements.c src/int8/step_max_pool.c src/int8/kernels_plain.c PROPERTIES COMPILE_OPTIONS "$<$<NOT:$<CONFIG:Debug>>:-O3>")
