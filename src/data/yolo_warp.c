/* The one warp of the YOLO pipeline, and what becomes of boxes, points and instance maps under it; see augment_yolo.h. */
#include "base/memory.h"
#include "data/augment_yolo.h"

#include <math.h>
#include <string.h>

#define FILL 114
#define SIDE_MIN 2.0f
#define AREA_MIN 0.1f
#define AREA_MIN_MASK 0.01f
#define ASPECT_MAX 100.0f
#define OUTLINE_IOU_MIN 0.8 /* a mask whose own box agrees less than this with the label fills only a part of the head */

typedef struct bounds {
    double x1, y1, x2, y2;
    bool any;
} bounds;

static void widen(bounds *b, double x, double y)
{
    b->x1 = b->any ? fmin(b->x1, x) : x;
    b->y1 = b->any ? fmin(b->y1, y) : y;
    b->x2 = b->any ? fmax(b->x2, x) : x;
    b->y2 = b->any ? fmax(b->y2, y) : y;
    b->any = true;
}

static void forward(const double f[6], double x, double y, double *u, double *v)
{
    *u = f[0] * x + f[1] * y + f[2];
    *v = f[3] * x + f[4] * y + f[5];
}

static bool invert(double f[6], const double m[6])
{
    const double det = m[0] * m[4] - m[1] * m[3];
    if (!(fabs(det) > 1e-12) || !isfinite(det))
        return false;
    f[0] = m[4] / det;
    f[1] = -m[1] / det;
    f[3] = -m[3] / det;
    f[4] = m[0] / det;
    f[2] = -f[0] * m[2] - f[1] * m[5];
    f[5] = -f[3] * m[2] - f[4] * m[5];
    return true;
}

static double box_area(urs_box b)
{
    return b.x2 > b.x1 && b.y2 > b.y1 ? (double)(b.x2 - b.x1) * (double)(b.y2 - b.y1) : 0;
}

static double box_iou(urs_box a, urs_box b)
{
    const urs_box both = {fmaxf(a.x1, b.x1), fmaxf(a.y1, b.y1), fminf(a.x2, b.x2), fminf(a.y2, b.y2)};
    const double inside = box_area(both), all = box_area(a) + box_area(b) - inside;
    return all > 0 ? inside / all : 0;
}

/* Bounding box of the warped outline (both ends of every row); false where the mask does not fill its box. */
static bool outline_bounds(bounds *out, const urs_scene *scene, size_t object, const double f[6])
{
    const urs_box box = scene->objects[object].box;
    const int32_t x1 = (int32_t)fmaxf(floorf(box.x1), 0), y1 = (int32_t)fmaxf(floorf(box.y1), 0);
    const int32_t x2 = (int32_t)fminf(ceilf(box.x2), (float)scene->index.width), y2 = (int32_t)fminf(ceilf(box.y2), (float)scene->index.height);
    bounds own = {.any = false};
    *out = own;
    for (int32_t y = y1; y < y2; y++) {
        int32_t first = -1, last = -1;
        for (int32_t x = x1; x < x2; x++)
            if (*urs_image_at(&scene->index, x, y) == object + 1) {
                first = first < 0 ? x : first;
                last = x + 1;
            }
        for (int end = 0; first >= 0 && end < 4; end++) {
            const double x = end % 2 ? last : first, row = y + end / 2;
            double u, v;
            widen(&own, x, row);
            forward(f, x, row, &u, &v);
            widen(out, u, v);
        }
    }
    return own.any && box_iou(box, (urs_box){(float)own.x1, (float)own.y1, (float)own.x2, (float)own.y2}) >= OUTLINE_IOU_MIN;
}

static void corner_bounds(bounds *out, urs_box box, const double f[6])
{
    *out = (bounds){.any = false};
    for (int corner = 0; corner < 4; corner++) {
        double u, v;
        forward(f, (double)(corner % 2 ? box.x2 : box.x1), (double)(corner / 2 ? box.y2 : box.y1), &u, &v);
        widen(out, u, v);
    }
}

static urs_point warp_point(const double f[6], urs_point p, bool *visible, float size)
{
    double u, v;
    forward(f, (double)p.x, (double)p.y, &u, &v);
    *visible = *visible && u >= 0 && v >= 0 && u < (double)size && v < (double)size;
    return (urs_point){(float)u, (float)v};
}

/* The object after the warp; false if too little of it is left. */
static bool warp_object(urs_object *o, const urs_scene *scene, size_t object, const double f[6], double zoom, float size)
{
    bounds b;
    float w, h, area;
    const urs_box before = scene->objects[object].box;
    const bool turned = fabs(f[1]) > 1e-9 || fabs(f[3]) > 1e-9;
    *o = scene->objects[object];
    if (box_area(before) <= 0)
        return false;
    /* Without rotation and shear the warped corners are exact. */
    if (!turned || !o->has_mask || !scene->index.data || !outline_bounds(&b, scene, object, f))
        corner_bounds(&b, before, f);
    o->box = (urs_box){fminf(fmaxf((float)b.x1, 0), size), fminf(fmaxf((float)b.y1, 0), size), fminf(fmaxf((float)b.x2, 0), size), fminf(fmaxf((float)b.y2, 0), size)};
    w = o->box.x2 - o->box.x1;
    h = o->box.y2 - o->box.y1;
    area = (float)(box_area(before) * zoom * zoom);
    if (!(w > SIDE_MIN) || !(h > SIDE_MIN) || !(w * h > (o->has_mask ? AREA_MIN_MASK : AREA_MIN) * area) || !(fmaxf(w / h, h / w) < ASPECT_MAX))
        return false;
    o->left_eye = warp_point(f, o->left_eye, &o->has_points, size);
    o->right_eye = warp_point(f, o->right_eye, &o->has_points, size);
    o->nose = warp_point(f, o->nose, &o->has_points, size);
    return true;
}

/* Instance map at a quarter of the size: the index under the centre of each cell. */
static void warp_index(urs_image *out, const urs_image *in, const double m[6], const uint8_t *keep)
{
    for (int32_t y = 0; y < out->height; y++)
        for (int32_t x = 0; x < out->width; x++) {
            const double cx = 4.0 * x + 2, cy = 4.0 * y + 2, u = m[0] * cx + m[1] * cy + m[2], v = m[3] * cx + m[4] * cy + m[5];
            if (u >= 0 && v >= 0 && u < in->width && v < in->height)
                *urs_image_at(out, x, y) = keep[*urs_image_at(in, (int32_t)u, (int32_t)v)];
        }
}

urs_status urs_scene_warp(urs_yolo_sample *out, const urs_scene *scene, int32_t size, const double m[6], double zoom, urs_error *err)
{
    urs_yolo_sample s = {0};
    uint8_t keep[256] = {0};
    double f[6];
    bool seen[256] = {false};
    urs_status status;
    if (!invert(f, m))
        return urs_fail(err, URS_EINVAL, "a warp that cannot be undone");
    if (m[0] == 1 && m[1] == 0 && m[2] == 0 && m[3] == 0 && m[4] == 1 && m[5] == 0 && scene->image.width == size && scene->image.height == size)
        status = urs_image_copy(&s.image, &scene->image, err);
    else
        status = urs_image_warp(&s.image, &scene->image, size, size, m, FILL, err);
    if (status == URS_OK)
        status = urs_image_new(&s.index, size / 4, size / 4, 1, err);
    s.objects = urs_array_new(scene->count + 1, sizeof *s.objects);
    if (status == URS_OK && !s.objects)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu objects", scene->count);
    if (status != URS_OK) {
        urs_yolo_sample_release(&s);
        return status;
    }
    for (size_t i = 0; i < scene->count && i < URS_HEADS_MAX; i++) {
        if (warp_object(&s.objects[s.count], scene, i, f, zoom, (float)size)) {
            s.count++;
            keep[i + 1] = (uint8_t)s.count;
        }
    }
    if (scene->index.data)
        warp_index(&s.index, &scene->index, m, keep);
    /* A mask of which nothing is left in the map would teach an empty mask. */
    for (size_t i = 0; i < (size_t)s.index.width * (size_t)s.index.height; i++)
        seen[s.index.data[i]] = true;
    for (size_t i = 0; i < s.count; i++)
        s.objects[i].has_mask = s.objects[i].has_mask && seen[i + 1];
    *out = s;
    return URS_OK;
}
