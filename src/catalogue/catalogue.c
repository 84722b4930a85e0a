/* Opening, checking and enrolling; see catalogue.h. */
#include "catalogue/catalogue.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/vector.h"
#include "catalogue/schema.h"
#include "catalogue/search.h"
#include "catalogue/store.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(float) == 4, "embeddings are stored as the machine has them");

#define VALUE_SIZE_MAX (64 * 1024 * 1024)

static void harden(sqlite3 *db)
{
    /* The file may come from anybody: nothing in its schema may run, and no value may be huge. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_SIZE_MAX);
    (void)sqlite3_exec(db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
}

static bool has_content(const char *file, const char *tail)
{
    urs_text path = {0};
    struct stat st;
    bool has;
    urs_text_format(&path, "%s%s", file, tail);
    has = stat(urs_text_string(&path), &st) == 0 && st.st_size > 0;
    urs_text_release(&path);
    return has;
}

/* A reader that may not write cannot take away the -wal and -shm that SQLite makes for it, and where the folder is protected too it gets none. Where the file stands for itself (nothing in a
 * log, nobody's unfinished change), it is opened again as one that does not change: then SQLite makes no files and takes no locks, and urs_store_check_unchanged watches over it. */
static urs_status open_as_it_stands(urs_catalogue *c, urs_error *err)
{
    const char *file = sqlite3_db_filename(c->db, "main"); /* whole, links resolved */
    char *folder = urs_path_folder(file);
    urs_text uri = {0};
    sqlite3 *db = NULL;
    int rc = SQLITE_OK;
    urs_status status = folder ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to open %s", c->path);
    if (status != URS_OK || (sqlite3_db_readonly(c->db, "main") != 1 && access(folder, W_OK) == 0) || has_content(file, "-wal") || has_content(file, "-journal"))
        goto done;
    if (stat(file, &c->opened) != 0) {
        status = urs_fail(err, URS_EIO, "%s: opening: %s", c->path, strerror(errno));
        goto done;
    }
    urs_text_add(&uri, "file://");
    for (const char *s = file; *s; s++) {
        if (*s == '%' || *s == '?' || *s == '#')
            urs_text_format(&uri, "%%%02x", (unsigned)(unsigned char)*s);
        else
            urs_text_append(&uri, s, 1);
    }
    urs_text_add(&uri, "?immutable=1");
    if (!urs_text_ok(&uri)) {
        status = urs_fail(err, URS_ENOMEM, "no memory to open %s", c->path);
        goto done;
    }
    rc = sqlite3_open_v2(urs_text_string(&uri), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        status = urs_schema_fail(db, c->path, "opening", rc, err);
        (void)sqlite3_close(db);
        goto done;
    }
    (void)sqlite3_close(c->db);
    c->db = db;
    c->as_it_stands = true;
done:
    urs_text_release(&uri);
    urs_free(folder);
    return status;
}

urs_status urs_catalogue_open(urs_catalogue **out, const char *path, const urs_catalogue_options *options, urs_error *err)
{
    static const urs_catalogue_options defaults = {0};
    const urs_catalogue_options *o = options ? options : &defaults;
    urs_catalogue *c = NULL;
    char *plain = NULL;
    int rc, flags = SQLITE_OPEN_READWRITE;
    urs_status status = URS_OK;

    if (!path || !*path)
        return urs_fail(err, URS_EINVAL, "the catalogue needs a file name");
    if (!o->create && !urs_file_exists(path))
        return urs_fail(err, URS_ENOTFOUND, "%s: there is no such catalogue", path);
    if (o->create && !o->read_only)
        flags |= SQLITE_OPEN_CREATE;
    c = urs_array_new(1, sizeof *c);
    plain = *path == ':' ? urs_path_join(".", path) : urs_strdup(path); /* ":memory:" is a file name like any other */
    if (!c || !plain || !(c->path = urs_strdup(path))) {
        status = urs_fail(err, URS_ENOMEM, "no memory to open %s", path);
        goto done;
    }
    c->read_only = o->read_only;
    /* A connection that may not write leaves -wal and -shm behind when it closes, as only a writer may fold them in: so a reader is a writer that SQLite holds back, where files can be written. */
    rc = sqlite3_open_v2(plain, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (o->read_only && rc != SQLITE_OK) {
        (void)sqlite3_close(c->db);
        c->db = NULL;
        rc = sqlite3_open_v2(plain, &c->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    }
    if (rc != SQLITE_OK) {
        status = urs_schema_fail(c->db, path, "opening", rc, err);
        goto done;
    }
    if (o->read_only)
        status = open_as_it_stands(c, err);
    if (status != URS_OK)
        goto done;
    (void)sqlite3_busy_timeout(c->db, o->busy_ms > 0 ? o->busy_ms : 5000);
    harden(c->db);
    if (o->read_only)
        (void)sqlite3_exec(c->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    status = urs_schema_prepare(c->db, path, o->create, o->read_only, err);
    if (c->as_it_stands) { /* a change is the reason that counts, whatever came of it */
        const urs_status changed = urs_store_check_unchanged(c, err);
        status = changed == URS_OK ? status : changed;
    }
done:
    urs_free(plain);
    if (status == URS_OK)
        *out = c;
    else
        urs_catalogue_close(c);
    return status;
}

void urs_catalogue_close(urs_catalogue *c)
{
    if (!c)
        return;
    (void)sqlite3_close(c->db);
    urs_free(c->path);
    urs_free(c);
}

const char *urs_catalogue_path(const urs_catalogue *c)
{
    return c->path;
}

urs_status urs_catalogue_state_get(urs_catalogue *c, urs_catalogue_state *out, urs_error *err)
{
    urs_catalogue_state state = {.own = sqlite3_total_changes(c->db)};
    bool found;
    const urs_status status = urs_store_int(c, &state.others, &found, err, "PRAGMA data_version", "");
    if (status == URS_OK)
        *out = state;
    return status;
}

/* ---- check ---- */

static urs_status check_text(urs_catalogue *c, const char *sql, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    const char *text;
    urs_status status = urs_store_open(c, &st, err, sql, "");
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    if (status == URS_OK && row) {
        text = (const char *)sqlite3_column_text(st, 0);
        if (!text || strcmp(text, "ok") != 0)
            status = urs_fail(err, URS_EFORMAT, "%s: the catalogue is damaged (%s)", c->path, text ? text : "no answer");
    }
    sqlite3_finalize(st);
    return status;
}

urs_status urs_catalogue_check(urs_catalogue *c, urs_error *err)
{
    static const struct {
        const char *rule, *sql;
    } rules[] = {
        {"a live chip belongs to a removed bear", "SELECT count(*) FROM chips JOIN bears ON bears.id = chips.bear WHERE chips.removed = 0 AND bears.removed = 1"},
        {"a chip has no embedding", "SELECT count(*) FROM chips WHERE id NOT IN (SELECT chip FROM embeddings)"},
        {"an embedding has the wrong length",
         "SELECT count(*) FROM embeddings JOIN models ON models.id = embeddings.model WHERE length(data) <> 4 * dim OR typeof(data) <> 'blob'"},
        {"a decision changes nothing", "SELECT count(*) FROM decisions WHERE id NOT IN (SELECT decision FROM changes)"},
        {"a sighting has no chip", "SELECT count(*) FROM sightings WHERE id NOT IN (SELECT sighting FROM chips)"},
    };
    urs_status status = check_text(c, "PRAGMA integrity_check(1)", err);
    if (status == URS_OK)
        status = check_text(c, "SELECT 'a row of ' || \"table\" || ' points to nothing' FROM pragma_foreign_key_check LIMIT 1", err);
    for (size_t i = 0; status == URS_OK && i < sizeof rules / sizeof *rules; i++) {
        int64_t count = 0;
        bool found;
        status = urs_store_int(c, &count, &found, err, rules[i].sql, "");
        if (status == URS_OK && count != 0)
            status = urs_fail(err, URS_EFORMAT, "%s: the catalogue contradicts itself (%s)", c->path, rules[i].rule);
    }
    return status;
}

/* ---- model ---- */

urs_status urs_catalogue_model_get(urs_catalogue *c, char **fingerprint, char **name, int32_t *dim, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    char *f = NULL, *n = NULL;
    urs_status status = urs_store_open(c, &st, err, "SELECT fingerprint, name, dim FROM models WHERE id = 1", "");
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    if (status == URS_OK && row && (!urs_store_text(&f, st, 0) || !urs_store_text(&n, st, 1)))
        status = urs_fail(err, URS_ENOMEM, "no memory");
    if (status == URS_OK) {
        *fingerprint = f;
        *name = n;
        *dim = row ? sqlite3_column_int(st, 2) : 0;
    } else {
        urs_free(f);
        urs_free(n);
    }
    sqlite3_finalize(st);
    return status;
}

static urs_status look_up_model(urs_catalogue *c, const urs_catalogue_model *model, bool *known, urs_error *err)
{
    char *fingerprint = NULL, *name = NULL;
    int32_t dim = 0;
    urs_status status;
    if (!model || !model->fingerprint || !*model->fingerprint || model->dim < 1 || model->dim > URS_EMBEDDING_DIM_MAX)
        return urs_fail(err, URS_EINVAL, "%s: the model needs a fingerprint and 1 to %d numbers an embedding", c->path, URS_EMBEDDING_DIM_MAX);
    status = urs_catalogue_model_get(c, &fingerprint, &name, &dim, err);
    if (status != URS_OK)
        return status;
    *known = fingerprint != NULL;
    if (fingerprint && (strcmp(fingerprint, model->fingerprint) != 0 || dim != model->dim))
        status = urs_fail(err, URS_EMISMATCH,
                          "%s: this catalogue was made with the model %s (%.12s, %d numbers), not with %s (%.12s, %d numbers): use that model, or enrol into a new catalogue",
                          c->path, name ? name : "without a name", fingerprint, dim, model->name ? model->name : "the one given", model->fingerprint,
                          model->dim);
    urs_free(fingerprint);
    urs_free(name);
    return status;
}

urs_status urs_catalogue_model_check(urs_catalogue *c, const urs_catalogue_model *model, urs_error *err)
{
    bool known;
    return look_up_model(c, model, &known, err);
}

/* ---- enrolling ---- */

urs_status urs_catalogue_run_new(urs_catalogue *c, int64_t *run, urs_error *err)
{
    int64_t id = 0;
    urs_status status = urs_store_begin(c, err);
    if (status != URS_OK)
        return status;
    status = urs_store_run(c, err, "INSERT INTO runs (time) VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))", "");
    id = sqlite3_last_insert_rowid(c->db);
    status = urs_store_end(c, status, err);
    if (status == URS_OK)
        *run = id;
    return status;
}

static urs_status check_entry(const urs_catalogue *c, const urs_chip_entry *e, int32_t dim, urs_error *err)
{
    double sum = 0;
    if (!e->path || !*e->path || !e->content_hash || !*e->content_hash || !e->embedding)
        return urs_fail(err, URS_EINVAL, "%s: a chip needs its file, the file's hash and an embedding", c->path);
    if (!(fabsf(e->box.x1) < 1e9f && fabsf(e->box.y1) < 1e9f && fabsf(e->box.x2) < 1e9f && fabsf(e->box.y2) < 1e9f) || !isfinite(e->confidence))
        return urs_fail(err, URS_EINVAL, "%s: a chip of %s has no sensible box or confidence", c->path, e->path);
    for (int32_t i = 0; i < dim; i++)
        sum += (double)e->embedding[i] * (double)e->embedding[i];
    if (!(isfinite(sum) && sum > 0))
        return urs_fail(err, URS_EINVAL, "%s: the embedding of a chip of %s is zero or not finite", c->path, e->path);
    if (e->thumbnail && e->thumbnail_size > VALUE_SIZE_MAX / 4)
        return urs_fail(err, URS_ELIMIT, "%s: the thumbnail of a chip of %s is too large", c->path, e->path);
    return URS_OK;
}

static urs_status place_sighting(urs_catalogue *c, const urs_chip_entry *e, int64_t *sighting, urs_error *err)
{
    bool found = false;
    urs_status status = urs_store_int(c, sighting, &found, err, "SELECT id FROM sightings WHERE path = ?1 AND content_hash = ?2", "tt", e->path, e->content_hash);
    if (status == URS_OK && !found) {
        status = urs_store_run(c, err, "INSERT INTO sightings (path, content_hash, camera, time) VALUES (?1, ?2, ?3, ?4)", "tttt", e->path, e->content_hash,
                               e->camera, e->time);
        *sighting = sqlite3_last_insert_rowid(c->db);
    }
    return status;
}

static urs_status insert_chip(urs_store_decision *d, const urs_chip_entry *e, int64_t sighting, const float *embedding, int32_t dim, int64_t *chip, urs_error *err)
{
    urs_catalogue *c = d->c;
    urs_status status = urs_store_run(c, err,
                                      "INSERT INTO chips (sighting, key_x1, key_y1, key_x2, key_y2, x1, y1, x2, y2, confidence, thumbnail, removed)"
                                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)",
                                      "iiiiidddddb", sighting, (int64_t)lroundf(e->box.x1), (int64_t)lroundf(e->box.y1), (int64_t)lroundf(e->box.x2),
                                      (int64_t)lroundf(e->box.y2), (double)e->box.x1, (double)e->box.y1, (double)e->box.x2, (double)e->box.y2,
                                      e->confidence, e->thumbnail, e->thumbnail_size);
    if (status != URS_OK)
        return status;
    *chip = sqlite3_last_insert_rowid(c->db);
    return urs_store_run(c, err, "INSERT INTO embeddings (chip, model, data) VALUES (?1, 1, ?2)", "ib", *chip, (const void *)embedding,
                         (size_t)dim * sizeof *embedding);
}

typedef struct enrolment {
    urs_catalogue *c;
    urs_store_decision decision; /* id 0 until something changes, so that a repeated enrolment leaves no decision */
    const char *name;            /* clean; NULL: chips without a bear */
    int64_t bear, run;
    float *embedding;            /* owned [dim], scratch */
    int32_t dim;
    size_t added;
} enrolment;

static urs_status ensure_decision(enrolment *n, urs_error *err)
{
    urs_status status = URS_OK;
    if (!n->decision.id)
        status = urs_store_decide(n->c, &n->decision, "enrol", n->run, err);
    if (status == URS_OK && n->name && !n->bear)
        status = urs_store_new_bear(&n->decision, n->name, &n->bear, err);
    return status;
}

static urs_status enrol_chip(enrolment *n, const urs_chip_entry *e, urs_error *err)
{
    urs_catalogue *c = n->c;
    sqlite3_stmt *st = NULL;
    int64_t sighting = 0, chip = 0, owner = 0;
    bool there = false, removed = false;
    urs_status status = place_sighting(c, e, &sighting, err);
    if (status == URS_OK)
        status = urs_store_open(c, &st, err,
                                "SELECT id, coalesce(bear, 0), removed FROM chips WHERE sighting = ?1 AND key_x1 = ?2 AND key_y1 = ?3 AND key_x2 = ?4 AND key_y2 = ?5",
                                "iiiii", sighting, (int64_t)lroundf(e->box.x1), (int64_t)lroundf(e->box.y1), (int64_t)lroundf(e->box.x2),
                                (int64_t)lroundf(e->box.y2));
    if (status == URS_OK)
        status = urs_store_step(c, st, &there, err);
    if (status == URS_OK && there) {
        chip = sqlite3_column_int64(st, 0);
        owner = sqlite3_column_int64(st, 1);
        removed = sqlite3_column_int(st, 2) != 0;
    }
    sqlite3_finalize(st);
    if (status != URS_OK)
        return status;
    if (there && !removed && (!n->name || (owner && owner == n->bear)))
        return URS_OK; /* enrolled before */
    if (there && !removed && owner) {
        char *other = NULL;
        if (urs_catalogue_bear_name(c, owner, &other, err) == URS_OK)
            (void)urs_fail(err, URS_EMISMATCH, "%s: a head of %s is enrolled as \"%s\" already, not as \"%s\"", c->path, e->path, other, n->name);
        urs_free(other);
        return URS_EMISMATCH;
    }
    status = ensure_decision(n, err);
    if (status == URS_OK && !there) {
        memcpy(n->embedding, e->embedding, (size_t)n->dim * sizeof *n->embedding);
        if (!urs_normalise(n->embedding, n->dim))
            return urs_fail(err, URS_EINVAL, "%s: the embedding of a chip of %s is zero or not finite", c->path, e->path);
        status = insert_chip(&n->decision, e, sighting, n->embedding, n->dim, &chip, err);
        removed = true;
    }
    if (status == URS_OK && owner != n->bear)
        status = urs_store_set_number(&n->decision, URS_FIELD_CHIP_BEAR, chip, n->bear, err);
    if (status == URS_OK && removed)
        status = urs_store_set_number(&n->decision, URS_FIELD_CHIP_REMOVED, chip, 0, err);
    n->added++;
    return status;
}

urs_status urs_catalogue_enrol(urs_catalogue *c, const urs_catalogue_model *model, const char *name, const urs_chip_entry *chips, size_t n, int64_t run,
                               size_t *added, urs_error *err)
{
    enrolment e = {.c = c, .run = run};
    char *clean = NULL;
    bool model_known = false;
    urs_status status = URS_OK;

    if (name && (status = urs_store_clean_name(c, &clean, name, err)) != URS_OK)
        return status;
    status = urs_store_begin(c, err);
    if (status != URS_OK)
        goto done;
    status = look_up_model(c, model, &model_known, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        status = check_entry(c, &chips[i], model->dim, err);
    if (status == URS_OK && !model_known && n > 0)
        status = urs_store_run(c, err, "INSERT INTO models (id, fingerprint, name, dim) VALUES (1, ?1, ?2, ?3)", "tti", model->fingerprint, model->name,
                               (int64_t)model->dim);
    if (status == URS_OK) {
        e.name = clean;
        e.dim = model->dim;
        e.embedding = urs_array_new((size_t)model->dim, sizeof *e.embedding);
        if (!e.embedding)
            status = urs_fail(err, URS_ENOMEM, "no memory for an embedding");
    }
    if (status == URS_OK && clean)
        status = urs_store_find_bear(c, clean, &e.bear, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        status = enrol_chip(&e, &chips[i], err);
    if (status == URS_OK && e.decision.id)
        status = urs_store_summary(&e.decision, err, "enrolled %zu %s of %s%s%s", e.added, e.added == 1 ? "chip" : "chips", chips[0].path,
                                   clean ? " as " : "", clean ? clean : "");
    status = urs_store_end(c, status, err);
    if (status == URS_OK && added)
        *added = e.added;
done:
    urs_free(e.embedding);
    urs_free(clean);
    return status;
}

urs_status urs_catalogue_has_file(urs_catalogue *c, const char *path, const char *content_hash, const char *name, size_t *known, urs_error *err)
{
    int64_t count = 0;
    bool found;
    char *clean = NULL;
    urs_status status = name ? urs_store_clean_name(c, &clean, name, err) : URS_OK;
    if (status == URS_OK)
        status = urs_store_int(c, &count, &found, err,
                               "SELECT count(*) FROM chips JOIN sightings ON sightings.id = chips.sighting LEFT JOIN bears ON bears.id = chips.bear"
                               " WHERE chips.removed = 0 AND path = ?1 AND content_hash = ?2 AND (?3 IS NULL OR bears.name = ?3)",
                               "ttt", path, content_hash, clean);
    if (status == URS_OK)
        *known = (size_t)count;
    urs_free(clean);
    return status;
}
