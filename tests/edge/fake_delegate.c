/* An external delegate of ours for the tests; see fake_host.h. */
#include "fake_host.h"

#include <stdlib.h>

typedef struct TfLiteDelegate {
    int some;
} TfLiteDelegate;

#define EXPORT __attribute__((visibility("default")))
EXPORT TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t n, void (*report)(const char *));
EXPORT void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate);

TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t n, void (*report)(const char *))
{
    (void)keys;
    (void)values;
    (void)n;
    if (!fake_step("create delegate"))
        return calloc(1, sizeof(TfLiteDelegate));
    report("the fake has no device");
    return NULL;
}

void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate)
{
    (void)fake_step("destroy delegate");
    free(delegate);
}
