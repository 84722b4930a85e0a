/* TFLite's C API and external delegates, found at run time: one program serves a board with an NPU, a board without, and a desk, and none of them needs TFLite's headers.
 *
 *      library     libtensorflow-lite.so, libtensorflow-lite.so.2.19.0 ... .2.14.1, libtensorflowlite_c.so, libLiteRt.so: the first that loads and has every symbol below
 *      delegate    libethosu_delegate.so (NXP), libteflon.so (Mesa), or any other with tflite_plugin_create_delegate and tflite_plugin_destroy_delegate
 *
 * Libraries that were loaded stay loaded until the process ends: delegates start threads and interpreters of their own (Ethos-U's links Python), and taking such code away is not safe. So nothing
 * is ever given back, an urs_tflite_library is a value, and it may be copied and shared between threads. */
#ifndef URS_EDGE_TFLITE_LIBRARY_H
#define URS_EDGE_TFLITE_LIBRARY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* TFLite's opaque types, and the two structs that it passes by value. */
typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
typedef struct TfLiteTensor TfLiteTensor;
typedef struct TfLiteDelegate TfLiteDelegate;
typedef struct TfLiteQuantizationParams {
    float scale;
    int32_t zero_point;
} TfLiteQuantizationParams;
typedef void urs_tflite_reporter(void *user, const char *format, va_list arguments);

#define URS_TFLITE_INT8 9 /* of TfLiteType, which is not the file's TensorType */

/* name of the symbol without "TfLite", type of the result, arguments */
#define URS_TFLITE_SYMBOLS(X)                                                                                        \
    X(Version, const char *, (void))                                                                                 \
    X(ModelCreate, TfLiteModel *, (const void *data, size_t size))                                                   \
    X(ModelDelete, void, (TfLiteModel *))                                                                            \
    X(InterpreterOptionsCreate, TfLiteInterpreterOptions *, (void))                                                  \
    X(InterpreterOptionsDelete, void, (TfLiteInterpreterOptions *))                                                  \
    X(InterpreterOptionsSetNumThreads, void, (TfLiteInterpreterOptions *, int32_t))                                  \
    X(InterpreterOptionsAddDelegate, void, (TfLiteInterpreterOptions *, TfLiteDelegate *))                           \
    X(InterpreterOptionsSetErrorReporter, void, (TfLiteInterpreterOptions *, urs_tflite_reporter *, void *user))     \
    X(InterpreterCreate, TfLiteInterpreter *, (const TfLiteModel *, const TfLiteInterpreterOptions *))               \
    X(InterpreterDelete, void, (TfLiteInterpreter *))                                                                \
    X(InterpreterAllocateTensors, int, (TfLiteInterpreter *))                                                        \
    X(InterpreterInvoke, int, (TfLiteInterpreter *))                                                                 \
    X(InterpreterGetInputTensorCount, int32_t, (const TfLiteInterpreter *))                                          \
    X(InterpreterGetOutputTensorCount, int32_t, (const TfLiteInterpreter *))                                         \
    X(InterpreterGetInputTensor, TfLiteTensor *, (const TfLiteInterpreter *, int32_t))                               \
    X(InterpreterGetOutputTensor, const TfLiteTensor *, (const TfLiteInterpreter *, int32_t))                        \
    X(TensorType, int, (const TfLiteTensor *))                                                                       \
    X(TensorNumDims, int32_t, (const TfLiteTensor *))                                                                \
    X(TensorDim, int32_t, (const TfLiteTensor *, int32_t))                                                           \
    X(TensorByteSize, size_t, (const TfLiteTensor *))                                                                \
    X(TensorData, void *, (const TfLiteTensor *))                                                                    \
    X(TensorName, const char *, (const TfLiteTensor *))                                                              \
    X(TensorQuantizationParams, TfLiteQuantizationParams, (const TfLiteTensor *))

typedef struct urs_tflite_library {
    char name[256]; /* of the file that was loaded */
#define X(symbol, result, arguments) result(*symbol) arguments;
    URS_TFLITE_SYMBOLS(X)
#undef X
} urs_tflite_library;

/* path NULL: the list above. URS_ENOTFOUND: no library, with the loader's words; URS_EUNSUPPORTED: a library that lacks a symbol, which is named. */
urs_status urs_tflite_library_open(urs_tflite_library *out, const char *path, urs_error *err) URS_CHECKED;

typedef struct urs_delegate_library {
    char name[256];
    TfLiteDelegate *(*create)(char **keys, char **values, size_t n, void (*report)(const char *));
    void (*destroy)(TfLiteDelegate *);
} urs_delegate_library;

urs_status urs_delegate_library_open(urs_delegate_library *out, const char *path, urs_error *err) URS_CHECKED;

#endif
