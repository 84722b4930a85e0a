/* Progress on stderr; see progress.h. */
#include "base/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double urs_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void urs_progress_start(urs_progress *p, urs_progress_style style, const char *verb, const char *unit, size_t total)
{
    memset(p, 0, sizeof *p);
    p->verb = verb;
    p->unit = unit;
    p->total = total;
    p->style = style;
    p->started = urs_clock();
    p->last = p->started;
    p->terminal = isatty(STDERR_FILENO) != 0;
}

static void print_line(const urs_progress *p, bool end)
{
    const double seconds = urs_clock() - p->started;
    const double rate = seconds > 0 ? (double)p->done / seconds : 0;
    const double left = rate > 0 && p->total > p->done ? (double)(p->total - p->done) / rate : 0;

    if (p->style == URS_PROGRESS_JSON) {
        fprintf(stderr, "{\"progress\":\"%s\",\"unit\":\"%s\",\"done\":%zu,\"total\":%zu,\"seconds\":%.1f,\"per_second\":%.2f,\"seconds_left\":%.0f}\n",
                p->verb, p->unit, p->done, p->total, seconds, rate, left);
        return;
    }
    fprintf(stderr, "%s%s %zu of %zu %s, %.1f/s", p->terminal ? "\r\033[K" : "", p->verb, p->done, p->total, p->unit, rate);
    if (end)
        fprintf(stderr, ", %.0f s", seconds);
    else if (left >= 90)
        fprintf(stderr, ", %.0f min left", left / 60);
    else
        fprintf(stderr, ", %.0f s left", left);
    fputs(end || !p->terminal ? "\n" : "", stderr);
    (void)fflush(stderr);
}

void urs_progress_step(urs_progress *p, size_t done)
{
    const double now = urs_clock();
    p->done = done;
    if (p->style == URS_PROGRESS_NONE || now - p->last < (p->terminal || p->style == URS_PROGRESS_JSON ? 0.2 : 10.0))
        return;
    p->last = now;
    print_line(p, false);
}

void urs_progress_end(urs_progress *p)
{
    if (p->style != URS_PROGRESS_NONE)
        print_line(p, true);
}
