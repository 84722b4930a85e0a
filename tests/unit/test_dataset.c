/* Readers of labelled sets: what they take, and what they say about what they refuse. */
#include "base/day.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/scene.h"
#include "harness.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static urs_status parse_csv(urs_dataset *d, const char *text, urs_error *err)
{
    return urs_dataset_parse_csv(d, text, strlen(text), "m.csv", "dir", NULL, err);
}

static void csv_takes_columns_in_any_order(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, parse_csv(&d, "\xEF\xBB\xBF" "Label,extra,PATH,camera,date,infrared,individual,group,split,width,height\r\n"
                                    "bear,x,\"a, \"\"1\"\".jpg\",c1,2020-02-29T11:00,yes,bf_1,g,val,640,480\r\n"
                                    "\r\n"
                                    "empty,,/abs/b.jpg,,,,unknown,,,,\r\n", &err), err);
    URS_REQUIRE(t, d.count == 2);
    URS_CHECK_TEXT(t, d.samples[0].path, "dir/a, \"1\".jpg");
    URS_CHECK_TEXT(t, d.samples[1].path, "/abs/b.jpg");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[0].label), "bear");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.cameras, d.samples[0].camera), "c1");
    URS_CHECK_INT(t, d.samples[0].infrared, 1);
    URS_CHECK_INT(t, d.samples[1].infrared, -1);
    URS_CHECK(t, d.samples[0].has_day && !d.samples[1].has_day);
    URS_CHECK_INT(t, d.samples[0].day, 18321);
    URS_CHECK_INT(t, d.samples[0].part, URS_PART_VALIDATION);
    URS_CHECK_INT(t, d.samples[1].part, URS_PART_NONE);
    URS_CHECK_INT(t, d.samples[1].individual, -1);
    URS_CHECK_INT(t, d.samples[1].camera, -1);
    URS_CHECK_INT(t, d.samples[0].width, 640);
    urs_dataset_release(&d);
}

static void csv_names_the_line(urs_test *t)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"", "empty"}, {"label\nbear\n", "no column 'path'"}, {"path,label\na.jpg\n", "line 2: 1 fields"}, {"path\na,b\n", "line 2: more fields"},
                 {"path,label\n\"a\nb.jpg\",x\n,bear\n", "line 4: the path is empty"}, {"path\n\"a.jpg\n", "line 2: a quoted field"}, {"path\n\"a\"b\n", "behind the closing quote"},
                 {"path,date\na,2021-02-29\n", "line 2: '2021-02-29' is no date"}, {"path,infrared\na,maybe\n", "no infrared flag"}, {"path,split\na,left\n", "no part"},
                 {"path,width\na,-3\n", "no size"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_dataset d = {0};
        urs_error err = {0};
        URS_CHECK_INT(t, parse_csv(&d, cases[i].text, &err), URS_EFORMAT);
        if (!strstr(err.message, cases[i].part) || !strstr(err.message, "m.csv"))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
        urs_dataset_release(&d);
    }
}

static void days_are_counted_from_1970(urs_test *t)
{
    int32_t day = 0;
    URS_CHECK(t, urs_day_parse("1970-01-01", &day) && day == 0);
    URS_CHECK(t, urs_day_parse("1969:12:31 23:59:59", &day) && day == -1);
    URS_CHECK(t, urs_day_parse("2000-03-01", &day) && day == 11017);
    URS_CHECK(t, urs_day_parse("2026-11-23", &day) && day == 20780);
    URS_CHECK(t, !urs_day_parse("1900-02-29", &day));
    URS_CHECK(t, !urs_day_parse("2020-1-01", &day));
    URS_CHECK(t, !urs_day_parse("2020-01-011", &day));
    URS_CHECK(t, !urs_day_parse("2020-01:01", &day));
}

static void write_text(urs_test *t, const char *folder, const char *name, const char *text)
{
    char *path = urs_path_join(folder, name), *parent = urs_path_folder(path);
    urs_error err = {0};
    if (urs_folder_create(parent, &err) != URS_OK || urs_file_write(path, text, strlen(text), &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_free(parent);
    urs_free(path);
}

static void write_picture(urs_test *t, const char *folder, const char *name, const urs_image *image)
{
    char *path = urs_path_join(folder, name), *parent = urs_path_folder(path);
    urs_error err = {0};
    if (urs_folder_create(parent, &err) != URS_OK || urs_image_write(path, image, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_free(parent);
    urs_free(path);
}

static void folders_give_labels_individuals_and_parts(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    char *dir = urs_test_folder("folders");
    write_text(t, dir, "bf_1/a.jpg", "");
    write_text(t, dir, "train/bf_2/b.PNG", "");
    write_text(t, dir, "test/bf_2/c.jpg", "");
    write_text(t, dir, "test/bf_2/notes.txt", "");
    URS_REQUIRE_OK(t, urs_dataset_read(&d, dir, &(urs_dataset_options){.prefix = "brooks:"}, &err), err);
    URS_REQUIRE(t, d.count == 3);
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[0].label), "bf_1");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.individuals, d.samples[1].individual), "brooks:bf_2");
    URS_CHECK_INT(t, d.samples[1].individual, d.samples[2].individual);
    URS_CHECK_INT(t, d.samples[1].part, URS_PART_TEST);
    URS_CHECK_INT(t, d.samples[2].part, URS_PART_TRAIN);
    urs_dataset_release(&d);

    write_text(t, dir, "deep/bear/bf_9/2019/x.jpg", "");
    {
        char *deep = urs_path_join(dir, "deep");
        URS_REQUIRE_OK(t, urs_dataset_read(&d, deep, NULL, &err), err);
        URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[0].label), "bear");
        URS_CHECK_TEXT(t, urs_name_table_get(&d.individuals, d.samples[0].individual), "bf_9");
        URS_CHECK_TEXT(t, urs_name_table_get(&d.groups, d.samples[0].group), "bear/bf_9/2019");
        urs_free(deep);
    }
    /* Append keeps what was there, also when the second set fails. */
    URS_REQUIRE_OK(t, urs_dataset_read(&d, dir, &(urs_dataset_options){.append = true}, &err), err);
    URS_CHECK_INT(t, d.count, 5);
    URS_CHECK(t, urs_dataset_read(&d, "/nowhere/at/all", &(urs_dataset_options){.append = true}, &err) == URS_ENOTFOUND);
    URS_CHECK_INT(t, d.count, 5);
    urs_dataset_release(&d);
    free(dir);
}

static void yolo_reads_boxes_polygons_and_parts(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    char *dir = urs_test_folder("yolo");
    urs_head head;
    write_text(t, dir, "data.yaml", "path: .\ntrain: images/train\nval: list.txt\nnames:\n  1: wolf\n  0: bear\n");
    write_text(t, dir, "images/train/a.jpg", "");
    write_text(t, dir, "images/train/none.jpg", "");
    write_text(t, dir, "images/val/v.jpg", "");
    write_text(t, dir, "list.txt", "images/val/v.jpg\r\n");
    write_text(t, dir, "labels/train/a.txt", "1 0.5 0.5 0.2 0.4\n");
    write_text(t, dir, "labels/val/v.txt", "0 .1 .2 .3 .2 .3 .6\n");
    URS_REQUIRE_OK(t, urs_dataset_read(&d, dir, NULL, &err), err);
    URS_REQUIRE(t, d.count == 3);
    URS_CHECK_INT(t, d.samples[0].part, URS_PART_TRAIN);
    URS_CHECK_INT(t, d.samples[2].part, URS_PART_VALIDATION);
    URS_REQUIRE(t, d.samples[0].head_count == 1 && d.samples[2].head_count == 1);
    URS_CHECK(t, d.samples[1].head_count == 0 && d.samples[1].has_heads);
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[0].heads[0].label), "wolf");
    head = urs_sample_head(&d.samples[0], 0, 100, 50, 0, 0);
    URS_CHECK_NEAR(t, head.box.x1, 40, 1e-4);
    URS_CHECK_NEAR(t, head.box.y2, 35, 1e-4);
    URS_CHECK_INT(t, d.samples[2].heads[0].polygon_count, 3);
    URS_CHECK_NEAR(t, d.samples[2].heads[0].box.y2, 0.6, 1e-6);
    urs_dataset_release(&d);

    write_text(t, dir, "labels/train/a.txt", "0 0.5 0.5 0.2 0.4\n5 0.5 0.5 0.2 0.4\n");
    URS_CHECK_INT(t, urs_dataset_read(&d, dir, NULL, &err), URS_EFORMAT);
    URS_CHECK(t, strstr(err.message, "a.txt, line 2: class 5") != NULL);
    free(dir);
}

static void yolo_config_errors_name_the_key(urs_test *t)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"train: x\n", "'names' is missing"}, {"names: [a]\n", "none of the keys"}, {"names: {0: a, 2: b}\ntrain: x\n", "'names'"},
                 {"names: [a]\nnc: 2\ntrain: x\n", "'nc' says 2"}, {"names: [a\n", "line"}, {"- a\n", "a map"}, {"train: {a: b}\nnames: [a]\n", "line 1: key 'train'"},
                 {"train: a\ntrain: b\nnames: [a]\n", "twice"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_yolo_config c = {0};
        urs_error err = {0};
        URS_CHECK_INT(t, urs_yolo_config_parse(&c, cases[i].text, strlen(cases[i].text), "d.yaml", &err), URS_EFORMAT);
        if (!strstr(err.message, cases[i].part))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
    }
}

static urs_status parse_xml(urs_dataset *d, const char *text, urs_error *err)
{
    return urs_dataset_parse_imglab(d, text, strlen(text), "f.xml", "dir", NULL, err);
}

static void imglab_reads_what_dlib_writes(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    const urs_head *h;
    URS_REQUIRE_OK(t, parse_xml(&d, "<?xml version='1.0' encoding='ISO-8859-1'?><dataset><name>a</name><images>"
                                    "<image file='a & b/1&amp;2.jpg' width='400' height='300'><box top='10' left='-5' width='100' height='50'><label> bf_480\n</label>"
                                    "<part name='leye' x='80' y='20'/><part name='reye' x='30' y='21'/><part name='nose' x='50' y='40'/></box>"
                                    "<box top='1' left='2' width='3' height='4' ignore='1'><label>bear</label></box></image><image file='e.jpg'/></images></dataset>", &err), err);
    URS_REQUIRE(t, d.count == 2 && d.samples[0].head_count == 2);
    URS_CHECK_TEXT(t, d.samples[0].path, "dir/a & b/1&2.jpg");
    h = &d.samples[0].heads[0];
    URS_CHECK_TEXT(t, urs_name_table_get(&d.individuals, h->individual), "bf_480");
    URS_CHECK_NEAR(t, h->box.x1, -5, 0);
    URS_CHECK_NEAR(t, h->box.x2, 95, 0);
    URS_CHECK_NEAR(t, h->left_eye.x, 30.5, 0); /* the bear's left eye stands right in the picture */
    URS_CHECK(t, h->has_nose && h->has_left_eye && h->has_right_eye);
    URS_CHECK(t, d.samples[0].heads[1].ignore && d.samples[0].heads[1].individual == -1);
    URS_CHECK(t, d.samples[1].has_heads && d.samples[1].head_count == 0);
    urs_dataset_release(&d);
}

static void imglab_refuses(urs_test *t)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"<data/>", "<dataset> is expected"}, {"<dataset><images><image/></images></dataset>", "without file"},
                 {"<dataset>\n<images><image file='a'><box top='1' left='1' width='0' height='5'/></image></images></dataset>", "line 2: <box> has no usable number 'width'"},
                 {"<dataset><images><image file='a'><box top='1' left='1' width='5' height='5'><part name='n' x='1' y='1'/><part name='n' x='1' y='1'/></box></image></images></dataset>", "twice"},
                 {"<!DOCTYPE x [<!ENTITY a 'b'>]><dataset/>", "document type"}, {"<dataset>", "no element"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_dataset d = {0};
        urs_error err = {0};
        URS_CHECK(t, parse_xml(&d, cases[i].text, &err) != URS_OK);
        if (!strstr(err.message, cases[i].part))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
        urs_dataset_release(&d);
    }
}

/* A picture with a red head (box 8,4 .. 40,44) whose mask is its left half, a body around, and a scene at half the size. */
static void heads_carry_points_and_masks(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    urs_image image = {0}, mask = {0}, body = {0};
    urs_scene scene = {0};
    char *dir = urs_test_folder("heads");
    URS_REQUIRE_OK(t, urs_image_new(&image, 64, 48, 3, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&mask, 64, 48, 1, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&body, 64, 48, 1, &err), err);
    for (int32_t y = 4; y < 44; y++)
        for (int32_t x = 8; x < 40; x++) {
            urs_image_at(&image, x, y)[0] = 255;
            *urs_image_at(&mask, x, y) = x < 24 ? 2 : 0;
            *urs_image_at(&body, x, y) = 255;
        }
    write_picture(t, dir, "images/a.png", &image);
    write_picture(t, dir, "masks/a.png", &mask);
    write_picture(t, dir, "bodies/a.png", &body);
    write_text(t, dir, "labels/a.json", "{\"file\": \"images/a.png\", \"width\": 64, \"height\": 48, \"heads\": [{\"box\": [8, 4, 40, 44], \"mask\": 2, "
                                        "\"left_eye\": [16, 20], \"right_eye\": [30, 20], \"nose\": [23, 36]}, {\"box\": [50, 1, 60, 9], \"mask\": null}]}");
    URS_REQUIRE_OK(t, urs_dataset_read(&d, dir, NULL, &err), err);
    URS_REQUIRE(t, d.count == 1 && d.samples[0].head_count == 2);
    URS_CHECK(t, d.samples[0].mask_path && d.samples[0].body_path);
    URS_REQUIRE_OK(t, urs_scene_load(&scene, &d.samples[0], 32, true, &err), err);
    URS_CHECK_INT(t, scene.image.width, 32);
    URS_CHECK_INT(t, scene.image.height, 24);
    URS_REQUIRE(t, scene.count == 2);
    URS_CHECK_NEAR(t, scene.objects[0].box.x1, 4, 1e-5);
    URS_CHECK_NEAR(t, scene.objects[0].box.y2, 22, 1e-5);
    URS_CHECK(t, scene.objects[0].has_mask && scene.objects[0].has_points && !scene.objects[1].has_mask && !scene.objects[1].has_points);
    URS_CHECK_NEAR(t, scene.objects[0].nose.x, 11.5, 1e-5);
    URS_CHECK_INT(t, *urs_image_at(&scene.index, 6, 10), 1);
    URS_CHECK_INT(t, *urs_image_at(&scene.index, 16, 10), 0);
    URS_CHECK_INT(t, *urs_image_at(&scene.body, 16, 10), 255);
    URS_CHECK(t, !scene.can_paste); /* the second head lies outside the body mask */
    urs_scene_release(&scene);
    urs_dataset_release(&d);
    urs_image_release(&image);
    urs_image_release(&mask);
    urs_image_release(&body);
    free(dir);
}

static void head_json_errors_name_the_key(urs_test *t)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"{", "line 1"}, {"{\"heads\": []}", "'file'"}, {"{\"file\": \"a\", \"heads\": 3}", "'heads'"}, {"{\"file\": \"a\", \"heads\": []}", "'width'"},
                 {"{\"file\": \"a\", \"width\": 9, \"height\": 9, \"heads\": [{\"box\": [1, 1, 1, 2]}]}", "heads[0].box"},
                 {"{\"file\": \"a\", \"width\": 9, \"height\": 9, \"heads\": [{\"box\": [1, 1, 2, 2], \"mask\": 256}]}", "heads[0].mask"},
                 {"{\"file\": \"a\", \"width\": 9, \"height\": 9, \"heads\": [{\"box\": [1, 1, 2, 2], \"nose\": [1]}]}", "heads[0].nose"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_dataset d = {0};
        urs_error err = {0};
        URS_CHECK_INT(t, urs_dataset_parse_head_json(&d, cases[i].text, strlen(cases[i].text), "h.json", "dir", &err), URS_EFORMAT);
        if (!strstr(err.message, cases[i].part))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
        urs_dataset_release(&d);
    }
}

static void shared_sets_are_read(urs_test *t)
{
    urs_error err = {0};
    urs_dataset d = {0};
    urs_text path = {0};
    size_t heads = 0, masks = 0;
    const char *shared = urs_test_shared();
    if (!shared) {
        urs_test_skip(t, "no shared photographs");
        return;
    }
    urs_text_format(&path, "%s/data/heads", shared);
    URS_REQUIRE_OK(t, urs_dataset_read(&d, urs_text_string(&path), NULL, &err), err);
    URS_CHECK_INT(t, d.count, 229);
    for (size_t i = 0; i < d.count; i++) {
        heads += d.samples[i].head_count;
        for (size_t k = 0; k < d.samples[i].head_count; k++)
            masks += d.samples[i].heads[k].mask_value > 0;
    }
    URS_CHECK_INT(t, heads, 288);
    URS_CHECK_INT(t, masks, 280);
    urs_text_release(&path);
    urs_text_format(&path, "%s/data/frames", shared);
    URS_REQUIRE_OK(t, urs_dataset_read(&d, urs_text_string(&path), NULL, &err), err);
    URS_CHECK_INT(t, d.count, 325 + 1298 + 230);
    URS_CHECK_INT(t, urs_name_table_count(&d.labels), 3);
    urs_dataset_release(&d);
    urs_text_release(&path);
}

/* ---- COCO, COCO Camera Traps, MegaDetector ---- */

static urs_status parse_json(urs_dataset *d, const char *text, urs_error *err)
{
    return urs_dataset_parse_json(d, text, strlen(text), "d.json", "dir", NULL, err);
}

static void camera_traps_are_read(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_dataset_read(&d, URS_SOURCE_DIR "/tests/fuzz/corpus/datajson/cct.json", NULL, &err), err);
    URS_REQUIRE(t, d.count == 2 && d.samples[0].head_count == 1);
    URS_CHECK_TEXT(t, strrchr(d.samples[0].path, '/') - 2, "/x/a.jpg");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.cameras, d.samples[0].camera), "7");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.groups, d.samples[0].group), "s1");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[0].label), "bear");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, d.samples[1].label), "empty");
    URS_CHECK_TEXT(t, urs_name_table_get(&d.individuals, d.samples[0].individual), "otis");
    URS_CHECK(t, d.samples[0].has_day && d.samples[0].day == 18321 && d.samples[0].width == 640);
    URS_CHECK(t, d.samples[1].has_heads && d.samples[1].head_count == 0 && !d.samples[1].has_day && d.samples[1].camera == -1);
    URS_CHECK(t, d.samples[0].heads[0].box.x2 == 110 && d.samples[0].heads[0].box.y1 == 20.5f && !d.samples[0].heads[0].ignore);
    URS_REQUIRE_OK(t, urs_dataset_read(&d, URS_SOURCE_DIR "/tests/fuzz/corpus/datajson/coco.json", NULL, &err), err);
    URS_REQUIRE(t, d.count == 1 && d.samples[0].head_count == 2);
    URS_CHECK(t, d.samples[0].heads[0].ignore && !d.samples[0].heads[1].ignore);
    URS_CHECK_NEAR(t, (double)d.samples[0].heads[0].box.x2, 60, 1e-4);
    URS_CHECK_NEAR(t, (double)d.samples[0].heads[0].box.y2, 35, 1e-4);
    urs_dataset_release(&d);
}

static void detections_are_read(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    urs_head h;
    URS_REQUIRE_OK(t, urs_dataset_read(&d, URS_SOURCE_DIR "/tests/fuzz/corpus/datajson/megadetector.json", NULL, &err), err);
    URS_REQUIRE(t, d.count == 2 && d.samples[0].head_count == 1); /* the unsure one and the failed file are left out */
    URS_CHECK(t, d.samples[1].has_heads && d.samples[1].head_count == 0);
    h = urs_sample_head(&d.samples[0], 0, 200, 100, 200, 100);
    URS_CHECK_NEAR(t, (double)h.box.x1, 20, 1e-4);
    URS_CHECK_NEAR(t, (double)h.box.y2, 60, 1e-4);
    URS_CHECK_TEXT(t, urs_name_table_get(&d.labels, h.label), "animal");
    urs_dataset_release(&d);
}

static void json_names_the_key(urs_test *t)
{
#define COCO_HEAD "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": 1, \"name\": \"bear\"}], \"annotations\": "
    static const struct {
        const char *text, *part;
    } cases[] = {{"{", "line 1"},
                 {"{}", "neither 'annotations'"},
                 {"[]", "neither 'annotations'"},
                 {"{\"annotations\": []}", "'images' must be a list"},
                 {"{\"annotations\": [], \"images\": [7], \"categories\": []}", "images[0] must be an object"},
                 {"{\"annotations\": [], \"images\": [{\"id\": 1}], \"categories\": []}", "images[0].file_name"},
                 {"{\"annotations\": [], \"images\": [{\"file_name\": \"a\"}], \"categories\": []}", "images[0].id"},
                 {"{\"annotations\": [], \"images\": [{\"id\": 1, \"file_name\": \"a\"}, {\"id\": \"1\", \"file_name\": \"b\"}], \"categories\": []}", "images[1].id '1' is there twice"},
                 {"{\"annotations\": [], \"images\": [{\"id\": 1, \"file_name\": \"a\", \"width\": -1}], \"categories\": []}", "images[0].width"},
                 {"{\"annotations\": [], \"images\": [], \"categories\": [{\"id\": 1}]}", "categories[0]"},
                 {COCO_HEAD "[{\"image_id\": 2, \"category_id\": 1}]}", "annotations[0].image_id"},
                 {COCO_HEAD "[{\"image_id\": 1, \"category_id\": 9}]}", "annotations[0].category_id"},
                 {COCO_HEAD "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3]}]}", "annotations[0].bbox"},
                 {COCO_HEAD "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, -3, 4]}]}", "positive sides"},
                 {COCO_HEAD "[{\"image_id\": 1, \"category_id\": 1, \"bbox_relative\": [0, 0, 1, 1]}]}", "needs width and height"},
                 {"{\"detection_categories\": {\"1\": 2}, \"images\": []}", "detection_categories.1"},
                 {"{\"detection_categories\": {\"1\": \"animal\"}, \"images\": [{\"detections\": []}]}", "images[0].file"},
                 {"{\"detection_categories\": {\"1\": \"animal\"}, \"images\": [{\"file\": \"a\", \"detections\": [{\"category\": \"2\", \"conf\": 1, \"bbox\": [0, 0, 1, 1]}]}]}", "images[0].detections[0]"}};
#undef COCO_HEAD
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_dataset d = {0};
        urs_error err = {0};
        URS_CHECK_INT(t, parse_json(&d, cases[i].text, &err), URS_EFORMAT);
        if (!strstr(err.message, cases[i].part) || !strstr(err.message, "d.json"))
            urs_test_fail(t, __FILE__, __LINE__, "case %zu says '%s'", i, err.message);
        urs_dataset_release(&d);
    }
}

/* metadata.csv as the loaders of the re-identification libraries write it. */
static void wildlife_metadata_is_read(urs_test *t)
{
    static const char text[] = ",image_id,identity,path,date,bbox,species\n0,17,otis,images/a.jpg,2020-02-29 10:11:12,\"[1, 2, 3, 4]\",brown bear\n1,18,unknown,images/b.jpg,,,\n";
    char *dir = urs_test_folder("wildlife"), *file = urs_path_join(dir, "metadata.csv");
    urs_dataset d = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_file_write(file, text, sizeof text - 1, &err), err);
    URS_REQUIRE_OK(t, urs_dataset_read(&d, dir, NULL, &err), err);
    URS_REQUIRE(t, d.count == 2);
    URS_CHECK_TEXT(t, urs_name_table_get(&d.individuals, d.samples[0].individual), "otis");
    URS_CHECK(t, d.samples[1].individual == -1 && d.samples[0].has_day && d.samples[0].day == 18321);
    urs_dataset_release(&d);
    urs_free(file);
    urs_free(dir);
}

int main(void)
{
    static const urs_case cases[] = {{"csv_takes_columns_in_any_order", csv_takes_columns_in_any_order},
                                     {"csv_names_the_line", csv_names_the_line},
                                     {"days_are_counted_from_1970", days_are_counted_from_1970},
                                     {"folders_give_labels_individuals_and_parts", folders_give_labels_individuals_and_parts},
                                     {"yolo_reads_boxes_polygons_and_parts", yolo_reads_boxes_polygons_and_parts},
                                     {"yolo_config_errors_name_the_key", yolo_config_errors_name_the_key},
                                     {"imglab_reads_what_dlib_writes", imglab_reads_what_dlib_writes},
                                     {"imglab_refuses", imglab_refuses},
                                     {"heads_carry_points_and_masks", heads_carry_points_and_masks},
                                     {"head_json_errors_name_the_key", head_json_errors_name_the_key},
                                     {"camera_traps_are_read", camera_traps_are_read},
                                     {"detections_are_read", detections_are_read},
                                     {"json_names_the_key", json_names_the_key},
                                     {"wildlife_metadata_is_read", wildlife_metadata_is_read},
                                     {"shared_sets_are_read", shared_sets_are_read}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
