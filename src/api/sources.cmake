# The shared library with the public API. The rooms are linked into it hidden; only what include/ursid.h declares is seen (a test compares the two).
add_library(ursid_shared SHARED
    src/api/api_catalogue.c
    src/api/api_chain.c
    src/api/api_error.c)
target_link_libraries(ursid_shared PRIVATE ursid_lib urs_warnings)
target_link_options(ursid_shared PRIVATE -Wl,--gc-sections "$<$<NOT:$<CONFIG:Debug>>:-Wl,--no-undefined>")
set_target_properties(ursid_shared PROPERTIES OUTPUT_NAME ursid VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE ${URS_LINKER_LANGUAGE})

file(RELATIVE_PATH URS_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(src/api/ursid.pc.in ursid.pc @ONLY)
install(TARGETS ursid_shared)
install(FILES include/ursid.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/ursid.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
