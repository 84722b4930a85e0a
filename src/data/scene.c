/* Scenes: loading, outlines to index maps, sets; see scene.h. */
#include "data/scene.h"

#include "base/memory.h"
#include "data/picture_cache.h"
#include "image/decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COVERED_MIN 0.4 /* share of an object's box inside the body mask below which a cut-out would cut off the object */

void urs_scene_release(urs_scene *scene)
{
    urs_image_release(&scene->image);
    urs_image_release(&scene->index);
    urs_image_release(&scene->body);
    urs_free(scene->objects);
    memset(scene, 0, sizeof *scene);
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void urs_polygon_fill(urs_image *map, const urs_point *points, size_t n, uint8_t value)
{
    double *cuts = urs_array_new(n + 1, sizeof *cuts);
    for (int32_t y = 0; cuts && y < map->height; y++) {
        const double centre = y + 0.5;
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            const urs_point p = points[i], q = points[i + 1 < n ? i + 1 : 0];
            const double py = (double)p.y, qy = (double)q.y;
            if ((py <= centre) != (qy <= centre))
                cuts[count++] = (double)p.x + (centre - py) / (qy - py) * (double)(q.x - p.x);
        }
        qsort(cuts, count, sizeof *cuts, compare_reals);
        for (size_t i = 0; i + 1 < count; i += 2) {
            /* Pixels whose centre lies between the two cuts. */
            const double from = fmin(fmax(ceil(cuts[i] - 0.5), 0), map->width), to = fmin(fmax(ceil(cuts[i + 1] - 0.5), 0), map->width);
            for (int32_t x = (int32_t)from; x < (int32_t)to; x++)
                *urs_image_at(map, x, y) = value;
        }
    }
    urs_free(cuts);
}

/* First channel of a mask file, in the scene's size. */
static urs_status load_map(urs_image *out, const char *path, int32_t width, int32_t height, urs_error *err)
{
    urs_photo photo = {0};
    urs_image one = {0};
    urs_status status = urs_photo_read(&photo, path, NULL, err);
    if (status != URS_OK)
        return status;
    status = urs_image_new(&one, photo.image.width, photo.image.height, 1, err);
    if (status == URS_OK) {
        for (size_t i = 0; i < (size_t)one.width * (size_t)one.height; i++)
            one.data[i] = photo.image.data[i * (size_t)photo.image.channels];
        status = urs_image_resize(out, &one, width, height, URS_FILTER_NEAREST, err);
    }
    urs_image_release(&one);
    urs_photo_release(&photo);
    return status;
}

typedef struct painted {
    size_t head, object;
    double area;
} painted;

static int compare_painted(const void *a, const void *b)
{
    const painted *x = a, *y = b;
    if (x->area > y->area || x->area < y->area)
        return x->area > y->area ? -1 : 1;
    return x->object < y->object ? -1 : x->object > y->object;
}

/* Outlines into the index map, larger ones first, so that smaller ones lie on top. */
static urs_status paint_polygons(urs_scene *s, const urs_sample *sample, const size_t *heads, int32_t full_width, int32_t full_height, urs_error *err)
{
    urs_status status = URS_OK;
    painted order[URS_HEADS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (sample->heads[heads[i]].polygon && !s->objects[i].has_mask) {
            const urs_box b = s->objects[i].box;
            order[count++] = (painted){heads[i], i, (double)(b.x2 - b.x1) * (double)(b.y2 - b.y1)};
        }
    if (count == 0)
        return URS_OK;
    if (!s->index.data)
        status = urs_image_new(&s->index, s->image.width, s->image.height, 1, err);
    qsort(order, count, sizeof *order, compare_painted);
    for (size_t k = 0; status == URS_OK && k < count; k++) {
        const urs_head *head = &sample->heads[order[k].head];
        const float sx = (float)s->image.width / (sample->relative ? 1.0f : (float)(sample->width > 0 ? sample->width : full_width));
        const float sy = (float)s->image.height / (sample->relative ? 1.0f : (float)(sample->height > 0 ? sample->height : full_height));
        urs_point *points = urs_array_new(head->polygon_count, sizeof *points);
        if (!points)
            return urs_fail(err, URS_ENOMEM, "no memory for an outline of %zu points", head->polygon_count);
        for (size_t i = 0; i < head->polygon_count; i++)
            points[i] = (urs_point){head->polygon[i].x * sx, head->polygon[i].y * sy};
        urs_polygon_fill(&s->index, points, head->polygon_count, (uint8_t)(order[k].object + 1));
        s->objects[order[k].object].has_mask = true;
        urs_free(points);
    }
    return status;
}

/* Values of the mask file to object numbers. */
static void renumber(urs_scene *s, const urs_sample *sample, const size_t *heads)
{
    uint8_t table[256] = {0};
    for (size_t i = 0; i < s->count; i++) {
        const int32_t value = sample->heads[heads[i]].mask_value;
        if (value > 0 && value < 256) {
            table[value] = (uint8_t)(i + 1);
            s->objects[i].has_mask = true;
        }
    }
    for (size_t i = 0; i < (size_t)s->index.width * (size_t)s->index.height; i++)
        s->index.data[i] = table[s->index.data[i]];
}

static double covered(const urs_image *body, urs_box box)
{
    const int32_t x1 = (int32_t)fmaxf(box.x1, 0), y1 = (int32_t)fmaxf(box.y1, 0);
    const int32_t x2 = (int32_t)fminf(box.x2, (float)body->width), y2 = (int32_t)fminf(box.y2, (float)body->height);
    int64_t inside = 0;
    for (int32_t y = y1; y < y2; y++)
        for (int32_t x = x1; x < x2; x++)
            inside += *urs_image_at(body, x, y) != 0;
    return x2 > x1 && y2 > y1 ? (double)inside / ((double)(x2 - x1) * (double)(y2 - y1)) : 0;
}

static void take_heads(urs_scene *s, size_t *heads, const urs_sample *sample, bool one_class, int32_t full_width, int32_t full_height)
{
    const float w = (float)s->image.width, h = (float)s->image.height;
    for (size_t i = 0; i < sample->head_count && s->count < URS_HEADS_MAX; i++) {
        const urs_head head = urs_sample_head(sample, i, s->image.width, s->image.height, full_width, full_height);
        urs_object *o = &s->objects[s->count];
        const urs_box box = {fmaxf(head.box.x1, 0), fmaxf(head.box.y1, 0), fminf(head.box.x2, w), fminf(head.box.y2, h)};
        if (head.ignore || !(box.x2 > box.x1) || !(box.y2 > box.y1))
            continue;
        *o = (urs_object){.box = box, .label = one_class || head.label < 0 ? 0 : head.label, .individual = head.individual};
        o->has_points = head.has_left_eye && head.has_right_eye && head.has_nose;
        o->left_eye = head.left_eye;
        o->right_eye = head.right_eye;
        o->nose = head.nose;
        heads[s->count++] = i;
    }
}

urs_status urs_scene_load(urs_scene *out, const urs_sample *sample, int32_t side, bool one_class, urs_error *err)
{
    urs_scene s = {0};
    int32_t full_width = 0, full_height = 0;
    size_t *heads = urs_array_new(sample->head_count + 1, sizeof *heads);
    urs_status status = urs_picture_load(&s.image, sample->path, side, &full_width, &full_height, err);
    if (status != URS_OK)
        goto done;
    if (side > 0 && s.image.width < side && s.image.height < side) { /* YOLO's loader scales small pictures up as well */
        urs_image larger = {0};
        const double r = fmin((double)side / s.image.width, (double)side / s.image.height);
        status = urs_image_resize(&larger, &s.image, (int32_t)fmax(1, nearbyint(s.image.width * r)), (int32_t)fmax(1, nearbyint(s.image.height * r)),
                                  URS_FILTER_BILINEAR, err);
        if (status != URS_OK)
            goto done;
        urs_image_release(&s.image);
        s.image = larger;
    }
    s.objects = urs_array_new(sample->head_count + 1, sizeof *s.objects);
    if (!s.objects || !heads) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the objects of '%s'", sample->path);
        goto done;
    }
    take_heads(&s, heads, sample, one_class, full_width, full_height);
    if (sample->mask_path) {
        status = load_map(&s.index, sample->mask_path, s.image.width, s.image.height, err);
        if (status != URS_OK)
            goto done;
        renumber(&s, sample, heads);
    }
    status = paint_polygons(&s, sample, heads, full_width, full_height, err);
    if (status == URS_OK && sample->body_path) {
        status = load_map(&s.body, sample->body_path, s.image.width, s.image.height, err);
        s.can_paste = status == URS_OK && s.count > 0;
        for (size_t i = 0; s.can_paste && i < s.count; i++)
            s.can_paste = covered(&s.body, s.objects[i].box) >= COVERED_MIN;
    }
done:
    urs_free(heads);
    if (status == URS_OK)
        *out = s;
    else
        urs_scene_release(&s);
    return status;
}

/* ---- sets ---- */

static bool add_background(urs_scene_set *set, urs_image *image)
{
    if (!urs_array_resize((void **)&set->backgrounds, set->background_count + 1, sizeof *set->backgrounds))
        return false;
    set->backgrounds[set->background_count++] = *image;
    *image = (urs_image){0};
    return true;
}

urs_status urs_scene_set_load(urs_scene_set *out, const urs_dataset *dataset, const size_t *items, size_t n, int32_t side, bool one_class, urs_error *err)
{
    urs_status status = URS_OK;
    urs_scene_set set = {.scenes = urs_array_new(n, sizeof *set.scenes)};
    if (!set.scenes)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu scenes", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const urs_sample *sample = &dataset->samples[items[i]];
        status = urs_scene_load(&set.scenes[set.count], sample, side, one_class, err);
        if (status != URS_OK)
            break;
        set.count++;
        if (!sample->has_heads) {
            urs_scene *last = &set.scenes[set.count - 1];
            if (!add_background(&set, &last->image))
                status = urs_fail(err, URS_ENOMEM, "no memory for a background");
            urs_scene_release(last);
            set.count--;
        }
    }
    if (status == URS_OK)
        *out = set;
    else
        urs_scene_set_release(&set);
    return status;
}

urs_status urs_scene_set_add_backgrounds(urs_scene_set *set, const urs_dataset *dataset, const size_t *items, size_t n, int32_t side, urs_error *err)
{
    for (size_t i = 0; i < n; i++) {
        urs_sample bare = {.path = dataset->samples[items[i]].path};
        urs_scene scene = {0};
        const urs_status status = urs_scene_load(&scene, &bare, side, true, err);
        if (status != URS_OK)
            return status;
        if (!add_background(set, &scene.image)) {
            urs_scene_release(&scene);
            return urs_fail(err, URS_ENOMEM, "no memory for a background");
        }
        urs_scene_release(&scene);
    }
    return URS_OK;
}

void urs_scene_set_release(urs_scene_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        urs_scene_release(&set->scenes[i]);
    for (size_t i = 0; i < set->background_count; i++)
        urs_image_release(&set->backgrounds[i]);
    urs_free(set->scenes);
    urs_free(set->backgrounds);
    memset(set, 0, sizeof *set);
}
