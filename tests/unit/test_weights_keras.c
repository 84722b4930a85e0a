/* Keras' weight files: one network in its three forms, under one spelling and in our order; and broken ones. Fixtures by tools/golden/keras_files.py. */
#include "harness.h"

#include "base/file.h"
#include "base/random.h"
#include "nn/keras.h"

#include <stdio.h>
#include <string.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"

static const char *const forms[] = {"keras_tiny.h5", "keras_tiny.weights.h5", "keras_tiny.keras"};

static void load(urs_test *t, urs_bytes *bytes, const char *form)
{
    char path[512];
    urs_error err = {0};
    (void)snprintf(path, sizeof path, "%s%s", FIXTURES, form);
    URS_REQUIRE_OK(t, urs_file_read(bytes, path, 0, &err), err);
}

/* Value number i of Keras' tensor t, in Keras' order. */
static double value(int tensor, size_t i)
{
    return tensor + (double)i / 8;
}

static const urs_weight *tensor(urs_test *t, const urs_weights *w, const char *name, size_t count)
{
    const urs_weight *found = urs_weights_find(w, name);
    if (!found || found->count != count) {
        urs_test_fail(t, __FILE__, __LINE__, "'%s' is not there, or of another size", name);
        return NULL;
    }
    return found;
}

static void in_every_form(urs_test *t)
{
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        static const char *const norms[] = {"conv_bn/gamma", "conv_bn/beta", "conv_bn/moving_mean", "conv_bn/moving_variance"};
        urs_bytes bytes = {0};
        urs_weights *w = NULL;
        const urs_weight *k;
        urs_error err = {0};
        load(t, &bytes, forms[f]);
#ifndef URS_HAVE_ZIP
        if (strstr(forms[f], ".keras")) {
            URS_CHECK(t, urs_weights_read_memory(&w, bytes.data, bytes.size, &err) != URS_OK);
            urs_bytes_release(&bytes);
            continue;
        }
#endif
        URS_REQUIRE_OK(t, urs_weights_read_memory(&w, bytes.data, bytes.size, &err), err);
        urs_bytes_release(&bytes);
        URS_CHECK_INT(t, urs_weights_count(w), 8);
        k = tensor(t, w, "conv/kernel", 4 * 3 * 3 * 2); /* [3,2,3,4] there, [4,3,3,2] here */
        URS_REQUIRE(t, k && k->rank == 4);
        URS_CHECK(t, k->shape[0] == 4 && k->shape[1] == 3 && k->shape[2] == 3 && k->shape[3] == 2);
        for (size_t o = 0; o < 4; o++)
            for (size_t i = 0; i < 3; i++)
                for (size_t y = 0; y < 3; y++)
                    for (size_t x = 0; x < 2; x++)
                        URS_CHECK_NEAR(t, (double)k->data[((o * 3 + i) * 3 + y) * 2 + x], value(0, ((y * 2 + x) * 3 + i) * 4 + o), 0);
        for (int n = 0; n < 4; n++) {
            k = tensor(t, w, norms[n], 4);
            URS_CHECK(t, k && (double)k->data[3] == value(1 + n, 3));
        }
        k = tensor(t, w, "expanded_conv_depthwise/kernel", 4 * 3 * 3); /* [3,3,4,1] there, [4,1,3,3] here */
        URS_REQUIRE(t, k && k->shape[0] == 4 && k->shape[1] == 1);
        for (size_t c = 0; c < 4; c++)
            for (size_t i = 0; i < 9; i++)
                URS_CHECK_NEAR(t, (double)k->data[c * 9 + i], value(5, i * 4 + c), 0);
        k = tensor(t, w, "logits/kernel", 4 * 2);
        URS_REQUIRE(t, k && k->shape[0] == 2 && k->shape[1] == 4);
        for (size_t o = 0; o < 2; o++)
            for (size_t i = 0; i < 4; i++)
                URS_CHECK_NEAR(t, (double)k->data[o * 4 + i], value(6, i * 2 + o), 0);
        k = tensor(t, w, "logits/bias", 2);
        URS_CHECK(t, k && (double)k->data[1] == value(7, 1));
        urs_weights_free(w);
    }
}

/* Cut anywhere, and with bytes changed at random: a sentence, or weights, and nothing else. */
static void broken(urs_test *t)
{
    urs_random r;
    urs_random_init(&r, 9);
    for (size_t f = 0; f < 2; f++) {
        urs_bytes bytes = {0};
        size_t failures = 0;
        load(t, &bytes, forms[f]);
        for (size_t round = 0; round < 400; round++) {
            urs_weights *w = NULL;
            urs_error err = {0};
            uint8_t kept[4];
            size_t at[4];
            const size_t size = round % 2 ? bytes.size : (size_t)urs_random_below(&r, bytes.size);
            for (int i = 0; i < 4; i++) {
                at[i] = (size_t)urs_random_below(&r, bytes.size);
                kept[i] = bytes.data[at[i]];
                if (round % 2)
                    bytes.data[at[i]] = (uint8_t)urs_random_below(&r, 256);
            }
            if (urs_keras_read_h5(&w, bytes.data, size, &err) == URS_OK) {
                urs_weights_free(w);
            } else {
                failures++;
                URS_CHECK(t, err.message[0] != '\0' && err.code != URS_OK);
            }
            for (int i = 4; i-- > 0;)
                bytes.data[at[i]] = kept[i];
        }
        URS_CHECK(t, failures > 100);
        urs_bytes_release(&bytes);
    }
}

static void other_files(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    URS_CHECK_INT(t, urs_keras_read_h5(&w, "", 0, &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_keras_read_h5(&w, "no HDF5 file at all, but long enough for a superblock .......................................................", 100, &err), URS_EFORMAT);
}

int main(void)
{
    static const urs_case cases[] = {{"in every form", in_every_form}, {"broken", broken}, {"other files", other_files}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
