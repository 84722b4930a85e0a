/* The embedding head in closed form: embeddings of the other animals are white around their mean, and the target's mean is 0; the whole training without gradients; folds. */
#include "base/file.h"
#include "base/memory.h"
#include "base/vector.h"
#include "harness.h"
#include "image/decode.h"
#include "stages/embed_head.h"
#include "stages/embed_train.h"
#include "stages/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 8 };

/* A pattern of the individual with something of the picture in it. */
static void write_chip(urs_test *t, const char *dir, const char *tree, int animal, int picture)
{
    urs_image image = {0};
    urs_error err = {0};
    urs_random r;
    char name[64], *path, *parent;
    double f[4];
    (void)snprintf(name, sizeof name, "%s/%d/%d.png", tree, animal, picture);
    path = urs_path_join(dir, name);
    parent = urs_path_folder(path);
    urs_random_init(&r, (uint64_t)(animal + 1) * 77 + (tree[0] == 'b' ? 0 : 1000));
    for (int i = 0; i < 4; i++)
        f[i] = urs_random_range(&r, 0.05, 0.5) + 0.06 * picture;
    URS_REQUIRE_OK(t, urs_image_new(&image, 64, 64, 3, &err), err);
    for (int32_t y = 0; y < 64; y++)
        for (int32_t x = 0; x < 64; x++)
            for (int c = 0; c < 3; c++)
                urs_image_at(&image, x, y)[c] = (uint8_t)(128 + 60 * sin(f[0] * x + f[1] * y + c) + 60 * cos(f[2] * x - f[3] * y + 1.5 * picture));
    URS_REQUIRE_OK(t, urs_folder_create(parent, &err), err);
    URS_REQUIRE_OK(t, urs_image_write(path, &image, &err), err);
    urs_image_release(&image);
    urs_free(parent);
    urs_free(path);
}

typedef struct trees {
    char *dir, bears[512], cats[512];
    const char *list[2];
} trees;

static void make_trees(urs_test *t, trees *out, const char *name)
{
    out->dir = urs_test_folder(name);
    for (int animal = 0; animal < 10; animal++)
        for (int picture = 0; picture < 4; picture++) {
            write_chip(t, out->dir, "bears", animal, picture);
            write_chip(t, out->dir, "cats", animal, picture);
        }
    (void)snprintf(out->bears, sizeof out->bears, "%s/bears", out->dir);
    (void)snprintf(out->cats, sizeof out->cats, "%s/cats:cat", out->dir);
    out->list[0] = out->bears;
    out->list[1] = out->cats;
}

/* ---- a head by hand ---- */

typedef struct outputs {
    const urs_chips *chips;
    const size_t *items;
    const urs_input_format *input;
    urs_chip_augment augment;
    bool masked;
    int32_t output;
    float *rows;
} outputs;

static urs_status prepare(void *context, size_t item, float *tensor, urs_error *err)
{
    const outputs *o = context;
    return urs_chips_prepare(tensor, o->chips, o->items[item], 1, 0, item, o->input, NULL, err);
}

static urs_status take(void *context, size_t item, const urs_outputs *results, int32_t index, urs_error *err)
{
    const outputs *o = context;
    (void)err;
    memcpy(o->rows + item * DIM, urs_outputs_of(results, o->output) + (size_t)index * DIM, DIM * sizeof(float));
    return URS_OK;
}

static void raw_embeddings(urs_test *t, float *rows, const urs_network *network, const urs_chips *chips, const size_t *items, size_t n)
{
    outputs o = {.chips = chips, .items = items, .input = &network->input, .output = urs_graph_find_output(network->graph, "embedding"), .rows = rows};
    const urs_runner_calls calls = {.context = &o, .prepare = prepare, .take = take};
    urs_runner *runner = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_runner_new(&runner, network, &(urs_runner_options){.batch = 4}, &err), err);
    URS_REQUIRE_OK(t, urs_runner_run(runner, n, &calls, &err), err);
    urs_runner_free(runner);
}

static void head_is_white(urs_test *t, bool regions)
{
    trees tr;
    urs_chips chips = {0};
    urs_network *network = NULL;
    urs_error err = {0};
    urs_model_options model = {.arch = "mobilenet_v3_small", .input_width = 64, .input_height = 64, .embedding = DIM, .head = URS_HEAD_PLAIN, .regions = regions};
    size_t *items = NULL, n = 0;
    int32_t *labels = NULL;
    float *rows;
    double mean[2][DIM] = {{0}}, cross[DIM][DIM] = {{0}}, count[2] = {0};
    make_trees(t, &tr, regions ? "head_regions" : "head_plain");
    URS_REQUIRE_OK(t, urs_chips_load(&chips, &(urs_chips_options){.trees = tr.list, .tree_count = 2, .side = 64}, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_chips_part(&items, &labels, NULL, &n, &chips, URS_PART_TRAIN, &err), err);
    URS_CHECK_INT(t, n, 80);
    URS_REQUIRE_OK(t, urs_network_new(&network, &model, 5, &err), err);
    URS_REQUIRE_OK(t, urs_embed_head_start(network, &chips, items, n, &(urs_embed_head_options){.shrink = 1e-9, .seed = 1}, &err), err);
    rows = urs_array_new(n * DIM, sizeof *rows);
    raw_embeddings(t, rows, network, &chips, items, n);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < DIM; d++)
            mean[chips.items[items[i]].tree][d] += (double)rows[i * DIM + (size_t)d];
    for (size_t i = 0; i < n; i++)
        count[chips.items[items[i]].tree] += 1;
    for (size_t i = 0; i < n; i++) { /* the components are the other animals': the second folder's */
        const int tree = chips.items[items[i]].tree;
        if (tree == 0)
            continue;
        for (int a = 0; a < DIM; a++)
            for (int b = 0; b < DIM; b++)
                cross[a][b] += ((double)rows[i * DIM + (size_t)a] - mean[tree][a] / count[tree]) * ((double)rows[i * DIM + (size_t)b] - mean[tree][b] / count[tree]) / count[1];
    }
    for (int a = 0; a < DIM; a++)
        for (int b = 0; b < DIM; b++)
            URS_CHECK_NEAR(t, cross[a][b], a == b, 0.02);
    {
        URS_REQUIRE_OK(t, urs_embed_head_centre(network, network->params, &chips, items, n, &(urs_embed_head_options){.seed = 1}, &err), err);
        /* A second centring finds nothing left to move. */
        {
            float *copy = urs_array_new(urs_graph_block_elements(network->graph), sizeof *copy);
            memcpy(copy, network->params, urs_graph_block_elements(network->graph) * sizeof *copy);
            URS_REQUIRE_OK(t, urs_embed_head_centre(network, network->params, &chips, items, n, &(urs_embed_head_options){.seed = 1}, &err), err);
            for (size_t e = 0; e < urs_graph_block_elements(network->graph); e++)
                if (fabsf(copy[e] - network->params[e]) > 1e-3f) {
                    URS_CHECK_NEAR(t, network->params[e], copy[e], 1e-3);
                    break;
                }
            urs_free(copy);
        }
    }
    urs_free(rows);
    urs_free(items);
    urs_free(labels);
    urs_network_free(network);
    urs_chips_release(&chips);
    free(tr.dir);
}

static void plain_head(urs_test *t)
{
    head_is_white(t, false);
}

static void head_with_regions(urs_test *t)
{
    head_is_white(t, true);
}

static void other_heads_are_refused(urs_test *t)
{
    urs_network *network = NULL;
    urs_error err = {0};
    const urs_model_options model = {.arch = "mobilenet_v3_small", .input_width = 64, .input_height = 64, .embedding = DIM, .hidden = {16}};
    const size_t none = 0;
    URS_REQUIRE_OK(t, urs_network_new(&network, &model, 5, &err), err);
    URS_CHECK_INT(t, urs_embed_head_start(network, NULL, &none, 0, &(urs_embed_head_options){.seed = 1}, &err), URS_EUNSUPPORTED);
    urs_network_free(network);
}

/* ---- the training around it ---- */

static void head_only_training_writes_a_model(urs_test *t)
{
    trees tr;
    urs_fit_report report = {0};
    urs_network *network = NULL;
    urs_error err = {0};
    char out[600];
    urs_embed_train_options o = {.arch = "mobilenet_v3_small", .side = 64, .embedding = DIM, .folds = 2, .fold = 1, .hold = 0.5f, .regions = true, .head_only = true};
    make_trees(t, &tr, "head_only");
    (void)snprintf(out, sizeof out, "%s/w.safetensors", tr.dir);
    o.trees = tr.list;
    o.tree_count = 2;
    o.fit = (urs_fit_options){.out = out, .threads = 1, .seed = 1, .quiet = true, .full_precision = true};
    URS_REQUIRE_OK(t, urs_embed_train(&o, &report, &err), err);
    URS_REQUIRE_OK(t, urs_network_read(&network, out, "embed", &err), err);
    URS_CHECK(t, network->options.regions);
    URS_CHECK_INT(t, network->options.embedding, DIM);
    URS_CHECK(t, strstr(urs_network_note(network, "ursid.training"), "; 2: Hit@1") != NULL);
    urs_network_free(network);
    /* With gradients: the weights of the end are kept, and blending makes the head again. */
    o.head_only = false;
    o.blend = 0.5;
    o.fit.epochs = 1;
    o.fit.batch = 8;
    URS_REQUIRE_OK(t, urs_embed_train(&o, &report, &err), err);
    URS_CHECK(t, report.validated && report.epochs == 1);
    URS_REQUIRE_OK(t, urs_network_read(&network, out, "embed", &err), err);
    urs_network_free(network);
    /* All bears and all others train: nothing is left to validate on, and that is not a score. */
    o.fold = 0;
    o.hold = 0;
    URS_REQUIRE_OK(t, urs_embed_train(&o, &report, &err), err);
    URS_CHECK(t, !report.validated && report.best == 0 && report.epochs == 1);
    free(tr.dir);
}

int main(void)
{
    static const urs_case cases[] = {{"plain_head", plain_head},
                                     {"head_with_regions", head_with_regions},
                                     {"other_heads_are_refused", other_heads_are_refused},
                                     {"head_only_training_writes_a_model", head_only_training_writes_a_model}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
