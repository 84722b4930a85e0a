/* Fuzz target: the safetensors reader on arbitrary bytes. */
#include "nn/weights.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_weights *out = NULL;
    urs_error err = {0};
    if (urs_safetensors_read(&out, data, size, &err) == URS_OK)
        urs_weights_free(out);
    else if (!err.message[0] || err.code == URS_OK)
        abort(); /* every failure has its sentence */
    return 0;
}
