/* The names that torch.save writes for plain tensors and containers, and what they mean; see pickle.h. Everything else is refused by name. */
#include "nn/pickle_private.h"

#include "base/memory.h"

#include <string.h>

typedef enum meaning {
    MEANS_ORDERED_DICT,
    MEANS_TENSOR,    /* torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]) */
    MEANS_PARAMETER, /* torch._utils._rebuild_parameter(tensor, requires_grad, hooks) */
    MEANS_SIZE,      /* torch.Size((a, b, ...)) */
    MEANS_STORAGE    /* a type of storage: only inside persistent ids */
} meaning;

typedef struct known {
    const char *module, *name;
    meaning meaning;
    urs_weight_type type;
} known;

static const known table[] = {
    {"collections", "OrderedDict", MEANS_ORDERED_DICT, URS_WEIGHT_F32},
    {"torch._utils", "_rebuild_tensor_v2", MEANS_TENSOR, URS_WEIGHT_F32},
    {"torch._utils", "_rebuild_tensor", MEANS_TENSOR, URS_WEIGHT_F32},
    {"torch._utils", "_rebuild_parameter", MEANS_PARAMETER, URS_WEIGHT_F32},
    {"torch.nn.parameter", "Parameter", MEANS_PARAMETER, URS_WEIGHT_F32},
    {"torch", "Size", MEANS_SIZE, URS_WEIGHT_F32},
    {"torch", "FloatStorage", MEANS_STORAGE, URS_WEIGHT_F32},
    {"torch", "HalfStorage", MEANS_STORAGE, URS_WEIGHT_F16},
    {"torch", "BFloat16Storage", MEANS_STORAGE, URS_WEIGHT_BF16},
    {"torch", "DoubleStorage", MEANS_STORAGE, URS_WEIGHT_F64},
    {"torch", "LongStorage", MEANS_STORAGE, URS_WEIGHT_I64},
    {"torch", "IntStorage", MEANS_STORAGE, URS_WEIGHT_I32},
    {"torch", "ShortStorage", MEANS_STORAGE, URS_WEIGHT_I16},
    {"torch", "CharStorage", MEANS_STORAGE, URS_WEIGHT_I8},
    {"torch", "ByteStorage", MEANS_STORAGE, URS_WEIGHT_U8},
    {"torch", "BoolStorage", MEANS_STORAGE, URS_WEIGHT_BOOL},
};

static urs_status status_of(const urs_pickle_machine *m)
{
    return m->err->code != URS_OK ? m->err->code : URS_ENOMEM;
}

static bool equals(const char *s, const char *data, size_t size)
{
    return strlen(s) == size && memcmp(s, data, size) == 0;
}

static bool printable(const char *s, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (s[i] < 0x20 || s[i] > 0x7e)
            return false;
    return true;
}

urs_status urs_pickle_name(urs_pickle_machine *m, urs_pickle_value **out, const char *module, size_t module_size, const char *name, size_t name_size)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (equals(table[i].module, module, module_size) && equals(table[i].name, name, name_size)) {
            urs_pickle_value *v = urs_pickle_new(m, URS_PICKLE_NAME);
            if (!v)
                return status_of(m);
            v->as.name = (int)i;
            *out = v;
            return URS_OK;
        }
    }
    if (!printable(module, module_size) || !printable(name, name_size))
        return urs_fail(m->err, URS_EFORMAT, "the pickle is broken: a name with unprintable characters");
    return urs_fail(m->err, URS_EUNSUPPORTED,
                    "the pickle refers to '%.*s.%.*s'; only tensors in dictionaries, lists and tuples are read and nothing is ever executed (save the model's state_dict())",
                    (int)(module_size < 80 ? module_size : 80), module, (int)(name_size < 80 ? name_size : 80), name);
}

/* An integer >= 0 in item i of a tuple. */
static bool natural(const urs_pickle_value *tuple, size_t i, uint64_t *out)
{
    const urs_pickle_value *v = i < tuple->as.list.count ? tuple->as.list.items[i] : NULL;
    if (!v || v->kind != URS_PICKLE_INT || v->as.integer < 0)
        return false;
    *out = (uint64_t)v->as.integer;
    return true;
}

static urs_status tensor(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *args)
{
    const size_t n = args->as.list.count;
    urs_pickle_value *const *a = args->as.list.items;
    urs_pickle_value *v;
    uint64_t offset, last = 0, count = 1;

    if (n < 4 || a[0]->kind != URS_PICKLE_STORAGE || !natural(args, 1, &offset) || a[2]->kind != URS_PICKLE_TUPLE || a[3]->kind != URS_PICKLE_TUPLE ||
        a[2]->as.list.count != a[3]->as.list.count)
        return urs_fail(m->err, URS_EFORMAT, "the pickle describes a tensor in an unknown way");
    if (a[2]->as.list.count > URS_WEIGHTS_RANK_MAX)
        return urs_fail(m->err, URS_ELIMIT, "a tensor of the pickle has %zu dimensions; at most %d are accepted", a[2]->as.list.count, URS_WEIGHTS_RANK_MAX);
    v = urs_pickle_new(m, URS_PICKLE_TENSOR);
    if (!v)
        return status_of(m);
    v->as.tensor.storage = a[0];
    v->as.tensor.offset = offset;
    v->as.tensor.rank = (int32_t)a[2]->as.list.count;
    for (size_t i = 0; i < a[2]->as.list.count; i++) {
        uint64_t size, stride, span;
        if (!natural(a[2], i, &size) || !natural(a[3], i, &stride))
            return urs_fail(m->err, URS_EFORMAT, "a tensor of the pickle has a negative size or stride");
        if (__builtin_mul_overflow(count, size, &count) ||
            (size > 1 && (__builtin_mul_overflow(size - 1, stride, &span) || __builtin_add_overflow(last, span, &last))))
            return urs_fail(m->err, URS_ELIMIT, "a tensor of the pickle has more elements than fit");
        v->as.tensor.shape[i] = (int64_t)size;
        v->as.tensor.stride[i] = (int64_t)stride;
    }
    /* Within its storage, and (no broadcast views) not larger than it: so the memory needed follows from the size of the file. */
    if (count && (__builtin_add_overflow(last, offset, &last) || last >= a[0]->as.storage.count || count > a[0]->as.storage.count))
        return urs_fail(m->err, URS_EFORMAT, "a tensor of the pickle reaches beyond its storage of %llu elements", (unsigned long long)a[0]->as.storage.count);
    *out = v;
    return URS_OK;
}

/* OrderedDict() or OrderedDict([(key, value), ...]). */
static urs_status ordered_dict(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *args)
{
    const urs_pickle_value *pairs = args->as.list.count == 1 ? args->as.list.items[0] : NULL;
    urs_pickle_value *v;
    if (args->as.list.count > 1 || (pairs && pairs->kind != URS_PICKLE_LIST && pairs->kind != URS_PICKLE_TUPLE))
        return urs_fail(m->err, URS_EFORMAT, "the pickle builds an OrderedDict in an unknown way");
    v = urs_pickle_new(m, URS_PICKLE_DICT);
    if (!v)
        return status_of(m);
    for (size_t i = 0; pairs && i < pairs->as.list.count; i++) {
        const urs_pickle_value *pair = pairs->as.list.items[i];
        if ((pair->kind != URS_PICKLE_LIST && pair->kind != URS_PICKLE_TUPLE) || pair->as.list.count != 2)
            return urs_fail(m->err, URS_EFORMAT, "the pickle builds an OrderedDict in an unknown way");
        for (size_t k = 0; k < 2; k++)
            if (urs_pickle_append(m, v, pair->as.list.items[k]) != URS_OK)
                return status_of(m);
    }
    *out = v;
    return URS_OK;
}

urs_status urs_pickle_reduce(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *callable, urs_pickle_value *args)
{
    if (callable->kind != URS_PICKLE_NAME)
        return urs_fail(m->err, URS_EFORMAT, "the pickle is broken: it constructs from something that has no name");
    switch (table[callable->as.name].meaning) {
    case MEANS_ORDERED_DICT:
        return ordered_dict(m, out, args);
    case MEANS_TENSOR:
        return tensor(m, out, args);
    case MEANS_PARAMETER:
        if (args->as.list.count < 1 || args->as.list.items[0]->kind != URS_PICKLE_TENSOR)
            break;
        *out = args->as.list.items[0];
        return URS_OK;
    case MEANS_SIZE:
        if (args->as.list.count != 1 || args->as.list.items[0]->kind != URS_PICKLE_TUPLE)
            break;
        *out = args->as.list.items[0];
        return URS_OK;
    case MEANS_STORAGE:
        break;
    }
    return urs_fail(m->err, URS_EUNSUPPORTED, "the pickle constructs a '%s.%s' in a way that is not read", table[callable->as.name].module,
                    table[callable->as.name].name);
}

/* ("storage", torch.FloatStorage, "key", "cpu", elements[, view metadata of old files]) */
urs_status urs_pickle_persistent(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *id)
{
    const size_t n = id->kind == URS_PICKLE_TUPLE ? id->as.list.count : 0;
    urs_pickle_value *const *a = n ? id->as.list.items : NULL;
    urs_pickle_value *v;
    uint64_t count;

    if (n < 5 || !urs_pickle_is_text(a[0], "storage") || a[1]->kind != URS_PICKLE_NAME || table[a[1]->as.name].meaning != MEANS_STORAGE ||
        a[2]->kind != URS_PICKLE_TEXT || !natural(id, 4, &count))
        return urs_fail(m->err, URS_EFORMAT, "the pickle describes a storage in an unknown way");
    if (n > 5 && a[5]->kind != URS_PICKLE_NONE)
        return urs_fail(m->err, URS_EUNSUPPORTED, "the pickle has storages that are parts of others, which is not read");
    v = urs_pickle_new(m, URS_PICKLE_STORAGE);
    if (!v)
        return status_of(m);
    v->as.storage.type = table[a[1]->as.name].type;
    v->as.storage.key = a[2];
    v->as.storage.count = count;
    *out = v;
    return URS_OK;
}
