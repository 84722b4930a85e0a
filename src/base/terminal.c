/* Text from outside on a terminal; see terminal.h. */
#include "base/terminal.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#define GAP "..."
#define GAP_COLUMNS 3

typedef struct shown { /* a character of the text, as it is shown */
    size_t bytes;      /* in the text; 0: the end */
    const char *as;    /* NULL: as it is */
    size_t columns;
} shown;

static uint32_t code_point(const char *s, size_t bytes)
{
    uint32_t c = bytes == 1 ? (unsigned char)*s : (unsigned char)*s & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    return c;
}

static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* wide: the calling thread's locale knows UTF-8. */
static shown next_shown(const char *s, bool wide)
{
    const size_t bytes = urs_utf8_length(s);
    const uint32_t c = bytes ? code_point(s, bytes) : 0;
    int columns;
    if (!*s)
        return (shown){0};
    if (bytes == 0)
        return (shown){1, "\xef\xbf\xbd", 1};
    if (steers(c))
        return (shown){bytes, "?", 1};
    columns = wide && c >= 0x80 ? wcwidth((wchar_t)c) : 1;
    return (shown){bytes, NULL, columns < 0 ? 1 : (size_t)columns};
}

/* The program runs in the "C" locale, where wcwidth knows ASCII alone; the one with UTF-8 is borrowed by the thread for as long as a text is looked at. */
typedef struct borrowed_locale {
    locale_t own, before;
} borrowed_locale;

static bool is_ascii(const char *s)
{
    while (*s && (unsigned char)*s < 0x80)
        s++;
    return *s == '\0';
}

static borrowed_locale borrow_locale(const char *s)
{
    borrowed_locale b = {(locale_t)0, (locale_t)0};
    if (!is_ascii(s))
        b.own = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (b.own)
        b.before = uselocale(b.own);
    return b;
}

static void give_back(borrowed_locale b)
{
    if (!b.own)
        return;
    (void)uselocale(b.before);
    freelocale(b.own);
}

static size_t columns_in(const char *s, bool wide)
{
    size_t columns = 0;
    for (shown c = next_shown(s, wide); c.bytes; s += c.bytes, c = next_shown(s, wide))
        columns += c.columns;
    return columns;
}

size_t urs_terminal_columns(const char *s)
{
    const borrowed_locale b = borrow_locale(s);
    const size_t columns = columns_in(s, b.own != (locale_t)0);
    give_back(b);
    return columns;
}

/* Appends characters as long as they fit; what is left of s. */
static const char *add_fitting(urs_text *out, const char *s, size_t most, bool wide)
{
    for (shown c = next_shown(s, wide); c.bytes && c.columns <= most; s += c.bytes, c = next_shown(s, wide)) {
        if (c.as)
            urs_text_add(out, c.as);
        else
            urs_text_append(out, s, c.bytes);
        most -= c.columns;
    }
    return s;
}

void urs_terminal_add(urs_text *out, const char *s, size_t most)
{
    const borrowed_locale b = borrow_locale(s);
    const bool wide = b.own != (locale_t)0;
    size_t columns = columns_in(s, wide);
    if (most == 0 || columns <= most) {
        (void)add_fitting(out, s, columns, wide);
    } else {
        const size_t begin = (most - GAP_COLUMNS) / 3, end = most - GAP_COLUMNS - begin;
        (void)add_fitting(out, s, begin, wide);
        urs_text_add(out, GAP);
        for (shown c = next_shown(s, wide); columns > end || (c.bytes && c.columns == 0); s += c.bytes, c = next_shown(s, wide))
            columns -= c.columns; /* what is put over a character that is left out is left out with it */
        (void)add_fitting(out, s, columns, wide);
    }
    give_back(b);
}

void urs_terminal_put_line(FILE *to, const char *s)
{
    urs_text line = {0};
    urs_terminal_add(&line, s, 0);
    (void)fprintf(to, "%s\n", urs_text_string(&line));
    urs_text_release(&line);
}
