/* Heads of a run, kept on disk until its end: what the result file has no place for (embeddings, chips, small pictures), so that memory stays flat and a run that was interrupted can still
 * group and show what it found before.
 *
 *      F.json.heads (SQLite, no catalogue; removed when the run is complete)
 *        heads     file, number | embedding, asked (what was asked about, null: the embedding), chip (JPEG), verdict, p_new, candidates (bear, chip, score, probability)
 *        pictures  file         | small JPEG of the frame, width, height
 *
 * One transaction a file. After a crash of the process everything that was added is there; after a power cut the file may be damaged, which open reports, and the run starts anew.
 * One owner at a time. */
#ifndef URS_CATALOGUE_HEAD_STORE_H
#define URS_CATALOGUE_HEAD_STORE_H

#include "base/file.h"
#include "catalogue/identify.h"

typedef struct urs_head_store urs_head_store;

/* A head to be kept; pointers are borrowed for the call. */
typedef struct urs_kept_head {
    const float *embedding; /* [dim] */
    urs_bytes chip;         /* JPEG; data NULL: none */
    const urs_identification *answer;
} urs_kept_head;

typedef struct urs_kept_picture {
    urs_bytes jpeg;         /* data NULL: none */
    int32_t width, height;  /* of the JPEG */
} urs_kept_picture;

/* path NULL: a private file that vanishes with the store. fresh: what is there is thrown away. URS_EMISMATCH: made for another dim. Owned. */
urs_status urs_head_store_open(urs_head_store **out, const char *path, int32_t dim, bool fresh, urs_error *err) URS_CHECKED;
void urs_head_store_close(urs_head_store *store, bool remove); /* remove: deletes the file; NULL is fine */

/* All heads of one file; replaces what was kept of it. picture may be NULL. */
urs_status urs_head_store_add(urs_head_store *store, const char *file, const urs_kept_head *heads, size_t n, const urs_kept_picture *picture, urs_error *err) URS_CHECKED;

/* One head as kept: chip is owned (urs_bytes_release), answer is filled. URS_ENOTFOUND. Either may be NULL. */
urs_status urs_head_store_head(urs_head_store *store, const char *file, size_t number, urs_bytes *chip, urs_identification *answer, urs_error *err) URS_CHECKED;
/* The embedding [dim] of a head. URS_ENOTFOUND. */
urs_status urs_head_store_embedding(urs_head_store *store, const char *file, size_t number, float *embedding, urs_error *err) URS_CHECKED;
/* Another answer about a head that is there, and the vector [dim] that was asked about: that of its animal in the event. URS_ENOTFOUND. */
urs_status urs_head_store_judge(urs_head_store *store, const char *file, size_t number, const float *asked, const urs_identification *answer, urs_error *err) URS_CHECKED;
/* Owned JPEG; no bytes when there is none. */
urs_status urs_head_store_picture(urs_head_store *store, const char *file, urs_kept_picture *out, urs_error *err) URS_CHECKED;

/* Calls `row` for every head with this verdict, by file (bytewise) and number; pointers are borrowed for the call. asked: the vector that the verdict is about, the embedding itself if the head was
 * judged alone. */
typedef urs_status urs_head_row(void *context, const char *file, size_t number, const float *embedding, const float *asked, urs_error *err);
urs_status urs_head_store_each(urs_head_store *store, urs_verdict verdict, urs_head_row *row, void *context, urs_error *err) URS_CHECKED;

#endif
