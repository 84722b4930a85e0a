/* One vector from several chips of one head: the frames of an event, each as much as it is worth.
 *
 *      v = sum_i weight_i * v_i, to length 1        weight_i = side_i * sharpness_i
 *
 * Thread safe: no state. */
#ifndef URS_STAGES_FUSE_H
#define URS_STAGES_FUSE_H

#include "image/image.h"

/* Standard deviation of the Laplacian of the grey picture (Pech-Pacheco et al. 2000), black pixels, which a mask leaves, and their neighbours not counted; 0: nothing to measure. */
double urs_chip_sharpness(const urs_image *chip);

/* side: width of the head in pixels of its photograph. Not below a small positive number, so that a chip is never worth nothing. */
double urs_chip_weight(double side, double sharpness);

/* rows: n numbers of rows of `embedding` [..][dim]; weight [n], NULL: all the same. out [dim], may not overlap. False, out zero: they cancel each other out. */
bool urs_embeddings_fuse(float *out, const float *embedding, int32_t dim, const size_t *rows, const double *weight, size_t n);

#endif
