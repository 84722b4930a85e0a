/* MAX_POOL_2D, first along the rows, then down the columns, all channels of a pixel at once: the largest of the largest is the largest.
 *
 *      input row --windows along x--> ring of reduced rows [out width][channels], one for each input row that a window sees --windows along y--> output row */
#include "int8/engine_private.h"

#include <string.h>

static void larger(int8_t *out, const int8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = out[i] > x[i] ? out[i] : x[i];
}

static void reduce_row(const urs_int8_step *s, int8_t *out, const int8_t *x)
{
    for (int32_t ox = 0; ox < s->columns.out; ox++, out += s->channels) {
        int32_t begin, end;
        urs_int8_window_inside(&s->columns, ox, &begin, &end);
        memcpy(out, x + (size_t)begin * s->channels, s->channels);
        for (int32_t ix = begin + 1; ix < end; ix++)
            larger(out, x + (size_t)ix * s->channels, s->channels);
    }
}

static void run(const urs_int8_step *s, const urs_int8_frame *f)
{
    const int8_t *x = urs_int8_frame_read(f, s->op->in[0]);
    int8_t *y = urs_int8_frame_write(f, s->out), *ring = (int8_t *)f->scratch;
    const size_t line = (size_t)s->columns.out * s->channels, from = (size_t)s->columns.in * s->channels;
    int32_t reduced = 0;
    for (int32_t oy = 0; oy < s->rows.out; oy++, y += line) {
        int32_t begin, end;
        urs_int8_window_inside(&s->rows, oy, &begin, &end);
        for (reduced = reduced < begin ? begin : reduced; reduced < end; reduced++)
            reduce_row(s, ring + (size_t)(reduced % s->rows.kernel) * line, x + (size_t)reduced * from);
        memcpy(y, ring + (size_t)(begin % s->rows.kernel) * line, line);
        for (int32_t iy = begin + 1; iy < end; iy++)
            larger(y, ring + (size_t)(iy % s->rows.kernel) * line, line);
    }
}

/* Windows that see nothing, and clamps, are left to the oracle. */
static bool suits(const urs_int8_window *w)
{
    return w->dilation == 1 && w->before < w->kernel && (w->out - 1) * w->stride - w->before < w->in;
}

urs_status urs_int8_step_max_pool(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    (void)err;
    *known = false;
    if (s->op->kind != URS_INT8_MAX_POOL_2D || s->op->attr.activation != URS_INT8_ACT_NONE)
        return URS_OK;
    urs_int8_windows_of(&s->rows, &s->columns, g, s->op);
    if (!suits(&s->rows) || !suits(&s->columns))
        return URS_OK;
    s->channels = (size_t)urs_int8_input_of(g, s->op, 0)->shape.dim[3];
    s->scratch_bytes = (size_t)s->rows.kernel * (size_t)s->columns.out * s->channels;
    s->run = run;
    *known = true;
    return URS_OK;
}
