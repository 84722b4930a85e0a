/* See flat_writer.h. */
#include "base/flat_writer.h"

#include "base/memory.h"

#include <string.h>

#define BYTES_MAX ((size_t)1 << 31)

/* Room for n more bytes in front; false: failed. */
static bool reserve(urs_flat_writer *w, size_t n)
{
    size_t capacity = w->capacity ? w->capacity : 4096;
    uint8_t *data;
    if (w->failed || n > BYTES_MAX - w->used) {
        w->failed = true;
        return false;
    }
    if (w->used + n <= w->capacity)
        return true;
    while (capacity < w->used + n)
        capacity *= 2;
    data = urs_array_new(capacity, 1);
    if (!data) {
        w->failed = true;
        return false;
    }
    if (w->used)
        memcpy(data + capacity - w->used, w->data + w->capacity - w->used, w->used);
    urs_free(w->data);
    w->data = data;
    w->capacity = capacity;
    return true;
}

static void push(urs_flat_writer *w, const void *bytes, size_t n)
{
    if (!reserve(w, n))
        return;
    w->used += n;
    if (n)
        memcpy(w->data + w->capacity - w->used, bytes, n);
}

static void push_number(urs_flat_writer *w, uint64_t x, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(x >> (8 * i));
    push(w, bytes, n);
}

/* Zeros, so that after n more bytes the position is a multiple of `align`. Distances from the end keep their alignment because finish makes the whole file a multiple of the largest one. */
static void align_for(urs_flat_writer *w, size_t n, size_t align)
{
    static const uint8_t zeros[64] = {0};
    const size_t rest = (w->used + n) % align;
    if (align > w->alignment)
        w->alignment = align;
    if (rest)
        push(w, zeros, align - rest);
}

static urs_flat_ref here(const urs_flat_writer *w)
{
    return (urs_flat_ref)w->used;
}

urs_flat_ref urs_flat_put_bytes(urs_flat_writer *w, const void *data, size_t n, size_t align)
{
    align_for(w, n, align);
    push(w, data, n);
    push_number(w, n, 4);
    return here(w);
}

urs_flat_ref urs_flat_put_string(urs_flat_writer *w, const char *s)
{
    const size_t n = strlen(s);
    align_for(w, n + 1, 4);
    push(w, s, n + 1);
    push_number(w, n, 4);
    return here(w);
}

urs_flat_ref urs_flat_put_i32s(urs_flat_writer *w, const int32_t *x, size_t n)
{
    align_for(w, 4 * n, 4);
    for (size_t i = n; i-- > 0;)
        push_number(w, (uint32_t)x[i], 4);
    push_number(w, n, 4);
    return here(w);
}

urs_flat_ref urs_flat_put_i64s(urs_flat_writer *w, const int64_t *x, size_t n)
{
    align_for(w, 8 * n, 8);
    for (size_t i = n; i-- > 0;)
        push_number(w, (uint64_t)x[i], 8);
    push_number(w, n, 4);
    return here(w);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

urs_flat_ref urs_flat_put_f32s(urs_flat_writer *w, const float *x, size_t n)
{
    align_for(w, 4 * n, 4);
    for (size_t i = n; i-- > 0;)
        push_number(w, bits_of(x[i]), 4);
    push_number(w, n, 4);
    return here(w);
}

/* A reference is stored as the distance from where it stands to its target. */
static void push_ref(urs_flat_writer *w, urs_flat_ref ref)
{
    push_number(w, w->used + 4 - ref, 4);
}

urs_flat_ref urs_flat_put_refs(urs_flat_writer *w, const urs_flat_ref *x, size_t n)
{
    align_for(w, 4 * n, 4);
    for (size_t i = n; i-- > 0;)
        push_ref(w, x[i]);
    push_number(w, n, 4);
    return here(w);
}

void urs_flat_table_begin(urs_flat_writer *w)
{
    memset(w->fields, 0, sizeof w->fields);
    w->n_fields = 0;
    w->table_begin = w->used;
}

static void note_field(urs_flat_writer *w, size_t field)
{
    if (field >= URS_FLAT_FIELDS_MAX) {
        w->failed = true;
        return;
    }
    w->fields[field] = here(w);
    w->n_fields = field + 1 > w->n_fields ? field + 1 : w->n_fields;
}

void urs_flat_add_i8(urs_flat_writer *w, size_t field, int32_t x)
{
    push_number(w, (uint8_t)x, 1);
    note_field(w, field);
}

void urs_flat_add_i32(urs_flat_writer *w, size_t field, int32_t x)
{
    align_for(w, 4, 4);
    push_number(w, (uint32_t)x, 4);
    note_field(w, field);
}

void urs_flat_add_f32(urs_flat_writer *w, size_t field, float x)
{
    urs_flat_add_i32(w, field, (int32_t)bits_of(x));
}

void urs_flat_add_ref(urs_flat_writer *w, size_t field, urs_flat_ref ref)
{
    if (!ref)
        return;
    align_for(w, 4, 4);
    push_ref(w, ref);
    note_field(w, field);
}

/* The vtable stands in front of its table; vtables are not shared. */
urs_flat_ref urs_flat_table_end(urs_flat_writer *w)
{
    urs_flat_ref table;
    align_for(w, 4, 4);
    push_number(w, 4 + 2 * w->n_fields, 4); /* distance back to the vtable */
    table = here(w);
    align_for(w, 4 + 2 * w->n_fields, 2);
    for (size_t i = w->n_fields; i-- > 0;)
        push_number(w, w->fields[i] ? table - w->fields[i] : 0, 2);
    push_number(w, table - w->table_begin, 2);
    push_number(w, 4 + 2 * w->n_fields, 2);
    return table;
}

urs_status urs_flat_writer_finish(urs_flat_writer *w, urs_flat_ref root, const char *identifier, const uint8_t **data, size_t *size, urs_error *err)
{
    align_for(w, 8, w->alignment > 4 ? w->alignment : 4);
    push(w, identifier, 4);
    push_ref(w, root);
    if (w->failed)
        return urs_fail(err, URS_ENOMEM, "no memory to write a file, or it would be larger than 2 GiB");
    *data = w->data + w->capacity - w->used;
    *size = w->used;
    return URS_OK;
}

void urs_flat_writer_release(urs_flat_writer *w)
{
    urs_free(w->data);
    *w = (urs_flat_writer){0};
}
