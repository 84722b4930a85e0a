/* Pictures that formulas give, the same as in tools/golden/golden_resize.py and fixtures_image.py; helpers for tests of the image room. */
#ifndef URS_TESTS_IMAGE_PICTURE_H
#define URS_TESTS_IMAGE_PICTURE_H

#include "base/memory.h"
#include "harness.h"
#include "image/codec.h"

#include <stdio.h>
#include <stdlib.h>

static inline void picture_pixel(uint8_t out[3], uint32_t x, uint32_t y)
{
    out[0] = (uint8_t)(x * 7 + y * 3);
    out[1] = (uint8_t)((x * x + 3 * y * y) / 8);
    out[2] = (uint8_t)((x * 73856093u ^ y * 19349663u) >> 7);
}

static inline void smooth_pixel(uint8_t out[3], uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    out[0] = (uint8_t)(x * 255 / (width - 1));
    out[1] = (uint8_t)(y * 255 / (height - 1));
    out[2] = (uint8_t)(255 - x * 255 / (width - 1));
}

static inline uint8_t alpha_pixel(uint32_t x, uint32_t y)
{
    return (uint8_t)(x * 11 + y * 5);
}

static inline urs_image make_picture(int32_t width, int32_t height, bool soft)
{
    urs_image image = {0};
    urs_error err = {0};
    if (urs_image_new(&image, width, height, 3, &err) != URS_OK)
        abort(); /* no memory for a test: nothing to test */
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            if (soft)
                smooth_pixel(urs_image_at(&image, x, y), (uint32_t)x, (uint32_t)y, (uint32_t)width, (uint32_t)height);
            else
                picture_pixel(urs_image_at(&image, x, y), (uint32_t)x, (uint32_t)y);
        }
    return image;
}

/* Largest difference of two pictures; 999 if they have not the same shape. */
static inline int picture_difference(const urs_image *a, const urs_image *b)
{
    int worst = 0;
    if (a->width != b->width || a->height != b->height || a->channels != b->channels)
        return 999;
    for (size_t i = 0, n = (size_t)a->width * (size_t)a->height * (size_t)a->channels; i < n; i++) {
        const int d = abs((int)a->data[i] - (int)b->data[i]);
        worst = d > worst ? d : worst;
    }
    return worst;
}

/* Path of a file in the source tree, in a buffer of the caller. */
static inline const char *source_path(char *buffer, size_t size, const char *name)
{
    (void)snprintf(buffer, size, "%s/%s", URS_SOURCE_DIR, name);
    return buffer;
}

#endif
