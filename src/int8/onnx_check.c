/* Checking the bytes of an ONNX model; see onnx_model.h. Only what a structural mistake of a writer or a damaged file would show: shapes of results are ONNX Runtime's to infer. */
#include "int8/onnx_model.h"

#include "base/memory.h"
#include "base/reader.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX (1 << 20)

static const char *const operators[] = {"Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "ConvTranspose", "DequantizeLinear", "Div", "Erf", "Flatten", "Gemm", "GlobalAveragePool",
                                        "HardSigmoid", "HardSwish", "Identity", "LayerNormalization", "LeakyRelu", "MatMul", "Max", "MaxPool", "Mul", "Pad", "QuantizeLinear", "ReduceL2", "Relu",
                                        "Reshape", "Resize", "Sigmoid", "Slice", "Softmax", "Split", "Sub", "Tanh", "Transpose"};

/* ---- fields -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct span {
    const uint8_t *data;
    size_t size;
} span;

typedef struct field {
    uint32_t number, wire;
    uint64_t value; /* varint */
    span bytes;
} field;

static uint64_t varint(urs_reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t b = urs_reader_u8(r);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    r->failed = true;
    return 0;
}

/* The next field; false at the end, or (r->failed) when it is broken. */
static bool next(field *f, urs_reader *r)
{
    uint64_t key;
    if (r->failed || urs_reader_left(r) == 0)
        return false;
    *f = (field){0};
    key = varint(r);
    f->number = (uint32_t)(key >> 3);
    f->wire = (uint32_t)(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff)
        r->failed = true;
    if (f->wire == 0) {
        f->value = varint(r);
    } else if (f->wire == 2) {
        const uint64_t n = varint(r);
        if (n > urs_reader_left(r))
            r->failed = true;
        else
            f->bytes = (span){urs_reader_take(r, (size_t)n), (size_t)n};
    } else if (f->wire == 5 || f->wire == 1) {
        f->bytes.size = f->wire == 5 ? 4 : 8;
        f->bytes.data = urs_reader_take(r, f->bytes.size);
    } else {
        r->failed = true;
    }
    return !r->failed;
}

static urs_reader inside(span s)
{
    return urs_reader_new(s.data, s.size);
}

static bool equal(span s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

/* ---- names --------------------------------------------------------------------------------------------------------------------------------- */

typedef struct name {
    span text;
    size_t at; /* 0: an input or a constant; else one more than the number of the node that writes it */
} name;

typedef struct job {
    name *written; /* owned */
    size_t count, capacity;
    urs_onnx_facts facts;
    int64_t ir, opset;
    bool graph;
    urs_error *err;
} job;

static int by_text(const void *pa, const void *pb)
{
    const name *a = pa, *b = pb;
    const size_t n = a->text.size < b->text.size ? a->text.size : b->text.size;
    const int order = n > 0 ? memcmp(a->text.data, b->text.data, n) : 0;
    return order ? order : (a->text.size > b->text.size) - (a->text.size < b->text.size);
}

static urs_status bad(const job *j, const char *what, span s)
{
    return urs_fail(j->err, URS_EFORMAT, "ONNX: '%.*s' %s", (int)(s.size < 100 ? s.size : 100), s.size ? (const char *)s.data : "", what);
}

static urs_status write_name(job *j, span text, size_t at)
{
    if (text.size == 0)
        return urs_fail(j->err, URS_EFORMAT, "ONNX: a tensor has no name");
    if (j->count == NAMES_MAX)
        return urs_fail(j->err, URS_ELIMIT, "ONNX: more than %d tensors", NAMES_MAX);
    if (!urs_array_reserve((void **)&j->written, &j->capacity, j->count, sizeof *j->written))
        return urs_fail(j->err, URS_ENOMEM, "no memory for names");
    j->written[j->count++] = (name){text, at};
    return URS_OK;
}

/* All names are known and sorted now. before: the number of the node that reads it. */
static urs_status read_name(const job *j, span text, size_t before)
{
    const name key = {.text = text}, *found = bsearch(&key, j->written, j->count, sizeof *j->written, by_text);
    return !found ? bad(j, "is read and never written", text) : found->at > before ? bad(j, "is read before it is written", text) : URS_OK;
}

/* ---- messages ------------------------------------------------------------------------------------------------------------------------------ */

static size_t element_size(uint64_t type)
{
    return type == URS_ONNX_FLOAT || type == URS_ONNX_INT32 ? 4 : type == URS_ONNX_INT8 ? 1 : type == URS_ONNX_INT64 ? 8 : 0;
}

static urs_status constant(job *j, span s)
{
    urs_reader r = inside(s), dims;
    field f;
    span text = {0}, raw = {0};
    uint64_t type = 0;
    size_t n = 1;
    int32_t rank = 0;
    while (next(&f, &r)) {
        if (f.number == 1 && f.wire == 2) {
            dims = inside(f.bytes);
            while (urs_reader_left(&dims) > 0 && !dims.failed) {
                const uint64_t d = varint(&dims);
                if (++rank > URS_ONNX_RANK_MAX || d > SIZE_MAX || !urs_mul_size(&n, n, (size_t)d))
                    return bad(j, "has a shape that cannot be", text);
            }
            r.failed |= dims.failed;
        }
        if (f.number == 2)
            type = f.value;
        if (f.number == 8)
            text = f.bytes;
        if (f.number == 9)
            raw = f.bytes;
    }
    if (r.failed || element_size(type) == 0)
        return bad(j, "is broken, or of another type than float, int8, int32 and int64", text);
    if (!urs_mul_size(&n, n, element_size(type)) || n != raw.size)
        return bad(j, "has not the bytes that its shape needs", text);
    j->facts.constants++;
    j->facts.constant_bytes += raw.size;
    return write_name(j, text, 0);
}

/* ValueInfoProto: a name and a float tensor with a shape. */
static urs_status value_info(job *j, span s, span *text)
{
    urs_reader r = inside(s);
    field f;
    bool typed = false;
    while (next(&f, &r)) {
        if (f.number == 1)
            *text = f.bytes;
        if (f.number == 2 && f.wire == 2) {
            urs_reader type = inside(f.bytes);
            field g;
            while (next(&g, &type))
                if (g.number == 1 && g.wire == 2) {
                    urs_reader tensor = inside(g.bytes);
                    field h;
                    while (next(&h, &tensor))
                        typed |= h.number == 1 && h.value == URS_ONNX_FLOAT;
                    type.failed |= tensor.failed;
                }
            r.failed |= type.failed;
        }
    }
    return r.failed || !typed ? bad(j, "is no float tensor", *text) : URS_OK;
}

static urs_status attribute(const job *j, span s)
{
    urs_reader r = inside(s);
    field f;
    bool named = false, typed = false;
    while (next(&f, &r)) {
        named |= f.number == 1 && f.bytes.size > 0;
        typed |= f.number == 20 && f.value >= 1 && f.value <= 14;
    }
    return r.failed || !named || !typed ? urs_fail(j->err, URS_EFORMAT, "ONNX: an attribute has no name or no type") : URS_OK;
}

/* First pass: what it writes, and whether we know it; second pass (names sorted): what it reads. */
static urs_status node(job *j, span s, size_t number, bool second)
{
    urs_reader r = inside(s);
    field f;
    bool known = false;
    size_t outputs = 0;
    urs_status status = URS_OK;
    while (status == URS_OK && next(&f, &r)) {
        if (f.number == 1 && second && f.bytes.size > 0)
            status = read_name(j, f.bytes, number);
        if (f.number == 2 && !second && ++outputs)
            status = write_name(j, f.bytes, number + 1);
        if (f.number == 5 && !second)
            status = attribute(j, f.bytes);
        if (f.number == 4 && !second) {
            for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
                known |= equal(f.bytes, operators[i]);
            j->facts.quantised += equal(f.bytes, "QuantizeLinear");
            if (!known)
                return urs_fail(j->err, URS_EUNSUPPORTED, "ONNX: no operator '%.*s' is known here", (int)(f.bytes.size < 60 ? f.bytes.size : 60), f.bytes.size ? (const char *)f.bytes.data : "");
        }
    }
    if (status == URS_OK && (r.failed || (!second && (!known || outputs == 0))))
        status = urs_fail(j->err, URS_EFORMAT, "ONNX: node %zu is broken", number);
    return status;
}

static urs_status graph_pass(job *j, span s, bool second)
{
    urs_reader r = inside(s);
    field f;
    size_t nodes = 0;
    urs_status status = URS_OK;
    while (status == URS_OK && next(&f, &r)) {
        span text = {0};
        if (f.number == 1)
            status = node(j, f.bytes, nodes++, second);
        else if (f.number == 5 && !second)
            status = constant(j, f.bytes);
        else if (f.number == 11 && !second && ++j->facts.inputs) {
            status = value_info(j, f.bytes, &text);
            if (status == URS_OK)
                status = write_name(j, text, 0);
        } else if (f.number == 12 && second && ++j->facts.outputs) {
            status = value_info(j, f.bytes, &text);
            if (status == URS_OK)
                status = read_name(j, text, SIZE_MAX);
        }
    }
    j->facts.nodes = nodes;
    return status == URS_OK && r.failed ? urs_fail(j->err, URS_EFORMAT, "ONNX: the graph is broken") : status;
}

static urs_status graph(job *j, span s)
{
    urs_status status = graph_pass(j, s, false);
    if (status != URS_OK)
        return status;
    if (j->count > 0)
        qsort(j->written, j->count, sizeof *j->written, by_text);
    for (size_t i = 1; i < j->count; i++)
        if (by_text(&j->written[i - 1], &j->written[i]) == 0)
            return bad(j, "is written twice", j->written[i].text);
    status = graph_pass(j, s, true);
    if (status == URS_OK && (j->facts.inputs == 0 || j->facts.outputs == 0))
        status = urs_fail(j->err, URS_EFORMAT, "ONNX: a graph without inputs or outputs");
    return status;
}

urs_status urs_onnx_check(urs_onnx_facts *facts, const void *data, size_t size, urs_error *err)
{
    job j = {.err = err};
    urs_reader r = urs_reader_new(data, size);
    field f;
    urs_status status = URS_OK;
    while (status == URS_OK && next(&f, &r)) {
        if (f.number == 1)
            j.ir = (int64_t)f.value;
        if (f.number == 8) {
            urs_reader opset = inside(f.bytes);
            field g;
            while (next(&g, &opset))
                j.opset = g.number == 2 ? (int64_t)g.value : j.opset;
            r.failed |= opset.failed;
        }
        if (f.number == 7 && f.wire == 2) {
            status = j.graph ? urs_fail(err, URS_EFORMAT, "ONNX: more than one graph") : graph(&j, f.bytes);
            j.graph = true;
        }
    }
    if (status == URS_OK && (r.failed || !j.graph))
        status = urs_fail(err, URS_EFORMAT, "ONNX: the file is broken, or no model");
    if (status == URS_OK && (j.ir != URS_ONNX_IR_VERSION || j.opset != URS_ONNX_OPSET))
        status = urs_fail(err, URS_EUNSUPPORTED, "ONNX: IR version %lld and opset %lld instead of %d and %d", (long long)j.ir, (long long)j.opset, URS_ONNX_IR_VERSION, URS_ONNX_OPSET);
    if (status == URS_OK && facts)
        *facts = j.facts;
    urs_free(j.written);
    return status;
}
