/* The shell of every report: one XHTML file that needs nothing else, neither network nor script nor other files.
 *
 *      <!DOCTYPE html> <html xmlns> <head> title, <style> ours + `css` </style> </head> <body> <header> title, subtitle </header> <main> ... </main> </body> </html>
 *
 * Written so that an XML parser takes it too. Readable on a phone, printable, light and dark. Appends to urs_text: nothing fails but memory (urs_text_ok). */
#ifndef URS_INTERCHANGE_HTML_PAGE_H
#define URS_INTERCHANGE_HTML_PAGE_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* title and subtitle are text and will be escaped; css: more rules, NULL for none. */
void urs_html_begin(urs_text *out, const char *title, const char *subtitle, const char *css);
void urs_html_end(urs_text *out);

/* <img> with the JPEG inside; css_class and alt may be NULL. No bytes: a grey square with the alternative text. */
void urs_html_jpeg(urs_text *out, const void *data, size_t size, const char *css_class, const char *alt);
void urs_html_base64(urs_text *out, const void *data, size_t size);

/* One number with its caption, for the row of them on top (inside <div class="tiles">). */
void urs_html_tile(urs_text *out, const char *number, const char *caption);

#endif
