/* All picture decoders at once: the first bytes of the input choose, as in the program. Pictures above a megapixel are refused, so that inputs stay quick; every byte of
 * a result is read, so that a sanitizer sees what was never written. The last byte chooses the reduced size. */
#include "image/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIXELS_MAX 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int32_t least = size > 0 ? data[size - 1] * 2 : 0;
    const urs_codec_input in = {.data = data, .size = size, .name = "fuzz", .min_width = least, .min_height = least, .pixels_max = PIXELS_MAX};
    urs_photo photo = {0};
    urs_error err = {0};
    unsigned sum = 0;
    if (urs_photo_decode_limited(&photo, &in, &err) != URS_OK) {
        if (err.message[0] == '\0' || photo.image.data)
            abort(); /* a failure without a sentence, or with an output */
        return 0;
    }
    if (photo.image.channels != 3 || (photo.has_time && photo.time[19] != '\0') || photo.camera[sizeof photo.camera - 1] != '\0')
        abort();
    for (size_t i = 0, n = (size_t)photo.image.width * (size_t)photo.image.height * 3; i < n; i++)
        sum += photo.image.data[i];
    urs_photo_release(&photo);
    (void)(*(volatile unsigned *)&sum);
    return 0;
}
