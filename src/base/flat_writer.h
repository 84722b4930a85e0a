/* Writing FlatBuffers (flat_reader.h has the layout). The file grows from its end towards its start, children before the tables that refer to them, so that every distance is known when it
 * is written:
 *
 *      | root | identifier | padding | ... newer objects ... | oldest object |
 *        <------------------ grows this way                                ^ a reference is the distance from here
 *
 *      ref name = urs_flat_put_string(w, "conv");
 *      urs_flat_table_begin(w);
 *      urs_flat_add_ref(w, 3, name);
 *      urs_flat_add_i32(w, 0, 7);
 *      ref table = urs_flat_table_end(w);
 *
 * Objects are not nested: a vector or string is written before the table that holds it begins. Sticky: after a failure (no memory, more than 2 GiB) everything does nothing, and
 * urs_flat_writer_finish reports it. {0} is a valid empty writer; one owner. */
#ifndef URS_BASE_FLAT_WRITER_H
#define URS_BASE_FLAT_WRITER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_FLAT_FIELDS_MAX 16

typedef uint32_t urs_flat_ref; /* 0: nothing */

typedef struct urs_flat_writer {
    uint8_t *data; /* owned; the last `used` bytes are written */
    size_t capacity, used, alignment;
    bool failed;
    size_t table_begin;
    urs_flat_ref fields[URS_FLAT_FIELDS_MAX]; /* of the open table */
    size_t n_fields;
} urs_flat_writer;

/* n bytes as a vector whose first element is aligned to `align` (a power of two, at least 4). */
urs_flat_ref urs_flat_put_bytes(urs_flat_writer *w, const void *data, size_t n, size_t align);
urs_flat_ref urs_flat_put_string(urs_flat_writer *w, const char *s);
urs_flat_ref urs_flat_put_i32s(urs_flat_writer *w, const int32_t *x, size_t n);
urs_flat_ref urs_flat_put_i64s(urs_flat_writer *w, const int64_t *x, size_t n);
urs_flat_ref urs_flat_put_f32s(urs_flat_writer *w, const float *x, size_t n);
urs_flat_ref urs_flat_put_refs(urs_flat_writer *w, const urs_flat_ref *x, size_t n);

void urs_flat_table_begin(urs_flat_writer *w);
void urs_flat_add_i8(urs_flat_writer *w, size_t field, int32_t x);
void urs_flat_add_i32(urs_flat_writer *w, size_t field, int32_t x);
void urs_flat_add_f32(urs_flat_writer *w, size_t field, float x);
void urs_flat_add_ref(urs_flat_writer *w, size_t field, urs_flat_ref ref); /* 0: left out */
urs_flat_ref urs_flat_table_end(urs_flat_writer *w);

/* Writes the start of the file. *data: first byte, borrowed until the writer is released. */
urs_status urs_flat_writer_finish(urs_flat_writer *w, urs_flat_ref root, const char *identifier, const uint8_t **data, size_t *size, urs_error *err) URS_CHECKED;
void urs_flat_writer_release(urs_flat_writer *w);

#endif
