/* PyTorch files, zip and raw, honest and hostile; fixtures by tools/golden/weights_fixtures.py. */
#include "harness.h"

#include "base/file.h"
#include "nn/weights.h"

#include <stdio.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"

static urs_weights *read_fixture(urs_test *t, const char *name)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    char path[512];
    (void)snprintf(path, sizeof path, FIXTURES "%s", name);
    if (urs_weights_read(&w, path, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return w;
}

static const urs_weight *require(urs_test *t, const urs_weights *w, const char *name, urs_weight_type stored, int32_t rank, const int64_t *shape)
{
    const urs_weight *x = urs_weights_find(w, name);
    if (!x || x->stored != stored || x->rank != rank || (rank && memcmp(x->shape, shape, (size_t)rank * sizeof *shape) != 0)) {
        urs_test_fail(t, __FILE__, __LINE__, "tensor %s is missing or has another type or shape", name);
        return NULL;
    }
    return x;
}

static void counts_up(urs_test *t, const urs_weights *w, const char *name, urs_weight_type stored, float first, int32_t rank, const int64_t *shape)
{
    const urs_weight *x = require(t, w, name, stored, rank, shape);
    for (size_t i = 0; x && i < x->count; i++)
        URS_CHECK_NEAR(t, x->data[i], first + (float)i / 8, 0);
}

#define SHAPE(...) ((int32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))), ((const int64_t[]){__VA_ARGS__})

static void plain(urs_test *t)
{
    static const char *const files[] = {"plain_zip.pth", "plain_raw.pth", "plain_protocol4.pth"};
    char prints[3][URS_WEIGHTS_FINGERPRINT];
    for (int i = 0; i < 3; i++) {
        urs_weights *w = read_fixture(t, files[i]);
        URS_REQUIRE(t, w != NULL);
        URS_CHECK_INT(t, urs_weights_count(w), 4);
        counts_up(t, w, "conv.weight", URS_WEIGHT_F32, 1, SHAPE(2, 3, 3, 3));
        counts_up(t, w, "conv.bias", URS_WEIGHT_F32, 2, SHAPE(2));
        counts_up(t, w, "fc.weight", URS_WEIGHT_F32, 3, SHAPE(4, 2));
        counts_up(t, w, "bn.num_batches_tracked", URS_WEIGHT_I64, 7, 0, NULL);
        urs_weights_fingerprint(w, prints[i]);
        urs_weights_free(w);
    }
    URS_CHECK_TEXT(t, prints[0], prints[1]);
    URS_CHECK_TEXT(t, prints[0], prints[2]);
}

static void types(urs_test *t)
{
    static const char *const files[] = {"types_zip.pth", "types_raw.pth"};
    for (int i = 0; i < 2; i++) {
        urs_weights *w = read_fixture(t, files[i]);
        const urs_weight *x;
        URS_REQUIRE(t, w != NULL);
        counts_up(t, w, "half", URS_WEIGHT_F16, 1, SHAPE(5));
        counts_up(t, w, "bfloat16", URS_WEIGHT_BF16, 2, SHAPE(4));
        counts_up(t, w, "double", URS_WEIGHT_F64, 3, SHAPE(3));
        x = require(t, w, "int8", URS_WEIGHT_I8, SHAPE(3));
        URS_CHECK(t, x && x->data[0] == -128 && x->data[1] == 0 && x->data[2] == 127);
        x = require(t, w, "uint8", URS_WEIGHT_U8, SHAPE(2));
        URS_CHECK(t, x && x->data[1] == 255);
        x = require(t, w, "int16", URS_WEIGHT_I16, SHAPE(2));
        URS_CHECK(t, x && x->data[0] == -300);
        x = require(t, w, "int32", URS_WEIGHT_I32, SHAPE(2));
        URS_CHECK(t, x && x->data[0] == -70000);
        x = require(t, w, "int64", URS_WEIGHT_I64, SHAPE(2));
        URS_CHECK(t, x && x->data[0] == -5e9f && x->data[1] == 5e9f);
        x = require(t, w, "bool", URS_WEIGHT_BOOL, SHAPE(3));
        URS_CHECK(t, x && x->data[0] == 1 && x->data[1] == 0 && x->data[2] == 1);
        counts_up(t, w, "scalar", URS_WEIGHT_F32, 0.5f, 0, NULL);
        (void)require(t, w, "empty", URS_WEIGHT_F32, SHAPE(0, 3));
        urs_weights_free(w);
    }
}

static void views(urs_test *t)
{
    static const char *const files[] = {"views_zip.pth", "views_raw.pth"};
    for (int i = 0; i < 2; i++) {
        urs_weights *w = read_fixture(t, files[i]);
        const urs_weight *x;
        URS_REQUIRE(t, w != NULL);
        x = require(t, w, "transposed", URS_WEIGHT_F32, SHAPE(6, 4));
        for (size_t k = 0; x && k < 24; k++)
            URS_CHECK_NEAR(t, x->data[k], 1 + (float)(k % 4 * 6 + k / 4) / 8, 0);
        x = require(t, w, "columns", URS_WEIGHT_F32, SHAPE(4, 3));
        for (size_t k = 0; x && k < 12; k++)
            URS_CHECK_NEAR(t, x->data[k], 1 + (float)(k / 3 * 6 + 1 + k % 3) / 8, 0);
        x = require(t, w, "every_second", URS_WEIGHT_F32, SHAPE(2, 3));
        for (size_t k = 0; x && k < 6; k++)
            URS_CHECK_NEAR(t, x->data[k], 1 + (float)(k / 3 * 12 + k % 3 * 2) / 8, 0);
        counts_up(t, w, "channels_last", URS_WEIGHT_F32, 2, SHAPE(2, 3, 4, 5));
        x = require(t, w, "parameter", URS_WEIGHT_F32, SHAPE(2, 2));
        URS_CHECK(t, x && x->data[1] == 3.25f && x->data[2] == 3.125f);
        urs_weights_free(w);
    }
}

static void containers(urs_test *t)
{
    static const char *const nested[] = {"nested_zip.pth", "nested_raw.pth"}, *const mixed[] = {"mixed_zip.pth", "mixed_raw.pth"};
    for (int i = 0; i < 2; i++) {
        urs_weights *w = read_fixture(t, nested[i]); /* a checkpoint of DataParallel: state_dict is taken, "module." is dropped */
        URS_REQUIRE(t, w != NULL);
        URS_CHECK_INT(t, urs_weights_count(w), 7);
        counts_up(t, w, "0.weight", URS_WEIGHT_F32, 0, SHAPE(2, 1, 1, 1));
        counts_up(t, w, "1.running_var", URS_WEIGHT_F32, 5, SHAPE(2));
        urs_weights_free(w);
        w = read_fixture(t, mixed[i]);
        URS_REQUIRE(t, w != NULL);
        URS_CHECK_INT(t, urs_weights_count(w), 3);
        counts_up(t, w, "0", URS_WEIGHT_F32, 1, SHAPE(2));
        counts_up(t, w, "1.a", URS_WEIGHT_F32, 2, SHAPE(1));
        counts_up(t, w, "1.5.0", URS_WEIGHT_F32, 3, SHAPE(3));
        urs_weights_free(w);
    }
}

static void hostile(urs_test *t)
{
    static const struct {
        const char *file, *words;
        urs_status status;
    } bad[] = {
        {"bad_system.pth", "system", URS_EUNSUPPORTED},       {"bad_eval.pth", "builtins.eval", URS_EUNSUPPORTED}, {"bad_negative.pth", "negative", URS_EFORMAT},
        {"bad_stride.pth", "negative", URS_EFORMAT},          {"bad_beyond.pth", "beyond", URS_EFORMAT},            {"bad_offset.pth", "beyond", URS_EFORMAT},
        {"bad_product.pth", "more elements", URS_ELIMIT},     {"bad_broadcast.pth", "beyond", URS_EFORMAT},         {"bad_count.pth", "16 bytes", URS_EFORMAT},
        {"bad_storage.pth", "archive/data/7", URS_EFORMAT},   {"bad_path.pth", "etc", URS_EFORMAT},                 {"bad_compressed.pth", "compressed", URS_EUNSUPPORTED},
        {"bad_unfinished.pth", "no end", URS_EFORMAT},        {"bad_empty.pth", "without any tensor", URS_EFORMAT}, {"bad_laughs.pth", "too often", URS_ELIMIT},
        {"bad_cycle.pth", "too often", URS_ELIMIT},           {"bad_other.zip", "data.pkl", URS_EFORMAT},           {"bad_truncated.pth", "inside storage", URS_EFORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        urs_weights *w = NULL;
        urs_error err = {0};
        char path[512];
        (void)snprintf(path, sizeof path, FIXTURES "%s", bad[i].file);
        if (urs_weights_read(&w, path, &err) != bad[i].status || !strstr(err.message, bad[i].words) || !strstr(err.message, bad[i].file) || w)
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s: %s", bad[i].file, urs_status_name(err.code), err.message);
    }
    URS_CHECK(t, !urs_file_exists("executed-by-a-pickle"));
}

/* Every beginning of a file fails without reading beyond it (the sanitizers watch), except the whole. */
static void truncated(urs_test *t)
{
    static const char *const files[] = {"views_raw.pth", "plain_zip.pth", "tiny.tflite", "good.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        urs_bytes bytes = {0};
        urs_error err = {0};
        char path[512];
        (void)snprintf(path, sizeof path, FIXTURES "%s", files[i]);
        URS_REQUIRE_OK(t, urs_file_read(&bytes, path, 0, &err), err);
        for (size_t n = 0; n < bytes.size; n++) {
            urs_weights *w = NULL;
            if (urs_weights_read_memory(&w, bytes.data, n, &err) == URS_OK) {
                if (i < 2 || i == 3) /* what a FlatBuffer says about its end may lie before the last padding */
                    urs_test_fail(t, __FILE__, __LINE__, "%s: the first %zu of %zu bytes were accepted", files[i], n, bytes.size);
                urs_weights_free(w);
            }
        }
        urs_bytes_release(&bytes);
    }
}

int main(void)
{
    static const urs_case cases[] = {{"a state_dict, zip and raw", plain},          {"every type of element", types},     {"views become contiguous", views},
                                     {"nested containers and checkpoints", containers}, {"hostile files are refused", hostile}, {"truncated files are refused", truncated}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
