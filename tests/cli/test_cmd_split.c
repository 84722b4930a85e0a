/* `ursid split` as a program on drawn scenes, and that train and eval take the parts as the manifest has them. */
#include "harness.h"
#include "program_run.h"
#include "tiny_models.h"

#include "base/day.h"
#include "data/chips.h"
#include "data/frames.h"
#include "data/split_plan.h"

#include <stdlib.h>

static char *folder, *scenes, *chips, *manifest, *out, *numbers, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define RUN(...) program_finish(program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL}))

static void parts_are_read_back(urs_test *t)
{
    urs_dataset set = {0};
    urs_error err = {0};
    size_t n[4] = {0};
    int64_t sum = 0;
    int32_t middle;
    char day[16];
    URS_REQUIRE_OK(t, urs_dataset_read(&set, manifest, NULL, &err), err);
    for (size_t i = 0; i < set.count; i++)
        sum += set.samples[i].day;
    middle = (int32_t)(sum / (int64_t)set.count);
    urs_dataset_release(&set);
    urs_day_text(day, middle);
    URS_REQUIRE(t, RUN("split", manifest, "--by", "time", "--cut-off", day, "--out", out) == URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_dataset_read(&set, out, NULL, &err), err);
    for (size_t i = 0; i < set.count; i++) {
        n[set.samples[i].part]++;
        URS_CHECK(t, (set.samples[i].part == URS_PART_TEST) == (set.samples[i].day >= middle));
        URS_CHECK(t, urs_file_exists(set.samples[i].path));
    }
    URS_CHECK(t, n[URS_PART_TRAIN] > 0 && n[URS_PART_TEST] > 0 && n[URS_PART_NONE] == 0);
    urs_dataset_release(&set);
}

/* The parts of the chips are those of the manifest, an individual in several of them, and eval asks among the test part. */
static void embed_takes_the_parts(urs_test *t)
{
    urs_dataset set = {0};
    urs_chips c = {0};
    urs_error err = {0};
    const char *const trees[] = {out};
    size_t test = 0;
    json_t *j;
    URS_REQUIRE(t, RUN("split", chips, "--by", "closed", "--out", out, "--test", "0.4") == URS_EXIT_OK);
    URS_CHECK(t, file_says(stderr_path, "neither date nor event")); /* drawn chips carry no dates */
    URS_REQUIRE_OK(t, urs_dataset_read(&set, out, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_chips_load(&c, &(urs_chips_options){.trees = trees, .tree_count = 1, .validation = 0.1f, .test = 0.1f, .seed = 3}, NULL, &err), err);
    for (size_t i = 0; i < c.count; i++)
        for (size_t k = 0; k < set.count; k++)
            if (strcmp(set.samples[k].path, c.items[i].path) == 0)
                URS_CHECK_INT(t, c.items[i].part, set.samples[k].part);
    for (size_t k = 0; k < set.count; k++)
        test += set.samples[k].part == URS_PART_TEST;
    URS_REQUIRE(t, RUN("eval", "embed", "--data", out, "--json", numbers, "--rounds", "20") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK_INT(t, json_integer_value(json_object_get(json_object_get(j, "retrieval"), "queries")), test);
    json_decref(j);
    urs_chips_release(&c);
    urs_dataset_release(&set);
}

static void sift_takes_the_parts(urs_test *t)
{
    urs_frames f = {0};
    urs_error err = {0};
    urs_frames_options o = {.manifest = out, .sources = "real,photos", .validation = 0.1f, .test = 0.1f, .seed = 5};
    URS_REQUIRE(t, RUN("split", manifest, "--by", "camera", "--leave", "cam02", "--out", out) == URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_frames_build(&f, &o, URS_PART_TEST, NULL, &err), err);
    URS_CHECK(t, f.count > 0);
    for (size_t i = 0; i < f.count; i++)
        URS_CHECK(t, f.items[i].sample < 0 || strcmp(urs_name_table_get(&f.dataset.cameras, f.dataset.samples[f.items[i].sample].camera), "cam02") == 0);
    urs_frames_release(&f);
    o.folds = 2;
    o.fold = 1;
    URS_CHECK_INT(t, urs_frames_build(&f, &o, URS_PART_TEST, NULL, &err), URS_EINVAL);
    URS_CHECK(t, strstr(err.message, "parts of its own"));
}

static void each_camera_is_left_out(urs_test *t)
{
    char *pattern = urs_path_join(folder, "without {}.csv"), *one = urs_path_join(folder, "without cam03.csv");
    urs_dataset set = {0};
    urs_error err = {0};
    URS_REQUIRE(t, RUN("split", manifest, "--by", "camera", "--out", pattern) == URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_dataset_read(&set, one, NULL, &err), err);
    for (size_t i = 0; i < set.count; i++)
        URS_CHECK(t, (set.samples[i].part == URS_PART_TEST) == (strcmp(urs_name_table_get(&set.cameras, set.samples[i].camera), "cam03") == 0));
    urs_dataset_release(&set);
    urs_free(pattern);
    urs_free(one);
}

/* One picture under two names, on two sides. */
static void near_duplicates_are_refused(urs_test *t)
{
    char *pictures = urs_path_join(folder, "pictures"), *set = urs_path_join(folder, "twice.csv"), path[700];
    int refused = 0;
    static const char rows[] = "path,individual,split\npictures/1.png,a,train\npictures/2.png,b,train\npictures/3.png,c,test\n";
    URS_REQUIRE(t, urs_folder_create(pictures, NULL) == URS_OK && urs_file_write(set, rows, sizeof rows - 1, NULL) == URS_OK);
    for (int i = 1; i <= 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%d.png", pictures, i);
        URS_REQUIRE(t, tiny_picture_write(path, i == 3 ? 1 : 17 * i - 16, 64, 64)); /* 3 is 1 again */
    }
    URS_CHECK_INT(t, RUN("split", set, "--check"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stdout_path, "nearly the same picture (0 bits)") && file_says(stdout_path, "1.png (train)") && file_says(stdout_path, "3.png (test)"));
    URS_CHECK(t, file_says(stderr_path, "leaks: 1 pairs") && lines_of(stderr_path) == 1);
    /* Two of three individuals are tested, drawn by the seed: either the pair is on one side, or nothing is written. */
    for (int seed = 1; seed <= 8; seed++) {
        char text[16];
        int code;
        (void)snprintf(text, sizeof text, "%d", seed);
        (void)unlink(out);
        code = RUN("split", set, "--by", "disjoint", "--validation", "0", "--test", "0.6", "--out", out, "--check", "--seed", text);
        refused += code == URS_EXIT_FAILED;
        URS_CHECK(t, code == (urs_file_exists(out) ? URS_EXIT_OK : URS_EXIT_FAILED));
        URS_CHECK_INT(t, RUN("split", set, "--by", "disjoint", "--validation", "0", "--test", "0.5", "--out", out, "--check", "--near-together", "--seed", text), URS_EXIT_OK);
    }
    URS_CHECK(t, refused > 0 && refused < 8);
    (void)snprintf(path, sizeof path, "%s/3.png", pictures);
    URS_REQUIRE(t, tiny_picture_write(path, 5, 64, 64));
    URS_CHECK_INT(t, RUN("split", set, "--check"), URS_EXIT_OK);
    urs_free(pictures);
    urs_free(set);
}

static void wrong_use_has_one_sentence(urs_test *t)
{
    static const struct {
        const char *words[8];
        const char *says;
    } uses[] = {{{"split"}, "DATA"},
                {{"split", "x"}, "--by"},
                {{"split", "x", "--by", "closed"}, "--out"},
                {{"split", "x", "--by", "sideways", "--out", "y"}, "closed"},
                {{"split", "x", "--by", "time", "--out", "y"}, "--cut-off"},
                {{"split", "x", "--by", "time", "--out", "y", "--cut-off", "soon"}, "soon"},
                {{"split", "x", "--by", "camera", "--out", "y"}, "--leave"},
                {{"split", "x", "--by", "closed", "--out", "y{}"}, "{}"},
                {{"split", "x", "--by", "closed", "--out", "y", "--leave", "z"}, "--leave"},
                {{"split", "x", "--by", "year", "--out", "y{}", "--near-together"}, "--near-together"}};
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        const char *words[10] = {"ursid"};
        for (int k = 0; k < 8; k++)
            words[k + 1] = uses[i].words[k];
        URS_CHECK_INT(t, program_finish(program_start(stdout_path, stderr_path, words)), URS_EXIT_USAGE);
        URS_CHECK(t, lines_of(stderr_path) == 1 && file_says(stderr_path, uses[i].says));
    }
    URS_CHECK_INT(t, RUN("split", "/nowhere/at all", "--by", "closed", "--out", out), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "/nowhere/at all"));
    URS_CHECK_INT(t, RUN("split", manifest, "--by", "camera", "--leave", "cam99", "--out", out), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "cam99") && lines_of(stderr_path) == 1);
    URS_CHECK_INT(t, RUN("split", manifest, "--by", "year", "--leave", "1999", "--out", out), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("split", manifest, "--by", "closed", "--out", "/nowhere/at all/x.csv"), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("split", manifest, "--check"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "column split"));
    URS_CHECK_INT(t, RUN("split", "--help"), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "--near-together"));
}

int main(void)
{
    static const urs_case cases[] = {
        {"parts are read back", parts_are_read_back},
        {"embed takes the parts", embed_takes_the_parts},
        {"sift takes the parts", sift_takes_the_parts},
        {"each camera is left out", each_camera_is_left_out},
        {"near-duplicates are refused", near_duplicates_are_refused},
        {"wrong use", wrong_use_has_one_sentence},
    };
    int code;
    folder = urs_test_folder("cmd-split");
    scenes = urs_path_join(folder, "scenes");
    chips = urs_path_join(folder, "scenes/chips");
    manifest = urs_path_join(folder, "scenes/manifest.csv");
    out = urs_path_join(folder, "out.csv");
    numbers = urs_path_join(folder, "numbers.json");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    code = program_run_cases(folder && setenv("URSID_MODELS", folder, 1) == 0 && tiny_model_write(folder, "embed", NULL) &&
        RUN("synth", "--out", scenes, "--frames", "60", "--bears", "5", "--cameras", "4", "--size", "320x240", "--chips", "--chip-side", "48", "--seed", "3", "--quiet") == URS_EXIT_OK, cases, sizeof cases / sizeof cases[0]);
    urs_free(scenes);
    urs_free(chips);
    urs_free(manifest);
    urs_free(out);
    urs_free(numbers);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
