urs_test(unit synth)
urs_test(unit synth_bears)
