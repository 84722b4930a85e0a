/* Chips: heads cut out of their background; see chip.h. */
#include "stages/chip.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "image/decode.h"

#include <math.h>
#include <string.h>

#define MASK_PERCENT_MIN 10 /* of the box */

#define MARGIN_MAX 4.0f
#define PADDING_DEFAULT (-0.12)
/* The eyes of the mean shape in the unit square, as seen (spec/models.md 3). */
#define MEAN_LEFT_X 0.38
#define MEAN_RIGHT_X 0.62
#define MEAN_EYES_Y 0.48

typedef struct chip_frame { /* whole pixels of the picture; may reach beyond it */
    int32_t x, y, width, height;
} chip_frame;

static urs_status check_box(urs_box b, const urs_image *picture, urs_error *err)
{
    if (picture->channels != 3 || !picture->data)
        return urs_fail(err, URS_EINVAL, "a chip is cut from a picture of three channels");
    if (!(b.x2 > b.x1 && b.y2 > b.y1 && b.x1 < (float)picture->width && b.y1 < (float)picture->height && b.x2 > 0 && b.y2 > 0) || !isfinite(b.x1) || !isfinite(b.y1) ||
        !isfinite(b.x2) || !isfinite(b.y2))
        return urs_fail(err, URS_EINVAL, "a chip's box lies outside of its picture of %d x %d pixels", (int)picture->width, (int)picture->height);
    return URS_OK;
}

static int32_t between(double v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : (int32_t)v;
}

/* The box with its margin, rounded outwards; cut to three pictures' breadth around the picture so that no box makes a huge chip. */
static chip_frame frame_of(urs_box b, const urs_image *picture, float margin)
{
    const double mx = 0.5 * (double)margin * (double)(b.x2 - b.x1), my = 0.5 * (double)margin * (double)(b.y2 - b.y1);
    const int32_t w = picture->width, h = picture->height;
    const int32_t x1 = between(floor((double)b.x1 - mx), -w, w), y1 = between(floor((double)b.y1 - my), -h, h);
    const int32_t x2 = between(ceil((double)b.x2 + mx), 0, 2 * w), y2 = between(ceil((double)b.y2 + my), 0, 2 * h);
    return (chip_frame){x1, y1, x2 - x1, y2 - y1};
}

/* A mask that covers next to nothing of its box is the network's failure, not the head's shape: then the box alone is better than a black chip. */
static bool mask_is_usable(const urs_detection *d)
{
    const size_t pixels = (size_t)d->mask.width * (size_t)d->mask.height;
    size_t inside = 0;
    if (!d->mask.data)
        return false;
    for (size_t i = 0; i < pixels; i++)
        inside += d->mask.data[i] != 0;
    return inside * 100 >= pixels * MASK_PERCENT_MIN;
}

/* cut: the picture's part (at f); what the mask does not cover becomes black. */
static void black_outside_mask(urs_image *cut, chip_frame f, const urs_detection *d)
{
    for (int32_t y = 0; y < cut->height; y++) {
        const int32_t my = f.y + y - d->mask_y;
        const uint8_t *row = my >= 0 && my < d->mask.height ? urs_image_at(&d->mask, 0, my) : NULL;
        uint8_t *p = urs_image_at(cut, 0, y);
        for (int32_t x = 0; x < cut->width; x++, p += 3) {
            const int32_t mx = f.x + x - d->mask_x;
            if (!row || mx < 0 || mx >= d->mask.width || row[mx] == 0)
                p[0] = p[1] = p[2] = 0;
        }
    }
}

static urs_status square_resize(urs_image *out, const urs_image *in, int32_t side, urs_error *err)
{
    const int32_t k = in->width > in->height ? in->width : in->height;
    urs_image square = {0};
    urs_status status;
    if (in->width == in->height)
        return urs_image_resize(out, in, side, side, URS_FILTER_BILINEAR, err);
    status = urs_image_crop(&square, in, -((k - in->width) / 2), -((k - in->height) / 2), k, k, 0, err);
    if (status == URS_OK)
        status = urs_image_resize(out, &square, side, side, URS_FILTER_BILINEAR, err);
    urs_image_release(&square);
    return status;
}

urs_status urs_chip_align(double m[6], const urs_eyes *eyes, int32_t side, float padding, urs_error *err)
{
    const double p = padding != 0 ? (double)padding : PADDING_DEFAULT, size = 2 * p + 1;
    const double ax = side * (p + MEAN_LEFT_X) / size, bx = side * (p + MEAN_RIGHT_X) / size, ay = side * (p + MEAN_EYES_Y) / size;
    const double dx = (double)(eyes->right.x - eyes->left.x), dy = (double)(eyes->right.y - eyes->left.y);
    double re, im;
    if (!(size > 0.1) || !(size < 10) || side < 1)
        return urs_fail(err, URS_EINVAL, "a chip of side %d cannot be aligned with a padding of %g", (int)side, p);
    if (!(hypot(dx, dy) > 1e-3) || !isfinite(dx) || !isfinite(dy) || !isfinite(eyes->left.x) || !isfinite(eyes->left.y))
        return urs_fail(err, URS_EINVAL, "a chip cannot be aligned on eyes that are in one place");
    /* z = (B - A) / (b - a) of complex numbers; b - a is real because the eyes of the chip are level */
    re = dx / (bx - ax);
    im = dy / (bx - ax);
    m[0] = re;
    m[1] = -im;
    m[2] = (double)eyes->left.x - re * ax + im * ay;
    m[3] = im;
    m[4] = re;
    m[5] = (double)eyes->left.y - im * ax - re * ay;
    return URS_OK;
}

urs_status urs_chip_cut(urs_image *out, const urs_image *picture, const urs_detection *d, const urs_eyes *eyes, const urs_chip_options *options, urs_error *err)
{
    const urs_chip_options o = options ? *options : (urs_chip_options){0};
    const int32_t side = o.side ? o.side : URS_CHIP_SIDE;
    urs_image cut = {0};
    chip_frame f;
    double m[6];
    urs_status status = check_box(d->box, picture, err);
    if (status != URS_OK)
        return status;
    if (side < 1 || side > URS_IMAGE_SIDE_MAX || !(o.margin >= 0 && o.margin <= MARGIN_MAX))
        return urs_fail(err, URS_EINVAL, "a chip of side %d with a margin of %g cannot be made", (int)side, (double)o.margin);
    if (eyes) {
        status = urs_chip_align(m, eyes, side, o.padding, err);
        if (status != URS_OK)
            return status;
        if (o.no_mask)
            return urs_image_warp(out, picture, side, side, m, 0, err);
    }
    f = frame_of(d->box, picture, o.margin);
    status = urs_image_crop(&cut, picture, f.x, f.y, f.width, f.height, 0, err);
    if (status != URS_OK)
        return status;
    if (!o.no_mask && mask_is_usable(d))
        black_outside_mask(&cut, f, d);
    if (eyes) {
        m[2] -= f.x;
        m[5] -= f.y;
        status = urs_image_warp(out, &cut, side, side, m, 0, err);
    } else {
        status = square_resize(out, &cut, side, err);
    }
    urs_image_release(&cut);
    return status;
}

urs_status urs_chip_from_picture(urs_image *out, const urs_image *picture, int32_t side, urs_error *err)
{
    if (picture->channels != 3 || !picture->data)
        return urs_fail(err, URS_EINVAL, "a chip is made of a picture of three channels");
    return square_resize(out, picture, side ? side : URS_CHIP_SIDE, err);
}

char *urs_chip_path(const char *folder, const char *file, size_t index)
{
    urs_sha256 hash;
    char hex[65], *stem = urs_path_stem(file), *path = NULL;
    urs_text name = {0};
    if (!stem)
        return NULL;
    urs_sha256_init(&hash);
    urs_sha256_update(&hash, file, strlen(file));
    urs_sha256_hex(&hash, hex);
    urs_text_format(&name, "%.200s-%.8s_%zu.png", stem, hex, index);
    if (urs_text_ok(&name))
        path = urs_path_join(folder, urs_text_string(&name));
    urs_text_release(&name);
    urs_free(stem);
    return path;
}

urs_status urs_chip_write(const char *folder, const char *file, size_t index, const urs_image *chip, urs_error *err)
{
    char *path = urs_chip_path(folder, file, index);
    urs_status status;
    if (!path)
        return urs_fail(err, URS_ENOMEM, "no memory for the name of a chip");
    status = urs_image_write(path, chip, err);
    urs_free(path);
    return status;
}
