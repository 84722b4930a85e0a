/* --engine, for the commands that run networks: which weights it means, and the ladder of engines in front of every int8 network that the chain opens.
 *
 *      auto            int8 weights where the program was built for a board or finds an NPU, else float ones; then the best engine that runs them
 *      npu|tflite|int8 int8 weights (STAGE.tflite), on that engine or the next below it
 *      float           float weights (STAGE.safetensors)
 *
 * Weights that the user names decide themselves. The choice for every network is a line on stderr (not with --quiet); what failed is a warning, always. */
#ifndef URS_CLI_ENGINE_OPTION_H
#define URS_CLI_ENGINE_OPTION_H

#include "cli/option.h"
#include "edge/engine_ladder.h"
#include "stages/chain.h"

#define URS_OPTION_ENGINE(word) URS_OPTION_CHOICE("engine", "auto|npu|tflite|int8|float", word, "what computes the networks; what is missing or fails is made up for by the next")

/* Must live as long as the chain. */
typedef struct urs_engine_choice {
    const char *command; /* borrowed; for messages; NULL: only warnings are printed */
    const char *word;    /* of the option; NULL: auto */
    bool quiet;
} urs_engine_choice;

/* Before urs_chain_open. */
void urs_engine_choose(urs_chain_options *options, const urs_engine_choice *choice);

/* Weights of a stage: `given`, or those that come with ursid and suit the engine. *out: owned. */
urs_status urs_engine_model_path(char **out, const char *stage, const char *given, const urs_engine_choice *choice, urs_error *err) URS_CHECKED;

#endif
