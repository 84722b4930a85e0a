/* Run-length strings: two bytes of width, two of height, the string. What decodes must encode to a string that decodes to the same mask. */
#include "base/memory.h"
#include "interchange/coco_rle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_image mask = {0}, again = {0};
    urs_error err;
    int64_t area = 0, pixels = 0;
    char *text, *out = NULL;
    int32_t width, height;
    if (size < 4)
        return 0;
    width = (data[0] << 8 | data[1]) % 600; /* small: the sides are checked by the library, the time is ours */
    height = (data[2] << 8 | data[3]) % 600;
    text = urs_array_new(size - 3, 1);
    if (!text)
        return 0;
    memcpy(text, data + 4, size - 4);
    if (urs_rle_decode(&mask, text, width, height, &err) == URS_OK) {
        for (int64_t i = 0; i < (int64_t)width * height; i++)
            pixels += mask.data[i] != 0;
        if (urs_rle_area(&area, text, width, height, &err) != URS_OK || area != pixels)
            abort();
        if (urs_rle_encode(&out, &mask, &err) == URS_OK && (urs_rle_decode(&again, out, width, height, &err) != URS_OK || memcmp(mask.data, again.data, (size_t)(width * height)) != 0))
            abort();
    } else if (urs_rle_area(&area, text, width, height, &err) == URS_OK) {
        abort(); /* both must judge alike */
    }
    urs_free(out);
    urs_free(text);
    urs_image_release(&mask);
    urs_image_release(&again);
    return 0;
}
