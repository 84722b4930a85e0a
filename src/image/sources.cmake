target_sources(ursid_lib PRIVATE
    src/image/absent_codecs.c
    src/image/colour.c
    src/image/decode.c
    src/image/draw.c
    src/image/encode.c
    src/image/exif.c
    src/image/geometry.c
    src/image/image.c
    src/image/jpeg.c
    src/image/orient.c
    src/image/resize.c
    src/image/image_tensor.c
    $<$<BOOL:${URS_PNG}>:src/image/encode_png.c>
    $<$<BOOL:${URS_PNG}>:src/image/png.c>
    $<$<BOOL:${URS_TIFF}>:src/image/tiff.c>
    $<$<BOOL:${URS_WEBP}>:src/image/webp.c>)
# The hot loops of the resize and of the warp are written to be vectorised, which -O2 of older compilers does not do.
set_source_files_properties(src/image/resize.c src/image/geometry.c PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
