/* CSV manifests: RFC 4180 records, columns found by their header names; see dataset.h.
 *
 *      path,label,camera,infrared          header: names in any order and case, a byte order mark is passed over
 *      "a, b.jpg",animal,cam1,0            quoted fields hold commas, line ends and "" for a quote
 */
#include "base/day.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 256

typedef enum column {
    COLUMN_PATH, COLUMN_LABEL, COLUMN_INDIVIDUAL, COLUMN_CAMERA, COLUMN_DATE, COLUMN_INFRARED, COLUMN_GROUP, COLUMN_PART, COLUMN_WIDTH, COLUMN_HEIGHT,
    COLUMN_KINDS, COLUMN_OTHER = COLUMN_KINDS
} column;

static const struct {
    const char *name;
    column column;
} column_names[] = {
    {"path", COLUMN_PATH}, {"filepath", COLUMN_PATH}, {"file_path", COLUMN_PATH}, {"file_name", COLUMN_PATH}, {"filename", COLUMN_PATH}, {"file", COLUMN_PATH},
    {"image", COLUMN_PATH}, {"label", COLUMN_LABEL}, {"class", COLUMN_LABEL}, {"category", COLUMN_LABEL}, {"individual", COLUMN_INDIVIDUAL},
    {"identity", COLUMN_INDIVIDUAL}, {"name", COLUMN_INDIVIDUAL}, {"camera", COLUMN_CAMERA}, {"station", COLUMN_CAMERA}, {"location", COLUMN_CAMERA},
    {"date", COLUMN_DATE}, {"datetime", COLUMN_DATE}, {"timestamp", COLUMN_DATE}, {"time", COLUMN_DATE}, {"infrared", COLUMN_INFRARED}, {"ir", COLUMN_INFRARED},
    {"group", COLUMN_GROUP}, {"sequence", COLUMN_GROUP}, {"event", COLUMN_GROUP}, {"encounter", COLUMN_GROUP}, {"split", COLUMN_PART}, {"part", COLUMN_PART},
    {"set", COLUMN_PART}, {"width", COLUMN_WIDTH}, {"height", COLUMN_HEIGHT}};

/* Reads fields one after another; `line` counts physical lines for messages. */
typedef struct csv {
    const char *data, *name;
    size_t size, at;
    size_t line;
    urs_text field;
    bool last; /* the field just read ended its record */
} csv;

static urs_status csv_field(csv *c, urs_error *err)
{
    const size_t start = c->line;
    c->field.length = 0;
    urs_text_append(&c->field, "", 0);
    if (c->at < c->size && c->data[c->at] == '"') {
        for (c->at++;; c->at++) {
            if (c->at >= c->size)
                return urs_fail(err, URS_EFORMAT, "%s, line %zu: a quoted field has no closing quote", c->name, start);
            if (c->data[c->at] == '"') {
                if (c->at + 1 >= c->size || c->data[c->at + 1] != '"')
                    break;
                c->at++;
            }
            c->line += c->data[c->at] == '\n';
            urs_text_append(&c->field, c->data + c->at, 1);
        }
        c->at++;
        if (c->at < c->size && !strchr(",\r\n", c->data[c->at]))
            return urs_fail(err, URS_EFORMAT, "%s, line %zu: text behind the closing quote of a field", c->name, c->line);
    } else {
        const size_t begin = c->at;
        while (c->at < c->size && c->data[c->at] != ',' && c->data[c->at] != '\r' && c->data[c->at] != '\n')
            c->at++;
        urs_text_append(&c->field, c->data + begin, c->at - begin);
    }
    if (!urs_text_ok(&c->field))
        return urs_fail(err, URS_ENOMEM, "%s, line %zu: no memory for a field", c->name, start);
    if (memchr(urs_text_string(&c->field), 0, c->field.length))
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: a zero byte in a field", c->name, start);
    c->last = true;
    if (c->at < c->size && c->data[c->at] == ',') {
        c->at++;
        c->last = false;
    } else if (c->at < c->size) {
        c->at += c->data[c->at] == '\r' && c->at + 1 < c->size && c->data[c->at + 1] == '\n' ? 2 : 1;
        c->line++;
    }
    return URS_OK;
}

static bool parse_flag(const char *s, int8_t *out)
{
    static const char *const yes[] = {"1", "true", "yes", "y"}, *const no[] = {"0", "false", "no", "n"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(s, yes[i]) == 0) {
            *out = 1;
            return true;
        }
        if (strcasecmp(s, no[i]) == 0) {
            *out = 0;
            return true;
        }
    }
    return false;
}

static urs_status read_header(csv *c, column *columns, size_t *count, urs_error *err)
{
    bool seen[COLUMN_KINDS] = {false};
    size_t n = 0;
    urs_status status;
    if (c->size >= 3 && memcmp(c->data, "\xEF\xBB\xBF", 3) == 0)
        c->at = 3;
    if (c->at >= c->size)
        return urs_fail(err, URS_EFORMAT, "%s is empty: a header line with a column 'path' is expected", c->name);
    do {
        column kind = COLUMN_OTHER;
        status = csv_field(c, err);
        if (status != URS_OK)
            return status;
        if (n == COLUMNS_MAX)
            return urs_fail(err, URS_ELIMIT, "%s: more than %d columns", c->name, COLUMNS_MAX);
        for (size_t i = 0; i < sizeof column_names / sizeof column_names[0]; i++)
            if (strcasecmp(urs_text_string(&c->field), column_names[i].name) == 0)
                kind = column_names[i].column;
        /* A manifest may hold, say, both `file` and `path`; the first one counts. */
        if (kind != COLUMN_OTHER && seen[kind])
            kind = COLUMN_OTHER;
        if (kind != COLUMN_OTHER)
            seen[kind] = true;
        columns[n++] = kind;
    } while (!c->last);
    if (!seen[COLUMN_PATH])
        return urs_fail(err, URS_EFORMAT, "%s, line 1: no column 'path' (or file, filepath, file_name, image)", c->name);
    *count = n;
    return URS_OK;
}

static urs_status bad_value(const csv *c, size_t line, const char *what, urs_error *err)
{
    return urs_fail(err, URS_EFORMAT, "%s, line %zu: '%.60s' is no %s", c->name, line, urs_text_string(&c->field), what);
}

static urs_status take_value(urs_dataset *out, urs_sample *s, csv *c, column kind, size_t line, const char *prefix, urs_error *err)
{
    const char *value = urs_text_string(&c->field);
    long long number;
    switch (kind) {
    case COLUMN_LABEL: return urs_name_table_add(&out->labels, value, &s->label, err);
    case COLUMN_INDIVIDUAL:
        /* "unknown" is what the re-identification libraries write for animals that nobody recognised. */
        return strcasecmp(value, "unknown") == 0 ? URS_OK : urs_data_individual(out, prefix, value, &s->individual, err);
    case COLUMN_CAMERA: return urs_name_table_add(&out->cameras, value, &s->camera, err);
    case COLUMN_GROUP: return urs_name_table_add(&out->groups, value, &s->group, err);
    case COLUMN_DATE:
        s->has_day = urs_day_parse(value, &s->day);
        return s->has_day ? URS_OK : bad_value(c, line, "date (YYYY-MM-DD)", err);
    case COLUMN_INFRARED: return parse_flag(value, &s->infrared) ? URS_OK : bad_value(c, line, "infrared flag (0 or 1)", err);
    case COLUMN_PART:
        s->part = urs_data_part_of(value);
        return s->part != URS_PART_NONE ? URS_OK : bad_value(c, line, "part (train, val, test)", err);
    case COLUMN_WIDTH:
    case COLUMN_HEIGHT:
        if (!urs_parse_int(value, 1, URS_IMAGE_SIDE_MAX, &number))
            return bad_value(c, line, "size in pixels", err);
        *(kind == COLUMN_WIDTH ? &s->width : &s->height) = (int32_t)number;
        return URS_OK;
    case COLUMN_PATH:
    case COLUMN_OTHER:
    default: return URS_OK;
    }
}

/* One record into one sample. The path may stand in any column, so the sample starts without and gets it when its field comes. */
static urs_status read_record(urs_dataset *out, csv *c, const column *columns, size_t count, const char *folder, const char *prefix, urs_error *err)
{
    const size_t line = c->line;
    urs_sample *s = NULL;
    size_t n = 0;
    bool has_path = false;
    urs_status status = URS_OK;
    do {
        status = csv_field(c, err);
        if (status != URS_OK)
            return status;
        if (n == 0 && c->last && c->field.length == 0 && count > 1)
            return URS_OK; /* an empty line */
        if (n >= count)
            return urs_fail(err, URS_EFORMAT, "%s, line %zu: more fields than the header's %zu columns", c->name, line, count);
        if (!s) {
            status = urs_dataset_add(out, "", &s, err);
            if (status != URS_OK)
                return status;
        }
        if (columns[n] == COLUMN_PATH && c->field.length > 0) {
            char *full = urs_path_join(folder, urs_text_string(&c->field));
            if (!full)
                return urs_fail(err, URS_ENOMEM, "%s, line %zu: no memory for a path", c->name, line);
            urs_free(s->path);
            s->path = full;
            has_path = true;
        } else if (c->field.length > 0) {
            status = take_value(out, s, c, columns[n], line, prefix, err);
            if (status != URS_OK)
                return status;
        }
        n++;
    } while (!c->last);
    if (n < count)
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: %zu fields, but the header has %zu columns", c->name, line, n, count);
    if (!has_path)
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: the path is empty", c->name, line);
    return URS_OK;
}

urs_status urs_dataset_parse_csv(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix, urs_error *err)
{
    csv c = {.data = data, .size = size, .name = name, .line = 1};
    column columns[COLUMNS_MAX];
    size_t count = 0;
    urs_status status = read_header(&c, columns, &count, err);
    while (status == URS_OK && c.at < c.size)
        status = read_record(out, &c, columns, count, folder, prefix, err);
    urs_text_release(&c.field);
    return status;
}
