/* Geometric changes, all through one matrix and one warp; see augment.h.
 *
 *   output pixel --undo shift, turn, shear, zoom, flip around the centre--> output pixel --stretch--> crop region of the input
 */
#include "data/augment.h"

#include <math.h>
#include <string.h>

typedef struct region {
    double x, y, width, height;
} region;

/* Random resized crop as torchvision has it: ten tries for a region that fits, else the whole. */
static region draw_region(int32_t width, int32_t height, const urs_geometric *o, urs_random *random)
{
    const double w = width, h = height, stretch = log(1 + (double)o->crop_aspect);
    region whole = {0, 0, w, h};
    if (!(o->crop_min > 0) || o->crop_min >= 1)
        return whole;
    for (int i = 0; i < 10; i++) {
        const double share = sqrt(urs_random_range(random, (double)o->crop_min, 1)), aspect = exp(0.5 * urs_random_range(random, -stretch, stretch));
        const region r = {0, 0, w * share * aspect, h * share / aspect};
        const double x = urs_random_unit(random), y = urs_random_unit(random);
        if (r.width <= w && r.height <= h)
            return (region){x * (w - r.width), y * (h - r.height), r.width, r.height};
    }
    return whole;
}

void urs_augment_matrix(double m[6], int32_t in_width, int32_t in_height, int32_t width, int32_t height, const urs_geometric *o, urs_random *random)
{
    const double degree = 0.017453292519943295, w = width, h = height;
    const region r = draw_region(in_width, in_height, o, random);
    const double angle = urs_random_range(random, -1, 1) * (double)o->rotate * degree, zoom = exp(urs_random_range(random, -1, 1) * log(1 + (double)o->scale));
    const double shear_x = tan(urs_random_range(random, -1, 1) * (double)o->shear * degree), shear_y = tan(urs_random_range(random, -1, 1) * (double)o->shear * degree);
    const double shift_x = urs_random_range(random, -1, 1) * (double)o->translate * w, shift_y = urs_random_range(random, -1, 1) * (double)o->translate * h;
    const double mirror = urs_random_unit(random) < (double)o->flip ? -1 : 1;
    const double c = cos(angle) / zoom, s = sin(angle) / zoom, sx = r.width / w, sy = r.height / h;
    /* Inverse of turn and zoom, then of the shear, in output pixels around the centre. */
    const double a = c + shear_x * -s, b = s + shear_x * c, d = -s + shear_y * c, e = c + shear_y * s;
    const double px = w / 2 + shift_x, py = h / 2 + shift_y;
    m[0] = mirror * a * sx;
    m[1] = mirror * b * sx;
    m[3] = d * sy;
    m[4] = e * sy;
    m[2] = r.x + r.width / 2 - m[0] * px - m[1] * py;
    m[5] = r.y + r.height / 2 - m[3] * px - m[4] * py;
}

urs_box urs_augment_erase(urs_image *image, float area_min, float area_max, uint8_t fill, bool noise, urs_random *random)
{
    const double area = urs_random_range(random, (double)area_min, (double)area_max) * image->width * image->height;
    const double aspect = exp(urs_random_range(random, log(0.3), log(1 / 0.3)));
    const double w = fmin(fmax(sqrt(area * aspect), 1), image->width), h = fmin(fmax(sqrt(area / aspect), 1), image->height);
    const int32_t bw = (int32_t)w, bh = (int32_t)h;
    const int32_t x = (int32_t)urs_random_below(random, (uint64_t)(image->width - bw) + 1), y = (int32_t)urs_random_below(random, (uint64_t)(image->height - bh) + 1);
    for (int32_t row = y; row < y + bh; row++) {
        uint8_t *p = urs_image_at(image, x, row);
        const size_t n = (size_t)bw * (size_t)image->channels;
        memset(p, fill, n);
        for (size_t i = 0; noise && i < n; i += 8) {
            const uint64_t word = urs_random_u64(random);
            memcpy(p + i, &word, n - i < 8 ? n - i : 8);
        }
    }
    return (urs_box){(float)x, (float)y, (float)(x + bw), (float)(y + bh)};
}

urs_status urs_augment_geometric(urs_image *out, const urs_image *in, int32_t width, int32_t height, const urs_geometric *options, urs_random *random,
                                 urs_error *err)
{
    double m[6];
    urs_image image = {0};
    urs_status status;
    urs_augment_matrix(m, in->width, in->height, width, height, options, random);
    status = urs_image_warp(&image, in, width, height, m, options->fill, err);
    if (status != URS_OK)
        return status;
    if (urs_random_unit(random) < (double)options->erase)
        (void)urs_augment_erase(&image, 0.02f, 0.2f, options->fill, urs_random_below(random, 2) == 0, random);
    *out = image;
    return URS_OK;
}
