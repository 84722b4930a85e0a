/* safetensors, the native weight file. Format: https://github.com/huggingface/safetensors (README, "Format").
 *
 *      0         8               8+n                                     size
 *      +---------+---------------+---------------------------------------+
 *      | u64 n   | JSON header   | data of all tensors, without gaps     |
 *      | little  | n bytes       | offsets count from here               |
 *      +---------+---------------+---------------------------------------+
 *
 *      {"__metadata__": {"key": "string", ...}, "name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...}
 *
 * As the reference reader does we accept only files whose tensors cover the data exactly: no overlap, no hole, nothing behind. */
#include "base/file.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/reader.h"
#include "nn/weights.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT ((uint64_t)100 << 20) /* as the reference implementation */

typedef struct extent {
    const char *name; /* borrowed from the JSON */
    urs_weight_type type;
    int32_t rank;
    int64_t shape[URS_WEIGHTS_RANK_MAX];
    uint64_t begin, end;
} extent;

static bool type_from_name(const char *name, urs_weight_type *out)
{
    for (int t = URS_WEIGHT_F32; t <= URS_WEIGHT_BOOL; t++) {
        if (strcmp(urs_weight_type_name((urs_weight_type)t), name) == 0) {
            *out = (urs_weight_type)t;
            return true;
        }
    }
    return false;
}

static urs_status read_extent(extent *e, const char *name, json_t *info, uint64_t data_size, urs_error *err)
{
    const char *type = json_string_value(json_object_get(info, "dtype"));
    json_t *shape = json_object_get(info, "shape"), *offsets = json_object_get(info, "data_offsets");
    json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    size_t bytes;

    if (!type || !json_is_array(shape) || json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' lacks dtype, shape or data_offsets", name);
    if (!type_from_name(type, &e->type))
        return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.100s' has the type '%.20s', which is not read", name, type);
    if (json_array_size(shape) > URS_WEIGHTS_RANK_MAX)
        return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has more than %d dimensions", name, URS_WEIGHTS_RANK_MAX);
    e->name = name;
    e->rank = (int32_t)json_array_size(shape);
    bytes = urs_weight_type_size(e->type);
    for (int32_t i = 0; i < e->rank; i++) {
        json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has a dimension that is not a number from 0 up", name);
        e->shape[i] = json_integer_value(d);
        if (!urs_mul_size(&bytes, bytes, (size_t)e->shape[i]))
            return urs_fail(err, URS_ELIMIT, "tensor '%.100s' has more elements than fit", name);
    }
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin) || (uint64_t)json_integer_value(end) > data_size)
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' lies outside the data (bytes %lld to %lld of %llu)", name, (long long)json_integer_value(begin),
                        (long long)json_integer_value(end), (unsigned long long)data_size);
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    if (e->end - e->begin != bytes)
        return urs_fail(err, URS_EFORMAT, "tensor '%.100s' has %llu bytes of data, its shape and type need %zu", name, (unsigned long long)(e->end - e->begin),
                        bytes);
    return URS_OK;
}

static int by_begin(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static urs_status read_metadata(urs_weights *w, json_t *metadata, urs_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return urs_fail(err, URS_EFORMAT, "__metadata__ is not an object");
    json_object_foreach (metadata, key, value) {
        urs_status status;
        if (!json_is_string(value))
            return urs_fail(err, URS_EFORMAT, "metadata '%.100s' is not a string", key);
        status = urs_weights_set_metadata(w, key, json_string_value(value), err);
        if (status != URS_OK)
            return status;
    }
    return URS_OK;
}

static urs_status read_header(urs_weights *w, json_t *header, const uint8_t *data, uint64_t data_size, urs_error *err)
{
    urs_status status = URS_OK;
    extent *extents = urs_array_new(json_object_size(header), sizeof *extents);
    size_t n = 0;
    uint64_t at = 0;
    const char *name;
    json_t *info;

    if (!extents)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu tensors", json_object_size(header));
    json_object_foreach (header, name, info) {
        status = strcmp(name, "__metadata__") == 0 ? read_metadata(w, info, err) : read_extent(&extents[n++], name, info, data_size, err);
        if (status != URS_OK)
            goto done;
    }
    qsort(extents, n, sizeof *extents, by_begin);
    for (size_t i = 0; i < n; i++) {
        if (extents[i].begin != at) {
            status = urs_fail(err, URS_EFORMAT, "tensor '%.100s' %s", extents[i].name,
                              extents[i].begin < at ? "overlaps another one" : "leaves a gap in front of it");
            goto done;
        }
        at = extents[i].end;
    }
    if (at != data_size) {
        status = urs_fail(err, URS_EFORMAT, "%llu bytes at the end belong to no tensor", (unsigned long long)(data_size - at));
        goto done;
    }
    for (size_t i = 0; i < n && status == URS_OK; i++)
        status = urs_weights_add_raw(w, extents[i].name, extents[i].type, extents[i].rank, extents[i].shape, data + extents[i].begin, err);
done:
    urs_free(extents);
    return status;
}

urs_status urs_safetensors_read(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    urs_reader r = urs_reader_new(data, size);
    const uint64_t n = urs_reader_u64(&r);
    const char *text;
    urs_weights *w = NULL;
    json_t *header = NULL;
    json_error_t json;
    urs_status status;

    if (r.failed)
        return urs_fail(err, URS_EFORMAT, "a safetensors file has at least 8 bytes, this one %zu", size);
    if (n > HEADER_LIMIT)
        return urs_fail(err, URS_ELIMIT, "the safetensors header claims %llu bytes, more than the %llu accepted", (unsigned long long)n,
                        (unsigned long long)HEADER_LIMIT);
    text = (const char *)urs_reader_take(&r, (size_t)n);
    if (!text)
        return urs_fail(err, URS_EFORMAT, "the safetensors header claims %llu bytes, but only %zu follow", (unsigned long long)n, size - 8);
    header = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &json);
    if (!header || !json_is_object(header)) {
        status = urs_fail(err, URS_EFORMAT, "the safetensors header is not a JSON object: %s", header ? "something else" : json.text);
        goto done;
    }
    status = urs_weights_new(&w, err);
    if (status == URS_OK)
        status = read_header(w, header, (const uint8_t *)data + 8 + (size_t)n, size - 8 - (size_t)n, err);
    if (status == URS_OK) {
        *out = w;
        w = NULL;
    }
done:
    urs_weights_free(w);
    json_decref(header);
    return status;
}

/* Writing. */

typedef struct written {
    const urs_weight *weight;
    urs_weight_type type;
} written;

static urs_weight_type type_to_write(const urs_weight *w, urs_weight_type wanted)
{
    int32_t wide = 0;
    for (int32_t i = 0; i < w->rank; i++)
        wide += w->shape[i] != 1;
    if (wanted != URS_WEIGHT_F16 || wide < 2) /* [c,1,1] is a vector too: layer scales begin at 1e-6, where half has two digits */
        return URS_WEIGHT_F32;
    for (size_t i = 0; i < w->count; i++)
        if (isfinite(w->data[i]) && fabsf(w->data[i]) >= 65520.0f) /* would round to infinity */
            return URS_WEIGHT_F32;
    return URS_WEIGHT_F16;
}

static int by_type_and_name(const void *a, const void *b)
{
    const written *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return strcmp(x->weight->name, y->weight->name);
}

static void put_little(uint8_t *out, uint64_t x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(x >> (8 * i));
}

static json_t *header_entry(const written *t, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int32_t i = 0; shape && i < t->weight->rank; i++)
        if (json_array_append_new(shape, json_integer(t->weight->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", urs_weight_type_name(t->type), "shape", shape, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* The header as compact JSON, in the order of `list`. NULL: no memory, or a name is not UTF-8. */
static char *header_text(const urs_weights *w, const written *list, size_t n)
{
    json_t *header = json_object();
    const size_t n_metadata = urs_weights_metadata_count(w);
    size_t at = 0;
    char *text = NULL;

    if (n_metadata) {
        json_t *metadata = json_object();
        if (json_object_set_new(header, "__metadata__", metadata) != 0)
            goto done;
        for (size_t i = 0; i < n_metadata; i++) {
            const char *key, *value;
            urs_weights_metadata_at(w, i, &key, &value);
            if (json_object_set_new(metadata, key, json_string(value)) != 0)
                goto done;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = list[i].weight->count * urs_weight_type_size(list[i].type);
        if (json_object_set_new(header, list[i].weight->name, header_entry(&list[i], at, at + bytes)) != 0)
            goto done;
        at += bytes;
    }
    text = json_dumps(header, JSON_COMPACT);
done:
    json_decref(header);
    return text;
}

static void put_values(uint8_t *out, const written *t)
{
    const size_t size = urs_weight_type_size(t->type);
    for (size_t i = 0; i < t->weight->count; i++) {
        uint32_t bits;
        if (t->type == URS_WEIGHT_F16)
            bits = urs_half_from_float(t->weight->data[i]);
        else
            memcpy(&bits, &t->weight->data[i], sizeof bits);
        put_little(out + i * size, bits, size);
    }
}

urs_status urs_weights_write_safetensors(const char *path, const urs_weights *w, urs_weight_type type, urs_error *err)
{
    const size_t n = urs_weights_count(w);
    written *list = urs_array_new(n, sizeof *list);
    uint8_t *file = NULL;
    char *text = NULL;
    size_t length, padded, size, at;
    urs_status status = URS_OK;

    if (type != URS_WEIGHT_F32 && type != URS_WEIGHT_F16) {
        status = urs_fail(err, URS_EINVAL, "weights are written as F32 or F16, not %s", urs_weight_type_name(type));
        goto done;
    }
    if (!list) {
        status = urs_fail(err, URS_ENOMEM, "no memory to write '%s'", path);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        list[i] = (written){urs_weights_at(w, i), type_to_write(urs_weights_at(w, i), type)};
    qsort(list, n, sizeof *list, by_type_and_name);
    text = header_text(w, list, n);
    if (!text) {
        status = urs_fail(err, URS_EINVAL, "cannot write '%s': a name or a piece of metadata is not UTF-8, or there is no memory", path);
        goto done;
    }
    length = strlen(text);
    padded = (length + 7) / 8 * 8;
    size = 8 + padded;
    for (size_t i = 0; i < n; i++)
        size += list[i].weight->count * urs_weight_type_size(list[i].type);
    file = urs_array_new(size, 1);
    if (!file) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the %zu bytes of '%s'", size, path);
        goto done;
    }
    put_little(file, padded, 8);
    memcpy(file + 8, text, length);
    memset(file + 8 + length, ' ', padded - length);
    at = 8 + padded;
    for (size_t i = 0; i < n; i++) {
        put_values(file + at, &list[i]);
        at += list[i].weight->count * urs_weight_type_size(list[i].type);
    }
    status = urs_file_write(path, file, size, err);
done:
    free(text); /* jansson's */
    urs_free(file);
    urs_free(list);
    return status;
}
