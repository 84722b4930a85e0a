/* Prepared batches in a ring of slots; see prefetch.h.
 *
 *      FREE --worker takes its index--> MAKING --made--> READY --next--> TAKEN --release--> FREE
 *                                                          |
 *                                                          +--an error instead of a batch: next reports it--> FREE
 *
 * Batch i always lives in slot (i - first) % depth, so a worker only has to wait for that one slot. */
#include "train/prefetch.h"

#include "base/memory.h"
#include "base/progress.h"

#include <pthread.h>
#include <stdbool.h>

#define PREFETCH_THREADS_MAX 64
#define PREFETCH_DEPTH_MAX 1024

typedef enum slot_state { SLOT_FREE, SLOT_MAKING, SLOT_READY, SLOT_TAKEN } slot_state;

typedef struct slot {
    void *memory;
    slot_state state;
    bool opened;
    urs_status status;
    urs_error error;
} slot;

typedef struct worker {
    urs_prefetch *p;
    pthread_t thread;
    int index;
} worker;

struct urs_prefetch {
    urs_prefetch_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* any slot's state, or stop */
    bool stop;
    uint64_t next_make, next_take, next_release;
    slot *slots;
    int depth, threads; /* threads: those that run */
    double waited;
    worker workers[PREFETCH_THREADS_MAX];
};

static slot *slot_of(urs_prefetch *p, uint64_t index)
{
    return &p->slots[(index - p->options.first) % (uint64_t)p->depth];
}

static bool beyond(const urs_prefetch *p, uint64_t index)
{
    return p->options.end > 0 && index >= p->options.end;
}

static void *work(void *argument)
{
    worker *self = argument;
    urs_prefetch *p = self->p;

    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        uint64_t index;
        urs_status status;
        urs_error error = {0};
        slot *s;

        while (!p->stop && !beyond(p, p->next_make) && slot_of(p, p->next_make)->state != SLOT_FREE)
            (void)pthread_cond_wait(&p->changed, &p->lock);
        if (p->stop || beyond(p, p->next_make))
            break;
        index = p->next_make++;
        s = slot_of(p, index);
        s->state = SLOT_MAKING;
        (void)pthread_mutex_unlock(&p->lock);

        status = p->options.make(p->options.context, index, s->memory, self->index, &error);

        (void)pthread_mutex_lock(&p->lock);
        s->status = status;
        s->error = error;
        s->state = SLOT_READY;
        (void)pthread_cond_broadcast(&p->changed);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static urs_status open_slots(urs_prefetch *p, urs_error *err)
{
    for (int i = 0; i < p->depth; i++) {
        slot *s = &p->slots[i];

        s->memory = urs_aligned_new(p->options.slot_bytes);
        if (!s->memory)
            return urs_fail(err, URS_ENOMEM, "no memory for %d prepared batches of %zu bytes", p->depth, p->options.slot_bytes);
        s->opened = true; /* close cleans up what a failed open left behind */
        if (p->options.open) {
            const urs_status status = p->options.open(p->options.context, s->memory, err);
            if (status != URS_OK)
                return status;
        }
    }
    return URS_OK;
}

urs_status urs_prefetch_new(urs_prefetch **out, const urs_prefetch_options *options, urs_error *err)
{
    const int threads = options->threads > 0 ? options->threads : 1;
    urs_prefetch *p;
    urs_status status = URS_OK;

    if (!options->make || options->slot_bytes == 0 || threads > PREFETCH_THREADS_MAX || options->depth > PREFETCH_DEPTH_MAX)
        return urs_fail(err, URS_EINVAL, "a prefetch queue with %d threads, depth %d and %zu bytes a slot", threads, options->depth, options->slot_bytes);
    p = urs_array_new(1, sizeof(*p));
    if (!p)
        return urs_fail(err, URS_ENOMEM, "no memory for a prefetch queue");
    p->options = *options;
    p->depth = options->depth > 0 ? options->depth : threads + 1;
    if (p->depth < 2)
        p->depth = 2;
    p->next_make = p->next_take = p->next_release = options->first;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    p->slots = urs_array_new((size_t)p->depth, sizeof(*p->slots));
    if (!p->slots) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a prefetch queue of %d slots", p->depth);
        goto done;
    }
    status = open_slots(p, err);
    for (int i = 0; i < threads && status == URS_OK; i++) {
        p->workers[i] = (worker){.p = p, .index = i};
        if (pthread_create(&p->workers[i].thread, NULL, work, &p->workers[i]) != 0)
            status = urs_fail(err, URS_ENOMEM, "cannot start thread %d of a prefetch queue", i);
        else
            p->threads++;
    }
    if (status == URS_OK) {
        *out = p;
        p = NULL;
    }
done:
    urs_prefetch_free(p);
    return status;
}

void urs_prefetch_free(urs_prefetch *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++)
        (void)pthread_join(p->workers[i].thread, NULL);
    for (int i = 0; p->slots && i < p->depth; i++) {
        if (p->slots[i].opened && p->options.close)
            p->options.close(p->options.context, p->slots[i].memory);
        urs_aligned_free(p->slots[i].memory);
    }
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    urs_free(p->slots);
    urs_free(p);
}

urs_status urs_prefetch_next(urs_prefetch *p, void **out, uint64_t *index, urs_error *err)
{
    urs_status status = URS_OK;
    double started;
    slot *s;

    if (beyond(p, p->next_take)) {
        *out = NULL;
        return URS_OK;
    }
    (void)pthread_mutex_lock(&p->lock);
    s = slot_of(p, p->next_take);
    if (s->state == SLOT_TAKEN) {
        (void)pthread_mutex_unlock(&p->lock);
        return urs_fail(err, URS_EINVAL, "all %d prepared batches are taken; release one first", p->depth);
    }
    started = urs_clock();
    while (s->state != SLOT_READY)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    p->waited += urs_clock() - started;
    status = s->status;
    if (status != URS_OK && err)
        *err = s->error;
    s->state = status == URS_OK ? SLOT_TAKEN : SLOT_FREE;
    if (status == URS_OK) {
        *out = s->memory;
        if (index)
            *index = p->next_take;
    } else {
        (void)pthread_cond_broadcast(&p->changed);
    }
    p->next_take++;
    (void)pthread_mutex_unlock(&p->lock);
    return status;
}

void urs_prefetch_release(urs_prefetch *p)
{
    (void)pthread_mutex_lock(&p->lock);
    /* Batches that were errors have been given back already: step over them. */
    while (p->next_release < p->next_take && slot_of(p, p->next_release)->state != SLOT_TAKEN)
        p->next_release++;
    if (p->next_release < p->next_take) {
        slot_of(p, p->next_release)->state = SLOT_FREE;
        p->next_release++;
        (void)pthread_cond_broadcast(&p->changed);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

double urs_prefetch_waited(const urs_prefetch *p)
{
    return p->waited;
}
