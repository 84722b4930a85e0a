/* Crop, flip, affine warp, letterbox. See image.h. */
#include "base/memory.h"
#include "image/image.h"

#include <math.h>
#include <string.h>

#define LETTERBOX_FILL 114
#define BLEND_BITS 10
#define WARP_COORDINATE_MAX 1e6 /* beyond this a coordinate is outside of any picture */

urs_status urs_image_crop(urs_image *out, const urs_image *in, int32_t x, int32_t y, int32_t width, int32_t height, uint8_t fill, urs_error *err)
{
    urs_image result;
    const int64_t left = x > 0 ? x : 0, top = y > 0 ? y : 0;
    const int64_t right = (int64_t)x + width < in->width ? (int64_t)x + width : in->width;
    const int64_t bottom = (int64_t)y + height < in->height ? (int64_t)y + height : in->height;
    const urs_status status = urs_image_new(&result, width, height, in->channels, err);

    if (status != URS_OK)
        return status;
    if (fill != 0 && (left != x || top != y || right != (int64_t)x + width || bottom != (int64_t)y + height))
        memset(result.data, fill, (size_t)width * (size_t)height * (size_t)in->channels);
    if (right > left)
        for (int64_t row = top; row < bottom; row++)
            memcpy(urs_image_at(&result, (int32_t)(left - x), (int32_t)(row - y)), urs_image_at(in, (int32_t)left, (int32_t)row),
                   (size_t)(right - left) * (size_t)in->channels);
    *out = result;
    return URS_OK;
}

void urs_image_flip(urs_image *image)
{
    const int32_t channels = image->channels;
    for (int32_t y = 0; y < image->height; y++) {
        uint8_t *a = urs_image_at(image, 0, y), *b = urs_image_at(image, image->width - 1, y);
        for (; a < b; a += channels, b -= channels)
            for (int32_t c = 0; c < channels; c++) {
                const uint8_t keep = a[c];
                a[c] = b[c];
                b[c] = keep;
            }
    }
}

/* Part of the source that the warp can touch, in pixels, already reduced by whole factors:
 *
 *      source     x0 ..........................        block of factor_x x factor_y pixels -> their mean;
 *                 |bbbb|bbbb|bbbb|bbbb|bb           <- what the last blocks lack is `fill`
 *                 y0
 */
typedef struct warp_source {
    urs_image image; /* owned unless borrowed */
    bool borrowed;
    int32_t x0, y0, factor_x, factor_y;
} warp_source;

static void reduce_block(uint8_t *out, const urs_image *in, int64_t x, int64_t y, int32_t factor_x, int32_t factor_y, uint8_t fill)
{
    const int64_t right = x + factor_x < in->width ? x + factor_x : in->width, bottom = y + factor_y < in->height ? y + factor_y : in->height;
    const uint64_t all = (uint64_t)factor_x * (uint64_t)factor_y, missing = all - (uint64_t)((right - x) * (bottom - y));
    for (int32_t c = 0; c < in->channels; c++) {
        uint64_t sum = all / 2 + missing * fill;
        for (int64_t row = y; row < bottom; row++) {
            const uint8_t *p = urs_image_at(in, (int32_t)x, (int32_t)row) + c;
            for (int64_t i = 0; i < right - x; i++)
                sum += p[i * in->channels];
        }
        out[c] = (uint8_t)(sum / all);
    }
}

static int32_t whole_factor(double a, double b, int32_t size)
{
    const double f = floor(sqrt(a * a + b * b) + 1e-9);
    return f < 2.0 ? 1 : f > size ? size : (int32_t)f;
}

/* Bounds of the source coordinate a*x + b*y + c over the output picture, widened by `margin`, cut to 0 .. size. */
static void source_range(int32_t *low, int32_t *high, double a, double b, double c, int32_t width, int32_t height, double margin, int32_t size)
{
    const double l = c + fmin(a * width, 0.0) + fmin(b * height, 0.0) - margin, h = c + fmax(a * width, 0.0) + fmax(b * height, 0.0) + margin;
    *low = l <= 0.0 ? 0 : l >= size ? size : (int32_t)floor(l);
    *high = h <= 0.0 ? 0 : h >= size ? size : (int32_t)ceil(h);
}

static urs_status warp_reduce(warp_source *out, const urs_image *in, int32_t width, int32_t height, const double m[6], uint8_t fill, urs_error *err)
{
    warp_source s = {.factor_x = whole_factor(m[0], m[1], in->width), .factor_y = whole_factor(m[3], m[4], in->height)};
    int32_t x1, y1;
    urs_status status;

    if (s.factor_x == 1 && s.factor_y == 1) {
        s.image = *in;
        s.borrowed = true;
        *out = s;
        return URS_OK;
    }
    source_range(&s.x0, &x1, m[0], m[1], m[2], width, height, 2.0 * s.factor_x, in->width);
    source_range(&s.y0, &y1, m[3], m[4], m[5], width, height, 2.0 * s.factor_y, in->height);
    if (x1 <= s.x0 || y1 <= s.y0) { /* nothing in sight: one pixel of fill will do */
        s.x0 = s.y0 = 0;
        x1 = y1 = 1;
    }
    status = urs_image_new(&s.image, (x1 - s.x0 + s.factor_x - 1) / s.factor_x, (y1 - s.y0 + s.factor_y - 1) / s.factor_y, in->channels, err);
    if (status != URS_OK)
        return status;
    for (int32_t y = 0; y < s.image.height; y++)
        for (int32_t x = 0; x < s.image.width; x++)
            reduce_block(urs_image_at(&s.image, x, y), in, s.x0 + (int64_t)x * s.factor_x, s.y0 + (int64_t)y * s.factor_y, s.factor_x, s.factor_y, fill);
    *out = s;
    return URS_OK;
}

/* Sample `fill` or the pixel. */
static inline int32_t pixel_or(const urs_image *in, int32_t x, int32_t y, int32_t c, int32_t fill)
{
    return x < 0 || y < 0 || x >= in->width || y >= in->height ? fill : urs_image_at(in, x, y)[c];
}

static void blend(uint8_t *out, const urs_image *in, double sx, double sy, uint8_t fill)
{
    /* floor without a call: the coordinates are above -WARP_COORDINATE_MAX */
    const int32_t x = (int32_t)(sx + WARP_COORDINATE_MAX) - (int32_t)WARP_COORDINATE_MAX, y = (int32_t)(sy + WARP_COORDINATE_MAX) - (int32_t)WARP_COORDINATE_MAX;
    const int32_t one = 1 << BLEND_BITS, wx = (int32_t)((sx - x) * one + 0.5), wy = (int32_t)((sy - y) * one + 0.5), half = 1 << (2 * BLEND_BITS - 1);
    const int32_t w00 = (one - wx) * (one - wy), w01 = wx * (one - wy), w10 = (one - wx) * wy, w11 = wx * wy;

    if (x >= 0 && y >= 0 && x + 1 < in->width && y + 1 < in->height) {
        const uint8_t *p = urs_image_at(in, x, y), *q = p + (size_t)in->width * (size_t)in->channels;
        for (int32_t c = 0; c < in->channels; c++)
            out[c] = (uint8_t)((p[c] * w00 + p[c + in->channels] * w01 + q[c] * w10 + q[c + in->channels] * w11 + half) >> (2 * BLEND_BITS));
    } else if (x < -1 || y < -1 || x >= in->width || y >= in->height) {
        memset(out, fill, (size_t)in->channels);
    } else {
        for (int32_t c = 0; c < in->channels; c++)
            out[c] = (uint8_t)((pixel_or(in, x, y, c, fill) * w00 + pixel_or(in, x + 1, y, c, fill) * w01 + pixel_or(in, x, y + 1, c, fill) * w10 +
                                pixel_or(in, x + 1, y + 1, c, fill) * w11 + half) >> (2 * BLEND_BITS));
    }
}

urs_status urs_image_warp(urs_image *out, const urs_image *in, int32_t width, int32_t height, const double m[6], uint8_t fill, urs_error *err)
{
    warp_source source;
    urs_image result;
    urs_status status;

    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i]) || fabs(m[i]) > 1e9)
            return urs_fail(err, URS_EINVAL, "a warp with a number that is not finite or absurdly large");
    status = urs_image_new(&result, width, height, in->channels, err);
    if (status != URS_OK)
        return status;
    status = warp_reduce(&source, in, width, height, m, fill, err);
    if (status != URS_OK) {
        urs_image_release(&result);
        return status;
    }
    for (int32_t y = 0; y < height; y++) {
        uint8_t *p = urs_image_at(&result, 0, y);
        for (int32_t x = 0; x < width; x++, p += in->channels) {
            const double px = x + 0.5, py = y + 0.5;
            const double sx = (m[0] * px + m[1] * py + m[2] - source.x0) / source.factor_x - 0.5;
            const double sy = (m[3] * px + m[4] * py + m[5] - source.y0) / source.factor_y - 0.5;
            if (fabs(sx) < WARP_COORDINATE_MAX && fabs(sy) < WARP_COORDINATE_MAX)
                blend(p, &source.image, sx, sy, fill);
            else
                memset(p, fill, (size_t)in->channels);
        }
    }
    if (!source.borrowed)
        urs_image_release(&source.image);
    *out = result;
    return URS_OK;
}

urs_status urs_image_letterbox(urs_image *out, urs_letterbox *how, const urs_image *in, int32_t width, int32_t height, urs_error *err)
{
    const double r = fmin((double)height / in->height, (double)width / in->width);
    const int32_t new_w = (int32_t)fmax(nearbyint(in->width * r), 1.0), new_h = (int32_t)fmax(nearbyint(in->height * r), 1.0);
    urs_letterbox box = {.scale = (float)r, .width = width, .height = height};
    urs_image scaled = {0};
    urs_status status;

    if (width < 1 || height < 1)
        return urs_fail(err, URS_EINVAL, "a network input of %d x %d pixels has no content", width, height);
    status = urs_image_resize(&scaled, in, new_w, new_h, URS_FILTER_BILINEAR, err);
    if (status != URS_OK)
        return status;
    /* an odd pixel of padding goes to the right and to the bottom */
    box.pad_left = (int32_t)fmax(nearbyint((width - new_w) / 2.0 - 0.1), 0.0);
    box.pad_top = (int32_t)fmax(nearbyint((height - new_h) / 2.0 - 0.1), 0.0);
    status = urs_image_crop(out, &scaled, -box.pad_left, -box.pad_top, width, height, LETTERBOX_FILL, err);
    urs_image_release(&scaled);
    if (status == URS_OK && how)
        *how = box;
    return status;
}

urs_box urs_letterbox_to_picture(const urs_letterbox *how, urs_box box)
{
    const float left = (float)how->pad_left, top = (float)how->pad_top;
    return (urs_box){(box.x1 - left) / how->scale, (box.y1 - top) / how->scale, (box.x2 - left) / how->scale, (box.y2 - top) / how->scale};
}

urs_box urs_letterbox_to_network(const urs_letterbox *how, urs_box box)
{
    const float left = (float)how->pad_left, top = (float)how->pad_top;
    return (urs_box){box.x1 * how->scale + left, box.y1 * how->scale + top, box.x2 * how->scale + left, box.y2 * how->scale + top};
}
