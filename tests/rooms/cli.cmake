urs_test(cli cmd_identify)
urs_test(cli cmd_model)
urs_test(cli cmd_photos)
urs_test(cli option)
