/* Status codes and the caller-owned error.
 *
 * Whatever can fail returns urs_status and takes `urs_error *err` last. urs_fail() is the only way to fail: it sets the
 * code and the sentence in one act, so that neither exists without the other. err may be NULL. Thread safe: no state.
 *
 * Rules: the lowest level says what was wrong and names the file; a level that knows more may prefix it once
 * (urs_error_prefix); nobody replaces a message. Output parameters are set only on success. */
#ifndef URS_BASE_ERROR_H
#define URS_BASE_ERROR_H

#include <stdarg.h>

typedef enum urs_status {
    URS_OK = 0,
    URS_EINVAL = -1,       /* a wrong argument from the caller or argv */
    URS_ENOMEM = -2,       /* memory could not be had */
    URS_EIO = -3,          /* reading or writing failed */
    URS_ENOTFOUND = -4,    /* the named thing does not exist */
    URS_EFORMAT = -5,      /* the file breaks its format */
    URS_ELIMIT = -6,       /* bigger than what we accept */
    URS_EUNSUPPORTED = -7, /* valid, but not something we do */
    URS_EMISMATCH = -8,    /* model, weights and catalogue do not belong together */
    URS_EBUSY = -9,        /* somebody else holds it */
    URS_ECANCELLED = -10   /* the user interrupted */
} urs_status;

typedef struct urs_error {
    urs_status code;
    char message[512];
} urs_error;

#if defined(__GNUC__)
#define URS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define URS_CHECKED __attribute__((warn_unused_result))
#else
#define URS_PRINTF(f, a)
#define URS_CHECKED
#endif

/* Sets code and message of err (when not NULL) and returns code. */
urs_status urs_fail(urs_error *err, urs_status code, const char *format, ...) URS_PRINTF(3, 4);

/* Puts context in front of an error that is already set; does nothing on URS_OK or NULL. */
void urs_error_prefix(urs_error *err, const char *format, ...) URS_PRINTF(2, 3);

/* Short English name of a status, for logs. */
const char *urs_status_name(urs_status status);

#endif
