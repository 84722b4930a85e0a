/* Cross-layer equalisation; see remedies.h. */
#include "quant/remedies.h"

#include "base/memory.h"

#include <math.h>

#define SWEEPS 20
#define FACTOR_MAX 1e3

/* The convolution that alone reads what `first` makes, through a ReLU at most; NULL: there is none. */
static const urs_deploy_conv *second_of(const urs_deploy *d, const urs_deploy_conv *first)
{
    const urs_node *nodes;
    const urs_value *outputs;
    const urs_deploy_conv *second = NULL;
    const int32_t n = urs_graph_nodes(d->graph, &nodes), n_outputs = urs_graph_outputs(d->graph, &outputs);
    urs_value v = first->node;
    if (first->activation == URS_ACT_RELU6 || first->bias_constant != 0)
        return NULL;
    for (int hop = 0; hop < (first->activation == URS_ACT_NONE ? 1 : 2); hop++) /* ReLU, fake quant: each directly behind */
        v++;
    for (int32_t i = 0; i < n_outputs; i++)
        if (outputs[i] == v)
            return NULL;
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < nodes[i].n_in; k++) {
            if (nodes[i].in[k] != v)
                continue;
            if (nodes[i].op != URS_OP_CONV || second)
                return NULL;
            for (int32_t c = 0; c < d->n_convs; c++)
                if (d->convs[c].node == i)
                    second = &d->convs[c];
        }
    return second;
}

/* Largest weight that channel i of the input meets. */
static double reading_range(const urs_deploy_conv *c, const float *block, int32_t i)
{
    const int32_t per_group = c->in / c->groups, rows = c->out / c->groups, group = i / per_group;
    double largest = 0;
    for (int32_t o = group * rows; o < (group + 1) * rows; o++)
        for (int32_t k = 0; k < c->area; k++)
            largest = fmax(largest, fabs((double)block[urs_deploy_row_at(c, o, i % per_group * c->area + k)]));
    return largest;
}

static double writing_range(const urs_deploy_conv *c, const float *block, int32_t o)
{
    double largest = 0;
    for (int32_t k = 0, n = urs_deploy_row_count(c); k < n; k++)
        largest = fmax(largest, fabs((double)block[urs_deploy_row_at(c, o, k)]));
    return largest;
}

/* Returns how far the farthest factor is from 1. */
static double equalise_pair(urs_deploy *d, const urs_deploy_conv *a, const urs_deploy_conv *b, const float *block)
{
    double farthest = 0;
    for (int32_t i = 0; i < a->out; i++) {
        float *post = &d->factors[a->post_at + (size_t)i], *pre = &d->factors[b->pre_at + (size_t)i];
        const double r1 = writing_range(a, block, i), r2 = reading_range(b, block, i), s = r1 > 0 && r2 > 0 ? sqrt(r1 / r2) : 1; /* = sqrt(r1 r2) / r2 */
        const double wanted = (double)*pre * s;
        if (wanted > FACTOR_MAX || wanted < 1 / FACTOR_MAX)
            continue;
        *pre = (float)wanted;
        *post = (float)((double)*post / s);
        farthest = fmax(farthest, fabs(s - 1));
    }
    return farthest;
}

urs_status urs_equalise(urs_deploy *d, const float *params, int32_t *pairs, urs_error *err)
{
    float *block = urs_aligned_new(urs_graph_block_elements(d->graph) * sizeof *block);
    double farthest = 1;
    if (!block)
        return urs_fail(err, URS_ENOMEM, "no memory to equalise weights");
    for (int sweep = 0; sweep < SWEEPS && farthest > 1e-3; sweep++) {
        farthest = 0;
        *pairs = 0;
        for (int32_t i = 0; i < d->n_convs; i++) {
            const urs_deploy_conv *second = second_of(d, &d->convs[i]);
            if (!second || second->transposed)
                continue;
            urs_deploy_fold(d, block, params);
            farthest = fmax(farthest, equalise_pair(d, &d->convs[i], second, block));
            (*pairs)++;
        }
    }
    urs_aligned_free(block);
    return URS_OK;
}
