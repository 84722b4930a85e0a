/* An EXIF block, as JPEG, PNG and WebP carry it: nothing in it is an error, but what is taken over must be well formed. */
#include "image/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_exif exif = {0};
    urs_exif_parse(&exif, data, size);
    if (exif.orientation < 0 || exif.orientation > 8)
        abort();
    if (exif.has_time && (strnlen(exif.time, sizeof exif.time) != 19 || exif.time[4] != ':'))
        abort();
    if (exif.has_zone && (!exif.has_time || abs(exif.zone_minutes) > 16 * 60))
        abort();
    if (!memchr(exif.camera, '\0', sizeof exif.camera))
        abort();
    return 0;
}
