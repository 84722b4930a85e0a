# The shared case list of all operations.
add_library(urs_op_cases STATIC backend/op_cases.c backend/op_run.c)
target_include_directories(urs_op_cases PUBLIC backend)
target_link_libraries(urs_op_cases PUBLIC ursid_lib PRIVATE urs_warnings)

urs_test(backend ops_ref)
urs_test(grad grad_ops)
urs_test(backend backends)
urs_test(backend lanes)
foreach(topic ops_ref grad_ops backends lanes)
    if(TARGET test_${topic})
        target_link_libraries(test_${topic} PRIVATE urs_op_cases)
    endif()
endforeach()
