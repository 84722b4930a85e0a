/* The test harness; see harness.h. */
#include "harness.h"

#include "base/file.h"
#include "base/text.h"

#include <ftw.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void urs_test_fail(urs_test *t, const char *file, int line, const char *format, ...)
{
    va_list args;
    t->failures++;
    if (t->failures > 20)
        return;
    printf("  %s:%d: [%s] ", urs_path_base(file), line, t->name);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
}

void urs_test_skip(urs_test *t, const char *why)
{
    t->skipped = true;
    printf("  skipped %s: %s\n", t->name, why);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
    (void)s;
    (void)type;
    (void)where;
    (void)remove(path); /* what is left is seen in the folder */
    return 0;
}

/* The folders of this process, once they are of no use: what failed is worth a look. */
static void tidy(size_t failed)
{
    char pattern[64];
    glob_t found = {0};
    (void)snprintf(pattern, sizeof pattern, "/tmp/ursid-test-%ld-*", (long)getpid());
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (failed > 0)
                printf("  kept: %s\n", found.gl_pathv[i]);
            else
                (void)nftw(found.gl_pathv[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
        }
    globfree(&found);
}

int urs_run_cases(const urs_case *cases, size_t n)
{
    size_t passed = 0, failed = 0, skipped = 0;
    for (size_t i = 0; i < n; i++) {
        urs_test t = {.name = cases[i].name};
        cases[i].run(&t);
        if (t.failures)
            failed++;
        else if (t.skipped)
            skipped++;
        else
            passed++;
        printf("%s %s\n", t.failures ? "FAIL" : t.skipped ? "skip" : "ok  ", t.name);
        (void)fflush(stdout);
    }
    tidy(failed);
    printf("%zu passed, %zu failed", passed, failed);
    if (skipped)
        printf(", %zu skipped", skipped);
    printf("\n");
    return failed ? 1 : 0;
}

char *urs_test_folder(const char *name)
{
    urs_text path = {0};
    char *result;
    urs_text_format(&path, "/tmp/ursid-test-%ld-%s", (long)getpid(), name);
    result = urs_text_take(&path);
    if (result && urs_folder_create(result, NULL) != URS_OK) {
        free(result);
        return NULL;
    }
    return result;
}

const char *urs_test_shared(void)
{
    const char *path = getenv("URSID_SHARED");
    if (!path)
        path = URS_SHARED_DIR;
    return urs_folder_exists(path) ? path : NULL;
}
