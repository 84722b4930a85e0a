/* Places buffers with lifetimes in one arena: largest first, each at the lowest offset where nothing alive at the same time lies. */
#include "nn/plan_private.h"

#include "base/memory.h"

#include <stdlib.h>

#define BUFFER_ALIGNMENT 64

static bool alive_together(const urs_buffer *a, const urs_buffer *b)
{
    if (a->pinned || b->pinned)
        return true;
    return a->first <= b->last && b->first <= a->last;
}

static int by_size(const void *a, const void *b)
{
    const urs_buffer *x = *(urs_buffer *const *)a, *y = *(urs_buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_offset(const void *a, const void *b)
{
    const urs_buffer *x = *(urs_buffer *const *)a, *y = *(urs_buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

urs_status urs_plan_place_buffers(urs_buffer *buffers, int32_t n, size_t *arena_bytes, urs_error *err)
{
    urs_buffer **order = urs_array_new((size_t)n + 1, sizeof(void *));
    urs_buffer **near = urs_array_new((size_t)n + 1, sizeof(void *));
    int32_t used = 0;
    size_t end = 0;

    if (!order || !near) {
        urs_free(order);
        urs_free(near);
        return urs_fail(err, URS_ENOMEM, "no memory to plan %d buffers", (int)n);
    }
    for (int32_t i = 0; i < n; i++)
        if (buffers[i].pinned || buffers[i].first <= buffers[i].last)
            order[used++] = &buffers[i];
    qsort(order, (size_t)used, sizeof *order, by_size);
    for (int32_t i = 0; i < used; i++) {
        const size_t size = (order[i]->bytes + BUFFER_ALIGNMENT - 1) / BUFFER_ALIGNMENT * BUFFER_ALIGNMENT;
        size_t at = 0;
        int32_t n_near = 0;
        for (int32_t j = 0; j < i; j++)
            if (alive_together(order[i], order[j]))
                near[n_near++] = order[j];
        qsort(near, (size_t)n_near, sizeof *near, by_offset);
        for (int32_t j = 0; j < n_near; j++) {
            if (near[j]->offset >= at + size)
                break; /* fits in the gap before it */
            if (near[j]->offset + near[j]->bytes > at)
                at = (near[j]->offset + near[j]->bytes + BUFFER_ALIGNMENT - 1) / BUFFER_ALIGNMENT * BUFFER_ALIGNMENT;
        }
        order[i]->offset = at;
        if (at + size > end)
            end = at + size;
    }
    urs_free(order);
    urs_free(near);
    *arena_bytes = end;
    return URS_OK;
}
