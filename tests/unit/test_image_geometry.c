/* Crop, flip, warp, letterbox, orientation, colour. */
#include "image_picture.h"

static void crops_with_fill(urs_test *t)
{
    urs_image in = make_picture(20, 10, false), out = {0};
    urs_error err = {0};
    static const int32_t boxes[][4] = {{3, 2, 5, 4}, {-4, -3, 12, 9}, {15, 6, 30, 30}, {-9, -9, 60, 60}, {40, 40, 5, 5}, {-40, 2, 5, 5}, {2147483647, 0, 3, 3}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        const int32_t *b = boxes[i];
        URS_REQUIRE_OK(t, urs_image_crop(&out, &in, b[0], b[1], b[2], b[3], 77, &err), err);
        for (int32_t y = 0; y < b[3]; y++)
            for (int32_t x = 0; x < b[2]; x++) {
                const int64_t sx = (int64_t)b[0] + x, sy = (int64_t)b[1] + y;
                const bool inside = sx >= 0 && sy >= 0 && sx < 20 && sy < 10;
                for (int c = 0; c < 3; c++)
                    URS_CHECK_INT(t, urs_image_at(&out, x, y)[c], inside ? urs_image_at(&in, (int32_t)sx, (int32_t)sy)[c] : 77);
            }
        urs_image_release(&out);
    }
    urs_image_release(&in);
}

static void flips(urs_test *t)
{
    for (int32_t width = 1; width < 6; width++) {
        urs_image in = make_picture(width, 3, false), out = {0};
        urs_error err = {0};
        URS_REQUIRE_OK(t, urs_image_copy(&out, &in, &err), err);
        urs_image_flip(&out);
        for (int32_t y = 0; y < 3; y++)
            for (int32_t x = 0; x < width; x++)
                URS_CHECK(t, memcmp(urs_image_at(&out, x, y), urs_image_at(&in, width - 1 - x, y), 3) == 0);
        urs_image_release(&out);
        urs_image_release(&in);
    }
}

static void warps_exactly_where_it_can(urs_test *t)
{
    urs_image in = make_picture(40, 30, false), out = {0};
    urs_error err = {0};
    const double identity[6] = {1, 0, 0, 0, 1, 0}, shift[6] = {1, 0, 5, 0, 1, -3}, mirror[6] = {-1, 0, 40, 0, 1, 0}, quarter[6] = {0, 1, 0, -1, 0, 30};
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 40, 30, identity, 9, &err), err);
    URS_CHECK_INT(t, picture_difference(&in, &out), 0);
    urs_image_release(&out);
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 40, 30, shift, 9, &err), err);
    for (int32_t y = 0; y < 30; y++)
        for (int32_t x = 0; x < 40; x++)
            URS_CHECK_INT(t, urs_image_at(&out, x, y)[1], x + 5 < 40 && y >= 3 ? urs_image_at(&in, x + 5, y - 3)[1] : 9);
    urs_image_release(&out);
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 40, 30, mirror, 9, &err), err);
    urs_image_flip(&out);
    URS_CHECK_INT(t, picture_difference(&in, &out), 0);
    urs_image_release(&out);
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 30, 40, quarter, 9, &err), err); /* out(x, y) = in(y, 29 - x): clockwise, as orientation 6 */
    URS_CHECK_INT(t, urs_image_at(&out, 4, 7)[1], urs_image_at(&in, 7, 25)[1]);
    URS_CHECK_INT(t, urs_image_at(&out, 29, 39)[1], urs_image_at(&in, 39, 0)[1]);
    urs_image_release(&out);
    urs_image_release(&in);
}

/* A linear ramp is what bilinear sampling keeps exactly, so a rotated and scaled view of it is known everywhere inside. */
static void warps_a_ramp(urs_test *t)
{
    urs_image in = {0}, out = {0};
    urs_error err = {0};
    const double angle = 0.4, scale = 0.7, m[6] = {scale * cos(angle), scale * sin(angle), 30.0, -scale * sin(angle), scale * cos(angle), 45.0};
    URS_REQUIRE_OK(t, urs_image_new(&in, 120, 120, 1, &err), err);
    for (int32_t y = 0; y < 120; y++)
        for (int32_t x = 0; x < 120; x++)
            *urs_image_at(&in, x, y) = (uint8_t)(x + y);
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 50, 50, m, 0, &err), err);
    for (int32_t y = 0; y < 50; y++)
        for (int32_t x = 0; x < 50; x++) {
            const double sx = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2], sy = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
            if (sx > 1 && sy > 1 && sx < 119 && sy < 119)
                URS_CHECK_NEAR(t, *urs_image_at(&out, x, y), sx + sy - 1.0, 0.6);
        }
    urs_image_release(&out);
    urs_image_release(&in);
}

/* Shrinking by 5.5: a fine checkerboard becomes its mean, a ramp stays in place, far corners and absurd numbers do no harm. */
static void warp_antialiases(urs_test *t)
{
    urs_image in = {0}, out = {0};
    urs_error err = {0};
    const double shrink[6] = {5.5, 0, 11.0, 0, 5.5, 22.0}, away[6] = {6, 0, 1e8, 0, 6, -1e8}, broken[6] = {1, 0, NAN, 0, 1, 0};
    URS_REQUIRE_OK(t, urs_image_new(&in, 240, 240, 3, &err), err);
    for (int32_t y = 0; y < 240; y++)
        for (int32_t x = 0; x < 240; x++) {
            urs_image_at(&in, x, y)[0] = (x + y) % 2 ? 255 : 0;
            urs_image_at(&in, x, y)[1] = (uint8_t)x;
            urs_image_at(&in, x, y)[2] = (uint8_t)y;
        }
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 30, 30, shrink, 0, &err), err);
    for (int32_t y = 0; y < 30; y++)
        for (int32_t x = 0; x < 30; x++) {
            URS_CHECK_NEAR(t, urs_image_at(&out, x, y)[0], 127.5, 8.0);
            URS_CHECK_NEAR(t, urs_image_at(&out, x, y)[1], 5.5 * (x + 0.5) + 11.0 - 0.5, 0.8);
            URS_CHECK_NEAR(t, urs_image_at(&out, x, y)[2], 5.5 * (y + 0.5) + 22.0 - 0.5, 0.8);
        }
    urs_image_release(&out);
    URS_REQUIRE_OK(t, urs_image_warp(&out, &in, 30, 30, away, 55, &err), err);
    for (size_t i = 0; i < 30 * 30 * 3; i++)
        URS_CHECK_INT(t, out.data[i], 55);
    urs_image_release(&out);
    URS_CHECK_INT(t, urs_image_warp(&out, &in, 30, 30, broken, 0, &err), URS_EINVAL);
    urs_image_release(&in);
}

/* Numbers by hand from the rule in spec 5.5: r = min(640/w, 640/h), rounded sizes, half of the padding rounded down at .5 on the left and on top. */
static void letterbox_numbers(urs_test *t)
{
    static const struct {
        int32_t w, h, net_w, net_h, left, top, new_w, new_h;
    } rows[] = {{1280, 720, 640, 640, 0, 140, 640, 360}, {720, 1280, 640, 640, 140, 0, 360, 640}, {97, 61, 64, 64, 0, 12, 64, 40},
                {61, 97, 64, 64, 12, 0, 40, 64},         {100, 33, 64, 64, 0, 21, 64, 21},       {640, 480, 320, 256, 0, 8, 320, 240},
                {10, 10, 64, 64, 0, 0, 64, 64},          {1000, 1, 64, 64, 0, 31, 64, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_image in = make_picture(rows[i].w, rows[i].h == 1 ? 2 : rows[i].h, false), out = {0};
        urs_letterbox how = {0};
        urs_error err = {0};
        in.height = rows[i].h;
        URS_REQUIRE_OK(t, urs_image_letterbox(&out, &how, &in, rows[i].net_w, rows[i].net_h, &err), err);
        URS_CHECK_INT(t, out.width, rows[i].net_w);
        URS_CHECK_INT(t, out.height, rows[i].net_h);
        URS_CHECK_INT(t, how.pad_left, rows[i].left);
        URS_CHECK_INT(t, how.pad_top, rows[i].top);
        for (int32_t y = 0; y < out.height; y++)
            for (int32_t x = 0; x < out.width; x++) {
                const bool inside = x >= rows[i].left && x < rows[i].left + rows[i].new_w && y >= rows[i].top && y < rows[i].top + rows[i].new_h;
                if (!inside)
                    URS_CHECK_INT(t, urs_image_at(&out, x, y)[0], 114);
            }
        urs_image_release(&out);
        urs_image_release(&in);
    }
}

static void letterbox_round_trip(urs_test *t)
{
    urs_image in = make_picture(1333, 517, true), out = {0};
    urs_letterbox how = {0};
    urs_error err = {0};
    const urs_box box = {12.5f, 100.0f, 800.25f, 400.75f};
    urs_box there, back;
    URS_REQUIRE_OK(t, urs_image_letterbox(&out, &how, &in, 640, 640, &err), err);
    there = urs_letterbox_to_network(&how, box);
    back = urs_letterbox_to_picture(&how, there);
    URS_CHECK_NEAR(t, there.x1, 12.5 * 640 / 1333, 1e-3);
    URS_CHECK_NEAR(t, there.y1, 100.0 * 640 / 1333 + how.pad_top, 1e-3);
    URS_CHECK_NEAR(t, back.x1, box.x1, 1e-3);
    URS_CHECK_NEAR(t, back.y1, box.y1, 1e-3);
    URS_CHECK_NEAR(t, back.x2, box.x2, 1e-3);
    URS_CHECK_NEAR(t, back.y2, box.y2, 1e-3);
    /* and the pixels agree with the numbers: the ramp of the picture read at a network position */
    URS_CHECK_NEAR(t, urs_image_at(&out, 320, 320)[0], 255.0 * 0.5, 1.5);
    urs_image_release(&out);
    urs_image_release(&in);
}

/* Where the stored pixel (x, y) of a w x h picture belongs, from the EXIF definition (row 0 / column 0 of the stored picture are the visual ...). */
static void place(int orientation, int32_t x, int32_t y, int32_t w, int32_t h, int32_t *ox, int32_t *oy)
{
    switch (orientation) {
    case 1: *ox = x, *oy = y; break;                 /* top, left */
    case 2: *ox = w - 1 - x, *oy = y; break;         /* top, right */
    case 3: *ox = w - 1 - x, *oy = h - 1 - y; break; /* bottom, right */
    case 4: *ox = x, *oy = h - 1 - y; break;         /* bottom, left */
    case 5: *ox = y, *oy = x; break;                 /* left, top */
    case 6: *ox = h - 1 - y, *oy = x; break;         /* right, top */
    case 7: *ox = h - 1 - y, *oy = w - 1 - x; break; /* right, bottom */
    default: *ox = y, *oy = w - 1 - x; break;        /* left, bottom */
    }
}

static void orients_all_eight(urs_test *t)
{
    for (int o = 1; o <= 8; o++) {
        urs_image stored = make_picture(75, 41, false), copy = {0}, upright = {0};
        urs_error err = {0};
        size_t wrong = 0;
        URS_REQUIRE_OK(t, urs_image_copy(&copy, &stored, &err), err);
        URS_REQUIRE_OK(t, urs_image_orient(&upright, &copy, o, &err), err);
        URS_CHECK(t, copy.data == NULL);
        URS_CHECK_INT(t, upright.width, o >= 5 ? 41 : 75);
        URS_CHECK_INT(t, upright.height, o >= 5 ? 75 : 41);
        for (int32_t y = 0; y < 41; y++)
            for (int32_t x = 0; x < 75; x++) {
                int32_t ox, oy;
                place(o, x, y, 75, 41, &ox, &oy);
                wrong += memcmp(urs_image_at(&upright, ox, oy), urs_image_at(&stored, x, y), 3) != 0;
            }
        URS_CHECK_INT(t, wrong, 0);
        urs_image_release(&upright);
        urs_image_release(&stored);
    }
}

static void greys_as_pillow(urs_test *t)
{
    urs_image in = {0}, out = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_new(&in, 4, 1, 3, &err), err);
    memcpy(in.data, (const uint8_t[]){255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}, 12);
    URS_REQUIRE_OK(t, urs_image_to_grey(&out, &in, &err), err);
    URS_CHECK_INT(t, out.data[0], 76);
    URS_CHECK_INT(t, out.data[1], 150);
    URS_CHECK_INT(t, out.data[2], 29);
    URS_CHECK_INT(t, out.data[3], 255);
    urs_image_release(&out);
    urs_image_release(&in);
}

int main(void)
{
    static const urs_case cases[] = {{"crops with fill", crops_with_fill},
                                     {"flips", flips},
                                     {"warps exactly where it can", warps_exactly_where_it_can},
                                     {"warps a ramp", warps_a_ramp},
                                     {"warp antialiases", warp_antialiases},
                                     {"letterbox numbers", letterbox_numbers},
                                     {"letterbox round trip", letterbox_round_trip},
                                     {"orients all eight", orients_all_eight},
                                     {"greys as Pillow", greys_as_pillow}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
