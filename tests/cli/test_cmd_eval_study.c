/* `ursid eval embed --ablate`, `--background-control`, `--masked`, and the calibration over folds of `ursid train embed` as programs, on pictures of which it is known what can be read from their corners and what from their middle. */
#include "harness.h"
#include "html_check.h"
#include "program_run.h"
#include "telling_chips.h"
#include "tiny_models.h"

#include <math.h>
#include <stdlib.h>

static char *folder, *around, *inside, *numbers, *report, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define RUN(...) program_finish(program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL}))

/* A number of one way's row, "hit1/value"; NaN when there is none. */
static double of_way(const json_t *rows, const char *way, const char *what, const char *field)
{
    const json_t *row, *v;
    size_t i;
    json_array_foreach((json_t *)rows, i, row) {
        if (strcmp(json_string_value(json_object_get(row, "way")), way) != 0)
            continue;
        v = json_object_get(json_object_get(row, what), field);
        return json_is_number(v) ? json_number_value(v) : NAN;
    }
    return NAN;
}

static void background_that_tells(urs_test *t)
{
    json_t *j;
    const json_t *rows;
    double n = 0;
    URS_REQUIRE(t, RUN("eval", "embed", "--data", around, "--background-control", "--part", "test", "--json", numbers, "--report", report, "--rounds", "50") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    rows = json_object_get(j, "background_control");
    URS_CHECK_NEAR(t, of_way(rows, "background_colours", "hit1", "value"), 1, 0);
    URS_CHECK_NEAR(t, of_way(rows, "background_colours", "map", "value"), 1, 0);
    URS_CHECK(t, json_is_true(json_object_get(j, "background_colours_above_chance")));
    URS_CHECK(t, file_says(stdout_path, "The colours of the background alone tell") && html_is_sound(report, NULL));
    /* All have CHIPS chips, so chance is CHIPS-1 of all others. */
    for (int i = 2; i < INDIVIDUALS; i++)
        if (fabs(of_way(rows, "chance", "hit1", "value") - (CHIPS - 1.0) / (i * CHIPS - 1.0)) < 1e-5)
            n = i;
    URS_CHECK(t, n > 0);
    URS_CHECK(t, of_way(rows, "chance", "map", "value") > of_way(rows, "chance", "hit1", "value") && of_way(rows, "chance", "map", "value") < 1);
    json_decref(j);
}

static void background_that_says_nothing(urs_test *t)
{
    json_t *j;
    const json_t *rows;
    URS_REQUIRE(t, RUN("eval", "embed", "--data", inside, "--background-control", "--folds", "3", "--model", "embed.safetensors", "--json", numbers, "--rounds", "50") == URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "embed.safetensors"));
    {
        char *path = urs_path_join(folder, "embed.safetensors");
        URS_REQUIRE(t, RUN("eval", "embed", "--data", inside, "--background-control", "--folds", "3", "--model", path, "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
        urs_free(path);
    }
    j = json_load_file(numbers, 0, NULL);
    rows = json_object_get(j, "background_control");
    URS_CHECK(t, of_way(rows, "background_colours", "hit1", "value") < 0.5);
    URS_CHECK(t, json_is_false(json_object_get(j, "background_above_chance")) && json_is_false(json_object_get(j, "background_colours_above_chance")));
    URS_CHECK(t, file_says(stdout_path, "near chance"));
    json_decref(j);
}

/* The way that identify goes is the one that `eval embed` measures; differences are those of the values. */
static void ablation(urs_test *t)
{
    static const char *const steps[][2] = {{"mirror", "picture"}, {"query_expansion", "mirror"}, {"rerank", "mirror"}, {"two_chips", "one_chip"}, {"two_chips_weighted", "two_chips"}};
    json_t *j, *plain;
    const json_t *rows;
    URS_REQUIRE(t, RUN("eval", "embed", "--data", around, "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
    plain = json_load_file(numbers, 0, NULL);
    URS_REQUIRE(t, RUN("eval", "embed", "--data", around, "--ablate", "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    rows = json_object_get(j, "ablation");
    URS_CHECK_NEAR(t, of_way(rows, "mirror", "hit1", "value"),
                   json_number_value(json_object_get(json_object_get(json_object_get(json_object_get(plain, "retrieval"), "hit_bears_macro"), "1"), "value")), 1e-5);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (int what = 0; what < 2; what++) {
            const double a = of_way(rows, steps[i][0], what ? "map" : "hit1", "value"), b = of_way(rows, steps[i][1], what ? "map" : "hit1", "value");
            URS_CHECK(t, a >= 0 && a <= 1);
            URS_CHECK_NEAR(t, of_way(rows, steps[i][0], what ? "gain_map" : "gain_hit1", "value"), a - b, 2e-5);
        }
    json_decref(j);
    json_decref(plain);
}

/* Hit@1 of the colour histogram in the rows of --folds. */
static double of_colours(const json_t *j)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(j, "cross_validation"), i, row)
        if (strcmp(json_string_value(json_object_get(row, "system")), "colour histogram") == 0)
            return json_number_value(json_object_get(json_object_get(row, "hit1"), "value"));
    return NAN;
}

/* What stands around the head must not count where it is masked away; with folds and without. */
static void masked_chips(urs_test *t)
{
    char *path = urs_path_join(folder, "embed.safetensors");
    for (int tells_around = 0; tells_around < 2; tells_around++) {
        const char *tree = tells_around ? around : inside;
        double hit;
        json_t *j;
        URS_REQUIRE(t, RUN("eval", "embed", "--data", tree, "--floor", "colour", "--masked", "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
        j = json_load_file(numbers, 0, NULL);
        hit = json_number_value(json_object_get(json_object_get(json_object_get(json_object_get(j, "retrieval"), "hit_bears_macro"), "1"), "value"));
        URS_CHECK(t, tells_around ? hit < 0.5 : hit > 0.95);
        URS_CHECK(t, json_is_true(json_object_get(j, "masked")) && file_says(stdout_path, "black outside of the head"));
        json_decref(j);
        URS_REQUIRE(t, RUN("eval", "embed", "--data", tree, "--folds", "2", "--masked", "--model", path, "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
        j = json_load_file(numbers, 0, NULL);
        URS_CHECK(t, tells_around ? of_colours(j) < 0.5 : of_colours(j) > 0.95);
        json_decref(j);
    }
    urs_free(path);
}

/* Every fold's bears are asked for by the network that did not see them, whole and masked, each network among its own: pairs = sum over folds of 2 * chips * bears. */
static void calibration_over_folds(urs_test *t)
{
    char *pattern = urs_path_join(folder, "w{}.safetensors"), *all = urs_path_join(folder, "w0.safetensors");
    int splits = 0;
    json_t *j, *fitted;
    for (int fold = 2; fold >= 0; fold--) {
        char *out, number[12], name[40];
        (void)snprintf(number, sizeof number, "%d", fold);
        (void)snprintf(name, sizeof name, "w%d.safetensors", fold);
        out = urs_path_join(folder, name);
        URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--head-only", "--arch", "mobilenet_v3_small_075", "--size", "32", "--embedding", "8", "--batch", "8", "--folds", "2", "--fold", number, "--quiet", "--out",
                             out), URS_EXIT_OK);
        URS_CHECK(t, file_says(stdout_path, "made without training"));
        urs_free(out);
    }
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--head-only", "--arch", "mobilenet_v3_small_075", "--size", "32", "--embedding", "500", "--batch", "8", "--quiet", "--out", all), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "500 numbers from 432 features"));
    URS_REQUIRE(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", pattern, "--folds", "2", "--out", all) == URS_EXIT_OK);
    URS_REQUIRE(t, RUN("model", "info", all, "--json") == URS_EXIT_OK);
    j = json_load_file(stdout_path, 0, NULL);
    fitted = json_loads(json_string_value(json_object_get(json_object_get(j, "metadata"), "ursid.calibration")), 0, NULL);
    for (int64_t first = 2; first <= INDIVIDUALS / 2; first++) /* the bears outside of the test part in two folds */
        for (int64_t second = first; second <= first + 1; second++)
            splits += json_integer_value(json_object_get(fitted, "pairs")) == 2 * CHIPS * (first * first + second * second);
    URS_CHECK_INT(t, splits, 1);
    json_decref(fitted);
    json_decref(j);
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", pattern, "--out", all), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", pattern, "--folds", "3", "--out", all), URS_EXIT_FAILED); /* they were two */
    URS_CHECK(t, file_says(stderr_path, "was trained without fold 1 of 2, not without fold 1 of 3"));
    urs_free(pattern);
    urs_free(all);
}

static bool copy_file(const char *from, const char *to)
{
    urs_bytes bytes = {0};
    const bool done = urs_file_read(&bytes, from, 0, NULL) == URS_OK && urs_file_write(to, bytes.data, bytes.size, NULL) == URS_OK;
    urs_bytes_release(&bytes);
    return done;
}

/* Weights say which fold they were trained without: calibration and cross-validation take no others. Follows on calibration_over_folds, which has made w0, w1 and w2. */
static void weights_of_other_folds_are_refused(urs_test *t)
{
    char *w[3], *x[3], *right = urs_path_join(folder, "w{}.safetensors"), *wrong = urs_path_join(folder, "x{}.safetensors"), *tiny = urs_path_join(folder, "embed.safetensors");
    for (int i = 0; i < 3; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "w%d.safetensors", i);
        w[i] = urs_path_join(folder, name);
        name[0] = 'x';
        x[i] = urs_path_join(folder, name);
        URS_REQUIRE(t, w[i] && x[i]);
    }
    URS_REQUIRE(t, right && wrong && tiny);
    URS_REQUIRE(t, copy_file(w[1], x[2]) && copy_file(w[2], x[1]));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", wrong, "--folds", "2", "--out", w[0]), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "was trained without fold 2 of 2, not without fold 1 of 2"));
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", inside, "--folds", "2", "--model", wrong), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "was trained without fold 2 of 2"));
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", inside, "--folds", "2", "--model", right, "--rounds", "10"), URS_EXIT_OK);
    URS_REQUIRE(t, copy_file(w[0], x[1]));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", wrong, "--folds", "2", "--out", w[0]), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "was trained on all of 2 folds, not without fold 1 of 2"));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--out", w[0]), URS_EXIT_FAILED); /* it knows them all */
    URS_CHECK(t, file_says(stderr_path, "was trained on all of 2 folds, not on a split without folds"));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", right, "--folds", "2", "--split-seed", "2", "--out", w[0]), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "other individuals were held out"));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", w[1], "--folds", "2", "--out", w[0]), URS_EXIT_USAGE);
    URS_REQUIRE(t, copy_file(tiny, x[1]) && copy_file(tiny, x[2]));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--calibrate-only", "--calibrate-with", wrong, "--folds", "2", "--out", w[0]), URS_EXIT_OK);
    URS_CHECK(t, file_says(stderr_path, "does not say which individuals it was trained without"));
    for (int i = 0; i < 3; i++) {
        urs_free(w[i]);
        urs_free(x[i]);
    }
    urs_free(right);
    urs_free(wrong);
    urs_free(tiny);
}

/* Every fold's bears are grouped in both views by every rule; the counts are those of whole bears. Follows on calibration_over_folds. */
static void groups_are_judged_by_fold(urs_test *t)
{
    char *pattern = urs_path_join(folder, "w{}.safetensors");
    json_t *j, *rows, *means;
    json_int_t loose = 0;
    URS_REQUIRE(t, pattern);
    URS_CHECK_INT(t, RUN("eval", "embed", "--groups", "--data", inside, "--folds", "2", "--model", pattern, "--json", numbers), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "average, 0.5") && file_says(stdout_path, "complete, chosen"));
    j = json_load_file(numbers, 0, NULL);
    rows = json_object_get(j, "groups");
    means = json_object_get(j, "means");
    URS_CHECK_INT(t, json_array_size(rows), 2 * 2 * json_array_size(means));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_int_t bears = json_integer_value(json_object_get(row, "bears")), same = json_integer_value(json_object_get(row, "same")), joined = json_integer_value(json_object_get(row, "joined")),
                         right = json_integer_value(json_object_get(row, "right")), groups = json_integer_value(json_object_get(row, "groups"));
        URS_CHECK(t, bears >= 2 && bears < INDIVIDUALS);
        URS_CHECK_INT(t, json_integer_value(json_object_get(row, "chips")), bears * CHIPS);
        URS_CHECK_INT(t, same, bears * CHIPS * (CHIPS - 1) / 2);
        URS_CHECK(t, right <= same && right <= joined && groups >= 1 && groups <= bears * CHIPS);
        if (i % json_array_size(means) == 0)
            loose = joined;
        else if (i % json_array_size(means) < 4) /* the same linkage, joined from 0.3, 0.2, 0.1 on: ever more */
            URS_CHECK(t, joined >= loose);
    }
    URS_CHECK_INT(t, RUN("eval", "embed", "--groups", "--data", inside, "--model", pattern), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "embed", "--groups", "--masked", "--data", inside, "--folds", "2", "--model", pattern), URS_EXIT_USAGE);
    json_decref(j);
    urs_free(pattern);
}

static void trained_without_validation(urs_test *t)
{
    char *out = urs_path_join(folder, "all.safetensors");
    URS_REQUIRE(t, out);
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--arch", "mobilenet_v3_small_075", "--size", "32", "--embedding", "8", "--batch", "8", "--folds", "2", "--epochs", "1", "--quiet", "--out", out), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "the weights of the end of 1 epoch, without validation data"));
    URS_CHECK_INT(t, RUN("train", "embed", "--data", inside, "--arch", "mobilenet_v3_small_075", "--size", "32", "--embedding", "8", "--batch", "8", "--folds", "2", "--fold", "1", "--epochs", "1", "--quiet", "--out", out), URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "best validation score "));
    urs_free(out);
}

static void wrong_use(urs_test *t)
{
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", around, "--ablate", "--background-control"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", around, "--ablate", "--floor", "colour"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, lines_of(stderr_path), 1);
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", around, "--ablate", "--folds", "3"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", around, "--masked", "--beside", "w0.safetensors"), URS_EXIT_USAGE);
}

int main(void)
{
    static const urs_case cases[] = {
        {"background that tells who it is", background_that_tells},
        {"background that says nothing", background_that_says_nothing},
        {"ablation", ablation},
        {"masked chips", masked_chips},
        {"calibration over folds", calibration_over_folds},
        {"groups are judged by fold", groups_are_judged_by_fold},
        {"weights of other folds", weights_of_other_folds_are_refused},
        {"trained without validation", trained_without_validation},
        {"wrong use", wrong_use},
    };
    int code;
    folder = urs_test_folder("cmd-eval-study");
    around = urs_path_join(folder, "around");
    inside = urs_path_join(folder, "inside");
    numbers = urs_path_join(folder, "numbers.json");
    report = urs_path_join(folder, "report.html");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    code = program_run_cases(folder && setenv("URSID_MODELS", folder, 1) == 0 && tiny_model_write(folder, "embed", NULL) && telling_chips_write(around, true) && telling_chips_write(inside, false), cases, sizeof cases / sizeof cases[0]);
    urs_free(around);
    urs_free(inside);
    urs_free(numbers);
    urs_free(report);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
