/* See flat_reader.h. */
#include "base/flat_reader.h"

#include <string.h>

uint64_t urs_flat_get(urs_flat *f, size_t at, size_t n)
{
    uint64_t x = 0;
    if (at > f->size || n > f->size - at) {
        f->broken = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)f->data[at + i] << (8 * i);
    return x;
}

int32_t urs_flat_i32(urs_flat *f, size_t at)
{
    return (int32_t)(uint32_t)urs_flat_get(f, at, 4);
}

float urs_flat_f32(urs_flat *f, size_t at)
{
    const uint32_t bits = (uint32_t)urs_flat_get(f, at, 4);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

size_t urs_flat_field(urs_flat *f, size_t table, size_t index, size_t size)
{
    const int64_t back = urs_flat_i32(f, table), vtable = (int64_t)table - back;
    size_t bytes, offset, at;
    if (vtable < 0 || (uint64_t)vtable > f->size) {
        f->broken = true;
        return 0;
    }
    bytes = (size_t)urs_flat_get(f, (size_t)vtable, 2);
    if (6 + 2 * index > bytes)
        return 0;
    offset = (size_t)urs_flat_get(f, (size_t)vtable + 4 + 2 * index, 2);
    at = table + offset;
    if (offset == 0)
        return 0;
    if (at > f->size || size > f->size - at) {
        f->broken = true;
        return 0;
    }
    return at;
}

int32_t urs_flat_field_i32(urs_flat *f, size_t table, size_t index, int32_t otherwise)
{
    const size_t at = urs_flat_field(f, table, index, 4);
    return at ? urs_flat_i32(f, at) : otherwise;
}

int32_t urs_flat_field_i8(urs_flat *f, size_t table, size_t index)
{
    const size_t at = urs_flat_field(f, table, index, 1);
    return at ? (int32_t)(int8_t)urs_flat_get(f, at, 1) : 0;
}

float urs_flat_field_f32(urs_flat *f, size_t table, size_t index, float otherwise)
{
    const size_t at = urs_flat_field(f, table, index, 4);
    return at ? urs_flat_f32(f, at) : otherwise;
}

/* Also of position 0, where the root's distance stands. */
static size_t target_of(urs_flat *f, size_t at)
{
    const size_t target = at + (size_t)urs_flat_get(f, at, 4);
    if (target >= f->size || target == at) {
        f->broken = true;
        return 0;
    }
    return target;
}

size_t urs_flat_root(urs_flat *f, const char *identifier)
{
    if (f->size < 8 || memcmp(f->data + 4, identifier, 4) != 0)
        return 0;
    return target_of(f, 0);
}

size_t urs_flat_follow(urs_flat *f, size_t at)
{
    return at == 0 ? 0 : target_of(f, at);
}

urs_flat_vector urs_flat_field_vector(urs_flat *f, size_t table, size_t index, size_t element)
{
    const size_t at = urs_flat_follow(f, urs_flat_field(f, table, index, 4));
    size_t count;
    if (at == 0)
        return (urs_flat_vector){0};
    count = (size_t)urs_flat_get(f, at, 4);
    if (f->broken || count > (f->size - at - 4) / element) {
        f->broken = true;
        return (urs_flat_vector){0};
    }
    return (urs_flat_vector){at + 4, count};
}

size_t urs_flat_table_at(urs_flat *f, urs_flat_vector v, size_t i)
{
    return urs_flat_follow(f, v.at + 4 * i);
}
