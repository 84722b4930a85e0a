/* WebP through libwebp (still pictures). See codec.h.
 *
 *      "RIFF" size4 "WEBP" | tag4 size4 data.. (padded to even) | tag4 size4 data.. | ...      (numbers little-endian)
 *
 * The picture is in VP8, VP8L or VP8X + ...; "EXIF" holds the EXIF block. Alpha: libwebp multiplies it into the colours, so that leaving it away is composing over black. */
#include "base/memory.h"
#include "base/reader.h"
#include "image/codec.h"

#include <string.h>
#include <webp/decode.h>

#define RIFF_HEADER_SIZE 12

static void find_exif(urs_exif *out, const urs_codec_input *in)
{
    urs_reader r = urs_reader_new(in->data, in->size);
    urs_reader_seek(&r, RIFF_HEADER_SIZE);
    while (!r.failed) {
        const uint8_t *tag = urs_reader_take(&r, 4);
        const uint32_t size = urs_reader_u32(&r);
        const uint8_t *data = urs_reader_take(&r, size);
        if (tag && data && memcmp(tag, "EXIF", 4) == 0) {
            urs_exif_parse(out, data, size);
            return;
        }
        if (size % 2 != 0)
            (void)urs_reader_take(&r, 1);
    }
}

static urs_status failure(const urs_codec_input *in, VP8StatusCode code, urs_error *err)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", in->name);
    case VP8_STATUS_UNSUPPORTED_FEATURE: return urs_fail(err, URS_EUNSUPPORTED, "'%s' is a WebP of a kind that is not read", in->name);
    case VP8_STATUS_NOT_ENOUGH_DATA: return urs_fail(err, URS_EFORMAT, "'%s' is a WebP that ends too early", in->name);
    default: return urs_fail(err, URS_EFORMAT, "'%s' is not a WebP that can be read", in->name);
    }
}

static urs_status read_pixels(urs_image *image, WebPDecoderConfig *config, const urs_codec_input *in, urs_error *err)
{
    urs_status status = URS_OK;
    uint8_t *four = NULL;
    const size_t pixels = (size_t)image->width * (size_t)image->height, step = config->input.has_alpha ? 4 : 3;
    VP8StatusCode code;

    if (config->input.has_alpha) {
        four = urs_array_new(pixels, step);
        if (!four)
            return urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", in->name);
    }
    config->output.colorspace = four ? MODE_rgbA : MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA.rgba = four ? four : image->data;
    config->output.u.RGBA.stride = (int)((size_t)image->width * step);
    config->output.u.RGBA.size = pixels * step;
    code = WebPDecode(in->data, in->size, config);
    if (code != VP8_STATUS_OK) {
        status = failure(in, code, err);
        goto done;
    }
    for (size_t i = 0; four && i < pixels; i++)
        memcpy(image->data + 3 * i, four + 4 * i, 3);
done:
    WebPFreeDecBuffer(&config->output);
    urs_free(four);
    return status;
}

urs_status urs_webp_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    urs_raw_photo photo = {.reduction = 1};
    urs_status status;
    WebPDecoderConfig config;
    VP8StatusCode code;

    if (!WebPInitDecoderConfig(&config))
        return urs_fail(err, URS_EUNSUPPORTED, "libwebp has another version than it was built for");
    code = WebPGetFeatures(in->data, in->size, &config.input);
    if (code != VP8_STATUS_OK)
        return failure(in, code, err);
    if (config.input.has_animation)
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is an animated WebP", in->name);
    status = urs_codec_check_size(in, (uint64_t)(config.input.width > 0 ? config.input.width : 0), (uint64_t)(config.input.height > 0 ? config.input.height : 0), err);
    if (status != URS_OK)
        return status;
    status = urs_image_new(&photo.image, config.input.width, config.input.height, 3, err);
    if (status != URS_OK)
        return status;
    photo.full_width = config.input.width;
    photo.full_height = config.input.height;
    status = read_pixels(&photo.image, &config, in, err);
    if (status != URS_OK) {
        urs_image_release(&photo.image);
        return status;
    }
    find_exif(&photo.exif, in);
    *out = photo;
    return URS_OK;
}
