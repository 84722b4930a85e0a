/* Principal components: of rows that were made from known directions. */
#include "base/memory.h"
#include "base/random.h"
#include "harness.h"
#include "train/principal.h"

#include <math.h>
#include <string.h>

enum { N = 600, D = 40, K = 4 };

static double dot_rows(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Row = sum of deviation[j] * normal * axis[j]; the axes are orthonormal pairs of coordinates: (e_2j + e_2j+1) / sqrt 2. */
static void known_directions_come_back(urs_test *t)
{
    static const double deviation[K] = {5, 3, 2, 1};
    float *rows = urs_array_new((size_t)N * D, sizeof *rows), *components = urs_array_new((size_t)K * D, sizeof *components), variance[K];
    double square[K] = {0};
    urs_random random;
    urs_error err = {0};
    urs_random_init(&random, 7);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < K; j++) {
            const double x = deviation[j] * urs_random_normal(&random) * sqrt(0.5);
            rows[i * D + 2 * j] += (float)x;
            rows[i * D + 2 * j + 1] += (float)x;
            square[j] += 2 * x * x / N;
        }
    URS_REQUIRE_OK(t, urs_principal_components(components, variance, rows, N, D, K, 1, &err), err);
    for (int j = 0; j < K; j++) {
        /* Samples are correlated a little, so the axes turn by about 1/sqrt(N). */
        URS_CHECK_NEAR(t, fabs(components[j * D + 2 * j] + components[j * D + 2 * j + 1]) * sqrt(0.5), 1, 0.02);
        URS_CHECK_NEAR(t, variance[j] / square[j], 1, 0.03);
        for (int k = 0; k <= j; k++)
            URS_CHECK_NEAR(t, dot_rows(components + j * D, components + k * D), j == k, 1e-5);
    }
    urs_free(rows);
    urs_free(components);
}

/* Exactly: projections on the components are uncorrelated, and their mean squares are the variances. */
static void projections_are_uncorrelated(urs_test *t)
{
    float *rows = urs_array_new((size_t)N * D, sizeof *rows), *components = urs_array_new((size_t)K * D, sizeof *components), *again = urs_array_new((size_t)K * D, sizeof *again);
    float variance[K];
    double cross[K][K] = {{0}};
    urs_random random;
    urs_error err = {0};
    urs_random_init(&random, 3);
    for (int i = 0; i < N * D; i++)
        rows[i] = (float)(urs_random_normal(&random) * (i % D < 2 * K ? 6 - i % D / 2 : 0.5));
    URS_REQUIRE_OK(t, urs_principal_components(components, variance, rows, N, D, K, 1, &err), err);
    for (int i = 0; i < N; i++)
        for (int a = 0; a < K; a++)
            for (int b = 0; b < K; b++)
                cross[a][b] += dot_rows(rows + i * D, components + a * D) * dot_rows(rows + i * D, components + b * D) / N;
    for (int a = 0; a < K; a++)
        for (int b = 0; b < K; b++)
            URS_CHECK_NEAR(t, cross[a][b] / (double)variance[0], a == b ? (double)variance[a] / (double)variance[0] : 0, 1e-4);
    for (int a = 1; a < K; a++)
        URS_CHECK(t, variance[a] <= variance[a - 1]);
    URS_REQUIRE_OK(t, urs_principal_components(again, variance, rows, N, D, K, 1, &err), err);
    URS_CHECK(t, memcmp(again, components, (size_t)K * D * sizeof *again) == 0);
    urs_free(rows);
    urs_free(components);
    urs_free(again);
}

static void poor_rows_and_wrong_sizes(urs_test *t)
{
    const float two[2][3] = {{1, 0, 0}, {-1, 0, 0}}, wrong[1][3] = {{INFINITY, 0, 0}};
    float components[4 * 3], variance[4];
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_principal_components(components, variance, two[0], 2, 3, 3, 1, &err), err);
    URS_CHECK_NEAR(t, fabs(components[0]), 1, 1e-5);
    URS_CHECK_NEAR(t, variance[0], 1, 1e-5);
    URS_CHECK_NEAR(t, variance[1], 0, 1e-5);
    URS_CHECK_NEAR(t, variance[2], 0, 1e-5);
    URS_CHECK_INT(t, urs_principal_components(components, variance, two[0], 2, 3, 4, 1, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_principal_components(components, variance, two[0], 0, 3, 1, 1, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_principal_components(components, variance, wrong[0], 1, 3, 1, 1, &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {{"known_directions_come_back", known_directions_come_back},
                                     {"projections_are_uncorrelated", projections_are_uncorrelated},
                                     {"poor_rows_and_wrong_sizes", poor_rows_and_wrong_sizes}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
