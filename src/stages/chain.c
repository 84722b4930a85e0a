/* The chain over many files: workers, the ring of results, delivery in order. What happens to one file is in chain_file.c. See chain.h.
 *
 *      slot of file i = i % R      free --worker of i, once i < next + R--> ready --deliver, i == next--> free
 *
 *      0 ... next ... asked ... end      next: to be delivered; asked: whether to go on is asked for it next; end: no file from here on is begun
 *
 * Files are handed out in order, so the worker of file `next` never waits for room, and that of file `asked` never for its turn: there is no deadlock. Because the question is asked in
 * order too, an interruption cuts the list in two at one place, whatever the timing: everything before is delivered, nothing behind it is begun. */
#include "stages/chain_private.h"

#include "base/memory.h"

#include <pthread.h>
#include <string.h>

#define RING_PER_THREAD 4

typedef struct chain_slot {
    bool ready;
    urs_chain_result result;
} chain_slot;

typedef struct chain_run {
    urs_chain *chain;
    const char *const *files;
    const urs_chain_calls *calls;
    pthread_mutex_t lock;
    pthread_cond_t moved;  /* workers wait for their turn to ask, then for a slot */
    pthread_cond_t result; /* the caller waits for file `next` */
    chain_slot *slots;     /* owned, [ring] */
    size_t ring, next, asked, end;
} chain_run;

void urs_chain_result_release(urs_chain_result *r)
{
    for (size_t i = 0; i < r->head_count; i++) {
        urs_detection_release(&r->heads[i].found);
        urs_image_release(&r->heads[i].chip);
        urs_free(r->heads[i].embedding);
    }
    urs_free(r->heads);
    urs_image_release(&r->picture);
    memset(r, 0, sizeof *r);
}

static urs_status check_options(const urs_chain_options *o, urs_error *err)
{
    if (o->chips_in && (o->sift || o->find))
        return urs_fail(err, URS_EINVAL, "files that are chips already need neither sift nor find");
    if (!o->chips_in && !o->find && (o->embed || !o->sift))
        return urs_fail(err, URS_EINVAL, "the chain needs weights for find");
    if (o->no_chips && o->embed)
        return urs_fail(err, URS_EINVAL, "embed needs chips");
    if (o->chip_options.side < 0 || o->chip_options.side > URS_CHAIN_CHIP_MAX)
        return urs_fail(err, URS_EINVAL, "a chip's side is 1 to %d, not %d", URS_CHAIN_CHIP_MAX, (int)o->chip_options.side);
    return URS_OK;
}

static urs_status open_network(urs_network **out, const char *path, const char *stage, const urs_chain_options *o, urs_error *err)
{
    urs_status status = !path ? URS_OK : strcmp(stage, "sift") == 0 ? urs_sift_network_read(out, path, err) : urs_network_read(out, path, stage, err);
    if (status == URS_OK && path && o->opened)
        status = o->opened(o->opened_context, *out, path, err);
    return status;
}

static urs_status open_networks(urs_chain *c, const urs_chain_options *o, urs_error *err)
{
    urs_status status = open_network(&c->sift, o->sift, "sift", o, err);
    if (status == URS_OK)
        status = open_network(&c->find, o->find, "find", o, err);
    if (status == URS_OK)
        status = open_network(&c->embed, o->embed, "embed", o, err);
    return status;
}

/* Everything that a worker needs for itself; batches of one picture, and one chip with its mirror image. */
static urs_status open_worker(urs_chain *c, urs_chain_worker *w, urs_error *err)
{
    const urs_chain_options *o = &c->options;
    urs_status status = URS_OK;
    if (c->sift)
        status = urs_sifter_new(&w->sifter, c->sift, &(urs_sifter_options){.thresholds = o->sift_thresholds, .backend = o->backend}, err);
    if (status == URS_OK && c->find)
        status = urs_finder_new(&w->finder, c->find, &(urs_finder_options){.find = o->find_options, .backend = o->backend}, err);
    if (status == URS_OK && c->embed)
        status = urs_embedder_new(&w->embedder, c->embed,
                                  &(urs_embedder_options){.batch = o->no_flip ? 1 : 2, .no_flip = o->no_flip, .backend = o->backend}, err);
    return status;
}

/* The picture must serve the stages that look at it as a whole. */
static urs_decode_options decode_options(const urs_chain *c)
{
    urs_decode_options all = {0};
    const urs_network *networks[] = {c->sift, c->find};
    if (c->options.chips_in)
        return (urs_decode_options){.min_width = c->options.chip_options.side, .min_height = c->options.chip_options.side};
    for (size_t i = 0; i < 2; i++)
        if (networks[i]) {
            const urs_decode_options one = urs_input_decode_options(&networks[i]->input);
            all.min_width = one.min_width > all.min_width ? one.min_width : all.min_width;
            all.min_height = one.min_height > all.min_height ? one.min_height : all.min_height;
        }
    return all;
}

urs_status urs_chain_open(urs_chain **out, const urs_chain_options *options, urs_error *err)
{
    urs_chain *c = NULL;
    urs_status status = check_options(options, err);
    if (status != URS_OK)
        return status;
    c = urs_array_new(1, sizeof *c);
    if (!c)
        return urs_fail(err, URS_ENOMEM, "no memory for the chain");
    c->options = *options;
    status = open_networks(c, options, err);
    c->options.sift = c->options.find = c->options.embed = NULL; /* borrowed only until here */
    if (status != URS_OK)
        goto done;
    if (c->options.chip_options.side == 0) {
        const int32_t own = c->embed ? (c->embed->input.width > c->embed->input.height ? c->embed->input.width : c->embed->input.height) : 0;
        c->options.chip_options.side = own > URS_CHIP_SIDE ? own : URS_CHIP_SIDE;
    }
    c->decode = decode_options(c);
    status = urs_pool_new(&c->pool, options->threads, err);
    if (status != URS_OK)
        goto done;
    c->workers = urs_array_new((size_t)urs_pool_threads(c->pool), sizeof *c->workers);
    if (!c->workers)
        status = urs_fail(err, URS_ENOMEM, "no memory for the chain");
    for (int i = 0; status == URS_OK && i < urs_pool_threads(c->pool); i++)
        status = open_worker(c, &c->workers[i], err);
done:
    if (status != URS_OK)
        urs_chain_free(c);
    else
        *out = c;
    return status;
}

void urs_chain_free(urs_chain *c)
{
    if (!c)
        return;
    for (int i = 0; c->workers && i < urs_pool_threads(c->pool); i++) {
        urs_sifter_free(c->workers[i].sifter);
        urs_finder_free(c->workers[i].finder);
        urs_embedder_free(c->workers[i].embedder);
    }
    urs_free(c->workers);
    urs_pool_free(c->pool);
    urs_network_free(c->sift);
    urs_network_free(c->find);
    urs_network_free(c->embed);
    urs_free(c);
}

int32_t urs_chain_dim(const urs_chain *c)
{
    return c->embed ? urs_embedder_dim(c->workers[0].embedder) : 0;
}

const urs_network *urs_chain_network(const urs_chain *c, const char *stage)
{
    if (strcmp(stage, "sift") == 0)
        return c->sift;
    if (strcmp(stage, "find") == 0)
        return c->find;
    return strcmp(stage, "embed") == 0 ? c->embed : NULL;
}

const urs_find_options *urs_chain_find_settings(const urs_chain *c)
{
    return c->find ? urs_finder_settings(c->workers[0].finder) : NULL;
}

const urs_sift_thresholds *urs_chain_sift_thresholds(const urs_chain *c)
{
    return c->sift ? urs_sifter_thresholds(c->workers[0].sifter) : NULL;
}

/* ---- running ---- */

/* With the lock: no file from `end` on. */
static void end_at(chain_run *run, size_t end)
{
    if (end < run->end)
        run->end = end;
    (void)pthread_cond_broadcast(&run->moved);
    (void)pthread_cond_signal(&run->result);
}

/* Waits until the file may be begun; false: it may not. */
static bool wait_for_go(chain_run *run, size_t item)
{
    bool go;
    (void)pthread_mutex_lock(&run->lock);
    while (item != run->asked && item < run->end)
        (void)pthread_cond_wait(&run->moved, &run->lock);
    if (item < run->end) {
        if (run->calls->cancelled && run->calls->cancelled())
            end_at(run, item);
        run->asked++;
        (void)pthread_cond_broadcast(&run->moved);
    }
    while (item < run->end && item >= run->next + run->ring)
        (void)pthread_cond_wait(&run->moved, &run->lock);
    go = item < run->end;
    (void)pthread_mutex_unlock(&run->lock);
    return go;
}

static urs_status run_one(void *context, size_t item, int worker, urs_error *err)
{
    chain_run *run = context;
    urs_chain_result result = {.index = item, .file = run->files[item]};
    if (!wait_for_go(run, item))
        return urs_fail(err, URS_ECANCELLED, "interrupted");

    urs_chain_file(run->chain, &run->chain->workers[worker], &result);

    (void)pthread_mutex_lock(&run->lock);
    run->slots[item % run->ring].result = result;
    run->slots[item % run->ring].ready = true;
    (void)pthread_cond_signal(&run->result);
    (void)pthread_mutex_unlock(&run->lock);
    return URS_OK;
}

/* Waits for file `next`; false when there is no further one. */
static bool take_next(chain_run *run, urs_chain_result *out)
{
    chain_slot *slot = &run->slots[run->next % run->ring];
    bool taken = false;
    (void)pthread_mutex_lock(&run->lock);
    while (!slot->ready && run->next < run->end)
        (void)pthread_cond_wait(&run->result, &run->lock);
    if (run->next < run->end) {
        *out = slot->result;
        *slot = (chain_slot){0};
        run->next++;
        taken = true;
        (void)pthread_cond_broadcast(&run->moved);
    }
    (void)pthread_mutex_unlock(&run->lock);
    return taken;
}

static urs_status deliver_all(chain_run *run, urs_error *err)
{
    urs_status status = URS_OK;
    urs_chain_result result;
    while (status == URS_OK && take_next(run, &result)) {
        status = run->calls->deliver(run->calls->context, &result, err);
        urs_chain_result_release(&result);
    }
    return status;
}

urs_status urs_chain_run(urs_chain *c, const char *const *files, size_t n, const urs_chain_calls *calls, urs_error *err)
{
    chain_run run = {.chain = c, .files = files, .calls = calls, .ring = (size_t)urs_pool_threads(c->pool) * RING_PER_THREAD, .end = n};
    urs_status status, waited;
    urs_error why = {0};

    run.slots = urs_array_new(run.ring, sizeof *run.slots);
    if (!run.slots)
        return urs_fail(err, URS_ENOMEM, "no memory for the chain");
    (void)pthread_mutex_init(&run.lock, NULL);
    (void)pthread_cond_init(&run.moved, NULL);
    (void)pthread_cond_init(&run.result, NULL);
    status = urs_pool_start(c->pool, n, run_one, &run, err);
    if (status == URS_OK) {
        status = deliver_all(&run, err);
        (void)pthread_mutex_lock(&run.lock);
        end_at(&run, run.next); /* for workers that are left when a delivery failed */
        (void)pthread_mutex_unlock(&run.lock);
        waited = urs_pool_wait(c->pool, &why);
        if (status == URS_OK && waited != URS_OK && waited != URS_ECANCELLED)
            status = urs_fail(err, waited, "%s", why.message);
        if (status == URS_OK && run.next < n)
            status = urs_fail(err, URS_ECANCELLED, "interrupted after %zu of %zu files", run.next, n);
    }
    for (size_t i = 0; i < run.ring; i++)
        urs_chain_result_release(&run.slots[i].result);
    urs_free(run.slots);
    (void)pthread_cond_destroy(&run.result);
    (void)pthread_cond_destroy(&run.moved);
    (void)pthread_mutex_destroy(&run.lock);
    return status;
}
