/* Vectors that everybody needs. Thread safe: no state. */
#ifndef URS_BASE_VECTOR_H
#define URS_BASE_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

/* v / |v| in place, length summed in double. false, v untouched: the length is zero or not finite. */
bool urs_normalise(float *v, int32_t dim);

#endif
