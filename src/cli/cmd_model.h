/* The parts of `ursid model`, one file each; argv[0] is the part's name. */
#ifndef URS_CLI_CMD_MODEL_H
#define URS_CLI_CMD_MODEL_H

int urs_model_info_main(int argc, char **argv);
int urs_model_import_main(int argc, char **argv);

#endif
