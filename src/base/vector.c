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
