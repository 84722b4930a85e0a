/* Help of a command, as text for the terminal and as a piece of the man page; both from the option table, so they cannot drift from it. */
#ifndef URS_CLI_HELP_H
#define URS_CLI_HELP_H

#include "cli/option.h"

/* Appends usage, description, options with their defaults and ranges. Must be called before parsing, while the variables hold the defaults. */
void urs_help_text(urs_text *out, const urs_command *command, const urs_option *options, size_t n);

/* The same as a subsection of a man page (troff, man macros). */
void urs_help_man(urs_text *out, const urs_command *command, const urs_option *options, size_t n);

/* Appends s as troff text: backslashes, hyphens and leading dots made safe. */
void urs_help_troff(urs_text *out, const char *s);

#endif
