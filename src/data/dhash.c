/* Difference hash; see dhash.h. */
#include "data/dhash.h"

urs_status urs_image_dhash(uint64_t *out, const urs_image *image, urs_error *err)
{
    urs_image grey = {0}, small = {0};
    uint64_t hash = 0;
    urs_status status = urs_image_to_grey(&grey, image, err);
    if (status == URS_OK)
        status = urs_image_resize(&small, &grey, 9, 8, URS_FILTER_BILINEAR, err);
    if (status == URS_OK) {
        for (int32_t y = 0; y < 8; y++)
            for (int32_t x = 0; x < 8; x++)
                hash = hash << 1 | (*urs_image_at(&small, x, y) < *urs_image_at(&small, x + 1, y));
        *out = hash;
    }
    urs_image_release(&small);
    urs_image_release(&grey);
    return status;
}

int32_t urs_dhash_distance(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ b;
    int32_t n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}
