/* Bounded reader; see reader.h. */
#include "base/reader.h"

urs_reader urs_reader_new(const void *data, size_t size)
{
    return (urs_reader){.data = data, .size = size};
}

size_t urs_reader_left(const urs_reader *r)
{
    return r->failed ? 0 : r->size - r->at;
}

const uint8_t *urs_reader_take(urs_reader *r, size_t n)
{
    const uint8_t *p;
    if (r->failed || n > r->size - r->at) {
        r->failed = true;
        return NULL;
    }
    p = r->data + r->at;
    r->at += n;
    return p;
}

void urs_reader_seek(urs_reader *r, size_t at)
{
    if (at > r->size)
        r->failed = true;
    else
        r->at = at;
}

uint8_t urs_reader_u8(urs_reader *r)
{
    const uint8_t *p = urs_reader_take(r, 1);
    return p ? p[0] : 0;
}

uint16_t urs_reader_u16(urs_reader *r)
{
    const uint8_t *p = urs_reader_take(r, 2);
    return p ? (uint16_t)((uint32_t)p[0] | (uint32_t)p[1] << 8) : 0;
}

uint32_t urs_reader_u32(urs_reader *r)
{
    const uint8_t *p = urs_reader_take(r, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

uint64_t urs_reader_u64(urs_reader *r)
{
    const uint64_t low = urs_reader_u32(r), high = urs_reader_u32(r);
    return low | high << 32;
}
