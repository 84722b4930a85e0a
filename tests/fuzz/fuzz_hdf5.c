/* Fuzz target: weight files of Keras, and through them HDF5, on arbitrary bytes. */
#include "nn/keras.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_weights *out = NULL;
    urs_error err = {0};
    if (urs_keras_read_h5(&out, data, size, &err) == URS_OK) {
        for (size_t i = 0; i < urs_weights_count(out); i++) { /* every number can be read */
            const urs_weight *w = urs_weights_at(out, i);
            for (size_t k = 0; k < w->count; k++)
                (void)isnan(w->data[k]);
        }
        urs_weights_free(out);
    } else if (!err.message[0] || err.code == URS_OK) {
        abort(); /* every failure has its sentence */
    }
    out = NULL;
    err = (urs_error){0};
    if (urs_keras_read_zip(&out, data, size, &err) == URS_OK)
        urs_weights_free(out);
    else if (!err.message[0] || err.code == URS_OK)
        abort();
    return 0;
}
