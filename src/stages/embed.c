/* From chips to vectors; see embed.h. */
#include "stages/embed.h"

#include "base/memory.h"
#include "base/vector.h"
#include "data/chips.h"

#include <string.h>

struct urs_embedder {
    urs_runner *runner;
    const urs_input_format *input; /* borrowed */
    int32_t output;
    size_t dim;
    bool flip;
    /* of the current call */
    const urs_image *const *pictures;
    float *views; /* owned, [n * views][dim] */
};

urs_status urs_embedder_new(urs_embedder **out, const urs_network *network, const urs_embedder_options *options, urs_error *err)
{
    const urs_graph *graph = network->graph;
    const urs_embedder_options zero = {0}, *o = options ? options : &zero;
    const urs_runner_options runner = {.batch = o->batch ? o->batch : 8, .pool = o->pool, .backend = o->backend};
    urs_embedder *e = urs_array_new(1, sizeof *e);
    urs_status status;
    if (!e)
        return urs_fail(err, URS_ENOMEM, "no memory for an embedder");
    e->input = &network->input;
    e->flip = !o->no_flip;
    e->output = urs_graph_find_output(graph, "embedding");
    if (e->output < 0)
        e->output = urs_graph_find_output(graph, "features");
    if (e->output < 0)
        e->output = 0;
    e->dim = urs_graph_output_elements(graph, e->output);
    status = urs_runner_new(&e->runner, network, &runner, err);
    if (status != URS_OK) {
        urs_free(e);
        return status;
    }
    *out = e;
    return URS_OK;
}

void urs_embedder_free(urs_embedder *e)
{
    if (!e)
        return;
    urs_runner_free(e->runner);
    urs_free(e);
}

int32_t urs_embedder_dim(const urs_embedder *e)
{
    return (int32_t)e->dim;
}

/* Views of one picture lie side by side: 2i as it is, 2i+1 mirrored. */
static urs_status prepare_view(void *context, size_t item, float *tensor, urs_error *err)
{
    const urs_embedder *e = context;
    const size_t views = e->flip ? 2 : 1;
    urs_status status = urs_chip_tensor(tensor, e->pictures[item / views], e->input, NULL, NULL, err);
    if (status == URS_OK && item % views) {
        const int32_t w = e->input->width;
        for (int32_t row = 0; row < 3 * e->input->height; row++) {
            float *line = tensor + (size_t)row * (size_t)w;
            for (int32_t x = 0; x < w / 2; x++) {
                const float t = line[x];
                line[x] = line[w - 1 - x];
                line[w - 1 - x] = t;
            }
        }
    }
    return status;
}

static urs_status take_view(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    const urs_embedder *e = context;
    (void)err;
    memcpy(e->views + item * e->dim, urs_outputs_of(outputs, e->output) + (size_t)index * e->dim, e->dim * sizeof(float));
    return URS_OK;
}

urs_status urs_embedder_pictures(urs_embedder *e, float *embedding, const urs_image *const *pictures, size_t n, urs_error *err)
{
    const size_t views = e->flip ? 2 : 1;
    const urs_runner_calls calls = {.context = e, .prepare = prepare_view, .take = take_view};
    urs_status status;
    size_t elements;
    if (!urs_mul_size(&elements, n, views * e->dim))
        return urs_fail(err, URS_ELIMIT, "%zu chips are too many at once", n);
    e->pictures = pictures;
    e->views = urs_array_new(elements, sizeof *e->views);
    if (!e->views)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", n);
    status = urs_runner_run(e->runner, n * views, &calls, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        float *to = embedding + i * e->dim;
        memset(to, 0, e->dim * sizeof *to);
        for (size_t k = 0; k < views; k++) {
            float *view = e->views + (i * views + k) * e->dim;
            (void)urs_normalise(view, (int32_t)e->dim);
            for (size_t d = 0; d < e->dim; d++)
                to[d] += view[d];
        }
        (void)urs_normalise(to, (int32_t)e->dim);
    }
    urs_free(e->views);
    e->views = NULL;
    return status;
}
