#include "golden.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static urs_status read_tensor(urs_golden_tensor *t, urs_reader *r, const char *path, size_t index, urs_error *err)
{
    const uint16_t length = urs_reader_u16(r);
    const uint8_t *name = urs_reader_take(r, length);
    const uint8_t dtype = urs_reader_u8(r), rank = urs_reader_u8(r);
    if (r->failed || dtype > 2 || rank > 8)
        return urs_fail(err, URS_EFORMAT, "%s: tensor %zu is cut off or of an unknown type", path, index);
    t->name = urs_array_new((size_t)length + 1, 1);
    if (!t->name)
        return urs_fail(err, URS_ENOMEM, "%s: no memory for tensor %zu", path, index);
    memcpy(t->name, name, length);
    t->dtype = (urs_golden_dtype)dtype;
    t->rank = rank;
    t->count = 1;
    for (int i = 0; i < rank; i++) {
        t->dims[i] = (int64_t)urs_reader_u64(r);
        if (t->dims[i] < 0 || !urs_mul_size(&t->count, t->count, (size_t)t->dims[i]))
            return urs_fail(err, URS_EFORMAT, "%s: %s has impossible dims", path, t->name);
    }
    const size_t size = dtype == URS_GOLDEN_F32 ? 4 : 8;
    size_t bytes = 0;
    const uint8_t *data = urs_mul_size(&bytes, t->count, size) ? urs_reader_take(r, bytes) : NULL;
    if (!data && bytes > 0)
        return urs_fail(err, URS_EFORMAT, "%s: the data of %s is cut off", path, t->name);
    t->f64 = urs_array_new(t->count, sizeof *t->f64);
    t->f32 = dtype == URS_GOLDEN_I64 ? NULL : urs_array_new(t->count, sizeof *t->f32);
    t->i64 = dtype == URS_GOLDEN_I64 ? urs_array_new(t->count, sizeof *t->i64) : NULL;
    if (!t->f64 || (!t->f32 && !t->i64))
        return urs_fail(err, URS_ENOMEM, "%s: no memory for %s", path, t->name);
    for (size_t i = 0; i < t->count; i++) {
        if (dtype == URS_GOLDEN_F32) {
            memcpy(&t->f32[i], data + 4 * i, 4);
            t->f64[i] = (double)t->f32[i];
        } else if (dtype == URS_GOLDEN_F64) {
            memcpy(&t->f64[i], data + 8 * i, 8);
            t->f32[i] = (float)t->f64[i];
        } else {
            memcpy(&t->i64[i], data + 8 * i, 8);
            t->f64[i] = (double)t->i64[i];
        }
    }
    return URS_OK;
}

urs_status urs_golden_open(urs_golden **out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_golden *g = NULL;
    urs_status status = urs_file_read(&bytes, path, 0, err);
    if (status != URS_OK)
        goto done;
    urs_reader r = urs_reader_new(bytes.data, bytes.size);
    const uint8_t *magic = urs_reader_take(&r, 8);
    const uint32_t count = urs_reader_u32(&r);
    /* The smallest tensor takes 8 bytes, so a lying count is caught before it is believed. */
    if (r.failed || memcmp(magic, "URSGOLD1", 8) != 0 || count > bytes.size / 8) {
        status = urs_fail(err, URS_EFORMAT, "%s: not a golden file", path);
        goto done;
    }
    g = urs_array_new(1, sizeof *g);
    if (g)
        g->items = urs_array_new(count, sizeof *g->items);
    if (!g || !g->items) {
        status = urs_fail(err, URS_ENOMEM, "%s: no memory for %u tensors", path, count);
        goto done;
    }
    for (g->count = 0; g->count < count && status == URS_OK; g->count++)
        status = read_tensor(&g->items[g->count], &r, path, g->count, err);
    if (status == URS_OK && urs_reader_left(&r) != 0)
        status = urs_fail(err, URS_EFORMAT, "%s: %zu bytes follow the last tensor", path, urs_reader_left(&r));
done:
    urs_bytes_release(&bytes);
    if (status == URS_OK)
        *out = g;
    else
        urs_golden_close(g);
    return status;
}

void urs_golden_close(urs_golden *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->count; i++) {
        urs_free(g->items[i].name);
        urs_free(g->items[i].f64);
        urs_free(g->items[i].f32);
        urs_free(g->items[i].i64);
    }
    urs_free(g->items);
    urs_free(g);
}

const urs_golden_tensor *urs_golden_find(const urs_golden *g, const char *format, ...)
{
    char name[512];
    va_list list;
    va_start(list, format);
    vsnprintf(name, sizeof name, format, list);
    va_end(list);
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->items[i].name, name) == 0)
            return &g->items[i];
    return NULL;
}

static double value(const void *a, size_t i, int is_double)
{
    return is_double ? ((const double *)a)[i] : (double)((const float *)a)[i];
}

static double relative(const void *a, int is_double, const urs_golden_tensor *b, double floor)
{
    double worst = 0;
    for (size_t i = 0; i < b->count; i++) {
        const double e = fabs(value(a, i, is_double) - b->f64[i]) / fmax(fabs(b->f64[i]), floor);
        if (!(e <= worst))
            worst = isnan(e) ? (double)INFINITY : e;
    }
    return worst;
}

static double scaled(const void *a, int is_double, const urs_golden_tensor *b)
{
    double size = 0;
    for (size_t i = 0; i < b->count; i++)
        size = fmax(size, fabs(b->f64[i]));
    return relative(a, is_double, b, size > 0 ? size : 1);
}

double urs_golden_error_f32(const float *a, const urs_golden_tensor *b, double floor)
{
    return relative(a, 0, b, floor);
}

double urs_golden_error_f64(const double *a, const urs_golden_tensor *b, double floor)
{
    return relative(a, 1, b, floor);
}

double urs_golden_scaled_error_f32(const float *a, const urs_golden_tensor *b)
{
    return scaled(a, 0, b);
}

double urs_golden_scaled_error_f64(const double *a, const urs_golden_tensor *b)
{
    return scaled(a, 1, b);
}
