/* Where the time of a network goes, step by step: bench_steps ARCH [--batch N] [--train] [--repeat N] [--top N] [--backend NAME] [--ops]
 *
 * Every step of the plan is timed on its own, in order and in one thread, over N runs of the whole network; the best processor time of each is kept, because a
 * machine that is shared only ever adds. "whole" is the best time of the network without a clock between the steps. The columns are microseconds, share of the sum,
 * billion multiply-adds a second (convolutions, linear layers and matmuls; backward steps count double where both gradients are computed), and what it is. */
#include "base/memory.h"
#include "models/models.h"
#include "nn/plan_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct settings {
    const char *arch, *backend;
    int32_t batch, repeat, top;
    bool train, by_op;
} settings;

typedef struct step_time {
    int32_t index;
    double seconds;
} step_time;

static bool parse(settings *s, int argc, char **argv)
{
    *s = (settings){.batch = 1, .repeat = 200, .top = 30};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int32_t *number = strcmp(argv[i], "--batch") == 0 ? &s->batch : strcmp(argv[i], "--repeat") == 0 ? &s->repeat : strcmp(argv[i], "--top") == 0 ? &s->top : NULL;
        if (strcmp(argv[i], "--train") == 0)
            s->train = true;
        else if (strcmp(argv[i], "--ops") == 0)
            s->by_op = true;
        else if (number && value)
            *number = (int32_t)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--backend") == 0 && value)
            s->backend = argv[++i];
        else if (argv[i][0] != '-' && !s->arch)
            s->arch = argv[i];
        else
            return false;
    }
    return s->arch && s->batch > 0 && s->repeat > 0;
}

static int slower_first(const void *a, const void *b)
{
    const step_time *x = a, *y = b;
    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds;
}

static const char *step_name(const urs_plan *plan, const urs_step *s)
{
    static const char *const names[] = {"", "(add gradient)", "(copy gradient)", "(convert)"};
    return s->kind == URS_STEP_KERNEL ? urs_op_find(plan->lowered[s->lowered].op)->name : names[s->kind];
}

static double step_macs(const urs_plan *plan, const urs_step *s)
{
    const urs_lowered *l = s->kind == URS_STEP_KERNEL ? &plan->lowered[s->lowered] : NULL;
    const urs_op *op = l ? urs_op_find(l->op) : NULL;
    urs_dims in[URS_INPUTS_MAX];
    urs_tensor_shape out;
    if (!op || !op->macs)
        return 0;
    for (int32_t i = 0; i < l->n_in; i++)
        in[i] = (urs_dims){plan->shape[l->in[i]].c, plan->shape[l->in[i]].h, plan->shape[l->in[i]].w};
    out = plan->shape[l->out];
    return (double)op->macs(&l->attr, in, l->n_in, (urs_dims){out.c, out.h, out.w}) * plan->options.batch *
           (s->backward ? (s->d_in[0] >= 0 ? 2 : 1) : 1);
}

static void print_shape(urs_tensor_shape s)
{
    printf(" %" PRId64 "x%" PRId64 "x%" PRId64 "/%" PRId64, s.c, s.h, s.w, s.block);
}

static void print_step(const urs_plan *plan, const step_time *t, double total)
{
    const urs_step *s = &plan->steps[t->index];
    const urs_op_attr *a = s->kind == URS_STEP_KERNEL ? &plan->lowered[s->lowered].attr : NULL;
    printf("%9.1f us %5.1f %% %7.1f  %s%-14s", t->seconds * 1e6, 100 * t->seconds / total, step_macs(plan, s) / t->seconds * 1e-9, s->backward ? "<-" : "->", step_name(plan, s));
    if (a) {
        print_shape(plan->shape[plan->lowered[s->lowered].in[0]]);
        printf(" ->");
        print_shape(plan->shape[plan->lowered[s->lowered].out]);
        if (a->kernel_h)
            printf("  k%d s%d g%d", (int)a->kernel_h, (int)a->stride_h, (int)a->groups);
        if (a->activation)
            printf(" act%d", (int)a->activation);
        if (a->has_residual)
            printf(" +skip");
    } else {
        print_shape(s->from);
    }
    printf("\n");
}

static void print_ops(const urs_plan *plan, const step_time *times, double total)
{
    for (int backward = 0; backward < 2; backward++)
        for (int kind = 0; kind < URS_OP_COUNT + 3; kind++) {
            double sum = 0;
            const char *name = NULL;
            int count = 0;
            for (int32_t i = 0; i < plan->n_steps; i++) {
                const urs_step *s = &plan->steps[times[i].index];
                const int k = s->kind == URS_STEP_KERNEL ? (int)plan->lowered[s->lowered].op : URS_OP_COUNT - 1 + (int)s->kind;
                if (k != kind || s->backward != (backward == 1))
                    continue;
                sum += times[i].seconds;
                name = step_name(plan, s);
                count++;
            }
            if (name)
                printf("%9.1f us %5.1f %%  %s%s (%d)\n", sum * 1e6, 100 * sum / total, backward ? "<-" : "->", name, count);
        }
}

/* Processor time of this thread: what other processes take from it does not count, only what they do to the caches. */
static double cpu_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static urs_status measure(urs_plan *plan, const settings *s, step_time *times, double *whole, urs_error *err)
{
    urs_status status = URS_OK;
    for (int32_t i = 0; i < plan->n_steps; i++)
        times[i] = (step_time){i, 1e9};
    *whole = 1e9;
    for (int32_t r = 0; status == URS_OK && r < s->repeat; r++) {
        double start = cpu_clock(), t;
        status = urs_plan_forward(plan, err);
        if (status == URS_OK && s->train)
            status = urs_plan_backward(plan, err);
        t = cpu_clock() - start;
        *whole = t < *whole ? t : *whole;
        for (int32_t i = 0; status == URS_OK && i < plan->n_steps; i++) {
            start = cpu_clock();
            status = urs_plan_run_step(plan, i, err);
            t = cpu_clock() - start;
            if (t < times[i].seconds)
                times[i].seconds = t;
        }
    }
    return status;
}

static urs_status run(const settings *s, urs_error *err)
{
    urs_model_options model;
    urs_graph *graph = NULL;
    urs_plan *plan = NULL;
    urs_plan_options options = {.batch = s->batch, .training = s->train};
    float *params = NULL, *input;
    step_time *times = NULL;
    const urs_value *outputs;
    double total = 0, whole = 0;
    urs_status status = urs_backend_find(&options.backend, s->backend, err);

    if (status == URS_OK)
        status = urs_model_options_default(&model, s->arch, err);
    if (status == URS_OK)
        status = urs_model_build(&graph, &model, err);
    if (status != URS_OK)
        goto done;
    params = urs_aligned_new(urs_graph_block_elements(graph) * sizeof *params);
    if (!params) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the parameters");
        goto done;
    }
    urs_graph_init_params(graph, params, 1);
    status = urs_plan_new(&plan, graph, params, &options, err);
    if (status != URS_OK)
        goto done;
    input = urs_plan_input(plan, 0);
    for (int64_t i = 0, n = urs_tensor_elements(plan->shape[0]); i < n; i++)
        input[i] = (float)((i * 7919) % 1009) / 504.5f - 1.0f;
    for (int32_t i = 0, n_outputs = urs_graph_outputs(graph, &outputs); s->train && i < n_outputs; i++)
        for (int64_t k = 0, n = urs_tensor_elements(plan->shape[plan->alias[outputs[i]]]); k < n; k++)
            ((float *)urs_plan_output_gradient(plan, i))[k] = (float)(k % 13 - 6) * 1e-3f;
    times = urs_array_new((size_t)plan->n_steps, sizeof *times);
    status = times ? measure(plan, s, times, &whole, err) : urs_fail(err, URS_ENOMEM, "no memory for the clocks");
    if (status != URS_OK)
        goto done;
    for (int32_t i = 0; i < plan->n_steps; i++)
        total += times[i].seconds;
    if (s->by_op)
        print_ops(plan, times, total);
    else {
        qsort(times, (size_t)plan->n_steps, sizeof *times, slower_first);
        for (int32_t i = 0; i < plan->n_steps && i < s->top; i++)
            print_step(plan, &times[i], total);
    }
    printf("%s, %s, %d image%s: sum of %d steps %.3f ms, whole %.3f ms, %.1f images/s, %.1f MB\n", s->arch, s->train ? "training" : "inference", (int)s->batch,
           s->batch == 1 ? "" : "s", (int)plan->n_steps, total * 1e3, whole * 1e3, s->batch / whole, (double)urs_plan_bytes(plan) / 1e6);
done:
    urs_free(times);
    urs_plan_free(plan);
    urs_graph_free(graph);
    urs_aligned_free(params);
    return status;
}

int main(int argc, char **argv)
{
    settings s;
    urs_error err = {0};
    if (!parse(&s, argc, argv)) {
        fprintf(stderr, "usage: bench_steps ARCH [--batch N] [--train] [--repeat N] [--top N] [--backend NAME] [--ops]\n");
        return 2;
    }
    if (run(&s, &err) != URS_OK) {
        fprintf(stderr, "bench_steps: %s\n", err.message);
        return 1;
    }
    return 0;
}
