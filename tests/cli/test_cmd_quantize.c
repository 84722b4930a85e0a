/* `ursid quantize`, `ursid eval --beside`, `ursid export` and the stages on int8 weights, as programs, on drawn frames and small networks with drawn parameters. */
#include "harness.h"
#include "program_run.h"
#include "tiny_models.h"

#include "int8/tflite_file.h"
#include "interchange/megadetector_check.h"
#include "stages/network.h"

#include <math.h>
#include <stdlib.h>

static char *folder, *world, *manifest, *chips, *sift8, *find8, *embed8, *numbers, *out, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define START(...) program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL})
#define RUN(...) program_finish(START(__VA_ARGS__))

static const char *note_of(urs_int8_graph **g, const char *path, const char *key)
{
    urs_error err = {0};
    if (urs_tflite_load(g, path, &err) != URS_OK) {
        printf("  %s\n", err.message);
        return "";
    }
    return urs_int8_graph_note(*g, key) ? urs_int8_graph_note(*g, key) : "";
}

/* A number of a measure in a file of --beside: "model", "beside", or of its difference "value". */
static double value_in(const char *path, const char *measure, const char *key)
{
    json_t *j = json_load_file(path, 0, NULL);
    const json_t *m = json_object_get(json_object_get(j, "measures"), measure), *v = json_object_get(strcmp(key, "value") == 0 ? json_object_get(m, "difference") : m, key);
    const double found = json_is_number(v) ? json_number_value(v) : NAN;
    json_decref(j);
    return found;
}

static double difference_in(const char *path, const char *measure)
{
    return value_in(path, measure, "value");
}

/* The tiny sift answers "bear" to everything, in int8 too, and its thresholds stay where they were. */
static void sift_is_quantised(urs_test *t)
{
    urs_int8_graph *g = NULL;
    URS_REQUIRE(t, RUN("quantize", "sift", "--data", manifest, "--pictures", "12", "--out", sift8, "--quiet") == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "thresholds carried over") && file_says(stdout_path, "pictures (mse)"));
    URS_CHECK_TEXT(t, note_of(&g, sift8, "ursid.thresholds"), "{\"bear\":0.4000,\"animal\":0.7000}");
    URS_CHECK(t, strstr(urs_int8_graph_note(g, "ursid.quantisation"), "\"observer\":\"mse\"") != NULL);
    urs_int8_graph_free(g);
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--part", "train", "--beside", sift8, "--json", numbers, "--rounds", "20"), URS_EXIT_OK);
    URS_CHECK_NEAR(t, difference_in(numbers, "accuracy"), 0, 0);
    /* Chosen anew by labels instead: not above 0.5. */
    URS_CHECK_INT(t, RUN("quantize", "sift", "--data", manifest, "--pictures", "12", "--min-bear-recall", "0.9", "--out", out, "--quiet"), URS_EXIT_OK);
    URS_CHECK(t, strstr(note_of(&g, out, "ursid.thresholds"), "\"bear\":0.5000") != NULL);
    urs_int8_graph_free(g);
    (void)unlink(out);
}

static void remedies_leave_their_names(urs_test *t)
{
    char *report = urs_path_join(folder, "layers.html");
    urs_int8_graph *g = NULL;
    const char *note;
    URS_REQUIRE(t, report != NULL);
    URS_CHECK_INT(t, RUN("quantize", "sift", "--data", manifest, "--pictures", "8", "--observer", "percentile", "--percentile", "99", "--equalise", "--adaround", "--bias-correction", "--report",
                         report, "--out", out, "--quiet"),
                  URS_EXIT_OK);
    note = note_of(&g, out, "ursid.quantisation");
    URS_CHECK(t, strstr(note, "\"adaround\":true") && strstr(note, "\"bias_correction\":true") && strstr(note, "\"equalise\":true") && strstr(note, "\"observer\":\"percentile\""));
    URS_CHECK(t, file_says(report, "features.0.0") && file_says(report, "<svg"));
    urs_int8_graph_free(g);
    (void)unlink(out);
    urs_free(report);
}

static void training_writes_int8(urs_test *t)
{
    static const char *const steps[] = {"lsq", "ema"};
    for (int i = 0; i < 2; i++) {
        urs_int8_graph *g = NULL;
        URS_REQUIRE(t, RUN("quantize", "sift", "--data", manifest, "--pictures", "8", "--qat", "1", "--qat-steps", steps[i], "--draws", "12", "--batch", "4", "--threads", "1", "--out", out,
                           "--quiet") == URS_EXIT_OK);
        URS_CHECK(t, strstr(note_of(&g, out, "ursid.quantisation"), "\"qat_epochs\":1") != NULL);
        URS_CHECK(t, strstr(urs_int8_graph_note(g, "ursid.training"), "\"epochs\":1") != NULL);
        urs_int8_graph_free(g);
        (void)unlink(out);
        URS_CHECK_INT(t, RUN("quantize", "sift", "--model", sift8, "--data", manifest, "--out", out), URS_EXIT_FAILED);
        URS_CHECK(t, file_says(stderr_path, "int8 already"));
    }
}

static void find_is_quantised(urs_test *t)
{
    urs_int8_graph *g = NULL;
    URS_REQUIRE(t, RUN("quantize", "find", "--data", world, "--pictures", "8", "--out", find8, "--quiet") == URS_EXIT_OK);
    URS_CHECK(t, strstr(note_of(&g, find8, "ursid.thresholds"), "\"score\"") != NULL);
    urs_int8_graph_free(g);
    URS_CHECK_INT(t, RUN("eval", "find", "--data", world, "--part", "train", "--beside", find8, "--json", numbers, "--rounds", "20"), URS_EXIT_OK);
    URS_CHECK(t, fabs(difference_in(numbers, "boxes, mAP50")) < 0.2);
}

static void embed_is_quantised(urs_test *t)
{
    urs_int8_graph *g = NULL;
    URS_REQUIRE(t, RUN("quantize", "embed", "--data", chips, "--pictures", "8", "--out", embed8, "--quiet") == URS_EXIT_OK);
    URS_CHECK(t, strstr(note_of(&g, embed8, "ursid.calibration"), "\"slope\"") != NULL);
    urs_int8_graph_free(g);
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--part", "train", "--beside", embed8, "--json", numbers, "--rounds", "20"), URS_EXIT_OK);
    URS_CHECK(t, isfinite(difference_in(numbers, "Hit@1")));
    URS_CHECK(t, value_in(numbers, "mean cosine between the two vectors of a chip", "beside") > 0.99);
}

/* Folds: each calibrated without its bears, compared with the float weights of the same fold; then all of them calibrate weights that know every bear. */
static void embed_of_folds_is_quantised(urs_test *t)
{
    char *float_folds = urs_path_join(folder, "w{}.safetensors"), *folds = urs_path_join(folder, "w{}.tflite");
    json_t *j;
    const json_t *row;
    size_t i;
    bool compared = false;
    urs_int8_graph *g = NULL;
    URS_REQUIRE(t, float_folds && folds);
    for (int fold = 1; fold <= 2; fold++) {
        char number[12], name[40], *in, *to;
        (void)snprintf(number, sizeof number, "%d", fold);
        (void)snprintf(name, sizeof name, "w%d.safetensors", fold);
        in = urs_path_join(folder, name);
        (void)snprintf(name, sizeof name, "w%d.tflite", fold);
        to = urs_path_join(folder, name);
        URS_REQUIRE(t, in && to);
        URS_REQUIRE(t, RUN("train", "embed", "--data", chips, "--head-only", "--arch", "mobilenet_v3_small_075", "--size", "32", "--embedding", "8", "--batch", "8", "--folds", "2", "--fold", number, "--out",
                           in, "--quiet") == URS_EXIT_OK);
        URS_REQUIRE(t, RUN("quantize", "embed", "--data", chips, "--model", in, "--folds", "2", "--fold", number, "--pictures", "8", "--out", to, "--quiet") == URS_EXIT_OK);
        if (fold == 1) { /* the other fold's weights know these bears, in int8 as in float */
            URS_CHECK_INT(t, RUN("quantize", "embed", "--data", chips, "--model", in, "--folds", "2", "--fold", "2", "--pictures", "8", "--out", out, "--quiet"), URS_EXIT_FAILED);
            URS_CHECK(t, file_says(stderr_path, "was trained without fold 1 of 2, not without fold 2 of 2"));
        }
        urs_free(in);
        urs_free(to);
    }
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--folds", "2", "--model", folds, "--beside", float_folds, "--json", numbers, "--rounds", "20"), URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    json_array_foreach(json_object_get(j, "cross_validation"), i, row)
        compared = compared || (strcmp(json_string_value(json_object_get(row, "system")), "beside") == 0 && json_is_number(json_object_get(json_object_get(row, "gain_hit1"), "value")));
    URS_CHECK(t, compared);
    json_decref(j);
    URS_CHECK_INT(t, RUN("quantize", "embed", "--data", chips, "--folds", "2", "--calibrate-with", folds, "--pictures", "8", "--out", out, "--quiet"), URS_EXIT_OK);
    URS_CHECK(t, strstr(note_of(&g, out, "ursid.calibration"), "\"slope\"") != NULL);
    urs_int8_graph_free(g);
    (void)unlink(out);
    URS_CHECK_INT(t, RUN("quantize", "embed", "--data", chips, "--calibrate-with", folds, "--out", out), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("quantize", "embed", "--data", chips, "--folds", "2", "--calibrate-with", embed8, "--out", out), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("quantize", "embed", "--data", chips, "--folds", "2", "--fold", "3", "--out", out), URS_EXIT_USAGE);
    urs_free(float_folds);
    urs_free(folds);
}

/* Training ends in int8 weights, calibrated. */
static void embed_is_trained_in_int8(urs_test *t)
{
    urs_int8_graph *g = NULL;
    (void)unlink(out);
    URS_REQUIRE(t, RUN("quantize", "embed", "--data", chips, "--pictures", "8", "--equalise", "--qat", "1", "--batch", "8", "--threads", "1", "--out", out, "--quiet") == URS_EXIT_OK);
    URS_CHECK(t, strstr(note_of(&g, out, "ursid.calibration"), "\"slope\"") != NULL);
    urs_int8_graph_free(g);
    (void)unlink(out);
}

/* All three stages in int8, in the chain and by themselves; which engine is said. */
static void the_chain_runs_on_int8(urs_test *t)
{
    char *db = urs_path_join(folder, "bears.db"), *results = urs_path_join(folder, "results.json"), *images = urs_path_join(world, "images");
    urs_error err = {0};
    URS_REQUIRE(t, db && results && images);
    URS_CHECK_INT(t, RUN("find", "--model", find8, "--no-sift", "--engine", "int8", "--out", results, images, "--quiet"), URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_results_check_file(results, NULL, &err), err);
    (void)unlink(results);
    URS_CHECK_INT(t, RUN("identify", "--catalogue", db, "--create", "--model-sift", sift8, "--model-find", find8, "--model-embed", embed8, "--engine", "int8", "--score", "0.001", "--out", results,
                         images, "--quiet"),
                  URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_results_check_file(results, NULL, &err), err);
    {
        json_t *list = images_of(results);
        URS_CHECK_INT(t, json_array_size(list), 24);
        json_decref(list);
    }
    URS_CHECK_INT(t, RUN("sift", "--model", sift8, images, "--out", results, "--fresh", "--quiet"), URS_EXIT_OK);
    urs_free(db);
    urs_free(results);
    urs_free(images);
}

/* int8 weights stand beside the float ones under the stage's name; those that come with the program do, too. */
static void int8_weights_are_found_by_their_stage(urs_test *t)
{
    static const char *const stages[] = {"sift", "find", "embed"};
    char *images = urs_path_join(world, "images"), *place = urs_path_join(folder, "sift.tflite"), *results = urs_path_join(folder, "found.json");
    URS_CHECK_INT(t, RUN("sift", "--engine", "int8", images, "--quiet"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "sift.tflite"));
    URS_REQUIRE(t, rename(sift8, place) == 0);
    URS_CHECK_INT(t, RUN("sift", "--engine", "int8", images, "--out", results), URS_EXIT_OK);
    URS_CHECK(t, file_says(stderr_path, "sift.tflite: int8"));
    URS_REQUIRE(t, rename(place, sift8) == 0);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        char shipped[600];
        urs_network *n = NULL;
        urs_error err = {0};
        (void)snprintf(shipped, sizeof shipped, "%s/models/%s.tflite", URS_SOURCE_DIR, stages[i]);
        URS_REQUIRE_OK(t, urs_network_read(&n, shipped, stages[i], &err), err);
        URS_CHECK(t, n->int8 != NULL);
        urs_network_free(n);
    }
    urs_free(images);
    urs_free(place);
    urs_free(results);
}

/* What `quantize` writes is already what TFLite reads; export checks that and changes nothing. */
static void exports_what_was_quantised(urs_test *t)
{
    const char *const files[] = {sift8, find8, embed8};
    for (int i = 0; i < 3; i++) {
        urs_int8_graph *a = NULL, *b = NULL;
        urs_error err = {0};
        URS_CHECK_INT(t, RUN("export", files[i], "--tflite", out), URS_EXIT_OK);
        URS_REQUIRE_OK(t, urs_tflite_load(&a, files[i], &err), err);
        URS_REQUIRE_OK(t, urs_tflite_load(&b, out, &err), err);
        URS_REQUIRE_OK(t, urs_int8_graph_compare(a, b, &err), err);
        urs_int8_graph_free(a);
        urs_int8_graph_free(b);
        (void)unlink(out);
    }
}

/* With a stem for NPUs the chain gets other bytes in another order, and the same answers. */
static void a_stem_for_npus_changes_nothing(urs_test *t)
{
    char *images = urs_path_join(world, "images"), *stem = urs_path_join(folder, "stem.tflite"), *results = urs_path_join(folder, "stem.json");
    json_t *answers[2] = {NULL};
    URS_REQUIRE(t, images && stem && results);
    URS_CHECK_INT(t, RUN("export", sift8, "--tflite", stem, "--npu-stem"), URS_EXIT_OK);
    for (int i = 0; i < 2; i++) {
        URS_CHECK_INT(t, RUN("sift", images, "--model", i ? stem : sift8, "--out", results, "--fresh", "--quiet"), URS_EXIT_OK);
        answers[i] = images_of(results);
        (void)unlink(results);
    }
    URS_CHECK(t, json_array_size(answers[0]) > 3 && json_equal(answers[0], answers[1]));
    URS_CHECK_INT(t, RUN("export", stem, "--tflite", out, "--npu-stem"), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "does not begin with a 3x3 convolution of stride 2"));
    json_decref(answers[0]);
    json_decref(answers[1]);
    (void)unlink(stem);
    urs_free(images);
    urs_free(stem);
    urs_free(results);
}

static void wrong_use_has_one_sentence(urs_test *t)
{
    URS_CHECK_INT(t, RUN("quantize", "sift", "--out", out), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("quantize", "sift", "--data", manifest), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("quantize", "sift", "--data", "/nowhere.csv", "--out", out), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("quantize", "find", "--data", world, "--pictures", "1", "--out", out), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("quantize", "embed", "--out", out), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--beside", "/nowhere.tflite"), URS_EXIT_FAILED);
    URS_CHECK(t, !urs_file_exists(out));
}

static bool write_models(void)
{
    static const float bear[3] = {0, 0, 5};
    char *path = urs_path_join(folder, "sift.safetensors");
    urs_network *n = NULL;
    bool ok = tiny_model_write(folder, "sift", bear) && tiny_model_write(folder, "find", NULL) && tiny_model_write(folder, "embed", NULL) &&
              urs_network_read(&n, path, "sift", NULL) == URS_OK && urs_network_set_note(n, "ursid.thresholds", "{\"bear\":0.4,\"animal\":0.7}", NULL) == URS_OK &&
              urs_network_write(n, path, true, NULL) == URS_OK;
    urs_network_free(n);
    urs_free(path);
    return ok;
}

static bool write_chips(void)
{
    bool ok = true;
    for (int b = 0; ok && b < 10; b++) {
        char path[640];
        (void)snprintf(path, sizeof path, "%s/bear %d", chips, b);
        ok = urs_folder_create(path, NULL) == URS_OK;
        for (int i = 0; ok && i < 4; i++) {
            (void)snprintf(path, sizeof path, "%s/bear %d/%d.png", chips, b, i);
            ok = tiny_picture_write(path, 1 + 19 * b + i, 40 + 9 * b, 40);
        }
    }
    return ok;
}

static bool set_up(void)
{
    folder = urs_test_folder("cmd-quantize");
    if (!folder || setenv("URSID_MODELS", folder, 1) != 0)
        return false;
    world = urs_path_join(folder, "world");
    manifest = urs_path_join(folder, "world/manifest.csv");
    chips = urs_path_join(folder, "chips");
    sift8 = urs_path_join(folder, "sift8.tflite");
    find8 = urs_path_join(folder, "find8.tflite");
    embed8 = urs_path_join(folder, "embed8.tflite");
    numbers = urs_path_join(folder, "numbers.json");
    out = urs_path_join(folder, "out.tflite");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    return stdout_path && stderr_path && urs_folder_create(chips, NULL) == URS_OK && write_models() && write_chips() &&
           RUN("synth", "--out", world, "--frames", "24", "--bears", "4", "--cameras", "4", "--size", "320x240", "--seed", "3", "--quiet") == URS_EXIT_OK;
}

int main(void)
{
    static const urs_case cases[] = {
        {"sift", sift_is_quantised},
        {"remedies", remedies_leave_their_names},
        {"training", training_writes_int8},
        {"find", find_is_quantised},
        {"embed", embed_is_quantised},
        {"embed of folds", embed_of_folds_is_quantised},
        {"training of embed", embed_is_trained_in_int8},
        {"the chain", the_chain_runs_on_int8},
        {"found by their stage", int8_weights_are_found_by_their_stage},
        {"export", exports_what_was_quantised},
        {"a stem for NPUs", a_stem_for_npus_changes_nothing},
        {"wrong use", wrong_use_has_one_sentence},
    };
    int code;
    code = program_run_cases(set_up(), cases, sizeof cases / sizeof cases[0]);
    urs_free(world);
    urs_free(manifest);
    urs_free(chips);
    urs_free(sift8);
    urs_free(find8);
    urs_free(embed8);
    urs_free(numbers);
    urs_free(out);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
