/* Our `tflite` arithmetic against a real TFLite library, operator by operator and byte by byte: the library is opened at run time from $URSID_TFLITE (a libtensorflow-lite.so or
 * libtensorflowlite_c.so without XNNPACK, such as Debian's). Without it the cases are skipped; committed outputs of LiteRT are in test_int8_golden.c.
 *
 * $URSID_TFLITE_SEEDS: cases an operator (default 40). $URSID_TFLITE_NETWORK: an int8 .tflite to compare, too. */
#include "harness.h"
#include "int8_cases.h"

#include "base/memory.h"
#include "base/text.h"
#include "int8/reference.h"
#include "int8/tflite_file.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* The part of TFLite's C API that is needed; all handles are opaque. */
typedef struct api {
    void *library;
    const char *(*version)(void);
    void *(*model_create)(const void *data, size_t size);
    void (*model_delete)(void *);
    void *(*options_create)(void);
    void (*options_delete)(void *);
    void (*set_threads)(void *, int32_t);
    void *(*interpreter_create)(const void *model, const void *options);
    void (*interpreter_delete)(void *);
    int (*allocate)(void *);
    int (*invoke)(void *);
    void *(*input)(const void *, int32_t);
    const void *(*output)(const void *, int32_t);
    void *(*data)(const void *);
    size_t (*bytes)(const void *);
} api;

typedef struct tally {
    size_t values, differences;
    int largest;
} tally;

static bool open_api(api *a, const char *path)
{
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {{"TfLiteVersion", &a->version}, {"TfLiteModelCreate", &a->model_create}, {"TfLiteModelDelete", &a->model_delete}, {"TfLiteInterpreterOptionsCreate", &a->options_create},
                   {"TfLiteInterpreterOptionsDelete", &a->options_delete}, {"TfLiteInterpreterOptionsSetNumThreads", &a->set_threads}, {"TfLiteInterpreterCreate", &a->interpreter_create},
                   {"TfLiteInterpreterDelete", &a->interpreter_delete}, {"TfLiteInterpreterAllocateTensors", &a->allocate}, {"TfLiteInterpreterInvoke", &a->invoke},
                   {"TfLiteInterpreterGetInputTensor", &a->input}, {"TfLiteInterpreterGetOutputTensor", &a->output}, {"TfLiteTensorData", &a->data}, {"TfLiteTensorByteSize", &a->bytes}};
    memset(a, 0, sizeof *a);
    a->library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!a->library) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(a->library, symbols[i].name);
        if (!symbol) {
            (void)fprintf(stderr, "%s has no %s\n", path, symbols[i].name);
            return false;
        }
        memcpy(symbols[i].slot, &symbol, sizeof symbol);
    }
    return true;
}

static void count_differences(tally *sum, const urs_int8_tensor *t, const void *ours, const void *theirs)
{
    const size_t n = urs_int8_shape_elements(t->shape);
    sum->values += n;
    for (size_t i = 0; i < n; i++) {
        int away;
        if (t->type == URS_INT8_TYPE_FLOAT32)
            away = memcmp((const float *)ours + i, (const float *)theirs + i, sizeof(float)) != 0;
        else if (t->type == URS_INT8_TYPE_UINT8)
            away = abs(((const uint8_t *)ours)[i] - ((const uint8_t *)theirs)[i]);
        else
            away = abs(((const int8_t *)ours)[i] - ((const int8_t *)theirs)[i]);
        sum->differences += away != 0;
        sum->largest = away > sum->largest ? away : sum->largest;
    }
}

/* Runs one graph in both; false with a sentence where TFLite refuses it. */
static bool compare(tally *sum, const api *a, const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    void *inputs[URS_INT8_INPUTS_MAX] = {NULL}, *model = NULL, *interpreter = NULL, *options = a->options_create();
    urs_bytes file = {0};
    urs_int8_values ours = {0};
    bool good = urs_int8_case_inputs(inputs, g, seed, err) == URS_OK && urs_tflite_encode(&file, g, err) == URS_OK &&
                urs_int8_reference_run(&ours, g, URS_INT8_TFLITE, (const void *const *)inputs, err) == URS_OK;
    if (good) {
        a->set_threads(options, 1);
        model = a->model_create(file.data, file.size);
        interpreter = model ? a->interpreter_create(model, options) : NULL;
        good = interpreter && a->allocate(interpreter) == 0;
        for (int32_t i = 0; i < g->n_inputs && good; i++) {
            void *x = a->input(interpreter, i);
            good = a->bytes(x) == urs_int8_tensor_bytes(&g->tensors[g->inputs[i]]);
            if (good)
                memcpy(a->data(x), inputs[i], a->bytes(x));
        }
        good = good && a->invoke(interpreter) == 0;
        for (int32_t i = 0; i < g->n_outputs && good; i++) {
            const void *y = a->output(interpreter, i);
            good = a->bytes(y) == urs_int8_tensor_bytes(&g->tensors[g->outputs[i]]);
            if (good)
                count_differences(sum, &g->tensors[g->outputs[i]], ours.data[g->outputs[i]], a->data(y));
        }
        if (!good)
            (void)urs_fail(err, URS_EUNSUPPORTED, "TFLite does not run it");
        if (interpreter)
            a->interpreter_delete(interpreter);
        if (model)
            a->model_delete(model);
    }
    a->options_delete(options);
    urs_int8_values_release(&ours);
    urs_bytes_release(&file);
    for (int32_t i = 0; i < g->n_inputs; i++)
        urs_free(inputs[i]);
    return good;
}

static bool ready(urs_test *t, api *a)
{
    const char *path = getenv("URSID_TFLITE");
    if (!path || !*path) {
        urs_test_skip(t, "URSID_TFLITE names no TFLite library");
        return false;
    }
    if (!open_api(a, path)) {
        urs_test_fail(t, __FILE__, __LINE__, "%s cannot be used", path);
        return false;
    }
    return true;
}

static int number_of(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && atoi(text) > 0 ? atoi(text) : otherwise;
}

static void operators(urs_test *t)
{
    const int seeds = number_of("URSID_TFLITE_SEEDS", 40);
    tally all = {0};
    api a;
    if (!ready(t, &a))
        return;
    (void)printf("TFLite %s: operator, values, differences (largest)\n", a.version());
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++) {
        tally sum = {0};
        for (int seed = 1; seed <= seeds; seed++) {
            urs_int8_graph *g = NULL;
            urs_error err = {0};
            URS_REQUIRE_OK(t, urs_int8_case_new(&g, (urs_int8_kind)kind, (uint64_t)seed, false, &err), err);
            if (!compare(&sum, &a, g, (uint64_t)seed, &err))
                urs_test_fail(t, __FILE__, __LINE__, "%s, seed %d: %s", urs_int8_kind_name((urs_int8_kind)kind), seed, err.message);
            urs_int8_graph_free(g);
        }
        (void)printf("  %-24s %9zu %6zu (%d)\n", urs_int8_kind_name((urs_int8_kind)kind), sum.values, sum.differences, sum.largest);
        if (sum.differences)
            urs_test_fail(t, __FILE__, __LINE__, "%s: %zu of %zu values differ, by %d at most", urs_int8_kind_name((urs_int8_kind)kind), sum.differences, sum.values, sum.largest);
        all.values += sum.values;
        all.differences += sum.differences;
    }
    (void)printf("  %-24s %9zu %6zu\n", "all", all.values, all.differences);
}

static void network(urs_test *t)
{
    const char *path = getenv("URSID_TFLITE_NETWORK");
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    tally sum = {0};
    api a;
    if (!ready(t, &a))
        return;
    if (!path) {
        urs_test_skip(t, "URSID_TFLITE_NETWORK names no network");
        return;
    }
    URS_REQUIRE_OK(t, urs_tflite_load(&g, path, &err), err);
    for (uint64_t seed = 1; seed <= 10; seed++)
        if (!compare(&sum, &a, g, seed, &err))
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s", path, err.message);
    (void)printf("  %s: %zu values, %zu differ, by %d at most\n", urs_path_base(path), sum.values, sum.differences, sum.largest);
    URS_CHECK_INT(t, sum.differences, 0);
    urs_int8_graph_free(g);
}

int main(void)
{
    static const urs_case cases[] = {{"every operator", operators}, {"a whole network", network}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
