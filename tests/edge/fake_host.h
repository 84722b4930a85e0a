/* The test's side of the fake TFLite and the fake delegate. Those are shared objects that hold no state and do nothing: every call asks the functions below, which the test program defines and
 * exports, so that one test sees the order of all calls, makes any of them fail, and decides what "inference" means.
 *
 *      program under test --dlopen--> fake_tflite.so   TfLiteInterpreterInvoke(i) --> fake_step("invoke"), fake_run(model)
 *                         --dlopen--> fake_delegate.so tflite_plugin_create_delegate --> fake_step("create delegate") */
#ifndef URS_TESTS_FAKE_HOST_H
#define URS_TESTS_FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_TENSORS_MAX 16

typedef struct fake_tensor {
    const char *name;
    int type; /* of TfLiteType */
    int32_t rank, dim[8];
    float scale;
    int32_t zero_point;
    void *data;
    size_t bytes;
} fake_tensor;

typedef struct fake_model {
    fake_tensor in[FAKE_TENSORS_MAX], out[FAKE_TENSORS_MAX];
    int32_t n_in, n_out;
    bool delegated;
    void *host; /* the test's own */
} fake_model;

/* To be seen from the shared objects, also where the program's own symbols are hidden. */
#define FAKE_HOST __attribute__((visibility("default")))

/* Notes a call; true: this one must fail. */
FAKE_HOST bool fake_step(const char *what);
/* From the bytes of a file to tensors; false: that is no model. */
FAKE_HOST bool fake_open(fake_model *model, const void *bytes, size_t size);
FAKE_HOST bool fake_run(fake_model *model);
FAKE_HOST void fake_close(fake_model *model);

#endif
