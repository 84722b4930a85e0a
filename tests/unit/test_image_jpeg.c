/* JPEG: choice of the reduced size, its pixels, truncated and broken files, ink, many scans. */
#include "image_picture.h"

#include <stdio.h>
#include <jpeglib.h>

static void chooses_the_reduction(urs_test *t)
{
    static const struct {
        int32_t w, h, orientation, min_w, min_h, want;
    } rows[] = {
        {4000, 3000, 1, 224, 224, 8},  {4000, 3000, 1, 0, 0, 1},       {4000, 3000, 1, 500, 375, 8}, {4000, 3000, 1, 501, 375, 4},
        {4000, 3000, 1, 500, 376, 4},  {4000, 3000, 1, 1001, 1, 2},    {4000, 3000, 1, 2001, 1, 1},  {4000, 3000, 1, 9999, 9999, 1},
        {4000, 3000, 6, 375, 500, 8},  {4000, 3000, 6, 500, 375, 4},   {4000, 3000, 3, 500, 375, 8}, {4000, 3000, 1, 224, 0, 8},
        {1793, 1793, 1, 225, 225, 8},  {1792, 1792, 1, 225, 225, 4},   {7, 7, 1, 1, 1, 8},           {1, 1, 1, 1, 1, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int32_t got = urs_codec_reduction(rows[i].w, rows[i].h, rows[i].orientation, rows[i].min_w, rows[i].min_h);
        if (got != rows[i].want)
            urs_test_fail(t, __FILE__, __LINE__, "row %zu: 1/%d, expected 1/%d", i, got, rows[i].want);
    }
}

/* A reduced decode shows the same as a full one that is resized. */
static void reduces(urs_test *t)
{
    urs_image in = make_picture(203, 157, true);
    urs_bytes bytes = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_jpeg_encode(&bytes, &in, 95, &err), err);
    for (int32_t d = 1; d <= 8; d *= 2) {
        const urs_decode_options o = {.min_width = (203 + d - 1) / d, .min_height = (157 + d - 1) / d};
        urs_photo photo = {0};
        urs_image want = {0};
        URS_REQUIRE_OK(t, urs_photo_decode(&photo, bytes.data, bytes.size, "ours", &o, &err), err);
        URS_CHECK_INT(t, photo.reduction, d);
        URS_CHECK_INT(t, photo.full_width, 203);
        URS_CHECK_INT(t, photo.full_height, 157);
        URS_CHECK_INT(t, photo.image.width, (203 + d - 1) / d);
        URS_CHECK_INT(t, photo.image.height, (157 + d - 1) / d);
        URS_CHECK(t, !photo.truncated);
        URS_REQUIRE_OK(t, urs_image_resize(&want, &in, photo.image.width, photo.image.height, URS_FILTER_BILINEAR, &err), err);
        if (picture_difference(&photo.image, &want) > 8)
            urs_test_fail(t, __FILE__, __LINE__, "1/%d: %d levels off", d, picture_difference(&photo.image, &want));
        urs_image_release(&want);
        urs_photo_release(&photo);
    }
    urs_bytes_release(&bytes);
    urs_image_release(&in);
}

static void gives_what_a_cut_file_has(urs_test *t)
{
    urs_image in = make_picture(320, 240, true);
    urs_bytes bytes = {0};
    urs_photo whole = {0}, cut = {0};
    urs_error err = {0};
    size_t decoded = 0, failed = 0;
    URS_REQUIRE_OK(t, urs_jpeg_encode(&bytes, &in, 90, &err), err);
    URS_REQUIRE_OK(t, urs_photo_decode(&whole, bytes.data, bytes.size, "whole", NULL, &err), err);
    URS_REQUIRE_OK(t, urs_photo_decode(&cut, bytes.data, bytes.size * 6 / 10, "cut", NULL, &err), err);
    URS_CHECK(t, cut.truncated && !whole.truncated);
    URS_CHECK(t, memcmp(cut.image.data, whole.image.data, 320 * 3 * 80) == 0); /* a third of the rows for certain */
    for (int c = 0; c < 3; c++)
        URS_CHECK_NEAR(t, urs_image_at(&cut.image, 319, 239)[c], 128, 1); /* the rest is grey */
    urs_photo_release(&cut);
    /* cut anywhere: decoded and said to be cut, or a clear failure */
    for (size_t size = 0; size < bytes.size; size += 13) {
        const urs_status status = urs_photo_decode(&cut, bytes.data, size, "cut", NULL, &err);
        if (status == URS_OK) {
            URS_CHECK(t, cut.truncated || size + 2 >= bytes.size);
            decoded++;
            urs_photo_release(&cut);
        } else {
            URS_CHECK(t, (status == URS_EFORMAT || status == URS_EUNSUPPORTED) && strlen(err.message) > 10);
            failed++;
        }
    }
    URS_CHECK(t, decoded > failed && failed > 0);
    urs_photo_release(&whole);
    urs_bytes_release(&bytes);
    urs_image_release(&in);
}

/* What follows writes kinds of JPEG that our encoder does not, with libjpeg itself; no hostile input here, so its default error exit is fine. */
typedef void set_up(struct jpeg_compress_struct *jpeg);

static urs_bytes write_jpeg(const uint8_t *samples, int32_t width, int32_t height, int components, J_COLOR_SPACE space, set_up *set)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    urs_bytes out = {0};
    unsigned long size = 0;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out.data, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = components;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    set(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        const uint8_t *source = samples + (size_t)jpeg.next_scanline * (size_t)width * (size_t)components;
        JSAMPLE line[64 * 4];
        JSAMPROW row = line;
        memcpy(line, source, (size_t)width * (size_t)components);
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    out.size = size;
    return out;
}

static void as_ycck(struct jpeg_compress_struct *jpeg)
{
    jpeg_set_colorspace(jpeg, JCS_YCCK);
}

static void as_plain_cmyk(struct jpeg_compress_struct *jpeg)
{
    jpeg_set_colorspace(jpeg, JCS_CMYK);
    jpeg->write_Adobe_marker = FALSE;
}

static void in_many_scans(struct jpeg_compress_struct *jpeg)
{
    static jpeg_scan_info scans[300];
    scans[0] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {0}, .Ss = 0, .Se = 0, .Ah = 0, .Al = 0};
    for (int i = 1; i < 300; i++) /* one coefficient a scan, and again finer, is the most that the rules allow */
        scans[i] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {0}, .Ss = (i - 1) % 63 + 1, .Se = (i - 1) % 63 + 1, .Ah = i <= 63 ? 0 : 6 - (i - 1) / 63, .Al = 5 - (i - 1) / 63};
    jpeg->scan_info = scans;
    jpeg->num_scans = 300;
}

static void mixes_ink(urs_test *t)
{
    uint8_t ink[32 * 32 * 4], turned[32 * 32 * 4];
    urs_error err = {0};
    for (size_t i = 0; i < 32 * 32; i++) {
        ink[4 * i] = 40;
        ink[4 * i + 1] = 120;
        ink[4 * i + 2] = 200;
        ink[4 * i + 3] = 30;
        for (size_t c = 0; c < 4; c++)
            turned[4 * i + c] = (uint8_t)(255 - ink[4 * i + c]); /* Adobe's way */
    }
    for (int kind = 0; kind < 2; kind++) {
        urs_bytes bytes = write_jpeg(kind ? turned : ink, 32, 32, 4, JCS_CMYK, kind ? as_ycck : as_plain_cmyk);
        urs_photo photo = {0};
        URS_REQUIRE_OK(t, urs_photo_decode(&photo, bytes.data, bytes.size, "ink", NULL, &err), err);
        for (int c = 0; c < 3; c++)
            URS_CHECK_NEAR(t, urs_image_at(&photo.image, 16, 16)[c], (255 - ink[c]) * (255 - 30) / 255.0, 3);
        urs_photo_release(&photo);
        free(bytes.data);
    }
}

static void limits_scans(urs_test *t)
{
    uint8_t grey[32 * 32];
    urs_photo photo = {0};
    urs_error err = {0};
    urs_bytes bytes;
    for (size_t i = 0; i < sizeof grey; i++)
        grey[i] = (uint8_t)(i * 37);
    bytes = write_jpeg(grey, 32, 32, 1, JCS_GRAYSCALE, in_many_scans);
    URS_CHECK_INT(t, urs_photo_decode(&photo, bytes.data, bytes.size, "scans", NULL, &err), URS_ELIMIT);
    URS_CHECK(t, strstr(err.message, "scans") != NULL);
    free(bytes.data);
}

/* Rubbish in the middle of the entropy-coded data: never a crash, the size stays right. */
static void survives_rubbish(urs_test *t)
{
    urs_image in = make_picture(160, 120, false);
    urs_bytes bytes = {0};
    urs_error err = {0};
    uint8_t keep;
    URS_REQUIRE_OK(t, urs_jpeg_encode(&bytes, &in, 80, &err), err);
    for (size_t at = bytes.size / 4; at < bytes.size; at += bytes.size / 40) {
        urs_photo photo = {0};
        keep = bytes.data[at];
        bytes.data[at] = (uint8_t)~keep;
        if (urs_photo_decode(&photo, bytes.data, bytes.size, "rubbish", NULL, &err) == URS_OK) {
            URS_CHECK_INT(t, photo.image.width, 160);
            URS_CHECK_INT(t, photo.image.height, 120);
        }
        urs_photo_release(&photo);
        bytes.data[at] = keep;
    }
    URS_CHECK_INT(t, urs_jpeg_encode(&bytes, &in, 101, &err), URS_EINVAL);
    urs_bytes_release(&bytes);
    urs_image_release(&in);
}

int main(void)
{
    static const urs_case cases[] = {{"chooses the reduction", chooses_the_reduction},
                                     {"reduces", reduces},
                                     {"gives what a cut file has", gives_what_a_cut_file_has},
                                     {"mixes ink", mixes_ink},
                                     {"limits scans", limits_scans},
                                     {"survives rubbish", survives_rubbish}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
