/* Bounded reading of FlatBuffers (https://flatbuffers.dev/internals), the container of TFLite files.
 *
 *      file    u32 offset of the root table | 4 bytes identifier | ...
 *      table   i32 distance back to its vtable | fields
 *      vtable  u16 own bytes | u16 bytes of the table | u16 offset of field 0 in the table, 0 = absent | field 1 ...
 *      vector, string   u32 distance from the field to: u32 count | elements
 *      union   two fields: u8 kind, then the distance to a table
 *
 * Every position in the file may be a lie: each is checked before it is read; a bad one makes `broken` true and reads as absent, so that a parser checks after a group of
 * reads. Positions are distances from the start of the bytes; 0 is never a table, a vector or a field. The bytes are borrowed. */
#ifndef URS_BASE_FLAT_READER_H
#define URS_BASE_FLAT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_flat {
    const uint8_t *data;
    size_t size;
    bool broken;
} urs_flat;

typedef struct urs_flat_vector {
    size_t at; /* of element 0 */
    size_t count;
} urs_flat_vector;

/* n <= 8 bytes at `at`, little-endian; 0 (and broken) if they are not there. */
uint64_t urs_flat_get(urs_flat *f, size_t at, size_t n);
int32_t urs_flat_i32(urs_flat *f, size_t at);
float urs_flat_f32(urs_flat *f, size_t at);

/* Position of the root table; 0: none, or another identifier. */
size_t urs_flat_root(urs_flat *f, const char *identifier);
/* Position of a field of `size` bytes; 0: absent. */
size_t urs_flat_field(urs_flat *f, size_t table, size_t index, size_t size);
int32_t urs_flat_field_i32(urs_flat *f, size_t table, size_t index, int32_t otherwise);
int32_t urs_flat_field_i8(urs_flat *f, size_t table, size_t index);
float urs_flat_field_f32(urs_flat *f, size_t table, size_t index, float otherwise);
/* Position that the distance at `at` points to; 0: broken, or `at` is 0. */
size_t urs_flat_follow(urs_flat *f, size_t at);
/* Vector of `element` bytes an element; count 0 where absent. */
urs_flat_vector urs_flat_field_vector(urs_flat *f, size_t table, size_t index, size_t element);
/* Table number i of a vector of tables. */
size_t urs_flat_table_at(urs_flat *f, urs_flat_vector v, size_t i);

#endif
