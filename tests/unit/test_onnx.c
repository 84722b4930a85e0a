/* ONNX models: the bytes of a small one, every architecture and int8 operator through the check, and what the check refuses. What the models compute is compared with ONNX Runtime by
 * tools/golden/golden_onnx.py. */
#include "harness.h"
#include "int8_cases.h"

#include "base/memory.h"
#include "int8/onnx_int8.h"
#include "int8/onnx_model.h"
#include "models/models.h"
#include "nn/onnx_float.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- bytes ---------------------------------------------------------------------------------------------------------------------------------- */

static void small_model(urs_onnx *m)
{
    static const int64_t dims[] = {1, 2};
    urs_onnx_input(m, "x", dims, 2);
    urs_onnx_unary(m, "Relu", "x", "y");
    urs_onnx_output(m, "y", dims, 2);
}

/* Written out by hand from onnx.proto. */
static void bytes(urs_test *t)
{
    static const char expected[] = "\x08\x08"             /* ir_version 8 */
                                   "\x12\x05ursid"        /* producer */
                                   "\x42\x04\x0a\x00\x10\x11" /* opset: domain "", version 17 */
                                   "\x3a\x3b"             /* graph, 59 bytes */
                                   "\x0a\x0c\x22\x04Relu\x0a\x01x\x12\x01y"
                                   "\x12\x01g"
                                   "\x5a\x13\x0a\x01x\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02\x08\x02"
                                   "\x62\x13\x0a\x01y\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02\x08\x02";
    urs_onnx m = {0};
    urs_bytes file = {0};
    urs_error err = {0};
    small_model(&m);
    URS_REQUIRE_OK(t, urs_onnx_encode(&file, NULL, &m, "g", &err), err);
    URS_CHECK_INT(t, file.size, sizeof expected - 1);
    URS_CHECK(t, file.size == sizeof expected - 1 && memcmp(file.data, expected, file.size) == 0);
    urs_bytes_release(&file);
    urs_onnx_release(&m);
}

/* Numbers of several bytes, negative ones, floats and tensors: the parts of messages as onnx.proto has them. */
static void numbers(urs_test *t)
{
    static const char node[] = "\x0a\x2f\x22\x04" "Clip\x0a\x01x\x12\x01y"
                               "\x2a\x14\x0a\x04" "axis\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xa0\x01\x02"  /* -1: ten bytes; field 20 has a key of two */
                               "\x2a\x0b\x0a\x01p\x42\x03\xac\x02\x01\xa0\x01\x07";                               /* 300 and 1, packed */
    static const char tensor[] = "\x2a\x12\x0a\x01\x01\x10\x01\x42\x01" "c\x4a\x04\x00\x00\xc0\x3f";                /* 1.5f, low byte first */
    static const int64_t pair[] = {300, 1}, one = 1;
    const float value = 1.5f;
    urs_onnx m = {0};
    urs_onnx_begin(&m, "Clip");
    urs_onnx_in(&m, "x");
    urs_onnx_out(&m, "y");
    urs_onnx_int(&m, "axis", -1);
    urs_onnx_ints(&m, "p", pair, 2);
    urs_onnx_end(&m);
    URS_CHECK(t, m.graph.length == sizeof node - 1 && memcmp(m.graph.data, node, sizeof node - 1) == 0);
    urs_onnx_release(&m);
    urs_onnx_constant(&m, "c", URS_ONNX_FLOAT, &one, 1, &value);
    URS_CHECK_INT(t, m.graph.length, 16);
    URS_CHECK(t, m.graph.length == 16 && memcmp(m.graph.data + 2, tensor + 2, 14) == 0);
    urs_onnx_release(&m);
}

/* ---- networks ---------------------------------------------------------------------------------------------------------------------------------- */

static void architectures(urs_test *t)
{
    int encoded = 0;
    for (int32_t i = 0; i < urs_arch_count(); i++) {
        urs_model_options options = {0};
        urs_graph *g = NULL;
        urs_bytes file = {0};
        urs_onnx_facts facts = {0};
        urs_error err = {0};
        float *block;
        urs_status status;
        (void)snprintf(options.arch, sizeof options.arch, "%s", urs_arch_at(i)->name);
        URS_REQUIRE_OK(t, urs_model_build(&g, &options, &err), err);
        block = urs_aligned_new(urs_graph_block_elements(g) * sizeof *block);
        URS_REQUIRE(t, block);
        status = urs_onnx_encode_float(&file, NULL, g, block, NULL, &err);
        if (status == URS_OK) {
            const urs_param *params;
            const urs_value *outputs;
            size_t floats = 0;
            for (int32_t k = 0, n = urs_graph_params(g, &params); k < n; k++)
                floats += params[k].count;
            encoded++;
            URS_REQUIRE_OK(t, urs_onnx_check(&facts, file.data, file.size, &err), err);
            URS_CHECK_INT(t, facts.outputs, urs_graph_outputs(g, &outputs));
            URS_CHECK(t, facts.constant_bytes >= 4 * floats && facts.constant_bytes < 4 * floats + 8192); /* all parameters, and limits of clips */
        } else if (status != URS_EUNSUPPORTED || !(strstr(err.message, "attention") || strstr(err.message, "pad") || strstr(err.message, "position"))) {
            urs_test_fail(t, __FILE__, __LINE__, "%s: %s", options.arch, err.message);
        }
        urs_bytes_release(&file);
        urs_aligned_free(block);
        urs_graph_free(g);
    }
    URS_CHECK(t, encoded >= 12);
}

static void operators(urs_test *t)
{
    for (int32_t kind = 0; kind < URS_INT8_KIND_COUNT; kind++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            const bool none = kind == URS_INT8_GELU || kind == URS_INT8_DEQUANTIZE;
            urs_int8_graph *g = NULL;
            urs_bytes file = {0};
            urs_onnx_facts facts = {0};
            urs_error err = {0};
            urs_status status;
            URS_REQUIRE_OK(t, urs_int8_case_new(&g, (urs_int8_kind)kind, seed, true, &err), err);
            URS_REQUIRE_OK(t, urs_int8_graph_set_note(g, "ursid.classes", "bear", &err), err);
            status = urs_onnx_encode_int8(&file, g, &err);
            if (status == URS_OK) {
                URS_CHECK(t, !none);
                URS_REQUIRE_OK(t, urs_onnx_check(&facts, file.data, file.size, &err), err);
                URS_CHECK_INT(t, facts.inputs, g->n_inputs);
                URS_CHECK_INT(t, facts.outputs, g->n_outputs);
                URS_CHECK(t, facts.quantised >= (size_t)(g->n_inputs + g->n_ops));
            } else if (status != URS_EUNSUPPORTED || !(none || kind == URS_INT8_QUANTIZE || kind == URS_INT8_SOFTMAX || kind == URS_INT8_FULLY_CONNECTED)) {
                urs_test_fail(t, __FILE__, __LINE__, "%s %d: %s", urs_int8_kind_name((urs_int8_kind)kind), (int)seed, err.message);
            }
            urs_bytes_release(&file);
            urs_int8_graph_free(g);
        }
}

/* ---- the check ----------------------------------------------------------------------------------------------------------------------------------- */

static void twice(urs_onnx *m)
{
    small_model(m);
    urs_onnx_unary(m, "Relu", "x", "y");
}
static void unwritten(urs_onnx *m)
{
    small_model(m);
    urs_onnx_unary(m, "Relu", "z", "w");
}
static void order(urs_onnx *m)
{
    small_model(m);
    urs_onnx_unary(m, "Relu", "b", "a");
    urs_onnx_unary(m, "Relu", "x", "b");
}
static void stranger(urs_onnx *m)
{
    small_model(m);
    urs_onnx_unary(m, "Einsum", "x", "z");
}
static void no_output(urs_onnx *m)
{
    static const int64_t dims[] = {1};
    urs_onnx_input(m, "x", dims, 1);
    urs_onnx_unary(m, "Relu", "x", "y");
}
static void nameless(urs_onnx *m)
{
    small_model(m);
    urs_onnx_unary(m, "Relu", "x", "");
}

static void refuses(urs_test *t)
{
    static const struct {
        void (*build)(urs_onnx *m);
        const char *word;
    } wrong[] = {{twice, "written twice"}, {unwritten, "never written"}, {order, "before it is written"}, {stranger, "Einsum"}, {no_output, "without inputs or outputs"}, {nameless, "no name"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        urs_onnx m = {0};
        urs_bytes file = {0};
        urs_error err = {0};
        wrong[i].build(&m);
        if (urs_onnx_encode(&file, NULL, &m, "g", &err) == URS_OK || !strstr(err.message, wrong[i].word))
            urs_test_fail(t, __FILE__, __LINE__, "expected \"%s\", got \"%s\"", wrong[i].word, err.message);
        urs_bytes_release(&file);
        urs_onnx_release(&m);
    }
}

/* Cut anywhere it is refused; with any byte changed it is refused or a model, never read beyond its end (sanitizers). */
static void damaged(urs_test *t)
{
    urs_int8_graph *g = NULL;
    urs_bytes file = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_int8_case_new(&g, URS_INT8_CONV_2D, 3, true, &err), err);
    URS_REQUIRE_OK(t, urs_onnx_encode_int8(&file, g, &err), err);
    for (size_t n = 0; n < file.size; n++) {
        uint8_t *copy = malloc(n + 1); /* its end is the block's end */
        memcpy(copy, file.data, n);
        if (urs_onnx_check(NULL, copy, n, &err) == URS_OK && n < file.size / 2)
            urs_test_fail(t, __FILE__, __LINE__, "%zu of %zu bytes are taken for a model", n, file.size);
        free(copy);
    }
    for (size_t n = 0; n < file.size; n++) {
        const uint8_t kept = file.data[n];
        file.data[n] ^= (uint8_t)(1 + n % 255);
        (void)!urs_onnx_check(NULL, file.data, file.size, &err);
        file.data[n] = kept;
    }
    urs_bytes_release(&file);
    urs_int8_graph_free(g);
}

int main(void)
{
    static const urs_case cases[] = {{"bytes of a small model", bytes}, {"numbers and tensors", numbers}, {"architectures", architectures}, {"int8 operators", operators},
                                     {"what is refused", refuses}, {"damaged bytes", damaged}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
