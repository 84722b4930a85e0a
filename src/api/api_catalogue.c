/* The catalogue of the public API. See include/ursid.h.
 *
 *      ursid_catalogue   urs_catalogue (SQLite)  --loaded when first asked, and again when its state has changed-->  urs_search (all embeddings) */
#include "api/api_private.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

#define MATCHES_MAX 10000

struct ursid_catalogue {
    urs_catalogue *store;      /* owned */
    urs_search *search;        /* owned; NULL: not loaded */
    urs_catalogue_state state; /* of the file when search was loaded */
    char *fingerprint;         /* owned; of the model that search was loaded for */
};

ursid_status ursid_catalogue_open(ursid_catalogue **out, const char *path, const ursid_catalogue_options *options, ursid_error *err)
{
    static const ursid_catalogue_options defaults = {0};
    const ursid_catalogue_options *o = options ? options : &defaults;
    const urs_catalogue_options own = {.create = o->create, .read_only = o->read_only, .busy_ms = o->busy_ms};
    ursid_catalogue *c;
    urs_error why = {0};
    if (!out || !path)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_open needs a path and a place for the catalogue");
    c = urs_array_new(1, sizeof *c);
    if (!c)
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for the catalogue");
    if (urs_catalogue_open(&c->store, path, &own, &why) != URS_OK) {
        urs_free(c);
        return urs_api_fail(err, &why);
    }
    *out = c;
    return URSID_OK;
}

static void forget(ursid_catalogue *c)
{
    urs_search_free(c->search);
    urs_free(c->fingerprint);
    c->search = NULL;
    c->fingerprint = NULL;
}

void ursid_catalogue_close(ursid_catalogue *c)
{
    if (!c)
        return;
    forget(c);
    urs_catalogue_close(c->store);
    urs_free(c);
}

/* The answer of an operation whose error is `why`. */
static ursid_status answer(urs_status status, const urs_error *why, ursid_error *err)
{
    return status == URS_OK ? URSID_OK : urs_api_fail(err, why);
}

/* ---- enrolling ---- */

/* Names the frame's content: the file's bytes; in memory, where these are gone, the chips of its heads. */
static urs_status hash_frame(char out[65], const ursid_frame *f, urs_error *err)
{
    urs_sha256 sha;
    urs_sha256_init(&sha);
    if (f->in_memory) {
        for (size_t i = 0; i < f->head_count; i++)
            urs_sha256_update(&sha, f->heads[i].chip.data, f->heads[i].chip.row_bytes * (size_t)f->heads[i].chip.height);
    } else {
        urs_bytes bytes = {0};
        const urs_status status = urs_file_read(&bytes, f->name, 0, err);
        if (status != URS_OK)
            return status;
        urs_sha256_update(&sha, bytes.data, bytes.size);
        urs_bytes_release(&bytes);
    }
    urs_sha256_hex(&sha, out);
    return URS_OK;
}

static urs_status enrol(ursid_catalogue *c, const ursid_chain *chain, const char *bear, const ursid_frame *f, const ursid_head *h, bool *added, urs_error *err)
{
    const urs_image chip = {.width = h->chip.width, .height = h->chip.height, .channels = h->chip.channels, .data = (uint8_t *)h->chip.data}; /* only read */
    urs_bytes thumbnail = {0};
    size_t count = 0;
    char hash[65];
    urs_status status = hash_frame(hash, f, err);
    if (status == URS_OK)
        status = urs_head_thumbnail(&thumbnail, &chip, err);
    if (status == URS_OK) {
        const urs_chip_entry entry = {.path = f->name, .content_hash = hash, .box = {h->box.x1, h->box.y1, h->box.x2, h->box.y2}, .camera = *f->camera ? f->camera : NULL,
                                      .time = *f->time ? f->time : NULL, .confidence = (double)h->score, .embedding = h->embedding, .thumbnail = thumbnail.data,
                                      .thumbnail_size = thumbnail.size};
        status = urs_catalogue_enrol(c->store, &chain->model, bear, &entry, 1, 0, &count, err);
    }
    urs_bytes_release(&thumbnail);
    if (status == URS_OK && added)
        *added = count > 0;
    return status;
}

ursid_status ursid_catalogue_enrol(ursid_catalogue *c, const ursid_chain *chain, const char *bear, const ursid_frame *frame, size_t head, bool *added, ursid_error *err)
{
    urs_error why = {0};
    if (!c || !chain || !bear || !frame)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_enrol needs a catalogue, a chain, a name and a frame");
    if (head >= frame->head_count)
        return urs_api_refuse(err, URSID_EINVAL, "'%s' has %zu heads; number %zu is not among them", frame->name, frame->head_count, head);
    if (!frame->heads[head].embedding)
        return urs_api_refuse(err, URSID_EINVAL, "the heads of '%s' have no embeddings: the chain was opened without embed", frame->name);
    return answer(enrol(c, chain, bear, frame, &frame->heads[head], added, &why), &why, err);
}

/* ---- asking ---- */

static urs_status load(ursid_catalogue *c, const ursid_chain *chain, urs_error *err)
{
    urs_catalogue_state state = {0};
    urs_status status = urs_catalogue_state_get(c->store, &state, err);
    if (status != URS_OK)
        return status;
    if (c->search && state.own == c->state.own && state.others == c->state.others && strcmp(c->fingerprint, chain->model.fingerprint) == 0)
        return URS_OK;
    forget(c);
    status = urs_search_load(&c->search, c->store, &chain->model, err);
    if (status == URS_OK && !(c->fingerprint = urs_strdup(chain->model.fingerprint)))
        status = urs_fail(err, URS_ENOMEM, "no memory for the catalogue");
    if (status != URS_OK)
        forget(c);
    c->state = state; /* from before loading: what was written meanwhile is seen the next time */
    return status;
}

/* What every question needs; URSID_OK: c->search is up to date. */
static ursid_status prepare(ursid_catalogue *c, const ursid_chain *chain, const float *embedding, const void *out, size_t k, size_t most, ursid_error *err)
{
    urs_error why = {0};
    if (!c || !chain || !embedding || !out)
        return urs_api_refuse(err, URSID_EINVAL, "a catalogue, a chain, an embedding and a place for the answer are needed");
    if (chain->model.dim == 0)
        return urs_api_refuse(err, URSID_EINVAL, "the chain was opened without embed");
    if (k < 1 || k > most)
        return urs_api_refuse(err, URSID_EINVAL, "1 to %zu answers can be asked for, not %zu", most, k);
    return answer(load(c, chain, &why), &why, err);
}

/* The public part first, as everywhere in this API. */
typedef struct owned_identification {
    ursid_identification shown;
    ursid_candidate *candidates; /* owned; names owned */
} owned_identification;

void ursid_identification_free(ursid_identification *shown)
{
    owned_identification *o = (owned_identification *)(void *)shown;
    if (!o)
        return;
    for (size_t i = 0; i < shown->count; i++)
        urs_free((char *)o->candidates[i].bear);
    urs_free(o->candidates);
    urs_free(o);
}

static urs_status name_candidates(owned_identification *o, urs_catalogue *store, const urs_identification *found, urs_error *err)
{
    o->candidates = urs_array_new(found->count, sizeof *o->candidates);
    if (!o->candidates)
        return urs_fail(err, URS_ENOMEM, "no memory for the candidates");
    o->shown = (ursid_identification){.verdict = (ursid_verdict)found->verdict, .new_probability = found->p_new, .candidates = o->candidates};
    for (size_t i = 0; i < found->count; i++) {
        const urs_candidate *from = &found->candidate[i];
        char *name = NULL;
        const urs_status status = urs_catalogue_bear_name(store, from->bear, &name, err);
        if (status != URS_OK)
            return status;
        o->candidates[o->shown.count++] = (ursid_candidate){.bear = name, .chip = from->chip, .cosine = (double)from->score, .probability = from->probability};
    }
    return URS_OK;
}

ursid_status ursid_catalogue_identify(ursid_identification **out, ursid_catalogue *c, const ursid_chain *chain, const float *embedding, size_t k, ursid_error *err)
{
    urs_identification *found = NULL;
    owned_identification *o = NULL;
    urs_error why = {0};
    urs_status status;
    const ursid_status ready = prepare(c, chain, embedding, out, k, URS_CANDIDATES_MAX, err);
    if (ready != URSID_OK)
        return ready;
    found = urs_array_new(1, sizeof *found);
    o = urs_array_new(1, sizeof *o);
    status = found && o ? URS_OK : urs_fail(&why, URS_ENOMEM, "no memory for the candidates");
    if (status == URS_OK)
        status = urs_identify(found, c->search, embedding, k, &(urs_identify_options){.calibration = &chain->calibration, .verdict = chain->verdict}, &why);
    if (status == URS_OK)
        status = name_candidates(o, c->store, found, &why);
    urs_free(found);
    if (status == URS_OK)
        *out = &o->shown;
    else
        ursid_identification_free(o ? &o->shown : NULL);
    return answer(status, &why, err);
}

typedef struct owned_matches {
    ursid_matches shown;
    ursid_match *items; /* owned; texts owned */
} owned_matches;

void ursid_matches_free(ursid_matches *shown)
{
    owned_matches *o = (owned_matches *)(void *)shown;
    if (!o)
        return;
    for (size_t i = 0; i < shown->count; i++) {
        urs_free((char *)o->items[i].bear);
        urs_free((char *)o->items[i].name);
    }
    urs_free(o->items);
    urs_free(o);
}

static urs_status name_match(ursid_match *out, urs_catalogue *store, const urs_search_hit *hit, urs_error *err)
{
    urs_stored_chips chips = {0};
    urs_status status = urs_catalogue_chip(store, hit->chip, &chips, err);
    if (status != URS_OK)
        return status;
    out->chip = hit->chip;
    out->cosine = (double)hit->score;
    out->bear = urs_strdup(chips.items[0].bear_name ? chips.items[0].bear_name : "");
    out->name = urs_strdup(chips.items[0].path);
    urs_stored_chips_release(&chips);
    return out->bear && out->name ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the matches");
}

ursid_status ursid_catalogue_search(ursid_matches **out, ursid_catalogue *c, const ursid_chain *chain, const float *embedding, size_t k, ursid_error *err)
{
    urs_search_hit *hits = NULL;
    owned_matches *o = NULL;
    urs_error why = {0};
    size_t count = 0;
    urs_status status;
    const ursid_status ready = prepare(c, chain, embedding, out, k, MATCHES_MAX, err);
    if (ready != URSID_OK)
        return ready;
    hits = urs_array_new(k, sizeof *hits);
    o = urs_array_new(1, sizeof *o);
    if (o)
        o->items = urs_array_new(k, sizeof *o->items);
    status = hits && o && o->items ? URS_OK : urs_fail(&why, URS_ENOMEM, "no memory for the matches");
    if (status == URS_OK && urs_search_count(c->search) > 0)
        status = urs_search_chips(c->search, embedding, k, NULL, hits, &count, &why);
    if (status == URS_OK)
        o->shown.items = o->items;
    for (size_t i = 0; status == URS_OK && i < count; i++) {
        o->shown.count++; /* before: what was begun is released */
        status = name_match(&o->items[i], c->store, &hits[i], &why);
    }
    urs_free(hits);
    if (status == URS_OK)
        *out = &o->shown;
    else
        ursid_matches_free(o ? &o->shown : NULL);
    return answer(status, &why, err);
}

/* ---- bears ---- */

typedef struct owned_bears {
    ursid_bears shown;
    ursid_bear *items; /* owned */
    urs_bears bears;   /* owned: the texts */
} owned_bears;

void ursid_bears_free(ursid_bears *shown)
{
    owned_bears *o = (owned_bears *)(void *)shown;
    if (!o)
        return;
    urs_bears_release(&o->bears);
    urs_free(o->items);
    urs_free(o);
}

ursid_status ursid_catalogue_bears(ursid_bears **out, ursid_catalogue *c, ursid_error *err)
{
    owned_bears *o;
    urs_error why = {0};
    urs_status status;
    if (!out || !c)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_bears needs a catalogue and a place for the list");
    o = urs_array_new(1, sizeof *o);
    if (!o)
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for the list of bears");
    status = urs_catalogue_bears(c->store, &o->bears, &why);
    if (status == URS_OK && !(o->items = urs_array_new(o->bears.count, sizeof *o->items)))
        status = urs_fail(&why, URS_ENOMEM, "no memory for the list of bears");
    if (status != URS_OK) {
        ursid_bears_free(&o->shown);
        return urs_api_fail(err, &why);
    }
    for (size_t i = 0; i < o->bears.count; i++) {
        const urs_bear *b = &o->bears.items[i];
        o->items[i] = (ursid_bear){.name = b->name, .chips = b->chips, .sightings = b->sightings, .first_time = b->first_time, .last_time = b->last_time};
    }
    o->shown = (ursid_bears){.items = o->items, .count = o->bears.count};
    *out = &o->shown;
    return URSID_OK;
}

ursid_status ursid_catalogue_rename(ursid_catalogue *c, const char *bear, const char *new_name, ursid_error *err)
{
    urs_error why = {0};
    if (!c || !bear || !new_name)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_rename needs a catalogue and two names");
    return answer(urs_catalogue_rename(c->store, bear, new_name, &why), &why, err);
}

ursid_status ursid_catalogue_merge(ursid_catalogue *c, const char *bear, const char *into, ursid_error *err)
{
    urs_error why = {0};
    if (!c || !bear || !into)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_merge needs a catalogue and two names");
    return answer(urs_catalogue_merge(c->store, bear, into, &why), &why, err);
}

ursid_status ursid_catalogue_remove(ursid_catalogue *c, const char *bear, ursid_error *err)
{
    urs_error why = {0};
    if (!c || !bear)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_remove needs a catalogue and a name");
    return answer(urs_catalogue_remove_bear(c->store, bear, &why), &why, err);
}

ursid_status ursid_catalogue_undo(ursid_catalogue *c, ursid_error *err)
{
    urs_error why = {0};
    if (!c)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_catalogue_undo needs a catalogue");
    return answer(urs_catalogue_undo(c->store, NULL, NULL, &why), &why, err);
}
