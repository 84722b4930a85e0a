/* `ursid model info` and `ursid model import`: exit codes, what they print, and that an imported file is one of ours. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"
#include "nn/weights.h"
#include "stages/network.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURES URS_SOURCE_DIR "/tests/fixtures/weights/"
#define ARGUMENTS_MAX 16

/* Runs the program's main with words up to NULL; *out and *complaint: what it wrote to stdout and stderr (owned). */
static int run(const char *folder, const char *const *words, urs_bytes *out, urs_bytes *complaint)
{
    char *argv[ARGUMENTS_MAX + 1] = {0}, *owned[ARGUMENTS_MAX] = {0}, paths[2][512];
    urs_error err = {0};
    int saved[2], argc = 0, code;
    for (; words[argc] && argc < ARGUMENTS_MAX; argc++)
        argv[argc] = owned[argc] = urs_strdup(words[argc]);
    (void)snprintf(paths[0], sizeof paths[0], "%s/stdout", folder);
    (void)snprintf(paths[1], sizeof paths[1], "%s/stderr", folder);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(paths[i], "wb");
        saved[i] = dup(i + 1);
        (void)dup2(fileno(f), i + 1);
        (void)fclose(f);
    }
    code = urs_cli_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        (void)dup2(saved[i], i + 1);
        (void)close(saved[i]);
    }
    for (int i = 0; i < ARGUMENTS_MAX; i++) /* argv itself was rearranged */
        urs_free(owned[i]);
    if (urs_file_read(out, paths[0], 0, &err) != URS_OK || urs_file_read(complaint, paths[1], 0, &err) != URS_OK)
        return -1;
    return code;
}

typedef struct outcome {
    int code;
    urs_bytes out, complaint;
} outcome;

#define RUN(folder, ...) run_words(folder, (const char *const[]){"ursid", "model", __VA_ARGS__, NULL})

static outcome run_words(const char *folder, const char *const *words)
{
    outcome o = {0};
    o.code = run(folder, words, &o.out, &o.complaint);
    return o;
}

static bool says(const urs_bytes *b, const char *text)
{
    return b->data && strstr((const char *)b->data, text) != NULL;
}

static void release(outcome *o)
{
    urs_bytes_release(&o->out);
    urs_bytes_release(&o->complaint);
}

static void info_of_architectures(urs_test *t)
{
    static const struct {
        const char *arch, *parameters;
    } known[] = {{"mobilenet_v3_small", "2,542,856"}, {"convnext_tiny", "28,589,128"}, {"yolov8n", "3,157,200"}, {"efficientnet_lite0", "4,652,008"}};
    char *folder = urs_test_folder("cmd_model");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        outcome o = RUN(folder, "info", known[i].arch);
        URS_CHECK_INT(t, o.code, URS_EXIT_OK);
        URS_CHECK(t, says(&o.out, known[i].parameters) && says(&o.out, known[i].arch));
        URS_CHECK_INT(t, o.complaint.size, 0);
        release(&o);
    }
    free(folder);
}

static void info_as_json(urs_test *t)
{
    char *folder = urs_test_folder("cmd_model");
    outcome o = RUN(folder, "info", "--json", "mobilenet_v3_small"), f = RUN(folder, "info", FIXTURES "types_zip.pth", "--json");
    json_t *arch = json_loadb((const char *)o.out.data, o.out.size, 0, NULL), *file = json_loadb((const char *)f.out.data, f.out.size, 0, NULL);
    URS_CHECK_INT(t, json_integer_value(json_object_get(arch, "parameters")), 2542856);
    URS_CHECK_INT(t, json_integer_value(json_object_get(json_object_get(arch, "input"), "width")), 224);
    URS_CHECK_INT(t, json_integer_value(json_object_get(file, "tensor_count")), 11);
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_array_get(json_object_get(file, "tensors"), 0), "dtype")), "F16");
    json_decref(arch);
    json_decref(file);
    release(&o);
    release(&f);
    free(folder);
}

static void wrong_use(urs_test *t)
{
    char *folder = urs_test_folder("cmd_model");
    outcome o[] = {RUN(folder, "info"), RUN(folder, "inform"), RUN(folder, "info", "nothing-there"), RUN(folder, "info", FIXTURES "bad_system.pth"),
                   RUN(folder, "import", FIXTURES "plain_zip.pth", "--out", "x"), RUN(folder, "import", FIXTURES "plain_zip.pth", "--out", "x", "--arch", "nonsense"),
                   RUN(folder, "import", FIXTURES "plain_zip.pth", "--out", "x", "--arch", "convnext_tiny")};
    static const struct {
        int code;
        const char *words;
    } expected[] = {{URS_EXIT_USAGE, "ARCH|FILE"}, {URS_EXIT_USAGE, "inform"}, {URS_EXIT_FAILED, "nothing-there"}, {URS_EXIT_FAILED, "system"},
                    {URS_EXIT_USAGE, "--arch"},    {URS_EXIT_USAGE, "nonsense"}, {URS_EXIT_FAILED, "features.0.0.weight"}};
    for (size_t i = 0; i < sizeof o / sizeof *o; i++) {
        URS_CHECK_INT(t, o[i].code, expected[i].code);
        if (!says(&o[i].complaint, expected[i].words) || o[i].out.size)
            urs_test_fail(t, __FILE__, __LINE__, "use %zu: stdout '%s', stderr '%s'", i, (const char *)o[i].out.data, (const char *)o[i].complaint.data);
        release(&o[i]);
    }
    URS_CHECK(t, !urs_file_exists("x"));
    free(folder);
}

/* A network of starting values, renamed, through `import` into a file that the stages read; and once more, which changes nothing. */
static void import_by_name(urs_test *t)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small_075", .classes = 3};
    char *folder = urs_test_folder("cmd_model"), source[512], first[512], second[512];
    urs_network *n = NULL, *back = NULL;
    urs_weights *w = NULL, *renamed = NULL;
    urs_error err = {0};
    outcome o;

    (void)snprintf(source, sizeof source, "%s/source.safetensors", folder);
    (void)snprintf(first, sizeof first, "%s/first.safetensors", folder);
    (void)snprintf(second, sizeof second, "%s/second.safetensors", folder);
    URS_REQUIRE_OK(t, urs_network_new(&n, &options, 9, &err), err);
    URS_REQUIRE_OK(t, urs_weights_from_block(&w, n->graph, n->params, &err), err);
    URS_REQUIRE_OK(t, urs_weights_new(&renamed, &err), err);
    for (size_t i = 0; i < urs_weights_count(w); i++) {
        const urs_weight *x = urs_weights_at(w, i);
        char name[256];
        (void)snprintf(name, sizeof name, "backbone.%s", x->name);
        URS_REQUIRE_OK(t, urs_weights_add(renamed, name, x->rank, x->shape, x->data, &err), err);
    }
    URS_REQUIRE_OK(t, urs_weights_write_safetensors(source, renamed, URS_WEIGHT_F32, &err), err);
    o = RUN(folder, "import", source, "--arch", "mobilenet_v3_small_075", "--out", first, "--licence", "Apache-2.0");
    URS_CHECK_INT(t, o.code, URS_EXIT_OK);
    URS_CHECK(t, says(&o.out, "backbone"));
    release(&o);
    URS_REQUIRE_OK(t, urs_network_read(&back, first, NULL, &err), err);
    URS_CHECK_INT(t, back->options.classes, 3);
    URS_CHECK_TEXT(t, urs_network_note(back, "ursid.licence"), "Apache-2.0");
    URS_CHECK_TEXT(t, urs_network_note(back, "ursid.source"), "source.safetensors");
    URS_CHECK(t, memcmp(back->params, n->params, urs_graph_block_elements(n->graph) * sizeof *n->params) == 0);
    o = RUN(folder, "import", first, "--arch", "mobilenet_v3_small_075", "--out", second);
    URS_CHECK_INT(t, o.code, URS_EXIT_OK);
    release(&o);
    urs_network_free(back);
    back = NULL;
    URS_REQUIRE_OK(t, urs_network_read(&back, second, NULL, &err), err);
    URS_CHECK_INT(t, back->options.classes, 3);
    URS_CHECK(t, memcmp(back->params, n->params, urs_graph_block_elements(n->graph) * sizeof *n->params) == 0);
    urs_network_free(n);
    urs_network_free(back);
    urs_weights_free(w);
    urs_weights_free(renamed);
    free(folder);
}

int main(void)
{
    static const urs_case cases[] = {{"info of architectures", info_of_architectures},
                                     {"info as JSON", info_as_json},
                                     {"wrong use", wrong_use},
                                     {"import by name", import_by_name}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
