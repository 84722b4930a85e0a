/* Growing text, and a sorted list of names.
 *
 * urs_text is sticky: after an allocation failure every further append does nothing and urs_text_ok() is false, so a
 * writer checks once at the end. {0} is a valid empty text. Not thread safe: one owner. */
#ifndef URS_BASE_TEXT_H
#define URS_BASE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct urs_text {
    char *data; /* owned, zero-terminated once anything was appended; may be NULL when empty */
    size_t length;
    size_t capacity;
    bool failed;
} urs_text;

void urs_text_append(urs_text *t, const char *bytes, size_t n);
void urs_text_add(urs_text *t, const char *s);
void urs_text_format(urs_text *t, const char *format, ...) URS_PRINTF(2, 3);
/* Length of the UTF-8 sequence at s (1 for the zero at the end), 0 when it is none: RFC 3629, no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t urs_utf8_length(const char *s);
/* Appends s with & < > " ' escaped for HTML and XML; bytes that are no UTF-8 and characters that XML does not allow become U+FFFD. */
void urs_text_html(urs_text *t, const char *s);
/* Appends s as one CSV field (RFC 4180: quoted when it must be). */
void urs_text_csv(urs_text *t, const char *s);
bool urs_text_ok(const urs_text *t);
const char *urs_text_string(const urs_text *t); /* never NULL; borrowed until the next append */
char *urs_text_take(urs_text *t);               /* owned string; t is empty afterwards; NULL when it failed */
void urs_text_release(urs_text *t);

/* List of owned strings. {0} is a valid empty list. */
typedef struct urs_names {
    char **items;
    size_t count;
    size_t capacity;
} urs_names;

urs_status urs_names_add(urs_names *names, const char *s, urs_error *err) URS_CHECKED; /* copied */
void urs_names_sort(urs_names *names);                                                 /* bytewise */
void urs_names_release(urs_names *names);

/* Reads a whole number or a finite decimal number that fills s completely. false: it is not one or out of range. */
bool urs_parse_int(const char *s, long long low, long long high, long long *out);
bool urs_parse_double(const char *s, double *out);

#endif
