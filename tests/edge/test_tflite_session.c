/* Sessions on a fake TFLite and a fake delegate: the order of all calls, every step failing once, views of tensors, libraries that are none; and on a real TFLite where one is named
 * ($URSID_TFLITE_LIBRARY, else what the system has). */
#include "fake_calls.h"
#include "harness.h"

#include "base/random.h"
#include "edge/tflite_session.h"
#include "int8/engine.h"
#include "int8/tflite_file.h"

#include <stdlib.h>

#define MODEL "fake model of 4 numbers"

/* "Inference" of the fake: every output byte is the input byte of its place plus one, with a delegate plus two. */
typedef struct fake_buffers {
    int8_t in[4], out[4];
} fake_buffers;

bool fake_open(fake_model *m, const void *bytes, size_t size)
{
    fake_buffers *b;
    if (size != sizeof MODEL || memcmp(bytes, MODEL, size) != 0)
        return false;
    b = calloc(1, sizeof *b);
    m->host = b;
    m->n_in = m->n_out = 1;
    m->in[0] = (fake_tensor){.name = "x", .type = URS_TFLITE_INT8, .rank = 4, .dim = {1, 1, 2, 2}, .scale = 0.5f, .zero_point = -3, .data = b->in, .bytes = 4};
    m->out[0] = (fake_tensor){.name = NULL, .type = URS_TFLITE_INT8, .rank = 2, .dim = {1, 4}, .scale = 0.25f, .zero_point = 7, .data = b->out, .bytes = 4};
    return true;
}

bool fake_run(fake_model *m)
{
    fake_buffers *b = m->host;
    for (int i = 0; i < 4; i++)
        b->out[i] = (int8_t)(b->in[i] + (m->delegated ? 2 : 1));
    return true;
}

void fake_close(fake_model *m)
{
    free(m->host);
}

typedef struct bench {
    urs_tflite_library library;
    urs_delegate_library delegate;
    urs_tflite_options options;
} bench;

static bool load(urs_test *t, bench *b, bool delegated)
{
    urs_error err = {0};
    *b = (bench){0};
    if (urs_tflite_library_open(&b->library, URS_FAKE_TFLITE, &err) == URS_OK && urs_delegate_library_open(&b->delegate, URS_FAKE_DELEGATE, &err) == URS_OK) {
        b->options = (urs_tflite_options){.threads = 2, .delegate = delegated ? &b->delegate : NULL};
        return true;
    }
    urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return false;
}

static void order(urs_test *t)
{
    bench b;
    urs_tflite_session *s = NULL;
    urs_tflite_view in, out;
    urs_error err = {0};
    URS_REQUIRE(t, load(t, &b, true));
    fake_reset(NULL, 0);
    URS_REQUIRE_OK(t, urs_tflite_session_new(&s, &b.library, MODEL, sizeof MODEL, &b.options, &err), err);
    URS_CHECK_TEXT(t, fake_record, "create model, create options, set threads, create delegate, add delegate, create interpreter, allocate, ");
    URS_CHECK_INT(t, urs_tflite_session_inputs(s), 1);
    URS_CHECK_INT(t, urs_tflite_session_outputs(s), 1);
    URS_REQUIRE_OK(t, urs_tflite_session_input(&in, s, 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_session_output(&out, s, 0, &err), err);
    URS_CHECK_TEXT(t, in.name, "x");
    URS_CHECK_TEXT(t, out.name, "");
    URS_CHECK(t, in.rank == 4 && in.dim[3] == 2 && in.bytes == 4 && in.type == URS_TFLITE_INT8 && in.quant.zero_point == -3);
    URS_CHECK_NEAR(t, out.quant.scale, 0.25, 0);
    memcpy(in.data, "\1\2\3\4", 4);
    URS_REQUIRE_OK(t, urs_tflite_session_run(s, &err), err);
    URS_CHECK(t, memcmp(out.data, "\3\4\5\6", 4) == 0);
    URS_CHECK_INT(t, urs_tflite_session_output(&out, s, 1, &err), URS_EUNSUPPORTED);
    fake_reset(NULL, 0);
    urs_tflite_session_free(s);
    URS_CHECK_TEXT(t, fake_record, "delete interpreter, delete options, destroy delegate, delete model, ");
    urs_tflite_session_free(NULL);
}

static void without_delegate(urs_test *t)
{
    bench b;
    urs_tflite_session *s = NULL;
    urs_tflite_view in, out;
    urs_error err = {0};
    URS_REQUIRE(t, load(t, &b, false));
    fake_reset(NULL, 0);
    URS_REQUIRE_OK(t, urs_tflite_session_new(&s, &b.library, MODEL, sizeof MODEL, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_session_input(&in, s, 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_session_output(&out, s, 0, &err), err);
    memcpy(in.data, "\1\2\3\4", 4);
    URS_REQUIRE_OK(t, urs_tflite_session_run(s, &err), err);
    URS_CHECK(t, memcmp(out.data, "\2\3\4\5", 4) == 0);
    urs_tflite_session_free(s);
    URS_CHECK_INT(t, fake_count("create delegate"), 0);
}

/* Whatever fails: an error that says what, and everything that was made is given back, once. */
static void every_step_fails(urs_test *t)
{
    static const struct {
        const char *step;
        urs_status status;
        const char *says;
    } rows[] = {
        {"create model", URS_EFORMAT, "cannot read the model"},
        {"create options", URS_ENOMEM, "no options"},
        {"create delegate", URS_EUNSUPPORTED, "makes no delegate"},
        {"create interpreter", URS_EUNSUPPORTED, "no interpreter with this delegate: no interpreter today, sorry"},
        {"allocate", URS_EUNSUPPORTED, "cannot prepare"},
    };
    bench b;
    URS_REQUIRE(t, load(t, &b, true));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_tflite_session *s = NULL;
        urs_error err = {0};
        fake_reset(rows[i].step, 0);
        URS_CHECK_INT(t, urs_tflite_session_new(&s, &b.library, MODEL, sizeof MODEL, &b.options, &err), rows[i].status);
        if (!strstr(err.message, rows[i].says))
            urs_test_fail(t, __FILE__, __LINE__, "%s: '%s'", rows[i].step, err.message);
        URS_CHECK(t, s == NULL);
        URS_CHECK_INT(t, fake_count("delete model"), fake_count("create model") - (i == 0));
        URS_CHECK_INT(t, fake_count("delete options"), fake_count("create options") - (i == 1));
        URS_CHECK_INT(t, fake_count("destroy delegate"), fake_count("create delegate") - (i == 2));
        URS_CHECK_INT(t, fake_count("delete interpreter"), fake_count("create interpreter") - (i == 3));
    }
}

static void inference_fails(urs_test *t)
{
    bench b;
    urs_tflite_session *s = NULL;
    urs_error err = {0};
    URS_REQUIRE(t, load(t, &b, true));
    fake_reset("invoke delegated", 1);
    URS_REQUIRE_OK(t, urs_tflite_session_new(&s, &b.library, MODEL, sizeof MODEL, &b.options, &err), err);
    URS_CHECK_INT(t, urs_tflite_session_run(s, &err), URS_OK);
    URS_CHECK_INT(t, urs_tflite_session_run(s, &err), URS_EIO);
    URS_CHECK_TEXT(t, err.message, "inference failed: node 7 failed to invoke");
    urs_tflite_session_free(s);
}

static void no_libraries(urs_test *t)
{
    urs_tflite_library library;
    urs_delegate_library delegate;
    urs_error err = {0};
    URS_CHECK_INT(t, urs_tflite_library_open(&library, "/nowhere/libtensorflow-lite.so", &err), URS_ENOTFOUND);
    URS_CHECK(t, strstr(err.message, "/nowhere/libtensorflow-lite.so"));
    URS_CHECK_INT(t, urs_tflite_library_open(&library, URS_FAKE_DELEGATE, &err), URS_EUNSUPPORTED);
    URS_CHECK(t, strstr(err.message, "it has no TfLite"));
    URS_CHECK_INT(t, urs_delegate_library_open(&delegate, "/nowhere/libethosu_delegate.so", &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_delegate_library_open(&delegate, URS_FAKE_TFLITE, &err), URS_EUNSUPPORTED);
}

static void real_library(urs_test *t)
{
    urs_tflite_library library;
    urs_tflite_session *s = NULL;
    urs_error err = {0};
    const char *path = getenv("URSID_TFLITE_LIBRARY");
    const urs_status status = urs_tflite_library_open(&library, path, &err);
    if (status != URS_OK && !path) {
        urs_test_skip(t, "no TFLite library here; URSID_TFLITE_LIBRARY can name one");
        return;
    }
    URS_REQUIRE_OK(t, status, err);
    printf("     %s, version %s\n", library.name, library.Version());
    URS_CHECK_INT(t, urs_tflite_session_new(&s, &library, "this is no model", 16, NULL, &err), URS_EFORMAT);
}

/* Outputs of both engines that differ, for one picture of noise. */
static void compare_with_ours(urs_test *t, const char *stage, const urs_tflite_library *library)
{
    char path[512];
    urs_bytes bytes = {0};
    urs_int8_graph *graph = NULL;
    urs_int8_plan *plan = NULL;
    urs_int8_worker *worker = NULL;
    urs_tflite_session *s = NULL;
    urs_tflite_view view;
    urs_random random;
    urs_error err = {0};
    size_t values = 0, different = 0;
    (void)snprintf(path, sizeof path, "%s/models/%s.tflite", URS_SOURCE_DIR, stage);
    URS_REQUIRE_OK(t, urs_file_read(&bytes, path, 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_decode(&graph, bytes.data, bytes.size, &err), err);
    URS_REQUIRE_OK(t, urs_int8_plan_new(&plan, graph, &(urs_int8_plan_options){.arithmetic = URS_INT8_TFLITE}, &err), err);
    URS_REQUIRE_OK(t, urs_int8_worker_new(&worker, plan, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_session_new(&s, library, bytes.data, bytes.size, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_session_input(&view, s, 0, &err), err);
    urs_random_init(&random, 3);
    for (size_t i = 0; i < view.bytes; i++)
        ((int8_t *)view.data)[i] = (int8_t)(urs_random_below(&random, 256) - 128);
    memcpy(urs_int8_worker_input(worker, 0), view.data, view.bytes);
    URS_REQUIRE_OK(t, urs_tflite_session_run(s, &err), err);
    urs_int8_worker_run(worker);
    for (int32_t k = 0; k < urs_tflite_session_outputs(s); k++) {
        const int8_t *ours = urs_int8_worker_output(worker, k);
        URS_REQUIRE_OK(t, urs_tflite_session_output(&view, s, k, &err), err);
        for (size_t i = 0; i < view.bytes; i++)
            different += ((const int8_t *)view.data)[i] != ours[i];
        values += view.bytes;
    }
    printf("     %s: %zu values compared, %zu different\n", stage, values, different);
    URS_CHECK(t, values > 0 && different == 0);
    urs_tflite_session_free(s);
    urs_int8_worker_free(worker);
    urs_int8_plan_free(plan);
    urs_int8_graph_free(graph);
    urs_bytes_release(&bytes);
}

static void our_weights_in_a_real_library(urs_test *t)
{
    static const char *const stages[] = {"sift", "find", "embed"};
    urs_tflite_library library;
    urs_error err = {0};
    const char *path = getenv("URSID_TFLITE_LIBRARY");
    if (!path) { /* not whatever the system has: builds with XNNPACK round in another way */
        urs_test_skip(t, "URSID_TFLITE_LIBRARY does not name a TFLite without XNNPACK");
        return;
    }
    URS_REQUIRE_OK(t, urs_tflite_library_open(&library, path, &err), err);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        compare_with_ours(t, stages[i], &library);
}

int main(void)
{
    static const urs_case cases[] = {
        {"order of the calls", order},       {"without a delegate", without_delegate}, {"every step fails", every_step_fails},
        {"inference fails", inference_fails}, {"no libraries", no_libraries},           {"a real TFLite", real_library},
        {"our weights in a real TFLite", our_weights_in_a_real_library},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
