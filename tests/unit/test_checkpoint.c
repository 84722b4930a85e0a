/* Checkpoints: going on from one gives the same bytes as never having stopped; whatever does not belong is refused with a reason. */
#include "tiny_training.h"

#include "base/file.h"
#include "base/memory.h"
#include "nn/weights.h"
#include "train/checkpoint.h"

#include <stdlib.h>

#define OPTIONS "seed=3 batch=6 lr=0.05"

static const tiny_options all = {.batch_norm = true, .dropout = true, .arcface = true};

static urs_trainer_options options_of(bool adam, bool ema)
{
    return (urs_trainer_options){.threads = 2, .batch = 6, .optimiser = {.kind = adam ? URS_OPTIMISER_ADAMW : URS_OPTIMISER_SGD}, .ema = ema, .seed = 3};
}

static char *path_of(urs_test *t, const char *name)
{
    char *folder = urs_test_folder("checkpoint"), *path = folder ? urs_path_join(folder, name) : NULL;

    if (!path)
        urs_test_fail(t, __FILE__, __LINE__, "no folder for the test");
    urs_free(folder);
    return path;
}

static bool same_block(const float *a, const float *b, size_t n)
{
    return a && b && memcmp(a, b, n * sizeof(float)) == 0;
}

static void resumes_to_the_same_bytes(urs_test *t)
{
    for (int kind = 0; kind < 4; kind++) {
        const urs_trainer_options options = options_of(kind & 1, kind & 2);
        urs_checkpoint state = {.epoch = 4, .best = 0.1 + 0.2, .best_epoch = 3, .counters = {1, UINT64_MAX}}, back = {0};
        char *path = path_of(t, "run.ckpt");
        urs_graph *graph = tiny_graph(t, &all);
        size_t n;
        tiny straight, first, second;
        urs_error err = {0};

        urs_random_init(&state.randoms[2], 99);
        URS_REQUIRE(t, path && graph && tiny_open(t, &straight, graph, &all, &options) && tiny_open(t, &first, graph, &all, &options) &&
                           tiny_open(t, &second, graph, &all, &options));
        (void)tiny_run(t, &straight, 8, 0.05, 2);
        (void)tiny_run(t, &first, 5, 0.05, 2);
        URS_REQUIRE_OK(t, urs_checkpoint_save(path, first.trainer, OPTIONS, &state, &err), err);
        (void)tiny_run(t, &second, 1, 0.05, 1); /* whatever it was before */
        URS_REQUIRE_OK(t, urs_checkpoint_load(path, second.trainer, OPTIONS, &back, &err), err);
        URS_CHECK(t, memcmp(&state, &back, sizeof(state)) == 0);
        URS_CHECK_INT(t, urs_trainer_steps(second.trainer), 5);
        URS_CHECK_INT(t, urs_trainer_batches(second.trainer), 10);
        (void)tiny_run(t, &second, 3, 0.05, 2);

        n = urs_trainer_elements(straight.trainer);
        URS_CHECK(t, same_block(urs_trainer_params(straight.trainer), urs_trainer_params(second.trainer), n));
        URS_CHECK(t, same_block(urs_trainer_best(straight.trainer), urs_trainer_best(second.trainer), n));
        for (int i = 0; i < urs_optimiser_blocks(urs_trainer_optimiser(straight.trainer)); i++)
            URS_CHECK(t, same_block(urs_optimiser_block(urs_trainer_optimiser(straight.trainer), i),
                                    urs_optimiser_block(urs_trainer_optimiser(second.trainer), i), n));
        tiny_close(&straight);
        tiny_close(&first);
        tiny_close(&second);
        urs_graph_free(graph);
        urs_free(path);
    }
}

/* Refused, with a sentence that says why, and the trainer is as before. */
static void refuse(urs_test *t, const char *path, tiny *w, const char *options, urs_status wanted, const char *word)
{
    const size_t n = urs_trainer_elements(w->trainer);
    float *before = malloc(n * sizeof(float));
    urs_checkpoint state = {.epoch = 77};
    urs_error err = {0};

    URS_REQUIRE(t, before != NULL);
    memcpy(before, urs_trainer_params(w->trainer), n * sizeof(float));
    URS_CHECK_INT(t, urs_checkpoint_load(path, w->trainer, options, &state, &err), wanted);
    if (!strstr(err.message, word))
        urs_test_fail(t, __FILE__, __LINE__, "\"%s\" does not say \"%s\"", err.message, word);
    URS_CHECK(t, same_block(before, urs_trainer_params(w->trainer), n) && state.epoch == 77);
    free(before);
}

static void refuses_what_does_not_belong(urs_test *t)
{
    const urs_trainer_options sgd = options_of(false, true), adam = options_of(true, true), plain = options_of(false, false);
    const tiny_options other_net = {.batch_norm = true, .dropout = true};
    const urs_checkpoint state = {0};
    char *path = path_of(t, "one.ckpt"), *cut = path_of(t, "cut.ckpt");
    urs_graph *graph = tiny_graph(t, &all), *other = tiny_graph(t, &other_net);
    urs_bytes bytes;
    tiny w, a, p, o;
    urs_error err = {0};

    URS_REQUIRE(t, path && cut && graph && other && tiny_open(t, &w, graph, &all, &sgd) && tiny_open(t, &a, graph, &all, &adam) &&
                       tiny_open(t, &p, graph, &all, &plain) && tiny_open(t, &o, other, &other_net, &sgd));
    URS_CHECK(t, urs_graph_fingerprint(graph) != urs_graph_fingerprint(other));
    refuse(t, path, &w, OPTIONS, URS_ENOTFOUND, "one.ckpt");
    URS_REQUIRE_OK(t, urs_checkpoint_save(path, w.trainer, OPTIONS, &state, &err), err);
    URS_CHECK(t, !urs_file_exists("one.ckpt.part"));
    refuse(t, path, &o, OPTIONS, URS_EMISMATCH, "another network");
    refuse(t, path, &a, OPTIONS, URS_EMISMATCH, "adamw");
    refuse(t, path, &w, "seed=3 batch=8 lr=0.05", URS_EMISMATCH, "there \"batch=6 lr=0.05\", here \"batch=8 lr=0.05\"");
    refuse(t, path, &p, OPTIONS, URS_EFORMAT, "average");

    URS_REQUIRE_OK(t, urs_file_read(&bytes, path, 0, &err), err);
    for (size_t size = 0; size < bytes.size; size += size < 1200 ? 97 : 1999) {
        URS_REQUIRE_OK(t, urs_file_write(cut, bytes.data, size, &err), err);
        refuse(t, cut, &w, OPTIONS, URS_EFORMAT, "cut.ckpt");
    }
    bytes.data[20] ^= 0x15; /* inside the header */
    URS_REQUIRE_OK(t, urs_file_write(cut, bytes.data, bytes.size, &err), err);
    refuse(t, cut, &w, OPTIONS, URS_EFORMAT, "cut.ckpt");
    urs_bytes_release(&bytes);
    URS_CHECK(t, urs_checkpoint_save("/nowhere/at/all.ckpt", w.trainer, OPTIONS, &state, &err) == URS_EIO);
    tiny_close(&w);
    tiny_close(&a);
    tiny_close(&p);
    tiny_close(&o);
    urs_graph_free(graph);
    urs_graph_free(other);
    urs_free(path);
    urs_free(cut);
}

/* It is a safetensors file like any other. */
static void is_safetensors(urs_test *t)
{
    const urs_trainer_options options = options_of(true, true);
    const urs_checkpoint state = {0};
    char *path = path_of(t, "format.ckpt");
    urs_graph *graph = tiny_graph(t, &all);
    const urs_weight *params;
    urs_weights *file;
    tiny w;
    urs_error err = {0};

    URS_REQUIRE(t, path && graph && tiny_open(t, &w, graph, &all, &options));
    URS_REQUIRE_OK(t, urs_checkpoint_save(path, w.trainer, OPTIONS " name=\"B\xc3\xa4r\"\n", &state, &err), err);
    URS_REQUIRE_OK(t, urs_weights_read(&file, path, &err), err);
    URS_CHECK_INT(t, (long long)urs_weights_count(file), 4);
    params = urs_weights_find(file, "params");
    URS_REQUIRE(t, params && params->count == urs_trainer_elements(w.trainer));
    URS_CHECK(t, same_block(params->data, urs_trainer_params(w.trainer), params->count));
    URS_CHECK(t, urs_weights_find(file, "optimiser.1") && urs_weights_find(file, "average"));
    URS_CHECK_TEXT(t, urs_weights_metadata(file, "ursid.options"), OPTIONS " name=\"B\xc3\xa4r\"\n");
    urs_weights_free(file);
    tiny_close(&w);
    urs_graph_free(graph);
    urs_free(path);
}

int main(void)
{
    static const urs_case cases[] = {{"resumes_to_the_same_bytes", resumes_to_the_same_bytes},
                                     {"refuses_what_does_not_belong", refuses_what_does_not_belong},
                                     {"is_safetensors", is_safetensors}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
