/* Attention, one query at a time; see attention.h. scratch: probabilities and their gradients of one query, gradients of the keys and values of one window and head, and
 * those of the position's parameters. */
#include "compute/attention.h"
#include "compute/ref_real.h"

#include <math.h>
#include <string.h>

typedef struct job {
    urs_attention t;
    const urs_ref_kernel *k;
    urs_attention_position position;
    double scale;
    const real *in[3];          /* q, k, v of the image: channels of head 0 first */
    real *d_in[3];
    int64_t pixels[3];
    double *p, *dp;             /* [keys] */
    double *dk, *dv;            /* [keys][dim] */
    double *d_param[2];
    int64_t param_count[2];
} job;

static void count_params(const urs_attention *t, urs_attention_position position, int64_t count[2])
{
    const int64_t s = urs_attention_side(t);
    count[0] = count[1] = 0;
    if (position == URS_ATTENTION_TABLE)
        count[0] = (2 * s - 1) * (2 * s - 1) * t->heads;
    else if (position == URS_ATTENTION_DISTANCE)
        count[0] = s * s * t->heads;
    else if (position == URS_ATTENTION_QUERY)
        count[0] = count[1] = (2 * s - 1) * t->dim;
}

static size_t scratch_bytes(const urs_kernel_spec *spec)
{
    const urs_attention t = urs_attention_of_spec(spec);
    int64_t params[2];
    count_params(&t, spec->attr.position, params);
    return (size_t)(t.keys * (2 + 2 * t.dim) + params[0] + params[1]) * sizeof(double);
}

static job open_job(const urs_ref_kernel *k)
{
    job j = {.t = urs_attention_of_spec(&k->spec), .k = k, .position = k->spec.attr.position};
    count_params(&j.t, j.position, j.param_count);
    j.scale = 1.0 / sqrt((double)j.t.dim);
    j.p = k->args.scratch;
    j.dp = j.p + j.t.keys;
    j.dk = j.dp + j.t.keys;
    j.dv = j.dk + j.t.keys * j.t.dim;
    j.d_param[0] = j.dv + j.t.keys * j.t.dim;
    j.d_param[1] = j.d_param[0] + j.param_count[0];
    return j;
}

/* Aims at q, k and v of one image and head. */
static void aim(job *j, int64_t n, int64_t head)
{
    const urs_kernel_spec *s = &j->k->spec;
    for (int i = 0; i < 3; i++) {
        const int source = s->n_in == 1 ? 0 : i;
        const urs_tensor_shape shape = s->in[source];
        const int64_t at = (n * shape.c + j->t.channel[i] + head * j->t.head_step) * shape.h * shape.w;
        real *d_in = j->k->args.d_in[source];
        j->pixels[i] = shape.h * shape.w;
        j->in[i] = (const real *)j->k->args.in[source] + at;
        j->d_in[i] = d_in ? d_in + at : NULL;
    }
}

static double at(const job *j, int which, int64_t d, int64_t pixel)
{
    return (double)j->in[which][d * j->pixels[which] + pixel];
}

static double position(const job *j, int64_t head, int64_t query, int64_t key, int64_t q)
{
    const int64_t s = urs_attention_side(&j->t), dim = j->t.dim;
    const real *rows = j->k->args.param[0], *columns = j->k->args.param[1];
    double sum = 0.0;
    if (j->position == URS_ATTENTION_PLAIN)
        return 0.0;
    if (j->position != URS_ATTENTION_QUERY)
        return (double)rows[urs_attention_entry(&j->t, j->position, head, query / s - key / s, query % s - key % s)];
    rows += (query / s - key / s + s - 1) * dim;
    columns += (query % s - key % s + s - 1) * dim;
    for (int64_t d = 0; d < dim; d++)
        sum += at(j, 0, d, q) * ((double)rows[d] + (double)columns[d]);
    return sum;
}

/* Probabilities of the keys for one query, at pixel q. */
static void probabilities(const job *j, int64_t window, int64_t head, int64_t query, int64_t q)
{
    const int64_t region = urs_attention_region(&j->t, window, query);
    double highest = -INFINITY, sum = 0.0;
    for (int64_t key = 0; key < j->t.keys; key++) {
        const int64_t pixel = urs_attention_pixel(&j->t, window, key);
        double dot = 0.0;
        for (int64_t d = 0; d < j->t.dim; d++)
            dot += at(j, 0, d, q) * at(j, 1, d, pixel);
        j->p[key] = dot * j->scale + position(j, head, query, key, q);
        if (urs_attention_region(&j->t, window, key) != region)
            j->p[key] += (double)URS_ATTENTION_MASK;
        highest = fmax(highest, j->p[key]);
    }
    for (int64_t key = 0; key < j->t.keys; key++)
        sum += j->p[key] = exp(j->p[key] - highest);
    for (int64_t key = 0; key < j->t.keys; key++)
        j->p[key] /= sum;
}

static void forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    job j = open_job(k);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t head = 0; head < j.t.heads; head++) {
            real *out = (real *)k->args.out + (n * s.c + head * j.t.dim) * s.h * s.w;
            aim(&j, n, head);
            for (int64_t window = 0; window < j.t.windows; window++)
                for (int64_t query = 0; query < j.t.queries; query++) {
                    const int64_t q = urs_attention_pixel(&j.t, window, query);
                    probabilities(&j, window, head, query, q);
                    for (int64_t d = 0; d < j.t.dim; d++) {
                        double sum = 0.0;
                        for (int64_t key = 0; key < j.t.keys; key++)
                            sum += j.p[key] * at(&j, 2, d, urs_attention_pixel(&j.t, window, key));
                        out[d * s.h * s.w + q] = (real)sum;
                    }
                }
        }
}

/* dp becomes the gradient by the logits: p (dp - sum p dp). */
static void logit_gradient(const job *j, int64_t window, const real *d_out, int64_t pixels, int64_t q)
{
    double sum = 0.0;
    for (int64_t key = 0; key < j->t.keys; key++) {
        const int64_t pixel = urs_attention_pixel(&j->t, window, key);
        j->dp[key] = 0.0;
        for (int64_t d = 0; d < j->t.dim; d++) {
            const double g = (double)d_out[d * pixels + q];
            j->dp[key] += g * at(j, 2, d, pixel);
            j->dv[key * j->t.dim + d] += j->p[key] * g;
        }
        sum += j->p[key] * j->dp[key];
    }
    for (int64_t key = 0; key < j->t.keys; key++)
        j->dp[key] = j->p[key] * (j->dp[key] - sum);
}

/* Gradients of the query, of the keys and of the position's parameters from those of the query's logits. */
static void spread(const job *j, int64_t window, int64_t head, int64_t query, int64_t q)
{
    const int64_t s = urs_attention_side(&j->t), dim = j->t.dim;
    const real *rows = j->k->args.param[0], *columns = j->k->args.param[1];
    for (int64_t key = 0; key < j->t.keys && (j->position == URS_ATTENTION_TABLE || j->position == URS_ATTENTION_DISTANCE); key++)
        j->d_param[0][urs_attention_entry(&j->t, j->position, head, query / s - key / s, query % s - key % s)] += j->dp[key];
    for (int64_t d = 0; d < dim; d++) {
        double dq = 0.0;
        for (int64_t key = 0; key < j->t.keys; key++) {
            const int64_t row = (query / s - key / s + s - 1) * dim + d, column = (query % s - key % s + s - 1) * dim + d;
            dq += j->dp[key] * j->scale * at(j, 1, d, urs_attention_pixel(&j->t, window, key));
            j->dk[key * dim + d] += j->dp[key] * j->scale * at(j, 0, d, q);
            if (j->position != URS_ATTENTION_QUERY)
                continue;
            dq += j->dp[key] * ((double)rows[row] + (double)columns[column]);
            j->d_param[0][row] += j->dp[key] * at(j, 0, d, q);
            j->d_param[1][column] += j->dp[key] * at(j, 0, d, q);
        }
        if (j->d_in[0])
            j->d_in[0][d * j->pixels[0] + q] = (real)dq;
    }
}

static void store_keys(const job *j, int64_t window)
{
    for (int64_t key = 0; key < j->t.keys; key++) {
        const int64_t pixel = urs_attention_pixel(&j->t, window, key);
        for (int64_t d = 0; d < j->t.dim; d++) {
            if (j->d_in[1])
                j->d_in[1][d * j->pixels[1] + pixel] = (real)j->dk[key * j->t.dim + d];
            if (j->d_in[2])
                j->d_in[2][d * j->pixels[2] + pixel] = (real)j->dv[key * j->t.dim + d];
        }
    }
}

static void backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape s = k->spec.out;
    job j = open_job(k);
    memset(j.d_param[0], 0, (size_t)(j.param_count[0] + j.param_count[1]) * sizeof(double));
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t head = 0; head < j.t.heads; head++) {
            const real *d_out = (const real *)k->args.d_out + (n * s.c + head * j.t.dim) * s.h * s.w;
            aim(&j, n, head);
            for (int64_t window = 0; window < j.t.windows; window++) {
                memset(j.dk, 0, (size_t)(2 * j.t.keys * j.t.dim) * sizeof(double));
                for (int64_t query = 0; query < j.t.queries; query++) {
                    const int64_t q = urs_attention_pixel(&j.t, window, query);
                    probabilities(&j, window, head, query, q);
                    logit_gradient(&j, window, d_out, s.h * s.w, q);
                    spread(&j, window, head, query, q);
                }
                store_keys(&j, window);
            }
        }
    for (int i = 0; i < 2; i++) {
        real *d_param = k->args.d_param[i];
        for (int64_t e = 0; d_param && e < j.param_count[i]; e++)
            d_param[e] = (real)j.d_param[i][e];
    }
}

const urs_ref_op URS_REF_NAME(attention) = {.forward = forward, .backward = backward, .scratch_bytes = scratch_bytes};
