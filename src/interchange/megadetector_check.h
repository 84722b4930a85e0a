/* Checks a file against the rules of MegaDetector batch format 1.6, the informal ones of its validator included. Thread safe. */
#ifndef URS_INTERCHANGE_MEGADETECTOR_CHECK_H
#define URS_INTERCHANGE_MEGADETECTOR_CHECK_H

#include "base/text.h"

/* URS_OK: valid. URS_EFORMAT: the first rule that is broken, and where. warnings (optional, owned by the caller) collects what the rules allow but advise
 * against; at most 100. */
urs_status urs_results_check(const void *data, size_t size, const char *name, urs_names *warnings, urs_error *err) URS_CHECKED;
urs_status urs_results_check_file(const char *path, urs_names *warnings, urs_error *err) URS_CHECKED;

#endif
