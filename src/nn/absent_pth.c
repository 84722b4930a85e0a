/* What the readers of PyTorch's and Keras' zip files say where this program was built without libzip. See the table of options in CMakeLists.txt. */
#include "nn/keras.h"
#include "nn/weights.h"

#ifndef URS_HAVE_ZIP
urs_status urs_pth_read(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    (void)out, (void)data, (void)size;
    return urs_fail(err, URS_EUNSUPPORTED, "a file of PyTorch or Keras, and this program was built without libzip: turn it into safetensors on a desk (ursid model import)");
}

/* Which of the two it is cannot be told; the sentence of the other one holds. */
urs_status urs_keras_read_zip(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    (void)out, (void)data, (void)size;
    return urs_fail(err, URS_ENOTFOUND, "a zip file, and this program was built without libzip");
}
#endif
