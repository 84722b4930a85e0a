/* The program as a child process, for tests of its commands: runs urs_cli_main in a fork with stdout and stderr in files, waits, interrupts.
 *
 *     #define RUN(...) program_finish(program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL}))                          */
#ifndef URS_TESTS_PROGRAM_RUN_H
#define URS_TESTS_PROGRAM_RUN_H

#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"
#include "harness.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_WORDS_MAX = 32 };

static inline pid_t program_start(const char *stdout_path, const char *stderr_path, const char *const *words)
{
    char *argv[PROGRAM_WORDS_MAX + 1] = {0};
    int argc = 0;
    pid_t pid;
    (void)fflush(NULL);
    pid = fork();
    if (pid != 0)
        return pid;
    for (; words[argc] && argc < PROGRAM_WORDS_MAX; argc++)
        argv[argc] = urs_strdup(words[argc]);
    if (!freopen(stdout_path, "wb", stdout) || !freopen(stderr_path, "wb", stderr))
        _exit(99);
    argc = urs_cli_main(argc, argv);
    (void)fflush(NULL);
    _exit(argc);
}

/* Exit code, or the negative number of the signal that ended it. */
static inline int program_finish(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline bool file_says(const char *path, const char *text)
{
    urs_bytes b = {0};
    const bool found = urs_file_read(&b, path, 0, NULL) == URS_OK && strstr((const char *)b.data, text) != NULL;
    if (!found)
        printf("  '%s' is not in: %.600s\n", text, b.data ? (const char *)b.data : "(nothing)");
    urs_bytes_release(&b);
    return found;
}

static inline size_t lines_of(const char *path)
{
    urs_bytes b = {0};
    size_t n = 0;
    if (urs_file_read(&b, path, 0, NULL) != URS_OK)
        return 0;
    for (size_t i = 0; i < b.size; i++)
        n += b.data[i] == '\n';
    urs_bytes_release(&b);
    return n;
}

/* What stands in a file from the first `text` on; owned, empty when it is not there. */
static inline char *file_from(const char *path, const char *text)
{
    urs_bytes b = {0};
    const char *at = urs_file_read(&b, path, 0, NULL) == URS_OK ? strstr((const char *)b.data, text) : NULL;
    char *part = urs_strdup(at ? at : "");
    urs_bytes_release(&b);
    return part;
}

/* Two files of the same bytes, but for times ("2026-01-31 12:30" and the seconds behind). */
static inline bool files_are_equal_but_for_times(const char *a, const char *b)
{
    static const char shape[] = "0000-00-00 00:00";
    const char *const paths[] = {a, b};
    urs_bytes bytes[2] = {{0}};
    bool equal = true;
    for (int f = 0; f < 2 && equal; f++) {
        equal = urs_file_read(&bytes[f], paths[f], 0, NULL) == URS_OK && bytes[f].size > 0;
        for (size_t i = 0; equal && i + sizeof shape <= bytes[f].size; i++) {
            char *at = (char *)bytes[f].data + i;
            size_t n = 0;
            while (shape[n] && (shape[n] == '0' ? at[n] >= '0' && at[n] <= '9' : at[n] == shape[n]))
                n++;
            if (!shape[n])
                memset(at, '0', at[n] == ':' && i + n + 3 <= bytes[f].size ? n + 3 : n);
        }
    }
    equal = equal && bytes[0].size == bytes[1].size && memcmp(bytes[0].data, bytes[1].data, bytes[0].size) == 0;
    urs_bytes_release(&bytes[0]);
    urs_bytes_release(&bytes[1]);
    return equal;
}

/* The images of a result file; new reference. */
static inline json_t *images_of(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL), *images = json_incref(json_object_get(root, "images"));
    json_decref(root);
    return images;
}

/* Interrupts a run once its journal has so many lines; false when it was done before. */
static inline bool program_interrupt(pid_t pid, const char *journal, size_t lines, int signal_number, int *code)
{
    const size_t before = lines_of(journal); /* of earlier runs: before this one has added a line it may not yet listen to signals */
    int status;
    while (lines_of(journal) < (lines > before ? lines : before + 1)) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            return false;
        }
        (void)usleep(2000);
    }
    (void)kill(pid, signal_number);
    *code = program_finish(pid);
    return true;
}

/* The end of a command's test: its cases if the files that they need could be made. */
static inline int program_run_cases(bool ready, const urs_case *cases, size_t n)
{
    if (ready)
        return urs_run_cases(cases, n);
    printf("the test's files cannot be made\n0 passed, 1 failed\n");
    return 1;
}

#endif
