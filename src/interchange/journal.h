/* The journal of a run: results are on disk as soon as a picture is done, so a run can be stopped, killed and gone on with.
 *
 *      F.json.journal                               finish                    F.json
 *      {"ursid_journal": 1, "key": "..."}    ------------------------->       head, images in the order of their names, tail
 *      {"file": "a.jpg", ...}                 (written beside, synced,        and the journal is removed
 *      {"file": "b.jpg", ...}                  renamed over F.json)
 *      {"file": "a.jpg", ...}                  <- replaces the first line: what its event says came later
 *      {"file": "c.j                          <- torn by a crash: cut off when the journal is opened again
 *
 *      new --open--> running --add...--> running --finish--> F.json complete
 *                       |  close, crash                           
 *                       +--> journal stays --open, same key--> running (what is in it counts as done)
 *
 * A line is handed to the system when add returns (it survives the end of the process) and synced to the disk at least once a second of adding, and at
 * close. Memory: the name and the place of every line, nothing of its contents. One owner at a time; calls from several threads need a lock. */
#ifndef URS_INTERCHANGE_JOURNAL_H
#define URS_INTERCHANGE_JOURNAL_H

#include "interchange/result.h"

typedef struct urs_journal urs_journal;

/* Opens or creates "<result_path>.journal". `key` names everything that the results depend on (command, weights, thresholds; any text without newlines): a journal
 * with another key is refused with URS_EMISMATCH, unless `fresh`, which throws an existing one away. URS_EBUSY when another process holds it. Owned. */
urs_status urs_journal_open(urs_journal **out, const char *result_path, const char *key, bool fresh, urs_error *err) URS_CHECKED;

size_t urs_journal_count(const urs_journal *journal);
/* Is this file (exact bytes) done? */
bool urs_journal_has(const urs_journal *journal, const char *file);

/* Appends one image (borrowed). URS_EINVAL when its file is there already. */
urs_status urs_journal_add(urs_journal *journal, const urs_result_image *image, urs_error *err) URS_CHECKED;

/* One image as it stands there, owned. URS_ENOTFOUND. */
urs_status urs_journal_read(urs_journal *journal, urs_result_image *out, const char *file, urs_error *err) URS_CHECKED;
/* A later line for the same file, which counts from now on, also when the journal is opened again. URS_ENOTFOUND. */
urs_status urs_journal_replace(urs_journal *journal, const urs_result_image *image, urs_error *err) URS_CHECKED;

/* Calls visit for every image in the order of file names (bytewise), reading one at a time. visit borrows the image and may change it. */
typedef urs_status urs_result_visitor(void *context, urs_result_image *image, urs_error *err);
urs_status urs_journal_visit(urs_journal *journal, urs_result_visitor *visit, void *context, urs_error *err) URS_CHECKED;

/* Writes the result file and removes the journal; the journal stays usable for visits until it is closed. */
urs_status urs_journal_finish(urs_journal *journal, const urs_result_info *info, urs_error *err) URS_CHECKED;

/* Syncs and lets go; the file stays unless finished. NULL is fine. */
void urs_journal_close(urs_journal *journal);

#endif
