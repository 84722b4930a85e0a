/* The ladder of engines on a small int8 network, with a fake TFLite that really computes (by the oracles of src/int8) and a fake delegate: every step failing in turn, at the start and in the middle of
 * a run, a compiled file that is another network, several threads. Whatever happens, every frame's numbers are those of our own engine. */
#include "fake_calls.h"
#include "formula.h"
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "edge/engine_ladder.h"
#include "int8/reference.h"
#include "int8/tflite_file.h"
#include "stages/int8_network.h"

#include <stdlib.h>

#define SIDE 32
#define CLASSES 3
#define FRAMES 6
#define PIXELS (3 * SIDE * SIDE)

/* ---- what the fake computes ------------------------------------------------------------------------------------------------------------------ */

static void describe(fake_tensor *out, const urs_int8_tensor *t)
{
    *out = (fake_tensor){.name = t->name, .type = 9, .rank = t->shape.rank, .scale = t->quant.scale, .zero_point = t->quant.zero_point, .bytes = urs_int8_tensor_bytes(t)};
    for (int32_t i = 0; i < t->shape.rank; i++)
        out->dim[i] = t->shape.dim[i];
    out->data = calloc(out->bytes, 1);
}

bool fake_open(fake_model *m, const void *bytes, size_t size)
{
    urs_int8_graph *g = NULL;
    if (urs_tflite_decode(&g, bytes, size, NULL) != URS_OK)
        return false;
    m->host = g;
    m->n_in = g->n_inputs;
    m->n_out = g->n_outputs;
    for (int32_t i = 0; i < g->n_inputs; i++)
        describe(&m->in[i], &g->tensors[g->inputs[i]]);
    for (int32_t i = 0; i < g->n_outputs; i++)
        describe(&m->out[i], &g->tensors[g->outputs[i]]);
    return true;
}

bool fake_run(fake_model *m)
{
    const urs_int8_graph *g = m->host;
    const void *in = m->in[0].data;
    urs_int8_values values = {0};
    if (urs_int8_reference_run(&values, g, URS_INT8_NPU, &in, NULL) != URS_OK)
        return false;
    for (int32_t i = 0; i < g->n_outputs; i++)
        memcpy(m->out[i].data, values.data[g->outputs[i]], m->out[i].bytes);
    urs_int8_values_release(&values);
    return true;
}

void fake_close(fake_model *m)
{
    for (int32_t i = 0; i < m->n_in; i++)
        free(m->in[i].data);
    for (int32_t i = 0; i < m->n_out; i++)
        free(m->out[i].data);
    urs_int8_graph_free(m->host);
}

/* ---- the network and its frames ------------------------------------------------------------------------------------------------------------- */

typedef struct bench {
    char *folder, *path, *compiled;
    float frame[FRAMES][PIXELS], expected[FRAMES][CLASSES];
    urs_network *network;
    int warnings, lines;
    char last_warning[512], last_line[512];
} bench;

static void on_say(void *context, bool warning, const char *text)
{
    bench *b = context;
    if (warning)
        b->warnings++;
    else
        b->lines++;
    (void)snprintf(warning ? b->last_warning : b->last_line, sizeof b->last_line, "%s", text);
}

/* Another network of the same tensors. */
static void negate(urs_network *f)
{
    const urs_param *params;
    for (int32_t i = 0, n = urs_graph_params(f->graph, &params); i < n; i++)
        for (size_t k = 0; strncmp(params[i].name, "classifier", 10) == 0 && k < params[i].count; k++)
            f->params[params[i].offset + k] *= -1;
}

/* A network of formula weights whose ranges are set by hand: what it says does not matter here. */
static urs_status write_model(const char *path, bool other, urs_error *err)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small", .classes = CLASSES, .input_width = SIDE, .input_height = SIDE};
    urs_network *f = NULL, *q = NULL;
    urs_deploy *d = NULL;
    urs_status status = urs_network_new(&f, &options, 1, err);
    if (status == URS_OK)
        status = urs_network_set_note(f, "ursid.stage", "sift", err);
    if (status == URS_OK) {
        urs_formula_params(f->graph, f->params);
        if (other)
            negate(f);
    }
    if (status == URS_OK)
        status = urs_deploy_new(&d, f->graph, &f->input, err);
    for (int32_t i = 0; status == URS_OK && i < d->n_groups; i++)
        if (d->groups[i].kind == URS_GROUP_OBSERVED)
            d->groups[i].range = (urs_quant_range){.step = 0.03f, .zero_point = -20};
    if (status == URS_OK)
        status = urs_network_from_deploy(&q, f, d, NULL, err);
    if (status == URS_OK)
        status = urs_network_write_int8(q, path, err);
    urs_network_free(q);
    urs_deploy_free(d);
    urs_network_free(f);
    return status;
}

static urs_status reopen(bench *b, urs_error *err)
{
    urs_network_free(b->network);
    b->network = NULL;
    b->warnings = b->lines = 0;
    return urs_network_read(&b->network, b->path, "sift", err);
}

static urs_status run_frame(urs_executor *e, const float *frame, float *logits, urs_error *err)
{
    float *outputs[1] = {logits};
    return e->run(e, frame, outputs, err);
}

static urs_status set_up(bench *b, urs_error *err)
{
    urs_executor *e = NULL;
    urs_status status;
    *b = (bench){0};
    b->folder = urs_test_folder("engines");
    b->path = urs_path_join(b->folder, "sift.tflite");
    b->compiled = urs_engine_compiled_path(b->path);
    (void)setenv("URSID_TFLITE_LIBRARY", URS_FAKE_TFLITE, 1);
    (void)setenv("URSID_DELEGATE", URS_FAKE_DELEGATE, 1);
    status = write_model(b->path, false, err);
    if (status == URS_OK)
        status = write_model(b->compiled, false, err);
    if (status == URS_OK)
        status = reopen(b, err);
    if (status == URS_OK)
        status = b->network->maker->make(b->network->maker, &e, err);
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < PIXELS; i++)
            b->frame[f][i] = ((float)((i % SIDE * f + i / (SIDE * SIDE) * 70 * f + f * 40) % 256) / 255 - 0.45f) / 0.225f;
    for (int f = 0; f < FRAMES && status == URS_OK; f++)
        status = run_frame(e, b->frame[f], b->expected[f], err);
    if (e)
        e->free(e);
    return status;
}

static void tear_down(bench *b)
{
    urs_network_free(b->network);
    urs_free(b->folder);
    urs_free(b->path);
    urs_free(b->compiled);
    (void)unsetenv("URSID_TFLITE_LIBRARY");
    (void)unsetenv("URSID_DELEGATE");
    fake_reset(NULL, 0);
}

static urs_status attach(bench *b, urs_engine engine, urs_error *err)
{
    const urs_engine_options o = {.engine = engine, .say = on_say, .context = b};
    const urs_status status = reopen(b, err);
    return status == URS_OK ? urs_engine_attach(b->network, b->path, &o, err) : status;
}

/* All frames through a fresh executor; every number must be our own engine's. */
static void check_frames(urs_test *t, const bench *b, const char *what)
{
    urs_executor *e = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, b->network->maker->make(b->network->maker, &e, &err), err);
    for (int f = 0; f < FRAMES; f++) {
        float logits[CLASSES];
        URS_REQUIRE_OK(t, run_frame(e, b->frame[f], logits, &err), err);
        if (memcmp(logits, b->expected[f], sizeof logits) != 0)
            urs_test_fail(t, __FILE__, __LINE__, "%s: frame %d has other numbers", what, f);
    }
    e->free(e);
}

#define SET_UP(t, b)                                     \
    bench b;                                             \
    urs_error err = {0};                                 \
    fake_reset(NULL, 0);                                 \
    URS_REQUIRE_OK(t, set_up(&b, &err), err)

/* ---- cases ------------------------------------------------------------------------------------------------------------------------------------ */

static void frames_differ(urs_test *t)
{
    SET_UP(t, b);
    URS_CHECK(t, memcmp(b.expected[0], b.expected[1], sizeof b.expected[0]) != 0);
    tear_down(&b);
}

static void choices(urs_test *t)
{
    static const struct {
        urs_engine asked, used;
        const char *says;
    } rows[] = {
        {URS_ENGINE_AUTO, URS_ENGINE_NPU, "sift.tflite: npu (fake_delegate.so, fake_tflite.so, compiled)"},
        {URS_ENGINE_NPU, URS_ENGINE_NPU, "sift.tflite: npu"},
        {URS_ENGINE_TFLITE, URS_ENGINE_TFLITE, "sift.tflite: tflite (fake_tflite.so 0.0-fake)"},
        {URS_ENGINE_INT8, URS_ENGINE_INT8, "sift.tflite: int8"},
    };
    SET_UP(t, b);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        URS_REQUIRE_OK(t, attach(&b, rows[i].asked, &err), err);
        URS_CHECK_INT(t, urs_engine_of(b.network), rows[i].used);
        URS_CHECK_INT(t, b.warnings, 0);
        URS_CHECK_INT(t, b.lines, 1);
        URS_CHECK(t, strstr(b.last_line, rows[i].says));
        check_frames(t, &b, urs_engine_name(rows[i].asked));
    }
    tear_down(&b);
}

/* On a desk nothing is missing; who asks for the NPU there is told. */
static void no_npu(urs_test *t)
{
    SET_UP(t, b);
    (void)unsetenv("URSID_DELEGATE");
    (void)unsetenv("URSID_TFLITE_LIBRARY");
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_INT8);
    URS_CHECK_INT(t, b.warnings, 0);
    (void)setenv("URSID_TFLITE_LIBRARY", "/nowhere/libtensorflow-lite.so", 1);
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_NPU, &err), err);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_INT8);
    URS_CHECK_INT(t, b.warnings, 2); /* no device, then no library */
    check_frames(t, &b, "without libraries");
    (void)setenv("URSID_DELEGATE", "/nowhere/libethosu_delegate.so", 1);
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_INT8);
    URS_CHECK(t, b.warnings >= 1);
    tear_down(&b);
}

static void every_step_fails(urs_test *t)
{
    static const char *const steps[] = {"create model", "create options", "create delegate", "create interpreter", "allocate", "input", "output", "invoke delegated", "invoke*"};
    SET_UP(t, b);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const bool only_npu = strstr(steps[i], "delegate") != NULL;
        fake_reset(steps[i], 0);
        fake_always = true;
        URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
        URS_CHECK_INT(t, urs_engine_of(b.network), only_npu ? URS_ENGINE_TFLITE : URS_ENGINE_INT8);
        URS_CHECK_INT(t, b.warnings, only_npu ? 1 : 2);
        check_frames(t, &b, steps[i]);
        URS_CHECK_INT(t, b.warnings, only_npu ? 1 : 2);
    }
    tear_down(&b);
}

/* The NPU works for the test picture and two frames, then no more: the third frame is computed again, nothing is lost, one warning. */
static void fails_on_the_way(urs_test *t)
{
    SET_UP(t, b);
    fake_reset("invoke delegated", 3);
    fake_always = true;
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_NPU);
    URS_CHECK_INT(t, b.warnings, 0);
    check_frames(t, &b, "NPU dies");
    URS_CHECK_INT(t, b.warnings, 1);
    URS_CHECK_TEXT(t, b.last_warning, "npu failed: inference failed: node 7 failed to invoke; going on with tflite");
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_TFLITE);
    fake_reset("invoke*", 4);
    fake_always = true;
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    check_frames(t, &b, "everything dies");
    URS_CHECK_INT(t, b.warnings, 2);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_INT8);
    tear_down(&b);
}

/* A compiled file of other weights loads and runs, and is found out. */
static void another_network(urs_test *t)
{
    SET_UP(t, b);
    URS_REQUIRE_OK(t, write_model(b.compiled, true, &err), err);
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    URS_CHECK_INT(t, urs_engine_of(b.network), URS_ENGINE_TFLITE);
    URS_CHECK(t, strstr(b.last_warning, "npu is left out: its numbers are"));
    check_frames(t, &b, "another network");
    tear_down(&b);
}

static void wrong_weights(urs_test *t)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small", .classes = CLASSES, .input_width = SIDE, .input_height = SIDE};
    const urs_engine_options want_npu = {.engine = URS_ENGINE_NPU}, want_float = {.engine = URS_ENGINE_FLOAT};
    urs_network *f = NULL;
    urs_engine engine;
    SET_UP(t, b);
    URS_REQUIRE_OK(t, urs_network_new(&f, &options, 1, &err), err);
    URS_CHECK_INT(t, urs_engine_attach(f, "sift.safetensors", &want_npu, &err), URS_EMISMATCH);
    URS_CHECK_INT(t, urs_engine_attach(f, "sift.safetensors", NULL, &err), URS_OK);
    URS_CHECK_INT(t, urs_engine_of(f), URS_ENGINE_FLOAT);
    URS_CHECK_INT(t, urs_engine_attach(b.network, b.path, &want_float, &err), URS_EMISMATCH);
    URS_CHECK(t, urs_engine_find(&engine, "tflite") && engine == URS_ENGINE_TFLITE && urs_engine_find(&engine, NULL) && engine == URS_ENGINE_AUTO && !urs_engine_find(&engine, "gpu"));
    urs_network_free(f);
    tear_down(&b);
}

typedef struct worker {
    const bench *b;
    bool wrong;
} worker;

static void *work(void *context)
{
    worker *w = context;
    urs_executor *e = NULL;
    w->wrong = w->b->network->maker->make(w->b->network->maker, &e, NULL) != URS_OK;
    for (int f = 0; f < FRAMES && !w->wrong; f++) {
        float logits[CLASSES];
        w->wrong = run_frame(e, w->b->frame[f], logits, NULL) != URS_OK || memcmp(logits, w->b->expected[f], sizeof logits) != 0;
    }
    if (e)
        e->free(e);
    return NULL;
}

static void threads(urs_test *t)
{
    pthread_t thread[3];
    worker workers[3];
    SET_UP(t, b);
    fake_reset("invoke delegated", 6);
    fake_always = true;
    URS_REQUIRE_OK(t, attach(&b, URS_ENGINE_AUTO, &err), err);
    for (int i = 0; i < 3; i++) {
        workers[i] = (worker){.b = &b};
        URS_REQUIRE(t, pthread_create(&thread[i], NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(thread[i], NULL);
        URS_CHECK(t, !workers[i].wrong);
    }
    URS_CHECK_INT(t, b.warnings, 1);
    tear_down(&b);
}

int main(void)
{
    static const urs_case cases[] = {
        {"frames differ", frames_differ},       {"choices", choices},
        {"no NPU", no_npu},                     {"every step fails", every_step_fails},
        {"fails on the way", fails_on_the_way}, {"another network", another_network},
        {"wrong weights", wrong_weights},       {"threads", threads},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
