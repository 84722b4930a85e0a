/* Speed of our networks, for bench.py and for people.
 *
 *   bench_networks list                                       one line of JSON a network: name, parameters, multiply-adds, input
 *   bench_networks one NET SECONDS                            one image on one thread
 *   bench_networks many NET IMAGES CHUNK THREADS SECONDS      images in parts of CHUNK
 *   bench_networks train NET BATCH THREADS SECONDS            training steps
 *   bench_networks memory NET                                 bytes of parameters and plans, largest resident memory with the plan for one image
 *   bench_networks serve                                      the requests above, a line each, on standard input; a line of JSON each on standard output
 *
 * Answers are {"wall":[..],"cpu":[..]} in seconds, or {"error":"..."}. `memory` measures the process, so it wants a fresh one. $URSID_BENCH_BACKEND: "ref" or "onednn". */
#include "measure.h"
#include "network_work.h"

#include "base/memory.h"
#include "models/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct session {
    urs_network_work *work; /* of the last network asked for */
    urs_samples samples;
} session;

typedef struct request {
    char kind[16], arch[32];
    double number[4];
    int numbers;
} request;

static urs_status list_networks(urs_error *err)
{
    (void)fputs("[", stdout);
    for (int32_t i = 0; i < urs_arch_count(); i++) {
        const urs_arch *arch = urs_arch_at(i);
        urs_model_options options;
        urs_graph *graph = NULL;
        urs_status status = urs_model_options_default(&options, arch->name, err);
        if (status == URS_OK)
            status = urs_model_build(&graph, &options, err);
        if (status != URS_OK)
            return status;
        (void)printf("%s{\"name\":\"%s\",\"parameters\":%lld,\"macs\":%lld,\"width\":%d,\"height\":%d,\"classes\":%d,\"detector\":%s}", i ? "," : "", arch->name,
                     (long long)urs_graph_param_count(graph), (long long)urs_graph_macs(graph), (int)arch->input.width, (int)arch->input.height, (int)options.classes,
                     arch->detector ? "true" : "false");
        urs_graph_free(graph);
    }
    (void)fputs("]\n", stdout);
    return URS_OK;
}

static urs_status open_network(session *s, const char *arch, urs_error *err)
{
    urs_network_work *fresh = NULL;
    urs_status status;
    if (s->work && strcmp(urs_network_work_arch(s->work), arch) == 0)
        return URS_OK;
    status = urs_network_work_new(&fresh, arch, getenv("URSID_BENCH_BACKEND"), err);
    if (status != URS_OK)
        return status;
    urs_network_work_free(s->work);
    s->work = fresh;
    return URS_OK;
}

static urs_status print_memory(session *s, urs_error *err)
{
    const urs_status status = urs_network_work_one(s->work, &s->samples, 0, err);
    if (status == URS_OK) {
        const urs_network_memory m = urs_network_work_memory(s->work);
        (void)printf("{\"parameters\":%zu,\"plan\":%zu,\"peak_resident\":%zu}\n", m.parameters, m.one, urs_peak_resident());
    }
    return status;
}

static urs_status answer(session *s, const request *q, urs_error *err)
{
    const double *n = q->number;
    urs_status status = open_network(s, q->arch, err);
    s->samples.count = 0;
    if (status != URS_OK)
        return status;
    if (strcmp(q->kind, "memory") == 0 && q->numbers == 0)
        return print_memory(s, err);
    if (strcmp(q->kind, "one") == 0 && q->numbers == 1)
        status = urs_network_work_one(s->work, &s->samples, n[0], err);
    else if (strcmp(q->kind, "many") == 0 && q->numbers == 4)
        status = urs_network_work_many(s->work, &s->samples, (int32_t)n[0], (int32_t)n[1], (int32_t)n[2], n[3], err);
    else if (strcmp(q->kind, "train") == 0 && q->numbers == 3)
        status = urs_network_work_train(s->work, &s->samples, (int32_t)n[0], (int32_t)n[1], n[2], err);
    else
        status = urs_fail(err, URS_EINVAL, "there is no request \"%s\" with %d numbers", q->kind, q->numbers);
    if (status == URS_OK) {
        urs_samples_print(stdout, &s->samples);
        (void)fputc('\n', stdout);
    }
    return status;
}

static urs_status parse_line(request *q, const char *line, urs_error *err)
{
    memset(q, 0, sizeof *q);
    const int read = sscanf(line, "%15s %31s %lf %lf %lf %lf", q->kind, q->arch, &q->number[0], &q->number[1], &q->number[2], &q->number[3]);
    if (read < 2)
        return urs_fail(err, URS_EINVAL, "a request is a word, a network and numbers");
    q->numbers = read - 2;
    for (int i = 0; i < q->numbers; i++)
        if (!(q->number[i] >= 0 && q->number[i] <= 10000))
            return urs_fail(err, URS_EINVAL, "%g is out of range", q->number[i]);
    return URS_OK;
}

static int serve(session *s)
{
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        request q;
        urs_error err = {0};
        urs_status status = parse_line(&q, line, &err);
        if (status == URS_OK)
            status = answer(s, &q, &err);
        if (status != URS_OK) { /* names and messages of ours hold no quotes but these */
            for (char *c = err.message; *c; c++)
                *c = *c == '"' || *c == '\\' ? '\'' : *c;
            (void)printf("{\"error\":\"%s\"}\n", err.message);
        }
        (void)fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    session *s = urs_array_new(1, sizeof *s);
    char line[256] = "";
    urs_error err = {0};
    request q;
    urs_status status;
    int code;

    if (!s) {
        (void)urs_fail(&err, URS_ENOMEM, "no memory for a session");
        return urs_bench_fail(&err);
    }
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        code = list_networks(&err) == URS_OK ? 0 : urs_bench_fail(&err);
    } else if (argc == 2 && strcmp(argv[1], "serve") == 0) {
        code = serve(s);
    } else {
        for (int i = 1; i < argc; i++) {
            const size_t used = strlen(line);
            (void)snprintf(line + used, sizeof line - used, "%s ", argv[i]);
        }
        status = parse_line(&q, line, &err);
        if (status == URS_OK)
            status = answer(s, &q, &err);
        code = status == URS_OK ? 0 : urs_bench_fail(&err);
    }
    urs_network_work_free(s->work);
    urs_free(s);
    return code;
}
