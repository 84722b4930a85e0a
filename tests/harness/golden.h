/* Golden files: named tensors computed by a reference implementation (scripts in tools/golden), committed under tests/golden.
 *
 * Format "URSGOLD1", little-endian, written by tools/golden/golden_file.py:
 *
 *      +----------+-------+--------------------------------------------------------------------+--- ...
 *      | URSGOLD1 | count | tensor 0                                                           | tensor 1
 *      | 8 bytes  | u32   | u16 name length | name | u8 dtype | u8 rank | i64 dims[rank] | data |
 *      +----------+-------+--------------------------------------------------------------------+--- ...
 *
 *      dtype: 0 float32, 1 float64, 2 int64; data in row-major order, no gaps anywhere; rank 0 to 8; nothing follows the last tensor
 *
 *      urs_golden *g;
 *      URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/ops.gold", &err), err);
 *      const urs_golden_tensor *y = urs_golden_find(g, "conv/plain/out");
 *
 * Values are converted on opening, so a test reads `f64` (or `i64`) whatever the file stores. */
#ifndef URS_TESTS_GOLDEN_H
#define URS_TESTS_GOLDEN_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum urs_golden_dtype { URS_GOLDEN_F32, URS_GOLDEN_F64, URS_GOLDEN_I64 } urs_golden_dtype;

typedef struct urs_golden_tensor {
    char *name;             /* zero-terminated */
    urs_golden_dtype dtype; /* as stored */
    int rank;
    int64_t dims[8];
    size_t count;           /* elements; 1 for rank 0 */
    double *f64;            /* values as double, for every dtype */
    float *f32;             /* values as float; NULL for int64 */
    int64_t *i64;           /* values of int64; NULL for the others */
} urs_golden_tensor;

typedef struct urs_golden {
    urs_golden_tensor *items;
    size_t count;
} urs_golden;

/* Owned: release with urs_golden_close. URS_ENOTFOUND, URS_EFORMAT (says at which tensor), URS_ENOMEM. */
urs_status urs_golden_open(urs_golden **out, const char *path, urs_error *err) URS_CHECKED;
void urs_golden_close(urs_golden *g);

/* Borrowed; NULL when there is none of that name. The name is made as by printf. */
const urs_golden_tensor *urs_golden_find(const urs_golden *g, const char *format, ...) URS_PRINTF(2, 3);

/* Largest |a-b| / max(|b|, floor) over count values, b being the reference's. NaN anywhere gives infinity. */
double urs_golden_error_f32(const float *a, const urs_golden_tensor *b, double floor);
double urs_golden_error_f64(const double *a, const urs_golden_tensor *b, double floor);

/* Largest |a-b| over the largest |b|: the error relative to the whole tensor's size, for results that cancel. */
double urs_golden_scaled_error_f32(const float *a, const urs_golden_tensor *b);
double urs_golden_scaled_error_f64(const double *a, const urs_golden_tensor *b);

#endif
