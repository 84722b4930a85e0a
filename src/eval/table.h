/* Aligned text tables for the terminal: columns as wide as their widest cell (terminal.h: not bytes, not characters), numbers to the right.
 *
 *      urs_table t; urs_table_start(&t, 3);  urs_table_add(&t, "class"); ... a cell at a time, row by row, first row = headings; urs_table_end(&t, &text);
 *
 * Sticky like urs_text: an allocation failure shows in the text that comes out (urs_text_ok). */
#ifndef URS_EVAL_TABLE_H
#define URS_EVAL_TABLE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

#define URS_TABLE_COLUMNS_MAX 64

typedef struct urs_table {
    urs_names cells;
    size_t columns;
    bool failed;
} urs_table;

void urs_table_start(urs_table *t, size_t columns); /* 1 .. URS_TABLE_COLUMNS_MAX */
void urs_table_add(urs_table *t, const char *cell); /* copied; line breaks and other control characters become spaces, the rest is as terminal.h shows it */
void urs_table_number(urs_table *t, double value, int decimals); /* NaN: "-" */
void urs_table_format(urs_table *t, const char *format, ...) URS_PRINTF(2, 3);
/* Appends the table (a rule below the headings) and releases it. A column is right-aligned when every cell below its heading is a number, "-" or empty; a started row is filled up. */
void urs_table_end(urs_table *t, urs_text *out);

#endif
