/* Inside of src/edge: one picture through two engines. See engine_ladder.h. */
#ifndef URS_EDGE_ENGINE_CHECK_H
#define URS_EDGE_ENGINE_CHECK_H

#include "stages/network.h"

/* Mean distance of an engine that is right: roundings differ by one step here and there, other weights by dozens. */
#define URS_ENGINE_SAME_STEPS 1.0

/* All outputs of the network, one after the other, for a picture of waves and noise that is always the same. *out: owned. */
urs_status urs_engine_test_outputs(float **out, const urs_network *network, urs_executor *executor, urs_error *err) URS_CHECKED;

/* Mean distance of two such blocks, in steps of each output's scale. */
double urs_engine_distance(const urs_network *network, const float *a, const float *b);

#endif
