/* The reference backend, private part: what its kernels share.
 *
 * Every operation is a pair of plain functions, forward and backward, collected in one record. The family files (ref_conv.c, ref_norm.c ...) are compiled
 * twice, once for float and once for double (ref_real.h); both compute in double and only load and store `real`, so that the float kernels are as exact as
 * their storage allows. They are built with -ffp-contract=off: the same bytes from every compiler and on every machine.
 *
 * Definitions that every backend must reproduce bit for bit, because random masks have no tolerance:
 *
 *      DROPOUT     one generator a kernel and step: urs_random_init_stream(&r, *seed, salt). One u = urs_random_unit(&r) for each element, in NCHW order
 *                  (n slowest, w fastest, no padded channels), whatever the layout. The element is dropped (0) when u < p, p being attr.p widened to
 *                  double; others are multiplied by 1/(1-p), computed in double and rounded to the element type.
 *      DROP_PATH   the same generator, one u for each sample n in order; the whole sample is dropped when u < p.
 *
 * Both draw even when p is 0. `saved` holds one byte for each draw in that order: 1 kept, 0 dropped. (Another backend may save its mask in another
 * form; only which values are dropped is fixed.)
 *
 * Further conventions, all PyTorch's: the slope of ReLU, ReLU6 and hard-sigmoid at a corner is 0, hard-swish has slope 0 below -3 and 1 above 3; of equal
 * maxima in a pool the first in row order gets the gradient; nearest resize reads floor(i * (float)(in/out)); bilinear resize reads
 * max(0, (i + 0.5) * in/out - 0.5); l2_norm passes no gradient through a length below eps; the variance that batch norm divides by is the biased one, and
 * a batch with a single value a channel has variance 0 in both forms. */
#ifndef URS_COMPUTE_REF_H
#define URS_COMPUTE_REF_H

#include "compute/kernel.h"

typedef struct urs_ref_kernel urs_ref_kernel;
typedef void urs_ref_compute(const urs_ref_kernel *k);

struct urs_ref_kernel {
    urs_kernel base;
    urs_kernel_spec spec;
    urs_kernel_args args; /* borrowed addresses, from bind on */
    urs_ref_compute *compute;
};

/* What one operation is on this backend, for one element type. */
typedef struct urs_ref_op {
    urs_ref_compute *forward, *backward;
    size_t (*saved_bytes)(const urs_kernel_spec *spec);   /* (optional) asked only in training, of the same spec in both passes */
    size_t (*scratch_bytes)(const urs_kernel_spec *spec); /* (optional) */
} urs_ref_op;

#define URS_REF_OP(name) extern const urs_ref_op urs_ref_##name##_f32, urs_ref_##name##_f64
URS_REF_OP(conv);
URS_REF_OP(conv_transpose);
URS_REF_OP(linear);
URS_REF_OP(matmul);
URS_REF_OP(batch_norm);
URS_REF_OP(layer_norm);
URS_REF_OP(activation);
URS_REF_OP(softmax);
URS_REF_OP(max_pool);
URS_REF_OP(avg_pool);
URS_REF_OP(global_pool);
URS_REF_OP(resize);
URS_REF_OP(add);
URS_REF_OP(mul);
URS_REF_OP(concat);
URS_REF_OP(slice);
URS_REF_OP(dropout);
URS_REF_OP(drop_path);
URS_REF_OP(l2_norm);
URS_REF_OP(scale);
URS_REF_OP(fake_quant);
URS_REF_OP(attention);
URS_REF_OP(pad);
URS_REF_OP(merge);
URS_REF_OP(position);
#undef URS_REF_OP

/* Value and slope of an activation at x. */
double urs_ref_activate(urs_activation kind, double x);
double urs_ref_activate_slope(urs_activation kind, double x);

#endif
