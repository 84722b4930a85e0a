/* Any bytes as a TOML file; what comes out is whole. */
#include "base/toml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_toml doc = {0};
    urs_error err = {0};
    if (urs_toml_parse(&doc, (const char *)data, size, "fuzz", &err) != URS_OK)
        return 0;
    for (size_t i = 0; i < doc.count; i++) {
        const urs_toml_entry *e = &doc.entries[i];
        if (urs_toml_find(&doc, e->section, e->key) != e || (e->key && !e->is_array && e->count != 1))
            abort();
        for (size_t k = 0; k < e->count; k++)
            if (!e->values[k].text)
                abort();
    }
    urs_toml_release(&doc);
    return 0;
}
