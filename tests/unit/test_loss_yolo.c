/* The YOLOv8-seg loss: spec values, every gradient against the plain PyTorch reference (itself equal to Ultralytics' loss to 1e-8), shards, edges. */
#include "golden.h"
#include "harness.h"
#include "lcg.h"
#include "train/loss_yolo.h"

#include <stdlib.h>

#define GOLDEN URS_SOURCE_DIR "/tests/golden/losses.gold"
enum { SIZE = 64, BINS = 16, COEF = 4, CLASSES = 3, IMAGES = 3, PROTO = 16, ANCHORS = 84 };

static const float boxes0[] = {6, 4, 52, 47, 20.5f, 14, 44, 60, 30, 30, 63, 62}, boxes2[] = {0, 0, 33, 21};
static const int32_t classes0[] = {0, 0, 2}, classes2[] = {1};

typedef struct world {
    float *box[3], *cls[3], *coef[3], *proto;
    float *d_box[3], *d_cls[3], *d_coef[3], *d_proto;
    size_t n_box[3], n_cls[3], n_coef[3], n_proto;
    uint8_t maps[IMAGES][PROTO * PROTO];
    urs_yolo_targets targets[IMAGES];
    urs_yolo_loss_options options;
} world;

static void draw(uint8_t *map, const float *boxes, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (int v = 0; v < PROTO; v++)
            for (int u = 0; u < PROTO; u++) {
                const float *b = boxes + 4 * i;
                const double x = (2.0 * (4 * u + 2) - (double)b[0] - (double)b[2]) / ((double)b[2] - (double)b[0]);
                const double y = (2.0 * (4 * v + 2) - (double)b[1] - (double)b[3]) / ((double)b[3] - (double)b[1]);

                if (x * x + y * y <= 1)
                    map[v * PROTO + u] = (uint8_t)(i + 1);
            }
}

static world *world_new(void)
{
    world *w = calloc(1, sizeof(*w));
    uint64_t lcg = 7;

    if (!w)
        abort();
    w->options = (urs_yolo_loss_options){.batch = IMAGES, .classes = CLASSES, .n_levels = 3, .coefficients = COEF, .proto_h = PROTO, .proto_w = PROTO};
    for (int level = 0; level < 3; level++) {
        const int32_t k = SIZE / (8 << level);
        const size_t plane = (size_t)k * (size_t)k;

        w->options.levels[level] = (urs_yolo_level){k, k, 8 << level};
        w->n_box[level] = IMAGES * 4 * BINS * plane;
        w->n_cls[level] = IMAGES * CLASSES * plane;
        w->n_coef[level] = IMAGES * COEF * plane;
        w->box[level] = calloc(2 * w->n_box[level], sizeof(float));
        w->cls[level] = calloc(2 * w->n_cls[level], sizeof(float));
        w->coef[level] = calloc(2 * w->n_coef[level], sizeof(float));
        if (!w->box[level] || !w->cls[level] || !w->coef[level])
            abort();
        w->d_box[level] = w->box[level] + w->n_box[level];
        w->d_cls[level] = w->cls[level] + w->n_cls[level];
        w->d_coef[level] = w->coef[level] + w->n_coef[level];
        lcg_fill(&lcg, w->box[level], w->n_box[level], 2);
        for (size_t i = 0; i < w->n_box[level]; i++)
            w->box[level][i] += -0.5f * (float)(level + 1) * fabsf((float)(i / plane % BINS) - (2 - 0.5f * (float)level));
        lcg_fill(&lcg, w->cls[level], w->n_cls[level], 3);
        lcg_fill(&lcg, w->coef[level], w->n_coef[level], 2);
    }
    w->n_proto = (size_t)IMAGES * COEF * PROTO * PROTO;
    w->proto = calloc(2 * w->n_proto, sizeof(float));
    if (!w->proto)
        abort();
    w->d_proto = w->proto + w->n_proto;
    lcg_fill(&lcg, w->proto, w->n_proto, 2);
    draw(w->maps[0], boxes0, 3);
    draw(w->maps[2], boxes2, 1);
    w->targets[0] = (urs_yolo_targets){3, boxes0, classes0, w->maps[0]};
    w->targets[1] = (urs_yolo_targets){0, NULL, NULL, w->maps[1]};
    w->targets[2] = (urs_yolo_targets){1, boxes2, classes2, w->maps[2]};
    return w;
}

static void world_free(world *w)
{
    for (int i = 0; i < 3; i++) {
        free(w->box[i]);
        free(w->cls[i]);
        free(w->coef[i]);
    }
    free(w->proto);
    free(w);
}

/* Outputs and gradients of the images from `first` on. */
static void views(const world *w, int first, urs_yolo_outputs *out, urs_yolo_gradients *grad)
{
    const size_t f = (size_t)first;

    for (int i = 0; i < 3; i++) {
        const size_t box = f * w->n_box[i] / IMAGES, cls = f * w->n_cls[i] / IMAGES, coef = f * w->n_coef[i] / IMAGES;

        out->box[i] = w->box[i] + box;
        out->cls[i] = w->cls[i] + cls;
        out->coef[i] = w->coef[i] + coef;
        grad->box[i] = w->d_box[i] + box;
        grad->cls[i] = w->d_cls[i] + cls;
        grad->coef[i] = w->d_coef[i] + coef;
    }
    out->proto = w->proto + f * w->n_proto / IMAGES;
    grad->proto = w->d_proto + f * w->n_proto / IMAGES;
}

static void check_sparse(urs_test *t, const urs_golden *g, const char *name, const float *d, size_t n)
{
    const urs_golden_tensor *index = urs_golden_find(g, "yolo/%s/index", name), *value = urs_golden_find(g, "yolo/%s/value", name);
    const urs_golden_tensor *wanted = urs_golden_find(g, "yolo/%s/count", name);
    long long count = 0;

    URS_REQUIRE(t, index && value && wanted);
    for (size_t i = 0; i < n; i++)
        count += d[i] != 0;
    URS_CHECK_INT(t, count, wanted->i64[0]);
    for (size_t i = 0; i < index->count; i++)
        URS_CHECK_NEAR(t, d[index->i64[i]], value->f64[i], 1e-6);
}

static void equals_the_reference(urs_test *t)
{
    world *w = world_new();
    urs_golden *g;
    urs_yolo_loss *y;
    urs_yolo_outputs out;
    urs_yolo_gradients grad;
    urs_yolo_sums sums;
    urs_yolo_parts parts;
    urs_error err = {0};
    static const char *const names[3][3] = {{"d_box0", "d_cls0", "d_coef0"}, {"d_box1", "d_cls1", "d_coef1"}, {"d_box2", "d_cls2", "d_coef2"}};
    const urs_golden_tensor *p, *target, *weight;

    URS_REQUIRE_OK(t, urs_golden_open(&g, GOLDEN, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_loss_new(&y, &w->options, &err), err);
    views(w, 0, &out, &grad);
    URS_REQUIRE_OK(t, urs_yolo_loss_assign(y, &sums, &out, w->targets, IMAGES, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_loss_run(y, &parts, &grad, &sums, &err), err);

    target = urs_golden_find(g, "yolo/target");
    weight = urs_golden_find(g, "yolo/weight");
    p = urs_golden_find(g, "yolo/parts");
    URS_REQUIRE(t, target && weight && p);
    URS_CHECK_INT(t, urs_yolo_loss_anchors(y), ANCHORS);
    for (int32_t image = 0; image < IMAGES; image++) {
        const int32_t *mine;
        const float *score;

        urs_yolo_loss_assignment(y, image, &mine, &score);
        for (int i = 0; i < ANCHORS; i++) {
            URS_CHECK_INT(t, mine[i], target->i64[image * ANCHORS + i]);
            URS_CHECK_NEAR(t, score[i], weight->f64[image * ANCHORS + i], 1e-7);
        }
    }
    URS_CHECK_NEAR(t, parts.box, p->f64[0], 1e-6);
    URS_CHECK_NEAR(t, parts.cls / p->f64[1], 1, 1e-6);
    URS_CHECK_NEAR(t, parts.dfl, p->f64[2], 1e-6);
    URS_CHECK_NEAR(t, parts.mask, p->f64[3], 1e-6);
    URS_CHECK_NEAR(t, parts.total / p->f64[4], 1, 1e-6);
    for (int i = 0; i < 3; i++) {
        check_sparse(t, g, names[i][0], w->d_box[i], w->n_box[i]);
        check_sparse(t, g, names[i][1], w->d_cls[i], w->n_cls[i]);
        check_sparse(t, g, names[i][2], w->d_coef[i], w->n_coef[i]);
    }
    check_sparse(t, g, "d_proto", w->d_proto, w->n_proto);
    urs_yolo_loss_free(y);
    urs_golden_close(g);
    world_free(w);
}

static void shards_add_up(urs_test *t)
{
    world *w = world_new(), *split = world_new();
    urs_yolo_loss *y[2];
    urs_yolo_outputs out;
    urs_yolo_gradients grad[2];
    urs_yolo_sums sums, part, total = {0};
    urs_yolo_parts whole, parts[2];
    urs_error err = {0};

    for (int i = 0; i < 2; i++)
        URS_REQUIRE_OK(t, urs_yolo_loss_new(&y[i], &w->options, &err), err);
    views(w, 0, &out, &grad[0]);
    URS_REQUIRE_OK(t, urs_yolo_loss_assign(y[0], &sums, &out, w->targets, IMAGES, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_loss_run(y[0], &whole, &grad[0], &sums, &err), err);

    for (int i = 0; i < 2; i++) {
        views(split, i, &out, &grad[i]); /* image 0; images 1 and 2 */
        URS_REQUIRE_OK(t, urs_yolo_loss_assign(y[i], &part, &out, split->targets + i, i + 1, &err), err);
        urs_yolo_sums_add(&total, &part);
    }
    URS_CHECK_NEAR(t, total.score_sum, sums.score_sum, 1e-9);
    URS_CHECK_INT(t, total.foreground, sums.foreground);
    URS_CHECK_INT(t, total.images, IMAGES);
    for (int i = 0; i < 2; i++)
        URS_REQUIRE_OK(t, urs_yolo_loss_run(y[i], &parts[i], &grad[i], &total, &err), err);
    URS_CHECK_NEAR(t, parts[0].total + parts[1].total, whole.total, 1e-9 * whole.total);
    for (int level = 0; level < 3; level++) {
        URS_CHECK(t, memcmp(w->d_box[level], split->d_box[level], w->n_box[level] * sizeof(float)) == 0);
        URS_CHECK(t, memcmp(w->d_cls[level], split->d_cls[level], w->n_cls[level] * sizeof(float)) == 0);
        URS_CHECK(t, memcmp(w->d_coef[level], split->d_coef[level], w->n_coef[level] * sizeof(float)) == 0);
    }
    URS_CHECK(t, memcmp(w->d_proto, split->d_proto, w->n_proto * sizeof(float)) == 0);
    for (int i = 0; i < 2; i++)
        urs_yolo_loss_free(y[i]);
    world_free(w);
    world_free(split);
}

/* A batch without any target: only the class loss remains, and every other gradient is zero. */
static void empty_batches_are_fine(urs_test *t)
{
    world *w = world_new();
    urs_yolo_loss *y;
    urs_yolo_outputs out;
    urs_yolo_gradients grad;
    urs_yolo_sums sums;
    urs_yolo_parts parts;
    urs_error err = {0};
    const float flat[] = {5, 5, 5, 20};
    const int32_t wrong[] = {CLASSES};

    w->options.batch = 1;
    URS_REQUIRE_OK(t, urs_yolo_loss_new(&y, &w->options, &err), err);
    views(w, 0, &out, &grad);
    for (int i = 0; i < 2; i++) { /* no target, then one without area */
        const urs_yolo_targets none = {i, flat, classes0, w->maps[1]};

        memset(w->d_box[0], 1, w->n_box[0] * sizeof(float));
        URS_REQUIRE_OK(t, urs_yolo_loss_assign(y, &sums, &out, &none, 1, &err), err);
        URS_CHECK_INT(t, sums.foreground, 0);
        URS_REQUIRE_OK(t, urs_yolo_loss_run(y, &parts, &grad, &sums, &err), err);
        URS_CHECK(t, parts.box == 0 && parts.dfl == 0 && parts.mask == 0 && parts.cls > 0);
        for (size_t k = 0; k < w->n_box[0] / IMAGES; k++)
            URS_REQUIRE(t, w->d_box[0][k] == 0);
    }
    URS_CHECK(t, urs_yolo_loss_assign(y, &sums, &out, &(urs_yolo_targets){1, boxes0, wrong, NULL}, 1, &err) == URS_EINVAL);
    URS_CHECK(t, urs_yolo_loss_assign(y, &sums, &out, w->targets, 2, &err) == URS_EINVAL);
    URS_CHECK(t, urs_yolo_loss_run(y, &parts, &grad, &sums, &err) == URS_EINVAL);
    urs_yolo_loss_free(y);
    world_free(w);
}

static void has_the_specs_values(urs_test *t)
{
    const double a[4] = {10, 10, 50, 60}, b[4] = {20, 15, 70, 55}, c[4] = {0, 0, 2, 2}, d[4] = {5, 5, 6, 9};
    double uniform[16] = {0}, peaked[16], e[16], grad[4];

    for (int i = 0; i < 16; i++)
        peaked[i] = -fabs(i - 3.7);
    URS_CHECK_NEAR(t, urs_yolo_ciou(a, b, NULL), 0.39101973, 1e-8);
    URS_CHECK_NEAR(t, urs_yolo_alignment(0.7, 0.8, 0.5, 6), 0.21932541, 1e-8);
    URS_CHECK_NEAR(t, urs_yolo_dfl(uniform, 16, 7.3, NULL), 2.77258872, 1e-8);
    URS_CHECK_NEAR(t, urs_yolo_dfl(peaked, 16, 3.7, e), 1.08430925, 1e-8);
    /* DFL's slope, in double */
    for (int i = 0; i < 16; i++) {
        double up, down;

        peaked[i] += 1e-5;
        up = urs_yolo_dfl(peaked, 16, 3.7, NULL);
        peaked[i] -= 2e-5;
        down = urs_yolo_dfl(peaked, 16, 3.7, NULL);
        peaked[i] += 1e-5;
        URS_CHECK_NEAR(t, e[i], (up - down) / 2e-5, 1e-8);
    }
    /* far apart: no overlap, still a pull towards the target */
    URS_CHECK(t, urs_yolo_ciou(c, d, grad) < 0);
    URS_CHECK(t, grad[2] > 0 && grad[3] > 0);
}

/* CIoU's slope, in double, with alpha held as the gradient holds it. */
static void ciou_gradient_is_the_slope(urs_test *t)
{
    const double pairs[3][2][4] = {{{10, 10, 50, 60}, {20, 15, 70, 55}}, {{1, 2, 3, 9}, {0.5, 2.5, 4, 8}}, {{0, 0, 2, 3}, {4, 5, 9, 7}}};

    for (int p = 0; p < 3; p++) {
        double grad[4];
        const double *b = pairs[p][1];

        (void)urs_yolo_ciou(pairs[p][0], b, grad);
        for (int i = 0; i < 4; i++) {
            double value[2];

            for (int side = 0; side < 2; side++) {
                double a[4], v, v0, alpha, plain, angle0;

                memcpy(a, pairs[p][0], sizeof(a));
                angle0 = atan((b[2] - b[0]) / (b[3] - b[1])) - atan((a[2] - a[0]) / (a[3] - a[1]));
                a[i] += side ? 1e-5 : -1e-5;
                v = pow(atan((b[2] - b[0]) / (b[3] - b[1])) - atan((a[2] - a[0]) / (a[3] - a[1])), 2) * 4 / (3.14159265358979323846 * 3.14159265358979323846);
                v0 = angle0 * angle0 * 4 / (3.14159265358979323846 * 3.14159265358979323846);
                /* alpha from the centre point: 1 - CIoU's last term gives it without repeating IoU here */
                {
                    const double iw = fmax(0, fmin(pairs[p][0][2], b[2]) - fmax(pairs[p][0][0], b[0]));
                    const double ih = fmax(0, fmin(pairs[p][0][3], b[3]) - fmax(pairs[p][0][1], b[1]));
                    const double inter = iw * ih;
                    const double area = (pairs[p][0][2] - pairs[p][0][0]) * (pairs[p][0][3] - pairs[p][0][1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter;
                    const double jw = fmax(0, fmin(a[2], b[2]) - fmax(a[0], b[0])), jh = fmax(0, fmin(a[3], b[3]) - fmax(a[1], b[1]));
                    const double moved = jw * jh, moved_area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - moved;
                    const double moved_alpha = v / (v - moved / moved_area + 1);

                    alpha = v0 / (v0 - inter / area + 1);
                    plain = urs_yolo_ciou(a, b, NULL) + moved_alpha * v; /* CIoU without the term of shape */
                }
                value[side] = plain - alpha * v;
            }
            URS_CHECK_NEAR(t, grad[i], (value[1] - value[0]) / 2e-5, 1e-6);
        }
    }
}

/* A target whose sides are further away than the bins reach: the distances are clamped, in the value and in the gradient alike. With the gain of CIoU next
 * to zero only DFL depends on the box logits, since a run keeps the boxes that were decoded for the assignment. */
static void far_sides_are_clamped(urs_test *t)
{
    enum { K = 32, PLANE = K * K };
    const urs_yolo_loss_options options = {.batch = 1, .classes = 1, .n_levels = 1, .levels = {{K, K, 8}}, .box_gain = 1e-30};
    const float box[] = {1, 1, 250, 252};
    const int32_t class = 0, *target;
    const float *score;
    const urs_yolo_targets targets = {1, box, &class, NULL};
    float *maps = calloc(2 * 65 * PLANE, sizeof(float)), *d = maps + 65 * PLANE;
    urs_yolo_outputs out = {.box = {maps}, .cls = {maps + 64 * PLANE}};
    const urs_yolo_gradients grad = {.box = {d}, .cls = {d + 64 * PLANE}};
    urs_yolo_loss *y;
    urs_yolo_sums sums;
    urs_yolo_parts parts;
    uint64_t lcg = 3;
    int checked = 0;
    urs_error err = {0};

    URS_REQUIRE(t, maps != NULL);
    lcg_fill(&lcg, maps, 65 * PLANE, 1);
    URS_REQUIRE_OK(t, urs_yolo_loss_new(&y, &options, &err), err);
    URS_REQUIRE_OK(t, urs_yolo_loss_assign(y, &sums, &out, &targets, 1, &err), err);
    URS_CHECK_INT(t, sums.foreground, 10);
    URS_REQUIRE_OK(t, urs_yolo_loss_run(y, &parts, &grad, &sums, &err), err);
    urs_yolo_loss_assignment(y, 0, &target, &score);
    for (int i = 0; i < PLANE; i++)
        for (int channel = 0; target[i] == 0 && channel < 64; channel++) {
            float *x = maps + channel * PLANE + i;
            const float kept = *x;
            double up, width;

            *x = kept + 0.01f;
            width = (double)*x;
            URS_REQUIRE_OK(t, urs_yolo_loss_run(y, &parts, NULL, &sums, &err), err);
            up = parts.total;
            *x = kept - 0.01f;
            width -= (double)*x;
            URS_REQUIRE_OK(t, urs_yolo_loss_run(y, &parts, NULL, &sums, &err), err);
            *x = kept;
            URS_CHECK_NEAR(t, d[channel * PLANE + i], (up - parts.total) / width, 1e-5);
            checked++;
        }
    URS_CHECK_INT(t, checked, 640);
    urs_yolo_loss_free(y);
    free(maps);
}

int main(void)
{
    static const urs_case cases[] = {{"has_the_specs_values", has_the_specs_values},
                                     {"ciou_gradient_is_the_slope", ciou_gradient_is_the_slope},
                                     {"equals_the_reference", equals_the_reference},
                                     {"shards_add_up", shards_add_up},
                                     {"empty_batches_are_fine", empty_batches_are_fine},
                                     {"far_sides_are_clamped", far_sides_are_clamped}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
