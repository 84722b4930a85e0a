/* TRANSPOSE_CONV whose windows do not overlap (kernel = stride): every tap is a 1x1 convolution of the picture, whose outputs lie a stride apart.
 *
 *      input pixel (y, x)  --weights of tap (ky, kx)-->  output pixel (y*s + ky, x*s + kx)
 *
 *      s->weights: | tap 0: [channels/16][groups][16][group] | tap 1 ... | biases of tap 0: channels up to a multiple of 16 | biases of tap 1 ... |
 */
#include "int8/engine_private.h"

#include "base/memory.h"

#include <string.h>

static size_t padded_channels(const urs_int8_step *s)
{
    return urs_int8_round_up(s->channels, URS_INT8_LANES);
}

static size_t block_bytes(const urs_int8_step *s) /* of 16 channels of a tap */
{
    return s->groups * (size_t)s->kernels->group * URS_INT8_LANES * urs_int8_panel_bytes(s->kernels->panel);
}

static size_t taps(const urs_int8_step *s)
{
    return (size_t)s->rows.kernel * (size_t)s->columns.kernel;
}

static size_t tap_bytes(const urs_int8_step *s)
{
    return padded_channels(s) / URS_INT8_LANES * block_bytes(s);
}

static int32_t *biases(const urs_int8_step *s)
{
    return (int32_t *)(void *)((char *)s->weights + urs_int8_round_up(taps(s) * tap_bytes(s), URS_INT8_ALIGN));
}

static size_t panel_bytes(const urs_int8_step *s)
{
    return urs_int8_round_up(urs_int8_panel_stride(s) * (size_t)s->kernels->rows, URS_INT8_ALIGN);
}

/* Neighbouring pixels of one row, whose panel is filled, through one tap. */
static void run_tap(const urs_int8_step *s, int8_t *y, const char *panel, int32_t *sums, size_t rows, size_t tap)
{
    const char *weights = (const char *)s->weights + tap * tap_bytes(s);
    const int32_t *bias = biases(s) + tap * padded_channels(s);
    for (size_t c = 0; c < s->channels; c += URS_INT8_LANES) {
        s->kernels->tile(sums, panel, urs_int8_panel_stride(s), weights + c / URS_INT8_LANES * block_bytes(s), s->groups, bias + c, (int32_t)rows);
        s->kernels->requantise(y + c, (size_t)s->columns.stride * s->channels, sums, rows, c, s->channels - c < URS_INT8_LANES ? s->channels - c : URS_INT8_LANES, &s->rescale);
    }
}

static void run(const urs_int8_step *s, const urs_int8_frame *f)
{
    const int32_t zero = f->plan->graph->tensors[s->op->in[0]].quant.zero_point;
    const size_t height = (size_t)s->rows.in, width = (size_t)s->columns.in, most = (size_t)s->kernels->rows, kw = (size_t)s->columns.kernel, line = (size_t)s->columns.out * s->channels;
    const int8_t *x = urs_int8_frame_read(f, s->op->in[0]);
    int8_t *y = urs_int8_frame_write(f, s->out);
    char *panel = f->scratch;
    int32_t *sums = (int32_t *)(void *)(panel + panel_bytes(s));
    for (size_t iy = 0; iy < height; iy++)
        for (size_t ix = 0; ix < width; ix += most) {
            const size_t rows = width - ix < most ? width - ix : most;
            urs_int8_panel_fill(s, panel, x + (iy * width + ix) * s->depth, rows, zero);
            for (size_t tap = 0; tap < taps(s); tap++)
                run_tap(s, y + (iy * (size_t)s->rows.stride + tap / kw) * line + (ix * (size_t)s->columns.stride + tap % kw) * s->channels, panel, sums, rows, tap);
        }
}

static bool suits(const urs_int8_window *w)
{
    return w->kernel == w->stride && w->before == 0 && (int64_t)w->in * w->stride == w->out;
}

urs_status urs_int8_step_transpose_conv(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err)
{
    const urs_int8_graph *g = plan->graph;
    const urs_int8_tensor *x, *w;
    size_t bytes;
    urs_status status;
    *known = false;
    if (s->op->kind != URS_INT8_TRANSPOSE_CONV || urs_int8_input_of(g, s->op, 0)->data) /* of a constant: nothing may be read behind it */
        return URS_OK;
    urs_int8_backward_windows_of(&s->rows, &s->columns, g, s->op);
    if (!suits(&s->rows) || !suits(&s->columns))
        return URS_OK;
    x = urs_int8_input_of(g, s->op, 0);
    w = urs_int8_input_of(g, s->op, 1);
    s->channels = (size_t)w->shape.dim[0];
    s->depth = (size_t)w->shape.dim[3];
    s->groups = (s->depth + (size_t)s->kernels->group - 1) / (size_t)s->kernels->group;
    status = urs_int8_step_factors(s, g, s->channels, false, NULL, err);
    if (status != URS_OK)
        return status;
    bytes = urs_int8_round_up(taps(s) * tap_bytes(s), URS_INT8_ALIGN) + taps(s) * padded_channels(s) * sizeof(int32_t);
    s->weights = urs_aligned_new(bytes);
    if (!s->weights)
        return urs_fail(err, URS_ENOMEM, "no memory to pack weights");
    s->owned_bytes += bytes;
    for (size_t tap = 0; tap < taps(s); tap++) {
        const int8_t *from = (const int8_t *)w->data + tap * s->depth;
        const size_t row = taps(s) * s->depth;
        urs_int8_pack(s, (char *)s->weights + tap * tap_bytes(s), from, row);
        for (size_t c = 0; c < s->channels; c++)
            biases(s)[tap * padded_channels(s) + c] = urs_int8_wrap((int64_t)s->numbers[c] + urs_int8_panel_offset(s, from + c * row, x->quant.zero_point));
    }
    s->scratch_bytes = panel_bytes(s) + (size_t)s->kernels->rows * URS_INT8_LANES * sizeof(int32_t);
    s->run = run;
    *known = true;
    return URS_OK;
}
