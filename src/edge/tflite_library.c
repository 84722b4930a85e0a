/* dlopen and dlsym; see tflite_library.h. */
#include "edge/tflite_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ISO C has no way from an object pointer to a function pointer but copying its bytes, as POSIX says for dlsym. */
static bool symbol(void *handle, const char *name, void *function)
{
    void *found = dlsym(handle, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static void *load(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_GLOBAL);
}

static const char *why(void)
{
    const char *text = dlerror();
    return text ? text : "no reason given";
}

static urs_status take(urs_tflite_library *out, void *handle, const char *name, urs_error *err)
{
    urs_tflite_library library = {0};
    (void)snprintf(library.name, sizeof library.name, "%s", name);
#define X(which, result, arguments)                                                                                          \
    if (!symbol(handle, "TfLite" #which, &library.which))                                                                    \
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is no TFLite with a C interface: it has no TfLite" #which, name);
    URS_TFLITE_SYMBOLS(X)
#undef X
    *out = library;
    return URS_OK;
}

urs_status urs_tflite_library_open(urs_tflite_library *out, const char *path, urs_error *err)
{
    static const char *const names[] = {
        "libtensorflow-lite.so",        "libtensorflow-lite.so.2.19.0", "libtensorflow-lite.so.2.18.0", "libtensorflow-lite.so.2.17.1", "libtensorflow-lite.so.2.16.2",
        "libtensorflow-lite.so.2.16.1", "libtensorflow-lite.so.2.15.0", "libtensorflow-lite.so.2.14.1", "libtensorflowlite_c.so",       "libLiteRt.so",
    };
    urs_status status = URS_ENOTFOUND;
    void *handle;
    if (path) {
        handle = load(path);
        return handle ? take(out, handle, path, err) : urs_fail(err, URS_ENOTFOUND, "TFLite cannot be loaded: %s", why());
    }
    (void)urs_fail(err, URS_ENOTFOUND, "there is no TFLite library on this system (libtensorflow-lite.so and other names were tried)");
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status != URS_OK; i++) {
        handle = load(names[i]);
        if (handle)
            status = take(out, handle, names[i], err);
    }
    return status;
}

urs_status urs_delegate_library_open(urs_delegate_library *out, const char *path, urs_error *err)
{
    urs_delegate_library library = {0};
    void *handle = load(path);
    if (!handle)
        return urs_fail(err, URS_ENOTFOUND, "the delegate cannot be loaded: %s", why());
    (void)snprintf(library.name, sizeof library.name, "%s", path);
    if (!symbol(handle, "tflite_plugin_create_delegate", &library.create) || !symbol(handle, "tflite_plugin_destroy_delegate", &library.destroy))
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is no delegate for TFLite: it has no tflite_plugin_create_delegate and _destroy_delegate", path);
    *out = library;
    return URS_OK;
}
