/* Small pieces of JSON as text: strings that are valid whatever bytes they hold, and numbers that readers take for floats. Thread safe. */
#ifndef URS_INTERCHANGE_JSON_TEXT_H
#define URS_INTERCHANGE_JSON_TEXT_H

#include "base/text.h"

/* With quotes; control characters escaped; bytes that are no UTF-8 become U+FFFD. */
void urs_json_add_string(urs_text *out, const char *s);
bool urs_json_is_utf8(const char *s);
/* At most `decimals` places, trailing zeros left out, one place at least ("1.0"); what is not finite becomes 0.0. */
void urs_json_add_float(urs_text *out, double x, int decimals);

#endif
