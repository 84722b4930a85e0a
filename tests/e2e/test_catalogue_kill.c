/* A program that is killed at a random moment while it changes the catalogue leaves it consistent, and loses nothing that it had reported as done.
 *
 *      child: enrol, rename, merge, split, undo … in a loop; after every success one byte into the pipe
 *      parent: waits a random time, SIGKILL, reads how many were reported; opens, checks, compares; enrols the rest */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "catalogue/catalogue.h"
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 40
#define FILES 60

static const urs_catalogue_model model = {"fp", "tiny", 16};

/* File k holds two heads of bear k % 7. */
static urs_status enrol_file(urs_catalogue *c, int k, int64_t run, urs_error *err)
{
    char name[16], path[32];
    float e[2][16] = {{0}};
    urs_chip_entry chips[2];
    (void)snprintf(name, sizeof name, "bear %d", k % 7);
    (void)snprintf(path, sizeof path, "f%d.jpg", k);
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < 16; d++)
            e[i][d] = (float)((k * 31 + d * 7 + i) % 11 + 1);
        chips[i] = (urs_chip_entry){.path = path, .content_hash = "aa", .box = {(float)(50 * i), 0, (float)(50 * i + 40), 40}, .confidence = 1, .embedding = e[i]};
    }
    return urs_catalogue_enrol(c, &model, name, chips, 2, run, NULL, err);
}

/* The k-th thing that the child does. Enrolments alternate with changes that are undone at once, so that the number of files stays what was reported. */
static urs_status act(urs_catalogue *c, int k, int64_t run, urs_error *err)
{
    urs_status status;
    switch (k % 4) {
    case 0: return enrol_file(c, k / 4, run, err);
    case 1: status = urs_catalogue_rename(c, "bear 0", "somebody", err); break;
    case 2: status = k > 8 ? urs_catalogue_merge(c, "bear 1", "bear 0", err) : URS_ENOTFOUND; break;
    default: status = urs_catalogue_remove_bear(c, "bear 0", err);
    }
    if (status == URS_ENOTFOUND)
        return URS_OK;
    return status == URS_OK ? urs_catalogue_undo(c, NULL, NULL, err) : status;
}

static void child(const char *path, int from, int report)
{
    const urs_catalogue_options o = {.create = true};
    urs_catalogue *c = NULL;
    urs_error err = {0};
    int64_t run = 0;
    if (urs_catalogue_open(&c, path, &o, &err) != URS_OK || urs_catalogue_run_new(c, &run, &err) != URS_OK)
        _exit(3);
    for (int k = from; k < FILES * 4; k++) {
        const char byte = 1;
        if (act(c, k, run, &err) != URS_OK || write(report, &byte, 1) != 1)
            _exit(4);
    }
    for (;;)
        pause(); /* done early: wait for the end */
}

static size_t count_chips(urs_test *t, urs_catalogue *c)
{
    urs_stored_chips chips = {0};
    urs_error err = {0};
    if (urs_catalogue_chips(c, NULL, &chips, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    const size_t n = chips.count;
    urs_stored_chips_release(&chips);
    return n;
}

/* What a killed rename, merge or removal of the child may leave is one whole decision: undo takes it back. */
static void undo_leftover(urs_test *t, urs_catalogue *c)
{
    urs_decisions d = {0};
    urs_error err = {0};
    size_t last = 0;
    if (urs_catalogue_decisions(c, 0, &d, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    while (last < d.count && d.items[last].undone)
        last++;
    if (last < d.count && strcmp(d.items[last].kind, "enrol") != 0 && urs_catalogue_undo(c, NULL, NULL, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_decisions_release(&d);
}

static int run_and_kill(urs_test *t, const char *path, int from, useconds_t wait)
{
    int ends[2], status = 0, reported = 0;
    char bytes[64];
    ssize_t got;
    pid_t pid;
    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        urs_test_fail(t, __FILE__, __LINE__, "no child");
        return 0;
    }
    if (pid == 0) {
        close(ends[0]);
        child(path, from, ends[1]);
    }
    close(ends[1]);
    usleep(wait);
    kill(pid, SIGKILL);
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        reported += (int)got;
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status))
        urs_test_fail(t, __FILE__, __LINE__, "the child ended by itself with %d", WEXITSTATUS(status));
    return reported;
}

static void survives_being_killed(urs_test *t)
{
    urs_random r;
    char *folder = urs_test_folder("kill"), *path = urs_path_join(folder, "c.db");
    int done = 0, interrupted = 0; /* steps that are known to be in the file */
    urs_error err = {0};
    urs_random_init(&r, (uint64_t)time(NULL));
    for (int round = 0; round < ROUNDS && done < FILES * 4; round++) {
        const urs_catalogue_options o = {.create = true};
        urs_catalogue *c = NULL;
        const int reported = run_and_kill(t, path, done, (useconds_t)urs_random_below(&r, round % 2 ? 12000 : 60000));
        const int least = (done + reported + 3) / 4; /* files enrolled by the reported steps */
        URS_REQUIRE_OK(t, urs_catalogue_open(&c, path, &o, &err), err);
        if (urs_catalogue_check(c, &err) != URS_OK)
            urs_test_fail(t, __FILE__, __LINE__, "round %d: %s", round, err.message);
        undo_leftover(t, c);
        const size_t chips = count_chips(t, c);
        URS_CHECK(t, chips % 2 == 0); /* both heads of a file or none */
        if (chips / 2 != (size_t)least && chips / 2 != (size_t)least + 1)
            urs_test_fail(t, __FILE__, __LINE__, "round %d: %d files were reported, %zu chips are there", round, least, chips);
        interrupted += done + reported < FILES * 4;
        done = done + reported;
        urs_catalogue_close(c);
    }
    URS_CHECK(t, interrupted > 3);
    urs_catalogue *c = NULL;
    urs_bears bears = {0};
    URS_REQUIRE_OK(t, urs_catalogue_open(&c, path, NULL, &err), err);
    for (int k = 0; k < FILES; k++) /* started again from the beginning: goes on where it was */
        URS_REQUIRE_OK(t, enrol_file(c, k, 0, &err), err);
    URS_CHECK_INT(t, count_chips(t, c), FILES * 2);
    URS_REQUIRE_OK(t, urs_catalogue_bears(c, &bears, &err), err);
    URS_CHECK_INT(t, bears.count, 7);
    urs_bears_release(&bears);
    URS_REQUIRE_OK(t, urs_catalogue_check(c, &err), err);
    urs_catalogue_close(c);
    urs_free(path);
    urs_free(folder);
}

int main(void)
{
    static const urs_case cases[] = {{"survives being killed at random moments", survives_being_killed}};
    return urs_run_cases(cases, 1);
}
