/* Version and errors of the public API. The public codes are ours by another name, so that neither can drift. */
#include "api/api_private.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)URSID_OK == (int)URS_OK && (int)URSID_EINVAL == (int)URS_EINVAL && (int)URSID_ENOMEM == (int)URS_ENOMEM && (int)URSID_EIO == (int)URS_EIO &&
                   (int)URSID_ENOTFOUND == (int)URS_ENOTFOUND && (int)URSID_EFORMAT == (int)URS_EFORMAT && (int)URSID_ELIMIT == (int)URS_ELIMIT &&
                   (int)URSID_EUNSUPPORTED == (int)URS_EUNSUPPORTED && (int)URSID_EMISMATCH == (int)URS_EMISMATCH && (int)URSID_EBUSY == (int)URS_EBUSY &&
                   (int)URSID_ECANCELLED == (int)URS_ECANCELLED,
               "public and own status codes");
_Static_assert(sizeof((ursid_error *)0)->message == sizeof((urs_error *)0)->message, "an error's sentence fits");
_Static_assert((int)URSID_VERDICT_UNSURE == (int)URS_VERDICT_UNSURE && (int)URSID_VERDICT_KNOWN == (int)URS_VERDICT_KNOWN && (int)URSID_VERDICT_NEW == (int)URS_VERDICT_NEW,
               "public and own verdicts");

const char *ursid_version(void)
{
    return URS_VERSION;
}

const char *ursid_status_name(ursid_status status)
{
    return urs_status_name((urs_status)status);
}

const char *ursid_verdict_name(ursid_verdict verdict)
{
    return urs_verdict_name((urs_verdict)verdict);
}

ursid_status urs_api_fail(ursid_error *err, const urs_error *why)
{
    if (err) {
        err->code = (ursid_status)why->code;
        memcpy(err->message, why->message, sizeof err->message);
    }
    return (ursid_status)why->code;
}

ursid_status urs_api_refuse(ursid_error *err, ursid_status code, const char *format, ...)
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
