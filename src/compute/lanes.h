/* Our own kernels on blocked layouts, for operations that only move and map numbers. Plain C that the compiler vectorises; the files lanes_*.c are compiled
 * once per instruction set (baseline, AVX2, AVX-512) and the widest table that the processor can run is chosen at run time. The plain twin
 * that they are tested against is the `ref` backend.
 *
 * Everything is written over strips: the pixels of one image and one group of up to 16 channels that lie side by side.
 *
 *      block 16:  strip = one channel block, contiguous            pixel stride 16, width 16
 *      block C:   strip = 16 channels out of C of every pixel      pixel stride C,  width <= 16
 *      block 1:   strip = one channel                              pixel stride 1,  width 1
 *
 * Padded channels of the last block hold zero and must hold zero after every kernel. Parameter vectors may be read up to the next multiple of 16 elements: the
 * parameter block guarantees it (graph.h). */
#ifndef URS_COMPUTE_LANES_H
#define URS_COMPUTE_LANES_H

#include "compute/kernel.h"

typedef void urs_lanes_run(const urs_kernel_spec *spec, const urs_kernel_args *args);

typedef struct urs_lanes_table {
    const char *name;
    urs_lanes_run *run[URS_OP_COUNT][2]; /* [op][pass]; NULL: not here */
    size_t (*scratch[URS_OP_COUNT])(const urs_kernel_spec *spec); /* bytes that the operation needs; NULL: none */
    urs_lanes_run *depthwise[2];         /* CONV with one channel per group, 3x3, 5x5 and 7x7 */
} urs_lanes_table;

extern const urs_lanes_table urs_lanes_baseline, urs_lanes_avx2, urs_lanes_avx512;

/* The tables that this processor can run, widest first; NULL past the last. */
const urs_lanes_table *urs_lanes_runnable(int32_t index);

/* A kernel (owned) from one table; *out stays as it is where the table has none for this specification. */
urs_status urs_lanes_new_from(urs_kernel **out, const urs_lanes_table *table, const urs_kernel_spec *spec, urs_error *err) URS_CHECKED;

#endif
