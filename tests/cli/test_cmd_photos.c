/* `ursid sift` and `ursid find` as programs: tables, files, exit codes; interrupted and killed runs that go on and end with the result of a run in one go. */
#include "harness.h"
#include "program_run.h"
#include "tiny_models.h"

#include "base/terminal.h"
#include "interchange/megadetector_check.h"
#include "stages/model_path.h"

#include <stdlib.h>

enum { FRAMES = 60, BROKEN_EVERY = 11, BROKEN = FRAMES / BROKEN_EVERY };
#define ODD_NAME "odd \xff\x1b[31m, \"name\".png"

static char *folder, *frames, *out, *stdout_path, *stderr_path; /* of the whole program; set once in main */

static char *below(const char *name)
{
    return urs_path_join(folder, name);
}

#define START(...) program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL})
#define RUN(...) program_finish(START(__VA_ARGS__))

static void sift_makes_a_table_and_a_file(urs_test *t)
{
    urs_error err = {0};
    json_t *images;
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("sift", frames, "--out", out, "--quiet", "--threads", "2"), URS_EXIT_PARTIAL);
    URS_CHECK_INT(t, lines_of(stdout_path), 1 + FRAMES + 1 + 2); /* heading, rows, odd name, empty line and summary */
    URS_CHECK(t, file_says(stdout_path, "61 files: ") && file_says(stdout_path, "5 could not be used"));
    URS_CHECK(t, file_says(stdout_path, "odd \xef\xbf\xbd?[31m"));
    URS_CHECK(t, file_says(stderr_path, "5 of 61 files could not be used") && file_says(stderr_path, "frame-0010.png"));
    URS_REQUIRE_OK(t, urs_results_check_file(out, NULL, &err), err);
    images = images_of(out);
    URS_CHECK_INT(t, json_array_size(images), FRAMES + 1);
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_array_get(images, 0), "file")), "frame-0000.png"); /* relative to the folder */
    URS_CHECK(t, json_object_get(json_array_get(images, 0), "frame_probabilities") && json_object_get(json_array_get(images, 0), "frame_class"));
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_array_get(images, 10), "failure")), "image access failure");
    json_decref(images);
}

static void find_writes_chips(urs_test *t)
{
    char *chips = below("chips"), *one = urs_path_join(frames, "frame-0003.png");
    urs_names found = {0};
    urs_photo photo = {0};
    urs_error err = {0};
    json_t *images;
    const json_t *detections;
    URS_REQUIRE(t, chips && one);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("find", one, one, "--out", out, "--chips", chips, "--chip-side", "50", "--score", "1e-6", "--most", "3", "--quiet"), URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_results_check_file(out, NULL, &err), err);
    images = images_of(out);
    URS_CHECK_INT(t, json_array_size(images), 1); /* named twice, looked at once */
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_array_get(images, 0), "file")), one);
    detections = json_object_get(json_array_get(images, 0), "detections");
    URS_CHECK_INT(t, json_array_size(detections), 3);
    URS_CHECK(t, json_object_get(json_array_get(detections, 0), "mask") != NULL);
    URS_REQUIRE_OK(t, urs_folder_list(&found, chips, NULL, &err), err);
    URS_CHECK_INT(t, found.count, 3);
    URS_REQUIRE(t, found.count > 0);
    URS_REQUIRE_OK(t, urs_photo_read(&photo, found.items[0], NULL, &err), err);
    URS_CHECK_INT(t, photo.image.width, 50);
    urs_photo_release(&photo);
    for (size_t i = 0; i < found.count; i++)
        (void)unlink(found.items[i]);
    urs_names_release(&found);
    json_decref(images);
    urs_free(chips);
    urs_free(one);
}

/* Stopped several times in several ways: the results, the last line and the list of broken files are those of a run in one go. */
static void stopped_and_gone_on(urs_test *t, const char *verb, const char *option, const char *value)
{
    static const int signals[] = {SIGINT, SIGKILL, SIGTERM, SIGKILL};
    char *whole = below("whole.json"), *journal = urs_path_join(folder, "out.json.journal"), *wanted[2], *got[2];
    int code = 0, stops = 0;
    URS_REQUIRE(t, whole && journal);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN(verb, frames, "--out", whole, option, value, "--quiet", "--threads", "2"), URS_EXIT_PARTIAL);
    wanted[0] = file_from(stdout_path, "\n61 files: ");
    wanted[1] = file_from(stderr_path, "5 of 61 files could not be used:\n");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        const pid_t pid = START(verb, frames, "--out", out, option, value, "--quiet", "--threads", "2");
        if (!program_interrupt(pid, journal, 14 + 10 * i, signals[i], &code)) /* two broken files are in the first part */
            break;
        stops++;
        if (signals[i] == SIGKILL)
            URS_CHECK_INT(t, code, -SIGKILL);
        else
            URS_CHECK_INT(t, code, URS_EXIT_FAILED);
        URS_CHECK(t, urs_file_exists(journal) && !urs_file_exists(out));
        if (signals[i] == SIGINT)
            URS_CHECK(t, file_says(stderr_path, "the same command goes on from there"));
    }
    URS_CHECK(t, stops >= 1);
    /* other settings do not mix with what is there */
    URS_CHECK_INT(t, RUN(verb, frames, "--out", out, option, "0.7", "--quiet"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "other settings"));
    URS_CHECK_INT(t, RUN(verb, frames, "--out", out, option, value, "--quiet", "--threads", "1"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stderr_path, "files were done before"));
    got[0] = file_from(stdout_path, "\n61 files: ");
    got[1] = file_from(stderr_path, "5 of 61 files could not be used:\n");
    for (int i = 0; i < 2; i++) {
        URS_CHECK(t, wanted[i] && strlen(wanted[i]) > 20);
        URS_CHECK_TEXT(t, got[i], wanted[i]);
        urs_free(wanted[i]);
        urs_free(got[i]);
    }
    URS_CHECK(t, !urs_file_exists(journal));
    URS_CHECK(t, files_are_equal_but_for_times(whole, out));
    (void)unlink(whole);
    urs_free(whole);
    urs_free(journal);
}

static void stopped_runs_go_on(urs_test *t)
{
    stopped_and_gone_on(t, "sift", "--bear", "0.3");
    stopped_and_gone_on(t, "find", "--score", "1e-6");
}

/* The column of names is bounded and as wide as names look, so that what stands behind them is below its heading. */
static void long_and_wide_names_keep_the_table(urs_test *t)
{
    static const char *const names[] = {"a.png", "\xe7\x86\x8a\xe7\x86\x8a.png", "e\xcc\x81te\xcc\x81.png",
                                        "a-very-long-name-of-a-picture-that-somebody-has-made-out-of-everything-there-is-to-say-about-it-0001.png"};
    char *top = below("names");
    urs_bytes table = {0};
    urs_error err = {0};
    size_t rows = 0, wanted = 0;
    URS_REQUIRE(t, top && urs_folder_create(top, &err) == URS_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[640];
        (void)snprintf(path, sizeof path, "%s/%s", top, names[i]);
        URS_REQUIRE(t, tiny_picture_write(path, 1, 64, 48));
    }
    URS_CHECK_INT(t, RUN("sift", top, "--quiet"), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "a-very-long-name-of...") && file_says(stdout_path, "-0001.png"));
    URS_REQUIRE_OK(t, urs_file_read(&table, stdout_path, 0, &err), err);
    for (char *line = (char *)table.data, *end; (end = strchr(line, '\n')) && end > line; line = end + 1) {
        *end = '\0';
        rows++;
        wanted = wanted ? wanted : urs_terminal_columns(line);
        URS_CHECK_INT(t, urs_terminal_columns(line), wanted);
    }
    URS_CHECK_INT(t, rows, 1 + sizeof names / sizeof names[0]);
    URS_CHECK(t, wanted <= 60 + 40);
    urs_bytes_release(&table);
    urs_free(top);
}

/* --boxes: heads lie in the boxes and their margin only, a photograph without animals is not searched, one that the file does not name is searched whole, and other photographs' boxes are refused. */
static void heads_are_looked_for_in_boxes(urs_test *t)
{
    static const char boxes[] = "{\"info\": {\"format_version\": \"1.3\", \"detector\": \"md\"}, \"detection_categories\": {\"1\": \"animal\", \"2\": \"person\"}, \"images\": [\n"
                                "{\"file\": \"frame-0000.png\", \"detections\": [{\"category\": \"1\", \"conf\": 0.9, \"bbox\": [0.5, 0.5, 0.3, 0.3]}, {\"category\": \"2\", \"conf\": 0.9, \"bbox\": [0.0, 0.0, 0.2, 0.2]}, "
                                "{\"category\": \"1\", \"conf\": 0.1, \"bbox\": [0.0, 0.0, 0.2, 0.2]}]},\n"
                                "{\"file\": \"frame-0001.png\", \"detections\": []},\n"
                                "{\"file\": \"frame-0002.png\", \"failure\": \"image access failure\", \"detections\": null}]}";
    static const char strange[] = "{\"info\": {\"format_version\": \"1.3\", \"detector\": \"md\"}, \"detection_categories\": {\"1\": \"animal\"}, \"images\": [{\"file\": \"x.jpg\", \"detections\": []}]}";
    char *json = below("boxes.json");
    const json_t *image;
    json_t *images;
    URS_REQUIRE(t, json && urs_file_write(json, boxes, strlen(boxes), NULL) == URS_OK);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("find", frames, "--boxes", json, "--out", out, "--score", "1e-6", "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stdout_path, "boxes were given for 2"));
    images = images_of(out);
    image = json_array_get(images, 0);
    URS_CHECK(t, json_array_size(json_object_get(image, "detections")) > 0);
    for (size_t i = 0; i < json_array_size(json_object_get(image, "detections")); i++) {
        const json_t *box = json_object_get(json_array_get(json_object_get(image, "detections"), i), "bbox");
        const double x = json_number_value(json_array_get(box, 0)), w = json_number_value(json_array_get(box, 2));
        URS_CHECK(t, x + w / 2 > 0.5 - 0.06 - 0.03 && x + w / 2 < 0.8 + 0.06 + 0.03); /* a fifth of 0.3 more on each side, and whole pixels */
    }
    URS_CHECK_INT(t, json_array_size(json_object_get(json_array_get(images, 1), "detections")), 0);
    URS_CHECK(t, json_array_size(json_object_get(json_array_get(images, 2), "detections")) > 0 && json_array_size(json_object_get(json_array_get(images, 3), "detections")) > 0);
    json_decref(images);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("find", frames, "--boxes", json, "--box-score", "0.95", "--out", out, "--score", "1e-6", "--quiet"), URS_EXIT_PARTIAL);
    images = images_of(out);
    URS_CHECK_INT(t, json_array_size(json_object_get(json_array_get(images, 0), "detections")), 0);
    json_decref(images);
    URS_REQUIRE(t, urs_file_write(json, strange, strlen(strange), NULL) == URS_OK);
    URS_CHECK_INT(t, RUN("find", frames, "--boxes", json, "--quiet"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "says nothing about these photographs: it names 'x.jpg'"));
    (void)unlink(json);
    (void)unlink(out);
    urs_free(json);
}

static void wrong_use_has_one_sentence(urs_test *t)
{
    char *empty = below("nothing"), *sift = below("sift.safetensors");
    urs_error err = {0};
    URS_REQUIRE(t, empty && sift && urs_folder_create(empty, &err) == URS_OK);
    URS_CHECK_INT(t, RUN("sift"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("sift", frames, "--bare", "1"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("find", frames, "--score", "2"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, lines_of(stderr_path), 1);
    URS_CHECK_INT(t, RUN("sift", "/nowhere/at all"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "there is no file or folder '/nowhere/at all'"));
    URS_CHECK_INT(t, RUN("sift", empty), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "there is no photograph in"));
    URS_CHECK_INT(t, RUN("find", frames, "--model", sift), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "is a model for sift, not for find"));
    URS_CHECK_INT(t, RUN("sift", frames, "--backend", "abacus"), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("sift", "--help"), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "--out F.json"));
    (void)rmdir(empty);
    urs_free(empty);
    urs_free(sift);
}

static void weights_are_looked_for(urs_test *t)
{
    char *path = NULL, *empty = below("no models");
    urs_error err = {0};
    URS_REQUIRE(t, empty && urs_folder_create(empty, &err) == URS_OK);
    URS_REQUIRE_OK(t, urs_model_path(&path, "find", "my own.safetensors", &err), err);
    URS_CHECK_TEXT(t, path, "my own.safetensors");
    urs_free(path);
    URS_REQUIRE_OK(t, urs_model_path(&path, "find", NULL, &err), err);
    URS_CHECK(t, urs_file_exists(path) && strcmp(urs_path_base(path), "find.safetensors") == 0);
    urs_free(path);
    (void)setenv("URSID_MODELS", empty, 1);
    URS_CHECK_INT(t, urs_model_path(&path, "find", NULL, &err), URS_ENOTFOUND);
    URS_CHECK(t, strstr(err.message, "find.safetensors") && strstr(err.message, empty));
    URS_CHECK_INT(t, RUN("sift", frames), URS_EXIT_FAILED);
    (void)setenv("URSID_MODELS", folder, 1);
    (void)rmdir(empty);
    urs_free(empty);
}

/* A sub-folder that cannot be looked into (here: nested too deep; root may read everything else) stops nothing, is named at the end, and shows in the exit code. */
static void folders_that_cannot_be_read(urs_test *t)
{
    char *top = below("deep");
    urs_text path = {0};
    URS_REQUIRE(t, top);
    urs_text_add(&path, top);
    for (int i = 0; i < 66; i++)
        urs_text_add(&path, "/d");
    URS_REQUIRE(t, urs_folder_create(urs_text_string(&path), NULL) == URS_OK);
    urs_text_release(&path);
    urs_text_format(&path, "%s/picture.png", top);
    URS_REQUIRE(t, tiny_picture_write(urs_text_string(&path), 1, 64, 48));
    URS_CHECK_INT(t, RUN("sift", top, "--quiet"), URS_EXIT_PARTIAL);
    URS_CHECK(t, file_says(stdout_path, "picture.png") && file_says(stderr_path, "nested deeper than 64 folders"));
    urs_text_release(&path);
    urs_free(top);
}

static bool set_up(void)
{
    char odd[640];
    folder = urs_test_folder("cmd-photos");
    if (!folder || setenv("URSID_MODELS", folder, 1) != 0)
        return false;
    frames = below("frames");
    out = below("out.json");
    stdout_path = below("stdout");
    stderr_path = below("stderr");
    if (!frames || !out || !stdout_path || !stderr_path || urs_folder_create(frames, NULL) != URS_OK)
        return false;
    (void)snprintf(odd, sizeof odd, "%s/%s", frames, ODD_NAME);
    return tiny_model_write(folder, "sift", NULL) && tiny_model_write(folder, "find", NULL) && tiny_frames_write(frames, FRAMES, BROKEN_EVERY) &&
           tiny_picture_write(odd, 5, 64, 48);
}

static void tear_down(void)
{
    urs_free(folder);
    urs_free(frames);
    urs_free(out);
    urs_free(stdout_path);
    urs_free(stderr_path);
}

int main(void)
{
    static const urs_case cases[] = {
        {"sift", sift_makes_a_table_and_a_file},
        {"find with chips", find_writes_chips},
        {"stopped runs go on", stopped_runs_go_on},
        {"long and wide names", long_and_wide_names_keep_the_table},
        {"heads are looked for in boxes", heads_are_looked_for_in_boxes},
        {"wrong use", wrong_use_has_one_sentence},
        {"folders that cannot be read", folders_that_cannot_be_read},
        {"weights are looked for", weights_are_looked_for},
    };
    int code;
    code = program_run_cases(set_up(), cases, sizeof cases / sizeof cases[0]);
    tear_down();
    return code;
}
