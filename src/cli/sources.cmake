target_sources(ursid_lib PRIVATE
    src/cli/cancel.c
    src/cli/cmd_catalogue.c
    src/cli/cmd_model.c
    src/cli/cmd_model_import.c
    src/cli/cmd_model_info.c
    src/cli/cmd_synth.c
    src/cli/cmd_train.c
    src/cli/cmd_train_embed.c
    src/cli/cmd_train_find.c
    src/cli/cmd_train_sift.c
    src/cli/command.c
    src/cli/help.c
    src/cli/nearest.c
    src/cli/option.c
    src/cli/subcommand.c)
