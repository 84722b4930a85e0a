/* Convolution, transposed convolution and linear layer.
 *
 * All three are one relation between a big side [C,H,W] and a small side [K,OH,OW], tied by weight[k][c in its group][ky][kx] wherever
 * iy = oy*stride - pad + ky and ix likewise:
 *
 *      gather   small += weight * big      convolution forward; transposed convolution, gradient of the input
 *      scatter  big   += weight * small    convolution, gradient of the input; transposed convolution forward
 *      outer    weight = sum big * small   gradient of the weight, both
 *
 * PyTorch's weight layouts ([out, in/groups, ...] and, transposed, [in, out/groups, ...]) are both [K, C/groups, kh, kw] in these words. A linear layer is the
 * 1x1 case. Rows are summed in double in the scratch. */
#include "compute/ref_real.h"

typedef struct geometry {
    int64_t n, c, h, w, k, oh, ow;
    int64_t groups, kh, kw, sh, sw, pt, pl;
} geometry;

static geometry geometry_of(const urs_kernel_spec *spec)
{
    const urs_op_attr *a = &spec->attr;
    const bool transposed = spec->op == URS_OP_CONV_TRANSPOSE;
    const urs_tensor_shape big = transposed ? spec->out : spec->in[0], small = transposed ? spec->in[0] : spec->out;
    geometry g = {.n = big.n, .c = big.c, .h = big.h, .w = big.w, .k = small.c, .oh = small.h, .ow = small.w, .groups = 1, .kh = 1, .kw = 1, .sh = 1, .sw = 1};
    if (spec->op != URS_OP_LINEAR) {
        g.groups = a->groups;
        g.kh = a->kernel_h;
        g.kw = a->kernel_w;
        g.sh = a->stride_h;
        g.sw = a->stride_w;
        g.pt = a->pad_top;
        g.pl = a->pad_left;
    }
    /* Pointwise: the image is one long row. */
    if (g.kh == 1 && g.kw == 1 && g.sh == 1 && g.sw == 1 && g.h == g.oh && g.w == g.ow && g.pt == 0 && g.pl == 0) {
        g.w = g.ow = g.h * g.w;
        g.h = g.oh = 1;
    }
    return g;
}

static size_t row_bytes(const urs_kernel_spec *spec)
{
    const geometry g = geometry_of(spec);
    return (size_t)(g.w > g.ow ? g.w : g.ow) * sizeof(double);
}

/* Output columns [low, high) whose input column ox*sw + x0 lies inside the image; x0 = kx - pl. */
static void column_range(const geometry *g, int64_t x0, int64_t *low, int64_t *high)
{
    *low = x0 < 0 ? (-x0 + g->sw - 1) / g->sw : 0;
    *high = g->w - 1 - x0 < 0 ? 0 : (g->w - 1 - x0) / g->sw + 1;
    if (*high > g->ow)
        *high = g->ow;
}

static void fill_row(double *row, int64_t n, double value)
{
    for (int64_t i = 0; i < n; i++)
        row[i] = value;
}

/* One row of the small side: output channel k, row oy of image n. */
static void gather_row(const geometry *g, const real *big, const real *weight, double *row, int64_t n, int64_t k, int64_t oy)
{
    const int64_t cg = g->c / g->groups, first = k / (g->k / g->groups) * cg;
    for (int64_t c = 0; c < cg; c++) {
        for (int64_t ky = 0; ky < g->kh; ky++) {
            const int64_t iy = oy * g->sh - g->pt + ky;
            if (iy < 0 || iy >= g->h)
                continue;
            const real *line = big + ((n * g->c + first + c) * g->h + iy) * g->w;
            const real *taps = weight + ((k * cg + c) * g->kh + ky) * g->kw;
            for (int64_t kx = 0; kx < g->kw; kx++) {
                const double tap = (double)taps[kx];
                const int64_t x0 = kx - g->pl;
                int64_t low, high;
                column_range(g, x0, &low, &high);
                if (g->sw == 1)
                    for (int64_t ox = low; ox < high; ox++)
                        row[ox] += tap * (double)line[ox + x0];
                else
                    for (int64_t ox = low; ox < high; ox++)
                        row[ox] += tap * (double)line[ox * g->sw + x0];
            }
        }
    }
}

/* One row of the big side: channel c, row iy of image n. */
static void scatter_row(const geometry *g, const real *small, const real *weight, double *row, int64_t n, int64_t c, int64_t iy)
{
    const int64_t cg = g->c / g->groups, kg = g->k / g->groups, group = c / cg;
    for (int64_t k = group * kg; k < (group + 1) * kg; k++) {
        for (int64_t ky = 0; ky < g->kh; ky++) {
            const int64_t y = iy + g->pt - ky;
            if (y < 0 || y % g->sh != 0 || y / g->sh >= g->oh)
                continue;
            const real *line = small + ((n * g->k + k) * g->oh + y / g->sh) * g->ow;
            const real *taps = weight + ((k * cg + c % cg) * g->kh + ky) * g->kw;
            for (int64_t kx = 0; kx < g->kw; kx++) {
                const double tap = (double)taps[kx];
                const int64_t x0 = kx - g->pl;
                int64_t low, high;
                column_range(g, x0, &low, &high);
                for (int64_t ox = low; ox < high; ox++)
                    row[ox * g->sw + x0] += tap * (double)line[ox];
            }
        }
    }
}

/* bias, activation and residual belong to the operation's output; residual may be the output's own memory. */
static void gather(const geometry *g, const real *big, const real *weight, const real *bias, real *small, double *row, urs_activation act,
                   const real *residual)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t k = 0; k < g->k; k++)
            for (int64_t oy = 0; oy < g->oh; oy++) {
                const int64_t at = ((n * g->k + k) * g->oh + oy) * g->ow;
                fill_row(row, g->ow, bias ? (double)bias[k] : 0.0);
                gather_row(g, big, weight, row, n, k, oy);
                for (int64_t ox = 0; ox < g->ow; ox++) {
                    const double v = act == URS_ACT_NONE ? row[ox] : urs_ref_activate(act, row[ox]);
                    small[at + ox] = (real)(residual ? v + (double)residual[at + ox] : v);
                }
            }
}

static void scatter(const geometry *g, const real *small, const real *weight, const real *bias, real *big, double *row)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t c = 0; c < g->c; c++)
            for (int64_t iy = 0; iy < g->h; iy++) {
                const int64_t at = ((n * g->c + c) * g->h + iy) * g->w;
                fill_row(row, g->w, bias ? (double)bias[c] : 0.0);
                scatter_row(g, small, weight, row, n, c, iy);
                for (int64_t ix = 0; ix < g->w; ix++)
                    big[at + ix] = (real)row[ix];
            }
}

static double outer_sum(const geometry *g, const real *big, const real *small, int64_t k, int64_t c, int64_t ky, int64_t kx)
{
    const int64_t x0 = kx - g->pl;
    int64_t low, high;
    double sum = 0.0;
    column_range(g, x0, &low, &high);
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t oy = 0; oy < g->oh; oy++) {
            const int64_t iy = oy * g->sh - g->pt + ky;
            if (iy < 0 || iy >= g->h)
                continue;
            const real *a = big + ((n * g->c + c) * g->h + iy) * g->w;
            const real *b = small + ((n * g->k + k) * g->oh + oy) * g->ow;
            for (int64_t ox = low; ox < high; ox++)
                sum += (double)a[ox * g->sw + x0] * (double)b[ox];
        }
    return sum;
}

static void outer(const geometry *g, const real *big, const real *small, real *weight)
{
    const int64_t cg = g->c / g->groups, kg = g->k / g->groups;
    for (int64_t k = 0; k < g->k; k++)
        for (int64_t c = 0; c < cg; c++)
            for (int64_t ky = 0; ky < g->kh; ky++)
                for (int64_t kx = 0; kx < g->kw; kx++)
                    *weight++ = (real)outer_sum(g, big, small, k, k / kg * cg + c, ky, kx);
}

static void bias_gradient(urs_tensor_shape s, const real *d_out, real *d_bias)
{
    const int64_t hw = s.h * s.w;
    for (int64_t c = 0; c < s.c; c++) {
        double sum = 0.0;
        for (int64_t n = 0; n < s.n; n++)
            for (int64_t i = 0; i < hw; i++)
                sum += (double)d_out[(n * s.c + c) * hw + i];
        d_bias[c] = (real)sum;
    }
}

static const real *bias_of(const urs_ref_kernel *k)
{
    return k->spec.attr.has_bias ? k->args.param[1] : NULL;
}

static void conv_forward(const urs_ref_kernel *k)
{
    const geometry g = geometry_of(&k->spec);
    const urs_kernel_args *a = &k->args;
    gather(&g, a->in[0], a->param[0], bias_of(k), a->out, a->scratch, k->spec.attr.activation, k->spec.attr.has_residual ? a->in[1] : NULL);
}

static void conv_backward(const urs_ref_kernel *k)
{
    const geometry g = geometry_of(&k->spec);
    const urs_kernel_args *a = &k->args;
    if (a->d_in[0])
        scatter(&g, a->d_out, a->param[0], NULL, a->d_in[0], a->scratch);
    if (a->d_param[0])
        outer(&g, a->in[0], a->d_out, a->d_param[0]);
    if (k->spec.attr.has_bias && a->d_param[1])
        bias_gradient(k->spec.out, a->d_out, a->d_param[1]);
}

static void transpose_forward(const urs_ref_kernel *k)
{
    const geometry g = geometry_of(&k->spec);
    scatter(&g, k->args.in[0], k->args.param[0], bias_of(k), k->args.out, k->args.scratch);
}

static void transpose_backward(const urs_ref_kernel *k)
{
    const geometry g = geometry_of(&k->spec);
    const urs_kernel_args *a = &k->args;
    if (a->d_in[0])
        gather(&g, a->d_out, a->param[0], NULL, a->d_in[0], a->scratch, URS_ACT_NONE, NULL);
    if (a->d_param[0])
        outer(&g, a->d_out, a->in[0], a->d_param[0]);
    if (k->spec.attr.has_bias && a->d_param[1])
        bias_gradient(k->spec.out, a->d_out, a->d_param[1]);
}

const urs_ref_op URS_REF_NAME(conv) = {.forward = conv_forward, .backward = conv_backward, .scratch_bytes = row_bytes};
const urs_ref_op URS_REF_NAME(linear) = {.forward = conv_forward, .backward = conv_backward, .scratch_bytes = row_bytes};
const urs_ref_op URS_REF_NAME(conv_transpose) = {.forward = transpose_forward, .backward = transpose_backward, .scratch_bytes = row_bytes};
