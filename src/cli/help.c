/* Help from the option table; see help.h. */
#include "cli/help.h"

#include <math.h>
#include <string.h>

#define HELP_COLUMN 28
#define HELP_WIDTH 100

static bool takes_value(const urs_option *o)
{
    return o->kind != URS_OPTION_KIND_FLAG && o->kind != URS_OPTION_KIND_REST;
}

static void add_number(urs_text *t, double x)
{
    if (fabs(x) < 9.0e15 && x == floor(x))
        urs_text_format(t, "%.0f", x);
    else
        urs_text_format(t, "%g", x);
}

/* A bound that nobody would want to read (INT_MAX and the like) is no bound to the reader. */
static bool worth_saying(double bound)
{
    return fabs(bound) < 1.0e9;
}

static void add_range(urs_text *t, const urs_option *o)
{
    if (o->kind != URS_OPTION_KIND_INT && o->kind != URS_OPTION_KIND_INT64 && o->kind != URS_OPTION_KIND_DOUBLE)
        return;
    if (worth_saying(o->low) && worth_saying(o->high)) {
        urs_text_add(t, ", ");
        add_number(t, o->low);
        urs_text_add(t, " to ");
        add_number(t, o->high);
    } else if (worth_saying(o->low)) {
        urs_text_add(t, ", at least ");
        add_number(t, o->low);
    }
}

static void add_default(urs_text *t, const urs_option *o)
{
    switch (o->kind) {
    case URS_OPTION_KIND_FLAG:
        if (*o->to.flag)
            urs_text_format(t, " (default; --no-%s turns it off)", o->name);
        break;
    case URS_OPTION_KIND_TEXT:
    case URS_OPTION_KIND_OUTPUT:
    case URS_OPTION_KIND_CHOICE:
        if (*o->to.text)
            urs_text_format(t, " (default %s)", *o->to.text);
        break;
    case URS_OPTION_KIND_INT:
        urs_text_format(t, " (default %d)", *o->to.whole);
        break;
    case URS_OPTION_KIND_INT64:
        urs_text_format(t, " (default %lld)", (long long)*o->to.whole64);
        break;
    case URS_OPTION_KIND_DOUBLE:
        urs_text_format(t, " (default %g)", *o->to.decimal);
        break;
    case URS_OPTION_KIND_LIST:
        urs_text_add(t, "; may be repeated");
        break;
    case URS_OPTION_KIND_REST:
        break;
    }
}

/* The phrase with range and default behind it. */
static void add_meaning(urs_text *t, const urs_option *o)
{
    urs_text_add(t, o->help);
    if (o->required)
        urs_text_add(t, " (required)");
    add_range(t, o);
    add_default(t, o);
}

static void add_name(urs_text *t, const urs_option *o)
{
    if (o->kind == URS_OPTION_KIND_REST)
        urs_text_add(t, o->name);
    else if (takes_value(o))
        urs_text_format(t, "--%s %s", o->name, o->value);
    else
        urs_text_format(t, "--%s", o->name);
}

/* Appends words, going on in column HELP_COLUMN of a new line where the line is full. */
static void add_wrapped(urs_text *t, const char *s, size_t column)
{
    while (*s) {
        const size_t n = strcspn(s, " ");
        if (column > HELP_COLUMN && column + n + 1 > HELP_WIDTH) {
            urs_text_format(t, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        if (column > HELP_COLUMN) {
            urs_text_add(t, " ");
            column++;
        }
        urs_text_append(t, s, n);
        column += n;
        s += n;
        while (*s == ' ')
            s++;
    }
    urs_text_add(t, "\n");
}

static void add_line(urs_text *t, const urs_option *o)
{
    urs_text name = {0}, meaning = {0};
    add_name(&name, o);
    add_meaning(&meaning, o);
    urs_text_format(t, "  %s", urs_text_string(&name));
    if (name.length + 4 > HELP_COLUMN)
        urs_text_format(t, "\n%*s", HELP_COLUMN, "");
    else
        urs_text_format(t, "%*s", (int)(HELP_COLUMN - 2 - name.length), "");
    add_wrapped(t, urs_text_string(&meaning), HELP_COLUMN);
    urs_text_release(&name);
    urs_text_release(&meaning);
}

static const urs_option *find_rest(const urs_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (options[i].kind == URS_OPTION_KIND_REST)
            return &options[i];
    return NULL;
}

static void add_synopsis(urs_text *t, const urs_command *command, const urs_option *options, size_t n)
{
    const urs_option *rest = find_rest(options, n);
    urs_text_format(t, "ursid %s", command->name);
    for (size_t i = 0; i < n; i++)
        if (options[i].required)
            urs_text_format(t, " --%s %s", options[i].name, options[i].value);
    if (rest)
        urs_text_format(t, rest->low > 0 ? " %s" : " [%s]", rest->name);
    urs_text_add(t, " [OPTIONS]");
}

void urs_help_text(urs_text *out, const urs_command *command, const urs_option *options, size_t n)
{
    const urs_option *rest = find_rest(options, n);
    urs_text_add(out, "Usage: ");
    add_synopsis(out, command, options, n);
    urs_text_format(out, "\n\n%s\n", command->summary);
    if (command->help && *command->help)
        urs_text_format(out, "\n%s%s", command->help, command->help[strlen(command->help) - 1] == '\n' ? "" : "\n");
    if (rest) {
        urs_text_add(out, "\nArguments:\n");
        add_line(out, rest);
    }
    urs_text_add(out, "\nOptions:\n");
    for (size_t i = 0; i < n; i++)
        if (options[i].kind != URS_OPTION_KIND_REST)
            add_line(out, &options[i]);
    urs_text_format(out, "  %-*s%s\n", HELP_COLUMN - 2, "--help", "this text");
}

void urs_help_troff(urs_text *out, const char *s)
{
    bool line_start = true;
    for (; *s; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            urs_text_add(out, "\\&");
        if (*s == '\\')
            urs_text_add(out, "\\e");
        else if (*s == '-')
            urs_text_add(out, "\\-");
        else
            urs_text_append(out, s, 1);
        line_start = *s == '\n';
    }
}

void urs_help_man(urs_text *out, const urs_command *command, const urs_option *options, size_t n)
{
    urs_text part = {0};
    add_synopsis(&part, command, options, n);
    urs_text_add(out, ".SS \"");
    urs_help_troff(out, urs_text_string(&part));
    urs_text_add(out, "\"\n");
    urs_help_troff(out, command->summary);
    urs_text_add(out, "\n");
    if (command->help && *command->help) {
        urs_text_add(out, ".PP\n.nf\n");
        urs_help_troff(out, command->help);
        if (command->help[strlen(command->help) - 1] != '\n')
            urs_text_add(out, "\n");
        urs_text_add(out, ".fi\n");
    }
    urs_text_release(&part);
    for (size_t i = 0; i < n; i++) {
        urs_text name = {0}, meaning = {0};
        add_name(&name, &options[i]);
        add_meaning(&meaning, &options[i]);
        urs_text_add(out, ".TP\n.B ");
        urs_help_troff(out, urs_text_string(&name));
        urs_text_add(out, "\n");
        urs_help_troff(out, urs_text_string(&meaning));
        urs_text_add(out, "\n");
        urs_text_release(&name);
        urs_text_release(&meaning);
    }
}
