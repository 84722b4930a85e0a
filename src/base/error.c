/* Status codes and the caller-owned error; see error.h. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

urs_status urs_fail(urs_error *err, urs_status code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        (void)vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return code;
}

void urs_error_prefix(urs_error *err, const char *format, ...)
{
    char old[sizeof err->message];
    va_list args;
    int n;

    if (!err || err->code == URS_OK)
        return;
    memcpy(old, err->message, sizeof old);
    va_start(args, format);
    n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->message)
        (void)snprintf(err->message + n, sizeof err->message - (size_t)n, "%s", old);
}

const char *urs_status_name(urs_status status)
{
    switch (status) {
    case URS_OK: return "ok";
    case URS_EINVAL: return "invalid argument";
    case URS_ENOMEM: return "out of memory";
    case URS_EIO: return "input/output error";
    case URS_ENOTFOUND: return "not found";
    case URS_EFORMAT: return "bad format";
    case URS_ELIMIT: return "over a limit";
    case URS_EUNSUPPORTED: return "unsupported";
    case URS_EMISMATCH: return "mismatch";
    case URS_EBUSY: return "busy";
    case URS_ECANCELLED: return "cancelled";
    }
    return "unknown";
}
