target_sources(ursid_lib PRIVATE
    src/base/day.c
    src/base/disjoint.c
    src/base/error.c
    src/base/file.c
    src/base/flat_reader.c
    src/base/flat_writer.c
    src/base/half.c
    src/base/memory.c
    src/base/pool.c
    src/base/progress.c
    src/base/random.c
    src/base/reader.c
    src/base/sha256.c
    src/base/terminal.c
    src/base/text.c
    src/base/toml.c
    src/base/vector.c)
