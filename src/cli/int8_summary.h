/* What the commands say about an int8 network: `ursid export`, `ursid model import`, `ursid model info`. */
#ifndef URS_CLI_INT8_SUMMARY_H
#define URS_CLI_INT8_SUMMARY_H

#include "int8/int8_graph.h"

#include <jansson.h>
#include <stdio.h>

/* Whether a path is an int8 .tflite file that we can read. */
bool urs_int8_summary_applies(const char *path);

/* Owned: operators by kind, multiply-adds, inputs and outputs with shapes and scales, bytes of constants, working memory of one thread and the kernels it is for, notes. */
urs_status urs_int8_summary_json(json_t **out, const urs_int8_graph *g, urs_error *err) URS_CHECKED;
void urs_int8_summary_print(const json_t *summary, const char *path, FILE *to);

#endif
