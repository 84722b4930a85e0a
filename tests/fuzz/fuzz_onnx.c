/* Fuzz target: the check of ONNX models; what it refuses has its sentence. */
#include "int8/onnx_model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_onnx_facts facts = {0};
    urs_error err = {0};
    if (urs_onnx_check(&facts, data, size, &err) != URS_OK && (!err.message[0] || err.code == URS_OK))
        abort();
    return 0;
}
