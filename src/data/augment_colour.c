/* Colour changes; see augment.h. Fixed point where it can be: the same bytes on every machine, and fast. */
#include "data/augment.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define MATRIX_BITS 14

static uint8_t clip_byte(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static uint8_t clip_real(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

static size_t pixel_count(const urs_image *image)
{
    return (size_t)image->width * (size_t)image->height;
}

static int32_t luma(const uint8_t *p)
{
    return (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16; /* BT.601 */
}

static double mean_luma(const urs_image *image)
{
    uint64_t sum = 0;
    const size_t n = pixel_count(image);
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)luma(image->data + 3 * i);
    return n ? (double)sum / (double)n : 0;
}

void urs_augment_tone(urs_image *image, float brightness, float contrast, float gamma)
{
    uint8_t table[256];
    const size_t n = pixel_count(image) * 3;
    const double mean = mean_luma(image) * (double)brightness;
    for (int i = 0; i < 256; i++) {
        double v = ((double)i * (double)brightness - mean) * (double)contrast + mean;
        v = v < 0 ? 0 : v > 255 ? 255 : v;
        table[i] = clip_real(pow(v / 255.0, (double)gamma) * 255.0);
    }
    for (size_t i = 0; i < n; i++)
        image->data[i] = table[image->data[i]];
}

void urs_augment_tint(urs_image *image, float saturation, float hue)
{
    /* Rotation around the grey axis (Rodrigues), then a blend with the luma of the rotated colour. */
    static const double weight[3] = {0.299, 0.587, 0.114};
    const double angle = (double)hue * 6.283185307179586, c = cos(angle), k = (1 - c) / 3, s = sin(angle) * 0.5773502691896258, a = (double)saturation;
    const double turn[3][3] = {{c + k, k - s, k + s}, {k + s, c + k, k - s}, {k - s, k + s, c + k}};
    int32_t m[3][3];
    const size_t n = pixel_count(image);
    for (int j = 0; j < 3; j++) {
        const double grey = weight[0] * turn[0][j] + weight[1] * turn[1][j] + weight[2] * turn[2][j];
        for (int i = 0; i < 3; i++)
            m[i][j] = (int32_t)lround((a * turn[i][j] + (1 - a) * grey) * (1 << MATRIX_BITS));
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = image->data + 3 * i;
        const int32_t r = p[0], g = p[1], b = p[2], half = 1 << (MATRIX_BITS - 1);
        p[0] = clip_byte((m[0][0] * r + m[0][1] * g + m[0][2] * b + half) >> MATRIX_BITS);
        p[1] = clip_byte((m[1][0] * r + m[1][1] * g + m[1][2] * b + half) >> MATRIX_BITS);
        p[2] = clip_byte((m[2][0] * r + m[2][1] * g + m[2][2] * b + half) >> MATRIX_BITS);
    }
}

void urs_augment_grey(urs_image *image)
{
    const size_t n = pixel_count(image);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = image->data + 3 * i;
        p[0] = p[1] = p[2] = (uint8_t)luma(p);
    }
}

/* 8-bit HSV as OpenCV has it: H 0..179 in steps of two degrees, S and V 0..255. */
static void to_hsv(const uint8_t *p, int32_t *h, int32_t *s, int32_t *v, const int32_t *per_value, const int32_t *per_range)
{
    const int32_t r = p[0], g = p[1], b = p[2];
    const int32_t high = r > g ? (r > b ? r : b) : (g > b ? g : b), low = r < g ? (r < b ? r : b) : (g < b ? g : b), range = high - low;
    int32_t t;
    if (high == r)
        t = g - b;
    else if (high == g)
        t = b - r + 2 * range;
    else
        t = r - g + 4 * range;
    t = (t * per_range[range] + (1 << 11)) >> 12;
    *h = t < 0 ? t + 180 : t;
    *s = (range * per_value[high] + (1 << 11)) >> 12;
    *v = high;
}

static void from_hsv(uint8_t *p, int32_t h, int32_t s, int32_t v)
{
    /* Position within the 60 degree sector in 1/30. */
    const int32_t sector = h / 30, f = h % 30, base = v * 255 * 30, unit = 255 * 30, half = unit / 2;
    const int32_t low = (base - v * s * 30 + half) / unit, down = (base - v * s * f + half) / unit, up = (base - v * s * (30 - f) + half) / unit;
    switch (sector) {
    case 0: p[0] = (uint8_t)v; p[1] = (uint8_t)up; p[2] = (uint8_t)low; break;
    case 1: p[0] = (uint8_t)down; p[1] = (uint8_t)v; p[2] = (uint8_t)low; break;
    case 2: p[0] = (uint8_t)low; p[1] = (uint8_t)v; p[2] = (uint8_t)up; break;
    case 3: p[0] = (uint8_t)low; p[1] = (uint8_t)down; p[2] = (uint8_t)v; break;
    case 4: p[0] = (uint8_t)up; p[1] = (uint8_t)low; p[2] = (uint8_t)v; break;
    default: p[0] = (uint8_t)v; p[1] = (uint8_t)low; p[2] = (uint8_t)down; break;
    }
}

void urs_augment_hsv(urs_image *image, float h, float s, float v)
{
    uint8_t hues[180], saturations[256], values[256];
    int32_t per_value[256], per_range[256];
    const size_t n = pixel_count(image);
    per_value[0] = per_range[0] = 0;
    for (int i = 0; i < 256; i++) {
        saturations[i] = (uint8_t)(fmin(fmax((double)i * (double)s, 0), 255)); /* NumPy's astype cuts off */
        values[i] = (uint8_t)(fmin(fmax((double)i * (double)v, 0), 255));
        if (i > 0) {
            per_value[i] = (int32_t)lround(255.0 * 4096 / i);
            per_range[i] = (int32_t)lround(30.0 * 4096 / i);
        }
        if (i < 180)
            hues[i] = (uint8_t)fmod((double)i * (double)h, 180.0);
    }
    for (size_t i = 0; i < n; i++) {
        int32_t hue, saturation, value;
        to_hsv(image->data + 3 * i, &hue, &saturation, &value, per_value, per_range);
        from_hsv(image->data + 3 * i, hues[hue < 180 ? hue : hue - 180], saturations[saturation > 255 ? 255 : saturation], values[value]);
    }
}

/* ---- infra-red ---- */

#define BLOOM_CELL 8

/* Glow of the light parts: means of 8 x 8 cells above a threshold, smoothed. */
typedef struct bloom {
    int32_t width, height;
    float *cells; /* NULL: no memory, and then no bloom: the change is small and nothing depends on it */
} bloom;

static bloom bloom_new(const urs_image *grey)
{
    bloom b = {(grey->width + BLOOM_CELL - 1) / BLOOM_CELL + 1, (grey->height + BLOOM_CELL - 1) / BLOOM_CELL + 1, NULL};
    float *raw = urs_array_new((size_t)b.width * (size_t)b.height, sizeof *raw);
    b.cells = urs_array_new((size_t)b.width * (size_t)b.height, sizeof *b.cells);
    if (!raw || !b.cells) {
        urs_free(raw);
        urs_free(b.cells);
        b.cells = NULL;
        return b;
    }
    for (int32_t y = 0; y < grey->height; y++)
        for (int32_t x = 0; x < grey->width; x++) {
            const int32_t v = *urs_image_at(grey, x, y) - 190;
            if (v > 0)
                raw[(y / BLOOM_CELL) * b.width + x / BLOOM_CELL] += (float)v / (BLOOM_CELL * BLOOM_CELL);
        }
    for (int32_t y = 0; y < b.height; y++)
        for (int32_t x = 0; x < b.width; x++) {
            float sum = 0;
            for (int32_t dy = -2; dy <= 2; dy++)
                for (int32_t dx = -2; dx <= 2; dx++)
                    if (x + dx >= 0 && y + dy >= 0 && x + dx < b.width && y + dy < b.height)
                        sum += raw[(y + dy) * b.width + x + dx] / (float)(1 + dx * dx + dy * dy);
            b.cells[y * b.width + x] = sum / 6;
        }
    urs_free(raw);
    return b;
}

static float bloom_at(const bloom *b, int32_t x, int32_t y)
{
    /* Bilinear between the centres of the cells. */
    const float fx = fmaxf(((float)x + 0.5f) / BLOOM_CELL - 0.5f, 0), fy = fmaxf(((float)y + 0.5f) / BLOOM_CELL - 0.5f, 0);
    const int32_t ix = (int32_t)fx, iy = (int32_t)fy;
    const float wx = fx - (float)ix, wy = fy - (float)iy;
    const float *p = b->cells + iy * b->width + ix;
    return (p[0] * (1 - wx) + p[1] * wx) * (1 - wy) + (p[b->width] * (1 - wx) + p[b->width + 1] * wx) * wy;
}

void urs_augment_infrared(urs_image *image, float strength, float centre_x, float centre_y, urs_random *random)
{
    const float power = strength < 0 ? 0 : strength > 1 ? 1 : strength, size = (float)(image->width > image->height ? image->width : image->height);
    /* Vegetation reflects infra-red strongly and red light hardly: weights between luma and a green-leaning mix. */
    const float red = 0.3f + 0.2f * power, green = 0.59f, blue = 0.11f - 0.2f * power;
    /* A flash lights a scene of its own darkness: a bright sky of the day must not become a white disc. */
    const float mean = (float)mean_luma(image), exposure = mean > 105 ? 1 - power + power * 105 / mean : 1;
    const float cx = centre_x * (float)image->width, cy = centre_y * (float)image->height, gain = (1 + 0.35f * power) * exposure, dark = 0.55f * power;
    urs_image grey = {0};
    bloom glow = {0, 0, NULL};
    if (urs_image_new(&grey, image->width, image->height, 1, NULL) != URS_OK) {
        urs_augment_grey(image); /* no memory for the working copy: the plain form of the same change */
        return;
    }
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++) {
            const uint8_t *p = urs_image_at(image, x, y);
            const float dx = ((float)x - cx) / size, dy = ((float)y - cy) / size, r = (dx * dx + dy * dy) * 4;
            /* 1 at the centre of the flash, falling like 1/(1+r)^2. */
            const float light = (1 - dark) + dark / ((1 + r) * (1 + r));
            const float v = ((red * p[0] + green * p[1] + blue * p[2]) - 40 * power) * gain * light + 18 * power;
            *urs_image_at(&grey, x, y) = clip_byte((int32_t)(v + 0.5f));
        }
    glow = bloom_new(&grey);
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++) {
            uint8_t *p = urs_image_at(image, x, y);
            const float v = *urs_image_at(&grey, x, y), add = glow.cells ? bloom_at(&glow, x, y) * power * 3 : 0;
            p[0] = p[1] = p[2] = clip_byte((int32_t)(v + add + 0.5f));
        }
    urs_free(glow.cells);
    urs_image_release(&grey);
    urs_augment_noise(image, 7 * power, true, random);
}
