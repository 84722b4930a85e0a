/* Text from outside on a terminal: how wide it is, and what is shown of it.
 *
 * Names come from files, and a file's name is any bytes. Shown are: '?' for a character that could steer the terminal or reorder the line (C0 and C1 controls, line and paragraph
 * separators, bidirectional controls), U+FFFD for a byte that is no UTF-8, everything else as it is. Pure functions; any thread. */
#ifndef URS_BASE_TERMINAL_H
#define URS_BASE_TERMINAL_H

#include "base/text.h"

#include <stdio.h>

/* Columns that s takes as it is shown: 2 for a wide character (CJK, most pictures), 0 for one that is put over the one before it, as the C library's wcwidth has it in UTF-8; 1 for every
 * character where the library has no such locale. */
size_t urs_terminal_columns(const char *s);

/* Appends s as it is shown, in at most `most` columns (0: all of it; else at least 8): a longer one keeps a third at its beginning and the rest at its end, where names differ, with "..." between. */
void urs_terminal_add(urs_text *out, const char *s, size_t most);

/* Writes s as it is shown, and a line break. */
void urs_terminal_put_line(FILE *to, const char *s);

#endif
