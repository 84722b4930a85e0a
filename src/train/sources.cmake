target_sources(ursid_lib PRIVATE
    src/train/checkpoint.c
    src/train/checkpoint_header.c
    src/train/ema.c
    src/train/loss_arcface.c
    src/train/loss_class.c
    src/train/loss_metric.c
    src/train/loss_yolo.c
    src/train/loss_yolo_assign.c
    src/train/loss_yolo_mask.c
    src/train/loss_yolo_math.c
    src/train/miner.c
    src/train/optimiser.c
    src/train/optimiser_ranges.c
    src/train/prefetch.c
    src/train/principal.c
    src/train/schedule.c
    src/train/trainer.c)

# Loops that must become vectors; without errno a square root is one instruction.
set_source_files_properties(src/train/ema.c src/train/loss_arcface.c src/train/loss_yolo_mask.c src/train/optimiser.c src/train/trainer.c
    PROPERTIES COMPILE_OPTIONS "$<$<NOT:$<CONFIG:Debug>>:-O3>;-fno-math-errno")
