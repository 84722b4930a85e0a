/* From a cached chip to the network's input, augmented; see chips.h.
 *
 *   chip w x h --one warp (fit into the square, turn, zoom, shift, shear, mirror)--> W x H --colour, oval, erasing, blur, noise--> tensor
 */
#include "base/memory.h"
#include "data/augment.h"
#include "data/chips.h"

#include <math.h>
#include <string.h>

#define FIXED_BITS 16
#define SHRINK_MAX 1.25 /* beyond it the chip is reduced by the antialiased resize first */

urs_chip_augment urs_chip_augment_default(void)
{
    return (urs_chip_augment){.rotate = 15, .scale = 0.15f, .translate = 0.06f, .shear = 5, .flip = 0.5f, .brightness = 0.3f, .contrast = 0.3f, .saturation = 0.3f,
                              .hue = 0.04f, .p_grey = 0.1f, .erase = 0.25f, .p_blur = 0.25f, .p_noise = 0.2f, .p_black = 0.4f};
}

static float draw(urs_random *r, float low, float high)
{
    return (float)urs_random_range(r, (double)low, (double)high);
}

static bool happens(urs_random *r, float probability)
{
    return urs_random_unit(r) < (double)probability;
}

/* Bilinear, fixed point, black outside: the warp of src/image does the same with any fill and in double precision; here a chip is made thousands of times an hour. */
static void sample_chip(urs_image *out, const urs_image *in, const double m[6])
{
    const int64_t one = (int64_t)1 << FIXED_BITS, dx = (int64_t)llround(m[0] * (double)one), dy = (int64_t)llround(m[3] * (double)one);
    const size_t stride = (size_t)in->width * 3;
    for (int32_t y = 0; y < out->height; y++) {
        int64_t u = llround((m[0] * 0.5 + m[1] * (y + 0.5) + m[2] - 0.5) * (double)one), v = llround((m[3] * 0.5 + m[4] * (y + 0.5) + m[5] - 0.5) * (double)one);
        uint8_t *q = urs_image_at(out, 0, y);
        for (int32_t x = 0; x < out->width; x++, q += 3, u += dx, v += dy) {
            const int64_t ix = u >> FIXED_BITS, iy = v >> FIXED_BITS;
            const int32_t wx = (int32_t)(u >> (FIXED_BITS - 8)) & 255, wy = (int32_t)(v >> (FIXED_BITS - 8)) & 255;
            const uint8_t *p;
            if (ix < 0 || iy < 0 || ix + 1 >= in->width || iy + 1 >= in->height) {
                /* The outermost half pixel is repeated, beyond it is black. */
                const int64_t jx = ix + (wx >= 128), jy = iy + (wy >= 128);
                if (jx >= 0 && jy >= 0 && jx < in->width && jy < in->height)
                    memcpy(q, in->data + (size_t)jy * stride + (size_t)jx * 3, 3);
                else
                    q[0] = q[1] = q[2] = 0;
                continue;
            }
            p = in->data + (size_t)iy * stride + (size_t)ix * 3;
            for (size_t c = 0; c < 3; c++) {
                const int32_t top = p[c] * (256 - wx) + p[c + 3] * wx, bottom = p[stride + c] * (256 - wx) + p[stride + c + 3] * wx;
                q[c] = (uint8_t)((top * (256 - wy) + bottom * wy + 32768) >> 16);
            }
        }
    }
}

/* The square network input onto the chip: fit, then the drawn change around the centre. */
static void chip_matrix(double m[6], const urs_image *chip, int32_t width, int32_t height, const urs_chip_augment *a, urs_random *random)
{
    const urs_geometric g = {.rotate = a->rotate, .scale = a->scale, .translate = a->translate, .shear = a->shear, .flip = a->flip};
    const double fit = fmax((double)chip->width / width, (double)chip->height / height);
    double own[6];
    urs_augment_matrix(own, width, height, width, height, &g, random);
    m[0] = own[0] * fit;
    m[1] = own[1] * fit;
    m[3] = own[3] * fit;
    m[4] = own[4] * fit;
    m[2] = (own[2] - width / 2.0) * fit + chip->width / 2.0;
    m[5] = (own[5] - height / 2.0) * fit + chip->height / 2.0;
}

void urs_chip_black_outside(urs_image *image, urs_random *random)
{
    const double w = image->width, h = image->height;
    const double cx = w * urs_random_range(random, 0.45, 0.55), cy = h * urs_random_range(random, 0.44, 0.56);
    const double rx = w * urs_random_range(random, 0.42, 0.56), ry = h * urs_random_range(random, 0.42, 0.56);
    const double wobble = urs_random_range(random, 0.02, 0.08), phase2 = urs_random_range(random, 0, 6.2831853), phase3 = urs_random_range(random, 0, 6.2831853);
    float edge[256];
    /* Radius by direction, on 256 steps of a diamond angle, which needs no arctangent per pixel. */
    for (int i = 0; i < 256; i++) {
        const double t = (i + 0.5) / 256 * 6.283185307179586;
        edge[i] = (float)(1 + wobble * (sin(2 * t + phase2) + 0.7 * sin(3 * t + phase3)));
    }
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++) {
            const float dx = (float)((x + 0.5 - cx) / rx), dy = (float)((y + 0.5 - cy) / ry), r2 = dx * dx + dy * dy;
            float r, limit, a;
            uint8_t *p;
            if (r2 < 0.6f)
                continue;
            {
                const float sum = fabsf(dx) + fabsf(dy), d = dy / sum; /* diamond angle: 0 .. 4 around the circle */
                const float angle = dx >= 0 ? (dy >= 0 ? d : 4 + d) : 2 - d;
                limit = edge[(int)(angle * 64) & 255];
            }
            r = sqrtf(r2);
            a = (limit - r) * (float)(rx < ry ? rx : ry) * 0.5f + 0.5f;
            p = urs_image_at(image, x, y);
            if (a <= 0) {
                p[0] = p[1] = p[2] = 0;
            } else if (a < 1) {
                for (int c = 0; c < 3; c++)
                    p[c] = (uint8_t)((float)p[c] * a);
            }
        }
}

static urs_status change_colours(urs_image *image, const urs_chip_augment *a, urs_random *random, urs_error *err)
{
    urs_status status = URS_OK;
    const float brightness = draw(random, 1 - a->brightness, 1 + a->brightness), contrast = draw(random, 1 - a->contrast, 1 + a->contrast);
    const float saturation = draw(random, 1 - a->saturation, 1 + a->saturation), hue = draw(random, -a->hue, a->hue);
    const bool grey = happens(random, a->p_grey);
    if (a->brightness > 0 || a->contrast > 0)
        urs_augment_tone(image, brightness, contrast, 1);
    if (grey)
        urs_augment_grey(image);
    else if (a->saturation > 0 || a->hue > 0)
        urs_augment_tint(image, saturation > 0 ? saturation : 0, hue);
    if (happens(random, a->p_blur)) {
        if (urs_random_below(random, 2) == 0)
            status = urs_augment_blur(image, draw(random, 0.5f, 2), err);
        else
            status = urs_augment_downscale(image, draw(random, 1.5f, 4), err);
    }
    if (status == URS_OK && happens(random, a->p_noise))
        urs_augment_noise(image, draw(random, 2, 10), false, random);
    return status;
}

/* The chip in the middle of a black square, and then as use does it. */
static urs_status plain_tensor(float *out, const urs_image *chip, const urs_input_format *format, urs_error *err)
{
    urs_image square = {0};
    urs_status status;
    const int32_t side = chip->width > chip->height ? chip->width : chip->height;
    if (chip->width == chip->height)
        return urs_image_to_tensor(out, chip, format, NULL, err);
    status = urs_image_crop(&square, chip, -(side - chip->width) / 2, -(side - chip->height) / 2, side, side, 0, err);
    if (status == URS_OK)
        status = urs_image_to_tensor(out, &square, format, NULL, err);
    urs_image_release(&square);
    return status;
}

urs_status urs_chip_tensor(float *out, const urs_image *chip, const urs_input_format *format, const urs_chip_augment *a, urs_random *random, urs_error *err)
{
    urs_image ready = {0}, reduced = {0};
    const urs_image *in = chip;
    double m[6], shrink;
    urs_status status;
    if (chip->channels != 3 || !chip->data)
        return urs_fail(err, URS_EINVAL, "a chip must be a picture of three channels");
    if (!a)
        return plain_tensor(out, chip, format, err);
    shrink = fmax((double)chip->width / format->width, (double)chip->height / format->height);
    if (shrink > SHRINK_MAX) {
        status = urs_image_resize(&reduced, chip, (int32_t)fmax(1, nearbyint(chip->width / shrink)), (int32_t)fmax(1, nearbyint(chip->height / shrink)),
                                  URS_FILTER_BILINEAR, err);
        if (status != URS_OK)
            return status;
        in = &reduced;
    }
    chip_matrix(m, in, format->width, format->height, a, random);
    status = urs_image_new(&ready, format->width, format->height, 3, err);
    if (status != URS_OK)
        goto done;
    sample_chip(&ready, in, m);
    status = change_colours(&ready, a, random, err);
    if (status != URS_OK)
        goto done;
    if (happens(random, a->p_black))
        urs_chip_black_outside(&ready, random);
    if (happens(random, a->erase))
        (void)urs_augment_erase(&ready, 0.02f, 0.2f, 128, false, random);
    urs_image_normalise(out, &ready, format);
done:
    urs_image_release(&ready);
    urs_image_release(&reduced);
    return status;
}

urs_status urs_chips_prepare(float *out, const urs_chips *chips, size_t i, uint64_t seed, uint64_t epoch, uint64_t position, const urs_input_format *format,
                             const urs_chip_augment *augment, urs_error *err)
{
    urs_random random;
    if (i >= chips->count)
        return urs_fail(err, URS_EINVAL, "chip %zu of %zu", i, chips->count);
    urs_random_init_stream(&random, urs_random_mix(seed ^ urs_random_mix(epoch)) ^ (uint64_t)i, position);
    return urs_chip_tensor(out, &chips->cache.images[i], format, augment, &random, err);
}
