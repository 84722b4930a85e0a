/* Every format and kind of pixel, limits, and hostile or broken files that are not JPEG. Fixtures: tools/golden/fixtures_image.py. */
#include "image_picture.h"

#include <stdio.h>

#define WIDTH 24
#define HEIGHT 16

static bool read_fixture(urs_test *t, urs_photo *photo, const char *name)
{
    char path[4096], relative[256];
    urs_error err = {0};
    (void)snprintf(relative, sizeof relative, "tests/fixtures/image/%s", name);
    if (urs_photo_read(photo, source_path(path, sizeof path, relative), NULL, &err) == URS_OK)
        return true;
    urs_test_fail(t, __FILE__, __LINE__, "%s: %s", name, err.message);
    return false;
}

/* Expected colour of the upright pixel that was stored at (x, y). */
typedef void expected_pixel(uint8_t out[3], uint32_t x, uint32_t y);

static void plain(uint8_t out[3], uint32_t x, uint32_t y)
{
    picture_pixel(out, x, y);
}

static void soft(uint8_t out[3], uint32_t x, uint32_t y)
{
    smooth_pixel(out, x, y, WIDTH, HEIGHT);
}

static void soft_grey(uint8_t out[3], uint32_t x, uint32_t y)
{
    smooth_pixel(out, x, y, WIDTH, HEIGHT);
    out[1] = out[2] = out[0];
}

static void soft_ink(uint8_t out[3], uint32_t x, uint32_t y)
{
    smooth_pixel(out, x, y, WIDTH, HEIGHT);
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(out[c] * 204 / 255);
}

static void wide(uint8_t out[3], uint32_t x, uint32_t y)
{
    picture_pixel(out, x, y);
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(((out[c] * 256u + 200u) * 255u + 32767u) / 65535u);
}

static void over_black(uint8_t out[3], uint32_t x, uint32_t y)
{
    const uint32_t a = alpha_pixel(x, y);
    picture_pixel(out, x, y);
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)((out[c] * a + 127u) / 255u);
}

static void palette(uint8_t out[3], uint32_t x, uint32_t y)
{
    static const uint8_t colours[5][3] = {{0, 0, 0}, {255, 0, 0}, {0, 128, 0}, {0, 0, 255}, {0, 0, 0}};
    memcpy(out, colours[(x + y) % 5], 3);
}

static void bits(uint8_t out[3], uint32_t x, uint32_t y)
{
    memset(out, (x + y) % 2 ? 255 : 0, 3);
}

static void red_as_grey(uint8_t out[3], uint32_t x, uint32_t y)
{
    picture_pixel(out, x, y);
    out[1] = out[2] = out[0];
}

static void decodes_every_kind(urs_test *t)
{
    static const struct {
        const char *name;
        expected_pixel *pixel;
        int orientation, tolerance;
    } kinds[] = {
        {"rgb16.png", wide, 1, 0},          {"interlaced_exif8.png", plain, 8, 0}, {"palette.png", palette, 1, 0},
        {"rgba.png", over_black, 1, 1},     {"bits.png", bits, 1, 0},              {"lzw_exif6.tif", plain, 6, 0},
        {"rgba_deflate.tif", over_black, 1, 1}, {"grey.tif", red_as_grey, 1, 0},   {"lossy.webp", soft, 1, 20},
        {"lossless_alpha_exif3.webp", over_black, 3, 1}, {"cmyk.jpg", soft_ink, 1, 8}, {"progressive.jpg", soft, 1, 5},
        {"grey.jpg", soft_grey, 1, 4},      {"exif.jpg", soft, 1, 14},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        urs_photo photo = {0};
        const int o = kinds[i].orientation;
        int worst = 0;
        if (!read_fixture(t, &photo, kinds[i].name))
            continue;
        URS_CHECK_INT(t, photo.full_width, o >= 5 ? HEIGHT : WIDTH);
        URS_CHECK_INT(t, photo.image.width, photo.full_width);
        URS_CHECK_INT(t, photo.image.height, photo.full_height);
        URS_CHECK_INT(t, photo.image.channels, 3);
        URS_CHECK_INT(t, photo.reduction, 1);
        URS_CHECK(t, !photo.truncated);
        for (int32_t y = 0; y < HEIGHT && photo.image.width == (o >= 5 ? HEIGHT : WIDTH); y++)
            for (int32_t x = 0; x < WIDTH; x++) {
                uint8_t want[3];
                int32_t ux = x, uy = y;
                const uint8_t *got;
                if (o == 3)
                    ux = WIDTH - 1 - x, uy = HEIGHT - 1 - y;
                else if (o == 6)
                    ux = HEIGHT - 1 - y, uy = x;
                else if (o == 8)
                    ux = y, uy = WIDTH - 1 - x;
                kinds[i].pixel(want, (uint32_t)x, (uint32_t)y);
                got = urs_image_at(&photo.image, ux, uy);
                for (int c = 0; c < 3; c++)
                    worst = abs(got[c] - want[c]) > worst ? abs(got[c] - want[c]) : worst;
            }
        if (worst > kinds[i].tolerance)
            urs_test_fail(t, __FILE__, __LINE__, "%s: %d levels off", kinds[i].name, worst);
        urs_photo_release(&photo);
    }
}

static void reads_tiff_fields(urs_test *t)
{
    urs_photo photo = {0};
    URS_REQUIRE(t, read_fixture(t, &photo, "lzw_exif6.tif"));
    URS_CHECK(t, photo.has_time && !photo.has_zone);
    URS_CHECK_TEXT(t, photo.time, "2024:07:08 09:10:11");
    URS_CHECK_TEXT(t, photo.camera, "Maker Trap 5");
    urs_photo_release(&photo);
}

static void round_trips_our_png(urs_test *t)
{
    urs_image in = make_picture(161, 137, false), grey = {0}, as_rgb = {0};
    urs_bytes bytes = {0};
    urs_photo photo = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_png_encode(&bytes, &in, &err), err);
    URS_REQUIRE_OK(t, urs_photo_decode(&photo, bytes.data, bytes.size, "ours", NULL, &err), err);
    URS_CHECK_INT(t, picture_difference(&photo.image, &in), 0);
    urs_photo_release(&photo);
    /* cut: what is there, then grey, and said so */
    URS_REQUIRE_OK(t, urs_photo_decode(&photo, bytes.data, bytes.size * 2 / 3, "ours", NULL, &err), err);
    URS_CHECK(t, photo.truncated);
    URS_CHECK(t, memcmp(photo.image.data, in.data, 161 * 3 * 40) == 0);
    URS_CHECK_INT(t, urs_image_at(&photo.image, 160, 136)[1], 128);
    urs_photo_release(&photo);
    /* a wrong byte in the middle is not truncation: the checksum says so */
    bytes.data[bytes.size / 2] ^= 0x55;
    URS_CHECK_INT(t, urs_photo_decode(&photo, bytes.data, bytes.size, "ours", NULL, &err), URS_EFORMAT);
    urs_bytes_release(&bytes);

    URS_REQUIRE_OK(t, urs_image_to_grey(&grey, &in, &err), err);
    URS_REQUIRE_OK(t, urs_image_to_rgb(&as_rgb, &grey, &err), err);
    URS_REQUIRE_OK(t, urs_png_encode(&bytes, &grey, &err), err);
    URS_REQUIRE_OK(t, urs_photo_decode(&photo, bytes.data, bytes.size, "ours", NULL, &err), err);
    URS_CHECK_INT(t, picture_difference(&photo.image, &as_rgb), 0);
    urs_photo_release(&photo);
    urs_bytes_release(&bytes);
    urs_image_release(&in);
    urs_image_release(&grey);
    urs_image_release(&as_rgb);
}

static void writes_files(urs_test *t)
{
    urs_image in = make_picture(32, 32, true);
    char *folder = urs_test_folder("image_write");
    static const char *const names[] = {"a.PNG", "b.jpg", "c.jpeg"};
    urs_error err = {0};
    URS_REQUIRE(t, folder != NULL);
    for (size_t i = 0; i < 3; i++) {
        char *path = urs_path_join(folder, names[i]);
        urs_photo photo = {0};
        URS_REQUIRE_OK(t, urs_image_write(path, &in, &err), err);
        URS_REQUIRE_OK(t, urs_photo_read(&photo, path, NULL, &err), err);
        URS_CHECK(t, picture_difference(&photo.image, &in) <= (i == 0 ? 0 : 16));
        urs_photo_release(&photo);
        urs_free(path);
    }
    URS_CHECK_INT(t, urs_image_write("x.gif", &in, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_image_write("/nonexistent-folder/x.png", &in, &err), URS_ENOTFOUND);
    urs_free(folder);
    urs_image_release(&in);
}

static void put_big(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* Headers that claim sizes nobody should allocate must fail for the size, before anything depends on it. */
static void refuses_what_is_too_large(urs_test *t)
{
    urs_image in = make_picture(16, 16, false);
    urs_bytes png = {0}, jpeg = {0};
    urs_photo photo = {0};
    urs_error err = {0};
    char path[4096];
    size_t at = 0;
    urs_codec_input limited;

    URS_REQUIRE_OK(t, urs_png_encode(&png, &in, &err), err);
    put_big(png.data + 16, 60000);
    put_big(png.data + 20, 60000);
    URS_CHECK_INT(t, urs_photo_decode(&photo, png.data, png.size, "huge.png", NULL, &err), URS_ELIMIT);
    URS_CHECK(t, strstr(err.message, "huge.png") && strstr(err.message, "60000"));
    put_big(png.data + 16, 0);
    URS_CHECK_INT(t, urs_photo_decode(&photo, png.data, png.size, "none.png", NULL, &err), URS_EFORMAT);
    urs_bytes_release(&png);

    URS_REQUIRE_OK(t, urs_jpeg_encode(&jpeg, &in, 0, &err), err);
    for (size_t i = 0; i + 9 < jpeg.size; i++)
        if (jpeg.data[i] == 0xFF && jpeg.data[i + 1] == 0xC0)
            at = i;
    URS_REQUIRE(t, at > 0);
    jpeg.data[at + 5] = jpeg.data[at + 7] = 0xEA; /* 0xEA60 = 60000 */
    jpeg.data[at + 6] = jpeg.data[at + 8] = 0x60;
    URS_CHECK_INT(t, urs_photo_decode(&photo, jpeg.data, jpeg.size, "huge.jpg", NULL, &err), URS_ELIMIT);
    urs_bytes_release(&jpeg);

    /* TIFF: a little directory of our own (tag2 type2 count4 value4) */
    {
        static const uint8_t tiff[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 6, 0,
                                       0x00, 1, 4, 0, 1, 0, 0, 0, 0x60, 0xEA, 0, 0, /* width 60000 */
                                       0x01, 1, 4, 0, 1, 0, 0, 0, 0x60, 0xEA, 0, 0, /* length 60000 */
                                       0x02, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0,       /* bits a sample */
                                       0x06, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0,       /* grey */
                                       0x11, 1, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0,       /* strip offset */
                                       0x17, 1, 4, 0, 1, 0, 0, 0, 9, 0, 0, 0,       /* strip bytes */
                                       0, 0, 0, 0};
        URS_CHECK_INT(t, urs_photo_decode(&photo, tiff, sizeof tiff, "huge.tif", NULL, &err), URS_ELIMIT);
    }
    /* the room's own limit for tests */
    URS_REQUIRE_OK(t, urs_file_read(&png, source_path(path, sizeof path, "tests/fixtures/image/lossy.webp"), 0, &err), err);
    limited = (urs_codec_input){.data = png.data, .size = png.size, .name = "small", .pixels_max = WIDTH * HEIGHT - 1};
    URS_CHECK_INT(t, urs_photo_decode_limited(&photo, &limited, &err), URS_ELIMIT);
    urs_bytes_release(&png);
    URS_CHECK(t, photo.image.data == NULL);
    urs_image_release(&in);
}

static void refuses_what_it_does_not_know(urs_test *t)
{
    urs_photo photo = {0};
    urs_error err = {0};
    URS_CHECK_INT(t, urs_photo_decode(&photo, "", 0, "empty.jpg", NULL, &err), URS_EFORMAT);
    URS_CHECK(t, strstr(err.message, "empty.jpg") != NULL);
    URS_CHECK_INT(t, urs_photo_decode(&photo, "GIF89a..........", 16, "a.jpg", NULL, &err), URS_EUNSUPPORTED);
    URS_CHECK_INT(t, urs_photo_decode(&photo, "\xFF\xD8\xFF", 3, "three.jpg", NULL, &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_photo_decode(&photo, "\x89PNG\r\n\x1A\n", 8, "eight.png", NULL, &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_photo_decode(&photo, "II*\0\xFF\xFF\xFF\xFF", 8, "eight.tif", NULL, &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_photo_decode(&photo, "RIFF\4\0\0\0WEBP", 12, "twelve.webp", NULL, &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_photo_read(&photo, "/nonexistent.jpg", NULL, &err), URS_ENOTFOUND);
    URS_CHECK(t, photo.image.data == NULL);
    URS_CHECK(t, urs_photo_has_extension("a/b.JPG") && urs_photo_has_extension("x.y.webp") && urs_photo_has_extension("t.tiff"));
    URS_CHECK(t, !urs_photo_has_extension("jpg") && !urs_photo_has_extension("a.jpg/b") && !urs_photo_has_extension("a.gif"));
}

int main(void)
{
    static const urs_case cases[] = {{"decodes every kind", decodes_every_kind},
                                     {"reads TIFF fields", reads_tiff_fields},
                                     {"round trips our PNG", round_trips_our_png},
                                     {"writes files", writes_files},
                                     {"refuses what is too large", refuses_what_is_too_large},
                                     {"refuses what it does not know", refuses_what_it_does_not_know}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
