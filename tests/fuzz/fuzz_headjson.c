/* Fuzz target: urs_dataset_parse_head_json. */
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_dataset set = {0};
    urs_error err = {0};
    const urs_status status = urs_dataset_parse_head_json(&set, (const char *)data, size, "input", "folder", &err);
    if (status != URS_OK && err.code != status)
        __builtin_trap();
    for (size_t i = 0; status == URS_OK && i < set.samples[0].head_count; i++) {
        const urs_head head = urs_sample_head(&set.samples[0], i, 64, 64, 64, 64);
        if (!(head.box.x2 >= head.box.x1))
            __builtin_trap();
    }
    urs_dataset_release(&set);
    return 0;
}
