/* Results as a table, one row a detection and one for every picture without any (RFC 4180, UTF-8, header row).
 *
 *   file, datetime, width, height, failure, frame_class, frame_probability, detection, category, conf, x, y, w, h (fractions), verdict, event, views,
 *   individual_1, probability_1, ... individual_K, probability_K                                                         */
#ifndef URS_INTERCHANGE_RESULT_CSV_H
#define URS_INTERCHANGE_RESULT_CSV_H

#include "interchange/result.h"

/* Appends the header row for `top` candidates a detection. */
void urs_results_csv_header(urs_text *out, int top);
/* Appends the rows of one picture. `info` gives the category names (may be NULL). */
void urs_results_csv_rows(urs_text *out, const urs_result_image *image, const urs_result_info *info, int top);
/* A whole set into a file, replaced in one act. */
urs_status urs_results_csv_write(const char *path, const urs_result_set *set, int top, urs_error *err) URS_CHECKED;

#endif
