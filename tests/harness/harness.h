/* The test harness: cases, checks, one closing line.
 *
 *     static void adds(urs_test *t) { URS_CHECK(t, 1 + 1 == 2); }
 *     int main(void) { static const urs_case cases[] = {{"adds", adds}}; return urs_run_cases(cases, 1); }
 *
 * A failed check prints file, line and values and marks the case failed; the case goes on, unless URS_REQUIRE, which returns from it. */
#ifndef URS_TESTS_HARNESS_H
#define URS_TESTS_HARNESS_H

#include "base/error.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct urs_test {
    const char *name;
    int failures;
    bool skipped;
} urs_test;

typedef struct urs_case {
    const char *name;
    void (*run)(urs_test *t);
} urs_case;

void urs_test_fail(urs_test *t, const char *file, int line, const char *format, ...) URS_PRINTF(4, 5);
/* Counts the case as skipped and says why. */
void urs_test_skip(urs_test *t, const char *why);
/* Runs all, prints `N passed, N failed` (and `, N skipped`); 0 when none failed. */
int urs_run_cases(const urs_case *cases, size_t n);
/* Fresh folder for a test's filesbelow /tmp; owned string. */
char *urs_test_folder(const char *name);
/* Folder of the shared photographs ("../shared" beside the project, or $URSID_SHARED), NULL where absent. Borrowed. */
const char *urs_test_shared(void);

#define URS_CHECK(t, condition)                                               \
    do {                                                                      \
        if (!(condition))                                                     \
            urs_test_fail(t, __FILE__, __LINE__, "not true: %s", #condition); \
    } while (0)
#define URS_REQUIRE(t, condition)                                             \
    do {                                                                      \
        if (!(condition)) {                                                   \
            urs_test_fail(t, __FILE__, __LINE__, "not true: %s", #condition); \
            return;                                                           \
        }                                                                     \
    } while (0)
/* status must be URS_OK; prints the error's sentence. */
#define URS_REQUIRE_OK(t, call, err)                                                               \
    do {                                                                                           \
        if ((call) != URS_OK) {                                                                    \
            urs_test_fail(t, __FILE__, __LINE__, "%s failed: %s", #call, (err).message);           \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define URS_CHECK_NEAR(t, a, b, tolerance)                                                                              \
    do {                                                                                                                \
        const double urs_a = (double)(a), urs_b = (double)(b);                                                          \
        if (!(fabs(urs_a - urs_b) <= (double)(tolerance)))                                                              \
            urs_test_fail(t, __FILE__, __LINE__, "%s = %.9g, but %s = %.9g", #a, urs_a, #b, urs_b);                     \
    } while (0)
#define URS_CHECK_INT(t, a, b)                                                                                \
    do {                                                                                                      \
        const long long urs_a = (long long)(a), urs_b = (long long)(b);                                       \
        if (urs_a != urs_b)                                                                                   \
            urs_test_fail(t, __FILE__, __LINE__, "%s = %lld, but %s = %lld", #a, urs_a, #b, urs_b);           \
    } while (0)
#define URS_CHECK_TEXT(t, a, b)                                                                   \
    do {                                                                                          \
        const char *urs_a = (a), *urs_b = (b);                                                    \
        if (!urs_a || !urs_b || strcmp(urs_a, urs_b) != 0)                                        \
            urs_test_fail(t, __FILE__, __LINE__, "%s = \"%s\", expected \"%s\"", #a,              \
                          urs_a ? urs_a : "(null)", urs_b ? urs_b : "(null)");                    \
    } while (0)

#endif
