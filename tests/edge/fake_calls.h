/* The record behind fake_step: which calls came, and which one must fail. For test programs that load the fakes; each includes it once. */
#ifndef URS_TESTS_FAKE_CALLS_H
#define URS_TESTS_FAKE_CALLS_H

#include "fake_host.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static char fake_record[4096];   /* "create model, create options, ..." */
static const char *fake_failing; /* NULL: nothing fails; "invoke*": all that begin so */
static int fake_skip;            /* so many calls of fake_failing work first */
static bool fake_always;         /* it fails from then on; else once */

static inline void fake_reset(const char *failing, int skip)
{
    (void)pthread_mutex_lock(&fake_lock);
    fake_record[0] = '\0';
    fake_failing = failing;
    fake_skip = skip;
    fake_always = false;
    (void)pthread_mutex_unlock(&fake_lock);
}

static inline int fake_count(const char *what)
{
    int n = 0;
    const size_t length = strlen(what);
    for (const char *at = fake_record; (at = strstr(at, what)) != NULL; at += length)
        n += at[length] == ',';
    return n;
}

static inline bool fake_meant(const char *what)
{
    const size_t n = fake_failing ? strlen(fake_failing) : 0;
    if (n > 0 && fake_failing[n - 1] == '*')
        return strncmp(fake_failing, what, n - 1) == 0;
    return n > 0 && strcmp(fake_failing, what) == 0;
}

bool fake_step(const char *what)
{
    bool fails = false;
    size_t used;
    (void)pthread_mutex_lock(&fake_lock);
    used = strlen(fake_record);
    (void)snprintf(fake_record + used, sizeof fake_record - used, "%s, ", what);
    if (fake_meant(what)) {
        fails = fake_skip == 0 || (fake_always && fake_skip < 0);
        if (fake_skip >= 0)
            fake_skip--;
    }
    (void)pthread_mutex_unlock(&fake_lock);
    return fails;
}

#endif
