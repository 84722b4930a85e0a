/* Tables, ADD, SUB, MUL and MEAN. A sum of two int8 numbers is two tables of 256 terms and the same requantisation as a convolution's. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <string.h>

#define TERMS 256
#define CHUNK (URS_INT8_ROWS_MAX * URS_INT8_LANES)

/* ---- tables ---- */

static void run_map(const urs_int8_step *s, const urs_int8_frame *f)
{
    s->kernels->map(urs_int8_frame_write(f, s->out), urs_int8_frame_read(f, s->op->in[0]), urs_int8_shape_elements(f->plan->graph->tensors[s->out].shape), &s->table);
}

/* ---- two operands ---- */

static void requantise_chunk(const urs_int8_step *s, int8_t *y, const int32_t *sums, size_t n)
{
    const size_t rows = n / URS_INT8_LANES, rest = n % URS_INT8_LANES;
    if (rows)
        s->kernels->requantise(y, URS_INT8_LANES, sums, rows, 0, URS_INT8_LANES, &s->rescale);
    if (rest)
        s->kernels->requantise(y + rows * URS_INT8_LANES, URS_INT8_LANES, sums + rows * URS_INT8_LANES, 1, 0, rest, &s->rescale);
}

/* The terms stand by the operand's bits as uint8. */
static void add(int32_t *sums, const int8_t *a, const int8_t *b, size_t a_step, size_t b_step, size_t n, const int32_t *terms)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = terms[(uint8_t)a[i * a_step]] + terms[TERMS + (uint8_t)b[i * b_step]];
}

/* Sums of n numbers of one repetition. */
static void combine(int32_t *sums, const urs_int8_step *s, const int8_t *a, const int8_t *b, size_t n)
{
    const urs_int8_binary *r = &s->binary;
    if (!r->product)
        add(sums, a, b, s->a_inner, s->b_inner, n, s->numbers + 3 * URS_INT8_LANES);
    else if (s->a_inner && s->b_inner)
        s->kernels->product(sums, a, b, n, r->zero_a, r->zero_b);
    else
        for (size_t i = 0; i < n; i++)
            sums[i] = (a[i * s->a_inner] - r->zero_a) * (b[i * s->b_inner] - r->zero_b);
}

static void run_binary(const urs_int8_step *s, const urs_int8_frame *f)
{
    const int8_t *a = urs_int8_frame_read(f, s->op->in[0]), *b = urs_int8_frame_read(f, s->op->in[1]);
    int8_t *y = urs_int8_frame_write(f, s->out);
    int32_t sums[CHUNK];
    size_t held = 0; /* sums that wait: short repetitions are requantised together */
    for (size_t o = 0; o < s->outer; o++, a += s->a_outer, b += s->b_outer)
        for (size_t i = 0; i < s->inner;) {
            const size_t room = CHUNK - held, n = s->inner - i < room ? s->inner - i : room;
            combine(sums + held, s, a + i * s->a_inner, b + i * s->b_inner, n);
            held += n;
            i += n;
            if (held == CHUNK) {
                requantise_chunk(s, y, sums, held);
                y += held;
                held = 0;
            }
        }
    requantise_chunk(s, y, sums, held);
}

/* Strides of an operand beside an output of outer * inner numbers; false: another pattern of repeating. */
static bool strides(size_t *outer_step, size_t *inner_step, size_t elements, size_t outer, size_t inner)
{
    *outer_step = elements == outer * inner && outer > 1 ? inner : 0;
    *inner_step = elements == 1 ? 0 : 1;
    return elements == outer * inner || elements == inner || elements == 1;
}

static urs_status prepare_binary(bool *known, urs_int8_step *s, const urs_int8_graph *g, urs_error *err)
{
    const urs_int8_shape a = urs_int8_input_of(g, s->op, 0)->shape, b = urs_int8_input_of(g, s->op, 1)->shape, out = urs_int8_output_of(g, s->op, 0)->shape;
    const size_t all = urs_int8_shape_elements(out), na = urs_int8_shape_elements(a), nb = urs_int8_shape_elements(b), channels = out.rank ? (size_t)out.dim[out.rank - 1] : 1;
    const size_t less = na < nb ? na : nb;
    const urs_int8_shape *narrow = na < nb ? &a : &b;
    int32_t *numbers;
    s->inner = less == all || less == 1 ? all : channels;
    s->outer = all / s->inner;
    if (less != all && less != 1 && (less != channels || narrow->dim[narrow->rank - 1] != out.dim[out.rank - 1])) /* repeats along another axis than the last */
        return URS_OK;
    if (!strides(&s->a_outer, &s->a_inner, na, s->outer, s->inner) || !strides(&s->b_outer, &s->b_inner, nb, s->outer, s->inner))
        return URS_OK;
    s->binary = urs_int8_binary_of(g, s->op);
    numbers = urs_aligned_new((3 * URS_INT8_LANES + 2 * TERMS) * sizeof *numbers);
    if (!numbers)
        return urs_fail(err, URS_ENOMEM, "no memory for the terms of %s", urs_int8_kind_name(s->op->kind));
    for (size_t l = 0; l < URS_INT8_LANES; l++) {
        numbers[l] = s->binary.out.q;
        numbers[URS_INT8_LANES + l] = s->binary.out.e > 0 ? s->binary.out.e : 0;
        numbers[2 * URS_INT8_LANES + l] = s->binary.out.e > 0 ? 0 : -s->binary.out.e;
    }
    for (int32_t i = 0; i < TERMS && !s->binary.product; i++) {
        const int32_t term = urs_int8_binary_term(&s->binary, (int8_t)i, s->binary.zero_b, s->binary.b);
        numbers[3 * URS_INT8_LANES + i] = urs_int8_binary_term(&s->binary, (int8_t)i, s->binary.zero_a, s->binary.a);
        numbers[3 * URS_INT8_LANES + TERMS + i] = s->binary.minus ? -term : term;
    }
    s->numbers = numbers;
    s->owned_bytes += (3 * URS_INT8_LANES + 2 * TERMS) * sizeof *numbers;
    /* Terms are below 2^28 and products below 2^16. */
    s->rescale = (urs_int8_rescale){.q = numbers, .left = numbers + URS_INT8_LANES, .right = numbers + 2 * URS_INT8_LANES, .zero_point = s->binary.zero_out,
                                    .low = s->binary.range.low, .high = s->binary.range.high, .calm = s->binary.out.e <= 0 && s->binary.out.e >= -30};
    s->run = run_binary;
    *known = true;
    return URS_OK;
}

/* ---- MEAN ---- */

static void run_mean(const urs_int8_step *s, const urs_int8_frame *f)
{
    const int8_t *x = urs_int8_frame_read(f, s->op->in[0]);
    int8_t *y = urs_int8_frame_write(f, s->out);
    int32_t *sums = (int32_t *)(void *)f->scratch;
    memset(sums, 0, s->channels * sizeof *sums);
    s->kernels->total(sums, x, s->depth, s->channels);
    for (size_t c = 0; c < s->channels; c++)
        y[c] = urs_int8_mean_one(&s->mean, sums[c]);
}

urs_status urs_int8_step_elements(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    const urs_int8_shape x = urs_int8_input_of(g, s->op, 0)->shape;
    *known = false;
    if (s->op->kind == URS_INT8_ADD || s->op->kind == URS_INT8_SUB || s->op->kind == URS_INT8_MUL)
        return prepare_binary(known, s, g, err);
    if (s->op->kind == URS_INT8_MEAN) {
        s->mean = urs_int8_mean_of(g, s->op, plan->arithmetic);
        s->channels = (size_t)x.dim[3];
        s->depth = (size_t)x.dim[1] * (size_t)x.dim[2];
        s->scratch_bytes = s->channels * sizeof(int32_t);
        s->run = run_mean;
        *known = true;
    } else if (urs_int8_table_of(&s->table, g, s->op)) {
        s->run = run_map;
        *known = true;
    }
    return URS_OK;
}
