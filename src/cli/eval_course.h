/* How a training went, as plots: the log that `ursid train` leaves beside its weights (W.log), one line an epoch:
 *
 *      epoch   4/16  loss 134.0118  validation ...  score 0.0351 *  19.0 images/s  45 s
 *
 * Lines that do not look so are passed over; of an epoch that was begun again after an interruption the last line counts. */
#ifndef URS_CLI_EVAL_COURSE_H
#define URS_CLI_EVAL_COURSE_H

#include "base/error.h"
#include "base/text.h"

#include <stddef.h>

typedef struct urs_course { /* owned arrays of `count`; by epoch */
    double *epoch, *loss, *score; /* score NaN: that epoch was not validated */
    size_t count;
} urs_course;

/* Text of a log, `size` bytes. Nothing fails but memory; a text without such lines gives none. */
urs_status urs_course_parse(urs_course *out, const char *text, size_t size, urs_error *err) URS_CHECKED;
void urs_course_release(urs_course *course);

/* Appends <svg> elements of loss and score; nothing where the weights have no readable log beside them, or one of fewer than two epochs. */
urs_status urs_eval_course(urs_text *out, const char *weights, urs_error *err) URS_CHECKED;

#endif
