/* Chips: geometry against its definition, masks, alignment against the numbers of spec/models.md 12, names. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "stages/chip.h"

#include <stdlib.h>

/* Every pixel says where it is: R = x, G = y, B = 200. */
static bool make_picture(urs_image *out, int32_t width, int32_t height)
{
    if (urs_image_new(out, width, height, 3, NULL) != URS_OK)
        return false;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            uint8_t *p = urs_image_at(out, x, y);
            p[0] = (uint8_t)x;
            p[1] = (uint8_t)y;
            p[2] = 200;
        }
    return true;
}

static void box_alone_is_padded_as_the_reference_does(urs_test *t)
{
    /* 20 x 13 box, side 20: (20-13)/2 = 3 black rows above, 4 below; no resampling */
    const urs_detection d = {.box = {10, 5, 30, 18}};
    urs_image picture, chip = {0};
    urs_error err = {0};
    URS_REQUIRE(t, make_picture(&picture, 100, 60));
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, NULL, &(urs_chip_options){.side = 20}, &err), err);
    URS_CHECK(t, chip.width == 20 && chip.height == 20 && chip.channels == 3);
    for (int32_t y = 0; y < 20; y++)
        for (int32_t x = 0; x < 20; x++) {
            const uint8_t *p = urs_image_at(&chip, x, y);
            const bool black = y < 3 || y >= 16;
            URS_CHECK_INT(t, p[0], black ? 0 : 10 + x);
            URS_CHECK_INT(t, p[1], black ? 0 : 5 + y - 3);
            URS_CHECK_INT(t, p[2], black ? 0 : 200);
        }
    urs_image_release(&chip);
    /* a tall one: (20-13)/2 = 3 columns on the left */
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {10, 5, 23, 25}}, NULL, &(urs_chip_options){.side = 20}, &err), err);
    URS_CHECK_INT(t, urs_image_at(&chip, 2, 10)[2], 0);
    URS_CHECK_INT(t, urs_image_at(&chip, 3, 10)[0], 10);
    URS_CHECK_INT(t, urs_image_at(&chip, 15, 10)[0], 22);
    URS_CHECK_INT(t, urs_image_at(&chip, 16, 10)[2], 0);
    urs_image_release(&chip);
    urs_image_release(&picture);
}

static void mask_blackens_what_it_leaves_out(urs_test *t)
{
    urs_detection d = {.box = {40, 20, 50, 30}, .mask_x = 40, .mask_y = 20};
    urs_image picture, chip = {0};
    urs_error err = {0};
    URS_REQUIRE(t, make_picture(&picture, 100, 60));
    URS_REQUIRE_OK(t, urs_image_new(&d.mask, 10, 10, 1, &err), err);
    for (int32_t i = 0; i < 10; i++)
        *urs_image_at(&d.mask, i, i) = 255;
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, NULL, &(urs_chip_options){.side = 10}, &err), err);
    for (int32_t y = 0; y < 10; y++)
        for (int32_t x = 0; x < 10; x++)
            URS_CHECK_INT(t, urs_image_at(&chip, x, y)[2], x == y ? 200 : 0);
    urs_image_release(&chip);
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, NULL, &(urs_chip_options){.side = 10, .no_mask = true}, &err), err);
    for (int32_t x = 0; x < 10; x++)
        URS_CHECK_INT(t, urs_image_at(&chip, x, 3)[0], 40 + x);
    urs_image_release(&chip);
    /* a margin of a quarter shows a pixel more on each side of eight, black where the mask does not cover it */
    d.box = (urs_box){40, 20, 48, 28};
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, NULL, &(urs_chip_options){.side = 10, .margin = 0.25f}, &err), err);
    for (int32_t i = 0; i < 10; i++)
        URS_CHECK_INT(t, urs_image_at(&chip, i, i)[0], i == 0 ? 0 : 39 + i);
    urs_image_release(&chip);
    urs_detection_release(&d);
    urs_image_release(&picture);
}

static void box_over_the_edge_is_black_there(urs_test *t)
{
    urs_image picture, chip = {0};
    urs_error err = {0};
    URS_REQUIRE(t, make_picture(&picture, 40, 40));
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {-5, 30, 15, 50}}, NULL, &(urs_chip_options){.side = 20, .no_mask = true}, &err), err);
    URS_CHECK_INT(t, urs_image_at(&chip, 4, 0)[2], 0);
    URS_CHECK_INT(t, urs_image_at(&chip, 5, 0)[2], 200);
    URS_CHECK_INT(t, urs_image_at(&chip, 5, 9)[1], 39);
    URS_CHECK_INT(t, urs_image_at(&chip, 5, 10)[2], 0);
    urs_image_release(&chip);
    URS_CHECK_INT(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {41, 0, 60, 10}}, NULL, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {10, 10, 10, 20}}, NULL, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {(float)NAN, 10, 20, 20}}, NULL, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chip_cut(&chip, &picture, &(urs_detection){.box = {0, 10, 20, 20}}, NULL, &(urs_chip_options){.side = -1}, &err), URS_EINVAL);
    urs_image_release(&picture);
}

static void eyes_go_where_the_reference_puts_them(urs_test *t)
{
    const urs_eyes eyes = {.left = {300, 200}, .right = {380, 260}}; /* 100 pixels apart, tilted */
    double m[6];
    urs_error err = {0};
    const double left[2] = {51.31578947, 71.05263158}, right[2] = {98.68421053, 71.05263158};
    URS_REQUIRE_OK(t, urs_chip_align(m, &eyes, 150, 0, &err), err);
    URS_CHECK_NEAR(t, m[0] * left[0] + m[1] * left[1] + m[2], 300, 1e-6);
    URS_CHECK_NEAR(t, m[3] * left[0] + m[4] * left[1] + m[5], 200, 1e-6);
    URS_CHECK_NEAR(t, m[0] * right[0] + m[1] * right[1] + m[2], 380, 1e-6);
    URS_CHECK_NEAR(t, m[3] * right[0] + m[4] * right[1] + m[5], 260, 1e-6);
    /* a similarity without reflection: 47.368 chip pixels are 100 of the picture */
    URS_CHECK_NEAR(t, m[0], m[4], 1e-12);
    URS_CHECK_NEAR(t, m[1], -m[3], 1e-12);
    URS_CHECK_NEAR(t, m[0] * m[0] + m[3] * m[3], (100 / 47.36842105) * (100 / 47.36842105), 1e-6);
    URS_CHECK_INT(t, urs_chip_align(m, &(urs_eyes){{5, 5}, {5, 5}}, 150, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chip_align(m, &eyes, 150, -0.6f, &err), URS_EINVAL);
}

static void aligned_chip_shows_the_eyes_in_their_places(urs_test *t)
{
    urs_detection d = {.box = {50, 20, 250, 180}};
    const urs_eyes eyes = {.left = {120, 110}, .right = {180, 70}};
    urs_image picture, chip = {0};
    urs_error err = {0};
    URS_REQUIRE(t, make_picture(&picture, 250, 200));
    urs_draw_disc(&picture, eyes.left.x, eyes.left.y, 6, (urs_colour){255, 0, 0});
    urs_draw_disc(&picture, eyes.right.x, eyes.right.y, 6, (urs_colour){0, 255, 0});
    for (int pass = 0; pass < 2; pass++) {
        URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, &eyes, &(urs_chip_options){.side = 150, .no_mask = pass == 0}, &err), err);
        URS_CHECK(t, urs_image_at(&chip, 51, 71)[0] > 240 && urs_image_at(&chip, 51, 71)[1] < 10);
        URS_CHECK(t, urs_image_at(&chip, 98, 71)[1] > 240 && urs_image_at(&chip, 98, 71)[0] < 10);
        urs_image_release(&chip);
    }
    /* with a mask: black but for the mask's pixels */
    URS_REQUIRE_OK(t, urs_image_new(&d.mask, 200, 160, 1, &err), err);
    d.mask_x = 50;
    d.mask_y = 20;
    /* a dot is no outline of a head: nothing becomes black */
    urs_draw_disc(&d.mask, 70, 90, 8, (urs_colour){255, 255, 255});
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, &eyes, &(urs_chip_options){.side = 150}, &err), err);
    URS_CHECK(t, urs_image_at(&chip, 98, 71)[1] > 240);
    urs_image_release(&chip);
    urs_draw_disc(&d.mask, 70, 90, 40, (urs_colour){255, 255, 255});
    URS_REQUIRE_OK(t, urs_chip_cut(&chip, &picture, &d, &eyes, &(urs_chip_options){.side = 150}, &err), err);
    URS_CHECK(t, urs_image_at(&chip, 51, 71)[0] > 240);
    URS_CHECK_INT(t, urs_image_at(&chip, 98, 71)[1], 0);
    urs_image_release(&chip);
    urs_detection_release(&d);
    urs_image_release(&picture);
}

static void pictures_that_are_chips(urs_test *t)
{
    urs_image picture, chip = {0};
    urs_error err = {0};
    URS_REQUIRE(t, make_picture(&picture, 30, 15));
    URS_REQUIRE_OK(t, urs_chip_from_picture(&chip, &picture, 30, &err), err);
    URS_CHECK_INT(t, urs_image_at(&chip, 0, 6)[2], 0);
    URS_CHECK_INT(t, urs_image_at(&chip, 29, 7)[0], 29);
    URS_CHECK_INT(t, urs_image_at(&chip, 0, 21)[2], 200);
    URS_CHECK_INT(t, urs_image_at(&chip, 0, 22)[2], 0);
    urs_image_release(&chip);
    urs_image_release(&picture);
}

static void names_of_chips_do_not_collide(urs_test *t)
{
    char *folder = urs_test_folder("chips"), *a = urs_chip_path("d", "x/IMG_1.JPG", 0), *b = urs_chip_path("d", "y/IMG_1.JPG", 0), *c = urs_chip_path("d", "x/IMG_1.JPG", 1);
    char longest[300];
    urs_image picture;
    urs_photo back = {0};
    urs_error err = {0};
    URS_REQUIRE(t, folder && a && b && c && make_picture(&picture, 9, 9));
    URS_CHECK(t, strncmp(a, "d/IMG_1-", 8) == 0 && strcmp(a, b) != 0 && strcmp(a, c) != 0);
    URS_CHECK(t, urs_path_has_extension(a, "png"));
    urs_free(a);
    urs_free(b);
    urs_free(c);
    memset(longest, 'n', 250);
    memcpy(longest + 250, ".jpg", 5);
    URS_REQUIRE_OK(t, urs_chip_write(folder, longest, 3, &picture, &err), err);
    a = urs_chip_path(folder, longest, 3);
    URS_REQUIRE_OK(t, urs_photo_read(&back, a, NULL, &err), err);
    URS_CHECK(t, back.image.width == 9 && memcmp(back.image.data, picture.data, 9 * 9 * 3) == 0);
    urs_photo_release(&back);
    urs_image_release(&picture);
    urs_free(a);
    urs_free(folder);
}

int main(void)
{
    static const urs_case cases[] = {
        {"box alone, padded", box_alone_is_padded_as_the_reference_does},
        {"mask", mask_blackens_what_it_leaves_out},
        {"box over the edge", box_over_the_edge_is_black_there},
        {"eyes' places", eyes_go_where_the_reference_puts_them},
        {"aligned chip", aligned_chip_shows_the_eyes_in_their_places},
        {"pictures that are chips", pictures_that_are_chips},
        {"names", names_of_chips_do_not_collide},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
