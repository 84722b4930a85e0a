/* Fuzz target: urs_dataset_parse_imglab. */
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_dataset set = {0};
    urs_error err = {0};
    const urs_status status = urs_dataset_parse_imglab(&set, (const char *)data, size, "input", "folder", "p:", &err);
    if (status != URS_OK && err.code != status)
        __builtin_trap();
    urs_dataset_release(&set);
    return 0;
}
