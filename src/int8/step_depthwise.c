/* DEPTHWISE_CONV_2D of multiplier 1, 16 channels at a time. The rows that the kernel sees stand in a ring, widened to int16 with the zero point taken off and with zeros where the picture
 * ends, so that the kernel needs no borders:
 *
 *      ring row   | before: zeros | input row iy, 16 channels a pixel | zeros |        slot iy % rows of the ring
 *      zero row   | zeros ....................................................|        for rows above and below the picture
 *
 * Where kernels want pairs (kernels.h), a row is widened beside the ring and then paired into it. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <string.h>

#define OUTPUTS 32 /* whose sums are made together */
#define KERNEL_ROWS_MAX 32

typedef struct layout {
    size_t pixels, row, ring_rows; /* pixels and int16 of a row; rows of the ring */
    int16_t *ring, *zeros;
    int16_t *plain; /* paired only: a row before it is paired, and a pair's reach of zeros */
    int32_t *sums;
    int8_t *narrow; /* pixels of a block of less than 16 channels, spread out to 16 */
} layout;

static size_t row_pixels(const urs_int8_step *s)
{
    const urs_int8_window *c = &s->columns;
    const size_t taps = s->kernels->paired ? (size_t)(c->kernel + 1) / 2 * 2 : (size_t)c->kernel;
    const size_t seen = (size_t)(c->out - 1) * (size_t)c->stride + (taps - 1) * (size_t)c->dilation + 1, held = (size_t)(c->before + c->in);
    return seen > held ? seen : held;
}

/* Bytes of scratch; with memory NULL nothing but those. */
static size_t lay_out(layout *l, const urs_int8_step *s, char *memory)
{
    size_t at = 0, ring, plain, sums;
    l->pixels = row_pixels(s);
    l->row = l->pixels * URS_INT8_LANES * (s->kernels->paired ? 2 : 1);
    l->ring_rows = (size_t)(s->rows.kernel - 1) * (size_t)s->rows.dilation + 1;
    ring = at;
    at += urs_int8_round_up((l->ring_rows + 1) * l->row * sizeof(int16_t), URS_INT8_ALIGN);
    plain = at;
    at += s->kernels->paired ? urs_int8_round_up((l->pixels + (size_t)s->columns.dilation) * URS_INT8_LANES * sizeof(int16_t), URS_INT8_ALIGN) : 0;
    sums = at;
    at += OUTPUTS * URS_INT8_LANES * sizeof(int32_t);
    if (memory) {
        l->ring = (int16_t *)(void *)(memory + ring);
        l->zeros = l->ring + l->ring_rows * l->row;
        l->plain = (int16_t *)(void *)(memory + plain);
        l->sums = (int32_t *)(void *)(memory + sums);
        l->narrow = (int8_t *)(memory + at);
    }
    return at + (size_t)s->columns.in * URS_INT8_LANES;
}

static void load_row(const layout *l, const urs_int8_step *s, const int8_t *x, int32_t iy, size_t first, size_t n, int32_t zero)
{
    int16_t *slot = l->ring + (size_t)iy % l->ring_rows * l->row, *out = (s->kernels->paired ? l->plain : slot) + (size_t)s->columns.before * URS_INT8_LANES;
    const size_t width = (size_t)s->columns.in;
    const int8_t *from = x + (size_t)iy * width * s->channels + first;
    if (n == URS_INT8_LANES) {
        s->kernels->widen(out, from, s->channels, width, zero);
    } else {
        for (size_t i = 0; i < width; i++)
            memcpy(l->narrow + i * URS_INT8_LANES, from + i * s->channels, n);
        s->kernels->widen(out, l->narrow, URS_INT8_LANES, width, zero);
    }
    if (s->kernels->paired)
        s->kernels->pair(slot, l->plain, l->pixels, (size_t)s->columns.dilation);
}

static void run_block(const layout *l, const urs_int8_step *s, int8_t *y, const int8_t *x, size_t first, int32_t zero)
{
    const size_t n = s->channels - first < URS_INT8_LANES ? s->channels - first : URS_INT8_LANES, width = (size_t)s->columns.out;
    const int16_t *weights = (const int16_t *)s->weights + first * s->depth, *rows[KERNEL_ROWS_MAX];
    const urs_int8_taps taps = {s->rows.kernel, s->columns.kernel, (size_t)s->columns.stride, (size_t)s->columns.dilation};
    int32_t loaded = 0;
    for (int32_t oy = 0; oy < s->rows.out; oy++) {
        const int32_t top = oy * s->rows.stride - s->rows.before, last = top + (int32_t)l->ring_rows - 1;
        for (; loaded <= last && loaded < s->rows.in; loaded++)
            load_row(l, s, x, loaded, first, n, zero);
        for (int32_t ky = 0; ky < s->rows.kernel; ky++) {
            const int32_t iy = top + ky * s->rows.dilation;
            rows[ky] = iy < 0 || iy >= s->rows.in ? l->zeros : l->ring + (size_t)iy % l->ring_rows * l->row;
        }
        for (size_t ox = 0; ox < width; ox += OUTPUTS) {
            const size_t count = width - ox < OUTPUTS ? width - ox : OUTPUTS, shift = ox * (size_t)s->columns.stride * (l->row / l->pixels);
            const int16_t *shifted[KERNEL_ROWS_MAX];
            for (int32_t ky = 0; ky < s->rows.kernel; ky++)
                shifted[ky] = rows[ky] + shift;
            s->kernels->depthwise(l->sums, shifted, weights, s->numbers + first, &taps, count);
            s->kernels->requantise(y + ((size_t)oy * width + ox) * s->channels + first, s->channels, l->sums, count, first, n, &s->rescale);
        }
    }
}

static void run(const urs_int8_step *s, const urs_int8_frame *f)
{
    const int8_t *x = urs_int8_frame_read(f, s->op->in[0]);
    int8_t *y = urs_int8_frame_write(f, s->out);
    const size_t all = (size_t)s->rows.out * (size_t)s->columns.out * s->channels;
    layout l;
    (void)lay_out(&l, s, f->scratch);
    memset(f->scratch, 0, (size_t)((char *)l.sums - f->scratch)); /* borders and the row of zeros stay so */
    for (size_t first = 0; first < s->channels; first += URS_INT8_LANES)
        run_block(&l, s, y, x, first, f->plan->graph->tensors[s->op->in[0]].quant.zero_point);
    if (s->mapped)
        s->kernels->map((uint8_t *)y, (uint8_t *)y, all, &s->table);
}

urs_status urs_int8_step_depthwise(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    const urs_int8_tensor *w;
    layout l;
    size_t bytes, across;
    *known = false;
    if (s->op->kind != URS_INT8_DEPTHWISE_CONV_2D)
        return URS_OK;
    w = urs_int8_input_of(g, s->op, 1);
    urs_int8_windows_of(&s->rows, &s->columns, g, s->op);
    if (w->shape.dim[3] != urs_int8_input_of(g, s->op, 0)->shape.dim[3] || s->rows.kernel > KERNEL_ROWS_MAX)
        return URS_OK;
    s->channels = (size_t)w->shape.dim[3];
    across = s->kernels->paired ? (size_t)(s->columns.kernel + 1) / 2 * 2 : (size_t)s->columns.kernel;
    s->depth = (size_t)s->rows.kernel * across;
    bytes = urs_int8_round_up(s->channels, URS_INT8_LANES) * s->depth * sizeof(int16_t);
    s->weights = urs_aligned_new(bytes);
    if (!s->weights)
        return urs_fail(err, URS_ENOMEM, "no memory to pack weights");
    s->owned_bytes += bytes;
    for (size_t c = 0; c < s->channels; c++)
        for (size_t k = 0; k < (size_t)(s->rows.kernel * s->columns.kernel); k++) {
            const size_t ky = k / (size_t)s->columns.kernel, kx = k % (size_t)s->columns.kernel, group = s->kernels->paired ? 2 : 1, tap = ky * across + kx;
            ((int16_t *)s->weights)[(c / URS_INT8_LANES * s->depth + tap / group * group) * URS_INT8_LANES + c % URS_INT8_LANES * group + tap % group] =
                ((const int8_t *)w->data)[k * s->channels + c];
        }
    s->scratch_bytes = lay_out(&l, s, NULL);
    s->run = run;
    *known = true;
    return urs_int8_step_factors(s, g, s->channels, false, NULL, err);
}
