/* Inside the catalogue room only: statements, transactions and decisions over one SQLite handle.
 *
 * Values are bound from a format, one letter each: i int64_t, d double, t const char * (NULL: SQL null), b const void * and size_t (NULL pointer: SQL null). Everything else as catalogue.h. */
#ifndef URS_CATALOGUE_STORE_H
#define URS_CATALOGUE_STORE_H

#include "catalogue/catalogue.h"

#include <sqlite3.h>
#include <sys/stat.h>

struct urs_catalogue {
    sqlite3 *db; /* owned */
    char *path;  /* owned */
    bool read_only;
    bool as_it_stands;   /* opened as a file that does not change; then: */
    struct stat opened;  /* what it was */
};

/* URS_EBUSY: opened as a file that does not change, and it did. */
urs_status urs_store_check_unchanged(const urs_catalogue *c, urs_error *err) URS_CHECKED;

/* ---- statements ---- */
urs_status urs_store_open(urs_catalogue *c, sqlite3_stmt **out, urs_error *err, const char *sql, const char *types, ...) URS_CHECKED; /* sqlite3_finalize */
/* *row false at the end. */
urs_status urs_store_step(urs_catalogue *c, sqlite3_stmt *st, bool *row, urs_error *err) URS_CHECKED;
/* Runs one statement without result. */
urs_status urs_store_run(urs_catalogue *c, urs_error *err, const char *sql, const char *types, ...) URS_CHECKED;
/* First column of the first row; *found false (and *out untouched) without rows or for SQL null. */
urs_status urs_store_int(urs_catalogue *c, int64_t *out, bool *found, urs_error *err, const char *sql, const char *types, ...) URS_CHECKED;
/* Owned copy of a text column, NULL for SQL null; false: no memory. */
bool urs_store_text(char **out, sqlite3_stmt *st, int column);

/* ---- transactions: begin, work, end(status); end commits on URS_OK, rolls back otherwise, and gives the final status ---- */
urs_status urs_store_begin(urs_catalogue *c, urs_error *err) URS_CHECKED;
urs_status urs_store_end(urs_catalogue *c, urs_status status, urs_error *err) URS_CHECKED;

/* ---- decisions ---- */
typedef struct urs_store_decision {
    urs_catalogue *c;
    int64_t id, seq;
} urs_store_decision;

typedef enum urs_store_field {
    URS_FIELD_BEAR_NAME,
    URS_FIELD_BEAR_REMOVED,
    URS_FIELD_CHIP_BEAR,
    URS_FIELD_CHIP_REMOVED,
    URS_FIELD_CHIP_VERDICT,
    URS_FIELD_COUNT
} urs_store_field;

urs_status urs_store_decide(urs_catalogue *c, urs_store_decision *d, const char *kind, int64_t run, urs_error *err) URS_CHECKED;
urs_status urs_store_summary(urs_store_decision *d, urs_error *err, const char *format, ...) URS_CHECKED URS_PRINTF(3, 4);
/* Writes a field of a row and keeps its old value; number for removed and bear (0: SQL null), text for name and verdict (NULL: SQL null). */
urs_status urs_store_set_number(urs_store_decision *d, urs_store_field field, int64_t row, int64_t value, urs_error *err) URS_CHECKED;
urs_status urs_store_set_text(urs_store_decision *d, urs_store_field field, int64_t row, const char *value, urs_error *err) URS_CHECKED;
/* Writes the old values of a decision back, last first, and marks it undone. */
urs_status urs_store_revert(urs_catalogue *c, int64_t decision, urs_error *err) URS_CHECKED;

/* ---- bears ---- */
/* Trimmed, checked copy of a name: owned. */
urs_status urs_store_clean_name(urs_catalogue *c, char **out, const char *name, urs_error *err) URS_CHECKED;
/* Live bear of this (clean) name; *bear 0 when there is none. */
urs_status urs_store_find_bear(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err) URS_CHECKED;
/* As above, but URS_ENOTFOUND with a sentence. */
urs_status urs_store_need_bear(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err) URS_CHECKED;
urs_status urs_store_new_bear(urs_store_decision *d, const char *name, int64_t *bear, urs_error *err) URS_CHECKED;

#endif
