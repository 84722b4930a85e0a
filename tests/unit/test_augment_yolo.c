/* The YOLO pipeline: boxes, masks and points follow the pixels. Every object is a rectangle of its own colour, so the picture itself says where it is. */
#include "base/memory.h"
#include "data/augment_yolo.h"
#include "harness.h"

#include <string.h>

static const uint8_t colours[4][3] = {{250, 0, 0}, {0, 250, 0}, {0, 0, 250}, {250, 250, 0}};

/* A grey scene with one rectangle of colours[which], with mask, body and points. */
static urs_scene scene_new(int32_t w, int32_t h, int which, urs_box box)
{
    urs_scene s = {0};
    if (urs_image_new(&s.image, w, h, 3, NULL) != URS_OK || urs_image_new(&s.index, w, h, 1, NULL) != URS_OK || urs_image_new(&s.body, w, h, 1, NULL) != URS_OK)
        return s;
    memset(s.image.data, 60, (size_t)w * (size_t)h * 3);
    for (int32_t y = (int32_t)box.y1; y < (int32_t)box.y2; y++)
        for (int32_t x = (int32_t)box.x1; x < (int32_t)box.x2; x++) {
            memcpy(urs_image_at(&s.image, x, y), colours[which], 3);
            *urs_image_at(&s.index, x, y) = 1;
            *urs_image_at(&s.body, x, y) = 255;
        }
    s.objects = urs_array_new(1, sizeof *s.objects);
    s.objects[0] = (urs_object){.box = box, .label = which, .has_mask = true, .has_points = true, .left_eye = {box.x1 + 2, box.y1 + 2}, .right_eye = {box.x2 - 2, box.y1 + 2},
                                .nose = {(box.x1 + box.x2) / 2, box.y2 - 2}};
    s.count = 1;
    s.can_paste = true;
    return s;
}

static bool is_colour(const uint8_t *p, int which)
{
    for (int c = 0; c < 3; c++)
        if (p[c] > colours[which][c] + 90 || p[c] < colours[which][c] - 90)
            return false;
    return true;
}

static bool within(urs_box b, float x, float y)
{
    return x >= b.x1 && y >= b.y1 && x < b.x2 && y < b.y2;
}

/* Bounding box of the colour in a region of the picture; false if it is not there. */
static bool find_colour(urs_box *out, const urs_image *image, int which, urs_box region)
{
    urs_box b = {1e9f, 1e9f, -1, -1};
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++)
            if (within(region, (float)x, (float)y) && is_colour(urs_image_at(image, x, y), which)) {
                b = (urs_box){fminf(b.x1, (float)x), fminf(b.y1, (float)y), fmaxf(b.x2, (float)x + 1), fmaxf(b.y2, (float)y + 1)};
            }
    *out = b;
    return b.x2 > 0;
}

static void check_box(urs_test *t, int line, urs_box a, urs_box b, float tolerance)
{
    if (fabsf(a.x1 - b.x1) > tolerance || fabsf(a.y1 - b.y1) > tolerance || fabsf(a.x2 - b.x2) > tolerance || fabsf(a.y2 - b.y2) > tolerance)
        urs_test_fail(t, __FILE__, line, "box %g %g %g %g, expected %g %g %g %g", (double)a.x1, (double)a.y1, (double)a.x2, (double)a.y2, (double)b.x1, (double)b.y1,
                      (double)b.x2, (double)b.y2);
}

/* Every object's box lies around its colour, and the index map holds its number there and nowhere else (away from edges, which are blended). Looked at is the box and 8 pixels
 * around it: a second copy of the scene, of which too little was left to be an object, may show its colour elsewhere. */
static void check_sample(urs_test *t, int line, const urs_yolo_sample *s, float tolerance)
{
    for (size_t i = 0; i < s->count; i++) {
        const urs_object *o = &s->objects[i];
        const urs_box region = {o->box.x1 - 8, o->box.y1 - 8, o->box.x2 + 8, o->box.y2 + 8};
        urs_box seen;
        size_t wrong = 0, inside = 0;
        if (!find_colour(&seen, &s->image, o->label, region)) {
            urs_test_fail(t, __FILE__, line, "object %zu is not in the picture", i);
            continue;
        }
        check_box(t, line, o->box, seen, tolerance);
        for (size_t k = 0; k < (size_t)s->index.width * (size_t)s->index.height; k++)
            inside += s->index.data[k] == i + 1;
        for (int32_t y = 1; y + 1 < s->index.height; y++)
            for (int32_t x = 1; x + 1 < s->index.width; x++) {
                const bool marked = *urs_image_at(&s->index, x, y) == i + 1, near = within(region, 4 * (float)x + 2, 4 * (float)y + 2);
                bool all = true, none = true;
                for (int32_t k = 0; k < 36; k++) {
                    const bool c = is_colour(urs_image_at(&s->image, 4 * x - 1 + k % 6, 4 * y - 1 + k / 6), o->label);
                    all = all && c;
                    none = none && !c;
                }
                wrong += (all && near && !marked) || (none && marked);
            }
        if (wrong > 0)
            urs_test_fail(t, __FILE__, line, "object %zu: %zu cells of the index map are wrong", i, wrong);
        if (o->has_mask && inside == 0 && (o->box.x2 - o->box.x1) * (o->box.y2 - o->box.y1) > 100)
            urs_test_fail(t, __FILE__, line, "object %zu has an empty mask", i);
        if (o->has_points && (o->nose.x < seen.x1 - 1 || o->nose.x > seen.x2 + 1 || o->nose.y < seen.y1 - 1 || o->nose.y > seen.y2 + 1 || o->left_eye.x > o->right_eye.x))
            urs_test_fail(t, __FILE__, line, "object %zu: its points lie outside", i);
    }
}

static void mosaic_layout_by_hand(urs_test *t)
{
    /* side 100, canvas 200, centre (80, 120); tiles 100x60, 60x100, 100x100, 50x40 */
    const int32_t w[4] = {100, 60, 100, 50}, h[4] = {60, 100, 100, 40};
    const urs_mosaic m = urs_mosaic_layout(100, 80, 120, w, h);
    check_box(t, __LINE__, m.to[0], (urs_box){0, 60, 80, 120}, 0);
    check_box(t, __LINE__, m.from[0], (urs_box){20, 0, 100, 60}, 0);
    check_box(t, __LINE__, m.to[1], (urs_box){80, 20, 140, 120}, 0);
    check_box(t, __LINE__, m.from[1], (urs_box){0, 0, 60, 100}, 0);
    check_box(t, __LINE__, m.to[2], (urs_box){0, 120, 80, 200}, 0);
    check_box(t, __LINE__, m.from[2], (urs_box){20, 0, 100, 80}, 0);
    check_box(t, __LINE__, m.to[3], (urs_box){80, 120, 130, 160}, 0);
    check_box(t, __LINE__, m.from[3], (urs_box){0, 0, 50, 40}, 0);
}

static void warp_by_hand(urs_test *t)
{
    urs_scene s = scene_new(64, 64, 0, (urs_box){16, 8, 40, 24});
    urs_yolo_sample out = {0};
    urs_error err = {0};
    /* Twice as large, moved by (-16, -16): output = 2 * input - 16. */
    const double m[6] = {0.5, 0, 8, 0, 0.5, 8}, far[6] = {1, 0, 60, 0, 1, 0};
    URS_REQUIRE_OK(t, urs_scene_warp(&out, &s, 96, m, 2, &err), err);
    URS_REQUIRE(t, out.count == 1);
    check_box(t, __LINE__, out.objects[0].box, (urs_box){16, 0, 64, 32}, 1e-4f);
    URS_CHECK_NEAR(t, out.objects[0].left_eye.x, 20, 1e-4);
    URS_CHECK_INT(t, *urs_image_at(&out.index, 4, 0), 1);
    URS_CHECK_INT(t, *urs_image_at(&out.index, 15, 7), 1);
    URS_CHECK_INT(t, *urs_image_at(&out.index, 16, 7), 0);
    URS_CHECK_INT(t, *urs_image_at(&out.index, 15, 8), 0);
    check_sample(t, __LINE__, &out, 2);
    urs_yolo_sample_release(&out);
    /* The whole object beyond the left edge: dropped, and its number gone from the map. */
    URS_REQUIRE_OK(t, urs_scene_warp(&out, &s, 64, far, 1, &err), err);
    URS_CHECK_INT(t, out.count, 0);
    for (size_t i = 0; i < 256; i++)
        URS_CHECK_INT(t, out.index.data[i], 0);
    urs_yolo_sample_release(&out);
    URS_CHECK_INT(t, urs_scene_warp(&out, &s, 64, (const double[6]){1, 1, 0, 1, 1, 0}, 1, &err), URS_EINVAL);
    urs_scene_release(&s);
}

static void rotation_keeps_the_box_tight(urs_test *t)
{
    /* A disc: its box does not grow when it turns, while that of its corners would. */
    urs_scene s = scene_new(96, 96, 2, (urs_box){28, 28, 68, 68});
    urs_yolo_sample out = {0};
    urs_error err = {0};
    const double c = cos(0.7), n = sin(0.7), m[6] = {c, -n, 48 - 48 * c + 48 * n, n, c, 48 - 48 * n - 48 * c};
    for (int32_t y = 28; y < 68; y++)
        for (int32_t x = 28; x < 68; x++)
            if ((x - 47.5) * (x - 47.5) + (y - 47.5) * (y - 47.5) > 400) {
                memset(urs_image_at(&s.image, x, y), 60, 3);
                *urs_image_at(&s.index, x, y) = 0;
            }
    s.objects[0].has_points = false;
    URS_REQUIRE_OK(t, urs_scene_warp(&out, &s, 96, m, 1, &err), err);
    URS_REQUIRE(t, out.count == 1);
    check_box(t, __LINE__, out.objects[0].box, (urs_box){28, 28, 68, 68}, 1.5f);
    check_sample(t, __LINE__, &out, 2);
    urs_yolo_sample_release(&out);
    s.objects[0].has_mask = false;
    URS_REQUIRE_OK(t, urs_scene_warp(&out, &s, 96, m, 1, &err), err);
    URS_CHECK_NEAR(t, out.objects[0].box.x2 - out.objects[0].box.x1, 40 * (c + n), 0.1);
    urs_yolo_sample_release(&out);
    urs_scene_release(&s);
}

static void make_set(urs_scene_set *set)
{
    static const int32_t sizes[4][2] = {{128, 96}, {80, 128}, {128, 128}, {128, 60}};
    static const urs_box boxes[4] = {{20, 10, 70, 60}, {5, 40, 75, 120}, {60, 60, 120, 100}, {4, 4, 44, 56}};
    memset(set, 0, sizeof *set);
    set->scenes = urs_array_new(4, sizeof *set->scenes);
    for (int i = 0; i < 4; i++)
        set->scenes[set->count++] = scene_new(sizes[i][0], sizes[i][1], i, boxes[i]);
}

static void mosaics_follow_the_pixels(urs_test *t)
{
    urs_scene_set set;
    urs_error err = {0};
    size_t objects = 0, cut = 0, checked = 0;
    urs_yolo_augment o = urs_yolo_augment_default(128);
    make_set(&set);
    o.hsv_h = o.hsv_s = o.hsv_v = 0;
    for (uint64_t i = 0; i < 120; i++) {
        urs_yolo_sample s = {0};
        bool twice = false;
        URS_REQUIRE_OK(t, urs_yolo_sample_at(&s, &set, i % 4, &o, 1, 0, i, &err), err);
        URS_CHECK(t, s.image.width == 128 && s.image.height == 128 && s.index.width == 32 && s.index.height == 32);
        objects += s.count;
        for (size_t a = 0; a < s.count; a++) {
            cut += s.objects[a].box.x1 <= 0 || s.objects[a].box.y2 >= 128;
            for (size_t b = 0; b < a; b++)
                twice = twice || s.objects[a].label == s.objects[b].label;
        }
        checked += !twice;
        if (!twice) /* two copies side by side cannot be told apart by colour */
            check_sample(t, __LINE__, &s, 2.5f);
        urs_yolo_sample_release(&s);
    }
    URS_CHECK(t, objects > 120 && cut > 10 && checked > 40);
    urs_scene_set_release(&set);
}

static void single_scenes_follow_the_pixels(urs_test *t)
{
    urs_scene_set set;
    urs_error err = {0};
    urs_yolo_augment o = {.side = 128, .degrees = 25, .translate = 0.1f, .scale = 0.4f, .shear = 4, .flip = 0.5f};
    make_set(&set);
    for (uint64_t i = 0; i < 60; i++) {
        urs_yolo_sample s = {0};
        URS_REQUIRE_OK(t, urs_yolo_sample_at(&s, &set, i % 4, &o, 2, 0, i, &err), err);
        check_sample(t, __LINE__, &s, 3);
        urs_yolo_sample_release(&s);
    }
    o.side = 96; /* scenes of another size are fitted first */
    o.degrees = o.shear = 0;
    for (uint64_t i = 0; i < 20; i++) {
        urs_yolo_sample s = {0};
        URS_REQUIRE_OK(t, urs_yolo_sample_at(&s, &set, i % 4, &o, 3, 0, i, &err), err);
        check_sample(t, __LINE__, &s, 2.5f);
        urs_yolo_sample_release(&s);
    }
    urs_scene_set_release(&set);
}

static void pasted_heads_follow_the_pixels(urs_test *t)
{
    urs_scene_set set;
    urs_error err = {0};
    const urs_yolo_augment o = {.side = 128, .flip = 0.5f, .paste = 1}, empty = {.side = 128, .mosaic = 1, .empty = 1};
    size_t objects = 0;
    make_set(&set);
    set.backgrounds = urs_array_new(1, sizeof *set.backgrounds);
    URS_REQUIRE_OK(t, urs_image_new(&set.backgrounds[0], 128, 100, 3, &err), err);
    set.background_count = 1;
    for (size_t i = 0; i < 128 * 100; i++) {
        set.backgrounds[0].data[3 * i] = (uint8_t)(100 + i % 20);
        set.backgrounds[0].data[3 * i + 1] = 130;
        set.backgrounds[0].data[3 * i + 2] = 90;
    }
    for (uint64_t i = 0; i < 60; i++) {
        urs_yolo_sample s = {0};
        urs_scene pasted = {0};
        urs_random r;
        urs_random_init_stream(&r, 5, i);
        URS_REQUIRE_OK(t, urs_yolo_sample_at(&s, &set, i % 4, &o, 4, 0, i, &err), err);
        objects += s.count;
        urs_yolo_sample_release(&s);
        URS_REQUIRE_OK(t, urs_yolo_sample_at(&s, &set, i % 4, &empty, 4, 0, i, &err), err);
        URS_CHECK_INT(t, s.count, 0);
        urs_yolo_sample_release(&s);
        /* Colours are matched to the place, so the body map tells where the animal is. */
        URS_REQUIRE_OK(t, urs_scene_paste(&pasted, &set.backgrounds[0], &set.scenes[i % 4], &r, &err), err);
        if (pasted.count == 1) {
            urs_box b = {1e9f, 1e9f, -1, -1};
            size_t differ = 0;
            for (int32_t y = 0; y < 100; y++)
                for (int32_t x = 0; x < 128; x++) {
                    differ += (*urs_image_at(&pasted.body, x, y) != 0) != (*urs_image_at(&pasted.index, x, y) != 0);
                    if (*urs_image_at(&pasted.body, x, y))
                        b = (urs_box){fminf(b.x1, (float)x), fminf(b.y1, (float)y), fmaxf(b.x2, (float)x + 1), fmaxf(b.y2, (float)y + 1)};
                }
            check_box(t, __LINE__, pasted.objects[0].box, b, 3);
            URS_CHECK_INT(t, differ, 0);
        }
        urs_scene_release(&pasted);
    }
    URS_CHECK(t, objects > 50);
    urs_scene_set_release(&set);
}

static void samples_are_functions_of_seed_epoch_and_position(urs_test *t)
{
    urs_scene_set set;
    urs_error err = {0};
    urs_yolo_sample a = {0}, b = {0}, c = {0};
    urs_yolo_augment o = urs_yolo_augment_default(64);
    o.quality = (urs_photometric){.p_infrared = 0.5f, .p_jpeg = 0.5f, .p_noise = 0.5f};
    make_set(&set);
    URS_REQUIRE_OK(t, urs_yolo_sample_at(&a, &set, 1, &o, 9, 3, 17, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_sample_at(&b, &set, 1, &o, 9, 3, 17, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_sample_at(&c, &set, 1, &o, 9, 4, 17, &err), err);
    URS_CHECK(t, memcmp(a.image.data, b.image.data, 64 * 64 * 3) == 0 && memcmp(a.index.data, b.index.data, 256) == 0 && a.count == b.count);
    URS_CHECK(t, memcmp(a.image.data, c.image.data, 64 * 64 * 3) != 0);
    urs_yolo_sample_release(&a);
    urs_yolo_sample_release(&b);
    urs_yolo_sample_release(&c);
    URS_CHECK_INT(t, urs_yolo_sample_at(&a, &set, 9, &o, 1, 1, 1, &err), URS_EINVAL);
    o.side = 100;
    URS_CHECK_INT(t, urs_yolo_sample_at(&a, &set, 0, &o, 1, 1, 1, &err), URS_EINVAL);
    urs_scene_set_release(&set);
}

static void validation_is_the_letterbox(urs_test *t)
{
    urs_scene s = scene_new(128, 60, 3, (urs_box){4, 4, 44, 56});
    urs_yolo_sample out = {0};
    urs_letterbox how;
    urs_error err = {0};
    float *tensor = urs_array_new(3 * 128 * 128, sizeof *tensor);
    URS_REQUIRE_OK(t, urs_yolo_sample_plain(&out, &s, 128, &how, &err), err);
    URS_CHECK_INT(t, how.pad_top, 34);
    check_box(t, __LINE__, out.objects[0].box, (urs_box){4, 38, 44, 90}, 1e-4f);
    check_box(t, __LINE__, urs_letterbox_to_picture(&how, out.objects[0].box), (urs_box){4, 4, 44, 56}, 1e-4f);
    URS_CHECK_INT(t, urs_image_at(&out.image, 64, 10)[1], 114);
    urs_yolo_sample_tensor(tensor, &out);
    URS_CHECK_NEAR(t, tensor[128 * 128 + 60 * 128 + 20], 250 / 255.0, 1e-6);
    URS_CHECK_NEAR(t, tensor[2 * 128 * 128 + 60 * 128 + 20], 0, 1e-6);
    urs_free(tensor);
    urs_yolo_sample_release(&out);
    urs_scene_release(&s);
}

static void outlines_are_filled(urs_test *t)
{
    urs_image map = {0};
    urs_error err = {0};
    const urs_point square[4] = {{2, 3}, {8, 3}, {8, 7}, {2, 7}}, wild[3] = {{-1e8f, -5}, {1e8f, 50}, {3, 1e8f}};
    int32_t count = 0;
    URS_REQUIRE_OK(t, urs_image_new(&map, 12, 10, 1, &err), err);
    urs_polygon_fill(&map, square, 4, 7);
    for (int32_t y = 0; y < 10; y++)
        for (int32_t x = 0; x < 12; x++)
            count += (*urs_image_at(&map, x, y) == 7) == (x >= 2 && x < 8 && y >= 3 && y < 7);
    URS_CHECK_INT(t, count, 120);
    urs_polygon_fill(&map, wild, 3, 9);
    urs_polygon_fill(&map, square, 0, 9);
    urs_image_release(&map);
}

int main(void)
{
    static const urs_case cases[] = {{"mosaic_layout_by_hand", mosaic_layout_by_hand},
                                     {"warp_by_hand", warp_by_hand},
                                     {"rotation_keeps_the_box_tight", rotation_keeps_the_box_tight},
                                     {"mosaics_follow_the_pixels", mosaics_follow_the_pixels},
                                     {"single_scenes_follow_the_pixels", single_scenes_follow_the_pixels},
                                     {"pasted_heads_follow_the_pixels", pasted_heads_follow_the_pixels},
                                     {"samples_are_functions_of_seed_epoch_and_position", samples_are_functions_of_seed_epoch_and_position},
                                     {"validation_is_the_letterbox", validation_is_the_letterbox},
                                     {"outlines_are_filled", outlines_are_filled}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
