/* YOLOv8n-seg against our own plain PyTorch reference (tools/golden/yolo_reference.py): outputs, assignment of anchors, the four parts of the loss, every
 * gradient, ten SGD steps with clipping. A wide input (96x64), three classes, two pictures with masks. */
#include "net_golden.h"

#include "base/memory.h"
#include "train/loss_yolo.h"

#include <stdio.h>

#define IMAGES 2
#define CLASSES 3
#define WIDTH 96
#define HEIGHT 64
#define STEPS 10
#define TARGETS_MAX 8
#define TOLERANCE 1e-4

static const urs_model_options options = {.arch = "yolov8n-seg", .classes = CLASSES, .input_width = WIDTH, .input_height = HEIGHT};

/* Everything between the plan and the loss. */
typedef struct bench {
    urs_net net;
    urs_yolo_loss *loss;
    urs_yolo_outputs outputs;
    urs_yolo_gradients gradients;
    urs_yolo_targets targets[IMAGES];
    int32_t classes[IMAGES][TARGETS_MAX];
    uint8_t map[IMAGES][HEIGHT / 4 * WIDTH / 4];
    float boxes[IMAGES][4 * TARGETS_MAX];
} bench;

static urs_status open_loss(bench *b, urs_error *err)
{
    urs_yolo_loss_options o = {.batch = IMAGES, .classes = CLASSES, .n_levels = 3, .coefficients = 32, .proto_h = HEIGHT / 4, .proto_w = WIDTH / 4,
                               .input_h = HEIGHT, .input_w = WIDTH};
    char name[24];
    for (int level = 0; level < 3; level++) {
        int32_t k;
        o.levels[level] = (urs_yolo_level){.h = HEIGHT >> (3 + level), .w = WIDTH >> (3 + level), .stride = 8 << level};
#define WIRE(field, prefix)                                               \
    (void)snprintf(name, sizeof name, prefix "%d", level);                \
    k = urs_graph_find_output(b->net.graph, name);                        \
    b->outputs.field[level] = urs_plan_output(b->net.plan, k);            \
    b->gradients.field[level] = urs_plan_output_gradient(b->net.plan, k);
        WIRE(box, "box")
        WIRE(cls, "class")
        WIRE(coef, "coef")
#undef WIRE
    }
    b->outputs.proto = urs_plan_output(b->net.plan, urs_graph_find_output(b->net.graph, "proto"));
    b->gradients.proto = urs_plan_output_gradient(b->net.plan, urs_graph_find_output(b->net.graph, "proto"));
    return urs_yolo_loss_new(&b->loss, &o, err);
}

static bool read_targets(bench *b)
{
    for (int i = 0; i < IMAGES; i++) {
        const urs_golden_tensor *boxes = urs_golden_find(b->net.golden, "target%d/boxes", i), *classes = urs_golden_find(b->net.golden, "target%d/classes", i),
                                *map = urs_golden_find(b->net.golden, "target%d/map", i);
        if (!boxes || !classes || !map || classes->count > TARGETS_MAX || map->count != sizeof b->map[i])
            return false;
        for (size_t k = 0; k < boxes->count; k++)
            b->boxes[i][k] = (float)boxes->f64[k];
        for (size_t k = 0; k < classes->count; k++)
            b->classes[i][k] = (int32_t)classes->i64[k];
        for (size_t k = 0; k < map->count; k++)
            b->map[i][k] = (uint8_t)map->i64[k];
        b->targets[i] = (urs_yolo_targets){.n = (int32_t)classes->count, .boxes = b->boxes[i], .classes = b->classes[i], .index_map = b->map[i]};
    }
    return true;
}

/* As golden_nets.calm: near bins and rare classes are likelier. */
static void calm(const urs_net *net)
{
    const urs_param *params;
    (void)urs_graph_params(net->graph, &params);
    for (int level = 0; level < 3; level++) {
        char name[32];
        const urs_param *box, *cls;
        (void)snprintf(name, sizeof name, "model.22.cv2.%d.2.bias", level);
        box = &params[urs_graph_find_param(net->graph, name)];
        (void)snprintf(name, sizeof name, "model.22.cv3.%d.2.bias", level);
        cls = &params[urs_graph_find_param(net->graph, name)];
        for (size_t i = 0; i < box->count; i++)
            net->start[box->offset + i] -= 0.25f * (float)(level + 1) * (float)(i % 16);
        for (size_t i = 0; i < cls->count; i++)
            net->start[cls->offset + i] -= 3.0f;
    }
}

/* A training plan with its loss, or (not training) only the plan. */
static urs_status bench_open(bench *b, const char *backend, bool training, urs_error *err)
{
    const urs_golden_tensor *number;
    char name[32];
    urs_status status;
    *b = (bench){0};
    if ((status = urs_net_open(&b->net, "yolov8n_seg.gold", &options, err)) != URS_OK)
        return status;
    calm(&b->net);
    if ((status = urs_net_plan(&b->net, backend, IMAGES, training, err)) != URS_OK)
        return status;
    number = urs_golden_find(b->net.golden, "input");
    if (!number || !read_targets(b))
        return urs_fail(err, URS_EFORMAT, "no targets in the golden file");
    (void)snprintf(name, sizeof name, "input%lld", (long long)number->i64[0]);
    urs_net_input(&b->net, name, 0, 1);
    return training ? open_loss(b, err) : URS_OK;
}

static void bench_close(bench *b)
{
    urs_yolo_loss_free(b->loss);
    urs_net_close(&b->net);
}

static urs_status forward_backward(bench *b, urs_yolo_parts *parts, urs_error *err)
{
    urs_yolo_sums totals = {0};
    urs_status status;
    if ((status = urs_plan_forward(b->net.plan, err)) != URS_OK ||
        (status = urs_yolo_loss_assign(b->loss, &totals, &b->outputs, b->targets, IMAGES, err)) != URS_OK ||
        (status = urs_yolo_loss_run(b->loss, parts, &b->gradients, &totals, err)) != URS_OK)
        return status;
    return urs_plan_backward(b->net.plan, err);
}

static void inference(urs_test *t)
{
    static const char *const backends[] = {"", "ref"};
    for (size_t i = 0; i < 2; i++) {
        bench b;
        urs_error err = {0};
        const urs_value *values;
        int32_t n;
        URS_REQUIRE_OK(t, bench_open(&b, backends[i], false, &err), err);
        URS_REQUIRE_OK(t, urs_plan_forward(b.net.plan, &err), err);
        n = urs_graph_outputs(b.net.graph, &values);
        URS_CHECK_INT(t, n, 10);
        for (int32_t k = 0; k < n; k++) {
            const char *name = urs_graph_output_name(b.net.graph, k);
            const urs_dims d = urs_graph_dims(b.net.graph, values[k]);
            const urs_golden_tensor *digest = urs_golden_find(b.net.golden, "eval/%s", name);
            URS_REQUIRE(t, digest);
            URS_CHECK_NEAR(t, urs_net_digest_error(digest, name, urs_plan_output(b.net.plan, k), false, (size_t)(IMAGES * d.c * d.h * d.w), 0), 0, TOLERANCE);
        }
        bench_close(&b);
    }
}

static void check_assignment(urs_test *t, const bench *b)
{
    const urs_golden_tensor *assigned = urs_golden_find(b->net.golden, "assigned"), *scores = urs_golden_find(b->net.golden, "scores");
    const int64_t anchors = urs_yolo_loss_anchors(b->loss);
    URS_REQUIRE(t, assigned && scores && (int64_t)assigned->count == IMAGES * anchors);
    for (int32_t i = 0; i < IMAGES; i++) {
        const int32_t *target;
        const float *score;
        urs_yolo_loss_assignment(b->loss, i, &target, &score);
        for (int64_t a = 0; a < anchors; a++) {
            URS_CHECK_INT(t, target[a], assigned->i64[i * anchors + a]);
            URS_CHECK_NEAR(t, score[a], scores->f64[i * anchors + a], TOLERANCE);
        }
    }
}

static void first_pass(urs_test *t, const char *backend)
{
    bench b;
    urs_error err = {0};
    urs_yolo_parts parts;
    URS_REQUIRE_OK(t, bench_open(&b, backend, true, &err), err);
    URS_REQUIRE_OK(t, forward_backward(&b, &parts, &err), err);
    check_assignment(t, &b);
#define PART(field) urs_golden_find(b.net.golden, "part/" #field)->f64[0]
    URS_CHECK_NEAR(t, parts.box / PART(box), 1, TOLERANCE);
    URS_CHECK_NEAR(t, parts.cls / PART(cls), 1, TOLERANCE);
    URS_CHECK_NEAR(t, parts.dfl / PART(dfl), 1, TOLERANCE);
    URS_CHECK_NEAR(t, parts.mask / PART(mask), 1, TOLERANCE);
#undef PART
    URS_CHECK_NEAR(t, parts.total / urs_golden_find(b.net.golden, "loss")->f64[0], 1, TOLERANCE);
    printf("     on %s: worst gradient %.2g\n", *backend ? backend : "the fastest", urs_net_check_gradients(t, &b.net, "", TOLERANCE));
    bench_close(&b);
}

static void gradients(urs_test *t)
{
    first_pass(t, "");
}

static void gradients_on_ref(urs_test *t)
{
    first_pass(t, "ref");
}

static void steps(urs_test *t)
{
    const urs_optimiser_options sgd = {.kind = URS_OPTIMISER_SGD, .nesterov = true, .groups = {{.weight_decay = 5e-4}, {.weight_decay = 0}}};
    const urs_golden_tensor *losses;
    bench b;
    urs_error err = {0};
    URS_REQUIRE_OK(t, bench_open(&b, "", true, &err), err);
    URS_REQUIRE_OK(t, urs_net_optimiser(&b.net, &sgd, &err), err);
    losses = urs_golden_find(b.net.golden, "losses");
    URS_REQUIRE(t, losses && losses->count == STEPS);
    for (int step = 0; step < STEPS; step++) {
        urs_yolo_parts parts;
        URS_REQUIRE_OK(t, forward_backward(&b, &parts, &err), err);
        URS_CHECK_NEAR(t, parts.total, losses->f64[step], TOLERANCE * losses->f64[step]);
        URS_REQUIRE_OK(t, urs_net_step(&b.net, 1e-4, 0.937, 10, &err), err);
    }
    printf("     worst change after ten steps %.2g\n", urs_net_check_deltas(t, &b.net, TOLERANCE, 1e-2));
    bench_close(&b);
}

int main(void)
{
    static const urs_case cases[] = {{"inference on both backends", inference}, {"assignment, loss, gradients", gradients}, {"the same on ref", gradients_on_ref},
                                     {"ten SGD steps", steps}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
