/* The command table: one cmd_<name>.c per command, one record each, all listed in command.c.
 *
 * Exit codes: 0 all done, 1 failed, 2 wrong usage, 3 done but some files could not be read. stdout has results only; progress and messages go to stderr. */
#ifndef URS_CLI_COMMAND_H
#define URS_CLI_COMMAND_H

#define URS_EXIT_OK 0
#define URS_EXIT_FAILED 1
#define URS_EXIT_USAGE 2
#define URS_EXIT_PARTIAL 3

typedef struct urs_command {
    const char *name;
    const char *summary; /* one line */
    const char *help;    /* what it does and examples, lines of at most 100 columns; usage and options come from the option table (option.h) */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code; `--help` must work: urs_options_parse sees to it */
} urs_command;

int urs_cli_main(int argc, char **argv);

#endif
