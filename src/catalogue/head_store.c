/* Heads of a run on disk; see head_store.h. Statements go through store.h, on a handle that is no catalogue. */
#include "catalogue/head_store.h"

#include "base/memory.h"
#include "catalogue/schema.h"
#include "catalogue/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct urs_head_store {
    urs_catalogue db; /* only its handle and path, for store.h */
    bool temporary;
    int32_t dim;
};

/* A candidate as it lies in the file. */
typedef struct packed_candidate {
    int64_t bear, chip;
    double score, probability;
} packed_candidate;

static urs_status prepare(urs_head_store *s, bool fresh, urs_error *err)
{
    static const char *const sql[] = {
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=OFF",
        "CREATE TABLE IF NOT EXISTS shape(dim INTEGER NOT NULL)",
        ("CREATE TABLE IF NOT EXISTS heads(file BLOB NOT NULL, number INTEGER NOT NULL, embedding BLOB NOT NULL, asked BLOB, chip BLOB, verdict INTEGER NOT NULL, p_new REAL NOT NULL,"
        " candidates BLOB NOT NULL, PRIMARY KEY(file, number)) WITHOUT ROWID"), /* in parentheses: one string */
        "CREATE TABLE IF NOT EXISTS pictures(file BLOB PRIMARY KEY, jpeg BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL)",
    };
    static const char *const clear[] = {"DELETE FROM shape", "DELETE FROM heads", "DELETE FROM pictures"};
    int64_t dim = 0;
    bool found = false;
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        char *message = NULL;
        const int rc = sqlite3_exec(s->db.db, sql[i], NULL, NULL, &message);
        sqlite3_free(message);
        if (rc != SQLITE_OK)
            return urs_schema_fail(s->db.db, s->db.path, "the heads of an earlier run cannot be used; --fresh starts anew", rc, err);
    }
    for (size_t i = 0; fresh && i < sizeof clear / sizeof *clear; i++) {
        const urs_status status = urs_store_run(&s->db, err, clear[i], "");
        if (status != URS_OK)
            return status;
    }
    urs_status status = urs_store_int(&s->db, &dim, &found, err, "SELECT dim FROM shape", "");
    if (status == URS_OK && !found)
        status = urs_store_run(&s->db, err, "INSERT INTO shape VALUES(?)", "i", (int64_t)s->dim);
    else if (status == URS_OK && dim != s->dim)
        status = urs_fail(err, URS_EMISMATCH, "%s holds embeddings of %lld numbers, but this model gives %d; --fresh starts anew", s->db.path, (long long)dim, (int)s->dim);
    return status;
}

urs_status urs_head_store_open(urs_head_store **out, const char *path, int32_t dim, bool fresh, urs_error *err)
{
    urs_head_store *s = urs_array_new(1, sizeof *s);
    urs_status status;
    int rc;
    if (!s)
        return urs_fail(err, URS_ENOMEM, "no memory for the heads of the run");
    s->temporary = !path;
    s->dim = dim;
    s->db.path = urs_strdup(path ? path : "(heads of the run)");
    rc = sqlite3_open_v2(path ? path : "", &s->db.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!s->db.path)
        status = urs_fail(err, URS_ENOMEM, "no memory for the heads of the run");
    else if (rc != SQLITE_OK)
        status = urs_schema_fail(s->db.db, s->db.path, "cannot be opened", rc, err);
    else
        status = prepare(s, fresh, err);
    if (status == URS_OK)
        *out = s;
    else
        urs_head_store_close(s, false);
    return status;
}

void urs_head_store_close(urs_head_store *s, bool remove_file)
{
    if (!s)
        return;
    (void)sqlite3_close(s->db.db);
    if (remove_file && !s->temporary && s->db.path)
        (void)unlink(s->db.path);
    urs_free(s->db.path);
    urs_free(s);
}

static size_t pack(packed_candidate *packed, const urs_identification *a)
{
    for (size_t i = 0; i < a->count; i++)
        packed[i] = (packed_candidate){a->candidate[i].bear, a->candidate[i].chip, (double)a->candidate[i].score, a->candidate[i].probability};
    return a->count * sizeof *packed;
}

static urs_status add_head(urs_head_store *s, const char *file, size_t number, const urs_kept_head *head, urs_error *err)
{
    packed_candidate packed[URS_CANDIDATES_MAX];
    const urs_identification *a = head->answer;
    const size_t size = pack(packed, a);
    return urs_store_run(&s->db, err, "INSERT INTO heads VALUES(?,?,?,NULL,?,?,?,?)", "bibbidb", (const void *)file, strlen(file), (int64_t)number, (const void *)head->embedding,
                         (size_t)s->dim * sizeof *head->embedding, (const void *)head->chip.data, head->chip.size, (int64_t)a->verdict, a->p_new, (const void *)packed, size);
}

urs_status urs_head_store_add(urs_head_store *s, const char *file, const urs_kept_head *heads, size_t n, const urs_kept_picture *picture, urs_error *err)
{
    urs_status status = urs_store_begin(&s->db, err);
    if (status != URS_OK)
        return status;
    status = urs_store_run(&s->db, err, "DELETE FROM heads WHERE file=?", "b", (const void *)file, strlen(file));
    if (status == URS_OK)
        status = urs_store_run(&s->db, err, "DELETE FROM pictures WHERE file=?", "b", (const void *)file, strlen(file));
    for (size_t i = 0; status == URS_OK && i < n; i++)
        status = add_head(s, file, i, &heads[i], err);
    if (status == URS_OK && picture && picture->jpeg.data)
        status = urs_store_run(&s->db, err, "INSERT INTO pictures VALUES(?,?,?,?)", "bbii", (const void *)file, strlen(file), (const void *)picture->jpeg.data, picture->jpeg.size,
                               (int64_t)picture->width, (int64_t)picture->height);
    return urs_store_end(&s->db, status, err);
}

static urs_status copy_blob(urs_bytes *out, sqlite3_stmt *st, int column, urs_error *err)
{
    const void *data = sqlite3_column_blob(st, column);
    const size_t size = (size_t)sqlite3_column_bytes(st, column);
    urs_bytes copy = {0};
    if (data && size) {
        copy.data = urs_array_new(size + 1, 1);
        if (!copy.data)
            return urs_fail(err, URS_ENOMEM, "no memory for a picture of %zu bytes", size);
        memcpy(copy.data, data, size);
        copy.size = size;
    }
    *out = copy;
    return URS_OK;
}

static void read_answer(urs_identification *out, sqlite3_stmt *st)
{
    packed_candidate packed;
    const char *data = sqlite3_column_blob(st, 3);
    const size_t count = (size_t)sqlite3_column_bytes(st, 3) / sizeof packed;
    const int64_t verdict = sqlite3_column_int64(st, 1);
    out->verdict = verdict == URS_VERDICT_KNOWN ? URS_VERDICT_KNOWN : verdict == URS_VERDICT_NEW ? URS_VERDICT_NEW : URS_VERDICT_UNSURE;
    out->p_new = sqlite3_column_double(st, 2);
    out->count = data ? count < URS_CANDIDATES_MAX ? count : URS_CANDIDATES_MAX : 0;
    for (size_t i = 0; i < out->count; i++) {
        memcpy(&packed, data + i * sizeof packed, sizeof packed);
        out->candidate[i] = (urs_candidate){packed.bear, packed.chip, (float)packed.score, packed.probability};
    }
}

static urs_status no_head(const urs_head_store *s, const char *file, size_t number, urs_error *err)
{
    return urs_fail(err, URS_ENOTFOUND, "%s has nothing about head %zu of %s", s->db.path, number + 1, file);
}

urs_status urs_head_store_head(urs_head_store *s, const char *file, size_t number, urs_bytes *chip, urs_identification *answer, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status = urs_store_open(&s->db, &st, err, "SELECT chip, verdict, p_new, candidates FROM heads WHERE file=? AND number=?", "bi", (const void *)file, strlen(file),
                                       (int64_t)number);
    if (status == URS_OK)
        status = urs_store_step(&s->db, st, &row, err);
    if (status == URS_OK && !row)
        status = no_head(s, file, number, err);
    if (status == URS_OK && answer)
        read_answer(answer, st);
    if (status == URS_OK && chip)
        status = copy_blob(chip, st, 0, err);
    sqlite3_finalize(st);
    return status;
}

urs_status urs_head_store_judge(urs_head_store *s, const char *file, size_t number, const float *asked, const urs_identification *answer, urs_error *err)
{
    packed_candidate packed[URS_CANDIDATES_MAX];
    const size_t size = pack(packed, answer);
    const urs_status status = urs_store_run(&s->db, err, "UPDATE heads SET verdict=?, p_new=?, asked=?, candidates=? WHERE file=? AND number=?", "idbbbi", (int64_t)answer->verdict, answer->p_new,
                                            (const void *)asked, (size_t)s->dim * sizeof *asked, (const void *)packed, size, (const void *)file, strlen(file), (int64_t)number);
    return status == URS_OK && sqlite3_changes(s->db.db) != 1 ? no_head(s, file, number, err) : status;
}

urs_status urs_head_store_picture(urs_head_store *s, const char *file, urs_kept_picture *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_kept_picture picture = {0};
    urs_status status = urs_store_open(&s->db, &st, err, "SELECT jpeg, width, height FROM pictures WHERE file=?", "b", (const void *)file, strlen(file));
    if (status == URS_OK)
        status = urs_store_step(&s->db, st, &row, err);
    if (status == URS_OK && row) {
        picture.width = (int32_t)sqlite3_column_int(st, 1);
        picture.height = (int32_t)sqlite3_column_int(st, 2);
        status = copy_blob(&picture.jpeg, st, 0, err);
    }
    sqlite3_finalize(st);
    if (status == URS_OK)
        *out = picture;
    return status;
}

/* The vector in a column; SQL null leaves it. */
static urs_status read_vector(float *out, const urs_head_store *s, sqlite3_stmt *st, int column, urs_error *err)
{
    const size_t size = (size_t)s->dim * sizeof *out;
    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return URS_OK;
    if (sqlite3_column_bytes(st, column) != (int)size)
        return urs_fail(err, URS_EFORMAT, "%s: an embedding of wrong length", s->db.path);
    memcpy(out, sqlite3_column_blob(st, column), size);
    return URS_OK;
}

urs_status urs_head_store_embedding(urs_head_store *s, const char *file, size_t number, float *embedding, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status = urs_store_open(&s->db, &st, err, "SELECT embedding FROM heads WHERE file=? AND number=?", "bi", (const void *)file, strlen(file), (int64_t)number);
    if (status == URS_OK)
        status = urs_store_step(&s->db, st, &row, err);
    if (status == URS_OK)
        status = row ? read_vector(embedding, s, st, 0, err) : no_head(s, file, number, err);
    sqlite3_finalize(st);
    return status;
}

urs_status urs_head_store_each(urs_head_store *s, urs_verdict verdict, urs_head_row *row, void *context, urs_error *err)
{
    const size_t dim = (size_t)s->dim;
    sqlite3_stmt *st = NULL;
    float *vectors = urs_array_new(2 * dim, sizeof *vectors);
    bool more = false;
    urs_status status = vectors ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for an embedding");
    if (status == URS_OK)
        status = urs_store_open(&s->db, &st, err, "SELECT file, number, embedding, asked FROM heads WHERE verdict=? ORDER BY file, number", "i", (int64_t)verdict);
    for (;;) {
        char *file;
        size_t length;
        if (status == URS_OK)
            status = urs_store_step(&s->db, st, &more, err);
        if (status == URS_OK && more)
            status = read_vector(vectors, s, st, 2, err);
        if (status != URS_OK || !more)
            break;
        memcpy(vectors + dim, vectors, dim * sizeof *vectors);
        status = read_vector(vectors + dim, s, st, 3, err);
        length = (size_t)sqlite3_column_bytes(st, 0);
        file = urs_array_new(length + 1, 1);
        if (status == URS_OK && !file)
            status = urs_fail(err, URS_ENOMEM, "no memory for a path");
        if (status == URS_OK) {
            memcpy(file, sqlite3_column_blob(st, 0), length);
            status = row(context, file, (size_t)sqlite3_column_int64(st, 1), vectors, vectors + dim, err);
        }
        urs_free(file);
    }
    sqlite3_finalize(st);
    urs_free(vectors);
    return status;
}
