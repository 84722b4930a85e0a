/* model.weights.h5 out of a .keras file; see keras.h.
 *
 *      model.keras (zip)   metadata.json, config.json      not looked at
 *                          model.weights.h5                stored, never compressed */
#include "nn/keras.h"

#include "base/memory.h"

#include <zip.h>

urs_status urs_keras_read_zip(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    zip_error_t why;
    zip_source_t *source;
    zip_t *zip;
    zip_file_t *file = NULL;
    zip_stat_t facts;
    uint8_t *bytes = NULL;
    urs_status status = URS_OK;
    zip_error_init(&why);
    source = zip_source_buffer_create(data, size, 0, &why);
    zip = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
    if (!zip) {
        zip_source_free(source);
        zip_error_fini(&why);
        return urs_fail(err, URS_EFORMAT, "a zip file that cannot be read");
    }
    zip_stat_init(&facts);
    if (zip_stat(zip, "model.weights.h5", 0, &facts) != 0)
        status = urs_fail(err, URS_ENOTFOUND, "a zip file without model.weights.h5");
    else if (!(facts.valid & ZIP_STAT_SIZE) || !(facts.valid & ZIP_STAT_COMP_METHOD) || facts.comp_method != ZIP_CM_STORE || facts.size > size)
        status = urs_fail(err, URS_EUNSUPPORTED, "model.weights.h5 is compressed; Keras stores it as it is");
    if (status == URS_OK) {
        bytes = urs_array_new((size_t)facts.size, 1);
        file = zip_fopen(zip, "model.weights.h5", 0);
        if (!bytes)
            status = urs_fail(err, URS_ENOMEM, "no memory for model.weights.h5");
        else if (!file || zip_fread(file, bytes, facts.size) != (zip_int64_t)facts.size)
            status = urs_fail(err, URS_EFORMAT, "model.weights.h5 cannot be read to its end");
    }
    if (status == URS_OK)
        status = urs_keras_read_h5(out, bytes, (size_t)facts.size, err);
    if (file)
        (void)zip_fclose(file);
    urs_free(bytes);
    zip_discard(zip);
    zip_error_fini(&why);
    return status;
}
