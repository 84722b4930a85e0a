/* Batches prepared ahead of time by background threads, in a fixed order.
 *
 *      make(index 7) --+      ring of `depth` slots, handed out in order of index
 *      make(index 8) --+-->  | 5 ready | 6 ready | 7 being made | 8 being made |  -->  urs_prefetch_next -> use -> urs_prefetch_release
 *
 * Batch i is always made by make(context, i, ...), whatever the timing: if make derives its random numbers from i (urs_random_init_stream), the
 * content is the same for any number of threads. A slot is a block of memory that is used again and again; make must fill all of what it needs.
 * One consumer thread. */
#ifndef URS_TRAIN_PREFETCH_H
#define URS_TRAIN_PREFETCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct urs_prefetch urs_prefetch;

/* Fills `slot` with batch `index`. worker: 0..threads-1, never in two calls at once. An error is handed to the consumer in place of the batch. */
typedef urs_status urs_prefetch_make(void *context, uint64_t index, void *slot, int worker, urs_error *err);

typedef struct urs_prefetch_options {
    int threads;         /* 0: 1 */
    int depth;           /* slots; 0: threads + 1; at least 2 */
    size_t slot_bytes;   /* required; slots are 64-byte aligned and zeroed at the start */
    uint64_t first, end; /* batches first .. end-1; end 0: no end */
    urs_prefetch_make *make;
    void *context;                                /* borrowed; make is called in several threads at once if threads > 1 */
    urs_status (*open)(void *context, void *slot, urs_error *err); /* (optional) once a slot, before any make: buffers inside the slot */
    void (*close)(void *context, void *slot);     /* (optional) once a slot at the end; also for slots whose open failed */
} urs_prefetch_options;

urs_status urs_prefetch_new(urs_prefetch **out, const urs_prefetch_options *options, urs_error *err) URS_CHECKED;

/* Waits for running makes, then frees. NULL is fine. */
void urs_prefetch_free(urs_prefetch *p);

/* Waits for the next batch: *slot borrowed until urs_prefetch_release; index (optional). After the last one *slot is NULL. */
urs_status urs_prefetch_next(urs_prefetch *p, void **slot, uint64_t *index, urs_error *err) URS_CHECKED;

/* Gives back the oldest slot that was taken. */
void urs_prefetch_release(urs_prefetch *p);

/* Seconds the consumer has waited so far: large means that preparation, not computing, is the limit. */
double urs_prefetch_waited(const urs_prefetch *p);

#endif
