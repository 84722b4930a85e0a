/* Statements, transactions and decisions; see store.h. */
#include "catalogue/store.h"

#include "base/memory.h"
#include "catalogue/schema.h"

#include <stdio.h>
#include <string.h>

/* ---- statements ---- */

static int bind_values(sqlite3_stmt *st, const char *types, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        switch (types[i]) {
        case 'i': rc = sqlite3_bind_int64(st, i + 1, va_arg(args, int64_t)); break;
        case 'd': rc = sqlite3_bind_double(st, i + 1, va_arg(args, double)); break;
        case 't': rc = sqlite3_bind_text(st, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT); break;
        case 'b': {
            const void *data = va_arg(args, const void *);
            const size_t size = va_arg(args, size_t);
            rc = sqlite3_bind_blob64(st, i + 1, data, size, SQLITE_TRANSIENT);
            break;
        }
        default: rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

static urs_status open_values(urs_catalogue *c, sqlite3_stmt **out, urs_error *err, const char *sql, const char *types, va_list args)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = bind_values(st, types, args);
    if (rc != SQLITE_OK) {
        const urs_status status = urs_schema_fail(c->db, c->path, "preparing a query", rc, err);
        sqlite3_finalize(st);
        return status;
    }
    *out = st;
    return URS_OK;
}

urs_status urs_store_open(urs_catalogue *c, sqlite3_stmt **out, urs_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    urs_status status;
    va_start(args, types);
    status = open_values(c, out, err, sql, types, args);
    va_end(args);
    return status;
}

urs_status urs_store_check_unchanged(const urs_catalogue *c, urs_error *err)
{
    struct stat now;
    if (!c->as_it_stands)
        return URS_OK;
    if (stat(sqlite3_db_filename(c->db, "main"), &now) == 0 && now.st_dev == c->opened.st_dev && now.st_ino == c->opened.st_ino && now.st_size == c->opened.st_size &&
        now.st_mtim.tv_sec == c->opened.st_mtim.tv_sec && now.st_mtim.tv_nsec == c->opened.st_mtim.tv_nsec)
        return URS_OK;
    return urs_fail(err, URS_EBUSY, "%s: somebody changed the catalogue while it was read; try again", c->path);
}

urs_status urs_store_step(urs_catalogue *c, sqlite3_stmt *st, bool *row, urs_error *err)
{
    const int rc = sqlite3_step(st);
    const urs_status status = urs_store_check_unchanged(c, err); /* first: what was read may be of two states, and look damaged */
    if (status != URS_OK)
        return status;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return urs_schema_fail(c->db, c->path, c->read_only ? "reading" : "working on the catalogue", rc, err);
    *row = rc == SQLITE_ROW;
    return URS_OK;
}

urs_status urs_store_run(urs_catalogue *c, urs_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    sqlite3_stmt *st = NULL;
    bool row = true;
    urs_status status;
    va_start(args, types);
    status = open_values(c, &st, err, sql, types, args);
    va_end(args);
    while (status == URS_OK && row)
        status = urs_store_step(c, st, &row, err);
    sqlite3_finalize(st);
    return status;
}

urs_status urs_store_int(urs_catalogue *c, int64_t *out, bool *found, urs_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status;
    va_start(args, types);
    status = open_values(c, &st, err, sql, types, args);
    va_end(args);
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    if (status == URS_OK) {
        *found = row && sqlite3_column_type(st, 0) != SQLITE_NULL;
        if (*found)
            *out = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return status;
}

bool urs_store_text(char **out, sqlite3_stmt *st, int column)
{
    const char *s;
    if (sqlite3_column_type(st, column) == SQLITE_NULL) {
        *out = NULL;
        return true;
    }
    s = (const char *)sqlite3_column_text(st, column);
    *out = urs_strdup(s);
    return *out != NULL;
}

/* ---- transactions ---- */

urs_status urs_store_begin(urs_catalogue *c, urs_error *err)
{
    int rc;
    if (c->read_only)
        return urs_fail(err, URS_EINVAL, "%s: the catalogue is open for reading only", c->path);
    rc = sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? URS_OK : urs_schema_fail(c->db, c->path, "starting to write", rc, err);
}

urs_status urs_store_end(urs_catalogue *c, urs_status status, urs_error *err)
{
    if (status == URS_OK) {
        const int rc = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            status = urs_schema_fail(c->db, c->path, "saving", rc, err);
    }
    if (status != URS_OK)
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to report */
    return status;
}

/* ---- decisions ---- */

#define FIELD(entity, table, column)                                                                                                     \
    {                                                                                                                                    \
        entity, #column,                                                                                                                 \
            "INSERT INTO changes (decision, seq, entity, row, field, old, new) SELECT ?1, ?2, '" entity "', id, '" #column "', " #column \
            ", ?4 FROM " #table " WHERE id = ?3",                                                                                        \
            "UPDATE " #table " SET " #column " = ?2 WHERE id = ?1",                                                                      \
            "UPDATE " #table " SET " #column " = (SELECT old FROM changes WHERE decision = ?2 AND seq = ?3) WHERE id = ?1"               \
    }

/* Only these can be written by a decision, and only these are accepted when a decision is read back: no SQL ever comes out of the file. */
static const struct {
    const char *entity, *field, *keep, *write, *restore;
} fields[URS_FIELD_COUNT] = {
    [URS_FIELD_BEAR_NAME] = FIELD("bear", bears, name),         [URS_FIELD_BEAR_REMOVED] = FIELD("bear", bears, removed),
    [URS_FIELD_CHIP_BEAR] = FIELD("chip", chips, bear),         [URS_FIELD_CHIP_REMOVED] = FIELD("chip", chips, removed),
    [URS_FIELD_CHIP_VERDICT] = FIELD("chip", chips, verdict),
};

urs_status urs_store_decide(urs_catalogue *c, urs_store_decision *d, const char *kind, int64_t run, urs_error *err)
{
    urs_status status = urs_store_run(c, err,
                                      "INSERT INTO decisions (run, kind, summary, time) VALUES (nullif(?1, 0), ?2, '', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
                                      "it", run, kind);
    if (status == URS_OK)
        *d = (urs_store_decision){.c = c, .id = sqlite3_last_insert_rowid(c->db)};
    return status;
}

urs_status urs_store_summary(urs_store_decision *d, urs_error *err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return urs_store_run(d->c, err, "UPDATE decisions SET summary = ?2 WHERE id = ?1", "it", d->id, text);
}

/* One row must have been touched: the caller has looked it up before. */
static urs_status need_one_change(urs_catalogue *c, urs_error *err)
{
    if (sqlite3_changes(c->db) != 1)
        return urs_fail(err, URS_EFORMAT, "%s: the catalogue contradicts itself (a decision names a row that is not there)", c->path);
    return URS_OK;
}

urs_status urs_store_set_number(urs_store_decision *d, urs_store_field field, int64_t row, int64_t value, urs_error *err)
{
    /* 0 is a number for `removed` and SQL null for `bear`. */
    const bool null = field == URS_FIELD_CHIP_BEAR && value == 0;
    urs_status status;
    if (null)
        return urs_store_set_text(d, field, row, NULL, err);
    status = urs_store_run(d->c, err, fields[field].keep, "iiii", d->id, d->seq, row, value);
    if (status == URS_OK)
        status = need_one_change(d->c, err);
    if (status == URS_OK)
        status = urs_store_run(d->c, err, fields[field].write, "ii", row, value);
    d->seq++;
    return status;
}

urs_status urs_store_set_text(urs_store_decision *d, urs_store_field field, int64_t row, const char *value, urs_error *err)
{
    urs_status status = urs_store_run(d->c, err, fields[field].keep, "iiit", d->id, d->seq, row, value);
    if (status == URS_OK)
        status = need_one_change(d->c, err);
    if (status == URS_OK)
        status = urs_store_run(d->c, err, fields[field].write, "it", row, value);
    d->seq++;
    return status;
}

static urs_status restore(urs_catalogue *c, int64_t decision, int64_t seq, const char *entity, const char *field, int64_t row, urs_error *err)
{
    for (size_t f = 0; f < URS_FIELD_COUNT; f++) {
        if (entity && field && !strcmp(fields[f].entity, entity) && !strcmp(fields[f].field, field)) {
            urs_status status = urs_store_run(c, err, fields[f].restore, "iii", row, decision, seq);
            return status == URS_OK ? need_one_change(c, err) : status;
        }
    }
    return urs_fail(err, URS_EFORMAT, "%s: decision %lld changes something that this program does not know", c->path, (long long)decision);
}

urs_status urs_store_revert(urs_catalogue *c, int64_t decision, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status = urs_store_open(c, &st, err, "SELECT seq, entity, field, row FROM changes WHERE decision = ?1 ORDER BY seq DESC", "i", decision);
    while (status == URS_OK && (status = urs_store_step(c, st, &row, err)) == URS_OK && row)
        status = restore(c, decision, sqlite3_column_int64(st, 0), (const char *)sqlite3_column_text(st, 1), (const char *)sqlite3_column_text(st, 2),
                         sqlite3_column_int64(st, 3), err);
    sqlite3_finalize(st);
    if (status == URS_OK)
        status = urs_store_run(c, err, "UPDATE decisions SET undone = 1 WHERE id = ?1", "i", decision);
    return status;
}

/* ---- bears ---- */

/* Length of the UTF-8 character at s (1..4), 0 when it is not one (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] != 0;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] <= 0xef) {
        const unsigned char low = s[0] == 0xe0 ? 0xa0 : 0x80, high = s[0] == 0xed ? 0x9f : 0xbf;
        return s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        const unsigned char low = s[0] == 0xf0 ? 0x90 : 0x80, high = s[0] == 0xf4 ? 0x8f : 0xbf;
        return s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80 ? 4 : 0;
    }
    return 0;
}

/* ASCII white space, no-break space, ideographic space. */
static bool is_space(const unsigned char *s, size_t length)
{
    if (length == 1)
        return *s == ' ' || (*s >= '\t' && *s <= '\r');
    return (length == 2 && s[0] == 0xc2 && s[1] == 0xa0) || (length == 3 && s[0] == 0xe3 && s[1] == 0x80 && s[2] == 0x80);
}

urs_status urs_store_clean_name(urs_catalogue *c, char **out, const char *name, urs_error *err)
{
    size_t begin = 0, end = 0, at = 0;
    bool started = false;
    char *copy;
    if (!name)
        return urs_fail(err, URS_EINVAL, "%s: a bear needs a name", c->path);
    while (name[at]) {
        const unsigned char *s = (const unsigned char *)name + at;
        const size_t length = utf8_length(s);
        if (!length)
            return urs_fail(err, URS_EINVAL, "%s: a bear's name must be valid UTF-8", c->path);
        if (!is_space(s, length)) {
            if (!started)
                begin = at;
            started = true;
            end = at + length;
        }
        at += length;
    }
    if (!started)
        return urs_fail(err, URS_EINVAL, "%s: a bear's name must not be empty", c->path);
    if (end - begin > URS_BEAR_NAME_MAX)
        return urs_fail(err, URS_EINVAL, "%s: a bear's name may have at most %d bytes", c->path, URS_BEAR_NAME_MAX);
    copy = urs_array_new(end - begin + 1, 1);
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory for a name");
    memcpy(copy, name + begin, end - begin);
    *out = copy;
    return URS_OK;
}

urs_status urs_store_find_bear(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err)
{
    bool found = false;
    int64_t id = 0;
    urs_status status = urs_store_int(c, &id, &found, err, "SELECT id FROM bears WHERE name = ?1 AND removed = 0", "t", name);
    if (status == URS_OK)
        *bear = found ? id : 0;
    return status;
}

urs_status urs_store_need_bear(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err)
{
    int64_t id = 0;
    urs_status status = urs_store_find_bear(c, name, &id, err);
    if (status == URS_OK && id == 0)
        return urs_fail(err, URS_ENOTFOUND, "%s: there is no bear called \"%s\"", c->path, name);
    if (status == URS_OK)
        *bear = id;
    return status;
}

urs_status urs_store_new_bear(urs_store_decision *d, const char *name, int64_t *bear, urs_error *err)
{
    /* Born removed, so that the decision which makes it live is undone like any other. */
    urs_status status = urs_store_run(d->c, err, "INSERT INTO bears (name, removed) VALUES (?1, 1)", "t", name);
    const int64_t id = sqlite3_last_insert_rowid(d->c->db);
    if (status == URS_OK)
        status = urs_store_set_number(d, URS_FIELD_BEAR_REMOVED, id, 0, err);
    if (status == URS_OK)
        *bear = id;
    return status;
}
