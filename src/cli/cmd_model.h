/* The parts of `ursid model`, one file each; argv[0] is the part's name. */
#ifndef URS_CLI_CMD_MODEL_H
#define URS_CLI_CMD_MODEL_H

#include "base/error.h"

#include <stdbool.h>

int urs_model_info_main(int argc, char **argv);
int urs_model_import_main(int argc, char **argv);

/* An int8 .tflite, read, checked, and written as one of ours; what it is goes to stdout. licence: NULL for none. */
urs_status urs_model_import_int8(const char *source, const char *out, const char *licence, urs_error *err) URS_CHECKED;
urs_status urs_model_info_int8(const char *path, bool json, urs_error *err) URS_CHECKED;

#endif
