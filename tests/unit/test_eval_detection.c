/* Detection AP against pycocotools (tools/golden/eval.py), and the cases where the two ways of matching differ. */
#include "base/memory.h"
#include "eval/detection_ap.h"
#include "golden.h"
#include "harness.h"

#include <stdlib.h>

#define W 48
#define H 40

typedef struct scene {
    urs_ap_object object[64];
    urs_image mask[64];
    uint8_t pixels[64][W * H];
    size_t count;
} scene;

/* The rows of the golden file for one image: image, label, x1, y1, x2, y2, cut(, score in thousandths). */
static void fill_scene(scene *s, const urs_golden_tensor *rows, int64_t image)
{
    const size_t columns = (size_t)rows->dims[1];
    s->count = 0;
    for (size_t r = 0; r < (size_t)rows->dims[0] && s->count < 64; r++) {
        const int64_t *row = rows->i64 + r * columns;
        if (row[0] != image)
            continue;
        uint8_t *pixels = s->pixels[s->count];
        memset(pixels, 0, W * H);
        for (int64_t y = row[3]; y < row[5]; y++)
            for (int64_t x = row[2]; x < row[4]; x++)
                pixels[y * W + x] = x - row[2] + y - row[3] >= row[6];
        s->mask[s->count] = (urs_image){W, H, 1, pixels};
        s->object[s->count] = (urs_ap_object){.label = (int32_t)row[1],
                                              .score = columns > 7 ? (float)row[7] / 1000 : 0,
                                              .box = {(float)row[2], (float)row[3], (float)row[4], (float)row[5]},
                                              .mask = &s->mask[s->count]};
        s->count++;
    }
}

static void measure(urs_test *t, const urs_golden *g, urs_ap_kind kind, const char *name)
{
    const urs_ap_options o = {.kind = kind, .classes = 2};
    scene *truth = calloc(1, sizeof *truth), *guess = calloc(1, sizeof *guess);
    urs_ap *ap = NULL;
    urs_ap_result r = {0};
    urs_error err = {0};
    const urs_golden_tensor *truths = urs_golden_find(g, "detection/truth"), *guesses = urs_golden_find(g, "detection/guess");
    const urs_golden_tensor *want = urs_golden_find(g, "detection/%s/ap", name), *recall = urs_golden_find(g, "detection/%s/recall", name);
    const urs_golden_tensor *curve = urs_golden_find(g, "detection/%s/curve50", name);
    URS_REQUIRE(t, truth && guess && truths && guesses && want && recall && curve);
    URS_REQUIRE_OK(t, urs_ap_new(&ap, &o, &err), err);
    for (int64_t image = 0; image < 14; image++) {
        fill_scene(truth, truths, image);
        fill_scene(guess, guesses, image);
        URS_REQUIRE_OK(t, urs_ap_add_image(ap, truth->object, truth->count, guess->object, guess->count, &err), err);
    }
    URS_REQUIRE_OK(t, urs_ap_finish(ap, &r, &err), err);
    for (int i = 0; i < URS_AP_THRESHOLDS; i++) {
        URS_CHECK_NEAR(t, r.ap[i], want->f64[i], 1e-9);
        URS_CHECK_NEAR(t, r.recall[i], recall->f64[i], 1e-9);
    }
    for (int i = 0; i < URS_AP_RECALLS; i++)
        URS_CHECK_NEAR(t, r.precision50[i], curve->f64[i], 1e-9);
    URS_CHECK_INT(t, r.images, 14);
    URS_CHECK(t, r.map > 0 && r.map < 1 && r.best_f1 > 0);
    json_t *json = urs_ap_json(&r);
    URS_CHECK_NEAR(t, json_real_value(json_object_get(json, "map50_95")), r.map, 1e-12);
    json_decref(json);
    urs_ap_free(ap);
    free(truth);
    free(guess);
}

static void agrees_with_coco(urs_test *t)
{
    urs_golden *g = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/eval.gold", &err), err);
    measure(t, g, URS_AP_BOX, "bbox");
    measure(t, g, URS_AP_MASK, "segm");
    urs_golden_close(g);
}

static urs_ap_result run_one(urs_test *t, urs_ap_matching matching, const urs_ap_object *truth, size_t truths, const urs_ap_object *guess, size_t guesses)
{
    const urs_ap_options o = {.matching = matching};
    urs_ap *ap = NULL;
    urs_ap_result r = {0};
    urs_error err = {0};
    if (urs_ap_new(&ap, &o, &err) != URS_OK || urs_ap_add_image(ap, truth, truths, guess, guesses, &err) != URS_OK || urs_ap_finish(ap, &r, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_ap_free(ap);
    return r;
}

/* One head, two guesses: the better scored one overlaps 0.6, the other 1.0. COCO gives the head to the first, Ultralytics to the second. */
static void matchings_differ(urs_test *t)
{
    const urs_ap_object truth = {.box = {0, 0, 10, 10}};
    const urs_ap_object guess[2] = {{.score = 0.9f, .box = {0, 0, 10, 6}}, {.score = 0.8f, .box = {0, 0, 10, 10}}};
    const urs_ap_result coco = run_one(t, URS_MATCH_COCO, &truth, 1, guess, 2), iou = run_one(t, URS_MATCH_IOU, &truth, 1, guess, 2);
    URS_CHECK_NEAR(t, coco.ap50, 1, 1e-12);
    URS_CHECK_NEAR(t, iou.ap50, 0.5, 1e-12);
    URS_CHECK_NEAR(t, coco.ap75, 0.5, 1e-12);
    URS_CHECK_NEAR(t, iou.ap75, 0.5, 1e-12);
}

static void ignored_truths_do_not_count(urs_test *t)
{
    const urs_ap_object truth[2] = {{.box = {20, 20, 30, 30}, .ignore = true}, {.box = {0, 0, 10, 10}}};
    const urs_ap_object guess[2] = {{.score = 0.9f, .box = {20, 20, 30, 30}}, {.score = 0.8f, .box = {0, 0, 10, 10}}};
    for (int m = 0; m < 2; m++) {
        const urs_ap_result r = run_one(t, m ? URS_MATCH_IOU : URS_MATCH_COCO, truth, 2, guess, 2);
        URS_CHECK_INT(t, r.truths, 1);
        URS_CHECK_NEAR(t, r.map, 1, 1e-12);
        URS_CHECK_NEAR(t, r.best_f1, 1, 1e-12);
        URS_CHECK_NEAR(t, r.best_f1_score, 0.8, 1e-6);
    }
}

static void nothing_to_measure(urs_test *t)
{
    const urs_ap_object guess = {.score = 0.9f, .box = {0, 0, 10, 6}}, wrong = {.label = 1}, nan = {.score = NAN};
    urs_ap *ap = NULL;
    urs_error err = {0};
    urs_ap_result r = run_one(t, URS_MATCH_COCO, NULL, 0, &guess, 1);
    URS_CHECK(t, isnan(r.map) && isnan(r.ap50));
    r = run_one(t, URS_MATCH_COCO, &guess, 1, NULL, 0);
    URS_CHECK_NEAR(t, r.map, 0, 0);
    URS_REQUIRE_OK(t, urs_ap_new(&ap, NULL, &err), err);
    URS_CHECK_INT(t, urs_ap_add_image(ap, &wrong, 1, NULL, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_ap_add_image(ap, NULL, 0, &nan, 1, &err), URS_EINVAL);
    urs_ap_free(ap);
    URS_CHECK_NEAR(t, urs_box_iou((urs_box){10, 10, 50, 60}, (urs_box){20, 15, 70, 55}), 0.42857143, 1e-8); /* spec/models.md section 12 */
    URS_CHECK_NEAR(t, urs_box_iou((urs_box){0, 0, 0, 0}, (urs_box){0, 0, 0, 0}), 0, 0);
}

int main(void)
{
    static const urs_case cases[] = {
        {"boxes and masks agree with pycocotools", agrees_with_coco},
        {"COCO's and Ultralytics' matching differ where they should", matchings_differ},
        {"ignored truths do not count", ignored_truths_do_not_count},
        {"nothing to measure, wrong input", nothing_to_measure},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
