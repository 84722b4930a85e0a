/* Any bytes as the header of a checkpoint: refused or read, never read out of bounds. */
#include "base/memory.h"
#include "train/checkpoint_private.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_checkpoint_header header;
    char *memory = NULL;
    urs_error err = {0};

    if (urs_checkpoint_header_read(&header, &memory, (const char *)data, size, &err) == URS_OK) {
        volatile size_t used = strlen(header.options) + strlen(header.optimiser) + header.n_blocks;
        (void)used;
    }
    urs_free(memory);
    return 0;
}
