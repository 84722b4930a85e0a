/* ArcFace and sub-centre ArcFace; see loss_arcface.h.
 *
 * Three products carry all the cost: cosines E*W^T [n,R], gradient of the embeddings G*W [n,D], gradient of the centres G^T*E [R,D] (R = C*K). With
 * sub-centres only the nearest centre of each class has a gradient, so G has n*C entries, not n*R. Loops keep a centre's row in the cache and run over
 * the embeddings inside; sums over D go through 16 independent lanes, which the compiler turns into vectors without reordering what we wrote. */
#include "train/loss_arcface.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

#define LANES 16
#define PI 3.14159265358979323846

struct urs_arcface {
    int32_t classes, dims, batch, centres;
    double margin, scale;
    bool easy_margin;
    float *class_margins; /* NULL: margin */
    size_t stride;        /* dims rounded up to LANES; the rest of a row is zero */
    float *e;             /* [batch][stride] normalised embeddings */
    float *e_norm;        /* [batch] */
    float *w;             /* [R][stride] normalised centres */
    float *w_norm;        /* [R] */
    float *cosine;        /* [batch][C] of the nearest centre; turns into the gradient by the cosine */
    int32_t *nearest;     /* [batch][C] index of that centre, 0..K-1 */
    float *d_e;           /* [batch][stride] */
    float *d_row;         /* [stride] gradient of one centre */
};

urs_status urs_arcface_new(urs_arcface **out, const urs_arcface_options *options, urs_error *err)
{
    urs_arcface *a = NULL;
    const int32_t centres = options->centres > 0 ? options->centres : 1;
    size_t rows, row_floats, batch_floats, table, bytes;
    urs_status status = URS_OK;

    if (options->classes < 1 || options->dims < 1 || options->batch < 1)
        return urs_fail(err, URS_EINVAL, "ArcFace with %d classes, %d dimensions, batch %d", options->classes, options->dims, options->batch);
    a = urs_array_new(1, sizeof(*a));
    if (!a)
        return urs_fail(err, URS_ENOMEM, "no memory for ArcFace");
    a->classes = options->classes;
    a->dims = options->dims;
    a->batch = options->batch;
    a->centres = centres;
    a->margin = options->margin > 0 ? options->margin : options->margin < 0 ? 0 : 0.5;
    a->scale = options->scale > 0 ? options->scale : 64;
    a->easy_margin = options->easy_margin;
    a->stride = ((size_t)options->dims + LANES - 1) / LANES * LANES;

    if (!urs_mul_size(&rows, (size_t)options->classes, (size_t)centres) || !urs_mul_size(&row_floats, rows, a->stride) ||
        !urs_mul_size(&batch_floats, (size_t)options->batch, a->stride) || !urs_mul_size(&table, (size_t)options->batch, (size_t)options->classes) ||
        !urs_mul_size(&bytes, row_floats, sizeof(float)) || !urs_mul_size(&bytes, batch_floats, sizeof(float)) ||
        !urs_mul_size(&bytes, table, sizeof(float))) {
        status = urs_fail(err, URS_ELIMIT, "ArcFace with %d classes of %d centres is too large", options->classes, centres);
        goto done;
    }
    a->e = urs_aligned_new(batch_floats * sizeof(float));
    a->d_e = urs_aligned_new(batch_floats * sizeof(float));
    a->d_row = urs_aligned_new(a->stride * sizeof(float));
    a->w = urs_aligned_new(row_floats * sizeof(float));
    a->cosine = urs_aligned_new(table * sizeof(float));
    a->nearest = urs_array_new(table, sizeof(*a->nearest));
    a->e_norm = urs_array_new((size_t)options->batch, sizeof(float));
    a->w_norm = urs_array_new(rows, sizeof(float));
    if (options->class_margins)
        a->class_margins = urs_array_new((size_t)options->classes, sizeof(float));
    if (!a->e || !a->d_e || !a->d_row || !a->w || !a->cosine || !a->nearest || !a->e_norm || !a->w_norm ||
        (options->class_margins && !a->class_margins)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for ArcFace with %d classes", options->classes);
        goto done;
    }
    if (options->class_margins)
        memcpy(a->class_margins, options->class_margins, (size_t)options->classes * sizeof(float));
    *out = a;
    a = NULL;
done:
    urs_arcface_free(a);
    return status;
}

void urs_arcface_free(urs_arcface *a)
{
    if (!a)
        return;
    urs_aligned_free(a->e);
    urs_aligned_free(a->d_e);
    urs_aligned_free(a->d_row);
    urs_aligned_free(a->w);
    urs_aligned_free(a->cosine);
    urs_free(a->nearest);
    urs_free(a->e_norm);
    urs_free(a->w_norm);
    urs_free(a->class_margins);
    urs_free(a);
}

size_t urs_arcface_weights(const urs_arcface *a)
{
    return (size_t)a->classes * (size_t)a->centres * (size_t)a->dims;
}

void urs_arcface_init(const urs_arcface *a, float *weight, uint64_t seed)
{
    urs_random random;

    urs_random_init(&random, seed);
    for (size_t i = 0; i < urs_arcface_weights(a); i++)
        weight[i] = (float)urs_random_normal(&random);
}

static float dot(const float *restrict x, const float *restrict y, size_t n)
{
    float lanes[LANES] = {0};
    float sum = 0;

    for (size_t i = 0; i < n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += x[i + k] * y[i + k];
    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static void add_scaled(float *restrict y, const float *restrict x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

/* Rows of `dims` floats to unit length, in rows of `stride`. */
static void normalise(float *out, float *norms, const float *in, size_t rows, size_t dims, size_t stride)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = in + r * dims;
        float *y = out + r * stride;
        double sum = 0;
        float factor;

        for (size_t i = 0; i < dims; i++)
            sum += (double)x[i] * (double)x[i];
        norms[r] = fmaxf((float)sqrt(sum), 1e-12f); /* torch.nn.functional.normalize's eps */
        factor = 1 / norms[r];
        for (size_t i = 0; i < dims; i++)
            y[i] = x[i] * factor;
    }
}

static void find_cosines(urs_arcface *a, int32_t n)
{
    const size_t classes = (size_t)a->classes, centres = (size_t)a->centres;

    for (size_t c = 0; c < classes; c++)
        for (size_t k = 0; k < centres; k++) {
            const float *w = a->w + (c * centres + k) * a->stride;

            for (size_t i = 0; i < (size_t)n; i++) {
                const float cosine = dot(a->e + i * a->stride, w, a->stride);
                const size_t at = i * classes + c;

                if (k == 0 || cosine > a->cosine[at]) {
                    a->cosine[at] = cosine;
                    a->nearest[at] = (int32_t)k;
                }
            }
        }
}

/* Logit of the right class without the scale, and its derivative by the cosine. */
static double target_logit(const urs_arcface *a, double cosine, int32_t label, double *slope)
{
    const double m = a->class_margins ? (double)a->class_margins[label] : a->margin;
    const double c = fmax(-1, fmin(1, cosine));
    const double sine = sqrt(fmax(1 - c * c, 1e-7));

    if (a->easy_margin ? c > 0 : acos(c) <= PI - m) {
        *slope = cos(m) + c * sin(m) / sine;
        return c * cos(m) - sqrt(fmax(1 - c * c, 0)) * sin(m);
    }
    *slope = 1;
    return a->easy_margin ? c : c - m * sin(m);
}

/* Cross-entropy of one row; its cosines become its gradient. `factor`: weight of the row over the normaliser. */
static double row_loss(const urs_arcface *a, float *cosine, int32_t label, double factor, bool *right)
{
    const double s = a->scale;
    double slope, target = target_logit(a, (double)cosine[label], label, &slope), top = target, sum = 0, log_sum;

    *right = true;
    for (int32_t c = 0; c < a->classes; c++) {
        if (c == label)
            continue;
        top = fmax(top, (double)cosine[c]);
        if (cosine[c] > cosine[label])
            *right = false;
    }
    for (int32_t c = 0; c < a->classes; c++)
        sum += exp(s * ((c == label ? target : (double)cosine[c]) - top));
    log_sum = s * top + log(sum);
    for (int32_t c = 0; c < a->classes; c++) {
        const double p = exp(s * (c == label ? target : (double)cosine[c]) - log_sum);

        cosine[c] = (float)(factor * s * (c == label ? (p - 1) * slope : p));
    }
    return log_sum - s * target;
}

/* x/|x| has the Jacobian (I - u u^T)/|x|: takes the part of d along u away. */
static void through_norm(float *out, const float *d, const float *unit, float norm, size_t dims, size_t stride)
{
    const float along = dot(d, unit, stride);

    for (size_t i = 0; i < dims; i++)
        out[i] = (d[i] - along * unit[i]) / norm;
}

/* Gradients of both sides from the gradient by the cosines, one centre at a time while its row is in the cache. */
static void backward(urs_arcface *a, float *d_embeddings, float *d_weight, int32_t n)
{
    const size_t classes = (size_t)a->classes, centres = (size_t)a->centres, stride = a->stride, dims = (size_t)a->dims;

    memset(a->d_e, 0, (size_t)n * stride * sizeof(float));
    for (size_t c = 0; c < classes; c++)
        for (size_t k = 0; k < centres; k++) {
            const size_t row = c * centres + k;

            memset(a->d_row, 0, stride * sizeof(float));
            for (size_t i = 0; i < (size_t)n; i++) {
                const float g = a->cosine[i * classes + c];

                if (a->nearest[i * classes + c] != (int32_t)k || g == 0)
                    continue;
                add_scaled(a->d_e + i * stride, a->w + row * stride, g, stride);
                if (d_weight)
                    add_scaled(a->d_row, a->e + i * stride, g, stride);
            }
            if (d_weight)
                through_norm(d_weight + row * dims, a->d_row, a->w + row * stride, a->w_norm[row], dims, stride);
        }
    for (size_t i = 0; d_embeddings && i < (size_t)n; i++)
        through_norm(d_embeddings + i * dims, a->d_e + i * stride, a->e + i * stride, a->e_norm[i], dims, stride);
}

urs_status urs_arcface_run(urs_arcface *a, double *value, float *d_embeddings, float *d_weight, int64_t *correct, const float *embeddings,
                           const int32_t *labels, const float *sample_weights, int32_t n, const float *weight, double normaliser, urs_error *err)
{
    double sum = 0;
    int64_t hits = 0;

    if (n < 1 || n > a->batch)
        return urs_fail(err, URS_EINVAL, "ArcFace got %d embeddings, made for 1 to %d", n, a->batch);
    for (int32_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= a->classes)
            return urs_fail(err, URS_EINVAL, "label %d of embedding %d, but ArcFace has %d classes", labels[i], i, a->classes);
    if (!(normaliser > 0))
        normaliser = (double)n;

    normalise(a->e, a->e_norm, embeddings, (size_t)n, (size_t)a->dims, a->stride);
    normalise(a->w, a->w_norm, weight, (size_t)a->classes * (size_t)a->centres, (size_t)a->dims, a->stride);
    find_cosines(a, n);
    for (int32_t i = 0; i < n; i++) {
        const double factor = (sample_weights ? (double)sample_weights[i] : 1.0) / normaliser;
        bool right;

        sum += factor * row_loss(a, a->cosine + (size_t)i * (size_t)a->classes, labels[i], factor, &right);
        hits += right;
    }
    if (d_embeddings || d_weight)
        backward(a, d_embeddings, d_weight, n);
    *value = sum;
    if (correct)
        *correct = hits;
    return URS_OK;
}
