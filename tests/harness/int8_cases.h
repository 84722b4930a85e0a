/* Random int8 graphs of one operator each, for comparisons: our oracles with TFLite, fast kernels with the oracles, files with what was written.
 *
 * Case (kind, seed) is the same on every machine. Shapes, strides, scales, zero points, weights and attributes are drawn so that outputs use their whole range and every odd size comes up. */
#ifndef URS_TESTS_INT8_CASES_H
#define URS_TESTS_INT8_CASES_H

#include "int8/int8_graph.h"

/* A finished graph; owned. small: outputs of a few hundred bytes, for golden files. */
urs_status urs_int8_case_new(urs_int8_graph **out, urs_int8_kind kind, uint64_t seed, bool small, urs_error *err) URS_CHECKED;

/* Random bytes for the inputs of a graph; inputs[i] owned (urs_free). Float inputs get numbers that a picture might have. */
urs_status urs_int8_case_inputs(void *inputs[URS_INT8_INPUTS_MAX], const urs_int8_graph *g, uint64_t seed, urs_error *err) URS_CHECKED;

/* Cases 1 .. seeds of every kind, under names like "CONV_2D_001"; an error names the case. */
typedef urs_status urs_int8_case_fn(void *context, const char *name, const urs_int8_graph *g, uint64_t seed, urs_error *err);
urs_status urs_int8_cases_each(int seeds, bool small, urs_int8_case_fn *visit, void *context, urs_error *err) URS_CHECKED;

#endif
