/* Bounded little-endian reader over a block of bytes, for every binary parser.
 *
 * Sticky: a read past the end sets `failed` and gives zero, so a parser checks after a group of reads. The bytes are borrowed. */
#ifndef URS_BASE_READER_H
#define URS_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_reader {
    const uint8_t *data;
    size_t size, at;
    bool failed;
} urs_reader;

urs_reader urs_reader_new(const void *data, size_t size);
size_t urs_reader_left(const urs_reader *r);
uint8_t urs_reader_u8(urs_reader *r);
uint16_t urs_reader_u16(urs_reader *r);
uint32_t urs_reader_u32(urs_reader *r);
uint64_t urs_reader_u64(urs_reader *r);
/* Borrowed pointer to the next n bytes; NULL (and failed) if they are not there. */
const uint8_t *urs_reader_take(urs_reader *r, size_t n);
void urs_reader_seek(urs_reader *r, size_t at);

#endif
