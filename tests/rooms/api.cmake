urs_test(unit formats)
urs_test(e2e public_api)
if(TARGET test_public_api)
    target_link_libraries(test_public_api PRIVATE ursid_shared)
endif()
if(URSID_TESTS)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" configuration)
    add_test(NAME e2e/installed_library
        COMMAND ${CMAKE_SOURCE_DIR}/tests/e2e/installed_library.sh ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR} ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER}
                "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${configuration}}")
    set_tests_properties(e2e/installed_library PROPERTIES LABELS e2e TIMEOUT 600)
endif()
