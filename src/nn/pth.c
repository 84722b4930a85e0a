/* PyTorch files: torch.save of tensors in dictionaries, lists and tuples. See weights.h and pickle.h.
 *
 * Zip (since 1.6), entries stored, never compressed:
 *
 *      <any>/data.pkl         pickle; a tensor refers to a storage by its key
 *      <any>/data/<key>       the elements of one storage
 *      <any>/byteorder        "little" (or absent)
 *
 * Raw (before 1.6):
 *
 *      pickle   0x1950a86a20f9469cfc6c          magic number
 *      pickle   1001                            version
 *      pickle   {"little_endian": True, ...}
 *      pickle   the object
 *      pickle   ["key", ...]                    order of the storages that follow
 *      u64 n, n elements                        for each key
 */
#include "base/memory.h"
#include "base/reader.h"
#include "nn/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define NAME_MAX_BYTES 512
#define DEPTH_MAX 32
#define STORAGES_MAX 16384
#define VISITS_MAX 262144u /* values looked at while flattening: shared dictionaries could multiply without end */

static const uint8_t magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

typedef struct storage {
    const urs_pickle_value *described; /* key, type, count; NULL in raw files until asked for */
    const uint8_t *data;               /* borrowed from the file, or `owned` */
    uint8_t *owned;
    size_t size; /* bytes */
} storage;

typedef struct loader {
    const uint8_t *file;
    size_t file_size;
    zip_t *zip; /* NULL: raw */
    char prefix[NAME_MAX_BYTES];
    storage *storages; /* owned */
    size_t n_storages, storage_capacity, storage_bytes;
    urs_weights *weights;
    size_t visits, elements;
    size_t strip; /* bytes that every key of the outermost dictionary loses */
    urs_error *err;
} loader;

static bool same_text(const urs_pickle_value *a, const urs_pickle_value *b)
{
    return a->as.text.size == b->as.text.size && memcmp(a->as.text.data, b->as.text.data, a->as.text.size) == 0;
}

static storage *find_storage(loader *l, const urs_pickle_value *key)
{
    for (size_t i = 0; i < l->n_storages; i++)
        if (same_text(l->storages[i].described->as.storage.key, key))
            return &l->storages[i];
    return NULL;
}

static storage *add_storage(loader *l, const urs_pickle_value *described)
{
    storage *s;
    if (l->n_storages >= STORAGES_MAX) {
        (void)urs_fail(l->err, URS_ELIMIT, "the file has more than %d storages", STORAGES_MAX);
        return NULL;
    }
    if (!urs_array_reserve((void **)&l->storages, &l->storage_capacity, l->n_storages, sizeof *l->storages)) {
        (void)urs_fail(l->err, URS_ENOMEM, "no memory for the storages");
        return NULL;
    }
    s = &l->storages[l->n_storages++];
    *s = (storage){.described = described};
    return s;
}

/* Zip. */

/* Reads an entry of at most `limit` bytes; owned. */
static urs_status zip_entry(loader *l, const char *name, size_t limit, uint8_t **out, size_t *out_size)
{
    zip_stat_t st;
    zip_file_t *f = NULL;
    uint8_t *data = NULL;
    zip_int64_t have;
    char beyond;
    urs_status status = URS_OK;

    zip_stat_init(&st);
    if (zip_stat(l->zip, name, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE))
        return urs_fail(l->err, URS_EFORMAT, "the zip has no readable entry '%.200s'", name);
    if ((st.valid & ZIP_STAT_COMP_METHOD) && st.comp_method != ZIP_CM_STORE)
        return urs_fail(l->err, URS_EUNSUPPORTED, "entry '%.200s' is compressed, which torch.save never does", name);
    if (st.size > limit || st.size > l->file_size)
        return urs_fail(l->err, URS_ELIMIT, "entry '%.200s' claims %llu bytes", name, (unsigned long long)st.size);
    data = urs_array_new((size_t)st.size, 1);
    if (!data)
        return urs_fail(l->err, URS_ENOMEM, "no memory for the %llu bytes of '%.200s'", (unsigned long long)st.size, name);
    f = zip_fopen(l->zip, name, 0);
    have = f ? zip_fread(f, data, st.size) : -1;
    if (have >= 0 && zip_fread(f, &beyond, 1) != 0) /* libzip compares the checksum at the end */
        have = -1;
    if (have < 0 || (zip_uint64_t)have != st.size) {
        status = urs_fail(l->err, URS_EFORMAT, "entry '%.200s' cannot be read: %s", name, f ? zip_file_strerror(f) : zip_strerror(l->zip));
        goto done;
    }
    *out = data;
    *out_size = (size_t)st.size;
    data = NULL;
done:
    if (f)
        (void)zip_fclose(f);
    urs_free(data);
    return status;
}

static urs_status open_zip(loader *l)
{
    zip_error_t ze;
    zip_source_t *source;
    zip_int64_t n;

    zip_error_init(&ze);
    source = zip_source_buffer_create(l->file, l->file_size, 0, &ze);
    l->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &ze) : NULL;
    if (!l->zip) {
        const urs_status status = urs_fail(l->err, URS_EFORMAT, "a broken zip: %s", zip_error_strerror(&ze));
        zip_source_free(source);
        zip_error_fini(&ze);
        return status;
    }
    zip_error_fini(&ze);
    n = zip_get_num_entries(l->zip, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(l->zip, (zip_uint64_t)i, 0);
        const size_t size = name ? strlen(name) : 0, tail = strlen("data.pkl");
        if (size < tail || size >= sizeof l->prefix || strcmp(name + size - tail, "data.pkl") != 0 || (size > tail && name[size - tail - 1] != '/'))
            continue;
        memcpy(l->prefix, name, size - tail);
        l->prefix[size - tail] = '\0';
        return URS_OK;
    }
    return urs_fail(l->err, URS_EFORMAT, "a zip without data.pkl, so not a file of torch.save");
}

static urs_status check_byte_order(loader *l)
{
    char name[NAME_MAX_BYTES + 16];
    uint8_t *text = NULL;
    size_t size = 0;
    urs_status status;

    (void)snprintf(name, sizeof name, "%sbyteorder", l->prefix);
    if (zip_name_locate(l->zip, name, 0) < 0)
        return URS_OK;
    status = zip_entry(l, name, 64, &text, &size);
    if (status == URS_OK && (size < 6 || memcmp(text, "little", 6) != 0))
        status = urs_fail(l->err, URS_EUNSUPPORTED, "the file is of a big-endian machine");
    urs_free(text);
    return status;
}

static urs_status load_zip_storage(loader *l, const urs_pickle_value *described, storage **out)
{
    const urs_pickle_value *key = described->as.storage.key;
    char name[2 * NAME_MAX_BYTES];
    storage *s;
    urs_status status;

    if (key->as.text.size > 64)
        return urs_fail(l->err, URS_EFORMAT, "a storage has a name of %zu bytes", key->as.text.size);
    s = add_storage(l, described);
    if (!s)
        return l->err->code;
    (void)snprintf(name, sizeof name, "%sdata/%.*s", l->prefix, (int)key->as.text.size, key->as.text.data);
    /* All storages together fit into the file, unless entries overlap. */
    status = zip_entry(l, name, l->file_size - l->storage_bytes, &s->owned, &s->size);
    if (status != URS_OK)
        return status;
    s->data = s->owned;
    l->storage_bytes += s->size;
    *out = s;
    return URS_OK;
}

/* Raw. */

/* Collects what the pickle describes: every storage once. */
static urs_status collect_storages(loader *l, const urs_pickle *object)
{
    for (const urs_pickle_value *v = object->all; v; v = v->next)
        if (v->kind == URS_PICKLE_STORAGE && !find_storage(l, v->as.storage.key) && !add_storage(l, v))
            return l->err->code;
    return URS_OK;
}

static urs_status read_raw_storages(loader *l, urs_reader *r, const urs_pickle_value *keys)
{
    if (keys->kind != URS_PICKLE_LIST)
        return urs_fail(l->err, URS_EFORMAT, "the list of storages is missing");
    for (size_t i = 0; i < keys->as.list.count; i++) {
        const urs_pickle_value *key = keys->as.list.items[i];
        storage *s = key->kind == URS_PICKLE_TEXT ? find_storage(l, key) : NULL;
        const uint64_t count = urs_reader_u64(r);
        if (!s)
            return urs_fail(l->err, URS_EFORMAT, "the list of storages names one that no tensor uses");
        if (r->failed || count != s->described->as.storage.count ||
            !urs_mul_size(&s->size, (size_t)count, urs_weight_type_size(s->described->as.storage.type)))
            return urs_fail(l->err, URS_EFORMAT, "storage %zu has another size than its tensors say", i);
        s->data = urs_reader_take(r, s->size);
        if (!s->data)
            return urs_fail(l->err, URS_EFORMAT, "the file ends inside storage %zu", i);
    }
    return URS_OK;
}

static const urs_pickle_value *dict_get(const urs_pickle_value *dict, const char *key)
{
    for (size_t i = 0; dict->kind == URS_PICKLE_DICT && i + 1 < dict->as.list.count; i += 2)
        if (urs_pickle_is_text(dict->as.list.items[i], key))
            return dict->as.list.items[i + 1];
    return NULL;
}

static urs_status next_pickle(loader *l, urs_reader *r, urs_pickle *out)
{
    const urs_status status = urs_pickle_read(out, r->data + r->at, r->size - r->at, l->err);
    if (status == URS_OK)
        urs_reader_seek(r, r->at + out->consumed);
    return status;
}

static urs_status open_raw(loader *l, urs_pickle *object, urs_pickle *keys)
{
    urs_reader r = urs_reader_new(l->file, l->file_size);
    urs_pickle version = {0}, machine = {0};
    const urs_pickle_value *little;
    urs_status status = URS_OK;

    if (l->file_size < sizeof magic || memcmp(l->file, magic, sizeof magic) != 0)
        return urs_fail(l->err, URS_EFORMAT, "a pickle, but not a file of torch.save");
    urs_reader_seek(&r, sizeof magic);
    status = next_pickle(l, &r, &version);
    if (status == URS_OK && (version.root->kind != URS_PICKLE_INT || version.root->as.integer != 1001))
        status = urs_fail(l->err, URS_EUNSUPPORTED, "the file has another version than 1001 of the old PyTorch format");
    if (status == URS_OK)
        status = next_pickle(l, &r, &machine);
    little = status == URS_OK ? dict_get(machine.root, "little_endian") : NULL;
    if (little && little->kind == URS_PICKLE_BOOL && !little->as.boolean)
        status = urs_fail(l->err, URS_EUNSUPPORTED, "the file is of a big-endian machine");
    if (status == URS_OK)
        status = next_pickle(l, &r, object);
    if (status == URS_OK)
        status = collect_storages(l, object);
    if (status == URS_OK)
        status = next_pickle(l, &r, keys);
    if (status == URS_OK)
        status = read_raw_storages(l, &r, keys->root);
    urs_pickle_release(&version);
    urs_pickle_release(&machine);
    return status;
}

/* Tensors. */

static urs_status add_tensor(loader *l, const char *name, const urs_pickle_value *v)
{
    const urs_pickle_value *described = v->as.tensor.storage;
    const urs_weight_type type = described->as.storage.type;
    const size_t size = urs_weight_type_size(type);
    const int32_t rank = v->as.tensor.rank;
    storage *s = find_storage(l, described->as.storage.key);
    uint64_t index[URS_WEIGHTS_RANK_MAX] = {0}, at = v->as.tensor.offset;
    size_t count = 1, need;
    uint8_t *bytes;
    urs_status status = URS_OK;

    if (!s && l->zip)
        status = load_zip_storage(l, described, &s);
    if (status != URS_OK)
        return status;
    for (int32_t i = 0; i < rank; i++)
        count *= (size_t)v->as.tensor.shape[i]; /* pickle_torch.c checked the product */
    if (!s || (!s->data && count) || s->described->as.storage.type != type)
        return urs_fail(l->err, URS_EFORMAT, "tensor '%.100s' has no storage, or one of another type", name);
    if (!urs_mul_size(&need, (size_t)described->as.storage.count, size) || need > s->size)
        return urs_fail(l->err, URS_EFORMAT, "the storage of tensor '%.100s' has %zu bytes, fewer than its %llu elements need", name, s->size,
                        (unsigned long long)described->as.storage.count);
    /* Views that share a storage are copied one by one; a file made of them must not fill the memory. */
    l->elements += count;
    if (l->elements > 2 * l->file_size)
        return urs_fail(l->err, URS_ELIMIT, "the tensors of the file overlap each other too often");
    bytes = urs_array_new(count, size);
    if (!bytes)
        return urs_fail(l->err, URS_ENOMEM, "no memory for tensor '%.100s'", name);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + i * size, s->data + (size_t)at * size, size);
        for (int32_t d = rank - 1; d >= 0; d--) { /* to the next element, last dimension first */
            const uint64_t stride = (uint64_t)v->as.tensor.stride[d];
            if (++index[d] < (uint64_t)v->as.tensor.shape[d]) {
                at += stride;
                break;
            }
            at -= stride * (index[d] - 1);
            index[d] = 0;
        }
    }
    status = urs_weights_add_raw(l->weights, name, type, rank, v->as.tensor.shape, bytes, l->err);
    urs_free(bytes);
    return status;
}

/* Key of a dictionary as a part of a name: text as it is, integers in decimal; false: something else. */
static bool key_text(const urs_pickle_value *key, char *out, size_t size)
{
    if (key->kind == URS_PICKLE_INT)
        (void)snprintf(out, size, "%lld", (long long)key->as.integer);
    else if (key->kind == URS_PICKLE_TEXT && key->as.text.size < size && !memchr(key->as.text.data, 0, key->as.text.size))
        (void)snprintf(out, size, "%.*s", (int)key->as.text.size, key->as.text.data);
    else
        return false;
    return true;
}

/* Adds every tensor below v; its name is the path of keys and numbers with dots between. */
static urs_status flatten(loader *l, char *name, size_t length, const urs_pickle_value *v, int depth)
{
    const bool dict = v->kind == URS_PICKLE_DICT;
    if (++l->visits > VISITS_MAX || depth > DEPTH_MAX)
        return urs_fail(l->err, URS_ELIMIT, "the file nests or repeats its dictionaries too often");
    if (v->kind == URS_PICKLE_TENSOR)
        return add_tensor(l, length ? name : "tensor", v);
    if (!dict && v->kind != URS_PICKLE_LIST && v->kind != URS_PICKLE_TUPLE)
        return URS_OK; /* numbers and strings: epoch, options */
    for (size_t i = 0; i + dict < v->as.list.count; i += 1 + (size_t)dict) {
        const urs_pickle_value *item = v->as.list.items[i + dict];
        char part[NAME_MAX_BYTES];
        const size_t strip = length ? 0 : l->strip;
        size_t at = length;
        urs_status status;
        (void)snprintf(part, sizeof part, "%zu", i);
        if (dict && !key_text(v->as.list.items[i], part, sizeof part))
            return urs_fail(l->err, URS_EFORMAT, "a dictionary in '%.100s' has a key that is neither a string nor a number", name);
        if (length + strlen(part) + 2 > NAME_MAX_BYTES)
            return urs_fail(l->err, URS_ELIMIT, "a tensor has a name of more than %d bytes", NAME_MAX_BYTES);
        at += (size_t)snprintf(name + length, NAME_MAX_BYTES - length, "%s%s", length ? "." : "", part + strip);
        status = flatten(l, name, at, item, depth + 1);
        name[length] = '\0';
        if (status != URS_OK)
            return status;
    }
    return URS_OK;
}

/* The dictionary of weights inside a training checkpoint. */
static const urs_pickle_value *unwrap(const urs_pickle_value *root)
{
    static const char *const wrappers[] = {"state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model_state", "model", "net", "weights"};
    for (int depth = 0; depth < 4; depth++) {
        const urs_pickle_value *inner = NULL;
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && !inner; i++) {
            const urs_pickle_value *v = dict_get(root, wrappers[i]);
            if (v && v->kind == URS_PICKLE_DICT)
                inner = v;
        }
        if (!inner)
            break;
        root = inner;
    }
    return root;
}

/* DataParallel and compiled models put a word in front of every name; without it they are the model's own. Its length, or 0. */
static size_t common_prefix(const urs_pickle_value *root)
{
    static const char *const words[] = {"module.", "_orig_mod."};
    if (root->kind != URS_PICKLE_DICT || root->as.list.count == 0)
        return 0;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        const size_t length = strlen(words[k]);
        size_t i = 0;
        for (; i < root->as.list.count; i += 2) {
            const urs_pickle_value *key = root->as.list.items[i];
            if (key->kind != URS_PICKLE_TEXT || key->as.text.size <= length || memcmp(key->as.text.data, words[k], length) != 0)
                break;
        }
        if (i == root->as.list.count)
            return length;
    }
    return 0;
}

static urs_status read_zip_object(loader *l, urs_pickle *object, uint8_t **stream)
{
    char name[NAME_MAX_BYTES + 16];
    size_t size = 0;
    urs_status status = open_zip(l);
    if (status == URS_OK)
        status = check_byte_order(l);
    (void)snprintf(name, sizeof name, "%sdata.pkl", l->prefix);
    if (status == URS_OK)
        status = zip_entry(l, name, SIZE_MAX, stream, &size);
    return status == URS_OK ? urs_pickle_read(object, *stream, size, l->err) : status;
}

urs_status urs_pth_read(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    urs_error local = {0};
    loader l = {.file = data, .file_size = size, .err = err ? err : &local};
    urs_pickle object = {0}, keys = {0};
    uint8_t *stream = NULL;
    char name[NAME_MAX_BYTES] = "";
    const bool zip = size >= 4 && memcmp(data, "PK\3\4", 4) == 0;
    urs_status status = urs_weights_new(&l.weights, l.err);

    if (status == URS_OK)
        status = zip ? read_zip_object(&l, &object, &stream) : open_raw(&l, &object, &keys);
    if (status == URS_OK) {
        const urs_pickle_value *root = unwrap(object.root);
        l.strip = common_prefix(root);
        status = flatten(&l, name, 0, root, 0);
    }
    if (status == URS_OK && urs_weights_count(l.weights) == 0)
        status = urs_fail(l.err, URS_EFORMAT, "a PyTorch file without any tensor");
    if (status == URS_OK) {
        *out = l.weights;
        l.weights = NULL;
    }
    if (l.zip)
        zip_discard(l.zip);
    for (size_t i = 0; i < l.n_storages; i++)
        urs_free(l.storages[i].owned);
    urs_free(l.storages);
    urs_pickle_release(&object);
    urs_pickle_release(&keys);
    urs_free(stream);
    urs_weights_free(l.weights);
    return status;
}
