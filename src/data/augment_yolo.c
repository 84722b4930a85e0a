/* YOLOv8's training pipeline; see augment_yolo.h and spec/models.md 5.4. */
#include "data/augment_yolo.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define FILL 114

urs_yolo_augment urs_yolo_augment_default(int32_t side)
{
    return (urs_yolo_augment){.side = side, .mosaic = 1, .translate = 0.1f, .scale = 0.5f, .hsv_h = 0.015f, .hsv_s = 0.7f, .hsv_v = 0.4f, .flip = 0.5f};
}

void urs_yolo_sample_release(urs_yolo_sample *sample)
{
    urs_image_release(&sample->image);
    urs_image_release(&sample->index);
    urs_free(sample->objects);
    memset(sample, 0, sizeof *sample);
}

/*      canvas 2s x 2s, centre (xc, yc):
 *
 *        0 ends at the centre | 1 starts right of it        a tile that reaches over the canvas is cut there
 *        ---------------------+----------------------
 *        2 ends left of it    | 3 starts at the centre                                                      */
urs_mosaic urs_mosaic_layout(int32_t side, int32_t xc, int32_t yc, const int32_t width[4], const int32_t height[4])
{
    urs_mosaic m;
    const int32_t size = 2 * side;
    for (int i = 0; i < 4; i++) {
        const int32_t x1 = i % 2 == 0 ? xc - width[i] : xc, y1 = i < 2 ? yc - height[i] : yc;
        const int32_t left = x1 > 0 ? x1 : 0, top = y1 > 0 ? y1 : 0;
        const int32_t right = x1 + width[i] < size ? x1 + width[i] : size, bottom = y1 + height[i] < size ? y1 + height[i] : size;
        m.to[i] = (urs_box){(float)left, (float)top, (float)right, (float)bottom};
        m.from[i] = (urs_box){(float)(left - x1), (float)(top - y1), (float)(right - x1), (float)(bottom - y1)};
    }
    return m;
}

/* ---- building the canvas ---- */

typedef struct canvas {
    urs_scene scene;
    size_t capacity;
} canvas;

static urs_status canvas_new(canvas *out, int32_t size, urs_error *err)
{
    urs_status status;
    memset(out, 0, sizeof *out);
    status = urs_image_new(&out->scene.image, size, size, 3, err);
    if (status == URS_OK)
        status = urs_image_new(&out->scene.index, size, size, 1, err);
    if (status == URS_OK)
        memset(out->scene.image.data, FILL, (size_t)size * (size_t)size * 3);
    else
        urs_scene_release(&out->scene);
    return status;
}

/* Copies `from` of the tile to `to` of the canvas, objects clipped to the canvas. Objects beyond 255 are dropped. */
static urs_status canvas_put(canvas *c, const urs_scene *tile, urs_box from, urs_box to, urs_error *err)
{
    urs_scene *s = &c->scene;
    const int32_t x = (int32_t)from.x1, y = (int32_t)from.y1, w = (int32_t)(to.x2 - to.x1), h = (int32_t)(to.y2 - to.y1), tx = (int32_t)to.x1, ty = (int32_t)to.y1;
    const float dx = to.x1 - from.x1, dy = to.y1 - from.y1, size = (float)s->image.width;
    const size_t before = s->count;
    for (size_t i = 0; i < tile->count && s->count < URS_HEADS_MAX; i++) {
        urs_object o = tile->objects[i];
        if (!urs_array_reserve((void **)&s->objects, &c->capacity, s->count, sizeof *s->objects))
            return urs_fail(err, URS_ENOMEM, "no memory for the objects of a mosaic");
        o.box = (urs_box){fminf(fmaxf(o.box.x1 + dx, 0), size), fminf(fmaxf(o.box.y1 + dy, 0), size), fminf(fmaxf(o.box.x2 + dx, 0), size),
                          fminf(fmaxf(o.box.y2 + dy, 0), size)};
        o.left_eye = (urs_point){o.left_eye.x + dx, o.left_eye.y + dy};
        o.right_eye = (urs_point){o.right_eye.x + dx, o.right_eye.y + dy};
        o.nose = (urs_point){o.nose.x + dx, o.nose.y + dy};
        /* An object that is cut away completely keeps its number with an empty box, so that the index map stays simple; the warp drops it. */
        s->objects[s->count++] = o;
    }
    for (int32_t row = 0; row < h && w > 0; row++) {
        memcpy(urs_image_at(&s->image, tx, ty + row), urs_image_at(&tile->image, x, y + row), (size_t)w * 3);
        if (tile->index.data) {
            const uint8_t *p = urs_image_at(&tile->index, x, y + row);
            uint8_t *q = urs_image_at(&s->index, tx, ty + row);
            for (int32_t i = 0; i < w; i++)
                q[i] = p[i] && p[i] + before <= s->count ? (uint8_t)(p[i] + before) : 0;
        }
    }
    return URS_OK;
}

/* A tile: the scene itself, or its animals on another background, or a background. `made` owns what had to be made. */
static urs_status draw_tile(const urs_scene **tile, urs_scene *made, const urs_scene_set *set, size_t item, const urs_yolo_augment *o, urs_random *random, urs_error *err)
{
    const double empty = urs_random_unit(random), paste = urs_random_unit(random);
    const urs_scene *scene = &set->scenes[item];
    *tile = scene;
    if (set->background_count > 0 && (empty < (double)o->empty || (paste < (double)o->paste && scene->can_paste))) {
        const urs_image *background = &set->backgrounds[urs_random_below(random, set->background_count)];
        *tile = made;
        if (empty < (double)o->empty)
            return urs_image_copy(&made->image, background, err);
        return urs_scene_paste(made, background, scene, random, err);
    }
    return URS_OK;
}

/* Scenes are loaded at the side of training; another one is scaled here, so that the result is right in any case. */
static urs_status fit_scene(const urs_scene **tile, urs_scene *made, int32_t side, urs_error *err)
{
    const urs_scene *in = *tile;
    const int32_t longer = in->image.width > in->image.height ? in->image.width : in->image.height;
    urs_scene s = {0};
    urs_status status;
    float sx, sy;
    if (longer == side)
        return URS_OK;
    {
        const double r = (double)side / longer;
        const int32_t w = (int32_t)fmax(1, nearbyint(in->image.width * r)), h = (int32_t)fmax(1, nearbyint(in->image.height * r));
        status = urs_image_resize(&s.image, &in->image, w, h, URS_FILTER_BILINEAR, err);
        if (status == URS_OK && in->index.data)
            status = urs_image_resize(&s.index, &in->index, w, h, URS_FILTER_NEAREST, err);
        sx = (float)w / (float)in->image.width;
        sy = (float)h / (float)in->image.height;
    }
    s.objects = urs_array_new(in->count + 1, sizeof *s.objects);
    if (status == URS_OK && !s.objects)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu objects", in->count);
    if (status != URS_OK) {
        urs_scene_release(&s);
        return status;
    }
    for (size_t i = 0; i < in->count; i++) {
        urs_object o = in->objects[i];
        o.box = (urs_box){o.box.x1 * sx, o.box.y1 * sy, o.box.x2 * sx, o.box.y2 * sy};
        o.left_eye = (urs_point){o.left_eye.x * sx, o.left_eye.y * sy};
        o.right_eye = (urs_point){o.right_eye.x * sx, o.right_eye.y * sy};
        o.nose = (urs_point){o.nose.x * sx, o.nose.y * sy};
        s.objects[s.count++] = o;
    }
    urs_scene_release(made);
    *made = s;
    *tile = made;
    return URS_OK;
}

static urs_status build_mosaic(canvas *c, const urs_scene_set *set, size_t item, const urs_yolo_augment *o, urs_random *random, urs_error *err)
{
    const int32_t s = o->side;
    const int32_t xc = (int32_t)urs_random_range(random, s / 2.0, 1.5 * s), yc = (int32_t)urs_random_range(random, s / 2.0, 1.5 * s);
    const urs_scene *tiles[4] = {0};
    urs_scene made[4] = {0};
    int32_t width[4], height[4];
    urs_mosaic m;
    urs_status status = canvas_new(c, 2 * s, err);
    for (int i = 0; status == URS_OK && i < 4; i++) {
        const size_t which = i == 0 ? item : (size_t)urs_random_below(random, set->count);
        status = draw_tile(&tiles[i], &made[i], set, which, o, random, err);
        if (status == URS_OK)
            status = fit_scene(&tiles[i], &made[i], s, err);
        if (status == URS_OK) {
            width[i] = tiles[i]->image.width;
            height[i] = tiles[i]->image.height;
        }
    }
    if (status == URS_OK)
        m = urs_mosaic_layout(s, xc, yc, width, height);
    for (int i = 0; status == URS_OK && i < 4; i++)
        status = canvas_put(c, tiles[i], m.from[i], m.to[i], err);
    for (int i = 0; i < 4; i++)
        urs_scene_release(&made[i]);
    return status;
}

static urs_status build_letterbox(canvas *c, const urs_scene *scene, int32_t side, urs_letterbox *how, urs_error *err)
{
    urs_scene made = {0};
    const urs_scene *tile = scene;
    urs_status status = canvas_new(c, side, err);
    if (status == URS_OK)
        status = fit_scene(&tile, &made, side, err);
    if (status == URS_OK) {
        const int32_t w = tile->image.width, h = tile->image.height;
        const float left = nearbyintf((float)(side - w) / 2 - 0.1f), top = nearbyintf((float)(side - h) / 2 - 0.1f);
        status = canvas_put(c, tile, (urs_box){0, 0, (float)w, (float)h}, (urs_box){left, top, left + (float)w, top + (float)h}, err);
        if (how)
            *how = (urs_letterbox){.scale = fminf((float)side / (float)scene->image.width, (float)side / (float)scene->image.height), .pad_left = (int32_t)left,
                                   .pad_top = (int32_t)top, .width = side, .height = side};
    }
    urs_scene_release(&made);
    return status;
}

/* M = T S R C of the spec, inverted: output pixel -> canvas pixel. Returns the scale. */
static double draw_matrix(double m[6], int32_t canvas_size, const urs_yolo_augment *o, urs_random *random)
{
    const double degree = 0.017453292519943295, s = o->side, half = canvas_size / 2.0;
    const double angle = urs_random_range(random, -1, 1) * (double)o->degrees * degree, zoom = 1 + urs_random_range(random, -1, 1) * (double)o->scale;
    const double shear_x = tan(urs_random_range(random, -1, 1) * (double)o->shear * degree), shear_y = tan(urs_random_range(random, -1, 1) * (double)o->shear * degree);
    const double tx = (0.5 + urs_random_range(random, -1, 1) * (double)o->translate) * s, ty = (0.5 + urs_random_range(random, -1, 1) * (double)o->translate) * s;
    /* Forward linear part: shear times rotation with zoom (OpenCV's getRotationMatrix2D turns counter-clockwise). */
    const double a = zoom * cos(angle), b = zoom * sin(angle);
    const double f0 = a - shear_x * b, f1 = b + shear_x * a, f3 = shear_y * a - b, f4 = shear_y * b + a;
    const double det = f0 * f4 - f1 * f3;
    m[0] = f4 / det;
    m[1] = -f1 / det;
    m[3] = -f3 / det;
    m[4] = f0 / det;
    m[2] = half - m[0] * tx - m[1] * ty;
    m[5] = half - m[3] * tx - m[4] * ty;
    return zoom;
}

static void flip_sample(urs_yolo_sample *s)
{
    const float w = (float)s->image.width;
    urs_image_flip(&s->image);
    urs_image_flip(&s->index);
    for (size_t i = 0; i < s->count; i++) {
        urs_object *o = &s->objects[i];
        const urs_point left = o->left_eye;
        o->box = (urs_box){w - o->box.x2, o->box.y1, w - o->box.x1, o->box.y2};
        o->left_eye = (urs_point){w - o->right_eye.x, o->right_eye.y};
        o->right_eye = (urs_point){w - left.x, left.y};
        o->nose.x = w - o->nose.x;
    }
}

static urs_status check_side(int32_t side, urs_error *err)
{
    if (side < 32 || side > 4096 || side % 32 != 0)
        return urs_fail(err, URS_EINVAL, "a network input of %d pixels: a multiple of 32 up to 4096 is expected", side);
    return URS_OK;
}

urs_status urs_yolo_sample_make(urs_yolo_sample *out, const urs_scene_set *set, size_t item, const urs_yolo_augment *o, urs_random *random, urs_error *err)
{
    canvas c = {.capacity = 0};
    urs_yolo_sample sample = {0};
    double m[6], zoom;
    urs_status status = check_side(o->side, err);
    if (status == URS_OK && item >= set->count)
        status = urs_fail(err, URS_EINVAL, "scene %zu of %zu", item, set->count);
    if (status != URS_OK)
        return status;
    if (urs_random_unit(random) < (double)o->mosaic) {
        status = build_mosaic(&c, set, item, o, random, err);
    } else {
        const urs_scene *tile;
        urs_scene made = {0};
        status = draw_tile(&tile, &made, set, item, o, random, err);
        if (status == URS_OK)
            status = build_letterbox(&c, tile, o->side, NULL, err);
        urs_scene_release(&made);
    }
    if (status != URS_OK)
        goto done;
    zoom = draw_matrix(m, c.scene.image.width, o, random);
    status = urs_scene_warp(&sample, &c.scene, o->side, m, zoom, err);
    if (status != URS_OK)
        goto done;
    if (o->hsv_h > 0 || o->hsv_s > 0 || o->hsv_v > 0) {
        const double h = 1 + urs_random_range(random, -1, 1) * (double)o->hsv_h, s = 1 + urs_random_range(random, -1, 1) * (double)o->hsv_s;
        const double v = 1 + urs_random_range(random, -1, 1) * (double)o->hsv_v;
        urs_augment_hsv(&sample.image, (float)h, (float)s, (float)v);
    }
    status = urs_augment_photometric(&sample.image, &o->quality, random, err);
    if (status == URS_OK && urs_random_unit(random) < (double)o->flip)
        flip_sample(&sample);
done:
    urs_scene_release(&c.scene);
    if (status == URS_OK)
        *out = sample;
    else
        urs_yolo_sample_release(&sample);
    return status;
}

urs_status urs_yolo_sample_at(urs_yolo_sample *out, const urs_scene_set *set, size_t item, const urs_yolo_augment *options, uint64_t seed, uint64_t epoch,
                              uint64_t position, urs_error *err)
{
    urs_random random;
    urs_random_init_stream(&random, urs_random_mix(seed) ^ epoch, position);
    return urs_yolo_sample_make(out, set, item, options, &random, err);
}

urs_status urs_yolo_sample_plain(urs_yolo_sample *out, const urs_scene *scene, int32_t side, urs_letterbox *how, urs_error *err)
{
    static const double identity[6] = {1, 0, 0, 0, 1, 0};
    canvas c = {.capacity = 0};
    urs_status status = check_side(side, err);
    if (status == URS_OK)
        status = build_letterbox(&c, scene, side, how, err);
    if (status == URS_OK)
        status = urs_scene_warp(out, &c.scene, side, identity, 1, err);
    urs_scene_release(&c.scene);
    return status;
}

void urs_yolo_sample_tensor(float *out, const urs_yolo_sample *sample)
{
    const size_t n = (size_t)sample->image.width * (size_t)sample->image.height;
    const uint8_t *p = sample->image.data;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            out[c * n + i] = (float)p[3 * i + c] * (1.0f / 255.0f);
}
