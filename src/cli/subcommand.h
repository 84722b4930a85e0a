/* Commands with verbs of their own, such as `ursid model info ...`.
 *
 *     static const urs_verb verbs[] = {{"info", "tells about ...", urs_model_info_main}, {"import", "...", urs_model_import_main}};
 *     static int run(int argc, char **argv) { return urs_verbs_run(&urs_cmd_model, verbs, URS_COUNT(verbs), argc, argv); }
 *
 * `ursid model --help` lists the verbs, `ursid help model info` and `ursid model info --help` explain one, the man page has all: each verb calls
 * urs_options_parse with a urs_command of its own, named "model info". */
#ifndef URS_CLI_SUBCOMMAND_H
#define URS_CLI_SUBCOMMAND_H

#include "cli/command.h"

#include <stddef.h>

typedef struct urs_verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
} urs_verb;

/* Hands argv[1] (the verb) and what follows to the verb's run, and returns its exit code. */
int urs_verbs_run(const urs_command *command, const urs_verb *verbs, size_t n, int argc, char **argv);

#endif
