/* `ursid enroll` and `ursid identify` as programs, on small networks with drawn parameters: the same picture always gets the same embedding, and that is all that is needed here. */
#include "harness.h"
#include "html_check.h"
#include "program_run.h"
#include "tiny_models.h"

#include "catalogue/catalogue.h"
#include "interchange/megadetector_check.h"

#include <stdlib.h>

enum { BEARS = 3, CHIPS = 4, STRANGERS = 3, FRAMES = 40 };

static char *folder, *known, *heads, *frames, *db, *out, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define START(...) program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL})
#define RUN(...) program_finish(START(__VA_ARGS__))

static void remove_catalogue(void)
{
    char path[640];
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s%s", db, tails[i]);
        (void)unlink(path);
    }
}

static size_t chips_in_catalogue(const char *name)
{
    urs_catalogue *c = NULL;
    urs_stored_chips chips = {0};
    size_t n = SIZE_MAX;
    if (urs_catalogue_open(&c, db, NULL, NULL) == URS_OK && urs_catalogue_chips(c, name, &chips, NULL) == URS_OK && urs_catalogue_check(c, NULL) == URS_OK)
        n = chips.count;
    urs_stored_chips_release(&chips);
    urs_catalogue_close(c);
    return n;
}

static void folders_are_enrolled_once(urs_test *t)
{
    remove_catalogue();
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--folders", known, "--chips-in", "--quiet"), URS_EXIT_PARTIAL); /* one file is broken */
    URS_CHECK(t, file_says(stdout_path, "12 heads enrolled") && file_says(stderr_path, "broken.png"));
    URS_CHECK_INT(t, chips_in_catalogue("Bear 1"), CHIPS);
    URS_CHECK_INT(t, chips_in_catalogue(NULL), BEARS * CHIPS);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--folders", known, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stdout_path, "0 heads enrolled"));
    URS_CHECK_INT(t, chips_in_catalogue(NULL), BEARS * CHIPS);
    URS_CHECK_INT(t, RUN("catalogue", "--catalogue", db, "undo"), URS_EXIT_OK); /* the whole first run: the second one decided nothing */
    URS_CHECK_INT(t, chips_in_catalogue(NULL), 0);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--folders", known, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK_INT(t, chips_in_catalogue(NULL), BEARS * CHIPS);
    { /* a bear's file under another name */
        char *file = urs_path_join(known, "Bear 0/0.png");
        URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--name", "Somebody", file, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
        URS_CHECK(t, file_says(stderr_path, "Bear 0"));
        urs_free(file);
    }
    URS_CHECK_INT(t, chips_in_catalogue(NULL), BEARS * CHIPS);
}

static void heads_get_names(urs_test *t)
{
    char *csv = urs_path_join(folder, "out.csv"), *report = urs_path_join(folder, "out.html");
    urs_error err = {0};
    json_t *images;
    size_t right = 0, strangers = 0;
    URS_REQUIRE(t, csv && report);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, heads, "--chips-in", "--out", out, "--csv", csv, "--report", report, "--top", "2", "--quiet"), URS_EXIT_PARTIAL);
    URS_REQUIRE_OK(t, urs_results_check_file(out, NULL, &err), err);
    images = images_of(out);
    URS_CHECK_INT(t, json_array_size(images), BEARS + STRANGERS + 1);
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i), *head = json_array_get(json_object_get(image, "detections"), 0);
        const json_t *individuals = json_object_get(head, "individuals");
        const char *file = json_string_value(json_object_get(image, "file")), *verdict = json_string_value(json_object_get(head, "verdict"));
        const char *name = json_string_value(json_array_get(json_array_get(individuals, 0), 0));
        if (json_object_get(image, "failure")) {
            URS_CHECK_TEXT(t, file, "broken.png");
            continue;
        }
        URS_CHECK_INT(t, json_array_size(individuals), 2);
        if (file && name && strncmp(file, "Bear ", 5) == 0) {
            right += strncmp(file, name, 6) == 0 && verdict && strcmp(verdict, "known") == 0;
        } else {
            strangers += verdict && strcmp(verdict, "new") == 0;
        }
    }
    URS_CHECK_INT(t, right, BEARS);
    URS_CHECK_INT(t, strangers, STRANGERS);
    json_decref(images);
    URS_CHECK(t, file_says(stdout_path, "7 files: 6 heads, of which 3 known, 0 unsure, 3 new; 1 could not be read"));
    URS_CHECK(t, file_says(stdout_path, "new-1") && file_says(stdout_path, "ursid enroll --catalogue ") && file_says(stdout_path, " --name NAME --chips-in"));
    URS_CHECK(t, file_says(stderr_path, "broken.png"));
    URS_CHECK_INT(t, lines_of(csv), 1 + BEARS + STRANGERS + 1);
    URS_CHECK(t, html_is_sound(report, NULL) && file_says(report, "<h2 id=\"new\">New bears seen once</h2>") && file_says(report, "data:image/jpeg;base64,"));
    URS_CHECK_INT(t, chips_in_catalogue(NULL), BEARS * CHIPS); /* looking changes nothing */
    urs_free(csv);
    urs_free(report);
}

static void new_bears_are_proposed(urs_test *t)
{
    size_t before;
    remove_catalogue();
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, heads, "--chips-in", "--quiet"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "there is no such catalogue"));
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, "--create", heads, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stdout_path, "0 known, 0 unsure, 6 new"));
    URS_CHECK_INT(t, chips_in_catalogue(NULL), 0);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, heads, "--chips-in", "--quiet", "--enroll-new"), URS_EXIT_PARTIAL);
    before = chips_in_catalogue(NULL);
    URS_CHECK_INT(t, before, BEARS + STRANGERS);
    URS_CHECK(t, chips_in_catalogue("new-1") >= 1);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, heads, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stdout_path, "6 known, 0 unsure, 0 new"));
    URS_CHECK_INT(t, RUN("catalogue", "--catalogue", db, "undo"), URS_EXIT_OK);
    URS_CHECK_INT(t, chips_in_catalogue(NULL), 0);
    remove_catalogue();
}

/* Interrupted and killed, with a report: table, results, CSV, report and list of broken files are those of a run in one go. */
static void stopped_runs_go_on(urs_test *t)
{
    static const int signals[] = {SIGKILL, SIGINT};
    char *whole = urs_path_join(folder, "whole.json"), *journal = urs_path_join(folder, "out.json.journal"), *store = urs_path_join(folder, "out.json.heads");
    char *report = urs_path_join(folder, "out.html"), *whole_report = urs_path_join(folder, "whole.html"), *csv = urs_path_join(folder, "out.csv"), *whole_csv = urs_path_join(folder, "whole.csv");
    char *wanted = NULL, *got = NULL;
    urs_bytes table = {0}, resumed = {0};
    int code = 0, stops = 0;
    URS_REQUIRE(t, whole && journal && store && report && whole_report && csv && whole_csv);
    (void)unlink(out);
    remove_catalogue();
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, "--create", frames, "--out", whole, "--score", "1e-6", "--quiet", "--threads", "2", "--report", whole_report, "--csv", whole_csv), URS_EXIT_PARTIAL);
    URS_CHECK_INT(t, urs_file_read(&table, stdout_path, 0, NULL), URS_OK);
    URS_CHECK(t, file_says(stdout_path, " groups of heads that look alike") && file_says(stdout_path, "\nnew-1 (") && file_says(stdout_path, "# its photographs show several heads each"));
    wanted = file_from(stderr_path, "3 of 40 files could not be used:\n");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        const pid_t pid = START("identify", "--catalogue", db, frames, "--out", out, "--score", "1e-6", "--quiet", "--threads", "2", "--report", report, "--csv", csv);
        if (!program_interrupt(pid, journal, 14 + 8 * i, signals[i], &code)) /* a broken file is in the first part */
            break;
        stops++;
        URS_CHECK_INT(t, code, signals[i] == SIGKILL ? -SIGKILL : URS_EXIT_FAILED);
        URS_CHECK(t, urs_file_exists(journal) && urs_file_exists(store) && !urs_file_exists(out));
    }
    URS_CHECK(t, stops >= 1);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, frames, "--out", out, "--score", "1e-6", "--threads", "1", "--report", report, "--csv", csv), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stderr_path, "files were done before"));
    URS_CHECK(t, !urs_file_exists(journal) && !urs_file_exists(store));
    URS_CHECK_INT(t, urs_file_read(&resumed, stdout_path, 0, NULL), URS_OK);
    URS_CHECK(t, table.size > 100 && table.size == resumed.size && memcmp(table.data, resumed.data, table.size) == 0); /* groups and all */
    got = file_from(stderr_path, "3 of 40 files could not be used:\n");
    URS_CHECK(t, wanted && strlen(wanted) > 40);
    URS_CHECK_TEXT(t, got, wanted);
    URS_CHECK(t, html_is_sound(report, NULL));
    URS_CHECK(t, files_are_equal_but_for_times(report, whole_report) && files_are_equal_but_for_times(csv, whole_csv) && files_are_equal_but_for_times(out, whole));
    urs_bytes_release(&table);
    urs_bytes_release(&resumed);
    (void)unlink(whole);
    urs_free(wanted);
    urs_free(got);
    urs_free(whole);
    urs_free(journal);
    urs_free(store);
    urs_free(report);
    urs_free(whole_report);
    urs_free(csv);
    urs_free(whole_csv);
}

/* Bursts of a drawn world: heads of one animal in one event have one answer, and with --no-events nobody knows of events. */
static void events_are_judged_as_one(urs_test *t)
{
    char *world = urs_path_join(folder, "world"), *images = urs_path_join(folder, "world/images"), *csv = urs_path_join(folder, "events.csv"), *report = urs_path_join(folder, "events.html");
    json_t *list;
    size_t together = 0, of[64][16] = {{0}};
    URS_REQUIRE(t, world && images && csv && report);
    (void)unlink(out);
    remove_catalogue();
    URS_CHECK_INT(t, RUN("synth", "--out", world, "--frames", "24", "--bears", "2", "--cameras", "2", "--size", "320x240", "--seed", "4", "--quiet"), URS_EXIT_OK);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--folders", known, "--chips-in", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, images, "--out", out, "--score", "1e-6", "--quiet", "--csv", csv, "--report", report), URS_EXIT_OK);
    URS_CHECK(t, file_says(csv, ",verdict,event,views,") && html_is_sound(report, NULL) && file_says(report, " heads of this event</span>"));
    list = images_of(out);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *image = json_array_get(list, i), *heads_found = json_object_get(image, "detections");
        const json_int_t event = json_integer_value(json_object_get(image, "event"));
        URS_CHECK(t, event < 64 && (event >= 1 || json_array_size(heads_found) == 0));
        for (size_t k = 0; k < json_array_size(heads_found) && event >= 1 && event < 64; k++) {
            const json_int_t views = json_integer_value(json_object_get(json_array_get(heads_found, k), "views"));
            URS_CHECK(t, views == 0 || (views > 1 && views < 16));
            together += views > 1;
            of[event][views > 1 && views < 16 ? views : 0]++;
        }
    }
    URS_CHECK(t, together > 1);
    for (size_t e = 1; e < 64; e++)
        for (size_t v = 2; v < 16; v++)
            URS_CHECK_INT(t, of[e][v] % v, 0); /* an animal of v heads stands on v heads */
    json_decref(list);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, images, "--out", out, "--score", "1e-6", "--quiet", "--no-events"), URS_EXIT_OK);
    URS_CHECK(t, !file_says(out, "\"views\"") && !file_says(out, "\"event\""));
    (void)unlink(out);
    remove_catalogue();
    urs_free(world);
    urs_free(images);
    urs_free(csv);
    urs_free(report);
}

static void wrong_use_has_one_sentence(urs_test *t)
{
    remove_catalogue();
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--name", "A", "--folders", known), URS_EXIT_USAGE);
    URS_CHECK_INT(t, lines_of(stderr_path), 1);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--name", "A"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--folders", known, heads), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("enroll", "--folders", known), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("enroll", "--catalogue", db, "--name", "A", "/nowhere/at all"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "/nowhere/at all"));
    URS_CHECK_INT(t, RUN("identify", heads), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, heads, "--top", "0"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("identify", "--help"), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "--report F.html"));
    URS_CHECK(t, !urs_file_exists(db));
}

/* ---- files ---- */

static bool write_chips(void)
{
    char path[700];
    for (int b = 0; b < BEARS; b++) {
        (void)snprintf(path, sizeof path, "%s/Bear %d", known, b);
        if (urs_folder_create(path, NULL) != URS_OK)
            return false;
        for (int c = 0; c < CHIPS; c++) {
            (void)snprintf(path, sizeof path, "%s/Bear %d/%d.png", known, b, c);
            if (!tiny_picture_write(path, 1 + b * CHIPS + c, 40 + 3 * c, 40))
                return false;
        }
        (void)snprintf(path, sizeof path, "%s/Bear %d again.png", heads, b);
        if (!tiny_picture_write(path, 1 + b * CHIPS + 2, 40 + 3 * 2, 40))
            return false;
    }
    for (int s = 0; s < STRANGERS; s++) {
        (void)snprintf(path, sizeof path, "%s/stranger %d.png", heads, s);
        if (!tiny_picture_write(path, 100 + 17 * s, 44, 90 - 20 * s))
            return false;
    }
    (void)snprintf(path, sizeof path, "%s/Bear 1/broken.png", known);
    if (urs_file_write(path, "these are no pixels", 19, NULL) != URS_OK)
        return false;
    (void)snprintf(path, sizeof path, "%s/broken.png", heads);
    return urs_file_write(path, "", 0, NULL) == URS_OK;
}

static bool set_up(void)
{
    static const float animal[3] = {0, 5, 0};
    folder = urs_test_folder("cmd-identify");
    if (!folder || setenv("URSID_MODELS", folder, 1) != 0)
        return false;
    known = urs_path_join(folder, "known");
    heads = urs_path_join(folder, "heads");
    frames = urs_path_join(folder, "frames");
    db = urs_path_join(folder, "bears.db");
    out = urs_path_join(folder, "out.json");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    if (!known || !heads || !frames || !db || !out || !stdout_path || !stderr_path)
        return false;
    return urs_folder_create(known, NULL) == URS_OK && urs_folder_create(heads, NULL) == URS_OK && urs_folder_create(frames, NULL) == URS_OK &&
           tiny_model_write(folder, "sift", animal) && tiny_model_write(folder, "find", NULL) && tiny_model_write(folder, "embed", NULL) && tiny_model_calibrate(folder) && write_chips() &&
           tiny_frames_write(frames, FRAMES, 12);
}

int main(void)
{
    static const urs_case cases[] = {
        {"folders are enrolled once", folders_are_enrolled_once},
        {"heads get names", heads_get_names},
        {"new bears are proposed", new_bears_are_proposed},
        {"stopped runs go on", stopped_runs_go_on},
        {"events are judged as one", events_are_judged_as_one},
        {"wrong use", wrong_use_has_one_sentence},
    };
    int code;
    code = program_run_cases(set_up(), cases, sizeof cases / sizeof cases[0]);
    urs_free(known);
    urs_free(heads);
    urs_free(frames);
    urs_free(db);
    urs_free(out);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
