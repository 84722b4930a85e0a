target_sources(ursid_lib PRIVATE
    src/stages/chain.c
    src/stages/chain_file.c
    src/stages/chain_regions.c
    src/stages/chip.c
    src/stages/embed.c
    src/stages/embed_head.c
    src/stages/embed_loss.c
    src/stages/embed_split.c
    src/stages/embed_train.c
    src/stages/find.c
    src/stages/find_decode.c
    src/stages/find_evaluate.c
    src/stages/find_mask.c
    src/stages/find_train.c
    src/stages/fit.c
    src/stages/fuse.c
    src/stages/model_path.c
    src/stages/int8_network.c
    src/stages/network.c
    src/stages/quantize.c
    src/stages/runner.c
    src/stages/sift.c
    src/stages/sift_folds.c
    src/stages/sift_pair.c
    src/stages/sift_threshold.c
    src/stages/sift_train.c)
set_source_files_properties(src/stages/int8_network.c PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>") # the loop over a picture's bytes
