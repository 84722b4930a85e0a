/* Verbs of a command; see subcommand.h. */
#include "cli/subcommand.h"

#include "cli/help.h"
#include "cli/nearest.h"
#include "cli/option.h"

#include <stdio.h>
#include <string.h>

static void put_overview(const urs_command *command, const urs_verb *verbs, size_t n)
{
    (void)printf("Usage: ursid %s VERB [ARGUMENTS] [OPTIONS]\n\n%s\n\n", command->name, command->summary);
    if (command->help && *command->help)
        (void)printf("%s%s\n", command->help, command->help[strlen(command->help) - 1] == '\n' ? "" : "\n");
    (void)fputs("Verbs:\n", stdout);
    for (size_t i = 0; i < n; i++)
        (void)printf("  %-12s %s\n", verbs[i].name, verbs[i].summary);
    (void)printf("\n'ursid help %s VERB' has the options.\n", command->name);
}

static int put_man(const urs_command *command, const urs_verb *verbs, size_t n)
{
    urs_text text = {0};
    urs_text_format(&text, ".SS \"ursid %s\"\n", command->name);
    urs_help_troff(&text, command->summary);
    if (command->help && *command->help) {
        urs_text_add(&text, "\n.PP\n.nf\n");
        urs_help_troff(&text, command->help);
        urs_text_add(&text, "\n.fi");
    }
    (void)printf("%s\n", urs_text_string(&text));
    urs_text_release(&text);
    for (size_t i = 0; i < n; i++) {
        char name[64], option[] = "--help=man";
        char *argv[] = {name, option, NULL};
        int code;
        (void)snprintf(name, sizeof name, "%s", verbs[i].name);
        code = verbs[i].run(2, argv);
        if (code != URS_EXIT_OK)
            return code;
    }
    return URS_EXIT_OK;
}

int urs_verbs_run(const urs_command *command, const urs_verb *verbs, size_t n, int argc, char **argv)
{
    const char *given = argc >= 2 ? argv[1] : "";
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (strcmp(given, "--help=man") == 0)
        return put_man(command, verbs, n);
    if (strcmp(given, "--help") == 0 || strcmp(given, "-h") == 0) {
        put_overview(command, verbs, n);
        return URS_EXIT_OK;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t d = urs_text_distance(given, verbs[i].name);
        if (d == 0)
            return verbs[i].run(argc - 1, argv + 1);
        if (d < best_distance) {
            best_distance = d;
            best = verbs[i].name;
        }
    }
    if (argc < 2)
        return urs_usage_error(command, "a verb is missing, such as '%s'", n ? verbs[0].name : "");
    if (best && urs_text_is_near(best_distance, given))
        return urs_usage_error(command, "there is no verb '%s' (did you mean '%s'?)", given, best);
    return urs_usage_error(command, "there is no verb '%s'", given);
}
