/* What the reader of PyTorch files says where this program was built without libzip. See the table of options in CMakeLists.txt. */
#include "nn/weights.h"

#ifndef URS_HAVE_ZIP
urs_status urs_pth_read(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    (void)out, (void)data, (void)size;
    return urs_fail(err, URS_EUNSUPPORTED, "a PyTorch file, and this program was built without libzip: turn it into safetensors on a desk (ursid model import)");
}
#endif
