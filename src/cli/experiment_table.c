/* The table of an experiment from its measurement files; see experiment.h. */
#include "cli/experiment.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/table.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define JSON_MAX 10000000
#define COLUMNS 4 /* behind the axes: runs, individuals, Hit@1, mAP */

static bool read_score(urs_experiment_score *out, const json_t *j)
{
    const json_t *value = json_object_get(j, "value"), *low = json_object_get(j, "low"), *high = json_object_get(j, "high");
    if (!json_is_number(value) || !json_is_number(low) || !json_is_number(high))
        return false;
    *out = (urs_experiment_score){json_number_value(value), json_number_value(low), json_number_value(high)};
    return true;
}

static urs_status find_result(urs_experiment_result *out, const json_t *top, const char *path, const char *system, urs_error *err)
{
    const json_t *rows = json_object_get(top, "cross_validation");
    const char *data = json_string_value(json_object_get(json_array_get(rows, 0), "data"));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *of = json_string_value(json_object_get(row, "data")), *name = json_string_value(json_object_get(row, "system"));
        urs_experiment_result r = {0};
        if (!data || !of || !name || strcmp(data, of) != 0 || strcmp(name, system) != 0)
            continue;
        r.individuals = (int)json_integer_value(json_object_get(row, "individuals"));
        if (!read_score(&r.hit1, json_object_get(row, "hit1")) || !read_score(&r.map, json_object_get(row, "map")))
            return urs_fail(err, URS_EFORMAT, "%s: hit1 or map of '%s' is no score", path, system);
        *out = r;
        return URS_OK;
    }
    return urs_fail(err, URS_ENOTFOUND, "%s: there is no '%s'", path, system);
}

urs_status urs_experiment_result_read(urs_experiment_result *out, const char *path, const char *system, urs_error *err)
{
    urs_bytes bytes = {0};
    json_error_t wrong;
    json_t *top;
    urs_status status = urs_file_read(&bytes, path, JSON_MAX, err);
    if (status != URS_OK)
        return status;
    top = json_loadb((const char *)bytes.data, bytes.size, 0, &wrong);
    status = top ? find_result(out, top, path, system, err) : urs_fail(err, URS_EFORMAT, "%s, line %d: %s", path, wrong.line, wrong.text);
    json_decref(top);
    urs_bytes_release(&bytes);
    return status;
}

/* ---- cells ---- */

typedef struct sum {
    double value, square, low, high;
} sum;

static void add_score(sum *s, urs_experiment_score score)
{
    s->value += score.value;
    s->square += score.value * score.value;
    s->low += score.low;
    s->high += score.high;
}

/* Mean of the runs, their standard deviation where there are two and more, and the interval over individuals (mean of the runs' ends). */
static void put_score(urs_table *t, const sum *s, size_t n)
{
    const double mean = s->value / (double)n, spread = n > 1 ? sqrt(fmax(0, (s->square - (double)n * mean * mean) / (double)(n - 1))) : 0;
    char runs[32] = "";
    if (n > 1)
        (void)snprintf(runs, sizeof runs, " +-%.3f", spread);
    if (n == 0)
        urs_table_add(t, "-");
    else
        urs_table_format(t, "%.3f%s (%.3f to %.3f)", mean, runs, s->low / (double)n, s->high / (double)n);
}

typedef struct cell_sums {
    sum hit1, map;
    size_t runs;
    int individuals;
} cell_sums;

/* `system` of all finished runs of cells from .. to-1. */
static urs_status collect(cell_sums *out, const urs_experiment *e, size_t from, size_t to, const char *system, urs_error *err)
{
    cell_sums c = {0};
    for (size_t cell = from; cell < to; cell++)
        for (size_t seed = 0; seed < e->seeds; seed++) {
            urs_text done = {0}, path = {0};
            urs_experiment_result r = {0};
            urs_status status = URS_ENOTFOUND;
            urs_experiment_path(&done, e, cell, seed, ".done");
            urs_experiment_path(&path, e, cell, seed, ".json");
            if (urs_file_exists(urs_text_string(&done)))
                status = urs_experiment_result_read(&r, urs_text_string(&path), system, err);
            urs_text_release(&done);
            urs_text_release(&path);
            if (status == URS_ENOTFOUND)
                continue;
            if (status != URS_OK)
                return status;
            add_score(&c.hit1, r.hit1);
            add_score(&c.map, r.map);
            c.individuals = r.individuals;
            c.runs++;
        }
    *out = c;
    return URS_OK;
}

static void put_sums(urs_table *t, const cell_sums *c)
{
    urs_table_format(t, "%zu", c->runs);
    if (c->runs)
        urs_table_format(t, "%d", c->individuals);
    else
        urs_table_add(t, "-");
    put_score(t, &c->hit1, c->runs);
    put_score(t, &c->map, c->runs);
}

/* What needs no training is the same in every run: one line from all of them, without the spread of equal numbers. */
static urs_status put_floor(urs_table *t, const urs_experiment *e, const char *system, urs_error *err)
{
    cell_sums c = {0};
    const urs_status status = collect(&c, e, 0, e->cells, system, err);
    if (status != URS_OK || c.runs == 0)
        return status;
    urs_table_add(t, system);
    for (size_t i = 1; i < e->axis_count; i++)
        urs_table_add(t, "");
    urs_table_add(t, "");
    urs_table_format(t, "%d", c.individuals);
    c.hit1 = (sum){c.hit1.value / (double)c.runs, 0, c.hit1.low / (double)c.runs, c.hit1.high / (double)c.runs};
    c.map = (sum){c.map.value / (double)c.runs, 0, c.map.low / (double)c.runs, c.map.high / (double)c.runs};
    put_score(t, &c.hit1, 1);
    put_score(t, &c.map, 1);
    return URS_OK;
}

/* The aligned text with bars between the columns would need their widths again: cells are few, so the Markdown table is written cell by cell. */
static void to_markdown(urs_text *out, const urs_table *t)
{
    for (size_t i = 0; i < t->cells.count; i++) {
        urs_text_format(out, "| %s ", t->cells.items[i]);
        if ((i + 1) % t->columns == 0)
            urs_text_add(out, "|\n");
        if (i + 1 == t->columns) {
            for (size_t k = 0; k < t->columns; k++)
                urs_text_add(out, "|---");
            urs_text_add(out, "|\n");
        }
    }
}

urs_status urs_experiment_table(urs_text *out, const urs_experiment *e, bool markdown, size_t *finished, urs_error *err)
{
    static const char *const headings[COLUMNS] = {"runs", "individuals", "Hit@1", "mAP"};
    urs_table t;
    urs_text text = {0}, unused = {0};
    urs_status status = URS_OK;
    size_t runs = 0;
    urs_table_start(&t, e->axis_count + COLUMNS);
    for (size_t i = 0; i < e->axis_count; i++)
        urs_table_add(&t, e->axes[i].name);
    for (size_t i = 0; i < COLUMNS; i++)
        urs_table_add(&t, headings[i]);
    for (size_t cell = 0; status == URS_OK && cell < e->cells; cell++) {
        cell_sums c = {0};
        status = collect(&c, e, cell, cell + 1, "model", err);
        for (size_t i = 0; i < e->axis_count; i++)
            urs_table_add(&t, urs_experiment_value(e, cell, i));
        put_sums(&t, &c);
        runs += c.runs;
    }
    if (status == URS_OK)
        status = put_floor(&t, e, "pretrained as it is", err);
    if (status == URS_OK)
        status = put_floor(&t, e, "colour histogram", err);
    if (status == URS_OK && markdown)
        to_markdown(&text, &t);
    urs_table_end(&t, markdown ? &unused : &text);
    if (status == URS_OK && !urs_text_ok(&text))
        status = urs_fail(err, URS_ENOMEM, "no memory for a table");
    if (status == URS_OK) {
        urs_text_add(out, urs_text_string(&text));
        *finished = runs;
    }
    urs_text_release(&unused);
    urs_text_release(&text);
    return status;
}
