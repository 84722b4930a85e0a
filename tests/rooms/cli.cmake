urs_test(cli cmd_model)
