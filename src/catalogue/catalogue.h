/* The catalogue of known bears: one SQLite file (tables in schema.h).
 *
 * A sighting is one frame (file, content, camera, time); a chip is one head in it (box, bear, embedding). Whatever changes an identity is a decision that
 * can be undone. Every function here is one transaction: after a crash at any point the file holds the state before or the state after the call, never a
 * part, and what was reported as done is still there. Nothing is ever deleted: a removed bear or chip is marked, which is what makes undo possible.
 *
 * Names of bears: any UTF-8, white space at both ends trimmed, not empty, at most URS_BEAR_NAME_MAX bytes, unique among the bears that are not removed, upper and lower
 * case distinct. A handle belongs to one thread at a time; several processes may hold the same file (a writer waits up to busy_ms, then URS_EBUSY).
 *
 * Errors: URS_ENOTFOUND no such file, bear or chip; URS_EFORMAT not a catalogue or damaged; URS_EUNSUPPORTED made by a newer program; URS_EMISMATCH
 * another model's embeddings, or a chip that belongs to another bear; URS_EINVAL a bad name or argument; URS_EBUSY locked; URS_EIO disk. */
#ifndef URS_CATALOGUE_CATALOGUE_H
#define URS_CATALOGUE_CATALOGUE_H

#include "base/error.h"
#include "base/text.h"
#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_BEAR_NAME_MAX 255
#define URS_EMBEDDING_DIM_MAX 16384

typedef struct urs_catalogue urs_catalogue;

typedef struct urs_catalogue_options {
    bool create;    /* make the file when it is not there (otherwise URS_ENOTFOUND) */
    bool read_only; /* no decision can be made, an older schema is refused; nothing is left beside the file. A file or folder that is write-protected is read as it stands: if somebody
                     * else changes it meanwhile, reading ends with URS_EBUSY rather than with a mixture of two states */
    int busy_ms;    /* how long to wait for another writer; 0: 5000 */
} urs_catalogue_options;

/* Owned; urs_catalogue_close. options may be NULL. Older schemas are migrated. */
urs_status urs_catalogue_open(urs_catalogue **out, const char *path, const urs_catalogue_options *options, urs_error *err) URS_CHECKED;
void urs_catalogue_close(urs_catalogue *c); /* NULL is fine */
const char *urs_catalogue_path(const urs_catalogue *c); /* borrowed */

/* Two numbers of which at least one changes whenever something was written, by another process or handle (others) or through this one (own): what was read before is then out of date. */
typedef struct urs_catalogue_state {
    int64_t others, own;
} urs_catalogue_state;
urs_status urs_catalogue_state_get(urs_catalogue *c, urs_catalogue_state *out, urs_error *err) URS_CHECKED;

/* Whole-file check: SQLite's integrity check, foreign keys, and our own rules (chips of live bears, one embedding a chip, lengths of blobs).
 * URS_EFORMAT names the first thing that is wrong. */
urs_status urs_catalogue_check(urs_catalogue *c, urs_error *err) URS_CHECKED;

/* ---- enrolling ---- */

/* The model that made the embeddings. The first one enrolled becomes the catalogue's; any other is refused with URS_EMISMATCH. */
typedef struct urs_catalogue_model {
    const char *fingerprint; /* borrowed; any stable text, such as a hash of the weights */
    const char *name;        /* borrowed; for messages: architecture or file; may be NULL */
    int32_t dim;
} urs_catalogue_model;

/* One head. Pointers are borrowed for the call. The key is (path, content_hash, box rounded to whole pixels). */
typedef struct urs_chip_entry {
    const char *path;         /* the frame it was cut from, as given by the user */
    const char *content_hash; /* hexadecimal hash of the file's bytes */
    urs_box box;              /* pixels of the upright frame */
    const char *camera;       /* NULL: unknown */
    const char *time;         /* ISO 8601 as the frame says it, with zone if it had one; NULL: unknown */
    double confidence;        /* of the detection, 0..1 */
    const float *embedding;   /* [dim]; must be finite and not all zero; stored L2-normalised */
    const void *thumbnail;    /* JPEG bytes for reports; NULL: none */
    size_t thumbnail_size;
} urs_chip_entry;

/* A number that ties decisions together: what is enrolled under one run is undone by one urs_catalogue_undo. 0 is "a run of its own". */
urs_status urs_catalogue_run_new(urs_catalogue *c, int64_t *run, urs_error *err) URS_CHECKED;

/* Adds n chips (usually the heads of one file) to the bear called `name`, which is created when new; name NULL: chips without a bear yet. Idempotent: a chip that is there already with
 * this bear is skipped, so an interrupted enrolment is started again as it was. A chip that belongs to another bear: URS_EMISMATCH, nothing changes.
 * *added (may be NULL): how many were new. */
urs_status urs_catalogue_enrol(urs_catalogue *c, const urs_catalogue_model *model, const char *name, const urs_chip_entry *chips, size_t n, int64_t run,
                               size_t *added, urs_error *err) URS_CHECKED;

/* Is every head of this file there already (so that its decoding can be skipped)? *known: number of live chips of (path, content_hash) under the bear (name NULL: any bear). */
urs_status urs_catalogue_has_file(urs_catalogue *c, const char *path, const char *content_hash, const char *name, size_t *known, urs_error *err) URS_CHECKED;

/* The catalogue's model: owned fingerprint and name, *dim 0 and NULLs when nothing was enrolled. */
urs_status urs_catalogue_model_get(urs_catalogue *c, char **fingerprint, char **name, int32_t *dim, urs_error *err) URS_CHECKED;
/* URS_EMISMATCH with a sentence when `model` is not the catalogue's; fine on an empty catalogue. */
urs_status urs_catalogue_model_check(urs_catalogue *c, const urs_catalogue_model *model, urs_error *err) URS_CHECKED;

/* ---- decisions (decide.c) ---- */
urs_status urs_catalogue_rename(urs_catalogue *c, const char *name, const char *new_name, urs_error *err) URS_CHECKED;
/* All chips of `name` go to `into`; `name` is removed. */
urs_status urs_catalogue_merge(urs_catalogue *c, const char *name, const char *into, urs_error *err) URS_CHECKED;
/* The n chips, all of the bear `name`, go to a new bear `new_name`. */
urs_status urs_catalogue_split(urs_catalogue *c, const char *name, const char *new_name, const int64_t *chips, size_t n, urs_error *err) URS_CHECKED;
urs_status urs_catalogue_remove_bear(urs_catalogue *c, const char *name, urs_error *err) URS_CHECKED; /* with its chips */
urs_status urs_catalogue_remove_chip(urs_catalogue *c, int64_t chip, urs_error *err) URS_CHECKED;     /* the bear stays, even without chips */

/* A person's or the program's answer for a chip: `verdict` is "known", "new" or "unsure"; name is the bear for "known" (must exist) and "new" (created when not there), and must be NULL for
 * "unsure" (the chip then belongs to no bear). */
urs_status urs_catalogue_verdict(urs_catalogue *c, int64_t chip, const char *verdict, const char *name, urs_error *err) URS_CHECKED;

typedef struct urs_decision {
    int64_t id, run;
    char *kind;    /* owned: enrol, rename, merge, split, remove, verdict */
    char *summary; /* owned: one sentence */
    char *time;    /* owned: UTC, ISO 8601 */
    bool undone;
} urs_decision;
typedef struct urs_decisions {
    urs_decision *items;
    size_t count;
} urs_decisions;

/* Undoes the last run that is not undone yet; again goes further back. *summary (owned, may be NULL) says what was undone; *decisions (may be NULL) how many decisions it held.
 * URS_ENOTFOUND when nothing is left to undo. There is no redo. */
urs_status urs_catalogue_undo(urs_catalogue *c, char **summary, size_t *decisions, urs_error *err) URS_CHECKED;
/* The last `limit` decisions (0: all), newest first, undone ones included. */
urs_status urs_catalogue_decisions(urs_catalogue *c, size_t limit, urs_decisions *out, urs_error *err) URS_CHECKED;
void urs_decisions_release(urs_decisions *list);

/* ---- reading (listing.c); owned lists, release with their function ---- */
typedef struct urs_bear {
    int64_t id;
    char *name;
    size_t chips, sightings;
    char *first_time, *last_time; /* NULL when no frame had a time */
} urs_bear;
typedef struct urs_bears {
    urs_bear *items;
    size_t count;
} urs_bears;

typedef struct urs_stored_chip {
    int64_t id, bear;                    /* bear 0: none yet */
    char *bear_name;                     /* NULL: none */
    char *path, *content_hash;
    char *camera, *time, *verdict;       /* NULL: none */
    urs_box box;
    double confidence;
    bool has_thumbnail;
} urs_stored_chip;
typedef struct urs_stored_chips {
    urs_stored_chip *items;
    size_t count;
} urs_stored_chips;

urs_status urs_catalogue_bears(urs_catalogue *c, urs_bears *out, urs_error *err) URS_CHECKED; /* by name, bytewise */
void urs_bears_release(urs_bears *list);
/* Live chips of one bear (name NULL: of all bears and of none), by id. */
urs_status urs_catalogue_chips(urs_catalogue *c, const char *name, urs_stored_chips *out, urs_error *err) URS_CHECKED;
urs_status urs_catalogue_chip(urs_catalogue *c, int64_t chip, urs_stored_chips *out, urs_error *err) URS_CHECKED; /* a list of exactly one, or URS_ENOTFOUND */
void urs_stored_chips_release(urs_stored_chips *list);
/* Name of a bear, owned; URS_ENOTFOUND. */
urs_status urs_catalogue_bear_name(urs_catalogue *c, int64_t bear, char **name, urs_error *err) URS_CHECKED;
urs_status urs_catalogue_bear_find(urs_catalogue *c, const char *name, int64_t *bear, urs_error *err) URS_CHECKED;
/* JPEG bytes, owned (urs_free); *size 0 and *data NULL when the chip has none. */
urs_status urs_catalogue_thumbnail(urs_catalogue *c, int64_t chip, uint8_t **data, size_t *size, urs_error *err) URS_CHECKED;

/* Calls `row` for every live chip that has a bear, by chip id; embedding [dim] is borrowed for the call. Stops at the first status other than URS_OK. */
typedef urs_status urs_embedding_row(void *context, int64_t chip, int64_t bear, const float *embedding, int32_t dim, urs_error *err);
urs_status urs_catalogue_each_embedding(urs_catalogue *c, urs_embedding_row *row, void *context, urs_error *err) URS_CHECKED;

/* CSV (RFC 4180, UTF-8, header line) appended to `out`: one line a chip (bear, chip, file, box, camera, time, …) or one line a bear. */
urs_status urs_catalogue_export_chips(urs_catalogue *c, urs_text *out, urs_error *err) URS_CHECKED;
urs_status urs_catalogue_export_bears(urs_catalogue *c, urs_text *out, urs_error *err) URS_CHECKED;

#endif
