/* Progress on stderr: what is done, the rate, the time left. One line that is rewritten on a terminal, a line every ten seconds elsewhere, or a
 * JSON object a line for programs. One owner; urs_progress_step may be called from the owner only. */
#ifndef URS_BASE_PROGRESS_H
#define URS_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum urs_progress_style { URS_PROGRESS_AUTO, URS_PROGRESS_JSON, URS_PROGRESS_NONE } urs_progress_style;

typedef struct urs_progress {
    const char *verb; /* borrowed: "sifting" */
    const char *unit; /* borrowed: "files" */
    size_t total, done;
    double started, last;
    urs_progress_style style;
    bool terminal;
} urs_progress;

void urs_progress_start(urs_progress *p, urs_progress_style style, const char *verb, const char *unit, size_t total);
void urs_progress_step(urs_progress *p, size_t done);
void urs_progress_end(urs_progress *p);

double urs_clock(void); /* seconds, monotonic */

#endif
