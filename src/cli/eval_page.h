/* The page of `ursid eval`: tables as HTML, plots, and contact sheets of mistakes. Appends to urs_text: nothing fails but memory (urs_text_ok). */
#ifndef URS_CLI_EVAL_PAGE_H
#define URS_CLI_EVAL_PAGE_H

#include "base/file.h"
#include "image/image.h"

#include <stdbool.h>

/* The whole page. text: what the terminal shows; its tables (a heading with a rule of dashes below, columns as wide as the dashes) become HTML tables, other lines paragraphs. plots: markup, <svg> elements
 * first, then <section class="wide"> elements. */
void urs_eval_page(urs_text *out, const char *title, const char *subtitle, const urs_text *text, const urs_text *plots);

/* A contact sheet: begin, any number of rows or figures, end.
 *
 *      +-- title  12 of 40 --------------------------+
 *      |  explain                                    |
 *      |  [asked] [first] [right]   [asked] ...      |    row: figures that belong together, with a line below
 *      +---------------------------------------------+ */
/* large: whole pictures instead of squares */
void urs_eval_sheet_begin(urs_text *out, const char *title, size_t shown, size_t total, const char *explain, bool large);
void urs_eval_sheet_end(urs_text *out);
void urs_eval_row_begin(urs_text *out);
void urs_eval_row_end(urs_text *out, const char *line, const char *file); /* file may be NULL */
/* A picture with two lines; jpeg NULL: a grey square that says `instead`. */
void urs_eval_figure(urs_text *out, const urs_bytes *jpeg, const char *line, const char *name, const char *instead);
/* JPEG of a picture, at most `side` on its longer side; owned bytes. */
urs_status urs_eval_thumbnail(urs_bytes *out, const urs_image *picture, int32_t side, urs_error *err) URS_CHECKED;

#endif
