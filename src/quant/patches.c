/* Samples of what convolutions read; see patches.h. */
#include "quant/patches.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

#define BYTES_MAX ((size_t)1 << 30) /* of all samples of a network together */

typedef struct sampler {
    const urs_deploy *d;
    urs_patches *list;
    size_t pictures;
    size_t *each; /* samples a picture, per convolution */
} sampler;

void urs_patches_free(urs_patches *list, int32_t n)
{
    for (int32_t i = 0; list && i < n; i++)
        urs_free(list[i].values);
    urs_free(list);
}

static void window(int16_t *to, const urs_deploy_conv *c, const urs_node *node, urs_dims in, const float *x, urs_quant_range range, int64_t oy, int64_t ox)
{
    const urs_op_attr *a = &node->attr;
    const float inverse = range.step > 0 ? 1 / range.step : 0;
    const int32_t kh = c->transposed ? 1 : a->kernel_h, kw = c->transposed ? 1 : a->kernel_w;
    for (int64_t i = 0; i < in.c; i++)
        for (int32_t ky = 0; ky < kh; ky++)
            for (int32_t kx = 0; kx < kw; kx++) {
                const int64_t y = c->transposed ? oy : oy * a->stride_h - a->pad_top + ky, z = c->transposed ? ox : ox * a->stride_w - a->pad_left + kx;
                const bool inside = y >= 0 && y < in.h && z >= 0 && z < in.w;
                *to++ = inside ? (int16_t)rintf(x[(i * in.h + y) * in.w + z] * inverse) : 0;
            }
}

static urs_status take(void *context, size_t item, int worker, const urs_plan *plan, urs_error *err)
{
    const sampler *s = context;
    const urs_deploy *d = s->d;
    const urs_node *nodes;
    (void)worker;
    (void)err;
    (void)urs_graph_nodes(d->graph, &nodes);
    for (int32_t i = 0; i < d->n_convs; i++) {
        const urs_deploy_conv *c = &d->convs[i];
        const urs_dims in = urs_graph_dims(d->graph, c->input), out = c->transposed ? in : nodes[c->node].dims;
        const float *x = urs_plan_output(plan, d->watch_conv + i);
        const urs_quant_range range = d->groups[d->quantisers[d->quantiser_of[c->input]].group].range;
        urs_random random;
        urs_random_init_stream(&random, (uint64_t)i + 1, item);
        for (size_t k = 0; k < s->each[i]; k++) {
            const size_t sample = item * s->each[i] + k;
            const int64_t cells = out.h * out.w, at = (int64_t)(urs_random_unit(&random) * (double)cells);
            if (sample < s->list[i].samples)
                window(s->list[i].values + sample * s->list[i].width, c, &nodes[c->node], in, x, range, at / out.w, at % out.w);
        }
    }
    return URS_OK;
}

static urs_status make_room(sampler *s, size_t most, urs_error *err)
{
    const urs_node *nodes;
    size_t total = 0;
    (void)urs_graph_nodes(s->d->graph, &nodes);
    for (int32_t i = 0; i < s->d->n_convs; i++) {
        const urs_deploy_conv *c = &s->d->convs[i];
        const urs_dims out = c->transposed ? urs_graph_dims(s->d->graph, c->input) : nodes[c->node].dims;
        const size_t cells = (size_t)(out.h * out.w), wish = (most + s->pictures - 1) / s->pictures;
        urs_patches *p = &s->list[i];
        s->each[i] = wish < cells ? wish : cells;
        p->width = (size_t)c->in * (size_t)(c->transposed ? 1 : c->area);
        p->samples = s->each[i] * s->pictures < most ? s->each[i] * s->pictures : most;
        total += p->width * p->samples * sizeof *p->values;
        if (total > BYTES_MAX)
            return urs_fail(err, URS_ELIMIT, "samples of what convolutions read would need more than %zu MB", BYTES_MAX >> 20);
        p->values = urs_array_new(p->width * p->samples, sizeof *p->values);
        if (!p->values)
            return urs_fail(err, URS_ENOMEM, "no memory for %zu samples", p->samples);
    }
    return URS_OK;
}

urs_status urs_patches_take(urs_patches **out, const urs_deploy *d, const float *params, const urs_quant_pictures *pictures, size_t most, urs_pool *pool, urs_error *err)
{
    sampler s = {.d = d, .pictures = pictures->count, .list = urs_array_new((size_t)d->n_convs, sizeof *s.list), .each = urs_array_new((size_t)d->n_convs, sizeof *s.each)};
    float *block = urs_aligned_new(urs_graph_block_elements(d->watched) * sizeof *block);
    urs_status status = s.list && s.each && block ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for samples");
    if (status == URS_OK && pictures->count == 0)
        status = urs_fail(err, URS_EINVAL, "there is no picture to take samples from");
    if (status == URS_OK)
        status = make_room(&s, most, err);
    if (status == URS_OK) {
        urs_deploy_expand(d, block, params, NULL);
        status = urs_quant_run(d, d->watched, block, pictures, pool, take, &s, err);
    }
    urs_aligned_free(block);
    urs_free(s.each);
    if (status != URS_OK)
        urs_patches_free(s.list, d->n_convs);
    else
        *out = s.list;
    return status;
}
