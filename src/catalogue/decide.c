/* Decisions about identities, and undoing them; see catalogue.h. */
#include "catalogue/catalogue.h"

#include "base/memory.h"
#include "catalogue/store.h"

#include <stdio.h>
#include <string.h>

typedef struct id_list {
    int64_t *items; /* owned */
    size_t count, capacity;
} id_list;

/* Ids are collected before anything is written: a query must not run over rows that it changes. */
static urs_status collect_ids(urs_catalogue *c, id_list *list, const char *sql, int64_t key, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status = urs_store_open(c, &st, err, sql, "i", key);
    while (status == URS_OK && (status = urs_store_step(c, st, &row, err)) == URS_OK && row) {
        if (!urs_array_reserve((void **)&list->items, &list->capacity, list->count, sizeof *list->items))
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of chips");
        else
            list->items[list->count++] = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return status;
}

static const char live_chips_of[] = "SELECT id FROM chips WHERE bear = ?1 AND removed = 0 ORDER BY id";

static urs_status refuse_taken(urs_catalogue *c, const char *name, urs_error *err)
{
    int64_t other = 0;
    urs_status status = urs_store_find_bear(c, name, &other, err);
    if (status == URS_OK && other)
        return urs_fail(err, URS_EINVAL, "%s: there is a bear called \"%s\" already", c->path, name);
    return status;
}

static urs_status rename_in(urs_catalogue *c, const char *name, const char *new_name, urs_error *err)
{
    urs_store_decision d = {0};
    int64_t bear = 0;
    urs_status status = urs_store_need_bear(c, name, &bear, err);
    if (status == URS_OK && !strcmp(name, new_name))
        return urs_fail(err, URS_EINVAL, "%s: the bear is called \"%s\" already", c->path, name);
    if (status == URS_OK)
        status = refuse_taken(c, new_name, err);
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "rename", 0, err);
    if (status == URS_OK)
        status = urs_store_set_text(&d, URS_FIELD_BEAR_NAME, bear, new_name, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "renamed %s to %s", name, new_name);
    return status;
}

urs_status urs_catalogue_rename(urs_catalogue *c, const char *name, const char *new_name, urs_error *err)
{
    char *a = NULL, *b = NULL;
    urs_status status = urs_store_clean_name(c, &a, name, err);
    if (status == URS_OK)
        status = urs_store_clean_name(c, &b, new_name, err);
    if (status == URS_OK && (status = urs_store_begin(c, err)) == URS_OK)
        status = urs_store_end(c, rename_in(c, a, b, err), err);
    urs_free(a);
    urs_free(b);
    return status;
}

static urs_status merge_in(urs_catalogue *c, const char *name, const char *into, urs_error *err)
{
    urs_store_decision d = {0};
    id_list chips = {0};
    int64_t from = 0, to = 0;
    urs_status status = urs_store_need_bear(c, name, &from, err);
    if (status == URS_OK)
        status = urs_store_need_bear(c, into, &to, err);
    if (status == URS_OK && from == to)
        status = urs_fail(err, URS_EINVAL, "%s: \"%s\" cannot be merged into itself", c->path, name);
    if (status == URS_OK)
        status = collect_ids(c, &chips, live_chips_of, from, err);
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "merge", 0, err);
    for (size_t i = 0; status == URS_OK && i < chips.count; i++)
        status = urs_store_set_number(&d, URS_FIELD_CHIP_BEAR, chips.items[i], to, err);
    if (status == URS_OK)
        status = urs_store_set_number(&d, URS_FIELD_BEAR_REMOVED, from, 1, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "merged %s (%zu %s) into %s", name, chips.count, chips.count == 1 ? "chip" : "chips", into);
    urs_free(chips.items);
    return status;
}

urs_status urs_catalogue_merge(urs_catalogue *c, const char *name, const char *into, urs_error *err)
{
    char *a = NULL, *b = NULL;
    urs_status status = urs_store_clean_name(c, &a, name, err);
    if (status == URS_OK)
        status = urs_store_clean_name(c, &b, into, err);
    if (status == URS_OK && (status = urs_store_begin(c, err)) == URS_OK)
        status = urs_store_end(c, merge_in(c, a, b, err), err);
    urs_free(a);
    urs_free(b);
    return status;
}

/* The bear (0: none) of a live chip. */
static urs_status chip_owner(urs_catalogue *c, int64_t chip, int64_t *bear, urs_error *err)
{
    int64_t id = 0;
    bool found = false;
    urs_status status = urs_store_int(c, &id, &found, err, "SELECT coalesce(bear, 0) FROM chips WHERE id = ?1 AND removed = 0", "i", chip);
    if (status == URS_OK && !found)
        return urs_fail(err, URS_ENOTFOUND, "%s: there is no chip %lld", c->path, (long long)chip);
    if (status == URS_OK)
        *bear = id;
    return status;
}

static urs_status split_in(urs_catalogue *c, const char *name, const char *new_name, const int64_t *chips, size_t n, urs_error *err)
{
    urs_store_decision d = {0};
    int64_t from = 0, to = 0, owner = 0;
    urs_status status = urs_store_need_bear(c, name, &from, err);
    if (status == URS_OK)
        status = refuse_taken(c, new_name, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        status = chip_owner(c, chips[i], &owner, err);
        if (status == URS_OK && owner != from)
            status = urs_fail(err, URS_EINVAL, "%s: chip %lld does not belong to \"%s\"", c->path, (long long)chips[i], name);
        for (size_t j = 0; status == URS_OK && j < i; j++)
            if (chips[j] == chips[i])
                status = urs_fail(err, URS_EINVAL, "%s: chip %lld is named twice", c->path, (long long)chips[i]);
    }
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "split", 0, err);
    if (status == URS_OK)
        status = urs_store_new_bear(&d, new_name, &to, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        status = urs_store_set_number(&d, URS_FIELD_CHIP_BEAR, chips[i], to, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "split %zu %s of %s off as %s", n, n == 1 ? "chip" : "chips", name, new_name);
    return status;
}

urs_status urs_catalogue_split(urs_catalogue *c, const char *name, const char *new_name, const int64_t *chips, size_t n, urs_error *err)
{
    char *a = NULL, *b = NULL;
    urs_status status;
    if (n == 0)
        return urs_fail(err, URS_EINVAL, "%s: a split needs at least one chip", c->path);
    status = urs_store_clean_name(c, &a, name, err);
    if (status == URS_OK)
        status = urs_store_clean_name(c, &b, new_name, err);
    if (status == URS_OK && (status = urs_store_begin(c, err)) == URS_OK)
        status = urs_store_end(c, split_in(c, a, b, chips, n, err), err);
    urs_free(a);
    urs_free(b);
    return status;
}

static urs_status remove_bear_in(urs_catalogue *c, const char *name, urs_error *err)
{
    urs_store_decision d = {0};
    id_list chips = {0};
    int64_t bear = 0;
    urs_status status = urs_store_need_bear(c, name, &bear, err);
    if (status == URS_OK)
        status = collect_ids(c, &chips, live_chips_of, bear, err);
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "remove", 0, err);
    for (size_t i = 0; status == URS_OK && i < chips.count; i++)
        status = urs_store_set_number(&d, URS_FIELD_CHIP_REMOVED, chips.items[i], 1, err);
    if (status == URS_OK)
        status = urs_store_set_number(&d, URS_FIELD_BEAR_REMOVED, bear, 1, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "removed %s with %zu %s", name, chips.count, chips.count == 1 ? "chip" : "chips");
    urs_free(chips.items);
    return status;
}

urs_status urs_catalogue_remove_bear(urs_catalogue *c, const char *name, urs_error *err)
{
    char *clean = NULL;
    urs_status status = urs_store_clean_name(c, &clean, name, err);
    if (status == URS_OK && (status = urs_store_begin(c, err)) == URS_OK)
        status = urs_store_end(c, remove_bear_in(c, clean, err), err);
    urs_free(clean);
    return status;
}

static urs_status remove_chip_in(urs_catalogue *c, int64_t chip, urs_error *err)
{
    urs_store_decision d = {0};
    int64_t owner = 0;
    urs_status status = chip_owner(c, chip, &owner, err);
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "remove", 0, err);
    if (status == URS_OK)
        status = urs_store_set_number(&d, URS_FIELD_CHIP_REMOVED, chip, 1, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "removed chip %lld", (long long)chip);
    return status;
}

urs_status urs_catalogue_remove_chip(urs_catalogue *c, int64_t chip, urs_error *err)
{
    urs_status status = urs_store_begin(c, err);
    if (status == URS_OK)
        status = urs_store_end(c, remove_chip_in(c, chip, err), err);
    return status;
}

static urs_status verdict_in(urs_catalogue *c, int64_t chip, const char *verdict, const char *name, urs_error *err)
{
    urs_store_decision d = {0};
    int64_t owner = 0, bear = 0;
    urs_status status = chip_owner(c, chip, &owner, err);
    if (status == URS_OK && name)
        status = !strcmp(verdict, "known") ? urs_store_need_bear(c, name, &bear, err) : urs_store_find_bear(c, name, &bear, err);
    if (status == URS_OK)
        status = urs_store_decide(c, &d, "verdict", 0, err);
    if (status == URS_OK && name && !bear)
        status = urs_store_new_bear(&d, name, &bear, err);
    if (status == URS_OK && owner != bear)
        status = urs_store_set_number(&d, URS_FIELD_CHIP_BEAR, chip, bear, err);
    if (status == URS_OK)
        status = urs_store_set_text(&d, URS_FIELD_CHIP_VERDICT, chip, verdict, err);
    if (status == URS_OK)
        status = urs_store_summary(&d, err, "chip %lld is %s%s%s", (long long)chip, verdict, name ? ": " : "", name ? name : "");
    return status;
}

urs_status urs_catalogue_verdict(urs_catalogue *c, int64_t chip, const char *verdict, const char *name, urs_error *err)
{
    char *clean = NULL;
    const bool unsure = verdict && !strcmp(verdict, "unsure");
    urs_status status = URS_OK;
    if (!verdict || (!unsure && strcmp(verdict, "known") != 0 && strcmp(verdict, "new") != 0))
        return urs_fail(err, URS_EINVAL, "%s: a verdict is known, new or unsure", c->path);
    if (unsure != (name == NULL))
        return urs_fail(err, URS_EINVAL, "%s: the verdict \"%s\" goes %s a bear's name", c->path, verdict, unsure ? "without" : "with");
    if (name)
        status = urs_store_clean_name(c, &clean, name, err);
    if (status == URS_OK && (status = urs_store_begin(c, err)) == URS_OK)
        status = urs_store_end(c, verdict_in(c, chip, verdict, clean, err), err);
    urs_free(clean);
    return status;
}

/* ---- undo ---- */

typedef struct last_decision {
    int64_t id, run; /* id 0: nothing left; run 0: a run of its own */
    char *summary;   /* owned */
} last_decision;

static urs_status find_last(urs_catalogue *c, last_decision *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    urs_status status = urs_store_open(c, &st, err, "SELECT id, coalesce(run, 0), summary FROM decisions WHERE undone = 0 ORDER BY id DESC LIMIT 1", "");
    if (status == URS_OK)
        status = urs_store_step(c, st, &row, err);
    *out = (last_decision){0};
    if (status == URS_OK && row) {
        out->id = sqlite3_column_int64(st, 0);
        out->run = sqlite3_column_int64(st, 1);
        if (!urs_store_text(&out->summary, st, 2))
            status = urs_fail(err, URS_ENOMEM, "no memory");
    }
    sqlite3_finalize(st);
    return status;
}

/* Back through the decisions of the last run, as far as no other run stands between them: decisions are undone in the strict reverse of their order, so every old value still fits. */
static urs_status undo_in(urs_catalogue *c, char **summary, size_t *count, urs_error *err)
{
    last_decision first = {0}, d = {0};
    size_t undone = 0;
    urs_text text = {0};
    urs_status status = find_last(c, &first, err);
    if (status == URS_OK && !first.id)
        status = urs_fail(err, URS_ENOTFOUND, "%s: there is nothing to undo", c->path);
    if (status == URS_OK)
        status = urs_store_revert(c, first.id, err);
    while (status == URS_OK) {
        undone++;
        urs_free(d.summary);
        status = find_last(c, &d, err);
        if (status != URS_OK || !d.id || !first.run || d.run != first.run)
            break;
        status = urs_store_revert(c, d.id, err);
    }
    if (status == URS_OK) {
        urs_text_add(&text, first.summary ? first.summary : "");
        if (undone > 1)
            urs_text_format(&text, ", and %zu earlier %s of the same run", undone - 1, undone == 2 ? "step" : "steps");
        if (!urs_text_ok(&text))
            status = urs_fail(err, URS_ENOMEM, "no memory");
    }
    if (status == URS_OK) {
        *summary = urs_text_take(&text);
        *count = undone;
    }
    urs_text_release(&text);
    urs_free(first.summary);
    urs_free(d.summary);
    return status;
}

urs_status urs_catalogue_undo(urs_catalogue *c, char **summary, size_t *decisions, urs_error *err)
{
    char *text = NULL;
    size_t count = 0;
    urs_status status = urs_store_begin(c, err);
    if (status == URS_OK)
        status = urs_store_end(c, undo_in(c, &text, &count, err), err);
    if (status == URS_OK && decisions)
        *decisions = count;
    if (status == URS_OK && summary) {
        *summary = text;
        text = NULL;
    }
    urs_free(text);
    return status;
}

urs_status urs_catalogue_decisions(urs_catalogue *c, size_t limit, urs_decisions *out, urs_error *err)
{
    sqlite3_stmt *st = NULL;
    urs_decisions list = {0};
    size_t capacity = 0;
    bool row = false;
    urs_status status = urs_store_open(c, &st, err, "SELECT id, coalesce(run, 0), kind, summary, time, undone FROM decisions ORDER BY id DESC LIMIT ?1", "i",
                                       limit ? (int64_t)limit : (int64_t)-1);
    while (status == URS_OK && (status = urs_store_step(c, st, &row, err)) == URS_OK && row) {
        urs_decision *d;
        if (!urs_array_reserve((void **)&list.items, &capacity, list.count, sizeof *list.items)) {
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of decisions");
            break;
        }
        d = &list.items[list.count++];
        *d = (urs_decision){.id = sqlite3_column_int64(st, 0), .run = sqlite3_column_int64(st, 1), .undone = sqlite3_column_int(st, 5) != 0};
        if (!urs_store_text(&d->kind, st, 2) || !urs_store_text(&d->summary, st, 3) || !urs_store_text(&d->time, st, 4))
            status = urs_fail(err, URS_ENOMEM, "no memory for a list of decisions");
    }
    sqlite3_finalize(st);
    if (status == URS_OK)
        *out = list;
    else
        urs_decisions_release(&list);
    return status;
}

void urs_decisions_release(urs_decisions *list)
{
    for (size_t i = 0; i < list->count; i++) {
        urs_free(list->items[i].kind);
        urs_free(list->items[i].summary);
        urs_free(list->items[i].time);
    }
    urs_free(list->items);
    *list = (urs_decisions){0};
}
