/* Drawing for reports and for the scene generator: boxes, lines, discs, text, masks. See image.h.
 *
 * Lines and discs are smooth: each pixel is covered by 1 - (distance to the shape - half a pixel), cut to 0 .. 1. All is clipped to the picture. On a picture of one channel the
 * colour's luma is drawn. */
#include "image/image.h"

#include <math.h>

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 7
#define GLYPH_ADVANCE 6
#define COORDINATE_MAX 1e6f

/* Glyphs of ' ' .. '~', seven rows of five bits each, top row first, leftmost dot highest:
 *
 *      bit 34 33 32 31 30     row 0
 *          29 28 27 26 25     row 1
 *          ...
 *           4  3  2  1  0     row 6
 */
static const uint64_t glyphs[95] = {
    0x000000000ull, 0x108421004ull, 0x294A00000ull, 0x295F57D4Aull, 0x11F4717C4ull, 0x672222273ull, 0x32544564Dull, 0x108800000ull,  /*  !"#$%&' */
    0x088842082ull, 0x208210888ull, 0x009575480ull, 0x0084F9080ull, 0x000003088ull, 0x0000F8000ull, 0x00000018Cull, 0x042222210ull,  /* ()*+,-./ */
    0x3A33AE62Eull, 0x11842108Eull, 0x3A211111Full, 0x7C441062Eull, 0x08CA97C42ull, 0x7E1E0862Eull, 0x1910F462Eull, 0x7C2222108ull,  /* 01234567 */
    0x3A317462Eull, 0x3A317844Cull, 0x018C03180ull, 0x018C03088ull, 0x088882082ull, 0x001F07C00ull, 0x208208888ull, 0x3A2111004ull,  /* 89:;<=>? */
    0x3A216D6AEull, 0x3A31FC631ull, 0x7A31F463Eull, 0x3A308422Eull, 0x72518C65Cull, 0x7E10F421Full, 0x7E10F4210ull, 0x3A30BC62Full,  /* @ABCDEFG */
    0x4631FC631ull, 0x38842108Eull, 0x1C4210A4Cull, 0x4654C5251ull, 0x42108421Full, 0x4775AC631ull, 0x4639ACE31ull, 0x3A318C62Eull,  /* HIJKLMNO */
    0x7A31F4210ull, 0x3A318D64Dull, 0x7A31F5251ull, 0x3E107043Eull, 0x7C8421084ull, 0x46318C62Eull, 0x46318C544ull, 0x4631AD6AAull,  /* PQRSTUVW */
    0x462A22A31ull, 0x463151084ull, 0x7C222221Full, 0x39084210Eull, 0x420820821ull, 0x38421084Eull, 0x115100000ull, 0x00000001Full,  /* XYZ[\]^_ */
    0x208200000ull, 0x000E0BE2Full, 0x4216CC63Eull, 0x000E8422Eull, 0x042D9C62Full, 0x000E8FE0Eull, 0x1928E2108ull, 0x01F18BC2Eull,  /* `abcdefg */
    0x4216CC631ull, 0x100C2108Eull, 0x080610A4Cull, 0x4212A6292ull, 0x30842108Eull, 0x001AAD631ull, 0x0016CC631ull, 0x000E8C62Eull,  /* hijklmno */
    0x001E8FA10ull, 0x000D9BC21ull, 0x0016CC210ull, 0x000E8383Eull, 0x211C42126ull, 0x00118C66Dull, 0x00118C544ull, 0x00118D6AAull,  /* pqrstuvw */
    0x001151151ull, 0x00118BC2Eull, 0x001F1111Full, 0x088441082ull, 0x108421084ull, 0x208411088ull, 0x0008A8800ull,  /* xyz{|}~ */
};

static inline uint8_t mix(uint8_t under, uint8_t over, float cover)
{
    return (uint8_t)((float)under + ((float)over - (float)under) * cover + 0.5f);
}

static inline void put(urs_image *image, int32_t x, int32_t y, urs_colour colour, float cover)
{
    uint8_t *p;
    if (x < 0 || y < 0 || x >= image->width || y >= image->height || !(cover > 0.0f))
        return;
    cover = cover > 1.0f ? 1.0f : cover;
    p = urs_image_at(image, x, y);
    if (image->channels == 3) {
        p[0] = mix(p[0], colour.r, cover);
        p[1] = mix(p[1], colour.g, cover);
        p[2] = mix(p[2], colour.b, cover);
    } else {
        p[0] = mix(p[0], (uint8_t)((colour.r * 299 + colour.g * 587 + colour.b * 114 + 500) / 1000), cover);
    }
}

/* Whole part of a coordinate, cut to low .. high; NaN gives low. */
static int32_t whole(float v, int32_t low, int32_t high)
{
    return !(v > (float)low) ? low : v >= (float)high ? high : (int32_t)v;
}

static void fill(urs_image *image, int32_t x1, int32_t y1, int32_t x2, int32_t y2, urs_colour colour)
{
    x1 = x1 < 0 ? 0 : x1;
    y1 = y1 < 0 ? 0 : y1;
    x2 = x2 > image->width ? image->width : x2;
    y2 = y2 > image->height ? image->height : y2;
    for (int32_t y = y1; y < y2; y++)
        for (int32_t x = x1; x < x2; x++)
            put(image, x, y, colour, 1.0f);
}

void urs_draw_box(urs_image *image, urs_box box, urs_colour colour, int32_t thickness)
{
    const int32_t limit = URS_IMAGE_SIDE_MAX + 1; /* outside of every picture, so clipped edges are not drawn */
    const int32_t x1 = whole(floorf(box.x1 + 0.5f), -limit, limit), y1 = whole(floorf(box.y1 + 0.5f), -limit, limit);
    const int32_t x2 = whole(floorf(box.x2 + 0.5f), -limit, limit), y2 = whole(floorf(box.y2 + 0.5f), -limit, limit);
    const int32_t t = thickness < 1 ? 1 : thickness > limit ? limit : thickness;
    if (x2 <= x1 || y2 <= y1)
        return;
    if (x2 - x1 <= 2 * t || y2 - y1 <= 2 * t) { /* no room for a hole */
        fill(image, x1, y1, x2, y2, colour);
        return;
    }
    fill(image, x1, y1, x2, y1 + t, colour);
    fill(image, x1, y2 - t, x2, y2, colour);
    fill(image, x1, y1 + t, x1 + t, y2 - t, colour);
    fill(image, x2 - t, y1 + t, x2, y2 - t, colour);
}

void urs_draw_line(urs_image *image, float x1, float y1, float x2, float y2, urs_colour colour, float thickness)
{
    const float radius = thickness > 0.0f ? fminf(thickness, COORDINATE_MAX) / 2.0f : 0.5f, reach = radius + 1.0f;
    const float dx = x2 - x1, dy = y2 - y1, length2 = dx * dx + dy * dy;
    int32_t left, right, top, bottom;

    if (!(fabsf(x1) < COORDINATE_MAX && fabsf(y1) < COORDINATE_MAX && fabsf(x2) < COORDINATE_MAX && fabsf(y2) < COORDINATE_MAX))
        return;
    left = whole(fminf(x1, x2) - reach, 0, image->width);
    right = whole(fmaxf(x1, x2) + reach + 1.0f, 0, image->width);
    top = whole(fminf(y1, y2) - reach, 0, image->height);
    bottom = whole(fmaxf(y1, y2) + reach + 1.0f, 0, image->height);
    for (int32_t y = top; y < bottom; y++)
        for (int32_t x = left; x < right; x++) {
            const float px = (float)x + 0.5f - x1, py = (float)y + 0.5f - y1;
            const float t = length2 > 0.0f ? fminf(fmaxf((px * dx + py * dy) / length2, 0.0f), 1.0f) : 0.0f;
            const float ex = px - t * dx, ey = py - t * dy;
            put(image, x, y, colour, radius + 0.5f - sqrtf(ex * ex + ey * ey));
        }
}

void urs_draw_disc(urs_image *image, float x, float y, float radius, urs_colour colour)
{
    urs_draw_line(image, x, y, x, y, colour, 2.0f * radius);
}

int32_t urs_draw_text(urs_image *image, int32_t x, int32_t y, const char *text, urs_colour colour, int32_t scale)
{
    const int32_t dot = scale < 1 ? 1 : scale > 64 ? 64 : scale;
    int64_t at = x;
    for (const char *s = text; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        const uint64_t glyph = glyphs[(c >= ' ' && c <= '~' ? c : '?') - ' '];
        if (at >= -(int64_t)GLYPH_ADVANCE * dot && at < image->width && y < image->height && y > -GLYPH_HEIGHT * dot)
            for (int32_t row = 0; row < GLYPH_HEIGHT; row++)
                for (int32_t column = 0; column < GLYPH_WIDTH; column++)
                    if (glyph >> ((GLYPH_HEIGHT - 1 - row) * GLYPH_WIDTH + GLYPH_WIDTH - 1 - column) & 1u) {
                        const int32_t px = (int32_t)at + column * dot, py = y + row * dot;
                        fill(image, px, py, px + dot, py + dot, colour);
                    }
        at += GLYPH_ADVANCE * dot;
    }
    return at - x > INT32_MAX ? INT32_MAX : (int32_t)(at - x);
}

void urs_draw_mask(urs_image *image, const urs_image *mask, urs_colour colour, float alpha)
{
    if (mask->channels != 1 || mask->width != image->width || mask->height != image->height)
        return;
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++)
            if (*urs_image_at(mask, x, y))
                put(image, x, y, colour, alpha);
}
