/* Decoded pictures in memory, each reduced so that its longer side is at most `side`: read and decode once, train many epochs.
 *
 * Filled once (optionally by a pool), then only read, by any number of threads. 6,000 square pictures of side 160 take 461 MB. */
#ifndef URS_DATA_PICTURE_CACHE_H
#define URS_DATA_PICTURE_CACHE_H

#include "base/pool.h"
#include "base/text.h"
#include "image/image.h"

typedef struct urs_picture_cache {
    urs_image *images; /* owned; empty picture where reading failed and failures were allowed */
    size_t count;
    size_t bytes;      /* of pixels held */
    size_t failures;
} urs_picture_cache;

/* paths: borrowed, n. pool may be NULL. limit: most bytes of pixels (0: no limit), URS_ELIMIT beyond it. A picture that cannot be read is an error, unless keep_going. */
urs_status urs_picture_cache_load(urs_picture_cache *out, const char *const *paths, size_t n, int32_t side, size_t limit, bool keep_going, urs_pool *pool,
                                  urs_error *err) URS_CHECKED;
/* One picture, its longer side at most `side` (0 = as it is). full_width, full_height (optional): upright size in the file. */
urs_status urs_picture_load(urs_image *out, const char *path, int32_t side, int32_t *full_width, int32_t *full_height, urs_error *err) URS_CHECKED;
void urs_picture_cache_release(urs_picture_cache *cache);

#endif
