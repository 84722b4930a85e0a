/* Which decoder, which limits, and the last steps that all formats share. See decode.h. */
#include "image/decode.h"

#include "image/codec.h"

#include <string.h>

#define FILE_SIZE_MAX ((size_t)256 << 20)

typedef struct kind {
    const char *name;
    urs_codec_decode *decode;
} kind;

static bool starts_with(const urs_codec_input *in, size_t at, const char *bytes, size_t n)
{
    return in->size >= at + n && memcmp(in->data + at, bytes, n) == 0;
}

/* By the first bytes:
 *
 *      FF D8 FF                        JPEG
 *      89 'P' 'N' 'G' 0D 0A 1A 0A      PNG
 *      'I' 'I' 2A 00 | 'M' 'M' 00 2A   TIFF (2B: BigTIFF)
 *      'R' 'I' 'F' 'F' size4 'W' 'E' 'B' 'P'
 */
static kind sniff(const urs_codec_input *in)
{
    if (starts_with(in, 0, "\xFF\xD8\xFF", 3))
        return (kind){"JPEG", urs_jpeg_decode};
    if (starts_with(in, 0, "\x89PNG\r\n\x1A\n", 8))
        return (kind){"PNG", urs_png_decode};
    if (starts_with(in, 0, "II*\0", 4) || starts_with(in, 0, "MM\0*", 4) || starts_with(in, 0, "II+\0", 4) || starts_with(in, 0, "MM\0+", 4))
        return (kind){"TIFF", urs_tiff_decode};
    if (starts_with(in, 0, "RIFF", 4) && starts_with(in, 8, "WEBP", 4))
        return (kind){"WebP", urs_webp_decode};
    return (kind){NULL, NULL};
}

urs_status urs_codec_check_size(const urs_codec_input *in, uint64_t width, uint64_t height, urs_error *err)
{
    if (width == 0 || height == 0)
        return urs_fail(err, URS_EFORMAT, "'%s' says that it has no pixels", in->name);
    if (width > URS_IMAGE_SIDE_MAX || height > URS_IMAGE_SIDE_MAX || width * height > (uint64_t)in->pixels_max)
        return urs_fail(err, URS_ELIMIT, "'%s' has %llu x %llu pixels, more than what is accepted", in->name, (unsigned long long)width,
                        (unsigned long long)height);
    return URS_OK;
}

int32_t urs_codec_reduction(int32_t width, int32_t height, int32_t orientation, int32_t min_width, int32_t min_height)
{
    const bool turned = orientation >= 5 && orientation <= 8;
    const int32_t need_w = turned ? min_height : min_width, need_h = turned ? min_width : min_height;
    if (need_w <= 0 && need_h <= 0)
        return 1;
    for (int32_t d = 8; d > 1; d /= 2)
        if ((width + d - 1) / d >= need_w && (height + d - 1) / d >= need_h)
            return d;
    return 1;
}

urs_status urs_photo_decode_limited(urs_photo *out, const urs_codec_input *in, urs_error *err)
{
    urs_raw_photo raw = {0};
    urs_photo photo = {0};
    urs_status status;
    const kind k = sniff(in);
    bool turned;

    if (in->size == 0)
        return urs_fail(err, URS_EFORMAT, "'%s' is empty", in->name);
    if (!k.decode)
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is not a JPEG, PNG, TIFF or WebP picture", in->name);
    if (in->size > FILE_SIZE_MAX)
        return urs_fail(err, URS_ELIMIT, "'%s' has %zu bytes, more than what is accepted", in->name, in->size);
    status = k.decode(&raw, in, err);
    if (status != URS_OK)
        return status;
    status = urs_image_orient(&photo.image, &raw.image, raw.exif.orientation, err);
    if (status != URS_OK) {
        urs_image_release(&raw.image);
        return status;
    }
    turned = raw.exif.orientation >= 5 && raw.exif.orientation <= 8;
    photo.full_width = turned ? raw.full_height : raw.full_width;
    photo.full_height = turned ? raw.full_width : raw.full_height;
    photo.reduction = raw.reduction;
    photo.truncated = raw.truncated;
    photo.has_time = raw.exif.has_time;
    photo.has_zone = raw.exif.has_zone;
    photo.zone_minutes = raw.exif.zone_minutes;
    memcpy(photo.time, raw.exif.time, sizeof photo.time);
    memcpy(photo.camera, raw.exif.camera, sizeof photo.camera);
    *out = photo;
    return URS_OK;
}

urs_status urs_photo_decode(urs_photo *out, const void *data, size_t size, const char *name, const urs_decode_options *options, urs_error *err)
{
    const urs_decode_options o = options ? *options : (urs_decode_options){0};
    const urs_codec_input in = {.data = data, .size = size, .name = name, .min_width = o.min_width, .min_height = o.min_height, .pixels_max = URS_IMAGE_PIXELS_MAX};
    return urs_photo_decode_limited(out, &in, err);
}

urs_status urs_photo_read(urs_photo *out, const char *path, const urs_decode_options *options, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, FILE_SIZE_MAX, err);
    if (status != URS_OK)
        return status;
    status = urs_photo_decode(out, bytes.data, bytes.size, path, options, err);
    urs_bytes_release(&bytes);
    return status;
}

void urs_photo_release(urs_photo *photo)
{
    urs_image_release(&photo->image);
    *photo = (urs_photo){0};
}

bool urs_photo_has_extension(const char *path)
{
    static const char *const known[] = {"jpg", "jpeg", "png", "tif", "tiff", "webp"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (urs_path_has_extension(path, known[i]))
            return true;
    return false;
}
