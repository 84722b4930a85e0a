/* The arena: buffers that live at the same time never overlap, in random lifetimes and in real plans; and nothing is allocated while a plan runs.
 *
 * Linked with --wrap, so that every allocation of the project's own objects passes through the counters below. What the numeric library allocates for itself
 * inside a call is its own business. */
#include "plan_graphs.h"

#include "int8_cases.h"
#include "int8/engine.h"
#include "nn/plan_private.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_long allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    allocations++;
    return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    allocations++;
    return __real_aligned_alloc(alignment, n);
}

static bool used(const urs_buffer *b)
{
    return b->pinned || b->first <= b->last;
}

static bool together(const urs_buffer *a, const urs_buffer *b)
{
    return a->pinned || b->pinned || (a->first <= b->last && b->first <= a->last);
}

static void check_placement(urs_test *t, const urs_buffer *b, int32_t n, size_t arena)
{
    for (int32_t i = 0; i < n; i++) {
        if (!used(&b[i]))
            continue;
        if (b[i].offset % 64 || b[i].offset + b[i].bytes > arena)
            urs_test_fail(t, __FILE__, __LINE__, "buffer %d lies at %zu + %zu of %zu", (int)i, b[i].offset, b[i].bytes, arena);
        for (int32_t j = 0; j < i; j++)
            if (used(&b[j]) && together(&b[i], &b[j]) && b[i].offset < b[j].offset + b[j].bytes && b[j].offset < b[i].offset + b[i].bytes)
                urs_test_fail(t, __FILE__, __LINE__, "buffers %d and %d live together and overlap", (int)j, (int)i);
    }
}

/* Bytes alive at the worst step, in steps of 64: no arena can be smaller. */
static size_t lower_bound(const urs_buffer *b, int32_t n, int32_t steps)
{
    size_t worst = 0;
    for (int32_t s = 0; s < steps; s++) {
        size_t sum = 0;
        for (int32_t i = 0; i < n; i++)
            if (b[i].pinned || (b[i].first <= s && s <= b[i].last))
                sum += (b[i].bytes + 63) / 64 * 64;
        worst = sum > worst ? sum : worst;
    }
    return worst;
}

static void random_lifetimes(urs_test *t)
{
    urs_random r;
    urs_random_init(&r, 4);
    for (int round = 0; round < 300; round++) {
        urs_buffer b[60];
        const int32_t n = (int32_t)urs_random_below(&r, 61), steps = 1 + (int32_t)urs_random_below(&r, 40);
        size_t arena = 12345, total = 0, bound;
        urs_error err;
        for (int32_t i = 0; i < n; i++) {
            const int32_t first = (int32_t)urs_random_below(&r, (uint64_t)steps), length = (int32_t)urs_random_below(&r, round % 2 ? 4 : 40);
            const bool never = urs_random_below(&r, 12) == 0;
            b[i] = (urs_buffer){.bytes = 1 + (size_t)urs_random_below(&r, round % 3 ? 100000 : 200), .first = never ? INT32_MAX : first, .last = never ? -1 : first + length,
                                .pinned = urs_random_below(&r, 10) == 0};
            total += (b[i].bytes + 63) / 64 * 64;
        }
        URS_REQUIRE_OK(t, urs_plan_place_buffers(b, n, &arena, &err), err);
        check_placement(t, b, n, arena);
        bound = lower_bound(b, n, steps + 40);
        if (arena < bound || arena > total)
            urs_test_fail(t, __FILE__, __LINE__, "an arena of %zu bytes for at least %zu and at most %zu", arena, bound, total);
        if (n > 20 && (double)arena > 1.6 * (double)bound)
            urs_test_fail(t, __FILE__, __LINE__, "an arena of %zu bytes where %zu might do", arena, bound);
    }
}

/* Chains reuse memory: a network of many layers needs that of the two or three fattest. */
static void chains_reuse(urs_test *t)
{
    urs_buffer b[50];
    size_t arena;
    urs_error err;
    for (int32_t i = 0; i < 50; i++)
        b[i] = (urs_buffer){.bytes = 6400, .first = i, .last = i + 1};
    URS_REQUIRE_OK(t, urs_plan_place_buffers(b, 50, &arena, &err), err);
    URS_CHECK_INT(t, arena, 2 * 6400);
    URS_REQUIRE_OK(t, urs_plan_place_buffers(b, 0, &arena, &err), err);
    URS_CHECK_INT(t, arena, 0);
}

static void real_plans(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int b = 0; backend_at(b); b++)
            for (int training = 0; training < 2; training++) {
                net x;
                urs_plan *plan;
                urs_error err;
                URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
                URS_REQUIRE_OK(t, urs_plan_new(&plan, x.graph, x.params, &(urs_plan_options){.backend = backend_at(b), .batch = 2, .training = training}, &err), err);
                check_placement(t, plan->buffers, plan->n_buffers, plan->arena_bytes);
                for (int32_t s = 0; s < plan->n_steps; s++) { /* whatever a step touches is alive then */
                    const urs_step *step = &plan->steps[s];
                    int32_t touched[2 * URS_INPUTS_MAX + 3], n = 0;
                    for (int k = 0; k < URS_INPUTS_MAX; k++) {
                        touched[n++] = step->in[k];
                        touched[n++] = step->d_in[k];
                    }
                    touched[n++] = step->out;
                    touched[n++] = step->d_out;
                    touched[n++] = step->saved;
                    for (int32_t k = 0; k < n; k++)
                        if (touched[k] >= 0 && !plan->buffers[touched[k]].pinned && (plan->buffers[touched[k]].first > s || plan->buffers[touched[k]].last < s))
                            urs_test_fail(t, __FILE__, __LINE__, "%s: step %d uses a dead buffer", plan_graphs[i].name, (int)s);
                }
                urs_plan_free(plan);
                close_net(&x);
            }
}

static void nothing_allocates(urs_test *t)
{
    for (size_t i = 0; i < PLAN_GRAPHS; i++)
        for (int b = 0; backend_at(b); b++)
            for (int training = 0; training < 2; training++) {
                net x;
                urs_plan *plan;
                urs_error err;
                long before;
                URS_REQUIRE(t, open_net(t, &x, plan_graphs[i].build));
                before = allocations;
                URS_REQUIRE_OK(t, urs_plan_new(&plan, x.graph, x.params, &(urs_plan_options){.backend = backend_at(b), .batch = 2, .training = training}, &err), err);
                URS_CHECK(t, allocations > before); /* the counters count */
                fill_input(&x, plan, false, 0);
                before = allocations;
                for (int k = 0; k < 2; k++) {
                    URS_REQUIRE_OK(t, urs_plan_forward(plan, &err), err);
                    if (training)
                        URS_REQUIRE_OK(t, urs_plan_backward(plan, &err), err);
                    urs_plan_update(plan);
                }
                if (allocations != before)
                    urs_test_fail(t, __FILE__, __LINE__, "%s, %s: %ld allocations while running", plan_graphs[i].name, backend_at(b)->name, allocations - before);
                urs_plan_free(plan);
                close_net(&x);
            }
}

/* An operator in int8: a worker has all its memory before it runs. */
static urs_status runs_without_allocating(void *context, const char *name, const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    urs_test *t = context;
    urs_int8_plan *plan = NULL;
    urs_int8_worker *worker = NULL;
    long before = allocations;
    urs_status status = urs_int8_plan_new(&plan, g, NULL, err);
    (void)seed;
    if (status == URS_OK)
        status = urs_int8_worker_new(&worker, plan, err);
    URS_CHECK(t, allocations > before);
    before = allocations;
    for (int k = 0; status == URS_OK && k < 2; k++)
        urs_int8_worker_run(worker);
    if (allocations != before)
        urs_test_fail(t, __FILE__, __LINE__, "int8 %s: %ld allocations while running", name, allocations - before);
    urs_int8_worker_free(worker);
    urs_int8_plan_free(plan);
    return status;
}

static void nothing_allocates_in_int8(urs_test *t)
{
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_int8_cases_each(3, false, runs_without_allocating, t, &err), err);
}

int main(void)
{
    static const urs_case cases[] = {{"random lifetimes", random_lifetimes}, {"chains reuse", chains_reuse}, {"real plans", real_plans}, {"nothing allocates", nothing_allocates},
                                     {"nothing allocates in int8", nothing_allocates_in_int8}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
