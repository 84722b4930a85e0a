/* The life of an interpreter; see tflite_session.h. */
#include "edge/tflite_session.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

struct urs_tflite_session {
    const urs_tflite_library *library;    /* borrowed */
    const urs_delegate_library *delegate; /* borrowed; NULL: none */
    TfLiteModel *model;
    TfLiteInterpreterOptions *options;
    TfLiteDelegate *made;
    TfLiteInterpreter *interpreter;
    char said[256]; /* the last thing that TFLite reported */
};

static void on_report(void *user, const char *format, va_list arguments)
{
    urs_tflite_session *s = user;
    (void)vsnprintf(s->said, sizeof s->said, format, arguments);
    s->said[strcspn(s->said, "\n")] = '\0';
}

/* A delegate's reporter gets no pointer to anything of ours, so its words can only go where programs complain. */
static void on_delegate_report(const char *text)
{
    (void)fprintf(stderr, "NPU delegate: %s\n", text ? text : "");
}

static urs_status fail(const urs_tflite_session *s, urs_status status, const char *what, urs_error *err)
{
    return urs_fail(err, status, "%s%s%s", what, s->said[0] ? ": " : "", s->said);
}

static urs_status make(urs_tflite_session *s, const void *model, size_t size, int32_t threads, urs_error *err)
{
    const urs_tflite_library *l = s->library;
    if (!(s->model = l->ModelCreate(model, size)))
        return fail(s, URS_EFORMAT, "TFLite cannot read the model", err);
    if (!(s->options = l->InterpreterOptionsCreate()))
        return fail(s, URS_ENOMEM, "TFLite makes no options", err);
    l->InterpreterOptionsSetErrorReporter(s->options, on_report, s);
    l->InterpreterOptionsSetNumThreads(s->options, threads);
    if (s->delegate) {
        if (!(s->made = s->delegate->create(NULL, NULL, 0, on_delegate_report)))
            return urs_fail(err, URS_EUNSUPPORTED, "'%s' makes no delegate", s->delegate->name);
        l->InterpreterOptionsAddDelegate(s->options, s->made);
    }
    if (!(s->interpreter = l->InterpreterCreate(s->model, s->options)))
        return fail(s, URS_EUNSUPPORTED, s->delegate ? "TFLite makes no interpreter with this delegate" : "TFLite makes no interpreter", err);
    if (l->InterpreterAllocateTensors(s->interpreter) != 0)
        return fail(s, URS_EUNSUPPORTED, "TFLite cannot prepare the network", err);
    return URS_OK;
}

urs_status urs_tflite_session_new(urs_tflite_session **out, const urs_tflite_library *library, const void *model, size_t size, const urs_tflite_options *options, urs_error *err)
{
    const urs_tflite_options o = options ? *options : (urs_tflite_options){0};
    urs_tflite_session *s = urs_array_new(1, sizeof *s);
    urs_status status;
    if (!s)
        return urs_fail(err, URS_ENOMEM, "no memory for a TFLite session");
    s->library = library;
    s->delegate = o.delegate;
    status = make(s, model, size, o.threads > 0 ? o.threads : 1, err);
    if (status != URS_OK)
        urs_tflite_session_free(s);
    else
        *out = s;
    return status;
}

void urs_tflite_session_free(urs_tflite_session *s)
{
    if (!s)
        return;
    if (s->interpreter)
        s->library->InterpreterDelete(s->interpreter);
    if (s->options)
        s->library->InterpreterOptionsDelete(s->options);
    if (s->made)
        s->delegate->destroy(s->made);
    if (s->model)
        s->library->ModelDelete(s->model);
    urs_free(s);
}

int32_t urs_tflite_session_inputs(const urs_tflite_session *s)
{
    return s->library->InterpreterGetInputTensorCount(s->interpreter);
}

int32_t urs_tflite_session_outputs(const urs_tflite_session *s)
{
    return s->library->InterpreterGetOutputTensorCount(s->interpreter);
}

static urs_status view(urs_tflite_view *out, const urs_tflite_library *l, const TfLiteTensor *t, const char *what, int32_t index, urs_error *err)
{
    urs_tflite_view v = {0};
    const char *name;
    if (!t)
        return urs_fail(err, URS_EUNSUPPORTED, "TFLite has no %s %d", what, (int)index);
    name = l->TensorName(t);
    v.name = name ? name : "";
    v.type = l->TensorType(t);
    v.rank = l->TensorNumDims(t);
    v.quant = l->TensorQuantizationParams(t);
    v.data = l->TensorData(t);
    v.bytes = l->TensorByteSize(t);
    if (v.rank < 0 || v.rank > URS_TFLITE_RANK_MAX)
        return urs_fail(err, URS_EUNSUPPORTED, "%s %d of the network has %d axes", what, (int)index, (int)v.rank);
    for (int32_t i = 0; i < v.rank; i++)
        v.dim[i] = l->TensorDim(t, i);
    if (!v.data)
        return urs_fail(err, URS_EUNSUPPORTED, "TFLite has no memory for %s %d", what, (int)index);
    *out = v;
    return URS_OK;
}

urs_status urs_tflite_session_input(urs_tflite_view *out, const urs_tflite_session *s, int32_t index, urs_error *err)
{
    return view(out, s->library, s->library->InterpreterGetInputTensor(s->interpreter, index), "input", index, err);
}

urs_status urs_tflite_session_output(urs_tflite_view *out, const urs_tflite_session *s, int32_t index, urs_error *err)
{
    return view(out, s->library, s->library->InterpreterGetOutputTensor(s->interpreter, index), "output", index, err);
}

urs_status urs_tflite_session_run(urs_tflite_session *s, urs_error *err)
{
    s->said[0] = '\0';
    if (s->library->InterpreterInvoke(s->interpreter) != 0)
        return fail(s, URS_EIO, "inference failed", err);
    return URS_OK;
}
