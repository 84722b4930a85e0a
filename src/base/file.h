/* Files and folders: bounded reading, atomic writing, recursive listing. Paths are bytes as the system gives them; any name is legal. */
#ifndef URS_BASE_FILE_H
#define URS_BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_bytes {
    uint8_t *data; /* owned; one zero byte follows the last one, so text can be read as a string */
    size_t size;
} urs_bytes;

/* Reads a regular file of at most `limit` bytes (0: 1 GiB). URS_ENOTFOUND, URS_EIO, URS_ELIMIT, URS_ENOMEM. */
urs_status urs_file_read(urs_bytes *out, const char *path, size_t limit, urs_error *err) URS_CHECKED;
void urs_bytes_release(urs_bytes *bytes);

/* Writes to a temporary file beside `path`, syncs it, renames it over `path`: readers see the old or the new content,
 * never a part. Folders in the path must exist. */
urs_status urs_file_write(const char *path, const void *data, size_t size, urs_error *err) URS_CHECKED;

/* Could urs_file_write write here? For a command that works for hours before it writes. Tries a temporary file beside `path`, which is gone again when it returns; what is at `path` is left
 * alone. URS_ENOTFOUND: its folder is not there. URS_EINVAL: the path is empty, a folder, or no regular file. URS_EIO: the system refuses. */
urs_status urs_file_check_output(const char *path, urs_error *err) URS_CHECKED;

/* Creates the folder and its parents; fine if it exists. */
urs_status urs_folder_create(const char *path, urs_error *err) URS_CHECKED;

bool urs_file_exists(const char *path);
bool urs_folder_exists(const char *path);

/* All regular files below `path` (or `path` itself if it is a file), sorted bytewise, full paths. Hidden files and folders are
 * left out; links to folders are not followed (no cycles). `accept` (may be NULL) chooses by path. */
typedef bool urs_path_filter(const char *path);
urs_status urs_folder_list(urs_names *out, const char *path, urs_path_filter *accept, urs_error *err) URS_CHECKED;
/* The same, but a sub-folder that cannot be read is passed over: a sentence about it is added to `skipped`. */
urs_status urs_folder_list_readable(urs_names *out, urs_names *skipped, const char *path, urs_path_filter *accept, urs_error *err) URS_CHECKED;

/* Direct sub-folders of `path`, names only, sorted; hidden ones left out. */
urs_status urs_folder_children(urs_names *out, const char *path, urs_error *err) URS_CHECKED;

/* Owned: "a/b" from a and b (b absolute: b). NULL: no memory. */
char *urs_path_join(const char *folder, const char *name);
const char *urs_path_base(const char *path);      /* borrowed: part behind the last slash */
char *urs_path_stem(const char *path);            /* owned: base name without its last extension */
char *urs_path_folder(const char *path);          /* owned: part before the last slash, "." if none */
bool urs_path_has_extension(const char *path, const char *extension); /* "jpg", any case */

#endif
