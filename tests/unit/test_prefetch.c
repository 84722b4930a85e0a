/* The queue of prepared batches: order and content whatever the timing, errors in their place, clean ends. */
#include "base/random.h"
#include "harness.h"
#include "train/prefetch.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct batch {
    uint64_t index, content;
    char *text; /* of open */
} batch;

typedef struct factory {
    pthread_mutex_t lock;
    int made, opened, closed, busy, most_busy;
    uint64_t fail_at, open_fails_at;
} factory;

static urs_status open_slot(void *context, void *slot, urs_error *err)
{
    factory *f = context;
    batch *b = slot;

    if ((uint64_t)f->opened++ == f->open_fails_at)
        return urs_fail(err, URS_ENOMEM, "no slot");
    b->text = malloc(16);
    return b->text ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory");
}

static void close_slot(void *context, void *slot)
{
    batch *b = slot;

    ((factory *)context)->closed++;
    free(b->text);
}

static urs_status make(void *context, uint64_t index, void *slot, int worker, urs_error *err)
{
    factory *f = context;
    batch *b = slot;
    urs_random random;
    struct timespec pause = {0};

    (void)worker;
    urs_random_init_stream(&random, 5, index);
    b->index = index;
    b->content = urs_random_u64(&random);
    pause.tv_nsec = (long)urs_random_below(&random, 2000000); /* some take longer than others */
    (void)pthread_mutex_lock(&f->lock);
    f->made++;
    f->busy++;
    if (f->busy > f->most_busy)
        f->most_busy = f->busy;
    (void)pthread_mutex_unlock(&f->lock);
    (void)nanosleep(&pause, NULL);
    (void)pthread_mutex_lock(&f->lock);
    f->busy--;
    (void)pthread_mutex_unlock(&f->lock);
    return index == f->fail_at ? urs_fail(err, URS_EIO, "batch %d is broken", (int)index) : URS_OK;
}

static factory factory_new(void)
{
    factory f = {.fail_at = UINT64_MAX, .open_fails_at = UINT64_MAX};

    (void)pthread_mutex_init(&f.lock, NULL);
    return f;
}

static void order_and_content_are_fixed(urs_test *t)
{
    for (int threads = 1; threads <= 4; threads++)
        for (int depth = 2; depth <= 5; depth += 3) {
            factory f = factory_new();
            const urs_prefetch_options options = {.threads = threads, .depth = depth, .slot_bytes = sizeof(batch), .first = 7, .end = 40, .make = make,
                                                  .context = &f, .open = open_slot, .close = close_slot};
            urs_prefetch *p;
            void *slot;
            uint64_t index = 0;
            urs_error err = {0};

            URS_REQUIRE_OK(t, urs_prefetch_new(&p, &options, &err), err);
            for (uint64_t i = 7; i < 40; i++) {
                urs_random random;

                URS_REQUIRE_OK(t, urs_prefetch_next(p, &slot, &index, &err), err);
                urs_random_init_stream(&random, 5, i);
                URS_REQUIRE(t, slot && index == i && ((batch *)slot)->index == i && ((batch *)slot)->content == urs_random_u64(&random));
                urs_prefetch_release(p);
            }
            URS_REQUIRE_OK(t, urs_prefetch_next(p, &slot, NULL, &err), err);
            URS_CHECK(t, slot == NULL);
            URS_CHECK_INT(t, f.made, 33);
            URS_CHECK(t, f.most_busy <= threads);
            URS_CHECK(t, urs_prefetch_waited(p) >= 0);
            urs_prefetch_free(p);
            URS_CHECK_INT(t, f.closed, f.opened);
        }
}

/* Several slots can be held at once; all held is an error, not a standstill. */
static void slots_can_be_held(urs_test *t)
{
    factory f = factory_new();
    const urs_prefetch_options options = {.threads = 2, .depth = 3, .slot_bytes = sizeof(batch), .make = make, .context = &f};
    urs_prefetch *p;
    void *held[3], *slot = NULL;
    urs_error err = {0};

    URS_REQUIRE_OK(t, urs_prefetch_new(&p, &options, &err), err);
    for (int i = 0; i < 3; i++)
        URS_REQUIRE_OK(t, urs_prefetch_next(p, &held[i], NULL, &err), err);
    for (int i = 0; i < 3; i++)
        URS_CHECK(t, ((batch *)held[i])->index == (uint64_t)i);
    URS_CHECK(t, urs_prefetch_next(p, &slot, NULL, &err) == URS_EINVAL && slot == NULL);
    urs_prefetch_release(p);
    URS_REQUIRE_OK(t, urs_prefetch_next(p, &slot, NULL, &err), err);
    URS_CHECK(t, slot == held[0] && ((batch *)slot)->index == 3);
    urs_prefetch_free(p); /* with slots held and makes under way */
}

static void errors_stand_in_their_place(urs_test *t)
{
    factory f = factory_new();
    const urs_prefetch_options options = {.threads = 3, .slot_bytes = sizeof(batch), .end = 9, .make = make, .context = &f};
    urs_prefetch *p;
    void *slot;
    uint64_t index;
    urs_error err = {0};

    f.fail_at = 4;
    URS_REQUIRE_OK(t, urs_prefetch_new(&p, &options, &err), err);
    for (uint64_t i = 0; i < 9; i++) {
        const urs_status status = urs_prefetch_next(p, &slot, &index, &err);

        URS_REQUIRE(t, status == (i == 4 ? URS_EIO : URS_OK));
        if (status == URS_OK) {
            URS_CHECK(t, index == i && ((batch *)slot)->index == i);
            urs_prefetch_release(p);
        } else {
            URS_CHECK_TEXT(t, err.message, "batch 4 is broken");
        }
    }
    urs_prefetch_free(p);
}

static void failed_opens_are_cleaned_up(urs_test *t)
{
    factory f = factory_new();
    urs_prefetch_options options = {.threads = 1, .depth = 4, .slot_bytes = sizeof(batch), .make = make, .context = &f, .open = open_slot, .close = close_slot};
    urs_prefetch *p = NULL;
    urs_error err = {0};

    f.open_fails_at = 2;
    URS_CHECK(t, urs_prefetch_new(&p, &options, &err) == URS_ENOMEM && p == NULL);
    URS_CHECK_INT(t, f.closed, 3);
    options.slot_bytes = 0;
    URS_CHECK(t, urs_prefetch_new(&p, &options, &err) == URS_EINVAL);
    urs_prefetch_free(NULL);
}

int main(void)
{
    static const urs_case cases[] = {{"order_and_content_are_fixed", order_and_content_are_fixed},
                                     {"slots_can_be_held", slots_can_be_held},
                                     {"errors_stand_in_their_place", errors_stand_in_their_place},
                                     {"failed_opens_are_cleaned_up", failed_opens_are_cleaned_up}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
