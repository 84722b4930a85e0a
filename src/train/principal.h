/* Principal components of many long rows: the directions of largest variance, by subspace iteration (Rutishauser 1970).
 *
 *      C = X^T X / n,  X [n,d]          Q [d,k] random, orthonormal
 *      repeat: Q = orthonormal(C Q);    then rotate Q so that Q^T C Q is diagonal (Rayleigh and Ritz; Jacobi's method on k x k)
 *
 * For d of some thousands, where a full decomposition would take minutes. Deterministic in the seed; one thread. */
#ifndef URS_TRAIN_PRINCIPAL_H
#define URS_TRAIN_PRINCIPAL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* rows [n][d]: centred by the caller; borrowed. components [k][d]: orthonormal rows, largest variance first; variance [k]. Directions that the rows do not have (k above their
 * rank) get variance 0. k <= d <= 16384. URS_EINVAL, URS_ELIMIT, URS_ENOMEM; a result that is not finite: URS_EINVAL. */
urs_status urs_principal_components(float *components, float *variance, const float *rows, size_t n, size_t d, size_t k, uint64_t seed, urs_error *err) URS_CHECKED;

#endif
