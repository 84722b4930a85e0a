/* Resize against Pillow's (tests/golden/resize.bin, made by tools/golden/golden_resize.py), and what must hold for any picture. */
#include "image_picture.h"

#include "base/reader.h"

static void agrees_with_pillow(urs_test *t)
{
    char path[4096];
    urs_bytes bytes = {0};
    urs_error err = {0};
    urs_image in = make_picture(97, 61, false);
    urs_reader r;
    int cases = 0;

    URS_REQUIRE_OK(t, urs_file_read(&bytes, source_path(path, sizeof path, "tests/golden/resize.bin"), 0, &err), err);
    r = urs_reader_new(bytes.data, bytes.size);
    while (urs_reader_left(&r) > 0) {
        const int32_t width = (int32_t)urs_reader_u32(&r), height = (int32_t)urs_reader_u32(&r), filter = (int32_t)urs_reader_u32(&r);
        const uint8_t *expected = urs_reader_take(&r, (size_t)width * (size_t)height * 3);
        urs_image out = {0};
        size_t off = 0;
        int worst = 0;
        URS_REQUIRE(t, expected != NULL);
        URS_REQUIRE_OK(t, urs_image_resize(&out, &in, width, height, (urs_filter)filter, &err), err);
        for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++) {
            const int d = abs((int)out.data[i] - (int)expected[i]);
            worst = d > worst ? d : worst;
            off += d != 0;
        }
        if (worst > 1 || (width * height > 1 && off > (size_t)width * (size_t)height)) /* a level off in at most a third of the samples */
            urs_test_fail(t, __FILE__, __LINE__, "%d x %d, filter %d: %d levels off, %zu samples differ", width, height, filter, worst, off);
        urs_image_release(&out);
        cases++;
    }
    URS_CHECK_INT(t, cases, 10);
    urs_bytes_release(&bytes);
    urs_image_release(&in);
}

/* A flat picture stays flat whatever the factors: weights sum to one exactly. */
static void keeps_flat_areas(urs_test *t)
{
    static const int32_t sizes[][4] = {{500, 375, 224, 224}, {33, 7, 640, 640}, {1000, 3, 1, 1}, {65500, 2, 3, 3}, {1, 1, 17, 5}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int filter = 0; filter < 3; filter++)
            for (int32_t channels = 1; channels <= 3; channels += 2) {
                urs_image in = {0}, out = {0};
                urs_error err = {0};
                bool flat = true;
                URS_REQUIRE_OK(t, urs_image_new(&in, sizes[s][0], sizes[s][1], channels, &err), err);
                memset(in.data, 203, (size_t)in.width * (size_t)in.height * (size_t)channels);
                URS_REQUIRE_OK(t, urs_image_resize(&out, &in, sizes[s][2], sizes[s][3], (urs_filter)filter, &err), err);
                URS_CHECK_INT(t, out.width, sizes[s][2]);
                URS_CHECK_INT(t, out.height, sizes[s][3]);
                URS_CHECK_INT(t, out.channels, channels);
                for (size_t i = 0; i < (size_t)out.width * (size_t)out.height * (size_t)channels; i++)
                    flat = flat && out.data[i] == 203;
                URS_CHECK(t, flat);
                urs_image_release(&in);
                urs_image_release(&out);
            }
}

static void grey_equals_colour(urs_test *t)
{
    urs_error err = {0};
    urs_image picture = make_picture(97, 61, false), grey = {0}, colour = {0}, small_grey = {0}, small_colour = {0}, back = {0};
    URS_REQUIRE_OK(t, urs_image_to_grey(&grey, &picture, &err), err);
    URS_REQUIRE_OK(t, urs_image_to_rgb(&colour, &grey, &err), err);
    for (int filter = 0; filter < 3; filter++) {
        URS_REQUIRE_OK(t, urs_image_resize(&small_grey, &grey, 40, 100, (urs_filter)filter, &err), err);
        URS_REQUIRE_OK(t, urs_image_resize(&small_colour, &colour, 40, 100, (urs_filter)filter, &err), err);
        URS_REQUIRE_OK(t, urs_image_to_rgb(&back, &small_grey, &err), err);
        URS_CHECK_INT(t, picture_difference(&back, &small_colour), 0);
        urs_image_release(&small_grey);
        urs_image_release(&small_colour);
        urs_image_release(&back);
    }
    urs_image_release(&picture);
    urs_image_release(&grey);
    urs_image_release(&colour);
}

/* 2x2 blocks of a checkerboard: black and white must mix to the middle, not alias. */
static void antialiases(urs_test *t)
{
    urs_image in = {0}, out = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_new(&in, 128, 128, 1, &err), err);
    for (int32_t y = 0; y < 128; y++)
        for (int32_t x = 0; x < 128; x++)
            *urs_image_at(&in, x, y) = (x + y) % 2 ? 255 : 0;
    URS_REQUIRE_OK(t, urs_image_resize(&out, &in, 16, 16, URS_FILTER_BILINEAR, &err), err);
    for (int32_t i = 0; i < 16 * 16; i++)
        URS_CHECK_NEAR(t, out.data[i], 127.5, 2.0);
    urs_image_release(&out);
    URS_REQUIRE_OK(t, urs_image_resize(&out, &in, 64, 64, URS_FILTER_NEAREST, &err), err);
    for (int32_t i = 0; i < 64 * 64; i++)
        URS_CHECK_INT(t, out.data[i], *urs_image_at(&in, i % 64 * 2 + 1, i / 64 * 2 + 1));
    urs_image_release(&out);
    urs_image_release(&in);
}

static void same_size_is_a_copy_and_limits_hold(urs_test *t)
{
    urs_image in = make_picture(30, 20, false), out = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_resize(&out, &in, 30, 20, URS_FILTER_BICUBIC, &err), err);
    URS_CHECK_INT(t, picture_difference(&in, &out), 0);
    URS_CHECK(t, in.data != out.data);
    urs_image_release(&out);
    URS_CHECK_INT(t, urs_image_resize(&out, &in, 65500, 65500, URS_FILTER_BILINEAR, &err), URS_ELIMIT);
    URS_CHECK_INT(t, urs_image_resize(&out, &in, 0, 10, URS_FILTER_BILINEAR, &err), URS_EINVAL);
    URS_CHECK(t, out.data == NULL);
    URS_CHECK_INT(t, urs_image_new(&out, 4, 4, 2, &err), URS_EINVAL);
    urs_image_release(&in);
}

int main(void)
{
    static const urs_case cases[] = {{"agrees with Pillow within one level", agrees_with_pillow},
                                     {"keeps flat areas", keeps_flat_areas},
                                     {"grey equals colour", grey_equals_colour},
                                     {"antialiases", antialiases},
                                     {"same size is a copy, limits hold", same_size_is_a_copy_and_limits_hold}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
