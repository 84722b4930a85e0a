/* MegaDetector batch JSON: what we write keeps every rule of the format and reads back the same; every rule is really checked. */
#include "harness.h"

#include "base/file.h"
#include "interchange/json_text.h"
#include "interchange/megadetector.h"
#include "interchange/megadetector_check.h"
#include "interchange/result_csv.h"

#include <stdlib.h>

static void fill(urs_test *t, urs_result_set *set)
{
    urs_error err = {0};
    urs_result_image *image;
    urs_result_detection *d;
    URS_REQUIRE_OK(t, urs_result_set_text(&set->info.detector, "find.safetensors", &err), err);
    URS_REQUIRE_OK(t, urs_result_set_text(&set->info.classifier, "embed.safetensors", &err), err);
    URS_REQUIRE_OK(t, urs_result_set_text(&set->info.completed, "2024-05-01 10:00:00", &err), err);
    set->info.typical_threshold = 0.4;
    set->info.conservative_threshold = 0.05;
    URS_REQUIRE_OK(t, urs_names_add(&set->info.detection_categories, "animal", &err), err);
    URS_REQUIRE_OK(t, urs_names_add(&set->info.classification_categories, "Otis", &err), err);
    URS_REQUIRE_OK(t, urs_names_add(&set->info.classification_categories, "480 \"Big\" \\ \n", &err), err);
    image = urs_result_set_add(set);
    URS_REQUIRE(t, image);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->file, "sub/caf\xc3\xa9.jpg", &err), err);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->frame_class, "bear", &err), err);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->warning, "truncated", &err), err);
    URS_REQUIRE_OK(t, urs_result_scores_add(&image->frame_classes, "empty", 0.0, &err), err);
    URS_REQUIRE_OK(t, urs_result_scores_add(&image->frame_classes, "bear", 1.0, &err), err);
    image->width = 5;
    image->height = 7;
    memcpy(image->datetime, "2024:04:30 21:00:00", 20);
    d = urs_result_image_add(image);
    URS_REQUIRE(t, d);
    d->conf = 1.0;
    d->x = 0.0;
    d->y = 0.12345678;
    d->width = 1.0;
    d->height = 1e-7;
    URS_REQUIRE_OK(t, urs_result_set_text(&d->mask, "S1", &err), err);
    d->mask_width = 5;
    d->mask_height = 7;
    URS_REQUIRE_OK(t, urs_result_set_text(&d->verdict, "unsure", &err), err);
    URS_REQUIRE_OK(t, urs_result_scores_add(&d->individuals, "480 \"Big\" \\ \n", 0.75, &err), err);
    URS_REQUIRE_OK(t, urs_result_scores_add(&d->individuals, "Otis", 0.25, &err), err);
    URS_REQUIRE_OK(t, urs_result_classes_add(&d->classes, 1, 0.75, &err), err);
    URS_REQUIRE_OK(t, urs_result_classes_add(&d->classes, 0, 0.25, &err), err);
    d->points = (urs_result_points){.has_left_eye = true, .has_nose = true, .left_eye = {0.25, 0.5}, .nose = {0.3, 0.6}};
    d = urs_result_image_add(image); /* the plainest one */
    URS_REQUIRE(t, d);
    d->conf = 0.5;
    d->width = d->height = 0.5;
    image = urs_result_set_add(set);
    URS_REQUIRE(t, image);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->file, "bad\xff\xfename.jpg", &err), err);
    image = urs_result_set_add(set);
    URS_REQUIRE(t, image);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->file, "broken.jpg", &err), err);
    URS_REQUIRE_OK(t, urs_result_set_text(&image->failure, URS_FAILURE_ACCESS, &err), err);
}

static void written_is_valid_and_reads_back(urs_test *t)
{
    urs_result_set set = {.count = 0}, back = {.count = 0};
    urs_names warnings = {0};
    urs_error err = {0};
    char *folder = urs_test_folder("results"), *path = urs_path_join(folder, "r.json"), *path2 = urs_path_join(folder, "r2.json");
    urs_bytes a = {0}, b = {0};
    const urs_result_detection *d;
    fill(t, &set);
    URS_REQUIRE_OK(t, urs_results_write(path, &set, &err), err);
    URS_REQUIRE_OK(t, urs_results_check_file(path, &warnings, &err), err);
    URS_CHECK_INT(t, warnings.count, 0);
    URS_REQUIRE_OK(t, urs_results_read(&back, path, &err), err);
    URS_REQUIRE(t, back.count == 3 && back.images[0].count == 2);
    URS_CHECK_TEXT(t, back.images[0].file, "sub/caf\xc3\xa9.jpg");
    URS_CHECK_TEXT(t, back.images[1].file, "bad\xff\xfename.jpg"); /* any bytes come back */
    URS_CHECK_TEXT(t, back.images[2].failure, URS_FAILURE_ACCESS);
    URS_CHECK_TEXT(t, back.images[0].warning, "truncated");
    URS_CHECK_TEXT(t, back.images[0].datetime, "2024:04:30 21:00:00");
    URS_CHECK_TEXT(t, back.images[0].frame_class, "bear");
    URS_CHECK_INT(t, back.images[0].frame_classes.count, 2);
    d = &back.images[0].detections[0];
    URS_CHECK_NEAR(t, d->conf, 1.0, 0);
    URS_CHECK_NEAR(t, d->y, 0.12346, 1e-9);
    URS_CHECK_TEXT(t, d->mask, "S1");
    URS_CHECK_TEXT(t, d->verdict, "unsure");
    URS_CHECK_TEXT(t, d->individuals.items[0].name, "480 \"Big\" \\ \n");
    URS_CHECK_INT(t, d->classes.items[0].category, 1);
    URS_CHECK(t, d->points.has_left_eye && !d->points.has_right_eye && d->points.has_nose);
    URS_CHECK_NEAR(t, d->points.nose[1], 0.6, 1e-9);
    /* what was read is written as it was */
    URS_REQUIRE_OK(t, urs_results_write(path2, &back, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&a, path, 0, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&b, path2, 0, &err), err);
    URS_CHECK_TEXT(t, (const char *)b.data, (const char *)a.data);
    URS_CHECK(t, strstr((const char *)a.data, "\"conf\": 1.0,") != NULL);
    URS_CHECK(t, strstr((const char *)a.data, "\"failure\": \"image access failure\", \"detections\": null") != NULL);
    urs_bytes_release(&a);
    urs_bytes_release(&b);
    urs_result_set_release(&set);
    urs_result_set_release(&back);
    free(folder);
    free(path);
    free(path2);
}

static void corpus_is_judged(urs_test *t)
{
    static const struct {
        const char *file;
        urs_status check, read;
    } cases[] = {{"ours.json", URS_OK, URS_OK}, {"megadetector.json", URS_OK, URS_OK}, {"broken.json", URS_EFORMAT, URS_EFORMAT}, {"line.json", URS_EFORMAT, URS_EFORMAT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_text path = {0};
        urs_error err = {0};
        urs_result_set set = {.count = 0};
        urs_text_format(&path, "%s/tests/fuzz/corpus/megadetector/%s", URS_SOURCE_DIR, cases[i].file);
        URS_CHECK_INT(t, urs_results_check_file(urs_text_string(&path), NULL, &err), cases[i].check);
        URS_CHECK_INT(t, urs_results_read(&set, urs_text_string(&path), &err), cases[i].read);
        if (i == 1) { /* keys 3 and 10, not contiguous */
            URS_REQUIRE(t, set.count == 3 && set.info.classification_categories.count == 2);
            URS_CHECK_TEXT(t, set.info.classification_categories.items[set.images[0].detections[0].classes.items[0].category], "deer");
            URS_CHECK(t, set.images[2].failure != NULL);
        }
        urs_result_set_release(&set);
        urs_text_release(&path);
    }
}

#define INFO "\"info\": {\"format_version\": \"1.6\", \"detector\": \"d\"}, \"detection_categories\": {\"1\": \"animal\"}, \"classification_categories\": {\"1\": \"a\", \"2\": \"b\"}"
#define ONE(detection) "{" INFO ", \"images\": [{\"file\": \"a.jpg\", \"detections\": [" detection "]}]}"
#define IMAGE(rest) "{" INFO ", \"images\": [{" rest "}]}"

/* Each breaks one rule of the format; the first few are right and stand for the check itself. */
static void every_rule_is_checked(urs_test *t)
{
    static const struct {
        const char *json;
        bool valid;
    } cases[] = {
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0]}"), true},
        {"{" INFO ", \"images\": []}", true},
        {IMAGE("\"file\": \"a.jpg\", \"failure\": \"x\", \"detections\": null"), true},
        {IMAGE("\"file\": \"a.jpg\", \"failure\": \"x\""), true}, /* a warning only */
        {IMAGE("\"file\": \"a.jpg\", \"failure\": null, \"detections\": []"), true},
        {IMAGE("\"file\": \"a.mp4\", \"failure\": \"x\", \"detections\": null, \"frame_rate\": -1, \"frames_processed\": []"), true},
        {IMAGE("\"file\": \"a.mp4\", \"failure\": \"x\", \"detections\": null, \"frame_rate\": null, \"frames_processed\": []"), false},
        {IMAGE("\"file\": \"a.mp4\", \"failure\": \"x\", \"detections\": null, \"frame_rate\": -1"), false},
        {IMAGE("\"file\": \"a.mp4\", \"detections\": [], \"frame_rate\": 0, \"frames_processed\": []"), false},
        {IMAGE("\"file\": \"a.mp4\", \"detections\": [{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0]}], \"frame_rate\": 1, \"frames_processed\": [0]"), false},
        {IMAGE("\"file\": \"a.jpg\", \"failure\": \"x\", \"detections\": []"), false},
        {IMAGE("\"file\": \"a.jpg\", \"detections\": null"), false},
        {IMAGE("\"file\": \"a.jpg\""), false},
        {IMAGE("\"detections\": []"), false},
        {IMAGE("\"file\": \"a.jpg\", \"failure\": 1"), false},
        {ONE("{\"category\": 1, \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0]}"), false},
        {ONE("{\"category\": \"2\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 1, \"bbox\": [0.0, 0.0, 1.0, 1.0]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 1.5, \"bbox\": [0.0, 0.0, 1.0, 1.0]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0, 0, 1, 1]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"classifications\": null}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"classifications\": [[\"3\", 0.5]]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"classifications\": [[\"1\", 0.2], [\"2\", 0.8]]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"classifications\": [[\"2\", 0.8], [\"1\", 0.2]]}"), true},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"mask\": {\"size\": [7, 5], \"counts\": \"S2\"}}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"individuals\": [[\"a\", 0.2], [\"b\", 0.8]]}"), false},
        {ONE("{\"category\": \"1\", \"conf\": 0.5, \"bbox\": [0.0, 0.0, 1.0, 1.0], \"verdict\": \"perhaps\"}"), false},
        {"{\"info\": {\"format_version\": 1.6}, \"detection_categories\": {}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.2\"}, \"detection_categories\": {}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"new\"}, \"detection_categories\": {}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.6\"}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.6\"}, \"detection_categories\": {\"a\": \"animal\"}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.6\"}, \"detection_categories\": {\"1\": \" \"}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.6\"}, \"detection_categories\": {\"-1\": \"animal\"}, \"images\": []}", false},
        {"{\"info\": {\"format_version\": \"1.6\"}, \"detection_categories\": {}}", false},
        {"{" INFO ", \"classification_category_descriptions\": {\"1\": \"x\"}, \"images\": []}", false},
        {"{" INFO ", \"classification_category_descriptions\": {\"1\": \"x\", \"2\": \"y\"}, \"images\": []}", true},
        {"{\"detection_categories\": {}, \"images\": []}", false},
        {"[]", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        urs_error err = {0};
        const urs_status status = urs_results_check(cases[i].json, strlen(cases[i].json), "case", NULL, &err);
        if ((status == URS_OK) != cases[i].valid)
            urs_test_fail(t, __FILE__, __LINE__, "case %zu: status %d (%s), expected %s", i, status, err.message, cases[i].valid ? "valid" : "broken");
        if (status != URS_OK)
            URS_CHECK(t, status == URS_EFORMAT && err.message[0]);
    }
}

static void warnings_are_given(urs_test *t)
{
    static const char json[] = "{\"info\": {\"format_version\": \"1.6\", \"detection_completion_time\": \"yesterday\"}, \"detection_categories\": {\"0\": \"empty\"}, \"extra\": 1, \"images\": "
                               "[{\"file\": \"a.jpg\", \"failure\": \"x\"}]}";
    urs_names warnings = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_results_check(json, sizeof json - 1, "case", &warnings, &err), err);
    URS_CHECK_INT(t, warnings.count, 5); /* time, no detector, category 0, failure without detections, extra key */
    urs_names_release(&warnings);
}

static void json_pieces(urs_test *t)
{
    static const struct {
        double x;
        int decimals;
        const char *want;
    } floats[] = {{1, 4, "1.0"}, {0, 4, "0.0"}, {-0.0, 4, "0.0"}, {0.5, 4, "0.5"}, {0.12345, 4, "0.1235"}, {1e-9, 5, "0.0"}, {-1e-9, 5, "0.0"}, {0.10, 5, "0.1"}, {12.0, 1, "12.0"}};
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        urs_text text = {0};
        urs_json_add_float(&text, floats[i].x, floats[i].decimals);
        URS_CHECK_TEXT(t, urs_text_string(&text), floats[i].want);
        urs_text_release(&text);
    }
    {
        urs_text text = {0};
        urs_json_add_string(&text, "a\"\\\n\x01\xc3\xa9\xff\xf0\x9f\x90\xbb\xed\xa0\x80\xc0\x80");
        URS_CHECK_TEXT(t, urs_text_string(&text), "\"a\\\"\\\\\\u000a\\u0001\xc3\xa9\xef\xbf\xbd\xf0\x9f\x90\xbb\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
        urs_text_release(&text);
    }
    URS_CHECK(t, urs_json_is_utf8("caf\xc3\xa9") && !urs_json_is_utf8("caf\xe9") && !urs_json_is_utf8("\xe2\x82"));
}

static void table_has_a_row_a_detection(urs_test *t)
{
    urs_result_set set = {.count = 0};
    urs_text text = {0};
    size_t rows = 0, commas = 0;
    fill(t, &set);
    urs_results_csv_header(&text, 2);
    for (size_t i = 0; i < set.count; i++)
        urs_results_csv_rows(&text, &set.images[i], &set.info, 2);
    URS_CHECK(t, strstr(urs_text_string(&text), "480 \"\"Big\"\" \\") != NULL); /* quoted */
    URS_CHECK(t, strstr(urs_text_string(&text), "broken.jpg,,,,image access failure,,,,,,,,,,,,,,,,\r\n") != NULL);
    for (const char *p = urs_text_string(&text); *p; p++) {
        rows += p[0] == '\r';
        commas += *p == ',';
    }
    URS_CHECK_INT(t, rows, 1 + 2 + 1 + 1);
    URS_CHECK_INT(t, commas, 5 * 20);
    urs_text_release(&text);
    urs_result_set_release(&set);
}

int main(void)
{
    static const urs_case cases[] = {
        {"written is valid and reads back", written_is_valid_and_reads_back},
        {"files of the corpus are judged right", corpus_is_judged},
        {"every rule is checked", every_rule_is_checked},
        {"warnings are given", warnings_are_given},
        {"strings and floats of JSON", json_pieces},
        {"the table has a row a detection", table_has_a_row_a_detection},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
