target_sources(ursid_lib PRIVATE
    src/quant/calibrate.c
    src/quant/deploy.c
    src/quant/deploy_build.c
    src/quant/emit.c
    src/quant/equalise.c
    src/quant/npu_stem.c
    src/quant/patches.c
    src/quant/qat.c
    src/quant/round.c
    src/quant/sensitivity.c)
