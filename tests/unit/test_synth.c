/* The scene generator: the same seed gives the same bytes, and what it says about a frame is true of the pixels. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "image/decode.h"
#include "synth/exif_block.h"
#include "synth/synth.h"
#include "synth/truth.h"

#include <stdio.h>
#include <stdlib.h>

static urs_status render(const char *folder, uint64_t seed, int frames, urs_synth_counts *n, urs_error *err)
{
    const urs_synth_options o = {.frames = frames, .bears = 3, .cameras = 2, .width = 320, .height = 240, .seed = seed, .chips = true, .chip_side = 64, .progress = URS_PROGRESS_NONE};
    return urs_synth_run(folder, &o, n, err);
}

static void same_seed_same_bytes(urs_test *t)
{
    char *a = urs_test_folder("synth-a"), *b = urs_test_folder("synth-b"), *c = urs_test_folder("synth-c");
    urs_names in_a = {0}, in_b = {0}, in_c = {0};
    urs_error err = {0};
    urs_synth_counts n = {0};
    size_t different = 0;
    URS_REQUIRE(t, a && b && c);
    URS_REQUIRE_OK(t, render(a, 5, 14, &n, &err), err);
    URS_REQUIRE_OK(t, render(b, 5, 14, NULL, &err), err);
    URS_REQUIRE_OK(t, render(c, 6, 14, NULL, &err), err);
    URS_CHECK_INT(t, n.frames, 14);
    URS_CHECK_INT(t, n.bear + n.animal + n.empty, 14);
    URS_REQUIRE_OK(t, urs_folder_list(&in_a, a, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_folder_list(&in_b, b, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_folder_list(&in_c, c, NULL, &err), err);
    URS_REQUIRE(t, in_a.count == in_b.count);
    for (size_t i = 0; i < in_a.count; i++) {
        urs_bytes x = {0}, y = {0};
        URS_CHECK_TEXT(t, in_a.items[i] + strlen(a), in_b.items[i] + strlen(b));
        URS_REQUIRE_OK(t, urs_file_read(&x, in_a.items[i], 0, &err), err);
        URS_REQUIRE_OK(t, urs_file_read(&y, in_b.items[i], 0, &err), err);
        URS_CHECK(t, x.size == y.size && memcmp(x.data, y.data, x.size) == 0);
        urs_bytes_release(&x);
        urs_bytes_release(&y);
    }
    for (size_t i = 0; i < in_c.count; i++)
        different += i >= in_a.count || strcmp(in_c.items[i] + strlen(c), in_a.items[i] + strlen(a)) != 0;
    URS_CHECK(t, different > 0); /* another seed tells another story */
    urs_names_release(&in_a);
    urs_names_release(&in_b);
    urs_names_release(&in_c);
    free(a);
    free(b);
    free(c);
}

typedef struct bounds {
    int32_t x1, y1, x2, y2;
    size_t pixels;
} bounds;

static bounds mask_bounds(const urs_image *map, uint8_t value)
{
    bounds b = {map->width, map->height, 0, 0, 0};
    for (int32_t y = 0; y < map->height; y++) {
        for (int32_t x = 0; x < map->width; x++) {
            if (*urs_image_at(map, x, y) != value)
                continue;
            b.x1 = x < b.x1 ? x : b.x1;
            b.y1 = y < b.y1 ? y : b.y1;
            b.x2 = x + 1 > b.x2 ? x + 1 : b.x2;
            b.y2 = y + 1 > b.y2 ? y + 1 : b.y2;
            b.pixels++;
        }
    }
    return b;
}

static void check_point(urs_test *t, const urs_synth_frame *f, int head, urs_point p)
{
    const urs_box box = f->head[head].box;
    URS_CHECK(t, p.x >= box.x1 && p.x <= box.x2 && p.y >= box.y1 && p.y <= box.y2);
    URS_CHECK_INT(t, *urs_image_at(&f->heads, (int32_t)p.x, (int32_t)p.y), head + 1);
}

static void check_head(urs_test *t, const urs_synth_frame *f, int head)
{
    const urs_synth_head *h = &f->head[head];
    const bounds b = mask_bounds(&f->heads, (uint8_t)(head + 1));
    URS_REQUIRE(t, b.pixels > 0);
    URS_CHECK(t, (float)b.x1 >= h->box.x1 && (float)b.y1 >= h->box.y1 && (float)b.x2 <= h->box.x2 && (float)b.y2 <= h->box.y2);
    if (h->whole) {
        URS_CHECK_NEAR(t, b.x1, h->box.x1, 0);
        URS_CHECK_NEAR(t, b.y1, h->box.y1, 0);
        URS_CHECK_NEAR(t, b.x2, h->box.x2, 0);
        URS_CHECK_NEAR(t, b.y2, h->box.y2, 0);
    }
    for (int e = 0; e < 2; e++)
        if (h->eye_seen[e])
            check_point(t, f, head, h->eye[e]);
    if (h->nose_seen)
        check_point(t, f, head, h->nose);
    if (h->eye_seen[0] && h->eye_seen[1])
        URS_CHECK(t, h->eye[0].x <= h->eye[1].x);
}

static void truth_is_true_of_the_pixels(urs_test *t)
{
    int appearances[4] = {0}, heads = 0, whole = 0, eyes = 0, frames = 0, empty_in_animal_event = 0, night = 0;
    urs_story story = {.seed = 11, .bears = 4, .appearances = appearances};
    urs_error err = {0};
    for (int camera = 0; camera < 4; camera++) {
        urs_backdrop place = {0};
        int64_t clock = 0, before = 0;
        URS_REQUIRE_OK(t, urs_backdrop_make(&place, camera, story.seed, 320, 240, &err), err);
        for (int number = 1; number <= 5; number++) {
            urs_event event;
            urs_event_make(&event, &story, camera, number, &clock);
            URS_CHECK(t, event.start > before);
            before = event.start;
            night += event.infrared;
            for (int k = 0; k < event.frames; k++) {
                urs_synth_frame f = {.head_count = 0};
                URS_REQUIRE_OK(t, urs_synth_frame_make(&f, &event, k, &story, &place, &err), err);
                frames++;
                for (int i = 0; i < f.head_count; i++) {
                    check_head(t, &f, i);
                    heads++;
                    whole += f.head[i].whole;
                    eyes += f.head[i].eye_seen[0] && f.head[i].eye_seen[1];
                }
                /* every head lies on a bear; without bears both maps are blank */
                for (size_t i = 0; i < (size_t)320 * 240; i++) {
                    if (f.heads.data[i] && !f.bodies.data[i]) {
                        urs_test_fail(t, __FILE__, __LINE__, "a head outside of every body at %zu", i);
                        break;
                    }
                }
                URS_CHECK(t, mask_bounds(&f.heads, (uint8_t)(f.head_count + 1)).pixels == 0);
                if (event.infrared) /* grey; row 120 is free of the strip */
                    URS_CHECK(t, f.picture.data[(120 * 320 + 77) * 3] == f.picture.data[(120 * 320 + 77) * 3 + 2]);
                empty_in_animal_event += event.actor_count > 0 && f.bears == 0 && f.others == 0;
                urs_synth_frame_release(&f);
            }
        }
        urs_backdrop_release(&place);
    }
    /* the story has something of everything */
    URS_CHECK(t, frames > 20 && heads > 8 && whole > 4 && eyes > 4 && night > 0);
    URS_CHECK(t, empty_in_animal_event > 0);
}

static void a_frame_needs_no_frame_before_it(urs_test *t)
{
    int appearances[2] = {0};
    urs_story story = {.seed = 3, .bears = 2, .appearances = appearances};
    urs_backdrop place = {0};
    urs_synth_frame a = {.head_count = 0}, b = {.head_count = 0};
    urs_event event = {.frames = 0};
    int64_t clock = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_backdrop_make(&place, 0, 3, 200, 160, &err), err);
    for (int number = 1; event.frames < 3; number++)
        urs_event_make(&event, &story, 0, number, &clock);
    URS_REQUIRE_OK(t, urs_synth_frame_make(&a, &event, 2, &story, &place, &err), err);
    URS_REQUIRE_OK(t, urs_synth_frame_make(&b, &event, 0, &story, &place, &err), err);
    urs_synth_frame_release(&b);
    URS_REQUIRE_OK(t, urs_synth_frame_make(&b, &event, 2, &story, &place, &err), err);
    URS_CHECK(t, memcmp(a.picture.data, b.picture.data, (size_t)200 * 160 * 3) == 0);
    urs_synth_frame_release(&a);
    urs_synth_frame_release(&b);
    urs_backdrop_release(&place);
}

static void files_agree(urs_test *t)
{
    char *folder = urs_test_folder("synth-files");
    urs_error err = {0};
    urs_bytes manifest = {0};
    char *line, *rest = NULL;
    int rows = 0, heads_in_json = 0, bears = 0;
    urs_synth_counts n = {0};
    URS_REQUIRE(t, folder);
    URS_REQUIRE_OK(t, render(folder, 21, 24, &n, &err), err);
    {
        char *path = urs_path_join(folder, "manifest.csv");
        URS_REQUIRE_OK(t, urs_file_read(&manifest, path, 0, &err), err);
        free(path);
    }
    line = strtok_r((char *)manifest.data, "\n", &rest);
    URS_CHECK_TEXT(t, line, "path,label,camera,infrared,date,time,event,individual");
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        char file[128], label[16], camera[16], date[16], time[16], stamp[64];
        int infrared;
        urs_photo photo = {0};
        urs_bytes json = {0};
        char *path;
        urs_text labels = {0};
        rows++;
        URS_REQUIRE(t, sscanf(line, "%127[^,],%15[^,],%15[^,],%d,%15[^,],%15[^,]", file, label, camera, &infrared, date, time) == 6);
        path = urs_path_join(folder, file);
        URS_REQUIRE_OK(t, urs_photo_read(&photo, path, NULL, &err), err);
        URS_CHECK_INT(t, photo.full_width, 320);
        URS_CHECK(t, photo.has_time);
        (void)snprintf(stamp, sizeof stamp, "%.4s:%.2s:%.2s %s", date, date + 5, date + 8, time);
        URS_CHECK_TEXT(t, photo.time, stamp);
        urs_photo_release(&photo);
        free(path);
        path = urs_path_stem(file);
        urs_text_format(&labels, "%s/labels/%s.json", folder, path);
        URS_REQUIRE_OK(t, urs_file_read(&json, urs_text_string(&labels), 0, &err), err);
        for (const char *p = (const char *)json.data; (p = strstr(p, "\"box\"")) != NULL; p++)
            heads_in_json++;
        bears += strcmp(label, "bear") == 0;
        urs_bytes_release(&json);
        urs_text_release(&labels);
        free(path);
    }
    URS_CHECK_INT(t, rows, n.frames);
    URS_CHECK_INT(t, bears, n.bear);
    URS_CHECK_INT(t, heads_in_json, n.heads);
    URS_CHECK_INT(t, n.chips, n.heads);
    urs_bytes_release(&manifest);
    free(folder);
}

/* All three forms that the folder can be read as tell the same story. */
static void our_readers_take_it(urs_test *t)
{
    char *folder = urs_test_folder("synth-read"), *manifest = urs_path_join(folder, "manifest.csv"), *yaml = urs_path_join(folder, "data.yaml");
    urs_error err = {0};
    urs_synth_counts n = {0};
    urs_dataset csv = {.count = 0}, heads = {.count = 0}, yolo = {.count = 0};
    int in_json = 0, in_yolo = 0, validation = 0;
    URS_REQUIRE_OK(t, render(folder, 21, 24, &n, &err), err);
    URS_REQUIRE_OK(t, urs_dataset_read(&csv, manifest, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_dataset_read(&heads, folder, NULL, &err), err); /* labels/ and masks/ make it a "heads" set */
    URS_REQUIRE_OK(t, urs_dataset_read(&yolo, yaml, NULL, &err), err);
    URS_CHECK_INT(t, csv.count, n.frames);
    URS_CHECK_INT(t, heads.count, n.frames);
    URS_CHECK_INT(t, yolo.count, n.frames);
    URS_CHECK_INT(t, urs_name_table_count(&csv.cameras), 2);
    URS_CHECK_INT(t, urs_name_table_count(&csv.groups), n.events);
    URS_REQUIRE(t, n.heads > 0);
    for (size_t i = 0; i < heads.count; i++) {
        in_json += (int)heads.samples[i].head_count;
        if (heads.samples[i].head_count)
            URS_CHECK(t, heads.samples[i].mask_path && heads.samples[i].body_path && heads.samples[i].heads[0].mask_value == 1);
    }
    for (size_t i = 0; i < yolo.count; i++) {
        in_yolo += (int)yolo.samples[i].head_count;
        validation += yolo.samples[i].part == URS_PART_VALIDATION;
        URS_CHECK(t, urs_file_exists(yolo.samples[i].path));
    }
    URS_CHECK_INT(t, in_json, n.heads);
    URS_CHECK_INT(t, in_yolo, n.heads);
    URS_CHECK_INT(t, validation, n.frames / 2);
    urs_dataset_release(&csv);
    urs_dataset_release(&heads);
    urs_dataset_release(&yolo);
    free(folder);
    free(manifest);
    free(yaml);
}

static void wrong_options_are_refused(urs_test *t)
{
    urs_error err = {0};
    const urs_synth_options many = {.cameras = 100}, small = {.width = 100, .height = 100}, huge = {.width = 100000, .height = 960};
    URS_CHECK_INT(t, urs_synth_run("/tmp/never", &many, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_synth_run("/tmp/never", &small, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_synth_run("/tmp/never", &huge, NULL, &err), URS_EINVAL);
    URS_CHECK(t, !urs_folder_exists("/tmp/never"));
}

static void dates_are_right(urs_test *t)
{
    static const struct {
        int64_t seconds;
        urs_civil_time want;
    } cases[] = {{0, {1970, 1, 1, 0, 0, 0}}, {951782400, {2000, 2, 29, 0, 0, 0}}, {1684195199, {2023, 5, 15, 23, 59, 59}}, {4107542400, {2100, 3, 1, 0, 0, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const urs_civil_time got = urs_civil_from_seconds(cases[i].seconds);
        URS_CHECK(t, memcmp(&got, &cases[i].want, sizeof got) == 0);
    }
}

static void exif_refuses_what_is_no_jpeg(urs_test *t)
{
    urs_error err = {0};
    urs_bytes bytes = {0};
    URS_CHECK_INT(t, urs_exif_insert(&bytes, "a", "b", "2023:01:01 00:00:00", &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {
        {"same seed, same bytes", same_seed_same_bytes},
        {"truth is true of the pixels", truth_is_true_of_the_pixels},
        {"a frame needs no frame before it", a_frame_needs_no_frame_before_it},
        {"manifest, labels and EXIF agree", files_agree},
        {"our readers take it as CSV, heads and YOLO", our_readers_take_it},
        {"wrong options are refused", wrong_options_are_refused},
        {"dates are right", dates_are_right},
        {"EXIF goes into JPEGs only", exif_refuses_what_is_no_jpeg},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
