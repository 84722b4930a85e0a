/* Writing EXIF; see exif_block.h. */
#include "synth/exif_block.h"

#include "base/memory.h"

#include <string.h>

#define TEXT_MAX 200

typedef struct block {
    uint8_t data[1200];
    size_t size;
} block;

static void put(block *b, const void *bytes, size_t n)
{
    memcpy(b->data + b->size, bytes, n);
    b->size += n;
}

static void put_u16(block *b, unsigned v)
{
    const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    put(b, bytes, 2);
}

static void put_u32(block *b, size_t v)
{
    put_u16(b, (unsigned)(v & 0xffffu));
    put_u16(b, (unsigned)(v >> 16));
}

static void put_entry(block *b, unsigned tag, unsigned type, size_t count, size_t value)
{
    put_u16(b, tag);
    put_u16(b, type);
    put_u32(b, count);
    put_u32(b, value);
}

urs_status urs_exif_insert(urs_bytes *jpeg, const char *make, const char *model, const char *time, urs_error *err)
{
    enum { ASCII = 2, LONG = 4, IFD0 = 8, EXIF = IFD0 + 2 + 4 * 12 + 4, TEXTS = EXIF + 2 + 12 + 4, HEAD = 4 + 6 };
    const size_t makes = strlen(make) + 1, models = strlen(model) + 1, times = strlen(time) + 1;
    const uint8_t marker[] = {0xff, 0xe1};
    block b = {.size = 0};
    uint8_t *longer;
    size_t total, payload;

    if (makes > TEXT_MAX || models > TEXT_MAX || times > TEXT_MAX)
        return urs_fail(err, URS_EINVAL, "a text for EXIF is longer than %d bytes", TEXT_MAX - 1);
    if (jpeg->size < 4 || jpeg->data[0] != 0xff || jpeg->data[1] != 0xd8)
        return urs_fail(err, URS_EINVAL, "EXIF can only be put into a JPEG");
    payload = 2 + 6 + TEXTS + makes + models + times;
    put(&b, marker, 2);
    b.data[b.size++] = (uint8_t)(payload >> 8);
    b.data[b.size++] = (uint8_t)payload;
    put(&b, "Exif\0\0", 6);
    put(&b, "II\x2a\0", 4);
    put_u32(&b, IFD0);
    put_u16(&b, 4);
    put_entry(&b, 0x010f, ASCII, makes, TEXTS);
    put_entry(&b, 0x0110, ASCII, models, TEXTS + makes);
    put_entry(&b, 0x0132, ASCII, times, TEXTS + makes + models);
    put_entry(&b, 0x8769, LONG, 1, EXIF);
    put_u32(&b, 0);
    put_u16(&b, 1);
    put_entry(&b, 0x9003, ASCII, times, TEXTS + makes + models);
    put_u32(&b, 0);
    put(&b, make, makes);
    put(&b, model, models);
    put(&b, time, times);
    if (!urs_add_size(&total, jpeg->size, b.size))
        return urs_fail(err, URS_ELIMIT, "the JPEG is too large");
    longer = urs_array_new(total + 1, 1);
    if (!longer)
        return urs_fail(err, URS_ENOMEM, "no memory for a JPEG of %zu bytes", total);
    memcpy(longer, jpeg->data, 2);
    memcpy(longer + 2, b.data, b.size);
    memcpy(longer + 2 + b.size, jpeg->data + 2, jpeg->size - 2);
    urs_free(jpeg->data);
    jpeg->data = longer;
    jpeg->size = total;
    return URS_OK;
}
