/* Between colour and grey. See image.h. */
#include "image/image.h"

/* BT.601 weights in 16 bits, as Pillow rounds them: 0.299, 0.587, 0.114. */
#define LUMA_R 19595u
#define LUMA_G 38470u
#define LUMA_B 7471u

urs_status urs_image_to_grey(urs_image *out, const urs_image *in, urs_error *err)
{
    urs_image result;
    urs_status status;
    if (in->channels == 1)
        return urs_image_copy(out, in, err);
    status = urs_image_new(&result, in->width, in->height, 1, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0, n = (size_t)in->width * (size_t)in->height; i < n; i++) {
        const uint8_t *p = in->data + 3 * i;
        result.data[i] = (uint8_t)((p[0] * LUMA_R + p[1] * LUMA_G + p[2] * LUMA_B + 0x8000u) >> 16);
    }
    *out = result;
    return URS_OK;
}

urs_status urs_image_to_rgb(urs_image *out, const urs_image *in, urs_error *err)
{
    urs_image result;
    urs_status status;
    if (in->channels == 3)
        return urs_image_copy(out, in, err);
    status = urs_image_new(&result, in->width, in->height, 3, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0, n = (size_t)in->width * (size_t)in->height; i < n; i++)
        result.data[3 * i] = result.data[3 * i + 1] = result.data[3 * i + 2] = in->data[i];
    *out = result;
    return URS_OK;
}
