/* What one picture costs with weight files, float or int8: the network alone with what carries a picture in and numbers out, one thread, noise as the picture.
 *
 *   time_weights SECONDS W...       runs of the files in turn, so that what disturbs one disturbs the others; prints a JSON list: median and best milliseconds, median of the ratios to the
 *                                   first file's run of the same turn, working memory
 *   time_weights count PICTURES W   runs so many and measures nothing: for counters of instructions (tools/table4.sh), which take the difference of two counts */
#include "measure.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "stages/runner.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8
#define OUTPUTS_MAX 32
#define TURNS_LEAST 5

typedef struct contender {
    urs_network *network;
    urs_plan *plan;         /* float weights; or */
    urs_executor *executor; /* int8 weights, with */
    float *input, *output[OUTPUTS_MAX];
    urs_samples samples;
} contender;

static urs_status open_executor(contender *c, size_t elements, urs_error *err)
{
    const urs_value *values;
    const int32_t n = urs_graph_outputs(c->network->graph, &values);
    urs_status status = URS_OK;
    if (n > OUTPUTS_MAX)
        return urs_fail(err, URS_ELIMIT, "a network of %d outputs; %d are possible", (int)n, OUTPUTS_MAX);
    c->input = urs_array_new(elements, sizeof *c->input);
    if (!c->input)
        status = urs_fail(err, URS_ENOMEM, "no memory for a picture");
    for (int32_t k = 0; status == URS_OK && k < n; k++) {
        c->output[k] = urs_array_new(urs_graph_output_elements(c->network->graph, k), sizeof *c->output[k]);
        if (!c->output[k])
            status = urs_fail(err, URS_ENOMEM, "no memory for outputs");
    }
    return status == URS_OK ? c->network->maker->make(c->network->maker, &c->executor, err) : status;
}

static urs_status open_contender(contender *c, const char *path, urs_error *err)
{
    const urs_plan_options options = {.batch = 1};
    float *input = NULL;
    size_t elements = 0;
    urs_status status = urs_network_read(&c->network, path, NULL, err);
    if (status == URS_OK) {
        elements = 3 * (size_t)c->network->input.width * (size_t)c->network->input.height;
        status = c->network->maker ? open_executor(c, elements, err) : urs_plan_new(&c->plan, c->network->graph, c->network->params, &options, err);
    }
    if (status == URS_OK) {
        urs_random r;
        urs_random_init(&r, 1);
        input = c->plan ? urs_plan_input(c->plan, 0) : c->input;
        for (size_t i = 0; i < elements; i++)
            input[i] = (float)((double)(urs_random_u64(&r) >> 40) * 0x1p-24 * 4 - 2);
    }
    return status;
}

static void close_contender(contender *c)
{
    urs_plan_free(c->plan);
    if (c->executor)
        c->executor->free(c->executor);
    for (int k = 0; k < OUTPUTS_MAX; k++)
        urs_free(c->output[k]);
    urs_free(c->input);
    urs_network_free(c->network);
}

static urs_status run(void *context, urs_error *err)
{
    contender *c = context;
    return c->plan ? urs_plan_forward(c->plan, err) : c->executor->run(c->executor, c->input, c->output, err);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ratio(const urs_samples *samples, const urs_samples *to)
{
    static double ratio[URS_SAMPLES_MAX];
    const size_t n = samples->count < to->count ? samples->count : to->count;
    for (size_t i = 0; i < n; i++)
        ratio[i] = samples->wall[i] / to->wall[i];
    qsort(ratio, n, sizeof *ratio, by_size);
    return n ? ratio[n / 2] : 0;
}

static urs_status time_them(contender *c, int n, double seconds, urs_error *err)
{
    const double end = urs_wall_seconds() + seconds;
    urs_status status = URS_OK;
    for (int turn = 0; status == URS_OK && turn < URS_SAMPLES_MAX && (turn < TURNS_LEAST || urs_wall_seconds() < end); turn++)
        for (int i = 0; status == URS_OK && i < n; i++)
            status = urs_measure(&c[i].samples, run, &c[i], 0, 1, turn == 0, err);
    return status;
}

static void print(const contender *c, int n, char **paths)
{
    for (int i = 0; i < n; i++)
        (void)printf("%s{\"file\":\"%s\",\"runs\":%zu,\"median_ms\":%.4f,\"best_ms\":%.4f,\"ratio\":%.4f,\"working_bytes\":%zu}", i ? ",\n " : "[", urs_path_base(paths[i]), c[i].samples.count,
                     1e3 * urs_samples_median(&c[i].samples), 1e3 * urs_samples_best(&c[i].samples), median_ratio(&c[i].samples, &c[0].samples),
                     c[i].plan ? urs_plan_bytes(c[i].plan) : c[i].executor->bytes(c[i].executor));
    (void)printf("]\n");
}

int main(int argc, char **argv)
{
    static contender contenders[FILES_MAX];
    urs_error err = {0};
    urs_status status = URS_OK;
    const bool counts = argc == 4 && strcmp(argv[1], "count") == 0;
    char **paths = argv + (counts ? 3 : 2);
    const int n = argc - (counts ? 3 : 2);
    if (n < 1 || n > FILES_MAX) {
        (void)fputs("usage: time_weights SECONDS W...  or  time_weights count PICTURES W\n", stderr);
        return 2;
    }
    for (int i = 0; status == URS_OK && i < n; i++)
        status = open_contender(&contenders[i], paths[i], &err);
    if (status == URS_OK && counts)
        for (long i = strtol(argv[2], NULL, 10); status == URS_OK && i > 0; i--)
            status = run(&contenders[0], &err);
    else if (status == URS_OK)
        status = time_them(contenders, n, strtod(argv[1], NULL), &err);
    if (status == URS_OK && !counts)
        print(contenders, n, paths);
    for (int i = 0; i < n; i++)
        close_contender(&contenders[i]);
    return status == URS_OK ? 0 : urs_bench_fail(&err);
}
