/* Geometry of URS_OP_ATTENTION, shared by its shape rule and its kernels.
 *
 * A map [C,H,W] is cut into square windows of side S. Shifted windows (Swin) lie on the map rolled by -shift in both directions, so that those at the end hold
 * pixels from two opposite sides; pairs of pixels whose regions of the rolled map differ get -100:
 *
 *      rolled map          0 .. H-S-1 | H-S .. H-shift-1 | H-shift .. H-1      the same along rows: nine regions
 *      map                 shift ...                     | 0 .. shift-1
 *
 *      window 0, window 1 ...: row by row; token t of a window is its pixel (t / S, t % S)
 *
 * Without windows the whole map is one, of any height and width; queries and keys may then come from different maps.
 *
 * Channels, D in all, D / heads = dim of a head:
 *      one input   [q of head 0, head 1 ... | k ... | v ...]           head_major: [q k v of head 0 | q k v of head 1 | ...]
 *      three       q, k, v: head h has channels h*dim .. (h+1)*dim-1, as the output always
 *
 * Attention is Vaswani et al. 2017; windows and table are Liu et al. 2021 (Swin); distances are Wu et al. 2022 (TinyViT); rows and columns by query are Li et al. 2022
 * (MViTv2, in SAM's encoder). */
#ifndef URS_COMPUTE_ATTENTION_H
#define URS_COMPUTE_ATTENTION_H

#include "compute/kernel.h"

#define URS_ATTENTION_MASK (-100.0f)

typedef struct urs_attention {
    int64_t heads, dim;              /* dim: of a head */
    int64_t height, width;           /* of the map, of queries */
    int64_t side;                    /* S; 0: one window, the whole map */
    int64_t shift;
    int64_t windows_x, windows;      /* in a row, in all */
    int64_t queries, keys;           /* tokens of a window */
    int64_t channel[3], head_step;   /* of q, k, v: channel of head 0 in their inputs, and from head to head */
} urs_attention;

static inline urs_attention urs_attention_of(const urs_op_attr *a, int32_t n_in, int64_t d, int64_t h, int64_t w, int64_t keys)
{
    urs_attention t = {.heads = a->heads, .dim = d / a->heads, .height = h, .width = w, .side = a->window, .shift = a->shift};
    t.windows_x = a->window ? w / a->window : 1;
    t.windows = a->window ? t.windows_x * (h / a->window) : 1;
    t.queries = a->window ? t.side * t.side : h * w;
    t.keys = n_in == 1 ? t.queries : keys;
    t.head_step = n_in == 1 && a->head_major ? 3 * t.dim : t.dim;
    for (int i = 0; i < 3 && n_in == 1; i++)
        t.channel[i] = i * (a->head_major ? t.dim : d);
    return t;
}

static inline urs_attention urs_attention_of_spec(const urs_kernel_spec *s)
{
    return urs_attention_of(&s->attr, s->n_in, s->out.c, s->out.h, s->out.w, s->n_in == 3 ? s->in[1].h * s->in[1].w : 0);
}

/* Row and column of a token in the rolled map. */
static inline void urs_attention_place(const urs_attention *t, int64_t window, int64_t token, int64_t *y, int64_t *x)
{
    const int64_t side = t->side ? t->side : t->width;
    *y = (t->side ? window / t->windows_x * side : 0) + token / side;
    *x = (t->side ? window % t->windows_x * side : 0) + token % side;
}

/* Pixel of a token in the map: row * width + column. */
static inline int64_t urs_attention_pixel(const urs_attention *t, int64_t window, int64_t token)
{
    int64_t y, x;
    if (!t->side)
        return token;
    urs_attention_place(t, window, token, &y, &x);
    y += t->shift;
    x += t->shift;
    return (y < t->height ? y : y - t->height) * t->width + (x < t->width ? x : x - t->width);
}

/* Which of the nine regions of the rolled map a token is in. */
static inline int64_t urs_attention_region(const urs_attention *t, int64_t window, int64_t token)
{
    int64_t y, x;
    if (!t->shift)
        return 0;
    urs_attention_place(t, window, token, &y, &x);
    return ((y >= t->height - t->side) + (y >= t->height - t->shift)) * 3 + (x >= t->width - t->side) + (x >= t->width - t->shift);
}

/* Only windows at the end of rows or columns have more than one region. */
static inline bool urs_attention_is_masked(const urs_attention *t, int64_t window)
{
    return t->shift && (window % t->windows_x == t->windows_x - 1 || window / t->windows_x == t->windows / t->windows_x - 1);
}

/* Side that positions are relative to. */
static inline int64_t urs_attention_side(const urs_attention *t)
{
    return t->side ? t->side : t->width;
}

/* Where TABLE and DISTANCE keep the position of a query and a key that lie dy rows and dx columns before it. */
static inline int64_t urs_attention_entry(const urs_attention *t, urs_attention_position position, int64_t head, int64_t dy, int64_t dx)
{
    const int64_t s = urs_attention_side(t);
    if (position == URS_ATTENTION_TABLE)
        return ((dy + s - 1) * (2 * s - 1) + dx + s - 1) * t->heads + head;
    return head * s * s + (dy < 0 ? -dy : dy) * s + (dx < 0 ? -dx : dx);
}

#endif
