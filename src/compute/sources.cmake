target_sources(ursid_lib PRIVATE
    src/compute/backend.c
    src/compute/ref.c
    src/compute/ref_function.c
    src/compute/tensor.c)
set_source_files_properties(src/compute/ref_function.c PROPERTIES COMPILE_OPTIONS -ffp-contract=off)

# The families of the reference backend, once for float and once for double.
foreach(f64 0 1)
    add_library(urs_ref_${f64} OBJECT
        src/compute/ref_attention.c
        src/compute/ref_batch_norm.c
        src/compute/ref_channels.c
        src/compute/ref_conv.c
        src/compute/ref_elements.c
        src/compute/ref_fake_quant.c
        src/compute/ref_map.c
        src/compute/ref_matmul.c
        src/compute/ref_pool.c
        src/compute/ref_resize.c)
    target_include_directories(urs_ref_${f64} PRIVATE src)
    target_compile_definitions(urs_ref_${f64} PRIVATE _GNU_SOURCE URS_REF_F64=${f64})
    target_compile_options(urs_ref_${f64} PRIVATE -ffp-contract=off)
    target_link_libraries(urs_ref_${f64} PRIVATE urs_warnings)
    target_sources(ursid_lib PRIVATE $<TARGET_OBJECTS:urs_ref_${f64}>)
endforeach()

# An edge build ends here: nobody but the onednn backend uses what follows.
if(NOT URS_ONEDNN)
    return()
endif()

# The onednn backend, and our kernels on blocked layouts once per instruction set.
# Not find_package(dnnl): Debian 12's dnnl-config.cmake fails where the OpenCL headers are missing, though its library needs none of them to link.
find_library(DNNL_LIBRARY dnnl)
find_path(DNNL_INCLUDE oneapi/dnnl/dnnl.h)
target_sources(ursid_lib PRIVATE
    src/compute/adapter.c
    src/compute/dnnl_bridge.c
    src/compute/lanes_kernel.c
    src/compute/onednn.c
    src/compute/onednn_conv.c)
target_compile_definitions(ursid_lib PUBLIC URS_HAVE_ONEDNN)
if(NOT DNNL_LIBRARY OR NOT DNNL_INCLUDE)
    message(FATAL_ERROR "oneDNN is missing (Debian: libdnnl-dev)")
endif()
target_include_directories(ursid_lib SYSTEM PUBLIC ${DNNL_INCLUDE})
target_link_libraries(ursid_lib PUBLIC ${DNNL_LIBRARY} ${CMAKE_DL_LIBS})

set(URS_LANES_FLAGS_baseline "")
set(URS_LANES_FLAGS_avx2 -mavx2 -mfma)
set(URS_LANES_FLAGS_avx512 -mavx512f -mavx512vl -mavx512bw -mavx512dq -mavx2 -mfma -mprefer-vector-width=512)
foreach(isa baseline avx2 avx512)
    add_library(urs_lanes_${isa} OBJECT
        src/compute/lanes_attention.c
        src/compute/lanes_depthwise.c
        src/compute/lanes_fake_quant.c
        src/compute/lanes_layer_norm.c
        src/compute/lanes_map.c
        src/compute/lanes_norm.c
        src/compute/lanes_pad.c
        src/compute/lanes_shape.c
        src/compute/lanes_table.c
        src/compute/lanes_upsample.c)
    target_include_directories(urs_lanes_${isa} PRIVATE src)
    target_compile_definitions(urs_lanes_${isa} PRIVATE _GNU_SOURCE URS_LANES_ISA=${isa})
    # Full vectorisation; not with the sanitizers, under which these files would take minutes to compile.
    target_compile_options(urs_lanes_${isa} PRIVATE "$<$<NOT:$<CONFIG:Debug>>:-O3>" -fno-trapping-math -fno-math-errno -ffp-contract=fast)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(urs_lanes_${isa} PRIVATE ${URS_LANES_FLAGS_${isa}})
    endif()
    target_link_libraries(urs_lanes_${isa} PRIVATE urs_warnings)
    target_sources(ursid_lib PRIVATE $<TARGET_OBJECTS:urs_lanes_${isa}>)
endforeach()
