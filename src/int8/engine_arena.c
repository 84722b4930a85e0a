/* Where activations stand: greedy by size over their lives, as TensorFlow Lite Micro plans its arena; see engine.h. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)1 << 30)

typedef struct block {
    int32_t tensor, first, last; /* steps during which it lives; -1: from the start */
    size_t bytes, offset;
} block;

static int larger_first(const void *a, const void *b)
{
    const block *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->tensor < y->tensor ? -1 : 1;
}

static void touch(block *b, int32_t step)
{
    b->first = step < b->first ? step : b->first;
    b->last = step > b->last ? step : b->last;
}

/* Lowest offset at which b overlaps none of the placed blocks that live when it does. Each round moves behind one that is in the way. */
static size_t lowest(const block *b, const block *placed, size_t n)
{
    size_t offset = 0;
    for (size_t i = 0; i < n; i++) {
        const block *p = &placed[i];
        const bool together = b->first <= p->last && p->first <= b->last;
        if (together && offset < p->offset + p->bytes && p->offset < offset + b->bytes) {
            offset = p->offset + p->bytes;
            i = (size_t)-1; /* look at all again */
        }
    }
    return offset;
}

urs_status urs_int8_arena_place(urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    block *blocks = urs_array_new((size_t)g->n_tensors, sizeof *blocks);
    size_t n = 0;
    urs_status status = URS_OK;
    if (!blocks)
        return urs_fail(err, URS_ENOMEM, "no memory to plan an arena");
    for (int32_t i = 0; i < g->n_tensors; i++)
        blocks[i] = (block){.tensor = i, .first = INT32_MAX, .last = INT32_MIN};
    for (int32_t i = 0; i < g->n_inputs; i++)
        touch(&blocks[plan->root[g->inputs[i]]], -1);
    for (int32_t i = 0; i < g->n_outputs; i++)
        touch(&blocks[plan->root[g->outputs[i]]], plan->n_steps);
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const urs_int8_step *s = &plan->steps[i];
        for (int32_t k = 0; k < s->op->n_in; k++)
            if (s->op->in[k] != URS_INT8_NONE)
                touch(&blocks[plan->root[s->op->in[k]]], i);
        touch(&blocks[plan->root[s->out]], i);
        for (int32_t k = 1; k < s->op->n_out; k++)
            touch(&blocks[plan->root[s->op->out[k]]], i);
    }
    for (int32_t i = 0; i < g->n_tensors; i++) {
        plan->offset[i] = SIZE_MAX;
        if (g->tensors[i].data || blocks[i].last == INT32_MIN)
            continue;
        blocks[i].bytes = urs_int8_round_up(urs_int8_tensor_bytes(&g->tensors[i]), URS_INT8_ALIGN);
        blocks[n++] = blocks[i];
    }
    qsort(blocks, n, sizeof *blocks, larger_first);
    for (size_t i = 0; i < n && status == URS_OK; i++) {
        blocks[i].offset = lowest(&blocks[i], blocks, i);
        plan->offset[blocks[i].tensor] = blocks[i].offset;
        if (blocks[i].offset + blocks[i].bytes > plan->activation_bytes)
            plan->activation_bytes = blocks[i].offset + blocks[i].bytes;
        if (plan->activation_bytes > ARENA_MAX)
            status = urs_fail(err, URS_ELIMIT, "the activations of the network need more than %zu bytes", ARENA_MAX);
    }
    urs_free(blocks);
    return status;
}
