urs_test(unit eval_curves)
urs_test(unit eval_detection)
urs_test(unit eval_retrieval)
urs_test(unit eval_output)
