target_sources(ursid_lib PRIVATE
    src/data/dataset.c
    src/data/dataset_csv.c
    src/data/dataset_folders.c
    src/data/dataset_heads.c
    src/data/dataset_imglab.c
    src/data/dataset_yolo.c
    src/data/dhash.c
    src/data/name_table.c
    src/data/sampler.c
    src/data/split.c
    src/data/split_check.c)
