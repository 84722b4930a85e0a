/* Attention in windows or over whole maps; see attention.h and lanes.h.
 *
 * Tokens of one window and head are gathered into small matrices, rows of P = dim rounded up to 16 (K = keys rounded up likewise):
 *
 *      q [queries][P], scaled      k, v [keys][P]      kt, vt [dim][K]      p [rows][K]
 *
 * and everything is a product of two of them. Positions of TABLE and DISTANCE become one matrix a head, for all windows. The forward pass keeps ROWS queries at a time, so that a whole map of thousands of keys needs no matrix of all
 * pairs; the backward pass keeps all pairs of a window (urs_lanes_attention_scratch says when that is too much and the reference takes over). */
#include "compute/attention.h"
#include "compute/lanes_parts.h"
#include "compute/lanes_strip.h"

#define SMALLEST 1e-30f   /* probabilities below are zero */
#define ROWS 16           /* queries in the forward pass */
#define TILE (LANES_BLOCK / 2) /* rows of a product in registers */

typedef struct attention_work {
    urs_attention t;
    const urs_kernel_spec *spec;
    const urs_kernel_args *args;
    int64_t P, K;
    float scale;
    float *q, *k, *v, *kt, *vt, *p, *dp, *o, *d_out, *bias, *d_bias;
    int32_t *pixel, *region; /* [keys], of the window */
} attention_work;

static int64_t padded(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* The next `count` numbers of the scratch; NULL where there is none yet and only its size is asked. */
static float *take(float *scratch, int64_t *used, int64_t count)
{
    float *p = scratch ? scratch + *used : NULL;
    *used += padded(count);
    return p;
}

static bool has_bias(const urs_kernel_spec *s)
{
    return s->attr.position == URS_ATTENTION_TABLE || s->attr.position == URS_ATTENTION_DISTANCE;
}

/* Lays the matrices out in the scratch, of which *used numbers are taken then. */
static attention_work open_work(const urs_kernel_spec *spec, const urs_kernel_args *args, float *scratch, int64_t *used)
{
    attention_work w = {.t = urs_attention_of_spec(spec), .spec = spec, .args = args};
    const bool backward = spec->pass == URS_PASS_BACKWARD;
    const int64_t rows = backward ? w.t.queries : ROWS;
    w.P = padded(w.t.dim);
    w.K = padded(w.t.keys);
    w.scale = 1.0f / sqrtf((float)w.t.dim);
    w.pixel = (int32_t *)(void *)take(scratch, used, w.t.keys > w.t.queries ? w.t.keys : w.t.queries);
    w.region = (int32_t *)(void *)take(scratch, used, w.t.keys > w.t.queries ? w.t.keys : w.t.queries);
    w.q = take(scratch, used, rows * w.P);
    w.o = take(scratch, used, (backward && w.t.keys > rows ? w.t.keys : rows) * w.P);
    w.kt = take(scratch, used, w.t.dim * w.K);
    w.v = take(scratch, used, w.t.keys * w.P);
    w.p = take(scratch, used, rows * w.K);
    w.bias = take(scratch, used, has_bias(spec) ? w.t.heads * w.t.queries * w.K : 0);
    if (backward) {
        w.k = take(scratch, used, w.t.keys * w.P);
        w.vt = take(scratch, used, w.t.dim * w.K);
        w.dp = take(scratch, used, rows * w.K);
        w.d_out = take(scratch, used, rows * w.P);
        w.d_bias = take(scratch, used, has_bias(spec) ? w.t.heads * w.t.queries * w.K : 0);
    }
    return w;
}

size_t urs_lanes_attention_scratch(const urs_kernel_spec *spec)
{
    int64_t used = 0;
    (void)open_work(spec, NULL, NULL, &used);
    return (size_t)used * sizeof(float);
}

/* As many floats as a register of the instruction set holds: loops over arrays in this place do not stay in registers with every compiler. */
typedef float vector __attribute__((vector_size(LANES_BLOCK * sizeof(float)), aligned(sizeof(float)), may_alias));
#define VECTORS (LANES / LANES_BLOCK)

/* c [R][LANES] = a b. Element (i, e) of a is a[i * a_row + e * a_inner]; b [inner][ldb]. */
INLINE void product_rows(float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_inner, const float *b, int64_t ldb, int64_t inner, int64_t R)
{
    vector acc[TILE][VECTORS];
    for (int64_t i = 0; i < R; i++)
        for (int64_t v = 0; v < VECTORS; v++)
            acc[i][v] = (vector){0};
    for (int64_t e = 0; e < inner; e++) {
        const vector *row = (const vector *)(const void *)(b + e * ldb);
        for (int64_t i = 0; i < R; i++)
            for (int64_t v = 0; v < VECTORS; v++)
                acc[i][v] += a[i * a_row + e * a_inner] * row[v];
    }
    for (int64_t i = 0; i < R; i++)
        for (int64_t v = 0; v < VECTORS; v++)
            ((vector *)(void *)(c + i * ldc))[v] = acc[i][v];
}

/* columns: a multiple of LANES. */
static void product(float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_inner, const float *b, int64_t ldb, int64_t rows, int64_t columns, int64_t inner)
{
    for (int64_t j = 0; j < columns; j += LANES) {
        int64_t i = 0;
        for (; i + TILE <= rows; i += TILE)
            product_rows(c + i * ldc + j, ldc, a + i * a_row, a_row, a_inner, b + j, ldb, inner, TILE);
        for (; i < rows; i++)
            product_rows(c + i * ldc + j, ldc, a + i * a_row, a_row, a_inner, b + j, ldb, inner, 1);
    }
}

/* First channel of a head in input `which` (q, k, v), and that input. */
static int64_t channel_of(const attention_work *w, int which, int64_t head, int *input)
{
    *input = w->spec->n_in == 1 ? 0 : which;
    return w->t.channel[which] + head * w->t.head_step;
}

/* Channels c .. c+dim-1 of a pixel lie in runs, one a block. */
INLINE float *channel_run(float *x, urs_tensor_shape s, int64_t n, int64_t pixel, int64_t c, int64_t left, int64_t *run)
{
    const int64_t in_block = c % s.block;
    *run = s.block - in_block < left ? s.block - in_block : left;
    return x + ((n * (urs_tensor_padded_channels(s) / s.block) + c / s.block) * s.h * s.w + pixel) * s.block + in_block;
}

/* Rows of P numbers from the tokens' pixels, the rest of a row zero. */
static void gather(const attention_work *w, float *to, const float *x, urs_tensor_shape s, int64_t n, int64_t channel, const int32_t *pixel, int64_t tokens, float factor)
{
    for (int64_t t = 0; t < tokens; t++, to += w->P) {
        int64_t run;
        for (int64_t d = 0; d < w->t.dim; d += run) {
            const float *from = channel_run((float *)(uintptr_t)x, s, n, pixel[t], channel + d, w->t.dim - d, &run);
            for (int64_t i = 0; i < run; i++)
                to[d + i] = from[i] * factor;
        }
        for (int64_t d = w->t.dim; d < w->P; d++)
            to[d] = 0;
    }
}

static void scatter(const attention_work *w, float *x, urs_tensor_shape s, int64_t n, int64_t channel, const int32_t *pixel, int64_t tokens, const float *from, float factor)
{
    for (int64_t t = 0; t < tokens; t++, from += w->P) {
        int64_t run;
        for (int64_t d = 0; d < w->t.dim; d += run) {
            float *to = channel_run(x, s, n, pixel[t], channel + d, w->t.dim - d, &run);
            for (int64_t i = 0; i < run; i++)
                to[i] = from[d + i] * factor;
        }
    }
}

/* [dim][K], columns past the last key zero. */
static void transpose(const attention_work *w, float *to, const float *from)
{
    for (int64_t d = 0; d < w->t.dim; d++) {
        for (int64_t t = 0; t < w->t.keys; t++)
            to[d * w->K + t] = from[t * w->P + d];
        for (int64_t t = w->t.keys; t < w->K; t++)
            to[d * w->K + t] = 0;
    }
}

/* Gathers q, k or v of a head: tokens from `begin` on. */
static void gather_input(const attention_work *w, float *to, int which, int64_t n, int64_t head, int64_t begin, int64_t tokens, float factor)
{
    int input;
    const int64_t channel = channel_of(w, which, head, &input);
    gather(w, to, w->args->in[input], w->spec->in[input], n, channel, w->pixel + begin, tokens, factor);
}

static void find_window(const attention_work *w, int64_t window)
{
    const int64_t tokens = w->t.keys > w->t.queries ? w->t.keys : w->t.queries;
    for (int64_t t = 0; t < tokens; t++) {
        w->pixel[t] = (int32_t)urs_attention_pixel(&w->t, window, t);
        w->region[t] = (int32_t)urs_attention_region(&w->t, window, t);
    }
}

/* Bias of all heads [heads][queries][K] from the table, or (back) the table's gradient from that of the bias. */
static void copy_bias(const attention_work *w, float *table, float *bias, bool back)
{
    const int64_t s = urs_attention_side(&w->t);
    for (int64_t head = 0; head < w->t.heads; head++)
        for (int64_t q = 0; q < w->t.queries; q++, bias += w->K)
            for (int64_t y = 0; y < s; y++)
                for (int64_t x = 0; x < s; x++) {
                    const int64_t entry = urs_attention_entry(&w->t, w->spec->attr.position, head, q / s - y, q % s - x);
                    if (back)
                        table[entry] += bias[y * s + x];
                    else
                        bias[y * s + x] = table[entry];
                }
}

/* Adds q . rows[dy] + q . columns[dx]; q is scaled already. */
static void add_query_position(const attention_work *w, float *p, const float *q, int64_t query)
{
    const int64_t s = urs_attention_side(&w->t), dim = w->t.dim;
    for (int axis = 0; axis < 2; axis++) {
        const float *table = w->args->param[axis];
        const int64_t place = axis == 0 ? query / s : query % s;
        for (int64_t other = 0; other < s; other++) {
            const float *row = table + (place - other + s - 1) * dim;
            float sum = 0;
            for (int64_t d = 0; d < dim; d++)
                sum += q[d] * row[d];
            sum /= w->scale;
            for (int64_t i = 0; i < s; i++)
                p[axis == 0 ? other * s + i : i * s + other] += sum;
        }
    }
}

/* Adds to the logits of one query what depends on its place. */
static void add_places(const attention_work *w, float *p, const float *q, int64_t head, int64_t window, int64_t query)
{
    const float *bias = w->bias + (head * w->t.queries + query) * w->K;
    const int32_t *region = w->region, own = w->region[query];
    const int64_t keys = w->t.keys;
    if (has_bias(w->spec))
        for (int64_t i = 0; i < keys; i++)
            p[i] += bias[i];
    if (w->spec->attr.position == URS_ATTENTION_QUERY)
        add_query_position(w, p, q, query);
    if (urs_attention_is_masked(&w->t, window))
        for (int64_t i = 0; i < keys; i++)
            p[i] += region[i] == own ? 0.0f : URS_ATTENTION_MASK;
}

/* The first K numbers of p, of which `keys` are logits, become probabilities and the rest zero. */
static void softmax(float *p, int64_t keys, int64_t K)
{
    float highest[LANES], sum[LANES] = {0}, top = -INFINITY, total = 0;
    for (int64_t k = keys; k < K; k++)
        p[k] = -INFINITY;
    for (int64_t l = 0; l < LANES; l++)
        highest[l] = p[l];
    for (int64_t k = LANES; k < K; k += LANES)
        for (int64_t l = 0; l < LANES; l++)
            highest[l] = p[k + l] > highest[l] ? p[k + l] : highest[l];
    for (int64_t l = 0; l < LANES; l++)
        top = highest[l] > top ? highest[l] : top;
    for (int64_t k = 0; k < K; k++) {
        /* What the mask leaves would be denormal, and a product with denormals takes a hundred times as long. */
        const float e = lane_exp(p[k] - top);
        p[k] = e < SMALLEST ? 0.0f : e; /* NaN stays */
    }
    for (int64_t k = keys; k < K; k++)
        p[k] = 0;
    for (int64_t k = 0; k < K; k += LANES)
        for (int64_t l = 0; l < LANES; l++)
            sum[l] += p[k + l];
    for (int64_t l = 0; l < LANES; l++)
        total += sum[l];
    total = 1 / total;
    for (int64_t k = 0; k < K; k++)
        p[k] *= total;
}

/* Probabilities [rows][K] of queries from `begin` on; their q has been gathered. */
static void probabilities(const attention_work *w, int64_t head, int64_t window, int64_t begin, int64_t rows)
{
    product(w->p, w->K, w->q, w->P, 1, w->kt, w->K, rows, w->K, w->t.dim);
    for (int64_t r = 0; r < rows; r++) {
        add_places(w, w->p + r * w->K, w->q + r * w->P, head, window, begin + r);
        softmax(w->p + r * w->K, w->t.keys, w->K);
    }
}

static void forward_window(const attention_work *w, int64_t n, int64_t head, int64_t window)
{
    gather_input(w, w->v, 1, n, head, 0, w->t.keys, 1);
    transpose(w, w->kt, w->v);
    gather_input(w, w->v, 2, n, head, 0, w->t.keys, 1);
    for (int64_t begin = 0; begin < w->t.queries; begin += ROWS) {
        const int64_t rows = w->t.queries - begin < ROWS ? w->t.queries - begin : ROWS;
        gather_input(w, w->q, 0, n, head, begin, rows, w->scale);
        probabilities(w, head, window, begin, rows);
        product(w->o, w->P, w->p, w->K, 1, w->v, w->P, rows, w->P, w->t.keys);
        scatter(w, w->args->out, w->spec->out, n, head * w->t.dim, w->pixel + begin, rows, w->o, 1);
    }
}

void urs_lanes_attention_forward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    int64_t used = 0;
    const attention_work w = open_work(spec, args, args->scratch, &used);
    if (has_bias(spec))
        copy_bias(&w, (float *)(uintptr_t)args->param[0], w.bias, false);
    for (int64_t n = 0; n < spec->out.n; n++)
        for (int64_t window = 0; window < w.t.windows; window++) {
            find_window(&w, window);
            for (int64_t head = 0; head < w.t.heads; head++)
                forward_window(&w, n, head, window);
        }
    clear_padding(args->out, spec->out);
}

/* dp becomes the gradient by the logits: p (dp - sum p dp); added to that of the bias. */
static void logit_gradient(const attention_work *w, int64_t head)
{
    for (int64_t q = 0; q < w->t.queries; q++) {
        float *p = w->p + q * w->K, *dp = w->dp + q * w->K, sum = 0;
        for (int64_t k = 0; k < w->t.keys; k++)
            sum += p[k] * dp[k];
        for (int64_t k = 0; k < w->t.keys; k++)
            dp[k] = p[k] * (dp[k] - sum);
        for (int64_t k = 0; k < w->t.keys && has_bias(w->spec); k++)
            w->d_bias[(head * w->t.queries + q) * w->K + k] += dp[k];
    }
}

static void give_gradient(const attention_work *w, int which, int64_t n, int64_t head, int64_t tokens, float factor)
{
    int input;
    const int64_t channel = channel_of(w, which, head, &input);
    if (w->args->d_in[input])
        scatter(w, w->args->d_in[input], w->spec->in[input], n, channel, w->pixel, tokens, w->o, factor);
}

static void backward_window(const attention_work *w, int64_t n, int64_t head, int64_t window)
{
    const int64_t queries = w->t.queries, keys = w->t.keys;
    find_window(w, window);
    gather_input(w, w->q, 0, n, head, 0, queries, w->scale);
    gather_input(w, w->k, 1, n, head, 0, keys, 1);
    gather_input(w, w->v, 2, n, head, 0, keys, 1);
    transpose(w, w->kt, w->k);
    transpose(w, w->vt, w->v);
    probabilities(w, head, window, 0, queries);
    gather(w, w->d_out, w->args->d_out, w->spec->out, n, head * w->t.dim, w->pixel, queries, 1);
    product(w->dp, w->K, w->d_out, w->P, 1, w->vt, w->K, queries, w->K, w->t.dim);
    product(w->o, w->P, w->p, 1, w->K, w->d_out, w->P, keys, w->P, queries);
    give_gradient(w, 2, n, head, keys, 1);
    logit_gradient(w, head);
    product(w->o, w->P, w->dp, w->K, 1, w->k, w->P, queries, w->P, keys);
    give_gradient(w, 0, n, head, queries, w->scale);
    product(w->o, w->P, w->dp, 1, w->K, w->q, w->P, keys, w->P, queries);
    give_gradient(w, 1, n, head, keys, 1);
}

void urs_lanes_attention_backward(const urs_kernel_spec *spec, const urs_kernel_args *args)
{
    float *d_table = args->d_param[0];
    int64_t used = 0;
    const attention_work w = open_work(spec, args, args->scratch, &used);
    if (has_bias(spec)) {
        copy_bias(&w, (float *)(uintptr_t)args->param[0], w.bias, false);
        memset(w.d_bias, 0, (size_t)(w.t.heads * w.t.queries * w.K) * sizeof *w.d_bias);
    }
    for (int64_t n = 0; n < spec->out.n; n++)
        for (int64_t window = 0; window < w.t.windows; window++) {
            find_window(&w, window);
            for (int64_t head = 0; head < w.t.heads; head++)
                backward_window(&w, n, head, window);
        }
    if (d_table && has_bias(spec)) {
        const int64_t s = urs_attention_side(&w.t), places = spec->attr.position == URS_ATTENTION_TABLE ? (2 * s - 1) * (2 * s - 1) : s * s;
        memset(d_table, 0, (size_t)(places * w.t.heads) * sizeof *d_table);
        copy_bias(&w, d_table, w.d_bias, true);
    }
    for (int32_t i = 0; i < spec->n_in; i++)
        if (args->d_in[i])
            clear_padding(args->d_in[i], spec->in[i]);
}
