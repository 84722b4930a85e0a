/* Animals of one scene on another background; see scene.h. */
#include "base/memory.h"
#include "data/scene.h"

#include <math.h>
#include <string.h>

/*  scene pixel (sx, sy)  --minus corner of the cut-out, flip, times scale, plus place-->  frame pixel  */
typedef struct placing {
    urs_box part; /* of the scene that was cut out */
    urs_paste how;
    float width, height; /* of the cut-out on the frame */
} placing;

static urs_point place_point(const placing *p, urs_point s)
{
    const float x = (s.x - p->part.x1) * p->how.scale, y = (s.y - p->part.y1) * p->how.scale;
    return (urs_point){p->how.x + (p->how.flip ? p->width - x : x), p->how.y + y};
}

static urs_box place_box(const placing *p, urs_box b)
{
    const urs_point a = place_point(p, (urs_point){b.x1, b.y1}), c = place_point(p, (urs_point){b.x2, b.y2});
    return (urs_box){fminf(a.x, c.x), a.y, fmaxf(a.x, c.x), c.y};
}

static bool inside(urs_point p, float w, float h)
{
    return p.x >= 0 && p.y >= 0 && p.x < w && p.y < h;
}

/* Carries the objects; numbers of those that stay go to keep[old number]. */
static void place_objects(urs_scene *out, const urs_scene *from, const placing *p, uint8_t *keep)
{
    const float w = (float)out->image.width, h = (float)out->image.height;
    for (size_t i = 0; i < from->count; i++) {
        urs_object o = from->objects[i];
        const urs_box all = place_box(p, o.box);
        o.box = (urs_box){fmaxf(all.x1, 0), fmaxf(all.y1, 0), fminf(all.x2, w), fminf(all.y2, h)};
        if (!(o.box.x2 > o.box.x1) || !(o.box.y2 > o.box.y1) ||
            (o.box.x2 - o.box.x1) * (o.box.y2 - o.box.y1) < 0.5f * (all.x2 - all.x1) * (all.y2 - all.y1))
            continue;
        if (o.has_points) {
            const urs_point l = place_point(p, o.left_eye), r = place_point(p, o.right_eye);
            o.left_eye = p->how.flip ? r : l;
            o.right_eye = p->how.flip ? l : r;
            o.nose = place_point(p, o.nose);
            o.has_points = inside(l, w, h) && inside(r, w, h) && inside(o.nose, w, h);
        }
        out->objects[out->count++] = o;
        keep[i + 1] = (uint8_t)out->count;
    }
}

static void place_index(urs_scene *out, const urs_scene *from, const placing *p, const uint8_t *keep)
{
    for (int32_t y = 0; y < out->image.height; y++)
        for (int32_t x = 0; x < out->image.width; x++) {
            float u, v;
            if (!*urs_image_at(&out->body, x, y))
                continue;
            u = ((float)x + 0.5f - p->how.x);
            u = (p->how.flip ? p->width - u : u) / p->how.scale + p->part.x1;
            v = ((float)y + 0.5f - p->how.y) / p->how.scale + p->part.y1;
            if (inside((urs_point){u, v}, (float)from->index.width, (float)from->index.height))
                *urs_image_at(&out->index, x, y) = keep[*urs_image_at(&from->index, (int32_t)u, (int32_t)v)];
        }
}

/* Place along one axis: anywhere with some overhang, or at the edge at which the animal was cut off in its photograph, so that no straight cut stands in the open. */
static double draw_offset(double low, double high, double size, double length, bool cut_low, bool cut_high, urs_random *random)
{
    const double free = urs_random_range(random, low, high), over = urs_random_unit(random) * 0.03 * length;
    if (cut_low && cut_high)
        return (length - size) / 2;
    if (cut_low)
        return -over;
    if (cut_high)
        return length - size + over;
    return free;
}

static void draw_place(placing *p, const urs_image *background, const urs_image *photo, urs_random *random)
{
    const double pw = (double)(p->part.x2 - p->part.x1), ph = (double)(p->part.y2 - p->part.y1), w = background->width, h = background->height;
    const bool left = p->part.x1 < 2, right = p->part.x2 > (float)photo->width - 2, top = p->part.y1 < 2, bottom = p->part.y2 > (float)photo->height - 2;
    const double share = urs_random_range(random, 0.25, 0.95);
    double scale = fmin(share * h / ph, 1.1 * w / pw);
    if (left && right)
        scale = 1.02 * w / pw;
    else if (top && bottom)
        scale = 1.02 * h / ph;
    p->how.flip = urs_random_below(random, 2) == 0;
    p->how.feather = (float)urs_random_range(random, 0.6, 1.6);
    p->how.match = (float)urs_random_range(random, 0.15, 0.7);
    p->how.x = (float)round(draw_offset(-0.15 * pw * scale, w - 0.85 * pw * scale, pw * scale, w, p->how.flip ? right : left, p->how.flip ? left : right, random));
    /* Animals stand on the ground: rather low in the frame. One that is higher than the frame shows its upper part, where the head is. */
    if (ph * scale > h)
        p->how.y = (float)round(top ? -0.02 * h : urs_random_range(random, 0, 0.1) * h);
    else
        p->how.y = (float)round(draw_offset(0.35 * (h - ph * scale), h - 0.9 * ph * scale, ph * scale, h, top, bottom, random));
    p->how.scale = (float)scale;
}

urs_status urs_scene_paste(urs_scene *out, const urs_image *background, const urs_scene *from, urs_random *random, urs_error *err)
{
    urs_scene s = {0};
    urs_cutout cutout = {{0}, {0}};
    placing p = {.part = {0}};
    uint8_t keep[256] = {0};
    urs_status status;
    if (!from->can_paste)
        return urs_fail(err, URS_EINVAL, "a scene without a usable body mask cannot be pasted");
    status = urs_cutout_make(&cutout, &from->image, &from->body, &p.part, err);
    if (status != URS_OK)
        return status;
    draw_place(&p, background, &from->image, random);
    /* urs_augment_paste rounds to whole pixels; the objects follow what it does. */
    p.width = floorf((float)cutout.image.width * p.how.scale + 0.5f);
    p.height = floorf((float)cutout.image.height * p.how.scale + 0.5f);
    status = urs_image_copy(&s.image, background, err);
    if (status == URS_OK)
        status = urs_image_new(&s.body, background->width, background->height, 1, err);
    if (status == URS_OK)
        status = urs_augment_paste(&s.image, &cutout, &p.how, &s.body, err);
    if (status != URS_OK)
        goto done;
    s.objects = urs_array_new(from->count + 1, sizeof *s.objects);
    if (!s.objects) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu objects", from->count);
        goto done;
    }
    place_objects(&s, from, &p, keep);
    if (from->index.data) {
        status = urs_image_new(&s.index, background->width, background->height, 1, err);
        if (status != URS_OK)
            goto done;
        place_index(&s, from, &p, keep);
    }
    s.can_paste = false; /* a pasted animal may be cut by the edge: not material for another paste */
done:
    urs_cutout_release(&cutout);
    if (status == URS_OK)
        *out = s;
    else
        urs_scene_release(&s);
    return status;
}
