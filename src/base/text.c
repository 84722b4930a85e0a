/* Growing text and lists of names; see text.h. */
#include "base/text.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_room(urs_text *t, size_t extra)
{
    size_t need, wanted;
    if (t->failed)
        return false;
    if (!urs_add_size(&need, t->length, extra) || !urs_add_size(&need, need, 1)) {
        t->failed = true;
        return false;
    }
    if (need <= t->capacity)
        return true;
    wanted = t->capacity < 64 ? 64 : t->capacity;
    while (wanted < need) {
        if (!urs_mul_size(&wanted, wanted, 2)) {
            t->failed = true;
            return false;
        }
    }
    if (!urs_array_resize((void **)&t->data, wanted, 1)) {
        t->failed = true;
        return false;
    }
    t->capacity = wanted;
    return true;
}

void urs_text_append(urs_text *t, const char *bytes, size_t n)
{
    if (!text_room(t, n))
        return;
    if (n)
        memcpy(t->data + t->length, bytes, n);
    t->length += n;
    t->data[t->length] = '\0';
}

void urs_text_add(urs_text *t, const char *s)
{
    urs_text_append(t, s, strlen(s));
}

void urs_text_format(urs_text *t, const char *format, ...)
{
    va_list args, again;
    int n;
    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        t->failed = true;
    } else if (text_room(t, (size_t)n)) {
        (void)vsnprintf(t->data + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
}

size_t urs_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text, c = s[0];
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

void urs_text_html(urs_text *t, const char *s)
{
    while (*s) {
        const size_t n = urs_utf8_length(s);
        const bool control = (unsigned char)*s < 0x20 && *s != '\t' && *s != '\n' && *s != '\r';
        switch (*s) {
        case '&': urs_text_add(t, "&amp;"); break;
        case '<': urs_text_add(t, "&lt;"); break;
        case '>': urs_text_add(t, "&gt;"); break;
        case '"': urs_text_add(t, "&quot;"); break;
        case '\'': urs_text_add(t, "&#39;"); break;
        default:
            if (n == 0 || control || (n == 3 && (memcmp(s, "\xef\xbf\xbe", 3) == 0 || memcmp(s, "\xef\xbf\xbf", 3) == 0)))
                urs_text_add(t, "\xef\xbf\xbd");
            else
                urs_text_append(t, s, n);
        }
        s += n ? n : 1;
    }
}

void urs_text_csv(urs_text *t, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        urs_text_add(t, s);
        return;
    }
    urs_text_add(t, "\"");
    for (; *s; s++) {
        if (*s == '"')
            urs_text_add(t, "\"");
        urs_text_append(t, s, 1);
    }
    urs_text_add(t, "\"");
}

bool urs_text_ok(const urs_text *t)
{
    return !t->failed;
}

const char *urs_text_string(const urs_text *t)
{
    return t->data ? t->data : "";
}

char *urs_text_take(urs_text *t)
{
    char *s = NULL;
    if (text_room(t, 0)) {
        t->data[t->length] = '\0';
        s = t->data;
        t->data = NULL;
    }
    urs_text_release(t);
    return s;
}

void urs_text_release(urs_text *t)
{
    urs_free(t->data);
    memset(t, 0, sizeof *t);
}

urs_status urs_names_add(urs_names *names, const char *s, urs_error *err)
{
    char *copy;
    if (!urs_array_reserve((void **)&names->items, &names->capacity, names->count, sizeof *names->items))
        return urs_fail(err, URS_ENOMEM, "no memory for a list of %zu names", names->count);
    copy = urs_strdup(s);
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory for a name");
    names->items[names->count++] = copy;
    return URS_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void urs_names_sort(urs_names *names)
{
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
}

void urs_names_release(urs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        urs_free(names->items[i]);
    urs_free(names->items);
    memset(names, 0, sizeof *names);
}

bool urs_parse_int(const char *s, long long low, long long high, long long *out)
{
    char *end;
    long long v;
    if (!*s)
        return false;
    errno = 0;
    v = strtoll(s, &end, 10);
    if (errno || *end || v < low || v > high)
        return false;
    *out = v;
    return true;
}

bool urs_parse_double(const char *s, double *out)
{
    char *end;
    double v;
    if (!*s)
        return false;
    errno = 0;
    v = strtod(s, &end);
    if (errno || *end || !isfinite(v))
        return false;
    *out = v;
    return true;
}
