/* The list of training frames: sources, labels, no leak between parts, and pictures as a function of seed, epoch and item. */
#include "base/file.h"
#include "base/memory.h"
#include "data/frames.h"
#include "harness.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_picture(urs_test *t, const char *folder, const char *name, int32_t w, int32_t h, uint8_t r, uint8_t g, uint8_t b, int animal)
{
    urs_image image = {0};
    urs_error err = {0};
    char *path = urs_path_join(folder, name), *parent = urs_path_folder(path);
    const bool mask = animal == 2;
    URS_REQUIRE_OK(t, urs_image_new(&image, w, h, mask ? 1 : 3, &err), err);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            uint8_t *p = urs_image_at(&image, x, y);
            const bool inside = animal && x >= w / 8 && x < w / 2 && y >= h / 4 && y < h - 4;
            if (mask) {
                p[0] = inside ? 1 : 0;
                continue;
            }
            p[0] = (uint8_t)(inside ? 250 : r + (x * 7 + y * 3) % 9);
            p[1] = inside ? 10 : g;
            p[2] = inside ? 250 : b;
        }
    URS_REQUIRE_OK(t, urs_folder_create(parent, &err), err);
    URS_REQUIRE_OK(t, urs_image_write(path, &image, &err), err);
    urs_image_release(&image);
    urs_free(parent);
    urs_free(path);
}

/* 6 cameras with 4 frames each, 6 photographs with heads and bodies, 2 other animals. Animals are magenta, so pixels tell what a picture holds. */
static char *make_fixture(urs_test *t, const char *name)
{
    char *dir = urs_test_folder(name), *path;
    urs_text csv = {0};
    urs_error err = {0};
    char text[256];
    urs_text_add(&csv, "path,label,camera,infrared\n");
    for (int c = 0; c < 6; c++)
        for (int i = 0; i < 4; i++) {
            (void)snprintf(text, sizeof text, "frames/c%d_%d.png", c, i);
            write_picture(t, dir, text, 96, 64, (uint8_t)(60 + 10 * c), 110, 60, i == 3);
            urs_text_format(&csv, "%s,%s,cam%d,0\n", text, i == 3 ? "animal" : "empty", c);
        }
    for (int i = 0; i < 6; i++) {
        (void)snprintf(text, sizeof text, "images/p%d.png", i);
        write_picture(t, dir, text, 120, 80, 90, 140, 60, 1);
        urs_text_format(&csv, "%s,bear,photo,0\n", text);
        (void)snprintf(text, sizeof text, "masks/p%d.png", i);
        write_picture(t, dir, text, 120, 80, 0, 0, 0, 2);
        (void)snprintf(text, sizeof text, "bodies/p%d.png", i);
        write_picture(t, dir, text, 120, 80, 0, 0, 0, 2);
        (void)snprintf(text, sizeof text, "labels/p%d.json", i);
        path = urs_path_join(dir, text);
        (void)snprintf(text, sizeof text, "{\"file\": \"images/p%d.png\", \"width\": 120, \"height\": 80, \"heads\": [{\"box\": [15, 20, 50, 50], \"mask\": 1}]}", i);
        {
            char *parent = urs_path_folder(path);
            (void)!urs_folder_create(parent, &err);
            urs_free(parent);
        }
        URS_CHECK(t, urs_file_write(path, text, strlen(text), &err) == URS_OK);
        urs_free(path);
    }
    for (int i = 0; i < 8; i++) {
        (void)snprintf(text, sizeof text, "cows/c%d/%d.png", i / 5, i);
        write_picture(t, dir, text, 50, 50, 200, 200, 20, 0);
    }
    path = urs_path_join(dir, "manifest.csv");
    URS_CHECK(t, urs_file_write(path, urs_text_string(&csv), csv.length, &err) == URS_OK);
    urs_free(path);
    urs_text_release(&csv);
    return dir;
}

/* Pixels that are magenta. */
static size_t animal_pixels(const urs_image *image)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++)
        n += image->data[3 * i] > 150 && image->data[3 * i + 1] < 90 && image->data[3 * i + 2] > 150;
    return n;
}

static void sources_make_what_they_say(urs_test *t)
{
    urs_frames f = {0};
    urs_error err = {0};
    char *dir = make_fixture(t, "frames"), *cows = urs_path_join(dir, "cows");
    const urs_frames_options o = {.manifest = dir, .sources = "real,photos,crops,paste,mix,decoy,others", .heads = dir, .others = cows, .test = 0.34f, .seed = 3,
                                  .crops = 10, .paste = 20, .mix = 5, .decoy = 7, .others_per_individual = 2};
    size_t bears = 0;
    URS_REQUIRE_OK(t, urs_frames_build(&f, &o, URS_PART_TRAIN, NULL, &err), err);
    URS_CHECK_INT(t, f.source_counts[URS_FRAMES_REAL], 16);
    URS_CHECK_INT(t, f.source_counts[URS_FRAMES_PHOTOS], 4);
    URS_CHECK_INT(t, f.source_counts[URS_FRAMES_CROPS], 10);
    URS_CHECK_INT(t, f.source_counts[URS_FRAMES_OTHERS], 4);
    URS_CHECK_INT(t, f.photos.count, 4);
    URS_CHECK_INT(t, f.count, 16 + 4 + 10 + 20 + 5 + 7 + 4);
    for (size_t i = 0; i < f.count; i++) {
        urs_image picture = {0};
        size_t animal;
        URS_REQUIRE_OK(t, urs_frames_picture(&picture, &f, i, 1, &err), err);
        animal = animal_pixels(&picture);
        URS_CHECK_INT(t, f.labels[i], f.items[i].label);
        switch (f.items[i].source) {
        case URS_FRAMES_REAL: URS_CHECK(t, (animal > 0) == (f.labels[i] == URS_FRAME_ANIMAL)); break;
        case URS_FRAMES_PHOTOS: URS_CHECK(t, animal > 0 && f.labels[i] == URS_FRAME_BEAR); break;
        case URS_FRAMES_CROPS: URS_CHECK(t, animal == 0 && f.labels[i] == URS_FRAME_EMPTY && picture.width >= 24); break;
        case URS_FRAMES_PASTE:
            bears += animal > 0; /* colours are matched to the place, so now and then the magenta is gone */
            URS_CHECK_INT(t, f.labels[i], URS_FRAME_BEAR);
            break;
        case URS_FRAMES_MIX:
        case URS_FRAMES_OTHERS: URS_CHECK(t, f.labels[i] == URS_FRAME_ANIMAL && animal == 0); break;
        case URS_FRAMES_DECOY: URS_CHECK(t, f.labels[i] == URS_FRAME_EMPTY && animal == 0); break;
        case URS_FRAMES_SYNTH:
        case URS_FRAMES_TINY:
        case URS_FRAMES_SOURCES:
        default: URS_CHECK(t, false);
        }
        urs_image_release(&picture);
    }
    URS_CHECK(t, bears >= 10);
    urs_frames_release(&f);
    urs_free(cows);
    free(dir);
}

static void parts_do_not_share_cameras_or_photographs(urs_test *t)
{
    urs_frames a = {0}, b = {0};
    urs_error err = {0};
    char *dir = make_fixture(t, "framesparts");
    const urs_frames_options o = {.manifest = dir, .sources = "real,photos,paste", .heads = dir, .test = 0.34f, .seed = 3, .near_duplicates = false};
    URS_REQUIRE_OK(t, urs_frames_build(&a, &o, URS_PART_TRAIN, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_frames_build(&b, &o, URS_PART_TEST, NULL, &err), err);
    URS_CHECK(t, b.source_counts[URS_FRAMES_PASTE] == 0 && b.source_counts[URS_FRAMES_REAL] == 8 && b.source_counts[URS_FRAMES_PHOTOS] == 2);
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++) {
            const urs_sample *x = a.items[i].sample >= 0 ? &a.dataset.samples[a.items[i].sample] : NULL, *y = &b.dataset.samples[b.items[j].sample];
            URS_CHECK(t, !x || strcmp(x->path, y->path) != 0);
            if (x && strstr(y->path, "frames/"))
                URS_CHECK(t, strcmp(urs_name_table_get(&a.dataset.cameras, x->camera), urs_name_table_get(&b.dataset.cameras, y->camera)) != 0);
        }
    urs_frames_release(&a);
    urs_frames_release(&b);
    free(dir);
}

static void tensors_repeat_and_differ(urs_test *t)
{
    urs_frames f = {0};
    urs_error err = {0};
    char *dir = make_fixture(t, "framestensor");
    const urs_frames_options o = {.manifest = dir, .sources = "real,paste", .heads = dir, .seed = 3, .paste = 2};
    const urs_input_format formats[3] = {{.width = 40, .height = 40, .std = {1, 1, 1}}, {.width = 40, .height = 40, .fit = URS_FIT_LETTERBOX, .std = {1, 1, 1}},
                                         {.width = 40, .height = 40, .fit = URS_FIT_CENTRE_CROP, .std = {1, 1, 1}}};
    const urs_frame_augment augment = urs_frame_augment_default();
    static float x[3 * 40 * 40], y[3 * 40 * 40];
    URS_REQUIRE_OK(t, urs_frames_build(&f, &o, URS_PART_TRAIN, NULL, &err), err);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < f.count; i++) {
            URS_REQUIRE_OK(t, urs_frames_prepare(x, &f, i, 2, 5, &formats[k], &augment, &err), err);
            URS_REQUIRE_OK(t, urs_frames_prepare(y, &f, i, 2, 5, &formats[k], &augment, &err), err);
            URS_CHECK(t, memcmp(x, y, sizeof x) == 0);
            for (size_t p = 0; p < sizeof x / sizeof x[0]; p++)
                URS_REQUIRE(t, x[p] >= 0 && x[p] <= 1);
            URS_REQUIRE_OK(t, urs_frames_prepare(y, &f, i, 2, 6, &formats[k], &augment, &err), err);
            URS_CHECK(t, memcmp(x, y, sizeof x) != 0);
            URS_REQUIRE_OK(t, urs_frames_prepare(y, &f, i, 3, 5, &formats[k], NULL, &err), err);
        }
    URS_CHECK_INT(t, urs_frames_prepare(x, &f, f.count, 0, 0, &formats[0], NULL, &err), URS_EINVAL);
    urs_frames_release(&f);
    free(dir);
}

static void missing_material_is_named(urs_test *t)
{
    urs_frames f = {0};
    urs_error err = {0};
    char *dir = make_fixture(t, "framesbad");
    const struct {
        urs_frames_options o;
        const char *part;
    } cases[] = {{{.sources = "real"}, "manifest"}, {{.manifest = dir, .sources = "real,magic"}, "'magic' is no source"}, {{.manifest = dir, .sources = "paste"}, "heads"},
                 {{.manifest = dir, .sources = "mix"}, "other animals"}, {{.manifest = dir, .sources = "synth"}, "rendered"}, {{.manifest = "/nowhere.csv"}, "/nowhere.csv"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        URS_CHECK(t, urs_frames_build(&f, &cases[i].o, URS_PART_TRAIN, NULL, &err) != URS_OK);
        if (!strstr(err.message, cases[i].part))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
    }
    free(dir);
}

int main(void)
{
    static const urs_case cases[] = {{"sources_make_what_they_say", sources_make_what_they_say},
                                     {"parts_do_not_share_cameras_or_photographs", parts_do_not_share_cameras_or_photographs},
                                     {"tensors_repeat_and_differ", tensors_repeat_and_differ},
                                     {"missing_material_is_named", missing_material_is_named}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
