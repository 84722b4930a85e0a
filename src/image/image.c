/* The picture itself: making, copying, releasing. See image.h. */
#include "image/image.h"

#include "base/memory.h"

#include <string.h>

urs_status urs_image_new(urs_image *out, int32_t width, int32_t height, int32_t channels, urs_error *err)
{
    uint8_t *data;
    if (channels != 1 && channels != 3)
        return urs_fail(err, URS_EINVAL, "a picture has 1 or 3 channels, not %d", channels);
    if (width < 1 || height < 1)
        return urs_fail(err, URS_EINVAL, "a picture of %d x %d pixels has no content", width, height);
    if (width > URS_IMAGE_SIDE_MAX || height > URS_IMAGE_SIDE_MAX || (int64_t)width * height > URS_IMAGE_PIXELS_MAX)
        return urs_fail(err, URS_ELIMIT, "a picture of %d x %d pixels is larger than what is accepted", width, height);
    data = urs_array_new((size_t)width * (size_t)height, (size_t)channels);
    if (!data)
        return urs_fail(err, URS_ENOMEM, "no memory for a picture of %d x %d pixels", width, height);
    *out = (urs_image){.width = width, .height = height, .channels = channels, .data = data};
    return URS_OK;
}

urs_status urs_image_copy(urs_image *out, const urs_image *in, urs_error *err)
{
    urs_image copy;
    const urs_status status = urs_image_new(&copy, in->width, in->height, in->channels, err);
    if (status != URS_OK)
        return status;
    memcpy(copy.data, in->data, (size_t)in->width * (size_t)in->height * (size_t)in->channels);
    *out = copy;
    return URS_OK;
}

void urs_image_release(urs_image *image)
{
    urs_free(image->data);
    *image = (urs_image){0};
}
