/* A picture through an engine; see engine_check.h. */
#include "edge/engine_check.h"

#include "base/memory.h"
#include "stages/int8_network.h"

#include <math.h>

static float noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 56);
}

/* Soft waves that differ in the colours, some noise on them: edges and flat parts, all bytes. */
static void draw(float *out, const urs_input_format *f)
{
    const size_t width = (size_t)f->width, pixels = width * (size_t)f->height;
    uint64_t state = 1;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++) {
            const float wave = 128 + 100 * sinf((float)(i % width) * 0.05f + (float)c) * cosf((float)(i / width) * 0.03f);
            const float byte = rintf(wave + (noise(&state) - 128) * 0.15f), std = f->std[c] == 0.0f ? 1.0f : f->std[c];
            out[c * pixels + i] = (byte / 255 - f->mean[c]) / std;
        }
}

static size_t output_size(const urs_network *n, int32_t k)
{
    const urs_value *values;
    urs_dims d;
    (void)urs_graph_outputs(n->graph, &values);
    d = urs_graph_dims(n->graph, values[k]);
    return (size_t)(d.c * d.h * d.w);
}

urs_status urs_engine_test_outputs(float **out, const urs_network *n, urs_executor *executor, urs_error *err)
{
    const urs_value *values;
    const int32_t outputs = urs_graph_outputs(n->graph, &values);
    float *input = urs_array_new(3 * (size_t)n->input.width, (size_t)n->input.height * sizeof *input), **at = urs_array_new((size_t)outputs, sizeof *at), *block = NULL;
    size_t count = 0;
    urs_status status;
    for (int32_t k = 0; k < outputs; k++)
        count += output_size(n, k);
    block = urs_array_new(count, sizeof *block);
    if (!input || !at || !block) {
        status = urs_fail(err, URS_ENOMEM, "no memory to test an engine");
        goto done;
    }
    draw(input, &n->input);
    count = 0;
    for (int32_t k = 0; k < outputs; k++) {
        at[k] = block + count;
        count += output_size(n, k);
    }
    status = executor->run(executor, input, at, err);
    if (status == URS_OK) {
        *out = block;
        block = NULL;
    }
done:
    urs_free(input);
    urs_free(at);
    urs_free(block);
    return status;
}

double urs_engine_distance(const urs_network *n, const float *a, const float *b)
{
    const urs_value *values;
    double sum = 0;
    size_t count = 0, at = 0;
    for (int32_t k = 0, outputs = urs_graph_outputs(n->graph, &values); k < outputs; k++) {
        const size_t size = output_size(n, k);
        const int32_t index = urs_int8_output_index(n, k);
        const double scale = index >= 0 ? (double)n->int8->tensors[n->int8->outputs[index]].quant.scale : 0;
        for (size_t i = 0; scale > 0 && i < size; i++)
            sum += fabs((double)a[at + i] - (double)b[at + i]) / scale;
        count += scale > 0 ? size : 0;
        at += size;
    }
    return count > 0 ? sum / (double)count : 0;
}
