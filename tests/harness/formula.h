/* Numbers that C and Python make alike, so that golden tests need no committed weights or pictures. Twin: tools/golden/formula.py.
 *
 *      bits(name, i) = splitmix64(fnv1a64(name) + i)         (urs_random_mix)
 *      unit(name, i) = (bits >> 11) / 2^53                   in [0, 1)
 *      value         = float32(low + (high - low) * unit)    computed in double, rounded once
 *
 * Parameters by their name and rank:
 *
 *      *.running_mean, *.bias            low -0.1, high 0.1
 *      *.running_var, *.weight rank 1    low 0.5, high 1.5     (norms)
 *      *layer_scale                      low 0.2, high 0.6
 *      *relative_position_bias_table     low -1, high 1
 *      *.bn3.weight                      low 0.05, high 0.15   (ends the residual branches of ResNet-50: larger ones make its gradients chaotic)
 *      *.weight rank 2..4                +- sqrt(6 / (count / shape[0]))
 */
#ifndef URS_TESTS_FORMULA_H
#define URS_TESTS_FORMULA_H

#include "nn/graph.h"

uint64_t urs_formula_hash(const char *name);
double urs_formula_unit(uint64_t hash, uint64_t index);
void urs_formula_fill(float *out, size_t count, const char *name, double low, double high);
void urs_formula_fill_f64(double *out, size_t count, const char *name, double low, double high); /* the same values */

/* All parameters and buffers of a graph; the gaps between them stay as they are. */
void urs_formula_params(const urs_graph *graph, float *block);

/* Element whose value is sample `sample` of a tensor: bits(name + "#", sample) % count. */
size_t urs_formula_sample(const char *name, uint64_t sample, size_t count);

#endif
