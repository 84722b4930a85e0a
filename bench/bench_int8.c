/* Speed and memory of int8 MobileNetV3-Small beside our float network, in turns in one run; bench_int8.py adds ONNX Runtime.
 *
 *   bench_int8 [SECONDS]            a table: every set of kernels of this processor beside float
 *   bench_int8 serve                requests, a line each: "float SECONDS", "KERNELS SECONDS" (avx2, ...); answers {"wall":[..],"cpu":[..]}
 *   bench_int8 steps KERNELS        microseconds of every step
 *   bench_int8 count KERNELS RUNS   runs and nothing else, for counting instructions (KERNELS may be "float")
 *   bench_int8 memory               the arena, tensor by tensor
 *
 * $URSID_BENCH_BACKEND as in bench_networks. float under another instruction set: ONEDNN_MAX_CPU_ISA=AVX2. */
#include "int8_mobilenet.h"
#include "measure.h"
#include "network_work.h"

#include "base/memory.h"
#include "int8/engine.h"
#include "int8/kernels.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 6
#define SETS_MAX 8
#define CLASSES 1000

typedef struct contender {
    const char *name;
    urs_int8_plan *plan; /* NULL: float */
    urs_int8_worker *worker;
    urs_samples samples;
} contender;

typedef struct bench {
    urs_int8_graph *graph;
    urs_network_work *network;
    contender *contenders; /* owned; 0 is float */
    int n;
} bench;

static urs_status open_bench(bench *b, urs_error *err)
{
    urs_status status = urs_int8_mobilenet_v3_small(&b->graph, CLASSES, 7, err);
    b->contenders = urs_array_new(SETS_MAX, sizeof *b->contenders);
    if (status == URS_OK && !b->contenders)
        status = urs_fail(err, URS_ENOMEM, "no memory for samples");
    if (status == URS_OK)
        status = urs_network_work_new(&b->network, "mobilenet_v3_small", getenv("URSID_BENCH_BACKEND"), err);
    if (status != URS_OK)
        return status;
    b->contenders[b->n++].name = "float";
    for (int32_t k = 0; urs_int8_kernels_runnable(k) && status == URS_OK; k++) {
        contender *c = &b->contenders[b->n++];
        const urs_int8_plan_options options = {.kernels = urs_int8_kernels_runnable(k)->name};
        c->name = options.kernels;
        status = urs_int8_plan_new(&c->plan, b->graph, &options, err);
        if (status == URS_OK)
            status = urs_int8_worker_new(&c->worker, c->plan, err);
    }
    return status;
}

static void close_bench(bench *b)
{
    for (int i = 0; i < b->n; i++) {
        urs_int8_worker_free(b->contenders[i].worker);
        urs_int8_plan_free(b->contenders[i].plan);
    }
    urs_free(b->contenders);
    urs_network_work_free(b->network);
    urs_int8_graph_free(b->graph);
}

static urs_status run_int8(void *context, urs_error *err)
{
    (void)err;
    urs_int8_worker_run(context);
    return URS_OK;
}

static urs_status measure(bench *b, contender *c, double seconds, urs_error *err)
{
    if (!c->plan)
        return urs_network_work_one(b->network, &c->samples, seconds, err);
    return urs_measure(&c->samples, run_int8, c->worker, seconds, 3, 1, err);
}

static contender *find(bench *b, const char *name)
{
    for (int i = 0; i < b->n; i++)
        if (strcmp(b->contenders[i].name, name) == 0)
            return &b->contenders[i];
    return NULL;
}

static urs_status table(bench *b, double seconds, urs_error *err)
{
    urs_status status = URS_OK;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < b->n && status == URS_OK; i++)
            status = measure(b, &b->contenders[i], seconds / ROUNDS, err);
    if (status != URS_OK)
        return status;
    (void)printf("%-14s %10s %10s %22s\n", "", "best ms", "median ms", "of float (best, median)");
    for (int i = 0; i < b->n; i++) {
        const urs_samples *s = &b->contenders[i].samples, *f = &b->contenders[0].samples;
        (void)printf("%-14s %10.3f %10.3f %12.2f %9.2f\n", b->contenders[i].name, 1e3 * urs_samples_best(s), 1e3 * urs_samples_median(s), urs_samples_best(s) / urs_samples_best(f),
                     urs_samples_median(s) / urs_samples_median(f));
    }
    for (int i = 1; i < b->n; i++)
        (void)printf("int8 %s: packed weights %zu bytes, working memory of a thread %zu bytes\n", b->contenders[i].name, urs_int8_plan_packed_bytes(b->contenders[i].plan),
                     urs_int8_plan_arena_bytes(b->contenders[i].plan));
    (void)printf("float: parameters %zu bytes, plan %zu bytes\n", urs_network_work_memory(b->network).parameters, urs_network_work_memory(b->network).one);
    return URS_OK;
}

static int serve(bench *b)
{
    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        char name[32];
        double seconds = 0;
        urs_error err = {0};
        contender *c = sscanf(line, "%31s %lf", name, &seconds) == 2 && seconds >= 0 && seconds < 1000 ? find(b, name) : NULL;
        if (c)
            c->samples.count = 0;
        if (!c || measure(b, c, seconds, &err) != URS_OK) {
            (void)printf("{\"error\":\"%s\"}\n", c ? "the measurement failed" : "no such kernels");
        } else {
            urs_samples_print(stdout, &c->samples);
            (void)fputc('\n', stdout);
        }
        (void)fflush(stdout);
    }
    return 0;
}

static urs_status count(bench *b, const contender *c, int runs, urs_error *err)
{
    urs_status status = URS_OK;
    urs_samples *samples = urs_array_new(1, sizeof *samples);
    if (!samples)
        return urs_fail(err, URS_ENOMEM, "no memory for samples");
    for (int i = 0; i < runs && status == URS_OK; i++) {
        if (c->plan)
            urs_int8_worker_run(c->worker);
        else
            status = urs_network_work_one(b->network, samples, 0, err);
    }
    urs_free(samples);
    return status;
}

int main(int argc, char **argv)
{
    bench b = {0};
    urs_error err = {0};
    urs_status status = open_bench(&b, &err);
    int code = 0;
    if (status == URS_OK && argc == 2 && strcmp(argv[1], "serve") == 0) {
        code = serve(&b);
    } else if (status == URS_OK && argc == 2 && strcmp(argv[1], "memory") == 0) {
        urs_int8_plan_print(b.contenders[1].plan, stdout);
    } else if (status == URS_OK && argc == 3 && strcmp(argv[1], "steps") == 0 && find(&b, argv[2]) && find(&b, argv[2])->plan) {
        urs_int8_worker_profile(find(&b, argv[2])->worker, 200, stdout);
    } else if (status == URS_OK && argc == 4 && strcmp(argv[1], "count") == 0 && find(&b, argv[2])) {
        status = count(&b, find(&b, argv[2]), atoi(argv[3]), &err);
    } else if (status == URS_OK && argc <= 2) {
        status = table(&b, argc == 2 ? atof(argv[1]) : 6, &err);
    } else if (status == URS_OK) {
        status = urs_fail(&err, URS_EINVAL, "usage: bench_int8 [SECONDS] | serve | memory | steps KERNELS | count KERNELS RUNS");
    }
    close_bench(&b);
    return status == URS_OK ? code : urs_bench_fail(&err);
}
