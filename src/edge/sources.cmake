target_sources(ursid_lib PRIVATE
    src/edge/board_profile.c
    src/edge/energy.c
    src/edge/engine_check.c
    src/edge/engine_ladder.c
    src/edge/tflite_library.c
    src/edge/tflite_session.c)
target_link_libraries(ursid_lib PUBLIC ${CMAKE_DL_LIBS})
