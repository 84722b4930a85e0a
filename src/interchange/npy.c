/* NumPy array files; see npy.h. */
#include "interchange/npy.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAGIC = 10, ALIGN = 64, HEADER_MAX = 192 };

urs_status urs_npy_write(const char *path, const float *data, size_t rows, size_t dim, urs_error *err)
{
    char header[HEADER_MAX];
    const int length = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, dim);
    const size_t begin = (MAGIC + (size_t)length + 1 + ALIGN - 1) / ALIGN * ALIGN, text = begin - MAGIC;
    size_t elements, bytes;
    uint8_t *file;
    urs_status status;
    if (!urs_mul_size(&elements, rows, dim) || !urs_mul_size(&bytes, elements, 4) || bytes > SIZE_MAX - begin)
        return urs_fail(err, URS_ELIMIT, "%zu rows of %zu numbers are too many for one file", rows, dim);
    file = urs_array_new(begin + bytes, 1);
    if (!file)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu rows of %zu numbers", rows, dim);
    memcpy(file, "\x93NUMPY\x01", 8); /* with the 0 behind it: version 1.0 */
    file[8] = (uint8_t)(text & 0xff);
    file[9] = (uint8_t)(text >> 8);
    memset(file + MAGIC, ' ', text);
    memcpy(file + MAGIC, header, (size_t)length);
    file[begin - 1] = '\n';
    for (size_t i = 0; i < elements; i++) {
        uint32_t word;
        memcpy(&word, &data[i], sizeof word);
        for (int k = 0; k < 4; k++)
            file[begin + 4 * i + (size_t)k] = (uint8_t)(word >> (8 * k));
    }
    status = urs_file_write(path, file, begin + bytes, err);
    urs_free(file);
    return status;
}
