/* CONV_2D and FULLY_CONNECTED as a product of matrices; layouts in kernels.h. */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Scratch of one thread: | panel: rows * depth' numbers | sums: rows * 16 int32 | windows: rows * depth' bytes | COPY bytes | */
typedef struct scratch {
    char *panel;
    int32_t *sums;
    int8_t *windows; /* of neighbouring pixels, one after the other */
} scratch;

#define COPY 16 /* bytes that are copied at once: the arena has as many behind its end */

size_t urs_int8_panel_stride(const urs_int8_step *s)
{
    return s->groups * (size_t)s->kernels->group * urs_int8_panel_bytes(s->kernels->panel);
}

static size_t panel_bytes(const urs_int8_step *s)
{
    return urs_int8_round_up(urs_int8_panel_stride(s) * (size_t)s->kernels->rows, URS_INT8_ALIGN);
}

static scratch parts(const urs_int8_step *s, char *memory)
{
    scratch p = {.panel = memory};
    p.sums = (int32_t *)(void *)(memory + panel_bytes(s));
    p.windows = (int8_t *)(p.sums + s->kernels->rows * URS_INT8_LANES);
    return p;
}

/* One row of a window that lies inside the picture. A little too much is copied: what follows overwrites it. */
static inline void copy_row(int8_t *out, const int8_t *x, size_t width)
{
    size_t i = 0;
    do {
        memcpy(out + i, x + i, COPY);
        i += COPY;
    } while (i < width);
}

/* What output (oy, ox) sees, in the order of the weights; the zero point outside the picture. */
static void gather_border(int8_t *out, const urs_int8_step *s, const int8_t *x, int32_t oy, int32_t ox, int32_t zero, size_t depth)
{
    const urs_int8_window *r = &s->rows, *c = &s->columns;
    for (int32_t ky = 0; ky < r->kernel; ky++)
        for (int32_t kx = 0; kx < c->kernel; kx++, out += depth) {
            const int32_t iy = oy * r->stride + ky * r->dilation - r->before, ix = ox * c->stride + kx * c->dilation - c->before;
            if (iy < 0 || iy >= r->in || ix < 0 || ix >= c->in)
                memset(out, zero, depth);
            else
                memcpy(out, x + ((size_t)iy * (size_t)c->in + (size_t)ix) * depth, depth);
        }
}

/* Windows of `rows` neighbouring pixels, `stride` bytes apart. */
static void gather(int8_t *out, size_t stride, const urs_int8_step *s, const int8_t *x, size_t first, size_t rows, int32_t zero, size_t depth)
{
    const urs_int8_window *r = &s->rows, *c = &s->columns;
    const size_t width = (size_t)c->kernel * depth, line = (size_t)c->in * depth, down = (size_t)r->dilation * line;
    int32_t oy = (int32_t)(first / (size_t)c->out), ox = (int32_t)(first % (size_t)c->out);
    for (; rows; rows--, out += stride) {
        const int32_t y0 = oy * r->stride - r->before, x0 = ox * c->stride - c->before;
        if (y0 >= 0 && y0 + (r->kernel - 1) * r->dilation < r->in && x0 >= 0 && x0 + c->kernel <= c->in && c->dilation == 1) {
            const int8_t *from = x + (size_t)y0 * line + (size_t)x0 * depth;
            for (int32_t ky = 0; ky < r->kernel; ky++, from += down)
                copy_row(out + (size_t)ky * width, from, width);
        } else {
            gather_border(out, s, x, oy, ox, zero, depth);
        }
        if (++ox == c->out) {
            ox = 0;
            oy++;
        }
    }
}

void urs_int8_panel_fill(const urs_int8_step *s, char *panel, const int8_t *x, size_t rows, int32_t zero)
{
    const size_t stride = urs_int8_panel_stride(s);
    if (s->depth % (size_t)s->kernels->group == 0) {
        s->kernels->fill(panel, x, rows * s->depth, zero);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        s->kernels->fill(panel + r * stride, x + r * s->depth, s->depth, zero);
}

static void fill_panel(const urs_int8_step *s, const scratch *p, const int8_t *x, size_t first, size_t rows, int32_t zero, size_t depth)
{
    const size_t row = s->groups * (size_t)s->kernels->group;
    if (s->contiguous) {
        urs_int8_panel_fill(s, p->panel, x + first * s->depth, rows, zero);
        return;
    }
    gather(p->windows, row, s, x, first, rows, zero, depth);
    s->kernels->fill(p->panel, p->windows, rows * row, zero);
}

static void run(const urs_int8_step *s, const urs_int8_frame *f)
{
    const urs_int8_tensor *in = &f->plan->graph->tensors[s->op->in[0]];
    const size_t pixels = s->contiguous ? urs_int8_shape_elements(in->shape) / s->depth : (size_t)s->rows.out * (size_t)s->columns.out;
    const size_t block = s->groups * (size_t)s->kernels->group * URS_INT8_LANES * urs_int8_panel_bytes(s->kernels->panel), most = (size_t)s->kernels->rows;
    const int8_t *x = urs_int8_frame_read(f, s->op->in[0]);
    int8_t *y = urs_int8_frame_write(f, s->out);
    const scratch p = parts(s, f->scratch);
    for (size_t first = 0; first < pixels; first += most) {
        const size_t rows = pixels - first < most ? pixels - first : most;
        fill_panel(s, &p, x, first, rows, in->quant.zero_point, (size_t)in->shape.dim[in->shape.rank - 1]);
        for (size_t c = 0; c < s->channels; c += URS_INT8_LANES) {
            s->kernels->tile(p.sums, p.panel, urs_int8_panel_stride(s), (const char *)s->weights + c / URS_INT8_LANES * block, s->groups, s->numbers + c, (int32_t)rows);
            s->kernels->requantise(y + first * s->channels + c, s->channels, p.sums, rows, c, s->channels - c < URS_INT8_LANES ? s->channels - c : URS_INT8_LANES, &s->rescale);
        }
        if (s->mapped)
            s->kernels->map((uint8_t *)y + first * s->channels, (uint8_t *)y + first * s->channels, rows * s->channels, &s->table);
    }
}

void urs_int8_pack(const urs_int8_step *s, void *to, const int8_t *w, size_t row)
{
    const size_t group = (size_t)s->kernels->group;
    for (size_t c = 0; c < s->channels; c++)
        for (size_t k = 0; k < s->depth; k++) {
            const size_t at = ((c / URS_INT8_LANES * s->groups + k / group) * URS_INT8_LANES + c % URS_INT8_LANES) * group + k % group;
            if (s->kernels->panel == URS_INT8_PANEL_S16)
                ((int16_t *)to)[at] = w[c * row + k];
            else
                ((int8_t *)to)[at] = w[c * row + k];
        }
}

int32_t urs_int8_panel_offset(const urs_int8_step *s, const int8_t *w, int32_t zero)
{
    const int32_t times = s->kernels->panel == URS_INT8_PANEL_S16 ? 0 : s->kernels->panel == URS_INT8_PANEL_U8 ? zero + 128 : zero;
    int64_t sum = 0;
    for (size_t k = 0; k < s->depth; k++)
        sum += w[k];
    return urs_int8_wrap(-sum * times);
}

static urs_status offsets(int32_t **out, const urs_int8_step *s, const int8_t *w, int32_t zero, urs_error *err)
{
    int32_t *offset = urs_array_new(s->channels, sizeof *offset);
    if (!offset)
        return urs_fail(err, URS_ENOMEM, "no memory to pack weights");
    for (size_t c = 0; c < s->channels; c++)
        offset[c] = urs_int8_panel_offset(s, w + c * s->depth, zero);
    *out = offset;
    return URS_OK;
}

/* The largest sum of products that weights of channel c can give: differences from the zero point are at most 255. */
static int64_t reach(const urs_int8_tensor *w, size_t c, size_t channels)
{
    const size_t depth = urs_int8_shape_elements(w->shape) / channels;
    const bool last = w->shape.rank == 4 && w->shape.dim[0] == 1 && (size_t)w->shape.dim[3] == channels; /* depthwise, or one channel: then both orders are the same */
    int64_t sum = 0;
    for (size_t k = 0; k < depth; k++)
        sum += llabs((int64_t)((const int8_t *)w->data)[last ? k * channels + c : c * depth + k]);
    return 255 * sum;
}

urs_status urs_int8_step_factors(urs_int8_step *s, const urs_int8_graph *g, size_t channels, bool up, const int32_t *offset, urs_error *err)
{
    const size_t padded = urs_int8_round_up(channels, URS_INT8_LANES);
    const urs_int8_tensor *w = urs_int8_input_of(g, s->op, 1);
    const urs_int8_quant in = urs_int8_input_of(g, s->op, 0)->quant, out = urs_int8_output_of(g, s->op, 0)->quant;
    const urs_int8_range range = urs_int8_range_of(s->op->attr.activation, out);
    const int32_t *bias = urs_int8_has_input(s->op, 2) ? urs_int8_input_of(g, s->op, 2)->data : NULL;
    int32_t *numbers = urs_aligned_new(4 * padded * sizeof *numbers);
    bool calm = true;
    if (!numbers)
        return urs_fail(err, URS_ENOMEM, "no memory for the factors of %s", urs_int8_kind_name(s->op->kind));
    for (size_t c = 0; c < channels; c++) {
        const int64_t largest = (bias ? llabs((int64_t)bias[c]) : 0) + reach(w, c, channels);
        const urs_int8_multiplier m = urs_int8_multiplier_of(urs_int8_weight_factor(in, w, (int32_t)c, out));
        numbers[c] = urs_int8_wrap((int64_t)(bias ? bias[c] : 0) + (offset ? offset[c] : 0));
        numbers[padded + c] = m.q;
        numbers[2 * padded + c] = m.e > 0 ? m.e : 0;
        numbers[3 * padded + c] = m.e > 0 ? 0 : -m.e;
        calm = calm && m.e <= 0 && m.e >= -30 && largest < (int64_t)1 << 30;
    }
    s->numbers = numbers;
    s->owned_bytes += 4 * padded * sizeof *numbers;
    s->rescale = (urs_int8_rescale){.q = numbers + padded, .left = numbers + 2 * padded, .right = numbers + 3 * padded, .zero_point = out.zero_point, .low = range.low, .high = range.high, .up = up, .calm = calm};
    return URS_OK;
}

urs_status urs_int8_step_conv(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    const urs_int8_tensor *x, *w;
    int32_t *offset = NULL;
    size_t bytes;
    urs_status status;
    *known = (s->op->kind == URS_INT8_CONV_2D || s->op->kind == URS_INT8_FULLY_CONNECTED) && !urs_int8_input_of(g, s->op, 0)->data; /* of a constant: nothing may be read behind it */
    if (!*known)
        return URS_OK;
    x = urs_int8_input_of(g, s->op, 0);
    w = urs_int8_input_of(g, s->op, 1);
    s->channels = (size_t)w->shape.dim[0];
    s->depth = urs_int8_shape_elements(w->shape) / s->channels;
    s->groups = (s->depth + (size_t)s->kernels->group - 1) / (size_t)s->kernels->group;
    s->contiguous = true;
    if (s->op->kind == URS_INT8_CONV_2D) {
        urs_int8_windows_of(&s->rows, &s->columns, g, s->op);
        s->contiguous = s->rows.kernel == 1 && s->columns.kernel == 1 && s->rows.stride == 1 && s->columns.stride == 1;
    }
    bytes = urs_int8_round_up(s->channels, URS_INT8_LANES) * s->groups * (size_t)s->kernels->group * urs_int8_panel_bytes(s->kernels->panel);
    s->weights = urs_aligned_new(bytes);
    if (!s->weights)
        return urs_fail(err, URS_ENOMEM, "no memory to pack weights");
    s->owned_bytes += bytes;
    urs_int8_pack(s, s->weights, w->data, s->depth);
    status = offsets(&offset, s, w->data, x->quant.zero_point, err);
    if (status == URS_OK)
        status = urs_int8_step_factors(s, g, s->channels, plan->arithmetic == URS_INT8_TFLITE, offset, err);
    urs_free(offset);
    s->scratch_bytes = panel_bytes(s) + (size_t)s->kernels->rows * (URS_INT8_LANES * sizeof(int32_t) + s->groups * (size_t)s->kernels->group) + COPY;
    s->run = run;
    return status;
}
