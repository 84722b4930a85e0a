/* Where the weights that ship with the program are.
 *
 *      --model W                                 what the user named, as it is
 *      $URSID_MODELS/STAGE.safetensors           if the variable is set; nothing else is tried then
 *      EXE/models/STAGE.safetensors              beside the program
 *      EXE/../share/ursid/models/...             installed
 *      EXE/../../models/...                      build/release/ursid in a clone
 *      LIB/../share/ursid/models/..., LIB/../../share/ursid/models/..., LIB/../../models/...    where this is in a shared library
 *
 * EXE is the folder of the running program (/proc/self/exe), LIB that of libursid.so. Thread safe as long as nobody changes the environment. */
#ifndef URS_STAGES_MODEL_PATH_H
#define URS_STAGES_MODEL_PATH_H

#include "base/error.h"

/* stage: "sift", "find", "embed", or with the ending of the int8 weights: "sift.tflite". given: the user's own path or NULL. *out: owned. URS_ENOTFOUND: the sentence says where was looked and what to do. */
urs_status urs_model_path(char **out, const char *stage, const char *given, urs_error *err) URS_CHECKED;

#endif
