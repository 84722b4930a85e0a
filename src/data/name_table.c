/* Names in order of first appearance; see name_table.h. */
#include "data/name_table.h"

#include "base/memory.h"

#include <string.h>

#define NAMES_MAX 10000000

static uint64_t hash_name(const char *s)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001B3u;
    return h ^ (h >> 29);
}

/* Slot where the name stands or would stand. slot_count is a power of two and never full. */
static size_t slot_of(const urs_name_table *table, const char *name)
{
    size_t at = (size_t)hash_name(name) & (table->slot_count - 1);
    while (table->slots[at] != 0 && strcmp(table->names.items[table->slots[at] - 1], name) != 0)
        at = (at + 1) & (table->slot_count - 1);
    return at;
}

static bool table_grow(urs_name_table *table)
{
    urs_name_table wider = *table;
    wider.slot_count = table->slot_count ? table->slot_count * 2 : 64;
    wider.slots = urs_array_new(wider.slot_count, sizeof *wider.slots);
    if (!wider.slots)
        return false;
    for (size_t i = 0; i < table->names.count; i++)
        wider.slots[slot_of(&wider, table->names.items[i])] = (uint32_t)(i + 1);
    urs_free(table->slots);
    *table = wider;
    return true;
}

urs_status urs_name_table_add(urs_name_table *table, const char *name, int32_t *index, urs_error *err)
{
    size_t at;
    urs_status status;
    if (table->names.count * 2 >= table->slot_count) {
        if (table->names.count >= NAMES_MAX)
            return urs_fail(err, URS_ELIMIT, "more than %d different names", NAMES_MAX);
        if (!table_grow(table))
            return urs_fail(err, URS_ENOMEM, "no memory for a table of %zu names", table->names.count);
    }
    at = slot_of(table, name);
    if (table->slots[at] == 0) {
        status = urs_names_add(&table->names, name, err);
        if (status != URS_OK)
            return status;
        table->slots[at] = (uint32_t)table->names.count;
    }
    *index = (int32_t)(table->slots[at] - 1);
    return URS_OK;
}

int32_t urs_name_table_find(const urs_name_table *table, const char *name)
{
    return table->slot_count ? (int32_t)table->slots[slot_of(table, name)] - 1 : -1;
}

const char *urs_name_table_get(const urs_name_table *table, int32_t index)
{
    return index >= 0 && (size_t)index < table->names.count ? table->names.items[index] : "";
}

size_t urs_name_table_count(const urs_name_table *table)
{
    return table->names.count;
}

void urs_name_table_release(urs_name_table *table)
{
    urs_names_release(&table->names);
    urs_free(table->slots);
    memset(table, 0, sizeof *table);
}
