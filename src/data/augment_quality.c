/* Sharpness, noise and compression, and the draw of all colour changes; see augment.h. */
#include "data/augment.h"

#include "base/memory.h"
#include "image/decode.h"

#include <math.h>
#include <string.h>

#define TAPS_MAX 65
#define WEIGHT_BITS 14

static uint8_t clip_byte(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Weights of a Gaussian in fixed point that sum to one exactly; returns the radius. */
static int32_t gauss(int32_t weights[TAPS_MAX], double sigma)
{
    double real[TAPS_MAX], sum = 0;
    int32_t radius = (int32_t)ceil(sigma * 2.5), rest = 1 << WEIGHT_BITS;
    radius = radius < 1 ? 1 : radius > TAPS_MAX / 2 ? TAPS_MAX / 2 : radius;
    for (int32_t i = -radius; i <= radius; i++)
        sum += real[i + radius] = exp(-0.5 * (double)(i * i) / (sigma * sigma));
    for (int32_t i = 0; i <= 2 * radius; i++) {
        weights[i] = (int32_t)lround(real[i] / sum * (1 << WEIGHT_BITS));
        rest -= weights[i];
    }
    weights[radius] += rest;
    return radius;
}

/*  column pass: sum over rows y-r .. y+r (edge rows repeated)  ->  padded row  ->  row pass: sum over x-r .. x+r
 *                                                                  [r px][width px][r px]                              */
urs_status urs_augment_blur(urs_image *image, float sigma, urs_error *err)
{
    urs_status status = URS_OK;
    urs_image in = {0};
    int32_t weights[TAPS_MAX];
    const int32_t radius = gauss(weights, sigma > 0.05f ? (double)sigma : 0.05), channels = image->channels, half = 1 << (WEIGHT_BITS - 1);
    const size_t n = (size_t)image->width * (size_t)channels, edge = (size_t)(radius * channels);
    int32_t *sums = urs_array_new(n, sizeof *sums);
    uint8_t *padded = urs_array_new(n + 2 * edge, 1);
    status = urs_image_copy(&in, image, err);
    if (status != URS_OK)
        goto done;
    if (!sums || !padded) {
        status = urs_fail(err, URS_ENOMEM, "no memory to blur a picture");
        goto done;
    }
    for (int32_t y = 0; y < image->height; y++) {
        uint8_t *out = urs_image_at(image, 0, y);
        for (size_t i = 0; i < n; i++)
            sums[i] = half;
        for (int32_t k = -radius; k <= radius; k++) {
            const int32_t row = y + k < 0 ? 0 : y + k >= in.height ? in.height - 1 : y + k, w = weights[k + radius];
            const uint8_t *p = urs_image_at(&in, 0, row);
            for (size_t i = 0; i < n; i++)
                sums[i] += w * p[i];
        }
        for (size_t i = 0; i < n; i++)
            padded[edge + i] = (uint8_t)(sums[i] >> WEIGHT_BITS);
        for (size_t i = 0; i < edge; i += (size_t)channels) {
            memcpy(padded + i, padded + edge, (size_t)channels);
            memcpy(padded + edge + n + i, padded + edge + n - (size_t)channels, (size_t)channels);
        }
        for (size_t i = 0; i < n; i++)
            sums[i] = half;
        for (int32_t k = 0; k <= 2 * radius; k++) {
            const uint8_t *p = padded + k * channels;
            const int32_t w = weights[k];
            for (size_t i = 0; i < n; i++)
                sums[i] += w * p[i];
        }
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)(sums[i] >> WEIGHT_BITS);
    }
done:
    urs_free(padded);
    urs_free(sums);
    urs_image_release(&in);
    return status;
}

urs_status urs_augment_sharpen(urs_image *image, float amount, urs_error *err)
{
    urs_image soft = {0};
    const size_t n = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    const int32_t k = (int32_t)lroundf(amount * 256);
    urs_status status = urs_image_copy(&soft, image, err);
    if (status == URS_OK)
        status = urs_augment_blur(&soft, 1.0f, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const int32_t v = image->data[i];
        image->data[i] = clip_byte(v + (k * (v - soft.data[i]) + 128) / 256);
    }
    urs_image_release(&soft);
    return status;
}

/* Two near-normal numbers from one random word: sums of four bytes have mean 510 and deviation 147.8. */
void urs_augment_noise(urs_image *image, float deviation, bool grey, urs_random *random)
{
    const size_t pixels = (size_t)image->width * (size_t)image->height, n = grey ? pixels : pixels * (size_t)image->channels;
    const int32_t scale = (int32_t)lroundf(deviation / 147.8f * 65536);
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t add;
        word = i % 2 == 0 ? urs_random_u64(random) : word >> 32;
        add = (int32_t)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24 & 255)) - 510;
        add = (add * scale + 32768) >> 16;
        if (grey) {
            for (int32_t c = 0; c < image->channels; c++)
                image->data[i * (size_t)image->channels + (size_t)c] = clip_byte(image->data[i * (size_t)image->channels + (size_t)c] + add);
        } else {
            image->data[i] = clip_byte(image->data[i] + add);
        }
    }
}

urs_status urs_augment_jpeg(urs_image *image, int32_t quality, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_photo photo = {0};
    urs_status status = urs_jpeg_encode(&bytes, image, quality, err);
    if (status == URS_OK)
        status = urs_photo_decode(&photo, bytes.data, bytes.size, "re-compressed picture", NULL, err);
    if (status == URS_OK) {
        const urs_image old = *image;
        *image = photo.image;
        photo.image = old;
    }
    urs_photo_release(&photo);
    urs_bytes_release(&bytes);
    return status;
}

urs_status urs_augment_downscale(urs_image *image, float factor, urs_error *err)
{
    urs_image small = {0}, back = {0};
    const int32_t w = (int32_t)fmaxf(1, (float)image->width / factor), h = (int32_t)fmaxf(1, (float)image->height / factor);
    urs_status status = urs_image_resize(&small, image, w, h, URS_FILTER_BILINEAR, err);
    if (status == URS_OK)
        status = urs_image_resize(&back, &small, image->width, image->height, URS_FILTER_BILINEAR, err);
    if (status == URS_OK) {
        urs_image_release(image);
        *image = back;
    }
    urs_image_release(&small);
    return status;
}

static float draw(urs_random *r, float low, float high)
{
    return (float)urs_random_range(r, (double)low, (double)high);
}

static bool happens(urs_random *r, float probability)
{
    return urs_random_unit(r) < (double)probability;
}

urs_status urs_augment_photometric(urs_image *image, const urs_photometric *o, urs_random *random, urs_error *err)
{
    urs_status status = URS_OK;
    const float largest = o->blur > 0 ? o->blur : 1.5f, noise = o->noise > 0 ? o->noise : 12;
    const float brightness = draw(random, 1 - o->brightness, 1 + o->brightness), contrast = draw(random, 1 - o->contrast, 1 + o->contrast);
    const float saturation = draw(random, 1 - o->saturation, 1 + o->saturation), hue = draw(random, -o->hue, o->hue);
    const float gamma = powf(1 + o->gamma, draw(random, -1, 1));
    const bool infrared = happens(random, o->p_infrared), grey = happens(random, o->p_grey);
    if (o->brightness > 0 || o->contrast > 0 || o->gamma > 0)
        urs_augment_tone(image, brightness, contrast, gamma);
    if (infrared) {
        const float strength = draw(random, 0.3f, 1), x = draw(random, 0.3f, 0.7f), y = draw(random, 0.3f, 0.8f);
        urs_augment_infrared(image, strength, x, y, random);
    } else if (grey) {
        urs_augment_grey(image);
    } else if (o->saturation > 0 || o->hue > 0) {
        urs_augment_tint(image, saturation > 0 ? saturation : 0, hue);
    }
    /* In the order of a camera: lens, sensor, firmware, codec. */
    if (happens(random, o->p_downscale))
        status = urs_augment_downscale(image, draw(random, 1.3f, 3), err);
    if (status == URS_OK && happens(random, o->p_blur))
        status = urs_augment_blur(image, draw(random, 0.4f, largest), err);
    if (status == URS_OK && happens(random, o->p_noise)) {
        const bool in_grey = urs_random_below(random, 2) == 0;
        urs_augment_noise(image, draw(random, 1, noise), in_grey, random);
    }
    if (status == URS_OK && happens(random, o->p_sharpen))
        status = urs_augment_sharpen(image, draw(random, 0.3f, 1.5f), err);
    if (status == URS_OK && happens(random, o->p_jpeg)) {
        const int32_t least = o->jpeg_quality_min > 0 ? o->jpeg_quality_min : 25;
        status = urs_augment_jpeg(image, least + (int32_t)urs_random_below(random, (uint64_t)(least < 95 ? 96 - least : 1)), err);
    }
    return status;
}
