/* Clocks and samples; see measure.h. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec t = {0};
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double urs_wall_seconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double urs_cpu_seconds(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

urs_status urs_measure(urs_samples *s, urs_work *work, void *context, double seconds, size_t least, int warm, urs_error *err)
{
    urs_status status = warm ? work(context, err) : URS_OK;
    const double end = urs_wall_seconds() + seconds;
    for (size_t done = 0; status == URS_OK && s->count < URS_SAMPLES_MAX && (done < least || urs_wall_seconds() < end); done++) {
        const double wall = urs_wall_seconds(), cpu = urs_cpu_seconds();
        status = work(context, err);
        s->wall[s->count] = urs_wall_seconds() - wall;
        s->cpu[s->count++] = urs_cpu_seconds() - cpu;
    }
    return status;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double urs_samples_best(const urs_samples *s)
{
    double best = s->count ? s->wall[0] : 0;
    for (size_t i = 1; i < s->count; i++)
        best = s->wall[i] < best ? s->wall[i] : best;
    return best;
}

double urs_samples_median(const urs_samples *s)
{
    double sorted[URS_SAMPLES_MAX];
    const size_t n = s->count;
    if (n == 0)
        return 0;
    memcpy(sorted, s->wall, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static void print_list(FILE *out, const char *name, const double *x, size_t n)
{
    (void)fprintf(out, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s%.7g", i ? "," : "", x[i]);
    (void)fputc(']', out);
}

void urs_samples_print(FILE *out, const urs_samples *s)
{
    (void)fputc('{', out);
    print_list(out, "wall", s->wall, s->count);
    (void)fputc(',', out);
    print_list(out, "cpu", s->cpu, s->count);
    (void)fputc('}', out);
}

size_t urs_peak_resident(void)
{
    struct rusage use;
    memset(&use, 0, sizeof use);
    (void)getrusage(RUSAGE_SELF, &use);
    return (size_t)use.ru_maxrss * 1024;
}

int urs_bench_fail(const urs_error *err)
{
    (void)fprintf(stderr, "bench: %s\n", err->message);
    return 1;
}
