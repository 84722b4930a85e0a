/* From picture to network input, the one way for training and for use. See image.h. */
#include "image/image.h"

#include <math.h>

#define CROP_SHARE_DEFAULT 0.875

void urs_image_normalise(float *out, const urs_image *in, const urs_input_format *format)
{
    const size_t n = (size_t)in->width * (size_t)in->height, step = (size_t)in->channels;
    for (size_t c = 0; c < 3; c++) {
        const uint8_t *p = in->data + (in->channels == 3 ? c : 0);
        const float mean = format->mean[c], std = format->std[c] == 0.0f ? 1.0f : format->std[c];
        float table[256]; /* there are only 256 values: exact, and no division a pixel */
        for (int v = 0; v < 256; v++)
            table[v] = ((float)v / 255.0f - mean) / std;
        for (size_t i = 0; i < n; i++)
            out[c * n + i] = table[p[i * step]];
    }
}

/* Short side to target / share (rounded down, the long side too), then the centre, as torchvision and timm do. */
static urs_status centre_crop(urs_image *out, const urs_image *in, const urs_input_format *format, urs_error *err)
{
    urs_image scaled = {0};
    urs_status status;
    const double share = format->crop_share > 0.0f ? (double)format->crop_share : CROP_SHARE_DEFAULT;
    const double goal_w = floor(format->width / share + 1e-6), goal_h = floor(format->height / share + 1e-6);
    const double scale = fmax(goal_w / in->width, goal_h / in->height);
    const int32_t width = (int32_t)fmax(floor(in->width * scale + 1e-6), goal_w), height = (int32_t)fmax(floor(in->height * scale + 1e-6), goal_h);
    status = urs_image_resize(&scaled, in, width, height, format->filter, err);
    if (status != URS_OK)
        return status;
    status = urs_image_crop(out, &scaled, (int32_t)lrint((width - format->width) / 2.0), (int32_t)lrint((height - format->height) / 2.0), format->width,
                            format->height, 0, err);
    urs_image_release(&scaled);
    return status;
}

urs_status urs_image_to_tensor(float *out, const urs_image *in, const urs_input_format *format, urs_letterbox *how, urs_error *err)
{
    urs_image fitted = {0};
    urs_letterbox box = {.scale = 1.0f, .width = format->width, .height = format->height};
    urs_status status;

    if (format->width < 1 || format->height < 1)
        return urs_fail(err, URS_EINVAL, "a network input of %d x %d pixels has no content", format->width, format->height);
    switch (format->fit) {
    case URS_FIT_LETTERBOX:
        status = urs_image_letterbox(&fitted, &box, in, format->width, format->height, err);
        break;
    case URS_FIT_CENTRE_CROP:
        status = centre_crop(&fitted, in, format, err);
        break;
    case URS_FIT_STRETCH:
        if (in->width == format->width && in->height == format->height) { /* nothing to fit: no copy */
            urs_image_normalise(out, in, format);
            if (how)
                *how = box;
            return URS_OK;
        }
        status = urs_image_resize(&fitted, in, format->width, format->height, format->filter, err);
        break;
    default:
        return urs_fail(err, URS_EINVAL, "unknown fit %d", (int)format->fit);
    }
    if (status != URS_OK)
        return status;
    urs_image_normalise(out, &fitted, format);
    urs_image_release(&fitted);
    if (how)
        *how = box;
    return URS_OK;
}
