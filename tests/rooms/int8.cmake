urs_test(unit int8_graph)
urs_test(golden golden_int8)
urs_test(backend int8_tflite)
urs_test(backend int8_kernels)
urs_fuzz(int8)

if(URSID_TESTS)
    target_link_options(test_int8_tflite PRIVATE -Wl,--as-needed) # so that it runs where only TFLite is
    add_executable(int8_write_cases harness/int8_write_cases.c)
    target_link_libraries(int8_write_cases PRIVATE urs_harness urs_warnings)
    set_target_properties(int8_write_cases PROPERTIES LINKER_LANGUAGE ${URS_LINKER_LANGUAGE})
endif()
