/* What kind of file it is, reading it, and the fingerprint; see weights.h. */
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "nn/keras.h"
#include "nn/tflite.h"
#include "nn/weights.h"

#include <stdlib.h>
#include <string.h>

#define WEIGHTS_FILE_LIMIT ((size_t)4 << 30)

urs_status urs_weights_read_memory(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    const uint8_t *p = data;
    if (size >= 4 && memcmp(p, "PK\3\4", 4) == 0) {
        const urs_status keras = urs_keras_read_zip(out, data, size, err);
        return keras == URS_ENOTFOUND ? urs_pth_read(out, data, size, err) : keras;
    }
    if (size >= 4 && memcmp(p, "\x89HDF", 4) == 0)
        return urs_keras_read_h5(out, data, size, err);
    if (size >= 3 && p[0] == 0x80 && p[1] <= 5 && p[2] == 0x8a)
        return urs_pth_read(out, data, size, err);
    if (size >= 8 && memcmp(p + 4, "TFL3", 4) == 0)
        return urs_tflite_read_weights(out, data, size, err);
    if (size >= 9 && p[8] == '{')
        return urs_safetensors_read(out, data, size, err);
    if (size >= 2 && p[0] == 0x80 && p[1] <= 5)
        return urs_fail(err, URS_EUNSUPPORTED, "a plain pickle, not a file of torch.save");
    return urs_fail(err, URS_EFORMAT, "neither safetensors nor PyTorch .pth/.pt nor TFLite nor Keras .h5/.keras");
}

urs_status urs_weights_read(urs_weights **out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, WEIGHTS_FILE_LIMIT, err);
    if (status != URS_OK)
        return status;
    status = urs_weights_read_memory(out, bytes.data, bytes.size, err);
    if (status != URS_OK)
        urs_error_prefix(err, "'%s': ", path);
    urs_bytes_release(&bytes);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const urs_weight *const *)a)->name, (*(const urs_weight *const *)b)->name);
}

static void hash_u64(urs_sha256 *s, uint64_t x)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(x >> (8 * i));
    urs_sha256_update(s, bytes, sizeof bytes);
}

/* One tensor: name and zero, rank and shape as u64, values as little-endian float32. */
static void hash_tensor(urs_sha256 *s, const urs_weight *w)
{
    urs_sha256_update(s, w->name, strlen(w->name) + 1);
    hash_u64(s, (uint64_t)w->rank);
    for (int32_t i = 0; i < w->rank; i++)
        hash_u64(s, (uint64_t)w->shape[i]);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        urs_sha256_update(s, w->data, w->count * sizeof *w->data);
        return;
    }
    for (size_t i = 0; i < w->count; i++) {
        uint32_t bits;
        uint8_t bytes[4];
        memcpy(&bits, &w->data[i], sizeof bits);
        for (size_t k = 0; k < 4; k++)
            bytes[k] = (uint8_t)(bits >> (8 * k));
        urs_sha256_update(s, bytes, sizeof bytes);
    }
}

void urs_weights_fingerprint(const urs_weights *w, char out[URS_WEIGHTS_FINGERPRINT])
{
    const size_t n = urs_weights_count(w);
    const urs_weight **sorted = urs_array_new(n, sizeof *sorted);
    urs_sha256 s;

    urs_sha256_init(&s);
    if (sorted) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = urs_weights_at(w, i);
        qsort(sorted, n, sizeof *sorted, by_name);
        for (size_t i = 0; i < n; i++)
            hash_tensor(&s, sorted[i]);
    } else {
        /* Without memory for the list: the next larger name again and again, slow but the same result. */
        const urs_weight *last = NULL;
        for (size_t k = 0; k < n; k++) {
            const urs_weight *next = NULL;
            for (size_t i = 0; i < n; i++) {
                const urs_weight *c = urs_weights_at(w, i);
                if ((!last || strcmp(c->name, last->name) > 0) && (!next || strcmp(c->name, next->name) < 0))
                    next = c;
            }
            if (next)
                hash_tensor(&s, next);
            last = next;
        }
    }
    urs_sha256_hex(&s, out);
    urs_free(sorted);
}
