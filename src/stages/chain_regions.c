/* Heads in given parts of a picture: what another detector says are animals; see chain.h.
 *
 *      whole picture --find--> heads in a region -----------------+--the same head twice?--> the surer one
 *      regions --wider by MARGIN--> crops --find--> heads, moved -+
 *
 * Both, because what fills a crop may be found in the picture only, and what is small in the picture in the crop only. */
#include "stages/chain_private.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define MARGIN 0.2       /* of a region's size, on each side: detectors of whole animals cut ears off */
#define SAME_OVERLAP 0.5 /* IoU, or */
#define SAME_INSIDE 0.8  /* share of the smaller box, from which two finds are one head */
#define SIDE_MAX 6000    /* pixels; no picture is decoded larger for the sake of a region */

urs_decode_options urs_chain_regions_decode(const urs_decode_options *least, const urs_region *regions, size_t n, int32_t side)
{
    urs_decode_options wanted = *least;
    for (size_t i = 0; i < n; i++) {
        const double longer = fmax((double)regions[i].x2 - (double)regions[i].x1, (double)regions[i].y2 - (double)regions[i].y1);
        const int32_t pixels = longer > (double)side / SIDE_MAX ? (int32_t)ceil(side / longer) : SIDE_MAX;
        wanted.min_width = pixels > wanted.min_width ? pixels : wanted.min_width;
        wanted.min_height = pixels > wanted.min_height ? pixels : wanted.min_height;
    }
    return wanted;
}

/* First and last pixel of a range of the picture, wider by the margin. False: nothing of it lies inside. */
static bool pixels_of(int32_t *from, int32_t *to, float low, float high, int32_t size)
{
    const double wider = MARGIN * ((double)high - (double)low);
    const double a = floor(((double)low - wider) * size), b = ceil(((double)high + wider) * size);
    *from = a > 0 ? (int32_t)fmin(a, size) : 0;
    *to = b < size ? (int32_t)fmax(b, 0) : size;
    return *to > *from;
}

static bool same_head(urs_box a, urs_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    const float of_a = (a.x2 - a.x1) * (a.y2 - a.y1), of_b = (b.x2 - b.x1) * (b.y2 - b.y1), both = w > 0 && h > 0 ? w * h : 0;
    return both > (float)SAME_OVERLAP * (of_a + of_b - both) || both > (float)SAME_INSIDE * fminf(of_a, of_b);
}

static int compare_scores(const void *a, const void *b)
{
    const urs_detection *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* Sorts, and of the same head seen in two regions keeps the surer one. */
static void keep_one_of_each(urs_detections *found)
{
    size_t kept = 0;
    if (found->count)
        qsort(found->items, found->count, sizeof *found->items, compare_scores);
    for (size_t i = 0; i < found->count; i++) {
        bool twin = false;
        for (size_t k = 0; k < kept && !twin; k++)
            twin = found->items[k].label == found->items[i].label && same_head(found->items[k].box, found->items[i].box);
        if (twin)
            urs_detection_release(&found->items[i]);
        else
            found->items[kept++] = found->items[i];
    }
    found->count = kept;
}

typedef struct crop {
    int32_t x1, y1, x2, y2; /* pixels of the picture */
} crop;

static bool crop_of(crop *out, const urs_region *r, const urs_image *picture)
{
    return pixels_of(&out->x1, &out->x2, r->x1, r->x2, picture->width) && pixels_of(&out->y1, &out->y2, r->y1, r->y2, picture->height);
}

static bool centre_inside(urs_box b, const urs_region *regions, size_t n, const urs_image *picture)
{
    const float x = (b.x1 + b.x2) / 2, y = (b.y1 + b.y2) / 2;
    crop c;
    for (size_t i = 0; i < n; i++)
        if (crop_of(&c, &regions[i], picture) && x >= (float)c.x1 && x <= (float)c.x2 && y >= (float)c.y1 && y <= (float)c.y2)
            return true;
    return false;
}

/* The heads of a part of the picture, whose corner is (x, y), to the end of `all`. */
static urs_status take_over(urs_detections *all, size_t *capacity, urs_detections *part, int32_t x, int32_t y, urs_error *err)
{
    for (size_t i = 0; i < part->count; i++) {
        urs_detection *d = &part->items[i];
        if (d->score <= 0) /* passed over */
            continue;
        if (!urs_array_reserve((void **)&all->items, capacity, all->count, sizeof *all->items))
            return urs_fail(err, URS_ENOMEM, "no memory for %zu heads", all->count);
        d->box.x1 += (float)x;
        d->box.x2 += (float)x;
        d->box.y1 += (float)y;
        d->box.y2 += (float)y;
        d->mask_x += x;
        d->mask_y += y;
        all->items[all->count++] = *d;
        *d = (urs_detection){0};
    }
    return URS_OK;
}

static urs_status find_in_picture(urs_detections *all, size_t *capacity, urs_finder *finder, const urs_image *picture, const urs_region *regions, size_t n, urs_error *err)
{
    urs_detections part = {0};
    urs_status status = urs_finder_pictures(finder, &part, &picture, 1, err);
    for (size_t i = 0; status == URS_OK && i < part.count; i++)
        if (!centre_inside(part.items[i].box, regions, n, picture))
            part.items[i].score = 0;
    if (status == URS_OK)
        status = take_over(all, capacity, &part, 0, 0, err);
    urs_detections_release(&part);
    return status;
}

static urs_status find_in_crop(urs_detections *all, size_t *capacity, urs_finder *finder, const urs_image *picture, const crop *c, urs_error *err)
{
    urs_image pixels = {0};
    const urs_image *one = &pixels;
    urs_detections part = {0};
    urs_status status = urs_image_crop(&pixels, picture, c->x1, c->y1, c->x2 - c->x1, c->y2 - c->y1, 0, err);
    if (status == URS_OK)
        status = urs_finder_pictures(finder, &part, &one, 1, err);
    if (status == URS_OK)
        status = take_over(all, capacity, &part, c->x1, c->y1, err);
    urs_detections_release(&part);
    urs_image_release(&pixels);
    return status;
}

urs_status urs_chain_find_in(urs_detections *out, urs_finder *finder, const urs_image *picture, const urs_region *regions, size_t n, urs_error *err)
{
    urs_detections all = {0};
    size_t capacity = 0;
    crop c;
    urs_status status = find_in_picture(&all, &capacity, finder, picture, regions, n, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        if (crop_of(&c, &regions[i], picture))
            status = find_in_crop(&all, &capacity, finder, picture, &c, err);
    if (status != URS_OK) {
        urs_detections_release(&all);
        return status;
    }
    keep_one_of_each(&all);
    *out = all;
    return URS_OK;
}
