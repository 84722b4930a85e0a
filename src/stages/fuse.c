/* Several chips of one head as one vector; see fuse.h. */
#include "stages/fuse.h"

#include "base/vector.h"

#include <math.h>
#include <string.h>

#define WEIGHT_LEAST 1e-3

static int grey(const urs_image *image, int32_t x, int32_t y)
{
    const uint8_t *p = urs_image_at(image, x, y);
    return image->channels == 3 ? (p[0] * 299 + p[1] * 587 + p[2] * 114 + 500) / 1000 : p[0];
}

double urs_chip_sharpness(const urs_image *chip)
{
    double sum = 0, squares = 0, n = 0, mean;
    for (int32_t y = 1; y + 1 < chip->height; y++)
        for (int32_t x = 1; x + 1 < chip->width; x++) {
            const int centre = grey(chip, x, y), up = grey(chip, x, y - 1), down = grey(chip, x, y + 1), left = grey(chip, x - 1, y), right = grey(chip, x + 1, y);
            const double laplacian = up + down + left + right - 4 * centre;
            if (!centre || !up || !down || !left || !right)
                continue;
            sum += laplacian;
            squares += laplacian * laplacian;
            n++;
        }
    if (n < 1)
        return 0;
    mean = sum / n;
    return sqrt(fmax(0, squares / n - mean * mean));
}

double urs_chip_weight(double side, double sharpness)
{
    const double w = side * sharpness;
    return w > WEIGHT_LEAST ? w : WEIGHT_LEAST;
}

bool urs_embeddings_fuse(float *out, const float *embedding, int32_t dim, const size_t *rows, const double *weight, size_t n)
{
    memset(out, 0, (size_t)dim * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (int32_t d = 0; d < dim; d++)
            out[d] += (float)(weight ? weight[i] : 1) * embedding[rows[i] * (size_t)dim + (size_t)d];
    if (urs_normalise(out, dim))
        return true;
    memset(out, 0, (size_t)dim * sizeof *out);
    return false;
}
