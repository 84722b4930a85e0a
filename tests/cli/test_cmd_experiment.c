/* `ursid experiment` as a program: a grid of heads in closed form is trained, measured, gone on with and shown, and what is wrong in its file is named. */
#include "harness.h"
#include "program_run.h"
#include "telling_chips.h"

#include "cli/experiment.h"

#include <math.h>
#include <stdlib.h>

static char *folder, *chips, *table, *runs, *page, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define RUN(...) program_finish(program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL}))

static const char grid[] = "title = \"Lengths and shares\"\n"
                           "data = [\"{root}/chips\"]\n"
                           "folds = 2\n"
                           "train = [\"--head-only\", \"--arch\", \"mobilenet_v3_small_075\", \"--size\", 32, \"--batch\", 8, \"--quiet\"]\n"
                           "eval = [\"--rounds\", 20]\n"
                           "[grid]\n"
                           "embedding = [8, 16] # numbers\n"
                           "share = [0.7, 1]\n"
                           "seed = [1, 2]\n"
                           "[embedding.16]\n"
                           "options = [\"--no-augment\"]\n";

static bool write_table(const char *text)
{
    return urs_file_write(table, text, strlen(text), NULL) == URS_OK;
}

/* 4 cells x 2 seeds x (2 folds + 1 measurement) commands, each with what its point of the grid says. */
static void dry_run(urs_test *t)
{
    URS_REQUIRE(t, write_table(grid));
    URS_REQUIRE(t, RUN("experiment", "run", table, "--root", folder, "--out", runs, "--dry-run") == URS_EXIT_OK);
    URS_CHECK_INT(t, lines_of(stdout_path), 4 * 2 * 3);
    URS_CHECK(t, file_says(stdout_path, "--folds 2 --fold 2 --seed 2 --head-only --arch mobilenet_v3_small_075 --size 32 --batch 8 --quiet --embedding 16 --no-augment --train-share 0.7 --resume --out "));
    URS_CHECK(t, file_says(stdout_path, "03-16-0.7-s2.f2.safetensors"));
    URS_CHECK(t, !urs_folder_exists(runs));
}

static urs_experiment_result result_of(urs_test *t, const char *name, const char *system)
{
    urs_experiment_result r = {0};
    urs_error err = {0};
    char *path = urs_path_join(runs, name);
    if (urs_experiment_result_read(&r, path, system, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_free(path);
    return r;
}

static void run_and_table(urs_test *t)
{
    char expected[128], *weights = urs_path_join(runs, "01-8-0.7-s1.f1.safetensors"), *before = NULL;
    urs_experiment_result a, b, histogram;
    urs_bytes first = {0}, second = {0};
    double mean, spread;
    URS_REQUIRE(t, write_table(grid) && weights);
    URS_REQUIRE(t, RUN("experiment", "run", table, "--root", folder, "--out", runs, "--markdown", page) == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "Lengths and shares\n2 folds by individual"));
    URS_CHECK(t, file_says(stdout_path, "8 of 8 runs"));
    /* The first cell by hand from the two measurement files. */
    a = result_of(t, "01-8-0.7-s1.json", "model");
    b = result_of(t, "01-8-0.7-s2.json", "model");
    histogram = result_of(t, "01-8-0.7-s1.json", "colour histogram");
    mean = (a.hit1.value + b.hit1.value) / 2;
    spread = fabs(a.hit1.value - b.hit1.value) / sqrt(2);
    (void)snprintf(expected, sizeof expected, "| 8 | 0.7 | 2 | %d | %.3f +-%.3f (%.3f to %.3f) |", a.individuals, mean, spread, (a.hit1.low + b.hit1.low) / 2, (a.hit1.high + b.hit1.high) / 2);
    URS_CHECK(t, file_says(page, expected));
    (void)snprintf(expected, sizeof expected, "| colour histogram |  |  | %d | %.3f (", histogram.individuals, histogram.hit1.value);
    URS_CHECK(t, file_says(page, expected));
    URS_CHECK(t, file_says(page, "| embedding | share | runs | individuals | Hit@1 | mAP |\n|---|---|---|---|---|---|\n"));
    /* Half of the individuals make other weights than all; nothing is run twice. */
    URS_REQUIRE(t, urs_file_read(&first, weights, 0, NULL) == URS_OK);
    before = file_from(stdout_path, "Lengths");
    URS_REQUIRE(t, RUN("experiment", "run", table, "--root", folder, "--out", runs) == URS_EXIT_OK);
    URS_CHECK(t, !file_says(stderr_path, "made without training"));
    URS_CHECK(t, file_says(stdout_path, before));
    urs_free(weights);
    weights = urs_path_join(runs, "02-8-1-s1.f1.safetensors");
    URS_REQUIRE(t, weights && urs_file_read(&second, weights, 0, NULL) == URS_OK);
    URS_CHECK(t, first.size != second.size || memcmp(first.data, second.data, first.size) != 0);
    URS_REQUIRE(t, RUN("experiment", "table", table, "--root", folder, "--out", runs) == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, before));
    urs_bytes_release(&first);
    urs_bytes_release(&second);
    urs_free(weights);
    urs_free(before);
}

/* Follows on run_and_table: a run that was lost is made again and no other, and one that was made by another command is refused. */
static void goes_on(urs_test *t)
{
    char *done = urs_path_join(runs, "04-16-1-s2.f2.done"), *measured = urs_path_join(runs, "04-16-1-s2.done"), *weights = urs_path_join(runs, "04-16-1-s2.f2.safetensors");
    URS_REQUIRE(t, done && measured && weights && unlink(done) == 0 && unlink(measured) == 0 && unlink(weights) == 0);
    URS_REQUIRE(t, RUN("experiment", "table", table, "--root", folder, "--out", runs) == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "7 of 8 runs"));
    URS_REQUIRE(t, RUN("experiment", "run", table, "--root", folder, "--out", runs) == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "8 of 8 runs"));
    URS_CHECK(t, urs_file_exists(weights));
    URS_CHECK(t, write_table("data = [\"{root}/chips\"]\nfolds = 2\ntrain = [\"--head-only\"]\n[grid]\nembedding = [8, 16]\nshare = [0.7, 1]\n"));
    URS_CHECK_INT(t, RUN("experiment", "run", table, "--root", folder, "--out", runs), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "was made by another command"));
    urs_free(done);
    urs_free(measured);
    urs_free(weights);
}

static void failures_stop(urs_test *t)
{
    char *elsewhere = urs_path_join(folder, "elsewhere"), *done = urs_path_join(elsewhere, "01-8-s1.f1.done");
    URS_REQUIRE(t, write_table("data = [\"{root}/nowhere\"]\n[grid]\nembedding = [8]\n") && done);
    URS_CHECK_INT(t, RUN("experiment", "run", table, "--root", folder, "--out", elsewhere), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "'ursid train embed' failed"));
    URS_CHECK(t, !urs_file_exists(done));
    urs_free(elsewhere);
    urs_free(done);
}

static void wrong_tables(urs_test *t)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[grid]\nloss = [\"arcface\"]\n", "there is no data = [...]"},
        {"data = [\"a\"]\n", "[grid] has no axis"},
        {"data = \"a\"\n[grid]\nloss = [\"arcface\"]\n", "line 1: data is a list"},
        {"data = [\"a\"]\nfolds = 1\n[grid]\nloss = [\"arcface\"]\n", "line 2: folds is a whole number from 2 to 20"},
        {"data = [\"a\"]\nfold = 3\n[grid]\nloss = [\"arcface\"]\n", "line 2: there is no key 'fold' here"},
        {"data = [\"a\"]\n[grid]\nloss = [\"arcface\", \"arcface\"]\n", "line 3: loss has 'arcface' twice"},
        {"data = [\"a\"]\n[grid]\nloss = [\"arcface\"]\n[loss.triplet]\noptions = []\n", "line 4: [loss.triplet] is no value of the grid"},
        {"data = [\"a\"]\n[grid]\nloss = [\"arcface\"]\n[loss.arcface]\noption = []\n", "line 5: [loss.arcface] has no key 'option'"},
        {"data = [\"a\"]\n[grid]\nloss = [\"arcface\"\n", "an array has no ']'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        URS_REQUIRE(t, write_table(rows[i].text));
        URS_CHECK_INT(t, RUN("experiment", "run", table, "--root", folder, "--out", runs), URS_EXIT_FAILED);
        URS_CHECK(t, file_says(stderr_path, rows[i].says));
    }
    URS_CHECK_INT(t, RUN("experiment", "run", table), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("experiment", "table", table, "--out", runs, "--dry-run"), URS_EXIT_USAGE);
}

int main(void)
{
    static const urs_case cases[] = {
        {"dry run", dry_run}, {"run and table", run_and_table}, {"goes on", goes_on}, {"failures stop", failures_stop}, {"wrong tables", wrong_tables},
    };
    int code;
    folder = urs_test_folder("cmd-experiment");
    chips = urs_path_join(folder, "chips");
    table = urs_path_join(folder, "table.toml");
    runs = urs_path_join(folder, "runs");
    page = urs_path_join(folder, "page.md");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    code = program_run_cases(folder && telling_chips_write(chips, false), cases, sizeof cases / sizeof cases[0]);
    urs_free(chips);
    urs_free(table);
    urs_free(runs);
    urs_free(page);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
