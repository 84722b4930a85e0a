/* Two models of one stage on the same pictures: `ursid eval STAGE --model A --beside B`.
 *
 *      measure      A       B      B - A   95 % interval of the difference
 *
 * The interval is paired: the same clusters (cameras, photographs, individuals) are drawn for both models, so what both get wrong cancels. Each model decides with its own thresholds. */
#ifndef URS_CLI_EVAL_BESIDE_H
#define URS_CLI_EVAL_BESIDE_H

#include "cli/cmd_eval.h"

urs_status urs_eval_beside_sift(const urs_eval_arguments *a, const char *beside, urs_error *err) URS_CHECKED;
urs_status urs_eval_beside_find(const urs_eval_arguments *a, const char *beside, urs_error *err) URS_CHECKED;
urs_status urs_eval_beside_embed(const urs_eval_arguments *a, const char *beside, urs_error *err) URS_CHECKED;

#endif
