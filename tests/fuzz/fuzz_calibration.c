/* The calibration that a weight file carries: any bytes, then any cosine. */
#include "catalogue/verdict.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_calibration cal = {0};
    urs_error err = {0};
    if (urs_calibration_from_json(&cal, (const char *)data, size, &err) != URS_OK)
        return 0;
    for (double x = -1.5; x < 1.6; x += 0.125) {
        const double p = urs_calibration_probability(&cal, x);
        if (!(p >= 0 && p <= 1))
            abort();
    }
    urs_calibration_release(&cal);
    return 0;
}
