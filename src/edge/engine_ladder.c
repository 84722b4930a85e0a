/* The ladder of engines; see engine_ladder.h. */
#include "edge/engine_ladder.h"

#include "base/file.h"
#include "base/memory.h"
#include "edge/engine_check.h"
#include "edge/tflite_session.h"
#include "stages/int8_network.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL_SIZE_MAX ((size_t)256 << 20)

static const char maker_name[] = "engines of src/edge"; /* its address tells our makers from others */

typedef struct engine_maker {
    urs_executor_maker base;
    urs_executor_maker *own;      /* owned: our int8 engine */
    const urs_network *network;   /* borrowed: the network owns this */
    urs_engine_options options;
    urs_tflite_library library;   /* of NPU and TFLITE */
    urs_delegate_library delegate; /* of NPU */
    urs_bytes compiled, plain;    /* owned: what NPU and TFLITE run; compiled empty: NPU runs plain */
    pthread_mutex_t lock;
    urs_engine first;             /* under the lock: the engine that executors start with */
    bool warned[URS_ENGINES];     /* under the lock */
} engine_maker;

typedef struct engine_executor {
    urs_executor base;
    engine_maker *maker; /* borrowed */
    urs_engine engine;
    urs_tflite_session *session; /* owned; NULL with INT8 */
    urs_executor *own;           /* owned; made when it is needed */
    int32_t *order;              /* owned: output of the session for every output of the int8 graph */
    int8_t *input;               /* owned */
} engine_executor;

const char *urs_engine_name(urs_engine engine)
{
    static const char *const names[URS_ENGINES] = {"auto", "npu", "tflite", "int8", "float"};
    return engine >= 0 && engine < URS_ENGINES ? names[engine] : "";
}

bool urs_engine_find(urs_engine *out, const char *name)
{
    for (int i = 0; i < URS_ENGINES; i++)
        if (strcmp(name ? name : "auto", urs_engine_name((urs_engine)i)) == 0) {
            *out = (urs_engine)i;
            return true;
        }
    return false;
}

char *urs_engine_compiled_path(const char *path)
{
    const size_t n = strlen(path), cut = urs_path_has_extension(path, "tflite") ? n - strlen(".tflite") : n;
    urs_text t = {0};
    urs_text_append(&t, path, cut);
    urs_text_add(&t, "_vela.tflite");
    return urs_text_take(&t);
}

static void say(engine_maker *m, bool warning, const char *text)
{
    if (!m->options.say)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->options.say(m->options.context, warning, text);
    (void)pthread_mutex_unlock(&m->lock);
}

/* An engine cannot be had or has failed: once a warning, and new executors start behind it. */
static void give_up(engine_maker *m, urs_engine engine, const char *what, const urs_error *why)
{
    bool first;
    char text[800];
    (void)pthread_mutex_lock(&m->lock);
    first = !m->warned[engine];
    m->warned[engine] = true;
    if (m->first <= engine)
        m->first = engine + 1;
    (void)pthread_mutex_unlock(&m->lock);
    (void)snprintf(text, sizeof text, "%s %s: %s; going on with %s", urs_engine_name(engine), what, why->message, urs_engine_name(engine + 1));
    if (first)
        say(m, true, text);
}

/* ---- one executor -------------------------------------------------------------------------------------------------------------------------- */

static bool same_tensor(const urs_tflite_view *v, const urs_int8_tensor *t)
{
    if (v->type != URS_TFLITE_INT8 || v->rank != t->shape.rank || v->bytes != urs_int8_tensor_bytes(t) || v->quant.zero_point != t->quant.zero_point ||
        fabsf(v->quant.scale - t->quant.scale) > 1e-6f * t->quant.scale)
        return false;
    for (int32_t i = 0; i < v->rank; i++)
        if (v->dim[i] != t->shape.dim[i])
            return false;
    return true;
}

/* Outputs by their names where all are found (a compiler may reorder them), else by their places; each must be the tensor that our graph has. */
static urs_status match_outputs(engine_executor *e, urs_error *err)
{
    const urs_int8_graph *g = e->maker->network->int8;
    const int32_t n = urs_tflite_session_outputs(e->session);
    urs_tflite_view v;
    urs_status status = URS_OK;
    bool named = true;
    if (n != g->n_outputs)
        return urs_fail(err, URS_EMISMATCH, "the network there has %d outputs instead of %d", (int)n, (int)g->n_outputs);
    for (int32_t k = 0; k < n && named; k++) {
        e->order[k] = -1;
        for (int32_t i = 0; i < n && status == URS_OK; i++) {
            status = urs_tflite_session_output(&v, e->session, i, err);
            if (status == URS_OK && strcmp(v.name, g->tensors[g->outputs[k]].name) == 0)
                e->order[k] = i;
        }
        named = e->order[k] >= 0;
    }
    for (int32_t k = 0; k < n && status == URS_OK; k++) {
        if (!named)
            e->order[k] = k;
        status = urs_tflite_session_output(&v, e->session, e->order[k], err);
        if (status == URS_OK && !same_tensor(&v, &g->tensors[g->outputs[k]]))
            status = urs_fail(err, URS_EMISMATCH, "output %d there is another tensor than in the weight file", (int)k);
    }
    return status;
}

static urs_status open_session(engine_executor *e, urs_engine engine, urs_error *err)
{
    const engine_maker *m = e->maker;
    const urs_int8_graph *g = m->network->int8;
    const urs_bytes *model = engine == URS_ENGINE_NPU && m->compiled.data ? &m->compiled : &m->plain;
    const urs_tflite_options options = {.threads = m->options.threads, .delegate = engine == URS_ENGINE_NPU ? &m->delegate : NULL};
    urs_tflite_view in;
    urs_status status = urs_tflite_session_new(&e->session, &m->library, model->data, model->size, &options, err);
    if (status == URS_OK && urs_tflite_session_inputs(e->session) != 1)
        status = urs_fail(err, URS_EMISMATCH, "the network there has %d inputs", (int)urs_tflite_session_inputs(e->session));
    if (status == URS_OK)
        status = urs_tflite_session_input(&in, e->session, 0, err);
    if (status == URS_OK && !same_tensor(&in, &g->tensors[g->inputs[0]]))
        status = urs_fail(err, URS_EMISMATCH, "the input there is another tensor than in the weight file");
    if (status == URS_OK)
        status = match_outputs(e, err);
    if (status != URS_OK) {
        urs_tflite_session_free(e->session);
        e->session = NULL;
    }
    return status;
}

/* The session of e->engine, or of the next that can be had. Only our own engine failing is an error. */
static urs_status climb_down(engine_executor *e, urs_error *err)
{
    for (; e->engine != URS_ENGINE_INT8; e->engine++) {
        urs_error why = {0};
        if (open_session(e, e->engine, &why) == URS_OK)
            return URS_OK;
        give_up(e->maker, e->engine, "cannot be had", &why);
    }
    return e->own ? URS_OK : e->maker->own->make(e->maker->own, &e->own, err);
}

static urs_status run_session(engine_executor *e, const float *input, float *const *outputs, urs_error *err)
{
    const urs_network *network = e->maker->network;
    const urs_int8_graph *g = network->int8;
    const urs_value *values;
    urs_tflite_view v;
    urs_status status;
    urs_int8_fill_input(e->input, &g->tensors[g->inputs[0]], input, &network->input);
    status = urs_tflite_session_input(&v, e->session, 0, err);
    if (status != URS_OK)
        return status;
    memcpy(v.data, e->input, urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]));
    status = urs_tflite_session_run(e->session, err);
    for (int32_t k = 0, n = urs_graph_outputs(network->graph, &values); status == URS_OK && k < n; k++) {
        const int32_t index = urs_int8_output_index(network, k);
        if (index < 0)
            continue;
        status = urs_tflite_session_output(&v, e->session, e->order[index], err);
        if (status == URS_OK)
            urs_int8_read_output(outputs[k], v.data, &g->tensors[g->outputs[index]]);
    }
    return status;
}

static urs_status run_executor(urs_executor *self, const float *input, float *const *outputs, urs_error *err)
{
    engine_executor *e = (engine_executor *)self;
    urs_status status = URS_OK;
    while (status == URS_OK && e->session) {
        urs_error why = {0};
        if (run_session(e, input, outputs, &why) == URS_OK)
            return URS_OK;
        give_up(e->maker, e->engine, "failed", &why);
        urs_tflite_session_free(e->session);
        e->session = NULL;
        e->engine++;
        status = climb_down(e, err);
    }
    return status == URS_OK ? e->own->run(e->own, input, outputs, err) : status;
}

static size_t executor_bytes(const urs_executor *self)
{
    const engine_executor *e = (const engine_executor *)self;
    const urs_int8_graph *g = e->maker->network->int8;
    return urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]) + (e->own ? e->own->bytes(e->own) : 0);
}

static void free_executor(urs_executor *self)
{
    engine_executor *e = (engine_executor *)self;
    urs_tflite_session_free(e->session);
    if (e->own)
        e->own->free(e->own);
    urs_free(e->order);
    urs_free(e->input);
    urs_free(e);
}

static urs_status make_executor(const urs_executor_maker *self, urs_executor **out, urs_error *err)
{
    engine_maker *m = (engine_maker *)(uintptr_t)self; /* the lock and what it guards change, the rest does not */
    const urs_int8_graph *g = m->network->int8;
    engine_executor *e = urs_array_new(1, sizeof *e);
    urs_status status;
    if (!e)
        return urs_fail(err, URS_ENOMEM, "no memory for an executor");
    e->base = (urs_executor){.run = run_executor, .bytes = executor_bytes, .free = free_executor};
    e->maker = m;
    e->order = urs_array_new((size_t)g->n_outputs, sizeof *e->order);
    e->input = urs_array_new(urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]), 1);
    (void)pthread_mutex_lock(&m->lock);
    e->engine = m->first;
    (void)pthread_mutex_unlock(&m->lock);
    status = e->order && e->input ? climb_down(e, err) : urs_fail(err, URS_ENOMEM, "no memory for an executor");
    if (status != URS_OK)
        free_executor(&e->base);
    else
        *out = &e->base;
    return status;
}

static void free_maker(urs_executor_maker *self)
{
    engine_maker *m = (engine_maker *)self;
    m->own->free(m->own);
    urs_bytes_release(&m->compiled);
    urs_bytes_release(&m->plain);
    (void)pthread_mutex_destroy(&m->lock);
    urs_free(m);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct device {
    const char *path, *delegate;
    bool compiled; /* runs what Vela compiled; else the plain file, which the delegate compiles itself */
} device;

static const device devices[] = {
    {"/dev/ethosu0", "libethosu_delegate.so", true},
    {"/dev/accel/accel0", "libteflon.so", false},
};

static const device *device_here(void)
{
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (access(devices[i].path, R_OK | W_OK) == 0)
            return &devices[i];
    return NULL;
}

bool urs_engine_npu_is_here(void)
{
    return getenv("URSID_DELEGATE") || device_here();
}

/* Delegate and file of the NPU. URS_ENOTFOUND without a device: what a desk is; other errors are worth a warning. */
static urs_status find_npu(engine_maker *m, const char *path, urs_error *err)
{
    const char *named = getenv("URSID_DELEGATE");
    char *compiled = urs_engine_compiled_path(path);
    const device *d = named ? NULL : device_here();
    urs_status status;
    if (!compiled)
        return urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (!named && !d)
        status = urs_fail(err, URS_ENOTFOUND, "there is no NPU (%s, %s)", devices[0].path, devices[1].path);
    else
        status = urs_delegate_library_open(&m->delegate, named ? named : d->delegate, err);
    if (status == URS_ENOTFOUND && (named || d))
        status = URS_EUNSUPPORTED; /* a device without its delegate is a fault */
    if (status == URS_OK && (named ? urs_file_exists(compiled) : d->compiled))
        status = urs_file_read(&m->compiled, compiled, MODEL_SIZE_MAX, err) == URS_OK ? URS_OK : URS_EUNSUPPORTED;
    urs_free(compiled);
    return status;
}

/* Whether the engine that executors start with now gives our own numbers for the test picture; if not it is given up. *settled: nothing is left to test. */
static urs_status test_first(engine_maker *m, const float *expected, bool *settled, urs_error *err)
{
    urs_executor *executor = NULL;
    float *got = NULL;
    double steps;
    urs_engine engine;
    urs_status status = make_executor(&m->base, &executor, err);
    if (status == URS_OK)
        status = urs_engine_test_outputs(&got, m->network, executor, err);
    if (status == URS_OK) {
        engine = ((const engine_executor *)executor)->engine; /* of the end: it may have climbed down */
        steps = urs_engine_distance(m->network, got, expected);
        *settled = engine == URS_ENGINE_INT8 || steps <= URS_ENGINE_SAME_STEPS;
        if (!*settled) {
            urs_error why = {0};
            (void)urs_fail(&why, URS_EMISMATCH, "its numbers are %.1f steps from those of our own engine, on average", steps);
            give_up(m, engine, "is left out", &why);
        }
    }
    if (executor)
        executor->free(executor);
    urs_free(got);
    return status;
}

static urs_status test_engines(engine_maker *m, urs_error *err)
{
    urs_executor *own = NULL;
    float *expected = NULL;
    bool settled = m->first == URS_ENGINE_INT8;
    urs_status status = URS_OK;
    if (settled)
        return URS_OK;
    status = m->own->make(m->own, &own, err);
    if (status == URS_OK)
        status = urs_engine_test_outputs(&expected, m->network, own, err);
    while (status == URS_OK && !settled)
        status = test_first(m, expected, &settled, err);
    if (own)
        own->free(own);
    urs_free(expected);
    return status;
}

/* Libraries and files of the engines from the wished one on; moves m->first behind what is not there. */
static urs_status find_engines(engine_maker *m, const char *path, urs_error *err)
{
    const urs_engine wished = m->options.engine;
    urs_error why = {0};
    urs_status status;
    m->first = wished == URS_ENGINE_AUTO ? URS_ENGINE_NPU : wished;
    if (m->first == URS_ENGINE_INT8)
        return URS_OK;
    status = urs_file_read(&m->plain, path, MODEL_SIZE_MAX, err);
    if (status != URS_OK)
        return status;
    if (m->first == URS_ENGINE_NPU && (status = find_npu(m, path, &why)) != URS_OK) {
        if (wished == URS_ENGINE_AUTO && status == URS_ENOTFOUND)
            m->first = URS_ENGINE_TFLITE;
        else
            give_up(m, URS_ENGINE_NPU, "cannot be had", &why);
    }
    /* On the processor TFLite is a choice of the user's: our own engine gives the same numbers without a library. */
    if (m->first == URS_ENGINE_TFLITE && wished == URS_ENGINE_AUTO)
        m->first = URS_ENGINE_INT8;
    if (m->first == URS_ENGINE_INT8)
        return URS_OK;
    if ((status = urs_tflite_library_open(&m->library, getenv("URSID_TFLITE_LIBRARY"), &why)) != URS_OK) {
        const urs_engine lacking = m->first;
        give_up(m, lacking, "cannot be had", &why);
        m->first = URS_ENGINE_INT8;
    }
    return URS_OK;
}

static void announce(engine_maker *m, const char *path)
{
    char text[800];
    if (m->first == URS_ENGINE_NPU)
        (void)snprintf(text, sizeof text, "%s: npu (%s, %s%s)", urs_path_base(path), urs_path_base(m->delegate.name), urs_path_base(m->library.name), m->compiled.data ? ", compiled" : "");
    else if (m->first == URS_ENGINE_TFLITE)
        (void)snprintf(text, sizeof text, "%s: tflite (%s %s)", urs_path_base(path), urs_path_base(m->library.name), m->library.Version());
    else
        (void)snprintf(text, sizeof text, "%s: int8 (our own engine)", urs_path_base(path));
    say(m, false, text);
}

static urs_status attach_float(const char *path, const urs_engine_options *o, urs_error *err)
{
    char text[512];
    if (o->engine != URS_ENGINE_AUTO && o->engine != URS_ENGINE_FLOAT)
        return urs_fail(err, URS_EMISMATCH, "'%s' has float weights, and the engine %s needs int8 ones (ursid quantize makes them)", path, urs_engine_name(o->engine));
    (void)snprintf(text, sizeof text, "%s: float", urs_path_base(path));
    if (o->say)
        o->say(o->context, false, text);
    return URS_OK;
}

urs_status urs_engine_attach(urs_network *network, const char *path, const urs_engine_options *options, urs_error *err)
{
    const urs_engine_options o = options ? *options : (urs_engine_options){0};
    engine_maker *m;
    urs_status status;
    if (!network->int8)
        return attach_float(path, &o, err);
    if (o.engine == URS_ENGINE_FLOAT)
        return urs_fail(err, URS_EMISMATCH, "'%s' has int8 weights, and the engine float needs float ones", path);
    m = urs_array_new(1, sizeof *m);
    if (!m || pthread_mutex_init(&m->lock, NULL) != 0) {
        urs_free(m);
        return urs_fail(err, URS_ENOMEM, "no memory for an engine");
    }
    m->base = (urs_executor_maker){.name = maker_name, .make = make_executor, .free = free_maker};
    m->network = network;
    m->options = o;
    m->own = network->maker;
    status = find_engines(m, path, err);
    if (status == URS_OK)
        status = test_engines(m, err);
    if (status != URS_OK) {
        m->own = NULL; /* stays the network's */
        urs_bytes_release(&m->compiled);
        urs_bytes_release(&m->plain);
        (void)pthread_mutex_destroy(&m->lock);
        urs_free(m);
        return status;
    }
    network->maker = &m->base;
    announce(m, path);
    return URS_OK;
}

urs_engine urs_engine_of(const urs_network *network)
{
    if (!network->int8)
        return URS_ENGINE_FLOAT;
    return network->maker && network->maker->name == maker_name ? ((const engine_maker *)network->maker)->first : URS_ENGINE_INT8;
}
