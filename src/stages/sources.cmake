target_sources(ursid_lib PRIVATE
    src/stages/chain.c
    src/stages/chain_file.c
    src/stages/chip.c
    src/stages/embed.c
    src/stages/embed_train.c
    src/stages/find.c
    src/stages/find_decode.c
    src/stages/find_evaluate.c
    src/stages/find_mask.c
    src/stages/find_train.c
    src/stages/fit.c
    src/stages/model_path.c
    src/stages/network.c
    src/stages/runner.c
    src/stages/sift.c
    src/stages/sift_folds.c
    src/stages/sift_train.c)
