/* The journal: stopped, killed and torn runs go on where they were, and the result is the same as of a run in one go. */
#include "harness.h"

#include "base/file.h"
#include "base/random.h"
#include "interchange/journal.h"
#include "interchange/megadetector.h"
#include "interchange/megadetector_check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static urs_status add(urs_journal *j, int number, urs_error *err)
{
    urs_result_image image = {.width = 10, .height = 10};
    urs_result_detection *d;
    urs_text name = {0};
    urs_status status;
    urs_text_format(&name, "folder/%03d.jpg", number * 37 % 100); /* out of order */
    status = urs_result_set_text(&image.file, urs_text_string(&name), err);
    if (status == URS_OK && number % 10 == 3)
        status = urs_result_set_text(&image.failure, URS_FAILURE_ACCESS, err);
    d = urs_result_image_add(&image);
    if (d) {
        d->conf = 0.01 * number;
        d->width = d->height = 0.5;
    }
    if (status == URS_OK)
        status = urs_journal_add(j, &image, err);
    urs_text_release(&name);
    urs_result_image_release(&image);
    return status;
}

static urs_status finish(urs_journal *j, urs_error *err)
{
    urs_result_info info = {0};
    urs_status status = urs_names_add(&info.detection_categories, "animal", err);
    if (status == URS_OK)
        status = urs_result_set_text(&info.detector, "find.safetensors", err);
    if (status == URS_OK)
        status = urs_result_set_text(&info.completed, "2024-05-01 10:00:00", err);
    if (status == URS_OK)
        status = urs_journal_finish(j, &info, err);
    urs_result_info_release(&info);
    return status;
}

static char *path_in(const char *folder, const char *name)
{
    return urs_path_join(folder, name);
}

static void interrupted_is_as_in_one_go(urs_test *t)
{
    char *folder = urs_test_folder("journal"), *a = path_in(folder, "a.json"), *b = path_in(folder, "b.json");
    urs_journal *j = NULL;
    urs_error err = {0};
    urs_bytes x = {0}, y = {0};
    URS_REQUIRE_OK(t, urs_journal_open(&j, a, "k", false, &err), err);
    for (int i = 0; i < 50; i++)
        URS_REQUIRE_OK(t, add(j, i, &err), err);
    URS_REQUIRE_OK(t, finish(j, &err), err);
    urs_journal_close(j);
    for (int part = 0; part < 5; part++) {
        URS_REQUIRE_OK(t, urs_journal_open(&j, b, "k", false, &err), err);
        URS_CHECK_INT(t, urs_journal_count(j), part * 10);
        for (int i = 0; i < 50; i++) {
            urs_text name = {0};
            urs_text_format(&name, "folder/%03d.jpg", i * 37 % 100);
            URS_CHECK(t, urs_journal_has(j, urs_text_string(&name)) == (i < part * 10));
            urs_text_release(&name);
        }
        for (int i = part * 10; i < part * 10 + 10; i++)
            URS_REQUIRE_OK(t, add(j, i, &err), err);
        if (part == 4)
            URS_REQUIRE_OK(t, finish(j, &err), err);
        urs_journal_close(j);
    }
    URS_REQUIRE_OK(t, urs_file_read(&x, a, 0, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&y, b, 0, &err), err);
    URS_CHECK_TEXT(t, (const char *)y.data, (const char *)x.data);
    URS_REQUIRE_OK(t, urs_results_check(x.data, x.size, a, NULL, &err), err);
    {
        urs_result_set set = {.count = 0};
        URS_REQUIRE_OK(t, urs_results_parse(&set, x.data, x.size, a, &err), err);
        URS_CHECK_INT(t, set.count, 50);
        for (size_t i = 1; i < set.count; i++)
            URS_CHECK(t, strcmp(set.images[i - 1].file, set.images[i].file) < 0);
        urs_result_set_release(&set);
    }
    {
        char *left = path_in(folder, "a.json.journal");
        URS_CHECK(t, !urs_file_exists(left));
        free(left);
    }
    urs_bytes_release(&x);
    urs_bytes_release(&y);
    free(folder);
    free(a);
    free(b);
}

/* Cuts the journal at every length: what is whole is kept, and the run can go on. */
static void torn_at_any_byte(urs_test *t)
{
    char *folder = urs_test_folder("torn"), *result = path_in(folder, "r.json"), *path = path_in(folder, "r.json.journal");
    urs_journal *j = NULL;
    urs_error err = {0};
    urs_bytes whole = {0};
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
    for (int i = 0; i < 4; i++)
        URS_REQUIRE_OK(t, add(j, i, &err), err);
    urs_journal_close(j);
    URS_REQUIRE_OK(t, urs_file_read(&whole, path, 0, &err), err);
    for (size_t n = 0; n <= whole.size; n++) {
        size_t lines = 0;
        for (size_t i = 0; i < n; i++)
            lines += whole.data[i] == '\n';
        URS_REQUIRE_OK(t, urs_file_write(path, whole.data, n, &err), err);
        URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
        URS_CHECK_INT(t, urs_journal_count(j), lines ? lines - 1 : 0);
        for (int i = (int)urs_journal_count(j); i < 4; i++)
            URS_REQUIRE_OK(t, add(j, i, &err), err);
        urs_journal_close(j);
        {
            urs_bytes again = {0};
            URS_REQUIRE_OK(t, urs_file_read(&again, path, 0, &err), err);
            URS_CHECK(t, again.size == whole.size && memcmp(again.data, whole.data, whole.size) == 0);
            urs_bytes_release(&again);
        }
    }
    urs_bytes_release(&whole);
    free(folder);
    free(result);
    free(path);
}

static void killed_at_random_moments(urs_test *t)
{
    char *folder = urs_test_folder("killed"), *result = path_in(folder, "r.json");
    urs_random r;
    urs_journal *j = NULL;
    urs_error err = {0};
    size_t before = 0;
    urs_random_init(&r, 12);
    for (int round = 0; round < 25; round++) {
        const pid_t child = fork();
        if (child == 0) {
            urs_journal *mine = NULL;
            if (urs_journal_open(&mine, result, "k", false, NULL) != URS_OK)
                _exit(1);
            for (int i = (int)urs_journal_count(mine); i < 100; i++) {
                if (add(mine, i, NULL) != URS_OK)
                    _exit(1);
                (void)usleep(50);
            }
            _exit(0);
        }
        URS_REQUIRE(t, child > 0);
        (void)usleep((useconds_t)urs_random_below(&r, 6000));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
        URS_CHECK(t, urs_journal_count(j) >= before);
        before = urs_journal_count(j);
        urs_journal_close(j);
    }
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
    for (int i = (int)before; i < 100; i++)
        URS_REQUIRE_OK(t, add(j, i, &err), err);
    URS_REQUIRE_OK(t, finish(j, &err), err);
    urs_journal_close(j);
    URS_REQUIRE_OK(t, urs_results_check_file(result, NULL, &err), err);
    free(folder);
    free(result);
}

static void other_settings_and_other_runs(urs_test *t)
{
    char *folder = urs_test_folder("other"), *result = path_in(folder, "r.json"), *nowhere = path_in(folder, "no/r.json");
    urs_journal *j = NULL, *k = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "one", false, &err), err);
    URS_REQUIRE_OK(t, add(j, 1, &err), err);
    URS_CHECK_INT(t, add(j, 1, &err), URS_EINVAL); /* twice the same file */
    URS_CHECK_INT(t, urs_journal_open(&k, result, "one", false, &err), URS_EBUSY);
    urs_journal_close(j);
    URS_CHECK_INT(t, urs_journal_open(&k, result, "two", false, &err), URS_EMISMATCH);
    URS_CHECK(t, strstr(err.message, "other settings") != NULL);
    URS_REQUIRE_OK(t, urs_journal_open(&k, result, "two", true, &err), err);
    URS_CHECK_INT(t, urs_journal_count(k), 0);
    urs_journal_close(k);
    URS_CHECK_INT(t, urs_journal_open(&k, nowhere, "one", false, &err), URS_ENOTFOUND);
    free(folder);
    free(result);
    free(nowhere);
}

static urs_status collect(void *context, urs_result_image *image, urs_error *err)
{
    return urs_names_add(context, image->file, err);
}

static void visits_in_order(urs_test *t)
{
    char *folder = urs_test_folder("visit"), *result = path_in(folder, "r.json");
    urs_journal *j = NULL;
    urs_names names = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
    for (int i = 0; i < 30; i++)
        URS_REQUIRE_OK(t, add(j, i, &err), err);
    URS_REQUIRE_OK(t, urs_journal_visit(j, collect, &names, &err), err);
    URS_CHECK_INT(t, names.count, 30);
    for (size_t i = 1; i < names.count; i++)
        URS_CHECK(t, strcmp(names.items[i - 1], names.items[i]) < 0);
    URS_REQUIRE_OK(t, finish(j, &err), err);
    urs_names_release(&names);
    URS_REQUIRE_OK(t, urs_journal_visit(j, collect, &names, &err), err); /* still there for reports */
    URS_CHECK_INT(t, names.count, 30);
    urs_journal_close(j);
    urs_names_release(&names);
    free(folder);
    free(result);
}

static urs_status count_views(void *context, urs_result_image *image, urs_error *err)
{
    int64_t *views = context;
    (void)err;
    for (size_t i = 0; i < image->count; i++)
        *views += image->detections[i].views;
    return URS_OK;
}

/* A later line counts: at once, after opening again, in the result; and a torn one leaves the first. */
static void later_lines_replace(urs_test *t)
{
    char *folder = urs_test_folder("replace"), *result = path_in(folder, "r.json"), *path = path_in(folder, "r.json.journal");
    urs_journal *j = NULL;
    urs_result_image image = {0};
    urs_error err = {0};
    int64_t views = 0;
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
    for (int i = 0; i < 3; i++)
        URS_REQUIRE_OK(t, add(j, i, &err), err);
    for (int round = 1; round <= 2; round++) {
        URS_REQUIRE_OK(t, urs_journal_read(j, &image, "folder/037.jpg", &err), err);
        URS_CHECK(t, image.count == 1 && image.detections[0].views == (round == 1 ? 0 : 5) && image.event == (round == 1 ? 0 : 2));
        image.event = 2;
        image.detections[0].views = round == 1 ? 5 : 7;
        URS_REQUIRE_OK(t, urs_journal_replace(j, &image, &err), err);
        urs_result_image_release(&image);
    }
    URS_CHECK_INT(t, urs_journal_count(j), 3);
    URS_CHECK_INT(t, urs_journal_read(j, &image, "folder/nowhere.jpg", &err), URS_ENOTFOUND);
    URS_REQUIRE_OK(t, urs_result_set_text(&image.file, "folder/nowhere.jpg", &err), err);
    URS_CHECK_INT(t, urs_journal_replace(j, &image, &err), URS_ENOTFOUND);
    urs_result_image_release(&image);
    urs_journal_close(j);
    { /* the last line torn: the one before counts */
        urs_bytes whole = {0};
        URS_REQUIRE_OK(t, urs_file_read(&whole, path, 0, &err), err);
        URS_REQUIRE_OK(t, urs_file_write(path, whole.data, whole.size - 9, &err), err);
        URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
        URS_REQUIRE_OK(t, urs_journal_visit(j, count_views, &views, &err), err);
        URS_CHECK_INT(t, views, 5);
        urs_journal_close(j);
        URS_REQUIRE_OK(t, urs_file_write(path, whole.data, whole.size, &err), err);
        urs_bytes_release(&whole);
    }
    views = 0;
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "k", false, &err), err);
    URS_CHECK_INT(t, urs_journal_count(j), 3);
    URS_REQUIRE_OK(t, urs_journal_visit(j, count_views, &views, &err), err);
    URS_CHECK_INT(t, views, 7);
    URS_REQUIRE_OK(t, finish(j, &err), err);
    urs_journal_close(j);
    URS_REQUIRE_OK(t, urs_results_check_file(result, NULL, &err), err);
    free(folder);
    free(result);
    free(path);
}

int main(void)
{
    static const urs_case cases[] = {
        {"an interrupted run gives what a whole one gives", interrupted_is_as_in_one_go},
        {"torn at any byte", torn_at_any_byte},
        {"killed at random moments", killed_at_random_moments},
        {"other settings, other runs, no folder", other_settings_and_other_runs},
        {"visits in the order of names", visits_in_order},
        {"later lines replace", later_lines_replace},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
