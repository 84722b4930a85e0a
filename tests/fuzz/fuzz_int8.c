/* Fuzz target: int8 .tflite files; what is accepted must be written and read back as the same. */
#include "int8/tflite_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_int8_graph *g = NULL, *back = NULL;
    urs_bytes file = {0};
    urs_error err = {0};
    if (urs_tflite_decode(&g, data, size, &err) != URS_OK) {
        if (!err.message[0] || err.code == URS_OK)
            abort(); /* every failure has its sentence */
        return 0;
    }
    if (urs_tflite_encode(&file, g, &err) != URS_OK || (urs_tflite_decode(&back, file.data, file.size, &err) == URS_OK ? urs_int8_graph_compare(g, back, &err) : err.code) != URS_OK)
        abort();
    urs_bytes_release(&file);
    urs_int8_graph_free(g);
    urs_int8_graph_free(back);
    return 0;
}
