/* Augmentation: what each change does to pixels that are known, that neutral settings do nothing, and that the same draw gives the same bytes. */
#include "base/memory.h"
#include "data/augment.h"
#include "harness.h"

#include <string.h>

static urs_image picture(int32_t w, int32_t h, uint64_t seed)
{
    urs_image image = {0};
    urs_random r;
    urs_random_init(&r, seed);
    if (urs_image_new(&image, w, h, 3, NULL) == URS_OK)
        for (int32_t y = 0; y < h; y++)
            for (int32_t x = 0; x < w; x++)
                for (int c = 0; c < 3; c++)
                    urs_image_at(&image, x, y)[c] = (uint8_t)(128 + 70 * sin(0.1 * x + c) * cos(0.08 * y - c) + (double)urs_random_below(&r, 20));
    return image;
}

static urs_image solid(int32_t w, int32_t h, uint8_t r, uint8_t g, uint8_t b)
{
    urs_image image = {0};
    if (urs_image_new(&image, w, h, 3, NULL) == URS_OK)
        for (int32_t i = 0; i < w * h; i++) {
            image.data[3 * i] = r;
            image.data[3 * i + 1] = g;
            image.data[3 * i + 2] = b;
        }
    return image;
}

static size_t bytes_of(const urs_image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static int largest_difference(const urs_image *a, const urs_image *b)
{
    int most = 0;
    for (size_t i = 0; i < bytes_of(a); i++) {
        const int d = a->data[i] > b->data[i] ? a->data[i] - b->data[i] : b->data[i] - a->data[i];
        most = d > most ? d : most;
    }
    return most;
}

static void neutral_settings_change_nothing(urs_test *t)
{
    urs_image a = picture(61, 37, 1), b = picture(61, 37, 1), c = {0};
    urs_error err = {0};
    urs_random r;
    urs_random_init(&r, 4);
    urs_augment_tone(&b, 1, 1, 1);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    urs_augment_tint(&b, 1, 0);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    URS_REQUIRE_OK(t, urs_augment_photometric(&b, &(urs_photometric){0}, &r, &err), err);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    URS_REQUIRE_OK(t, urs_augment_geometric(&c, &b, 61, 37, &(urs_geometric){0}, &r, &err), err);
    URS_CHECK_INT(t, largest_difference(&a, &c), 0);
    URS_REQUIRE_OK(t, urs_augment_sharpen(&b, 0, &err), err);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    urs_augment_hsv(&b, 1, 1, 1); /* eight bits there and back lose a little, as in OpenCV */
    URS_CHECK(t, largest_difference(&a, &b) <= 6);
    urs_image_release(&a);
    urs_image_release(&b);
    urs_image_release(&c);
}

static void check_pixel(urs_test *t, int line, const urs_image *image, int r, int g, int b, int tolerance)
{
    const uint8_t *p = urs_image_at(image, image->width / 2, image->height / 2);
    const int want[3] = {r, g, b};
    for (int c = 0; c < 3; c++)
        if (p[c] - want[c] > tolerance || want[c] - p[c] > tolerance)
            urs_test_fail(t, __FILE__, line, "pixel %d %d %d, expected %d %d %d", p[0], p[1], p[2], r, g, b);
}

static void colours_are_those_of_the_formulas(urs_test *t)
{
    urs_image i = solid(4, 4, 255, 0, 0);
    urs_augment_tint(&i, 1, 1.0f / 3);
    check_pixel(t, __LINE__, &i, 0, 255, 0, 1);
    urs_augment_tint(&i, 0, 0);
    check_pixel(t, __LINE__, &i, 150, 150, 150, 1); /* luma of green */
    urs_image_release(&i);
    i = solid(4, 4, 100, 50, 200);
    urs_augment_tone(&i, 1.2f, 1, 1);
    check_pixel(t, __LINE__, &i, 120, 60, 240, 1);
    urs_augment_tone(&i, 1, 1, 2);
    check_pixel(t, __LINE__, &i, 56, 14, 226, 1);
    urs_augment_tone(&i, 1, 0, 1); /* no contrast: the mean luma (51) everywhere */
    check_pixel(t, __LINE__, &i, 51, 51, 51, 1);
    urs_image_release(&i);
    i = solid(4, 4, 0, 255, 0);
    urs_augment_hsv(&i, 1.5f, 1, 1); /* H 60 -> 90 of 180 */
    check_pixel(t, __LINE__, &i, 0, 255, 255, 1);
    urs_augment_hsv(&i, 1, 0.5f, 0.5f);
    check_pixel(t, __LINE__, &i, 64, 127, 127, 2);
    urs_image_release(&i);
    i = solid(4, 4, 10, 20, 250);
    urs_augment_grey(&i);
    check_pixel(t, __LINE__, &i, 43, 43, 43, 1);
    urs_image_release(&i);
}

static void infrared_is_grey_bright_in_the_middle(urs_test *t)
{
    urs_image a = solid(120, 90, 120, 140, 90), b = solid(120, 90, 120, 140, 90);
    urs_random r, same;
    urs_random_init(&r, 8);
    same = r;
    urs_augment_infrared(&a, 1, 0.5f, 0.5f, &r);
    urs_augment_infrared(&b, 1, 0.5f, 0.5f, &same);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    for (size_t i = 0; i < 120 * 90; i++)
        URS_CHECK(t, a.data[3 * i] == a.data[3 * i + 1] && a.data[3 * i] == a.data[3 * i + 2]);
    {
        double middle = 0, corner = 0;
        for (int32_t y = 0; y < 20; y++)
            for (int32_t x = 0; x < 20; x++) {
                middle += *urs_image_at(&a, 50 + x, 35 + y);
                corner += *urs_image_at(&a, x, y);
            }
        URS_CHECK(t, middle > 1.3 * corner);
    }
    urs_image_release(&a);
    urs_image_release(&b);
}

static void blur_keeps_sums_and_noise_has_its_deviation(urs_test *t)
{
    urs_image i = solid(31, 31, 0, 0, 0), flat = solid(100, 100, 128, 128, 128);
    urs_error err = {0};
    urs_random r;
    double sum = 0, square = 0;
    int total = 0;
    urs_image_at(&i, 15, 15)[0] = 250;
    URS_REQUIRE_OK(t, urs_augment_blur(&i, 1.5f, &err), err);
    for (size_t k = 0; k < 31 * 31; k++)
        total += i.data[3 * k];
    URS_CHECK_NEAR(t, total, 250, 12); /* rounded twice at each of about forty pixels */
    URS_CHECK_NEAR(t, urs_image_at(&i, 15, 15)[0], 250 / (2 * 3.14159 * 2.25), 1.5);
    URS_CHECK_INT(t, urs_image_at(&i, 13, 15)[0], urs_image_at(&i, 17, 15)[0]);
    URS_CHECK_INT(t, urs_image_at(&i, 15, 13)[0], urs_image_at(&i, 17, 15)[0]);
    URS_REQUIRE_OK(t, urs_augment_blur(&flat, 3, &err), err);
    URS_REQUIRE_OK(t, urs_augment_sharpen(&flat, 2, &err), err);
    check_pixel(t, __LINE__, &flat, 128, 128, 128, 0);
    urs_random_init(&r, 3);
    urs_augment_noise(&flat, 8, false, &r);
    for (size_t k = 0; k < 30000; k++) {
        sum += flat.data[k];
        square += (double)flat.data[k] * flat.data[k];
    }
    URS_CHECK_NEAR(t, sum / 30000, 128, 0.3);
    URS_CHECK_NEAR(t, sqrt(square / 30000 - sum / 30000 * sum / 30000), 8, 0.3);
    urs_image_release(&i);
    urs_image_release(&flat);
}

static void codec_and_scale_keep_the_picture(urs_test *t)
{
    urs_image a = picture(80, 60, 2), b = picture(80, 60, 2);
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_augment_jpeg(&b, 95, &err), err);
    URS_CHECK(t, b.width == 80 && b.height == 60 && b.channels == 3);
    URS_CHECK(t, largest_difference(&a, &b) > 0 && largest_difference(&a, &b) < 60);
    URS_REQUIRE_OK(t, urs_augment_downscale(&b, 2, &err), err);
    URS_CHECK(t, b.width == 80 && b.height == 60);
    urs_image_release(&a);
    urs_image_release(&b);
}

static void matrices_map_what_they_should(urs_test *t)
{
    urs_random r;
    double m[6];
    urs_random_init(&r, 1);
    urs_augment_matrix(m, 200, 100, 50, 50, &(urs_geometric){.flip = 1}, &r);
    /* Output's left edge is the input's right edge. */
    URS_CHECK_NEAR(t, m[0] * 0 + m[1] * 10 + m[2], 200, 1e-9);
    URS_CHECK_NEAR(t, m[0] * 50 + m[1] * 10 + m[2], 0, 1e-9);
    URS_CHECK_NEAR(t, m[3] * 0 + m[4] * 50 + m[5], 100, 1e-9);
    for (int i = 0; i < 200; i++) { /* a crop stays inside and has its share of the area */
        double x1, y1, x2, y2;
        urs_augment_matrix(m, 200, 100, 64, 64, &(urs_geometric){.crop_min = 0.3f, .crop_aspect = 0.4f}, &r);
        x1 = m[2];
        y1 = m[5];
        x2 = m[0] * 64 + m[2];
        y2 = m[4] * 64 + m[5];
        URS_CHECK(t, x1 >= -1e-9 && y1 >= -1e-9 && x2 <= 200 + 1e-9 && y2 <= 100 + 1e-9 && m[1] == 0 && m[3] == 0);
        URS_CHECK(t, (x2 - x1) * (y2 - y1) >= 0.3 * 20000 - 1e-6);
    }
    for (int i = 0; i < 50; i++) { /* rotation alone keeps lengths and the centre */
        urs_augment_matrix(m, 64, 64, 64, 64, &(urs_geometric){.rotate = 90}, &r);
        URS_CHECK_NEAR(t, m[0] * m[0] + m[3] * m[3], 1, 1e-9);
        URS_CHECK_NEAR(t, m[0] * m[4] - m[1] * m[3], 1, 1e-9);
        URS_CHECK_NEAR(t, m[0] * 32 + m[1] * 32 + m[2], 32, 1e-9);
    }
}

static void geometric_is_deterministic_and_erases(urs_test *t)
{
    urs_image in = picture(90, 70, 3), a = {0}, b = {0};
    urs_error err = {0};
    urs_random r, same;
    const urs_geometric g = {.rotate = 20, .scale = 0.2f, .translate = 0.1f, .shear = 5, .flip = 0.5f, .crop_min = 0.5f, .crop_aspect = 0.3f, .erase = 1, .fill = 7};
    urs_random_init(&r, 77);
    same = r;
    URS_REQUIRE_OK(t, urs_augment_geometric(&a, &in, 64, 48, &g, &r, &err), err);
    URS_REQUIRE_OK(t, urs_augment_geometric(&b, &in, 64, 48, &g, &same, &err), err);
    URS_CHECK_INT(t, largest_difference(&a, &b), 0);
    for (int i = 0; i < 50; i++) {
        urs_image s = solid(40, 30, 200, 200, 200);
        const urs_box box = urs_augment_erase(&s, 0.02f, 0.3f, 0, false, &r);
        int32_t black = 0;
        for (int32_t y = 0; y < 30; y++)
            for (int32_t x = 0; x < 40; x++) {
                const bool inside = (float)x >= box.x1 && (float)x < box.x2 && (float)y >= box.y1 && (float)y < box.y2;
                URS_CHECK(t, (*urs_image_at(&s, x, y) == 0) == inside);
                black += inside;
            }
        URS_CHECK(t, black > 0 && black <= 360);
        urs_image_release(&s);
    }
    urs_image_release(&in);
    urs_image_release(&a);
    urs_image_release(&b);
}

static void strips_are_painted_and_cut(urs_test *t)
{
    urs_random r;
    urs_error err = {0};
    urs_random_init(&r, 5);
    for (int i = 0; i < 40; i++) {
        urs_image s = solid(240, 160, 90, 120, 60), cut = {0};
        int32_t changed = 0, middle = 0;
        urs_augment_strip(&s, &r);
        for (int32_t y = 0; y < 160; y++) {
            const uint8_t *p = urs_image_at(&s, 239, y);
            changed += !(p[0] == 90 && p[1] == 120);
            middle += y > 20 && y < 140 && !(p[0] == 90 && p[1] == 120);
        }
        URS_CHECK(t, changed >= 8 && changed <= 30 && middle == 0);
        URS_REQUIRE_OK(t, urs_augment_strip_crop(&cut, &s, 0.1f, i % 2 == 0, &err), err);
        URS_CHECK(t, cut.width == 240 && cut.height == 144);
        URS_CHECK(t, memcmp(cut.data, urs_image_at(&s, 0, i % 2 == 0 ? 16 : 0), (size_t)240 * 144 * 3) == 0);
        urs_image_release(&cut);
        urs_image_release(&s);
    }
}

static void cutouts_land_where_they_should(urs_test *t)
{
    urs_image photo = solid(60, 50, 10, 200, 10), mask = {0}, frame = solid(100, 80, 120, 120, 120), cover = {0};
    urs_cutout cut = {{0}, {0}};
    urs_box box;
    urs_error err = {0};
    int32_t covered = 0;
    URS_REQUIRE_OK(t, urs_image_new(&mask, 60, 50, 1, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&cover, 100, 80, 1, &err), err);
    URS_CHECK_INT(t, urs_cutout_make(&cut, &photo, &mask, NULL, &err), URS_ENOTFOUND);
    for (int32_t y = 10; y < 40; y++)
        for (int32_t x = 20; x < 60; x++) {
            urs_image_at(&photo, x, y)[0] = 220;
            urs_image_at(&photo, x, y)[1] = (uint8_t)(40 + x % 2);
            *urs_image_at(&mask, x, y) = 1;
        }
    URS_REQUIRE_OK(t, urs_cutout_make(&cut, &photo, &mask, &box, &err), err);
    URS_CHECK(t, box.x1 == 20 && box.y1 == 10 && box.x2 == 60 && box.y2 == 40);
    URS_REQUIRE_OK(t, urs_augment_paste(&frame, &cut, &(urs_paste){.x = 30, .y = 20, .scale = 0.5f}, &cover, &err), err);
    /* 20 x 15 pixels from (30, 20) on */
    URS_CHECK_INT(t, urs_image_at(&frame, 40, 27)[0], 220);
    URS_CHECK_INT(t, urs_image_at(&frame, 27, 27)[0], 120);
    URS_CHECK_INT(t, urs_image_at(&frame, 53, 27)[0], 120);
    for (size_t i = 0; i < 8000; i++)
        covered += cover.data[i] == 255;
    URS_CHECK(t, covered > 200 && covered <= 300);
    URS_CHECK(t, *urs_image_at(&cover, 40, 27) == 255 && *urs_image_at(&cover, 29, 27) == 0);
    /* Onto grey surroundings with matching: a grey animal, nearer to 120 than its own luma of about 90. */
    URS_REQUIRE_OK(t, urs_augment_paste(&frame, &cut, &(urs_paste){.x = -10, .y = 60, .scale = 1, .match = 0.5f, .flip = true}, NULL, &err), err);
    {
        const uint8_t *p = urs_image_at(&frame, 5, 75);
        URS_CHECK(t, p[0] == p[1] && p[1] == p[2]);
        URS_CHECK(t, p[0] > 95 && p[0] < 118);
    }
    URS_REQUIRE_OK(t, urs_augment_paste(&frame, &cut, &(urs_paste){.x = 500, .y = -500, .scale = 2}, &cover, &err), err);
    URS_CHECK_INT(t, urs_augment_paste(&frame, &cut, &(urs_paste){.scale = 0}, NULL, &err), URS_EINVAL);
    urs_cutout_release(&cut);
    urs_image_release(&photo);
    urs_image_release(&mask);
    urs_image_release(&frame);
    urs_image_release(&cover);
}

static void everything_at_once_is_deterministic(urs_test *t)
{
    const urs_photometric p = {.brightness = 0.4f, .contrast = 0.4f, .saturation = 0.5f, .hue = 0.1f, .gamma = 0.4f, .p_grey = 0.3f, .p_infrared = 0.3f, .p_jpeg = 0.5f,
                               .p_blur = 0.5f, .p_noise = 0.5f, .p_sharpen = 0.5f, .p_downscale = 0.5f};
    urs_error err = {0};
    size_t changed = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        urs_image original = picture(64, 64, seed), a = picture(64, 64, seed), b = picture(64, 64, seed);
        urs_random r, same;
        urs_random_init_stream(&r, 1, seed);
        same = r;
        URS_REQUIRE_OK(t, urs_augment_photometric(&a, &p, &r, &err), err);
        URS_REQUIRE_OK(t, urs_augment_photometric(&b, &p, &same, &err), err);
        URS_CHECK(t, a.width == 64 && a.height == 64 && largest_difference(&a, &b) == 0);
        URS_CHECK(t, memcmp(&r, &same, sizeof r) == 0);
        changed += largest_difference(&a, &original) > 5;
        urs_image_release(&original);
        urs_image_release(&a);
        urs_image_release(&b);
    }
    URS_CHECK(t, changed > 25);
}

int main(void)
{
    static const urs_case cases[] = {{"neutral_settings_change_nothing", neutral_settings_change_nothing},
                                     {"colours_are_those_of_the_formulas", colours_are_those_of_the_formulas},
                                     {"infrared_is_grey_bright_in_the_middle", infrared_is_grey_bright_in_the_middle},
                                     {"blur_keeps_sums_and_noise_has_its_deviation", blur_keeps_sums_and_noise_has_its_deviation},
                                     {"codec_and_scale_keep_the_picture", codec_and_scale_keep_the_picture},
                                     {"matrices_map_what_they_should", matrices_map_what_they_should},
                                     {"geometric_is_deterministic_and_erases", geometric_is_deterministic_and_erases},
                                     {"strips_are_painted_and_cut", strips_are_painted_and_cut},
                                     {"cutouts_land_where_they_should", cutouts_land_where_they_should},
                                     {"everything_at_once_is_deterministic", everything_at_once_is_deterministic}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
