/* Fuzz target: urs_dataset_parse_json (COCO, COCO Camera Traps, MegaDetector). */
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_dataset set = {0};
    urs_error err = {0};
    const urs_status status = urs_dataset_parse_json(&set, (const char *)data, size, "input", "folder", NULL, &err);
    if (status != URS_OK && err.code != status)
        __builtin_trap();
    for (size_t k = 0; status == URS_OK && k < set.count; k++)
        for (size_t i = 0; i < set.samples[k].head_count; i++) {
            const urs_head head = urs_sample_head(&set.samples[k], i, 64, 64, 64, 64);
            if (!(head.box.x2 >= head.box.x1) || head.label < 0 || (size_t)head.label >= urs_name_table_count(&set.labels))
                __builtin_trap();
        }
    urs_dataset_release(&set);
    return 0;
}
