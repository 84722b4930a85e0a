target_sources(ursid_lib PRIVATE
    src/synth/animal.c
    src/synth/backdrop.c
    src/synth/bear_shape.c
    src/synth/canvas.c
    src/synth/coat.c
    src/synth/exif_block.c
    src/synth/figure.c
    src/synth/frame.c
    src/synth/light.c
    src/synth/noise.c
    src/synth/plants.c
    src/synth/solid.c
    src/synth/story.c
    src/synth/strip.c
    src/synth/synth.c
    src/synth/truth.c
    src/synth/wild_shape.c)
