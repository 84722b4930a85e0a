/* Vectors that everybody needs. Thread safe: no state. */
#ifndef URS_BASE_VECTOR_H
#define URS_BASE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* v / |v| in place, length summed in double. false, v untouched: the length is zero or not finite. */
bool urs_normalise(float *v, int32_t dim);

float urs_dot(const float *restrict a, const float *restrict b, int32_t n);

/* Dot products of one query with `rows` rows of `dim` floats (row stride dim) into scores[rows]; the inner loop of every search. */
void urs_dot_rows(const float *restrict matrix, size_t rows, int32_t dim, const float *restrict query, float *restrict scores);

#endif
