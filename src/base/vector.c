/* Vectors; see vector.h. */
#include "base/vector.h"

#include <math.h>

bool urs_normalise(float *v, int32_t dim)
{
    double sum = 0;
    for (int32_t i = 0; i < dim; i++)
        sum += (double)v[i] * (double)v[i];
    if (!(isfinite(sum) && sum > 0))
        return false;
    sum = 1 / sqrt(sum);
    for (int32_t i = 0; i < dim; i++)
        v[i] = (float)((double)v[i] * sum);
    return true;
}

/* Four lanes in one register: GCC and Clang both have the notation, and it lets the compiler add in an order that plain float sums forbid. Baseline instructions are enough, memory is what
 * limits. */
typedef float lanes __attribute__((vector_size(16), aligned(4), may_alias));

float urs_dot(const float *restrict a, const float *restrict b, int32_t n)
{
    lanes part[4] = {{0}, {0}, {0}, {0}};
    float sum = 0;
    int32_t i = 0;
    for (; i + 16 <= n; i += 16) {
        part[0] += *(const lanes *)(a + i) * *(const lanes *)(b + i);
        part[1] += *(const lanes *)(a + i + 4) * *(const lanes *)(b + i + 4);
        part[2] += *(const lanes *)(a + i + 8) * *(const lanes *)(b + i + 8);
        part[3] += *(const lanes *)(a + i + 12) * *(const lanes *)(b + i + 12);
    }
    for (; i < n; i++)
        sum += a[i] * b[i];
    part[0] = (part[0] + part[1]) + (part[2] + part[3]);
    return sum + ((part[0][0] + part[0][1]) + (part[0][2] + part[0][3]));
}

void urs_dot_rows(const float *restrict matrix, size_t rows, int32_t dim, const float *restrict query, float *restrict scores)
{
    for (size_t r = 0; r < rows; r++)
        scores[r] = urs_dot(matrix + r * (size_t)dim, query, dim);
}
