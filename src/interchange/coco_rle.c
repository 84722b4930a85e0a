/* COCO run-length strings; see coco_rle.h. */
#include "interchange/coco_rle.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define DIGITS_MAX 7 /* characters of one number: 35 bits hold every run of a picture */

/* ---- writing ---- */

typedef struct run_writer {
    urs_text text;
    int64_t before[2]; /* the last two runs */
    size_t count;
    int64_t length;    /* of the run that is open */
    bool inside;
} run_writer;

static void end_run(run_writer *w)
{
    int64_t x = w->count > 2 ? w->length - w->before[0] : w->length;
    bool more = true;
    while (more) {
        unsigned bits = (unsigned)(x & 0x1f);
        char c;
        x = x >= 0 ? x >> 5 : -((-x + 31) >> 5); /* arithmetic shift */
        more = bits & 0x10 ? x != -1 : x != 0;
        c = (char)((bits | (more ? 0x20u : 0u)) + 48u);
        urs_text_append(&w->text, &c, 1);
    }
    w->before[0] = w->before[1];
    w->before[1] = w->length;
    w->count++;
    w->length = 0;
}

static void add_pixels(run_writer *w, bool inside, int64_t n)
{
    if (n <= 0)
        return;
    if (inside != w->inside) {
        end_run(w);
        w->inside = inside;
    }
    w->length += n;
}

urs_status urs_rle_encode_part(char **out, const urs_image *part, int32_t x, int32_t y, int32_t width, int32_t height, urs_error *err)
{
    run_writer w = {.count = 0};
    const int32_t top = y < 0 ? 0 : y, bottom = (int64_t)y + part->height < height ? y + part->height : height;
    char *text;
    if (part->channels != 1 || width < 1 || height < 1 || width > URS_IMAGE_SIDE_MAX || height > URS_IMAGE_SIDE_MAX)
        return urs_fail(err, URS_EINVAL, "a mask needs one channel and a picture of 1 to %d pixels a side", URS_IMAGE_SIDE_MAX);
    for (int32_t column = 0; column < width; column++) {
        const int64_t in_part = (int64_t)column - x;
        if (in_part < 0 || in_part >= part->width || top >= bottom) {
            add_pixels(&w, false, height);
            continue;
        }
        add_pixels(&w, false, top);
        for (int32_t row = top; row < bottom; row++)
            add_pixels(&w, *urs_image_at(part, (int32_t)in_part, row - y) != 0, 1);
        add_pixels(&w, false, (int64_t)height - bottom);
    }
    end_run(&w);
    text = urs_text_take(&w.text);
    if (!text)
        return urs_fail(err, URS_ENOMEM, "no memory for a mask");
    *out = text;
    return URS_OK;
}

urs_status urs_rle_encode(char **out, const urs_image *mask, urs_error *err)
{
    return urs_rle_encode_part(out, mask, 0, 0, mask->width, mask->height, err);
}

/* ---- reading ---- */

typedef struct run_reader {
    const char *at;
    int64_t before[2];
    size_t count;
    int64_t left; /* pixels that the runs have yet to fill */
} run_reader;

static urs_status start_reading(run_reader *r, const char *counts, int32_t width, int32_t height, urs_error *err)
{
    if (width < 1 || height < 1 || width > URS_IMAGE_SIDE_MAX || height > URS_IMAGE_SIDE_MAX || (int64_t)width * height > URS_IMAGE_PIXELS_MAX)
        return urs_fail(err, URS_ELIMIT, "a mask of %d x %d pixels is not accepted", (int)width, (int)height);
    *r = (run_reader){.at = counts, .left = (int64_t)width * height};
    return URS_OK;
}

static urs_status next_run(run_reader *r, int64_t *length, urs_error *err)
{
    int64_t x = 0;
    int shift = 0;
    unsigned bits;
    do {
        const char c = *r->at;
        if (c < 48 || c > 48 + 63 || shift >= 5 * DIGITS_MAX)
            return urs_fail(err, URS_EFORMAT, "a mask's run-length string is broken");
        r->at++;
        bits = (unsigned)(c - 48);
        x += (int64_t)(bits & 0x1f) << shift;
        shift += 5;
    } while (bits & 0x20);
    if (bits & 0x10)
        x -= (int64_t)1 << shift;
    if (r->count > 2)
        x += r->before[0];
    if (x < 0 || x > r->left)
        return urs_fail(err, URS_EFORMAT, "a mask's runs do not fit its size");
    r->before[0] = r->before[1];
    r->before[1] = x;
    r->count++;
    r->left -= x;
    *length = x;
    return URS_OK;
}

static urs_status end_reading(const run_reader *r, urs_error *err)
{
    return r->left ? urs_fail(err, URS_EFORMAT, "a mask's runs do not fill its size") : URS_OK;
}

urs_status urs_rle_decode(urs_image *out, const char *counts, int32_t width, int32_t height, urs_error *err)
{
    urs_image mask = {0};
    run_reader r;
    int64_t length = 0;
    int32_t x = 0, y = 0;
    urs_status status = start_reading(&r, counts, width, height, err);
    if (status == URS_OK)
        status = urs_image_new(&mask, width, height, 1, err);
    for (bool inside = false; status == URS_OK && *r.at; inside = !inside) {
        status = next_run(&r, &length, err);
        while (status == URS_OK && length > 0) { /* column by column */
            const int32_t n = length < height - y ? (int32_t)length : height - y;
            for (int32_t row = y; inside && row < y + n; row++)
                *urs_image_at(&mask, x, row) = 255;
            length -= n;
            y += n;
            if (y == height) {
                y = 0;
                x++;
            }
        }
    }
    if (status == URS_OK)
        status = end_reading(&r, err);
    if (status == URS_OK)
        *out = mask;
    else
        urs_image_release(&mask);
    return status;
}

urs_status urs_rle_area(int64_t *out, const char *counts, int32_t width, int32_t height, urs_error *err)
{
    run_reader r;
    int64_t area = 0, length = 0;
    urs_status status = start_reading(&r, counts, width, height, err);
    for (bool inside = false; status == URS_OK && *r.at; inside = !inside) {
        status = next_run(&r, &length, err);
        if (status == URS_OK && inside)
            area += length;
    }
    if (status == URS_OK)
        status = end_reading(&r, err);
    if (status == URS_OK)
        *out = area;
    return status;
}
