/* Groups and datasets of an HDF5 file; see hdf5.h. */
#include "nn/hdf5.h"

#include "base/memory.h"
#include "base/reader.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024
#define NAME_SIZE 256
#define DEPTH_MAX 32
#define STEPS_MAX 1000000u /* messages, nodes and members looked at: what refers to itself ends here */
#define TREE_LEVELS_MAX 16
#define NOWHERE UINT64_MAX

enum { MESSAGE_DATASPACE = 0x01, MESSAGE_DATATYPE = 0x03, MESSAGE_LAYOUT = 0x08, MESSAGE_ATTRIBUTE = 0x0C, MESSAGE_CONTINUATION = 0x10, MESSAGE_GROUP = 0x11 };

typedef struct visit {
    const uint8_t *data;
    size_t size;
    urs_status (*found)(void *context, const urs_hdf5_dataset *dataset, urs_error *err);
    void *context;
    size_t steps;
    urs_error *err;
} visit;

/* What the messages of an object say. */
typedef struct object {
    bool group, has_shape, has_layout, chunked, is_float;
    uint64_t tree, heap;            /* group */
    int32_t bits, rank;             /* dataset */
    int64_t shape[URS_HDF5_RANK_MAX];
    uint64_t at, bytes;             /* of its data */
    char name[NAME_SIZE];           /* attribute `name` */
} object;

static urs_status broken(const visit *v, const char *what, uint64_t at)
{
    return urs_fail(v->err, URS_EFORMAT, "HDF5: %s at byte %llu is broken or lies outside of the file", what, (unsigned long long)at);
}

static urs_status step(visit *v)
{
    return ++v->steps <= STEPS_MAX ? URS_OK : urs_fail(v->err, URS_ELIMIT, "HDF5: more than %u parts, or parts that contain themselves", STEPS_MAX);
}

/* n bytes at an address; NULL: not there. */
static const uint8_t *bytes_at(const visit *v, uint64_t at, uint64_t n)
{
    return at <= v->size && n <= v->size - at ? v->data + at : NULL;
}

static urs_reader reader_at(const visit *v, uint64_t at)
{
    urs_reader r = urs_reader_new(v->data, v->size);
    urs_reader_seek(&r, at <= v->size ? (size_t)at : v->size);
    return r;
}

static bool signature(urs_reader *r, const char *word)
{
    const uint8_t *p = urs_reader_take(r, 4);
    return p && memcmp(p, word, 4) == 0;
}

/* ---- messages ---- */

static urs_status read_shape(const visit *v, object *o, urs_reader r, uint64_t at)
{
    const uint8_t version = urs_reader_u8(&r), rank = urs_reader_u8(&r);
    (void)urs_reader_take(&r, version == 1 ? 6 : 2);
    if (r.failed || version < 1 || version > 2)
        return broken(v, "a dataspace", at);
    if (rank > URS_HDF5_RANK_MAX)
        return urs_fail(v->err, URS_EUNSUPPORTED, "HDF5: a dataset of %d dimensions, %d are the most", (int)rank, URS_HDF5_RANK_MAX);
    for (int32_t i = 0; i < rank; i++) {
        const uint64_t n = urs_reader_u64(&r);
        if (n > INT64_MAX)
            return broken(v, "a dimension", at);
        o->shape[i] = (int64_t)n;
    }
    o->rank = rank;
    o->has_shape = true;
    return r.failed ? broken(v, "a dataspace", at) : URS_OK;
}

/* Only little-endian IEEE floats count. */
static void read_type(object *o, urs_reader r)
{
    static const struct {
        uint32_t bytes;
        uint8_t exponent, mantissa;
    } kinds[] = {{2, 5, 10}, {4, 8, 23}, {8, 11, 52}};
    const uint8_t class = urs_reader_u8(&r) & 15, order = urs_reader_u8(&r);
    uint32_t bytes;
    uint8_t exponent, mantissa;
    (void)urs_reader_take(&r, 2);
    bytes = urs_reader_u32(&r);
    (void)urs_reader_take(&r, 5); /* bit offset, precision, where the exponent is */
    exponent = urs_reader_u8(&r);
    (void)urs_reader_u8(&r);
    mantissa = urs_reader_u8(&r);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (!r.failed && class == 1 && (order & 0x41) == 0 && bytes == kinds[k].bytes && exponent == kinds[k].exponent && mantissa == kinds[k].mantissa) {
            o->is_float = true;
            o->bits = (int32_t)bytes * 8;
        }
}

static urs_status read_layout(const visit *v, object *o, urs_reader r, uint64_t at)
{
    const uint8_t version = urs_reader_u8(&r), class = urs_reader_u8(&r);
    if (version != 3 || class > 2)
        return urs_fail(v->err, URS_EUNSUPPORTED, "HDF5: data laid out in a way (version %d, kind %d) that is not known here", (int)version, (int)class);
    o->chunked = class == 2;
    if (class == 0) {
        o->bytes = urs_reader_u16(&r);
        o->at = r.at; /* readers begin at the file's first byte */
    } else if (class == 1) {
        o->at = urs_reader_u64(&r);
        o->bytes = urs_reader_u64(&r);
    }
    o->has_layout = true;
    return r.failed ? broken(v, "a layout", at) : URS_OK;
}

static void copy_text(char *out, size_t room, const uint8_t *text, uint64_t n)
{
    size_t k = 0;
    for (; k + 1 < room && k < n && text[k]; k++)
        out[k] = (char)text[k];
    out[k] = '\0';
}

/* Object `index` of a global heap; NULL: not there. */
static const uint8_t *heap_object(visit *v, uint64_t at, uint32_t index, uint64_t *size)
{
    urs_reader r = reader_at(v, at);
    uint64_t end;
    if (!signature(&r, "GCOL"))
        return NULL;
    (void)urs_reader_take(&r, 4);
    end = urs_reader_u64(&r);
    if (r.failed || !bytes_at(v, at, end))
        return NULL;
    end += at;
    while (!r.failed && r.at + 16 <= end && ++v->steps <= STEPS_MAX) {
        const uint16_t number = urs_reader_u16(&r);
        const uint8_t *data;
        (void)urs_reader_take(&r, 6);
        *size = urs_reader_u64(&r);
        if (number == 0 || *size > end - r.at)
            return NULL;
        data = urs_reader_take(&r, (size_t)*size);
        if (number == index)
            return data;
        (void)urs_reader_take(&r, (size_t)(-*size & 7));
    }
    return NULL;
}

/* The attribute `name`; others, and texts that cannot be read, are passed over: a group without a name goes by that of its member. */
static void read_attribute(visit *v, object *o, urs_reader r)
{
    const uint8_t version = urs_reader_u8(&r);
    const size_t pad = version == 1 ? 7 : 0;
    size_t sizes[3];
    const uint8_t *name, *type;
    (void)urs_reader_u8(&r);
    for (int i = 0; i < 3; i++)
        sizes[i] = urs_reader_u16(&r);
    if (version == 3)
        (void)urs_reader_u8(&r); /* character set */
    name = urs_reader_take(&r, (sizes[0] + pad) & ~pad);
    type = urs_reader_take(&r, (sizes[1] + pad) & ~pad);
    (void)urs_reader_take(&r, (sizes[2] + pad) & ~pad);
    if (r.failed || version < 1 || version > 3 || sizes[0] != 5 || memcmp(name, "name", 5) != 0 || sizes[1] < 8)
        return;
    if ((type[0] & 15) == 9) { /* variable length: length, heap, index */
        const uint32_t length = urs_reader_u32(&r);
        const uint64_t heap = urs_reader_u64(&r);
        const uint32_t index = urs_reader_u32(&r);
        uint64_t size = 0;
        const uint8_t *text = r.failed ? NULL : heap_object(v, heap, index, &size);
        if (text)
            copy_text(o->name, sizeof o->name, text, size < length ? size : length);
    } else if ((type[0] & 15) == 3) { /* fixed length */
        const uint32_t length = (uint32_t)type[4] | (uint32_t)type[5] << 8 | (uint32_t)type[6] << 16 | (uint32_t)type[7] << 24;
        const uint8_t *text = urs_reader_take(&r, length);
        if (text)
            copy_text(o->name, sizeof o->name, text, length);
    }
}

static urs_status read_message(visit *v, object *o, uint16_t type, uint8_t flags, urs_reader r)
{
    const uint64_t at = r.at;
    if (type == MESSAGE_ATTRIBUTE && !(flags & 2))
        read_attribute(v, o, r);
    if (type != MESSAGE_DATASPACE && type != MESSAGE_DATATYPE && type != MESSAGE_LAYOUT && type != MESSAGE_GROUP)
        return URS_OK;
    if (flags & 2)
        return urs_fail(v->err, URS_EUNSUPPORTED, "HDF5: a part that several objects share, at byte %llu", (unsigned long long)at);
    if (type == MESSAGE_DATASPACE)
        return read_shape(v, o, r, at);
    if (type == MESSAGE_LAYOUT)
        return read_layout(v, o, r, at);
    if (type == MESSAGE_DATATYPE) {
        read_type(o, r);
        return URS_OK;
    }
    o->group = true;
    o->tree = urs_reader_u64(&r);
    o->heap = urs_reader_u64(&r);
    return r.failed ? broken(v, "a group", at) : URS_OK;
}

/* All messages of an object header, in all its blocks. */
static urs_status read_object(visit *v, object *o, uint64_t at)
{
    enum { BLOCKS_MAX = 64 };
    struct {
        uint64_t at, size;
    } block[BLOCKS_MAX];
    size_t blocks = 1;
    urs_reader r = reader_at(v, at);
    const uint8_t version = urs_reader_u8(&r);
    (void)urs_reader_take(&r, 7);
    memset(o, 0, sizeof *o);
    block[0].size = urs_reader_u32(&r);
    (void)urs_reader_u32(&r);
    block[0].at = r.at;
    if (r.failed)
        return broken(v, "an object", at);
    if (version != 1)
        return urs_fail(v->err, URS_EUNSUPPORTED, "HDF5: objects of a newer kind than h5py writes by default, at byte %llu", (unsigned long long)at);
    for (size_t b = 0; b < blocks; b++) {
        uint64_t end = block[b].at + block[b].size;
        if (!bytes_at(v, block[b].at, block[b].size))
            return broken(v, "an object", at);
        r = reader_at(v, block[b].at);
        while (r.at + 8 <= end) {
            const uint16_t type = urs_reader_u16(&r), size = urs_reader_u16(&r);
            const uint8_t flags = urs_reader_u8(&r);
            urs_reader body;
            urs_status status = step(v);
            (void)urs_reader_take(&r, 3);
            if (status != URS_OK)
                return status;
            if (size > end - r.at)
                return broken(v, "a message", r.at);
            body = urs_reader_new(v->data, r.at + size);
            urs_reader_seek(&body, r.at);
            (void)urs_reader_take(&r, size);
            if (type != MESSAGE_CONTINUATION) {
                status = read_message(v, o, type, flags, body);
                if (status != URS_OK)
                    return status;
                continue;
            }
            if (blocks == BLOCKS_MAX)
                return urs_fail(v->err, URS_ELIMIT, "HDF5: an object in more than %d pieces", BLOCKS_MAX);
            block[blocks].at = urs_reader_u64(&body);
            block[blocks].size = urs_reader_u64(&body);
            if (body.failed)
                return broken(v, "a continuation", body.at);
            blocks++;
        }
    }
    return URS_OK;
}

/* ---- groups ---- */

typedef struct place { /* where in the tree of groups we are */
    char path[PATH_SIZE];
    size_t length;
    int depth;
} place;

static urs_status visit_object(visit *v, place *p, uint64_t at, const char *group_name, int32_t members);

static urs_status give_dataset(visit *v, const place *p, const object *o, const char *group_name, int32_t members)
{
    urs_hdf5_dataset d = {.path = p->path, .group_name = group_name, .members = members, .bits = o->bits, .rank = o->rank};
    uint64_t bytes = (uint64_t)o->bits / 8;
    if (!o->is_float)
        return URS_OK;
    if (o->chunked)
        return urs_fail(v->err, URS_EUNSUPPORTED, "HDF5: '%.200s' is stored in chunks; Keras stores weights in one piece", p->path);
    for (int32_t i = 0; i < o->rank; i++) {
        if (o->shape[i] != 0 && bytes > v->size / (uint64_t)o->shape[i])
            return broken(v, "a dataset's size", o->at);
        bytes *= (uint64_t)o->shape[i];
        d.shape[i] = o->shape[i];
    }
    d.data = bytes == 0 ? v->data : o->at == NOWHERE || bytes != o->bytes ? NULL : bytes_at(v, o->at, bytes);
    if (!d.data)
        return broken(v, "a dataset", o->at);
    return v->found(v->context, &d, v->err);
}

/* A leaf: its members, or only how many there are. */
static urs_status visit_leaf(visit *v, place *p, uint64_t at, uint64_t names, uint64_t names_size, const char *group_name, int32_t *count, int32_t members)
{
    urs_reader r = reader_at(v, at);
    uint16_t n;
    if (!signature(&r, "SNOD"))
        return broken(v, "a list of members", at);
    (void)urs_reader_take(&r, 2);
    n = urs_reader_u16(&r);
    if (count) {
        *count += n;
        return r.failed ? broken(v, "a list of members", at) : URS_OK;
    }
    for (uint16_t i = 0; i < n; i++) {
        const uint64_t name = urs_reader_u64(&r), header = urs_reader_u64(&r);
        const size_t before = p->length;
        const uint8_t *text, *end;
        urs_status status = step(v);
        (void)urs_reader_take(&r, 24);
        if (status != URS_OK)
            return status;
        text = r.failed || name >= names_size ? NULL : bytes_at(v, names + name, names_size - name);
        end = text ? memchr(text, '\0', (size_t)(names_size - name)) : NULL;
        if (!end)
            return broken(v, "a member's name", at);
        if (p->length + (size_t)(end - text) + 2 > PATH_SIZE)
            return urs_fail(v->err, URS_ELIMIT, "HDF5: a path of more than %d bytes", PATH_SIZE);
        p->length += (size_t)snprintf(p->path + p->length, PATH_SIZE - p->length, "%s%s", before ? "/" : "", (const char *)text);
        status = visit_object(v, p, header, group_name, members);
        p->length = before;
        p->path[before] = '\0';
        if (status != URS_OK)
            return status;
    }
    return URS_OK;
}

static urs_status visit_tree(visit *v, place *p, uint64_t at, int level_most, uint64_t names, uint64_t names_size, const char *group_name, int32_t *count, int32_t members)
{
    urs_reader r = reader_at(v, at);
    uint8_t type, level;
    uint16_t n;
    urs_status status = step(v);
    if (status != URS_OK)
        return status;
    if (!signature(&r, "TREE"))
        return broken(v, "a group's tree", at);
    type = urs_reader_u8(&r);
    level = urs_reader_u8(&r);
    n = urs_reader_u16(&r);
    (void)urs_reader_take(&r, 24); /* siblings, first key */
    if (r.failed || type != 0 || level > level_most)
        return broken(v, "a group's tree", at);
    for (uint16_t i = 0; status == URS_OK && i < n; i++) {
        const uint64_t child = urs_reader_u64(&r);
        (void)urs_reader_u64(&r); /* key */
        if (r.failed)
            return broken(v, "a group's tree", at);
        status = level > 0 ? visit_tree(v, p, child, level - 1, names, names_size, group_name, count, members) : visit_leaf(v, p, child, names, names_size, group_name, count, members);
    }
    return status;
}

static urs_status visit_group(visit *v, place *p, const object *o)
{
    urs_reader r = reader_at(v, o->heap);
    uint64_t size, names;
    int32_t members = 0;
    urs_status status;
    if (!signature(&r, "HEAP"))
        return broken(v, "a group's heap", o->heap);
    (void)urs_reader_take(&r, 4);
    size = urs_reader_u64(&r);
    (void)urs_reader_u64(&r);
    names = urs_reader_u64(&r);
    if (r.failed || !bytes_at(v, names, size))
        return broken(v, "a group's heap", o->heap);
    if (p->depth == DEPTH_MAX)
        return urs_fail(v->err, URS_ELIMIT, "HDF5: groups deeper than %d", DEPTH_MAX);
    p->depth++;
    status = visit_tree(v, p, o->tree, TREE_LEVELS_MAX, names, size, o->name, &members, 0);
    if (status == URS_OK)
        status = visit_tree(v, p, o->tree, TREE_LEVELS_MAX, names, size, o->name, NULL, members);
    p->depth--;
    return status;
}

static urs_status visit_object(visit *v, place *p, uint64_t at, const char *group_name, int32_t members)
{
    object o;
    urs_status status = read_object(v, &o, at);
    if (status != URS_OK)
        return status;
    if (o.group)
        return visit_group(v, p, &o);
    return o.has_shape && o.has_layout ? give_dataset(v, p, &o, group_name, members) : URS_OK;
}

urs_status urs_hdf5_visit(const void *data, size_t size, urs_status (*found)(void *context, const urs_hdf5_dataset *dataset, urs_error *err), void *context, urs_error *err)
{
    static const uint8_t mark[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    urs_error local = {0};
    visit v = {.data = data, .size = size, .found = found, .context = context, .err = err ? err : &local};
    place p = {0};
    urs_reader r = urs_reader_new(data, size);
    const uint8_t *begin = urs_reader_take(&r, 16);
    uint64_t base, root;
    if (!begin || memcmp(begin, mark, sizeof mark) != 0)
        return urs_fail(v.err, URS_EFORMAT, "no HDF5 file");
    if (begin[8] > 1)
        return urs_fail(v.err, URS_EUNSUPPORTED, "HDF5: a file of a newer kind (superblock %d) than h5py writes by default", (int)begin[8]);
    if (begin[13] != 8 || begin[14] != 8)
        return urs_fail(v.err, URS_EUNSUPPORTED, "HDF5: addresses of %d and lengths of %d bytes; 8 are usual", (int)begin[13], (int)begin[14]);
    urs_reader_seek(&r, begin[8] == 1 ? 28 : 24);
    base = urs_reader_u64(&r);
    (void)urs_reader_take(&r, 24 + 8); /* free space, end, driver; name of the root */
    root = urs_reader_u64(&r);
    if (r.failed || base != 0)
        return broken(&v, "the superblock", 0);
    return visit_object(&v, &p, root, "", 0);
}
