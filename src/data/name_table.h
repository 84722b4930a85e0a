/* A table of names in order of first appearance, with look-up by hash: class, individual, camera and group names of a dataset.
 *
 * {0} is a valid empty table. Indices are stable. One owner; reading from several threads is fine while nobody adds. */
#ifndef URS_DATA_NAME_TABLE_H
#define URS_DATA_NAME_TABLE_H

#include "base/text.h"

#include <stdint.h>

typedef struct urs_name_table {
    urs_names names; /* owned; names.items[i] is name i */
    uint32_t *slots; /* owned; index + 1, 0 = free; open addressing */
    size_t slot_count;
} urs_name_table;

/* Index of the name, added if new (copied). */
urs_status urs_name_table_add(urs_name_table *table, const char *name, int32_t *index, urs_error *err) URS_CHECKED;
int32_t urs_name_table_find(const urs_name_table *table, const char *name); /* -1: not there */
const char *urs_name_table_get(const urs_name_table *table, int32_t index); /* borrowed; "" for an index outside the table */
size_t urs_name_table_count(const urs_name_table *table);
void urs_name_table_release(urs_name_table *table);

#endif
