/* A TFLite of ours for the tests: all symbols of its C API that src/edge asks for, see fake_host.h. Built as a shared object that knows nothing of the program's headers. */
#include "fake_host.h"

#include <stdarg.h>
#include <stdlib.h>

typedef struct TfLiteModel {
    fake_model model;
} TfLiteModel;
typedef struct TfLiteDelegate TfLiteDelegate;
typedef struct TfLiteInterpreterOptions {
    TfLiteDelegate *delegate;
    void (*report)(void *user, const char *format, va_list arguments);
    void *user;
} TfLiteInterpreterOptions;
typedef struct TfLiteInterpreter {
    TfLiteModel *model;
    TfLiteInterpreterOptions options;
} TfLiteInterpreter;
typedef fake_tensor TfLiteTensor;
typedef struct TfLiteQuantizationParams {
    float scale;
    int32_t zero_point;
} TfLiteQuantizationParams;

#define EXPORT __attribute__((visibility("default")))
#define DECLARE(result, name, arguments) \
    EXPORT result name arguments;        \
    result name arguments

static void say(const TfLiteInterpreterOptions *o, const char *format, ...)
{
    va_list arguments;
    if (!o->report)
        return;
    va_start(arguments, format);
    o->report(o->user, format, arguments);
    va_end(arguments);
}

DECLARE(const char *, TfLiteVersion, (void)) { return "0.0-fake"; }

DECLARE(TfLiteModel *, TfLiteModelCreate, (const void *data, size_t size))
{
    TfLiteModel *m = calloc(1, sizeof *m);
    if (fake_step("create model") || !m || !fake_open(&m->model, data, size)) {
        free(m);
        return NULL;
    }
    return m;
}

DECLARE(void, TfLiteModelDelete, (TfLiteModel * m))
{
    (void)fake_step("delete model");
    fake_close(&m->model);
    free(m);
}

DECLARE(TfLiteInterpreterOptions *, TfLiteInterpreterOptionsCreate, (void))
{
    return fake_step("create options") ? NULL : calloc(1, sizeof(TfLiteInterpreterOptions));
}

DECLARE(void, TfLiteInterpreterOptionsDelete, (TfLiteInterpreterOptions * o))
{
    (void)fake_step("delete options");
    free(o);
}

DECLARE(void, TfLiteInterpreterOptionsSetNumThreads, (TfLiteInterpreterOptions * o, int32_t n))
{
    (void)o;
    (void)n;
    (void)fake_step("set threads");
}

DECLARE(void, TfLiteInterpreterOptionsAddDelegate, (TfLiteInterpreterOptions * o, TfLiteDelegate *d))
{
    (void)fake_step("add delegate");
    o->delegate = d;
}

DECLARE(void, TfLiteInterpreterOptionsSetErrorReporter, (TfLiteInterpreterOptions * o, void (*report)(void *, const char *, va_list), void *user))
{
    o->report = report;
    o->user = user;
}

DECLARE(TfLiteInterpreter *, TfLiteInterpreterCreate, (TfLiteModel * m, const TfLiteInterpreterOptions *o))
{
    TfLiteInterpreter *i = calloc(1, sizeof *i);
    if (fake_step("create interpreter") || !i) {
        say(o, "no interpreter today, %s\n", "sorry");
        free(i);
        return NULL;
    }
    i->model = m;
    i->options = *o;
    m->model.delegated = o->delegate != NULL;
    return i;
}

DECLARE(void, TfLiteInterpreterDelete, (TfLiteInterpreter * i))
{
    (void)fake_step("delete interpreter");
    free(i);
}

DECLARE(int, TfLiteInterpreterAllocateTensors, (TfLiteInterpreter * i))
{
    (void)i;
    return fake_step("allocate") ? 1 : 0;
}

DECLARE(int, TfLiteInterpreterInvoke, (TfLiteInterpreter * i))
{
    if (fake_step(i->model->model.delegated ? "invoke delegated" : "invoke") || !fake_run(&i->model->model)) {
        say(&i->options, "node %d failed to invoke", 7);
        return 1;
    }
    return 0;
}

DECLARE(int32_t, TfLiteInterpreterGetInputTensorCount, (const TfLiteInterpreter *i)) { return i->model->model.n_in; }
DECLARE(int32_t, TfLiteInterpreterGetOutputTensorCount, (const TfLiteInterpreter *i)) { return i->model->model.n_out; }

DECLARE(TfLiteTensor *, TfLiteInterpreterGetInputTensor, (const TfLiteInterpreter *i, int32_t k))
{
    return fake_step("input") || k < 0 || k >= i->model->model.n_in ? NULL : &i->model->model.in[k];
}

DECLARE(const TfLiteTensor *, TfLiteInterpreterGetOutputTensor, (const TfLiteInterpreter *i, int32_t k))
{
    return fake_step("output") || k < 0 || k >= i->model->model.n_out ? NULL : &i->model->model.out[k];
}

DECLARE(int, TfLiteTensorType, (const TfLiteTensor *t)) { return t->type; }
DECLARE(int32_t, TfLiteTensorNumDims, (const TfLiteTensor *t)) { return t->rank; }
DECLARE(int32_t, TfLiteTensorDim, (const TfLiteTensor *t, int32_t k)) { return t->dim[k]; }
DECLARE(size_t, TfLiteTensorByteSize, (const TfLiteTensor *t)) { return t->bytes; }
DECLARE(void *, TfLiteTensorData, (const TfLiteTensor *t)) { return t->data; }
DECLARE(const char *, TfLiteTensorName, (const TfLiteTensor *t)) { return t->name; }

DECLARE(TfLiteQuantizationParams, TfLiteTensorQuantizationParams, (const TfLiteTensor *t))
{
    return (TfLiteQuantizationParams){t->scale, t->zero_point};
}
