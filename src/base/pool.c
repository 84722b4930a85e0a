/* A pool of threads; see pool.h. */
#include "base/pool.h"

#include "base/memory.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define POOL_THREADS_MAX 64

typedef struct pool_worker {
    urs_pool *pool;
    int index;
    pthread_t thread;
} pool_worker;

struct urs_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;     /* workers wait for items */
    pthread_cond_t finished; /* the owner waits for the end */
    int threads;
    bool stop;
    size_t n, next, busy;
    urs_pool_job *job;
    void *context;
    urs_status status;
    urs_error error;
    pool_worker workers[POOL_THREADS_MAX];
};

static void *work(void *argument)
{
    pool_worker *self = argument;
    urs_pool *pool = self->pool;

    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        urs_error error = {0};
        urs_status status;
        size_t item;

        while (!pool->stop && pool->next >= pool->n)
            (void)pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop)
            break;
        item = pool->next++;
        pool->busy++;
        (void)pthread_mutex_unlock(&pool->lock);

        status = pool->job(pool->context, item, self->index, &error);

        (void)pthread_mutex_lock(&pool->lock);
        pool->busy--;
        if (status != URS_OK && pool->status == URS_OK) {
            pool->status = status;
            pool->error = error;
            pool->n = pool->next; /* hand out nothing more */
        }
        if (pool->busy == 0 && pool->next >= pool->n)
            (void)pthread_cond_signal(&pool->finished);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

urs_status urs_pool_new(urs_pool **out, int threads, urs_error *err)
{
    urs_pool *pool;

    if (threads <= 0) {
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores > 0 ? (int)(cores < POOL_THREADS_MAX ? cores : POOL_THREADS_MAX) : 1;
    }
    if (threads > POOL_THREADS_MAX)
        return urs_fail(err, URS_ELIMIT, "%d threads are more than the %d supported", threads, POOL_THREADS_MAX);
    pool = urs_array_new(1, sizeof *pool);
    if (!pool)
        return urs_fail(err, URS_ENOMEM, "no memory for a thread pool");
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->wake, NULL);
    (void)pthread_cond_init(&pool->finished, NULL);
    for (int i = 0; i < threads; i++) {
        pool->workers[i] = (pool_worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, work, &pool->workers[i]) != 0) {
            urs_pool_free(pool);
            return urs_fail(err, URS_ENOMEM, "cannot start thread %d of %d", i + 1, threads);
        }
        pool->threads = i + 1;
    }
    *out = pool;
    return URS_OK;
}

void urs_pool_free(urs_pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_cond_destroy(&pool->finished);
    (void)pthread_mutex_destroy(&pool->lock);
    urs_free(pool);
}

int urs_pool_threads(const urs_pool *pool)
{
    return pool->threads;
}

urs_status urs_pool_start(urs_pool *pool, size_t n, urs_pool_job *job, void *context, urs_error *err)
{
    urs_status status = URS_OK;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->busy != 0 || pool->next < pool->n) {
        status = urs_fail(err, URS_EBUSY, "the thread pool is already at work");
    } else {
        pool->n = n;
        pool->next = 0;
        pool->job = job;
        pool->context = context;
        pool->status = URS_OK;
        memset(&pool->error, 0, sizeof pool->error);
        (void)pthread_cond_broadcast(&pool->wake);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return status;
}

urs_status urs_pool_wait(urs_pool *pool, urs_error *err)
{
    urs_status status;
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->busy != 0 || pool->next < pool->n)
        (void)pthread_cond_wait(&pool->finished, &pool->lock);
    status = pool->status;
    if (status != URS_OK && err)
        *err = pool->error;
    (void)pthread_mutex_unlock(&pool->lock);
    return status;
}

urs_status urs_pool_run(urs_pool *pool, size_t n, urs_pool_job *job, void *context, urs_error *err)
{
    const urs_status status = urs_pool_start(pool, n, job, context, err);
    return status == URS_OK ? urs_pool_wait(pool, err) : status;
}
