/* The memory of a thread, and running; see engine.h. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <string.h>
#include <time.h>

struct urs_int8_worker {
    urs_int8_frame frame; /* arena owned; scratch stands behind the activations */
};

urs_status urs_int8_worker_new(urs_int8_worker **out, const urs_int8_plan *plan, urs_error *err)
{
    urs_int8_worker *w = urs_array_new(1, sizeof *w);
    const size_t bytes = urs_int8_plan_arena_bytes(plan);
    if (w)
        w->frame = (urs_int8_frame){.plan = plan, .arena = urs_aligned_new(bytes ? bytes : 1)};
    if (!w || !w->frame.arena) {
        urs_free(w);
        return urs_fail(err, URS_ENOMEM, "no memory for the %zu bytes that an int8 network works in", bytes);
    }
    w->frame.scratch = w->frame.arena + plan->activation_bytes;
    *out = w;
    return URS_OK;
}

void urs_int8_worker_free(urs_int8_worker *w)
{
    if (!w)
        return;
    urs_aligned_free(w->frame.arena);
    urs_free(w);
}

void *urs_int8_worker_input(urs_int8_worker *w, int32_t index)
{
    return urs_int8_frame_write(&w->frame, w->frame.plan->graph->inputs[index]);
}

const void *urs_int8_worker_output(const urs_int8_worker *w, int32_t index)
{
    return urs_int8_frame_read(&w->frame, w->frame.plan->graph->outputs[index]);
}

void urs_int8_worker_run(urs_int8_worker *w)
{
    for (int32_t i = 0; i < w->frame.plan->n_steps; i++) {
        const urs_int8_step *s = &w->frame.plan->steps[i];
        s->run(s, &w->frame);
    }
}

static double microseconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

void urs_int8_worker_profile(urs_int8_worker *w, int runs, FILE *to)
{
    const urs_int8_plan *plan = w->frame.plan;
    double *best = urs_array_new((size_t)plan->n_steps, sizeof *best), all = 0;
    if (!best)
        return;
    for (int run = 0; run < runs; run++)
        for (int32_t i = 0; i < plan->n_steps; i++) {
            const double start = microseconds();
            double time;
            plan->steps[i].run(&plan->steps[i], &w->frame);
            time = microseconds() - start;
            best[i] = run == 0 || time < best[i] ? time : best[i];
        }
    for (int32_t i = 0; i < plan->n_steps; i++)
        all += best[i];
    for (int32_t i = 0; i < plan->n_steps; i++)
        (void)fprintf(to, "%4d  %-18s %9.1f us %5.1f %%\n", (int)i, urs_int8_kind_name(plan->steps[i].op->kind), best[i], 100 * best[i] / all);
    (void)fprintf(to, "all of %s: %.1f us\n", plan->kernels->name, all);
    urs_free(best);
}

/* ---- many images ---- */

typedef struct images {
    urs_int8_worker *const *workers;
    const char *in;
    void *const *out;
} images;

static urs_status run_image(void *context, size_t item, int worker, urs_error *err)
{
    const images *m = context;
    urs_int8_worker *w = m->workers[worker];
    const urs_int8_graph *g = w->frame.plan->graph;
    const size_t bytes = urs_int8_tensor_bytes(&g->tensors[g->inputs[0]]);
    (void)err;
    memcpy(urs_int8_worker_input(w, 0), m->in + item * bytes, bytes);
    urs_int8_worker_run(w);
    for (int32_t i = 0; i < g->n_outputs; i++) {
        const size_t size = urs_int8_tensor_bytes(&g->tensors[g->outputs[i]]);
        memcpy((char *)m->out[i] + item * size, urs_int8_worker_output(w, i), size);
    }
    return URS_OK;
}

urs_status urs_int8_run_images(urs_pool *pool, urs_int8_worker *const *workers, size_t n, const void *in, void *const *out, urs_error *err)
{
    images m = {.workers = workers, .in = in, .out = out};
    if (n && workers[0]->frame.plan->graph->n_inputs != 1)
        return urs_fail(err, URS_EINVAL, "a network of %d inputs cannot run a list of images", (int)workers[0]->frame.plan->graph->n_inputs);
    return urs_pool_run(pool, n, run_image, &m, err);
}
