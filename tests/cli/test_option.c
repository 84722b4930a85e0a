/* The option parser and the command table: every kind of value, every wrong use, and help that comes from the table. */
#include "harness.h"

#include "base/file.h"
#include "cli/nearest.h"
#include "cli/option.h"
#include "program_run.h"

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

/* Every command that writes says so before it works: none of the data below are there, and nobody looks for them. */
static void outputs_are_checked_before_the_work(urs_test *t)
{
    static const char *const commands[][8] = {
        {"ursid", "sift", "/nowhere/data", "--out"},
        {"ursid", "find", "/nowhere/data", "--out"},
        {"ursid", "identify", "--catalogue", "/nowhere/c.db", "/nowhere/data", "--out"},
        {"ursid", "identify", "--catalogue", "/nowhere/c.db", "/nowhere/data", "--csv"},
        {"ursid", "identify", "--catalogue", "/nowhere/c.db", "/nowhere/data", "--report"},
        {"ursid", "train", "sift", "--data", "/nowhere/data", "--out"},
        {"ursid", "train", "find", "--data", "/nowhere/data", "--out"},
        {"ursid", "train", "embed", "--data", "/nowhere/data", "--out"},
        {"ursid", "eval", "sift", "--data", "/nowhere/data", "--json"},
        {"ursid", "eval", "find", "--data", "/nowhere/data", "--report"},
        {"ursid", "eval", "embed", "--data", "/nowhere/data", "--json"},
        {"ursid", "eval", "embed", "--data", "/nowhere/data", "--embeddings"},
        {"ursid", "eval", "chain", "--data", "/nowhere/data", "--json"},
        {"ursid", "eval", "chain", "--data", "/nowhere/data", "--report"},
        {"ursid", "quantize", "sift", "--data", "/nowhere/data", "--out"},
        {"ursid", "split", "/nowhere/data", "--by", "closed", "--out"},
        {"ursid", "export", "/nowhere/data", "--onnx"},
        {"ursid", "model", "import", "/nowhere/data", "--arch", "yolov8n", "--out"},
        {"ursid", "catalogue", "--catalogue", "/nowhere/c.db", "export", "--out"},
    };
    char *folder = urs_test_folder("option"), *out = urs_path_join(folder, "not there/f.out"), *says = urs_path_join(folder, "stderr"), *nothing = urs_path_join(folder, "stdout");
    URS_REQUIRE(t, folder && out && says && nothing);
    for (size_t i = 0; i < URS_COUNT(commands); i++) {
        const char *words[10] = {NULL};
        size_t n = 0;
        for (; n < 8 && commands[i][n]; n++)
            words[n] = commands[i][n];
        words[n] = out;
        URS_CHECK_INT(t, program_finish(program_start(nothing, says, words)), URS_EXIT_FAILED);
        URS_CHECK(t, file_says(says, "not there/f.out': there is no folder") && lines_of(says) == 1);
    }
    urs_free(folder);
    urs_free(out);
    urs_free(says);
    urs_free(nothing);
}

static void what_can_be_written(urs_test *t)
{
    char *folder = urs_test_folder("output"), *file = urs_path_join(folder, "f.json"), *none = urs_path_join(folder, "none/f.json");
    urs_names there = {0};
    urs_text longer = {0};
    urs_error err = {0};
    URS_REQUIRE(t, folder && file && none);
    URS_REQUIRE_OK(t, urs_file_check_output(file, &err), err);
    URS_REQUIRE_OK(t, urs_file_write(file, "old", 3, &err), err);
    URS_REQUIRE_OK(t, urs_file_check_output(file, &err), err); /* may be replaced */
    URS_REQUIRE_OK(t, urs_folder_list(&there, folder, NULL, &err), err);
    URS_CHECK_INT(t, there.count, 1); /* and nothing was left */
    URS_CHECK_INT(t, urs_file_check_output(none, &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_file_check_output(folder, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_file_check_output("", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_file_check_output("/dev/null", &err), URS_EINVAL); /* root would replace it */
    urs_text_format(&longer, "%s/", folder);
    for (int i = 0; i < 300; i++)
        urs_text_add(&longer, "n");
    URS_CHECK_INT(t, urs_file_check_output(urs_text_string(&longer), &err), URS_EIO);
    URS_CHECK_INT(t, urs_file_check_output("/proc/f.json", &err), URS_EIO); /* nobody may write there, root neither */
    urs_text_release(&longer);
    urs_names_release(&there);
    (void)unlink(file);
    urs_free(folder);
    urs_free(file);
    urs_free(none);
}

int main(void)
{
    static const urs_case cases[] = {
        {"every kind of option is read", every_kind_is_read},
        {"a wrong use gives one sentence and code 2", wrong_use_is_one_sentence},
        {"help comes from the table", help_comes_from_the_table},
        {"commands, help, version, suggestions", commands_are_found},
        {"sizes and word distances", sizes_and_distances},
        {"outputs are checked before the work", outputs_are_checked_before_the_work},
        {"what can be written", what_can_be_written},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
