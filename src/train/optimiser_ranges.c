/* Which parameter of a graph belongs to which group of an optimiser; see optimiser.h. */
#include "train/optimiser.h"

#include "base/memory.h"

/* Momentum of the batch norm that owns each running statistic. */
static void find_momentums(float *momentum, const urs_graph *graph)
{
    const urs_node *nodes;
    const int32_t n = urs_graph_nodes(graph, &nodes);

    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; nodes[i].op == URS_OP_BATCH_NORM && k < nodes[i].n_params; k++)
            momentum[nodes[i].param[k]] = nodes[i].attr.momentum;
}

urs_status urs_optimiser_ranges(urs_range **out, size_t *n, const urs_graph *graph, int32_t weight_group, int32_t other_group, const int32_t *group,
                                urs_error *err)
{
    const urs_param *params;
    const int32_t count = urs_graph_params(graph, &params);
    urs_range *ranges = urs_array_new((size_t)count, sizeof(*ranges));
    float *momentum = urs_array_new((size_t)count, sizeof(*momentum));

    if (!ranges || !momentum) {
        urs_free(ranges);
        urs_free(momentum);
        return urs_fail(err, URS_ENOMEM, "no memory for the ranges of %d parameters", count);
    }
    find_momentums(momentum, graph);
    for (int32_t i = 0; i < count; i++) {
        const urs_param *p = &params[i];

        ranges[i].offset = p->offset;
        ranges[i].count = p->count;
        ranges[i].group = group && group[i] >= 0 ? group[i] : p->role == URS_ROLE_WEIGHT ? weight_group : other_group;
        ranges[i].statistics = p->role == URS_ROLE_MEAN || p->role == URS_ROLE_VARIANCE;
        ranges[i].stat_momentum = momentum[i];
    }
    urs_free(momentum);
    *out = ranges;
    *n = (size_t)count;
    return URS_OK;
}
