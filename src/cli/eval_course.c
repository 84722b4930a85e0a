/* The course of a training; see eval_course.h. */
#include "cli/eval_course.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX_BYTES ((size_t)4 << 20)
#define LINE_MAX_BYTES 1024
#define EPOCHS_MAX 100000

/* The number behind `word` in the line; false: there is none. */
static bool number_behind(const char *line, const char *word, double *out)
{
    const char *at = strstr(line, word);
    char *end;
    if (!at)
        return false;
    at += strlen(word);
    *out = strtod(at, &end);
    return end != at && isfinite(*out);
}

static urs_status take_line(urs_course *c, size_t *capacity, const char *line, urs_error *err)
{
    double epoch, loss, score;
    size_t at = 0;
    if (strncmp(line, "epoch ", 6) != 0 || !number_behind(line, "epoch ", &epoch) || epoch < 1 || epoch > EPOCHS_MAX || !number_behind(line, " loss ", &loss))
        return URS_OK;
    if (!strstr(line, " validation ") || !number_behind(line, " score ", &score))
        score = NAN;
    while (at < c->count && c->epoch[at] < epoch) /* a run that went on from a checkpoint tells of its epochs again */
        at++;
    c->count = at;
    if (at == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 64;
        if (!urs_array_resize((void **)&c->epoch, *capacity, sizeof *c->epoch) || !urs_array_resize((void **)&c->loss, *capacity, sizeof *c->loss) ||
            !urs_array_resize((void **)&c->score, *capacity, sizeof *c->score))
            return urs_fail(err, URS_ENOMEM, "no memory for the course of a training");
    }
    c->epoch[at] = epoch;
    c->loss[at] = loss;
    c->score[at] = score;
    c->count = at + 1;
    return URS_OK;
}

urs_status urs_course_parse(urs_course *out, const char *text, size_t size, urs_error *err)
{
    urs_course c = {0};
    size_t capacity = 0;
    urs_status status = URS_OK;
    for (size_t at = 0; status == URS_OK && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t length = end ? (size_t)(end - text) - at : size - at;
        char line[LINE_MAX_BYTES];
        if (length < sizeof line) {
            memcpy(line, text + at, length);
            line[length] = '\0';
            status = take_line(&c, &capacity, line, err);
        }
        at += length + 1;
    }
    if (status == URS_OK)
        *out = c;
    else
        urs_course_release(&c);
    return status;
}

void urs_course_release(urs_course *c)
{
    urs_free(c->epoch);
    urs_free(c->loss);
    urs_free(c->score);
    *c = (urs_course){0};
}

static void put_plots(urs_text *out, const urs_course *c)
{
    const urs_plot_axes loss = {.title = "Training: loss", .x_label = "epoch", .y_label = "mean of the epoch", .points = c->count <= 40};
    const urs_plot_axes score = {.title = "Training: validation score", .x_label = "epoch", .y_label = "what the epoch was chosen by", .points = true};
    bool validated = false;
    for (size_t i = 0; i < c->count; i++)
        validated = validated || !isnan(c->score[i]);
    urs_plot_curves(out, &loss, &(urs_plot_series){.x = c->epoch, .y = c->loss, .count = c->count}, 1);
    if (validated)
        urs_plot_curves(out, &score, &(urs_plot_series){.x = c->epoch, .y = c->score, .count = c->count}, 1);
}

urs_status urs_eval_course(urs_text *out, const char *weights, urs_error *err)
{
    urs_text path = {0};
    urs_bytes bytes = {0};
    urs_course course = {0};
    urs_status status = URS_OK;
    urs_text_format(&path, "%s.log", weights);
    if (!urs_text_ok(&path))
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
    else if (urs_file_read(&bytes, urs_text_string(&path), LOG_MAX_BYTES, NULL) != URS_OK)
        bytes = (urs_bytes){0};
    if (status == URS_OK && bytes.data)
        status = urs_course_parse(&course, (const char *)bytes.data, bytes.size, err);
    if (status == URS_OK && course.count > 1)
        put_plots(out, &course);
    urs_course_release(&course);
    urs_bytes_release(&bytes);
    urs_text_release(&path);
    return status;
}
