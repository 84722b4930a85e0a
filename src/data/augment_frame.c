/* What only trap frames need: info strips, and animals cut out and pasted; see augment.h. */
#include "data/augment.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint8_t clip_byte(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* ---- info strip ---- */

static void fill_rows(urs_image *image, int32_t from, int32_t to, urs_colour colour)
{
    for (int32_t y = from; y < to; y++)
        for (int32_t x = 0; x < image->width; x++) {
            uint8_t *p = urs_image_at(image, x, y);
            p[0] = colour.r;
            p[1] = colour.g;
            p[2] = colour.b;
        }
}

void urs_augment_strip(urs_image *image, urs_random *random)
{
    static const char *const names[] = {"TRAIL CAM", "CAM01", "HC500", "CAMERA 2", "BEAR CREEK", "SITE 12", "WCAM", "STATION A"};
    const int32_t height = (int32_t)fmax(8, urs_random_range(random, 0.035, 0.085) * image->height);
    const bool top = urs_random_unit(random) < 0.15, light = urs_random_unit(random) < 0.25, both = urs_random_unit(random) < 0.12;
    const uint8_t shade = (uint8_t)(light ? 215 + urs_random_below(random, 41) : urs_random_below(random, 30));
    const urs_colour back = {shade, shade, shade}, ink = light ? (urs_colour){20, 20, 20} : (urs_colour){235, 235, 235};
    const int32_t size = height >= 20 ? height / 10 : 1, first = top ? 0 : image->height - height;
    char text[96];
    const int hour = (int)urs_random_below(random, 24), celsius = (int)urs_random_below(random, 45) - 12;
    if (image->height < 2 * height)
        return;
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d %dC/%dF", 2009 + (int)urs_random_below(random, 16), 1 + (int)urs_random_below(random, 12),
                   1 + (int)urs_random_below(random, 28), hour, (int)urs_random_below(random, 60), (int)urs_random_below(random, 60), celsius, celsius * 9 / 5 + 32);
    fill_rows(image, first, first + height, back);
    if (both) /* some makers print a bar at either edge */
        fill_rows(image, top ? image->height - height : 0, top ? image->height : height, back);
    {
        const int32_t y = first + (height - 7 * size) / 2;
        const int32_t x = urs_draw_text(image, image->width / 64 + 1, y, text, ink, size) + image->width / 64 + 1;
        const char *name = names[urs_random_below(random, sizeof names / sizeof names[0])];
        const int32_t from = image->width - (int32_t)strlen(name) * 6 * size - image->width / 64;
        if (from > x + 4)
            (void)urs_draw_text(image, from, y, name, ink, size);
        if (urs_random_below(random, 2) == 0 && from > x + 4 * height) /* moon phase or maker's sign */
            urs_draw_disc(image, (float)(x + from) / 2, (float)first + (float)height / 2, (float)height * 0.3f, ink);
    }
}

urs_status urs_augment_strip_crop(urs_image *out, const urs_image *in, float share, bool top, urs_error *err)
{
    int32_t cut = (int32_t)lroundf(share * (float)in->height);
    cut = cut < 0 ? 0 : cut >= in->height ? in->height - 1 : cut;
    return urs_image_crop(out, in, 0, top ? cut : 0, in->width, in->height - cut, 0, err);
}

/* ---- cut-outs ---- */

void urs_cutout_release(urs_cutout *cutout)
{
    urs_image_release(&cutout->image);
    urs_image_release(&cutout->mask);
}

urs_status urs_cutout_make(urs_cutout *out, const urs_image *image, const urs_image *mask, urs_box *box, urs_error *err)
{
    urs_cutout cutout = {{0}, {0}};
    int32_t x1 = mask->width, y1 = mask->height, x2 = 0, y2 = 0;
    urs_status status;
    if (image->width != mask->width || image->height != mask->height || mask->channels != 1 || image->channels != 3)
        return urs_fail(err, URS_EINVAL, "a cut-out needs a picture and a mask of the same size");
    for (int32_t y = 0; y < mask->height; y++)
        for (int32_t x = 0; x < mask->width; x++)
            if (*urs_image_at(mask, x, y)) {
                x1 = x < x1 ? x : x1;
                x2 = x >= x2 ? x + 1 : x2;
                y1 = y < y1 ? y : y1;
                y2 = y + 1;
            }
    if (x2 == 0)
        return urs_fail(err, URS_ENOTFOUND, "the mask of a cut-out is empty");
    status = urs_image_crop(&cutout.image, image, x1, y1, x2 - x1, y2 - y1, 0, err);
    if (status == URS_OK)
        status = urs_image_crop(&cutout.mask, mask, x1, y1, x2 - x1, y2 - y1, 0, err);
    if (status != URS_OK) {
        urs_cutout_release(&cutout);
        return status;
    }
    for (size_t i = 0; i < (size_t)cutout.mask.width * (size_t)cutout.mask.height; i++)
        cutout.mask.data[i] = cutout.mask.data[i] ? 255 : 0;
    if (box)
        *box = (urs_box){(float)x1, (float)y1, (float)x2, (float)y2};
    *out = cutout;
    return URS_OK;
}

typedef struct colour_stats {
    double mean[3], spread[3];
    double chroma; /* mean |r-g| + |g-b| */
} colour_stats;

/* Of the pixels in a region, weighted by the mask where there is one. */
static colour_stats stats_of(const urs_image *image, const urs_image *mask, int32_t x1, int32_t y1, int32_t x2, int32_t y2)
{
    colour_stats s = {{0}, {0}, 0};
    double n = 0, square[3] = {0};
    const int32_t step = (int64_t)(x2 - x1) * (y2 - y1) > 10000 ? 2 : 1; /* a quarter of many pixels says the same */
    for (int32_t y = y1; y < y2; y += step)
        for (int32_t x = x1; x < x2; x += step) {
            const uint8_t *p = urs_image_at(image, x, y);
            if (mask && *urs_image_at(mask, x, y) < 128)
                continue;
            n++;
            s.chroma += fabs((double)(p[0] - p[1])) + fabs((double)(p[1] - p[2]));
            for (int c = 0; c < 3; c++) {
                s.mean[c] += p[c];
                square[c] += (double)p[c] * p[c];
            }
        }
    for (int c = 0; c < 3 && n > 0; c++) {
        s.mean[c] /= n;
        s.spread[c] = sqrt(fmax(square[c] / n - s.mean[c] * s.mean[c], 0));
    }
    s.chroma = n > 0 ? s.chroma / n : 0;
    return s;
}

static int32_t clamp_int(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Tables that move the cut-out's colours towards those around the place. */
static void match_tables(uint8_t table[3][256], bool *grey, const urs_image *frame, const urs_image *image, const urs_image *mask, int32_t x, int32_t y, double match)
{
    const int32_t mx = image->width / 4 + 4, my = image->height / 4 + 4;
    const int32_t x1 = clamp_int(x - mx, 0, frame->width - 1), y1 = clamp_int(y - my, 0, frame->height - 1);
    const int32_t x2 = clamp_int(x + image->width + mx, x1 + 1, frame->width), y2 = clamp_int(y + image->height + my, y1 + 1, frame->height);
    const colour_stats place = stats_of(frame, NULL, x1, y1, x2, y2), animal = stats_of(image, mask, 0, 0, image->width, image->height);
    *grey = match > 0 && place.chroma < 6;
    for (int c = 0; c < 3; c++) {
        const double from = *grey ? (animal.mean[0] + animal.mean[1] + animal.mean[2]) / 3 : animal.mean[c], to = place.mean[c];
        const double ratio = fmin(fmax(place.spread[c] / fmax(animal.spread[c], 1), 0.5), 1.6), gain = 1 - match + match * ratio;
        for (int i = 0; i < 256; i++)
            table[c][i] = clip_byte((int32_t)lround((i - from) * gain + from + match * (to - from)));
    }
}

/* Alpha from the blurred mask: the outermost fringe, which holds the old background, is cut away. */
static int32_t alpha_of(uint8_t mask)
{
    return clamp_int((mask - 96) * 256 / 144, 0, 256);
}

static void blend_row(urs_image *frame, const urs_image *image, const urs_image *mask, int32_t row, int32_t x, int32_t y, uint8_t table[3][256], bool grey, urs_image *cover)
{
    const int32_t first = x < 0 ? -x : 0, last = image->width < frame->width - x ? image->width : frame->width - x;
    for (int32_t i = first; i < last; i++) {
        const uint8_t *p = urs_image_at(image, i, row);
        uint8_t *q = urs_image_at(frame, x + i, y + row);
        const int32_t a = alpha_of(*urs_image_at(mask, i, row));
        uint8_t value[3] = {p[0], p[1], p[2]};
        if (a == 0)
            continue;
        if (grey)
            value[0] = value[1] = value[2] = (uint8_t)((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
        for (int c = 0; c < 3; c++)
            q[c] = (uint8_t)((table[c][value[c]] * a + q[c] * (256 - a) + 128) >> 8);
        if (cover && a >= 128)
            *urs_image_at(cover, x + i, y + row) = 255;
    }
}

urs_status urs_augment_paste(urs_image *frame, const urs_cutout *cutout, const urs_paste *how, urs_image *cover, urs_error *err)
{
    urs_status status;
    urs_image image = {0}, mask = {0};
    uint8_t table[3][256];
    bool grey = false;
    const double w = (double)cutout->image.width * (double)how->scale, h = (double)cutout->image.height * (double)how->scale;
    int32_t x, y;
    if (!(w < URS_IMAGE_SIDE_MAX) || !(h < URS_IMAGE_SIDE_MAX) || !(fabsf(how->x) < 1e6f) || !(fabsf(how->y) < 1e6f) || !(w > 0))
        return urs_fail(err, URS_EINVAL, "a cut-out cannot be pasted at the scale %g", (double)how->scale);
    x = (int32_t)lroundf(how->x);
    y = (int32_t)lroundf(how->y);
    status = urs_image_resize(&image, &cutout->image, (int32_t)fmax(1, w + 0.5), (int32_t)fmax(1, h + 0.5), URS_FILTER_BILINEAR, err);
    if (status == URS_OK)
        status = urs_image_resize(&mask, &cutout->mask, image.width, image.height, URS_FILTER_BILINEAR, err);
    if (status == URS_OK)
        status = urs_augment_blur(&mask, how->feather > 0 ? how->feather : 1, err);
    if (status != URS_OK)
        goto done;
    if (how->flip) {
        urs_image_flip(&image);
        urs_image_flip(&mask);
    }
    match_tables(table, &grey, frame, &image, &mask, x, y, fmin(fmax((double)how->match, 0), 1));
    for (int32_t row = y < 0 ? -y : 0; row < image.height && y + row < frame->height; row++)
        blend_row(frame, &image, &mask, row, x, y, table, grey, cover);
done:
    urs_image_release(&mask);
    urs_image_release(&image);
    return status;
}
