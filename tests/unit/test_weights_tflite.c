/* TFLite files: tensors, operators, and broken ones; fixtures by tools/golden/weights_fixtures.py. */
#include "harness.h"

#include "base/file.h"
#include "nn/tflite.h"

#include <stdio.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"

static void tiny(urs_test *t)
{
    urs_bytes bytes = {0};
    urs_error err = {0};
    urs_tflite *m = NULL;
    const urs_tflite_tensor *tensors;
    const urs_tflite_op *ops;

    URS_REQUIRE_OK(t, urs_file_read(&bytes, FIXTURES "tiny.tflite", 0, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_read(&m, bytes.data, bytes.size, &err), err);
    urs_bytes_release(&bytes); /* the model does not need the bytes any more */
    URS_REQUIRE(t, urs_tflite_tensors(m, &tensors) == 5 && urs_tflite_ops(m, &ops) == 2);
    URS_CHECK_TEXT(t, tensors[1].name, "conv/weight");
    URS_CHECK(t, tensors[0].constant == NULL && tensors[3].constant == NULL);
    URS_REQUIRE(t, tensors[1].constant && tensors[2].constant);
    URS_CHECK_INT(t, tensors[1].rank, 4);
    URS_CHECK(t, tensors[1].shape[0] == 2 && tensors[1].shape[1] == 3 && tensors[1].shape[3] == 1);
    for (size_t i = 0; i < 18; i++)
        URS_CHECK_NEAR(t, tensors[1].constant->data[i], 1 + (float)i / 8, 0);
    URS_CHECK_NEAR(t, tensors[2].constant->data[1], 2.125, 0);
    URS_CHECK_INT(t, ops[0].code, URS_TFLITE_CONV_2D);
    URS_CHECK_INT(t, ops[0].n_inputs, 3);
    URS_CHECK(t, ops[0].inputs[0] == 0 && ops[0].inputs[1] == 1 && ops[0].inputs[2] == 2 && ops[0].output == 3);
    URS_CHECK(t, ops[0].stride_h == 2 && ops[0].stride_w == 2 && !ops[0].padding_valid && ops[0].activation == 0 && ops[0].dilation_h == 1);
    URS_CHECK_INT(t, ops[1].code, URS_TFLITE_HARD_SWISH);
    urs_tflite_free(m);
}

static void as_weights(urs_test *t)
{
    urs_weights *w = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_weights_read(&w, FIXTURES "tiny.tflite", &err), err);
    URS_CHECK_INT(t, urs_weights_count(w), 2);
    URS_CHECK(t, urs_weights_find(w, "conv/weight") != NULL);
    urs_weights_free(w);
}

static void broken(urs_test *t)
{
    static const struct {
        const char *file, *words;
        urs_status status;
    } bad[] = {{"bad_negative.tflite", "negative", URS_EFORMAT},
               {"bad_product.tflite", "more elements", URS_ELIMIT},
               {"bad_data.tflite", "20 bytes", URS_EFORMAT},
               {"bad_index.tflite", "does not exist", URS_EFORMAT}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        urs_weights *w = NULL;
        urs_error err = {0};
        char path[512];
        (void)snprintf(path, sizeof path, FIXTURES "%s", bad[i].file);
        if (urs_weights_read(&w, path, &err) != bad[i].status || !strstr(err.message, bad[i].words) || !strstr(err.message, bad[i].file) || w)
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s: %s", bad[i].file, urs_status_name(err.code), err.message);
    }
}

/* Any single byte may be anything. */
static void flipped(urs_test *t)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    urs_bytes bytes = {0};
    urs_error err = {0};
    int accepted = 0;
    URS_REQUIRE_OK(t, urs_file_read(&bytes, FIXTURES "tiny.tflite", 0, &err), err);
    for (size_t at = 0; at < bytes.size; at++) {
        const uint8_t old = bytes.data[at];
        for (size_t k = 0; k < sizeof values; k++) {
            urs_tflite *m = NULL;
            bytes.data[at] = values[k];
            err = (urs_error){0};
            if (urs_tflite_read(&m, bytes.data, bytes.size, &err) == URS_OK) {
                accepted++;
                urs_tflite_free(m);
            } else {
                URS_CHECK(t, err.message[0] != '\0');
            }
        }
        bytes.data[at] = old;
    }
    URS_CHECK(t, accepted > 0);
    urs_bytes_release(&bytes);
}

int main(void)
{
    static const urs_case cases[] = {{"tensors and operators", tiny},
                                     {"as a collection of weights", as_weights},
                                     {"broken files fail with a sentence", broken},
                                     {"every byte replaced", flipped}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
