/* Fuzz target: urs_yolo_config_parse and urs_yolo_labels_parse; the first byte chooses ('#' begins a data.yaml, anything else is a label file). */
#include "base/memory.h"
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_error err = {0};
    urs_status status;
    if (size > 0 && data[0] == '#') {
        urs_yolo_config config = {0};
        status = urs_yolo_config_parse(&config, (const char *)data, size, "data.yaml", &err);
        if (status == URS_OK && config.names.count == 0)
            __builtin_trap();
        urs_yolo_config_release(&config);
    } else {
        urs_sample sample = {.label = -1};
        status = urs_yolo_labels_parse(&sample, (const char *)data, size, 3, "a.txt", &err);
        for (size_t i = 0; i < sample.head_count; i++)
            if (sample.heads[i].label < 0 || sample.heads[i].label >= 3)
                __builtin_trap();
        urs_sample_release(&sample);
    }
    if (status != URS_OK && err.code != status)
        __builtin_trap();
    return 0;
}
