/* The option parser; see option.h. */
#include "cli/option.h"

#include "base/file.h"
#include "cli/help.h"
#include "cli/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_usage_tail(const urs_command *command)
{
    (void)fprintf(stderr, "; see 'ursid help %s'\n", command->name);
}

int urs_usage_error(const urs_command *command, const char *format, ...)
{
    va_list args;
    (void)fprintf(stderr, "ursid %s: ", command->name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    put_usage_tail(command);
    return URS_EXIT_USAGE;
}

int urs_command_error(const urs_command *command, const urs_error *err)
{
    (void)fprintf(stderr, "ursid %s: %s\n", command->name, err->message[0] ? err->message : "failed for an unknown reason");
    return URS_EXIT_FAILED;
}

bool urs_parse_size(const char *s, int most, int *width, int *height)
{
    char *end;
    long w, h;
    if (*s < '0' || *s > '9')
        return false;
    w = strtol(s, &end, 10);
    if (*end != 'x' || end[1] < '0' || end[1] > '9')
        return false;
    h = strtol(end + 1, &end, 10);
    if (*end || w < 1 || h < 1 || w > most || h > most)
        return false;
    *width = (int)w;
    *height = (int)h;
    return true;
}

static const urs_option *find_option(const urs_option *options, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; i++)
        if (options[i].kind != URS_OPTION_KIND_REST && strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static int unknown_option(const urs_command *command, const urs_option *options, size_t n, const char *given, size_t length)
{
    char word[64] = "";
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (length < sizeof word) {
        memcpy(word, given, length);
        word[length] = '\0';
        for (size_t i = 0; i < n; i++) {
            const size_t d = options[i].kind == URS_OPTION_KIND_REST ? SIZE_MAX : urs_text_distance(word, options[i].name);
            if (d < best_distance) {
                best_distance = d;
                best = options[i].name;
            }
        }
    }
    if (best && urs_text_is_near(best_distance, word))
        return urs_usage_error(command, "there is no option --%s (did you mean --%s?)", word, best);
    return urs_usage_error(command, "there is no option --%.*s", (int)(length > 200 ? 200 : length), given);
}

static bool word_is_choice(const char *words, const char *given)
{
    const size_t n = strlen(given);
    while (*words) {
        const size_t length = strcspn(words, "|");
        if (length == n && strncmp(words, given, n) == 0)
            return true;
        words += length;
        words += *words == '|';
    }
    return false;
}

static int store_whole(const urs_command *command, const urs_option *o, const char *given)
{
    long long v;
    if (!urs_parse_int(given, LLONG_MIN, LLONG_MAX, &v))
        return urs_usage_error(command, "option --%s needs a whole number, but got '%s'", o->name, given);
    if ((double)v < o->low || (double)v > o->high)
        return urs_usage_error(command, "option --%s must be from %.0f to %.0f, but got %s", o->name, o->low, o->high, given);
    if (o->kind == URS_OPTION_KIND_INT)
        *o->to.whole = (int)v;
    else
        *o->to.whole64 = v;
    return URS_EXIT_OK;
}

static int store_value(const urs_command *command, const urs_option *o, const char *given)
{
    urs_error err = {0};
    double x;
    switch (o->kind) {
    case URS_OPTION_KIND_TEXT:
    case URS_OPTION_KIND_OUTPUT:
        *o->to.text = given;
        return URS_EXIT_OK;
    case URS_OPTION_KIND_CHOICE:
        if (!word_is_choice(o->value, given))
            return urs_usage_error(command, "option --%s is one of %s, but got '%s'", o->name, o->value, given);
        *o->to.text = given;
        return URS_EXIT_OK;
    case URS_OPTION_KIND_INT:
    case URS_OPTION_KIND_INT64:
        return store_whole(command, o, given);
    case URS_OPTION_KIND_DOUBLE:
        if (!urs_parse_double(given, &x))
            return urs_usage_error(command, "option --%s needs a number, but got '%s'", o->name, given);
        if (x < o->low || x > o->high)
            return urs_usage_error(command, "option --%s must be from %g to %g, but got %s", o->name, o->low, o->high, given);
        *o->to.decimal = x;
        return URS_EXIT_OK;
    case URS_OPTION_KIND_LIST:
        if (urs_names_add(o->to.list, given, &err) != URS_OK)
            return urs_command_error(command, &err);
        return URS_EXIT_OK;
    case URS_OPTION_KIND_FLAG:
    case URS_OPTION_KIND_REST:
        break;
    }
    return URS_EXIT_OK;
}

/* Reads the option at argv[*at] and moves *at to the last argument that it used. */
static int parse_one(const urs_command *command, const urs_option *options, size_t n, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    const size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const urs_option *o;

    if (argv[*at][1] != '-')
        return urs_usage_error(command, "there is no option %s (options have two dashes; a file of this name goes behind --)", argv[*at]);
    o = find_option(options, n, name, length);
    if (!o && strncmp(name, "no-", 3) == 0) {
        o = find_option(options, n, name + 3, length - 3);
        if (o && o->kind == URS_OPTION_KIND_FLAG && !value) {
            *o->to.flag = false;
            return URS_EXIT_OK;
        }
        o = NULL;
    }
    if (!o)
        return unknown_option(command, options, n, name, length);
    if (o->kind == URS_OPTION_KIND_FLAG) {
        if (value)
            return urs_usage_error(command, "option --%s takes no value, but got '%s'", o->name, value);
        *o->to.flag = true;
        return URS_EXIT_OK;
    }
    if (!value) {
        if (*at + 1 >= argc)
            return urs_usage_error(command, "option --%s needs a value (%s)", o->name, o->value);
        value = argv[++*at];
    }
    return store_value(command, o, value);
}

static int check_complete(const urs_command *command, const urs_option *options, size_t n, int free_arguments, char **items)
{
    const urs_option *rest = NULL;
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind == URS_OPTION_KIND_REST)
            rest = &options[i];
        else if (options[i].required && !*options[i].to.text)
            return urs_usage_error(command, "option --%s %s is missing", options[i].name, options[i].value);
    }
    if (!rest)
        return free_arguments ? urs_usage_error(command, "takes no argument '%s'", items[0]) : URS_EXIT_OK;
    if (free_arguments < rest->low)
        return urs_usage_error(command, free_arguments ? "needs more arguments: %s" : "needs an argument: %s", rest->name);
    if (free_arguments > rest->high)
        return urs_usage_error(command, "has one argument too many: '%s'", items[(int)rest->high]);
    rest->to.rest->items = items;
    rest->to.rest->count = free_arguments;
    return URS_EXIT_OK;
}

static int check_outputs(const urs_command *command, const urs_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        urs_error err = {0};
        if (options[i].kind == URS_OPTION_KIND_OUTPUT && *options[i].to.text && urs_file_check_output(*options[i].to.text, &err) != URS_OK)
            return urs_command_error(command, &err);
    }
    return URS_EXIT_OK;
}

static bool asks_for_help(int argc, char **argv, bool *man)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        *man = strcmp(argv[i], "--help=man") == 0;
        if (*man || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

bool urs_options_parse(const urs_command *command, const urs_option *options, size_t n, int argc, char **argv, int *exit_code)
{
    bool options_ended = false, man;
    int kept = 1; /* free arguments are moved to argv[1..kept) as they are met; they never overtake what is still to be read */

    if (asks_for_help(argc, argv, &man)) {
        urs_text text = {0};
        if (man)
            urs_help_man(&text, command, options, n);
        else
            urs_help_text(&text, command, options, n);
        (void)fputs(urs_text_string(&text), stdout);
        urs_text_release(&text);
        *exit_code = URS_EXIT_OK;
        return false;
    }
    for (int i = 1; i < argc; i++) {
        if (options_ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            char *argument = argv[i];
            argv[kept++] = argument;
        } else if (strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else {
            const int code = parse_one(command, options, n, argc, argv, &i);
            if (code != URS_EXIT_OK) {
                *exit_code = code;
                return false;
            }
        }
    }
    *exit_code = check_complete(command, options, n, kept - 1, argv + 1);
    if (*exit_code == URS_EXIT_OK)
        *exit_code = check_outputs(command, options, n);
    return *exit_code == URS_EXIT_OK;
}
