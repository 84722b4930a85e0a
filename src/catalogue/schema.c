/* Tables and migrations; see schema.h. */
#include "catalogue/schema.h"

#include <stddef.h>

/* Step n brings version n to n+1. A step that was released is never edited: a change is a new step. */
static const char *const migrations[] = {
    "CREATE TABLE bears ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL CHECK (typeof(name) = 'text' AND length(name) > 0),"
    " removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)));"
    "CREATE UNIQUE INDEX bears_live_name ON bears (name) WHERE removed = 0;"
    "CREATE TABLE sightings ("
    " id INTEGER PRIMARY KEY,"
    " path TEXT NOT NULL,"
    " content_hash TEXT NOT NULL,"
    " camera TEXT,"
    " time TEXT,"
    " UNIQUE (path, content_hash));"
    "CREATE TABLE chips ("
    " id INTEGER PRIMARY KEY,"
    " sighting INTEGER NOT NULL REFERENCES sightings (id),"
    " bear INTEGER REFERENCES bears (id),"
    " key_x1 INTEGER NOT NULL, key_y1 INTEGER NOT NULL, key_x2 INTEGER NOT NULL, key_y2 INTEGER NOT NULL,"
    " x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,"
    " confidence REAL NOT NULL,"
    " verdict TEXT CHECK (verdict IN ('known', 'new', 'unsure')),"
    " thumbnail BLOB,"
    " removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),"
    " UNIQUE (sighting, key_x1, key_y1, key_x2, key_y2));"
    "CREATE INDEX chips_bear ON chips (bear);"
    "CREATE TABLE models ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " fingerprint TEXT NOT NULL,"
    " name TEXT,"
    " dim INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 16384));"
    "CREATE TABLE embeddings ("
    " chip INTEGER PRIMARY KEY REFERENCES chips (id),"
    " model INTEGER NOT NULL REFERENCES models (id),"
    " data BLOB NOT NULL);"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL);"
    "CREATE TABLE decisions ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " run INTEGER REFERENCES runs (id)," /* NULL: a run of its own */
    " kind TEXT NOT NULL CHECK (kind IN ('enrol', 'rename', 'merge', 'split', 'remove', 'verdict')),"
    " summary TEXT NOT NULL,"
    " time TEXT NOT NULL,"
    " undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)));"
    "CREATE TABLE changes ("
    " decision INTEGER NOT NULL REFERENCES decisions (id),"
    " seq INTEGER NOT NULL,"
    " entity TEXT NOT NULL,"
    " row INTEGER NOT NULL,"
    " field TEXT NOT NULL,"
    " old, new,"
    " PRIMARY KEY (decision, seq)) WITHOUT ROWID;",
};
_Static_assert(sizeof migrations / sizeof *migrations == URS_CATALOGUE_VERSION, "one migration a version");

urs_status urs_schema_fail(sqlite3 *db, const char *path, const char *what, int rc, urs_error *err)
{
    const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return urs_fail(err, URS_ENOMEM, "%s: %s: no memory", path, what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return urs_fail(err, URS_EBUSY, "%s: %s: another program is writing to this catalogue", path, what);
    case SQLITE_NOTADB: return urs_fail(err, URS_EFORMAT, "%s: this file is not a catalogue (not an SQLite database)", path);
    case SQLITE_CORRUPT: return urs_fail(err, URS_EFORMAT, "%s: %s: the catalogue is damaged (%s)", path, what, why);
    case SQLITE_ERROR:      /* a missing table or column */
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT: return urs_fail(err, URS_EFORMAT, "%s: %s: the catalogue contradicts itself (%s)", path, what, why);
    case SQLITE_TOOBIG:
    case SQLITE_FULL: return urs_fail(err, URS_ELIMIT, "%s: %s: %s", path, what, why);
    case SQLITE_READONLY: return urs_fail(err, URS_EIO, "%s: %s: the catalogue is not open for writing", path, what);
    default: return urs_fail(err, URS_EIO, "%s: %s: %s", path, what, why);
    }
}

static urs_status read_pragma(sqlite3 *db, const char *path, const char *sql, int *value, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        return URS_OK;
    }
    sqlite3_finalize(st);
    return urs_schema_fail(db, path, "reading the header", rc, err);
}

static urs_status run_sql(sqlite3 *db, const char *path, const char *what, const char *sql, urs_error *err)
{
    const int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? URS_OK : urs_schema_fail(db, path, what, rc, err);
}

/* Fresh: no table, no number. Ours: our number. Anything else belongs to somebody else. */
static urs_status look_at(sqlite3 *db, const char *path, int *version, bool *fresh, urs_error *err)
{
    int id = 0, tables = 0;
    urs_status status = read_pragma(db, path, "PRAGMA application_id", &id, err);
    if (status == URS_OK)
        status = read_pragma(db, path, "PRAGMA user_version", version, err);
    if (status == URS_OK)
        status = read_pragma(db, path, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (status != URS_OK)
        return status;
    *fresh = id == 0 && *version == 0 && tables == 0;
    if (!*fresh && id != URS_CATALOGUE_ID)
        return urs_fail(err, URS_EFORMAT, "%s: this database is not a catalogue of bears", path);
    if (!*fresh && (*version < 0 || *version > URS_CATALOGUE_VERSION))
        return urs_fail(err, URS_EUNSUPPORTED, "%s: made by a newer ursid (schema %d, this program knows %d)", path, *version, URS_CATALOGUE_VERSION);
    return URS_OK;
}

static urs_status migrate(sqlite3 *db, const char *path, urs_error *err)
{
    int version = 0;
    bool fresh = false;
    char numbers[96];
    urs_status status = run_sql(db, path, "locking", "BEGIN IMMEDIATE", err);
    if (status != URS_OK)
        return status;
    status = look_at(db, path, &version, &fresh, err); /* again: another process may have been faster */
    for (int step = version; status == URS_OK && step < URS_CATALOGUE_VERSION; step++)
        status = run_sql(db, path, "making the tables", migrations[step], err);
    if (status == URS_OK) {
        (void)sqlite3_snprintf((int)sizeof numbers, numbers, "PRAGMA application_id = %d; PRAGMA user_version = %d;", URS_CATALOGUE_ID,
                               URS_CATALOGUE_VERSION);
        status = run_sql(db, path, "writing the version", numbers, err);
    }
    if (status == URS_OK)
        status = run_sql(db, path, "saving the tables", "COMMIT", err);
    if (status != URS_OK)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

urs_status urs_schema_prepare(sqlite3 *db, const char *path, bool create, bool read_only, urs_error *err)
{
    int version = 0;
    bool fresh = false;
    urs_status status = look_at(db, path, &version, &fresh, err);
    if (status != URS_OK)
        return status;
    if (fresh && (!create || read_only))
        return urs_fail(err, URS_EFORMAT, "%s: the file is empty, not a catalogue", path);
    if (read_only && version < URS_CATALOGUE_VERSION)
        return urs_fail(err, URS_EUNSUPPORTED, "%s: made by an older ursid (schema %d); open it for writing once to bring it up to date", path, version);
    if (!read_only) {
        /* FULL: what was reported as done survives a power cut, not only a crash of the program. */
        status = run_sql(db, path, "turning on the write-ahead log", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", err);
        if (status == URS_OK && (fresh || version < URS_CATALOGUE_VERSION))
            status = migrate(db, path, err);
    }
    if (status == URS_OK)
        status = run_sql(db, path, "turning on foreign keys", "PRAGMA foreign_keys = ON", err);
    return status;
}
