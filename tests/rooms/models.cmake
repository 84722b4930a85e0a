urs_test(unit models)
urs_fuzz(model_options)
