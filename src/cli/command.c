/* The command table and what is said about it: `ursid --help`, `ursid help COMMAND`, the man page. To add a command: write cmd_<name>.c with one
 * `const urs_command urs_cmd_<name>`, list it in sources.cmake, and add its two lines here. */
#include "cli/command.h"

#include "base/text.h"
#include "cli/help.h"
#include "cli/nearest.h"
#include "cli/option.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_catalogue;
extern const urs_command urs_cmd_energy;
extern const urs_command urs_cmd_enroll;
extern const urs_command urs_cmd_eval;
extern const urs_command urs_cmd_experiment;
extern const urs_command urs_cmd_export;
extern const urs_command urs_cmd_find;
extern const urs_command urs_cmd_identify;
extern const urs_command urs_cmd_model;
extern const urs_command urs_cmd_quantize;
extern const urs_command urs_cmd_sift;
extern const urs_command urs_cmd_split;
extern const urs_command urs_cmd_synth;
extern const urs_command urs_cmd_train;

static const urs_command *const commands[] = {
    &urs_cmd_catalogue,
    &urs_cmd_energy,
    &urs_cmd_enroll,
    &urs_cmd_eval,
    &urs_cmd_experiment,
    &urs_cmd_export,
    &urs_cmd_find,
    &urs_cmd_identify,
    &urs_cmd_model,
    &urs_cmd_quantize,
    &urs_cmd_sift,
    &urs_cmd_split,
    &urs_cmd_synth,
    &urs_cmd_train,
};

static const urs_command *find_command(const char *name)
{
    for (size_t i = 0; i < URS_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < URS_COUNT(commands); i++) {
        const size_t d = urs_text_distance(name, commands[i]->name);
        if (d < best_distance) {
            best_distance = d;
            best = commands[i]->name;
        }
    }
    if (best && urs_text_is_near(best_distance, name))
        (void)fprintf(stderr, "ursid: there is no command '%s' (did you mean '%s'?); see 'ursid help'\n", name, best);
    else
        (void)fprintf(stderr, "ursid: there is no command '%s'; see 'ursid help'\n", name);
    return URS_EXIT_USAGE;
}

static void put_overview(FILE *to)
{
    (void)fputs("Usage: ursid COMMAND [ARGUMENTS] [OPTIONS]\n\n"
                "ursid turns camera-trap frames and photographs into named bears: it throws away empty frames,\n"
                "finds every bear head, and ranks the known bears that it could be, or says that it is new.\n\n"
                "Commands:\n",
                to);
    for (size_t i = 0; i < URS_COUNT(commands); i++)
        (void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("  help         this text, or with the name of a command everything about it\n\n"
                "Results go to stdout and to the files that you name; messages and progress go to stderr.\n"
                "Exit codes: 0 all done, 1 failed, 2 wrong usage, 3 done but some files could not be read.\n",
                to);
}

/* A command's own function prints its help, because the option table lives beside the variables that it fills. */
static int run_help(const urs_command *command, const char *verb, const char *how)
{
    char name[64], word[64], option[16];
    char *argv[] = {name, word, option, NULL};
    (void)snprintf(name, sizeof name, "%s", command->name);
    (void)snprintf(word, sizeof word, "%s", verb ? verb : how);
    (void)snprintf(option, sizeof option, "%s", how);
    if (!verb)
        argv[2] = NULL;
    return command->run(verb ? 3 : 2, argv);
}

/* The whole man page; docs/man/ursid.1 is this output. */
static int put_man_page(void)
{
    (void)fputs(".\\\" Made by `ursid help --man` from the option tables; edit those.\n"
                ".TH URSID 1 \"\" \"ursid " URS_VERSION "\" \"User Commands\"\n"
                ".SH NAME\nursid \\- from camera\\-trap frames to named bears\n"
                ".SH SYNOPSIS\n.B ursid\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n"
                ".SH DESCRIPTION\n"
                "ursid throws away empty frames, finds every bear head, cuts it out of its background, and ranks the known bears that it could be,\n"
                "or says that it is a new one. It works offline, on one machine, and never writes to the originals.\n"
                ".PP\nOptions are written \\fB\\-\\-name value\\fR or \\fB\\-\\-name=value\\fR and may stand anywhere; \\fB\\-\\-\\fR ends them.\n"
                ".SH COMMANDS\n",
                stdout);
    for (size_t i = 0; i < URS_COUNT(commands); i++) {
        const int code = run_help(commands[i], NULL, "--help=man");
        if (code != URS_EXIT_OK)
            return code;
    }
    (void)fputs(".SH EXIT STATUS\n"
                ".TP\n.B 0\nall done\n.TP\n.B 1\nfailed\n.TP\n.B 2\nwrong usage\n.TP\n.B 3\ndone, but some files could not be read; they are listed at the end\n"
                ".SH SIGNALS\nAn interrupt (Ctrl\\-C) stops after the file in work and keeps what is done; the same command goes on from there.\n"
                "A second interrupt stops at once.\n",
                stdout);
    return URS_EXIT_OK;
}

int urs_cli_main(int argc, char **argv)
{
    const urs_command *command;
    const char *first = argc > 1 ? argv[1] : "";
    const bool wants_help = strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0;

    if (argc < 2) {
        put_overview(stderr);
        return URS_EXIT_USAGE;
    }
    if (strcmp(first, "--version") == 0) {
        (void)printf("ursid %s\n", URS_VERSION);
        return URS_EXIT_OK;
    }
    if (wants_help && argc > 2 && strcmp(argv[2], "--man") == 0)
        return put_man_page();
    if (wants_help && argc > 2) {
        command = find_command(argv[2]);
        return command ? run_help(command, argc > 3 ? argv[3] : NULL, "--help") : unknown_command(argv[2]);
    }
    if (wants_help) {
        put_overview(stdout);
        return URS_EXIT_OK;
    }
    if (first[0] == '-') {
        (void)fprintf(stderr, "ursid: the command comes first, before options such as '%s'; see 'ursid help'\n", first);
        return URS_EXIT_USAGE;
    }
    command = find_command(first);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(first);
}
