/* Reading and exporting; see catalogue.h. */
#include "catalogue/catalogue.h"

#include "base/memory.h"
#include "catalogue/store.h"

#include <string.h>

/* ---- bears ---- */

urs_status urs_catalogue_bears(urs_catalogue *c, urs_bears *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    urs_bears list = {0};
    size_t capacity = 0;
    bool row = false;
    urs_status status = urs_store_open(c, &st, err,
                                       "SELECT bears.id, bears.name, count(chips.id), count(DISTINCT chips.sighting), min(sightings.time), max(sightings.time)"
                                       " FROM bears LEFT JOIN chips ON chips.bear = bears.id AND chips.removed = 0"
                                       " LEFT JOIN sightings ON sightings.id = chips.sighting WHERE bears.removed = 0 GROUP BY bears.id ORDER BY bears.name",
                                       "");
    while (status == URS_OK && (status = urs_store_step(c, st, &row, err)) == URS_OK && row) {
        urs_bear *b;
        if (!urs_array_reserve((void **)&list.items, &capacity, list.count, sizeof *list.items)) {
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of bears");
            break;
        }
        b = &list.items[list.count++];
        *b = (urs_bear){.id = sqlite3_column_int64(st, 0), .chips = (size_t)sqlite3_column_int64(st, 2), .sightings = (size_t)sqlite3_column_int64(st, 3)};
        if (!urs_store_text(&b->name, st, 1) || !urs_store_text(&b->first_time, st, 4) || !urs_store_text(&b->last_time, st, 5))
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of bears");
    }
    sqlite3_finalize(st);
    if (status == URS_OK)
        *out = list;
    else
        urs_bears_release(&list);
    return status;
}

void urs_bears_release(urs_bears *list)
{
    for (size_t i = 0; i < list->count; i++) {
        urs_free(list->items[i].name);
        urs_free(list->items[i].first_time);
        urs_free(list->items[i].last_time);
    }
    urs_free(list->items);
    *list = (urs_bears){0};
}

urs_status urs_catalogue_bear_name(urs_catalogue *c, int64_t bear, char **name, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    char *text = NULL;
    urs_status status = urs_store_open(c, &st, err, "SELECT name FROM bears WHERE id = ?1", "i", bear);
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    if (status == URS_OK && !row)
        status = urs_fail(err, URS_ENOTFOUND, "%s: there is no bear number %lld", c->path, (long long)bear);
    if (status == URS_OK && !urs_store_text(&text, st, 0))
        status = urs_fail(err, URS_ENOMEM, "no memory for a name");
    sqlite3_finalize(st);
    if (status == URS_OK)
        *name = text;
    return status;
}

urs_status urs_catalogue_bear_find(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err)
{
    char *clean = NULL;
    urs_status status = urs_store_clean_name(c, &clean, name, err);
    if (status == URS_OK)
        status = urs_store_need_bear(c, clean, bear, err);
    urs_free(clean);
    return status;
}

/* ---- chips ---- */

#define CHIP_COLUMNS                                                                                                                              \
    "SELECT chips.id, coalesce(chips.bear, 0), bears.name, sightings.path, sightings.content_hash, sightings.camera, sightings.time, chips.verdict," \
    " chips.x1, chips.y1, chips.x2, chips.y2, chips.confidence, chips.thumbnail IS NOT NULL"                                                      \
    " FROM chips JOIN sightings ON sightings.id = chips.sighting LEFT JOIN bears ON bears.id = chips.bear WHERE chips.removed = 0"

static bool read_chip(urs_stored_chip *chip, sqlite3_stmt *st)
{
    *chip = (urs_stored_chip){
        .id = sqlite3_column_int64(st, 0),
        .bear = sqlite3_column_int64(st, 1),
        .box = {(float)sqlite3_column_double(st, 8), (float)sqlite3_column_double(st, 9), (float)sqlite3_column_double(st, 10), (float)sqlite3_column_double(st, 11)},
        .confidence = sqlite3_column_double(st, 12),
        .has_thumbnail = sqlite3_column_int(st, 13) != 0,
    };
    return urs_store_text(&chip->bear_name, st, 2) && urs_store_text(&chip->path, st, 3) && urs_store_text(&chip->content_hash, st, 4) &&
           urs_store_text(&chip->camera, st, 5) && urs_store_text(&chip->time, st, 6) && urs_store_text(&chip->verdict, st, 7);
}

/* Takes over and finalizes the statement. */
static urs_status read_chips(urs_catalogue *c, sqlite3_stmt *st, urs_stored_chips *out, urs_error *err)
{
    urs_stored_chips list = {0};
    size_t capacity = 0;
    bool row = false;
    urs_status status = URS_OK;
    while (status == URS_OK && (status = urs_store_step(c, st, &row, err)) == URS_OK && row) {
        if (!urs_array_reserve((void **)&list.items, &capacity, list.count, sizeof *list.items) || !read_chip(&list.items[list.count++], st))
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of chips");
    }
    sqlite3_finalize(st);
    if (status == URS_OK)
        *out = list;
    else
        urs_stored_chips_release(&list);
    return status;
}

urs_status urs_catalogue_chips(urs_catalogue *c, const char *name, urs_stored_chips *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    int64_t bear = 0;
    urs_status status = name ? urs_catalogue_bear_find(c, name, &bear, err) : URS_OK;
    if (status == URS_OK)
        status = urs_store_open(c, &st, err, CHIP_COLUMNS " AND (?1 = 0 OR chips.bear = ?1) ORDER BY chips.id", "i", bear);
    return status == URS_OK ? read_chips(c, st, out, err) : status;
}

urs_status urs_catalogue_chip(urs_catalogue *c, int64_t chip, urs_stored_chips *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    urs_stored_chips list = {0};
    urs_status status = urs_store_open(c, &st, err, CHIP_COLUMNS " AND chips.id = ?1", "i", chip);
    if (status == URS_OK)
        status = read_chips(c, st, &list, err);
    if (status == URS_OK && list.count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "%s: there is no chip %lld", c->path, (long long)chip);
    if (status == URS_OK)
        *out = list;
    else
        urs_stored_chips_release(&list);
    return status;
}

void urs_stored_chips_release(urs_stored_chips *list)
{
    for (size_t i = 0; i < list->count; i++) {
        urs_stored_chip *chip = &list->items[i];
        urs_free(chip->bear_name);
        urs_free(chip->path);
        urs_free(chip->content_hash);
        urs_free(chip->camera);
        urs_free(chip->time);
        urs_free(chip->verdict);
    }
    urs_free(list->items);
    *list = (urs_stored_chips){0};
}

urs_status urs_catalogue_thumbnail(urs_catalogue *c, int64_t chip, uint8_t **data, size_t *size, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    uint8_t *copy = NULL;
    size_t length = 0;
    urs_status status = urs_store_open(c, &st, err, "SELECT thumbnail FROM chips WHERE id = ?1 AND removed = 0", "i", chip);
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    if (status == URS_OK && !row)
        status = urs_fail(err, URS_ENOTFOUND, "%s: there is no chip %lld", c->path, (long long)chip);
    if (status == URS_OK && sqlite3_column_type(st, 0) == SQLITE_BLOB) {
        const void *blob = sqlite3_column_blob(st, 0);
        length = (size_t)sqlite3_column_bytes(st, 0);
        copy = length ? urs_array_new(length, 1) : NULL;
        if (length && !(copy && blob))
            status = urs_fail(err, URS_ENOMEM, "no memory for a thumbnail");
        else if (length)
            memcpy(copy, blob, length);
    }
    sqlite3_finalize(st);
    if (status == URS_OK) {
        *data = copy;
        *size = length;
    } else {
        urs_free(copy);
    }
    return status;
}

urs_status urs_catalogue_each_embedding(urs_catalogue *c, urs_embedding_row *row, void *context, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    char *fingerprint = NULL, *name = NULL;
    float *embedding = NULL;
    int32_t dim = 0;
    bool there = false;
    urs_status status = urs_catalogue_model_get(c, &fingerprint, &name, &dim, err);
    urs_free(fingerprint);
    urs_free(name);
    if (status != URS_OK || dim == 0)
        return status;
    if (dim < 1 || dim > URS_EMBEDDING_DIM_MAX)
        return urs_fail(err, URS_EFORMAT, "%s: the catalogue is damaged (embeddings of %d numbers)", c->path, dim);
    embedding = urs_array_new((size_t)dim, sizeof *embedding); /* a blob in SQLite's memory need not be aligned */
    if (!embedding)
        return urs_fail(err, URS_ENOMEM, "no memory for an embedding");
    status = urs_store_open(c, &st, err,
                            "SELECT chips.id, chips.bear, embeddings.data FROM chips JOIN embeddings ON embeddings.chip = chips.id"
                            " WHERE chips.removed = 0 AND chips.bear IS NOT NULL ORDER BY chips.id",
                            "");
    while (status == URS_OK && (status = urs_store_step(c, st, &there, err)) == URS_OK && there) {
        const int64_t chip = sqlite3_column_int64(st, 0);
        const void *data = sqlite3_column_blob(st, 2);
        if (!data || (size_t)sqlite3_column_bytes(st, 2) != (size_t)dim * sizeof *embedding) {
            status = urs_fail(err, URS_EFORMAT, "%s: the catalogue is damaged (embedding of chip %lld has the wrong length)", c->path, (long long)chip);
        } else {
            memcpy(embedding, data, (size_t)dim * sizeof *embedding);
            status = row(context, chip, sqlite3_column_int64(st, 1), embedding, dim, err);
        }
    }
    sqlite3_finalize(st);
    urs_free(embedding);
    return status;
}

/* ---- CSV ---- */

static void csv_or_empty(urs_text *out, const char *s)
{
    urs_text_add(out, ",");
    if (s)
        urs_text_csv(out, s);
}

urs_status urs_catalogue_export_chips(urs_catalogue *c, urs_text *out, urs_error *err)
{
    urs_stored_chips list = {0};
    urs_status status = urs_catalogue_chips(c, NULL, &list, err);
    if (status != URS_OK)
        return status;
    urs_text_add(out, "chip,bear,file,x1,y1,x2,y2,confidence,camera,time,verdict,content_hash\r\n");
    for (size_t i = 0; i < list.count; i++) {
        const urs_stored_chip *k = &list.items[i];
        urs_text_format(out, "%lld", (long long)k->id);
        csv_or_empty(out, k->bear_name);
        csv_or_empty(out, k->path);
        urs_text_format(out, ",%.1f,%.1f,%.1f,%.1f,%.4f", (double)k->box.x1, (double)k->box.y1, (double)k->box.x2, (double)k->box.y2, k->confidence);
        csv_or_empty(out, k->camera);
        csv_or_empty(out, k->time);
        csv_or_empty(out, k->verdict);
        csv_or_empty(out, k->content_hash);
        urs_text_add(out, "\r\n");
    }
    urs_stored_chips_release(&list);
    return urs_text_ok(out) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the export of %s", c->path);
}

urs_status urs_catalogue_export_bears(urs_catalogue *c, urs_text *out, urs_error *err)
{
    urs_bears list = {0};
    urs_status status = urs_catalogue_bears(c, &list, err);
    if (status != URS_OK)
        return status;
    urs_text_add(out, "bear,chips,sightings,first_time,last_time\r\n");
    for (size_t i = 0; i < list.count; i++) {
        const urs_bear *b = &list.items[i];
        urs_text_csv(out, b->name);
        urs_text_format(out, ",%zu,%zu", b->chips, b->sightings);
        csv_or_empty(out, b->first_time);
        csv_or_empty(out, b->last_time);
        urs_text_add(out, "\r\n");
    }
    urs_bears_release(&list);
    return urs_text_ok(out) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the export of %s", c->path);
}
