/* Days since 1970-01-01 of the proleptic Gregorian calendar, and back. Pure, thread safe.
 *
 * After H. Hinnant, "chrono-compatible low-level date algorithms": with March as the first month the leap day is the last of its year, and 400 years are one era of 146,097 days. */
#ifndef URS_BASE_DAY_H
#define URS_BASE_DAY_H

#include <stdbool.h>
#include <stdint.h>

/* "YYYY-MM-DD..." or "YYYY:MM:DD..."; false, and *day untouched, if it is not a date. */
bool urs_day_parse(const char *text, int32_t *day);

/* month 1 .. 12, date 1 .. 31 */
void urs_day_split(int64_t day, int32_t *year, int32_t *month, int32_t *date);
int32_t urs_day_year(int32_t day);
void urs_day_text(char out[16], int32_t day); /* "2019-07-31" */

#endif
