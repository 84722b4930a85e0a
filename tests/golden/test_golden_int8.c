/* Our int8 oracles against outputs that LiteRT computed (tools/golden/golden_int8.py), byte for byte; and every case through a .tflite file and back. */
#include "golden.h"
#include "harness.h"
#include "int8_cases.h"

#include "base/memory.h"
#include "int8/reference.h"
#include "int8/tflite_file.h"

#include <stdio.h>

#define SEEDS 8

/* Outputs one after the other, as the script has them. */
static size_t differences(const urs_golden_tensor *gold, const urs_int8_graph *g, const urs_int8_values *values)
{
    const uint8_t *theirs = (const uint8_t *)gold->i64; /* little-endian words of bytes */
    size_t at = 0, count = 0;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        const uint8_t *ours = values->data[g->outputs[i]];
        for (size_t k = 0; k < urs_int8_tensor_bytes(&g->tensors[g->outputs[i]]); k++, at++)
            count += at >= 8 * gold->count || ours[k] != theirs[at];
    }
    return count;
}

static void against(urs_test *t, const urs_golden *gold, urs_int8_kind kind, uint64_t seed, urs_int8_arithmetic arithmetic, size_t *values)
{
    const urs_golden_tensor *wanted = urs_golden_find(gold, "%s_%03d/%s", urs_int8_kind_name(kind), (int)seed, arithmetic == URS_INT8_NPU ? "npu" : "tfl");
    void *inputs[URS_INT8_INPUTS_MAX];
    urs_int8_graph *g = NULL;
    urs_int8_values out = {0};
    urs_error err = {0};
    if (!wanted && arithmetic == URS_INT8_TFLITE)
        return;
    URS_REQUIRE(t, wanted != NULL);
    URS_REQUIRE_OK(t, urs_int8_case_new(&g, kind, seed, true, &err), err);
    URS_REQUIRE_OK(t, urs_int8_case_inputs(inputs, g, seed, &err), err);
    URS_REQUIRE_OK(t, urs_int8_reference_run(&out, g, arithmetic, (const void *const *)inputs, &err), err);
    if (differences(wanted, g, &out))
        urs_test_fail(t, __FILE__, __LINE__, "%s, seed %d, arithmetic %d: %zu bytes differ", urs_int8_kind_name(kind), (int)seed, (int)arithmetic, differences(wanted, g, &out));
    *values += urs_int8_shape_elements(g->tensors[g->outputs[0]].shape);
    urs_int8_values_release(&out);
    for (int32_t i = 0; i < g->n_inputs; i++)
        urs_free(inputs[i]);
    urs_int8_graph_free(g);
}

static void litert(urs_test *t)
{
    urs_golden *gold = NULL;
    urs_error err = {0};
    size_t values = 0;
    URS_REQUIRE_OK(t, urs_golden_open(&gold, URS_SOURCE_DIR "/tests/golden/int8_ops.gold", &err), err);
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            against(t, gold, (urs_int8_kind)kind, seed, URS_INT8_NPU, &values);
            against(t, gold, (urs_int8_kind)kind, seed, URS_INT8_TFLITE, &values);
        }
    (void)printf("%zu values compared\n", values);
    urs_golden_close(gold);
}

static void files(urs_test *t)
{
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++)
        for (uint64_t seed = 1; seed <= 40; seed++) {
            urs_int8_graph *g = NULL, *back = NULL;
            urs_bytes file = {0};
            urs_error err = {0};
            URS_REQUIRE_OK(t, urs_int8_case_new(&g, (urs_int8_kind)kind, seed, true, &err), err);
            URS_REQUIRE_OK(t, urs_int8_graph_set_note(g, "ursid.classes", "empty\nbear \xc3\xa4", &err), err);
            URS_REQUIRE_OK(t, urs_tflite_encode(&file, g, &err), err);
            URS_REQUIRE_OK(t, urs_tflite_decode(&back, file.data, file.size, &err), err);
            URS_REQUIRE_OK(t, urs_int8_graph_compare(g, back, &err), err);
            URS_CHECK(t, urs_int8_graph_set_note(back, "ursid.classes", "bear", &err) == URS_OK && urs_int8_graph_compare(g, back, &err) == URS_EMISMATCH);
            urs_bytes_release(&file);
            urs_int8_graph_free(g);
            urs_int8_graph_free(back);
        }
}

/* Any single byte of a file may be anything. */
static void flipped(urs_test *t)
{
    static const uint8_t others[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    static const urs_int8_kind kinds[] = {URS_INT8_DEPTHWISE_CONV_2D, URS_INT8_PAD, URS_INT8_SLICE, URS_INT8_SPLIT};
    size_t accepted = 0, refused = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        urs_int8_graph *g = NULL;
        urs_bytes file = {0};
        urs_error err = {0};
        URS_REQUIRE_OK(t, urs_int8_case_new(&g, kinds[k], 3, true, &err), err);
        URS_REQUIRE_OK(t, urs_tflite_encode(&file, g, &err), err);
        for (size_t at = 0; at < file.size; at++)
            for (size_t i = 0; i < sizeof others; i++) {
                const uint8_t old = file.data[at];
                urs_int8_graph *back = NULL;
                file.data[at] = others[i];
                err = (urs_error){0};
                if (urs_tflite_decode(&back, file.data, file.size, &err) == URS_OK)
                    accepted++;
                else
                    refused += err.message[0] != '\0';
                urs_int8_graph_free(back);
                file.data[at] = old;
            }
        for (size_t size = 0; size < file.size; size++) {
            urs_int8_graph *back = NULL;
            if (urs_tflite_decode(&back, file.data, size, &err) == URS_OK)
                urs_int8_graph_free(back);
        }
        urs_bytes_release(&file);
        urs_int8_graph_free(g);
    }
    URS_CHECK(t, accepted > 0 && refused > 0);
}

int main(void)
{
    static const urs_case cases[] = {{"every operator as LiteRT computes it", litert}, {"graph to file and back", files}, {"every byte of a file replaced", flipped}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
