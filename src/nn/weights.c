/* The collection of named tensors; see weights.h. Files are in weights_file.c and the readers, graphs in weights_block.c.
 *
 *      items[]  in the order of adding          slots[]  open addressing by name, index + 1 into items, 0 = free
 *      metadata[]  sorted by key */
#include "nn/weights.h"

#include "base/half.h"
#include "base/memory.h"

#include <string.h>

typedef struct entry {
    char *key, *value; /* owned */
} entry;

struct urs_weights {
    urs_weight *items; /* owned */
    size_t count, capacity;
    uint32_t *slots; /* owned; n_slots is a power of two, or 0 */
    size_t n_slots;
    entry *metadata; /* owned */
    size_t n_metadata, metadata_capacity;
};

size_t urs_weight_type_size(urs_weight_type type)
{
    static const uint8_t size[] = {4, 2, 2, 8, 1, 1, 2, 2, 4, 4, 8, 8, 1};
    return size[type];
}

const char *urs_weight_type_name(urs_weight_type type)
{
    static const char *const name[] = {"F32", "F16", "BF16", "F64", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL"};
    return name[type];
}

urs_status urs_weights_new(urs_weights **out, urs_error *err)
{
    urs_weights *w = urs_array_new(1, sizeof *w);
    if (!w)
        return urs_fail(err, URS_ENOMEM, "no memory for weights");
    *out = w;
    return URS_OK;
}

void urs_weights_free(urs_weights *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++) {
        urs_free(w->items[i].name);
        urs_free(w->items[i].data);
    }
    for (size_t i = 0; i < w->n_metadata; i++) {
        urs_free(w->metadata[i].key);
        urs_free(w->metadata[i].value);
    }
    urs_free(w->items);
    urs_free(w->slots);
    urs_free(w->metadata);
    urs_free(w);
}

static uint64_t hash(const char *s) /* FNV-1a */
{
    uint64_t h = 14695981039346656037u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 1099511628211u;
    return h ^ h >> 29;
}

/* Slot that holds `name`, or the free one where it belongs. n_slots > 0. */
static size_t slot_of(const urs_weights *w, const char *name)
{
    size_t s = (size_t)hash(name) & (w->n_slots - 1);
    while (w->slots[s] && strcmp(w->items[w->slots[s] - 1].name, name) != 0)
        s = (s + 1) & (w->n_slots - 1);
    return s;
}

static bool slots_grow(urs_weights *w)
{
    const size_t wanted = w->n_slots ? w->n_slots * 2 : 64;
    uint32_t *fresh;
    if ((w->count + 1) * 2 <= w->n_slots)
        return true;
    fresh = urs_array_new(wanted, sizeof *fresh);
    if (!fresh)
        return false;
    urs_free(w->slots);
    w->slots = fresh;
    w->n_slots = wanted;
    for (size_t i = 0; i < w->count; i++)
        w->slots[slot_of(w, w->items[i].name)] = (uint32_t)i + 1;
    return true;
}

static uint64_t little(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static float one_from_bytes(urs_weight_type type, const uint8_t *p)
{
    const uint64_t x = little(p, urs_weight_type_size(type));
    switch (type) {
    case URS_WEIGHT_F32:
    case URS_WEIGHT_BF16: {
        const uint32_t bits = type == URS_WEIGHT_F32 ? (uint32_t)x : (uint32_t)x << 16;
        float f;
        memcpy(&f, &bits, sizeof f);
        return f;
    }
    case URS_WEIGHT_F16:
        return urs_half_to_float((uint16_t)x);
    case URS_WEIGHT_F64: {
        double d;
        memcpy(&d, &x, sizeof d);
        if (d > 3.4028235677973366e38 || d < -3.4028235677973366e38) /* the cast of a finite value out of range is undefined */
            return d > 0 ? __builtin_inff() : -__builtin_inff();
        return (float)d;
    }
    case URS_WEIGHT_I8:
        return (float)(int8_t)x;
    case URS_WEIGHT_I16:
        return (float)(int16_t)x;
    case URS_WEIGHT_I32:
        return (float)(int32_t)x;
    case URS_WEIGHT_I64:
        return (float)(int64_t)x;
    case URS_WEIGHT_BOOL:
        return x ? 1.0f : 0.0f;
    case URS_WEIGHT_U8:
    case URS_WEIGHT_U16:
    case URS_WEIGHT_U32:
    case URS_WEIGHT_U64:
        break;
    }
    return (float)x;
}

urs_status urs_weights_add_raw(urs_weights *w, const char *name, urs_weight_type stored, int32_t rank, const int64_t *shape, const void *bytes,
                               urs_error *err)
{
    urs_status status = URS_OK;
    urs_weight item = {.stored = stored, .rank = rank, .count = 1};
    const size_t size = urs_weight_type_size(stored);
    size_t slot;

    if (!name[0])
        return urs_fail(err, URS_EINVAL, "a tensor has an empty name");
    if (rank < 0 || rank > URS_WEIGHTS_RANK_MAX)
        return urs_fail(err, URS_EINVAL, "tensor '%s' has %d dimensions; 0 to %d are accepted", name, (int)rank, URS_WEIGHTS_RANK_MAX);
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return urs_fail(err, URS_EINVAL, "tensor '%s' has the negative dimension %lld", name, (long long)shape[i]);
        item.shape[i] = shape[i];
        if (!urs_mul_size(&item.count, item.count, (size_t)shape[i]))
            return urs_fail(err, URS_ELIMIT, "tensor '%s' has more elements than fit", name);
    }
    if (w->count >= UINT32_MAX / 4)
        return urs_fail(err, URS_ELIMIT, "too many tensors");
    item.name = urs_strdup(name);
    item.data = urs_array_new(item.count, sizeof *item.data);
    if (!item.name || !item.data || !slots_grow(w) || !urs_array_reserve((void **)&w->items, &w->capacity, w->count, sizeof *w->items)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for tensor '%s' of %zu elements", name, item.count);
        goto done;
    }
    slot = slot_of(w, name);
    if (w->slots[slot]) {
        status = urs_fail(err, URS_EINVAL, "tensor '%s' appears twice", name);
        goto done;
    }
    if (bytes && item.count && stored == URS_WEIGHT_F32 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        memcpy(item.data, bytes, item.count * size);
    } else if (bytes) {
        const uint8_t *p = bytes;
        for (size_t i = 0; i < item.count; i++)
            item.data[i] = one_from_bytes(stored, p + i * size);
    }
    w->items[w->count++] = item;
    w->slots[slot] = (uint32_t)w->count;
    item = (urs_weight){0};
done:
    urs_free(item.name);
    urs_free(item.data);
    return status;
}

urs_status urs_weights_add(urs_weights *w, const char *name, int32_t rank, const int64_t *shape, const float *data, urs_error *err)
{
    const urs_status status = urs_weights_add_raw(w, name, URS_WEIGHT_F32, rank, shape, NULL, err);
    if (status == URS_OK && data && w->items[w->count - 1].count)
        memcpy(w->items[w->count - 1].data, data, w->items[w->count - 1].count * sizeof *data);
    return status;
}

const urs_weight *urs_weights_find(const urs_weights *w, const char *name)
{
    const size_t slot = w->n_slots ? slot_of(w, name) : 0;
    return w->n_slots && w->slots[slot] ? &w->items[w->slots[slot] - 1] : NULL;
}

size_t urs_weights_count(const urs_weights *w)
{
    return w->count;
}

const urs_weight *urs_weights_at(const urs_weights *w, size_t index)
{
    return &w->items[index];
}

float *urs_weights_data(urs_weights *w, const char *name)
{
    const urs_weight *item = urs_weights_find(w, name);
    return item ? item->data : NULL;
}

/* First entry whose key is not below `key`. */
static size_t metadata_place(const urs_weights *w, const char *key)
{
    size_t low = 0, high = w->n_metadata;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(w->metadata[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

urs_status urs_weights_set_metadata(urs_weights *w, const char *key, const char *value, urs_error *err)
{
    const size_t at = metadata_place(w, key);
    const bool exists = at < w->n_metadata && strcmp(w->metadata[at].key, key) == 0;
    entry fresh = {0};

    if (!value) {
        if (exists) {
            urs_free(w->metadata[at].key);
            urs_free(w->metadata[at].value);
            w->n_metadata--;
            memmove(w->metadata + at, w->metadata + at + 1, (w->n_metadata - at) * sizeof *w->metadata);
        }
        return URS_OK;
    }
    fresh.value = urs_strdup(value);
    fresh.key = exists ? NULL : urs_strdup(key);
    if (!fresh.value || (!exists && !fresh.key) ||
        !urs_array_reserve((void **)&w->metadata, &w->metadata_capacity, w->n_metadata, sizeof *w->metadata)) {
        urs_free(fresh.key);
        urs_free(fresh.value);
        return urs_fail(err, URS_ENOMEM, "no memory for metadata '%s'", key);
    }
    if (exists) {
        urs_free(w->metadata[at].value);
        w->metadata[at].value = fresh.value;
        return URS_OK;
    }
    memmove(w->metadata + at + 1, w->metadata + at, (w->n_metadata - at) * sizeof *w->metadata);
    w->metadata[at] = fresh;
    w->n_metadata++;
    return URS_OK;
}

const char *urs_weights_metadata(const urs_weights *w, const char *key)
{
    const size_t at = metadata_place(w, key);
    return at < w->n_metadata && strcmp(w->metadata[at].key, key) == 0 ? w->metadata[at].value : NULL;
}

size_t urs_weights_metadata_count(const urs_weights *w)
{
    return w->n_metadata;
}

void urs_weights_metadata_at(const urs_weights *w, size_t index, const char **key, const char **value)
{
    *key = w->metadata[index].key;
    *value = w->metadata[index].value;
}
