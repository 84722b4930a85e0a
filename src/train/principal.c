/* Principal components by subspace iteration; see principal.h. */
#include "train/principal.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

#define SIDE_MAX 16384
#define ITERATIONS 8
#define SWEEPS_MAX 30
#define GROUP 8

/* c [m][w] += sum over r < GROUP of a[r][m]^T b[r][w]: eight rows at a time, so that c is read and written an eighth as often. */
static void add_outer(float *restrict c, const float *a, size_t a_stride, size_t m, const float *restrict b, size_t b_stride, size_t w, size_t count)
{
    for (size_t i = 0; i < m; i++) {
        float factor[GROUP] = {0};
        float *restrict row = c + i * w;
        for (size_t r = 0; r < count; r++)
            factor[r] = a[r * a_stride + i];
        if (count == GROUP) {
            for (size_t j = 0; j < w; j++)
                row[j] += factor[0] * b[j] + factor[1] * b[b_stride + j] + factor[2] * b[2 * b_stride + j] + factor[3] * b[3 * b_stride + j] + factor[4] * b[4 * b_stride + j] +
                          factor[5] * b[5 * b_stride + j] + factor[6] * b[6 * b_stride + j] + factor[7] * b[7 * b_stride + j];
        } else {
            for (size_t r = 0; r < count; r++)
                for (size_t j = 0; j < w; j++)
                    row[j] += factor[r] * b[r * b_stride + j];
        }
    }
}

/* c [m][w] = a^T b for a [n][m], b [n][w]. */
static void transposed_product(float *c, const float *a, size_t m, const float *b, size_t w, size_t n)
{
    memset(c, 0, m * w * sizeof *c);
    for (size_t r = 0; r < n; r += GROUP)
        add_outer(c, a + r * m, m, m, b + r * w, w, w, n - r < GROUP ? n - r : GROUP);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Gram and Schmidt on the k rows of q [k][d], each twice ("twice is enough"). A row that lies in those before it becomes a fresh random one. */
static void orthonormalise(float *q, size_t k, size_t d, urs_random *random)
{
    for (size_t i = 0; i < k; i++) {
        float *row = q + i * d;
        for (int attempt = 0; attempt < 3; attempt++) {
            const double before = sqrt(dot(row, row, d));
            double length;
            for (int pass = 0; pass < 2; pass++)
                for (size_t j = 0; j < i; j++) {
                    const float *other = q + j * d;
                    const float along = (float)dot(row, other, d);
                    for (size_t e = 0; e < d; e++)
                        row[e] -= along * other[e];
                }
            length = sqrt(dot(row, row, d));
            if (length > 1e-6 * before && length > 0) {
                const float factor = (float)(1 / length);
                for (size_t e = 0; e < d; e++)
                    row[e] *= factor;
                break;
            }
            for (size_t e = 0; e < d; e++)
                row[e] = (float)urs_random_normal(random);
        }
    }
}

/* Jacobi's method: t [k][k] symmetric becomes diagonal, v [k][k] gets the eigenvectors as rows. */
static void diagonalise(double *t, double *v, size_t k)
{
    for (size_t i = 0; i < k * k; i++)
        v[i] = i / k == i % k;
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double off = 0, all = 0;
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) {
                all += t[i * k + j] * t[i * k + j];
                off += i == j ? 0 : t[i * k + j] * t[i * k + j];
            }
        if (!(off > 1e-14 * all))
            return;
        for (size_t p = 0; p + 1 < k; p++)
            for (size_t q = p + 1; q < k; q++) {
                const double apq = t[p * k + q];
                double theta, tangent, c, s;
                if (apq == 0)
                    continue;
                theta = (t[q * k + q] - t[p * k + p]) / (2 * apq);
                tangent = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                c = 1 / sqrt(tangent * tangent + 1);
                s = tangent * c;
                for (size_t e = 0; e < k; e++) { /* rows, then columns */
                    const double x = t[p * k + e], y = t[q * k + e];
                    t[p * k + e] = c * x - s * y;
                    t[q * k + e] = s * x + c * y;
                }
                for (size_t e = 0; e < k; e++) {
                    const double x = t[e * k + p], y = t[e * k + q];
                    t[e * k + p] = c * x - s * y;
                    t[e * k + q] = s * x + c * y;
                }
                for (size_t e = 0; e < k; e++) {
                    const double x = v[p * k + e], y = v[q * k + e];
                    v[p * k + e] = c * x - s * y;
                    v[q * k + e] = s * x + c * y;
                }
            }
    }
}

/* components: q turned by the eigenvectors of q C q^T, largest eigenvalue first. image [k][d] = q C. */
static urs_status rotate(float *components, float *variance, const float *q, const float *image, size_t k, size_t d, urs_error *err)
{
    double *t = urs_array_new(k * k, sizeof *t), *v = urs_array_new(k * k, sizeof *v);
    urs_status status = t && v ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu components", k);
    for (size_t i = 0; status == URS_OK && i < k; i++)
        for (size_t j = 0; j <= i; j++)
            t[i * k + j] = t[j * k + i] = 0.5 * (dot(q + i * d, image + j * d, d) + dot(q + j * d, image + i * d, d));
    if (status == URS_OK)
        diagonalise(t, v, k);
    for (size_t i = 0; status == URS_OK && i < k; i++) {
        size_t best = 0;
        for (size_t j = 1; j < k; j++)
            best = t[j * k + j] > t[best * k + best] ? j : best;
        variance[i] = (float)fmax(t[best * k + best], 0);
        if (!isfinite(t[best * k + best]))
            status = urs_fail(err, URS_EINVAL, "principal components of numbers that are not finite");
        t[best * k + best] = -INFINITY; /* taken */
        memset(components + i * d, 0, d * sizeof *components);
        for (size_t j = 0; j < k; j++) {
            const float factor = (float)v[best * k + j];
            for (size_t e = 0; e < d; e++)
                components[i * d + e] += factor * q[j * d + e];
        }
    }
    urs_free(t);
    urs_free(v);
    return status;
}

urs_status urs_principal_components(float *components, float *variance, const float *rows, size_t n, size_t d, size_t k, uint64_t seed, urs_error *err)
{
    float *covariance = NULL, *q = NULL, *image = NULL, *across = NULL;
    urs_random random;
    urs_status status = URS_OK;
    if (n < 1 || k < 1 || k > d)
        return urs_fail(err, URS_EINVAL, "%zu components of %zu rows of %zu numbers", k, n, d);
    if (d > SIDE_MAX)
        return urs_fail(err, URS_ELIMIT, "principal components of rows of %zu numbers, more than %d", d, SIDE_MAX);
    covariance = urs_array_new(d * d, sizeof *covariance);
    q = urs_array_new(k * d, sizeof *q);
    image = urs_array_new(k * d, sizeof *image);
    across = urs_array_new(k * d, sizeof *across);
    if (!covariance || !q || !image || !across) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a covariance of %zu x %zu", d, d);
        goto done;
    }
    transposed_product(covariance, rows, d, rows, d, n);
    for (size_t i = 0; i < d * d; i++)
        covariance[i] /= (float)n;
    urs_random_init(&random, seed);
    for (size_t i = 0; i < k * d; i++)
        q[i] = (float)urs_random_normal(&random);
    orthonormalise(q, k, d, &random);
    for (int iteration = 0; iteration <= ITERATIONS; iteration++) {
        for (size_t i = 0; i < k; i++)
            for (size_t e = 0; e < d; e++)
                across[e * k + i] = q[i * d + e];
        transposed_product(image, across, k, covariance, d, d); /* [k][d] = q C, C being symmetric */
        if (iteration == ITERATIONS)
            break;
        memcpy(q, image, k * d * sizeof *q);
        orthonormalise(q, k, d, &random);
    }
    status = rotate(components, variance, q, image, k, d, err);
done:
    urs_free(covariance);
    urs_free(q);
    urs_free(image);
    urs_free(across);
    return status;
}
