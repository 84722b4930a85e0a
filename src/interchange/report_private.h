/* What the two files of the report share; not for other rooms. */
#ifndef URS_INTERCHANGE_REPORT_PRIVATE_H
#define URS_INTERCHANGE_REPORT_PRIVATE_H

#include "base/text.h"
#include "interchange/report_html.h"

/* Rules of style for frames; constant. */
const char *urs_report_frame_style(void);
/* Appends one frame; number: 1 is the first with heads. */
void urs_report_put_frame(urs_text *t, const urs_report_frame *frame, size_t number);

#endif
