/* A pool of threads that works through numbered items.
 *
 * Work is split across images, not inside an operation, so this is all the threading that the program needs. A pool belongs to
 * one thread at a time; a job must not touch another job's data. */
#ifndef URS_BASE_POOL_H
#define URS_BASE_POOL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct urs_pool urs_pool;

/* One item of work. `worker` is 0 .. threads-1 and is never in two calls at once: index private buffers with it. Returning
 * other than URS_OK stops the handing out of further items. */
typedef urs_status urs_pool_job(void *context, size_t item, int worker, urs_error *err);

/* threads 0: the number of cores on line (at most 64). Owned; urs_pool_free. */
urs_status urs_pool_new(urs_pool **out, int threads, urs_error *err) URS_CHECKED;
void urs_pool_free(urs_pool *pool);
int urs_pool_threads(const urs_pool *pool);

/* Runs items 0 .. n-1 and waits for all; the first error is copied to err. Items are handed
 * out in order. */
urs_status urs_pool_run(urs_pool *pool, size_t n, urs_pool_job *job, void *context, urs_error *err) URS_CHECKED;

/* Starts the same in the background; exactly one run can be under way. urs_pool_wait gives its result. */
urs_status urs_pool_start(urs_pool *pool, size_t n, urs_pool_job *job, void *context, urs_error *err) URS_CHECKED;
urs_status urs_pool_wait(urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
