/* The restricted pickle machine; see pickle.h. Opcodes as in Python's pickletools; which names are understood is in pickle_torch.c.
 *
 *      stream   [opcode argument] [opcode argument] ... STOP
 *      stack    values, with MARK where a group begins; STOP takes the top one as the result
 *      memo     values by number, for what is referred to again */
#include "base/memory.h"
#include "base/reader.h"
#include "nn/pickle_private.h"

#include <string.h>

#define STREAM_LIMIT ((size_t)16 << 20)
#define VALUES_LIMIT ((size_t)1 << 20)

enum {
    OP_MARK = '(', OP_STOP = '.', OP_POP = '0', OP_POP_MARK = '1', OP_DUP = '2', OP_BINBYTES = 'B', OP_SHORT_BINBYTES = 'C', OP_BINFLOAT = 'G',
    OP_BININT = 'J', OP_BININT1 = 'K', OP_BININT2 = 'M', OP_NONE = 'N', OP_BINPERSID = 'Q', OP_REDUCE = 'R', OP_BINSTRING = 'T', OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X', OP_EMPTY_LIST = ']', OP_APPEND = 'a', OP_BUILD = 'b', OP_GLOBAL = 'c', OP_DICT = 'd', OP_APPENDS = 'e', OP_BINGET = 'h',
    OP_LONG_BINGET = 'j', OP_LIST = 'l', OP_BINPUT = 'q', OP_LONG_BINPUT = 'r', OP_SETITEM = 's', OP_TUPLE = 't', OP_SETITEMS = 'u', OP_EMPTY_DICT = '}',
    OP_EMPTY_TUPLE = ')', OP_PROTO = 0x80, OP_NEWOBJ = 0x81, OP_TUPLE1 = 0x85, OP_TUPLE2 = 0x86, OP_TUPLE3 = 0x87, OP_NEWTRUE = 0x88, OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a, OP_SHORT_BINUNICODE = 0x8c, OP_BINUNICODE8 = 0x8d, OP_STACK_GLOBAL = 0x93, OP_MEMOIZE = 0x94, OP_FRAME = 0x95
};

static urs_status fail(urs_pickle_machine *m, const char *what)
{
    return urs_fail(m->err, URS_EFORMAT, "the pickle is broken: %s", what);
}

static urs_status no_memory(urs_pickle_machine *m)
{
    return urs_fail(m->err, URS_ENOMEM, "no memory for the pickle");
}

urs_pickle_value *urs_pickle_new(urs_pickle_machine *m, urs_pickle_kind kind)
{
    urs_pickle_value *v;
    if (m->n_values >= VALUES_LIMIT) {
        (void)urs_fail(m->err, URS_ELIMIT, "the pickle has more than %zu values", VALUES_LIMIT);
        return NULL;
    }
    v = urs_array_new(1, sizeof *v);
    if (!v) {
        (void)no_memory(m);
        return NULL;
    }
    v->kind = kind;
    v->next = m->all;
    m->all = v;
    m->n_values++;
    return v;
}

urs_status urs_pickle_append(urs_pickle_machine *m, urs_pickle_value *list, urs_pickle_value *item)
{
    if (!urs_array_reserve((void **)&list->as.list.items, &list->as.list.capacity, list->as.list.count, sizeof *list->as.list.items))
        return no_memory(m);
    list->as.list.items[list->as.list.count++] = item;
    return URS_OK;
}

/* The stack holds NULL for MARK, so no value can be mistaken for one. */
static urs_status push(urs_pickle_machine *m, urs_pickle_value *v)
{
    if (!urs_array_reserve((void **)&m->stack, &m->stack_capacity, m->depth, sizeof *m->stack))
        return no_memory(m);
    m->stack[m->depth++] = v;
    return URS_OK;
}

/* A new value on top of the stack; NULL on failure. */
static urs_pickle_value *push_new(urs_pickle_machine *m, urs_pickle_kind kind)
{
    urs_pickle_value *v = urs_pickle_new(m, kind);
    return v && push(m, v) == URS_OK ? v : NULL;
}

/* NULL: stack empty or a MARK on top. */
static urs_pickle_value *top(const urs_pickle_machine *m)
{
    return m->depth ? m->stack[m->depth - 1] : NULL;
}

static urs_pickle_value *pop(urs_pickle_machine *m)
{
    urs_pickle_value *v = top(m);
    if (v)
        m->depth--;
    return v;
}

/* Position behind the topmost MARK; false: there is none. */
static bool find_mark(const urs_pickle_machine *m, size_t *out)
{
    for (size_t i = m->depth; i > 0; i--) {
        if (!m->stack[i - 1]) {
            *out = i;
            return true;
        }
    }
    return false;
}

static urs_status push_integer(urs_pickle_machine *m, int64_t x)
{
    urs_pickle_value *v = push_new(m, URS_PICKLE_INT);
    if (!v)
        return m->err ? m->err->code : URS_ENOMEM;
    v->as.integer = x;
    return URS_OK;
}

static urs_status push_bool(urs_pickle_machine *m, bool x)
{
    urs_pickle_value *v = push_new(m, URS_PICKLE_BOOL);
    if (!v)
        return m->err ? m->err->code : URS_ENOMEM;
    v->as.boolean = x;
    return URS_OK;
}

static urs_status push_text(urs_pickle_machine *m, urs_reader *r, uint64_t size)
{
    const char *data = size <= SIZE_MAX ? (const char *)urs_reader_take(r, (size_t)size) : NULL;
    urs_pickle_value *v;
    if (!data)
        return fail(m, "it ends inside a string");
    v = push_new(m, URS_PICKLE_TEXT);
    if (!v)
        return m->err ? m->err->code : URS_ENOMEM;
    v->as.text.data = data;
    v->as.text.size = (size_t)size;
    return URS_OK;
}

static urs_status push_float(urs_pickle_machine *m, urs_reader *r)
{
    const uint8_t *p = urs_reader_take(r, 8);
    urs_pickle_value *v = p ? push_new(m, URS_PICKLE_FLOAT) : NULL;
    uint64_t bits = 0;
    if (!p)
        return fail(m, "it ends inside a number");
    if (!v)
        return m->err ? m->err->code : URS_ENOMEM;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | p[i]; /* big-endian, unlike everything else */
    memcpy(&v->as.real, &bits, sizeof bits);
    return URS_OK;
}

static urs_status push_long(urs_pickle_machine *m, urs_reader *r)
{
    const size_t n = urs_reader_u8(r);
    const uint8_t *p = urs_reader_take(r, n);
    uint64_t x = 0;
    if (!p)
        return fail(m, "it ends inside a number");
    if (n > 8)
        return urs_fail(m->err, URS_EUNSUPPORTED, "the pickle holds an integer of more than 64 bits");
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    if (n > 0 && n < 8 && p[n - 1] & 0x80)
        x |= UINT64_MAX << (8 * n);
    return push_integer(m, (int64_t)x);
}

/* Takes everything above position `from` into a new TUPLE or LIST or DICT, dropping `drop` elements below (the MARK). */
static urs_status collect(urs_pickle_machine *m, urs_pickle_kind kind, size_t from, size_t drop)
{
    urs_pickle_value *v = urs_pickle_new(m, kind);
    if (!v)
        return m->err ? m->err->code : URS_ENOMEM;
    for (size_t i = from; i < m->depth; i++) {
        if (!m->stack[i])
            return fail(m, "a mark inside a tuple");
        if (urs_pickle_append(m, v, m->stack[i]) != URS_OK)
            return URS_ENOMEM;
    }
    m->depth = from - drop;
    return push(m, v);
}

static urs_status collect_marked(urs_pickle_machine *m, urs_pickle_kind kind)
{
    size_t from;
    if (!find_mark(m, &from))
        return fail(m, "a group without its mark");
    if (kind == URS_PICKLE_DICT && (m->depth - from) % 2)
        return fail(m, "a dictionary with a key without a value");
    return collect(m, kind, from, 1);
}

/* Moves what stands above position `from` into the container below (and the MARK, if there is one). */
static urs_status extend(urs_pickle_machine *m, urs_pickle_kind kind, size_t from, size_t drop)
{
    urs_pickle_value *container = from > drop ? m->stack[from - drop - 1] : NULL;
    if (!container || container->kind != kind)
        return fail(m, kind == URS_PICKLE_DICT ? "items for something that is not a dictionary" : "items for something that is not a list");
    if (kind == URS_PICKLE_DICT && (m->depth - from) % 2)
        return fail(m, "a dictionary with a key without a value");
    for (size_t i = from; i < m->depth; i++)
        if (urs_pickle_append(m, container, m->stack[i]) != URS_OK)
            return URS_ENOMEM;
    m->depth = from - drop;
    return URS_OK;
}

static urs_status extend_marked(urs_pickle_machine *m, urs_pickle_kind kind)
{
    size_t from;
    if (!find_mark(m, &from))
        return fail(m, "a group without its mark");
    return extend(m, kind, from, 1);
}

static urs_status extend_top(urs_pickle_machine *m, urs_pickle_kind kind, size_t n)
{
    if (m->depth < n + 1)
        return fail(m, "the stack is empty");
    for (size_t i = m->depth - n - 1; i < m->depth; i++)
        if (!m->stack[i])
            return fail(m, "a mark where a value should be");
    return extend(m, kind, m->depth - n, 0);
}

static urs_status tuple_of(urs_pickle_machine *m, size_t n)
{
    if (m->depth < n)
        return fail(m, "the stack is empty");
    return collect(m, URS_PICKLE_TUPLE, m->depth - n, 0);
}

static urs_status memo_put(urs_pickle_machine *m, size_t index, size_t stream_size)
{
    urs_pickle_value *v = top(m);
    if (!v || index >= stream_size) /* each entry takes at least a byte of the stream */
        return fail(m, "a reference number that cannot be");
    while (m->n_memo <= index) {
        if (!urs_array_reserve((void **)&m->memo, &m->memo_capacity, m->n_memo, sizeof *m->memo))
            return no_memory(m);
        m->memo[m->n_memo++] = NULL;
    }
    m->memo[index] = v;
    return URS_OK;
}

static urs_status memo_get(urs_pickle_machine *m, size_t index)
{
    if (index >= m->n_memo || !m->memo[index])
        return fail(m, "a reference to something that was never stored");
    return push(m, m->memo[index]);
}

/* GLOBAL: "module\nname\n". */
static urs_status global(urs_pickle_machine *m, urs_reader *r)
{
    const char *part[2];
    size_t size[2];
    urs_pickle_value *v = NULL;
    urs_status status;
    for (int i = 0; i < 2; i++) {
        const uint8_t *start = r->data + r->at, *end = memchr(start, '\n', r->size - r->at);
        if (!end)
            return fail(m, "it ends inside a name");
        part[i] = (const char *)start;
        size[i] = (size_t)(end - start);
        r->at += size[i] + 1;
    }
    status = urs_pickle_name(m, &v, part[0], size[0], part[1], size[1]);
    return status == URS_OK ? push(m, v) : status;
}

static urs_status stack_global(urs_pickle_machine *m)
{
    const urs_pickle_value *name = pop(m), *module = name ? pop(m) : NULL;
    urs_pickle_value *v = NULL;
    urs_status status;
    if (!module || module->kind != URS_PICKLE_TEXT || name->kind != URS_PICKLE_TEXT)
        return fail(m, "a name that is not a string");
    status = urs_pickle_name(m, &v, module->as.text.data, module->as.text.size, name->as.text.data, name->as.text.size);
    return status == URS_OK ? push(m, v) : status;
}

static urs_status reduce(urs_pickle_machine *m)
{
    urs_pickle_value *args = pop(m), *callable = args ? pop(m) : NULL, *v = NULL;
    urs_status status;
    if (!callable || args->kind != URS_PICKLE_TUPLE)
        return fail(m, "a construction without its arguments");
    status = urs_pickle_reduce(m, &v, callable, args);
    return status == URS_OK ? push(m, v) : status;
}

/* BUILD sets attributes; an OrderedDict carries `_metadata` so, which we do not need. */
static urs_status build(urs_pickle_machine *m)
{
    const urs_pickle_value *state = pop(m), *object = state ? top(m) : NULL;
    if (!object)
        return fail(m, "the stack is empty");
    if (object->kind != URS_PICKLE_DICT && object->kind != URS_PICKLE_TENSOR)
        return urs_fail(m->err, URS_EUNSUPPORTED, "the pickle holds an object with attributes, which is not read");
    return URS_OK;
}

static urs_status persistent(urs_pickle_machine *m)
{
    const urs_pickle_value *id = pop(m);
    urs_pickle_value *v = NULL;
    urs_status status;
    if (!id)
        return fail(m, "the stack is empty");
    status = urs_pickle_persistent(m, &v, id);
    return status == URS_OK ? push(m, v) : status;
}

static urs_status pop_mark(urs_pickle_machine *m)
{
    size_t from;
    if (!find_mark(m, &from))
        return fail(m, "a group without its mark");
    m->depth = from - 1;
    return URS_OK;
}

static urs_status push_simple(urs_pickle_machine *m, urs_pickle_kind kind)
{
    if (!push_new(m, kind))
        return m->err ? m->err->code : URS_ENOMEM;
    return URS_OK;
}

static urs_status step(urs_pickle_machine *m, urs_reader *r, uint8_t op)
{
    switch (op) {
    case OP_PROTO: {
        const uint8_t version = urs_reader_u8(r);
        return version >= 2 && version <= 5 ? URS_OK : urs_fail(m->err, URS_EUNSUPPORTED, "pickle protocol %d is not read", version);
    }
    case OP_FRAME:
        (void)urs_reader_u64(r);
        return URS_OK;
    case OP_MARK:
        return push(m, NULL);
    case OP_POP:
        if (!m->depth)
            return fail(m, "the stack is empty");
        m->depth--;
        return URS_OK;
    case OP_POP_MARK:
        return pop_mark(m);
    case OP_DUP:
        return top(m) ? push(m, top(m)) : fail(m, "the stack is empty");
    case OP_NONE:
        return push_simple(m, URS_PICKLE_NONE);
    case OP_NEWTRUE:
        return push_bool(m, true);
    case OP_NEWFALSE:
        return push_bool(m, false);
    case OP_BININT:
        return push_integer(m, (int32_t)urs_reader_u32(r));
    case OP_BININT1:
        return push_integer(m, urs_reader_u8(r));
    case OP_BININT2:
        return push_integer(m, urs_reader_u16(r));
    case OP_LONG1:
        return push_long(m, r);
    case OP_BINFLOAT:
        return push_float(m, r);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINBYTES:
        return push_text(m, r, urs_reader_u8(r));
    case OP_BINUNICODE:
    case OP_BINSTRING:
    case OP_BINBYTES:
        return push_text(m, r, urs_reader_u32(r));
    case OP_BINUNICODE8:
        return push_text(m, r, urs_reader_u64(r));
    case OP_EMPTY_TUPLE:
        return push_simple(m, URS_PICKLE_TUPLE);
    case OP_EMPTY_LIST:
        return push_simple(m, URS_PICKLE_LIST);
    case OP_EMPTY_DICT:
        return push_simple(m, URS_PICKLE_DICT);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return tuple_of(m, (size_t)(op - OP_TUPLE1) + 1);
    case OP_TUPLE:
        return collect_marked(m, URS_PICKLE_TUPLE);
    case OP_LIST:
        return collect_marked(m, URS_PICKLE_LIST);
    case OP_DICT:
        return collect_marked(m, URS_PICKLE_DICT);
    case OP_APPEND:
        return extend_top(m, URS_PICKLE_LIST, 1);
    case OP_APPENDS:
        return extend_marked(m, URS_PICKLE_LIST);
    case OP_SETITEM:
        return extend_top(m, URS_PICKLE_DICT, 2);
    case OP_SETITEMS:
        return extend_marked(m, URS_PICKLE_DICT);
    case OP_BINPUT:
        return memo_put(m, urs_reader_u8(r), r->size);
    case OP_LONG_BINPUT:
        return memo_put(m, urs_reader_u32(r), r->size);
    case OP_MEMOIZE:
        return memo_put(m, m->n_memo, r->size);
    case OP_BINGET:
        return memo_get(m, urs_reader_u8(r));
    case OP_LONG_BINGET:
        return memo_get(m, urs_reader_u32(r));
    case OP_GLOBAL:
        return global(m, r);
    case OP_STACK_GLOBAL:
        return stack_global(m);
    case OP_REDUCE:
        return reduce(m);
    case OP_BUILD:
        return build(m);
    case OP_BINPERSID:
        return persistent(m);
    default:
        return urs_fail(m->err, URS_EUNSUPPORTED, "the pickle has the opcode 0x%02x, which files with nothing but tensors do not need", op);
    }
}

urs_status urs_pickle_read(urs_pickle *out, const void *data, size_t size, urs_error *err)
{
    urs_error local = {0};
    urs_pickle_machine m = {.err = err ? err : &local};
    urs_reader r = urs_reader_new(data, size < STREAM_LIMIT ? size : STREAM_LIMIT);
    urs_status status = URS_OK;

    for (;;) {
        const uint8_t op = urs_reader_u8(&r);
        if (!r.failed && op == OP_STOP)
            break;
        if (!r.failed)
            status = step(&m, &r, op);
        if (status == URS_OK && r.failed)
            status = r.size < size ? urs_fail(m.err, URS_ELIMIT, "the pickle is longer than %zu bytes", STREAM_LIMIT) : fail(&m, "it has no end");
        if (status != URS_OK)
            goto done;
    }
    if (!top(&m)) {
        status = fail(&m, "it has no result");
        goto done;
    }
    *out = (urs_pickle){.all = m.all, .root = top(&m), .consumed = r.at};
    m.all = NULL;
done:
    urs_free(m.stack);
    urs_free(m.memo);
    urs_pickle_release(&(urs_pickle){.all = m.all});
    return status;
}

void urs_pickle_release(urs_pickle *p)
{
    for (urs_pickle_value *v = p->all; v;) {
        urs_pickle_value *next = v->next;
        if (v->kind == URS_PICKLE_TUPLE || v->kind == URS_PICKLE_LIST || v->kind == URS_PICKLE_DICT)
            urs_free(v->as.list.items);
        urs_free(v);
        v = next;
    }
    *p = (urs_pickle){0};
}

bool urs_pickle_is_text(const urs_pickle_value *v, const char *s)
{
    return v->kind == URS_PICKLE_TEXT && v->as.text.size == strlen(s) && memcmp(v->as.text.data, s, v->as.text.size) == 0;
}
