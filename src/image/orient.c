/* Turns a picture upright. The eight EXIF orientations say where the stored row 0 and column 0 belong:
 *
 *      1 as is   2 mirrored   3 half turn   4 upside down mirrored   5 transposed   6 needs a quarter turn clockwise   7 transverse   8 quarter turn anticlockwise
 *
 * All are one walk through the source with two steps: next output column, next output row. */
#include "image/codec.h"

#define TILE 32 /* quarter turns read across rows: work in squares that stay in the cache */

typedef struct walk {
    int64_t start, step_x, step_y; /* in pixels of the source */
} walk;

static walk walk_of(int32_t orientation, int64_t w, int64_t h)
{
    switch (orientation) {
    case 2: return (walk){w - 1, -1, w};
    case 3: return (walk){w * h - 1, -1, -w};
    case 4: return (walk){w * (h - 1), 1, -w};
    case 5: return (walk){0, w, 1};
    case 6: return (walk){w * (h - 1), -w, 1};
    case 7: return (walk){w * h - 1, -w, -1};
    default: return (walk){w - 1, w, -1}; /* 8 */
    }
}

static void copy_tile(urs_image *out, const urs_image *in, walk k, int32_t x0, int32_t y0)
{
    const int32_t x1 = x0 + TILE < out->width ? x0 + TILE : out->width, y1 = y0 + TILE < out->height ? y0 + TILE : out->height;
    const int64_t channels = in->channels;
    for (int32_t y = y0; y < y1; y++) {
        uint8_t *p = urs_image_at(out, x0, y);
        const uint8_t *q = in->data + (k.start + y * k.step_y + x0 * k.step_x) * channels;
        for (int32_t x = x0; x < x1; x++) {
            for (int64_t c = 0; c < channels; c++)
                p[c] = q[c];
            p += channels;
            if (x + 1 < x1) /* one step further may lie outside of the block */
                q += k.step_x * channels;
        }
    }
}

urs_status urs_image_orient(urs_image *out, urs_image *in, int32_t orientation, urs_error *err)
{
    urs_image result;
    urs_status status;
    walk k;

    if (orientation < 2 || orientation > 8) {
        *out = *in;
        *in = (urs_image){0};
        return URS_OK;
    }
    status = urs_image_new(&result, orientation >= 5 ? in->height : in->width, orientation >= 5 ? in->width : in->height, in->channels, err);
    if (status != URS_OK)
        return status;
    k = walk_of(orientation, in->width, in->height);
    for (int32_t y = 0; y < result.height; y += TILE)
        for (int32_t x = 0; x < result.width; x += TILE)
            copy_tile(&result, in, k, x, y);
    urs_image_release(in);
    *out = result;
    return URS_OK;
}
