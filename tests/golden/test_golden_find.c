/* Decoding of find against numpy, torchvision's suppression and torch's interpolation: tests/golden/find.gold, made by tools/golden/golden_find.py. */
#include "formula.h"
#include "golden.h"
#include "harness.h"

#include "base/memory.h"
#include "stages/find.h"

#include <stdio.h>

enum { SIDE = 64, CLASSES = 2, BINS = 16, COEFFICIENTS = 8, PROTO = 16, LEVELS = 3 };

typedef struct raw_memory {
    float *box[LEVELS], *cls[LEVELS], *coef[LEVELS], *proto; /* owned */
    urs_find_outputs outputs;
    urs_find_layout layout;
} raw_memory;

static float *filled(const char *kind, int level, size_t count, double low, double high)
{
    char name[32];
    float *v = urs_array_new(count, sizeof *v);
    if (level >= 0)
        (void)snprintf(name, sizeof name, "find/c/%s%d", kind, level);
    else
        (void)snprintf(name, sizeof name, "find/c/%s", kind);
    if (v)
        urs_formula_fill(v, count, name, low, high);
    return v;
}

static bool make_raw(raw_memory *m)
{
    memset(m, 0, sizeof *m);
    m->layout = (urs_find_layout){.input_width = SIDE, .input_height = SIDE, .levels = LEVELS, .classes = CLASSES, .bins = BINS, .coefficients = COEFFICIENTS,
                                  .proto_width = PROTO, .proto_height = PROTO};
    for (int l = 0; l < LEVELS; l++) {
        const int32_t stride = 8 << l, n = SIDE / stride;
        const size_t cells = (size_t)(n * n);
        m->layout.level[l].width = m->layout.level[l].height = n;
        m->layout.level[l].stride = stride;
        m->outputs.box[l] = m->box[l] = filled("box", l, 4 * BINS * cells, -7, 3);
        m->outputs.cls[l] = m->cls[l] = filled("class", l, CLASSES * cells, -6, 2);
        m->outputs.coef[l] = m->coef[l] = filled("coef", l, COEFFICIENTS * cells, -1, 1);
        if (!m->box[l] || !m->cls[l] || !m->coef[l])
            return false;
    }
    m->outputs.proto = m->proto = filled("proto", -1, (size_t)COEFFICIENTS * PROTO * PROTO, -1, 1);
    return m->proto != NULL;
}

static void free_raw(raw_memory *m)
{
    for (int l = 0; l < LEVELS; l++) {
        urs_free(m->box[l]);
        urs_free(m->cls[l]);
        urs_free(m->coef[l]);
    }
    urs_free(m->proto);
}

static void check_mask(urs_test *t, const urs_detection *d, const int64_t *wanted)
{
    int64_t pixels = 0, columns = 0, rows = 0;
    for (int32_t y = 0; y < d->mask.height; y++)
        for (int32_t x = 0; x < d->mask.width; x++)
            if (*urs_image_at(&d->mask, x, y)) {
                pixels++;
                columns += d->mask_x + x;
                rows += d->mask_y + y;
            }
    URS_CHECK_INT(t, pixels, wanted[0]);
    URS_CHECK_INT(t, columns, wanted[1]);
    URS_CHECK_INT(t, rows, wanted[2]);
}

static void compare(urs_test *t, const char *name, const urs_letterbox *how, int32_t width, int32_t height, const urs_find_options *options)
{
    urs_golden *g = NULL;
    const urs_golden_tensor *found, *masks;
    urs_detections list = {0};
    raw_memory m;
    urs_error err = {0};

    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/find.gold", &err), err);
    found = urs_golden_find(g, "%s/found", name);
    masks = urs_golden_find(g, "%s/masks", name);
    URS_REQUIRE(t, found && masks && make_raw(&m));
    URS_REQUIRE_OK(t, urs_find_decode(&list, &m.layout, &m.outputs, how, width, height, options, &err), err);
    URS_CHECK_INT(t, list.count, found->dims[0]);
    for (size_t i = 0; i < list.count && i < (size_t)found->dims[0]; i++) {
        const urs_detection *d = &list.items[i];
        const double *row = found->f64 + i * 6;
        URS_CHECK_NEAR(t, d->box.x1, row[0], 1e-3);
        URS_CHECK_NEAR(t, d->box.y1, row[1], 1e-3);
        URS_CHECK_NEAR(t, d->box.x2, row[2], 1e-3);
        URS_CHECK_NEAR(t, d->box.y2, row[3], 1e-3);
        URS_CHECK_NEAR(t, d->score, row[4], 1e-6);
        URS_CHECK_INT(t, d->label, (int64_t)row[5]);
        check_mask(t, d, masks->i64 + i * 3);
    }
    urs_detections_release(&list);
    free_raw(&m);
    urs_golden_close(g);
}

static void network_sized_picture(urs_test *t)
{
    compare(t, "plain", NULL, SIDE, SIDE, NULL);
}

static void letterboxed_picture(urs_test *t)
{
    const urs_letterbox how = {.scale = 0.64f, .pad_left = 0, .pad_top = 13, .width = SIDE, .height = SIDE};
    compare(t, "letterbox", &how, 100, 60, &(urs_find_options){.score = 0.05f, .iou = 0.5f, .max_detections = 20, .multi_label = true});
}

static void portrait_picture(urs_test *t)
{
    const urs_letterbox how = {.scale = 64.0f / 211, .pad_left = 18, .pad_top = 0, .width = SIDE, .height = SIDE};
    compare(t, "portrait", &how, 90, 211, &(urs_find_options){.score = 0.4f, .iou = 0.3f, .multi_label = true});
}

/* ---- what the golden file does not say ---- */

static void letterbox_is_what_the_image_room_makes(urs_test *t)
{
    urs_image picture = {0}, fitted = {0};
    urs_letterbox how;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_new(&picture, 90, 211, 3, &err), err);
    URS_REQUIRE_OK(t, urs_image_letterbox(&fitted, &how, &picture, SIDE, SIDE, &err), err);
    URS_CHECK_INT(t, how.pad_left, 18);
    URS_CHECK_INT(t, how.pad_top, 0);
    urs_image_release(&fitted);
    urs_image_release(&picture);
}

static void broken_numbers_make_no_detections(urs_test *t)
{
    urs_detections list = {0};
    raw_memory m;
    urs_error err = {0};
    URS_REQUIRE(t, make_raw(&m));
    for (int l = 0; l < LEVELS; l++) {
        const size_t cells = (size_t)m.layout.level[l].width * (size_t)m.layout.level[l].height;
        for (size_t i = 0; i < CLASSES * cells; i++)
            m.cls[l][i] = i % 2 ? (float)NAN : (float)INFINITY;
        for (size_t i = 0; i < 4 * BINS * cells; i++)
            m.box[l][i] = (float)INFINITY;
        for (size_t i = 0; i < COEFFICIENTS * cells; i++)
            m.coef[l][i] = (float)NAN;
    }
    URS_REQUIRE_OK(t, urs_find_decode(&list, &m.layout, &m.outputs, NULL, SIDE, SIDE, NULL, &err), err);
    URS_CHECK_INT(t, list.count, 0);
    urs_detections_release(&list);
    free_raw(&m);
}

static void limits_and_options(urs_test *t)
{
    urs_detections list = {0};
    raw_memory m;
    urs_image whole = {0};
    urs_error err = {0};
    size_t plain;
    URS_REQUIRE(t, make_raw(&m));
    URS_REQUIRE_OK(t, urs_find_decode(&list, &m.layout, &m.outputs, NULL, SIDE, SIDE, &(urs_find_options){.no_masks = true}, &err), err);
    plain = list.count;
    for (size_t i = 0; i < list.count; i++) {
        URS_CHECK(t, !list.items[i].mask.data);
        URS_CHECK(t, i == 0 || list.items[i].score <= list.items[i - 1].score);
    }
    URS_REQUIRE(t, plain > 5);
    URS_REQUIRE_OK(t, urs_detection_whole_mask(&whole, &list.items[0], 10, 20, &err), err);
    URS_CHECK(t, whole.width == 10 && whole.height == 20 && whole.channels == 1 && whole.data[0] == 0);
    urs_image_release(&whole);
    urs_detections_release(&list);
    URS_REQUIRE_OK(t, urs_find_decode(&list, &m.layout, &m.outputs, NULL, SIDE, SIDE, &(urs_find_options){.max_detections = 3}, &err), err);
    URS_CHECK_INT(t, list.count, 3);
    URS_REQUIRE_OK(t, urs_detection_whole_mask(&whole, &list.items[0], SIDE, SIDE, &err), err);
    for (int32_t y = 0; y < SIDE; y++)
        for (int32_t x = 0; x < SIDE; x++) {
            const urs_detection *d = &list.items[0];
            const int32_t mx = x - d->mask_x, my = y - d->mask_y;
            const bool in = mx >= 0 && my >= 0 && mx < d->mask.width && my < d->mask.height && *urs_image_at(&d->mask, mx, my);
            URS_CHECK_INT(t, *urs_image_at(&whole, x, y), in ? 255 : 0);
        }
    urs_image_release(&whole);
    urs_detections_release(&list);
    URS_CHECK_INT(t, urs_find_decode(&list, &m.layout, &m.outputs, NULL, 0, SIDE, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_find_decode(&list, &m.layout, &m.outputs, NULL, SIDE, SIDE, &(urs_find_options){.score = 2}, &err), URS_EINVAL);
    free_raw(&m);
}

static void layout_of_a_real_graph(urs_test *t)
{
    const urs_model_options seg = {.arch = "yolov8n-seg", .input_width = 96, .input_height = 64, .classes = 1}, other = {.arch = "mobilenet_v3_small"};
    urs_find_layout layout;
    urs_graph *g = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_model_build(&g, &seg, &err), err);
    URS_REQUIRE_OK(t, urs_find_layout_read(&layout, g, &err), err);
    URS_CHECK_INT(t, layout.levels, 3);
    URS_CHECK_INT(t, layout.classes, 1);
    URS_CHECK_INT(t, layout.bins, 16);
    URS_CHECK_INT(t, layout.coefficients, 32);
    URS_CHECK_INT(t, layout.proto_width, 24);
    URS_CHECK_INT(t, layout.proto_height, 16);
    for (int l = 0; l < 3; l++) {
        URS_CHECK_INT(t, layout.level[l].stride, 8 << l);
        URS_CHECK_INT(t, layout.level[l].width, 96 / (8 << l));
    }
    urs_graph_free(g);
    URS_REQUIRE_OK(t, urs_model_build(&g, &other, &err), err);
    URS_CHECK_INT(t, urs_find_layout_read(&layout, g, &err), URS_EMISMATCH);
    urs_graph_free(g);
}

int main(void)
{
    static const urs_case cases[] = {
        {"network-sized picture", network_sized_picture},
        {"letterboxed picture, several labels", letterboxed_picture},
        {"portrait picture", portrait_picture},
        {"letterbox agrees with the image room", letterbox_is_what_the_image_room_makes},
        {"broken numbers", broken_numbers_make_no_detections},
        {"limits and options", limits_and_options},
        {"layout of a real graph", layout_of_a_real_graph},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
