/* Options of a command: one table beside the variables that it fills. Parsing, `--help` and the man page come from the same table.
 *
 *     int top = 5;
 *     const char *out = NULL;
 *     urs_arguments paths = {0};
 *     const urs_option options[] = {
 *         URS_OPTION_INT("top", "K", &top, 1, 100, "candidates per head"),
 *         URS_OPTION_OUTPUT("out", "F.json", &out, "write the results to F.json"),
 *         URS_OPTION_REST("PATH...", &paths, 1, INT_MAX, "photographs, or folders of them"),
 *     };
 *     int code;
 *     if (!urs_options_parse(&urs_cmd_identify, options, URS_COUNT(options), argc, argv, &code))
 *         return code;
 *
 * Accepted: `--name value`, `--name=value`, `--flag`, `--no-flag`; options and other arguments in any order; `--` ends the options; `-` alone is an
 * ordinary argument. The last one of a repeated option counts, except URS_OPTION_LIST, which collects. `--help` and `-h` print the help. What a variable
 * holds before parsing is its default, and is what the help shows. A wrong use gives one sentence on stderr and exit code 2; a file that could not be written
 * at the end of the work (URS_OPTION_OUTPUT) one sentence and exit code 1, before the work.
 *
 * Strings are borrowed from argv; argv is reordered so that the free arguments stand together. Reentrant: no state of its own. */
#ifndef URS_CLI_OPTION_H
#define URS_CLI_OPTION_H

#include "base/text.h"
#include "cli/command.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_COUNT(array) (sizeof(array) / sizeof(array)[0])

typedef struct urs_arguments { /* borrowed from argv */
    char **items;
    int count;
} urs_arguments;

typedef enum urs_option_kind {
    URS_OPTION_KIND_FLAG,
    URS_OPTION_KIND_TEXT,
    URS_OPTION_KIND_OUTPUT,
    URS_OPTION_KIND_CHOICE,
    URS_OPTION_KIND_INT,
    URS_OPTION_KIND_INT64,
    URS_OPTION_KIND_DOUBLE,
    URS_OPTION_KIND_LIST,
    URS_OPTION_KIND_REST
} urs_option_kind;

typedef struct urs_option {
    urs_option_kind kind;
    const char *name;   /* without the dashes; REST: how the arguments are called in the synopsis */
    const char *value;  /* name of the value in the help, "K"; CHOICE: the accepted words, "auto|ref|onednn" */
    union {
        bool *flag;
        const char **text;
        int *whole;
        int64_t *whole64;
        double *decimal;
        urs_names *list; /* owned by the caller: urs_names_release, also after a failed parse */
        urs_arguments *rest;
    } to;
    double low, high;   /* accepted range of numbers, both ends included; REST: least and most arguments */
    bool required;
    const char *help;   /* a phrase, no full stop */
} urs_option;

#define URS_OPTION_FLAG(n, var, text_) {.kind = URS_OPTION_KIND_FLAG, .name = (n), .to = {.flag = (var)}, .help = (text_)}
#define URS_OPTION_TEXT(n, v, var, text_) {.kind = URS_OPTION_KIND_TEXT, .name = (n), .value = (v), .to = {.text = (var)}, .help = (text_)}
#define URS_OPTION_TEXT_REQUIRED(n, v, var, text_) \
    {.kind = URS_OPTION_KIND_TEXT, .name = (n), .value = (v), .to = {.text = (var)}, .required = true, .help = (text_)}
/* A text that names a file which the command writes; checked by urs_file_check_output when everything is parsed. */
#define URS_OPTION_OUTPUT(n, v, var, text_) {.kind = URS_OPTION_KIND_OUTPUT, .name = (n), .value = (v), .to = {.text = (var)}, .help = (text_)}
#define URS_OPTION_OUTPUT_REQUIRED(n, v, var, text_) \
    {.kind = URS_OPTION_KIND_OUTPUT, .name = (n), .value = (v), .to = {.text = (var)}, .required = true, .help = (text_)}
/* The words are separated by `|`; the variable gets the word as the user wrote it. */
#define URS_OPTION_CHOICE(n, words, var, text_) {.kind = URS_OPTION_KIND_CHOICE, .name = (n), .value = (words), .to = {.text = (var)}, .help = (text_)}
#define URS_OPTION_INT(n, v, var, low_, high_, text_) \
    {.kind = URS_OPTION_KIND_INT, .name = (n), .value = (v), .to = {.whole = (var)}, .low = (low_), .high = (high_), .help = (text_)}
/* Range exact up to 2^53. */
#define URS_OPTION_INT64(n, v, var, low_, high_, text_) \
    {.kind = URS_OPTION_KIND_INT64, .name = (n), .value = (v), .to = {.whole64 = (var)}, .low = (low_), .high = (high_), .help = (text_)}
#define URS_OPTION_DOUBLE(n, v, var, low_, high_, text_) \
    {.kind = URS_OPTION_KIND_DOUBLE, .name = (n), .value = (v), .to = {.decimal = (var)}, .low = (low_), .high = (high_), .help = (text_)}
/* May be given several times. */
#define URS_OPTION_LIST(n, v, var, text_) {.kind = URS_OPTION_KIND_LIST, .name = (n), .value = (v), .to = {.list = (var)}, .help = (text_)}
/* The arguments that are not options; at most one entry a table. */
#define URS_OPTION_REST(v, var, least, most, text_) \
    {.kind = URS_OPTION_KIND_REST, .name = (v), .to = {.rest = (var)}, .low = (least), .high = (most), .help = (text_)}

/* True: parsed, go on. False: return *exit_code (URS_EXIT_OK after help, URS_EXIT_USAGE or URS_EXIT_FAILED after a sentence on stderr). */
bool urs_options_parse(const urs_command *command, const urs_option *options, size_t n, int argc, char **argv, int *exit_code);

/* Prints "ursid COMMAND: sentence; see 'ursid help COMMAND'" on stderr and returns URS_EXIT_USAGE: for rules that a table cannot say. */
int urs_usage_error(const urs_command *command, const char *format, ...) URS_PRINTF(2, 3);

/* Prints "ursid COMMAND: message" on stderr and returns URS_EXIT_FAILED. */
int urs_command_error(const urs_command *command, const urs_error *err);

/* "1280x960" into two numbers, each from 1 to `most`. */
bool urs_parse_size(const char *s, int most, int *width, int *height);

#endif
