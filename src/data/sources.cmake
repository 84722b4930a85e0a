target_sources(ursid_lib PRIVATE
    src/data/absent_readers.c
    src/data/augment_colour.c
    src/data/augment_frame.c
    src/data/augment_geometry.c
    src/data/augment_quality.c
    src/data/augment_yolo.c
    src/data/chip_tensor.c
    src/data/chips.c
    src/data/dataset.c
    src/data/dataset_csv.c
    src/data/dataset_folders.c
    src/data/dataset_heads.c
    $<$<BOOL:${URS_EXPAT}>:src/data/dataset_imglab.c>
    $<$<BOOL:${URS_YAML}>:src/data/dataset_yolo.c>
    src/data/dataset_json.c
    src/data/dhash.c
    src/data/frames.c
    src/data/frames_picture.c
    src/data/name_table.c
    src/data/picture_cache.c
    src/data/sampler.c
    src/data/scene.c
    src/data/scene_paste.c
    src/data/split.c
    src/data/split_check.c
    src/data/split_fold.c
    src/data/split_leaks.c
    src/data/split_plan.c
    src/data/yolo_warp.c)
# Their loops run once a pixel for every training sample, and are written to be vectorised.
set_source_files_properties(src/data/augment_colour.c src/data/augment_quality.c src/data/chip_tensor.c PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
