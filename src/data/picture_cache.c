/* Decoded pictures in memory; see picture_cache.h. */
#include "data/picture_cache.h"

#include "base/memory.h"
#include "image/decode.h"

#include <math.h>
#include <string.h>

urs_status urs_picture_load(urs_image *out, const char *path, int32_t side, int32_t *full_width, int32_t *full_height, urs_error *err)
{
    const urs_decode_options reduced = {.min_width = side, .min_height = side};
    urs_photo photo = {0};
    urs_status status = urs_photo_read(&photo, path, side > 0 ? &reduced : NULL, err);
    int32_t longer;
    if (status != URS_OK)
        return status;
    longer = photo.image.width > photo.image.height ? photo.image.width : photo.image.height;
    if (full_width)
        *full_width = photo.full_width;
    if (full_height)
        *full_height = photo.full_height;
    if (side > 0 && longer > side) {
        const double r = (double)side / longer;
        const int32_t w = (int32_t)fmax(1, nearbyint(photo.image.width * r)), h = (int32_t)fmax(1, nearbyint(photo.image.height * r));
        status = urs_image_resize(out, &photo.image, w, h, URS_FILTER_BILINEAR, err);
    } else {
        *out = photo.image;
        photo.image = (urs_image){0};
    }
    urs_photo_release(&photo);
    return status;
}

typedef struct filling {
    urs_picture_cache *cache;
    const char *const *paths;
    int32_t side;
    bool keep_going;
} filling;

static urs_status load_one(void *context, size_t item, int worker, urs_error *err)
{
    const filling *f = context;
    urs_error quiet = {0};
    const urs_status status = urs_picture_load(&f->cache->images[item], f->paths[item], f->side, NULL, NULL, f->keep_going ? &quiet : err);
    (void)worker;
    return f->keep_going && status != URS_ENOMEM ? URS_OK : status;
}

/* Between rounds the memory is summed, so that a wrong limit is noticed long before it is exceeded by much. */
#define ROUND 256

urs_status urs_picture_cache_load(urs_picture_cache *out, const char *const *paths, size_t n, int32_t side, size_t limit, bool keep_going, urs_pool *pool,
                                  urs_error *err)
{
    urs_status status = URS_OK;
    urs_picture_cache cache = {.images = urs_array_new(n, sizeof *cache.images), .count = n};
    if (!cache.images)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", n);
    for (size_t from = 0; status == URS_OK && from < n; from += ROUND) {
        const size_t count = n - from < ROUND ? n - from : ROUND;
        urs_picture_cache part = {.images = cache.images + from};
        filling f = {&part, paths + from, side, keep_going};
        if (pool)
            status = urs_pool_run(pool, count, load_one, &f, err);
        for (size_t i = 0; !pool && status == URS_OK && i < count; i++)
            status = load_one(&f, i, 0, err);
        for (size_t i = 0; i < count; i++) {
            const urs_image *image = &part.images[i];
            cache.bytes += (size_t)image->width * (size_t)image->height * (size_t)image->channels;
            cache.failures += image->data == NULL;
        }
        if (status == URS_OK && limit > 0 && cache.bytes > limit)
            status = urs_fail(err, URS_ELIMIT, "%zu of %zu pictures already take %zu MB, more than the %zu MB allowed; use a smaller side", from + count, n,
                              cache.bytes / 1000000, limit / 1000000);
    }
    if (status == URS_OK)
        *out = cache;
    else
        urs_picture_cache_release(&cache);
    return status;
}

void urs_picture_cache_release(urs_picture_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        urs_image_release(&cache->images[i]);
    urs_free(cache->images);
    memset(cache, 0, sizeof *cache);
}
