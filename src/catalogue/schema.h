/* Tables of the catalogue, and how a file of an older version is brought up to date.
 *
 *      model 1 ──── n embeddings 1 ── 1 chips n ── 1 sightings       decisions 1 ── n changes
 *                                       n
 *                                       └── 0..1 bears
 *
 *   bears      id, name, removed                                 live names are unique
 *   sightings  id, path, content_hash, camera, time              one frame; (path, content_hash) unique
 *   chips      id, sighting, bear?, box, confidence, verdict?, thumbnail?, removed     (sighting, rounded box) unique
 *   embeddings chip, model, data                                 little-endian f32, L2-normalised
 *   models     id, fingerprint, name, dim                        at most one row: embeddings of two models cannot be compared
 *   decisions  id, run, kind, summary, time, undone
 *   changes    decision, seq, entity, row, field, old, new       what a decision wrote, so that undoing it is writing `old` back, last first
 *
 * PRAGMA application_id is URS_CATALOGUE_ID, user_version the number of the schema. */
#ifndef URS_CATALOGUE_SCHEMA_H
#define URS_CATALOGUE_SCHEMA_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>

#define URS_CATALOGUE_ID 0x55525331 /* "URS1" */
#define URS_CATALOGUE_VERSION 1

/* Creates (only with `create`) or migrates the tables inside one transaction, and turns on WAL and foreign keys. A database that is not ours: URS_EFORMAT, and it is left as it
 * was; newer than this program: URS_EUNSUPPORTED; older and read_only: URS_EUNSUPPORTED. `path` is for messages. */
urs_status urs_schema_prepare(sqlite3 *db, const char *path, bool create, bool read_only, urs_error *err) URS_CHECKED;

/* The one place that turns SQLite's result code into our error: "<path>: <what>: <SQLite's sentence>". */
urs_status urs_schema_fail(sqlite3 *db, const char *path, const char *what, int rc, urs_error *err);

#endif
