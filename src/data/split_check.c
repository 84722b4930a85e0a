/* The proof that a split does not leak, from the samples alone; and what is derived from splits. See split.h. */
#include "data/split.h"

#include "base/memory.h"
#include "base/random.h"
#include "data/dhash.h"
#include "data/split_keys.h"
#include "image/decode.h"

#include <stdio.h>

static urs_status leak(const urs_dataset *d, size_t a, size_t b, const char *what, urs_error *err)
{
    return urs_fail(err, URS_EMISMATCH, "the split leaks: '%.150s' and '%.150s' have %s, but stand in different parts", d->samples[a].path, d->samples[b].path, what);
}

static const char *key_text(char *text, size_t size, const urs_dataset *d, const urs_split_options *o, const urs_split_key *key)
{
    if (key->kind == URS_KEY_GROUP)
        (void)snprintf(text, size, "the same group '%.60s'", urs_name_table_get(&d->groups, key->first));
    else if (key->kind == URS_KEY_TOGETHER)
        (void)snprintf(text, size, "to stay together");
    else if (key->kind == URS_KEY_CAMERA_DAY)
        (void)snprintf(text, size, "the same camera '%.60s' and day", urs_name_table_get(&d->cameras, key->first));
    else if (o->by == URS_SPLIT_CAMERA || o->by == URS_SPLIT_CAMERA_DAY)
        (void)snprintf(text, size, "the same camera '%.60s'%s", urs_name_table_get(&d->cameras, key->first), o->by == URS_SPLIT_CAMERA ? "" : " and day");
    else
        (void)snprintf(text, size, "the same individual '%.60s'%s", urs_name_table_get(&d->individuals, key->first), o->by == URS_SPLIT_INDIVIDUAL ? "" : " and day");
    return text;
}

urs_status urs_split_check(const urs_split *split, const urs_dataset *dataset, const urs_split_options *options, urs_error *err)
{
    urs_status status;
    urs_split_key *keys = NULL;
    size_t count = 0, unknown = 0;
    char text[128];
    const int32_t bits = urs_split_hash_bits(options);
    if (split->count != dataset->count)
        return urs_fail(err, URS_EMISMATCH, "a split of %zu samples for a set of %zu", split->count, dataset->count);
    for (size_t i = 0; i < split->count; i++)
        if (split->parts[i] != URS_PART_TRAIN && split->parts[i] != URS_PART_VALIDATION && split->parts[i] != URS_PART_TEST)
            return urs_fail(err, URS_EMISMATCH, "'%s' stands in no part", dataset->samples[i].path);
    status = urs_split_keys_make(&keys, &count, &unknown, dataset, options, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 1; status == URS_OK && i < count; i++) {
        const size_t a = keys[i - 1].sample, b = keys[i].sample;
        if (urs_split_keys_equal(&keys[i - 1], &keys[i]) && split->parts[a] != split->parts[b])
            status = leak(dataset, a, b, key_text(text, sizeof text, dataset, options, &keys[i]), err);
    }
    for (size_t i = 0; status == URS_OK && bits >= 0 && i < split->count; i++)
        for (size_t j = i + 1; status == URS_OK && j < split->count; j++)
            if (split->parts[i] != split->parts[j] && urs_dhash_distance(options->hashes[i], options->hashes[j]) <= bits)
                status = leak(dataset, i, j, "nearly the same picture", err);
    urs_free(keys);
    return status;
}

urs_status urs_split_part(size_t **out, size_t *count, const urs_split *split, urs_part part, urs_error *err)
{
    size_t n = 0;
    size_t *items = urs_array_new(split->count, sizeof *items);
    if (!items)
        return urs_fail(err, URS_ENOMEM, "no memory for a part of %zu samples", split->count);
    for (size_t i = 0; i < split->count; i++)
        if (split->parts[i] == part)
            items[n++] = i;
    *out = items;
    *count = n;
    return URS_OK;
}

urs_status urs_dataset_hashes(uint64_t **out, const urs_dataset *dataset, urs_error *err)
{
    const urs_decode_options reduced = {.min_width = 64, .min_height = 64};
    uint64_t *hashes = urs_array_new(dataset->count, sizeof *hashes);
    if (!hashes)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu hashes", dataset->count);
    for (size_t i = 0; i < dataset->count; i++) {
        urs_photo photo = {0};
        /* A random word is about 32 bits away from any other: a picture that cannot be read is like none. */
        hashes[i] = urs_random_mix(i ^ 0xA5A5A5A5u);
        if (urs_photo_read(&photo, dataset->samples[i].path, &reduced, NULL) == URS_OK) {
            const urs_status status = urs_image_dhash(&hashes[i], &photo.image, err);
            urs_photo_release(&photo);
            if (status != URS_OK) {
                urs_free(hashes);
                return status;
            }
        }
    }
    *out = hashes;
    return URS_OK;
}
