/* `ursid eval sift|find|embed|chain` as programs, on drawn scenes and small networks with drawn parameters. What they print is counted again here from other sources: manifests, labels, the embeddings
 * themselves, and data whose right answers are known. */
#include "harness.h"
#include "html_check.h"
#include "program_run.h"
#include "tiny_models.h"

#include "base/vector.h"
#include "data/dataset.h"
#include "stages/embed.h"
#include "stages/embed_train.h"

#include <math.h>
#include <stdlib.h>

enum { FRAMES = 48, BEARS = 6, CAMERAS = 6, CHIPS = 5, DATED = 8, DAYS = 4 };

static char *folder, *world, *chips, *dated, *numbers, *report, *stdout_path, *stderr_path; /* of the whole program; set once in main */

#define START(...) program_start(stdout_path, stderr_path, (const char *const[]){"ursid", __VA_ARGS__, NULL})
#define RUN(...) program_finish(START(__VA_ARGS__))

/* ---- reading what was written ---- */

static const json_t *at(const json_t *j, const char *path) /* "sift/bear_kept/value" */
{
    char key[64];
    while (j && *path) {
        const size_t n = strcspn(path, "/");
        (void)snprintf(key, sizeof key, "%.*s", (int)n, path);
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key)) : json_object_get(j, key);
        path += n + (path[n] == '/');
    }
    return j;
}

static double number(const json_t *j, const char *path)
{
    const json_t *v = at(j, path);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool is_interval(const json_t *j, const char *path)
{
    const json_t *v = at(j, path);
    const double value = number(v, "value"), low = number(v, "low"), high = number(v, "high");
    return json_object_size(v) == 3 && value >= 0 && value <= 1 && low <= value + 1e-12 && high >= value - 1e-12;
}

/* ---- sift ---- */

/* Over the three parts every frame of the manifest stands once, and a network that always says "bear" is right on bears and on nothing else. */
static void sift_counts_frames(urs_test *t)
{
    static const char *const parts[] = {"train", "validation", "test"}, *const classes[] = {"empty", "animal", "bear"};
    char *manifest = urs_path_join(world, "manifest.csv");
    urs_dataset set = {0};
    urs_error err = {0};
    double wanted[3] = {0}, got[3] = {0};
    URS_REQUIRE_OK(t, urs_dataset_read(&set, manifest, &(urs_dataset_options){.kind = URS_DATASET_CSV}, &err), err);
    for (size_t i = 0; i < set.count; i++)
        for (int c = 0; c < 3; c++)
            wanted[c] += strcmp(urs_name_table_get(&set.labels, set.samples[i].label), classes[c]) == 0;
    for (int p = 0; p < 3; p++) {
        json_t *j;
        double sum[3] = {0}, total = 0;
        URS_REQUIRE(t, RUN("eval", "sift", "--data", manifest, "--part", parts[p], "--json", numbers, "--report", report, "--rounds", "50") == URS_EXIT_OK);
        j = json_load_file(numbers, 0, NULL);
        URS_CHECK_TEXT(t, json_string_value(at(j, "ursid_eval")), "sift");
        URS_CHECK_TEXT(t, json_string_value(at(j, "part")), parts[p]);
        for (int c = 0; c < 3; c++) {
            for (int answer = 0; answer < 3; answer++) {
                char path[64];
                (void)snprintf(path, sizeof path, "classification/classes/%d/answers/%d", c, answer);
                sum[c] += number(j, path);
                if (answer != 2)
                    URS_CHECK_NEAR(t, number(j, path), 0, 0);
            }
            got[c] += sum[c];
            total += sum[c];
        }
        URS_CHECK_NEAR(t, number(j, "classification/accuracy"), sum[2] / total, 1e-6);
        if (sum[2] > 0) {
            URS_CHECK_NEAR(t, number(j, "recall/bear/value"), 1, 1e-9);
            URS_CHECK(t, is_interval(j, "recall/bear"));
        }
        URS_CHECK(t, html_is_sound(report, NULL));
        json_decref(j);
    }
    for (int c = 0; c < 3; c++)
        URS_CHECK_NEAR(t, got[c], wanted[c], 0);
    URS_CHECK(t, wanted[0] > 0 && wanted[2] > 0);
    urs_dataset_release(&set);
    urs_free(manifest);
}

/* A network that always says "bear", a detector as a filter and one that always says "empty", side by side on the same frames. */
static void sift_columns_stand_side_by_side(urs_test *t)
{
    const float always_empty[3] = {9, 0, 0}, always_bear[3] = {0, 0, 9};
    char *manifest = urs_path_join(world, "manifest.csv"), *other = urs_path_join(folder, "other"), *bear = urs_path_join(folder, "sift.safetensors");
    char *find = urs_path_join(folder, "find.safetensors"), *embed = urs_path_join(folder, "embed.safetensors"), *empty = urs_path_join(other, "sift.safetensors");
    json_t *j;
    html_counts counts = {0};
    double bears, frames, kept;
    URS_REQUIRE(t, urs_folder_create(other, NULL) == URS_OK && tiny_model_write(other, "sift", always_empty) && tiny_model_write(folder, "sift", always_bear));
    URS_REQUIRE(t, RUN("eval", "sift", "--data", manifest, "--part", "train", "--model", bear, "--model", find, "--model", empty, "--heads", world, "--json", numbers, "--report", report, "--rounds",
                       "50", "--min-bear-recall", "0.9") == URS_EXIT_OK);
    URS_CHECK(t, html_is_sound(report, &counts) && counts.svgs == 5); /* two curves, three confusions */
    URS_CHECK(t, file_says(stdout_path, "A sift (2)") && file_says(stdout_path, "C find") && file_says(stdout_path, "difference to A sift"));
    j = json_load_file(numbers, 0, NULL);
    frames = number(j, "table/0/classification/frames");
    bears = number(j, "table/0/classification/classes/2/truth");
    kept = number(j, "table/1/let_through/value");
    URS_CHECK(t, frames > 0 && bears > 0);
    URS_CHECK_NEAR(t, number(j, "table/0/bear_precision/value"), bears / frames, 1e-6);
    URS_CHECK_NEAR(t, number(j, "table/0/empty_called_bear/value"), 1, 1e-9);
    URS_CHECK_NEAR(t, number(j, "table/0/let_through/value"), 1, 1e-9);
    URS_CHECK_NEAR(t, number(j, "table/2/let_through_less_first/value"), number(j, "table/2/let_through/value") - 1, 1e-6);
    URS_CHECK_TEXT(t, json_string_value(at(j, "table/1/approach")), "C");
    URS_CHECK(t, !at(j, "table/1/accuracy") && is_interval(j, "table/1/bear_accuracy") && is_interval(j, "table/0/accuracy"));
    URS_CHECK_NEAR(t, number(j, "table/1/classification/classes/1/answered"), kept * frames, 1e-3);
    URS_CHECK(t, number(j, "table/0/cost/seconds_per_1000") > number(j, "table/0/cost/sift_seconds_per_1000"));
    /* What was asked for first, and what it costs: the column's own thresholds. */
    URS_CHECK_NEAR(t, number(j, "table/1/min_bear_recall/0/wished"), 0.9, 1e-9);
    URS_CHECK_NEAR(t, number(j, "table/1/min_bear_recall/0/bear"), number(j, "table/1/thresholds/bear"), 1e-9);
    URS_CHECK_NEAR(t, number(j, "table/1/min_bear_recall/0/let_through"), kept, 1e-6);
    json_decref(j);
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--model", embed), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "is a model for embed, not for sift"));
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--min-bear-recall", "0.9", "--bear", "0.4"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--model", bear, "--model", find, "--beside", empty), URS_EXIT_USAGE);
    /* Frames are sifted by the detector just so. */
    URS_REQUIRE(t, RUN("sift", world, "--model", find, "--bear", "0.001", "--quiet") == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "0 animal"));
    urs_free(manifest);
    urs_free(other);
    urs_free(bear);
    urs_free(find);
    urs_free(embed);
    urs_free(empty);
}

/* Approach B from training to use: one file, and the two it was made of. */
static void two_networks_are_trained_and_used(urs_test *t)
{
    char *manifest = urs_path_join(world, "manifest.csv"), *pair = urs_path_join(folder, "pair.safetensors"), *first = urs_path_join(folder, "pair.first.safetensors");
    char *quantised = urs_path_join(folder, "pair.tflite");
    json_t *j;
    URS_CHECK_INT(t, RUN("train", "sift", "--data", manifest, "--approach", "b", "--folds", "2", "--out", pair, "--quiet"), URS_EXIT_USAGE);
    URS_REQUIRE(t, RUN("train", "sift", "--data", manifest, "--approach", "b", "--sources", "real", "--size", "32", "--batch", "8", "--draws", "16", "--epochs", "1", "--min-bear-recall", "0.9",
                       "--validation", "0.3", "--out", pair, "--quiet") == URS_EXIT_OK);
    URS_REQUIRE(t, RUN("eval", "sift", "--data", manifest, "--model", pair, "--part", "validation", "--validation", "0.3", "--min-bear-recall", "0.9", "--json", numbers, "--rounds", "20") ==
                       URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK_TEXT(t, json_string_value(at(j, "table/0/approach")), "B");
    URS_CHECK(t, number(j, "table/0/bear_recall/value") >= 0.9 - 1e-9 && number(j, "classification/frames") > 0);
    json_decref(j);
    /* Thresholds as stored: chosen on the same frames for the same wish. */
    URS_REQUIRE(t, RUN("eval", "sift", "--data", manifest, "--model", pair, "--part", "validation", "--validation", "0.3", "--json", numbers, "--rounds", "20") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK(t, number(j, "table/0/let_through/value") >= 0);
    json_decref(j);
    URS_REQUIRE(t, RUN("model", "info", pair) == URS_EXIT_OK);
    URS_CHECK(t, file_says(stdout_path, "ursid.second.classes = [\"animal\",\"bear\"]") && file_says(stdout_path, "\"min_bear_recall\":0.9000"));
    URS_CHECK_INT(t, RUN("sift", world, "--model", pair, "--quiet"), URS_EXIT_OK);
    /* One of the two alone has not three classes; nobody takes the pair for one network. */
    URS_CHECK_INT(t, RUN("sift", world, "--model", first, "--quiet"), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("eval", "sift", "--data", manifest, "--model", pair, "--beside", first), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "two networks in sequence"));
    URS_CHECK_INT(t, RUN("quantize", "sift", "--data", manifest, "--model", pair, "--out", quantised), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "two networks in sequence"));
    urs_free(manifest);
    urs_free(pair);
    urs_free(first);
    urs_free(quantised);
}

/* ---- find ---- */

static void find_counts_heads(urs_test *t)
{
    static const char *const parts[] = {"train", "validation", "test"};
    urs_dataset set = {0};
    urs_error err = {0};
    double pictures = 0, heads = 0, wanted = 0;
    html_counts counts = {0};
    URS_REQUIRE_OK(t, urs_dataset_read(&set, world, NULL, &err), err);
    for (size_t i = 0; i < set.count; i++)
        wanted += (double)set.samples[i].head_count;
    for (int p = 0; p < 3; p++) {
        json_t *j;
        URS_REQUIRE(t, RUN("eval", "find", "--data", world, "--part", parts[p], "--json", numbers, "--report", report) == URS_EXIT_OK);
        j = json_load_file(numbers, 0, NULL);
        URS_CHECK_TEXT(t, json_string_value(at(j, "ursid_eval")), "find");
        pictures += number(j, "pictures");
        heads += number(j, "box/truths");
        URS_CHECK(t, number(j, "box/map50") >= number(j, "box/map50_95") && number(j, "box/map50_95") >= 0);
        URS_CHECK(t, number(j, "box/detections") >= 0 && number(j, "mask/truths") <= number(j, "box/truths"));
        URS_CHECK(t, html_is_sound(report, &counts) && counts.svgs >= 1 && counts.images > 0 && file_says(report, "Pictures with mistakes"));
        json_decref(j);
    }
    URS_CHECK_NEAR(t, pictures, set.count, 0);
    URS_CHECK_NEAR(t, heads, wanted, 0);
    URS_CHECK(t, wanted > 5);
    urs_dataset_release(&set);
}

/* ---- embed ---- */

typedef struct vectors {
    float *row;         /* [count][TINY_EMBEDDING] */
    int32_t *who;
    size_t count;
} vectors;

/* The same chips through the embedder, without the command. */
static bool embed_part(vectors *out, urs_part part)
{
    const char *const trees[] = {chips};
    const urs_embed_train_options split = {.trees = trees, .tree_count = 1, .validation = 0.2f, .test = 0.3f, .split_seed = 1, .side = 32};
    char *path = urs_path_join(folder, "embed.safetensors");
    urs_network *n = NULL;
    urs_embedder *e = NULL;
    urs_chips c = {0};
    urs_error err = {0};
    bool ok = urs_network_read(&n, path, "embed", &err) == URS_OK && urs_embed_train_chips(&c, &split, NULL, &err) == URS_OK &&
              urs_embedder_new(&e, n, NULL, &err) == URS_OK;
    out->row = urs_array_new(c.count, TINY_EMBEDDING * sizeof *out->row);
    out->who = urs_array_new(c.count, sizeof *out->who);
    for (size_t i = 0; ok && i < c.count; i++) {
        const urs_image *picture = &c.cache.images[i];
        if (c.items[i].part != part)
            continue;
        ok = urs_embedder_pictures(e, out->row + out->count * TINY_EMBEDDING, &picture, 1, &err) == URS_OK;
        out->who[out->count++] = c.items[i].individual;
    }
    if (!ok)
        printf("  %s\n", err.message);
    urs_embedder_free(e);
    urs_network_free(n);
    urs_chips_release(&c);
    urs_free(path);
    return ok;
}

static double cosine(const vectors *v, size_t a, size_t b)
{
    double sum = 0;
    for (int k = 0; k < TINY_EMBEDDING; k++)
        sum += (double)v->row[a * TINY_EMBEDDING + (size_t)k] * (double)v->row[b * TINY_EMBEDDING + (size_t)k];
    return sum;
}

/* Hit@1, mAP and AUROC the slow and plain way. */
static void embed_agrees_with_plain_counting(urs_test *t)
{
    vectors v = {0};
    json_t *j;
    double hits = 0, queries = 0, ap_sum = 0, won = 0, pairs = 0;
    double *with, *without;
    size_t knowns = 0;
    html_counts counts = {0};
    URS_REQUIRE(t, embed_part(&v, URS_PART_TEST));
    URS_REQUIRE(t, RUN("eval", "embed", "--data", chips, "--json", numbers, "--report", report, "--rounds", "50") == URS_EXIT_OK);
    with = urs_array_new(v.count, sizeof *with);
    without = urs_array_new(v.count, sizeof *without);
    for (size_t i = 0; i < v.count; i++) {
        double best = -2, best_other = -2, ap = 0, right = 0, own = 0;
        size_t first = i;
        for (size_t k = 0; k < v.count; k++) {
            const double c = cosine(&v, i, k);
            if (k == i)
                continue;
            own += v.who[k] == v.who[i];
            if (c > best)
                best = c, first = k;
            if (v.who[k] != v.who[i] && c > best_other)
                best_other = c;
        }
        for (size_t k = 0; k < v.count; k++) { /* precision at the place of each right one */
            double place = 1, above = 1;
            if (k == i || v.who[k] != v.who[i])
                continue;
            for (size_t m = 0; m < v.count; m++) {
                if (m == i || m == k || cosine(&v, i, m) < cosine(&v, i, k))
                    continue;
                place++;
                above += v.who[m] == v.who[i];
            }
            ap += above / place;
            right++;
        }
        queries++;
        hits += v.who[first] == v.who[i];
        ap_sum += ap / right;
        with[knowns] = best;
        without[i] = best_other;
        knowns += own > 0;
    }
    for (size_t i = 0; i < knowns; i++)
        for (size_t k = 0; k < v.count; k++) {
            won += with[i] > without[k] ? 1 : with[i] < without[k] ? 0 : 0.5;
            pairs++;
        }
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK_NEAR(t, number(j, "retrieval/queries"), queries, 0);
    URS_CHECK_NEAR(t, number(j, "retrieval/lone"), 0, 0);
    URS_CHECK_NEAR(t, number(j, "retrieval/hit_chips/1/value"), hits / queries, 1e-6);
    URS_CHECK_NEAR(t, number(j, "retrieval/hit_bears/1/value"), hits / queries, 1e-6);
    URS_CHECK_NEAR(t, number(j, "retrieval/map/value"), ap_sum / queries, 1e-5);
    URS_CHECK_NEAR(t, number(j, "new_bears/auroc/value"), won / pairs, 1e-5);
    URS_CHECK(t, is_interval(j, "retrieval/hit_bears/5") && is_interval(j, "new_bears/balanced_accuracy"));
    /* The curve of risk ends where everything is decided. */
    URS_CHECK_TEXT(t, json_string_value(at(j, "verdicts/calibration")), "of the weights");
    URS_CHECK_NEAR(t, number(j, "verdicts/cases"), queries + (double)knowns, 0);
    {
        const json_t *curve = at(j, "verdicts/risk/coverage_risk_confidence"), *last = json_array_get(curve, json_array_size(curve) - 1);
        URS_CHECK_NEAR(t, json_number_value(json_array_get(last, 0)), 1, 1e-6);
        URS_CHECK_NEAR(t, json_number_value(json_array_get(last, 1)), number(j, "verdicts/error/value"), 1e-5);
    }
    URS_CHECK(t, is_interval(j, "new_bears/baks") && is_interval(j, "new_bears/detection_at_10_fpr") && number(j, "verdicts/reliability/ece") >= 0);
    URS_CHECK(t, at(j, "floor") && json_is_null(at(j, "floor")) && strlen(json_string_value(at(j, "fingerprint"))) == 64);
    URS_CHECK(t, hits > 0 && hits < queries); /* else this test says little */
    URS_CHECK(t, html_is_sound(report, &counts) && counts.svgs >= 7);
    json_decref(j);
    {
        char *npy = urs_path_join(folder, "e.npy"), *csv = urs_path_join(folder, "e.csv"), header[80];
        urs_bytes b = {0};
        (void)snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %d), }", v.count, TINY_EMBEDDING);
        URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--embeddings", npy, "--rounds", "10"), URS_EXIT_OK);
        URS_REQUIRE(t, urs_file_read(&b, npy, 0, NULL) == URS_OK && b.size == 128 + v.count * TINY_EMBEDDING * 4);
        URS_CHECK(t, memcmp(b.data, "\x93NUMPY\x01\x00\x76\x00", 10) == 0 && strncmp((const char *)b.data + 10, header, strlen(header)) == 0 && b.data[127] == '\n');
        for (size_t i = 0; i < v.count * TINY_EMBEDDING; i++) {
            float x;
            memcpy(&x, b.data + 128 + 4 * i, 4);
            URS_CHECK_NEAR(t, (double)x, (double)v.row[i], 1e-6);
        }
        URS_CHECK(t, lines_of(csv) == v.count + 1 && file_says(csv, ",test\n") && file_says(csv, "row,path,individual,split\n"));
        URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--embeddings", npy, "--ablate"), URS_EXIT_USAGE);
        urs_bytes_release(&b);
        urs_free(npy);
        urs_free(csv);
    }
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--max-error", "0.7"), URS_EXIT_USAGE);
    URS_REQUIRE(t, RUN("eval", "embed", "--data", chips, "--max-error", "0.02", "--part", "validation", "--json", numbers, "--rounds", "50") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK(t, strstr(json_string_value(at(j, "verdicts/calibration")), "optimistic") != NULL);
    URS_CHECK(t, isnan(number(j, "verdicts/wrong/value")) || number(j, "verdicts/wrong/value") <= 0.02); /* fitted on what it is judged on */
    json_decref(j);
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--floor", "colour", "--json", numbers, "--rounds", "50"), URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK_TEXT(t, json_string_value(at(j, "floor")), "colour");
    URS_CHECK_NEAR(t, number(j, "retrieval/queries"), queries, 0);
    json_decref(j);
    urs_free(with);
    urs_free(without);
    urs_free(v.row);
    urs_free(v.who);
}

/* ---- chain ---- */

/* What the list of heads says, counted again. */
static void heads_add_up(urs_test *t, const json_t *j)
{
    const json_t *heads = at(j, "heads"), *h;
    static const char *const sides[] = {"new", "known"};
    double n[2] = {0}, right[2] = {0}, reached[2] = {0}, first[4] = {0};
    static const int ks[] = {1, 3, 5, 10};
    size_t i;
    json_array_foreach((json_t *)heads, i, h) {
        const int known = json_is_true(json_object_get(h, "known"));
        const double rank = number(h, "rank");
        n[known]++;
        right[known] += strcmp(json_string_value(json_object_get(h, "fate")), "right") == 0;
        reached[known] += strcmp(json_string_value(json_object_get(h, "verdict")), "none") != 0;
        for (int k = 0; k < 4; k++)
            first[k] += known && rank >= 1 && rank <= ks[k];
        if (!known)
            URS_CHECK_NEAR(t, rank, 0, 0);
    }
    for (int side = 0; side < 2; side++) {
        const json_t *s = at(j, sides[side]), *fate;
        const char *key;
        double sum = 0;
        json_object_foreach((json_t *)(json_object_get(s, "fates")), key, fate) {
            (void)key;
            sum += json_number_value(fate);
        }
        URS_CHECK_NEAR(t, sum, n[side], 0);
        URS_CHECK_NEAR(t, number(s, "heads"), n[side], 0);
        if (n[side] > 0) {
            URS_CHECK_NEAR(t, number(s, "right/value"), right[side] / n[side], 1e-6);
            URS_CHECK_NEAR(t, number(s, "reached_match/value"), reached[side] / n[side], 1e-6);
        }
    }
    for (int k = 0; k < 4 && n[1] > 0; k++) {
        char path[64];
        (void)snprintf(path, sizeof path, "match/hit_of_all/%d/value", ks[k]);
        URS_CHECK_NEAR(t, number(j, path), first[k] / n[1], 1e-6);
    }
    URS_CHECK_NEAR(t, number(j, "end_to_end/value"), (right[0] + right[1]) / (n[0] + n[1]), 1e-6);
}

/* Every individual always looks the same and no other looks like it, so every head must come out right: 2 of 8 are new (all 4 days asked), 6 known (2 days enrolled, 2 asked). */
static void chain_is_right_on_plain_data(urs_test *t)
{
    char *manifest = urs_path_join(dated, "manifest.csv");
    html_counts counts = {0};
    json_t *j;
    URS_REQUIRE(t, RUN("eval", "chain", "--data", manifest, "--chips-in", "--json", numbers, "--report", report, "--rounds", "50", "--quiet") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    URS_CHECK_TEXT(t, json_string_value(at(j, "ursid_eval")), "chain");
    URS_CHECK_NEAR(t, number(j, "split/known"), 6, 0);
    URS_CHECK_NEAR(t, number(j, "split/new"), 2, 0);
    URS_CHECK_NEAR(t, number(j, "split/enrol"), 12, 0);
    URS_CHECK_NEAR(t, number(j, "split/ask"), 20, 0);
    URS_CHECK_NEAR(t, number(j, "split/undated"), 0, 0);
    URS_CHECK_NEAR(t, number(j, "enrolment/enrolled"), 12, 0);
    URS_CHECK_NEAR(t, number(j, "match/gallery_bears"), 6, 0);
    URS_CHECK_NEAR(t, number(j, "known/fates/right"), 12, 0);
    URS_CHECK_NEAR(t, number(j, "new/fates/right"), 8, 0);
    URS_CHECK_NEAR(t, number(j, "match/hit/1/value"), 1, 0);
    URS_CHECK_NEAR(t, number(j, "new_bears/auroc/value"), 1, 0);
    URS_CHECK_NEAR(t, number(j, "new_bears/balanced_accuracy/value"), 1, 0);
    URS_CHECK_NEAR(t, number(j, "end_to_end/value"), 1, 0);
    URS_CHECK(t, json_is_true(at(j, "calibrated")) && json_is_true(at(j, "chips_in")));
    heads_add_up(t, j);
    URS_CHECK(t, html_is_sound(report, &counts) && counts.svgs >= 4);
    URS_CHECK(t, file_says(stdout_path, "heads asked about"));
    json_decref(j);
    urs_free(manifest);
}

/* Two pictures under each other's names: wrong where it can be known, and the page shows them beside the right bear. */
static void chain_sees_wrong_names(urs_test *t)
{
    char *manifest = urs_path_join(dated, "swapped.csv");
    html_counts counts = {0};
    json_t *j;
    URS_REQUIRE(t, RUN("eval", "chain", "--data", manifest, "--chips-in", "--new", "0", "--json", numbers, "--report", report, "--rounds", "50", "--quiet") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    heads_add_up(t, j);
    URS_CHECK_NEAR(t, number(j, "split/new"), 0, 0);
    URS_CHECK_NEAR(t, number(j, "known/heads"), 16, 0);
    URS_CHECK(t, number(j, "known/fates/wrong_name") >= 2 && number(j, "known/fates/right") <= 14);
    URS_CHECK(t, json_is_null(at(j, "new_bears/auroc/value")));
    URS_CHECK(t, html_is_sound(report, &counts) && counts.images >= 6 && file_says(report, "The worst mistakes of match"));
    json_decref(j);
    urs_free(manifest);
}

/* Drawn scenes through all stages. The drawn detector finds nothing above 0.9 and everything at 0; sift calls every frame an animal's, or every frame empty. */
static void chain_counts_losses(urs_test *t)
{
    static const float empty[3] = {5, 0, 0}, bear[3] = {0, 0, 5};
    json_t *j;
    double heads;
    URS_REQUIRE(t, RUN("eval", "chain", "--data", world, "--score", "0.999999", "--json", numbers, "--rounds", "20", "--quiet") == URS_EXIT_OK);
    j = json_load_file(numbers, 0, NULL);
    heads_add_up(t, j);
    heads = number(j, "known/heads") + number(j, "new/heads");
    URS_CHECK(t, heads > 5);
    URS_CHECK_NEAR(t, number(j, "known/fates/not_found") + number(j, "new/fates/not_found"), heads, 0);
    URS_CHECK_NEAR(t, number(j, "find/found"), 0, 0);
    URS_CHECK(t, number(j, "find/heads") >= heads); /* some carry no name in the frame's label but all are labelled */
    URS_CHECK_NEAR(t, number(j, "sift/bear_kept/value"), 1, 0);
    URS_CHECK_NEAR(t, number(j, "enrolment/enrolled"), 0, 0);
    URS_CHECK_NEAR(t, number(j, "enrolment/no_head"), number(j, "split/enrol"), 0);
    json_decref(j);
    URS_REQUIRE(t, tiny_model_write(folder, "sift", empty));
    URS_REQUIRE(t, RUN("eval", "chain", "--data", world, "--score", "0.999999", "--json", numbers, "--report", report, "--rounds", "20", "--quiet") == URS_EXIT_OK);
    URS_REQUIRE(t, tiny_model_write(folder, "sift", bear));
    j = json_load_file(numbers, 0, NULL);
    heads_add_up(t, j);
    URS_CHECK_NEAR(t, number(j, "known/fates/sifted_away") + number(j, "new/fates/sifted_away"), heads, 0);
    URS_CHECK_NEAR(t, number(j, "sift/bear_kept/value"), 0, 0);
    URS_CHECK_NEAR(t, number(j, "sift/empty_dropped/value"), 1, 0);
    URS_CHECK_NEAR(t, number(j, "find/heads"), 0, 0);
    URS_CHECK(t, html_is_sound(report, NULL) && file_says(report, "Bears that sift threw away"));
    json_decref(j);
}

/* Detections of a file in a result of `ursid find` that overlap the box by half; boxes are fractions there. */
static bool is_found(const json_t *images, const char *file, urs_box box, double width, double height)
{
    const json_t *image, *d;
    size_t i, k;
    json_array_foreach((json_t *)images, i, image) {
        if (strcmp(urs_path_base(json_string_value(json_object_get(image, "file"))), urs_path_base(file)) != 0)
            continue;
        json_array_foreach(json_object_get(image, "detections"), k, d) {
            const double x = number(d, "bbox/0") * width, y = number(d, "bbox/1") * height, w = number(d, "bbox/2") * width, h = number(d, "bbox/3") * height;
            const double iw = fmin((double)box.x2, x + w) - fmax((double)box.x1, x), ih = fmin((double)box.y2, y + h) - fmax((double)box.y1, y);
            const double inter = iw > 0 && ih > 0 ? iw * ih : 0, area = (double)(box.x2 - box.x1) * (double)(box.y2 - box.y1);
            if (inter / (area + w * h - inter) >= 0.5)
                return true;
        }
    }
    return false;
}

/* The weights that ship, on drawn scenes: what eval chain calls found is what `ursid find` finds. */
static void found_is_what_find_finds(urs_test *t)
{
    static const char weights[] = URS_SOURCE_DIR "/models/find.safetensors";
    char *scenes = urs_path_join(folder, "scenes"), *pictures = urs_path_join(folder, "scenes/images"), *result = urs_path_join(folder, "found.json");
    urs_dataset set = {0};
    urs_error err = {0};
    json_t *j, *images;
    const json_t *h;
    size_t i, found = 0, missed = 0;
    URS_REQUIRE(t, RUN("synth", "--out", scenes, "--frames", "24", "--bears", "3", "--cameras", "2", "--size", "640x480", "--seed", "8", "--quiet") == URS_EXIT_OK);
    URS_REQUIRE(t, RUN("find", pictures, "--model", weights, "--no-sift", "--out", result, "--quiet") == URS_EXIT_OK);
    URS_REQUIRE(t, RUN("eval", "chain", "--data", scenes, "--model-find", weights, "--no-sift", "--json", numbers, "--rounds", "10", "--quiet") == URS_EXIT_OK);
    URS_REQUIRE_OK(t, urs_dataset_read(&set, scenes, NULL, &err), err);
    images = images_of(result);
    j = json_load_file(numbers, 0, NULL);
    heads_add_up(t, j);
    json_array_foreach((json_t *)at(j, "heads"), i, h) {
        const char *file = json_string_value(json_object_get(h, "file"));
        const bool lost = strncmp(json_string_value(json_object_get(h, "fate")), "lost in find", 12) == 0;
        for (size_t k = 0; k < set.count; k++) {
            const urs_sample *s = &set.samples[k];
            if (strcmp(s->path, file) == 0)
                URS_CHECK_INT(t, is_found(images, file, s->heads[(size_t)number(h, "head")].box, s->width, s->height), !lost);
        }
        found += !lost;
        missed += lost;
    }
    URS_CHECK(t, found > 0);
    URS_CHECK_NEAR(t, number(j, "known/fates/not_found") + number(j, "new/fates/not_found"), missed, 0);
    json_decref(j);
    json_decref(images);
    urs_dataset_release(&set);
    urs_free(scenes);
    urs_free(pictures);
    urs_free(result);
}

/* ---- wrong use ---- */

static void wrong_use_has_one_sentence(urs_test *t)
{
    static const char *const stages[] = {"sift", "find", "embed", "chain"};
    for (int s = 0; s < 4; s++) {
        URS_CHECK_INT(t, RUN("eval", stages[s]), URS_EXIT_USAGE);
        URS_CHECK(t, lines_of(stderr_path) == 1 && file_says(stderr_path, "--data"));
        URS_CHECK_INT(t, RUN("eval", stages[s], "--data", world, "--rounds", "0"), URS_EXIT_USAGE);
        URS_CHECK_INT(t, RUN("eval", stages[s], "--data", world, "--part", "half"), URS_EXIT_USAGE);
        URS_CHECK_INT(t, RUN("eval", stages[s], "--data", world, "--no-such-thing"), URS_EXIT_USAGE);
        URS_CHECK_INT(t, RUN("eval", stages[s], "--data"), URS_EXIT_USAGE);
        URS_CHECK_INT(t, lines_of(stderr_path), 1);
        URS_CHECK_INT(t, RUN("eval", stages[s], "--data", "/nowhere/at all"), URS_EXIT_FAILED);
        URS_CHECK(t, file_says(stderr_path, "/nowhere/at all"));
        URS_CHECK_INT(t, RUN("eval", stages[s], "--help"), URS_EXIT_OK);
        URS_CHECK(t, file_says(stdout_path, "--report F.html"));
    }
    URS_CHECK_INT(t, RUN("eval"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "chian"), URS_EXIT_USAGE);
    URS_CHECK(t, file_says(stderr_path, "did you mean 'chain'"));
    URS_CHECK_INT(t, RUN("eval", "embed", "--data", chips, "--floor", "pretrained"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "chain", "--data", world, "--new", "1.5"), URS_EXIT_USAGE);
    URS_CHECK_INT(t, RUN("eval", "chain", "--data", world, "--model", folder, "--json", "/nowhere/at all.json", "--quiet", "--rounds", "10"), URS_EXIT_FAILED);
    URS_CHECK_INT(t, RUN("eval", "chain", "--data", world, "--model", world), URS_EXIT_FAILED);
    URS_CHECK(t, file_says(stderr_path, "holds none of"));
}

/* ---- files ---- */

/* chips/bear N/K.png: pictures that differ; dated/: each individual the same picture on four days, with a manifest, and one in which two are swapped. */
static bool write_pictures(void)
{
    urs_text plain = {0}, swapped = {0};
    char path[700];
    bool ok = true;
    for (int b = 0; ok && b < 12; b++) {
        (void)snprintf(path, sizeof path, "%s/bear %d", chips, b);
        ok = urs_folder_create(path, NULL) == URS_OK;
        for (int c = 0; ok && c < CHIPS; c++) {
            (void)snprintf(path, sizeof path, "%s/bear %d/%d.png", chips, b, c);
            ok = tiny_picture_write(path, c % 2 ? 5 * b + c : 7 * c, 40 + 2 * (b % 4), 40);
        }
    }
    urs_text_add(&plain, "path,individual,date\n");
    urs_text_add(&swapped, "path,individual,date\n");
    for (int b = 0; ok && b < DATED; b++)
        for (int d = 0; ok && d < DAYS; d++) {
            const int other = (b == 0 || b == 1) && (d == 0 || d == 1) ? 1 - b : b;
            (void)snprintf(path, sizeof path, "%s/%d-%d.png", dated, b, d);
            ok = tiny_picture_write(path, 1 + 19 * b, 40 + 9 * b, 40);
            urs_text_format(&plain, "%d-%d.png,bear %d,2024-07-%02d\n", b, d, b, 1 + d);
            urs_text_format(&swapped, "%d-%d.png,bear %d,2024-07-%02d\n", b, d, other, 1 + d);
        }
    (void)snprintf(path, sizeof path, "%s/manifest.csv", dated);
    ok = ok && urs_file_write(path, urs_text_string(&plain), plain.length, NULL) == URS_OK;
    (void)snprintf(path, sizeof path, "%s/swapped.csv", dated);
    ok = ok && urs_file_write(path, urs_text_string(&swapped), swapped.length, NULL) == URS_OK;
    urs_text_release(&plain);
    urs_text_release(&swapped);
    return ok;
}

static bool set_up(void)
{
    static const float bear[3] = {0, 0, 5};
    char frames[16], bears[16], cameras[16];
    folder = urs_test_folder("cmd-eval");
    if (!folder || setenv("URSID_MODELS", folder, 1) != 0)
        return false;
    world = urs_path_join(folder, "world");
    chips = urs_path_join(folder, "chips");
    dated = urs_path_join(folder, "dated");
    numbers = urs_path_join(folder, "numbers.json");
    report = urs_path_join(folder, "report.html");
    stdout_path = urs_path_join(folder, "stdout");
    stderr_path = urs_path_join(folder, "stderr");
    if (!world || !chips || !dated || !numbers || !report || !stdout_path || !stderr_path)
        return false;
    (void)snprintf(frames, sizeof frames, "%d", FRAMES);
    (void)snprintf(bears, sizeof bears, "%d", BEARS);
    (void)snprintf(cameras, sizeof cameras, "%d", CAMERAS);
    return urs_folder_create(chips, NULL) == URS_OK && urs_folder_create(dated, NULL) == URS_OK && tiny_model_write(folder, "sift", bear) && tiny_model_write(folder, "find", NULL) &&
           tiny_model_write(folder, "embed", NULL) && tiny_model_calibrate(folder) && write_pictures() &&
           RUN("synth", "--out", world, "--frames", frames, "--bears", bears, "--cameras", cameras, "--size", "320x240", "--seed", "3", "--quiet") == URS_EXIT_OK;
}

int main(void)
{
    static const urs_case cases[] = {
        {"sift counts frames", sift_counts_frames},
        {"sift columns stand side by side", sift_columns_stand_side_by_side},
        {"two networks are trained and used", two_networks_are_trained_and_used},
        {"find counts heads", find_counts_heads},
        {"embed agrees with plain counting", embed_agrees_with_plain_counting},
        {"chain is right on plain data", chain_is_right_on_plain_data},
        {"chain sees wrong names", chain_sees_wrong_names},
        {"chain counts losses", chain_counts_losses},
        {"found is what find finds", found_is_what_find_finds},
        {"wrong use", wrong_use_has_one_sentence},
    };
    int code;
    code = program_run_cases(set_up(), cases, sizeof cases / sizeof cases[0]);
    urs_free(world);
    urs_free(chips);
    urs_free(dated);
    urs_free(numbers);
    urs_free(report);
    urs_free(stdout_path);
    urs_free(stderr_path);
    urs_free(folder);
    return code;
}
