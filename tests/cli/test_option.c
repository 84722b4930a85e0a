/* The option parser and the command table: every kind of value, every wrong use, and help that comes from the table. */
#include "harness.h"

#include "base/file.h"
#include "cli/nearest.h"
#include "cli/option.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct values {
    bool flag, on;
    const char *text, *choice;
    int whole;
    int64_t whole64;
    double decimal;
    urs_names list;
    urs_arguments rest;
} values;

static int no_run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static const urs_command test_command = {.name = "taste", .summary = "a command of the test", .help = "Tastes things.\n", .run = no_run};

/* Parses the words (ending in NULL) with a table that has one of every kind. */
static bool parse(values *v, int *code, char **argv)
{
    int argc = 0;
    const urs_option options[] = {
        URS_OPTION_FLAG("flag", &v->flag, "a flag"),
        URS_OPTION_FLAG("on", &v->on, "a flag that is on"),
        URS_OPTION_TEXT("text", "TEXT", &v->text, "a text"),
        URS_OPTION_CHOICE("choice", "red|green", &v->choice, "a colour"),
        URS_OPTION_INT("whole", "N", &v->whole, -3, 100, "a number"),
        URS_OPTION_INT64("seed", "S", &v->whole64, 0, 9007199254740991.0, "a large number"),
        URS_OPTION_DOUBLE("decimal", "X", &v->decimal, 0.0, 1.0, "a fraction"),
        URS_OPTION_LIST("data", "DIR", &v->list, "a folder"),
        URS_OPTION_REST("PATH...", &v->rest, 1, 3, "paths"),
    };
    v->on = true;
    v->whole = 7;
    while (argv[argc])
        argc++;
    return urs_options_parse(&test_command, options, URS_COUNT(options), argc, argv, code);
}

/* Runs `what` with a stream redirected to a file; owned text of what was printed. */
static char *capture(int stream, bool (*what)(void *context), void *context, bool *result)
{
    char *folder = urs_test_folder("option"), *path = urs_path_join(folder, "printed");
    urs_bytes bytes = {0};
    const int saved = dup(stream), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(file, stream);
    *result = what(context);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(saved, stream);
    (void)close(saved);
    (void)close(file);
    if (urs_file_read(&bytes, path, 0, NULL) != URS_OK)
        bytes.data = NULL;
    free(path);
    free(folder);
    return (char *)bytes.data;
}

typedef struct attempt {
    values v;
    char **argv;
    int code;
} attempt;

static bool run_parse(void *context)
{
    attempt *a = context;
    return parse(&a->v, &a->code, a->argv);
}

static bool run_main(void *context)
{
    attempt *a = context;
    int argc = 0;
    while (a->argv[argc])
        argc++;
    a->code = urs_cli_main(argc, a->argv);
    return true;
}

static void every_kind_is_read(urs_test *t)
{
    char *argv[] = {"taste", "a.jpg", "--flag", "--no-on", "--text=x=y", "--choice", "green", "--whole", "-3", "b.jpg", "--seed=9007199254740991", "--decimal", "0.25", "--data", "p",
                    "--data=q", "--", "--flag", NULL};
    values v = {0};
    int code = -1;
    URS_REQUIRE(t, parse(&v, &code, argv));
    URS_CHECK(t, v.flag && !v.on);
    URS_CHECK_TEXT(t, v.text, "x=y");
    URS_CHECK_TEXT(t, v.choice, "green");
    URS_CHECK_INT(t, v.whole, -3);
    URS_CHECK_INT(t, v.whole64, 9007199254740991);
    URS_CHECK_NEAR(t, v.decimal, 0.25, 0);
    URS_CHECK_INT(t, v.list.count, 2);
    URS_REQUIRE(t, v.rest.count == 3);
    URS_CHECK_TEXT(t, v.rest.items[0], "a.jpg");
    URS_CHECK_TEXT(t, v.rest.items[1], "b.jpg");
    URS_CHECK_TEXT(t, v.rest.items[2], "--flag");
    urs_names_release(&v.list);
}

static void wrong_use_is_one_sentence(urs_test *t)
{
    static char *const bad[][4] = {
        {"--textt", "x", "p", NULL},  {"--text", NULL, NULL, NULL},       {"--whole", "x", "p", NULL},    {"--whole", "101", "p", NULL}, {"--decimal", "1.5", "p", NULL},
        {"--decimal", "nan", "p", NULL}, {"--choice", "blue", "p", NULL}, {"--flag=1", "p", NULL, NULL}, {NULL, NULL, NULL, NULL},      {"-x", "p", NULL, NULL},
        {"--whole=", "p", NULL, NULL}, {"--seed", "-1", "p", NULL},       {"--no-text", "p", NULL, NULL},
    };
    static const char *const names[] = {"--textt (did you mean --text?)", "--text", "--whole", "--whole", "--decimal", "--decimal", "--choice", "--flag", "PATH...", "-x", "--whole", "--seed", "--no-text"};
    for (size_t i = 0; i < URS_COUNT(bad); i++) {
        char *argv[] = {"taste", bad[i][0], bad[i][1], bad[i][2], NULL};
        attempt a = {.argv = argv, .code = -1};
        bool result = true;
        char *printed = capture(STDERR_FILENO, run_parse, &a, &result);
        URS_REQUIRE(t, printed);
        URS_CHECK(t, !result);
        URS_CHECK_INT(t, a.code, URS_EXIT_USAGE);
        if (!strstr(printed, names[i]) || !strstr(printed, "see 'ursid help taste'\n") || strchr(printed, '\n') != printed + strlen(printed) - 1)
            urs_test_fail(t, __FILE__, __LINE__, "case %zu printed: %s", i, printed);
        urs_names_release(&a.v.list);
        free(printed);
    }
    {
        char *argv[] = {"taste", "1", "2", "3", "4", NULL};
        attempt a = {.argv = argv, .code = -1};
        bool result = true;
        char *printed = capture(STDERR_FILENO, run_parse, &a, &result);
        URS_CHECK(t, !result && a.code == URS_EXIT_USAGE && printed && strstr(printed, "'4'"));
        free(printed);
    }
}

static void help_comes_from_the_table(urs_test *t)
{
    char *argv[] = {"taste", "--help", NULL};
    attempt a = {.argv = argv, .code = -1};
    bool result = true;
    char *printed = capture(STDOUT_FILENO, run_parse, &a, &result);
    URS_REQUIRE(t, printed);
    URS_CHECK(t, !result);
    URS_CHECK_INT(t, a.code, URS_EXIT_OK);
    URS_CHECK(t, strstr(printed, "Usage: ursid taste PATH... [OPTIONS]") != NULL);
    URS_CHECK(t, strstr(printed, "--whole N") != NULL);
    URS_CHECK(t, strstr(printed, "a number, -3 to 100 (default 7)") != NULL);
    URS_CHECK(t, strstr(printed, "--choice red|green") != NULL);
    URS_CHECK(t, strstr(printed, "--no-on turns it off") != NULL);
    URS_CHECK(t, strstr(printed, "Tastes things.") != NULL);
    free(printed);
}

static void commands_are_found(urs_test *t)
{
    static const struct {
        char *words[4];
        int code, stream;
        const char *says;
    } cases[] = {
        {{"ursid", "--version", NULL}, URS_EXIT_OK, STDOUT_FILENO, "ursid " URS_VERSION},
        {{"ursid", "--help", NULL}, URS_EXIT_OK, STDOUT_FILENO, "synth"},
        {{"ursid", "help", NULL}, URS_EXIT_OK, STDOUT_FILENO, "Exit codes"},
        {{"ursid", "help", "synth", NULL}, URS_EXIT_OK, STDOUT_FILENO, "--bears N"},
        {{"ursid", "synth", "--help", NULL}, URS_EXIT_OK, STDOUT_FILENO, "--bears N"},
        {{"ursid", "help", "--man", NULL}, URS_EXIT_OK, STDOUT_FILENO, ".SH EXIT STATUS"},
        {{"ursid", "help", "model", "info"}, URS_EXIT_OK, STDOUT_FILENO, "ursid model info"},
        {{"ursid", "model", "infi", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "did you mean 'info'?"},
        {{"ursid", "snyth", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "did you mean 'synth'?"},
        {{"ursid", "help", "bees", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "there is no command 'bees'"},
        {{"ursid", "--quiet", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "the command comes first"},
        {{"ursid", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "Commands:"},
        {{"ursid", "synth", NULL}, URS_EXIT_USAGE, STDERR_FILENO, "--out DIR is missing"},
        {{"ursid", "synth", "--out=/tmp/never", "--size=1x1"}, URS_EXIT_USAGE, STDERR_FILENO, "--size must be like"},
    };
    for (size_t i = 0; i < URS_COUNT(cases); i++) {
        char *argv[] = {cases[i].words[0], cases[i].words[1], cases[i].words[1] ? cases[i].words[2] : NULL, cases[i].words[1] && cases[i].words[2] ? cases[i].words[3] : NULL, NULL};
        attempt a = {.argv = argv, .code = -1};
        bool result;
        char *printed = capture(cases[i].stream, run_main, &a, &result);
        URS_CHECK_INT(t, a.code, cases[i].code);
        if (!printed || !strstr(printed, cases[i].says))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu printed: %s", i, printed ? printed : "nothing");
        free(printed);
    }
}

static void sizes_and_distances(urs_test *t)
{
    int w = 0, h = 0;
    URS_CHECK(t, urs_parse_size("640x480", 4096, &w, &h) && w == 640 && h == 480);
    URS_CHECK(t, !urs_parse_size("640", 4096, &w, &h) && !urs_parse_size("640x", 4096, &w, &h) && !urs_parse_size("0x5", 4096, &w, &h));
    URS_CHECK(t, !urs_parse_size("640x480px", 4096, &w, &h) && !urs_parse_size("5000x480", 4096, &w, &h) && !urs_parse_size("-6x4", 4096, &w, &h));
    URS_CHECK(t, !urs_parse_size("99999999999999999999x2", 4096, &w, &h));
    URS_CHECK_INT(t, urs_text_distance("synth", "snyth"), 1);
    URS_CHECK_INT(t, urs_text_distance("", "abc"), 3);
    URS_CHECK_INT(t, urs_text_distance("identify", "idntfy"), 2);
    URS_CHECK_INT(t, urs_text_distance("kitten", "sitting"), 3);
}

int main(void)
{
    static const urs_case cases[] = {
        {"every kind of option is read", every_kind_is_read},
        {"a wrong use gives one sentence and code 2", wrong_use_is_one_sentence},
        {"help comes from the table", help_comes_from_the_table},
        {"commands, help, version, suggestions", commands_are_found},
        {"sizes and word distances", sizes_and_distances},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
