/* Pieces of JSON; see json_text.h. */
#include "interchange/json_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at s, 0 when it is none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t utf8_length(const unsigned char *s)
{
    const unsigned char c = s[0];
    size_t n;
    if (c < 0x80)
        return 1;
    n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) /* the zero at the end ends it too */
            return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

bool urs_json_is_utf8(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    while (*p) {
        const size_t n = utf8_length(p);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

void urs_json_add_string(urs_text *out, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    urs_text_add(out, "\"");
    while (*p) {
        const size_t n = utf8_length(p);
        if (n == 0) {
            urs_text_add(out, "\xef\xbf\xbd");
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\')
            urs_text_format(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            urs_text_format(out, "\\u%04x", *p);
        else
            urs_text_append(out, (const char *)p, n);
        p += n;
    }
    urs_text_add(out, "\"");
}

void urs_json_add_float(urs_text *out, double x, int decimals)
{
    char digits[64];
    size_t n;
    if (!isfinite(x) || fabs(x) > 1e15)
        x = 0.0;
    (void)snprintf(digits, sizeof digits, "%.*f", decimals < 1 ? 1 : decimals > 17 ? 17 : decimals, x);
    n = strlen(digits);
    while (n >= 3 && digits[n - 1] == '0' && digits[n - 2] != '.')
        n--;
    digits[n] = '\0';
    urs_text_add(out, strcmp(digits, "-0.0") == 0 ? "0.0" : digits);
}
