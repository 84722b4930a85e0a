/* int8 networks on the command line: export, model import, model info; exit codes, and that the written file is the same network. */
#include "harness.h"
#include "int8_cases.h"

#include "base/memory.h"
#include "cli/command.h"
#include "int8/onnx_model.h"
#include "int8/tflite_file.h"
#include "tiny_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS_MAX 12

/* Runs the program with stdout in FOLDER/stdout; its exit code. */
static int run(const char *folder, const char *const *words)
{
    char *argv[ARGUMENTS_MAX + 1] = {0}, *owned[ARGUMENTS_MAX] = {0}, path[512];
    int argc = 0, code, saved;
    FILE *f;
    for (; words[argc] && argc < ARGUMENTS_MAX; argc++)
        argv[argc] = owned[argc] = urs_strdup(words[argc]);
    (void)snprintf(path, sizeof path, "%s/stdout", folder);
    fflush(stdout);
    f = fopen(path, "wb");
    saved = dup(1);
    (void)dup2(fileno(f), 1);
    (void)fclose(f);
    code = urs_cli_main(argc, argv);
    fflush(stdout);
    (void)dup2(saved, 1);
    (void)close(saved);
    for (int i = 0; i < ARGUMENTS_MAX; i++)
        urs_free(owned[i]);
    return code;
}

#define RUN(folder, ...) run(folder, (const char *const[]){"ursid", __VA_ARGS__, NULL})

static bool said(const char *folder, const char *words)
{
    char path[512];
    urs_bytes bytes = {0};
    urs_error err = {0};
    bool found;
    (void)snprintf(path, sizeof path, "%s/stdout", folder);
    found = urs_file_read(&bytes, path, 0, &err) == URS_OK && strstr((const char *)bytes.data, words) != NULL;
    urs_bytes_release(&bytes);
    return found;
}

typedef struct paths {
    char *folder, *in, *out;
} paths;

static paths make(const char *folder, urs_int8_kind kind, const char *note)
{
    paths p = {.folder = urs_test_folder(folder)};
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    p.in = urs_path_join(p.folder, "in.tflite");
    p.out = urs_path_join(p.folder, "out.tflite");
    if (urs_int8_case_new(&g, kind, 3, true, &err) == URS_OK && urs_int8_graph_set_note(g, "ursid.classes", note, &err) == URS_OK)
        (void)!urs_tflite_save(g, p.in, &err);
    urs_int8_graph_free(g);
    return p;
}

static void release(paths *p)
{
    urs_free(p->folder);
    urs_free(p->in);
    urs_free(p->out);
}

static void exports(urs_test *t)
{
    paths p = make("int8-export", URS_INT8_DEPTHWISE_CONV_2D, "empty, bear");
    urs_int8_graph *a = NULL, *b = NULL;
    urs_error err = {0};
    URS_CHECK_INT(t, RUN(p.folder, "export", p.in, "--tflite", p.out), 0);
    URS_CHECK(t, said(p.folder, "DEPTHWISE_CONV_2D") && said(p.folder, "working memory") && said(p.folder, "empty, bear"));
    URS_REQUIRE_OK(t, urs_tflite_load(&a, p.in, &err), err);
    URS_REQUIRE_OK(t, urs_tflite_load(&b, p.out, &err), err);
    URS_REQUIRE_OK(t, urs_int8_graph_compare(a, b, &err), err);
    urs_int8_graph_free(a);
    urs_int8_graph_free(b);
    URS_CHECK_INT(t, RUN(p.folder, "export", p.in), 2); /* neither --tflite nor --onnx */
    URS_CHECK_INT(t, RUN(p.folder, "export", "/nowhere.tflite", "--tflite", p.out), 1);
    release(&p);
}

/* A network that ends in floats is valid, but not int8 to the end. */
static void refuses_floats(urs_test *t)
{
    paths p = make("int8-floats", URS_INT8_DEQUANTIZE, "x");
    URS_CHECK_INT(t, RUN(p.folder, "export", p.in, "--tflite", p.out), 1);
    URS_CHECK(t, !urs_file_exists(p.out));
    release(&p);
}

/* Float weights as they are, int8 ones with their scales; notes travel. */
static void exports_onnx(urs_test *t)
{
    paths p = make("onnx-export", URS_INT8_CONV_2D, "empty, bear");
    char *weights = urs_path_join(p.folder, "sift.safetensors"), *onnx = urs_path_join(p.folder, "out.onnx");
    urs_onnx_facts facts = {0};
    urs_bytes file = {0};
    urs_error err = {0};
    URS_CHECK_INT(t, RUN(p.folder, "export", p.in, "--onnx", onnx, "--tflite", p.out), 0);
    URS_CHECK(t, said(p.folder, "CONV_2D") && urs_file_exists(p.out));
    URS_REQUIRE_OK(t, urs_file_read(&file, onnx, 0, &err), err);
    URS_REQUIRE_OK(t, urs_onnx_check(&facts, file.data, file.size, &err), err);
    URS_CHECK_INT(t, facts.quantised, 2); /* input and result */
    URS_CHECK(t, memmem(file.data, file.size, "empty, bear", 11) != NULL);
    urs_bytes_release(&file);
    URS_REQUIRE(t, tiny_model_write(p.folder, "sift", NULL));
    URS_CHECK_INT(t, RUN(p.folder, "export", weights, "--onnx", onnx), 0);
    URS_CHECK(t, said(p.folder, "float32, opset 17") && said(p.folder, "[batch,3,32,32]"));
    URS_REQUIRE_OK(t, urs_file_read(&file, onnx, 0, &err), err);
    URS_REQUIRE_OK(t, urs_onnx_check(&facts, file.data, file.size, &err), err);
    URS_CHECK_INT(t, facts.quantised, 0);
    URS_CHECK(t, memmem(file.data, file.size, "ursid.stage", 11) != NULL);
    urs_bytes_release(&file);
    URS_CHECK_INT(t, RUN(p.folder, "export", weights, "--tflite", onnx), 1); /* int8 must be made first */
    URS_CHECK_INT(t, RUN(p.folder, "export", weights, "--onnx", "/nowhere/x.onnx"), 1);
    urs_free(weights);
    urs_free(onnx);
    release(&p);
}

static void imports(urs_test *t)
{
    paths p = make("int8-import", URS_INT8_FULLY_CONNECTED, "x");
    urs_int8_graph *g = NULL;
    urs_error err = {0};
    URS_CHECK_INT(t, RUN(p.folder, "model", "import", p.in, "--out", p.out, "--licence", "CC0"), 0);
    URS_REQUIRE_OK(t, urs_tflite_load(&g, p.out, &err), err);
    URS_CHECK_TEXT(t, urs_int8_graph_note(g, "ursid.licence"), "CC0");
    URS_CHECK_TEXT(t, urs_int8_graph_note(g, "ursid.source"), "in.tflite");
    urs_int8_graph_free(g);
    URS_CHECK_INT(t, RUN(p.folder, "model", "info", p.out), 0);
    URS_CHECK(t, said(p.folder, "FULLY_CONNECTED") && said(p.folder, "CC0"));
    URS_CHECK_INT(t, RUN(p.folder, "model", "info", p.out, "--json"), 0);
    URS_CHECK(t, said(p.folder, "\"working_bytes\""));
    URS_CHECK_INT(t, RUN(p.folder, "model", "import", p.in, "--out", "x.safetensors"), 2); /* float weights want --arch */
    release(&p);
}

int main(void)
{
    static const urs_case cases[] = {{"export", exports}, {"export of floats", refuses_floats}, {"export to ONNX", exports_onnx}, {"model import and info", imports}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
