/* Aligned text tables; see table.h. */
#include "eval/table.h"

#include "base/terminal.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void urs_table_start(urs_table *t, size_t columns)
{
    *t = (urs_table){.columns = columns < 1 ? 1 : columns > URS_TABLE_COLUMNS_MAX ? URS_TABLE_COLUMNS_MAX : columns};
}

void urs_table_add(urs_table *t, const char *cell)
{
    urs_text plain = {0}, shown = {0};
    urs_text_add(&plain, cell);
    for (size_t i = 0; i < plain.length && !plain.failed; i++)
        if ((unsigned char)plain.data[i] < 0x20 || plain.data[i] == 0x7f)
            plain.data[i] = ' ';
    urs_terminal_add(&shown, urs_text_string(&plain), 0);
    if (plain.failed || shown.failed || urs_names_add(&t->cells, urs_text_string(&shown), NULL) != URS_OK)
        t->failed = true;
    urs_text_release(&plain);
    urs_text_release(&shown);
}

void urs_table_number(urs_table *t, double value, int decimals)
{
    if (isnan(value))
        urs_table_add(t, "-");
    else
        urs_table_format(t, "%.*f", decimals, value);
}

void urs_table_format(urs_table *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    urs_table_add(t, text);
}

/* Begins like a number and has no letters but those of numbers with units ("12 %", "3.4-5.6", "0.91 [0.88, 0.94]"). */
static bool numeric(const char *s)
{
    if (!*s || !strcmp(s, "-"))
        return true;
    if (!isdigit((unsigned char)s[*s == '-' || *s == '+']))
        return false;
    return s[strspn(s, "0123456789.,+-eE %[]()±")] == '\0';
}

static void add_spaces(urs_text *out, size_t n)
{
    while (n-- > 0)
        urs_text_add(out, " ");
}

void urs_table_end(urs_table *t, urs_text *out)
{
    size_t width[URS_TABLE_COLUMNS_MAX] = {0};
    bool right[URS_TABLE_COLUMNS_MAX];
    const size_t rows = (t->cells.count + t->columns - 1) / t->columns;
    while (!t->failed && t->cells.count < rows * t->columns)
        urs_table_add(t, "");
    if (t->failed) {
        out->failed = true;
        urs_names_release(&t->cells);
        return;
    }
    for (size_t c = 0; c < t->columns; c++) {
        right[c] = rows > 1;
        for (size_t r = 0; r < rows; r++) {
            const char *cell = t->cells.items[r * t->columns + c];
            const size_t w = urs_terminal_columns(cell);
            width[c] = w > width[c] ? w : width[c];
            if (r > 0 && !numeric(cell))
                right[c] = false;
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < t->columns; c++) {
            const char *cell = t->cells.items[r * t->columns + c];
            const size_t pad = width[c] - urs_terminal_columns(cell);
            if (c > 0)
                urs_text_add(out, "  ");
            if (right[c])
                add_spaces(out, pad);
            urs_text_add(out, cell);
            if (!right[c] && c + 1 < t->columns)
                add_spaces(out, pad);
        }
        urs_text_add(out, "\n");
        for (size_t c = 0; r == 0 && c < t->columns; c++) {
            if (c > 0)
                urs_text_add(out, "  ");
            for (size_t i = 0; i < width[c]; i++)
                urs_text_add(out, "-");
        }
        if (r == 0)
            urs_text_add(out, "\n");
    }
    urs_names_release(&t->cells);
}
