/* Statistics for batch norms that were folded away; see import.h.
 *
 * A norm that was imported as y = x + b (or any norm whose inference function is right) is an affine map y = s * x + t per channel. With the batch's mean m and
 * variance v of x it is the same map as the norm (mean m, variance v, weight s * sqrt(v + eps), bias t + s * m), and that one also works with batch statistics.
 *
 * What a norm sees in a training pass depends on the norms in front of it, which still have wrong weights the first time. Each pass makes one more norm in
 * a row right for this batch, so after as many passes as there are norms nothing changes any more; usually it settles earlier. */
#include "models/import.h"

#include "base/memory.h"
#include "nn/plan.h"

#include <math.h>
#include <string.h>

#define SETTLED 1e-5 /* relative change of the deviations */

typedef struct affine {
    float *scale, *shift; /* blocks like the parameters'; used at the offsets of weight and bias */
} affine;

static double update_norm(float *block, const urs_param *params, const urs_node *norm, const affine *map, const float *batch)
{
    const urs_param *gamma = &params[norm->param[0]], *beta = &params[norm->param[1]], *mean = &params[norm->param[2]], *variance = &params[norm->param[3]];
    double change = 0;
    for (size_t c = 0; c < gamma->count; c++) {
        const double m = (double)batch[mean->offset + c], v = fmax((double)batch[variance->offset + c], 0.0);
        const double s = (double)map->scale[gamma->offset + c], t = (double)map->shift[beta->offset + c];
        const double old = sqrt((double)block[variance->offset + c] + (double)norm->attr.eps), deviation = sqrt(v + (double)norm->attr.eps);
        change = fmax(change, fabs(deviation - old) / deviation);
        block[mean->offset + c] = (float)m;
        block[variance->offset + c] = (float)v;
        block[gamma->offset + c] = (float)(s * deviation);
        block[beta->offset + c] = (float)(t + s * m);
    }
    return change;
}

/* The maps that the norms stand for now. */
static void read_maps(const affine *map, const float *block, const urs_param *params, const urs_node *nodes, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const urs_node *norm = &nodes[i];
        if (norm->op != URS_OP_BATCH_NORM)
            continue;
        for (size_t c = 0; c < params[norm->param[0]].count; c++) {
            const size_t gamma = params[norm->param[0]].offset + c, beta = params[norm->param[1]].offset + c;
            const double s = (double)block[gamma] / sqrt((double)block[params[norm->param[3]].offset + c] + (double)norm->attr.eps);
            map->scale[gamma] = (float)s;
            map->shift[beta] = (float)((double)block[beta] - s * (double)block[params[norm->param[2]].offset + c]);
        }
    }
}

urs_status urs_import_measure_norms(const urs_graph *graph, float *block, const float *pictures, int32_t n, const urs_backend *backend, urs_error *err)
{
    const size_t elements = urs_graph_block_elements(graph);
    const urs_plan_options options = {.backend = backend, .batch = n, .training = true};
    const urs_node *nodes;
    const urs_param *params;
    const int32_t n_nodes = urs_graph_nodes(graph, &nodes);
    const urs_value *inputs;
    affine map = {urs_array_new(elements, sizeof *map.scale), urs_array_new(elements, sizeof *map.shift)};
    float *work = urs_array_new(elements, sizeof *work);
    urs_plan *plan = NULL;
    urs_dims dims;
    int32_t norms = 0;
    urs_status status = URS_OK;

    (void)urs_graph_params(graph, &params);
    (void)urs_graph_inputs(graph, &inputs);
    dims = urs_graph_dims(graph, inputs[0]);
    if (n < 2) {
        status = urs_fail(err, URS_EINVAL, "the statistics of batch norms need at least two pictures");
        goto done;
    }
    if (!map.scale || !map.shift || !work) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", elements);
        goto done;
    }
    memcpy(work, block, elements * sizeof *work);
    read_maps(&map, work, params, nodes, n_nodes);
    status = urs_plan_new(&plan, graph, work, &options, err);
    if (status != URS_OK)
        goto done;
    for (int32_t i = 0; i < n_nodes; i++)
        norms += nodes[i].op == URS_OP_BATCH_NORM;
    for (int32_t pass = 0; pass <= norms; pass++) {
        const float *batch;
        double change = 0;
        memcpy(urs_plan_input(plan, 0), pictures, (size_t)n * (size_t)(dims.c * dims.h * dims.w) * sizeof *pictures);
        urs_plan_set_seed(plan, 1);
        status = urs_plan_forward(plan, err);
        if (status != URS_OK)
            goto done;
        batch = urs_plan_gradients(plan);
        for (int32_t i = 0; i < n_nodes; i++)
            if (nodes[i].op == URS_OP_BATCH_NORM)
                change = fmax(change, update_norm(work, params, &nodes[i], &map, batch));
        urs_plan_update(plan);
        if (change < SETTLED)
            break;
    }
    memcpy(block, work, elements * sizeof *work);
done:
    urs_plan_free(plan);
    urs_free(map.scale);
    urs_free(map.shift);
    urs_free(work);
    return status;
}
