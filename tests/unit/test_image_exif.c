/* EXIF: eight orientations through a JPEG, time, zone, camera; nonsense in them. */
#include "image_picture.h"

#define BLOCK_MAX 512

/* Builds "Exif\0\0" + little-endian TIFF:
 *
 *      0: II 2A 00, 8   8: n entries (tag2 type2 count4 value4) next4   then the EXIF folder   then the texts
 */
typedef struct block {
    uint8_t bytes[BLOCK_MAX];
    size_t size;
} block;

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, unsigned long v)
{
    put16(p, (unsigned)(v & 0xFFFF));
    put16(p + 2, (unsigned)(v >> 16));
}

typedef struct fields {
    int orientation;
    const char *make, *model, *time, *zone, *original, *original_zone;
} fields;

static size_t entry(block *b, size_t at, unsigned tag, unsigned type, unsigned long count, unsigned long value)
{
    uint8_t *p = b->bytes + 6 + at;
    put16(p, tag);
    put16(p + 2, type);
    put32(p + 4, count);
    put32(p + 8, value);
    return at + 12;
}

static size_t text(block *b, size_t at, unsigned tag, const char *s, size_t *tail)
{
    const size_t n = strlen(s) + 1;
    memcpy(b->bytes + 6 + *tail, s, n);
    at = entry(b, at, tag, 2, (unsigned long)n, (unsigned long)*tail);
    if (n <= 4)
        memcpy(b->bytes + 6 + at - 4, s, n);
    *tail += n;
    return at;
}

static block make_block(const fields *f)
{
    block b = {{'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0}, 0};
    const unsigned n0 = 1u + (f->orientation != 0) + (f->make != NULL) + (f->model != NULL) + (f->time != NULL);
    const unsigned n1 = 0u + (f->zone != NULL) + (f->original != NULL) + (f->original_zone != NULL);
    size_t at = 10, folder = 8 + 2 + 12 * n0 + 4, tail = folder + 2 + 12 * n1 + 4;
    put16(b.bytes + 6 + 8, n0);
    if (f->make)
        at = text(&b, at, 0x010F, f->make, &tail);
    if (f->model)
        at = text(&b, at, 0x0110, f->model, &tail);
    if (f->orientation)
        at = entry(&b, at, 0x0112, 3, 1, (unsigned long)f->orientation);
    if (f->time)
        at = text(&b, at, 0x0132, f->time, &tail);
    at = entry(&b, at, 0x8769, 4, 1, (unsigned long)folder);
    put16(b.bytes + 6 + folder, n1);
    at = folder + 2;
    if (f->original)
        at = text(&b, at, 0x9003, f->original, &tail);
    if (f->zone)
        at = text(&b, at, 0x9010, f->zone, &tail);
    if (f->original_zone)
        (void)text(&b, at, 0x9011, f->original_zone, &tail);
    b.size = 6 + tail;
    return b;
}

/* The JPEG with the block as its APP1; owned. */
static urs_bytes with_exif(const urs_bytes *jpeg, const block *b)
{
    urs_bytes out = {.data = urs_array_new(jpeg->size + b->size + 5, 1), .size = jpeg->size + b->size + 4};
    if (!out.data)
        abort();
    memcpy(out.data, jpeg->data, 2);
    out.data[2] = 0xFF;
    out.data[3] = 0xE1;
    out.data[4] = (uint8_t)((b->size + 2) >> 8);
    out.data[5] = (uint8_t)(b->size + 2);
    memcpy(out.data + 6, b->bytes, b->size);
    memcpy(out.data + 6 + b->size, jpeg->data + 2, jpeg->size - 2);
    return out;
}

/* A picture whose four corners differ; which corner stands where after turning says all. */
static void turns_all_eight(urs_test *t)
{
    static const uint8_t corners[4][3] = {{250, 10, 10}, {10, 250, 10}, {10, 10, 250}, {250, 250, 250}}; /* stored: top left, top right, bottom left, bottom right */
    static const int upright[9][4] = {{0, 1, 2, 3}, {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1}, {0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2}};
    urs_image stored = {0};
    urs_bytes jpeg = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_new(&stored, 256, 128, 3, &err), err);
    for (int32_t y = 0; y < 128; y++)
        for (int32_t x = 0; x < 256; x++)
            memcpy(urs_image_at(&stored, x, y), corners[(y >= 64) * 2 + (x >= 128)], 3);
    URS_REQUIRE_OK(t, urs_jpeg_encode(&jpeg, &stored, 95, &err), err);
    for (int o = 0; o <= 9; o++) {
        const fields f = {.orientation = o};
        const block b = make_block(&f);
        const int o_valid = o > 8 ? 0 : o;
        urs_bytes file = with_exif(&jpeg, &b);
        for (int reduced = 0; reduced < 2; reduced++) {
            const urs_decode_options options = {.min_width = reduced ? (o_valid >= 5 ? 32 : 64) : 0, .min_height = reduced ? (o_valid >= 5 ? 64 : 32) : 0};
            urs_photo photo = {0};
            URS_REQUIRE_OK(t, urs_photo_decode(&photo, file.data, file.size, "turned", &options, &err), err);
            URS_CHECK_INT(t, photo.full_width, o_valid >= 5 ? 128 : 256);
            URS_CHECK_INT(t, photo.full_height, o_valid >= 5 ? 256 : 128);
            URS_CHECK_INT(t, photo.reduction, reduced ? 4 : 1);
            URS_CHECK_INT(t, photo.image.width, photo.full_width / photo.reduction);
            for (int corner = 0; corner < 4; corner++) {
                const int32_t x = photo.image.width * (corner % 2 * 2 + 1) / 4, y = photo.image.height * (corner / 2 * 2 + 1) / 4;
                for (int c = 0; c < 3; c++)
                    URS_CHECK_NEAR(t, urs_image_at(&photo.image, x, y)[c], corners[upright[o_valid][corner]][c], 8);
            }
            urs_photo_release(&photo);
        }
        urs_bytes_release(&file);
    }
    urs_bytes_release(&jpeg);
    urs_image_release(&stored);
}

static void reads_time_zone_camera(urs_test *t)
{
    static const struct {
        fields f;
        const char *time;
        bool has_zone;
        int32_t zone;
        const char *camera;
    } rows[] = {
        {{.make = "Acme", .model = "T9", .time = "2020:01:02 03:04:05", .original = "2021:11:12 13:14:15", .original_zone = "+05:30"}, "2021:11:12 13:14:15", true, 330, "Acme T9"},
        {{.make = "Acme", .model = "Acme T9", .original = "2021:11:12 13:14:15", .original_zone = "-08:00"}, "2021:11:12 13:14:15", true, -480, "Acme T9"},
        {{.model = "  only model  ", .time = "2020:01:02 03:04:05"}, "2020:01:02 03:04:05", false, 0, "only model"},
        {{.make = "only make", .time = "2020:01:02 03:04:05", .zone = "Z"}, "2020:01:02 03:04:05", true, 0, "only make"},
        {{.original = "0000:00:00 00:00:00", .time = "2020:01:02 03:04:05", .original_zone = "+02:00"}, "2020:01:02 03:04:05", false, 0, ""},
        {{.original = "2020-01-02T03:04:05", .original_zone = "+2:00"}, "2020:01:02 03:04:05", false, 0, ""},
        {{.original = "    :  :     :  :  "}, NULL, false, 0, ""},
        {{.original = "2020:13:02 03:04:05"}, NULL, false, 0, ""},
        {{.original = "2020:01:02 24:04:05"}, NULL, false, 0, ""},
        {{.original = "yesterday"}, NULL, false, 0, ""},
        {{.make = "B\xE4r\n", .model = "\"x\""}, NULL, false, 0, "B?r? \"x\""},
        {{.orientation = 1}, NULL, false, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const block b = make_block(&rows[i].f);
        for (int lead = 0; lead < 2; lead++) { /* with the mark in front, and without as PNG has it */
            urs_exif exif = {0};
            urs_exif_parse(&exif, b.bytes + (lead ? 6 : 0), b.size - (lead ? 6 : 0));
            if (exif.has_time != (rows[i].time != NULL) || (rows[i].time && strcmp(exif.time, rows[i].time) != 0) || exif.has_zone != rows[i].has_zone ||
                exif.zone_minutes != rows[i].zone || strcmp(exif.camera, rows[i].camera) != 0)
                urs_test_fail(t, __FILE__, __LINE__, "row %zu: '%s' %d %d '%s'", i, exif.time, exif.has_zone, exif.zone_minutes, exif.camera);
        }
    }
}

static void reads_what_pillow_wrote(urs_test *t)
{
    char path[4096];
    urs_photo photo = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_photo_read(&photo, source_path(path, sizeof path, "tests/fixtures/image/exif.jpg"), NULL, &err), err);
    URS_CHECK(t, photo.has_time && photo.has_zone);
    URS_CHECK_TEXT(t, photo.time, "2022:06:15 04:05:06");
    URS_CHECK_INT(t, photo.zone_minutes, -510);
    URS_CHECK_TEXT(t, photo.camera, "Acme Trap 9000");
    urs_photo_release(&photo);
}

static void long_names_are_cut(urs_test *t)
{
    char make[120], model[120];
    urs_exif exif = {0};
    memset(make, 'm', sizeof make);
    memset(model, 'n', sizeof model);
    make[119] = model[119] = '\0';
    urs_exif_set_camera(&exif, make, model);
    URS_CHECK_INT(t, strlen(exif.camera), 63);
    urs_exif_set_camera(&exif, NULL, model);
    URS_CHECK_INT(t, strlen(exif.camera), 63);
    URS_CHECK_INT(t, exif.camera[0], 'n');
}

int main(void)
{
    static const urs_case cases[] = {{"turns all eight", turns_all_eight},
                                     {"reads time, zone, camera", reads_time_zone_camera},
                                     {"reads what Pillow wrote", reads_what_pillow_wrote},
                                     {"long names are cut", long_names_are_cut}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
