/* Embeddings for other programs: a NumPy array file and a CSV that says what its rows are.
 *
 *      .npy, version 1.0   "\x93NUMPY" 01 00 | u16 length of the header | header text, spaces, "\n" up to a multiple of 64 | rows * dim f32, little-endian, row after row
 *                          {'descr': '<f4', 'fortran_order': False, 'shape': (rows, dim), }
 *
 * Format: numpy.lib.format. Thread safe. */
#ifndef URS_INTERCHANGE_NPY_H
#define URS_INTERCHANGE_NPY_H

#include "base/error.h"

#include <stddef.h>

/* data [rows][dim], borrowed. Replaces the file in one act. */
urs_status urs_npy_write(const char *path, const float *data, size_t rows, size_t dim, urs_error *err) URS_CHECKED;

#endif
