/* The collection, safetensors, fingerprints, SHA-256, and what goes between files and graphs. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "nn/weights.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"

static void sha256_known(urs_test *t)
{
    static const char *const text[] = {"", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
    static const char *const digest[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                                         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"};
    char hex[65];
    urs_sha256 s;
    for (int i = 0; i < 3; i++) {
        urs_sha256_init(&s);
        urs_sha256_update(&s, text[i], strlen(text[i]));
        urs_sha256_hex(&s, hex);
        URS_CHECK_TEXT(t, hex, digest[i]);
    }
    urs_sha256_init(&s); /* a million times 'a', in uneven pieces */
    for (size_t done = 0, n = 1; done < 1000000; done += n, n = n % 177 + 1) {
        char piece[200];
        if (n > 1000000 - done)
            n = 1000000 - done;
        memset(piece, 'a', n);
        urs_sha256_update(&s, piece, n);
    }
    urs_sha256_hex(&s, hex);
    URS_CHECK_TEXT(t, hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void collection(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    const int64_t shape[2] = {2, 3}, bad[1] = {-1};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    char name[32];

    URS_REQUIRE_OK(t, urs_weights_new(&w, &err), err);
    URS_CHECK(t, urs_weights_find(w, "a") == NULL);
    URS_REQUIRE_OK(t, urs_weights_add(w, "a", 2, shape, values, &err), err);
    URS_CHECK(t, urs_weights_add(w, "a", 2, shape, values, &err) == URS_EINVAL);
    URS_CHECK(t, urs_weights_add(w, "", 2, shape, values, &err) == URS_EINVAL);
    URS_CHECK(t, urs_weights_add(w, "b", 1, bad, NULL, &err) == URS_EINVAL);
    URS_CHECK(t, urs_weights_add(w, "b", 9, shape, NULL, &err) == URS_EINVAL);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "layer.%d.weight", i);
        URS_REQUIRE_OK(t, urs_weights_add(w, name, 0, NULL, &(const float){(float)i}, &err), err);
    }
    URS_CHECK_INT(t, urs_weights_count(w), 501);
    for (int i = 0; i < 500; i += 37) {
        (void)snprintf(name, sizeof name, "layer.%d.weight", i);
        URS_REQUIRE(t, urs_weights_find(w, name) != NULL);
        URS_CHECK_INT(t, urs_weights_find(w, name)->data[0], i);
    }
    urs_weights_data(w, "a")[5] = 60;
    URS_CHECK_NEAR(t, urs_weights_find(w, "a")->data[5], 60, 0);
    URS_REQUIRE_OK(t, urs_weights_set_metadata(w, "z", "1", &err), err);
    URS_REQUIRE_OK(t, urs_weights_set_metadata(w, "a", "2", &err), err);
    URS_REQUIRE_OK(t, urs_weights_set_metadata(w, "m", "3", &err), err);
    URS_REQUIRE_OK(t, urs_weights_set_metadata(w, "m", "4", &err), err);
    URS_REQUIRE_OK(t, urs_weights_set_metadata(w, "z", NULL, &err), err);
    URS_CHECK_INT(t, urs_weights_metadata_count(w), 2);
    URS_CHECK_TEXT(t, urs_weights_metadata(w, "m"), "4");
    URS_CHECK(t, urs_weights_metadata(w, "z") == NULL);
    urs_weights_free(w);
}

static void check_values(urs_test *t, const urs_weights *w, const char *name, urs_weight_type stored, float first, size_t count)
{
    const urs_weight *x = urs_weights_find(w, name);
    if (!x || x->count != count || x->stored != stored) {
        urs_test_fail(t, __FILE__, __LINE__, "tensor %s is missing or has another type or size", name);
        return;
    }
    for (size_t i = 0; i < count; i++)
        URS_CHECK_NEAR(t, x->data[i], first + (float)i / 8, 0);
}

static void safetensors_good(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_weights_read(&w, FIXTURES "good.safetensors", &err), err);
    URS_CHECK_INT(t, urs_weights_count(w), 6);
    check_values(t, w, "a", URS_WEIGHT_F32, 1, 6);
    check_values(t, w, "b", URS_WEIGHT_F16, 2, 4);
    check_values(t, w, "brain", URS_WEIGHT_BF16, 3, 2);
    check_values(t, w, "none", URS_WEIGHT_F32, 0, 0);
    URS_REQUIRE(t, urs_weights_find(w, "counter") && urs_weights_find(w, "double"));
    URS_CHECK_INT(t, urs_weights_find(w, "counter")->data[0], -2);
    URS_CHECK_NEAR(t, urs_weights_find(w, "double")->data[0], 1.5, 0);
    URS_CHECK_TEXT(t, urs_weights_metadata(w, "arch"), "tiny");
    URS_CHECK_TEXT(t, urs_weights_metadata(w, "note"), "caf\xc3\xa9 \"quoted\"\n");
    urs_weights_free(w);
}

/* Each must fail with this status and a sentence that says these words. */
static void safetensors_bad(urs_test *t)
{
    static const struct {
        const char *file, *words;
        urs_status status;
    } bad[] = {
        {"bad_length", "claims", URS_ELIMIT},           {"bad_short", "claims 4000", URS_EFORMAT},   {"bad_overlap", "overlaps", URS_EFORMAT},
        {"bad_gap", "gap", URS_EFORMAT},                {"bad_tail", "belong to no", URS_EFORMAT},   {"bad_outside", "outside the data", URS_EFORMAT},
        {"bad_reversed", "outside the data", URS_EFORMAT}, {"bad_negative", "dimension", URS_EFORMAT}, {"bad_product", "more elements", URS_ELIMIT},
        {"bad_shape", "need", URS_EFORMAT},             {"bad_type", "'F4'", URS_EUNSUPPORTED},      {"bad_rank", "dimensions", URS_ELIMIT},
        {"bad_json", "JSON", URS_EFORMAT},              {"bad_metadata", "'n'", URS_EFORMAT},        {"bad_twice", "JSON", URS_EFORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        urs_weights *w = NULL;
        urs_error err = {0};
        char path[512];
        (void)snprintf(path, sizeof path, FIXTURES "%s.safetensors", bad[i].file);
        if (urs_weights_read(&w, path, &err) != bad[i].status || !strstr(err.message, bad[i].words) || !strstr(err.message, bad[i].file) || w)
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s: %s", bad[i].file, urs_status_name(err.code), err.message);
    }
}

static urs_weights *sample(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    const int64_t square[2] = {3, 3}, line[1] = {4}, scale[3] = {4, 1, 1};
    const float a[9] = {0.1f, -2, 3, 1e-7f, 65504, 5, 6, 7, 1.0f / 3}, b[4] = {0.1f, 1e-9f, 70000, -1}, c[9] = {1e6f, 0, 0, 0, 0, 0, 0, 0, 0.1f};
    if (urs_weights_new(&w, &err) != URS_OK || urs_weights_add(w, "b.weight", 2, square, a, &err) != URS_OK ||
        urs_weights_add(w, "b.bias", 1, line, b, &err) != URS_OK || urs_weights_add(w, "a.big", 2, square, c, &err) != URS_OK ||
        urs_weights_add(w, "a.scale", 3, scale, b, &err) != URS_OK || urs_weights_set_metadata(w, "key", "value", &err) != URS_OK || urs_weights_set_metadata(w, "json", "{\"a\": [1]}", &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return w;
}

static void round_trip(urs_test *t)
{
    urs_weights *w = sample(t), *back = NULL, *half = NULL;
    urs_error err = {0};
    urs_bytes one = {0}, two = {0};
    char *folder = urs_test_folder("weights"), path[512], again[512], x[65], y[65], z[65];
    uint64_t header = 0;

    (void)snprintf(path, sizeof path, "%s/a.safetensors", folder);
    (void)snprintf(again, sizeof again, "%s/b.safetensors", folder);
    URS_REQUIRE_OK(t, urs_weights_write_safetensors(path, w, URS_WEIGHT_F32, &err), err);
    URS_REQUIRE_OK(t, urs_weights_read(&back, path, &err), err);
    URS_REQUIRE_OK(t, urs_weights_write_safetensors(again, back, URS_WEIGHT_F32, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&one, path, 0, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&two, again, 0, &err), err);
    URS_CHECK(t, one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
    memcpy(&header, one.data, 8);
    URS_CHECK_INT(t, header % 8, 0);
    for (size_t i = 0; i < urs_weights_count(w); i++) {
        const urs_weight *a = urs_weights_at(w, i), *b = urs_weights_find(back, a->name);
        URS_REQUIRE(t, b && b->count == a->count && b->rank == a->rank);
        URS_CHECK(t, memcmp(a->data, b->data, a->count * sizeof *a->data) == 0);
    }
    URS_CHECK_TEXT(t, urs_weights_metadata(back, "json"), "{\"a\": [1]}");
    urs_weights_fingerprint(w, x);
    urs_weights_fingerprint(back, y);
    URS_CHECK_TEXT(t, x, y);

    URS_REQUIRE_OK(t, urs_weights_write_safetensors(path, w, URS_WEIGHT_F16, &err), err);
    URS_REQUIRE_OK(t, urs_weights_read(&half, path, &err), err);
    URS_CHECK_INT(t, urs_weights_find(half, "b.weight")->stored, URS_WEIGHT_F16);
    URS_CHECK_INT(t, urs_weights_find(half, "b.bias")->stored, URS_WEIGHT_F32);  /* a vector */
    URS_CHECK_INT(t, urs_weights_find(half, "a.big")->stored, URS_WEIGHT_F32);   /* beyond half's range */
    URS_CHECK_INT(t, urs_weights_find(half, "a.scale")->stored, URS_WEIGHT_F32); /* a vector too */
    URS_CHECK_NEAR(t, urs_weights_find(half, "b.weight")->data[8], 1.0 / 3, 1.0 / 3 / 2048);
    URS_CHECK_NEAR(t, urs_weights_find(half, "b.weight")->data[4], 65504, 0);
    URS_CHECK(t, urs_weights_find(half, "b.bias")->data[1] == 1e-9f);
    urs_weights_fingerprint(half, z);
    URS_CHECK(t, strcmp(x, z) != 0);
    urs_weights_data(back, "b.bias")[0] = 0.2f;
    urs_weights_fingerprint(back, y);
    URS_CHECK(t, strcmp(x, y) != 0);
    URS_CHECK(t, urs_weights_write_safetensors("/nonexistent/folder/a", w, URS_WEIGHT_F32, &err) == URS_EIO || err.code != URS_OK);
    URS_CHECK(t, urs_weights_write_safetensors(path, w, URS_WEIGHT_F64, &err) == URS_EINVAL);
    urs_bytes_release(&one);
    urs_bytes_release(&two);
    urs_weights_free(w);
    urs_weights_free(back);
    urs_weights_free(half);
    free(folder);
}

/* conv (2,3,1,1)+bias -> linear 4: parameters c.weight, c.bias, fc.weight, fc.bias */
static urs_graph *small_graph(urs_test *t)
{
    urs_graph *g = NULL;
    urs_error err = {0};
    urs_value x;
    if (urs_graph_new(&g, &err) != URS_OK)
        return NULL;
    x = urs_graph_input(g, (urs_dims){3, 4, 4});
    x = urs_graph_conv(g, x, "c", &(urs_conv_options){.out = 2, .kernel = 1, .bias = true});
    x = urs_graph_linear(g, urs_graph_global_pool(g, x), "fc", &(urs_linear_options){.out = 4});
    urs_graph_output(g, x, "logits");
    if (urs_graph_finish(g, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return g;
}

static bool rename_parameter(void *context, const char *parameter, char *out, size_t size)
{
    (void)context;
    if (strcmp(parameter, "fc.bias") == 0)
        return false;
    (void)snprintf(out, size, "old.%s", parameter);
    return true;
}

static void blocks(urs_test *t)
{
    urs_graph *g = small_graph(t);
    urs_weights *w = NULL, *flat = NULL, *other = NULL;
    urs_error err = {0};
    urs_load_report r;
    const size_t n = g ? urs_graph_block_elements(g) : 0;
    float *block = urs_array_new(n, sizeof *block), *back = urs_array_new(n, sizeof *back);
    const int64_t weight[2] = {2, 3}, bias[1] = {2}, wrong[1] = {5};
    static const char *const skip[] = {"fc."};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    float kept;

    URS_REQUIRE(t, g && block && back);
    urs_graph_init_params(g, block, 1);
    URS_REQUIRE_OK(t, urs_weights_from_block(&w, g, block, &err), err);
    URS_CHECK_INT(t, urs_weights_count(w), 4);
    URS_CHECK_INT(t, urs_weights_find(w, "c.weight")->rank, 4);
    URS_REQUIRE_OK(t, urs_weights_load_into(g, back, w, NULL, &r, &err), err);
    URS_CHECK_INT(t, r.loaded, 4);
    URS_CHECK_TEXT(t, r.sentence, "");
    URS_CHECK(t, memcmp(block, back, n * sizeof *block) == 0);

    /* A file with the convolution as a matrix, without the head, with something of its own. */
    URS_REQUIRE_OK(t, urs_weights_new(&flat, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(flat, "c.weight", 2, weight, values, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(flat, "c.bias", 1, bias, values, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(flat, "head.extra", 1, bias, values, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(flat, "bn.num_batches_tracked", 0, NULL, values, &err), err);
    kept = back[0];
    URS_CHECK(t, urs_weights_load_into(g, back, flat, NULL, &r, &err) == URS_EMISMATCH);
    URS_CHECK_INT(t, r.missing, 2);
    URS_CHECK_INT(t, r.mismatched, 1);
    URS_CHECK_INT(t, r.unexpected, 1);
    URS_CHECK(t, strstr(err.message, "fc.weight") && strstr(err.message, "[2, 3, 1, 1]") && strstr(err.message, "head.extra"));
    URS_CHECK(t, back[0] == kept);
    URS_CHECK(t, urs_weights_load_into(g, back, flat, &(urs_load_options){.skip = skip, .n_skip = 1}, &r, &err) == URS_EMISMATCH); /* still the shape */
    URS_REQUIRE_OK(t, urs_weights_load_into(g, back, flat, &(urs_load_options){.skip = skip, .n_skip = 1, .reshape = true}, &r, &err), err);
    URS_CHECK_INT(t, r.loaded, 2);
    URS_CHECK_INT(t, r.skipped, 2);
    URS_CHECK_NEAR(t, back[0], 1, 0);
    URS_REQUIRE_OK(t, urs_weights_load_into(g, back, flat, &(urs_load_options){.partial = true}, &r, &err), err);
    URS_CHECK_INT(t, r.loaded, 1);

    /* Other names: by prefix, and by function. */
    URS_REQUIRE_OK(t, urs_weights_new(&other, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(other, "old.c.weight", 2, weight, values, &err), err);
    URS_REQUIRE_OK(t, urs_weights_add(other, "old.c.bias", 1, wrong, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_weights_load_into(g, back, other, &(urs_load_options){.partial = true, .reshape = true, .graph_prefix = "c.", .file_prefix = "old.c."}, &r, &err), err);
    URS_CHECK_INT(t, r.loaded, 1);
    URS_CHECK_INT(t, r.mismatched, 1);
    URS_CHECK_INT(t, r.missing, 2);
    URS_REQUIRE_OK(t, urs_weights_load_into(g, back, other, &(urs_load_options){.partial = true, .reshape = true, .rename = rename_parameter}, &r, &err), err);
    URS_CHECK_INT(t, r.loaded, 1);
    URS_CHECK_INT(t, r.skipped, 1);
    URS_CHECK_INT(t, r.missing, 1);
    urs_weights_free(w);
    urs_weights_free(flat);
    urs_weights_free(other);
    urs_graph_free(g);
    urs_free(block);
    urs_free(back);
}

static void not_weights(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    URS_CHECK(t, urs_weights_read(&w, FIXTURES "nothing-there", &err) == URS_ENOTFOUND);
    URS_CHECK(t, urs_weights_read(&w, URS_SOURCE_DIR "/CMakeLists.txt", &err) == URS_EFORMAT);
    URS_CHECK(t, urs_weights_read_memory(&w, "", 0, &err) == URS_EFORMAT);
    URS_CHECK(t, urs_weights_read_memory(&w, "\x80\x04\x95....", 7, &err) == URS_EUNSUPPORTED);
}

int main(void)
{
    static const urs_case cases[] = {{"SHA-256 of the standard's examples", sha256_known},
                                     {"tensors and metadata are found again", collection},
                                     {"safetensors of every type", safetensors_good},
                                     {"broken safetensors fail with a sentence", safetensors_bad},
                                     {"written, read, written: the same bytes", round_trip},
                                     {"parameter blocks", blocks},
                                     {"files that are no weights", not_weights}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
